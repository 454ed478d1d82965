use super::*;
use crate::template::{MAX_DEPTH, MAX_SOURCE, Shape};
use serde_json::json;
use std::time::{Duration, Instant};

fn words() -> Vocabulary {
    Vocabulary::new([
        ("contact.name", Shape::Text),
        ("contact.email", Shape::Text),
        ("contact.attributes", Shape::Map),
        ("conversation.labels", Shape::List),
        ("now", Shape::Text),
    ])
}

fn compile(text: &str) -> Result<Template, Vec<TemplateError>> {
    Template::compile(&Source::new("t.hbs", text), &words())
}

fn context() -> Value {
    json!({
        "contact": {"name": "Ana María Ruiz", "email": "", "attributes": {"plan": "oro", "city": null}},
        "conversation": {"labels": ["vip", "envío"]},
        "now": "2026-11-20T22:01:02-03:00",
        "hour": 22,
        "secret": "hidden",
    })
}

fn render(text: &str) -> Draft {
    compile(text).unwrap_or_else(|errors| panic!("{text}: {errors:?}")).render(&context(), Language::Es).unwrap()
}

fn errors(text: &str) -> Vec<String> {
    compile(text).err().unwrap_or_default().iter().map(ToString::to_string).collect()
}

// covers: S03
#[test]
fn values_helpers_and_blocks_fill_the_text() {
    assert_eq!(render("{{greeting}}, {{first_word contact.name}}.").text, "Buenas noches, Ana.");
    assert_eq!(render("{{date now}} {{date now \"short\"}}").text, "20 de noviembre de 2026 20/11/2026");
    assert_eq!(render("{{upper (first_word contact.name)}} {{lower contact.name}}").text, "ANA ana maría ruiz");
    assert_eq!(
        render("{{#each conversation.labels}}{{this}}{{#unless @last}}, {{/unless}}{{/each}}").text,
        "vip, envío"
    );
    assert_eq!(render("{{#each contact.attributes}}{{@key}}={{this}}{{else}}none{{/each}}").text, "plan=oro");
    assert_eq!(render("{{#if contact.email}}a{{else if contact.name}}b{{else}}c{{/if}}").text, "b");
    assert_eq!(render("{{#if (eq contact.attributes.plan 'oro')}}★{{/if}}").text, "★");
    assert_eq!(render("{{#if (and contact.name (not contact.email))}}y{{else}}n{{/if}}").text, "y");
    assert_eq!(render("a {{~ contact.name ~}} b{{! note }}{{!-- {{long}} --}}").text, "aAna María Ruizb");
}

// covers: S03
#[test]
fn a_missing_value_is_named_in_the_text_and_never_a_hole() {
    let draft =
        render("{{contact.email}} {{contact.attributes.city}} {{upper contact.email}} {{upper (lower contact.email)}}");
    assert_eq!(draft.text, "{{contact.email}} {{contact.attributes.city}} {{contact.email}} {{contact.email}}");
    assert_eq!(draft.missing, ["contact.email", "contact.attributes.city"]);

    let kept = render(
        "{{default contact.email \"tu correo\"}}{{#if contact.email}}x{{/if}}{{default (first_word contact.email) \"!\"}}",
    );
    assert_eq!((kept.text.as_str(), kept.missing.len()), ("tu correo!", 0));
}

#[test]
fn a_customers_words_are_never_a_template_and_never_escaped() {
    let template = compile("Hola {{contact.name}}").unwrap();
    let draft = template.render(&json!({"contact": {"name": "{{now}} <b>O'Hara</b> & \u{1}"}}), Language::Es).unwrap();
    assert_eq!(draft.text, "Hola {{now}} <b>O'Hara</b> & \u{1}");
}

#[test]
fn variables_are_listed_once_in_the_order_of_their_use() {
    let template = compile(
        "{{#if contact.email}}{{contact.name}}{{/if}}{{upper contact.name}}{{#each conversation.labels}}{{this}}{{/each}}",
    );
    assert_eq!(template.unwrap().variables(), ["contact.email", "contact.name", "conversation.labels"]);
}

