//! The amounts that a card network names, seen from outside (network-iso8583.md sections 3.3 and
//! 3.4).

use iso8583::Message;
use serde_json::{Value, json};

use crate::crash::authorisations;
use crate::engine::Engine;
use crate::iso_peer::{Peer, message};
use crate::link_reversals::{remaining, reversal};
use crate::links::{Bed, ISO_LISTEN, configured, is, table};
use crate::vm_settings::App;
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
    let thirty = remaining(3_000);
    let to = [&BILLED[..4], &[(95, thirty.as_str())]].concat();
    assert_eq!(peer.outcome(&reversal(&bed, "0420", 20, 2, &to)).await, is("0430", "00"));
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

/// A card of dialect 2 and its number.
async fn vm_card(app: &App, order: Value) -> (String, String) {
    let mut named = json!({ "first_name": "Test", "last_name": "User" });
    named.as_object_mut().unwrap().extend(order.as_object().unwrap().clone());
    let card = app.done("/createCard", named).await;
    let pan = text(&app.done("/cardDetail", card.clone()).await, "card_number");
    (text(&card, "card_id"), pan)
}

/// A balance inquiry with a card of this number.
fn inquiry(bed: &Bed, stan: u32, pan: &str) -> Message {
    let mut inquiry =
        bed.changed(stan, &[(2, pan), (3, "310000"), (4, "000000000000"), (25, "02")]);
    inquiry.remove(14);
    inquiry
}

async fn balances_are_shown_of_cards_that_are_decided_here(engine: Engine) {
    let directory = tempfile::tempdir().unwrap();
    let tables = table("default", "") + &table("strict", "balance-required = true");
    let file = configured(&directory, &tables);
    let bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let app = App::of(&bed.world.data_dir()).await;
    let mut peer = bed.signed_on().await;
    let mut strict = Peer::signed_on(&bed.address("strict")).await;

    // V11's balances.
    let order = json!({ "product_code": app.save, "amount": 120 });
    let (card_id, pan) = vm_card(&app, order).await;
    assert!(app.buy(&card_id, "24.75").await);
    let first = peer.ask(&inquiry(&bed, 1, &pan)).await;
    assert_eq!(first.outcome(), is("0110", "00"));
    assert_eq!(first.text(54), Some("0001840C0000000120000002840C000000009525"));
    // A repeat shows what the card has by then.
    assert!(app.buy(&card_id, "5.25").await);
    let mut repeat = inquiry(&bed, 1, &pan);
    repeat.set_mti(message("0101", &[]).mti());
    let again = peer.ask(&repeat).await;
    assert_eq!(again.text(54), Some("0001840C0000000120000002840C000000009000"));
    assert_eq!(again.text(38), first.text(38));
    // A credit line shows what its limits leave.
    let order = json!({ "product_code": app.share, "amount": 500, "day_limit": 20 });
    let (card_id, line) = vm_card(&app, order).await;
    assert!(app.buy(&card_id, "5.50").await);
    let answer = strict.ask(&inquiry(&bed, 2, &line)).await;
    assert_eq!(
        (answer.outcome(), answer.text(54)),
        (is("0110", "00"), Some("0002840C000000001450"))
    );
    // Only an inquiry about balances shows them, and only if it is approved.
    for (stan, code) in [(3, "330000"), (4, "000000")] {
        let mut check = inquiry(&bed, stan, &pan);
        check.set(3, code.as_bytes()).unwrap();
        let answer = peer.ask(&check).await;
        assert_eq!((answer.outcome(), answer.text(54)), (is("0110", "00"), None), "{code}");
    }
    let mut expired = inquiry(&bed, 5, &pan);
    expired.set(14, b"2001").unwrap();
    let answer = peer.ask(&expired).await;
    assert_eq!((answer.outcome(), answer.text(54)), (is("0110", "54"), None));

    // The deposit of a forwarded card is not disclosed.
    let answer = peer.ask(&inquiry(&bed, 6, &bed.pan)).await;
    assert_eq!((answer.outcome(), answer.text(54)), (is("0110", "00"), None));
    let asked = bed.world.enterprise.notice_count();
    assert_eq!(strict.outcome(&inquiry(&bed, 7, &bed.pan)).await, is("0110", "40"));
    assert_eq!(bed.world.enterprise.notice_count(), asked, "nobody is asked");
    bed.world.verify_ledger().await;
}

#[tokio::test]
async fn balances_are_shown_of_cards_that_are_decided_here_on_sqlite() {
    balances_are_shown_of_cards_that_are_decided_here(Engine::embedded()).await;
}

#[tokio::test]
async fn balances_are_shown_of_cards_that_are_decided_here_on_postgresql() {
    balances_are_shown_of_cards_that_are_decided_here(Engine::postgres().await).await;
}
