//! Sockets: who may open one, how long it lives, and what it is not told.

use crate::world::{AgentSocket, World};
use relevo::domain::card::Visibility;
use relevo::domain::command::Role;
use relevo::domain::event::Event;
use relevo::domain::time::Timestamp;
use relevo::store::Session;
use relevo_server::sign_in;
use relevo_server::users::{Change, change};
use reqwest::Client;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest};

/// The status with which a socket is answered: 101 where it opens.
async fn opening(world: &World, path: &str, origin: Option<&str>) -> u16 {
    let mut request = format!("ws://{}{path}", world.address()).into_client_request().unwrap();
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((_, answer)) => answer.status().as_u16(),
        Err(tungstenite::Error::Http(answer)) => answer.status().as_u16(),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn an_address_of_a_socket_that_is_asked_for_a_page_answers_with_a_problem() {
    let world = World::start().await;
    for path in ["/ws/agent?ticket=x", "/ws/visitor?ticket=x"] {
        let answer = Client::new().get(world.url(path)).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!((&problem["status"], &problem["code"]), (&json!(400), &json!("no_websocket")), "{problem}");
    }
    world.stop().await;
}

#[tokio::test]
async fn what_is_stored_is_acknowledged_however_fast_it_comes_and_the_rest_is_told_how_long_to_wait() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    let first = visitor.say("c0", "hola").await;
    let contact = visitor.contact().to_owned();
    let burst = &world.app().limiters.visitor_burst;
    for n in 1.. {
        while burst.check(&contact).is_ok() {}
        let answer = visitor.say(&format!("c{n}"), "hola").await;
        if answer["op"] == "refused" {
            assert_eq!(answer["code"], "rate_limited");
            assert!(answer["retry_after_ms"].as_u64().is_some_and(|wait| (1..=501).contains(&wait)), "{answer}");
            break;
        }
    }
    while burst.check(&contact).is_ok() {}
    let again = visitor.say("c0", "hola").await;
    assert_eq!((&again["op"], &again["seq"]), (&json!("ack"), &first["seq"]));
    world.stop().await;
}

// covers: H05
#[tokio::test]
async fn whoever_has_said_nothing_yet_can_ask_for_a_person() {
    let world = World::with(|config| config.inboxes[0].phrases = Some(vec!["socorro".into()])).await;
    let mut visitor = world.visitor().await;
    let ack = visitor.asks_for_a_person("h1").await;
    assert_eq!(ack["op"], "ack", "{ack}");
    let id = visitor.conversation().await;
    let again = visitor.asks_for_a_person("h1").await;
    assert_eq!((&again["op"], visitor.conversation().await), (&json!("ack"), id.clone()));
    let agent = world.agent("lucia@example.com").await;
    let card = agent.get(&format!("/api/conversations/{id}")).await.1["card"].clone();
    assert_eq!(
        (&card["control"]["holder"]["kind"], &card["handoff_reason"]),
        (&json!("queue"), &json!("visitor_asked"))
    );
    world.stop().await;
}

#[tokio::test]
async fn an_address_has_so_many_sockets_whoever_they_are_of() {
    let world = World::with(|config| config.limits.sockets_per_address = 2).await;
    let _visitor = world.visitor().await;
    let agent = world.agent("lucia@example.com").await;
    let _socket = agent.socket(&world).await;
    let ticket = agent.post("/api/ticket", json!({})).await.1;
    let path = format!("/ws/agent?ticket={}", ticket["ticket"].as_str().unwrap());
    assert_eq!(opening(&world, &path, None).await, 429);
    world.stop().await;
}

#[tokio::test]
async fn only_pages_of_the_inboxes_sites_open_a_visitors_socket() {
    let world = World::with(|config| config.inboxes[0].allowed_origins = vec!["https://shop.example".into()]).await;
    let own = world.url("");
    for (origin, status) in [
        (Some("https://evil.example"), 403),
        (Some("null"), 403),
        (Some("https://shop.example"), 101),
        (Some(own.as_str()), 101),
        (None, 101),
    ] {
        let mut visitor = world.stranger();
        let path = format!("/ws/visitor?ticket={}", visitor.ticket().await);
        assert_eq!(opening(&world, &path, origin).await, status, "{origin:?}");
    }
    world.stop().await;
}

#[tokio::test]
async fn only_pages_of_the_server_open_an_agents_socket() {
    let world = World::start().await;
    let agent = world.agent("lucia@example.com").await;
    let own = world.url("");
    for (origin, status) in [("https://evil.example", 403), ("null", 403), (own.as_str(), 101)] {
        let ticket = agent.post("/api/ticket", json!({})).await.1;
        let path = format!("/ws/agent?ticket={}", ticket["ticket"].as_str().unwrap());
        assert_eq!(opening(&world, &path, Some(origin)).await, status, "{origin}");
    }
    world.stop().await;
}

