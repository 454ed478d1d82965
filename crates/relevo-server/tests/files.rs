//! Files: brought, carried by a message, given to whoever may see it.

use crate::world::{VisitorClient, World};
use relevo::domain::card::Visibility;
use relevo::domain::event::Event;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;
use tower::Service;

/// The smallest picture there is: one pixel.
const PIXEL: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82";

fn as_visitor(visitor: &VisitorClient, request: RequestBuilder) -> RequestBuilder {
    request.bearer_auth(visitor.token())
}

async fn bring(world: &World, visitor: &VisitorClient, name: &str, bytes: &[u8]) -> (StatusCode, Value) {
    let request = Client::new().post(world.url("/widget/files")).query(&[("name", name)]).body(bytes.to_vec());
    let answer = as_visitor(visitor, request).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

// covers: V01
#[tokio::test]
async fn a_visitors_files_reach_the_agent_and_nobody_else() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    let (status, picture) = bring(&world, &visitor, "roto.png", PIXEL).await;
    assert_eq!((status.as_u16(), &picture["type"], &picture["inline"]), (201, &json!("image/png"), &json!(true)));
    let (_, page) = bring(&world, &visitor, "ñ\"x.html", b"<!DOCTYPE html><script>alert(1)</script>").await;
    let ids = json!([picture["id"], page["id"]]);
    let ack = visitor.say_with("c1", "", ids.clone()).await;
    assert_eq!(ack["op"], "ack", "{ack}");
    let again = visitor.say_with("c1", "", ids).await;
    assert_eq!(again["seq"], ack["seq"], "sent again after a broken line");
    let (id, seq) = (visitor.conversation().await, &ack["seq"]);

    let agent = world.agent("lucia@example.com").await;
    let items = agent.get(&format!("/api/conversations/{id}/items")).await.1;
    let carried = &items["items"].as_array().unwrap().iter().find(|item| item["seq"] == *seq).unwrap()["message"];
    let told = json!({"name": "roto.png", "type": "image/png", "size": PIXEL.len(), "inline": true});
    assert_eq!(carried["attachments"][0], told);
    let found = agent.get("/api/conversations?q=roto").await.1;
    assert_eq!(found["cards"][0]["id"], *id, "{found}");

    let address = |n: u8| format!("/api/conversations/{id}/files/{seq}/{n}");
    let given = agent.raw(&address(0)).await;
    assert_eq!((given.status().as_u16(), header(&given, "content-type")), (200, "image/png"));
    assert_eq!(header(&given, "cache-control"), "no-store");
    assert_eq!(given.bytes().await.unwrap(), PIXEL);
    let page = agent.raw(&address(1)).await;
    assert_eq!(header(&page, "content-disposition"), "attachment; filename*=UTF-8''%C3%B1%22x.html");
    assert_eq!(header(&page, "content-security-policy"), "sandbox; default-src 'none'");
    assert_eq!(header(&page, "x-content-type-options"), "nosniff");

    let stranger = world.visitor().await;
    let own = Client::new().get(world.url(&format!("/widget/files/{seq}/0")));
    let other = own.try_clone().unwrap();
    assert_eq!(as_visitor(&visitor, own).send().await.unwrap().status().as_u16(), 200);
    assert_eq!(as_visitor(&stranger, other).send().await.unwrap().status().as_u16(), 404);
    assert_eq!(agent.call("GET", &address(2)).await, 404);
    let foreign = "00000000-0000-0000-0000-000000000009";
    assert_eq!(agent.call("GET", &format!("/api/conversations/{foreign}/files/{seq}/0")).await, 404);
    world.stop().await;
}

#[tokio::test]
async fn a_file_is_not_given_to_an_agent_who_may_not_see_its_conversation() {
    let world = World::with(|config| config.visibility = Visibility::Assigned).await;
    let mut visitor = world.visitor().await;
    let picture = bring(&world, &visitor, "roto.png", PIXEL).await.1;
    let ack = visitor.say_with("c1", "mira", json!([picture["id"]])).await;
    let id = visitor.conversation().await;
    let (lucia, rui) = (world.agent("lucia@example.com").await, world.agent("rui@example.com").await);
    assert_eq!(lucia.post(&format!("/api/conversations/{id}/take-over"), json!({})).await.0, 200);
    let file = format!("/api/conversations/{id}/files/{}/0", ack["seq"]);
    assert_eq!((lucia.call("GET", &file).await, rui.call("GET", &file).await), (200, 404));
    world.stop().await;
}

