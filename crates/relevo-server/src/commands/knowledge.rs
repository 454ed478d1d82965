//! `relevo knowledge`: it reads sources and keeps them in the data folder, which a running server follows.

use crate::cli::KnowledgeCommand;
use anyhow::{Context, Result, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use relevo::clock::SystemClock;
use relevo_copilot::knowledge::{Audience, Filter};
use relevo_copilot::text::{Language, first_words, words};
use relevo_server::compose;
use relevo_server::config::Config;
use relevo_server::knowledge::{LONGEST_NAME, NO_WORD, Origin, Problem, Reading, Shelf, Source, Web, check, read};
use std::collections::BTreeSet;
use std::path::Path;

/// How many words of a passage a search shows.
const SHOWN: usize = 25;

pub(crate) async fn run(command: KnowledgeCommand) -> Result<()> {
    match command {
        KnowledgeCommand::Add { settings, places, name, internal, language, inboxes } => {
            let config = Config::load(settings.config.as_deref())?;
            let origin = origin(&places)?;
            check(&origin).map_err(|(_, why)| anyhow!("{}: {why}", places.join(" ")))?;
            let language = language.map(|tag| Language::from_tag(&tag).context("--language: is es, pt or en"));
            let unknown =
                inboxes.iter().find(|id| !config.inboxes.iter().any(|known| known.id.as_str() == id.as_str()));
            // Without any inbox in the settings there is one called `shop`.
            if let Some(unknown) = unknown.filter(|id| !(config.inboxes.is_empty() && id.as_str() == "shop")) {
                bail!("--inbox: there is no inbox `{unknown}`: add it to [[inboxes]]");
            }
            let name = name.unwrap_or_else(|| short(&places[0])).trim().to_owned();
            if !(1..=LONGEST_NAME).contains(&name.chars().count()) {
                bail!("--name: needs 1 to {LONGEST_NAME} characters");
            }
            let shelf = Shelf::open(&config.data)?;
            if let Some(there) = shelf.same(&origin)? {
                let (place, id) = (places.join(" "), there.id);
                bail!(
                    "{place} is the source `{id}` already: `relevo knowledge sync {id}` reads it again, `remove` takes it away"
                );
            }
            let source = Source {
                id: shelf.new_id(&name)?,
                name,
                origin,
                published: true,
                hidden: BTreeSet::new(),
                audience: if internal { Audience::Internal } else { Audience::Public },
                language: language.transpose()?,
                inboxes: inboxes.into_iter().collect(),
            };
            add(&shelf, &source).await
        }
        KnowledgeCommand::Sync { settings, ids } => {
            let config = Config::load(settings.config.as_deref())?;
            sync(&Shelf::open(&config.data)?, &ids).await
        }
        KnowledgeCommand::List { settings } => list(&Config::load(settings.config.as_deref())?),
        KnowledgeCommand::Remove { settings, id } => {
            let config = Config::load(settings.config.as_deref())?;
            let shelf = Shelf::open(&config.data)?;
            if !shelf.remove(&id)? {
                bail!("there is no source `{id}`: `relevo knowledge list` tells all");
            }
            if config.copilot.qdrant.is_some() {
                // Whether a server runs or not, nobody finds it any more.
                compose::knowledge(&config, None)?.sync(&id, [], |_, _| ()).await?;
            }
            println!("{id} is gone");
            Ok(())
        }
        KnowledgeCommand::Search { settings, question, limit, public } => {
            let config = Config::load(settings.config.as_deref())?;
            let filter = Filter { internal: !public, ..Filter::default() };
            search(&config, &question.join(" "), &filter, limit).await
        }
    }
}

fn origin(places: &[String]) -> Result<Origin> {
    let is_url = |place: &String| place.contains("://");
    if places.iter().all(is_url) {
        return Ok(Origin::Urls(places.to_vec()));
    }
    let [path] = places else { bail!("name one path, or only addresses: several paths are several sources") };
    // The server may run in another folder.
    let path = std::fs::canonicalize(path).with_context(|| format!("{path} cannot be read"))?;
    Ok(Origin::Path(path))
}

fn short(place: &str) -> String {
    let place = place.trim_end_matches('/');
    let name = if place.contains("://") { place.split("://").nth(1) } else { place.rsplit('/').next() };
    name.filter(|name| !matches!(*name, "" | "." | "..")).unwrap_or("articles").chars().take(100).collect()
}

async fn add(shelf: &Shelf, source: &Source) -> Result<()> {
    let reading = progress(source, &Reading::default()).await?;
    if reading.documents.is_empty() {
        let why = reading.problems.first().map(|problem| format!("{}: {}", problem.place, problem.problem));
        bail!("nothing was added: {}", why.unwrap_or_else(|| "there is no published article in it".to_owned()));
    }
    // The articles come first: a server that sees the source finds them there and need not read it once more.
    shelf.put_reading(&source.id, &reading)?;
    shelf.put(source)?;
    println!("{}: {} articles", source.id, reading.documents.len());
    told(&reading.problems)
}

async fn sync(shelf: &Shelf, ids: &[String]) -> Result<()> {
    let (sources, mut problems) = shelf.list()?;
    if let Some(unknown) = ids.iter().find(|id| !sources.iter().any(|source| source.id == **id)) {
        bail!("there is no source `{unknown}`: `relevo knowledge list` tells all");
    }
    for source in sources.iter().filter(|source| ids.is_empty() || ids.contains(&source.id)) {
        let before = shelf.reading(&source.id)?.unwrap_or_default();
        let reading = progress(source, &before).await?;
        let known = |document| before.documents.contains(document);
        let changed = reading.documents.iter().filter(|document| !known(document)).count();
        shelf.put_reading(&source.id, &reading)?;
        println!("{}: {} articles, {changed} of them new or changed", source.id, reading.documents.len());
        problems.extend(reading.problems);
    }
    told(&problems)
}

async fn progress(source: &Source, before: &Reading) -> Result<Reading> {
    let bar = ProgressBar::new(0).with_message(source.name.clone());
    let look = "{msg} {wide_bar} {pos}/{len}";
    bar.set_style(ProgressStyle::with_template(look).unwrap_or_else(|_| ProgressStyle::default_bar()));
    let web = Web::public()?;
    let mut progress = |done: usize, of: usize| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    };
    let reading = read(source, before, &web, &SystemClock, &mut progress).await;
    bar.finish_and_clear();
    Ok(reading)
}

