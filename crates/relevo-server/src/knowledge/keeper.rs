//! Keeps the index as the sources are: at start, whenever their files change, and by reading them again every day. Of
//! several servers that share the files, one that changes them tells the others; without a bus between them each looks
//! whether they changed.

use super::reading::read;
use super::source::Stamp;
use super::{Origin, Problem, Reading, Shelf, ShelfError, Source, Web};
use crate::library::follow;
use relevo::bus::{Bus, Signal};
use relevo::clock::Clock;
use relevo_copilot::knowledge::{Document, IndexError, Knowledge};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The sources that nobody adds: the shortcuts, and the folder of the setting `knowledge`.
pub const BUILT_IN: [&str; 2] = ["shortcuts", "articles"];
/// How often it looks whether something is due.
const LOOK: Duration = Duration::from_mins(1);
/// How often a server that shares the files looks whether another one changed them.
const GLANCE: Duration = Duration::from_secs(2);
/// Pages are read again when this long has passed.
const DAY: Duration = Duration::from_hours(24);

/// Keeps knowledge.
pub struct Keeper {
    knowledge: Knowledge,
    shelf: Shelf,
    web: Web,
    clock: Arc<dyn Clock>,
    bus: Arc<dyn Bus>,
    /// The setting `knowledge`.
    articles: Option<PathBuf>,
    index: &'static str,
    /// This server, in what it tells the others.
    node: Uuid,
    /// The files as they were when they were last read.
    seen: Mutex<Stamp>,
    standing: Mutex<BTreeMap<String, Standing>>,
    /// What was last read from the setting's folder; it needs no file of its own.
    folder: Mutex<Reading>,
}

/// How a source stands.
#[derive(Debug, Clone, Default)]
struct Standing {
    /// How many places of how many are read, while it is being read.
    reading: Option<(usize, usize)>,
    /// Why it is not in the index as it should be.
    error: Option<String>,
    /// How many of its articles can be found.
    articles: usize,
}

/// A source as people see it.
#[derive(Debug, Clone)]
pub struct Overview {
    /// The source.
    pub source: Source,
    /// Whether it is one that nobody adds.
    pub built_in: bool,
    /// How many of its articles can be found.
    pub articles: usize,
    /// When it was read last.
    pub read_at: Option<String>,
    /// How many places of how many are read, while it is being read.
    pub reading: Option<(usize, usize)>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl Keeper {
    /// Keeps this knowledge as the sources of a data folder are. `index` names what it is kept in.
    pub fn new(
        knowledge: Knowledge,
        index: &'static str,
        shelf: Shelf,
        articles: Option<PathBuf>,
        clock: Arc<dyn Clock>,
        bus: Arc<dyn Bus>,
    ) -> anyhow::Result<Self> {
        let (standing, folder, seen, node) = (Mutex::default(), Mutex::default(), Mutex::default(), clock.id());
        Ok(Self { knowledge, shelf, web: Web::public()?, clock, bus, articles, index, node, seen, standing, folder })
    }

    /// What it keeps.
    pub fn knowledge(&self) -> &Knowledge {
        &self.knowledge
    }

    /// What it is kept in: `embedded` or `qdrant`.
    pub fn index(&self) -> &'static str {
        self.index
    }

    /// Where sources are kept.
    pub fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// Everything as the files say. Nothing is fetched.
    pub async fn load(&self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = self.shelf.stamp();
        if self.articles.is_some() {
            self.read_folder().await;
        }
        match self.shelf.list() {
            Ok((sources, problems)) => {
                for problem in problems {
                    tracing::warn!(place = problem.place, problem = problem.problem, "a source is left out");
                }
                let there: BTreeSet<String> = sources.iter().map(|source| source.id.clone()).collect();
                let gone = |id: &&String| !there.contains(*id) && !BUILT_IN.contains(&id.as_str());
                let gone: Vec<String> = self.standing().keys().filter(gone).cloned().collect();
                for id in there.iter().chain(&gone) {
                    self.as_kept(id).await;
                }
                self.bus.publish(Signal::Knowledge);
            }
            Err(error) => tracing::warn!(%error, "the sources of knowledge cannot be read"),
        }
    }

