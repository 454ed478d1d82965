//! A program that ends with this one.

use anyhow::{Context, Result};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};

/// The shell waits for two things: that the program ends, and that its own input does. The latter happens when this
/// process lets go of it, however this process ends. A program that has ended is not asked again: its number may be
/// another's by then.
const GUARD: &str = r#"
    exec 3<&0
    "$@" 3<&- </dev/null &
    program=$!
    { read -r _ <&3; kill "$program"; } 2>/dev/null &
    guard=$!
    wait "$program"
    status=$?
    kill "$guard" 2>/dev/null
    exit "$status"
"#;

/// A running program; dropped, it is asked to end and waited for.
#[derive(Debug)]
pub(crate) struct Guarded(Child);

impl Guarded {
    /// Starts a program.
    pub(crate) fn spawn(command: &Command) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut shell = Command::new("sh");
        shell.args(["-c", GUARD, "sh"]).arg(&program).args(command.get_args()).stdin(Stdio::piped());
        // Ctrl-C ends this process, and that the program: told by both it would take it for impatience.
        shell.process_group(0);
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                shell.env(name, value);
            }
        }
        if let Some(folder) = command.get_current_dir() {
            shell.current_dir(folder);
        }
        shell.spawn().map(Self).with_context(|| format!("`{program}` could not be started"))
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_program_that_is_let_go_has_ended() {
        let folder = std::env::temp_dir().join(format!("xtask-guarded-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let (up, down) = (folder.join("up"), folder.join("down"));
        let script = r#"trap 'touch "$2"; exit' TERM; touch "$1"; while :; do sleep 0.1; done"#;
        let mut program = Command::new("sh");
        program.args(["-c", script, "sh"]).arg(&up).arg(&down);
        let guarded = Guarded::spawn(&program).unwrap();
        while !up.exists() {
            std::thread::yield_now();
        }
        drop(guarded);
        assert!(down.exists(), "it was asked to end, and had by then");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn how_a_program_ended_is_known() {
        let mut program = Command::new("sh");
        program.args(["-c", "exit 7"]);
        let mut guarded = Guarded::spawn(&program).unwrap();
        let status = loop {
            if let Some(status) = guarded.ended().unwrap() {
                break status;
            }
        };
        assert_eq!(status.code(), Some(7));
    }
}
