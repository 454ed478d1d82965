//! The Copilot with a scripted endpoint, through HTTP and sockets.

use crate::made;
use crate::model::Model;
use crate::world::{AgentClient, AgentSocket, VisitorClient, World};
use relevo::store::ArtifactStatus;
use relevo_copilot::worker::Request;
use relevo_copilot::{Price, Task};
use serde_json::{Value, json};
use std::time::Duration;

async fn world(model: &Model) -> World {
    World::with(|config| {
        config.copilot.endpoint = Some(model.url());
        config.copilot.models = vec!["house".into()];
    })
    .await
}

async fn somebody(world: &World, says: &str) -> (VisitorClient, String) {
    let mut visitor = world.visitor().await;
    visitor.say("c1", says).await;
    visitor.hears(&format!("eco: {says}")).await;
    let id = visitor.conversation().await;
    (visitor, id)
}

/// Reads the socket until this artifact is as wanted.
async fn until(socket: &mut AgentSocket, artifact: &Value, wanted: impl Fn(&Value) -> bool) -> Value {
    let of = |frame: &Value| frame["op"] == "artifact" && frame["artifact"]["id"] == *artifact;
    let heard = socket.until(|frame| of(frame) && wanted(&frame["artifact"])).await;
    heard.last().unwrap()["artifact"].clone()
}

async fn begin(agent: &AgentClient, id: &str, ask: Value) -> Value {
    let (status, begun) = agent.post(&format!("/api/conversations/{id}/artifacts"), ask).await;
    assert_eq!(status, 202, "{begun}");
    begun["id"].clone()
}

async fn again(agent: &AgentClient, id: &str, artifact: &Value) -> Value {
    let all = agent.get(&format!("/api/conversations/{id}/artifacts")).await.1;
    all.as_array().unwrap().iter().find(|made| made["id"] == *artifact).unwrap().clone()
}

// covers: A07; behaviour 23
#[tokio::test]
async fn tokens_and_cost_are_told_by_day_and_team_and_a_spent_day_is_told_with_its_setting() {
    let model = Model::saying([Ok("Espera su pedido.\n---\nissue: pedido")]).await;
    let world = World::with(|config| {
        config.copilot.endpoint = Some(model.url());
        config.copilot.models = vec!["house".into()];
        config.copilot.day_tokens = Some(1_000);
        config.copilot.currency = "EUR".into();
        config.copilot.prices = [("house".into(), Price { prompt: 2.0, completion: 8.0 })].into();
    })
    .await;
    let (mut visitor, id) = somebody(&world, "mi pedido no llega").await;
    let (lucia, sofia) = (world.agent("lucia@example.com").await, world.agent("sofia@example.com").await);
    let first = made(&lucia, &id, json!({"kind": "summary"})).await;
    assert_eq!((&first["offline"], &first["model"]), (&json!(false), &json!("house-2026-01")), "{first}");
    assert_eq!(first["tokens"], json!({"prompt": 900, "completion": 100}));
    assert_eq!(first["cost"], json!({"micros": 900 * 2 + 100 * 8, "currency": "EUR"}));
    // Nothing new, nothing asked; something new, and the day is spent.
    assert_eq!(made(&lucia, &id, json!({"kind": "summary"})).await["id"], first["id"]);
    visitor.say("c2", "¿hola?").await;
    visitor.hears("eco: ¿hola?").await;
    let second = made(&lucia, &id, json!({"kind": "summary"})).await;
    let why = second["error"].as_str().unwrap();
    assert!(second["offline"] == true && why.contains("1000 of 1000 tokens today"), "{why}");
    assert_eq!(second["failure"], json!({"kind": "spent", "team": null, "used": 1_000, "limit": 1_000}));
    assert!(why.contains("copilot.day_tokens") && second["cost"].is_null(), "{second}");
    // What rules cannot do is refused.
    let draft = json!({"kind": "rewrite", "draft": "hola ana", "style": "clearer"});
    let (status, refused) = lucia.post(&format!("/api/conversations/{id}/artifacts"), draft).await;
    assert_eq!((status, &refused["code"]), (409, &json!("budget_spent")), "{refused}");
    assert!(refused["detail"].as_str().unwrap().contains("copilot.day_tokens"), "{refused}");
    assert_eq!(model.asked().len(), 1);
    assert_eq!(lucia.get("/api/copilot/usage").await.0, 403);
    let usage = sofia.get("/api/copilot/usage").await.1;
    let mut today = usage["days"][0].clone();
    let day = today["day"].take();
    assert_eq!((day.as_str().unwrap().len(), &usage["day_tokens"]), (10, &json!(1_000)), "{usage}");
    let expected = json!({"day": null, "team": null, "asked": 1, "prompt_tokens": 900, "completion_tokens": 100,
        "cost_micros": {"EUR": 2_600}});
    assert_eq!((&today, usage["days"].as_array().unwrap().len()), (&expected, 1));
    let report = sofia.get("/api/copilot/report").await.1;
    let models = report["models"].as_array().unwrap();
    let row = models.iter().find(|row| row["model"] == "house-2026-01").unwrap();
    assert_eq!((&row["prompt_tokens"], &row["cost_micros"]["EUR"]), (&json!(900), &json!(2_600)));
    // Another team's day is its own.
    assert_eq!(lucia.patch(&format!("/api/conversations/{id}"), json!({"team": "ventas"})).await.0, 200);
    let theirs = made(&lucia, &id, json!({"kind": "summary", "again": true})).await;
    assert_eq!((&theirs["offline"], model.asked().len()), (&json!(false), 2), "{theirs}");
    let spent = made(&lucia, &id, json!({"kind": "summary", "again": true})).await;
    assert!(spent["error"].as_str().is_some_and(|why| why.contains("`ventas` has used 1000 of 1000")), "{spent}");
    world.stop().await;
}

