//! Authorisations that name an earlier one in DE90 and raise it (network-iso8583.md section 5.4).

use domain::ResponseCode;
use iso8583::Message;
use serde_json::{Value, json};
use sim::Behaviour;

use crate::crash::authorisations;
use crate::engine::Engine;
use crate::iso_peer::message;
use crate::link_reversals::reversal;
use crate::links::{Bed, ISO_LISTEN, is};
use crate::world::text;

/// A request for 10.00 USD that names the purchase of number `original`.
fn raising(bed: &Bed, stan: u32, original: u32, fields: &[(u8, &str)]) -> Message {
    let named = format!("0100{original:06}11291200010000041234500000000000");
    let own = [(4, "000000001000"), (90, named.as_str())];
    bed.changed(stan, &[&own, fields].concat())
}

/// The receipt of the authorisation that the message of this number made.
async fn receipt(bed: &Bed, stan: u32) -> Value {
    let all = authorisations(&bed.world.operator, &bed.card_id).await;
    let made: Vec<_> =
        all.values().filter(|it| it["rrn"] == json!(format!("6333{stan:08}"))).collect();
    let [it] = made[..] else { panic!("one authorisation of {stan}: {made:?}") };
    let path = format!("/admin/v1/authorisations/{}", text(it, "authId"));
    bed.world.operator.get(&path).await.unwrap()
}

async fn a_named_authorisation_is_raised(engine: Engine) {
    let bed = Bed::new(&engine, &ISO_LISTEN).await;
    let world = &bed.world;
    let mut peer = bed.signed_on().await;
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "00"));
    let first = receipt(&bed, 1).await;
    let by_ten = raising(&bed, 2, 1, &[]);
    let answer = peer.ask(&by_ten).await;
    assert_eq!(answer.outcome(), is("0110", "00"));
    assert_eq!(answer.message.get(90), by_ten.get(90));
    assert_eq!(world.available().await, "99974.50");
    // An increment that is named stands for the first of its bill.
    assert_eq!(peer.outcome(&raising(&bed, 3, 2, &[])).await, is("0110", "00"));
    for stan in [2, 3] {
        let raised = receipt(&bed, stan).await;
        assert_eq!(raised["originalAuthId"], first["authId"]);
        assert_eq!(raised["outsId"], first["outsId"]);
        assert_eq!(raised["request"]["notFollowed"], Value::Null);
    }
    let notice = &world.enterprise.notices()[1].data;
    assert_eq!(notice.original_auth_id.as_deref(), first["authId"].as_str());
    assert_eq!(notice.amount.as_str(), "10.00");
    // A refusal leaves the bill as it is.
    world.enterprise.answer(Behaviour::Answer(ResponseCode::NotAllowed));
    assert_eq!(peer.outcome(&raising(&bed, 4, 1, &[])).await, is("0110", "05"));
    world.enterprise.answer(Behaviour::APPROVE);
    assert_eq!(world.available().await, "99964.50");
    // The whole bill is reversed by its first message; a repeat still gets the first answer.
    assert_eq!(peer.outcome(&reversal(&bed, "0400", 20, 1, &[])).await, is("0410", "00"));
    assert_eq!(world.available().await, "100000.00");
    let mut repeat = raising(&bed, 2, 1, &[]);
    repeat.set_mti(message("0101", &[]).mti());
    let again = peer.ask(&repeat).await;
    assert_eq!((again.outcome(), again.text(38)), (is("0110", "00"), answer.text(38)));
    assert_eq!(world.available().await, "100000.00");

    // A reservation is raised as a reservation.
    assert_eq!(peer.outcome(&bed.changed(5, &[(25, "06")])).await, is("0110", "00"));
    assert_eq!(peer.outcome(&raising(&bed, 6, 5, &[(25, "06")])).await, is("0110", "00"));
    let (reserved, raised) = (receipt(&bed, 5).await, receipt(&bed, 6).await);
    assert_eq!(
        (&raised["authType"], &raised["originalAuthId"]),
        (&json!("PRE_AUTH"), &reserved["authId"])
    );

    // What cannot be raised is authorised by itself, and the receipt says why.
    world.enterprise.answer(Behaviour::DECLINE);
    assert_eq!(peer.outcome(&bed.purchase(7)).await, is("0110", "51"));
    world.enterprise.answer(Behaviour::APPROVE);
    for (stan, original, fields, why) in [
        (8, 999, &[][..], "not_found"),
        (10, 1, &[], "not_open"),
        (11, 7, &[], "not_open"),
        (12, 5, &[(49, "702")], "other_currency"),
    ] {
        let named = raising(&bed, stan, original, fields);
        assert_eq!(peer.outcome(&named).await, is("0110", "00"), "{why}");
        let alone = receipt(&bed, stan).await;
        assert_eq!(
            (&alone["request"]["notFollowed"], &alone["originalAuthId"]),
            (&json!(why), &Value::Null)
        );
        assert_eq!(alone["acquirerAmount"], "10.00");
    }
    world.verify_ledger().await;
}

