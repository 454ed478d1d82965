//! Reads a source: files, folders, pages, texts.

use super::web::{Web, address};
use super::{Origin, Problem, Reading, Source};
use relevo::clock::Clock;
use relevo_copilot::knowledge::Document;
use relevo_copilot::knowledge::read::{Format, LARGEST, documents};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The most pages of a source.
pub const MOST_PAGES: usize = 500;
/// The most files of a source.
pub const MOST_FILES: usize = 20_000;

/// The longest name of a source, in characters.
pub const LONGEST_NAME: usize = 100;

/// How many of how many places are read.
pub type Read<'a> = &'a mut (dyn FnMut(usize, usize) + Send);

/// Reads a source anew. What cannot be read is a problem of the place; its articles stay those of the reading before,
/// unless the place itself is gone from the source.
pub async fn read(source: &Source, before: &Reading, web: &Web, clock: &dyn Clock, progress: Read<'_>) -> Reading {
    let mut reading = Reading { read_at: clock.now().to_rfc3339(), ..Reading::default() };
    match &source.origin {
        Origin::Text { format, text } => {
            let mut read = documents_of(&source.id, *format, text);
            // A text without a heading is called what the source is called, not what its id happens to be.
            for document in read.iter_mut().flatten().filter(|document| document.title == source.id.replace('-', " ")) {
                document.title.clone_from(&source.name);
            }
            add(&mut reading, before, &source.id, read);
        }
        Origin::Urls(urls) => {
            for (n, url) in urls.iter().take(MOST_PAGES).enumerate() {
                progress(n, urls.len());
                let fetched = web
                    .fetch(url)
                    .await
                    .and_then(|(format, text)| documents(url, format, &text).map_err(|error| error.to_string()));
                add(&mut reading, before, url, fetched);
            }
            progress(urls.len(), urls.len());
        }
        Origin::Path(path) => match files(path) {
            Ok(files) => {
                let of = files.len();
                for (n, (path, format)) in files.into_iter().enumerate() {
                    progress(n, of);
                    let name = path.display().to_string();
                    let read =
                        file(&path).and_then(|text| documents(&name, format, &text).map_err(|error| error.to_string()));
                    add(&mut reading, before, &name, read);
                }
                progress(of, of);
            }
            Err(problem) => {
                // A disk that is away for a moment takes nothing away.
                reading.documents.clone_from(&before.documents);
                reading.problems.push(Problem { place: path.display().to_string(), problem });
            }
        },
    }
    // Of two with one id the last counts, as everywhere.
    let unique: BTreeMap<String, Document> =
        reading.documents.drain(..).map(|document| (document.id.clone(), document)).collect();
    reading.documents = unique.into_values().collect();
    reading
}

fn documents_of(id: &str, format: super::source::WrittenIn, text: &str) -> Result<Vec<Document>, String> {
    documents(id, format.into(), text).map_err(|error| error.to_string())
}

fn add(reading: &mut Reading, before: &Reading, place: &str, read: Result<Vec<Document>, String>) {
    match read {
        Ok(documents) => reading.documents.extend(documents),
        Err(problem) => {
            let of_place = |document: &&Document| {
                document.id == place || document.id.strip_prefix(place).is_some_and(|rest| rest.starts_with('#'))
            };
            reading.documents.extend(before.documents.iter().filter(of_place).cloned());
            reading.problems.push(Problem { place: place.to_owned(), problem });
        }
    }
}

fn file(path: &Path) -> Result<String, String> {
    let told = |error: std::io::Error| format!("cannot be read: {error}");
    if std::fs::metadata(path).map_err(told)?.len() > LARGEST {
        return Err(format!("is larger than {} MiB: cut it into several files", LARGEST / 1024 / 1024));
    }
    Ok(String::from_utf8_lossy(&std::fs::read(path).map_err(told)?).into_owned())
}