// covers: S05
#[test]
fn mistakes_are_told_with_their_place_and_their_mend() {
    for (text, expected) in [
        (
            "Hola,\n  {{#if contact.name}}\nx",
            "t.hbs:2:3: the block `{{#if}}` is never closed: add `{{/if}}` where it ends",
        ),
        (
            "{{#if contact.name}}{{#each conversation.labels}}{{/if}}",
            "t.hbs:1:50: `{{/if}}` stands where the block `{{#each}}` is open: add `{{/each}}` before it",
        ),
        ("ñ {{/if}}", "t.hbs:1:3: `{{/if}}` closes a block that was never opened"),
        ("{{else}}", "t.hbs:1:1: `{{else}}` stands outside of any block"),
        ("{{#if now}}{{else}}{{else}}{{/if}}", "t.hbs:1:20: the block `{{#if}}` already has its `{{else}}`"),
        ("x {{contact.name", "t.hbs:1:3: this `{{` is never closed: add `}}`"),
        ("{{contact.name}", "t.hbs:1:15: a `}` is missing: a tag ends in `}}`"),
        ("{{contact.nmae}}", "t.hbs:1:3: there is no variable `contact.nmae`; did you mean `contact.name`?"),
        (
            "{{contact}}",
            "t.hbs:1:3: `contact` is a group, not a value; it has `contact.name`, `contact.email`, `contact.attributes`",
        ),
        (
            "{{#each conversation.labels}}{{contact.name}}{{/each}}",
            "t.hbs:1:32: inside `{{#each}}` only `this`, `@key`, `@index`, `@first` and `@last` are allowed, not `contact.name`",
        ),
        (
            "{{conversation.labels}}",
            "t.hbs:1:3: `conversation.labels` is a list: write `{{#each conversation.labels}}{{this}}{{/each}}`",
        ),
        ("{{#each contact.name}}{{/each}}", "t.hbs:1:9: `contact.name` is one value, not a list"),
        ("{{inputs.order}}", "t.hbs:1:3: there is no input `order`: declare it under `inputs:` in the front matter"),
        ("{{uper contact.name}}", "t.hbs:1:3: there is no helper `uper`; did you mean `upper`?"),
        ("{{upper}}", "t.hbs:1:3: write it as `upper inputs.order`"),
        ("{{date now \"loud\"}}", "t.hbs:1:12: `date` knows the styles long, short, time"),
        ("{{this}}", "t.hbs:1:3: `this` has a meaning only inside `{{#each}}`"),
        ("{{upper \"a}}", "t.hbs:1:9: this text is never closed: add \""),
        ("{{upper (lower now}}", "t.hbs:1:9: this `(` is never closed: add `)`"),
        ("{{}}", "t.hbs:1:1: `{{` and `}}` without a name between them"),
        ("{{! never", "t.hbs:1:1: the comment is never closed: add `}}` where it ends"),
    ] {
        assert_eq!(errors(text), [expected], "{text}");
    }
    let tower = "{{#if now}}".repeat(MAX_DEPTH + 1);
    assert_eq!(errors(&tower), ["t.hbs:1:177: blocks, `{{else if}}` and parentheses are nested more than 16 deep"]);
    // All wrong names are told at once.
    assert_eq!(errors("{{contact.nam}} {{contact.emial}}").len(), 2);
}

