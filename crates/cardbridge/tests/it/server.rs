//! A `cardbridge serve` started by a test.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use reqwest::{Client, redirect};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_cardbridge");
const EXIT_WAIT: Duration = Duration::from_secs(180);

/// A plain client that uses no proxy and follows no redirects.
pub fn http() -> Client {
    crypto::install_tls_provider();
    let builder = Client::builder().no_proxy().redirect(redirect::Policy::none());
    builder.tls_certs_only([]).build().unwrap()
}

/// The binary without options from this machine's environment. Nothing spreads requests here, so it
/// stops without a drain unless a flag asks for one.
pub fn cardbridge() -> Command {
    let mut command = without_options(BINARY);
    command.env("CARDBRIDGE_DRAIN", "0");
    command
}

/// Any program, without options of the binary from this machine's environment.
pub fn without_options(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARDBRIDGE_") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command that must exit; returns exit code, stdout and stderr.
pub fn run(command: &mut Command) -> (Option<i32>, String, String) {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdout = read_beside(child.stdout.take().unwrap());
    let stderr = read_beside(child.stderr.take().unwrap());
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > EXIT_WAIT {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("it did not end: {}", stderr.join().unwrap());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    (status.code(), stdout.join().unwrap(), stderr.join().unwrap())
}

fn read_beside(mut output: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut text = String::new();
        output.read_to_string(&mut text).unwrap();
        text
    })
}

/// A running server on free ports. Killed when it goes out of scope.
pub struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub public_url: String,
    pub admin_url: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Server {
    /// Starts `serve` over a data directory and waits for the ready line.
    pub fn start(data_dir: &Path, options: &[&str]) -> Self {
        Self::start_among(data_dir, options, &[])
    }

    /// As [`Server::start`], with environment variables.
    pub fn start_among(data_dir: &Path, options: &[&str], variables: &[(String, String)]) -> Self {
        let mut command = cardbridge();
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
        command.arg("--data-dir").arg(data_dir).args(options);
        Self::spawn(&mut command, data_dir)
    }

    /// The same in a process with this many file handles.
    pub fn start_with_handles(data_dir: &Path, options: &[&str], handles: u32) -> Self {
        let mut command = without_options("sh");
        command.args(["-c", "ulimit -n \"$1\" && shift && exec \"$@\"", "sh"]);
        command.arg(handles.to_string()).arg(BINARY);
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
        command.arg("--data-dir").arg(data_dir).args(options);
        Self::spawn(&mut command, data_dir)
    }

    /// Starts a prepared command; the log is collected beside the data directory.
    pub fn spawn(command: &mut Command, data_dir: &Path) -> Self {
        let log = data_dir.with_extension("log");
        let stderr = File::options().create(true).append(true).open(&log).unwrap();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("no ready line but {line:?}; log: {}", std::fs::read_to_string(&log).unwrap())
        });
        assert_eq!(ready["event"], "ready");
        let text = |key: &str| ready[key].as_str().unwrap().to_owned();
        let (public_url, admin_url) = (text("public_url"), text("admin_url"));
        Self { child, stdout, public_url, admin_url }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The process id.
    pub fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// Sends a signal, by its name without SIG.
    pub fn signal(&self, name: &str) {
        // The shell's built-in `kill`, since not every system has a program of that name.
        let mut shell = Command::new("sh");
        shell.args(["-c", "kill \"-$1\" \"$2\"", "sh", name, &self.pid()]);
        assert!(shell.status().unwrap().success());
    }

    /// SIGTERM, without waiting.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Waits for the exit; returns the exit status and the output on stdout after the ready line.
    pub fn ended(mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + EXIT_WAIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "the server does not end");
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (status, rest)
    }
}

/// `sandbox.json` of a data directory.
pub fn sandbox_json(data_dir: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(data_dir.join("sandbox.json")).unwrap()).unwrap()
}
