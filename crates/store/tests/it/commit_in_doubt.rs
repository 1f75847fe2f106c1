//! Commits whose end is lost between the store and its server: the answer agrees with the data.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use domain::{CardStatus, VmFunding};
use store::{MoneyError, Store, StoreError, VmCardOperation};
use testkit::database::{Database, HANGING_COMMITS};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::money::{assert_ledger, balances, fund, purchase, usd};
use crate::samples::ENTERPRISE;
use crate::vm_cards::{APP, balance_minor, card_minor, opening, operation, prepare};

/// The fate of the next commit on the line.
const PASSES: u8 = 0;
const ANSWER_LOST: u8 = 1;
const REQUEST_LOST: u8 = 2;
const LINE_SILENT: u8 = 3;
/// The client's end is closed, but the server is not told.
const CLIENT_GONE: u8 = 4;

/// A line to the server that breaks at a commit.
struct Line {
    address: SocketAddr,
    next_commit: Arc<AtomicU8>,
}

impl Line {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let next_commit = Arc::new(AtomicU8::new(PASSES));
        let fate = Arc::clone(&next_commit);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(carry(client, server, Arc::clone(&fate)));
            }
        });
        Self { address, next_commit }
    }

    fn break_at_next_commit(&self, fate: u8) {
        self.next_commit.store(fate, Ordering::SeqCst);
    }

    fn assert_broke(&self) {
        assert_eq!(self.next_commit.load(Ordering::SeqCst), PASSES, "no commit was made");
    }
}

/// Carries bytes both ways until either side ends, or a commit is to be lost.
async fn carry(mut client: TcpStream, mut server: TcpStream, next_commit: Arc<AtomicU8>) {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(bytes @ 1..) = read else { return };
                let is_commit = up[..bytes].windows(6).any(|it| it == b"COMMIT");
                let fate =
                    if is_commit { next_commit.swap(PASSES, Ordering::SeqCst) } else { PASSES };
                if fate == LINE_SILENT {
                    // Both ends stay connected, so neither side notices.
                    return std::future::pending().await;
                }
                if fate == REQUEST_LOST || server.write_all(&up[..bytes]).await.is_err() {
                    return;
                }
                if fate == CLIENT_GONE {
                    drop(client);
                    return while server.read(&mut down).await.is_ok_and(|bytes| bytes > 0) {};
                }
                if fate == ANSWER_LOST {
                    let _ = server.read(&mut down).await;
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(bytes @ 1..) = read else { return };
                if client.write_all(&down[..bytes]).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn flows(store: &Store) -> u64 {
    store.vm_flows(ENTERPRISE, APP, None, 0, 1).await.unwrap().total
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_of_a_card_moves_once_and_is_told_so_wherever_its_commit_is_lost() {
    for fate in [ANSWER_LOST, REQUEST_LOST] {
        let database = Database::on_server().await;
        let line = Line::to(database.server_address()).await;
        let store = database.open_through(line.address).await;
        prepare(&store, 10_000).await;

        line.break_at_next_commit(fate);
        store.open_vm_card(opening(&store, 1, VmFunding::Prepaid, 2_000)).await.unwrap();
        line.assert_broke();
        let products = store.vm_products(ENTERPRISE, APP).await.unwrap();
        let left = products.iter().find(|it| it.product_code == "P").unwrap().remaining_cards;
        assert_eq!((left, balance_minor(&store).await), (9, 8_000));

        for (change, status, card, balance, moved) in [
            (VmCardOperation::Recharge(usd(1_000)), CardStatus::Activated, 3_000, 7_000, 2),
            (VmCardOperation::Refund(usd(500)), CardStatus::Activated, 2_500, 7_500, 3),
            (VmCardOperation::Freeze, CardStatus::Frozen, 2_500, 7_500, 3),
            (VmCardOperation::Unfreeze, CardStatus::Activated, 2_500, 7_500, 3),
            (VmCardOperation::Delete, CardStatus::Invalid, 0, 10_000, 4),
        ] {
            line.break_at_next_commit(fate);
            assert_eq!(operation(&store, 1, change).await.unwrap(), status, "{change:?}");
            line.assert_broke();
            let minor = (card_minor(&store, 1).await, balance_minor(&store).await);
            assert_eq!(minor, (card, balance), "{change:?}");
            assert_eq!(flows(&store).await, moved, "{change:?}");
        }
        assert_ledger(&store).await;
        store.close().await;
        database.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_rules_refuse_after_a_lost_commit_is_refused() {
    let database = Database::on_server().await;
    let line = Line::to(database.server_address()).await;
    let store = database.open_through(line.address).await;
    prepare(&store, 3_000).await;
    store.open_vm_card(opening(&store, 1, VmFunding::Prepaid, 2_000)).await.unwrap();
    // Of two recharges at once, with money for only one, one commit is lost.
    line.break_at_next_commit(REQUEST_LOST);
    let recharge = || operation(&store, 1, VmCardOperation::Recharge(usd(1_000)));
    let (first, second) = tokio::join!(recharge(), recharge());
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_eq!((card_minor(&store, 1).await, balance_minor(&store).await), (3_000, 0));
    assert_ledger(&store).await;
    store.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_falls_silent_at_a_commit_holds_nothing_up_for_good() {
    let database = Database::on_server().await;
    let line = Line::to(database.server_address()).await;
    let store = database.open_through(line.address).await;
    prepare(&store, 10_000).await;
    store.open_vm_card(opening(&store, 1, VmFunding::Prepaid, 2_000)).await.unwrap();
    // The server keeps the locks of the transaction whose commit it never sees.
    line.break_at_next_commit(LINE_SILENT);
    let began = std::time::Instant::now();
    operation(&store, 1, VmCardOperation::Recharge(usd(1_000))).await.unwrap();
    line.assert_broke();
    // Without our own limit it takes as long as the kernel keeps the line, many minutes.
    assert!(began.elapsed().as_secs() < 300, "{:?}", began.elapsed());
    assert_eq!((card_minor(&store, 1).await, balance_minor(&store).await), (3_000, 7_000));
    assert_eq!(flows(&store).await, 2);
    assert_ledger(&store).await;
    store.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_whose_commit_hangs_is_under_way_until_it_is_seen() {
    let database = Database::on_server().await;
    let line = Line::to(database.server_address()).await;
    let store = database.open_through(line.address).await;
    fund(&store, 1_000).await;
    let session = database.connect().await;
    session.batch_execute(HANGING_COMMITS).await.unwrap();
    session.batch_execute("SELECT pg_advisory_lock(7)").await.unwrap();

    line.break_at_next_commit(CLIENT_GONE);
    let request = purchase(store.ids(), usd(7), None);
    let auth_id = request.authorisation.auth_id;
    let begun = store.begin_authorisation(request).await;
    let is_in_doubt = matches!(begun, Err(MoneyError::Store(StoreError::InDoubt(_))));
    assert!(is_in_doubt, "{begun:?}");
    let earlier = store.writes_under_way().await.unwrap();
    assert!(store.authorisation_view(auth_id).await.unwrap().is_none());
    assert!(!store.writes_under_way().await.unwrap().have_ended_since(earlier));

    session.batch_execute("SELECT pg_advisory_unlock(7)").await.unwrap();
    let began = Instant::now();
    while !store.writes_under_way().await.unwrap().have_ended_since(earlier) {
        assert!(began.elapsed() < Duration::from_secs(60), "it goes on for ever");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(store.authorisation_view(auth_id).await.unwrap().is_some());
    assert_eq!(balances(&store).await, (993, 7, 0));
    store.close().await;
    database.drop().await;
}
