//! Money through the grouping writer: holds, decisions, clearings, reversals, refunds.

use std::sync::Arc;

use domain::{
    AuthId, Authorisation, AuthorisationStatus, CardId, Cause, Currency, CustomerId, Direction,
    EnterpriseId, ErrorCode, HoldState, IdGenerator, MessageKind, Money, NetworkKey, OutsId, Payer,
    ResponseCode, Timestamp, TransactionType, WebhookEvent, WebhookSubType, WebhookType,
};
use store::{
    BeginAuthorisation, BeginOutcome, Change, ClearAuthorisation, DecideAuthorisation,
    DecideOutcome, FailedCheck, ForcedClearing, MoneyError, ReceiptRenderer, ReverseAuthorisation,
    Store, WebhookRenderer,
};

use crate::both_engines;

pub const ENTERPRISE: EnterpriseId = EnterpriseId::from_i64(4_000_000_000_000_000_001);
pub const NOW: Timestamp = Timestamp::from_micros(1_760_000_000_000_000);

pub fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

/// Always renders the same receipt, except for the limit that an authorisation would exceed.
#[derive(Debug)]
struct Receipt(&'static str);

impl ReceiptRenderer for Receipt {
    fn receipt(&self, _: &Authorisation, failed: Option<FailedCheck>) -> String {
        match failed {
            Some(FailedCheck::Limit(excess)) => format!("{{\"refused\":\"{excess}\"}}"),
            _ => self.0.to_owned(),
        }
    }
}

/// Reports decisions to the enterprise.
#[derive(Debug)]
struct Results;

impl WebhookRenderer for Results {
    fn webhook(&self, change: &Change<'_>) -> Option<WebhookEvent> {
        change.before.is_none().then(|| WebhookEvent {
            enterprise_id: change.after.enterprise_id,
            vm_app_id: None,
            webhook_id: change.webhook_id,
            webhook_type: WebhookType::AuthorisationResult,
            sub_type: WebhookSubType::Create,
            business_id: change.after.auth_id.as_i64(),
            body: b"{}".to_vec(),
            created_at: NOW,
        })
    }
}

pub fn purchase(ids: &IdGenerator, amount: Money, key: Option<NetworkKey>) -> BeginAuthorisation {
    let (auth_id, outs_id) = (AuthId::from_i64(ids.next()), OutsId::from_i64(ids.next()));
    let payer = Payer {
        enterprise_id: ENTERPRISE,
        card_id: CardId::from_i64(7),
        customer_id: CustomerId::from_i64(8),
        account: domain::AccountOwner::Deposit,
    };
    BeginAuthorisation {
        authorisation: Authorisation {
            network_key: key,
            hold_expires_at: Some(NOW.plus_seconds(3600)),
            ..Authorisation::purchase(payer, auth_id, outs_id, amount, NOW)
        },
        message: None,
        kind: MessageKind::Authorisation,
        receipt: Arc::new(Receipt("{}")),
        webhooks: Some(Arc::new(Results)),
        vm_app_id: None,
        velocity: None,
        tariff: None,
    }
}

pub fn decision(auth_id: AuthId, response_code: ResponseCode) -> DecideAuthorisation {
    let approved = response_code == ResponseCode::Approved;
    DecideAuthorisation {
        enterprise_id: ENTERPRISE,
        auth_id,
        cause: match response_code {
            ResponseCode::Approved => Cause::Approved,
            ResponseCode::InsufficientFunds => Cause::EnterpriseInsufficientFunds,
            ResponseCode::NotAllowed => Cause::EnterpriseNotAllowed,
            ResponseCode::NoResponse => Cause::EnterpriseNoResponse,
        },
        stand_in: None,
        auth_code: approved.then(|| "123456".to_owned()),
        posts: false,
        receipt: Arc::new(Receipt("{\"decided\":true}")),
        webhooks: Some(Arc::new(Results)),
        tariff: None,
        now: NOW,
    }
}

/// Holds and approves a purchase.
pub async fn approved(store: &Store, amount: Money) -> Authorisation {
    let begun = store.begin_authorisation(purchase(store.ids(), amount, None)).await.unwrap();
    let BeginOutcome::Held(held) = begun else { panic!("not held: {begun:?}") };
    let request = decision(held.auth_id, ResponseCode::Approved);
    match store.decide_authorisation(request).await.unwrap() {
        DecideOutcome::Decided(it) => it,
        other => panic!("not decided: {other:?}"),
    }
}

pub async fn balances(store: &Store) -> (i64, i64, i64) {
    let account = store.account(ENTERPRISE, Currency::USD).await.unwrap().unwrap();
    account.check().unwrap();
    (account.available_minor, account.held_minor, account.posted_minor)
}

pub async fn assert_ledger(store: &Store) {
    let report = store.verify_ledger().await.unwrap();
    assert_eq!(report.violations, []);
}

pub async fn fund(store: &Store, minor: i64) {
    store.deposit(ENTERPRISE, usd(minor), "start".to_owned(), NOW).await.unwrap();
}

both_engines!(concurrent_holds_never_exceed_the_deposit, |store| {
    fund(&store, 1_000).await;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let store = store.clone();
        callers.spawn(async move {
            let request = purchase(store.ids(), usd(30), None);
            store.begin_authorisation(request).await.unwrap()
        });
    }
    let outcomes = callers.join_all().await;
    let held = outcomes.iter().filter(|o| matches!(o, BeginOutcome::Held(_))).count();
    assert_eq!(held, 33);
    for outcome in outcomes {
        let BeginOutcome::Refused(it) = outcome else { continue };
        assert_eq!(it.status, AuthorisationStatus::Declined);
        assert_eq!(it.reject_reason, Some(ErrorCode::AuthInternalReject));
        assert_eq!(it.detail().as_deref(), Some("deposit_exhausted"));
        let told = store::DeliveryFilter {
            business_id: Some(it.auth_id.as_i64()),
            limit: 10,
            ..Default::default()
        };
        assert_eq!(store.deliveries(told).await.unwrap().len(), 1);
    }
    assert_eq!(balances(&store).await, (10, 990, 0));
    assert_ledger(&store).await;
});

