//! How soon a bot is silenced by a take-over, and how soon a visitor who waits for a person is on the agents' screens.

use crate::figures::{Figure, ms, percentile};
use crate::floor::Floor;
use crate::load::to_floor;
use crate::{Plan, Store};
use anyhow::{Context, Result};
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use relevo_tests::deployment::Deployment;
use relevo_tests::people::{Agent, Visitor, say, send, until};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

const AGENT: &str = "lucia@example.com";

pub(crate) async fn run(plan: &Plan) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for store in plan.stores() {
        figures.extend(on(plan, &store).await?);
        store.stop();
    }
    Ok(figures)
}

async fn on(plan: &Plan, store: &Store) -> Result<Vec<Figure>> {
    let name = store.storage.name();
    let (turns, mut heard) = mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/turn", listener.local_addr()?);
    let bot = Router::new().route("/turn", post(thinks)).with_state(turns);
    let bot = tokio::spawn(async move { axum::serve(listener, bot).await });
    let settings = format!(
        "[[inboxes]]\nid = \"shop\"\nbot = \"slow\"\n[[bots]]\nid = \"slow\"\nkind = \"webhook\"\nurl = {url:?}\n\
         secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\nallow_private = true\n"
    );
    let floor = Floor::start(&store.storage)?;
    let mut relay = to_floor(floor.address, 1).await?;
    let mut product = Deployment::new(&store.storage, &settings)?;
    product.add_agent(AGENT)?;
    product.start().await?;
    let http = reqwest::Client::new();
    let agent = Agent::sign_in(&http, product.address(), AGENT).await?;
    let mut screen = agent.connect().await?;
    let (mut silenced, mut seen, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=plan.rounds {
        eprint!("\r   handoff {name} · round {round} of {} ", plan.rounds);
        let each = u32::try_from(plan.pick(40, 20))?;
        floors.push(ms(relay.send(each, Duration::from_secs(1)).await?.at(0.5)));
        let (mut silences, mut sights) = (Vec::new(), Vec::new());
        for n in 0..each {
            let mut visitor = Visitor::new(&http, product.address());
            let mut socket = visitor.connect(0).await?;
            say(&mut socket, &format!("{round}-{n}"), "hola").await?;
            let session = visitor.session().await?;
            let id = session["conversation"].as_str().context("it has begun")?;
            let asked = |frame: &serde_json::Value| frame["op"] == "card" && frame["card"]["id"] == id;
            anyhow::ensure!(heard.recv().await == Some(Turn::Begins), "the bot has its turn");
            if n % 2 == 0 {
                let began = Instant::now();
                agent.post(&format!("/api/conversations/{id}/take-over"), &json!({})).await?;
                anyhow::ensure!(heard.recv().await == Some(Turn::Ends), "the turn is cancelled");
                silences.push(began.elapsed());
            } else {
                let began = Instant::now();
                send(&mut socket, &json!({"op": "human", "client_id": format!("human{n}")})).await?;
                until(&mut screen, |frame| asked(frame) && frame["card"]["control"].to_string().contains("queue"))
                    .await?;
                sights.push(began.elapsed());
                anyhow::ensure!(heard.recv().await == Some(Turn::Ends), "the turn is cancelled");
            }
        }
        silences.sort();
        sights.sort();
        silenced.push(ms(percentile(&silences, 0.5)));
        seen.push(ms(percentile(&sights, 0.5)));
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
