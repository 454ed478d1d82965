//! What whoever runs a deployment does besides: copies made while people talk, and questions to all that it rests on.

use crate::world::World;
use relevo::domain::id::BotId;
use relevo::store::{Log, Logged};
use relevo_server::backup::{back_up, restore};
use relevo_server::compose::Stored;
use relevo_server::config::{BotConfig, BotKind, Config, NatsConfig, QdrantConfig};
use relevo_server::doctor::{Finding, Health, examine};
use sha2::{Digest, Sha256};
use std::path::Path;

async fn facts(log: &dyn Log) -> Vec<Logged> {
    let mut facts: Vec<Logged> = Vec::new();
    loop {
        let batch = log.follow(facts.last().map_or(0, |fact| fact.position), 1_000).await.unwrap();
        if batch.is_empty() {
            return facts;
        }
        facts.extend(batch);
    }
}

fn elsewhere(folder: &Path) -> Config {
    Config { data: folder.join("restored"), ..Config::default() }
}

/// A backup of a small deployment whose server runs, and its settings.
async fn small(world: &World, to: &Path) -> Config {
    let mut visitor = world.visitor().await;
    let request = reqwest::Client::new().post(world.url("/widget/files?name=nota.txt")).bearer_auth(visitor.token());
    let file = request.body("hola").send().await.unwrap().json::<serde_json::Value>().await.unwrap();
    let ack = visitor.say_with("c1", "mira", serde_json::json!([file["id"]])).await;
    assert_eq!(ack["op"], "ack");
    let config = (*world.app().config).clone();
    std::fs::write(config.data.join("knowledge/articles/a.jsonl"), "{}").unwrap();
    back_up(&config, to, |_| ()).await.unwrap();
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_made_while_people_talk_is_one_moment_of_the_log_with_every_file() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut first = world.visitor().await;
    first.say("c1", "before").await;
    let said_before = world.app().desk.store().head().await.unwrap();
    let mut talks = Vec::new();
    for _ in 0..4 {
        let mut visitor = world.visitor().await;
        let url = world.url("/widget/files?name=nota.txt");
        talks.push(tokio::spawn(async move {
            for n in 0..12 {
                let request = reqwest::Client::new().post(&url).bearer_auth(visitor.token());
                let file = request.body(format!("{n}")).send().await.unwrap();
                let file = file.json::<serde_json::Value>().await.unwrap();
                visitor.say_with(&format!("m{n}"), &format!("{n}"), serde_json::json!([file["id"]])).await;
            }
        }));
    }
    let config = (*world.app().config).clone();
    // Each of them while they talk.
    let mut copies = Vec::new();
    for n in 0..3 {
        let to = folder.path().join(format!("copy{n}"));
        copies.push((back_up(&config, &to, |_| ()).await.unwrap(), to));
    }
    for talk in talks {
        talk.await.unwrap();
    }
    let all = facts(world.app().desk.store().as_ref()).await;
    for (n, (made, to)) in copies.into_iter().enumerate() {
        let target = Config { data: folder.path().join(format!("restored{n}")), ..Config::default() };
        let mut told = Vec::new();
        // Restoring reads the whole log and looks for the file of every message.
        let restored = restore(&target, &to, |step| told.push(step.doing)).await.unwrap();
        assert_eq!(restored, made);
        for step in ["checking", "copying", "reading"] {
            assert!(told.contains(&step), "{told:?}");
        }
        let stored = Stored::open(&target).await.unwrap();
        let theirs = facts(stored.store().as_ref()).await;
        stored.close().await;
        assert!(theirs.len() as u64 >= said_before, "what was acknowledged before is in it");
        assert_eq!(theirs[..], all[..theirs.len()], "it is the beginning of the log");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_overwritten_and_a_damaged_or_unfinished_copy_is_not_restored() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let config = small(&world, &copy).await;
    let said = |result: anyhow::Result<_>| format!("{:#}", result.map(drop).unwrap_err());
    assert!(said(back_up(&config, &copy, |_| ()).await).contains("is not empty"));
    assert!(said(restore(&config, &copy, |_| ()).await).contains("nothing is overwritten"));
    let target = elsewhere(folder.path());
    let restored = restore(&target, &copy, |_| ()).await.unwrap();
    assert_eq!(restored.files(), 3, "a file and its label, an article");
    assert_eq!(std::fs::read(target.data.join("knowledge/articles/a.jsonl")).unwrap(), b"{}");
    assert!(said(restore(&target, &copy, |_| ()).await).contains("nothing is overwritten"));
    std::fs::remove_dir_all(&target.data).unwrap();

    let kept = std::fs::read_dir(copy.join("files/kept")).unwrap();
    let file = kept.map(|entry| entry.unwrap().path()).find(|path| path.extension().is_none()).unwrap();
    std::fs::write(&file, "hole").unwrap();
    assert!(said(restore(&target, &copy, |_| ()).await).contains("damaged"));
    std::fs::remove_file(&file).unwrap();
    assert!(said(restore(&target, &copy, |_| ()).await).contains("the backup lacks files/kept/"));
    std::fs::remove_file(copy.join("backup.json")).unwrap();
    assert!(said(restore(&target, &copy, |_| ()).await).contains("not finished"));
    assert!(!target.data.exists(), "nothing was begun");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_log_does_not_bear_out_is_taken_away_again() {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    small(&world, &copy).await;
    // A manifest that promises more than is there.
    let place = copy.join("backup.json");
    let manifest = std::fs::read_to_string(&place).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    manifest["facts"] = (manifest["facts"].as_u64().unwrap() + 1).into();
    std::fs::write(&place, manifest.to_string()).unwrap();
    let target = elsewhere(folder.path());
    let error = format!("{:#}", restore(&target, &copy, |_| ()).await.unwrap_err());
    assert!(error.contains("nothing was restored") && error.contains("facts were found in place of"), "{error}");
    assert!(!target.data.exists());
    manifest["facts"] = (manifest["facts"].as_u64().unwrap() - 1).into();
    let wrong = async |manifest: &serde_json::Value, says: &str| {
        std::fs::write(&place, manifest.to_string()).unwrap();
        let error = format!("{:#}", restore(&target, &copy, |_| ()).await.unwrap_err());
        assert!(error.contains(says), "{error}");
        assert!(!target.data.exists());
    };
    let changed = |change: fn(&mut serde_json::Value)| {
        let mut changed = manifest.clone();
        change(&mut changed);
        changed
    };
    wrong(&changed(|m| m["conversations"] = 7.into()), "conversations were found in place of 7").await;
    wrong(&changed(|m| m["format"] = 2.into()), "made by a newer Relevo").await;
    wrong(&changed(|m| drop(m["files"].as_object_mut().unwrap().remove("relevo.db"))), "names no database").await;
    let lacks_files = changed(|m| m["files"].as_object_mut().unwrap().retain(|name, _| !name.starts_with("files/")));
    wrong(&lacks_files, "a message's file is missing").await;
    // One that names a place outside.
    std::fs::copy(copy.join("relevo.db"), folder.path().join("outside")).unwrap();
    for name in ["../outside", "files/kept/../../../outside"] {
        let mut outside = manifest.clone();
        outside["files"][name] = manifest["files"]["relevo.db"].clone();
        wrong(&outside, &format!("{name}, which is no part of it")).await;
    }
    // A database with a hole, which the manifest agrees with.
    let database = copy.join("relevo.db");
    let mut bytes = std::fs::read(&database).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4_096].fill(0);
    std::fs::write(&database, &bytes).unwrap();
    let digest = Sha256::digest(&bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    manifest["files"]["relevo.db"]["sha256"] = digest.into();
    std::fs::write(&place, manifest.to_string()).unwrap();
    let error = format!("{:#}", restore(&target, &copy, |_| ()).await.unwrap_err());
    assert!(!error.contains("nothing was restored"), "it is found before anything is copied: {error}");
    assert!(!target.data.exists());
    world.stop().await;
}

fn found<'a>(findings: &'a [Finding], check: &str) -> &'a Finding {
    findings.iter().find(|finding| finding.check == check).unwrap_or_else(|| panic!("{check} is not in {findings:#?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_finds_a_good_deployment_good_beside_its_server() {
    let bot = axum::Router::new().route("/", axum::routing::post(|| async { "{}" }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, bot).await });
    let world = World::start().await;
    world.visitor().await.say("c1", "hola").await;
    let mut config = (*world.app().config).clone();
    config.listen = world.address().parse().unwrap();
    config.inboxes[0].bot = None;
    config.bots = vec![webhook(&url)];
    let findings = examine(&config).await;
    let wrong: Vec<_> = findings.iter().filter(|finding| finding.health != Health::Ok).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(found(&findings, "store").found.contains("facts of 1 conversations"), "{findings:#?}");
    assert!(found(&findings, "server").found.contains("is ready"));
    let left = std::fs::read_dir(&config.data).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().contains("doctor")), "it leaves nothing behind");
    world.stop().await;
}

