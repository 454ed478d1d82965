//! The `relevo` command as people meet it: one readable line for every mistake, and an exit code that says so.

use relevo::store::{Accounts, Contacts, Log};
use relevo::testing::corpus;
use relevo_backends::sqlite::{SqliteOptions, SqliteStore};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn relevo(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relevo"));
    command.args(arguments).current_dir(folder).env("RELEVO_LOG", "off").stdin(Stdio::null());
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    relevo(folder, arguments).output().unwrap()
}

/// What it said on standard error, which must be a single line, of a run that failed.
fn mistake(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    said
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server on a free port that is ready.
struct Serving(Child, u16);

impl Serving {
    fn start(folder: &Path) -> Self {
        let port = free_port();
        Self::run(relevo(folder, &["serve", "--port", &port.to_string()]), port)
    }

    /// Ready on this port.
    fn run(mut command: Command, port: u16) -> Self {
        let mut child = command.env("RELEVO_LOG", "info").stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let ready = lines.by_ref().map(Result::unwrap).find(|line| line.contains("Relevo is ready"));
        let ready = ready.expect("it ended before it was ready");
        assert!(ready.contains(&format!("127.0.0.1:{port}")), "{ready}");
        std::thread::spawn(move || lines.for_each(drop));
        Self(child, port)
    }

    fn tell(&self, signal: &str) {
        let told = Command::new("kill").args([&format!("-{signal}"), &self.0.id().to_string()]).status();
        assert!(told.unwrap().success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_second_server_on_the_same_data_or_port_is_told_so_and_the_first_ends_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Serving::start(folder.path());
    let second = mistake(&run(folder.path(), &["serve", "--port", "1"]));
    assert!(second.contains("in use by another server"), "{second}");
    let other = tempfile::tempdir().unwrap();
    let taken = mistake(&run(other.path(), &["serve", "--port", &first.1.to_string()]));
    assert!(taken.contains("is taken by another program"), "{taken}");
    first.tell("TERM");
    assert!(first.0.wait().unwrap().success());
    Serving::start(folder.path());
}

#[test]
fn all_bad_settings_are_told_with_path_reason_and_mend() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "lisen = \"x\"\n[limits]\napi_per_minute = \"many\"\n[[bots]]\nid = \"b\"\nkind = \"robot\"\n";
    std::fs::write(folder.path().join("relevo.toml"), settings).unwrap();
    let output = run(folder.path(), &["config", "check"]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(mistake(&output).contains("settings are wrong"));
    for path in ["lisen: ", "limits.api_per_minute: ", "bots[0].kind: "] {
        assert!(told.lines().any(|line| line.starts_with(path)), "{path} is not told: {told}");
    }
    let refused = mistake(&run(folder.path(), &["serve"]));
    assert!(refused.contains("relevo config check"), "{refused}");
    let missing = mistake(&run(folder.path(), &["serve", "--config", "nowhere.toml"]));
    assert!(missing.contains("nowhere.toml") && missing.contains("no such file"), "{missing}");
}

#[test]
fn the_environment_weighs_more_than_the_file_and_a_flag_more_than_both() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("relevo.toml"), "listen = \"127.0.0.1:1001\"\n").unwrap();
    let check = |listen: Option<&str>| {
        let mut command = relevo(folder.path(), &["config", "check"]);
        if let Some(listen) = listen {
            command.env("RELEVO__LISTEN", listen).env("RELEVO__LIMITS__API_PER_MINUTE", "7");
            command.env("RELEVO__ALLOWED_ORIGINS", "https://a.example,https://b.example");
        }
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(check(None).contains("127.0.0.1:1001"));
    assert!(check(Some("127.0.0.1:1002")).contains("127.0.0.1:1002"));
    let (port, listen) = (free_port(), "127.0.0.1:1002");
    for flag in [["--port".into(), port.to_string()], ["--listen".into(), format!("127.0.0.1:{port}")]] {
        let mut serve = relevo(folder.path(), &["serve", &flag[0], &flag[1], "--data", "flag"]);
        serve.env("RELEVO__LISTEN", listen).env("RELEVO__DATA", "environment");
        drop(Serving::run(serve, port));
    }
    assert!(folder.path().join("flag/relevo.db").is_file() && !folder.path().join("environment").exists());
}

#[test]
fn the_demonstration_is_the_same_whatever_lies_around_and_heeds_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("relevo.toml"), "lisen = 1").unwrap();
    std::fs::create_dir(folder.path().join("prompts")).unwrap();
    std::fs::write(folder.path().join("prompts/summary.hbs"), "{{#if}").unwrap();
    let port = free_port().to_string();
    let mut demo = relevo(folder.path(), &["demo", "--quiet-visitors", "--port", &port]);
    // Another deployment's database is not its own; where people reach it is.
    demo.env("RELEVO__POSTGRES__URL", "postgres://nobody@127.0.0.1:1/none").stdout(Stdio::piped());
    demo.env("RELEVO__PUBLIC_URL", "https://shop.example");
    let mut child = demo.spawn().unwrap();
    let lines: Vec<_> = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok).take(6).collect();
    let _ = child.kill();
    let _ = child.wait();
    assert!(lines.iter().any(|line| line.contains("Relevo is ready")), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("https://shop.example/?link=")), "{lines:?}");
    let mut demo = relevo(folder.path(), &["demo", "--quiet-visitors", "--port", &port]);
    demo.env("RELEVO__COPILOT__ENDPOINT", "nonsense").env("RELEVO__COPILOT__MODELS", "house");
    let refused = mistake(&demo.output().unwrap());
    assert!(refused.contains("copilot.endpoint"), "{refused}");
}

