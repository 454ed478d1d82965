//! Bar 4: agents press "take over" at once. Exactly one wins, and the others are told who.

use crate::bot::Bot;
use crate::deployment::{Deployment, Setup};
use crate::people::{Agent, Visitor};
use crate::run::{Found, Run};
use anyhow::{Result, bail};
use futures::future::{join_all, try_join_all};
use relevo::domain::event::Event;
use relevo::domain::id::ConversationId;
use serde_json::json;

/// Races that go on at the same time.
const LANES: usize = 16;

pub async fn bar(run: Run) -> Result<Found> {
    let setup = Setup { agents: 50, bots: vec![Bot::silent().await?], ..Setup::default() };
    let mut deployment = Deployment::start(&run, setup).await?;
    let mut conversations = Vec::new();
    for _ in 0..LANES {
        let mut visitor = Visitor::comes(&deployment, "shop0").await?;
        visitor.say_and_wait("first", "hola").await?;
        conversations.push(visitor.conversation().await?);
    }
    let mut found = Found::default();
    let mut raced = 0;
    for (name, racers, races) in [("of_two", 2, run.many(10_000, 200)), ("of_fifty", 50, run.many(1_000, 8))] {
        let lanes = conversations.iter().enumerate().map(|(lane, conversation)| {
            let races = races / LANES + usize::from(lane < races % LANES);
            lane_of_races(&run, &deployment.agents, *conversation, racers, races)
        });
        let outcomes: Vec<Outcome> = try_join_all(lanes).await?.into_iter().flatten().collect();
        raced += outcomes.len();
        let count = |is: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count();
        found.note(&format!("races_{name}"), outcomes.len());
        found.never(&format!("without_a_winner_{name}"), count(|outcome| outcome.winners == 0));
        found.never(&format!("with_two_winners_{name}"), count(|outcome| outcome.winners > 1));
        found.never(&format!("losers_told_wrongly_{name}"), outcomes.iter().map(|outcome| outcome.misled).sum());
    }
    let audit = deployment.stop().await?;
    let taken = audit.count(|event| matches!(event, Event::TakenOver { .. }));
    found.must("take_overs_in_the_log", taken, taken == raced);
    found.never("gaps", audit.gaps());
    Ok(found)
}

struct Outcome {
    winners: usize,
    misled: usize,
}

/// Race after race in one conversation; the winner gives it back to the bot or to the queue.
async fn lane_of_races(
    run: &Run,
    agents: &[Agent],
    conversation: ConversationId,
    racers: usize,
    races: usize,
) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for _ in 0..races {
        let racing: Vec<Agent> = run.shuffled(agents.to_vec()).into_iter().take(racers).collect();
        let answers = join_all(racing.iter().map(|agent| agent.take_over(conversation))).await;
        let answers = answers.into_iter().collect::<Result<Vec<_>>>()?;
        let winners: Vec<&Agent> =
            racing.iter().zip(&answers).filter(|(_, (status, _))| *status == 200).map(|(agent, _)| agent).collect();
        let told = |agent: &Agent| json!(agent.id);
        let misled = answers.iter().filter(|(status, body)| {
            let right = *status == 409 && body["code"] == "already_taken";
            *status != 200 && !(right && winners.iter().any(|winner| told(winner) == body["agent"]))
        });
        outcomes.push(Outcome { winners: winners.len(), misled: misled.count() });
        // Where two have won, the log's word counts: the last of them holds it.
        let mut free = false;
        for winner in winners {
            let (path, body) = match run.below(2) {
                0 => ("hand-back", json!({})),
                _ => ("transfer", json!({"to": {"kind": "nobody"}})),
            };
            free |= winner.post(&format!("/api/conversations/{conversation}/{path}"), &body).await?.0 == 200;
        }
        if !free {
            bail!("nobody can give {conversation} back");
        }
    }
    Ok(outcomes)
}
