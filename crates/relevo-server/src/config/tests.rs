use super::*;
use serde_json::json;

fn wrong(settings: serde_json::Value) -> Vec<(String, String)> {
    let result = read::parse(settings).and_then(|config| config.check(&[]).map(|()| config));
    let wrong = result.map_or_else(|bad| bad.0, |_| Vec::new());
    wrong.into_iter().map(|bad| (bad.path.clone(), bad.to_string())).collect()
}

#[test]
fn the_defaults_are_a_deployment() {
    let mut config = read::parse(json!({})).unwrap();
    config.or_one_inbox(None);
    assert_eq!(config.check(&[]), Ok(()));
    assert_eq!(config.inboxes[0].id.as_str(), "shop");
    assert_eq!(config.address(), "http://127.0.0.1:7007");
}

#[test]
fn every_bad_value_is_told_with_its_path_at_one_look() {
    let paths: Vec<_> = wrong(json!({
        "listen": "everywhere",
        "lisen": "127.0.0.1:1",
        "limits": {"api_per_minute": "many", "sockets_per_robot": 1},
        "bots": [{"id": "faro", "kind": "webhok"}],
        "inboxes": [{"id": "Not a slug"}],
    }))
    .into_iter()
    .map(|(path, _)| path)
    .collect();
    for path in
        ["listen", "lisen", "limits.api_per_minute", "limits.sockets_per_robot", "bots[0].kind", "inboxes[0].id"]
    {
        assert!(paths.iter().any(|told| told == path), "{path} is not among {paths:?}");
    }
}

#[test]
fn what_makes_no_sense_together_is_told() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    for (settings, path) in [
        (json!({"inboxes": [{"id": "a", "bot": "nobody"}]}), "inboxes[0].bot"),
        (json!({"inboxes": [{"id": "a"}, {"id": "a"}]}), "inboxes[1].id"),
        (json!({"bots": [{"id": "b", "kind": "webhook", "secret": secret}]}), "bots[0].url"),
        (json!({"bots": [{"id": "b", "kind": "webhook", "url": "http://b/", "secret": "x"}]}), "bots[0].secret"),
        (
            json!({"bots": [{"id": "b", "kind": "webhook", "url": "http://b/", "secret": "env:RELEVO_TEST_NOWHERE"}]}),
            "bots[0].secret",
        ),
        (json!({"inboxes": [{"id": "a", "kind": "api", "secret": secret}]}), "inboxes[0].url"),
        (json!({"inboxes": [{"id": "a", "kind": "api", "url": "http://a/"}]}), "inboxes[0].secret"),
        (json!({"inboxes": [{"id": "a", "kind": "api", "url": "a", "secret": secret}]}), "inboxes[0].url"),
        (json!({"inboxes": [{"id": "a", "url": "http://a/"}]}), "inboxes[0].url"),
        (
            json!({"inboxes": [{"id": "a", "kind": "api", "url": "http://a/", "secret": "env:RELEVO_TEST_NOWHERE"}]}),
            "inboxes[0].secret",
        ),
        (
            json!({"inboxes": [{"id": "a", "kind": "api", "url": "http://a/", "secret": secret,
                                "allowed_origins": ["https://a.example"]}]}),
            "inboxes[0].allowed_origins",
        ),
        (json!({"limits": {"channel_per_minute": 0}}), "limits.channel_per_minute"),
        (json!({"allowed_origins": ["example.com"]}), "allowed_origins[0]"),
        (json!({"stages": [{"id": "a", "name": "A"}, {"id": "a", "name": "B"}]}), "stages[1].id"),
        (json!({"stages": [{"id": "a", "name": {"es": " "}}]}), "stages[0].name"),
        (json!({"stages": [{"id": "a", "name": {"fr": "Un"}}]}), "stages[0].name"),
        (json!({"country_header": "cf-ipcountry"}), "country_header"),
        (json!({"country_header": "cf ipcountry", "trusted_proxies": ["10.0.0.1"]}), "country_header"),
        (json!({"public_url": "https://example.com/chat"}), "public_url"),
        (json!({"copilot": {"endpoint": "https://llm.example.com/v1"}}), "copilot.models"),
        (json!({"copilot": {"language": "fr"}}), "copilot.language"),
        (json!({"copilot": {"qdrant": {"url": "http://q:6334", "workspace": " "}}}), "copilot.qdrant.workspace"),
        (json!({"copilot": {"task_models": {"sumary": "small"}}}), "copilot.task_models.sumary"),
        (json!({"copilot": {"prices": {"m": {"prompt": -1.0, "completion": 0.0}}}}), "copilot.prices.m"),
        (json!({"copilot": {"deadline_seconds": 0}}), "copilot.deadline_seconds"),
        (json!({"shortcuts": "no/such/folder"}), "shortcuts"),
        (json!({"limits": {"api_per_minute": 0}}), "limits.api_per_minute"),
        (json!({"limits": {"messages_per_hour": 0}}), "limits.messages_per_hour"),
    ] {
        let told = wrong(settings);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].0, path, "{told:?}");
        assert!(told[0].1.matches(": ").count() >= 2, "path, reason and mend: {}", told[0].1);
    }
}

#[test]
fn a_good_file_is_taken_as_it_is() {
    let config = read::parse(json!({
        "name": "Tienda", "public_url": "https://chat.example.com/", "visibility": "team", "log_format": "json",
        "trusted_proxies": ["10.0.0.1"],
        "teams": [{"id": "ventas", "name": "Ventas"}],
        "bots": [{"id": "faro", "kind": "sample"}],
        "inboxes": [{"id": "shop", "bot": "faro", "window": {"kind": "since_last", "hours": 12}}],
    }))
    .unwrap();
    assert_eq!(config.check(&[]), Ok(()));
    assert_eq!(config.address(), "https://chat.example.com");
    assert_eq!(config.log_format, LogFormat::Json);
}

#[test]
fn the_settings_that_the_documentation_shows_are_all_and_good() {
    let page = include_str!("../../../../docs/settings.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relevo.toml");
    std::fs::write(&file, rest.split_once("```").unwrap().0).unwrap();
    let config = Config::load(Some(&file)).unwrap();
    assert_eq!(config.check(&[]), Ok(()));
    let unknown = wrong(json!({"lisen": 1}));
    let names = unknown[0].1.split('`').skip(1).step_by(2).filter(|name| *name != "lisen");
    let missing: Vec<_> =
        names.filter(|name| !page.contains(&format!("{name} = ")) && !page.contains(&format!("[{name}]"))).collect();
    assert!(missing.is_empty(), "not in the documentation: {missing:?}");
}
