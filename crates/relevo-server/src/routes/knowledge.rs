//! The Copilot's knowledge: sources, articles, a search to try it out.

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Json, Named, Query, SignedIn};
use crate::knowledge::{
    BUILT_IN, LONGEST_NAME, NO_WORD, Origin, Overview, Problem as Unread, ShelfError, Source, WrittenIn, check,
};
use axum::extract::State;
use axum::http::StatusCode;
use relevo::domain::command::Role;
use relevo::store::Agent;
use relevo_copilot::knowledge::{Audience, Document, Filter, Found, Kind};
use relevo_copilot::text::{Language, first_words, word_count, words};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The longest question, in characters.
const QUESTION: usize = 2_000;
/// How many words of a passage a search shows.
const SHOWN: usize = 60;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(knowledge))
        .routes(routes!(add_source))
        .routes(routes!(change_source, remove_source))
        .routes(routes!(read_source))
        .routes(routes!(source_articles, publish_article))
        .routes(routes!(article))
        .routes(routes!(search_knowledge))
}

/// The index and its sources.
#[derive(Serialize, ToSchema)]
struct KnowledgeOverview {
    /// `embedded` or `qdrant`.
    index: &'static str,
    /// How many passages can be found; none where the index does not answer.
    passages: Option<u64>,
    /// Whether the asking agent may change sources.
    may_change: bool,
    sources: Vec<SourceView>,
    /// Files of sources that cannot be understood.
    problems: Vec<Unread>,
}

/// A source.
#[derive(Serialize, ToSchema)]
struct SourceView {
    id: String,
    name: String,
    /// `shortcuts`, `path`, `urls` or `text`.
    kind: &'static str,
    /// A path or addresses.
    places: Vec<String>,
    /// Shortcuts and the folder of the settings: not to be changed here.
    built_in: bool,
    published: bool,
    internal: bool,
    language: Option<&'static str>,
    inboxes: BTreeSet<String>,
    /// How many articles can be found.
    articles: usize,
    /// When it was read last, in RFC 3339.
    read_at: Option<String>,
    /// How many places of how many are read, while it is being read.
    reading: Option<[usize; 2]>,
    problems: Vec<Unread>,
}

impl From<Overview> for SourceView {
    fn from(seen: Overview) -> Self {
        let source = seen.source;
        let shortcuts = seen.built_in && source.id == "shortcuts";
        let (kind, places) = match source.origin {
            Origin::Path(_) if shortcuts => ("shortcuts", Vec::new()),
            Origin::Path(path) => ("path", vec![path.display().to_string()]),
            Origin::Urls(urls) => ("urls", urls),
            Origin::Text { .. } => ("text", Vec::new()),
        };
        Self {
            id: source.id,
            name: source.name,
            kind,
            places,
            built_in: seen.built_in,
            published: source.published,
            internal: source.audience == Audience::Internal,
            language: source.language.map(Language::tag),
            inboxes: source.inboxes,
            articles: seen.articles,
            read_at: seen.read_at,
            reading: seen.reading.map(|(done, of)| [done, of]),
            problems: seen.problems,
        }
    }
}

/// Sources, and how each stands.
#[utoipa::path(get, path = "/api/knowledge", tag = "knowledge",
    responses((status = 200, description = "Sources", body = KnowledgeOverview)))]
async fn knowledge(State(app): State<App>, SignedIn(agent): SignedIn) -> Result<axum::Json<KnowledgeOverview>> {
    let keeper = &app.knowledge;
    let (sources, problems) = keeper.overview()?;
    let passages = keeper.knowledge().count().await.ok();
    Ok(axum::Json(KnowledgeOverview {
        index: keeper.index(),
        passages,
        may_change: may_change(&agent),
        sources: sources.into_iter().map(SourceView::from).collect(),
        problems,
    }))
}

/// A new source: pages (`urls`) or a text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSource {
    name: String,
    /// Pages of the web.
    #[serde(default)]
    urls: Vec<String>,
    /// A text of its own.
    #[serde(default)]
    text: Option<String>,
    /// What the text is written in; Markdown when left out.
    #[serde(default)]
    format: Option<WrittenIn>,
    /// For the team only.
    #[serde(default)]
    internal: bool,
    /// `es`, `pt` or `en`; found out when left out.
    #[serde(default)]
    language: Option<String>,
    /// The inboxes that it is for; empty: all.
    #[serde(default)]
    inboxes: BTreeSet<String>,
}

