//! A server on a temporary cluster, and the guardian that removes it.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::command::Failure;
use crate::stage::{output, succeed};

/// The number of free ports that are tried: another program may take one first.
const START_ATTEMPTS: u32 = 3;

/// The system user that runs the server if we are root, which PostgreSQL refuses.
const SYSTEM_USER: &str = "postgres";

/// Settings that record every statement, without those that control transactions.
const RECORDING: &str = "-c shared_preload_libraries=pg_stat_statements \
    -c pg_stat_statements.max=20000 -c pg_stat_statements.track_utility=off ";

/// The length of the server's log that is shown if it does not start, in bytes.
const LOG_TAIL_BYTES: usize = 2000;

/// Waits until its input ends, which means that this program closes it or dies in any way, then
/// stops the server and removes the directory.
const GUARDIAN: &str = r#"
cat >/dev/null
cd /
if [ -f "$1/data/postmaster.pid" ]; then
    sh -c "$2" </dev/null >/dev/null 2>&1 || sh -c "$3" </dev/null >/dev/null 2>&1
fi
rm -rf "$1"
"#;

/// What a commit waits for.
#[derive(Clone, Copy)]
pub enum Disk {
    /// The disk, as in production: for measurements.
    Synced,
    /// The operating system: for tests, which end processes and never the machine.
    Unsynced,
}

/// A running server. Dropping it stops it.
pub struct Server {
    guardian: Child,
    url: String,
    binaries: PathBuf,
}

impl Server {
    /// Starts a server from the programs in `binaries`.
    pub fn start(binaries: &Path, disk: Disk) -> Result<Self, Failure> {
        let account = Account::current()?;
        let directory = fresh_directory(&account)?;
        let data = directory.join("data");
        let stop = |mode| {
            let shell = account.shell(&pg_ctl(binaries, &data, &["-m", mode, "stop"]));
            shell.join_quoted()
        };
        let guardian = Command::new("sh")
            .args(["-c", GUARDIAN, "guardian"])
            .arg(&directory)
            .args([stop("fast"), stop("immediate")])
            .stdin(Stdio::piped())
            // Its own process group, so Ctrl-C reaches us and not the guardian.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("sh cannot be run: {error}"))?;
        let mut server = Self { guardian, url: String::new(), binaries: binaries.to_owned() };
        let password = random_hex()?;
        initialise(binaries, &directory, &account, &password)?;
        let port = launch(binaries, &directory, &account, disk)?;
        server.url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
        Ok(server)
    }

    /// The server's URL, with the superuser's name and password.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The directory of the programs that it runs.
    pub fn binaries(&self) -> &Path {
        &self.binaries
    }

    /// True if it records the statements that it runs.
    pub fn records_statements(&self) -> bool {
        can_record(&self.binaries)
    }

    /// Stops the server and removes its directory.
    pub fn stop(mut self) -> Result<(), Failure> {
        self.end()
    }

    fn end(&mut self) -> Result<(), Failure> {
        drop(self.guardian.stdin.take());
        match self.guardian.wait() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("stopping PostgreSQL ended with {status}")),
            Err(error) => Err(format!("stopping PostgreSQL: {error}")),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(failure) = self.end() {
            eprintln!("{failure}");
        }
    }
}

/// A command as the account that runs the server.
pub fn as_account(words: &[&str]) -> Result<Command, Failure> {
    Ok(Account::current()?.command(words))
}

/// The program and arguments of one command.
#[derive(Clone)]
struct Words(Vec<String>);

impl Words {
    fn join_quoted(&self) -> String {
        let quoted: Vec<String> =
            self.0.iter().map(|word| format!("'{}'", word.replace('\'', r"'\''"))).collect();
        quoted.join(" ")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.0[0]);
        command.args(&self.0[1..]).current_dir("/").stdin(Stdio::null());
        command
    }
}

/// The account that runs the server.
pub(super) struct Account {
    /// User and group of [`SYSTEM_USER`] if we are root.
    system: Option<(u32, u32)>,
}

impl Account {
    pub(super) fn current() -> Result<Self, Failure> {
        if id(&["-u"])? != 0 {
            return Ok(Self { system: None });
        }
        let missing = || format!("root cannot run PostgreSQL: create the user `{SYSTEM_USER}`");
        let user = id(&["-u", SYSTEM_USER]).map_err(|_| missing())?;
        let group = id(&["-g", SYSTEM_USER]).map_err(|_| missing())?;
        Ok(Self { system: Some((user, group)) })
    }

    /// The command as this account runs it.
    fn shell(&self, words: &Words) -> Words {
        if self.system.is_none() {
            return words.clone();
        }
        let script = words.join_quoted();
        Words(["su", SYSTEM_USER, "-s", "/bin/sh", "-c", &script].map(str::to_owned).to_vec())
    }

    /// A command as this account runs it.
    pub(super) fn command(&self, words: &[&str]) -> Command {
        let words = Words(words.iter().map(|word| (*word).to_owned()).collect());
        self.shell(&words).command()
    }

