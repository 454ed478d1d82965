//! The inbox's lists over a long past: views, filters and search, and how they grow with the number of conversations.

mod past;

use crate::Plan;
use crate::dice::Dice;
use crate::figures::{Aim, Figure, ms, percentile, sorted};
use anyhow::Result;
use past::{TEAMS, WORDS};
use relevo_backends::testing::{schema, start_postgres};
use relevo_tests::deployment::{Deployment, Storage};
use relevo_tests::people::Agent;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const AGENT: &str = "lucia@example.com";
const VIEWS: [&str; 9] = ["mine", "unassigned", "queue", "bot", "others", "all", "mentions", "snoozed", "closed"];

/// Passes over all requests whose times do not count.
const WARMING: usize = 3;

pub(crate) async fn run(plan: &Plan) -> Result<Vec<Figure>> {
    plan.on_each(on).await
}

async fn on(plan: &Plan, storage: &Storage) -> Result<Vec<Figure>> {
    let (few, many) = plan.pick((10_000, 100_000), (1_000, 10_000));
    let server = matches!(storage, Storage::Postgres { .. }).then(start_postgres);
    let figures = match &server {
        // A server of its own: it would lose its place in the buffers to the larger one.
        Some(server) => {
            let small = Storage::Postgres { url: server.address().to_owned(), schema: schema() };
            grown(plan, (&small, few), (storage, many)).await
        }
        None => grown(plan, (storage, few), (storage, many)).await,
    };
    if let Some(server) = server {
        server.stop();
    }
    figures
}

/// Asks both for the same, in turn, so that whatever else the machine does falls on both alike.
async fn grown(plan: &Plan, small: (&Storage, usize), large: (&Storage, usize)) -> Result<Vec<Figure>> {
    let (name, few, many) = (small.0.name(), small.1, large.1);
    let mut sides = [Side::new(small.0, few).await?, Side::new(large.0, many).await?];
    let mut groups: BTreeMap<&'static str, Group> = BTreeMap::new();
    for pass in 0..WARMING {
        for side in &mut sides {
            side.warm(pass == 0).await?;
        }
    }
    let passes = plan.pick(20, 5);
    for round in 0..plan.rounds {
        for pass in 0..passes {
            eprint!("\r   lists {name} · round {} of {} · pass {} ", round + 1, plan.rounds, pass + 1);
            let asked = sides.each_mut().map(Side::requests);
            for (n, (of_small, of_large)) in asked[0].iter().zip(&asked[1]).enumerate() {
                let mut took = [Duration::ZERO; 2];
                // Neither always comes first.
                for side in if (n + pass) % 2 == 0 { [0, 1] } else { [1, 0] } {
                    took[side] = sides[side].ask([of_small, of_large][side]).await?.0;
                }
                let group = groups.entry(of_large.group).or_default();
                group.by_request.entry(of_large.what).or_default().push(took);
                group.rounds.resize_with(round + 1, Vec::new);
                group.rounds[round].push(took);
            }
        }
    }
    eprintln!();
    let mut figures = Vec::new();
    for (group, times) in &groups {
        let [of_small, of_large] = [0, 1].map(|side| times.rounds.iter().map(|round| p95(round, side)).collect());
        let slowest = times.by_request.iter().max_by(|(_, a), (_, b)| p95(a, 1).total_cmp(&p95(b, 1)));
        let slowest = slowest.map_or(String::new(), |(what, times)| {
            format!("slowest: {what}, {:.1} → {:.1} ms", p95(times, 0), p95(times, 1))
        });
        let figure =
            Figure::against(format!("lists {name} {group} p95, {many} (floor: {few})"), "ms", of_large, of_small);
        figures.push(figure.aim(Aim::RatioAtMost(2.0)).note(slowest).told());
        figures.extend(times.by_request.iter().map(|(what, times)| {
            let what = format!("lists {name} {group}: {what}, p95, {many} (floor: {few})");
            Figure::against(what, "ms", vec![p95(times, 1)], vec![p95(times, 0)])
        }));
    }
    Ok(figures)
}

/// The 95th percentile of one side, in milliseconds.
fn p95(times: &[[Duration; 2]], side: usize) -> f64 {
    ms(percentile(&sorted(&times.iter().map(|took| took[side]).collect::<Vec<_>>()), 0.95))
}

