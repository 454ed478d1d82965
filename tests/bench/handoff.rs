//! How soon a bot is silenced by a take-over, and how soon a visitor who waits for a person is on the agents' screens.

use crate::figures::{Figure, ms, percentile, sorted};
use crate::floor::Floor;
use crate::load::begin;
use crate::{Plan, within};
use anyhow::Result;
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use relevo_tests::deployment::{Deployment, Storage};
use relevo_tests::people::{Agent, Socket, connect, send, until};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

const AGENT: &str = "lucia@example.com";

pub(crate) async fn run(plan: &Plan) -> Result<Vec<Figure>> {
    plan.on_each(on).await
}

async fn on(plan: &Plan, storage: &Storage) -> Result<Vec<Figure>> {
    let name = storage.name();
    let (turns, mut heard) = mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/turn", listener.local_addr()?);
    let bot = Router::new().route("/turn", post(thinks)).with_state(turns);
    let bot = tokio::spawn(async move { axum::serve(listener, bot).await });
    let settings = format!(
        "[[inboxes]]\nid = \"shop\"\nbot = \"slow\"\n[[bots]]\nid = \"slow\"\nkind = \"webhook\"\nurl = {url:?}\n\
         secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\nallow_private = true\n"
    );
    let floor = Floor::start(storage)?;
    let mut relay = (connect(floor.address, "/visitor").await?, connect(floor.address, "/agent").await?);
    let mut product = Deployment::new(storage, &settings)?;
    product.add_agent(AGENT)?;
    product.start().await?;
    let http = reqwest::Client::new();
    let agent = Agent::sign_in(&http, product.address(), AGENT).await?;
    let mut screen = agent.connect().await?;
    let (mut silenced, mut seen, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=plan.rounds {
        eprint!("\r   handoff {name} · round {round} of {} ", plan.rounds);
        let (mut silences, mut sights, mut relayed) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..plan.pick(40, 20) {
            let client_id = format!("{round}-{n}");
            let (mut socket, id) = begin(&http, product.address(), &client_id).await?;
            let asked = |frame: &serde_json::Value| frame["op"] == "card" && frame["card"]["id"] == id.as_str();
            expect(&mut heard, Turn::Begins).await?;
            // As often and as far apart as the product's own.
            relayed.push(relays(&mut relay, &client_id).await?);
            let began = Instant::now();
            if n % 2 == 0 {
                agent.post(&format!("/api/conversations/{id}/take-over"), &json!({})).await?;
                expect(&mut heard, Turn::Ends).await?;
                silences.push(began.elapsed());
            } else {
                send(&mut socket, &json!({"op": "human", "client_id": format!("human{n}")})).await?;
                until(&mut screen, |frame| asked(frame) && frame["card"]["control"].to_string().contains("queue"))
                    .await?;
                sights.push(began.elapsed());
                expect(&mut heard, Turn::Ends).await?;
            }
        }
        for (times, medians) in [(silences, &mut silenced), (sights, &mut seen), (relayed, &mut floors)] {
            medians.push(ms(percentile(&sorted(&times), 0.5)));
        }
    }
    eprintln!();
    bot.abort();
    Ok(vec![
        Figure::against(format!("handoff {name} take-over to bot silenced, p50"), "ms", silenced, floors.clone())
            .note("the bot's own connection is closed")
            .told(),
        Figure::against(format!("handoff {name} queue to agent's screen, p50"), "ms", seen, floors).told(),
    ])
}

/// From a visitor's frame over the floor's commit to the agent's socket.
async fn relays((visitor, agent): &mut (Socket, Socket), name: &str) -> Result<Duration> {
    let began = Instant::now();
    send(visitor, &json!({"op": "say", "client_id": name, "text": "hola", "payload": null})).await?;
    until(agent, |frame| frame["client_id"] == name).await?;
    Ok(began.elapsed())
}

async fn expect(heard: &mut mpsc::UnboundedReceiver<Turn>, wanted: Turn) -> Result<()> {
    let turn = within(Duration::from_secs(30), "the wait for the bot", async { Ok(heard.recv().await) }).await?;
    anyhow::ensure!(turn.as_ref() == Some(&wanted), "the bot's turn: expected {wanted:?}, it is {turn:?}");
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Begins,
    Ends,
}

struct Listening(mpsc::UnboundedSender<Turn>);

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.0.send(Turn::Ends);
    }
}

/// A bot that is never done: it is dropped when its caller hangs up.
async fn thinks(State(turns): State<mpsc::UnboundedSender<Turn>>) {
    let _ = turns.send(Turn::Begins);
    let _listening = Listening(turns);
    std::future::pending::<()>().await;
}
