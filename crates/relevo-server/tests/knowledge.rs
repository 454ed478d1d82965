//! What the Copilot may cite, over HTTP and with the command.

use crate::world::{AgentClient, AgentSocket, World};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const ARTICLE: &str = "# Devoluciones\n\nTienes 30 días para devolver un pedido.";

async fn overview(agent: &AgentClient) -> Value {
    let (status, body) = agent.get("/api/knowledge").await;
    assert_eq!(status, 200, "{body}");
    body
}

/// Waits until the source of this name is as it should be.
async fn until(agent: &AgentClient, socket: &mut AgentSocket, name: &str, is: impl Fn(&Value) -> bool) -> Value {
    loop {
        let seen = overview(agent).await;
        let mut sources = seen["sources"].as_array().unwrap().iter();
        if let Some(source) = sources.find(|source| source["name"] == name && source["reading"].is_null() && is(source))
        {
            return source.clone();
        }
        while socket.next().await["op"] != "knowledge" {}
    }
}

async fn found(agent: &AgentClient, question: &str) -> Vec<String> {
    let (status, body) = agent.get(&format!("/api/knowledge/search?q={}", question.replace(' ', "%20"))).await;
    assert_eq!(status, 200, "{body}");
    body.as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect()
}

// covers: A06; behaviour 13
#[tokio::test]
async fn what_is_added_is_found_and_what_is_taken_back_is_not_from_that_moment_on() {
    let world = World::start().await;
    let (sofia, lucia) = (world.agent("sofia@example.com").await, world.agent("lucia@example.com").await);
    let mut socket = sofia.socket(&world).await;
    let new = json!({"name": "Ayuda", "text": ARTICLE, "inboxes": ["shop"]});
    let (status, refused) = lucia.post("/api/knowledge/sources", new.clone()).await;
    assert_eq!((status, &refused["code"]), (403, &json!("not_allowed")));
    let (status, added) = sofia.post("/api/knowledge/sources", new).await;
    assert_eq!(status, 201, "{added}");
    let path = format!("/api/knowledge/sources/{}", added["id"].as_str().unwrap());
    let source = until(&sofia, &mut socket, "Ayuda", |source| source["articles"] == 1).await;
    assert_eq!((&source["kind"], &source["problems"]), (&json!("text"), &json!([])));
    assert_eq!(found(&lucia, "devolver pedido").await.first().map(String::as_str), Some("Devoluciones"));
    let elsewhere = lucia.get("/api/knowledge/search?q=devolver&inbox=other").await.1;
    assert!(elsewhere.as_array().unwrap().iter().all(|one| one["source"] != added["id"]), "{elsewhere}");
    let articles = lucia.get(&format!("{path}/articles")).await.1;
    let article = articles[0]["id"].clone();
    assert_eq!(articles[0]["published"], true);
    let reading = format!("/api/knowledge/article?id={}", article.as_str().unwrap().replace('#', "%23"));
    let read = lucia.get(&reading).await.1;
    assert_eq!((&read["text"], &read["version"]), (&json!(ARTICLE), &articles[0]["version"]));
    assert_eq!(
        (&read["source_name"], &read["internal"], &read["published"]),
        (&json!("Ayuda"), &json!(false), &json!(true))
    );
    for (change, at) in [
        (json!({"article": article, "published": false}), format!("{path}/articles")),
        (json!({"published": false}), path.clone()),
    ] {
        assert_eq!(lucia.patch(&at, change.clone()).await.0, 403);
        assert_eq!(sofia.patch(&at, change.clone()).await.0, 204);
        assert!(!found(&lucia, "devolver pedido").await.contains(&"Devoluciones".to_owned()), "{change}");
        assert_eq!((lucia.get(&reading).await.0, sofia.get(&reading).await.0), (404, 200), "{change}");
        let mut back = change;
        back["published"] = json!(true);
        assert_eq!(sofia.patch(&at, back).await.0, 204);
        assert!(found(&lucia, "devolver pedido").await.contains(&"Devoluciones".to_owned()));
    }
    assert_eq!((lucia.call("DELETE", &path).await, sofia.call("DELETE", &path).await), (403, 204));
    assert!(!found(&lucia, "devolver pedido").await.contains(&"Devoluciones".to_owned()));
    assert_eq!(sofia.call("DELETE", &path).await, 404);
    world.stop().await;
}

