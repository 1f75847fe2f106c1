//! A disk that is full for a while: the embedded store recovers by itself.

use std::time::Instant;

use crate::engine::Engine;
use crate::faults::Faults;
use crate::world::{WAIT, World, purchase};

/// More purchases than the files had room for before.
const MANY: usize = 2_000;

async fn is_approved(world: &World, card_id: &str) -> bool {
    let path = "/sandbox/v1/authorisations";
    let answer = world.operator.post(path, &purchase(card_id, "1.00")).await;
    answer.is_ok_and(|answer| answer["approved"] == true)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_store_works_again_once_there_is_room() {
    let faults = Faults::new();
    let world = World::among(&Engine::embedded(), &[], faults.variables()).await;
    let card_id = world.card("order-1").await;
    assert!(is_approved(&world, &card_id).await);
    faults.disk_is_full(true);
    let mut tried = 0;
    while is_approved(&world, &card_id).await {
        tried += 1;
        assert!(tried < MANY, "the disk is never full");
    }
    faults.disk_is_full(false);
    let began = Instant::now();
    while !is_approved(&world, &card_id).await {
        assert!(began.elapsed() < WAIT, "the store does not work again");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    // Signed calls are recorded again too, and no hold is left behind.
    while world.client.balance(domain::Currency::USD).await.is_err() {
        assert!(began.elapsed() < WAIT, "signed calls are not served again");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    world.verify_ledger().await;
}
