//! Callers who open more connections than the process has file handles.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::server::{Server, cardbridge};

/// The process's file handles.
const HANDLES: &str = "256";
/// More connections than that.
const IDLE_CONNECTIONS: usize = 300;

#[test]
fn idle_connections_to_the_public_listener_leave_the_operator_served() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let binary = cardbridge();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -n \"$1\" && shift && exec \"$@\"", "sh", HANDLES]);
    command.arg(binary.get_program());
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command.arg("--data-dir").arg(&data);
    let server = Server::spawn(&mut command, &data);

    let address = |url: &str| url.strip_prefix("http://").unwrap().parse::<SocketAddr>().unwrap();
    let public = address(&server.public_url);
    // Those that find no room wait in the kernel's queue until that is full too.
    let connect = |_| TcpStream::connect_timeout(&public, Duration::from_secs(10)).ok();
    let idle: Vec<_> = (0..IDLE_CONNECTIONS).map_while(connect).collect();
    assert!(idle.len() > 64, "{}", idle.len());

    let mut connection = TcpStream::connect(address(&server.admin_url)).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(180))).unwrap();
    let request = b"GET /readyz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    connection.write_all(request).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
}
