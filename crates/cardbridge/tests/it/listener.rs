//! A `cardbridge listen` started by a test.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::server::cardbridge;

/// Longest wait for a line or the exit.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running listener. Killed when it goes out of scope.
pub struct Listener {
    child: Child,
    lines: Receiver<String>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Listener {
    /// Starts it and waits until it plays the enterprise.
    pub fn start(data_dir: &Path, decide: &str) -> Self {
        let mut command = cardbridge();
        command.args(["listen", "--decide", decide, "--data-dir"]).arg(data_dir);
        let listener = Self::spawn(&mut command);
        listener.says("listening at ");
        listener
    }

    /// Starts a prepared command.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Waits for a line that contains `part` and returns it.
    pub fn says(&self, part: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no line with {part:?}"));
            if line.contains(part) {
                return line;
            }
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// SIGTERM, then waits for the exit.
    pub fn ended(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.says("the enterprise's settings are as they were");
        self.child.wait().unwrap()
    }
}
