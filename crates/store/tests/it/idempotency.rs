//! Keys of calls, kept in the commit of their business.

use domain::{CardProfile, Money};
use store::{Claim, Kept, KeptAnswer, KnownCall, MovedFunds, Store, StoreError};
use testkit::database::Database;

use crate::both_engines;
use crate::samples::{ENTERPRISE, NOW, profile};

const DIGEST: [u8; 32] = [32; 32];

/// A call under `key` whose answer is `body`.
fn call(store: &Store, key: &str) -> Claim {
    Claim::new(key.to_owned(), DIGEST, store.clock().real_now())
}

/// Sweeps old keys, with a call at a moment that makes it sweep, as one call in 32 does.
async fn sweep(store: &Store) {
    let now_us = store.clock().real_now().as_micros();
    let taken_at = domain::Timestamp::from_micros(now_us - now_us % 32);
    store.sweep_calls(&Claim::new("other".to_owned(), DIGEST, taken_at)).await.unwrap();
}

fn answer(body: &[u8]) -> KeptAnswer {
    KeptAnswer { status: 200, body: body.to_vec() }
}

fn usd(minor: i64) -> Money {
    Money::new(minor, domain::Currency::USD)
}

/// Deposits 100 under `key`; returns what is then available.
async fn deposit(store: &Store, key: &str, reference: &str) -> Result<i64, store::MoneyError> {
    let claim = call(store, key).leaving(|moved: &MovedFunds| {
        let body = moved.account.available_minor.to_string().into_bytes();
        Ok(Some(Kept::Answer(KeptAnswer { status: 200, body })))
    });
    let moved = store.deposit(ENTERPRISE, usd(100), reference.to_owned(), NOW);
    claim.scope(moved).await.map(|moved| moved.account.available_minor)
}

async fn deposited(store: &Store) -> i64 {
    let account = store.account(ENTERPRISE, domain::Currency::USD).await.unwrap();
    account.map_or(0, |account| account.available_minor)
}

/// Makes every new key fail, or lets them pass again.
async fn refuse_keys(database: &Database, is_refused: bool) {
    let sql = match (database, is_refused) {
        (Database::Embedded(_), true) => {
            "CREATE TRIGGER refused BEFORE INSERT ON idempotency \
             BEGIN SELECT RAISE(ABORT, 'refused'); END"
        }
        (Database::Embedded(_), false) => "DROP TRIGGER refused",
        (Database::Server { .. }, true) => {
            "ALTER TABLE idempotency ADD CONSTRAINT refused CHECK (taken_at < 0) NOT VALID"
        }
        (Database::Server { .. }, false) => "ALTER TABLE idempotency DROP CONSTRAINT refused",
    };
    database.tamper(sql).await;
}

both_engines!(a_key_is_kept_with_what_its_call_did_and_knows_its_call, |store| {
    assert_eq!(store.known_call("key", DIGEST).await.unwrap(), KnownCall::No);
    assert_eq!(deposit(&store, "key", "r1").await.unwrap(), 100);
    let known = store.known_call("key", DIGEST).await.unwrap();
    assert_eq!(known, KnownCall::Answered(answer(b"100")));
    assert_eq!(store.known_call("key", [2; 32]).await.unwrap(), KnownCall::Other);
    let again = deposit(&store, "key", "r2").await;
    assert!(matches!(again, Err(store::MoneyError::Store(StoreError::KeyTaken))), "{again:?}");
    // Another operation under the same key changes nothing either.
    let claim = call(&store, "key").leaving(|_: &domain::CardProfile| Ok(None));
    let made = claim.scope(store.create_profile(profile())).await;
    assert!(matches!(made, Err(StoreError::KeyTaken)), "{made:?}");
    assert_eq!(deposited(&store).await, 100);
});

both_engines!(calls_with_one_key_at_once_move_money_once, |store, database| {
    let other = database.open_as(2).await;
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..24 {
        let store = if number % 2 == 0 { store.clone() } else { other.clone() };
        callers.spawn(async move { deposit(&store, "key", &format!("r{number}")).await });
    }
    let outcomes = callers.join_all().await;
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!((done, deposited(&store).await), (1, 100), "{outcomes:?}");
    other.close().await;
});

both_engines!(what_cannot_be_kept_is_not_done, |store, database| {
    refuse_keys(database, true).await;
    for _ in 0..2 {
        let refused = deposit(&store, "key", "r1").await;
        let Err(store::MoneyError::Store(error)) = refused else { panic!("{refused:?}") };
        assert!(!matches!(error, StoreError::KeyTaken), "{error}");
    }
    let claim = call(&store, "profile").leaving(|_: &domain::CardProfile| {
        Ok(Some(Kept::Answer(KeptAnswer { status: 200, body: Vec::new() })))
    });
    assert!(claim.scope(store.create_profile(profile())).await.is_err());
    refuse_keys(database, false).await;
    assert_eq!(deposited(&store).await, 0);
    assert_eq!(store.find::<CardProfile>((ENTERPRISE, profile().profile_id)).await.unwrap(), None);
    // A deposit of which no answer can be made is undone too.
    let claim = call(&store, "key")
        .leaving(|_: &MovedFunds| Err(StoreError::Corrupt("what is to be answered")));
    let moved = store.deposit(ENTERPRISE, usd(100), "r1".to_owned(), NOW);
    assert!(claim.scope(moved).await.is_err());
    assert_eq!(store.known_call("key", DIGEST).await.unwrap(), KnownCall::No);
    assert_eq!(deposit(&store, "key", "r1").await.unwrap(), 100);
});

both_engines!(a_refusal_takes_no_key, |store| {
    let claim = call(&store, "key").leaving(|_: &MovedFunds| Ok(None));
    let moved = store.withdraw(ENTERPRISE, usd(100), "r1".to_owned(), NOW);
    assert!(claim.scope(moved).await.is_err());
    assert_eq!(store.known_call("key", DIGEST).await.unwrap(), KnownCall::No);
});

both_engines!(no_key_is_free_again_because_its_call_took_long, |store, database| {
    let claim = call(&store, "key");
    store.begin_call(&claim, "object".to_owned()).await.unwrap();
    deposit(&store, "done", "r1").await.unwrap();
    database.tamper("UPDATE idempotency SET taken_at = taken_at - 3300000000000").await;
    let begun = KnownCall::Begun(Some("object".to_owned()));
    assert_eq!(store.known_call("key", DIGEST).await.unwrap(), begun);
    sweep(&store).await;
    assert_eq!(store.known_call("key", DIGEST).await.unwrap(), begun);
    assert!(deposit(&store, "done", "r2").await.is_err());
    store.keep_answer(&claim, answer(b"made")).await.unwrap();
    store.keep_answer(&claim, answer(b"other")).await.unwrap();
    let known = store.known_call("key", DIGEST).await.unwrap();
    assert_eq!(known, KnownCall::Answered(answer(b"made")));
    // Forty days and more.
    database.tamper("UPDATE idempotency SET taken_at = taken_at - 300000000000").await;
    sweep(&store).await;
    assert_eq!(store.known_call("key", DIGEST).await.unwrap(), KnownCall::No);
});
