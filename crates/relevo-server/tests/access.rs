//! Who may do what: every route of the description and every frame of the sockets, by role and by whose conversation it
//! is. A route or frame that is not in the lists below fails the tests.

use crate::world::{AgentClient, AgentSocket, VisitorClient, World};
use relevo::bus::Signal;
use relevo::domain::card::Visibility;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Whom a route is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum For {
    /// Whoever asks; some bring proofs of their own.
    Anybody,
    /// A visitor with a token.
    Visitors,
    /// Whoever is signed in.
    Agents,
    /// Supervisors and admins.
    ThoseWhoLead,
    /// Whoever may see the conversation, or one of the contact's.
    ThoseWhoSeeIt,
}

/// In this order: what ends a conversation or a session comes last.
const ROUTES: &[(&str, &str, For, &str)] = &[
    ("post", "/api/session", For::Anybody, "{}"),
    ("post", "/api/session/link", For::Anybody, "{}"),
    ("get", "/healthz", For::Anybody, "{}"),
    ("get", "/readyz", For::Anybody, "{}"),
    ("get", "/metrics", For::Anybody, "{}"),
    ("post", "/bots/{bot}/replies", For::Anybody, "{}"),
    ("post", "/channels/{inbox}/messages", For::Anybody, "{}"),
    ("post", "/channels/{inbox}/receipts", For::Anybody, "{}"),
    ("post", "/widget/session", For::Anybody, "{}"),
    ("options", "/widget/session", For::Anybody, "{}"),
    ("options", "/widget/files", For::Anybody, "{}"),
    ("options", "/widget/files/{seq}/{n}", For::Anybody, "{}"),
    ("post", "/widget/files", For::Visitors, "{}"),
    ("get", "/widget/files/{seq}/{n}", For::Visitors, "{}"),
    ("get", "/api/session", For::Agents, "{}"),
    ("post", "/api/ticket", For::Agents, "{}"),
    ("get", "/api/conversations", For::Agents, "{}"),
    ("get", "/api/conversations/counts", For::Agents, "{}"),
    ("get", "/api/conversations/groups", For::Agents, "{}"),
    ("get", "/api/visitors", For::Agents, "{}"),
    ("get", "/api/shortcuts", For::Agents, "{}"),
    ("get", "/api/macros", For::Agents, "{}"),
    ("get", "/api/library/problems", For::Agents, "{}"),
    ("get", "/api/knowledge", For::Agents, "{}"),
    ("get", "/api/knowledge/search", For::Agents, "{}"),
    ("get", "/api/knowledge/article", For::Agents, "{}"),
    ("get", "/api/knowledge/sources/{id}/articles", For::Agents, "{}"),
    ("post", "/api/knowledge/sources", For::ThoseWhoLead, r#"{"name":"x","text":"y"}"#),
    ("post", "/api/knowledge/sources/{id}/sync", For::ThoseWhoLead, "{}"),
    ("patch", "/api/knowledge/sources/{id}", For::ThoseWhoLead, "{}"),
    ("patch", "/api/knowledge/sources/{id}/articles", For::ThoseWhoLead, r#"{"article":"a","published":true}"#),
    ("delete", "/api/knowledge/sources/{id}", For::ThoseWhoLead, "{}"),
    ("get", "/api/copilot/report", For::ThoseWhoLead, "{}"),
    ("get", "/api/copilot/usage", For::ThoseWhoLead, "{}"),
    ("patch", "/api/contacts/{id}", For::ThoseWhoSeeIt, r#"{"name":"Ada"}"#),
    ("get", "/api/conversations/{id}", For::ThoseWhoSeeIt, "{}"),
    ("get", "/api/conversations/{id}/items", For::ThoseWhoSeeIt, "{}"),
    ("get", "/api/conversations/{id}/drafts", For::ThoseWhoSeeIt, "{}"),
    ("put", "/api/conversations/{id}/draft", For::ThoseWhoSeeIt, r#"{"mode":"note","text":"x"}"#),
    ("get", "/api/conversations/{id}/artifacts", For::ThoseWhoSeeIt, "{}"),
    ("get", "/api/conversations/{id}/suggested-labels", For::ThoseWhoSeeIt, "{}"),
    ("post", "/api/conversations/{id}/artifacts", For::ThoseWhoSeeIt, r#"{"kind":"summary"}"#),
    ("post", "/api/conversations/{id}/artifacts/{artifact}/feedback", For::ThoseWhoSeeIt, r#"{"what":"shown"}"#),
    ("delete", "/api/conversations/{id}/artifacts/{artifact}/run", For::ThoseWhoSeeIt, "{}"),
    ("post", "/api/conversations/{id}/files", For::ThoseWhoSeeIt, "{}"),
    ("get", "/api/conversations/{id}/files/{seq}/{n}", For::ThoseWhoSeeIt, "{}"),
    ("post", "/api/conversations/{id}/shortcuts/{name}/render", For::ThoseWhoSeeIt, "{}"),
    ("post", "/api/conversations/{id}/macros/{name}", For::ThoseWhoSeeIt, r#"{"client_id":"m"}"#),
    ("post", "/api/conversations/{id}/read", For::ThoseWhoSeeIt, r#"{"up_to":1}"#),
    ("post", "/api/conversations/{id}/notes", For::ThoseWhoSeeIt, r#"{"text":"x","client_id":"n"}"#),
    ("post", "/api/conversations/{id}/messages", For::ThoseWhoSeeIt, r#"{"text":"x","client_id":"r"}"#),
    ("delete", "/api/conversations/{id}/messages/{seq}", For::ThoseWhoSeeIt, "{}"),
    ("post", "/api/conversations/{id}/take-over", For::ThoseWhoSeeIt, "{}"),
    ("post", "/api/conversations/{id}/join", For::ThoseWhoSeeIt, "{}"),
    ("post", "/api/conversations/{id}/leave", For::ThoseWhoSeeIt, "{}"),
    ("post", "/api/conversations/{id}/help", For::ThoseWhoSeeIt, "{}"),
    ("delete", "/api/conversations/{id}/help", For::ThoseWhoSeeIt, "{}"),
    ("patch", "/api/conversations/{id}", For::ThoseWhoSeeIt, r#"{"priority":"high"}"#),
    ("post", "/api/conversations/{id}/close", For::ThoseWhoSeeIt, "{}"),
    ("post", "/api/conversations/{id}/reopen", For::ThoseWhoSeeIt, "{}"),
    ("post", "/api/conversations/{id}/transfer", For::ThoseWhoSeeIt, r#"{"to":{"kind":"agent","agent":"{lucia}"}}"#),
    ("post", "/api/conversations/{id}/hand-back", For::ThoseWhoSeeIt, "{}"),
    ("delete", "/api/session", For::Agents, "{}"),
];

/// A conversation that Lucía holds, of a team that is not hers.
struct Held {
    id: String,
    visitor: VisitorClient,
}

impl Held {
    async fn by(lucia: &AgentClient, world: &World) -> Self {
        let mut visitor = world.visitor().await;
        visitor.say("c1", "hola").await;
        // What the bot says is out, or the take-over would withhold it some time later.
        visitor.hears("eco: hola").await;
        let id = visitor.conversation().await;
        assert_eq!(lucia.post(&format!("/api/conversations/{id}/take-over"), json!({})).await.0, 200);
        assert_eq!(lucia.patch(&format!("/api/conversations/{id}"), json!({"team": "ventas"})).await.0, 200);
        Self { id, visitor }
    }

    /// A route's address in it.
    fn address(&self, route: &str) -> String {
        let id = if route.starts_with("/api/contacts") { self.visitor.contact() } else { &self.id };
        let query = if route.ends_with("/files") { "?name=x" } else { "" };
        let address = route.replace("{id}", id).replace("{artifact}", &uuid::Uuid::nil().to_string());
        address
            .replace("{seq}", "1")
            .replace("{n}", "0")
            .replace("{name}", "x")
            .replace("{bot}", "x")
            .replace("{inbox}", "x")
            + query
    }
}

#[tokio::test]
async fn every_route_is_for_whom_the_list_says_and_for_nobody_else() {
    let world = World::with(|config| config.visibility = Visibility::Assigned).await;
    let api = world.anonymous("GET", "/api/openapi.json", json!(null)).await.1;
    let methods = |(path, item): (&String, &Value)| {
        item.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())).collect::<Vec<_>>()
    };
    let described: BTreeSet<_> = api["paths"].as_object().unwrap().iter().flat_map(methods).collect();
    let listed = ROUTES.iter().map(|(method, path, ..)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(described, listed, "the description's routes and this list's");

    let lucia = world.agent("lucia@example.com").await;
    let rui = world.agent("rui@example.com").await;
    let sofia = world.agent("sofia@example.com").await;
    let ana = world.agent("ana@example.com").await;
    let own = Held::by(&lucia, &world).await;
    let of_team = Held::by(&lucia, &world).await;
    let of_all = Held::by(&lucia, &world).await;
    for (method, route, whom, body) in ROUTES {
        let body: Value = serde_json::from_str(&body.replace("{lucia}", lucia.id())).unwrap();
        let method = &method.to_uppercase();
        let (status, told) = world.anonymous(method, &own.address(route), body.clone()).await;
        let refused = (status, told["code"].as_str()) == (401, Some("signed_out"));
        assert_eq!(refused, *whom != For::Anybody, "{method} {route} of nobody: {status} {told}");
        if matches!(whom, For::Anybody | For::Visitors) {
            continue;
        }
        // Whose it is not.
        for held in [&own, &of_team, &of_all] {
            let (status, told) = rui.ask(method, &held.address(route), body.clone()).await;
            if *whom == For::ThoseWhoSeeIt {
                assert_eq!((status, &told["code"]), (404, &json!("not_found")), "{method} {route} of another: {told}");
            }
            if *whom == For::ThoseWhoLead {
                assert_eq!(
                    (status, &told["code"]),
                    (403, &json!("not_allowed")),
                    "{method} {route} of an agent: {told}"
                );
            }
            for secret in [&held.id, held.visitor.contact()] {
                assert!(!told.to_string().contains(secret), "{method} {route} tells another of {secret}: {told}");
            }
            if *route == "/api/session" {
                break;
            }
        }
        // Whose it is, who leads their team, and who sees all.
        for (who, held) in [(&lucia, &own), (&sofia, &of_team), (&ana, &of_all)] {
            if *whom == For::ThoseWhoLead && who.id() == lucia.id() {
                continue;
            }
            let (status, told) = who.ask(method, &held.address(route), body.clone()).await;
            let hidden = told["detail"].as_str().is_some_and(|detail| detail.contains("such con"));
            assert!(![401, 403, 500].contains(&status) && !hidden, "{method} {route} of {}: {status} {told}", who.id());
        }
    }
    world.stop().await;
}

// covers: R01
#[tokio::test]
async fn only_the_assignee_and_those_who_lead_give_a_conversation_away_or_end_it() {
    let world = World::with(|config| config.limits.conversations_per_hour = 100).await;
    let lucia = world.agent("lucia@example.com").await;
    let acts = [
        ("transfer", json!({"to": {"kind": "team", "team": "ventas"}}), 403),
        ("hand-back", json!({}), 409),
        ("close", json!({}), 409),
        ("messages", json!({"text": "x", "client_id": "r"}), 409),
    ];
    for (act, body, refused) in acts {
        for (email, may) in [("rui@example.com", false), ("sofia@example.com", true), ("ana@example.com", true)] {
            let held = Held::by(&lucia, &world).await;
            let agent = world.agent(email).await;
            let (status, told) = agent.post(&format!("/api/conversations/{}/{act}", held.id), body.clone()).await;
            // Nobody speaks in another's place, not even those who lead.
            let wanted = if may && act != "messages" { 200 } else { refused };
            assert_eq!(status, wanted, "{act} of {email}: {told}");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn what_an_artifact_has_from_a_conversation_is_shown_to_whoever_may_open_that() {
    let world = World::with(|config| config.visibility = Visibility::Assigned).await;
    let (lucia, rui) = (world.agent("lucia@example.com").await, world.agent("rui@example.com").await);
    let sofia = world.agent("sofia@example.com").await;
    let (there, here) = (Held::by(&lucia, &world).await, Held::by(&rui, &world).await);
    let reply = crate::made(&sofia, &here.id, json!({"kind": "reply"})).await;
    let store = world.app().desk.store().clone();
    let mut made = store.artifact(reply["id"].as_str().unwrap().parse().unwrap()).await.unwrap().unwrap();
    made.body = json!({"suggestions": [{"text": "CANARY", "sources": [1]}]});
    made.sources = vec![json!({"n": 1, "kind": "conversation", "id": there.id, "seq": 1})];
    store.put_artifact(&made).await.unwrap();
    for (agent, sees) in [(&rui, false), (&sofia, true)] {
        let told = agent.get(&format!("/api/conversations/{}/artifacts", here.id)).await.1.to_string();
        assert!(told.contains(reply["id"].as_str().unwrap()), "{told}");
        assert_eq!((told.contains("CANARY"), told.contains(&there.id)), (sees, sees), "{told}");
    }
    world.stop().await;
}

#[tokio::test]
async fn whether_a_visitor_is_here_is_told_to_those_who_may_see_one_of_their_conversations() {
    let world = World::with(|config| config.visibility = Visibility::Assigned).await;
    let (lucia, rui) = (world.agent("lucia@example.com").await, world.agent("rui@example.com").await);
    let mut held = Held::by(&lucia, &world).await;
    let (mut hers, mut his) = (lucia.socket(&world).await, rui.socket(&world).await);
    let online = |frame: &Value, contact: &str, on: bool| {
        frame["op"] == "online" && frame["contact"] == contact && frame["online"] == on
    };
    let contact = held.visitor.contact().to_owned();
    held.visitor.leave().await;
    hers.until(|frame| online(frame, &contact, false)).await;
    held.visitor.returns(&world, 0).await;
    hers.until(|frame| online(frame, &contact, true)).await;
    // Somebody with no conversation yet is everybody's to see, and comes after all that.
    let stranger = world.visitor().await;
    let heard = his.until(|frame| online(frame, stranger.contact(), true)).await;
    assert!(!heard.iter().any(|frame| frame.to_string().contains(&contact)), "{heard:?}");
    world.stop().await;
}

/// The frames that a socket knows, as it says itself.
fn known(refusal: &Value) -> BTreeSet<String> {
    let detail = refusal["detail"].as_str().unwrap();
    let (_, known) = detail.split_once("expected one of ").unwrap();
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[tokio::test]
async fn every_frame_of_an_agents_socket_leaves_others_conversations_alone() {
    let world = World::with(|config| config.visibility = Visibility::Assigned).await;
    let lucia = world.agent("lucia@example.com").await;
    let held = Held::by(&lucia, &world).await;
    let id = &held.id;
    let frames = [
        ("hello", json!({"op": "hello", "position": 0})),
        ("open", json!({"op": "open", "conversation": id, "after": 0})),
        ("typing", json!({"op": "typing", "conversation": id, "mode": "reply", "on": true})),
        ("shut", json!({"op": "shut", "conversation": id})),
        ("presence", json!({"op": "presence", "state": "away"})),
    ];
    let mut assignees = lucia.socket(&world).await;
    assignees.send(frames[1].1.clone()).await;
    assignees.until(|frame| frame["op"] == "items").await;
    for (email, sees) in [("rui@example.com", false), ("sofia@example.com", true), ("ana@example.com", true)] {
        let agent = world.agent(email).await;
        let mut socket = agent.socket(&world).await;
        for (_, frame) in &frames {
            socket.send(frame.clone()).await;
        }
        let heard = to_the_end(&mut socket).await;
        assert_eq!(known(heard.last().unwrap()), frames.iter().map(|(op, _)| (*op).to_owned()).collect());
        let told = Value::from(heard).to_string();
        assert_eq!(told.contains("\"op\":\"items\""), sees, "{email}: {told}");
        if !sees {
            assert!(!told.contains("\"op\":\"viewing\"") && !told.contains("\"op\":\"card\""), "{email}: {told}");
        }
        // Signals keep their order: what was told before this was told by then.
        world.app().desk.bus().publish(Signal::Library);
        let heard = assignees.until(|frame| frame["op"] == "library").await;
        let typed = heard.iter().any(|frame| frame["op"] == "typing" && frame["actor"]["agent"] == agent.id());
        assert_eq!(typed, sees, "{email} types");
    }
    world.stop().await;
}

async fn to_the_end(socket: &mut AgentSocket) -> Vec<Value> {
    socket.send(json!({"op": "nonsense"})).await;
    socket.until(|frame| frame["code"] == "bad_frame").await
}

#[tokio::test]
async fn every_frame_of_a_visitors_socket_is_about_their_own_conversation() {
    let world = World::start().await;
    let lucia = world.agent("lucia@example.com").await;
    let held = Held::by(&lucia, &world).await;
    let facts = async || {
        let id = held.id.parse().unwrap();
        world.app().desk.store().read(id, 0, 1_000).await.unwrap()
    };
    let before = facts().await;
    let mut stranger = world.visitor().await;
    let frames = [
        ("hello", json!({"op": "hello", "after": 0})),
        ("typing", json!({"op": "typing", "on": true})),
        ("received", json!({"op": "received", "up_to": 100})),
        ("read", json!({"op": "read", "up_to": 100})),
        ("page", json!({"op": "page", "url": "https://shop.example/", "title": "Shop"})),
        ("say", json!({"op": "say", "client_id": "s1", "text": "hola"})),
        ("human", json!({"op": "human", "client_id": "s2"})),
        ("nonsense", json!({"op": "nonsense"})),
    ];
    for (_, frame) in &frames {
        stranger.send(frame.clone()).await;
    }
    let refusal = stranger.until(|frame| frame["code"] == "bad_frame").await;
    let (_, known_ones) = frames.split_last().unwrap();
    assert_eq!(known(&refusal), known_ones.iter().map(|(op, _)| (*op).to_owned()).collect());
    assert_eq!(facts().await, before);
    assert_ne!(stranger.conversation().await, held.id);
    world.stop().await;
}
