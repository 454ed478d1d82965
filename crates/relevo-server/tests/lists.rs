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

// covers: F01 H11
#[tokio::test]
async fn a_call_for_help_is_in_everybodys_list_until_one_joins_and_the_visitor_is_told_who() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "hola").await;
    let id = visitor.conversation().await;
    let (lucia, rui) = (world.agent("lucia@example.com").await, world.agent("rui@example.com").await);
    let address = |path: &str| format!("/api/conversations/{id}/{path}");
    assert_eq!(lucia.post(&address("help"), json!({})).await.0, 403, "nobody's yet");
    assert_eq!(lucia.post(&address("take-over"), json!({})).await.0, 200);
    assert_eq!(rui.post(&address("help"), json!({})).await.1["code"], "held_by_other");

    let called = lucia.post(&address("help"), json!({"note": "Which form?", "skill": "returns"})).await.1;
    let help = json!({"by": lucia.id(), "since": called["updated_at"], "note": "Which form?", "skill": "returns"});
    assert_eq!(called["help"], help);
    let needs_help = "/api/conversations?view=needs_help";
    assert_eq!(ids(&rui.get(needs_help).await.1), [id.as_str()]);
    assert_eq!(rui.get("/api/conversations/counts").await.1["needs_help"], 1);
    assert_eq!(lucia.ask("DELETE", &address("help"), Value::Null).await.1["help"], Value::Null);
    assert!(ids(&rui.get(needs_help).await.1).is_empty());

    lucia.post(&address("help"), json!({"note": " "})).await;
    let joined = rui.post(&address("join"), json!({})).await.1;
    assert_eq!((&joined["help"], &joined["participants"]), (&Value::Null, &json!([rui.id()])));
    assert!(ids(&rui.get(needs_help).await.1).is_empty());
    visitor.until(|frame| frame["items"].to_string().contains(r#""name":"rui""#)).await;
    world.stop().await;
}

// covers: F01
#[tokio::test]
async fn inboxes_and_labels_say_how_many_live_conversations_they_have() {
    let world = World::start().await;
    let lucia = world.agent("lucia@example.com").await;
    for labels in [json!(["vip"]), json!(["vip", "talla"])] {
        let mut visitor = world.visitor().await;
        visitor.say("c1", "hola").await;
        let id = visitor.conversation().await;
        lucia.patch(&format!("/api/conversations/{id}"), json!({"labels": labels})).await;
    }
    let groups = lucia.get("/api/conversations/groups").await.1;
    assert_eq!(groups, json!({"inboxes": {"shop": 2}, "labels": {"talla": 1, "vip": 2}}));
    world.stop().await;
}

// covers: F01
#[tokio::test]
async fn unattended_is_what_waits_for_peoples_answer() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "hola").await;
    let id = visitor.conversation().await;
    let lucia = world.agent("lucia@example.com").await;
    let unattended = async || ids(&lucia.get("/api/conversations?view=unattended").await.1).len();
    assert_eq!(unattended().await, 0, "the bot has it");
    visitor.asks_for_a_person("c2").await;
    assert_eq!(unattended().await, 1);
    let reply = json!({"text": "Hola, dime", "client_id": "r1"});
    assert_eq!(lucia.post(&format!("/api/conversations/{id}/messages"), reply).await.0, 201);
    assert_eq!(unattended().await, 0);
    world.stop().await;
}
