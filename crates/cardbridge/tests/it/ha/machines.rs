//! Machines of a test: each is a directory and the processes that work in it.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::cluster::{account, own_directory, signal_those_there};
use crate::world::WAIT;

/// Below the ports that the system gives to connections, so that a server which comes back finds
/// its port free.
const PORTS: std::ops::Range<u16> = 10_000..30_000;
/// Waits until its input ends, which means that the test's process ends in any way, then ends what
/// works in the directory.
const GUARDIAN: &str = r#"
cat >/dev/null
cd /
for again in 1 2 3; do
    for process in /proc/[0-9]*; do
        case $(readlink "$process/cwd") in
            "$1"|"$1"/*) kill -9 "${process#/proc/}" 2>/dev/null ;;
        esac
    done
done
rm -rf "$1"
"#;

/// A group of machines, all of which end with it.
pub struct Machines {
    directory: TempDir,
    guardian: Child,
}

impl Drop for Machines {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        let _ = self.guardian.wait();
    }
}

impl Machines {
    pub fn new() -> Self {
        let directory = own_directory();
        let guardian = Command::new("sh")
            .args(["-c", GUARDIAN, "guardian"])
            .arg(directory.path())
            .stdin(Stdio::piped())
            // Its own process group, so that Ctrl-C ends the tests and not the guardian.
            .process_group(0)
            .spawn()
            .unwrap();
        Self { directory, guardian }
    }

    pub fn add(&self, name: &str) -> Machine {
        let directory = self.directory.path().canonicalize().unwrap().join(name);
        fs::create_dir(&directory).unwrap();
        give(&directory);
        Machine { directory }
    }
}

/// One machine.
pub struct Machine {
    directory: PathBuf,
}

impl Machine {
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Writes a file and returns its path.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        give(&path);
        path
    }

    /// Starts a program as the account that runs PostgreSQL; its output goes to a file.
    pub fn run(&self, command: &mut Command) {
        let log = fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        give(&self.path("log"));
        command.current_dir(&self.directory).env("HOME", &self.directory).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        if let Some((user, group)) = account() {
            command.uid(user).gid(group);
        }
        let mut child = command.spawn().unwrap();
        // Nobody else takes note of its end.
        std::thread::spawn(move || child.wait());
    }

    /// The end of the programs' output.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let from = log.lines().count().saturating_sub(40);
        log.lines().skip(from).collect::<Vec<_>>().join("\n")
    }

    /// Ends all its processes with SIGKILL.
    pub fn kill(&self) {
        self.signal_all("KILL", |_| true);
    }

    /// Stops all its processes with SIGSTOP: they keep their connections and answer nobody.
    pub fn freeze(&self) {
        self.signal_all("STOP", |state| state != 'T');
    }

    /// Lets them go on.
    pub fn resume(&self) {
        self.signal_all("CONT", |state| state == 'T');
    }

    /// Sends a signal until there is no process left that needs it: processes start others.
    fn signal_all(&self, name: &str, needs: fn(char) -> bool) {
        let began = Instant::now();
        loop {
            let processes = self.processes(needs);
            if processes.is_empty() {
                return;
            }
            assert!(began.elapsed() < WAIT, "SIG{name} does not reach {processes:?}");
            signal_those_there(name, &processes);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn processes(&self, needs: fn(char) -> bool) -> Vec<String> {
        let all = fs::read_dir("/proc").unwrap().flatten();
        let those = all.filter(|it| {
            let place = fs::read_link(it.path().join("cwd"));
            place.is_ok_and(|it| it.starts_with(&self.directory))
                && state(&it.path()).is_some_and(needs)
        });
        those.filter_map(|it| it.file_name().into_string().ok()).collect()
    }
}

/// The state letter of a process; none once it has ended.
fn state(process: &Path) -> Option<char> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    // The name, in brackets, may hold blanks.
    stat.rsplit_once(") ")?.1.chars().next().filter(|state| !"ZX".contains(*state))
}

fn give(path: &Path) {
    if let Some((user, group)) = account() {
        chown(path, Some(user), Some(group)).unwrap();
    }
}

/// A free port that stays free for a server which ends and comes back.
pub fn port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let count = PORTS.end - PORTS.start;
    let first = u16::try_from(std::process::id() * 101 % u32::from(count)).unwrap();
    for _ in PORTS {
        let tried = (first + NEXT.fetch_add(1, Ordering::Relaxed)) % count;
        if TcpListener::bind(("127.0.0.1", PORTS.start + tried)).is_ok() {
            return PORTS.start + tried;
        }
    }
    panic!("no free port");
}