    pub(super) fn own(&self, path: &Path) -> Result<(), Failure> {
        let Some((user, group)) = self.system else { return Ok(()) };
        chown(path, Some(user), Some(group)).map_err(|error| failed(path, &error))
    }
}

fn id(arguments: &[&str]) -> Result<u32, Failure> {
    let text = output(Command::new("id").args(arguments))?;
    text.trim().parse().map_err(|_| "id did not print a number".to_owned())
}

pub(super) fn fresh_directory(account: &Account) -> Result<PathBuf, Failure> {
    let directory = std::env::temp_dir().join(format!("cardbridge-postgres-{}", random_hex()?));
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&directory)
        .map_err(|error| failed(&directory, &error))?;
    account.own(&directory)?;
    Ok(directory)
}

fn initialise(
    binaries: &Path,
    directory: &Path,
    account: &Account,
    password: &str,
) -> Result<(), Failure> {
    // The directory is closed to everyone else, so the file needs no special mode.
    let password_file = directory.join("password");
    fs::write(&password_file, password).map_err(|error| failed(&password_file, &error))?;
    account.own(&password_file)?;
    let words = Words(vec![
        text(&binaries.join("initdb")),
        "--pgdata".to_owned(),
        text(&directory.join("data")),
        "--username=postgres".to_owned(),
        "--auth=scram-sha-256".to_owned(),
        "--pwfile".to_owned(),
        text(&password_file),
        "--encoding=UTF8".to_owned(),
        "--locale=C".to_owned(),
        // The server syncs its files when it starts, unless it runs unsynced.
        "--no-sync".to_owned(),
    ]);
    output(&mut account.shell(&words).command())?;
    fs::remove_file(&password_file).map_err(|error| failed(&password_file, &error))
}

/// Starts the server on a free port and returns the port.
fn launch(
    binaries: &Path,
    directory: &Path,
    account: &Account,
    disk: Disk,
) -> Result<u16, Failure> {
    let (data, log) = (directory.join("data"), directory.join("server.log"));
    let fsync = match disk {
        Disk::Synced => "on",
        Disk::Unsynced => "off",
    };
    let mut attempt = 1;
    loop {
        let port = free_port()?;
        // Measurements are not to pay for it.
        let is_recorded = matches!(disk, Disk::Unsynced) && can_record(binaries);
        let recording = if is_recorded { RECORDING } else { "" };
        let settings = format!(
            "{recording}-c listen_addresses=127.0.0.1 -c port={port} -c max_connections=200 \
             -c fsync={fsync} -c unix_socket_directories={}",
            text(directory)
        );
        let log_path = text(&log);
        let words = pg_ctl(binaries, &data, &["-l", &log_path, "-o", &settings, "start"]);
        // Without pipes: the server would keep them open as long as it runs.
        let mut start = account.shell(&words).command();
        match succeed(start.stdout(Stdio::null())) {
            Ok(()) => return Ok(port),
            Err(_) if attempt < START_ATTEMPTS => attempt += 1,
            Err(failure) => return Err(format!("{failure}\n{}", tail(&log))),
        }
    }
}

/// True if the extension that records statements is beside the programs.
fn can_record(binaries: &Path) -> bool {
    let library = Path::new("lib/pg_stat_statements.so");
    let is_there = binaries.parent().is_some_and(|it| it.join(library).is_file());
    is_there && binaries.join("psql").is_file()
}

fn pg_ctl(binaries: &Path, data: &Path, arguments: &[&str]) -> Words {
    let mut words = vec![text(&binaries.join("pg_ctl")), "-D".to_owned(), text(data)];
    words.extend(["-w", "-t", "60"].map(str::to_owned));
    words.extend(arguments.iter().map(|argument| (*argument).to_owned()));
    Words(words)
}

pub(super) fn free_port() -> Result<u16, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no port: {error}"))?;
    Ok(listener.local_addr().map_err(|error| format!("no port: {error}"))?.port())
}

fn random_hex() -> Result<String, Failure> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| failed(Path::new("/dev/urandom"), &error))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn tail(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(LOG_TAIL_BYTES)..]).into_owned()
}

pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

pub(super) fn failed(path: &Path, error: &std::io::Error) -> Failure {
    format!("{}: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::{Account, Words};

    fn words(words: &[&str]) -> Words {
        Words(words.iter().map(|word| (*word).to_owned()).collect())
    }

    #[test]
    fn quoted_words_survive_the_shell() {
        let joined = words(&["printf", "%s|", "it's", "a b", "$HOME"]).join_quoted();
        let printed = std::process::Command::new("sh").args(["-c", &joined]).output().unwrap();
        assert_eq!(String::from_utf8(printed.stdout).unwrap(), "it's|a b|$HOME|");
    }

    #[test]
    fn root_hands_the_server_to_the_system_user() {
        let plain = Account { system: None }.shell(&words(&["pg_ctl", "stop"]));
        assert_eq!(plain.0, ["pg_ctl", "stop"]);
        let root = Account { system: Some((70, 70)) }.shell(&words(&["pg_ctl", "stop"]));
        assert_eq!(root.0, ["su", "postgres", "-s", "/bin/sh", "-c", "'pg_ctl' 'stop'"]);
    }
}