#[tokio::test]
async fn new_visitors_from_one_address_are_limited_and_known_ones_write_nothing() {
    let world = World::with(|config| {
        config.limits.visitors_per_hour = 2;
        config.inboxes[0].identity_secret = Some("a secret of the shop".into());
    })
    .await;
    let ask = async |body: Value| world.anonymous("POST", "/widget/session", body).await;
    let (_, anonymous) = ask(json!({"inbox": "shop"})).await;
    let again = ask(json!({"inbox": "shop", "token": anonymous["token"]})).await.1;
    assert_eq!((&again["token"], &again["contact"]), (&anonymous["token"], &anonymous["contact"]));
    // Of `ada`, with the secret above.
    let hmac = "f782dd4351b56487f128979bd0aa1e025a9c7aa8e98ffb081e5a6f24753d4f1d";
    let ada = json!({"id": "ada", "name": "Ada", "hmac": hmac});
    let vouched = ask(json!({"inbox": "shop", "identity": ada})).await.1;
    let again = ask(json!({"inbox": "shop", "token": vouched["token"], "identity": ada})).await.1;
    assert_eq!((&again["token"], &again["contact"]["name"]), (&vouched["token"], &json!("Ada")), "{again}");
    for body in [
        json!({"inbox": "shop"}),
        json!({"inbox": "shop", "token": "unknown"}),
        json!({"inbox": "shop", "identity": ada}),
    ] {
        let (status, problem) = ask(body).await;
        assert_eq!((status, &problem["code"]), (429, &json!("rate_limited")), "{problem}");
    }
    world.stop().await;
}

#[tokio::test]
async fn pages_that_are_visited_too_fast_are_not_written_down() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "hola").await;
    let page = json!({"op": "page", "url": "https://shop.example/", "title": "Shop"});
    visitor.send(page.clone()).await;
    visitor.say("c2", "hola").await;
    while world.app().limiters.pages.check(&visitor.contact().to_owned()).is_ok() {}
    visitor.send(page).await;
    visitor.say("c3", "hola").await;
    let id = visitor.conversation().await.parse().unwrap();
    let facts = world.app().desk.store().read(id, 0, 100).await.unwrap();
    assert_eq!(facts.iter().filter(|fact| matches!(fact.event, Event::PageVisited { .. })).count(), 1);
    world.stop().await;
}

#[tokio::test]
async fn an_agents_socket_ends_with_its_session() {
    let world = World::start().await;
    let agent = world.agent("lucia@example.com").await;
    let mut socket = agent.socket(&world).await;
    let id = agent.id().parse().unwrap();
    let idle = Session { agent: id, created_at: world.app().desk.clock().now(), seen_at: Timestamp(0) };
    world.app().desk.store().put_session(&sign_in::hash(agent.session()), &idle).await.unwrap();
    assert_eq!(socket.close_code().await, 4003);
    world.stop().await;
}

#[tokio::test]
async fn a_change_of_role_ends_sessions_and_sockets_and_the_next_sign_in_has_it() {
    let world = World::start().await;
    let before = world.agent("lucia@example.com").await;
    let mut socket = before.socket(&world).await;
    let role = Change { role: Some(Role::Supervisor), ..Change::default() };
    change(world.app().desk.store().as_ref(), "Lucia@example.com", role).await.unwrap();
    assert_eq!(before.get("/api/session").await.0, 401);
    assert_eq!(socket.close_code().await, 4003);
    let after = world.agent("lucia@example.com").await;
    assert_eq!(after.get("/api/session").await.1["agent"]["role"], "supervisor");
    world.stop().await;
}

#[tokio::test]
async fn what_an_agent_never_saw_is_not_even_told_to_be_gone() {
    let world = World::with(|config| config.visibility = Visibility::Assigned).await;
    let (lucia, rui) = (world.agent("lucia@example.com").await, world.agent("rui@example.com").await);
    let mut socket = lucia.socket(&world).await;
    let [mut taken, mut other] = [world.visitor().await, world.visitor().await];
    taken.say("c1", "hola").await;
    let id = taken.conversation().await;
    let about = |frame: &Value, op: &str, id: &str| {
        frame["op"] == op && (frame["conversation"] == id || frame["card"]["id"] == id)
    };
    socket.until(|frame| about(frame, "card", &id)).await;
    assert_eq!(rui.post(&format!("/api/conversations/{id}/take-over"), json!({})).await.0, 200);
    let gone = socket.until(|frame| about(frame, "card_gone", &id)).await;
    let position = gone.last().unwrap()["position"].as_u64().unwrap();
    // What goes on there is not hers, neither now nor when she comes back.
    taken.say("c2", "sigo aquí").await;
    other.say("c1", "hola").await;
    let next = other.conversation().await;
    let heard = socket.until(|frame| about(frame, "card", &next)).await;
    assert!(!Value::from(heard).to_string().contains(&id));
    assert!(!told_since(&mut socket, position).await.contains(&id));
    // What she saw when she went is.
    assert_eq!(rui.post(&format!("/api/conversations/{next}/take-over"), json!({})).await.0, 200);
    socket.until(|frame| about(frame, "card_gone", &next)).await;
    let told = told_since(&mut socket, position).await;
    assert!(told.contains(&next) && told.contains("card_gone"), "{told}");
    // A call for help shows it to her for as long as it lasts.
    let help = format!("/api/conversations/{next}/help");
    assert_eq!(rui.post(&help, json!({})).await.0, 200);
    socket.until(|frame| about(frame, "card", &next)).await;
    assert_eq!(rui.ask("DELETE", &help, json!({})).await.0, 200);
    socket.until(|frame| about(frame, "card_gone", &next)).await;
    world.stop().await;
}

/// What somebody who comes back with this position is told.
async fn told_since(socket: &mut AgentSocket, position: u64) -> String {
    socket.send(json!({"op": "hello", "position": position})).await;
    // Refused: it comes after everything else.
    socket.send(json!({"op": "nonsense"})).await;
    Value::from(socket.until(|frame| frame["op"] == "error").await).to_string()
}