    /// Makes the index hold what the files say of one source, and tells the other servers to do the same. When it
    /// returns, what is gone is not found here any more.
    pub async fn refresh(&self, id: &str) {
        self.as_kept(id).await;
        self.bus.publish(Signal::Knowledge);
        self.bus.publish(Signal::Sources { node: self.node });
    }

    async fn as_kept(&self, id: &str) {
        let kept = self.shelf.source(id).and_then(|source| Ok((source, self.shelf.reading(id)?)));
        let there = match kept {
            Ok((Some(source), reading)) => {
                self.indexed(id, source.documents(&reading.unwrap_or_default())).await;
                true
            }
            Ok((None, _)) => {
                self.indexed(id, Vec::new()).await;
                false
            }
            Err(error) => {
                self.standing().entry(id.to_owned()).or_default().error = Some(error.to_string());
                true
            }
        };
        if !there {
            self.standing().remove(id);
        }
    }

    /// Reads a source anew and indexes it. False while it is being read already.
    pub async fn read(&self, id: &str) -> Result<bool, ShelfError> {
        let Some(source) = self.shelf.source(id)? else { return Ok(false) };
        {
            let mut standing = self.standing();
            let standing = standing.entry(id.to_owned()).or_default();
            if standing.reading.is_some() {
                return Ok(false);
            }
            standing.reading = Some((0, 0));
        }
        self.bus.publish(Signal::Knowledge);
        let read = self.read_and_keep(&source).await;
        if let Some(standing) = self.standing().get_mut(id) {
            standing.reading = None;
        }
        self.refresh(id).await;
        read.map(|()| true)
    }

    async fn read_and_keep(&self, source: &Source) -> Result<(), ShelfError> {
        let before = self.shelf.reading(&source.id)?.unwrap_or_default();
        let mut progress = |done, of| {
            if let Some(standing) = self.standing().get_mut(&source.id) {
                standing.reading = Some((done, of));
            }
        };
        let reading = read(source, &before, &self.web, self.clock.as_ref(), &mut progress).await;
        // It may have been removed while it was being read.
        if self.shelf.source(&source.id)?.is_some() { self.shelf.put_reading(&source.id, &reading) } else { Ok(()) }
    }

    /// The shortcuts, as they are now.
    pub async fn shortcuts(&self, shortcuts: Vec<Document>) {
        self.indexed("shortcuts", shortcuts).await;
    }

    async fn read_folder(&self) {
        let Some(source) = self.folder_source() else { return };
        let before = self.folder.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let reading = read(&source, &before, &self.web, self.clock.as_ref(), &mut |_, _| ()).await;
        for problem in &reading.problems {
            tracing::warn!(place = problem.place, problem = problem.problem, "an article is left as it was");
        }
        let documents = source.documents(&reading);
        *self.folder.lock().unwrap_or_else(PoisonError::into_inner) = reading;
        self.indexed(&source.id, documents).await;
    }

    async fn indexed(&self, id: &str, documents: Vec<Document>) {
        let articles = documents.len();
        let synced: Result<_, IndexError> = self.knowledge.sync(id, documents, |_, _| ()).await;
        if let Err(error) = &synced {
            tracing::warn!(source.id = id, %error, "the index is not as the source is; it is tried again");
        }
        let mut standing = self.standing();
        let standing = standing.entry(id.to_owned()).or_default();
        standing.articles = articles;
        standing.error = synced.err().map(|error| error.to_string());
    }

