//! The server over its real surfaces: HTTP and sockets on a port of its own, SQLite in a folder of its own.

mod access;
mod bots;
mod channels;
mod cluster;
mod command;
mod copilot;
mod edge;
mod files;
mod knowledge;
mod lists;
mod macros;
mod model;
mod operation;
mod sockets;
mod world;

use relevo::bus::Typist;
use relevo::domain::control::Epoch;
use relevo::domain::id::BotId;
use serde_json::{Value, json};
use world::{AgentClient, World};

// covers: H01 H03
#[tokio::test]
async fn two_agents_take_over_at_once_one_wins_and_the_other_is_told_who() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "hola").await;
    let id = visitor.conversation().await;
    let (a, b) = (world.agent("lucia@example.com").await, world.agent("rui@example.com").await);
    let path = format!("/api/conversations/{id}/take-over");
    let (first, second) = tokio::join!(a.post(&path, json!({})), b.post(&path, json!({})));
    let (winner, loser, who) = if first.0 == 200 { (first, second, &a) } else { (second, first, &b) };
    assert_eq!((winner.0, loser.0), (200, 409));
    assert_eq!(loser.1["code"], "already_taken");
    assert_eq!(loser.1["agent"], json!(who.id()));
    assert_eq!(winner.1["control"]["holder"]["kind"], "human");
    world.stop().await;
}

// covers: H07
#[tokio::test]
async fn that_a_bot_types_is_shown_only_while_it_holds_the_conversation() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "hola").await;
    visitor.hears("eco: hola").await;
    let id = visitor.conversation().await;
    let agent = world.agent("lucia@example.com").await;
    let lucia = Typist::Agent { agent: agent.id().parse().unwrap(), private: false };
    let bot = |epoch| Typist::Bot { bot: BotId::new("echo").unwrap(), epoch: Epoch(epoch) };
    assert_eq!(agent.post(&format!("/api/conversations/{id}/take-over"), json!({})).await.0, 200);
    visitor.meets_a_person().await;
    let mut socket = agent.socket(&world).await;
    socket.open(&id).await;
    world.types(&id, bot(1));
    world.types(&id, lucia);
    assert_eq!(visitor.sees_typing().await, "human", "the bot's turn is over");
    let typing = loop {
        let frame = socket.next().await;
        if frame["op"] == "typing" {
            break frame;
        }
    };
    assert_eq!(typing["actor"]["kind"], "agent", "the bot's turn is over");
    assert_eq!(agent.post(&format!("/api/conversations/{id}/hand-back"), json!({})).await.0, 200);
    world.types(&id, Typist::Agent { agent: agent.id().parse().unwrap(), private: true });
    world.types(&id, bot(3));
    assert_eq!(visitor.sees_typing().await, "bot", "that a note is written is nothing to the visitor");
    world.stop().await;
}

// covers: H08
#[tokio::test]
async fn a_conversation_is_not_handed_to_a_bot_that_does_not_exist() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "hola").await;
    let path = format!("/api/conversations/{}/hand-back", visitor.conversation().await);
    let agent = world.agent("lucia@example.com").await;
    let (status, problem) = agent.post(&path, json!({"bot": "nobody"})).await;
    assert_eq!((status, &problem["field"]), (422, &json!("bot")), "{problem}");
    world.stop().await;
}

// covers: T02 C04
#[tokio::test]
async fn a_note_never_reaches_the_visitor_and_a_reply_does() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "hola").await;
    let id = visitor.conversation().await;
    let agent = world.agent("lucia@example.com").await;
    let note = json!({"text": "CANARY", "client_id": "n1"});
    assert_eq!(agent.post(&format!("/api/conversations/{id}/notes"), note).await.0, 201);
    let reply = json!({"text": "Hola, soy Lucía", "client_id": "m1"});
    assert_eq!(agent.post(&format!("/api/conversations/{id}/messages"), reply).await.0, 201);
    visitor.hears("Hola, soy Lucía").await;
    assert!(!visitor.everything().contains("CANARY"));
    let items = agent.get(&format!("/api/conversations/{id}/items")).await.1;
    assert!(items.to_string().contains("CANARY"));
    world.stop().await;
}

#[tokio::test]
async fn the_same_client_id_is_stored_once_on_both_sides() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    let first = visitor.say("c1", "hola").await;
    let again = visitor.say("c1", "hola").await;
    assert_eq!(first["seq"], again["seq"]);
    let id = visitor.conversation().await;
    let agent = world.agent("lucia@example.com").await;
    let path = format!("/api/conversations/{id}/messages");
    let one = agent.post(&path, json!({"text": "uno", "client_id": "m1"})).await.1;
    let two = agent.post(&path, json!({"text": "uno", "client_id": "m1"})).await.1;
    assert_eq!((&one["seq"], &one["message_id"]), (&two["seq"], &two["message_id"]));
    assert_eq!(two["repeated"], true);
    world.stop().await;
}

