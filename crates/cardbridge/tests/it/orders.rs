//! `kill -9` between the steps of orders: each ends with exactly one card.

use std::collections::HashSet;
use std::time::Duration;

use crate::engine::Engine;
use crate::world::{WAIT, World, application};

const ORDERS: usize = 6;
/// The times of the kills after each start, spread over the steps of 200 ms.
const KILLS: [Duration; 4] = [
    Duration::from_millis(90),
    Duration::from_millis(230),
    Duration::from_millis(310),
    Duration::from_millis(150),
];

#[tokio::test]
async fn an_old_proof_of_address_is_a_warning_in_the_log() {
    let world = World::new(&Engine::embedded(), &[]).await;
    for (reference, kind, date) in [
        ("old-bill", "UTILITY_BILL", "2001-02-03"),
        ("no-rule", "ENTRY_ON_ELECTORAL_ROLL", "2001-02-03"),
    ] {
        let profile_id = world.sandbox()["enterprise"]["profileId"].as_str().unwrap().to_owned();
        let mut body = application(&profile_id, reference);
        body["kycInfo"]["poaDocType"] = kind.into();
        body["kycInfo"]["poaDocDate"] = date.into();
        let body = Some(serde_json::to_vec(&body).unwrap());
        let path = "/open-api/card-order/v1/apply-virtual";
        let reply = world.client.call(sdk::Method::POST, path, &[], body).await.unwrap();
        let data: serde_json::Value =
            serde_json::from_str(reply.data.as_ref().unwrap().get()).unwrap();
        let order_id = data["cardOrderId"].as_str().unwrap();
        world.card_of(order_id).await;
        let log = std::fs::read_to_string(world.data_dir().with_extension("log")).unwrap();
        let is_warning = |line: &&str| line.contains("poaDocDate") && line.contains(order_id);
        let warnings: Vec<_> = log.lines().filter(is_warning).collect();
        assert_eq!(warnings.len(), usize::from(reference == "old-bill"), "{warnings:?}");
        assert!(warnings.iter().all(|line| line.contains("WARN") && !line.contains(date)));
    }
}

async fn each_order_ends_with_one_card(engine: Engine) {
    let mut world = World::new(&engine, &[]).await;
    let mut orders = Vec::new();
    for number in 0..ORDERS {
        orders.push(world.apply(&format!("order-{number}")).await);
        // Each kill hits orders at different steps.
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    for pause in KILLS {
        tokio::time::sleep(pause).await;
        world.crash();
    }
    let mut cards = HashSet::new();
    for order_id in &orders {
        let card_id = world.card_of(order_id).await;
        let order = world.client.order(order_id).await.unwrap();
        assert_eq!(order.status, "SUCCEED");
        assert_eq!(order.card_id.as_deref(), Some(&*card_id));
        let of_customer = world.client.cards(&order.customer_id).await.unwrap();
        let ids: Vec<_> = of_customer.iter().map(|card| card.card_id.as_str()).collect();
        assert_eq!(ids, [&*card_id], "one card per customer");
        assert!(cards.insert(card_id), "one card per order");
    }
    told_in_order(&world, &orders).await;
    let reported: HashSet<_> = world
        .enterprise
        .webhooks()
        .iter()
        .filter(|webhook| webhook.webhook_type() == "CARD")
        .map(|webhook| webhook.business_id().to_owned())
        .collect();
    assert_eq!(reported, cards, "every reported card belongs to an order");
}

/// Each order's states arrived in order with none missing; resends count once.
async fn told_in_order(world: &World, orders: &[String]) {
    const STATES: [&str; 5] =
        ["PENDING", "CUSTOMER_PASS", "KYC_PASS", "CHANNEL_CUSTOMER_PASS", "SUCCEED"];
    let all_cards_told = world.enterprise.wait_for(WAIT, |webhooks| {
        let cards: HashSet<_> = webhooks
            .iter()
            .filter(|webhook| webhook.webhook_type() == "CARD")
            .map(|webhook| webhook.business_id())
            .collect();
        (cards.len() >= orders.len()).then_some(())
    });
    assert!(all_cards_told.await.is_some());
    for order_id in orders {
        let mut seen = HashSet::new();
        let states: Vec<_> = world
            .enterprise
            .webhooks()
            .into_iter()
            .filter(|webhook| webhook.business_id() == order_id)
            .filter(|webhook| seen.insert(webhook.webhook_id().to_owned()))
            .map(|webhook| webhook.text("/data/status").to_owned())
            .collect();
        assert_eq!(states, STATES);
    }
}

#[tokio::test]
async fn a_crash_between_order_steps_issues_one_card_on_the_embedded_store() {
    each_order_ends_with_one_card(Engine::embedded()).await;
}

#[tokio::test]
async fn a_crash_between_order_steps_issues_one_card_on_postgresql() {
    let engine = Engine::postgres().await;
    each_order_ends_with_one_card(engine).await;
}
