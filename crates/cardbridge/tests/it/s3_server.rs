//! A real S3 server process over a directory.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

pub const BUCKET: &str = "documents";
pub const ACCESS_KEY_ID: &str = "test-access-key";
pub const SECRET_ACCESS_KEY: &str = "test-secret-of-the-bucket";

/// The text in the server's log before the address that the system assigned.
const RUNNING_AT: &str = "server is running at ";

/// The server, with one empty bucket. Killed when it goes out of scope.
pub struct S3Server {
    child: Child,
    endpoint: String,
    root: TempDir,
}

impl Drop for S3Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl S3Server {
    /// Starts the program that `cargo xtask test` built and waits until it listens.
    pub fn start() -> Self {
        let program = std::env::var_os("CARDBRIDGE_TEST_S3_SERVER")
            .expect("an S3 server for tests: run `cargo xtask test`");
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let mut child = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", "0"])
            .args(["--access-key", ACCESS_KEY_ID, "--secret-key", SECRET_ACCESS_KEY])
            .arg(root.path())
            .env("RUST_LOG", "s3s_fs=info")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let printed = log.find_map(|line| {
            let (_, rest) = line.split_once(RUNNING_AT)?;
            rest.split([',', ' ']).next().map(str::to_owned)
        });
        let endpoint = printed.expect("the S3 server ended without printing its address");
        // If nobody read its log, the server would block.
        std::thread::spawn(move || log.for_each(drop));
        Self { child, endpoint, root }
    }

    pub fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// The file with the bytes of an object.
    pub fn object(&self, key: &str) -> PathBuf {
        self.root.path().join(BUCKET).join(key)
    }
}