// covers: A01 A02 A11; behaviour 24
#[tokio::test]
async fn behaviour_24_what_is_sent_is_held_against_the_suggestion_it_is_most_like_and_against_a_first_reply() {
    let drafts = "Lo miro ahora mismo [1].\n===\n¿Me das tu nombre?";
    let model = Model::saying([Ok(drafts), Ok("Quiere devolver.\n---\nissue: devolver")]).await;
    let world = world(&model).await;
    let (_visitor, id) = somebody(&world, "¿cuál es la política de devoluciones?").await;
    let (_other, elsewhere) = somebody(&world, "hola").await;
    let agent = world.agent("lucia@example.com").await;
    let reply = made(&agent, &id, json!({"kind": "reply"})).await;
    assert_eq!(reply["body"]["suggestions"].as_array().map(Vec::len), Some(2), "{reply}");
    let summary = made(&agent, &id, json!({"kind": "summary"})).await;
    let anew = made(&agent, &id, json!({"kind": "summary", "again": true})).await;
    assert_ne!(anew["id"], summary["id"], "it is wanted anew");
    let path = format!("/api/conversations/{id}");
    let (status, refused) = agent.post(&format!("{path}/artifacts"), json!({"kind": "reply", "again": true})).await;
    assert_eq!((status, &refused["field"]), (422, &json!("again")));
    let run = format!("/api/conversations/{elsewhere}/artifacts/{}", reply["id"].as_str().unwrap());
    assert_eq!(agent.post(&format!("{run}/feedback"), json!({"what": "shown"})).await.0, 404);
    assert_eq!(agent.call("DELETE", &format!("{run}/run")).await, 404);
    let first = summary["body"]["suggested_reply"].as_str().expect("a shortcut answers");
    for (client, artifact, text) in [("a1", &reply, "¿Me das tu nombre completo?"), ("a2", &summary, first)] {
        let sent = json!({"client_id": client, "text": text, "artifact": artifact["id"]});
        assert_eq!(agent.post(&format!("{path}/messages"), sent).await.0, 201);
    }
    let told = async |artifact: &Value| {
        let kept = again(&agent, &id, &artifact["id"]).await["feedback"].clone();
        let kept = kept.as_array().unwrap().iter();
        kept.map(|one| json!([one["what"], one["suggestion"], one["distance"]])).collect::<Vec<_>>()
    };
    assert_eq!(told(&reply).await, [json!(["edited", 1, 9]), json!(["sent", 1, 9])]);
    assert_eq!(told(&summary).await, [json!(["sent", null, 0])]);
    world.stop().await;
}

