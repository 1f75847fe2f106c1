//! Processes restarted one after another behind a balancer that tries nothing again: no request
//! fails.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use domain::Clock;
use wire::cardbridge::enterprise::BALANCE_PATH;
use wire::cardbridge::signature::sign;

use super::balancer::{Balancer, Service};
use super::machines::{Machines, port};
use super::strict::{Caller, Request};
use crate::crash::keyed;
use crate::engine::Engine;
use crate::node_numbers::another_on;
use crate::server::Server;
use crate::world::{WAIT, World, text};

/// Processes behind the balancer, and restarts of each.
const PROCESSES: usize = 2;
const ROUNDS: usize = 3;
/// Least number of requests, and callers of each kind.
const REQUESTS: usize = 5_000;
const CALLERS: usize = 2;
/// Cards: each may buy only so often a day.
const CARDS: usize = 5;
/// Between two requests of a caller, so that the machine has time for the restarts.
const PAUSE: Duration = Duration::from_millis(10);
const LOOK: Duration = Duration::from_millis(50);
/// Readiness is asked for more often than every second.
const CHECK: &str = "option httpchk GET /readyz";
const OPTIONS: &str = "inter 500ms fall 1 rise 1";
/// Most failures that are shown.
const SHOWN: usize = 10;

/// A process with ports that it keeps.
struct Node {
    data_dir: PathBuf,
    /// Of the API and of operators.
    ports: [u16; 2],
    server: Server,
}

/// Starts a process, with the drain that it has by default.
fn start(engine: &Engine, world: &World, data_dir: &Path, ports: [u16; 2]) -> Server {
    let mut command = another_on(engine, world, data_dir, ports, &[]);
    command.env_remove("CARDBRIDGE_DRAIN");
    Server::spawn(&mut command, data_dir)
}

/// What the callers send, and what came of it.
struct Traffic {
    cards: Vec<String>,
    token: String,
    keys: [String; 2],
    next: AtomicUsize,
    nonce: AtomicU64,
    stopped: AtomicBool,
    answered: AtomicUsize,
    purchases: AtomicUsize,
    failed: Mutex<Vec<String>>,
}

/// The door that a caller uses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Enterprise,
    Operator,
}

