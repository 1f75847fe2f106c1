//! A real S3 server process over a directory.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub const BUCKET: &str = "documents";
pub const ACCESS_KEY_ID: &str = "test-access-key";
pub const SECRET_ACCESS_KEY: &str = "test-secret-of-the-bucket";

const START_WAIT: Duration = Duration::from_secs(20);

/// The server, with one empty bucket. Killed when it goes out of scope.
pub struct S3Server {
    child: Child,
    port: u16,
    root: TempDir,
}

impl Drop for S3Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl S3Server {
    /// Starts the program that `cargo xtask test` built and waits until it accepts.
    pub fn start() -> Self {
        let program = std::env::var_os("CARDBRIDGE_TEST_S3_SERVER")
            .expect("an S3 server for tests: run `cargo xtask test`");
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        // The server takes no port 0; whoever takes this one meanwhile fails the test.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let child = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .args(["--access-key", ACCESS_KEY_ID, "--secret-key", SECRET_ACCESS_KEY])
            .arg(root.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { child, port, root };
        server.wait_until_it_accepts();
        server
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where the bytes of an object are.
    pub fn object(&self, key: &str) -> PathBuf {
        self.root.path().join(BUCKET).join(key)
    }

    fn wait_until_it_accepts(&mut self) {
        let deadline = Instant::now() + START_WAIT;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(self.child.try_wait().unwrap().is_none(), "the S3 server ended");
            assert!(Instant::now() < deadline, "the S3 server does not accept");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
