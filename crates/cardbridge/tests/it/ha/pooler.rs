//! PostgreSQL behind pgbouncer.

use std::net::SocketAddr;
use std::process::Command;

use sdk::Operator;
use testkit::database::Database;

use super::given;
use super::machines::{Machine, Machines, port};
use crate::engine::Engine;
use crate::node_numbers::{another, spawn};
use crate::server::{cardbridge, run};
use crate::world::{World, purchase, text};

/// Purchases of each caller.
const PURCHASES: usize = 20;

/// Starts a pooler in front of a database; returns the URL through it. Parameters that only servers
/// know are left out, as its manual advises.
fn start(machine: &Machine, database: &Database, mode: &str) -> String {
    let (url, own) = (database.url(), port());
    let (front, name) = url.rsplit_once('/').unwrap();
    let (user, server) = front.strip_prefix("postgres://").unwrap().split_once('@').unwrap();
    let (user, password) = user.split_once(':').unwrap();
    let server: SocketAddr = server.parse().unwrap();
    let settings = format!(
        "[databases]\n\
         {name} = host={} port={} user={user} password={password}\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {own}\n\
         unix_socket_dir =\n\
         auth_type = any\n\
         pool_mode = {mode}\n\
         default_pool_size = 60\n\
         max_client_conn = 400\n\
         ignore_startup_parameters = options\n",
        server.ip(),
        server.port(),
    );
    let file = machine.write("pgbouncer.ini", &settings);
    machine.run(Command::new(given("CARDBRIDGE_TEST_PGBOUNCER")).arg(file));
    format!("postgres://{user}@127.0.0.1:{own}/{name}")
}

/// Two processes buy through a pooler in this mode, and one is started again.
async fn two_processes_share(mode: &str, options: &[&str]) {
    let machines = Machines::new();
    let machine = machines.add("pooler");
    let database = Database::on_server().await;
    let url = start(&machine, &database, mode);
    let engine = Engine::embedded();
    let options = [&["--database-url", &url], options].concat();
    let mut world = World::new(&engine, &options).await;
    let card_id = world.card("order-1").await;
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("data");
    let second = spawn(another(&engine, &world, &own, &options), &own);
    let token = text(&world.sandbox(), "admin_token");
    let urls = [text(&world.sandbox(), "admin_url"), second.admin_url.clone()];
    let callers = [urls.clone(), urls].concat().into_iter().map(|url| {
        let (operator, card_id) = (Operator::new(&url, &token).unwrap(), card_id.clone());
        tokio::spawn(async move {
            for _ in 0..PURCHASES {
                let body = purchase(&card_id, "1.00");
                let answer = operator.post("/sandbox/v1/authorisations", &body).await.unwrap();
                assert_eq!(answer["approved"], true, "{answer}");
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    let count = callers.len();
    for caller in callers {
        caller.await.unwrap();
    }
    world.crash();
    assert_eq!(world.available().await, format!("{}.00", 100_000 - count * PURCHASES));
    world.verify_ledger().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "cargo xtask test --ha"]
async fn two_processes_share_a_pooler_in_session_mode() {
    two_processes_share("session", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "cargo xtask test --ha"]
async fn two_processes_share_a_pooler_in_transaction_mode() {
    two_processes_share("transaction", &["--database-pooler", "transaction"]).await;
}

/// Without the option nothing is served: statements would meet those of another process.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "cargo xtask test --ha"]
async fn a_start_that_finds_a_pooler_in_transaction_mode_is_refused() {
    let machines = Machines::new();
    let machine = machines.add("pooler");
    let database = Database::on_server().await;
    let url = start(&machine, &database, "transaction");
    let directory = tempfile::tempdir().unwrap();
    let mut command = cardbridge();
    command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command.arg("--data-dir").arg(directory.path().join("data")).args(["--database-url", &url]);
    let (code, stdout, stderr) = run(&mut command);
    assert_ne!(code, Some(0), "{stderr}");
    assert!(stdout.is_empty() && stderr.contains("database-pooler"), "{stdout}{stderr}");
}
