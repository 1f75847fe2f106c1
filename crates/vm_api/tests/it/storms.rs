//! The effects of apps of dialect 2 on one another, and on themselves, when the RSA threads are
//! overloaded (docs/decisions/003-rsa-decryption.md).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crypto::{RsaPool, RsaPoolError};
use serde_json::json;
use testkit::both_engines;
use testkit::platform::Platform;
use testkit::vm_client::{Merchant, post_raw};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock, oneshot};
use tokio::time::{sleep, timeout};

const BALANCE: &str = "/getAccountBalance";
/// Its answer has more blocks than are encrypted where the call is handled.
const LIST: &str = "/getCardList";
/// Cards that make it so long.
const LISTED: usize = 8;
/// Calls of an app that may be under way.
const MAX_UNDER_WAY: usize = 64;
/// More than a body that is read beside others.
const LARGE_BODY_BYTES: usize = 20_000;
/// Time after which a wait is given up.
const PATIENCE: Duration = Duration::from_secs(180);
/// Jobs that the queue of the platform under test takes.
const QUEUE_LIMIT: usize = 64;
/// More jobs than that.
const FILLERS: usize = 100;
/// Calls beyond those that may be under way.
const TOO_MANY: usize = 6;

/// Holds back those who wait for it until its guard is dropped.
struct Gate(Arc<RwLock<()>>);

impl Gate {
    async fn closed() -> (Self, OwnedRwLockWriteGuard<()>) {
        let gate = Arc::new(RwLock::new(()));
        let guard = Arc::clone(&gate).write_owned().await;
        (Self(gate), guard)
    }

    /// Keeps a thread of the pool at the gate, and returns once it stands there.
    async fn occupy_thread(&self, pool: &Arc<RsaPool>) {
        let (gate, pool) = (Arc::clone(&self.0), Arc::clone(pool));
        let (arrive, arrived) = oneshot::channel();
        tokio::spawn(async move {
            let wait = move || {
                let _ = arrive.send(());
                drop(gate.blocking_read());
            };
            pool.run(wait).await.unwrap();
        });
        arrived.await.unwrap();
    }

    /// Fills the pool's queue with jobs that wait at the gate, and returns once it is full; each
    /// place that becomes free is filled too.
    async fn fill_queue(&self, pool: &Arc<RsaPool>) {
        for _ in 0..FILLERS {
            let (gate, pool) = (Arc::clone(&self.0), Arc::clone(pool));
            tokio::spawn(async move {
                loop {
                    let gate = Arc::clone(&gate);
                    let waited = pool.run(move || drop(gate.blocking_read())).await;
                    if waited != Err(RsaPoolError::QueueFull) {
                        break;
                    }
                    sleep(Duration::from_millis(1)).await;
                }
            });
        }
        until(async || pool.waiting() == QUEUE_LIMIT).await;
    }
}

