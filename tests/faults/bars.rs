//! The bars, by their numbers.

mod bad_provider;
mod bot_kills;
mod crash_points;
mod full_disk;
mod kills;
mod lost_bus;
mod races;
mod replays;
mod send_kills;
mod simulation;
mod stalls;
mod syncs;
mod take_overs;
mod uploads;

use crate::run::{Found, Run, StoreKind};
use anyhow::Result;
use futures::future::BoxFuture;

/// A bar: what it asks, and which promise its sabotage breaks.
pub struct Bar {
    pub name: &'static str,
    pub about: &'static str,
    pub sabotage: &'static str,
    pub stores: &'static [StoreKind],
    pub run: fn(Run) -> BoxFuture<'static, Result<Found>>,
}

const BOTH: &[StoreKind] = &[StoreKind::Sqlite, StoreKind::Postgres];
const POSTGRES: &[StoreKind] = &[StoreKind::Postgres];
const SQLITE: &[StoreKind] = &[StoreKind::Sqlite];

pub const ALL: &[Bar] = &[
    Bar {
        name: "1",
        about: "kill -9 while visitors write: nothing lost, doubled or out of order",
        sabotage: "early_ack",
        stores: BOTH,
        run: |run| Box::pin(kills::bar(run)),
    },
    Bar {
        name: "2",
        about: "strace: every acknowledgement follows a sync of its commit",
        sabotage: "early_ack",
        stores: SQLITE,
        run: |run| Box::pin(syncs::bar(run)),
    },
    Bar {
        name: "3",
        about: "take-overs during bot bursts: nothing of a bot goes out after them",
        sabotage: "stale_decisions",
        stores: BOTH,
        run: |run| Box::pin(take_overs::bar(run)),
    },
    Bar {
        name: "4",
        about: "races of two and of fifty agents: exactly one winner",
        sabotage: "stale_decisions",
        stores: BOTH,
        run: |run| Box::pin(races::bar(run)),
    },
    Bar {
        name: "5",
        about: "two servers on a simulated network crash and are cut off: every screen is the log",
        sabotage: "no_dedupe",
        stores: SQLITE,
        run: |run| Box::pin(simulation::bar(run)),
    },
    Bar {
        name: "6",
        about: "everything comes five times, shuffled, in parallel: once",
        sabotage: "no_dedupe",
        stores: BOTH,
        run: |run| Box::pin(replays::bar(run)),
    },
    Bar {
        name: "7",
        about: "kill -9 between a bot's answer and its record: asked again by the same name, said once",
        sabotage: "no_dedupe",
        stores: BOTH,
        run: |run| Box::pin(bot_kills::bar(run)),
    },
    Bar {
        name: "7-send",
        about: "kill -9 between a provider's answer and its record: never sent blindly again, unknown until it says",
        sabotage: "blind_resends",
        stores: BOTH,
        run: |run| Box::pin(send_kills::bar(run)),
    },
    Bar {
        name: "8",
        about: "the disk is full: refused, never falsely acknowledged, and on it goes when there is room",
        sabotage: "early_ack",
        stores: SQLITE,
        run: |run| Box::pin(full_disk::bar(run)),
    },
    Bar {
        name: "8-provider",
        about: "a provider answers 429, 500 and 503, breaks off and falls silent: in order, nothing lost",
        sabotage: "overtaking",
        stores: BOTH,
        run: |run| Box::pin(bad_provider::bar(run)),
    },
    Bar {
        name: "bus",
        about: "NATS is away under load: nothing lost, and caught up within five seconds of its return",
        sabotage: "deaf",
        stores: POSTGRES,
        run: |run| Box::pin(lost_bus::bar(run)),
    },
    Bar {
        name: "9",
        about: "readers that do not read and requests that do not end: nobody else waits",
        sabotage: "patience",
        stores: BOTH,
        run: |run| Box::pin(stalls::bar(run)),
    },
    Bar {
        name: "12",
        about: "twenty large files at once: memory does not grow with them",
        sabotage: "whole_files",
        stores: BOTH,
        run: |run| Box::pin(uploads::bar(run)),
    },
    Bar {
        name: "crash",
        about: "the server dies at every named place: nothing lost, doubled or left undone",
        sabotage: "no_dedupe",
        stores: BOTH,
        run: |run| Box::pin(crash_points::bar(run)),
    },
];