// covers: V01
#[tokio::test]
async fn a_visitor_who_comes_back_sees_every_item_once_and_in_order() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "uno").await;
    let id = visitor.conversation().await;
    let agent = world.agent("lucia@example.com").await;
    let path = format!("/api/conversations/{id}/messages");
    agent.post(&path, json!({"text": "dos", "client_id": "m1"})).await;
    visitor.hears("dos").await;
    let seen = visitor.last_seq();
    visitor.leave().await;
    agent.post(&path, json!({"text": "tres", "client_id": "m2"})).await;
    agent.post(&path, json!({"text": "cuatro", "client_id": "m3"})).await;
    visitor.returns(&world, seen).await;
    visitor.hears("cuatro").await;
    let said = visitor.messages();
    assert_eq!(said, ["uno", "dos", "tres", "cuatro"]);
    world.stop().await;
}

#[tokio::test]
async fn a_past_that_is_larger_than_the_queue_is_told_whole() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "hola").await;
    let id = visitor.conversation().await;
    visitor.leave().await;
    world.says_much(&id, 60).await;
    visitor.returns(&world, visitor.last_seq()).await;
    visitor.hears("59 漢").await;
    assert_eq!(visitor.messages().len(), 61);
    world.stop().await;
}

#[tokio::test]
async fn bad_input_is_refused_by_field_limit_and_mend() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "hola").await;
    let id = visitor.conversation().await;
    let agent = world.agent("lucia@example.com").await;
    let path = format!("/api/conversations/{id}/messages");
    let (status, unknown) = agent.post(&path, json!({"text": "a", "client_id": "b", "shout": true})).await;
    assert_eq!(status, 422);
    assert!(unknown["detail"].as_str().is_some_and(|detail| detail.contains("shout")), "{unknown}");
    let (status, long) = agent.post(&path, json!({"text": "x".repeat(8_001), "client_id": "c"})).await;
    assert_eq!((status, &long["code"], &long["field"]), (422, &json!("too_long"), &json!("text")));
    let refused = visitor.say("c2", &"x".repeat(8_001)).await;
    assert_eq!((&refused["op"], &refused["code"]), (&json!("refused"), &json!("too_long")));
    let missing = agent.get("/api/conversations/00000000-0000-0000-0000-000000000009").await;
    assert_eq!((missing.0, &missing.1["code"]), (404, &json!("not_found")));
    world.stop().await;
}

#[tokio::test]
async fn a_page_of_another_site_cannot_write_and_a_wrong_ticket_opens_nothing() {
    let world = World::start().await;
    let agent = world.agent("lucia@example.com").await;
    let foreign = agent.post_from("https://evil.example", "/api/ticket", json!({})).await;
    assert_eq!((foreign.0, &foreign.1["code"]), (403, &json!("foreign_origin")));
    assert_eq!(world.close_code("/ws/visitor?ticket=nonsense").await, 4001);
    assert_eq!(world.close_code("/ws/agent?ticket=nonsense").await, 4001);
    world.stop().await;
}

#[tokio::test]
async fn the_sixth_sign_in_within_minutes_is_told_to_wait() {
    let world = World::start().await;
    let wrong = json!({"email": "lucia@example.com", "password": "not this one"});
    for _ in 0..5 {
        assert_eq!(world.anonymous("POST", "/api/session", wrong.clone()).await.0, 401);
    }
    let (status, problem) = world.anonymous("POST", "/api/session", wrong).await;
    assert_eq!((status, &problem["code"]), (429, &json!("rate_limited")));
    world.stop().await;
}

// covers: A02 S01
#[tokio::test]
async fn a_suggested_shortcut_is_filled_in_with_what_the_conversation_knows() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "no encuentro el número de mi pedido, ¿está en el correo de confirmación?").await;
    let id = visitor.conversation().await;
    let agent = world.agent("lucia@example.com").await;
    let path = format!("/api/conversations/{id}/artifacts");
    let (status, asked) = agent.post(&path, json!({"kind": "reply"})).await;
    assert_eq!(status, 202, "{asked}");
    let made = loop {
        let all = agent.get(&path).await.1;
        let artifact = all.as_array().unwrap().iter().find(|artifact| artifact["id"] == asked["id"]).unwrap().clone();
        if artifact["status"] != "running" {
            break artifact;
        }
    };
    let suggestions = made["body"]["suggestions"].as_array().unwrap();
    assert!(made["sources"].as_array().unwrap().iter().any(|source| source["kind"] == "shortcut"), "{made}");
    assert!(suggestions.iter().all(|one| !one["text"].as_str().unwrap().contains("{{")), "{made}");
    world.stop().await;
}

