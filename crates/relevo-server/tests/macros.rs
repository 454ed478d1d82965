//! Macros: all or nothing, once, and every step told.

use crate::world::World;
use relevo::domain::event::Event;
use serde_json::{Value, json};
use std::path::Path;

const GREET: &str = r#"
title = { es = "Saludar", pt = "Saudar", en = "Greet" }

[[steps]]
send_text = { es = "Hola de nuevo.", pt = "Olá de novo.", en = "Hello again." }

[[steps]]
priority = "high"

[[steps]]
add_labels = ["saludo"]
"#;

/// Its first step is possible, its last one is not.
const BROKEN: &str = r#"
title = { es = "Roto", pt = "Quebrado", en = "Broken" }

[[steps]]
send_text = { es = "Hola.", pt = "Olá.", en = "Hello." }

[[steps]]
hand_to_bot = "nobody"
"#;

async fn world(folder: &Path) -> World {
    std::fs::create_dir(folder.join("macros")).unwrap();
    std::fs::write(folder.join("macros/greet.toml"), GREET).unwrap();
    std::fs::write(folder.join("macros/broken.toml"), BROKEN).unwrap();
    World::with(|config| config.shortcuts = Some(folder.to_owned())).await
}

async fn facts(world: &World, id: &str) -> Vec<Event> {
    let facts = world.app().desk.store().read(id.parse().unwrap(), 0, 1_000).await.unwrap();
    // That a message went out is told when it did.
    let decided = facts.into_iter().map(|fact| fact.event);
    decided.filter(|event| !matches!(event, Event::DeliveryClaimed { .. } | Event::DeliveryUpdated { .. })).collect()
}

fn results(steps: &Value) -> Vec<(&str, &str)> {
    let steps = steps.as_array().unwrap();
    steps.iter().map(|step| (step["action"].as_str().unwrap(), step["result"].as_str().unwrap())).collect()
}

// covers: S07
#[tokio::test]
async fn a_macro_runs_once_under_its_id_and_tells_every_step_on_the_timeline() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "hola").await;
    visitor.hears("eco: hola").await;
    let id = visitor.conversation().await;
    let agent = world.agent("lucia@example.com").await;
    let path = format!("/api/conversations/{id}/macros/greet");
    let (status, first) = agent.post(&path, json!({"client_id": "m1"})).await;
    assert_eq!(status, 200, "{first}");
    let all_done = [("send_text", "done"), ("priority", "done"), ("add_labels", "done")];
    assert_eq!(results(&first["steps"]), all_done);
    assert_eq!((&first["card"]["priority"], &first["card"]["labels"]), (&json!("high"), &json!(["saludo"])));
    visitor.hears("Hola de nuevo.").await;
    let items = agent.get(&format!("/api/conversations/{id}/items")).await.1["items"].clone();
    let ran = items.as_array().unwrap().iter().find(|item| item["kind"] == "macro_ran").unwrap();
    assert_eq!((&ran["macro"], results(&ran["steps"])), (&json!("greet"), all_done.to_vec()));

    let before = facts(&world, &id).await;
    let again = agent.post(&path, json!({"client_id": "m1"})).await;
    assert_eq!((again.0, &again.1["steps"]), (200, &first["steps"]));
    assert_eq!(facts(&world, &id).await, before, "sent again after a broken line");

    let next = agent.post(&path, json!({"client_id": "m2"})).await.1;
    let unchanged = [("send_text", "done"), ("priority", "unchanged"), ("add_labels", "unchanged")];
    assert_eq!(results(&next["steps"]), unchanged);
    let (status, nameless) = agent.post(&path, json!({})).await;
    assert_eq!(status, 422, "{nameless}");
    world.stop().await;
}

// covers: S07
#[tokio::test]
async fn a_macro_of_which_a_step_is_refused_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let world = world(folder.path()).await;
    let mut visitor = world.visitor().await;
    visitor.say("c1", "hola").await;
    visitor.hears("eco: hola").await;
    let id = visitor.conversation().await;
    let before = facts(&world, &id).await;
    let agent = world.agent("lucia@example.com").await;
    let path = format!("/api/conversations/{id}/macros/broken");
    let (status, problem) = agent.post(&path, json!({"client_id": "m1"})).await;
    assert_eq!((status, &problem["field"]), (422, &json!("bot")), "{problem}");
    assert_eq!(facts(&world, &id).await, before);
    world.stop().await;
}