#[expect(clippy::too_many_lines, reason = "a list of attacks")]
fn hostile() -> Vec<String> {
    let many = |open: &str, close: &str, n: usize| format!("{}{}", open.repeat(n), close.repeat(n));
    let mut all: Vec<String> = [
        "{{@root.secret}}",
        "{{@root}}",
        "{{lookup contact \"name\"}}",
        "{{#with contact}}{{name}}{{/with}}",
        "{{log contact.name}}",
        "{{{contact.name}}}",
        "{{&contact.name}}",
        "{{~{contact.name}~}}",
        "{{{{raw}}}}{{x}}{{{{/raw}}}}",
        "{{> t}}",
        "{{> (lookup a b)}}",
        "{{#> t}}{{/t}}",
        "{{#*inline \"t\"}}{{> t}}{{/inline}}{{> t}}",
        "{{* decorator}}",
        "{{> @partial-block}}",
        "{{../contact.name}}",
        "{{#each conversation.labels}}{{../secret}}{{/each}}",
        "{{#each conversation.labels}}{{@../index}}{{/each}}",
        "{{contact/name}}",
        "{{contact.[name]}}",
        "{{[secret]}}",
        "{{this.secret}}",
        "{{./secret}}",
        "{{secret}}",
        "{{contact.__proto__}}",
        "{{helperMissing now}}",
        "{{blockHelperMissing now}}",
        "{{#each [1,2,3]}}x{{/each}}",
        "{{#each \"abc\"}}x{{/each}}",
        "{{upper [1,2]}}",
        "{{upper {\"a\":1}}}",
        "{{upper contact.name as=1}}",
        "{{#each conversation.labels as |x|}}{{x}}{{/each}}",
        "{{^}}",
        "{{#if now}}{{^}}{{/if}}",
        "\\{{now}}",
        "{{elsewhere}}",
        "{{else}}{{else}}",
        "{{#else}}{{/else}}",
        "{{as}}",
        "{{null}}",
        "{{! -- }} {{now}} --}}",
        "{{ #if now}}{{/if}}",
        "{{# if now}}{{/if}}",
        "{{\u{a0}now}}",
        "{{now\u{0}}}",
        "\u{1b}[2J",
        "{{\"now\"}}",
        "{{upper \"a\\\"b\"}}",
        "{{upper 'a\nb'}}",
        "{{upper 1e999}}",
        "{{-1}}",
        "{{a..b}}",
        "{{.}}",
        "{{len conversation.labels}}",
        "{{gt 1 2}}",
        "{{raw now}}",
        "{{now.now.now}}",
        "{{(upper now)}}",
        "{{((upper now))}}",
        "{{#(upper now)}}{{/x}}",
    ]
    .map(str::to_owned)
    .to_vec();
    let each = "{{#each conversation.labels}}";
    all.extend([
        many("{{#if now}}", "{{/if}}", MAX_DEPTH + 1),
        many("{{#if now}}", "{{/if}}", 800),
        many("{{#if now}}", "", 1400),
        many("{{#if now}}", "{{/if}}", 2000),
        format!("{{{{upper {}}}}}", many("(upper ", ")", 2000)),
        format!("{{{{upper {}now{}}}}}", "(upper ".repeat(17), ")".repeat(17)),
        format!("{{{{upper {}", "(".repeat(16_000)),
        format!("{{{{#if now}}}}{}{{{{/if}}}}", "{{else if now}}".repeat(1000)),
        format!("{{{{#if now}}}}{}{{{{/if}}}}", "{{else if now}}".repeat(MAX_DEPTH)),
        many(each, "{{/each}}", 3),
        format!("{each}{{{{#each this}}}}{}{{{{/each}}}}{{{{/each}}}}", "{{#if @first}}{{/if}}".repeat(200)),
        format!("{each}{}{{{{/each}}}}", "{{#each this}}xxxxxxxxxx{{/each}}".repeat(100)),
        format!("{{{{upper {}}}}}", "[".repeat(8000)),
        format!("{{{{upper {}}}}}", "{\"a\":".repeat(3000)),
        "{{now}}".repeat(2000),
        "{{".repeat(8000),
        "{".repeat(16_000),
        "\\".repeat(16_000),
        format!("{}{{{{now}}}}", "\\".repeat(15)),
        format!("{{{{{}}}}}", "a".repeat(16_000)),
        format!("{{{{{}}}}}", "a.".repeat(8_000)),
        format!("{{{{contact.attributes.{}}}}}", "a.".repeat(90)),
        format!("{{{{!--{}", "-".repeat(16_000)),
        format!("{{{{upper {}}}}}", "\"a\" ".repeat(4000)),
        "x".repeat(MAX_SOURCE + 1),
        "{{!".repeat(5000),
        "{{~".repeat(5000),
        "{{#".repeat(5000),
        "{{/".repeat(5000),
        "{{> ".repeat(4000),
        "{{else".repeat(2000),
    ]);
    // Every attack again behind a text, inside a block and inside a loop.
    let plain = all.clone();
    all.extend(plain.iter().map(|attack| format!("Hola, qué tal:\n{attack}\nadiós")));
    all.extend(plain.iter().map(|attack| format!("{{{{#if now}}}}{attack}{{{{/if}}}}")));
    all
}

/// How long one template may take, however hostile: 50 ms; the code of a debug build is several times slower.
const BAR: Duration = Duration::from_millis(if cfg!(debug_assertions) { 250 } else { 50 });

/// What `work` gives, and its quickest of a few runs: a busy machine may stop any one of them for longer than the bar.
fn timed<T>(work: impl Fn() -> T) -> (T, Duration) {
    let mut best = Duration::MAX;
    for _ in 0..20 {
        let began = Instant::now();
        let result = work();
        best = best.min(began.elapsed());
        if best < BAR {
            return (result, best);
        }
    }
    (work(), best)
}

// covers: S05
#[test]
fn hostile_templates_are_refused_quickly_and_none_aborts() {
    let all = hostile();
    assert!(all.len() >= 200, "{}", all.len());
    // A list of hundred items and a long value are the worst that a render is given.
    for attack in &all {
        let (result, took) = timed(|| compile(attack));
        let shown: String = attack.chars().take(60).collect();
        assert!(result.is_err(), "was let through: {shown}");
        assert!(took < BAR, "{shown}: {took:?}");
    }
}

