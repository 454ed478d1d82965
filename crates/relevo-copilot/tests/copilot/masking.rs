//! Personal data on its way out and back.

use std::collections::BTreeMap;

use relevo_copilot::rewrite::Style;
use relevo_copilot::{Asked, Handoff, Input, Masking, Settings, Task};

use super::{copilot, input, make, said};

const VALUES: &[&str] = &[
    "ana.perez@example.com",
    "4242 4242 4242 4242",
    "ES91 2100 0418 4502 0005 1332",
    "12345678Z",
    "X1234567L",
    "529.982.247-25",
    "11.222.333/0001-81",
    "20-12345678-6",
    "12.345.678-5",
    "GODE561231GR8",
    "HEGG560427MVZRRL04",
    "+34 612 345 678",
];

fn personal() -> Input {
    let mut lines = vec![said(1, "¿Cómo puedo devolver un pedido?")];
    lines.extend((2..).zip(VALUES).map(|(n, value)| said(n, &format!("Mi dato es {value} y espero"))));
    lines.extend((97..100).map(|n| said(n, "¿Cómo puedo devolver un pedido?")));
    let mut input = input(lines);
    input.captured.insert("dato".into(), VALUES[0].into());
    input.handoff =
        Some(Handoff { reason: "bot_asked".into(), detail: Some(VALUES[1].into()), note: Some(VALUES[2].into()) });
    input.thread =
        vec![Asked {
            question: format!("¿es {}?", VALUES[3]), answer: format!("sí, {}", VALUES[4]), internal: false
        }];
    input
}

fn tasks() -> [Task; 4] {
    let all = VALUES.join("; ");
    [
        Task::Summary,
        Task::Reply,
        Task::Rewrite { draft: format!("Hola, tengo {all}"), style: Style::Formal },
        Task::Ask { question: format!("¿Puede devolver el pedido quien es {all}?") },
    ]
}

// covers: A10; behaviour 20
#[tokio::test]
async fn no_personal_value_reaches_the_endpoint_and_the_agent_sees_every_one() {
    for task in tasks() {
        let (copilot, model) =
            copilot("Escribe a [EMAIL_1] o [EMAIL_8] por [CARD_1]. Puedes devolver un pedido en 30 días [1].").await;
        let (draft, streamed) = make(&copilot, &task, &personal()).await;
        let sent = serde_json::to_string(&model.requests()).unwrap();
        assert!(sent.contains("[EMAIL_1]"), "{task:?}: {sent}");
        for value in VALUES {
            assert!(!sent.contains(value), "{value} left with {task:?}: {sent}");
        }
        for shown in [draft.body.to_string(), streamed] {
            assert!(shown.contains(VALUES[0]) && shown.contains(VALUES[1]), "{task:?}: {shown}");
            assert!(!shown.contains("EMAIL_"), "a placeholder that stands for nothing: {shown}");
        }
    }
}

// covers: A10
#[tokio::test]
async fn an_inbox_may_let_everything_out_or_nothing_personal_at_all() {
    let (base, model) = copilot("Puedes devolver un pedido en 30 días [1].").await;
    let inbox_masking = BTreeMap::from([("house".to_owned(), Masking::Off), ("bank".to_owned(), Masking::Block)]);
    let copilot = base.with_settings(Settings { inbox_masking, ..Settings::default() });
    let of = |inbox: &str, input: Input| Input { inbox: Some(inbox.into()), ..input };
    let (draft, _) = make(&copilot, &Task::Reply, &of("house", personal())).await;
    assert!(!draft.offline && model.requests()[0].turns[0].text.contains(VALUES[1]));
    for task in tasks() {
        let (draft, _) = make(&copilot, &task, &of("bank", personal())).await;
        assert!(
            draft.offline && draft.fallback.as_ref().is_some_and(|why| why.to_string().contains("may not leave")),
            "{draft:?}"
        );
    }
    assert_eq!(model.requests().len(), 1, "nothing was sent");
    let plain = input(vec![said(1, "¿Cómo puedo devolver un pedido?")]);
    let (draft, _) = make(&copilot, &Task::Reply, &of("bank", plain)).await;
    assert!(!draft.offline, "nothing personal, nothing blocked");
}
