//! Measures the offline Copilot on packs of inputs, through the product's own code paths.
//!
//! The packs, their gold and the scorer live elsewhere; what is written here is one prediction per
//! input line, in the scorer's format.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::copilot::Input;
use crate::extractive::labels::Labels;
use crate::extractive::replies::Replies;
use crate::knowledge::{Audience, Document, Embedded, Filter, Kind, Query, Ready};
use crate::rewrite::Style;
use crate::summary;
use crate::text::{Language, detect};
use crate::transcript::{Line, Who};

/// The tasks that can be measured.
pub const TASKS: [&str; 7] =
    ["handoff_facts", "reply_retrieval", "reply_suggest", "kb_retrieval", "intents", "rewrite_invariants", "summaries"];

/// Why a measurement stopped.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The task does not exist, or not yet.
    #[error("the task `{0}` is not available; there are: {list}", list = TASKS.join(", "))]
    NoTask(String),
    /// A file could not be read or written.
    #[error("{path}: {error}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A line is not what the task expects.
    #[error("{path}:{line}: {error}", path = path.display())]
    Line {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Why.
        error: serde_json::Error,
    },
}

/// Runs a task on `pack_dir` with what the system knows from `shared_dir` and writes predictions to
/// `out`. `progress` hears how many of how many inputs are done.
pub fn run(
    task: &str,
    pack_dir: &Path,
    shared_dir: &Path,
    out: &Path,
    mut progress: impl FnMut(usize, usize),
) -> Result<usize, EvalError> {
    let mut predict: Box<dyn FnMut(&Item) -> Value> = match task {
        "handoff_facts" => Box::new(handoff_facts),
        "summaries" => Box::new(|item| json!({"prediction": summary::offline_text(&input(&item.messages), 60)})),
        "rewrite_invariants" => Box::new(rewrite_invariants),
        "reply_retrieval" | "reply_suggest" => {
            let replies = past(shared_dir)?;
            let ranks = task == "reply_retrieval";
            Box::new(move |item| if ranks { reply_retrieval(&replies, item) } else { reply_suggest(&replies, item) })
        }
        "kb_retrieval" => {
            let collections = collections(shared_dir)?;
            Box::new(move |item| kb_retrieval(&collections, item))
        }
        "intents" => {
            let sets = examples(shared_dir)?;
            Box::new(move |item| {
                let text = item.text.as_deref().unwrap_or_default();
                let language = detect(text).unwrap_or(Language::En);
                json!({"label": sets.get(&item.set).and_then(|labels| labels.best(text, language)).unwrap_or_default()})
            })
        }
        other => return Err(EvalError::NoTask(other.to_owned())),
    };
    let file = if task == "reply_suggest" { "reply_retrieval" } else { task };
    let items: Vec<Item> = load(&pack_dir.join(format!("{file}.jsonl")))?;
    let failed = |error| EvalError::File { path: out.to_owned(), error };
    let mut written = BufWriter::new(fs::File::create(out).map_err(failed)?);
    for (done, item) in items.iter().enumerate() {
        let mut prediction = predict(item);
        prediction["id"] = json!(item.id);
        writeln!(written, "{prediction}").map_err(failed)?;
        progress(done + 1, items.len());
    }
    written.flush().map_err(failed)?;
    Ok(items.len())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Item {
    id: String,
    set: String,
    text: Option<String>,
    collection: String,
    budget_words: Option<usize>,
    draft: String,
    instruction: String,
    messages: Vec<Message>,
    context: Vec<Message>,
    candidates: Vec<Candidate>,
}

#[derive(Debug, Deserialize)]
struct Message {
    role: String,
    text: String,
}

#[derive(Debug, Deserialize)]
struct Candidate {
    id: String,
    text: String,
}

fn load<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Vec<T>, EvalError> {
    let text = fs::read_to_string(path).map_err(|error| EvalError::File { path: path.to_owned(), error })?;
    let numbered = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    numbered
        .map(|(line, json)| {
            serde_json::from_str(json).map_err(|error| EvalError::Line { path: path.to_owned(), line, error })
        })
        .collect()
}

fn lines(messages: &[Message]) -> Vec<Line> {
    let who = |role: &str| if role == "customer" { Who::Visitor } else { Who::Agent };
    (1..).zip(messages).map(|(seq, message)| Line::new(seq, who(&message.role), message.text.clone())).collect()
}

fn input(messages: &[Message]) -> Input {
    Input::new(lines(messages))
}

/// An offline summary depends on the messages alone, not on earlier summaries: bringing one up to date
/// at each increment ends with this same text.
fn handoff_facts(item: &Item) -> Value {
    json!({"prediction": summary::offline_text(&input(&item.messages), item.budget_words.unwrap_or(60))})
}

/// The draft as rules leave it; as it is where a model would be needed.
fn rewrite_invariants(item: &Item) -> Value {
    let style = match item.instruction.as_str() {
        "shorter" => Some(Style::Shorter),
        "longer" => Some(Style::Longer),
        "friendlier" => Some(Style::Friendlier),
        "more formal" => Some(Style::Formal),
        "clearer" => Some(Style::Clearer),
        "fix grammar" => Some(Style::Corrected),
        _ => None,
    };
    let input = input(&item.context);
    let rewritten = style.and_then(|style| crate::rewrite::offline(&input, &item.draft, style));
    json!({"prediction": rewritten.unwrap_or_else(|| item.draft.clone())})
}

fn past(shared_dir: &Path) -> Result<Replies, EvalError> {
    #[derive(Deserialize)]
    struct Past {
        id: String,
        messages: Vec<Message>,
    }
    let mut replies = Replies::default();
    for past in load::<Past>(&shared_dir.join("past_conversations.jsonl"))? {
        replies.learn(&past.id, &lines(&past.messages));
    }
    Ok(replies)
}

fn reply_retrieval(replies: &Replies, item: &Item) -> Value {
    let texts: Vec<&str> = item.candidates.iter().map(|candidate| candidate.text.as_str()).collect();
    let order = replies.rank(&lines(&item.context), &texts);
    json!({"ranked_ids": order.into_iter().map(|n| item.candidates[n].id.as_str()).collect::<Vec<_>>()})
}

fn reply_suggest(replies: &Replies, item: &Item) -> Value {
    let found = replies.suggest(&lines(&item.context), crate::reply::MOST, |_| true);
    json!({"suggestions": found.into_iter().map(|suggestion| suggestion.text).collect::<Vec<_>>()})
}

fn collections(shared_dir: &Path) -> Result<HashMap<String, Embedded>, EvalError> {
    #[derive(Deserialize)]
    struct Article {
        id: String,
        collection: String,
        lang: String,
        title: String,
        text: String,
    }
    let mut sources: HashMap<String, Vec<Document>> = HashMap::new();
    for article in load::<Article>(&shared_dir.join("articles.jsonl"))? {
        sources.entry(article.collection).or_default().push(Document {
            kind: Kind::Article,
            id: article.id,
            title: article.title,
            language: Language::from_tag(&article.lang),
            audience: Audience::Public,
            inboxes: BTreeSet::new(),
            text: article.text,
        });
    }
    let built = sources.into_iter().map(|(name, sources)| {
        let index = Embedded::default();
        let passages = sources.iter().flat_map(|document| document.passages(&name));
        index.put(passages.map(|passage| Ready { passage, meaning: None }).collect());
        (name, index)
    });
    Ok(built.collect())
}

fn kb_retrieval(collections: &HashMap<String, Embedded>, item: &Item) -> Value {
    let question = crate::reply::question(&input(&item.context));
    let found = collections
        .get(&item.collection)
        .map(|index| {
            index.search(&Query { question: &question, meaning: None, filter: &Filter::everything(), limit: 40 })
        })
        .unwrap_or_default();
    let mut ids: Vec<String> = Vec::new();
    for found in found {
        if !ids.contains(&found.passage.document) {
            ids.push(found.passage.document);
        }
    }
    json!({"ranked_ids": ids})
}

fn examples(shared_dir: &Path) -> Result<HashMap<String, Labels>, EvalError> {
    #[derive(Deserialize)]
    struct Example {
        text: String,
        label: String,
        set: String,
    }
    let mut sets: HashMap<String, Vec<Example>> = HashMap::new();
    for example in load::<Example>(&shared_dir.join("intent_examples.jsonl"))? {
        sets.entry(example.set.clone()).or_default().push(example);
    }
    let learnt = sets.into_iter().map(|(set, examples)| {
        let told =
            examples.iter().map(|e| (e.text.as_str(), detect(&e.text).unwrap_or(Language::En), e.label.as_str()));
        (set, Labels::of(told, []))
    });
    Ok(learnt.collect())
}