    /// All sources, built-in ones first.
    pub fn overview(&self) -> Result<(Vec<Overview>, Vec<Problem>), ShelfError> {
        let (sources, problems) = self.shelf.list()?;
        let folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let folder = self.folder_source().map(|source| (source, Some(folder)));
        let built_in = [(shortcuts(), None)].into_iter().chain(folder).map(|(source, reading)| (source, reading, true));
        let mut all: Vec<(Source, Option<Reading>, bool)> = built_in.collect();
        for source in sources {
            let reading = self.shelf.reading(&source.id)?;
            all.push((source, reading, false));
        }
        let standing = self.standing();
        let seen = all.into_iter().map(|(source, reading, built_in)| {
            let stands = standing.get(&source.id).cloned().unwrap_or_default();
            let mut problems = reading.as_ref().map(|reading| reading.problems.clone()).unwrap_or_default();
            problems.extend(stands.error.map(|problem| Problem { place: self.index.to_owned(), problem }));
            Overview {
                built_in,
                articles: stands.articles,
                read_at: reading.map(|reading| reading.read_at),
                reading: stands.reading,
                problems,
                source,
            }
        });
        Ok((seen.collect(), problems))
    }

    /// The articles of a source, hidden ones too; none where there is no such source.
    pub fn articles(&self, id: &str) -> Result<Option<(Source, Vec<Document>)>, ShelfError> {
        let folder = self.folder_source().filter(|source| source.id == id);
        let (source, reading) = match folder {
            Some(source) => (Some(source), self.folder.lock().unwrap_or_else(PoisonError::into_inner).clone()),
            None => (self.shelf.source(id)?, self.shelf.reading(id)?.unwrap_or_default()),
        };
        Ok(source.map(|source| {
            let documents = reading.documents.into_iter().map(|document| source.described(document)).collect();
            (source, documents)
        }))
    }

    /// An article by its id, and its source; a hidden one too.
    pub fn article(&self, id: &str) -> Result<Option<(Source, Document)>, ShelfError> {
        let folder = self.folder_source().map(|source| source.id);
        for source in folder.into_iter().chain(self.shelf.list()?.0.into_iter().map(|source| source.id)) {
            let Some((source, documents)) = self.articles(&source)? else { continue };
            if let Some(document) = documents.into_iter().find(|document| document.id == id) {
                return Ok(Some((source, document)));
            }
        }
        Ok(None)
    }

    /// Follows the files and what other servers tell, and reads pages again every day, until `stop` is cancelled.
    /// `shared`: other servers may have the same files.
    pub fn watch(self: &Arc<Self>, shared: bool, stop: &CancellationToken) {
        if shared {
            self.follow_the_others(stop);
        }
        for folder in self.articles.iter().cloned().chain([self.shelf.sources(), self.shelf.folder().join("articles")])
        {
            let this = Arc::clone(self);
            follow(&folder, stop.clone(), move || {
                let this = Arc::clone(&this);
                tokio::spawn(async move { this.load().await });
            });
        }
        let (this, stop) = (Arc::clone(self), stop.clone());
        tokio::spawn(async move {
            let mut look = tokio::time::interval(LOOK);
            while stop.run_until_cancelled(look.tick()).await.is_some() {
                if stop.run_until_cancelled(this.catch_up()).await.is_none() {
                    return;
                }
            }
        });
    }

    /// A network's folder tells nobody that it changed on another machine: the bus does, or else a glance at its files.
    fn follow_the_others(self: &Arc<Self>, stop: &CancellationToken) {
        let (this, stop) = (Arc::clone(self), stop.clone());
        let mut signals = self.bus.subscribe();
        tokio::spawn(async move {
            let mut glance = tokio::time::interval(GLANCE);
            loop {
                let changed = tokio::select! {
                    () = stop.cancelled() => return,
                    heard = signals.recv() => match heard {
                        Ok(Signal::Sources { node }) => node != this.node,
                        Ok(_) => false,
                        Err(RecvError::Lagged(_)) => true,
                        Err(RecvError::Closed) => return,
                    },
                    _ = glance.tick() => {
                        *this.seen.lock().unwrap_or_else(PoisonError::into_inner) != this.shelf.stamp()
                    }
                };
                if changed {
                    this.load().await;
                }
            }
        });
    }