/// Asks the Copilot for something and waits until it is made.
async fn made(agent: &AgentClient, conversation: &str, ask: Value) -> Value {
    let path = format!("/api/conversations/{conversation}/artifacts");
    let (status, asked) = agent.post(&path, ask).await;
    assert_eq!(status, 202, "{asked}");
    loop {
        let all = agent.get(&path).await.1;
        let artifact = all.as_array().unwrap().iter().find(|artifact| artifact["id"] == asked["id"]).unwrap().clone();
        if artifact["status"] != "running" {
            return artifact;
        }
    }
}

// covers: A03 A04 A08
#[tokio::test]
async fn a_draft_is_rewritten_and_a_question_answered_without_a_model_or_it_is_said_that_one_is_needed() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "hola, mi pedido es el AB-48213").await;
    let id = visitor.conversation().await;
    let agent = world.agent("lucia@example.com").await;
    let draft = "hola ,tu pedido AB-48213 sale manana  o el lunes";
    let rewritten = made(&agent, &id, json!({"kind": "rewrite", "draft": draft, "style": "corrected"})).await;
    assert_eq!(rewritten["body"]["text"], "Hola, tu pedido AB-48213 sale manana o el lunes.");
    assert_eq!((&rewritten["body"]["draft"], &rewritten["offline"]), (&json!(draft), &json!(true)));
    assert_eq!((&rewritten["body"]["warnings"], &rewritten["stale"]), (&json!([]), &json!(false)));
    let answered = made(&agent, &id, json!({"kind": "ask", "question": "¿Cuál es el número de pedido?"})).await;
    assert!(answered["body"]["text"].as_str().unwrap().contains("AB-48213"), "{answered}");
    assert_eq!(answered["sources"][0]["kind"], "message");
    let path = format!("/api/conversations/{id}/artifacts");
    let (status, problem) = agent.post(&path, json!({"kind": "rewrite", "draft": "Hola", "style": "translated"})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("needs_model")));
    for (wrong, field) in [
        (json!({"kind": "rewrite", "draft": "Hola"}), "style"),
        (json!({"kind": "rewrite", "style": "formal", "draft": " "}), "draft"),
        (json!({"kind": "rewrite", "style": "formal", "draft": "x".repeat(8_001)}), "draft"),
        (json!({"kind": "rewrite", "style": "rude", "draft": "Hola"}), "style"),
        (json!({"kind": "ask"}), "question"),
        (json!({"kind": "ask", "question": "x".repeat(1_001)}), "question"),
        (json!({"kind": "summary", "question": "why"}), "question"),
        (json!({"kind": "poem"}), "kind"),
    ] {
        let (status, problem) = agent.post(&path, wrong).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{problem}");
    }
    visitor.say("c2", "¿hola?").await;
    let all = agent.get(&path).await.1;
    assert!(all.as_array().unwrap().iter().all(|artifact| artifact["stale"] == true), "{all}");
    world.stop().await;
}