/// The files below a path that can be read, in order. Hidden ones and links that lead in circles are left out.
fn files(path: &Path) -> Result<Vec<(PathBuf, Format)>, String> {
    let told = |error: std::io::Error| format!("cannot be read: {error}");
    if !std::fs::metadata(path).map_err(told)?.is_dir() {
        let format = Format::of_path(&path.display().to_string());
        let format = format.ok_or("is none of .md, .txt, .html, .csv, .jsonl: these are read")?;
        return Ok(vec![(path.to_owned(), format)]);
    }
    let (mut found, mut folders) = (Vec::new(), vec![path.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(told)? {
            let entry = entry.map_err(told)?;
            let kind = entry.file_type().map_err(told)?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let path = entry.path();
            if kind.is_dir() {
                folders.push(path);
            } else if let Some(format) = Format::of_path(&path.display().to_string())
                && path.is_file()
            {
                found.push((path, format));
            }
            if found.len() > MOST_FILES {
                return Err(format!("holds more than {MOST_FILES} files: add its folders one by one"));
            }
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found)
}

/// Whether a source could be read at all, before it is kept.
pub fn check(origin: &Origin) -> Result<(), (&'static str, String)> {
    match origin {
        Origin::Urls(urls) if urls.is_empty() => Err(("urls", "is empty: name a page".into())),
        Origin::Urls(urls) if urls.len() > MOST_PAGES => {
            Err(("urls", format!("are {}; the limit is {MOST_PAGES}: make several sources", urls.len())))
        }
        Origin::Urls(urls) => {
            let wrong = urls.iter().find_map(|url| address(url).err().map(|why| format!("`{url}` {why}")));
            wrong.map_or(Ok(()), |why| Err(("urls", why)))
        }
        Origin::Text { format, text } => match documents_of("text", *format, text) {
            Ok(documents) if documents.is_empty() => Err(("text", "holds no published article".into())),
            Ok(_) => Ok(()),
            Err(why) => Err(("text", why)),
        },
        Origin::Path(path) => match files(path) {
            Ok(files) if files.is_empty() => {
                Err(("path", "holds none of .md, .txt, .html, .csv, .jsonl: these are read".into()))
            }
            Ok(_) => Ok(()),
            Err(why) => Err(("path", why)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo::clock::SystemClock;
    use relevo_copilot::knowledge::Audience;
    use std::collections::BTreeSet;

    // covers: A06
    #[tokio::test]
    async fn a_folder_is_read_and_what_breaks_keeps_what_was_known_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        put("a.md", "# A\n\nuno");
        put("q.csv", "question,answer\n¿Q?,dos\n");
        put("picture.png", "no text");
        put(".hidden.md", "no");
        let source = Source {
            id: "help".into(),
            name: "Help".into(),
            origin: Origin::Path(folder.path().to_owned()),
            published: true,
            hidden: BTreeSet::new(),
            audience: Audience::Public,
            language: None,
            inboxes: BTreeSet::new(),
        };
        let web = Web::public().unwrap();
        let mut heard = Vec::new();
        let first = read(&source, &Reading::default(), &web, &SystemClock, &mut |n, of| heard.push((n, of))).await;
        let texts = |reading: &Reading| reading.documents.iter().map(|d| d.text.trim().to_owned()).collect::<Vec<_>>();
        assert_eq!((texts(&first), first.problems.len()), (vec!["# A\n\nuno".to_owned(), "dos".to_owned()], 0));
        assert_eq!(heard, [(0, 2), (1, 2), (2, 2)]);
        put("q.csv", "pregunta,respuesta\nx,y\n");
        std::fs::remove_file(folder.path().join("a.md")).unwrap();
        let second = read(&source, &first, &web, &SystemClock, &mut |_, _| ()).await;
        assert_eq!(texts(&second), ["dos"], "the broken table stands as it was, the deleted file is gone");
        assert!(second.problems[0].place.ends_with("q.csv") && second.problems[0].problem.starts_with("line 2"));
        std::fs::remove_dir_all(folder.path()).unwrap();
        let third = read(&source, &second, &web, &SystemClock, &mut |_, _| ()).await;
        assert_eq!(
            (texts(&third), third.problems.len()),
            (texts(&second), 1),
            "a folder that is away takes nothing away"
        );
    }
}