/// What was added.
#[derive(Serialize, ToSchema)]
struct AddedSource {
    id: String,
}

/// Adds a source and begins to read it. Paths of the server's machine are added with `relevo knowledge add`.
#[utoipa::path(post, path = "/api/knowledge/sources", tag = "knowledge", request_body = NewSource,
    responses((status = 201, description = "Its id", body = AddedSource), (status = 403, description = "not_allowed"),
        (status = 409, description = "already_added"), (status = 422, description = "invalid")))]
async fn add_source(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Json(new): Json<NewSource>,
) -> Result<(StatusCode, axum::Json<AddedSource>)> {
    allowed(&agent)?;
    let name = named(&new.name)?;
    let origin = match (new.text, new.urls) {
        (None, urls) => Origin::Urls(urls.into_iter().map(|url| url.trim().to_owned()).collect()),
        (Some(text), urls) if urls.is_empty() => {
            Origin::Text { format: new.format.unwrap_or(WrittenIn::Markdown), text }
        }
        (Some(_), _) => return Err(Problem::invalid("text", "give either `text` or `urls`")),
    };
    check(&origin).map_err(|(field, why)| Problem::invalid(field, why))?;
    let language = match new.language.as_deref() {
        None => None,
        Some(tag) => Some(crate::routes::artifacts::language(tag).ok_or_else(unknown_language)?),
    };
    let known = &app.desk.directory().inboxes;
    if let Some(unknown) = new.inboxes.iter().find(|id| !known.keys().any(|known| known.as_str() == id.as_str())) {
        return Err(Problem::invalid("inboxes", format!("there is no inbox `{unknown}`")));
    }
    if let Some(there) = app.knowledge.shelf().same(&origin)? {
        let detail = format!("this is the source `{}` already: read that one again, or take it away", there.name);
        return Err(Problem::new(StatusCode::CONFLICT, "already_added", detail)
            .with("source", there.id)
            .with("name", there.name));
    }
    let source = Source {
        id: app.knowledge.shelf().new_id(&name)?,
        name,
        origin,
        published: true,
        hidden: BTreeSet::new(),
        audience: if new.internal { Audience::Internal } else { Audience::Public },
        language,
        inboxes: new.inboxes,
    };
    app.knowledge.shelf().put(&source)?;
    begin(&app, &source.id);
    Ok((StatusCode::CREATED, axum::Json(AddedSource { id: source.id })))
}

/// Reads in the background; the agent socket says `knowledge` when something changed.
fn begin(app: &App, id: &str) {
    let (keeper, id, stop) = (Arc::clone(&app.knowledge), id.to_owned(), app.stop.clone());
    tokio::spawn(async move {
        if let Some(Err(error)) = stop.run_until_cancelled(keeper.read(&id)).await {
            tracing::warn!(source.id = id, %error, "a source cannot be read");
        }
    });
}

/// Reads a source anew.
#[utoipa::path(post, path = "/api/knowledge/sources/{id}/sync", tag = "knowledge", params(("id" = String, Path)),
    responses((status = 204, description = "It is being read"), (status = 403, description = "not_allowed"),
        (status = 404, description = "not_found")))]
async fn read_source(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<String>,
) -> Result<StatusCode> {
    allowed(&agent)?;
    source(&app, &id)?;
    begin(&app, &id);
    Ok(StatusCode::NO_CONTENT)
}

/// What may be changed of a source.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeSource {
    #[serde(default)]
    name: Option<String>,
    /// Whether its articles may be found.
    #[serde(default)]
    published: Option<bool>,
    /// For the team only.
    #[serde(default)]
    internal: Option<bool>,
}

/// Changes a source. What is unpublished is not found or cited any more when this answers.
#[utoipa::path(patch, path = "/api/knowledge/sources/{id}", tag = "knowledge", params(("id" = String, Path)),
    request_body = ChangeSource, responses((status = 204, description = "Done"), (status = 403, description = "not_allowed"),
        (status = 404, description = "not_found")))]
