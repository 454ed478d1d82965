//! What the documents say about the code, held against it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Files below a folder whose names end so; what tools put there is left out.
fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() && !["node_modules", "target", "dist", "data"].contains(&name.as_str()) {
            found.extend(files(&path, end));
        } else if name.ends_with(end) {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_operations_page_lists_every_metric_and_no_other() {
    let mut measured = BTreeSet::new();
    for file in files(&root().join("crates"), ".rs") {
        let source = fs::read_to_string(file).unwrap();
        for kind in ["counter!(", "gauge!(", "histogram!("] {
            let calls = source.split(kind).skip(1).filter_map(|call| call.trim_start().strip_prefix('"'));
            measured.extend(calls.filter_map(|name| Some(name.split_once('"')?.0.to_owned())));
        }
    }
    let page = fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.split_once(" | `relevo_")?.1.split_once('`'));
    let listed: BTreeSet<String> = rows.map(|(name, _)| format!("relevo_{name}")).collect();
    assert!(!measured.is_empty());
    assert_eq!(measured, listed);
}

#[test]
fn every_file_that_a_document_links_to_is_there() {
    let mut documents = files(&root().join("docs"), ".md");
    let pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];
    documents.extend(pages.map(|page| root().join(page)));
    let mut links = 0;
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0)) {
            let file = link.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") {
                links += 1;
                let there = document.parent().unwrap().join(file).exists();
                assert!(there, "{} links to {file}, which is not there", document.display());
            }
        }
    }
    assert!(links > 10, "{links} links");
}
