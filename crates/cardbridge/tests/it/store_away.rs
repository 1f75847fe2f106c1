//! A database that hangs, or a process that hangs inside a transaction: others wait for a moment.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::RETRY_AFTER;
use sdk::Operator;

use crate::cluster::{Cluster, TRUSTED};
use crate::crash::keyed;
use crate::engine::Engine;
use crate::node_numbers::{another, spawn};
use crate::server::http;
use crate::world::{WAIT, World, purchase, text};

/// Callers of the process that is paused inside a transaction.
const CALLERS: usize = 8;
/// Most pauses until one finds it inside a transaction that holds an account.
const MAX_PAUSES: u32 = 2_000;
const LOOK: Duration = Duration::from_millis(50);
/// Longer than a lease is trusted that was not renewed.
const LEASE_TRUST: Duration = Duration::from_secs(14);
/// Calls while the database hangs.
const CALLS: usize = 3;

/// A platform on a server of its own.
async fn beside(cluster: &Cluster) -> World {
    let url = cluster.url("127.0.0.1", "");
    World::new(&Engine::embedded(), &["--database-url", &url, "--log", "warn"]).await
}

/// Waits until a purchase is approved.
async fn approved(operator: &Operator, card_id: &str) {
    let (began, body) = (Instant::now(), purchase(card_id, "1.00"));
    loop {
        let answer = operator.post("/sandbox/v1/authorisations", &body).await;
        if answer.as_ref().is_ok_and(|it| it["approved"] == true) {
            return;
        }
        assert!(began.elapsed() < WAIT, "{answer:?}");
        tokio::time::sleep(LOOK).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_hang_are_replaced() {
    let cluster = Cluster::start(&[], TRUSTED, &[]).await;
    let mut world = beside(&cluster).await;
    let card_id = world.card("order-1").await;
    cluster.pause_sessions().await;
    approved(&world.operator, &card_id).await;
    assert!(world.operator.get("/readyz").await.is_ok());
    cluster.pause_sessions().await;
    world.terminate();
    world.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_reported_as_away() {
    let cluster = Cluster::start(&[], TRUSTED, &[]).await;
    let world = beside(&cluster).await;
    let card_id = world.card("order-1").await;
    let token = text(&world.sandbox(), "admin_token");
    let admin_url = text(&world.sandbox(), "admin_url");
    cluster.pause();
    for _ in 0..CALLS {
        let path = format!("{admin_url}/admin/v1/enterprises");
        let answer = http().get(path).bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.headers()[RETRY_AFTER], "1");
        let refused = world.client.balance(domain::Currency::USD).await.unwrap_err();
        assert!(format!("{refused:?}").contains("503"), "{refused:?}");
    }
    let ready = http().get(format!("{admin_url}/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), 503);
    cluster.resume();
    approved(&world.operator, &card_id).await;
    world.verify_ledger().await;
    // Each worker tells of its first failure, and then of one in 30 s.
    let log = std::fs::read_to_string(world.data_dir().with_extension("log")).unwrap();
    for worker in ["webhooks", "hold-expiry"] {
        let about = |line: &&str| line.contains("worker failed") && line.contains(worker);
        assert!((1..=5).contains(&log.lines().filter(about).count()), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_connection_is_waited_for_once() {
    let cluster = Cluster::start(&[], TRUSTED, &[]).await;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = silent.accept() {
            counted.fetch_add(1, Ordering::SeqCst);
            kept.push(stream);
        }
    });
    let real = cluster.url("127.0.0.1", "?target_session_attrs=primary");
    let url = real.replacen("@127.0.0.1", &format!("@127.0.0.1:{port},127.0.0.1"), 1);
    let world = World::new(&Engine::embedded(), &["--database-url", &url]).await;
    let card_id = world.card("order-1").await;
    approved(&world.operator, &card_id).await;
    // Connections that were made at the same time found out together.
    let before = connections.load(Ordering::SeqCst);
    assert!(before > 0, "it was never tried");
    cluster.end_sessions().await;
    approved(&world.operator, &card_id).await;
    assert_eq!(connections.load(Ordering::SeqCst), before, "tried although it never answered");
    // The lease is renewed by the other server too.
    tokio::time::sleep(LEASE_TRUST).await;
    assert!(world.operator.get("/readyz").await.is_ok());
    approved(&world.operator, &card_id).await;
}

/// Pauses the process until it holds the account inside a transaction.
async fn pause_inside(server: &crate::server::Server, engine: &Engine) -> tokio_postgres::Client {
    let session = engine.connect().await;
    let held = "SELECT COUNT(*) > 0 FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid \
        JOIN pg_class c ON c.oid = l.relation \
        WHERE a.datname = current_database() AND a.state = 'idle in transaction' \
        AND c.relname = 'ledger_account' AND l.mode IN ('RowShareLock', 'RowExclusiveLock')";
    for _ in 0..MAX_PAUSES {
        server.signal("STOP");
        if session.query_one(held, &[]).await.unwrap().get::<_, bool>(0) {
            return session;
        }
        server.signal("CONT");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    panic!("it was never found inside a transaction");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_hangs_inside_a_transaction_does_not_keep_its_locks() {
    let engine = Engine::postgres().await;
    let world = World::new(&engine, &[]).await;
    let card_id = world.card("order-1").await;
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("data");
    let second = spawn(another(&engine, &world, &own, &["--node", "7"]), &own);
    let operator =
        Operator::new(&second.admin_url, &text(&world.sandbox(), "admin_token")).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let next = Arc::new(AtomicUsize::new(1));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (operator, card_id) = (operator.clone(), card_id.clone());
            let (stop, next) = (Arc::clone(&stop), Arc::clone(&next));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let body = keyed(&card_id, next.fetch_add(1, Ordering::SeqCst));
                    let _ = operator.post("/sandbox/v1/authorisations", &body).await;
                }
            })
        })
        .collect();
    let session = pause_inside(&second, &engine).await;
    approved(&world.operator, &card_id).await;
    let idle = "SELECT COUNT(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND state = 'idle in transaction' \
        AND state_change < clock_timestamp() - INTERVAL '10 s'";
    let left: i64 = session.query_one(idle, &[]).await.unwrap().get(0);
    assert_eq!(left, 0, "a transaction of the paused process");
    stop.store(true, Ordering::SeqCst);
    second.signal("CONT");
    for caller in callers {
        caller.await.unwrap();
    }
    world.verify_ledger().await;
}
