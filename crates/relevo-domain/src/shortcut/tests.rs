use super::*;
use serde_json::json;

fn load(files: &[(&str, &str)]) -> (Library, Vec<String>) {
    let (library, errors) = Library::load(files.iter().copied());
    (library, errors.iter().map(ToString::to_string).collect())
}

fn ana() -> ShortcutContext {
    serde_json::from_value(json!({
        "contact": {"name": "Ana Ruiz", "attributes": {"plan": "oro"}},
        "agent": {"name": "Bea Sol"},
        "conversation": {"id": "c1", "captured": {"order": "A-17"}},
        "now": "2026-11-20T09:00:00Z", "hour": 9,
    }))
    .unwrap()
}

const ES: &str = "---\ntitle: Saludo\nlanguage: es\ncategory: Saludos\nscope: team:ventas\ninputs:\n  - name: order\n    label: ¿Qué pedido?\n---\n{{greeting}}, {{contact.first_name}}. Soy {{agent.first_name}}. Pedido {{inputs.order}}, plan {{contact.attributes.plan}}, {{conversation.captured.order}}.\n";

// covers: S01 S02 S03
#[test]
fn a_file_becomes_a_shortcut_filled_with_the_conversations_data() {
    let (library, errors) = load(&[("shortcuts/hello.es.hbs", ES), ("shortcuts/README.md", "not one")]);
    assert_eq!(errors, Vec::<String>::new());
    let variant = library.shortcut("hello").unwrap().variant(None);
    assert_eq!((variant.title.as_str(), variant.category.as_deref()), ("Saludo", Some("Saludos")));
    assert_eq!(variant.scope, Scope::Team(TeamId::new("ventas").unwrap()));
    assert_eq!(variant.inputs, [Input { name: "order".into(), label: "¿Qué pedido?".into() }]);
    assert_eq!(variant.variables().len(), 5);

    let mut context = ana();
    let rendered = variant.render(&context).unwrap();
    assert_eq!(rendered.text, "Buenos días, Ana. Soy Bea. Pedido {{inputs.order}}, plan oro, A-17.");
    assert_eq!(rendered.missing, ["inputs.order"]);
    context.inputs.insert("order".into(), "B-2".into());
    let rendered = variant.render(&context).unwrap();
    assert_eq!(rendered.text, "Buenos días, Ana. Soy Bea. Pedido B-2, plan oro, A-17.");
    assert!(rendered.missing.is_empty());
}

// covers: S04
#[test]
fn the_language_falls_back_from_the_conversations_to_spanish_english_and_any() {
    let file = |title: &str| format!("---\ntitle: {title}\n---\n{{{{greeting}}}} {title}");
    let (es, pt, en) = (file("es"), file("pt"), file("en"));
    let said = |files: &[(&str, &str)], language| {
        let rendered = load(files).0.shortcut("x").unwrap().render(language, &ana()).unwrap();
        (rendered.text, rendered.language)
    };
    let all = [("x.es.hbs", es.as_str()), ("x.pt.hbs", pt.as_str()), ("x.en.hbs", en.as_str())];
    assert_eq!(said(&all, Some("pt-BR")), ("Bom dia pt".into(), Language::Pt));
    assert_eq!(said(&all, Some("de")), ("Buenos días es".into(), Language::Es));
    assert_eq!(said(&all, None).1, Language::Es);
    assert_eq!(said(&all[1..], Some("de")).1, Language::En);
    assert_eq!(said(&all[1..2], Some("en")).1, Language::Pt);
}

