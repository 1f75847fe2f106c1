//! What the advices of a link stated.

use domain::{
    ArrivedMessage, JobId, MessageFacts, MessageKind, MessageNumbers, MessageRecord, Money,
    NetworkMessageId, PanId, ResponseCode,
};
use store::{Advise, Store};

use crate::both_engines;
use crate::money::{NOW, assert_ledger, balances, fund, purchase, usd};

/// An advice of this amount, with the number `stan`.
pub fn advice(store: &Store, stan: u32, mti: &str, amount: Money) -> Advise {
    let begin = purchase(store.ids(), amount, None);
    let numbers = MessageNumbers {
        network: "switch".to_owned(),
        kind: MessageKind::Authorisation,
        acquirer: "412345".to_owned(),
        stan: format!("{stan:06}"),
        stamp: "20261129200001".to_owned(),
        rrn: String::new(),
    };
    let facts = MessageFacts { amount: Some(amount), ..MessageFacts::default() };
    let message = ArrivedMessage { identity: numbers.about(PanId::from_i64(5)), facts };
    let record = MessageRecord {
        message_id: NetworkMessageId::from_i64(store.ids().next()),
        link: "switch-a".to_owned(),
        mti: mti.to_owned(),
        settlement_date: None,
        settlement: None,
        auth_code: None,
        response_code: None,
    };
    Advise {
        message,
        kept: Some(record),
        names: None,
        record: begin.authorisation,
        decline: None,
        auth_code: None,
        posts: false,
        allows_more: false,
        must_clear: false,
        reversal_id: domain::AuthId::from_i64(store.ids().next()),
        job_id: JobId::from_i64(store.ids().next()),
        receipt: begin.receipt,
        webhooks: None,
        decision_webhooks: None,
        corrected_receipt: |stored, _| stored.to_owned(),
        vm_app_id: None,
        velocity: None,
        tariff: None,
        now: NOW,
    }
}

both_engines!(a_day_counts_the_advices_that_stand_for_approvals, |store| {
    fund(&store, 100).await;
    let from = store.clock().real_now();
    store.advise(advice(&store, 1, "0120", usd(700))).await.unwrap();
    store.advise(advice(&store, 2, "0121", usd(50))).await.unwrap();
    let declined =
        Advise { decline: Some(ResponseCode::NotAllowed), ..advice(&store, 3, "0120", usd(9_000)) };
    store.advise(declined).await.unwrap();
    // A request that clears what it names is no advice.
    store.advise(advice(&store, 4, "0200", usd(8_000))).await.unwrap();
    let to = store.clock().real_now().plus_millis(1);
    assert_eq!(store.stated_between("switch-a", (from, to)).await.unwrap(), [usd(750)]);
    assert_eq!(store.stated_between("switch-b", (from, to)).await.unwrap(), []);
    assert_eq!(store.stated_between("switch-a", (to, to.plus_millis(1))).await.unwrap(), []);
    // The same advice again holds nothing more.
    let before = balances(&store).await;
    store.advise(advice(&store, 1, "0121", usd(700))).await.unwrap();
    assert_eq!(balances(&store).await, before);
    assert_ledger(&store).await;
});
