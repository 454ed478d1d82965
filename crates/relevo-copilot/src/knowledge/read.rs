//! Files and pages as documents: Markdown, HTML, tables of questions and answers (CSV, JSONL).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Audience, Document, Kind};
use crate::feedback::distance;
use crate::text::Language;

/// The largest file or page, in bytes.
pub const LARGEST: u64 = 8 * 1024 * 1024;
/// The most rows of a table.
pub const MOST_ROWS: usize = 50_000;

/// What a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Markdown, or plain text.
    Markdown,
    /// HTML.
    Html,
    /// Comma-separated values, with a row of names.
    Csv,
    /// A JSON object a line.
    Jsonl,
}

impl Format {
    /// By a file's ending; none for one that is not read.
    pub fn of_path(path: &str) -> Option<Self> {
        match path.rsplit('.').next()?.to_ascii_lowercase().as_str() {
            "md" | "markdown" | "txt" => Some(Self::Markdown),
            "html" | "htm" => Some(Self::Html),
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }

    /// By a media type; none for one that is not read.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        match media_type.split(';').next()?.trim().to_ascii_lowercase().as_str() {
            "text/html" | "application/xhtml+xml" => Some(Self::Html),
            "text/markdown" | "text/plain" => Some(Self::Markdown),
            "text/csv" => Some(Self::Csv),
            "application/jsonl" | "application/x-ndjson" => Some(Self::Jsonl),
            _ => None,
        }
    }
}

/// A text that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct ReadError {
    /// Where, from 1.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub problem: String,
}

impl ReadError {
    fn new(problem: impl Into<String>) -> Self {
        Self { line: None, problem: problem.into() }
    }

    fn at(line: usize, problem: impl Into<String>) -> Self {
        Self { line: Some(line), problem: problem.into() }
    }
}

/// The documents of a file or page. `id` is its path or address; what is marked unpublished is left out.
pub fn documents(id: &str, format: Format, text: &str) -> Result<Vec<Document>, ReadError> {
    match format {
        Format::Markdown => Ok(markdown(id, text)?.into_iter().collect()),
        Format::Html => Ok(vec![html(id, text)?]),
        Format::Csv => csv(id, text),
        Format::Jsonl => jsonl(id, text),
    }
}

/// An article in Markdown; none where it is unpublished or its front matter is wrong.
pub fn article(path: &str, text: &str) -> Option<Document> {
    markdown(path, text).ok().flatten()
}

/// What front matter may say of an article.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Front {
    title: Option<String>,
    language: Option<String>,
    internal: bool,
    published: Option<bool>,
    /// As several site generators say `published: false`.
    draft: bool,
    inboxes: BTreeSet<String>,
    /// What other tools read.
    #[serde(flatten)]
    others: BTreeMap<String, serde_yaml_ng::Value>,
}

/// Who may read an article hangs on these: what looks like one of them is not passed over.
const GUARDS: [&str; 4] = ["internal", "published", "inboxes", "draft"];

impl Front {
    /// A name that is probably one of ours, written otherwise.
    fn misspelt(&self) -> Option<(&str, &'static str)> {
        let alike = |name: &str| {
            let name = name.to_lowercase();
            GUARDS.into_iter().find(|guard| distance(&name, guard) <= 2)
        };
        self.others.keys().find_map(|name| Some((name.as_str(), alike(name)?)))
    }
}

/// Front matter may hold `title`, `language`, `internal: true`, `inboxes: [shop]`; `published: false` and `draft: true`
/// give none. Without a title the first heading, then the file's name, is taken. Wrong front matter is an error: it might
/// have said that the article is internal. Names that other tools read are passed over, unless they look like ours.
fn markdown(path: &str, text: &str) -> Result<Option<Document>, ReadError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let (front, body) = crate::front::split(&text);
    let front: Front = match front {
        Some(front) => serde_yaml_ng::from_str::<Option<Front>>(front.text)
            .map_err(|error| {
                let line = error.location().map_or(1, |at| at.line()) + 1;
                ReadError::at(line, format!("the front matter is not understood: {error}"))
            })?
            .unwrap_or_default(),
        None => Front::default(),
    };
    if let Some((name, guard)) = front.misspelt() {
        return Err(ReadError::new(format!("the front matter has `{name}`: write `{guard}`, or another name")));
    }
    if front.published == Some(false) || front.draft {
        return Ok(None);
    }
    let heading = || body.lines().find_map(|line| line.strip_prefix("# ")).map(|title| title.trim().to_owned());
    let name = || {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem).replace(['-', '_'], " ")
    };
    Ok(Some(Document {
        kind: Kind::Article,
        id: path.to_owned(),
        title: front.title.or_else(heading).unwrap_or_else(name),
        language: front.language.as_deref().and_then(Language::from_tag),
        audience: audience(front.internal),
        inboxes: front.inboxes,
        text: body.to_owned(),
    }))
}