// covers: S05
#[test]
fn broken_files_are_told_with_their_place_and_the_good_ones_load() {
    let good = "---\ntitle: Bien\n---\nHola";
    for (file, text, expected) in [
        (
            "s/a.es.hbs",
            "Hola",
            "s/a.es.hbs:1:1: the front matter is missing: begin the file with `---`, `title: …`, `---`",
        ),
        (
            "s/a.es.hbs",
            "---\ntitle: x\nHola",
            "s/a.es.hbs:1:1: the front matter is never closed: write `---` on a line below it",
        ),
        ("s/a.es.hbs", "---\ntitel: x\n---\nHola", "s/a.es.hbs:2:1: there is no key `titel`; did you mean `title`?"),
        (
            "s/a.es.hbs",
            "---\ntitle: x\nowner: me\n---\nHola",
            "s/a.es.hbs:3:1: there is no key `owner`; there are title, language, category, scope, inputs, channels",
        ),
        (
            "s/a.es.hbs",
            "---\ntitle: x\ninputs:\n - name: a\n   lable: A\n---\n{{inputs.a}}",
            "s/a.es.hbs:5:4: there is no key `lable`; did you mean `label`?",
        ),
        ("s/a.es.hbs", "---\ncategory: x\n---\nHola", "s/a.es.hbs:2:1: `title:` is missing in the front matter"),
        (
            "s/a.es.hbs",
            "---\ntitle: x\nlanguage: pt\n---\nHola",
            "s/a.es.hbs:3:1: it says `pt` and the file's name `es`: make them agree",
        ),
        (
            "s/a.es.hbs",
            "---\ntitle: x\ninputs: [{name: order, label: O}]\n---\nHola",
            "s/a.es.hbs:3:17: the input `order` is asked for but never used: write `{{inputs.order}}` in the text",
        ),
        ("s/a.es.hbs", "---\ntitle: x\n---\n", "s/a.es.hbs:4:1: the text is missing: write it below the second `---`"),
        (
            "s/a.es.hbs",
            "---\ntitle: x\n---\n\nHola {{contact.nmae}}",
            "s/a.es.hbs:5:8: there is no variable `contact.nmae`; did you mean `contact.name`?",
        ),
        (
            "s/a.es.hbs",
            "---\ntitle: x\n---\n{{#if now}}",
            "s/a.es.hbs:4:1: the block `{{#if}}` is never closed: add `{{/if}}` where it ends",
        ),
        (
            "s/Hola Mundo.es.hbs",
            good,
            "s/Hola Mundo.es.hbs:1:1: `Hola Mundo` cannot be typed after `/`: use 1 to 40 lower-case letters, digits and hyphens",
        ),
        (
            "s/a.hbs",
            good,
            "s/a.hbs:1:1: the file's name says no language: call it `<name>.es.hbs`, `.pt.hbs` or `.en.hbs`",
        ),
        ("s/a.fr.hbs", good, "s/a.fr.hbs:1:1: `fr` is not a language of Relevo: use es, pt or en"),
        (
            "s/sub/fine.es.hbs",
            good,
            "s/sub/fine.es.hbs:1:1: the shortcut `fine` in `es` is already in s/fine.es.hbs: rename or delete one of them",
        ),
        (
            "s/fine.pt.hbs",
            "---\ntitle: x\nscope: team:a\n---\nOi",
            "s/fine.pt.hbs:1:1: its scope is `team:a`, that of s/fine.es.hbs `global`: make them agree",
        ),
    ] {
        let (library, errors) = load(&[(file, text), ("s/fine.es.hbs", good)]);
        assert_eq!(errors, [expected], "{file}: {text}");
        assert_eq!(library.shortcuts().count(), 1, "{file}");
    }
    let long = format!("---\ntitle: x\n---\n{}", "a".repeat(8001));
    assert_eq!(
        load(&[("s/a.es.hbs", &long)]).1,
        ["s/a.es.hbs:4:1: the text can have 8001 characters; a message takes 8000"]
    );
    let (_, errors) = load(&[("s/a.es.hbs", "---\ntitle: [\n---\nHola")]);
    assert!(errors[0].contains("the front matter cannot be read"), "{errors:?}");
}

#[test]
fn files_of_any_editor_read_alike() {
    let (library, errors) = load(&[("shortcuts\\hello.es.hbs", &format!("\u{feff}{}", ES.replace('\n', "\r\n")))]);
    assert_eq!(errors, Vec::<String>::new());
    assert!(!library.shortcut("hello").unwrap().variant(None).body.contains('\r'));
}