// behaviour 16; behaviour 10
#[tokio::test]
async fn behaviour_16_a_draft_is_stale_when_the_customer_wrote_while_it_was_written() {
    let model = Model::waiting([Ok("Hola Ana, lo miro ahora mismo.")]).await;
    let world = world(&model).await;
    let (mut visitor, id) = somebody(&world, "mi pedido no llega").await;
    let agent = world.agent("lucia@example.com").await;
    let mut socket = agent.socket(&world).await;
    socket.open(&id).await;
    let draft = json!({"kind": "rewrite", "draft": "hola ana lo miro", "style": "friendlier"});
    let rewritten = begin(&agent, &id, draft).await;
    socket
        .until(|frame| frame["op"] == "artifact_delta" && frame["text"].as_str().is_some_and(|t| !t.is_empty()))
        .await;
    visitor.say("c2", "déjalo, ya ha llegado").await;
    visitor.hears("eco: déjalo, ya ha llegado").await;
    model.goes_on();
    let done = until(&mut socket, &rewritten, |made| made["status"] == "done").await;
    assert_eq!((&done["stale"], &done["body"]["text"]), (&json!(true), &json!("Hola Ana, lo miro ahora mismo.")));
    let items = agent.get(&format!("/api/conversations/{id}/items?limit=100")).await.1.to_string();
    assert!(!items.contains("lo miro"), "nothing is sent by itself: {items}");
    world.stop().await;
}

#[tokio::test]
async fn what_somebody_asked_for_who_went_away_while_it_was_begun_is_made_all_the_same() {
    let world = World::with(|_| ()).await;
    let (_visitor, id) = somebody(&world, "mi pedido no llega").await;
    let conversation = id.parse().unwrap();
    let (worker, store) = (world.app().copilot.clone(), world.app().desk.store().clone());
    let (task, by, language) = (Task::Summary, None, None);
    let request = Request { conversation, task, by, language, internal: true, again: false };
    let mut asks = Box::pin(worker.request(request));
    let made = async || store.artifacts(conversation).await.unwrap();
    // Until it stands in the store, and whoever asked has not heard so.
    while futures::poll!(&mut asks).is_pending() && made().await.is_empty() {}
    drop(asks);
    let ends = async {
        while made().await.iter().any(|made| made.status == ArtifactStatus::Running) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ends).await.expect("it comes to its end");
    assert_eq!(made().await.len(), 1);
    world.stop().await;
}

