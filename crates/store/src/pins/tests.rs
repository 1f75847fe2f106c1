//! A wrong PIN that an older version counted is known after migration V20.

use domain::{Clock, IdGenerator, MessageKind};

use super::*;
use crate::Location;
use crate::migrations::old;

/// The last version of the schema that knew a counted PIN by STAN and RRN alone.
const OLD: i32 = 19;
const OLD_ROW: &str = "INSERT INTO pin_try (enterprise_id, card_id, stan, rrn, counted_at) \
    VALUES (1, 7, '000001', '123456789012', 5)";
const CARD: CardId = CardId::from_i64(7);
const KIND: MessageKind = MessageKind::Authorisation;

async fn is_known(store: &Store, identity: MessageIdentity) -> bool {
    let it = PinTry {
        enterprise_id: EnterpriseId::from_i64(1),
        card_id: CARD,
        numbers: identity.numbers,
        counted_at: Timestamp::from_micros(0),
    };
    store.write(with(it, is_counted)).await.unwrap()
}

async fn old_tries_are_known(location: Location) {
    let clock = Clock::system();
    let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
    let store = Store::open(location, clock, ids).await.unwrap();
    let simulated = MessageIdentity::of_card(KIND, CARD, "000001", "123456789012");
    let mut of_link = simulated.clone();
    of_link.numbers.network = "switch".to_owned();
    let mut financial = simulated.clone();
    financial.numbers.kind = MessageKind::Financial;
    assert!(is_known(&store, simulated).await);
    for other in
        [of_link, financial, MessageIdentity::of_card(KIND, CARD, "000002", "123456789012")]
    {
        assert!(!is_known(&store, other).await);
    }
    store.close().await;
}

#[tokio::test]
async fn tries_of_an_embedded_store_are_known_after_the_migration() {
    let directory = tempfile::tempdir().unwrap();
    old_tries_are_known(old::on_file(&directory, OLD, OLD_ROW)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_on_a_server_are_known_after_the_migration() {
    old::on_server("store_pin_tries", (OLD, OLD_ROW), old_tries_are_known).await;
}