#[test]
fn the_prompts_in_use_are_checked_where_no_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let told = |output: Output| {
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let own = told(run(folder.path(), &["prompts", "check"]));
    assert!(own.contains("4 prompts (Relevo's own), all good"), "{own}");
    std::fs::create_dir(folder.path().join("prompts")).unwrap();
    let theirs = told(run(folder.path(), &["prompts", "check"]));
    assert!(theirs.contains("4 prompts (prompts), all good"), "{theirs}");
    let missing = mistake(&run(folder.path(), &["prompts", "check", "elsewhere"]));
    assert!(missing.contains("elsewhere cannot be read"), "{missing}");
}

#[test]
fn data_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(Serving::start(folder.path()));
    let file = folder.path().join("data/relevo.db");
    let python = "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('insert into schema_version values (99)'); c.commit()";
    let made = Command::new("python3").args(["-c", python]).arg(&file).status().unwrap();
    assert!(made.success());
    let newer = mistake(&run(folder.path(), &["serve", "--port", "1"]));
    assert!(newer.contains("newer Relevo"), "{newer}");
}

#[test]
fn broken_shortcuts_and_prompts_are_told_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("shortcuts")).unwrap();
    std::fs::create_dir(folder.path().join("prompts")).unwrap();
    let shortcut = "---\ntitle: Hola\nlanguage: es\n---\nHola {{#if contact.name}}\n";
    std::fs::write(folder.path().join("shortcuts/hola.es.hbs"), shortcut).unwrap();
    std::fs::write(folder.path().join("prompts/summary.hbs"), "{{#if}").unwrap();
    for what in ["shortcuts", "prompts"] {
        let output = run(folder.path(), &[what, "check"]);
        mistake(&output);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let place = told.lines().next().unwrap_or_default().split(':').nth(1).and_then(|line| line.parse::<u32>().ok());
        assert!(told.starts_with(what) && place.is_some(), "{told}");
        // From elsewhere, by the settings.
        let settings = format!("{what} = \"{}\"", folder.path().join(what).display());
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("other.toml"), settings).unwrap();
        let output = run(elsewhere.path(), &[what, "check", "--config", "other.toml"]);
        let wanted = match String::from_utf8_lossy(&output.stdout).lines().count() {
            1 => "1 problem; ".to_owned(),
            several => format!("{several} problems; "),
        };
        assert!(mistake(&output).contains(&wanted), "{output:?}");
    }
    let refused = mistake(&run(folder.path(), &["serve", "--port", "1"]));
    assert!(refused.contains("prompts/summary.hbs:"), "{refused}");
}

/// What Ana knows, as the store has it.
#[tokio::main(flavor = "current_thread")]
async fn skills(folder: &Path) -> Vec<String> {
    let path = folder.join("data/relevo.db");
    let store = SqliteStore::open(&path, SqliteOptions::default()).await.unwrap();
    let ana = store.agent_by_email("ana@example.com").await.unwrap().unwrap();
    store.close().await;
    ana.skills
}