// behaviour 2
#[tokio::test]
async fn behaviour_02_a_summary_and_the_brief_of_a_hand_over_are_never_with_the_endpoint_together() {
    let first = "PRIMERO: no llega.\n---\nissue: pedido";
    let model = Model::waiting([Ok(first), Ok("SEGUNDO: quiere hablar.\n---\nissue: pedido")]).await;
    let world = world(&model).await;
    let (mut visitor, id) = somebody(&world, "mi pedido no llega").await;
    let agent = world.agent("lucia@example.com").await;
    let mut socket = agent.socket(&world).await;
    socket.open(&id).await;
    let summary = begin(&agent, &id, json!({"kind": "summary"})).await;
    let text = |frame: &Value| frame["text"].as_str().is_some_and(|text| !text.is_empty());
    socket.until(|frame| frame["op"] == "artifact_delta" && text(frame)).await;
    assert_eq!(begin(&agent, &id, json!({"kind": "summary"})).await, summary, "pressed twice");
    visitor.say("c2", "quiero hablar con una persona").await;
    let heard = socket.until(|frame| frame["op"] == "artifact_delta" && frame["step"] == "waiting").await;
    let brief = heard.last().unwrap()["artifact"].clone();
    assert_eq!(begin(&agent, &id, json!({"kind": "summary"})).await, brief, "it tells what was said since");
    model.goes_on();
    let summary = until(&mut socket, &summary, |made| made["status"] == "done").await;
    let brief = until(&mut socket, &brief, |made| made["status"] == "done").await;
    assert_eq!((&brief["kind"], &brief["offline"]), (&json!("brief"), &json!(false)), "{brief}");
    assert_eq!((model.most_at_once(), model.asked().len()), (1, 2));
    assert!(summary["covers"]["last"].as_u64() < brief["covers"]["last"].as_u64(), "{summary} {brief}");
    let sent = model.asked()[1].to_string();
    assert!(sent.contains("PRIMERO") && sent.contains("una persona") && !sent.contains("mi pedido"), "{sent}");
    world.stop().await;
}

// covers: A01; behaviour 14
#[tokio::test]
async fn who_opens_a_conversation_reads_from_its_beginning_what_is_being_written() {
    let model = Model::waiting([Ok("Espera su pedido desde hace días.\n---\nissue: pedido")]).await;
    let world = world(&model).await;
    let (_visitor, id) = somebody(&world, "mi pedido no llega").await;
    let (lucia, rui) = (world.agent("lucia@example.com").await, world.agent("sofia@example.com").await);
    let mut early = lucia.socket(&world).await;
    early.open(&id).await;
    let summary = begin(&lucia, &id, json!({"kind": "summary"})).await;
    let grows =
        |frame: &Value| frame["op"] == "artifact_delta" && frame["text"].as_str().is_some_and(|t| !t.is_empty());
    let first = early.until(grows).await.last().unwrap()["text"].clone();
    // One word was said, and no other comes before somebody lets it.
    let mut late = rui.socket(&world).await;
    late.open(&id).await;
    let heard = late.until(grows).await.last().unwrap().clone();
    assert_eq!((&heard["artifact"], &heard["at"], &heard["text"]), (&summary, &json!(0), &first));
    assert_eq!(heard["step"], "writing");
    model.goes_on();
    let whole = async |mut socket: AgentSocket, mut text: String| {
        let frames = socket.until(|frame| frame["op"] == "artifact" && frame["artifact"]["status"] == "done").await;
        for frame in frames.iter().filter(|frame| frame["op"] == "artifact_delta") {
            assert_eq!(frame["at"].as_u64().unwrap(), text.chars().count() as u64, "{frame}");
            text.push_str(frame["text"].as_str().unwrap());
        }
        (text, frames.last().unwrap()["artifact"]["body"]["text"].clone())
    };
    for socket in [early, late] {
        let (streamed, kept) = whole(socket, first.as_str().unwrap().to_owned()).await;
        assert_eq!(json!(streamed.trim()), kept);
    }
    world.stop().await;
}

#[test]
fn every_reason_for_which_no_model_wrote_has_a_text_of_the_page() {
    use relevo::store::MakeFailure::{
        BrokenOff, Cut, Filtered, HttpStatus, KeyRefused, NeedsModel, NoAnswer, NotUnderstood, NothingUsable, Other,
        PersonalData, Resting, Spent, Stopped, TooLong, TooMany, TooSlow, Unreachable, Withdrawn,
    };
    let texts: Value = serde_json::from_str(include_str!("../../relevo-inbox/ui/inbox/src/locales/es.json")).unwrap();
    let (said, text) = (String::new, String::new());
    for failure in [
        Unreachable,
        NoAnswer,
        Resting,
        KeyRefused { status: 401, said: said() },
        TooMany { said: said() },
        HttpStatus { status: 500, said: said() },
        BrokenOff,
        Filtered,
        NotUnderstood,
        Cut,
        NothingUsable,
        TooLong,
        TooSlow { seconds: 30 },
        PersonalData,
        Spent { team: None, used: 1, limit: 1 },
        NeedsModel,
        Stopped,
        Withdrawn,
        Other { text },
    ] {
        let kind = json!(failure)["kind"].as_str().unwrap().to_owned();
        assert!(texts[format!("make_failure.{kind}")].is_string(), "{kind}");
    }
}

