use super::*;
use crate::shortcut::{Language, ShortcutContext};
use serde_json::json;

const HELLO: (&str, &str) =
    ("s/hello.es.hbs", "---\ntitle: Hola\ninputs: [{name: order, label: Pedido}]\n---\nHola {{inputs.order}}");

fn load(text: &str) -> (Library, Vec<String>) {
    let (library, errors) = Library::load([HELLO, ("s/macros/m.toml", text)]);
    (library, errors.iter().map(ToString::to_string).collect())
}

// covers: S07
#[test]
fn every_action_is_read_in_its_order() {
    let (library, errors) = load(
        r#"
title = { es = "Todo", en = "All" }
description = "Para probar"
[[steps]]
send_shortcut = "hello"
[[steps]]
send_text = { es = "Hola, {{default contact.first_name "amigo"}}", en = "Hi" }
[[steps]]
note = """
{{agent.name}} lo ha visto."""
[[steps]]
assign = "Bea@Shop.example"
[[steps]]
assign = "me"
[[steps]]
assign = "nobody"
[[steps]]
team = "ventas"
[[steps]]
stage = "won"
[[steps]]
add_labels = ["vip", "envío"]
[[steps]]
remove_labels = ["nuevo"]
[[steps]]
priority = "urgent"
[[steps]]
status = "snoozed"
until = "2d"
[[steps]]
hand_to_bot = true
"#
        .replace("\"amigo\"", "'amigo'")
        .as_str(),
    );
    assert_eq!(errors, Vec::<String>::new());
    let found = library.macro_named("m").unwrap();
    let names: Vec<_> = found.steps.iter().map(Action::name).collect();
    assert_eq!(
        names.join(" "),
        "send_shortcut send_text note assign assign assign team stage add_labels remove_labels priority status hand_to_bot"
    );
    assert_eq!(
        serde_json::to_value(&found.steps).unwrap(),
        json!([
            {"send_shortcut": "hello"},
            {"send_text": {"es": "Hola, {{default contact.first_name 'amigo'}}", "en": "Hi"}},
            {"note": "{{agent.name}} lo ha visto."},
            {"assign": {"agent": "bea@shop.example"}},
            {"assign": "me"},
            {"assign": "nobody"},
            {"team": "ventas"},
            {"stage": "won"},
            {"add_labels": ["vip", "envío"]},
            {"remove_labels": ["nuevo"]},
            {"priority": "urgent"},
            {"status": {"snoozed": {"secs": 172_800, "nanos": 0}}},
            {"hand_to_bot": null},
        ])
    );
    assert_eq!(found.title.text(Some(Language::En)), "All");
    assert_eq!(found.title.text(Some(Language::Pt)), "Todo");
    assert_eq!(found.description.text(None), "Para probar");
    assert_eq!(found.inputs(&library, None).len(), 1);
    let Action::SendText(text) = &found.steps[1] else { panic!() };
    let said = |language| text.render(language, &ShortcutContext::default()).unwrap().text;
    assert_eq!((said(Some("en")), said(Some("pt"))), ("Hi".into(), "Hola, amigo".into()));
}

// covers: S05 S07
#[test]
fn a_macros_mistakes_are_told_with_their_place() {
    let step = |step: &str| format!("title = \"T\"\n[[steps]]\n{step}\n");
    for (text, expected) in [
        (step("send_shortcut = \"helo\""), "3:17: there is no shortcut `helo`; did you mean `hello`?"),
        (
            step("send_shortcut = \"weather\""),
            "3:17: there is no shortcut `weather`; it has no file, or its file has a mistake",
        ),
        (step("send_txt = \"x\""), "3:1: there is no key `send_txt`; did you mean `send_text`?"),
        (
            step("send_text = \"a {{contact.nmae}}\""),
            "3:18: there is no variable `contact.nmae`; did you mean `contact.name`?",
        ),
        (
            step("note = \"\"\"\nx\ny {{#if now}}\"\"\""),
            "5:3: the block `{{#if}}` is never closed: add `{{/if}}` where it ends",
        ),
        (step("send_text = { es = \"a\", en = \"{{b}}\" }"), "3:33: there is no variable `b`"),
        (step("send_text = { fr = \"a\" }"), "`fr` is not a language of Relevo"),
        (step("send_text = \" \""), "3:13: a text has 1 to 8000 characters"),
        (step("assign = \"you\""), "3:10: `you` is nobody: write `me`, `nobody` or an agent's e-mail address"),
        (step("team = \"Ventas!\""), "3:8: `Ventas!` is not an id"),
        (step("add_labels = []"), "3:14: name at least one label"),
        (step("priority = \"hgh\""), "3:12: there is no priority `hgh`; did you mean `high`?"),
        (step("status = \"closed\""), "3:10: there is no status `closed`; there are open, pending, snoozed"),
        (step("status = \"open\"\nuntil = \"2h\""), "4:9: `until` belongs beside `status = \"snoozed\"`"),
        (step("until = \"2h\""), "3:9: `until` belongs beside `status = \"snoozed\"`"),
        (
            step("status = \"snoozed\"\nuntil = \"soon\""),
            "4:9: write how long: `30m`, `4h`, `2d` or `1w`, at most a year",
        ),
        (step("status = \"snoozed\"\nuntil = \"99999999999999999w\""), "4:9: write how long"),
        (step("hand_to_bot = false"), "3:15: `hand_to_bot = false` does nothing: delete the step"),
        (step("hand_to_bot = 3"), "true, or a bot's id in quotes, was expected"),
        (step("close = \"won\""), "3:9: there is no outcome `won`; there are proposed, success"),
        (
            step("close = \"proposed\"\nnote = \"x\""),
            "2:1: a step has one action, this one has 2: begin each with `[[steps]]`",
        ),
        (step(""), "2:1: a step needs an action: send_shortcut, "),
        (
            step("close = \"success\"\n[[steps]]\nsend_text = \"x\""),
            "4:1: `send_text` cannot come after `close`: move it up",
        ),
        ("title = \"T\"\n".to_owned(), "1:1: a macro has 1 to 20 steps: write each below a line `[[steps]]`"),
        ("[[steps]]\nassign = \"me\"".to_owned(), "1:1: `title = …` is missing"),
        ("title = \"\"\n[[steps]]\nassign = \"me\"".to_owned(), "1:9: a title has 1 to 80 characters"),
        ("titel = \"T\"".to_owned(), "1:1: there is no key `titel`; did you mean `title`?"),
        ("title = \"T".to_owned(), "the file cannot be read as TOML"),
    ] {
        let (library, errors) = load(&text);
        assert_eq!(errors.len(), 1, "{text}: {errors:?}");
        assert!(errors[0].starts_with("s/macros/m.toml:") && errors[0].contains(expected), "{text}\n{}", errors[0]);
        assert_eq!(library.macros().count(), 0);
    }
    let (_, errors) = Library::load([("s/macros/Bad name.toml", step("assign = \"me\""))]);
    assert!(errors[0].message.contains("cannot name a macro"));
}

mod arbitrary {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_panic_the_library(bytes in prop::collection::vec(any::<u8>(), 0..300), head in any::<bool>()) {
            let text = String::from_utf8_lossy(&bytes);
            let shortcut = if head { format!("---\ntitle: {text}\n---\n{text}") } else { text.to_string() };
            let _ = Library::load([("a.es.hbs", shortcut.as_str()), ("a.toml", &text)]);
        }
    }
}