/// Waits until a condition is true.
async fn until(is_true: impl AsyncFn() -> bool) {
    let wait = async {
        while !is_true().await {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it never comes true");
}

async fn open_cards(merchant: &Merchant) {
    for _ in 0..LISTED {
        let create = json!({ "product_code": merchant.save, "first_name": "A", "last_name": "B",
            "amount": 20 });
        merchant.done("/createCard", create).await;
    }
}

async fn balance_minor(platform: &Platform, merchant: &Merchant) -> i64 {
    let app = platform.store.vm_app(&merchant.app.app_id).await.unwrap().unwrap();
    platform.store.vm_balances(&app).await.unwrap().balance_minor
}

both_engines!(a_queue_found_full_by_an_answer_makes_no_error_of_money_that_moved, |platform| {
    let merchant = Merchant::new(platform).await;
    let create = json!({ "product_code": merchant.save, "first_name": "A", "last_name": "B",
        "amount": 20 });
    let card_id = merchant.done("/createCard", create).await["card_id"].clone();
    let (before_it, first) = Gate::closed().await;
    let (after_it, second) = Gate::closed().await;
    before_it.occupy_thread(&platform.parts.pool).await;
    let is_answered = AtomicBool::new(false);
    let recharge = async {
        let answer = merchant.call("/rechargeCard", json!({"card_id": card_id, "amount": 10}));
        let answer = answer.await;
        is_answered.store(true, Ordering::Relaxed);
        answer
    };
    let storm = async {
        // The request is decrypted behind the job at the first gate; all that comes after it
        // finds a full queue.
        until(async || platform.parts.pool.waiting() == 1).await;
        after_it.fill_queue(&platform.parts.pool).await;
        drop(first);
        until(async || balance_minor(platform, &merchant).await == 997_000).await;
        // An answer of few blocks needs no queue, which stays full until it has come.
        until(async || is_answered.load(Ordering::Relaxed)).await;
        drop(second);
    };
    let (answer, ()) = futures_util::future::join(recharge, storm).await;
    assert_eq!(answer.unwrap(), json!({ "data": "true" }));
    platform.assert_ledger_adds_up().await;
});

both_engines!(a_large_answer_waits_for_room_in_a_full_queue, |platform| {
    let merchant = Merchant::new(platform).await;
    open_cards(&merchant).await;
    let token = merchant.client.token().await.unwrap().to_string();
    let (gate, guard) = Gate::closed().await;
    gate.occupy_thread(&platform.parts.pool).await;
    gate.fill_queue(&platform.parts.pool).await;
    let is_answered = AtomicBool::new(false);
    let list = async {
        let answer = post_raw(platform, &token, LIST, b"").await;
        is_answered.store(true, Ordering::Relaxed);
        answer
    };
    let open = async {
        sleep(Duration::from_millis(700)).await;
        assert!(!is_answered.load(Ordering::Relaxed), "answered though the queue is full");
        drop(guard);
    };
    let (answer, ()) = futures_util::future::join(list, open).await;
    assert_eq!(answer.json()["code"], 0);
});

both_engines!(an_app_has_so_many_calls_under_way_and_leaves_the_threads_to_others, |platform| {
    let merchant = Merchant::new(platform).await;
    let other = Merchant::new(platform).await;
    other.done(BALANCE, json!({})).await;
    open_cards(&merchant).await;
    let token = merchant.client.token().await.unwrap().to_string();
    let (gate, guard) = Gate::closed().await;
    gate.occupy_thread(&platform.parts.pool).await;
    // All their answers wait for the one thread; only a few stand in its queue, which takes 64
    // jobs.
    let answered = AtomicUsize::new(0);
    let call = async || {
        let answer = post_raw(platform, &token, LIST, b"").await;
        answered.fetch_add(1, Ordering::Relaxed);
        answer
    };
    let storm = futures_util::future::join_all((0..MAX_UNDER_WAY + TOO_MANY).map(|_| call()));
    let others = async {
        // Only the calls beyond the limit are answered while the thread is kept.
        until(async || answered.load(Ordering::Relaxed) == TOO_MANY).await;
        let before = platform.parts.pool.waiting();
        let answer = other.call(BALANCE, json!({}));
        let open = async {
            until(async || platform.parts.pool.waiting() > before).await;
            drop(guard);
        };
        futures_util::future::join(answer, open).await.0
    };
    let (answers, other_answer) = futures_util::future::join(storm, others).await;
    assert_eq!(other_answer.unwrap()["balance"], 10000);
    let codes: Vec<_> = answers.iter().map(|it| it.json()["code"].clone()).collect();
    assert_eq!(codes.iter().filter(|it| **it == 0).count(), MAX_UNDER_WAY);
    assert_eq!(codes.iter().filter(|it| **it == 400_006).count(), TOO_MANY);
});

/// A call whose body does not come, with this header about it.
async fn silent_call(platform: &Platform, token: &str, header: &str) -> TcpStream {
    let mut stream = TcpStream::connect(platform.public).await.unwrap();
    let head = format!(
        "POST {BALANCE} HTTP/1.1\r\nhost: a\r\nauthorization: {token}\r\n\
         content-type: application/json\r\n{header}\r\n\r\n1\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    stream
}

both_engines!(a_large_body_that_does_not_come_holds_up_its_like_and_no_other_call, |platform| {
    let merchant = Merchant::new(platform).await;
    let token = merchant.client.token().await.unwrap().to_string();
    let large = vec![b' '; LARGE_BODY_BYTES];
    let length = format!("content-length: {LARGE_BODY_BYTES}");
    let silent = silent_call(platform, &token, &length).await;
    assert_eq!(merchant.done(BALANCE, json!({})).await["balance"], 10000);
    // Until the silent one's head is read, another large body is read before it.
    until(async || post_raw(platform, &token, BALANCE, &large).await.json()["code"] == 400_006)
        .await;
    drop(silent);
    // If a body does not announce its length, only its beginning is known.
    let silent = silent_call(platform, &token, "transfer-encoding: chunked").await;
    let read = post_raw(platform, &token, BALANCE, &large).await;
    assert_ne!(read.json()["code"], 400_006);
    drop(silent);
});

both_engines!(a_large_body_holds_up_no_other_once_it_is_opened, |platform| {
    let merchant = Merchant::new(platform).await;
    open_cards(&merchant).await;
    let token = merchant.client.token().await.unwrap().to_string();
    let large = vec![b' '; LARGE_BODY_BYTES];
    let (gate, guard) = Gate::closed().await;
    gate.occupy_thread(&platform.parts.pool).await;
    // Its answer waits for the one thread.
    let list = post_raw(platform, &token, LIST, &large);
    let balance = async {
        sleep(Duration::from_millis(300)).await;
        let balance = post_raw(platform, &token, BALANCE, &large).await;
        drop(guard);
        balance
    };
    let (list, balance) = futures_util::future::join(list, balance).await;
    assert_eq!((&list.json()["code"], &balance.json()["code"]), (&json!(0), &json!(0)));
});

both_engines!(small_bodies_that_do_not_come_take_no_place, |platform| {
    let merchant = Merchant::new(platform).await;
    let token = merchant.client.token().await.unwrap().to_string();
    let silent = (0..MAX_UNDER_WAY).map(|_| silent_call(platform, &token, "content-length: 900"));
    let silent = futures_util::future::join_all(silent).await;
    assert_eq!(merchant.done(BALANCE, json!({})).await["balance"], 10000);
    drop(silent);
});