// behaviour 15
#[tokio::test]
async fn behaviour_15_who_stops_a_draft_hangs_up_on_the_model_and_pays_for_what_was_read() {
    let model = Model::waiting([Ok("Espera su pedido desde hace días.\n---\nissue: pedido")]).await;
    let world = world(&model).await;
    let (_visitor, id) = somebody(&world, "mi pedido no llega").await;
    let agent = world.agent("lucia@example.com").await;
    let mut socket = agent.socket(&world).await;
    socket.open(&id).await;
    let summary = begin(&agent, &id, json!({"kind": "summary"})).await;
    socket
        .until(|frame| frame["op"] == "artifact_delta" && frame["text"].as_str().is_some_and(|t| !t.is_empty()))
        .await;
    let path = format!("/api/conversations/{id}/artifacts/{}/run", summary.as_str().unwrap());
    assert_eq!(agent.call("DELETE", &path).await, 204);
    // The promise itself, not a measure of speed.
    tokio::time::timeout(Duration::from_secs(1), model.was_hung_up_on()).await.expect("within a second");
    let stopped = until(&mut socket, &summary, |made| made["status"] == "cancelled").await;
    assert_eq!(stopped["body"], json!({}), "nothing is kept as final");
    assert!(stopped["tokens"]["prompt"].as_u64().unwrap() > 0, "{stopped}");
    world.stop().await;
}

// behaviour 4
#[tokio::test]
async fn behaviour_04_a_removed_message_is_gone_from_every_reading() {
    let model = Model::saying([Ok("Escribe la clave CANARY-7.\n---\nissue: clave")]).await;
    let world = world(&model).await;
    let (mut visitor, id) = somebody(&world, "mi clave es CANARY-7").await;
    let (lucia, sofia) = (world.agent("lucia@example.com").await, world.agent("sofia@example.com").await);
    let path = format!("/api/conversations/{id}");
    assert_eq!(lucia.post(&format!("{path}/take-over"), json!({})).await.0, 200);
    let own = json!({"client_id": "a1", "text": "Recibo la CANARY-7"});
    let own = lucia.post(&format!("{path}/messages"), own).await.1["seq"].clone();
    visitor.hears("Recibo la CANARY-7").await;
    made(&lucia, &id, json!({"kind": "summary"})).await;
    let items = lucia.get(&format!("{path}/items?limit=100")).await.1;
    let theirs = |text: &str| {
        let all = items["items"].as_array().unwrap().iter();
        all.clone().find(|item| item["message"]["text"] == text).unwrap()["seq"].clone()
    };
    let messages = format!("{path}/messages");
    let (said, echoed) = (theirs("mi clave es CANARY-7"), theirs("eco: mi clave es CANARY-7"));
    assert_eq!(lucia.call("DELETE", &format!("{messages}/{said}")).await, 403, "it is the visitor's");
    assert_eq!(sofia.call("DELETE", &format!("{messages}/9999")).await, 404);
    assert_eq!(lucia.call("DELETE", &format!("{messages}/{own}")).await, 204);
    for seq in [&said, &echoed, &said] {
        assert_eq!(sofia.call("DELETE", &format!("{messages}/{seq}")).await, 204);
    }
    let items = lucia.get(&format!("{path}/items?limit=100")).await.1.to_string();
    assert!(!items.contains("CANARY") && items.matches("message_removed").count() == 3, "{items}");
    let found = lucia.get("/api/conversations?view=all&q=canary").await.1.to_string();
    assert!(!found.contains(&id), "{found}");
    let card = lucia.get(&path).await.1;
    assert!(!card.to_string().contains("CANARY"), "{card}");
    // The visitor's page is told, and one that is opened anew reads nothing of it.
    visitor.until(|frame| frame["items"].to_string().contains("\"removed\"")).await;
    visitor.leave().await;
    visitor.returns(&world, 0).await;
    let past = visitor.until(|frame| frame["op"] == "items").await.to_string();
    assert!(!past.contains("CANARY") && past.contains("\"removed\""), "{past}");
    let mut socket = lucia.socket(&world).await;
    socket.open(&id).await;
    loop {
        let all = lucia.get(&format!("{path}/artifacts")).await.1.to_string();
        if !all.contains("CANARY") {
            break;
        }
        while socket.next().await["op"] != "artifact" {}
    }
    world.stop().await;
}

