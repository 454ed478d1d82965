//! What lists choose by, and what an agent learns of where a conversation stands.

use crate::world::World;
use serde_json::{Value, json};

/// The conversations of a list.
fn ids(page: &Value) -> Vec<&str> {
    page["cards"].as_array().unwrap().iter().map(|card| card["id"].as_str().unwrap()).collect()
}

// covers: C05 I02
#[tokio::test]
async fn a_stage_is_set_kept_told_and_chosen_by() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "hola").await;
    let id = visitor.conversation().await;
    let lucia = world.agent("lucia@example.com").await;
    let stages = lucia.get("/api/session").await.1["stages"].clone();
    assert_eq!(stages[0], json!({"id": "new", "names": {"es": "Nueva", "pt": "Nova", "en": "New"}}));

    let address = format!("/api/conversations/{id}");
    assert_eq!(lucia.patch(&address, json!({"stage": "won"})).await.1["stage"], "won");
    let (status, problem) = lucia.patch(&address, json!({"stage": "sold"})).await;
    assert_eq!((status, problem["detail"].as_str().unwrap()), (422, "stage: there is no stage `sold`"));
    let items = lucia.get(&format!("{address}/items")).await.1;
    let told = items["items"].as_array().unwrap().iter().find(|item| item["kind"] == "stage_changed").unwrap();
    assert_eq!((&told["stage"], &told["actor"]["kind"]), (&json!("won"), &json!("agent")));

    assert_eq!(ids(&lucia.get("/api/conversations?stage=won").await.1), [id.as_str()]);
    assert!(ids(&lucia.get("/api/conversations?stage=new").await.1).is_empty());
    assert_eq!(lucia.patch(&address, json!({"stage": null})).await.1["stage"], Value::Null);
    assert!(ids(&lucia.get("/api/conversations?stage=won").await.1).is_empty());
    world.stop().await;
}

// covers: I02
#[tokio::test]
async fn the_country_comes_from_our_proxy_else_from_the_time_zone_and_else_is_not_known() {
    let world = World::with(|config| {
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config.country_header = Some("cf-ipcountry".into());
    })
    .await;
    let lucia = world.agent("lucia@example.com").await;
    for (header, time_zone, country) in [
        ("PT", json!("America/Sao_Paulo"), json!({"code": "PT", "from": "address"})),
        ("XX", json!("America/Sao_Paulo"), json!({"code": "BR", "from": "time_zone"})),
        ("XX", json!("Nowhere/At_All"), Value::Null),
        ("XX", Value::Null, Value::Null),
    ] {
        let mut visitor = world.stranger();
        let hello = json!({"inbox": "shop", "time_zone": time_zone});
        visitor.comes_with(&world, hello, &[("cf-ipcountry", header)]).await;
        visitor.say("c1", "hola").await;
        let id = visitor.conversation().await;
        let detail = lucia.get(&format!("/api/conversations/{id}")).await.1;
        assert_eq!(detail["information"]["country"], country, "{header} {time_zone}");
    }
    world.stop().await;
}
