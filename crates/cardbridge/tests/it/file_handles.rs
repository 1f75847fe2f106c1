//! Callers that take more connections than the process has file handles, and enterprises that never
//! answer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use sim::Behaviour;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::engine::Engine;
use crate::iso_peer::{Peer, accepted, management};
use crate::server::{Server, http, run, without_options};
use crate::world::{World, purchase};

/// Number of the process's file handles.
const HANDLES: u32 = 256;
/// More connections than file handles.
const IDLE_CONNECTIONS: usize = 300;
/// Longest wait for a connection or an answer, far below the idle timeout of connections.
const WAIT: Duration = Duration::from_secs(20);

/// A connection from one of this machine's loopback addresses, 127.0.0.`last`.
async fn connect(to: SocketAddr, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let own = IpAddr::from(Ipv4Addr::new(127, 0, 0, last));
    socket.bind(SocketAddr::new(own, 0)).unwrap();
    timeout(WAIT, socket.connect(to)).await.expect("a connection in time").unwrap()
}

async fn assert_served(to: SocketAddr, request_line: &str) {
    let mut stream = connect(to, 2).await;
    let head = "Host: test\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    stream.write_all(format!("{request_line} HTTP/1.1\r\n{head}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(WAIT, stream.read_to_string(&mut answer)).await.expect("an answer in time").unwrap();
    assert!(answer.starts_with("HTTP/1.1 ") && !answer.starts_with("HTTP/1.1 5"), "{answer:?}");
}

#[tokio::test]
async fn idle_connections_of_one_address_leave_both_listeners_to_everybody_else() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_with_handles(&directory.path().join("data"), &[], HANDLES);
    let address = |url: &str| url.strip_prefix("http://").unwrap().parse::<SocketAddr>().unwrap();
    let (public, admin) = (address(&server.public_url), address(&server.admin_url));
    let mut idle = Vec::new();
    for listener in [public, admin] {
        for _ in 0..IDLE_CONNECTIONS {
            idle.push(connect(listener, 1).await);
        }
    }
    assert_served(public, "GET /openapi.json").await;
    assert_served(public, "POST /getAccessToken").await;
    assert_served(admin, "GET /readyz").await;
}

/// A link with this many connections.
fn link(directory: &Path, max_connections: usize) -> String {
    let file = directory.join("cardbridge.toml");
    let keys = "name = 'a'\nlisten = '127.0.0.1:0'\nsign-on = 'none'";
    let text = format!("[[links]]\n{keys}\nmax-connections = {max_connections}\n");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn connections_of_links_have_their_own_share() {
    const OF_LINK: usize = 100;
    let directory = tempfile::tempdir().unwrap();
    let options = ["--config", &link(directory.path(), OF_LINK)];
    let data = directory.path().join("data");
    let server = Server::start_with_handles(&data, &options, HANDLES);
    let address = |url: &str| url.strip_prefix("http://").unwrap().parse::<SocketAddr>().unwrap();
    let (public, admin) = (address(&server.public_url), address(&server.admin_url));
    let sandbox = crate::server::sandbox_json(&data);
    let of_link = sandbox["links"]["a"].as_str().unwrap();
    let mut peers = Vec::new();
    for _ in 0..OF_LINK {
        peers.push(Peer::connect(of_link).await);
    }
    let mut idle = Vec::new();
    for listener in [public, admin] {
        for _ in 0..IDLE_CONNECTIONS {
            idle.push(connect(listener, 1).await);
        }
    }
    assert_served(admin, "GET /readyz").await;
    for peer in &mut peers {
        assert_eq!(peer.outcome(&management("301")).await, accepted());
    }
}

#[test]
fn links_that_would_take_most_file_handles_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = without_options("sh");
    command.args(["-c", "ulimit -n 256 && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_cardbridge")]);
    command.current_dir(directory.path());
    command.args(["serve", "--config", &link(directory.path(), 129), "--listen", "127.0.0.1:0"]);
    let (code, _, stderr) = run(&mut command);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("links: should have at most half"), "{stderr}");
}

#[tokio::test]
async fn an_enterprise_that_never_answers_leaves_handles_for_the_others() {
    const ROUNDS: usize = 15;
    const AT_ONCE: usize = 16;
    let world = World::with_handles(&Engine::embedded(), &[], HANDLES).await;
    let path = format!("/admin/v1/enterprises/{}", world.enterprise_id());
    world.operator.patch(&path, &json!({ "authDeadlineMs": 500 })).await.unwrap();
    let card_id = world.card("order-1").await;
    world.enterprise.answer(Behaviour::Silent);
    let http = http();
    let own = world.sandbox();
    let text = |key: &str| own[key].as_str().unwrap().to_owned();
    for _ in 0..ROUNDS {
        let mut asked = JoinSet::new();
        for _ in 0..AT_ONCE {
            let request = http
                .post(format!("{}/sandbox/v1/authorisations", text("admin_url")))
                .bearer_auth(text("admin_token"))
                .header("content-type", "application/json")
                .body(purchase(&card_id, "1.00").to_string());
            asked.spawn(async move { request.send().await.unwrap().status().as_u16() });
        }
        assert!(asked.join_all().await.into_iter().all(|status| status < 300));
    }
    world.enterprise.answer(Behaviour::APPROVE);
    let body = purchase(&card_id, "1.00");
    let answer = world.operator.post("/sandbox/v1/authorisations", &body).await.unwrap();
    assert_eq!(answer["approved"], true, "{answer}");
    world.verify_ledger().await;
}