fn audience(internal: bool) -> Audience {
    if internal { Audience::Internal } else { Audience::Public }
}

/// A page, as Markdown: what is not text (scripts, forms, navigation) is left out.
fn html(id: &str, text: &str) -> Result<Document, ReadError> {
    let converter = htmd::HtmlToMarkdown::builder()
        .skip_tags(vec![
            "script", "style", "noscript", "template", "svg", "iframe", "nav", "header", "footer", "form", "button",
            "select", "title", "img", "video", "audio",
        ])
        .build();
    let body =
        converter.convert(text).map_err(|error| ReadError::new(format!("the HTML is not understood: {error}")))?;
    if body.trim().is_empty() {
        return Err(ReadError::new("the page has no text: one that is made by a script cannot be read"));
    }
    let heading = || body.lines().find_map(|line| line.strip_prefix("# ")).map(|title| title.trim().to_owned());
    let title = heading().or_else(|| tagged(text, "title")).unwrap_or_else(|| id.to_owned());
    let language = attribute(text, "lang").and_then(|tag| Language::from_tag(&tag));
    Ok(Document {
        kind: Kind::Article,
        id: id.to_owned(),
        title,
        language,
        audience: Audience::Public,
        inboxes: BTreeSet::new(),
        text: body,
    })
}

/// The text between a tag's first opening and its closing, on one line.
fn tagged(html: &str, tag: &str) -> Option<String> {
    let lower = html.to_ascii_lowercase();
    let start = lower.find(&format!("<{tag}"))?;
    let start = start + lower[start..].find('>')? + 1;
    let end = start + lower[start..].find(&format!("</{tag}"))?;
    let text = htmd::convert(&html[start..end]).ok()?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|text| !text.is_empty())
}

/// An attribute of the page's `html` element.
fn attribute(html: &str, name: &str) -> Option<String> {
    let lower = html.to_ascii_lowercase();
    let start = lower.find("<html")?;
    let element = &html[start..start + lower[start..].find('>')?];
    let value = element.split_once(&format!("{name}="))?.1;
    Some(value.trim_start_matches(['"', '\'']).chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect())
}

/// A row of a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    question: String,
    answer: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    internal: Option<bool>,
    #[serde(default)]
    published: Option<bool>,
}

fn csv(path: &str, text: &str) -> Result<Vec<Document>, ReadError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // Spreadsheets in Spanish and Portuguese write semicolons.
    let head = text.lines().next().unwrap_or_default();
    let delimiter = if head.contains(';') && !head.contains(',') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes());
    let rows = reader.deserialize::<Row>().map(|row| {
        row.map_err(|error| {
            let line = error.position().map_or(1, |at| usize::try_from(at.line()).unwrap_or(usize::MAX));
            let why = match error.kind() {
                csv::ErrorKind::Deserialize { err, .. } => err.kind().to_string(),
                _ => error.to_string(),
            };
            ReadError::at(line, format!("{why}; the columns are question, answer, id, language, internal, published"))
        })
    });
    table(path, rows)
}

fn jsonl(path: &str, text: &str) -> Result<Vec<Document>, ReadError> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let rows =
        lines.map(|(line, json)| serde_json::from_str(json).map_err(|error| ReadError::at(line, error.to_string())));
    table(path, rows)
}

