//! What the Copilot made.

use super::Fresh;
use crate::store::{Artifact, ArtifactKind, ArtifactStatus, Cost, Covers, MakeFailure, Tokens};
use crate::testing::corpus::{agent_id, conversation};
use relevo_domain::id::{ArtifactId, TeamId};
use relevo_domain::time::Timestamp;
use serde_json::json;
use uuid::Uuid;

/// Artifacts come back as they were last written, newest first.
pub async fn artifacts_are_kept_newest_first(store: &Fresh) {
    let mut first = artifact(1, 10);
    let second = artifact(2, 30);
    let third = artifact(3, 20);
    let mut elsewhere = artifact(4, 40);
    elsewhere.conversation = conversation(2);
    for it in [&first, &second, &third, &elsewhere] {
        store.put_artifact(it).await.unwrap();
    }
    assert_eq!(store.artifact(first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(store.artifact(ArtifactId(Uuid::from_u128(9))).await.unwrap(), None);

    first.status = ArtifactStatus::Done;
    first.body = json!({"text": "ñ \u{0} 🙂", "parts": [1, 2.5, null]});
    first.tokens = Some(Tokens { prompt: 1_000, completion: 20 });
    first.cost = Some(Cost { micros: 162, currency: "EUR".into() });
    first.team = Some(TeamId::new("ventas").unwrap());
    store.put_artifact(&first).await.unwrap();
    assert_eq!(store.artifacts(conversation(1)).await.unwrap(), [second, third, first]);
    assert_eq!(store.artifacts(conversation(2)).await.unwrap(), [elsewhere]);
    assert!(store.artifacts(conversation(3)).await.unwrap().is_empty());
    let between = store.artifacts_between(Timestamp(20), Timestamp(40)).await.unwrap();
    assert_eq!(between.iter().map(|it| it.created_at.0).collect::<Vec<_>>(), [20, 30], "its end is not in it");
}

/// Feedback comes after the feedback that is there, also when given by many at once.
pub async fn feedback_is_added_to_what_is_there(store: &Fresh) {
    let made = artifact(1, 10);
    store.put_artifact(&made).await.unwrap();
    let giving: Vec<_> = (0..10)
        .map(|n| {
            let (store, id) = (store.clone(), made.id);
            tokio::spawn(async move { store.add_feedback(id, json!({"what": "sent", "distance": n})).await.unwrap() })
        })
        .collect();
    for task in giving {
        assert!(task.await.unwrap());
    }
    assert!(store.add_feedback(made.id, json!({"what": "last \u{0} \"é\""})).await.unwrap());
    let feedback = store.artifact(made.id).await.unwrap().expect("it was put").feedback;
    assert_eq!(feedback.len(), 11);
    assert_eq!(feedback[10], json!({"what": "last \u{0} \"é\""}));
    assert!((0..10).all(|n| feedback.contains(&json!({"what": "sent", "distance": n}))));
    assert!(!store.add_feedback(ArtifactId(Uuid::from_u128(9)), json!({})).await.unwrap());
}

/// Of many servers that would make the same artifact one begins it, and its work stays as it is.
pub async fn an_artifact_is_begun_once(store: &Fresh) {
    let beginning: Vec<_> = (0..16_u32)
        .map(|n| {
            let store = store.clone();
            let mine = Artifact { body: json!({ "by": n }), ..artifact(1, 10) };
            tokio::spawn(async move { store.begin_artifact(&mine).await.unwrap().then_some(mine) })
        })
        .collect();
    let mut begun = Vec::new();
    for task in beginning {
        begun.extend(task.await.unwrap());
    }
    let [first] = begun.as_slice() else { panic!("{} began it", begun.len()) };
    assert_eq!(store.artifact(first.id).await.unwrap().as_ref(), Some(first));
}

/// After a crash nobody waits for what nobody writes.
pub async fn what_was_being_written_is_failed_at_start(store: &Fresh) {
    let running = [artifact(1, 10), artifact(2, 20)];
    let mut done = artifact(3, 30);
    done.status = ArtifactStatus::Done;
    for it in running.iter().chain([&done]) {
        store.put_artifact(it).await.unwrap();
    }
    let young = artifact(4, 100);
    store.put_artifact(&young).await.unwrap();
    let stopped = MakeFailure::Stopped;
    assert_eq!(store.fail_running_artifacts(Timestamp(100), &stopped).await.unwrap(), 2);
    assert_eq!(store.fail_running_artifacts(Timestamp(100), &stopped).await.unwrap(), 0);
    assert_eq!(store.artifact(young.id).await.unwrap(), Some(young), "somebody may be writing it just now");
    for it in running {
        let mut failed = Artifact { status: ArtifactStatus::Failed, ..it };
        failed.failed_by(Some(stopped.clone()));
        assert_eq!(store.artifact(failed.id).await.unwrap(), Some(failed));
    }
    assert_eq!(store.artifact(done.id).await.unwrap(), Some(done));
}

fn artifact(n: u128, at: i64) -> Artifact {
    Artifact {
        id: ArtifactId(Uuid::from_u128(n)),
        conversation: conversation(1),
        team: None,
        kind: ArtifactKind::Summary,
        status: ArtifactStatus::Running,
        created_at: Timestamp(at),
        created_by: Some(agent_id(1)),
        language: "es".into(),
        model: "offline".into(),
        offline: true,
        prompt_version: "abc".into(),
        covers: Covers { first: 1, last: 9 },
        tokens: None,
        cost: None,
        body: json!(null),
        sources: vec![json!({"seq": 3})],
        feedback: Vec::new(),
        error: None,
        failure: None,
    }
}
