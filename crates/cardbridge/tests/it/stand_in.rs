//! What is approved in place of an enterprise that gives no usable answer, seen from outside
//! (network-iso8583.md section 6.3).

use std::time::Duration;

use domain::ResponseCode;
use serde_json::{Value, json};
use sim::Behaviour;

use crate::crash::authorisations;
use crate::engine::Engine;
use crate::iso_peer::message;
use crate::links::{Bed, ISO_LISTEN, is};
use crate::velocity::{advance, advance_into_a_month};
use crate::world::{SHORTEST_DEADLINE_MS, WAIT, World, purchase, text};

const DAY_SECONDS: i64 = 86_400;

async fn set_stand_in(world: &World, stand_in: Value) {
    let path = format!("/admin/v1/enterprises/{}", world.enterprise_id());
    let body = json!({ "standIn": stand_in });
    let changed = world.operator.patch(&path, &body).await.unwrap();
    assert_eq!(changed["standIn"], stand_in);
}

/// An authorisation by the sandbox API with more fields; returns its receipt.
async fn bought(world: &World, card_id: &str, amount: &str, more: Value) -> Value {
    let mut body = purchase(card_id, amount);
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = world.operator.post("/sandbox/v1/authorisations", &body).await.unwrap();
    receipt(world, &text(&answer, "authId")).await
}

async fn receipt(world: &World, auth_id: &str) -> Value {
    world.operator.get(&format!("/admin/v1/authorisations/{auth_id}")).await.unwrap()
}

/// A purchase by `fund-auth`; returns whether it is approved.
async fn funded(world: &World, card_id: &str, amount: &str) -> bool {
    let body = json!({ "cardId": card_id, "authType": "EXPEND", "amount": amount,
        "currency": "840" });
    let path = "/open-api/simulation/v1/fund-auth";
    let body = Some(serde_json::to_vec(&body).unwrap());
    let reply = world.client.call(sdk::Method::POST, path, &[], body).await.unwrap();
    let data: Value = serde_json::from_str(reply.data.as_ref().unwrap().get()).unwrap();
    data["approved"] == true
}

async fn a_silent_enterprise_is_stood_in_for(engine: Engine) {
    let bed = Bed::new(&engine, &ISO_LISTEN).await;
    let world = &bed.world;
    // At noon no day ends during the test.
    advance_into_a_month(world).await;
    world.set_deadline(SHORTEST_DEADLINE_MS).await;
    world.enterprise.answer(Behaviour::Silent);
    let mut peer = bed.signed_on().await;
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "05"));

    let terms = json!({ "mode": "approve_up_to", "amount": "15.50", "currency": "840",
        "dailyTotal": "40.00" });
    set_stand_in(world, terms).await;
    let answer = peer.ask(&bed.purchase(2)).await;
    assert_eq!(answer.outcome(), is("0110", "00"));
    assert_eq!(answer.text(38).map(str::len), Some(6));
    let above = bed.changed(3, &[(4, "000000001551")]);
    assert_eq!(peer.outcome(&above).await, is("0110", "05"));
    let reserved = bought(world, &bed.card_id, "10.00", json!({ "authType": "PRE_AUTH" })).await;
    assert_eq!(
        (&reserved["status"], &reserved["detail"]),
        (&json!("DECLINED"), &json!("no_answer"))
    );

    // The enterprise refuses too late: both stand in the receipt, and nothing changes.
    world.enterprise.answer(Behaviour::Held(ResponseCode::NotAllowed));
    let approved = bought(world, &bed.card_id, "10.00", json!({})).await;
    assert_eq!(approved["detail"], "stand_in_approved");
    let auth_id = text(&approved, "authId");
    world.enterprise.release();
    let shown = async {
        loop {
            let receipt = receipt(world, &auth_id).await;
            if receipt["lateAnswer"] != Value::Null {
                return receipt;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let receipt = tokio::time::timeout(WAIT, shown).await.expect("a late answer");
    assert_eq!(receipt["lateAnswer"]["responseCode"], "11");
    assert_eq!((&receipt["status"], &receipt["heldAmount"]), (&json!("APPROVED"), &json!("10.00")));
    assert_eq!(receipt["standIn"], json!({ "insteadOf": "no_answer", "approved": true }));
    let told = world.enterprise.wait_for_webhook(WAIT, |webhook| {
        webhook.business_id() == auth_id && webhook.text("/data/approveFlag") == "A"
    });
    told.await.expect("the result");

    // The enterprise's own 21 is a refusal; an unusable answer is none.
    world.enterprise.answer(Behaviour::Answer(ResponseCode::NoResponse));
    assert_eq!(peer.outcome(&bed.purchase(4)).await, is("0110", "05"));
    world.enterprise.answer(Behaviour::Status(500));
    assert!(funded(world, &bed.card_id, "14.50").await);
    // 15.50, 10.00 and 14.50 reach the day's total; the next day begins anew.
    let cash = bed.changed(5, &[(3, "010000"), (4, "000000000001")]);
    assert_eq!(peer.outcome(&cash).await, is("0110", "05"));
    let refused = bought(world, &bed.card_id, "0.01", json!({})).await;
    assert_eq!(refused["standIn"], json!({ "insteadOf": "http_status_500", "approved": false }));
    assert_eq!(world.available().await, "99960.00");
    advance(world, DAY_SECONDS).await;
    let cash = bed.changed(6, &[(3, "010000"), (4, "000000000001")]);
    assert_eq!(peer.outcome(&cash).await, is("0110", "00"));
    // A single message is posted in the commit that approves it.
    let mut single = bed.changed(8, &[(4, "000000000500")]);
    single.set_mti(message("0200", &[]).mti());
    assert_eq!(peer.outcome(&single).await, is("0210", "00"));
    let all = authorisations(&world.operator, &bed.card_id).await;
    let posted = all.values().find(|it| it["postedAmount"] == "5.00").expect("a posting");
    assert_eq!(posted["detail"], "stand_in_approved");

    set_stand_in(world, json!({ "mode": "decline" })).await;
    assert_eq!(peer.outcome(&bed.changed(7, &[(4, "000000000001")])).await, is("0110", "05"));
    world.verify_ledger().await;
}

#[tokio::test]
async fn a_silent_enterprise_is_stood_in_for_on_sqlite() {
    a_silent_enterprise_is_stood_in_for(Engine::embedded()).await;
}

#[tokio::test]
async fn a_silent_enterprise_is_stood_in_for_on_postgresql() {
    a_silent_enterprise_is_stood_in_for(Engine::postgres().await).await;
}
