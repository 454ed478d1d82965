//! Never runs npm: it only says, in one line, which command makes the pages that a release carries.

use std::path::Path;
use std::{env, fs};

fn main() {
    let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let dist = Path::new(&manifest).join("dist");
    println!("cargo::rerun-if-changed=build.rs");
    // A debug build reads the folder at run time: an empty one is enough to compile against.
    // Not watched there, so that a new page bundle does not rebuild the server.
    let _ = fs::create_dir(&dist);
    if env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    println!("cargo::rerun-if-changed=dist");
    if env::var_os("CARGO_FEATURE_HEADLESS").is_some() {
        return;
    }
    let there = |name: &str| fs::metadata(dist.join(name)).is_ok_and(|file| file.len() > 0);
    if !there("index.html") || !there("widget.js") {
        println!("cargo::error=the pages are not built: run `cargo xtask build`, or build with the feature `headless`");
    }
}