fn webhook(url: &str) -> BotConfig {
    let mut bot = BotConfig::new(BotId::new("faro").unwrap(), "Faro", BotKind::Webhook);
    bot.url = Some(url.to_owned());
    bot.secret = Some(format!("whsec_{}", "QUFB".repeat(12)));
    bot.allow_private = true;
    bot
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_names_every_part_that_is_down_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = || format!("127.0.0.1:{}", relevo_backends::testing::free_port());
    let mut config = Config { data: folder.path().join("data"), ..Config::default() };
    config.listen = nobody().parse().unwrap();
    let findings = examine(&config).await;
    let empty = ["server", "data", "store", "files"];
    for finding in &findings {
        let wanted = if empty.contains(&finding.check.as_str()) { Health::Warn } else { Health::Ok };
        assert_eq!(finding.health, wanted, "{finding:?}");
    }
    std::fs::create_dir_all(&config.data).unwrap();
    std::fs::write(config.data.join("relevo.db"), "x".repeat(5_000)).unwrap();
    config.bots = vec![webhook(&format!("http://{}/", nobody()))];
    config.nats = Some(NatsConfig { url: format!("nats://{}", nobody()), subject: "relevo".into() });
    config.copilot.endpoint = Some(format!("http://{}/v1", nobody()));
    config.copilot.models = vec!["large".into()];
    let (url, collection) = (format!("http://{}", nobody()), "relevo".to_owned());
    config.copilot.qdrant = Some(QdrantConfig { url, key: None, collection, workspace: "relevo".into() });
    let prompts = folder.path().join("prompts");
    std::fs::create_dir(&prompts).unwrap();
    std::fs::write(prompts.join("summary.hbs"), "{{#if}").unwrap();
    config.prompts = Some(prompts);
    let findings = examine(&config).await;
    for check in ["settings", "store", "bot faro", "model large", "index"] {
        let finding = found(&findings, check);
        assert_eq!(finding.health, Health::Fail, "{finding:?}");
        assert!(finding.mend.is_some(), "{finding:?}");
    }
    assert!(found(&findings, "settings").found.contains("nats: wakes servers that share a database"));
    for check in ["bus", "prompts", "server"] {
        assert_eq!(found(&findings, check).health, Health::Warn, "{check}");
    }
    // A file in place of the folder.
    config.data = folder.path().join("data/relevo.db");
    assert_eq!(found(&examine(&config).await, "data").health, Health::Fail);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_tells_who_answers_badly_from_who_does_not_answer() {
    let ill = axum::Router::new().fallback(|| async { axum::http::StatusCode::SERVICE_UNAVAILABLE });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, ill).await });
    let folder = tempfile::tempdir().unwrap();
    let shortcuts = folder.path().join("shortcuts");
    std::fs::create_dir(&shortcuts).unwrap();
    std::fs::write(shortcuts.join("hola.es.hbs"), "{{#if}").unwrap();
    let mut config = Config { data: folder.path().join("data"), listen: address, ..Config::default() };
    let headless = axum::Router::new().fallback(|| async { axum::http::StatusCode::NOT_IMPLEMENTED });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let headless_at = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, headless).await });
    let headless = BotConfig { id: BotId::new("headless").unwrap(), ..webhook(&headless_at) };
    config.bots = vec![webhook(&format!("http://{address}/")), headless];
    config.shortcuts = Some(shortcuts);
    config.copilot.endpoint = Some(format!("http://{address}/v1"));
    config.copilot.models = vec!["large".into()];
    config.copilot.embedding_model = Some("vectors".into());
    let findings = examine(&config).await;
    for (check, health, says) in [
        ("server", Health::Fail, "answers /readyz with 503"),
        ("bot faro", Health::Warn, "answers with 503"),
        ("bot headless", Health::Ok, "somebody answers"),
        ("shortcuts", Health::Warn, "1 problem"),
        ("model large", Health::Fail, ""),
        ("model vectors", Health::Fail, ""),
    ] {
        let finding = found(&findings, check);
        assert!(finding.health == health && finding.found.contains(says), "{finding:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_looks_into_postgres_without_making_anything_there() {
    use relevo_backends::testing;
    let url = tokio::task::spawn_blocking(testing::postgres).await.unwrap();
    let settings = |url: &str| relevo_server::config::PostgresConfig {
        url: url.to_owned(),
        schema: testing::schema(),
        connections: 2,
    };
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config { data: folder.path().join("data"), postgres: Some(settings(&url)), ..Config::default() };
    for _ in 0..2 {
        let findings = examine(&config).await;
        let store = found(&findings, "store");
        assert!(store.health == Health::Warn && store.found.contains("holds no tables yet"), "{store:?}");
    }
    Stored::open(&config).await.unwrap().close().await;
    let findings = examine(&config).await;
    assert_eq!(found(&findings, "store").health, Health::Ok);
    assert_eq!(found(&findings, "agents").health, Health::Warn, "nobody can sign in");
    config.postgres = Some(settings("postgres://relevo@127.0.0.1:1/none"));
    let findings = examine(&config).await;
    assert_eq!(found(&findings, "store").health, Health::Fail);
    let refused = back_up(&config, &folder.path().join("copy"), |_| ()).await.unwrap_err().to_string();
    assert!(refused.contains("pg_dump"), "{refused}");
}