fn teams() -> String {
    let teams = TEAMS.map(|team| format!("[[teams]]\nid = \"{team}\"\nname = \"{team}\"\n")).concat();
    let inboxes = ["shop", "help"].map(|inbox| format!("[[inboxes]]\nid = \"{inbox}\"\n")).concat();
    format!("{teams}{inboxes}")
}

/// How long requests took on both sides, the small one first.
#[derive(Default)]
struct Group {
    by_request: BTreeMap<&'static str, Vec<[Duration; 2]>>,
    rounds: Vec<Vec<[Duration; 2]>>,
}

/// A server that runs, and its past.
struct Side {
    /// Ends with it.
    _product: Deployment,
    agent: Agent,
    dice: Dice,
    conversations: usize,
}

impl Side {
    async fn new(storage: &Storage, conversations: usize) -> Result<Self> {
        let mut product = Deployment::new(storage, &teams())?;
        product.add_agent(AGENT)?;
        past::write(storage, &product.data(), conversations).await?;
        product.start().await?;
        let agent = Agent::sign_in(&reqwest::Client::new(), product.address(), AGENT).await?;
        Ok(Self { _product: product, agent, dice: Dice(7), conversations })
    }

    fn requests(&mut self) -> Vec<Request> {
        requests(&mut self.dice, self.conversations)
    }

    /// How long it took until all of the answer was there.
    async fn ask(&self, request: &Request) -> Result<(Duration, Vec<u8>)> {
        let began = Instant::now();
        let answer = self.agent.read(&format!("/api/conversations{}", request.query)).await?;
        Ok((began.elapsed(), answer))
    }

    async fn warm(&mut self, look: bool) -> Result<()> {
        for request in self.requests() {
            let answer: Value = serde_json::from_slice(&self.ask(&request).await?.1)?;
            if look && request.group != "counts" && answer["cards"].as_array().is_none_or(Vec::is_empty) {
                eprintln!("\n   {} finds nothing: it measures little", request.what);
            }
        }
        Ok(())
    }
}

struct Request {
    group: &'static str,
    what: &'static str,
    query: String,
}

fn requests(dice: &mut Dice, conversations: usize) -> Vec<Request> {
    let mut all = Vec::new();
    let mut ask = |group, what, query| all.push(Request { group, what, query });
    ask("counts", "counts", "/counts".to_owned());
    for view in VIEWS {
        ask("views", view, format!("?view={view}"));
    }
    for (what, query) in [
        ("all by newest", "?sort=newest"),
        ("all by waiting", "?sort=waiting"),
        ("closed by newest", "?view=closed&sort=newest"),
        ("closed by oldest", "?view=closed&sort=oldest"),
    ] {
        ask("views", what, query.to_owned());
    }
    let team = dice.pick(&TEAMS);
    ask("filters", "inbox", "?inbox=help".to_owned());
    ask("filters", "team", format!("?team={team}"));
    ask("filters", "label", "?label=vip".to_owned());
    ask("filters", "closed by team", format!("?view=closed&team={team}"));
    ask("filters", "closed by label", "?view=closed&label=vip&sort=newest".to_owned());
    ask("filters", "queue by inbox and team", format!("?view=unassigned&inbox=shop&team={team}"));
    let n = dice.below(conversations);
    let mut rare = || past::rare(dice.below(conversations / 100));
    ask("search", "a rare word", format!("?view=closed&q=zz{}", rare()));
    ask("search", "a common word", "?view=closed&q=pedido".to_owned());
    ask("search", "a common word, open", "?q=pedido".to_owned());
    ask("search", "two common words", format!("?view=closed&q=pedido+{}", WORDS[1]));
    ask("search", "a common and a rare word", format!("?view=closed&q=pedido+zz{}", rare()));
    ask("search", "the beginning of a word", "?view=closed&q=dev".to_owned());
    ask("search", "a name", format!("?view=closed&q={}", past::name(n).replace(' ', "+")));
    ask("search", "an e-mail", format!("?view=closed&q={}", past::email(n)));
    ask("search", "a phone's end", format!("?view=closed&q={}", &past::phone(n)[5..]));
    all
}
