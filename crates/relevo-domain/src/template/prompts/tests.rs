use super::*;
use serde_json::json;

fn load(files: &[(&str, &str)]) -> (Prompts, Vec<String>) {
    let (prompts, errors) = Prompts::load(files.iter().copied());
    (prompts, errors.iter().map(ToString::to_string).collect())
}

#[test]
fn a_prompt_includes_another_and_loops_over_messages() {
    let (prompts, errors) = load(&[
        (
            "prompts/brief.hbs",
            "{{> rules}}\n{{#each messages}}\n{{role}}: {{text}}\n{{/each}}\n{{#if note}}{{note}}{{/if}}",
        ),
        ("prompts/rules.hbs", "Answer in {{language}}."),
        ("prompts/README.md", "not a prompt"),
    ]);
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(prompts.variables("brief"), ["language", "messages", "note"]);
    assert_eq!(prompts.included("brief"), ["rules"]);
    let messages = json!([{"role": "visitor", "text": "<b>{{x}}</b>"}]);
    let text = prompts.render("brief", &json!({"language": "es", "messages": messages, "note": null})).unwrap();
    assert_eq!(text, "Answer in es.visitor: <b>{{x}}</b>\n");
}

#[test]
fn a_variable_that_the_task_does_not_give_fails_where_it_stands() {
    let (prompts, _) = load(&[("p/a.hbs", "one\n{{#each items}}{{name}}{{/each}} {{> b}}"), ("p/b.hbs", "{{tone}}")]);
    let error = |context| prompts.render("a", &context).unwrap_err().to_string();
    assert_eq!(error(json!({})), "p/a.hbs:2:9: this prompt is not given a variable `items`");
    assert_eq!(error(json!({"items": [{}], "tone": ""})), "p/a.hbs:2:16: there is no value for `name`");
    assert_eq!(error(json!({"items": []})), "p/b.hbs:1:1: there is no value for `tone`");
    assert_eq!(
        prompts.render("aa", &json!({})).unwrap_err().to_string(),
        "aa:1:1: there is no prompt `aa`; did you mean `a`?"
    );
}

#[test]
fn circles_strangers_and_towers_of_includes_are_refused_before_the_engine_sees_them() {
    let (prompts, errors) = load(&[
        ("a.hbs", "{{> b}}"),
        ("b.hbs", "x {{> a}}"),
        ("c.hbs", "{{> c}}"),
        ("d.hbs", "{{> rulse}}"),
        ("rules.hbs", "fine"),
        ("e.hbs", "{{> d}}"),
    ]);
    assert_eq!(
        errors,
        [
            "a.hbs:1:5: in `b`: `a` includes itself: a → b → a",
            "b.hbs:1:7: in `a`: `b` includes itself: b → a → b",
            "c.hbs:1:5: `c` includes itself: c → c",
            "d.hbs:1:5: there is no sound prompt `rulse` in this folder; did you mean `rules`?",
            "e.hbs:1:5: in `d`: there is no sound prompt `rulse` in this folder; did you mean `rules`?",
        ]
    );
    assert_eq!(prompts.names().collect::<Vec<_>>(), ["rules"]);

    // Each level includes the next ten times: ten to the eighth without a single character of output.
    let tower: Vec<(String, String)> =
        (0..9).map(|i| (format!("t{i}.hbs"), format!("{{{{> t{}}}}}", i + 1).repeat(10))).collect();
    let tower = tower.into_iter().chain([("t9.hbs".to_owned(), String::new())]);
    let (prompts, errors) = Prompts::load(tower);
    assert!(errors.iter().any(|e| e.message.contains("too much") || e.message.contains("deep")), "{errors:?}");
    assert!(prompts.names().count() < 9);
}

#[test]
fn loops_through_includes_are_counted() {
    let nested = "{{#each a}}{{#each b}}{{/each}}{{/each}}";
    let (_, errors) = load(&[("a.hbs", "{{#each x}}{{> b}}{{/each}}"), ("b.hbs", nested)]);
    assert_eq!(errors, ["a.hbs:1:16: `b` has a loop too many for this place: one `{{#each}}` may nest in one"]);

    let (prompts, errors) = load(&[("b.hbs", nested)]);
    assert_eq!(errors, Vec::<String>::new());
    let list: Vec<_> = (0..2000).map(|_| json!({"b": vec![0; 2000]})).collect();
    let error = prompts.render("b", &json!({"a": list})).unwrap_err().to_string();
    assert!(error.contains("steps"), "{error}");
}