async fn change_source(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<String>,
    Json(change): Json<ChangeSource>,
) -> Result<StatusCode> {
    allowed(&agent)?;
    let mut source = source(&app, &id)?;
    if let Some(name) = change.name {
        source.name = named(&name)?;
    }
    source.published = change.published.unwrap_or(source.published);
    if let Some(internal) = change.internal {
        source.audience = if internal { Audience::Internal } else { Audience::Public };
    }
    app.knowledge.shelf().put(&source)?;
    app.knowledge.refresh(&id).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a source away with all its articles. They are not found or cited any more when this answers.
#[utoipa::path(delete, path = "/api/knowledge/sources/{id}", tag = "knowledge", params(("id" = String, Path)),
    responses((status = 204, description = "Gone"), (status = 403, description = "not_allowed"),
        (status = 404, description = "not_found")))]
async fn remove_source(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<String>,
) -> Result<StatusCode> {
    allowed(&agent)?;
    source(&app, &id)?;
    app.knowledge.shelf().remove(&id)?;
    app.knowledge.refresh(&id).await;
    Ok(StatusCode::NO_CONTENT)
}

/// An article of a source.
#[derive(Serialize, ToSchema)]
struct ArticleView {
    id: String,
    title: String,
    language: Option<&'static str>,
    internal: bool,
    published: bool,
    words: usize,
    /// Its content hash, as citations name it.
    version: String,
}

/// The articles of a source.
#[utoipa::path(get, path = "/api/knowledge/sources/{id}/articles", tag = "knowledge", params(("id" = String, Path)),
    responses((status = 200, description = "Articles", body = Vec<ArticleView>), (status = 404, description = "not_found")))]
async fn source_articles(
    State(app): State<App>,
    _agent: SignedIn,
    Named(id): Named<String>,
) -> Result<axum::Json<Vec<ArticleView>>> {
    let (source, documents) = app.knowledge.articles(&id)?.ok_or_else(|| Problem::not_found("source"))?;
    let view = |document: Document| ArticleView {
        title: document.title.clone(),
        language: document.language.map(Language::tag),
        internal: document.audience == Audience::Internal,
        published: source.published && !source.hidden.contains(&document.id),
        words: word_count(&document.text),
        version: document.version(),
        id: document.id,
    };
    Ok(axum::Json(documents.into_iter().map(view).collect()))
}

/// Publishes an article, or takes it back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PublishArticle {
    /// The article's id.
    article: String,
    published: bool,
}

/// Publishes an article of a source, or takes it back: it is not found or cited any more when this answers.
#[utoipa::path(patch, path = "/api/knowledge/sources/{id}/articles", tag = "knowledge", params(("id" = String, Path)),
    request_body = PublishArticle, responses((status = 204, description = "Done"), (status = 403, description = "not_allowed"),
        (status = 404, description = "not_found")))]
async fn publish_article(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Named(id): Named<String>,
    Json(publish): Json<PublishArticle>,
) -> Result<StatusCode> {
    allowed(&agent)?;
    let mut source = source(&app, &id)?;
    let reading = app.knowledge.shelf().reading(&id)?.unwrap_or_default();
    if !reading.documents.iter().any(|document| document.id == publish.article) {
        return Err(Problem::not_found("article"));
    }
    if publish.published {
        source.hidden.remove(&publish.article);
    } else {
        source.hidden.insert(publish.article);
    }
    app.knowledge.shelf().put(&source)?;
    app.knowledge.refresh(&id).await;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The article's id, as citations name it.
    id: String,
}

/// An article to be read.
#[derive(Serialize, ToSchema)]
struct ArticleText {
    id: String,
    /// The source's id and name.
    source: String,
    source_name: String,
    title: String,
    /// Its content hash now; a citation of another one is of an earlier text, which is not kept.
    version: String,
    language: Option<&'static str>,
    internal: bool,
    published: bool,
    /// Markdown. A citation's `span` counts its bytes.
    text: String,
}

/// An article as it stands. One that is not published is there for supervisors and admins only.
#[utoipa::path(get, path = "/api/knowledge/article", tag = "knowledge", params(Wanted),
    responses((status = 200, description = "Its text", body = ArticleText), (status = 404, description = "not_found")))]