// behaviours 20 and 18
#[tokio::test]
async fn behaviour_20_the_endpoint_reads_placeholders_and_the_agent_the_values() {
    let model = Model::saying([Ok("Escribe desde [EMAIL_1] y [PHONE_7].\n---\nissue: pedido"), Err(401)]).await;
    let world = world(&model).await;
    let (mut visitor, id) = somebody(&world, "soy ana@example.com y mi tarjeta es 4111 1111 1111 1111").await;
    let agent = world.agent("lucia@example.com").await;
    let summary = made(&agent, &id, json!({"kind": "summary"})).await;
    let sent = model.asked()[0].to_string();
    assert!(sent.contains("[EMAIL_1]") && sent.contains("[CARD_1]"), "{sent}");
    assert!(!sent.contains("ana@example.com") && !sent.contains("4111"), "{sent}");
    let text = summary["body"]["text"].as_str().unwrap();
    assert!(text.contains("ana@example.com") && !text.contains("PHONE_7"), "{text}");
    // Whoever is refused is answered offline at once, and told so on the artifact.
    visitor.say("c2", "¿hola?").await;
    visitor.hears("eco: ¿hola?").await;
    let second = made(&agent, &id, json!({"kind": "summary"})).await;
    assert_eq!((&second["offline"], &second["status"]), (&json!(true), &json!("done")));
    assert!(second["error"].as_str().is_some_and(|why| why.contains("refused the key")), "{second}");
    assert_eq!((&second["failure"]["kind"], &second["failure"]["status"]), (&json!("key_refused"), &json!(401)));
    assert_eq!(
        (model.asked().len(), again(&agent, &id, &summary["id"]).await["body"].clone()),
        (2, summary["body"].clone())
    );
    world.stop().await;
}

// covers: A02
#[tokio::test]
async fn a_conversation_is_told_the_labels_of_others_in_which_customers_said_the_like() {
    let world = World::start().await;
    let (_one, shoes) = somebody(&world, "quiero devolver unos zapatos").await;
    let (_two, parcel) = somebody(&world, "¿dónde está mi paquete?").await;
    let (_three, here) = somebody(&world, "hola, quiero devolver los zapatos azules").await;
    let agent = world.agent("lucia@example.com").await;
    let path = format!("/api/conversations/{here}/suggested-labels");
    assert_eq!(agent.get(&path).await, (200, json!([])));
    for (id, label) in [(&shoes, "devolucion"), (&parcel, "envio")] {
        assert_eq!(agent.patch(&format!("/api/conversations/{id}"), json!({"labels": [label]})).await.0, 200);
    }
    let (status, found) = agent.get(&path).await;
    assert_eq!((status, found.as_array().map(Vec::len), &found[0]["label"]), (200, Some(1), &json!("devolucion")));
    assert!(found[0]["certainty"].as_f64().is_some_and(|certain| (0.2..=1.0).contains(&certain)), "{found}");
    assert_eq!(agent.get("/api/conversations/nobody/suggested-labels").await.0, 404);
    assert_eq!(world.anonymous("GET", &path, json!(null)).await.0, 401);
    world.stop().await;
}
