//! What holds for the workspace as a whole. Beside this: `story/`, which Node runs in a real browser, and `faults/`,
//! the fault bars.

use serde_json::Value;
use std::process::Command;

/// The floors of `ARCHITECTURE.md`.
const FLOORS: [&[&str]; 4] = [
    &["relevo-domain"],
    &["relevo", "relevo-llm"],
    &["relevo-backends", "relevo-bots", "relevo-channels", "relevo-copilot", "relevo-inbox"],
    &["relevo-server"],
];

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|crates| crates.contains(&name))
}

fn workspace() -> Vec<Value> {
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array_mut().map(std::mem::take).unwrap()
}

#[test]
fn every_crate_of_the_product_stands_on_a_floor_and_uses_only_what_is_below() {
    let packages = workspace();
    let product = packages.iter().filter(|package| package["name"].as_str().unwrap().starts_with("relevo"));
    let product = product.filter(|package| package["manifest_path"].as_str().unwrap().contains("/crates/"));
    let mut seen = 0;
    for package in product {
        let name = package["name"].as_str().unwrap();
        let here = floor(name).unwrap_or_else(|| panic!("{name} stands on no floor: give it one in ARCHITECTURE.md"));
        seen += 1;
        for dependency in package["dependencies"].as_array().unwrap().iter().filter(|one| one["kind"].is_null()) {
            let used = dependency["name"].as_str().unwrap();
            assert!(floor(used).is_none_or(|there| there < here), "{name} uses {used}, which is not below it");
        }
    }
    assert_eq!(seen, FLOORS.iter().map(|crates| crates.len()).sum::<usize>());
}