fn table(path: &str, rows: impl Iterator<Item = Result<Row, ReadError>>) -> Result<Vec<Document>, ReadError> {
    let mut documents = Vec::new();
    for (n, row) in rows.enumerate() {
        let row = row?;
        if n == MOST_ROWS {
            return Err(ReadError::new(format!("has more than {MOST_ROWS} rows: cut it into several files")));
        }
        if row.published == Some(false) || row.question.trim().is_empty() || row.answer.trim().is_empty() {
            continue;
        }
        // A row is known by its question, so that rows may be moved and added without touching the others.
        let hashed = || crate::hex(&Sha256::digest(row.question.trim())[..6]);
        let name = row.id.clone().filter(|id| !id.trim().is_empty()).unwrap_or_else(hashed);
        documents.push(Document {
            kind: Kind::Article,
            id: format!("{path}#{name}"),
            title: row.question.trim().to_owned(),
            language: row.language.as_deref().and_then(Language::from_tag),
            audience: audience(row.internal == Some(true)),
            inboxes: BTreeSet::new(),
            text: row.answer.trim().to_owned(),
        });
    }
    Ok(documents)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, text: &str) -> Result<Vec<Document>, ReadError> {
        documents(path, Format::of_path(path).unwrap(), text)
    }

    // covers: A06
    #[test]
    fn every_format_gives_documents_with_title_language_and_audience() {
        let md = read("a/envios.md", "---\ninternal: true\ninboxes: [shop]\nlanguage: pt-BR\n---\n# Envios\n\nTexto.")
            .unwrap();
        assert_eq!(
            (md[0].title.as_str(), md[0].audience, md[0].language),
            ("Envios", Audience::Internal, Some(Language::Pt))
        );
        assert!(md[0].inboxes.contains("shop"));
        let html = "<html lang=\"es\"><head><title>Ayuda &amp; más</title><script>var secret;</script></head>\
            <body><nav>Inicio</nav><h2>Pagos</h2><p>Aceptamos <b>tarjeta</b>.</p><style>p{}</style></body></html>";
        let page = &read("p.html", html).unwrap()[0];
        assert_eq!((page.title.as_str(), page.language), ("Ayuda & más", Some(Language::Es)));
        assert!(page.text.contains("## Pagos") && page.text.contains("Aceptamos **tarjeta**."), "{}", page.text);
        assert!(
            !page.text.contains("secret") && !page.text.contains("Inicio") && !page.text.contains("p{}"),
            "{}",
            page.text
        );
        for (path, text) in [
            (
                "q.csv",
                "question,answer,internal,published\n¿Abren?,\"Sí, a las 9\",false,\nSecreto,X,true,true\nViejo,Y,,false\n",
            ),
            (
                "q.csv",
                "question;answer;internal;published\n¿Abren?;Sí, a las 9;false;\nSecreto;X;true;true\nViejo;Y;;false\n",
            ),
            (
                "q.jsonl",
                "{\"question\":\"¿Abren?\",\"answer\":\"Sí, a las 9\"}\n\n{\"question\":\"Secreto\",\"answer\":\"X\",\"internal\":true}\n",
            ),
        ] {
            let rows = read(path, text).unwrap();
            let seen: Vec<_> = rows.iter().map(|row| (row.title.as_str(), row.text.as_str(), row.audience)).collect();
            assert_eq!(
                seen,
                [("¿Abren?", "Sí, a las 9", Audience::Public), ("Secreto", "X", Audience::Internal)],
                "{path}"
            );
        }
    }

    #[test]
    fn what_other_tools_read_in_front_matter_is_passed_over_and_a_draft_is_not_published() {
        let read = |front: &str| read("a.md", &format!("---\n{front}\n---\nText")).unwrap().len();
        assert_eq!(read("date: 2026-01-02\ntags: [a, b]\nslug: x\ndescription: y\nsidebar_position: 3"), 1);
        assert_eq!((read("draft: false"), read("draft: true"), read("published: false")), (1, 0, 0));
    }

    #[test]
    fn a_row_keeps_its_id_wherever_it_stands() {
        let one = read("q.csv", "question,answer\nA,1\nB,2\n").unwrap();
        let other = read("q.csv", "question,answer\nNew,0\nB,2\nA,1\n").unwrap();
        assert_eq!((&one[0], &one[1]), (&other[2], &other[1]));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        let wrong = |path: &str, text: &str| read(path, text).unwrap_err().to_string();
        let front = wrong("a.md", "---\ntitle: x\ninternal: [\n---\nCANARY");
        assert!(front.starts_with("line ") && front.contains("front matter"), "{front}");
        for misspelt in ["Internal: true", "interal: true", "publishd: false", "inbox: [shop]"] {
            let told = wrong("a.md", &format!("---\n{misspelt}\n---\nCANARY"));
            assert!(told.contains(misspelt.split(':').next().unwrap()) && told.contains("write `"), "{told}");
        }
        assert!(wrong("q.csv", "question,answer\nonly one\n").starts_with("line 2: "));
        assert!(wrong("q.csv", "pregunta,respuesta\na,b\n").contains("the columns are question, answer"));
        assert!(
            wrong("q.jsonl", "{\"question\":\"a\",\"answer\":\"b\"}\n{\"question\":\"a\"}")
                .starts_with("line 2: missing field")
        );
        assert!(wrong("p.html", "<html><script>app()</script></html>").contains("no text"));
    }
}
