//! `relevo prompts render`: what would be sent to a model, and what it would cost.

use crate::cli::Settings;
use anyhow::{Context, Result, anyhow, bail};
use relevo_copilot::rewrite::Style;
use relevo_copilot::text::Language;
use relevo_copilot::transcript::Line;
use relevo_copilot::worker::RequestError;
use relevo_copilot::{Handoff, Input, Task};
use relevo_llm::Usage;
use relevo_server::compose;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// What is asked for.
pub(super) struct Asked {
    pub(super) task: String,
    pub(super) language: Option<String>,
    pub(super) draft: Option<String>,
    pub(super) style: Option<String>,
    pub(super) question: Option<String>,
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversation {
    lines: Vec<Line>,
    #[serde(default)]
    inbox: Option<String>,
    #[serde(default)]
    captured: BTreeMap<String, String>,
    #[serde(default)]
    handoff: Option<HandedOver>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HandedOver {
    reason: String,
    detail: Option<String>,
    note: Option<String>,
}

pub(super) async fn render(settings: &Settings, file: &Path, asked: Asked) -> Result<()> {
    let config = settings.load()?;
    let copilot = compose::copilot_to_look_at(&config).await?;
    let mut input = read(file)?;
    let named = asked.language.as_deref().or(config.copilot.language.as_deref());
    let language =
        named.map(|tag| Language::from_tag(tag).with_context(|| format!("--language: `{tag}` is not es, pt or en")));
    let language = language.transpose()?;
    input.agent_language = language.unwrap_or_default();
    if let (Some(language), Some(_)) = (language, &asked.language) {
        input.customer_language = language;
    }
    let shortcuts = compose::shortcuts_to_look_at(&config, input.captured.clone(), input.customer_language)?;
    input.shortcuts = Some(shortcuts);
    let task = task(asked)?;
    if !task.can_read(&input) {
        bail!("--conversation: {}: {}", file.display(), RequestError::Empty);
    }
    let preview = copilot.preview(&task, &input).await?;
    let request = &preview.request;
    println!("--- system\n{}", request.system);
    for turn in &request.turns {
        println!("\n--- user\n{}", turn.text);
    }
    let bound = if preview.exact { "" } else { " at most" };
    println!("\n--- cost\nprompt {}, {} tokens{bound}", preview.prompt_version, preview.tokens);
    let models = &config.copilot.models;
    if models.is_empty() {
        println!("no model is set: nothing would be sent");
    }
    for model in models {
        let usage =
            Usage { prompt: preview.tokens, completion: u64::from(request.max_tokens.unwrap_or(0)), estimated: true };
        // The first is asked for the task's own model, or the prompt's; those that stand in for it are asked as they are.
        let own = config.copilot.task_models.get(&request.task).or(request.model.as_ref());
        let model = own.filter(|_| std::ptr::eq(model, &raw const models[0])).unwrap_or(model);
        match copilot.settings().prices.cost(model, usage) {
            Some(cost) => {
                let (units, rest) = (cost.micros / 1_000_000, cost.micros % 1_000_000);
                println!("{model}: {units}.{rest:06} {} with an answer of {} tokens", cost.currency, usage.completion);
            }
            None => println!("{model}: no price is set (copilot.prices.{model})"),
        }
    }
    Ok(())
}

fn read(file: &Path) -> Result<Input> {
    let text = std::fs::read_to_string(file).with_context(|| format!("--conversation: {}", file.display()))?;
    let conversation: Conversation =
        serde_json::from_str(&text).map_err(|error| anyhow!("--conversation: {}: {error}", file.display()))?;
    let mut input = Input::new(conversation.lines);
    input.inbox = conversation.inbox;
    input.captured = conversation.captured;
    input.handoff = conversation.handoff.map(|it| Handoff { reason: it.reason, detail: it.detail, note: it.note });
    "a-nonce-of-32-random-digits-here".clone_into(&mut input.nonce);
    Ok(input)
}

fn task(asked: Asked) -> Result<Task> {
    let (rewrites, asks) = (asked.task == "rewrite", asked.task == "ask");
    let given = [
        ("draft", asked.draft.is_some() && !rewrites),
        ("style", asked.style.is_some() && !rewrites),
        ("question", asked.question.is_some() && !asks),
    ];
    let known = ["summary", "reply", "rewrite", "ask"].contains(&asked.task.as_str());
    if let Some((option, _)) = given.iter().find(|(_, wrong)| *wrong && known) {
        bail!("--{option}: means nothing for `{}`: leave it out", asked.task);
    }
    match asked.task.as_str() {
        "summary" => Ok(Task::Summary),
        "reply" => Ok(Task::Reply),
        "rewrite" => {
            let style = asked.style.context("--style is missing")?;
            let style: Style = serde_json::from_value(style.clone().into()).map_err(|_| {
                anyhow!(
                    "--style: `{style}` is not clearer, shorter, longer, friendlier, formal, corrected or translated"
                )
            })?;
            Ok(Task::Rewrite { draft: asked.draft.context("--draft is missing")?, style })
        }
        "ask" => Ok(Task::Ask { question: asked.question.context("--question is missing")? }),
        other => bail!("there is no task `{other}`: there are summary, reply, rewrite and ask"),
    }
}