// behaviour 24
#[tokio::test]
async fn what_became_of_a_suggestion_is_kept_and_reported_to_supervisors() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "hola").await;
    let id = visitor.conversation().await;
    let agent = world.agent("lucia@example.com").await;
    let rewritten = made(&agent, &id, json!({"kind": "rewrite", "draft": "hola ana", "style": "corrected"})).await;
    assert_eq!(rewritten["body"]["text"], "Hola ana.");
    let artifact = rewritten["id"].as_str().unwrap();
    let feedback = format!("/api/conversations/{id}/artifacts/{artifact}/feedback");
    for given in [json!({"what": "shown"}), json!({"what": "inserted"})] {
        assert_eq!(agent.post(&feedback, given).await.0, 204);
    }
    assert_eq!(agent.post(&feedback, json!({"what": "liked"})).await.0, 422);
    assert_eq!(agent.post(&feedback, json!({"what": "sent", "rating": "good"})).await.0, 422);
    let messages = format!("/api/conversations/{id}/messages");
    let many = json!({"text": "Hola", "client_id": "m0", "rewrites": vec![artifact; 21]});
    assert_eq!(agent.post(&messages, many).await.1["field"], "rewrites");
    let sent = json!({"text": "Buenos días. Hola Ana! ¿Qué tal?", "client_id": "m1", "rewrites": [artifact]});
    assert_eq!(agent.post(&messages, sent).await.0, 201);
    let sofia = world.agent("sofia@example.com").await;
    for (who, rating) in [(&agent, "good"), (&agent, "bad"), (&sofia, "good"), (&sofia, "good")] {
        assert_eq!(who.post(&feedback, json!({"what": "rated", "rating": rating})).await.0, 204);
    }
    let path = format!("/api/conversations/{id}/artifacts");
    // To answer is to take over, and a take-over has a brief made: it may be there too.
    let all = agent.get(&path).await.1;
    let kept = all.as_array().unwrap().iter().find(|made| made["id"] == artifact).unwrap()["feedback"].clone();
    let told: Vec<_> =
        kept.as_array().unwrap().iter().take(4).map(|one| (one["what"].clone(), one["distance"].clone())).collect();
    let expected = [("shown", json!(null)), ("inserted", json!(null)), ("edited", json!(2)), ("sent", json!(2))];
    assert_eq!(told, expected.map(|(what, distance)| (json!(what), distance)), "two characters were changed: {kept}");
    assert_eq!(agent.get("/api/copilot/report").await.0, 403);
    let report = sofia.get("/api/copilot/report").await.1;
    let row = |cut: &str, field: &str, value: &Value| {
        let found = report[cut].as_array().unwrap().iter().find(|row| row[field] == *value && row["sent"] == 1);
        found.unwrap_or_else(|| panic!("{cut} by {field} {value}: {report}")).clone()
    };
    let task = row("tasks", "kind", &json!("rewrite"));
    assert_eq!((&task["model"], &task["made"], &task["shown"]), (&json!(null), &json!(1), &json!(1)));
    assert_eq!((&task["sent_unchanged"], &task["changed_characters"]), (&json!(0), &json!(2)));
    assert_eq!(
        (&task["good"], &task["bad"], &task["offline"]),
        (&json!(1), &json!(1), &json!(1)),
        "what each said last"
    );
    for (cut, field, value) in [
        ("models", "model", json!("offline")),
        ("languages", "language", json!("es")),
        ("agents", "agent", rewritten["created_by"].clone()),
    ] {
        assert_eq!(row(cut, field, &value)["changed_characters"], 2, "{cut}");
    }
    assert_eq!(report["total"]["sent"], 1);
    assert_eq!(agent.post(&feedback, json!({"what": "rated"})).await.0, 204);
    assert_eq!(sofia.post(&feedback, json!({"what": "rejected"})).await.0, 204);
    let total = sofia.get("/api/copilot/report").await.1["total"].clone();
    assert_eq!((&total["good"], &total["bad"]), (&json!(1), &json!(0)), "a rating that was taken back");
    assert_eq!(total["rejected"], 1);
    let (status, problem) = sofia.get("/api/copilot/report?from=2020-01-01T00:00:00Z").await;
    assert_eq!((status, &problem["field"], &problem["limit"]), (422, &json!("from"), &json!(366)));
    let mut other = world.visitor().await;
    other.say("c1", "hola").await;
    let elsewhere = other.conversation().await;
    let sent = json!({"text": "Hola!", "client_id": "m2", "artifact": artifact});
    let (status, problem) = agent.post(&format!("/api/conversations/{elsewhere}/messages"), sent).await;
    assert_eq!((status, &problem["code"]), (404, &json!("not_found")), "an artifact of another conversation");
    world.stop().await;
}

// covers: I03
#[tokio::test]
async fn what_the_bot_captured_is_shown_with_the_conversation() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "mi pedido es A-7").await;
    visitor.hears("eco: mi pedido es A-7").await;
    let id = visitor.conversation().await;
    let agent = world.agent("lucia@example.com").await;
    let shown = agent.get(&format!("/api/conversations/{id}")).await.1;
    assert_eq!(shown["captured"], json!({"order": "A-7"}));
    world.stop().await;
}

// covers: F03
#[tokio::test]
async fn a_search_finds_words_names_emails_and_phones_as_they_are_typed_without_accents() {
    let world = World::start().await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "La lámpara llegó rota a Córdoba").await;
    let id = visitor.conversation().await;
    let mut other = world.visitor().await;
    other.say("c1", "hola").await;
    let agent = world.agent("lucia@example.com").await;
    let contact = agent.get(&format!("/api/conversations/{id}")).await.1["card"]["contact"]["id"].clone();
    let known = json!({"name": "Ángela Núñez", "email": "angela@example.com", "phone": "+34 600 123 456"});
    let path = format!("/api/contacts/{}", contact.as_str().unwrap());
    assert_eq!(agent.patch(&path, known).await.0, 200);
    for typed in ["lampara", "LÁMPARA", "cordo", "nunez", "angela@ex", "600123", "rota cor"] {
        let found = agent.get(&format!("/api/conversations?view=all&q={}", typed.replace(' ', "%20"))).await.1;
        let ids: Vec<_> = found["cards"].as_array().unwrap().iter().map(|card| card["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [id.as_str()], "{typed}");
    }
    let nothing = agent.get("/api/conversations?view=all&q=zapato").await.1;
    assert_eq!(nothing["cards"], json!([]));
    world.stop().await;
}