#[test]
fn an_agent_is_added_once_and_a_short_password_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let add = |password: &str| {
        let arguments = [
            "user",
            "add",
            "--email",
            "ana@example.com",
            "--name",
            "Ana",
            "--role",
            "admin",
            "--skill",
            "returns",
            "--password-stdin",
        ];
        let mut child = relevo(folder.path(), &arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    assert!(mistake(&add("short")).contains("10 characters"));
    assert!(add("long enough to keep\n").status.success());
    assert_eq!(skills(folder.path()), ["returns"]);
    assert!(mistake(&add("long enough to keep")).contains("already"));
    let change =
        |more: &[&str]| run(folder.path(), &[&["user", "change", "--email", "ana@example.com"], more].concat());
    assert!(!change(&[]).status.success(), "nothing to change");
    assert!(change(&["--role", "supervisor"]).status.success());
    assert_eq!(skills(folder.path()), ["returns"], "nothing was said of them");
    assert!(change(&["--skill", " tax ", "--skill", "customs", "--skill", "tax"]).status.success());
    assert_eq!(skills(folder.path()), ["customs", "tax"]);
    assert!(change(&["--skill", ""]).status.success());
    assert!(skills(folder.path()).is_empty());
    let nobody = run(folder.path(), &["user", "change", "--email", "eva@example.com", "--role", "agent"]);
    assert!(mistake(&nobody).contains("nobody has the e-mail eva@example.com"));
}

// covers: A09
#[test]
fn a_prompt_is_shown_as_it_would_be_sent_and_with_its_price() {
    let folder = tempfile::tempdir().unwrap();
    let settings = "[copilot]\nendpoint = \"http://127.0.0.1:9/v1\"\nmodels = [\"house-model\"]\n\
        [copilot.prices.house-model]\nprompt = 1.0\ncompletion = 2.0\n";
    std::fs::write(folder.path().join("relevo.toml"), settings).unwrap();
    let conversation =
        r#"{"lines": [{"seq": 1, "who": "visitor", "text": "Soy ana@example.com, ¿lloverá en Marte?"}]}"#;
    std::fs::write(folder.path().join("c.json"), conversation).unwrap();
    let render = |arguments: &[&str]| run(folder.path(), &[&["prompts", "render"], arguments].concat());
    let shown = render(&["ask", "--conversation", "c.json", "--question", "¿Quién es?"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    for part in
        ["--- system\nYou support", "\"¿Quién es?\"", "[EMAIL_1]", "tokens at most", "house-model: 0.00", " USD"]
    {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert!(!shown.contains("ana@example.com"), "{shown}");
    // A shortcut that lacks a value there is not suggested.
    let follow_up = |name: &str| {
        std::fs::create_dir_all(folder.path().join("shortcuts")).unwrap();
        let text = format!(
            "---\ntitle: Seguimiento\nlanguage: es\nscope: global\n---\nHola {name}, ¿se resolvió el reembolso?\n"
        );
        std::fs::write(folder.path().join("shortcuts/seguimiento.es.hbs"), text).unwrap();
        let asks = r#"{"lines": [{"seq": 1, "who": "visitor", "text": "¿se resolvió el reembolso?"}]}"#;
        std::fs::write(folder.path().join("r.json"), asks).unwrap();
        render(&["reply", "--conversation", "r.json"])
    };
    assert!(String::from_utf8(follow_up("cliente").stdout).unwrap().contains("Hola cliente"));
    assert!(mistake(&follow_up("{{contact.first_name}}")).contains("no source answers"));
    std::fs::remove_dir_all(folder.path().join("shortcuts")).unwrap();
    assert!(mistake(&render(&["poem", "--conversation", "c.json"])).contains("no task `poem`"));
    assert!(mistake(&render(&["summary", "--conversation", "none.json"])).contains("none.json"));
    for (task, option) in [("summary", "--draft"), ("ask", "--style"), ("reply", "--question")] {
        let meant = format!("{option}: means nothing for `{task}`: leave it out");
        assert!(mistake(&render(&[task, "--conversation", "c.json", option, "shorter"])).contains(&meant));
    }
    let nobody = r#"{"lines": [{"seq": 1, "who": "agent", "text": "Hola"}, {"seq": 2, "who": "note", "text": "x"}]}"#;
    std::fs::write(folder.path().join("n.json"), nobody).unwrap();
    for task in [&["summary"][..], &["reply"], &["ask", "--question", "¿Quién es?"]] {
        let told = mistake(&render(&[task, &["--conversation", "n.json"]].concat()));
        assert!(told.contains("n.json: the customer has not written anything yet"), "{told}");
    }
    let rewritten = ["rewrite", "--conversation", "n.json", "--draft", "Hola", "--style", "formal"];
    assert!(render(&rewritten).status.success(), "a rewriting reads the draft alone");
    assert!(mistake(&render(&["reply", "--conversation", "c.json"])).contains("no source answers"));
}

#[test]
fn a_server_that_runs_is_backed_up_restored_and_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path());
    let said = |output: Output| {
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(said(run(folder.path(), &["backup", "--to", "copy"])).contains("0 facts of 0 conversations"));
    assert!(mistake(&run(folder.path(), &["backup", "--to", "copy"])).contains("is not empty"));
    assert!(mistake(&run(folder.path(), &["restore", "--from", "copy"])).contains("nothing is overwritten"));
    let other = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy").display().to_string();
    assert!(said(run(other.path(), &["restore", "--from", &copy])).contains("relevo serve"));
    drop(Serving::start(other.path()));

    let mut doctor = relevo(folder.path(), &["doctor", "--json"]);
    let looked = said(doctor.env("RELEVO__LISTEN", format!("127.0.0.1:{}", serving.1)).output().unwrap());
    let looked: serde_json::Value = serde_json::from_str(&looked).unwrap();
    assert_eq!(looked["health"], "warn", "nobody can sign in: {looked}");
    let bad = relevo(folder.path(), &["doctor"]).env("RELEVO__NODE__API", "false").output().unwrap();
    let told = String::from_utf8_lossy(&bad.stdout).into_owned();
    assert!(told.lines().any(|line| line.starts_with("fail  settings")) && told.contains("→ "), "{told}");
    assert!(mistake(&bad).contains("1 check failed"));
}

#[test]
fn an_import_tells_how_far_it_has_come_where_there_is_no_terminal() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    past(folder.path());
    let (url, schema) = (relevo_backends::testing::postgres(), relevo_backends::testing::schema());
    let settings = format!("[postgres]\nurl = {url:?}\nschema = {schema:?}\n");
    std::fs::write(folder.path().join("relevo.toml"), settings).unwrap();
    let import = || run(folder.path(), &["import", "--from", "sqlite", "--to", "postgres"]);
    let moved = import();
    let told = String::from_utf8_lossy(&moved.stderr).into_owned();
    assert!(moved.status.success(), "{told}");
    for line in ["log: 3 of 3", "contacts: 3 of 3", "comparing facts: 3 of 3", "comparing conversations: 3 of 3"] {
        assert!(told.lines().any(|told| told == line), "{line} is not told: {told}");
    }
    assert!(mistake(&import()).contains("holds a deployment already"));
}

/// Three people who came once.
#[tokio::main(flavor = "current_thread")]
async fn past(folder: &Path) {
    let store = SqliteStore::open(&folder.join("data/relevo.db"), SqliteOptions::default()).await.unwrap();
    for n in 1..=3 {
        store.create_contact(&corpus::contact(n)).await.unwrap();
        store.append(corpus::started(n)).await.unwrap();
    }
    store.close().await;
}

/// What a collector was sent: paths and bodies.
#[derive(Clone, Default)]
struct Sent(std::sync::Arc<std::sync::Mutex<Vec<Posted>>>);
type Posted = (String, Vec<u8>);

/// A collector on this machine, and its address.
async fn collector(sent: &Sent) -> String {
    let keep = sent.clone();
    let take = move |uri: axum::http::Uri, headers: axum::http::HeaderMap, body: axum::body::Bytes| async move {
        assert_eq!(headers["authorization"], "Bearer of-the-collector");
        keep.0.lock().unwrap().push((uri.path().to_owned(), body.to_vec()));
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(take)).await });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_is_told_spans_and_metrics_and_never_what_people_say() {
    use futures::{SinkExt, StreamExt};
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;
    use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
    use prost::Message;
    use tokio_tungstenite::tungstenite::Message as Frame;

    let _ = rustls::crypto::ring::default_provider().install_default();
    let sent = Sent::default();
    let folder = tempfile::tempdir().unwrap();
    let mut settings = format!("[telemetry]\nendpoint = \"{}\"\n", collector(&sent).await);
    settings.push_str("headers = { authorization = \"env:COLLECTOR\" }\n[[inboxes]]\nid = \"shop\"\nbot = \"faro\"\n");
    settings.push_str("[[bots]]\nid = \"faro\"\nkind = \"sample\"\n");
    std::fs::write(folder.path().join("relevo.toml"), settings).unwrap();
    let port = free_port();
    let mut serve = relevo(folder.path(), &["serve", "--port", &port.to_string()]);
    serve.env("COLLECTOR", "Bearer of-the-collector");
    let mut serving = tokio::task::spawn_blocking(move || Serving::run(serve, port)).await.unwrap();
    let hello = serde_json::json!({"inbox": "shop", "language": "es"});
    let client = reqwest::Client::new();
    let session = client.post(format!("http://127.0.0.1:{port}/widget/session")).json(&hello).send().await.unwrap();
    let session: serde_json::Value = session.json().await.unwrap();
    let (ticket, token) = (session["ticket"].as_str().unwrap(), session["token"].as_str().unwrap());
    let url = format!("ws://127.0.0.1:{port}/ws/visitor?ticket={ticket}");
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    for frame in [
        serde_json::json!({"op": "hello", "after": 0}),
        serde_json::json!({"op": "say", "client_id": "c1", "text": "canario amarillo +34 600 111 222", "payload": null}),
    ] {
        socket.send(Frame::text(frame.to_string())).await.unwrap();
    }
    // Until the bot has answered: its turn is over and its words went out.
    let answered = |frame: &serde_json::Value| {
        let said = frame["items"].as_array().into_iter().flatten().filter_map(|item| item["message"]["text"].as_str());
        said.into_iter().any(|text| !text.contains("canario"))
    };
    while !answered(&serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap()) {}
    // What is left is sent at the end.
    serving.tell("TERM");
    tokio::task::spawn_blocking(move || assert!(serving.0.wait().unwrap().success())).await.unwrap();

    let sent = sent.0.lock().unwrap().clone();
    let (mut spans, mut metrics, mut service) = (Vec::new(), BTreeMap::new(), Vec::new());
    for (path, body) in &sent {
        for secret in ["canario", "600 111 222", ticket, token] {
            assert!(!body.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret} left for {path}");
        }
        if path == "/v1/traces" {
            for of in ExportTraceServiceRequest::decode(&body[..]).unwrap().resource_spans {
                service.extend(of.resource.unwrap().attributes);
                spans.extend(of.scope_spans.into_iter().flat_map(|scope| scope.spans));
            }
        } else {
            assert_eq!(path, "/v1/metrics");
            for of in ExportMetricsServiceRequest::decode(&body[..]).unwrap().resource_metrics {
                // Each tells all since the start: the last one counts.
                let told = of.scope_metrics.into_iter().flat_map(|scope| scope.metrics);
                metrics.extend(told.filter_map(|metric| Some((metric.name, metric.data?))));
            }
        }
    }
    for name in ["request", "append", "job", "bot_turn"] {
        assert!(spans.iter().any(|span| span.name == name), "{name} is not in {spans:#?}");
    }
    assert!(spans.iter().all(|span| span.events.is_empty()), "log lines stay here: {spans:#?}");
    let turn = spans.iter().find(|span| span.name == "bot_turn").unwrap();
    let job = spans.iter().find(|span| span.span_id == turn.parent_span_id).unwrap();
    assert_eq!(job.name, "job", "a turn is part of its job");
    assert!(turn.attributes.iter().any(|attribute| attribute.key == "bot.id"), "{turn:?}");
    for name in ["relevo_facts_total", "relevo_append_seconds", "relevo_sockets", "relevo_outbox_age_seconds"] {
        assert!(metrics.contains_key(name), "{name} is not in {metrics:?}");
    }
    let Data::Sum(facts) = &metrics["relevo_facts_total"] else { panic!("{metrics:?}") };
    let posted = facts.data_points.iter().find(|point| format!("{:?}", point.attributes).contains("message_posted"));
    let posted = posted.and_then(|point| point.value);
    assert!(matches!(posted, Some(Number::AsInt(2..))), "what the visitor said and what the bot did: {facts:?}");
    let Data::Gauge(sockets) = &metrics["relevo_sockets"] else { panic!("{metrics:?}") };
    let open = sockets.data_points.iter().map(|point| point.value);
    let one_at_most = |value| matches!(value, Some(Number::AsDouble(open)) if [0.0, 1.0].contains(&open));
    assert!(open.clone().count() > 0 && open.clone().all(one_at_most), "it came, and may have gone: {sockets:?}");
    let Data::Histogram(appends) = &metrics["relevo_append_seconds"] else { panic!("{metrics:?}") };
    let (count, bounds) = (appends.data_points[0].count, &appends.data_points[0].explicit_bounds);
    assert!(count >= 2 && bounds.first() == Some(&0.001) && bounds.last() == Some(&5.0), "{appends:?}");
    assert!(format!("{service:?}").contains("\"relevo\""), "{service:?}");
}