// covers: S01
#[test]
fn a_few_letters_find_a_shortcut_whatever_their_accents() {
    let file = |title: &str, body: &str| format!("---\ntitle: {title}\n---\n{body}");
    let (library, _) = load(&[
        ("s/shipping-time.es.hbs", &file("Plazos de envío", "Tu pedido llega mañana.")),
        ("s/ask-order-number.es.hbs", &file("Pedir número de pedido", "¿Cuál es?")),
        ("s/thanks.es.hbs", &file("Gracias", "Gracias por tu envío.")),
    ]);
    let found = |query: &str| {
        library.search(query, Some("es")).iter().map(|hit| hit.shortcut.name.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(found("/shipping"), ["shipping-time"]);
    assert_eq!(found("ENVIO"), ["shipping-time", "thanks"]);
    assert_eq!(found("número"), ["ask-order-number"]);
    assert_eq!(found("pedido"), ["ask-order-number", "shipping-time"]);
    assert_eq!(found("pedido mañana"), ["shipping-time"]);
    assert_eq!(found("askord"), ["ask-order-number"]);
    assert_eq!(found("thanks"), ["thanks"]);
    assert_eq!(found("zzz"), [""; 0]);
    // Without letters: everything, by title.
    assert_eq!(found("/"), ["thanks", "ask-order-number", "shipping-time"]);
}

/// The files that ship with Relevo.
fn shipped() -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    ["shortcuts", "shortcuts/macros"]
        .iter()
        .flat_map(|folder| {
            std::fs::read_dir(root.join(folder)).unwrap().map(move |entry| (folder, entry.unwrap().path()))
        })
        .filter(|(_, path)| path.is_file())
        .map(|(folder, path)| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (format!("{folder}/{name}"), std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

// covers: S02
#[test]
fn the_shipped_files_have_no_mistake_and_exist_in_every_language() {
    let (library, errors) = Library::load(shipped());
    assert_eq!(errors, []);
    assert!(library.shortcuts().count() >= 14);
    assert!(library.macros().count() >= 5);
    for shortcut in library.shortcuts() {
        let inputs = |v: &Variant| v.inputs.iter().map(|i| i.name.clone()).collect::<Vec<_>>();
        let wanted = inputs(shortcut.variant(None));
        for language in Language::ALL {
            let variant = shortcut.variants.get(&language).unwrap_or_else(|| panic!("{} {language}", shortcut.name));
            assert_eq!(inputs(variant), wanted, "{}", variant.file);
            assert!(variant.category.is_some(), "{}", variant.file);
            // An unknown visitor gets a text that reads well: only what the agent must type may be missing.
            let agent_only = ShortcutContext { agent: ana().agent, ..ShortcutContext::default() };
            let rendered = variant.render(&agent_only).unwrap();
            assert!(rendered.missing.iter().all(|name| name.starts_with("inputs.")), "{}: {rendered:?}", variant.file);
            assert!(!rendered.text.contains("  ") && !rendered.text.contains(" ,"), "{}: {rendered:?}", variant.file);
        }
    }
}

// covers: S05
#[test]
fn the_mistakes_in_the_documents_are_the_printed_ones() {
    let documents = include_str!("../../../../docs/shortcuts.md");
    let (_, listed) = documents.split_once("as they are printed\n\n```\n").unwrap();
    let mut listed: Vec<&str> = listed.split_once("\n```").unwrap().0.lines().collect();
    let head = |rest: &str| format!("---\ntitle: T\nlanguage: es\ncategory: C\nscope: global\n{rest}");
    let step = |step: &str| format!("title = \"T\"\n\n[[steps]]\n\n{step}\n");
    let (_, errors) = Library::load([
        ("shortcuts/a/greeting.es.hbs".to_owned(), head("---\nHola, soy {{contact.nmae}}")),
        ("shortcuts/b/greeting.es.hbs".to_owned(), head("---\nHola\n{{#if now}}")),
        ("shortcuts/c/greeting.es.hbs".to_owned(), head("---\n{{greting}}")),
        ("shortcuts/invoice.en.hbs".to_owned(), "---\ntitel: T\n---\nHi".to_owned()),
        ("shortcuts/invoice.pt.hbs".to_owned(), head("---\nOi")),
        ("shortcuts/order.es.hbs".to_owned(), head("inputs:\n  - name: order\n    label: P\n---\nHola")),
        ("shortcuts/greeting.es.hbs".to_owned(), head("---\nHola")),
        ("shortcuts/sales/greeting.es.hbs".to_owned(), head("---\nHola")),
        ("shortcuts/thanks-goodbye.es.hbs".to_owned(), head("---\nHola")),
        (
            "shortcuts/macros/resolve.toml".to_owned(),
            step("send_shortcut = \"thank-goodbye\"\n\n[[steps]]\nclose = \"sucess\""),
        ),
    ]);
    let places = [("shortcuts/a/", "shortcuts/"), ("shortcuts/b/", "shortcuts/"), ("shortcuts/c/", "shortcuts/")];
    let mut printed: Vec<String> = errors
        .iter()
        .map(|error| places.iter().fold(error.to_string(), |text, (from, to)| text.replace(from, to)))
        .collect();
    printed.sort_unstable();
    listed.sort_unstable();
    assert_eq!(printed, listed);
}
