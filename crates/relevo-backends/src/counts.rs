//! The numbers beside the views, in one statement.

use relevo_domain::card::View;
use std::fmt::Display;

/// How many conversations each view holds of those that are `seen`, in the order of [`View::ALL`]. What is not finished is
/// read once for all views that hold some of it; each of the others is counted by itself, out of the smallest index that
/// will do, or what is finished would be read with everything that those ask.
pub(crate) fn counted<V: Display>(seen: &str, view: impl Fn(View) -> V) -> String {
    let (mut together, mut all) = (Vec::new(), Vec::new());
    for (n, of) in View::ALL.into_iter().enumerate() {
        if matches!(of, View::Mentions | View::Snoozed | View::Closed) {
            all.push(format!("(SELECT count(*) FROM conversations AS c WHERE {} AND {seen})", view(of)));
        } else {
            together.push(format!("count(*) FILTER (WHERE {}) AS n{n}", view(of)));
            all.push(format!("live.n{n}"));
        }
    }
    let live = view(View::All);
    format!(
        "SELECT {} FROM (SELECT {} FROM conversations AS c WHERE {live} AND {seen}) AS live",
        all.join(", "),
        together.join(", ")
    )
}