async fn article(
    State(app): State<App>,
    SignedIn(agent): SignedIn,
    Query(Wanted { id }): Query<Wanted>,
) -> Result<axum::Json<ArticleText>> {
    let (source, document) = app.knowledge.article(&id)?.ok_or_else(|| Problem::not_found("article"))?;
    let published = source.published && !source.hidden.contains(&document.id);
    if !published && !may_change(&agent) {
        return Err(Problem::not_found("article"));
    }
    Ok(axum::Json(ArticleText {
        version: document.version(),
        source: source.id,
        source_name: source.name,
        title: document.title,
        language: document.language.map(Language::tag),
        internal: document.audience == Audience::Internal,
        published,
        text: document.text,
        id: document.id,
    }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The question, in any language.
    q: String,
    /// Only articles in `es`, `pt` or `en`.
    language: Option<String>,
    /// As in a conversation of this inbox.
    inbox: Option<String>,
    /// Only what customers may read.
    public: Option<bool>,
    /// The most results, at most 50; 10 when left out.
    limit: Option<usize>,
}

/// A passage found.
#[derive(Serialize, ToSchema)]
struct FoundView {
    source: String,
    /// `article` or `shortcut`.
    kind: &'static str,
    /// The article's id.
    id: String,
    title: String,
    version: String,
    /// First and last byte in the article.
    span: [usize; 2],
    language: &'static str,
    internal: bool,
    /// Its first words.
    text: String,
    /// 0..=1: how well it fits.
    likeness: f32,
}

impl From<Found> for FoundView {
    fn from(Found { passage, likeness, .. }: Found) -> Self {
        Self {
            kind: match passage.kind {
                Kind::Article => "article",
                Kind::Shortcut => "shortcut",
            },
            id: passage.document,
            source: passage.source,
            title: passage.title,
            version: passage.version,
            span: [passage.span.start, passage.span.end],
            language: passage.language.tag(),
            internal: passage.audience == Audience::Internal,
            text: first_words(&passage.text, SHOWN).to_owned(),
            likeness,
        }
    }
}

/// What the Copilot would find for a question.
#[utoipa::path(get, path = "/api/knowledge/search", tag = "knowledge", params(Asked),
    responses((status = 200, description = "Passages, best first", body = Vec<FoundView>),
        (status = 422, description = "invalid"), (status = 503, description = "index_unavailable")))]
async fn search_knowledge(
    State(app): State<App>,
    _agent: SignedIn,
    Query(asked): Query<Asked>,
) -> Result<axum::Json<Vec<FoundView>>> {
    let length = asked.q.chars().count();
    if length > QUESTION {
        return Err(
            Problem::invalid("q", format!("has {length} characters; the limit is {QUESTION}")).with("limit", QUESTION)
        );
    }
    if words(&asked.q).is_empty() {
        return Err(Problem::invalid("q", NO_WORD));
    }
    let language = match asked.language.as_deref() {
        None => None,
        Some(tag) => Some(crate::routes::artifacts::language(tag).ok_or_else(unknown_language)?),
    };
    let filter = Filter { internal: asked.public != Some(true), inbox: asked.inbox, language, shortcuts: None };
    let limit = asked.limit.unwrap_or(10).clamp(1, 50);
    let found = app.knowledge.knowledge().search(&asked.q, &filter, limit).await.map_err(|error| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "index_unavailable", format!("{error}; try again soon"))
    })?;
    Ok(axum::Json(found.into_iter().map(FoundView::from).collect()))
}

fn may_change(agent: &Agent) -> bool {
    matches!(agent.role, Role::Supervisor | Role::Admin)
}

fn allowed(agent: &Agent) -> Result<()> {
    if may_change(agent) {
        return Ok(());
    }
    let detail = "supervisors and admins change what the Copilot knows: ask one of them";
    Err(Problem::new(StatusCode::FORBIDDEN, "not_allowed", detail))
}

/// A source that can be changed.
fn source(app: &App, id: &str) -> Result<Source> {
    if BUILT_IN.contains(&id) {
        let detail = "this source belongs to the settings: change its files";
        return Err(Problem::new(StatusCode::CONFLICT, "built_in", detail));
    }
    app.knowledge.shelf().source(id)?.ok_or_else(|| Problem::not_found("source"))
}

fn named(name: &str) -> Result<String> {
    let name = name.trim();
    let length = name.chars().count();
    if length == 0 {
        return Err(Problem::invalid("name", "is empty: say what it is about"));
    }
    if length > LONGEST_NAME {
        return Err(Problem::invalid("name", format!("has {length} characters; the limit is {LONGEST_NAME}"))
            .with("limit", LONGEST_NAME));
    }
    Ok(name.to_owned())
}

fn unknown_language() -> Problem {
    Problem::invalid("language", "is `es`, `pt` or `en`")
}

impl From<ShelfError> for Problem {
    fn from(error: ShelfError) -> Self {
        Self::internal(&error)
    }
}
