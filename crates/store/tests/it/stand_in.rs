//! Approvals in place of an enterprise that gave no usable answer: never above what its terms
//! allow.

use domain::{
    Authorisation, AuthorisationStatus, Cause, Currency, HoldState, Money, ResponseCode, StandIn,
    Timestamp, TransactionType,
};
use store::{BeginAuthorisation, BeginOutcome, DecideAuthorisation, DecideOutcome, Store};
use testkit::database::Database;
use tokio::task::JoinSet;

use crate::both_engines;
use crate::money::{NOW, assert_ledger, balances, decision, fund, purchase, usd};

const TERMS: StandIn =
    StandIn { currency: Currency::USD, amount_minor: 500, daily_total_minor: 1_200 };
const DAY_SECONDS: i64 = 86_400;

async fn held(store: &Store, request: BeginAuthorisation) -> Authorisation {
    match store.begin_authorisation(request).await.unwrap() {
        BeginOutcome::Held(it) => it,
        other => panic!("not held: {other:?}"),
    }
}

/// The decision where the enterprise said nothing.
fn unanswered(it: &Authorisation, now: Timestamp) -> DecideAuthorisation {
    DecideAuthorisation {
        cause: Cause::NoAnswer,
        stand_in: Some(TERMS),
        auth_code: Some("123456".to_owned()),
        now,
        ..decision(it.auth_id, ResponseCode::NoResponse)
    }
}

async fn decided(store: &Store, request: DecideAuthorisation) -> Authorisation {
    match store.decide_authorisation(request).await.unwrap() {
        DecideOutcome::Decided(it) => it,
        other => panic!("not decided: {other:?}"),
    }
}

/// Holds a request and leaves it unanswered at `now`; true if it is approved, with all that belongs
/// to an approval.
async fn is_approved(store: &Store, request: BeginAuthorisation, now: Timestamp) -> bool {
    let it = held(store, request).await;
    let it = decided(store, unanswered(&it, now)).await;
    let is_approved = it.status == AuthorisationStatus::Approved;
    let (cause, code, state) = if is_approved {
        (Cause::StandInApproved, Some("123456"), HoldState::Pending)
    } else {
        (Cause::NoAnswer, None, HoldState::Voided)
    };
    let found = (it.cause, it.auth_code.as_deref(), it.hold_state);
    assert_eq!(found, (Some(cause), code, state));
    is_approved
}

fn of(store: &Store, minor: i64) -> BeginAuthorisation {
    purchase(store.ids(), usd(minor), None)
}

fn increment(store: &Store, original: &Authorisation, minor: i64) -> BeginAuthorisation {
    let mut request = of(store, minor);
    request.authorisation.original_auth_id = Some(original.auth_id);
    request.authorisation.outs_id = original.outs_id;
    request
}

both_engines!(stand_in_keeps_to_its_amount_and_the_days_total, |store, database| {
    fund(&store, 100_000).await;
    assert!(!is_approved(&store, of(&store, 501), NOW).await);
    assert!(is_approved(&store, of(&store, 500), NOW).await);
    assert!(is_approved(&store, of(&store, 300), NOW).await);
    assert!(!is_approved(&store, of(&store, 401), NOW).await);
    assert!(is_approved(&store, of(&store, 400), NOW).await);
    assert!(!is_approved(&store, of(&store, 1), NOW).await);
    // The enterprise's own refusal, and a decision without terms, are not stood in for.
    let it = held(&store, of(&store, 1)).await;
    let refusal = decision(it.auth_id, ResponseCode::NoResponse);
    assert_eq!(decided(&store, refusal).await.status, AuthorisationStatus::Declined);
    // Another day, and another currency, have totals of their own.
    let tomorrow = NOW.plus_seconds(DAY_SECONDS);
    assert!(is_approved(&store, of(&store, 500), tomorrow).await);
    let sgd = Money::new(500, Currency::SGD);
    store.deposit(crate::money::ENTERPRISE, sgd, "sgd".to_owned(), NOW).await.unwrap();
    assert!(!is_approved(&store, purchase(store.ids(), sgd, None), tomorrow).await);
    let mut inquiry = of(&store, 0);
    inquiry.authorisation.transaction_type = TransactionType::Inquiry;
    let it = held(&store, inquiry).await;
    let declined = decided(&store, unanswered(&it, tomorrow)).await;
    assert_eq!(declined.cause, Some(Cause::NoAnswer));
    assert_eq!(balances(&store).await, (98_300, 1_700, 0));
    assert_ledger(&store).await;

    database
        .tamper("UPDATE stand_in_use SET approved_minor = 1199 WHERE approved_minor = 1200")
        .await;
    let report = store.verify_ledger().await.unwrap();
    let [violation] = &report.violations[..] else { panic!("{report:?}") };
    let rule = "is 1199, its authorisations come to 1200";
    assert!(violation.rule.ends_with(rule), "{violation:?}");
});

both_engines!(an_increment_is_judged_by_what_it_raises_its_bill_to, |store| {
    fund(&store, 100_000).await;
    let it = held(&store, of(&store, 300)).await;
    let original = decided(&store, unanswered(&it, NOW)).await;
    assert!(!is_approved(&store, increment(&store, &original, 201), NOW).await);
    assert!(is_approved(&store, increment(&store, &original, 200), NOW).await);
    assert!(!is_approved(&store, increment(&store, &original, 1), NOW).await);
    assert_eq!(balances(&store).await, (99_500, 500, 0));
    assert_ledger(&store).await;
});

/// Two processes decide at once; together they approve exactly what the day allows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_never_exceed_the_days_total() {
    const EACH: usize = 20;
    for isolation in ["read committed", "serializable"] {
        let database = Database::on_server().await;
        database.set("default_transaction_isolation", &format!("'{isolation}'")).await;
        let stores = [database.open_as(1).await, database.open_as(2).await];
        fund(&stores[0], 100_000).await;
        let mut waiting = Vec::new();
        for _ in 0..EACH {
            for store in &stores {
                waiting.push((store.clone(), held(store, of(store, 110)).await));
            }
        }
        let mut deciding = JoinSet::new();
        for (store, it) in waiting {
            deciding.spawn(async move { decided(&store, unanswered(&it, NOW)).await.status });
        }
        let decisions = deciding.join_all().await;
        let approved = decisions.iter().filter(|it| **it == AuthorisationStatus::Approved).count();
        // Ten times 1.10 are below 12.00, eleven are above.
        assert_eq!((approved, decisions.len()), (10, 2 * EACH), "{isolation}");
        assert_eq!(balances(&stores[0]).await, (98_900, 1_100, 0));
        assert_ledger(&stores[1]).await;
        for store in &stores {
            store.close().await;
        }
        database.drop().await;
    }
}
