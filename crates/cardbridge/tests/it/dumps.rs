//! The process's memory is not written to core files, and nobody else can read it.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::Command;

use crate::server::{Server, cardbridge, without_options};

/// A user without privileges.
const NOBODY: u32 = 65_534;
const KEY: &str = "d00d1e5d00d1e5d00d1e5d00d1e5d00d1e5d00d1e5d00d1e5d00d1e5d00d1e55";

/// `serve` without a limit on core files, in the directory where they would be written.
fn serve(directory: &Path, binary: &Path) -> Command {
    let mut command = without_options("sh");
    command.args(["-c", "ulimit -c unlimited; exec \"$@\"", "sh"]).arg(binary);
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command.arg("--data-dir").arg(directory.join("data"));
    command.env("CARDBRIDGE_MASTER_KEY", KEY).current_dir(directory);
    command
}

#[test]
fn an_abort_leaves_no_core_file_whatever_the_limit() {
    let directory = tempfile::tempdir().unwrap();
    let binary = cardbridge();
    let mut command = serve(directory.path(), Path::new(binary.get_program()));
    let server = Server::spawn(&mut command, &directory.path().join("data"));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let words: Vec<_> = core.split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{core}");
    server.signal("ABRT");
    let (status, _) = server.ended();
    assert!(status.signal().is_some() && !status.core_dumped(), "{status}");
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let name = file.unwrap().file_name();
        assert!(name == "data" || name == "data.log", "{name:?}");
    }
}

#[test]
fn a_process_of_the_same_user_does_not_read_its_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let own = cardbridge();
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut binary = Path::new(own.get_program()).to_owned();
    if is_root {
        // The administrator can read everything, so the server runs as another user.
        let (from, to) = (binary, directory.path().join("cardbridge"));
        std::fs::copy(from, &to).unwrap();
        std::os::unix::fs::chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        binary = to;
    }
    let as_user = |mut command: Command| {
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    };
    let data = directory.path().join("data");
    let server = Server::spawn(&mut as_user(serve(directory.path(), &binary)), &data);
    for part in ["environ", "mem", "maps"] {
        let mut reader = as_user(Command::new("head"));
        let read = reader.args(["-c", "1"]).arg(format!("/proc/{}/{part}", server.pid()));
        let read = read.output().unwrap();
        let complaint = String::from_utf8_lossy(&read.stderr);
        assert!(!read.status.success() && complaint.contains("denied"), "{part}: {complaint}");
    }
    // Facts about a process that everybody may know can still be read.
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    assert!(status.contains("VmRSS"), "{status}");
}