#[tokio::test]
async fn bad_sources_are_refused_with_the_field_and_private_pages_are_never_read() {
    let world = World::start().await;
    let sofia = world.agent("sofia@example.com").await;
    let mut socket = sofia.socket(&world).await;
    for (new, says) in [
        (json!({"name": " ", "text": "x"}), "name: is empty"),
        (json!({"name": "x".repeat(101), "text": "x"}), "the limit is 100"),
        (json!({"name": "a", "urls": []}), "urls: is empty"),
        (json!({"name": "a", "urls": ["file:///etc/passwd"]}), "is not an http or https address"),
        (json!({"name": "a", "urls": ["https://a.example"], "text": "x"}), "either `text` or `urls`"),
        (json!({"name": "a", "format": "csv", "text": "x,y\n1,2\n"}), "text: line 2"),
        (json!({"name": "a", "text": "x", "language": "fr"}), "language: is `es`"),
        (json!({"name": "a", "text": "x", "inboxes": ["nowhere"]}), "no inbox `nowhere`"),
        (json!({"name": "a", "path": "/etc"}), "unknown field"),
    ] {
        let (status, refused) = sofia.post("/api/knowledge/sources", new.clone()).await;
        assert_eq!(status, 422, "{new}: {refused}");
        assert!(refused["detail"].as_str().unwrap().contains(says), "{new}: {refused}");
    }
    let inside = world.url("/healthz");
    let new = json!({"name": "Inside", "urls": [inside]});
    assert_eq!(sofia.post("/api/knowledge/sources", new).await.0, 201);
    let again = json!({"name": "Once more", "urls": [format!(" {inside}"), inside]});
    let (status, refused) = sofia.post("/api/knowledge/sources", again).await;
    assert_eq!((status, &refused["code"], &refused["source"]), (409, &json!("already_added"), &json!("inside")));
    assert!(refused["detail"].as_str().unwrap().contains("`Inside`"), "{refused}");
    let source = until(&sofia, &mut socket, "Inside", |source| !source["read_at"].is_null()).await;
    assert!(source["problems"][0]["problem"].as_str().unwrap().contains("private network"), "{source}");
    let (status, refused) = sofia.get(&format!("/api/knowledge/search?q={}", "x".repeat(2_001))).await;
    assert_eq!((status, &refused["limit"]), (422, &json!(2_000)));
    for empty in ["", "%20", "%3F%3F"] {
        let (status, refused) = sofia.get(&format!("/api/knowledge/search?q={empty}")).await;
        assert_eq!((status, &refused["field"]), (422, &json!("q")), "{refused}");
    }
    assert_eq!(sofia.patch("/api/knowledge/sources/shortcuts", json!({"published": false})).await.0, 409);
    assert_eq!(sofia.patch("/api/knowledge/sources/..%2F..%2Fetc", json!({"published": false})).await.0, 404);
    world.stop().await;
}

fn relevo(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relevo"));
    let output = command.args(arguments).current_dir(folder).env("RELEVO_LOG", "off").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

// covers: A06
#[tokio::test]
async fn the_command_adds_to_a_running_server_and_to_one_that_starts_later() {
    let world = World::start().await;
    let lucia = world.agent("lucia@example.com").await;
    let mut socket = lucia.socket(&world).await;
    let folder = world.folder().to_owned();
    let help = folder.join("help");
    std::fs::create_dir(&help).unwrap();
    std::fs::write(help.join("devoluciones.md"), ARTICLE).unwrap();
    std::fs::write(help.join("faq.csv"), "question,answer\n¿Abren los domingos?,\"No, de lunes a viernes\"\n").unwrap();
    let (good, said) = relevo(&folder, &["knowledge", "add", "help", "--name", "Ayuda"]);
    assert!(good && said.contains("ayuda: 2 articles"), "{said}");
    until(&lucia, &mut socket, "Ayuda", |source| source["articles"] == 2).await;
    assert_eq!(found(&lucia, "abren el domingo").await.first().map(String::as_str), Some("¿Abren los domingos?"));
    // What is broken is told and stays as it was; what changed is followed.
    std::fs::write(help.join("faq.csv"), "no table\n1,2,3\n").unwrap();
    std::fs::write(help.join("nuevo.md"), "# Horario de agosto\n\nCerramos en agosto.").unwrap();
    let (good, said) = relevo(&folder, &["knowledge", "sync"]);
    assert!(!good && said.contains("ayuda: 3 articles, 1 of them new") && said.contains("faq.csv: line"), "{said}");
    let source = until(&lucia, &mut socket, "Ayuda", |source| source["articles"] == 3).await;
    assert_eq!(source["problems"].as_array().map(Vec::len), Some(1));
    // Without the server, from the files alone.
    world.stop_but_keep().await;
    let (good, said) = relevo(&folder, &["knowledge", "search", "agosto"]);
    assert!(good && said.contains("Horario de agosto"), "{said}");
    let (_, listed) = relevo(&folder, &["knowledge", "list"]);
    assert!(listed.contains("ayuda\t") && listed.contains("3 articles"), "{listed}");
    let (good, said) = relevo(&folder, &["knowledge", "add", "help", "--name", "Otra"]);
    assert!(!good && said.contains("is the source `ayuda` already: `relevo knowledge sync ayuda`"), "{said}");
    let (good, said) = relevo(&folder, &["knowledge", "remove", "ayuda"]);
    assert!(good && said.contains("ayuda is gone"), "{said}");
    let (_, said) = relevo(&folder, &["knowledge", "search", "agosto"]);
    assert!(said.contains("nothing is found"), "{said}");
    for (arguments, says) in [
        (&["knowledge", "remove", "ayuda"][..], "there is no source `ayuda`"),
        (&["knowledge", "add", "nowhere"], "nowhere cannot be read"),
        (&["knowledge", "add", "http://127.0.0.1:1/"], "private network"),
        (&["knowledge", "add", "ftp://example.com/"], "is not an http or https address"),
        (&["knowledge", "add", "help", "--inbox", "nowhere"], "no inbox `nowhere`"),
        (&["knowledge", "add", "help", "--name", " "], "--name: needs 1 to 100 characters"),
        (&["knowledge", "sync", "nowhere"], "there is no source `nowhere`"),
        (&["knowledge", "search", ""], "QUESTION: has no word"),
        (&["knowledge", "search", "¿", "?"], "QUESTION: has no word"),
    ] {
        let (good, said) = relevo(&folder, arguments);
        assert!(!good && said.contains(says) && said.trim_end().lines().count() == 1, "{arguments:?}: {said}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
