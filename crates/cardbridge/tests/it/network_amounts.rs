//! The amounts that a card network names, seen from outside (network-iso8583.md sections 3.3 and
//! 3.4).

use iso8583::Message;
use serde_json::{Value, json};

use crate::crash::authorisations;
use crate::engine::Engine;
use crate::links::{Bed, ISO_LISTEN, is};
use crate::world::text;

/// 42.50 EUR, for which the network bills 49.30 USD.
const BILLED: [(u8, &str); 5] =
    [(4, "000000004250"), (49, "978"), (6, "000000004930"), (51, "840"), (10, "61160000")];

/// The only authorisation of this amount in the acquirer's currency.
async fn of_amount(bed: &Bed, acquirer_amount: &str) -> Value {
    let all = authorisations(&bed.world.operator, &bed.card_id).await;
    let mut found = all.into_values().filter(|it| it["acquirerAmount"] == acquirer_amount);
    let it = found.next().unwrap_or_else(|| panic!("no authorisation of {acquirer_amount}"));
    assert!(found.next().is_none());
    it
}

async fn the_networks_billing_amount_is_held(engine: Engine) {
    let bed = Bed::new(&engine, &ISO_LISTEN).await;
    let world = &bed.world;
    world.operator.put("/admin/v1/fx-rates", &json!({ "rates": [] })).await.unwrap();
    let mut peer = bed.signed_on().await;
    assert_eq!(peer.outcome(&bed.changed(1, &BILLED[..2])).await, is("0110", "05"), "no rate");

    let asked = bed.changed(2, &BILLED);
    let answer = peer.ask(&asked).await;
    assert_eq!(answer.outcome(), is("0110", "00"));
    for number in [4, 6, 49, 51] {
        assert_eq!(answer.message.get(number), asked.get(number), "DE{number}");
    }
    assert_eq!(world.available().await, "99950.70");
    let notice = &world.enterprise.notices()[0].data;
    let acquirer_amount = notice.acquirer_amount.as_ref().unwrap();
    assert_eq!((notice.amount.as_str(), acquirer_amount.as_str()), ("49.30", "42.50"));

    // 30.00 EUR remain, and are cleared by the bill's own proportion.
    let all = authorisations(&world.operator, &bed.card_id).await;
    let it = all.values().find(|it| it["status"] == "APPROVED").unwrap();
    assert_eq!((&it["amount"], &it["fxRate"]), (&json!("49.30"), &json!("1.16")));
    let path = format!("/sandbox/v1/authorisations/{}", text(it, "authId"));
    let part = json!({ "amount": "12.50" });
    world.operator.post(&format!("{path}/reverse"), &part).await.unwrap();
    assert_eq!(world.available().await, "99965.20", "34.80 USD are held");
    let part = json!({ "amount": "15.00", "final": false });
    world.operator.post(&format!("{path}/clear"), &part).await.unwrap();
    world.operator.post(&format!("{path}/clear"), &json!({})).await.unwrap();
    let all = authorisations(&world.operator, &bed.card_id).await;
    assert_eq!(all[&text(it, "authId")]["postedAmount"], "34.80");
    assert_eq!(world.available().await, "99965.20");

    // A fee that counts is inside the billing amount, in one currency too; without a rate it is
    // that of the two amounts.
    let fee = [(4, "000000000300"), (6, "000000000301"), (51, "840")];
    assert_eq!(peer.outcome(&bed.changed(3, &fee)).await, is("0110", "00"));
    let it = of_amount(&bed, "3.00").await;
    assert_eq!((&it["amount"], &it["fxRate"]), (&json!("3.01"), &json!("1.0033333333")));
    // What is billed in another currency than the card's is not used.
    let other = [(4, "000000000400"), (6, "000000000900"), (51, "702")];
    assert_eq!(peer.outcome(&bed.changed(4, &other)).await, is("0110", "00"));
    assert_eq!(of_amount(&bed, "4.00").await["amount"], "4.00");
    let free = [(6, "000000000000"), (51, "840")];
    assert_eq!(peer.outcome(&bed.changed(5, &free)).await, is("0110", "13"));
    let half: Message = bed.changed(6, &BILLED[..3]);
    assert_eq!(peer.ask(&half).await.text(44), Some("051"));
    world.verify_ledger().await;
}

#[tokio::test]
async fn the_networks_billing_amount_is_held_on_sqlite() {
    the_networks_billing_amount_is_held(Engine::embedded()).await;
}

#[tokio::test]
async fn the_networks_billing_amount_is_held_on_postgresql() {
    the_networks_billing_amount_is_held(Engine::postgres().await).await;
}
