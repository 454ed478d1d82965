//! From nothing to ready, what an idle server holds, and how large the program is.

use crate::figures::{Aim, Figure, memory, ms};
use crate::floor::Floor;
use crate::{Plan, rest};
use anyhow::{Context, Result};
use relevo_tests::deployment::{Deployment, Storage, program};
use std::time::{Duration, Instant};

pub(crate) async fn run(plan: &Plan) -> Result<Vec<Figure>> {
    let (mut first, mut again, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    let (mut idle, mut idle_floor) = (Vec::new(), Vec::new());
    for round in 1..=plan.rounds {
        eprint!("\r   start · round {round} of {} ", plan.rounds);
        let began = Instant::now();
        let floor = Floor::start(&Storage::Sqlite)?;
        floors.push(ms(began.elapsed()));
        let mut product = Deployment::new(&Storage::Sqlite, "")?;
        first.push(ms(product.start().await?));
        product.kill();
        again.push(ms(product.start().await?));
        rest(Duration::from_secs(plan.pick(3, 1))).await;
        idle.push(memory(product.process().context("it runs")?)? / 1_024.0);
        idle_floor.push(memory(floor.process())? / 1_024.0);
    }
    eprintln!();
    #[expect(clippy::cast_precision_loss, reason = "a file's size")]
    let size = std::fs::metadata(program("relevo")?)?.len() as f64 / 1_000_000.0;
    Ok(vec![
        Figure::against("start to ready, no data yet", "ms", first, floors.clone()).told(),
        Figure::against("start to ready, after kill -9", "ms", again, floors).told(),
        Figure::against("start idle memory", "MiB", idle, idle_floor).aim(Aim::AtMost(200.0)).told(),
        Figure::alone("start size of the program", "MB", vec![size]).note("release profile").told(),
    ])
}
