//! The inbox's lists over a long past: views, filters and search, and how they grow with the number of conversations.

mod past;

use crate::Plan;
use crate::dice::Dice;
use crate::figures::{Aim, Figure, ms, percentile, sorted};
use anyhow::Result;
use past::{Past, TEAMS, WORDS};
use relevo_tests::deployment::{Deployment, Storage};
use relevo_tests::people::Agent;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const AGENT: &str = "lucia@example.com";
const VIEWS: [&str; 9] = ["mine", "unassigned", "queue", "bot", "others", "all", "mentions", "snoozed", "closed"];

pub(crate) async fn run(plan: &Plan) -> Result<Vec<Figure>> {
    plan.on_each(on).await
}

async fn on(plan: &Plan, storage: &Storage) -> Result<Vec<Figure>> {
    let name = storage.name();
    let (few, many) = plan.pick((10_000, 100_000), (1_000, 10_000));
    let mut product = Deployment::new(storage, &teams())?;
    product.add_agent(AGENT)?;
    let mut past = Past::new(storage, &product.data()).await?;
    past.grow(few).await?;
    let small = measure(plan, &mut product, few).await?;
    past.grow(many).await?;
    let large = measure(plan, &mut product, many).await?;
    let mut figures = Vec::new();
    for (group, requests) in &large {
        let p95 = |requests: &Requests| ms(percentile(&requests.sorted(), 0.95));
        let slowest = requests.0.iter().max_by_key(|(_, times)| percentile(&sorted(times), 0.95));
        let slowest = slowest.map_or(String::new(), |(what, times)| {
            format!("slowest: {what}, {:.1} ms", ms(percentile(&sorted(times), 0.95)))
        });
        let what = format!("lists {name} {group} p95, {many} (floor: {few})");
        let figure = Figure::against(what, "ms", vec![p95(requests)], vec![p95(&small[group])]);
        figures.push(figure.aim(Aim::RatioAtMost(2.0)).note(slowest).told());
    }
    Ok(figures)
}

fn teams() -> String {
    let teams = TEAMS.map(|team| format!("[[teams]]\nid = \"{team}\"\nname = \"{team}\"\n")).concat();
    let inboxes = ["shop", "help"].map(|inbox| format!("[[inboxes]]\nid = \"{inbox}\"\n")).concat();
    format!("{teams}{inboxes}")
}

/// How long each request took, by what it asked.
#[derive(Default)]
struct Requests(BTreeMap<String, Vec<Duration>>);

impl Requests {
    fn sorted(&self) -> Vec<Duration> {
        sorted(&self.0.values().flatten().copied().collect::<Vec<_>>())
    }
}

async fn measure(
    plan: &Plan,
    product: &mut Deployment,
    conversations: usize,
) -> Result<BTreeMap<&'static str, Requests>> {
    product.start().await?;
    let agent = Agent::sign_in(&reqwest::Client::new(), product.address(), AGENT).await?;
    let mut dice = Dice(7);
    let mut groups: BTreeMap<&'static str, Requests> = BTreeMap::new();
    for round in 0..plan.pick(20, 5) {
        eprint!("\r   lists · {conversations} conversations · round {} ", round + 1);
        for (group, what, query) in requests(&mut dice, conversations) {
            let began = Instant::now();
            let found = agent.get(&format!("/api/conversations{query}")).await?;
            let took = began.elapsed();
            // The first of each only warms.
            if round > 0 {
                groups.entry(group).or_default().0.entry(what.clone()).or_default().push(took);
            } else if group != "counts" && found["cards"].as_array().is_none_or(Vec::is_empty) {
                eprintln!("\n   {what} finds nothing: it measures little");
            }
        }
    }
    eprintln!();
    product.kill();
    Ok(groups)
}

/// Group, name, query.
fn requests(dice: &mut Dice, conversations: usize) -> Vec<(&'static str, String, String)> {
    let mut all = vec![("counts", "counts".to_owned(), "/counts".to_owned())];
    all.extend(VIEWS.map(|view| ("views", view.to_owned(), format!("?view={view}"))));
    for (view, sort) in [("all", "newest"), ("all", "waiting"), ("closed", "newest"), ("closed", "oldest")] {
        all.push(("views", format!("{view} by {sort}"), format!("?view={view}&sort={sort}")));
    }
    let team = dice.pick(&TEAMS);
    for (what, query) in [
        ("inbox", "?inbox=help".to_owned()),
        ("team", format!("?team={team}")),
        ("label", "?label=vip".to_owned()),
        ("closed by team", format!("?view=closed&team={team}")),
        ("closed by label", "?view=closed&label=vip&sort=newest".to_owned()),
        ("queue by inbox and team", format!("?view=unassigned&inbox=shop&team={team}")),
    ] {
        all.push(("filters", what.to_owned(), query));
    }
    let n = dice.below(conversations);
    for (what, query) in [
        ("a rare word", format!("?view=closed&q=zz{}", past::rare(dice.below(conversations / 100)))),
        ("a common word", "?view=closed&q=pedido".to_owned()),
        ("a common word, open", "?q=pedido".to_owned()),
        ("two common words", format!("?view=closed&q=pedido+{}", WORDS[1])),
        (
            "a common and a rare word",
            format!("?view=closed&q=pedido+zz{}", past::rare(dice.below(conversations / 100))),
        ),
        ("the beginning of a word", "?view=closed&q=dev".to_owned()),
        ("a name", format!("?view=closed&q={}", past::name(n).replace(' ', "+"))),
        ("an e-mail", format!("?view=closed&q={}", past::email(n))),
        ("a phone's end", format!("?view=closed&q={}", &past::phone(n)[5..])),
    ] {
        all.push(("search", what.to_owned(), query));
    }
    all
}