both_engines!(the_networks_key_takes_one_hold, |store| {
    fund(&store, 1_000).await;
    let key = NetworkKey { stan: "000001".to_owned(), rrn: "123456789012".to_owned() };
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let (store, key) = (store.clone(), key.clone());
        callers.spawn(async move {
            let request = purchase(store.ids(), usd(10), Some(key));
            store.begin_authorisation(request).await.unwrap()
        });
    }
    let outcomes = callers.join_all().await;
    let held: Vec<_> = outcomes
        .iter()
        .filter_map(|o| if let BeginOutcome::Held(it) = o { Some(it.auth_id) } else { None })
        .collect();
    assert_eq!(held.len(), 1);
    for outcome in &outcomes {
        if let BeginOutcome::Repeated(it) = outcome {
            assert_eq!(it.auth_id, held[0]);
        }
    }
    assert_eq!(balances(&store).await, (990, 10, 0));
    assert_ledger(&store).await;
});

both_engines!(a_follower_is_known_again_by_what_it_follows_on_another_card_too, |store| {
    fund(&store, 1_000).await;
    let original = approved(&store, usd(100)).await;
    let key = NetworkKey { stan: "000002".to_owned(), rrn: "123456789012".to_owned() };
    let increment = |card: i64| {
        let mut request = purchase(store.ids(), usd(10), Some(key.clone()));
        request.authorisation.original_auth_id = Some(original.auth_id);
        request.authorisation.outs_id = original.outs_id;
        request.authorisation.card_id = CardId::from_i64(card);
        request
    };
    let mut callers = tokio::task::JoinSet::new();
    for card in (7..9).cycle().take(16) {
        let (store, request) = (store.clone(), increment(card));
        callers.spawn(async move { store.begin_authorisation(request).await.unwrap() });
    }
    let outcomes = callers.join_all().await;
    let is_held = |outcome: &&BeginOutcome| matches!(outcome, BeginOutcome::Held(_));
    assert_eq!(outcomes.iter().filter(is_held).count(), 1);
    let again = store.begin_authorisation(increment(10)).await.unwrap();
    assert!(matches!(again, BeginOutcome::Repeated(_)), "{again:?}");
    assert_eq!(balances(&store).await, (890, 110, 0));
    assert_ledger(&store).await;
});

