//! The `relevo` command.

mod cli;
mod commands;

use clap::Parser;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match commands::run(cli::Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A cause often repeats what its effect has said already.
            let mut line = String::new();
            for cause in error.chain().map(|cause| cause.to_string().replace('\n', " ")) {
                if !line.contains(&cause) {
                    line = if line.is_empty() { cause } else { format!("{line}: {cause}") };
                }
            }
            eprintln!("relevo: {line}");
            ExitCode::FAILURE
        }
    }
}
