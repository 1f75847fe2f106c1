//! README's commands as written, from an empty directory to an approved purchase on screen.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::server::cardbridge;

const README: &str = include_str!("../../../../README.md");
const SECTION: &str = "## A first approved purchase\n";
/// Longest wait for a first line.
const PATIENCE: Duration = Duration::from_secs(60);

/// The shell blocks of the section, in order.
fn blocks() -> Vec<&'static str> {
    let section = README.split(SECTION).nth(1).expect("the section is there");
    let section = section.split("\n## ").next().unwrap();
    let fenced = section.split("\n```").collect::<Vec<_>>();
    fenced.iter().filter_map(|part| part.strip_prefix("sh\n")).map(str::trim).collect()
}

/// A `cargo` for the PATH: `cargo run --release -- ARGUMENTS` starts the binary under test.
fn put_cargo(directory: &Path) {
    let cargo = directory.join("cargo");
    let binary = cardbridge().get_program().to_str().unwrap().to_owned();
    let script = format!(
        "#!/bin/sh\n[ \"$1 $2 $3\" = \"run --release --\" ] || exit 64\n\
         shift 3\nexec '{binary}' \"$@\"\n"
    );
    std::fs::write(&cargo, script).unwrap();
    std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A terminal in the directory: no options from this machine, free ports.
fn shell(directory: &Path, block: &str) -> Command {
    let mut command = Command::new("sh");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARDBRIDGE_") {
            command.env_remove(name);
        }
    }
    let path = std::env::var("PATH").unwrap();
    command
        .args(["-ec", block])
        .current_dir(directory)
        .env("PATH", format!("{}:{path}", directory.display()))
        .env("CARDBRIDGE_LISTEN", "127.0.0.1:0")
        .env("CARDBRIDGE_ADMIN_LISTEN", "127.0.0.1:0")
        .stdin(Stdio::null());
    command
}

/// A terminal with a command that keeps running. Killed when it goes out of scope.
struct Terminal(Child);

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Terminal {
    /// Starts the block and waits until its output contains `word`.
    fn start(directory: &Path, name: &str, block: &str, word: &str) -> Self {
        let output = directory.join(name);
        let file = std::fs::File::create(&output).unwrap();
        // The single command replaces the shell, so its end is the terminal's.
        let child = shell(directory, &format!("exec {block}")).stdout(file).spawn().unwrap();
        let terminal = Self(child);
        let deadline = Instant::now() + PATIENCE;
        while !std::fs::read_to_string(&output).unwrap().contains(word) {
            assert!(Instant::now() < deadline, "no {word} from {block}");
            std::thread::sleep(Duration::from_millis(50));
        }
        terminal
    }
}

#[test]
fn the_readme_reaches_an_approved_purchase() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    put_cargo(directory);
    let blocks = blocks();
    let [serve, listen, rest @ ..] = blocks.as_slice() else { panic!("{blocks:?}") };
    assert!(!rest.is_empty());
    let _serve = Terminal::start(directory, "serve.out", serve, "\"ready\"");
    let _listen = Terminal::start(directory, "listen.out", listen, "listening at");
    let output = shell(directory, &rest.join("\n")).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (shown, complaints) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{shown}\n{complaints}");
    assert!(shown.contains("\"approved\":true"), "{shown}\n{complaints}");
    let told = std::fs::read_to_string(directory.join("listen.out")).unwrap();
    assert!(told.contains("-> approved (00)"), "{told}");
}