both_engines!(what_is_posted_belongs_to_the_moment_of_its_commit, |store| {
    fund(&store, 1_000).await;
    let it = approved(&store, usd(200)).await;
    let started = store.clock().now();
    let clearing = ClearAuthorisation {
        auth_id: it.auth_id,
        acquirer_amount_minor: None,
        is_final: true,
        webhooks: None,
    };
    let cleared = store.clear_authorisation(clearing).await.unwrap().posting;
    let mut refund = purchase(store.ids(), usd(80), None);
    refund.authorisation.direction = Direction::Incoming;
    refund.authorisation.transaction_type = TransactionType::Refund;
    let refund_id = refund.authorisation.auth_id;
    store.begin_authorisation(refund).await.unwrap();
    let approval = decision(refund_id, ResponseCode::Approved);
    store.decide_authorisation(approval).await.unwrap();
    let mut record = approved(&store, usd(1)).await;
    record.auth_id = AuthId::from_i64(store.ids().next());
    (record.hold_state, record.posted_minor) = (HoldState::Posted, 1);
    (record.hold_remaining_minor, record.cleared_acquirer_minor) = (0, 1);
    let forced =
        ForcedClearing { record, receipt: "{}".to_owned(), vm_app_id: None, webhooks: None };
    let forced = store.force_clearing(forced).await.unwrap();
    let filter = store::PostingFilter { limit: 10, ..Default::default() };
    let postings = store.postings(filter).await.unwrap();
    assert_eq!((postings.len(), &postings[0]), (3, &cleared));
    for posting in postings {
        assert!(posting.posted_at >= started, "{posting:?}");
    }
    assert_eq!(forced.authorisation.created_at, forced.posting.posted_at);
    assert_ledger(&store).await;
});

both_engines!(an_authorisation_is_decided_once, |store| {
    fund(&store, 1_000).await;
    let begun = store.begin_authorisation(purchase(store.ids(), usd(100), None)).await.unwrap();
    let BeginOutcome::Held(held) = begun else { panic!("not held") };
    assert_eq!(balances(&store).await, (900, 100, 0));
    let declined = decision(held.auth_id, ResponseCode::NoResponse);
    let approve = decision(held.auth_id, ResponseCode::Approved);
    let (first, second) =
        tokio::join!(store.decide_authorisation(declined), store.decide_authorisation(approve));
    let decided = [first.unwrap(), second.unwrap()]
        .iter()
        .filter(|outcome| matches!(outcome, DecideOutcome::Decided(_)))
        .count();
    assert_eq!(decided, 1);
    let view = store.authorisation_view(held.auth_id).await.unwrap().unwrap();
    assert_eq!(view.receipt, "{\"decided\":true}");
    let left = if view.authorisation.status == AuthorisationStatus::Approved { 100 } else { 0 };
    assert_eq!(balances(&store).await, (1_000 - left, left, 0));
    let told = store::DeliveryFilter {
        business_id: Some(held.auth_id.as_i64()),
        limit: 10,
        ..Default::default()
    };
    assert_eq!(store.deliveries(told).await.unwrap().len(), 1);
    assert_ledger(&store).await;
});

both_engines!(clearing_reversal_and_refund_move_what_they_say, |store| {
    fund(&store, 1_000).await;
    let it = approved(&store, usd(200)).await;
    let clearing = |minor, is_final| ClearAuthorisation {
        auth_id: it.auth_id,
        acquirer_amount_minor: Some(minor),
        is_final,
        webhooks: None,
    };
    let posted = store.clear_authorisation(clearing(50, false)).await.unwrap();
    assert_eq!(posted.posting.amount, usd(50));
    assert_eq!(balances(&store).await, (800, 150, 50));
    let reversal_id = AuthId::from_i64(store.ids().next());
    let reversal = store
        .reverse_authorisation(ReverseAuthorisation {
            auth_id: it.auth_id,
            remaining_minor: None,
            takes_refunds: false,
            receipt: "{}".to_owned(),
            acquirer_amount_minor: Some(30),
            reversal_id,
            now: NOW,
            webhooks: None,
        })
        .await
        .unwrap();
    assert_eq!((reversal.auth_id, reversal.original_auth_id), (reversal_id, Some(it.auth_id)));
    assert_eq!((reversal.direction, reversal.outs_id), (Direction::Incoming, it.outs_id));
    assert_eq!(balances(&store).await, (830, 120, 50));
    store.clear_authorisation(clearing(150, true)).await.unwrap();
    assert_eq!(balances(&store).await, (800, 0, 200));
    let mut refund = purchase(store.ids(), usd(80), None);
    refund.authorisation.direction = Direction::Incoming;
    refund.authorisation.transaction_type = TransactionType::Refund;
    refund.authorisation.hold_expires_at = None;
    refund.authorisation.original_auth_id = Some(it.auth_id);
    let refund_id = refund.authorisation.auth_id;
    store.begin_authorisation(refund).await.unwrap();
    assert_eq!(balances(&store).await, (800, 0, 200));
    let approval = decision(refund_id, ResponseCode::Approved);
    store.decide_authorisation(approval).await.unwrap();
    assert_eq!(balances(&store).await, (880, 0, 120));
    assert_ledger(&store).await;
});