#[test]
fn the_heaviest_templates_that_pass_stay_within_time_and_size() {
    let grid: serde_json::Map<_, _> = (0..500).map(|i| (i.to_string(), json!(vec![0; 500]))).collect();
    let labels: Vec<String> = (0..500).map(|i| format!("label {i}")).collect();
    let context = json!({
        "contact": {"name": "n".repeat(1_000_000), "attributes": grid}, "conversation": {"labels": labels}, "now": "x",
    });
    let each = "{{#each conversation.labels}}";
    let empty_loops =
        "{{#each contact.attributes}}{{#each this}}{{#if @first}}{{/if}}{{#if @last}}{{/if}}{{/each}}{{/each}}"
            .to_owned();
    let many_tags = "a{{now}}".repeat(500);
    let full = format!("{}{}", "{{#if now}}".repeat(16), "{{/if}}".repeat(16));
    let tags_at_the_end = format!("{}{}", "x".repeat(12_000), "{{now}}".repeat(500));
    for heavy in [&empty_loops, &many_tags, &full, &tags_at_the_end] {
        let template = compile(heavy).unwrap_or_else(|e| panic!("{e:?}"));
        let (_, took) = timed(|| compile(heavy).map(|_| template.render(&context, Language::Es).unwrap()));
        assert!(took < BAR, "{}: {took:?}", &heavy[..40]);
    }
    // A hundred times a long line: the writer ends it.
    let bomb = format!("{each}{}{{{{/each}}}}", "x".repeat(1000));
    let error = compile(&bomb).unwrap().render(&context, Language::Es).unwrap_err();
    assert_eq!(error.message, "the text grew past 64 KiB");
    // A long value is cut to what a message can hold.
    let long = compile("{{contact.name}}").unwrap().render(&context, Language::Es).unwrap();
    assert_eq!(long.text.len(), crate::template::MAX_VALUE);
}

/// The second lock alone, as if the first reading had let something through.
#[test]
fn what_the_engine_made_of_a_template_is_checked_once_more() {
    for foreign in [
        "{{@root.secret}}",
        "{{#each a}}{{../b}}{{/each}}",
        "{{lookup a b}}",
        "{{#with a}}{{/with}}",
        "{{log a}}",
        "{{{a}}}",
        "{{&a}}",
        "{{> a}}",
        "{{#> a}}{{/a}}",
        "{{#*inline \"a\"}}{{/inline}}",
        "{{* a}}",
        "{{upper [1]}}",
        "{{upper a b=c}}",
        "{{#each a as |b|}}{{/each}}",
        "{{#if (lookup a b)}}{{/if}}",
        "{{#each a}}{{#each b}}{{#each c}}{{/each}}{{/each}}{{/each}}",
        "{{{{raw}}}}{{{{/raw}}}}",
        "{{(upper a)}}",
    ] {
        let compiled = handlebars::Template::compile(foreign).unwrap_or_else(|e| panic!("{foreign}: {e}"));
        assert!(walk::inspect(&compiled, Includes::Refused).is_err(), "{foreign}");
    }
    let deep = format!("{}{}", "{{#if a}}".repeat(40), "{{/if}}".repeat(40));
    assert!(walk::inspect(&handlebars::Template::compile(&deep).unwrap(), Includes::Refused).is_err());
}

mod arbitrary {
    use super::*;
    use proptest::prelude::*;

    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "{{",
            "}}",
            "{{#if ",
            "{{/if}}",
            "{{#each ",
            "{{/each}}",
            "{{else}}",
            "{{else if ",
            "contact.name",
            "conversation.labels",
            "now",
            "this",
            "@index",
            "(",
            ")",
            "\"",
            "'",
            " ",
            "\n",
            "~",
            "!",
            "!--",
            "--",
            "&",
            ">",
            "*",
            "^",
            "#",
            "/",
            "upper ",
            "default ",
            "eq ",
            "\\",
            "{",
            "}",
            "[",
            "]",
            "..",
            ".",
            "|",
            "=",
            "as",
            "ñ",
            "1",
            "-",
            "true",
            "null",
        ]);
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_bytes_panic_the_gate(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = compile(&String::from_utf8_lossy(&bytes)).map(|t| t.render(&context(), Language::Pt));
        }

        /// What the gate lets through, the engine reads as the gate did: it never fails on syntax, and no value that
        /// is not listed gets out.
        #[test]
        fn what_the_gate_admits_the_engine_understands(text in pieces()) {
            match compile(&text) {
                Ok(template) => {
                    let draft = template.render(&context(), Language::En).unwrap();
                    prop_assert!(!draft.text.contains("hidden"));
                }
                Err(errors) => prop_assert!(!errors[0].message.contains("could not be read"), "{text}: {errors:?}"),
            }
        }
    }
}