#[tokio::test]
async fn a_removed_messages_file_is_gone_also_where_whoever_removed_it_did_not_wait() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    let picture = bring(&world, &visitor, "roto.png", PIXEL).await.1;
    let seq = visitor.say_with("c1", "mira", json!([picture["id"]])).await["seq"].as_u64().unwrap();
    let id = visitor.conversation().await;
    let file = world.app().files.path(picture["id"].as_str().unwrap().parse().unwrap());
    assert!(file.is_file());
    let sofia = world.agent("sofia@example.com").await;
    let removes = axum::http::Request::delete(format!("/api/conversations/{id}/messages/{seq}"))
        .header("cookie", format!("relevo_session={}", sofia.session()))
        .body(axum::body::Body::empty())
        .unwrap();
    let mut answer = Box::pin(relevo_server::serve::router(world.app().clone()).call(removes));
    let is_removed = async || {
        let facts = world.app().desk.store().read(id.parse().unwrap(), seq - 1, 1).await.unwrap();
        matches!(&facts[0].event, Event::MessagePosted { message, .. } if message.is_removed())
    };
    // Until the log says so, and whoever asked has not heard it. Then the connection ends.
    while futures::poll!(&mut answer).is_pending() && !is_removed().await {}
    drop(answer);
    let is_gone = async {
        while file.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), is_gone).await.expect("it is erased from the disk");
    assert!(is_removed().await);
    world.stop().await;
}

#[tokio::test]
async fn an_agents_file_reaches_the_visitor_once_it_is_said() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "hola").await;
    let id = visitor.conversation().await;
    let agent = world.agent("lucia@example.com").await;
    let bytes = b"%PDF-1.7 guarantee".to_vec();
    let brought = agent.bring(&format!("/api/conversations/{id}/files?name=garant%C3%ADa.pdf"), bytes.clone()).await;
    let reply = json!({"text": "Aquí está", "client_id": "m1", "attachments": [brought["id"]]});
    assert_eq!(agent.post(&format!("/api/conversations/{id}/messages"), reply).await.0, 201);
    visitor.hears("Aquí está").await;
    let item = visitor.item("Aquí está");
    assert_eq!(item["message"]["attachments"][0]["name"], "garantía.pdf");
    let file = Client::new().get(world.url(&format!("/widget/files/{}/0", item["seq"])));
    assert_eq!(as_visitor(&visitor, file).send().await.unwrap().bytes().await.unwrap(), bytes);
    world.stop().await;
}

#[tokio::test]
async fn files_that_are_not_ones_own_empty_too_many_or_too_large_are_refused() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    let stranger = world.visitor().await;
    let theirs = bring(&world, &stranger, "a.txt", b"theirs").await.1;
    let refused = visitor.say_with("c1", "mira", json!([theirs["id"]])).await;
    assert_eq!((&refused["op"], &refused["code"]), (&json!("refused"), &json!("unknown_file")));
    let own = bring(&world, &visitor, "a.txt", b"own").await.1;
    let refused = visitor.say_with("c2", "mira", json!(vec![&own["id"]; 11])).await;
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("the limit is 10")), "{refused}");
    let (status, empty) = bring(&world, &visitor, "a.txt", b"").await;
    assert_eq!((status.as_u16(), &empty["detail"]), (422, &json!("the file is empty: choose another")));
    let large = Client::new()
        .post(world.url("/widget/files?name=a"))
        .header("content-length", 60_000_000)
        .header("expect", "100-continue");
    let large = as_visitor(&visitor, large).body(vec![0; 60_000_000]).send().await;
    // The server may hang up before it has read what it does not want.
    if let Ok(large) = large {
        assert_eq!(large.status().as_u16(), 413);
    }
    assert_eq!(std::fs::read_dir(world.folder().join("data/files/kept")).unwrap().count(), 0);
    world.stop().await;
}