both_engines!(a_hold_expires_once_and_only_when_due, |store| {
    fund(&store, 1_000).await;
    let it = approved(&store, usd(200)).await;
    let due = NOW.plus_seconds(3600);
    assert!(!store.expire_hold(ENTERPRISE, it.auth_id, NOW, None).await.unwrap());
    assert_eq!(store.next_hold_expiry().await.unwrap(), Some(due));
    assert_eq!(store.expired_holds(due, 10).await.unwrap().len(), 1);
    assert!(store.expire_hold(ENTERPRISE, it.auth_id, due, None).await.unwrap());
    assert!(!store.expire_hold(ENTERPRISE, it.auth_id, due, None).await.unwrap());
    assert_eq!(balances(&store).await, (1_000, 0, 0));
    assert_eq!(store.next_hold_expiry().await.unwrap(), None);
    assert_ledger(&store).await;
});

both_engines!(a_reference_moves_money_once, |store| {
    let deposit = |minor, text: &str| store.deposit(ENTERPRISE, usd(minor), text.to_owned(), NOW);
    let (one, two) = tokio::join!(deposit(500, "a"), deposit(500, "a"));
    let repeats = [one.unwrap(), two.unwrap()].iter().filter(|moved| moved.repeated).count();
    assert_eq!(repeats, 1);
    assert!(matches!(deposit(501, "a").await, Err(MoneyError::ReferenceMismatch)));
    approved(&store, usd(300)).await;
    let withdraw = |minor, text: &str| store.withdraw(ENTERPRISE, usd(minor), text.to_owned(), NOW);
    let refused = withdraw(201, "b").await;
    assert!(matches!(refused, Err(MoneyError::Ledger(ledger::LedgerError::InsufficientFunds))));
    withdraw(200, "b").await.unwrap();
    assert!(withdraw(200, "b").await.unwrap().repeated);
    assert_eq!(balances(&store).await, (0, 300, 0));
    assert_ledger(&store).await;
});

both_engines!(one_bad_command_of_a_group_fails_alone, |store| {
    fund(&store, 10_000).await;
    let twin = purchase(store.ids(), usd(1), None);
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..40 {
        let store = store.clone();
        // The same id twice: the second insert breaks a unique index.
        let request = if number < 2 { twin.clone() } else { purchase(store.ids(), usd(1), None) };
        callers.spawn(async move { store.begin_authorisation(request).await.is_ok() });
    }
    let done = callers.join_all().await;
    assert_eq!(done.iter().filter(|ok| **ok).count(), 39);
    assert_eq!(balances(&store).await, (9_961, 39, 0));
    assert_ledger(&store).await;
});

both_engines!(two_processes_never_wait_for_one_another_over_a_bill, |store, database| {
    const ROUNDS: i64 = 40;
    fund(&store, 1_000_000).await;
    let (one, other) = (database.open_as(2).await, database.open_as(3).await);
    let original = approved(&store, usd(ROUNDS)).await;
    for round in 0..ROUNDS {
        let mut increment = purchase(store.ids(), usd(1), None);
        increment.authorisation.original_auth_id = Some(original.auth_id);
        increment.authorisation.outs_id = original.outs_id;
        let auth_id = increment.authorisation.auth_id;
        store.begin_authorisation(increment).await.unwrap();
        // One names the increment and one the original, and both work on the whole bill.
        let clearing = ClearAuthorisation {
            auth_id: original.auth_id,
            acquirer_amount_minor: Some(1),
            is_final: false,
            webhooks: None,
        };
        let approval = decision(auth_id, ResponseCode::Approved);
        let (decided, cleared) =
            tokio::join!(one.decide_authorisation(approval), other.clear_authorisation(clearing));
        assert!(matches!(decided, Ok(DecideOutcome::Decided(_))), "{decided:?}");
        assert!(cleared.is_ok(), "round {round}: {cleared:?}");
    }
    one.close().await;
    other.close().await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(database.deadlocks().await, 0);
    assert_eq!(balances(&store).await, (1_000_000 - 2 * ROUNDS, ROUNDS, ROUNDS));
    assert_ledger(&store).await;
});