impl Traffic {
    async fn call_on(self: Arc<Self>, door: Door, mut caller: Caller) {
        while !self.stopped.load(Ordering::SeqCst) {
            let request = match door {
                Door::Enterprise => self.balance(),
                Door::Operator => self.purchase(),
            };
            let failure = match caller.call(&request).await {
                Ok((200, body)) => self.wrong(door, &body),
                Ok((status, body)) => Some(format!("{status} {}", String::from_utf8_lossy(&body))),
                Err(failure) => Some(failure),
            };
            self.answered.fetch_add(1, Ordering::SeqCst);
            self.failed.lock().unwrap().extend(failure);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Why the body of an answer is not the one of a success.
    fn wrong(&self, door: Door, body: &[u8]) -> Option<String> {
        let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let is_right = match door {
            Door::Enterprise => json["code"] == "SYS_SUCCESS",
            Door::Operator => json["approved"] == true,
        };
        if door == Door::Operator && is_right {
            self.purchases.fetch_add(1, Ordering::SeqCst);
        }
        (!is_right).then(|| String::from_utf8_lossy(body).into_owned())
    }

    fn purchase(&self) -> Request {
        let n = self.next.fetch_add(1, Ordering::SeqCst);
        Request {
            method: "POST",
            target: "/sandbox/v1/authorisations".to_owned(),
            headers: vec![
                ("authorization", format!("Bearer {}", self.token)),
                ("content-type", "application/json".to_owned()),
            ],
            body: keyed(&self.cards[n % CARDS], n).to_string(),
        }
    }

    fn balance(&self) -> Request {
        let [api_key, secret] = &self.keys;
        let query = "currency=840";
        let nonce = (10_000 + self.nonce.fetch_add(1, Ordering::SeqCst) % 90_000).to_string();
        let now = Clock::system().real_now().as_millis().to_string();
        let signature = sign(secret, api_key, &now, &nonce, query.as_bytes());
        Request {
            method: "GET",
            target: format!("{BALANCE_PATH}?{query}"),
            headers: vec![
                ("X-DAPI-API-KEY", api_key.clone()),
                ("X-DAPI-TIMESTAMP", now),
                ("X-DAPI-NONCE", nonce),
                ("X-DAPI-SIGN", signature),
            ],
            body: String::new(),
        }
    }

    fn failures(&self) -> Vec<String> {
        self.failed.lock().unwrap().iter().take(SHOWN).cloned().collect()
    }
}

/// Callers of each kind: both doors, with connections that are kept and new ones.
fn callers(traffic: &Arc<Traffic>, balancer: &Balancer) -> Vec<tokio::task::JoinHandle<()>> {
    let mut callers = Vec::new();
    for (door, port) in [Door::Enterprise, Door::Operator].into_iter().zip(&balancer.ports) {
        for keeps in [false, true].into_iter().flat_map(|keeps| [keeps; CALLERS]) {
            let caller = Caller::new(*port, keeps);
            callers.push(tokio::spawn(Arc::clone(traffic).call_on(door, caller)));
        }
    }
    callers
}

/// Stops a process as an operator does, and starts it again.
async fn restart(engine: &Engine, world: &World, node: Node) -> Node {
    let Node { data_dir, ports, server } = node;
    server.terminate();
    let (status, _) = tokio::task::spawn_blocking(|| server.ended()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    let server = start(engine, world, &data_dir, ports);
    Node { data_dir, ports, server }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "cargo xtask test --ha"]
async fn no_request_fails_while_processes_are_restarted_one_after_another() {
    let engine = Engine::postgres().await;
    let world = World::new(&engine, &[]).await;
    let mut cards = Vec::new();
    for number in 0..CARDS {
        cards.push(world.card(&format!("order-{number}")).await);
    }
    let directory = tempfile::tempdir().unwrap();
    let mut nodes = Vec::new();
    for number in 0..PROCESSES {
        let (data_dir, ports) = (directory.path().join(format!("node-{number}")), [port(), port()]);
        let server = start(&engine, &world, &data_dir, ports);
        nodes.push(Node { data_dir, ports, server });
    }
    let machines = Machines::new();
    let service = |which: usize| Service {
        check: CHECK,
        servers: nodes.iter().map(|it| [it.ports[which], it.ports[1]]).collect(),
        options: OPTIONS,
    };
    let balancer = Balancer::start(&machines, &[service(0), service(1)]);
    balancer.until_all_up().await;
    let own = &world.sandbox()["enterprise"];
    let traffic = Arc::new(Traffic {
        cards,
        token: text(&world.sandbox(), "admin_token"),
        keys: [text(own, "apiKey"), text(own, "secretKey")],
        next: AtomicUsize::new(1),
        nonce: AtomicU64::new(0),
        stopped: AtomicBool::new(false),
        answered: AtomicUsize::new(0),
        purchases: AtomicUsize::new(0),
        failed: Mutex::default(),
    });
    let callers = callers(&traffic, &balancer);
    let began = Instant::now();
    for _ in 0..ROUNDS * PROCESSES {
        let node = restart(&engine, &world, nodes.remove(0)).await;
        nodes.push(node);
        balancer.until_all_up().await;
        assert_eq!(traffic.failures(), Vec::<String>::new());
    }
    while traffic.answered.load(Ordering::SeqCst) < REQUESTS {
        assert!(began.elapsed() < WAIT, "too few requests");
        tokio::time::sleep(LOOK).await;
    }
    traffic.stopped.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(traffic.failures(), Vec::<String>::new());
    let purchases = traffic.purchases.load(Ordering::SeqCst);
    let answered = traffic.answered.load(Ordering::SeqCst);
    eprintln!(
        "{} restarts: 0 of {answered} requests failed, {purchases} purchases",
        ROUNDS * PROCESSES
    );
    assert_eq!(world.available().await, format!("{}.00", 100_000 - purchases));
    world.verify_ledger().await;
}
