//! What surrounds every route: refusals, headers, pages, the API's description.

use crate::world::World;
use reqwest::{Client, Response};
use serde_json::{Value, json};

async fn get(world: &World, path: &str) -> Response {
    Client::new().get(world.url(path)).send().await.unwrap()
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn an_unknown_address_of_the_api_is_a_problem_and_any_other_is_the_inbox() {
    let world = World::start().await;
    let missing = get(&world, "/api/nothing").await;
    assert_eq!((missing.status().as_u16(), header(&missing, "content-type")), (404, "application/problem+json"));
    let problem: Value = missing.json().await.unwrap();
    for member in ["type", "title", "status", "detail", "code"] {
        assert!(!problem[member].is_null(), "{member} is missing in {problem}");
    }
    let page = get(&world, "/conversations/1").await;
    assert_eq!((page.status().as_u16(), header(&page, "content-type")), (200, "text/html; charset=utf-8"));
    let file = get(&world, "/assets/nothing.js").await;
    assert_eq!(file.status().as_u16(), 404);
    world.stop().await;
}

#[tokio::test]
async fn pages_run_no_inline_script_and_answers_are_neither_kept_nor_guessed_at() {
    let world = World::start().await;
    let page = get(&world, "/").await;
    let policy = header(&page, "content-security-policy");
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let answer = get(&world, "/api/session").await;
    assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    assert_eq!(header(&answer, "cache-control"), "no-store");
    assert_eq!(header(&answer, "x-request-id").len(), 32);
    world.stop().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_or_too_deep_is_refused_with_its_limit() {
    let world = World::start().await;
    let post = |body: String| Client::new().post(world.url("/api/session")).body(body).send();
    let large = post(format!("{{\"email\":\"{}\"}}", "x".repeat(300_000))).await.unwrap();
    assert_eq!(large.status().as_u16(), 413);
    let problem: Value = large.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["limit"]), (&json!("too_large"), &json!(262_144)));
    let deep = post(format!("{{\"email\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000))).await.unwrap();
    let problem: Value = deep.json().await.unwrap();
    assert_eq!((&problem["status"], &problem["limit"]), (&json!(422), &json!(32)));
    world.stop().await;
}

#[tokio::test]
async fn signing_out_in_one_browser_ends_its_session_and_socket_and_no_other() {
    let world = World::start().await;
    let (here, there) = (world.agent("lucia@example.com").await, world.agent("lucia@example.com").await);
    let mut socket_here = here.socket(&world).await;
    let mut socket_there = there.socket(&world).await;
    assert_eq!(here.call("DELETE", "/api/session").await, 204);
    assert_eq!(socket_here.close_code().await, 4003);
    assert_eq!(here.get("/api/session").await.0, 401);
    assert_eq!(there.get("/api/session").await.0, 200);
    assert!(socket_there.still_answers().await);
    world.stop().await;
}

#[tokio::test]
async fn a_sign_in_ends_the_session_that_the_browser_had_before() {
    let world = World::start().await;
    let before = world.agent("lucia@example.com").await;
    let link = world.link("lucia@example.com");
    let again = before.post("/api/session/link", json!({"token": link})).await;
    assert_eq!(again.0, 200);
    assert_eq!(before.get("/api/session").await.0, 401, "the old cookie is worth nothing any more");
    let used = before.post("/api/session/link", json!({"token": link})).await;
    assert_eq!((used.0, &used.1["code"]), (401, &json!("bad_link")), "a link works once");
    world.stop().await;
}

#[tokio::test]
async fn the_server_says_goodbye_to_its_sockets_when_it_stops() {
    let world = World::start().await;
    let agent = world.agent("lucia@example.com").await;
    let mut socket = agent.socket(&world).await;
    let (code, ()) = tokio::join!(socket.close_code(), world.stop());
    assert_eq!(code, 1012);
}

#[tokio::test]
async fn half_a_request_is_not_waited_for_and_a_huge_head_is_refused() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = World::start().await;
    let mut huge = tokio::net::TcpStream::connect(world.address()).await.unwrap();
    let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-big: {}\r\n\r\n", "x".repeat(20_000));
    huge.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = huge.read_to_end(&mut answer).await;
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 431"), "{}", String::from_utf8_lossy(&answer));
    let mut half = tokio::net::TcpStream::connect(world.address()).await.unwrap();
    half.write_all(b"GET /healthz HTTP/1.1\r\nhost:").await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(std::time::Duration::from_secs(12), half.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the connection is still open after 12 s");
    world.stop().await;
}

#[tokio::test]
async fn the_kept_description_that_the_pages_types_are_made_from_is_the_servers() {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let world = World::start().await;
    let api: Value = get(&world, "/api/openapi.json").await.json().await.unwrap();
    let now = serde_json::to_string_pretty(&api).unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(kept, &now).unwrap();
    }
    assert!(
        std::fs::read_to_string(kept).unwrap() == now,
        "docs/openapi.json is of an earlier API: run this test with UPDATE_OPENAPI=1, and `npm run wire -w inbox` in ui"
    );
    world.stop().await;
}

#[tokio::test]
async fn a_foreign_page_may_read_why_the_widget_is_refused_to_it_and_nothing_else() {
    let world = World::with(|config| config.inboxes[0].allowed_origins = vec!["https://shop.example".into()]).await;
    for (inbox, code) in [("shop", "foreign_origin"), ("nowhere", "not_found"), ("No slug", "invalid")] {
        let ask = reqwest::Client::new().post(world.url("/widget/session")).header("origin", "https://other.example");
        let answer = ask.json(&json!({"inbox": inbox})).send().await.unwrap();
        assert!(answer.status().is_client_error());
        assert_eq!(answer.headers()["access-control-allow-origin"], "https://other.example");
        assert!(!answer.headers().contains_key("access-control-allow-credentials"));
        assert_eq!(header(&answer, "vary"), "origin", "another page's answer is not this one's");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["code"], code);
    }
    world.stop().await;
}

#[tokio::test]
async fn the_description_of_the_api_holds_together() {
    let world = World::start().await;
    let api: Value = get(&world, "/api/openapi.json").await.json().await.unwrap();
    assert_eq!(api["openapi"], "3.1.0");
    let mut references = Vec::new();
    collect(&api, &mut references);
    assert!(references.iter().any(|reference| reference == "#/components/schemas/Problem"));
    for reference in references {
        let found = api.pointer(reference.trim_start_matches('#'));
        assert!(found.is_some(), "{reference} leads nowhere");
    }
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        let wanted = path.matches('{').count();
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} names two operations");
            let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
            let given = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
            assert_eq!(given, wanted, "{method} {path}");
            assert!(operation["responses"]["default"].is_object(), "{method} {path} does not say how it refuses");
            let answers = operation["responses"].as_object().unwrap();
            for (status, answer) in answers.iter().filter(|(status, _)| status.starts_with('2') && *status != "204") {
                assert!(answer["content"].is_object(), "{method} {path} does not say what it answers with {status}");
            }
        }
    }
    world.stop().await;
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

#[tokio::test]
async fn whoever_runs_it_can_see_that_it_lives_and_how_much_it_does() {
    let world = World::start().await;
    assert_eq!(get(&world, "/healthz").await.status().as_u16(), 200);
    assert_eq!(get(&world, "/readyz").await.status().as_u16(), 200);
    let metrics = get(&world, "/metrics").await.text().await.unwrap();
    assert!(metrics.contains("relevo_http_requests_total{"), "{metrics}");
    assert!(metrics.contains("route=\"/readyz\""), "{metrics}");
    world.stop().await;
}
