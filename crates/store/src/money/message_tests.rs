//! Messages that an older version recognised are recognised after migration V18, which moved their
//! identities into a table of their own; identities are forgotten when their time is over.

use std::sync::Arc;

use domain::{
    ArrivedMessage, AuthId, CardId, Clock, EnterpriseId, IdGenerator, MessageFacts,
    MessageIdentity, MessageKind, NetworkMessageId, Timestamp,
};

use super::messages::{MESSAGES_A_SWEEP, NETWORK_KEY_DAYS, NetworkMessage, first_of, write};
use crate::migrations::old;
use crate::{Location, Store};

/// The last version of the schema whose authorisations were recognised by an index.
const OLD: i32 = 17;
const STAN: &str = "000001";
const RRN: &str = "123456789012";
const CARD: CardId = CardId::from_i64(7);
const KIND: MessageKind = MessageKind::Authorisation;
const DAY_MS: i64 = 24 * 3_600_000;

/// Authorisation 1 lost its key to 2; 3 follows 2 under the same numbers, on the card's twin; 4
/// has no numbers.
fn old_rows() -> String {
    let row = |id: i64, card: i64, original: &str, numbers: &str, retired: i64| {
        format!(
            "INSERT INTO authorisation (enterprise_id, auth_id, card_id, customer_id, outs_id, \
             original_auth_id, direction, auth_type, transaction_type, amount_minor, currency, \
             acquirer_amount_minor, acquirer_currency, fx_rate, stan, rrn, status, hold_state, \
             hold_remaining_minor, posted_minor, cleared_acquirer_minor, reversed_acquirer_minor, \
             created_at, receipt, key_retired) VALUES (1, {id}, {card}, 8, 9, {original}, \
             'OUTGOING', 'NORMAL', 'R', 100, 840, 100, 840, '1', {numbers}, 'PENDING', 'PENDING', \
             100, 0, 0, 0, {id}, '{{}}', {retired});"
        )
    };
    let numbers = format!("'{STAN}', '{RRN}'");
    [
        row(1, 7, "NULL", &numbers, 1),
        row(2, 7, "NULL", &numbers, 0),
        row(3, 6, "2", &numbers, 0),
        row(4, 7, "NULL", "NULL, NULL", 0),
    ]
    .concat()
}

async fn open(location: Location) -> Store {
    let clock = Clock::system();
    let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
    Store::open(location, clock, ids).await.unwrap()
}

async fn first(store: &Store, identity: MessageIdentity) -> Option<i64> {
    let found = store.write(crate::engine::with(identity, first_of)).await.unwrap();
    found.map(|it| it.auth_id.as_i64())
}

async fn old_messages_are_recognised(location: Location) {
    let store = open(location).await;
    assert_eq!(first(&store, MessageIdentity::of_card(KIND, CARD, STAN, RRN)).await, Some(2));
    let twin = CardId::from_i64(6);
    assert_eq!(first(&store, MessageIdentity::of_card(KIND, twin, STAN, RRN)).await, Some(3));
    let original = AuthId::from_i64(2);
    assert_eq!(first(&store, MessageIdentity::following(KIND, original, STAN, RRN)).await, Some(3));
    assert_eq!(first(&store, MessageIdentity::of_card(KIND, CARD, "000002", RRN)).await, None);
    store.close().await;
}

#[tokio::test]
async fn messages_of_an_embedded_store_are_recognised_after_the_migration() {
    let directory = tempfile::tempdir().unwrap();
    old_messages_are_recognised(old::on_file(&directory, OLD, &old_rows())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_on_a_server_are_recognised_after_the_migration() {
    old::on_server("store_messages", (OLD, &old_rows()), old_messages_are_recognised).await;
}

#[tokio::test]
async fn identities_are_forgotten_after_forty_days_of_real_time() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(old::on_file(&directory, OLD, &old_rows())).await;
    // Only the last message is one after which old ones are swept.
    let micros = store.clock().real_now().as_micros();
    let now = Timestamp::from_micros(micros - micros % MESSAGES_A_SWEEP);
    let kept_ms = NETWORK_KEY_DAYS * DAY_MS;
    let before = |millis: i64, micros: i64| {
        Timestamp::from_micros(now.plus_millis(-millis).as_micros() + micros)
    };
    let messages = [
        ("over", before(kept_ms + 1, -1)),
        ("within", before(kept_ms, 1)),
        ("unswept", before(kept_ms + 1, 1)),
        ("new", now),
    ];
    for (id, (stan, received_at)) in (101..).zip(messages) {
        let message = message(stan, id, received_at);
        store
            .write(crate::engine::with(message, async |tx, it| {
                write(tx, std::slice::from_ref(it)).await
            }))
            .await
            .unwrap();
    }
    let known = async |stan| first(&store, MessageIdentity::of_card(KIND, CARD, stan, RRN)).await;
    assert_eq!(known("over").await, None);
    for stan in ["within", "unswept", "new"] {
        assert_eq!(known(stan).await, Some(2), "{stan}");
    }
    store.close().await;
}

/// A message that made authorisation 2.
fn message(stan: &str, id: i64, received_at: Timestamp) -> NetworkMessage {
    let identity = MessageIdentity::of_card(KIND, CARD, stan, RRN);
    let (enterprise_id, auth_id) = (EnterpriseId::from_i64(1), AuthId::from_i64(2));
    let message_id = NetworkMessageId::from_i64(id);
    NetworkMessage {
        message_id,
        message: ArrivedMessage { identity, facts: MessageFacts::default() },
        enterprise_id: Some(enterprise_id),
        auth_id: Some(auth_id),
        outcome: None,
        stated_minor: None,
        received_at,
    }
}