/// A refund that names a purchase belongs to it, whether that is still held or posted.
async fn a_named_purchase_is_refunded(engine: Engine) {
    let bed = Bed::new(&engine, &ISO_LISTEN).await;
    let world = &bed.world;
    let mut peer = bed.signed_on().await;
    let single = |mut message: Message| {
        message.set_mti(crate::iso_peer::message("0200", &[]).mti());
        message
    };
    assert_eq!(peer.outcome(&single(bed.purchase(1))).await, is("0210", "00"));
    let bought = receipt(&bed, 1).await;
    let refund = |stan, original_mti: &str, original: u32, fields: &[(u8, &str)]| {
        let named = format!("{original_mti}{original:06}11291200010000041234500000000000");
        let own = [(3, "200000"), (4, "000000000400"), (90, named.as_str())];
        bed.changed(stan, &[&own, fields].concat())
    };
    // By a request and by a single message, each with its repeat.
    for (stan, message) in [(2, refund(2, "0200", 1, &[])), (3, single(refund(3, "0200", 1, &[])))]
    {
        let answer = peer.ask(&message).await;
        let again = peer.ask(&message).await;
        assert_eq!((again.text(39), again.text(38)), (Some("00"), answer.text(38)));
        let given = receipt(&bed, stan).await;
        assert_eq!(given["originalAuthId"], bought["authId"], "{given}");
        assert_eq!(
            (&given["postedAmount"], &given["direction"]),
            (&json!("4.00"), &json!("INCOMING"))
        );
        assert_eq!(given["request"]["notFollowed"], Value::Null);
    }
    assert_eq!(world.available().await, "99992.50");
    let notices = world.enterprise.notices();
    let notice = &notices[notices.len() - 1].data;
    assert_eq!(notice.original_auth_id.as_deref(), bought["authId"].as_str());

    // A refund of what is unknown, was declined or had another currency stands by itself.
    world.enterprise.answer(Behaviour::DECLINE);
    assert_eq!(peer.outcome(&bed.purchase(4)).await, is("0110", "51"));
    world.enterprise.answer(Behaviour::APPROVE);
    for (stan, mti, original, fields, why) in [
        (5, "0100", 999, &[][..], "not_found"),
        (6, "0100", 4, &[], "not_open"),
        (7, "0200", 2, &[], "not_found"),
        (8, "0200", 3, &[], "not_open"),
        (9, "0200", 1, &[(49, "702")], "other_currency"),
    ] {
        assert_eq!(peer.outcome(&refund(stan, mti, original, fields)).await, is("0110", "00"));
        let alone = receipt(&bed, stan).await;
        assert_eq!(
            (&alone["request"]["notFollowed"], &alone["originalAuthId"]),
            (&json!(why), &Value::Null),
            "{stan}"
        );
    }
    world.verify_ledger().await;
}

#[tokio::test]
async fn a_named_purchase_is_refunded_on_sqlite() {
    a_named_purchase_is_refunded(Engine::embedded()).await;
}

#[tokio::test]
async fn a_named_purchase_is_refunded_on_postgresql() {
    a_named_purchase_is_refunded(Engine::postgres().await).await;
}

#[tokio::test]
async fn a_named_authorisation_is_raised_on_sqlite() {
    a_named_authorisation_is_raised(Engine::embedded()).await;
}

#[tokio::test]
async fn a_named_authorisation_is_raised_on_postgresql() {
    a_named_authorisation_is_raised(Engine::postgres().await).await;
}
