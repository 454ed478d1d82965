//! `cargo run --release -p relevo-copilot --example eval -- TASK PACK SHARED OUT`

use std::path::Path;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [task, pack, shared, out] = args.as_slice() else {
        eprintln!("usage: eval TASK PACK SHARED OUT");
        std::process::exit(2);
    };
    match relevo_copilot::eval::run(task, Path::new(pack), Path::new(shared), Path::new(out), |_, _| {}) {
        Ok(items) => println!("{items} predictions in {out}"),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
}