    /// Reads what was never read or not for a day, and tries again what could not be indexed.
    async fn catch_up(&self) {
        let Ok((sources, _)) = self.shelf.list() else { return };
        let now = self.clock.now();
        for source in sources {
            let reading = self.shelf.reading(&source.id).ok().flatten();
            let read_at = reading.and_then(|reading| relevo::domain::time::Timestamp::parse(&reading.read_at));
            let due = read_at.is_none_or(|at| now.since(at) > DAY && !matches!(source.origin, Origin::Text { .. }));
            if due && let Err(error) = self.read(&source.id).await {
                tracing::warn!(source.id = source.id, %error, "a source cannot be read again");
            }
        }
        let failed: Vec<String> =
            self.standing().iter().filter(|(_, stands)| stands.error.is_some()).map(|(id, _)| id.clone()).collect();
        for id in failed.iter().filter(|id| !BUILT_IN.contains(&id.as_str())) {
            self.refresh(id).await;
        }
        if failed.iter().any(|id| id == "articles") {
            self.read_folder().await;
        }
    }

    fn folder_source(&self) -> Option<Source> {
        let path = self.articles.clone()?;
        Some(built_in("articles", Origin::Path(path)))
    }

    fn standing(&self) -> MutexGuard<'_, BTreeMap<String, Standing>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shortcuts() -> Source {
    built_in("shortcuts", Origin::Path(PathBuf::from("shortcuts")))
}

fn built_in(id: &str, origin: Origin) -> Source {
    Source {
        id: id.to_owned(),
        name: id.to_owned(),
        origin,
        published: true,
        hidden: BTreeSet::new(),
        audience: relevo_copilot::knowledge::Audience::Public,
        language: None,
        inboxes: BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::source::WrittenIn;
    use relevo::bus::LocalBus;
    use relevo::clock::SystemClock;
    use relevo_copilot::knowledge::Filter;

    fn keeper(folder: &std::path::Path, bus: &Arc<LocalBus>) -> Arc<Keeper> {
        let (knowledge, bus) = (Knowledge::default(), Arc::clone(bus) as Arc<dyn Bus>);
        let shelf = Shelf::open(folder).unwrap();
        Arc::new(Keeper::new(knowledge, "embedded", shelf, None, Arc::new(SystemClock), bus).unwrap())
    }

    fn source() -> Source {
        let text = "# Devoluciones\n\nTienes 30 días para devolver un pedido.".to_owned();
        let origin = Origin::Text { format: WrittenIn::Markdown, text };
        Source { published: true, ..built_in("ayuda", origin) }
    }

    async fn finds(keeper: &Keeper) -> bool {
        !keeper.knowledge().search("devolver pedido", &Filter::public(), 1).await.unwrap().is_empty()
    }

    /// One server publishes and takes back, the other follows; how long that took, in the test's own time.
    async fn followed(bus: [Arc<LocalBus>; 2]) -> Duration {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (keeper(folder.path(), &bus[0]), keeper(folder.path(), &bus[1]));
        let stop = CancellationToken::new();
        let mut heard = bus[1].subscribe();
        other.follow_the_others(&stop);
        let mut took = Duration::ZERO;
        for published in [true, false, true] {
            one.shelf.put(&Source { published, ..source() }).unwrap();
            let began = tokio::time::Instant::now();
            assert!(one.read("ayuda").await.unwrap());
            assert_eq!(finds(&one).await, published);
            while finds(&other).await != published {
                heard.recv().await.unwrap();
            }
            took = took.max(began.elapsed());
        }
        stop.cancel();
        took
    }

    // covers: A06; behaviour 13
    #[tokio::test(start_paused = true)]
    async fn what_one_server_unpublishes_another_that_shares_the_files_stops_citing_when_it_is_told() {
        let bus = Arc::<LocalBus>::default();
        assert_eq!(followed([Arc::clone(&bus), bus]).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_bus_between_them_a_server_finds_out_at_its_next_glance() {
        let took = followed([Arc::default(), Arc::default()]).await;
        assert!(took > Duration::ZERO && took <= GLANCE, "{took:?}");
    }
}