fn told(problems: &[Problem]) -> Result<()> {
    for problem in problems {
        println!("{}: {}", problem.place, problem.problem);
    }
    if problems.is_empty() {
        Ok(())
    } else {
        bail!("{} places could not be read; they stay as they were", problems.len())
    }
}

fn list(config: &Config) -> Result<()> {
    let shelf = Shelf::open(&config.data)?;
    let (sources, problems) = shelf.list()?;
    for source in &sources {
        let reading = shelf.reading(&source.id)?;
        let read = reading.as_ref().map_or("never read".to_owned(), |reading| {
            format!(
                "{} articles, read {}, {} problems",
                reading.documents.len(),
                reading.read_at,
                reading.problems.len()
            )
        });
        let place = match &source.origin {
            Origin::Path(path) => path.display().to_string(),
            Origin::Urls(urls) => match urls.as_slice() {
                [only] => only.clone(),
                several => format!("{} and {} more", several.first().map_or("", String::as_str), several.len() - 1),
            },
            Origin::Text { .. } => "a text".to_owned(),
        };
        let state = if source.published { "" } else { " (not published)" };
        println!("{}{state}\t{place}\t{read}", source.id);
    }
    if let Some(folder) = &config.knowledge {
        println!("articles\t{}\tof the settings", folder.display());
    }
    if sources.is_empty() && config.knowledge.is_none() {
        println!("no source yet: `relevo knowledge add PLACE` adds one");
    }
    told(&problems)
}

async fn search(config: &Config, question: &str, filter: &Filter, limit: usize) -> Result<()> {
    if words(question).is_empty() {
        bail!("QUESTION: {NO_WORD}");
    }
    let knowledge = compose::knowledge(config, None)?;
    if config.copilot.qdrant.is_none() {
        let shelf = Shelf::open(&config.data)?;
        let bar = ProgressBar::new_spinner().with_message("reading the articles");
        for source in shelf.list()?.0 {
            let reading = shelf.reading(&source.id)?.unwrap_or_default();
            knowledge.sync(&source.id, source.documents(&reading), |_, _| bar.tick()).await?;
        }
        if let Some(folder) = &config.knowledge {
            knowledge.sync("articles", folder_articles(folder).await?, |_, _| bar.tick()).await?;
        }
        bar.finish_and_clear();
    }
    let found = knowledge.search(question, filter, limit).await?;
    for found in &found {
        let passage = &found.passage;
        let internal = if passage.audience == Audience::Internal { " (internal)" } else { "" };
        println!("{:.2}\t{}{internal}\t{}", found.likeness, passage.title, passage.document);
        println!("\t{}", first_words(&passage.text, SHOWN).replace('\n', " "));
    }
    if found.is_empty() {
        println!("nothing is found");
    }
    Ok(())
}

async fn folder_articles(folder: &Path) -> Result<Vec<relevo_copilot::knowledge::Document>> {
    let source = Source {
        id: "articles".into(),
        name: "articles".into(),
        origin: Origin::Path(folder.to_owned()),
        published: true,
        hidden: BTreeSet::new(),
        audience: Audience::Public,
        language: None,
        inboxes: BTreeSet::new(),
    };
    Ok(progress(&source, &Reading::default()).await?.documents)
}
