//! Facts by a link: advices of what the network decided, and single messages.

use domain::ResponseCode;
use iso8583::Message;
use serde_json::{Value, json};
use sim::Behaviour;

use crate::engine::Engine;
use crate::iso_peer::message;
use crate::link_reversals::{bed, notices, of_rrn, on_both_engines, remaining, reversal};
use crate::links::{Bed, configured, is, table};
use crate::world::{WAIT, text};

/// An advice with the numbers of the purchase `stan`, of this many minor units.
pub fn advice(bed: &Bed, mti: &str, stan: u32, minor: u32, fields: &[(u8, &str)]) -> Message {
    let amount = format!("{minor:012}");
    let given = [&[(4, &*amount), (38, "775533"), (39, "00")], fields].concat();
    let mut own = bed.changed(stan, &given);
    own.set_mti(message(mti, &[]).mti());
    own.remove(14);
    for (number, _) in fields.iter().filter(|(_, text)| text.is_empty()) {
        own.remove(*number);
    }
    own
}

/// DE90 that names the message of this type and number.
pub fn naming(mti: &str, stan: u32) -> String {
    format!("{mti}{stan:06}11291200010000041234500000000000")
}

/// True if an account of the enterprise was forced below zero.
async fn is_forced(bed: &Bed) -> bool {
    let path = format!("/admin/v1/ledger/accounts?enterpriseId={}", bed.world.enterprise_id());
    let accounts = bed.world.operator.get(&path).await.unwrap();
    accounts["items"].as_array().unwrap().iter().any(|it| it["forcedNegative"] == true)
}

/// The posted transactions of an authorisation: direction and amount, oldest first.
pub async fn posted(bed: &Bed, auth_id: &str) -> Vec<(String, String)> {
    let path = format!("/admin/v1/transactions?order=asc&authId={auth_id}");
    let all = bed.world.operator.get(&path).await.unwrap();
    let rows = all["items"].as_array().unwrap();
    rows.iter().map(|it| (text(it, "direction"), text(it, "amount"))).collect()
}

/// The flag of the result webhook of an authorisation.
async fn flag(bed: &Bed, auth_id: &str) -> String {
    let enterprise = &bed.world.enterprise;
    let result = enterprise.wait_for_webhook(WAIT, |it| it.business_id() == auth_id).await;
    result.expect("the result webhook arrives").text("/data/approveFlag").to_owned()
}

/// The newest authorisation of this number, once its `detail` is known.
pub async fn settled(bed: &Bed, stan: u32, detail: &str) -> Value {
    let search = async {
        loop {
            let all = of_rrn(bed, stan).await;
            if let Some(it) = all.into_iter().find(|it| it["detail"] == json!(detail)) {
                return it;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(WAIT, search).await.unwrap_or_else(|_| panic!("no {detail}"))
}

async fn an_advice_is_a_fact(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    let frozen = json!({ "cardId": bed.card_id, "freeze": true });
    let path = wire::cardbridge::card::FREEZE_PATH;
    let body = serde_json::to_vec(&frozen).unwrap();
    bed.world.client.call(sdk::Method::POST, path, &[], Some(body)).await.unwrap();
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "62"), "a frozen card");

    // The network approved it in our place: held, though the card is frozen and the deposit less.
    let large = advice(&bed, "0120", 1, 10_000_001, &[]);
    assert_eq!(peer.outcome(&large).await, is("0130", "00"));
    assert_eq!(bed.world.available().await, "-0.01");
    assert!(is_forced(&bed).await);
    let it = settled(&bed, 1, "advice").await;
    assert_eq!((&it["status"], &it["authCode"]), (&json!("APPROVED"), &json!("775533")));
    notices(&bed, 1).await;
    assert_eq!(flag(&bed, &text(&it, "authId")).await, "A");
    let mut again = advice(&bed, "0121", 1, 10_000_001, &[(7, "1129120009")]);
    assert_eq!(peer.outcome(&again).await, is("0130", "00"));
    again.set_mti(message("0101", &[]).mti());
    assert_eq!(bed.world.available().await, "-0.01");
    notices(&bed, 1).await;

    // What the enterprise says to it changes nothing.
    for (stan, behaviour, detail) in [
        (2, Behaviour::DECLINE, "advice_refused"),
        (3, Behaviour::Status(500), "advice_not_answered"),
    ] {
        bed.world.enterprise.answer(behaviour);
        let small = advice(&bed, "0120", stan, 100, &[]);
        assert_eq!(peer.outcome(&small).await, is("0130", "00"));
        let it = settled(&bed, stan, detail).await;
        assert_eq!(it["status"], "APPROVED");
        assert_eq!(flag(&bed, &text(&it, "authId")).await, "A");
    }
    assert_eq!(bed.world.available().await, "-2.01");

    let other = advice(&bed, "0121", 1, 10_000_001, &[(3, "010000")]);
    assert_eq!(peer.outcome(&other).await, is("0130", "94"), "another message");
    let stranger = advice(&bed, "0120", 4, 100, &[(2, "4000990012345678")]);
    assert_eq!(peer.outcome(&stranger).await, is("0130", "14"));
    assert_eq!(peer.outcome(&stranger).await, is("0130", "14"));
    let bare = advice(&bed, "0120", 5, 100, &[(49, "")]);
    assert_eq!(peer.ask(&bare).await.text(44), Some("049"));
    bed.world.verify_ledger().await;
}

/// The commit of an advice has the job that tells it, so that a kill loses neither.
async fn an_advice_is_told_after_a_kill(engine: Engine) {
    let (mut bed, mut peer) = bed(&engine).await;
    bed.world.enterprise.answer(Behaviour::Held(ResponseCode::Approved));
    for stan in 1..=2 {
        let fact = advice(&bed, "0120", stan, 100, &[]);
        assert_eq!(peer.outcome(&fact).await, is("0130", "00"));
        notices(&bed, stan as usize).await;
    }
    // The last one is answered at the moment of the kill, and may not be told yet.
    assert_eq!(peer.outcome(&advice(&bed, "0120", 3, 100, &[])).await, is("0130", "00"));
    bed.world.kill();
    bed.world.enterprise.answer(Behaviour::APPROVE);
    bed.world.start_again();
    let mut ids = Vec::new();
    for stan in 1..=3 {
        let it = settled(&bed, stan, "advice").await;
        assert_eq!(flag(&bed, &text(&it, "authId")).await, "A");
        ids.push(text(&it, "authId"));
    }
    // A notice that is sent again is the same one.
    for auth_id in &ids {
        let told = bed.world.enterprise.notices();
        let of_it = told.iter().filter(|it| it.data.auth_id.as_str() == auth_id);
        let webhooks: std::collections::BTreeSet<_> = of_it.map(|it| &it.webhook_id).collect();
        assert_eq!(webhooks.len(), 1, "{auth_id}");
    }
    assert!(bed.world.enterprise.notice_count() >= 5, "the first two are told twice");
    assert_eq!(bed.world.available().await, "99997.00");
    bed.world.verify_ledger().await;
}

async fn an_advice_corrects_what_was_answered(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    // Declined here, approved by the network.
    bed.world.enterprise.answer(Behaviour::DECLINE);
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "51"));
    bed.world.enterprise.answer(Behaviour::APPROVE);
    assert_eq!(peer.outcome(&advice(&bed, "0120", 1, 1_550, &[])).await, is("0130", "00"));
    assert_eq!(bed.world.available().await, "99984.50");
    let mut repeat = bed.purchase(1);
    repeat.set_mti(message("0101", &[]).mti());
    assert_eq!(peer.ask(&repeat).await.text(38), Some("775533"), "the network's fact counts");

    // Approved here: declined, less and more by the network.
    assert_eq!(peer.outcome(&bed.purchase(2)).await, is("0110", "00"));
    assert_eq!(bed.world.available().await, "99969.00");
    let declined = advice(&bed, "0120", 2, 1_550, &[(39, "51")]);
    for _ in 0..2 {
        assert_eq!(peer.outcome(&declined).await, is("0130", "00"));
        assert_eq!(bed.world.available().await, "99984.50");
    }
    assert_eq!(peer.outcome(&bed.purchase(3)).await, is("0110", "00"));
    for (minor, left) in [(1_000, "99974.50"), (1_000, "99974.50"), (3_000, "99954.50")] {
        let adjusted = advice(&bed, "0120", 3, minor, &[]);
        assert_eq!(peer.outcome(&adjusted).await, is("0130", "00"));
        assert_eq!(bed.world.available().await, left, "{minor}");
    }

    // Undecided here: the network's decision comes first. The enterprise was asked thrice, and told
    // of two advices and two reversals.
    notices(&bed, 7).await;
    bed.world.enterprise.answer(Behaviour::Held(ResponseCode::Approved));
    peer.send(&bed.purchase(4)).await;
    notices(&bed, 8).await;
    assert_eq!(peer.outcome(&advice(&bed, "0120", 4, 2_000, &[])).await, is("0130", "00"));
    assert_eq!(bed.world.available().await, "99934.50");
    settled(&bed, 4, "superseded_by_advice").await;
    bed.world.enterprise.release();
    bed.world.enterprise.answer(Behaviour::APPROVE);
    assert_eq!(peer.receive().await.unwrap().outcome(), is("0110", "05"));
    assert_eq!(bed.world.available().await, "99934.50");

    // A decline that nobody had asked about is recorded, and told.
    let news = advice(&bed, "0120", 5, 1_550, &[(38, ""), (39, "61")]);
    assert_eq!(peer.outcome(&news).await, is("0130", "00"));
    let it = settled(&bed, 5, "network_declined").await;
    assert_eq!((&it["status"], &it["responseCode"]), (&json!("DECLINED"), &json!("01")));
    assert_eq!(flag(&bed, &text(&it, "authId")).await, "D");
    bed.world.verify_ledger().await;
}

async fn a_single_message_is_posted_at_once(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    let sale = |mti, stan, fields: &[(u8, &str)]| {
        let mut own = bed.changed(stan, fields);
        own.set_mti(message(mti, &[]).mti());
        own
    };
    let answer = peer.ask(&sale("0200", 1, &[(4, "000000010000")])).await;
    assert_eq!(answer.outcome(), is("0210", "00"));
    assert_eq!(bed.world.available().await, "99900.00");
    let it = &of_rrn(&bed, 1).await[0];
    assert_eq!((&it["holdState"], &it["detail"]), (&json!("POSTED"), &json!("approved")));
    let auth_id = text(it, "authId");
    let of = |direction: &str, amount: &str| (direction.to_owned(), amount.to_owned());
    assert_eq!(posted(&bed, &auth_id).await, [of("OUTGOING", "100.00")]);
    let repeat = peer.ask(&sale("0201", 1, &[(4, "000000010000")])).await;
    assert_eq!(repeat.text(38), answer.text(38));
    assert_eq!(bed.world.available().await, "99900.00");
    // The same numbers of an authorisation are another message.
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "00"));
    assert_eq!(bed.world.available().await, "99884.50");

    // Taken back by posting the other way, to a target.
    let named = naming("0200", 1);
    for (stan, left, available) in [
        (20, 3_000, "99954.50"),
        (20, 3_000, "99954.50"),
        (21, 5_000, "99954.50"),
        (22, 0, "99984.50"),
    ] {
        let fields = [(4, "000000010000"), (90, &named), (95, &remaining(left))];
        let undo = reversal(&bed, "0420", stan, 1, &fields);
        assert_eq!(peer.outcome(&undo).await, is("0430", "00"), "to {left}");
        assert_eq!(bed.world.available().await, available, "to {left}");
    }
    let all = of_rrn(&bed, 1).await;
    assert_eq!(posted(&bed, &auth_id).await, [of("OUTGOING", "100.00")], "{all:?}");
    bed.world.verify_ledger().await;

    // A refund is posted, and taken back the same way.
    assert_eq!(peer.outcome(&sale("0200", 2, &[(3, "200000")])).await, is("0210", "00"));
    assert_eq!(bed.world.available().await, "100000.00");
    let undo = reversal(&bed, "0400", 30, 2, &[(3, "200000"), (90, &naming("0200", 2))]);
    for mti in ["0400", "0401"] {
        let mut undo = reversal(&bed, mti, 30, 2, &[(3, "200000"), (90, &naming("0200", 2))]);
        undo.set_mti(message(mti, &[]).mti());
        assert_eq!(peer.outcome(&undo).await, is("0410", "00"));
        assert_eq!(bed.world.available().await, "99984.50");
    }
    drop(undo);
    // A decline posts nothing.
    bed.world.enterprise.answer(Behaviour::DECLINE);
    assert_eq!(peer.outcome(&sale("0200", 3, &[])).await, is("0210", "51"));
    assert_eq!(bed.world.available().await, "99984.50");
    bed.world.verify_ledger().await;
}

async fn a_financial_advice_is_posted(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    // It clears the authorisation that it names, and gives the rest back.
    assert_eq!(peer.outcome(&bed.changed(1, &[(4, "000000010000")])).await, is("0110", "00"));
    let completion = |mti| advice(&bed, mti, 10, 4_000, &[(90, &naming("0100", 1))]);
    for mti in ["0220", "0221"] {
        assert_eq!(peer.outcome(&completion(mti)).await, is("0230", "00"));
        assert_eq!(bed.world.available().await, "99960.00");
    }
    let it = &of_rrn(&bed, 1).await[0];
    assert_eq!(it["holdState"], "POSTED");
    // Without one it is posted by force, once, and nobody is asked.
    let asked = bed.world.enterprise.notice_count();
    for mti in ["0220", "0221"] {
        assert_eq!(peer.outcome(&advice(&bed, mti, 11, 1_000, &[])).await, is("0230", "00"));
        assert_eq!(bed.world.available().await, "99950.00");
    }
    let forced = settled(&bed, 11, "forced").await;
    assert_eq!(forced["authCode"], "775533");
    assert_eq!(bed.world.enterprise.notice_count(), asked);
    // It corrects a sale to its amount, in both directions.
    let mut sale = bed.changed(2, &[(4, "000000002000")]);
    sale.set_mti(message("0200", &[]).mti());
    assert_eq!(peer.outcome(&sale).await, is("0210", "00"));
    let named = naming("0200", 2);
    for (stan, minor, available) in [
        (12, 2_500, "99925.00"),
        (13, 2_500, "99925.00"),
        (14, 500, "99945.00"),
        (15, 700, "99943.00"),
    ] {
        let correction = advice(&bed, "0220", stan, minor, &[(90, &named)]);
        assert_eq!(peer.outcome(&correction).await, is("0230", "00"));
        assert_eq!(bed.world.available().await, available, "{minor}");
    }
    // A refund is money for the cardholder, told afterwards.
    let refund = |mti| advice(&bed, mti, 16, 700, &[(3, "200000")]);
    for mti in ["0220", "0221"] {
        assert_eq!(peer.outcome(&refund(mti)).await, is("0230", "00"));
        assert_eq!(bed.world.available().await, "99950.00");
    }
    settled(&bed, 16, "advice").await;
    // What cleared an authorisation is posted back when the network takes it back.
    let undo = reversal(&bed, "0420", 40, 10, &[(90, &naming("0220", 10))]);
    assert_eq!(peer.outcome(&undo).await, is("0430", "00"));
    assert_eq!(bed.world.available().await, "99990.00");
    bed.world.verify_ledger().await;
}

async fn a_single_message_follows_what_it_names(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    let sale = |stan, minor: u32, named: &str| {
        let amount = format!("{minor:012}");
        let mut own = bed.changed(stan, &[(4, &amount), (90, named)]);
        own.set_mti(message("0200", &[]).mti());
        own
    };
    // Within a purchase: cleared from it for good, nobody is asked.
    let answer = peer.ask(&bed.changed(1, &[(4, "000000010000")])).await;
    let mut cleared = sale(10, 6_000, &naming("0100", 1));
    for mti in ["0200", "0201"] {
        cleared.set_mti(message(mti, &[]).mti());
        let again = peer.ask(&cleared).await;
        assert_eq!((again.outcome(), again.text(38)), (is("0210", "00"), answer.text(38)));
        assert_eq!(bed.world.available().await, "99940.00");
    }
    assert_eq!(bed.world.enterprise.notice_count(), 1);
    assert_eq!(of_rrn(&bed, 1).await[0]["holdState"], "POSTED");
    // Named again it is closed, so that this is a sale by itself.
    let alone = sale(11, 1_000, &naming("0100", 1));
    assert_eq!(peer.outcome(&alone).await, is("0210", "00"));
    assert_eq!(bed.world.available().await, "99930.00");
    assert_eq!(bed.world.enterprise.notice_count(), 2);

    // A reservation is completed: asked, and posted with the approval.
    assert_eq!(
        peer.outcome(&bed.changed(2, &[(4, "000000010000"), (25, "06")])).await,
        is("0110", "00")
    );
    assert_eq!(bed.world.available().await, "99830.00");
    assert_eq!(peer.outcome(&sale(12, 8_000, &naming("0100", 2))).await, is("0210", "00"));
    assert_eq!(bed.world.available().await, "99850.00");
    assert_eq!(bed.world.enterprise.notice_count(), 4);
    let completion = &of_rrn(&bed, 12).await[0];
    assert_eq!(completion["authType"], "PRE_AUTH_COMPLETION");
    assert_eq!(completion["holdState"], "POSTED");

    // More than a purchase has left is a sale of the whole amount.
    assert_eq!(peer.outcome(&bed.changed(3, &[(4, "000000001000")])).await, is("0110", "00"));
    assert_eq!(peer.outcome(&sale(13, 1_500, &naming("0100", 3))).await, is("0210", "00"));
    assert_eq!(bed.world.available().await, "99825.00");
    bed.world.verify_ledger().await;
}

/// Where clearings come in parts, the rest stays held until the last of them.
async fn clearings_come_in_parts_where_the_link_says_so(engine: Engine) {
    let directory = tempfile::tempdir().unwrap();
    let file = configured(&directory, &table("default", "multi-clearing = true"));
    let bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let mut peer = bed.signed_on().await;
    assert_eq!(peer.outcome(&bed.changed(1, &[(4, "000000010000")])).await, is("0110", "00"));
    let named = naming("0100", 1);
    for (stan, minor, state) in [(10, 4_000, "PENDING"), (11, 6_000, "POSTED")] {
        let part = advice(&bed, "0220", stan, minor, &[(90, &named)]);
        assert_eq!(peer.outcome(&part).await, is("0230", "00"));
        assert_eq!(of_rrn(&bed, 1).await[0]["holdState"], state);
        assert_eq!(bed.world.available().await, "99900.00");
        // What remains of one clearing says nothing of the others: an operator has to look.
        let undo = reversal(&bed, "0420", stan + 10, stan, &[(90, &naming("0220", stan))]);
        assert_eq!(peer.outcome(&undo).await, is("0430", "00"));
        assert_eq!(bed.world.available().await, "99900.00", "{state}");
    }
    let unposted = "/admin/v1/network-messages?unposted=true";
    let unposted = bed.world.operator.get(unposted).await.unwrap();
    let outcomes: Vec<_> =
        unposted["items"].as_array().unwrap().iter().map(|it| text(it, "outcome")).collect();
    assert_eq!(outcomes, ["UNCLEAR", "UNCLEAR"]);
    bed.world.verify_ledger().await;
}

/// Whichever comes first, advices and reversals lead to the same.
async fn what_was_reversed_before_is_not_held(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    let undo =
        |stan, original, fields: &[(u8, &str)]| reversal(&bed, "0420", stan, original, fields);
    for (stan, left, available) in [(1, 0, "100000.00"), (2, 500, "99995.00")] {
        let early = undo(40 + stan, stan, &[(95, &remaining(left))]);
        assert_eq!(peer.outcome(&early).await, is("0430", "00"));
        for mti in ["0120", "0121"] {
            assert_eq!(peer.outcome(&advice(&bed, mti, stan, 1_550, &[])).await, is("0130", "00"));
            assert_eq!(bed.world.available().await, available, "{mti} of {stan}");
        }
        settled(&bed, stan, "advice").await;
    }
    // Asked for in between: declined without a question, and nothing is held by the advice either.
    assert_eq!(peer.outcome(&undo(43, 3, &[])).await, is("0430", "00"));
    assert_eq!(peer.outcome(&bed.purchase(3)).await, is("0110", "05"));
    assert_eq!(peer.outcome(&advice(&bed, "0120", 3, 1_550, &[])).await, is("0130", "00"));
    assert_eq!(bed.world.available().await, "99995.00");
    // Posted, and posted back; also a refund.
    for (stan, code) in [(4, "000000"), (5, "200000")] {
        let early = undo(40 + stan, stan, &[(3, code), (90, &naming("0220", stan))]);
        assert_eq!(peer.outcome(&early).await, is("0430", "00"));
        for mti in ["0220", "0221"] {
            let posted = advice(&bed, mti, stan, 1_550, &[(3, code)]);
            assert_eq!(peer.outcome(&posted).await, is("0230", "00"));
            assert_eq!(bed.world.available().await, "99995.00", "{mti} of {stan}");
        }
    }
    // A single message within a purchase is declined like any other request.
    assert_eq!(peer.outcome(&bed.purchase(6)).await, is("0110", "00"));
    let early = undo(47, 7, &[(90, &naming("0200", 7))]);
    assert_eq!(peer.outcome(&early).await, is("0430", "00"));
    let mut sale = bed.changed(7, &[(90, &naming("0100", 6))]);
    sale.set_mti(message("0200", &[]).mti());
    assert_eq!(peer.outcome(&sale).await, is("0210", "05"));
    assert_eq!(of_rrn(&bed, 6).await[0]["holdState"], "PENDING");
    assert_eq!(bed.world.available().await, "99979.50");
    // What was reversed since is not held again by a repeat.
    assert_eq!(peer.outcome(&undo(46, 6, &[(95, &remaining(500))])).await, is("0430", "00"));
    assert_eq!(bed.world.available().await, "99990.00");
    assert_eq!(peer.outcome(&advice(&bed, "0120", 8, 1_550, &[])).await, is("0130", "00"));
    assert_eq!(peer.outcome(&undo(48, 8, &[(95, &remaining(500))])).await, is("0430", "00"));
    assert_eq!(bed.world.available().await, "99985.00");
    assert_eq!(peer.outcome(&advice(&bed, "0121", 8, 1_550, &[])).await, is("0130", "00"));
    assert_eq!(bed.world.available().await, "99985.00");
    bed.world.verify_ledger().await;
}

/// An advice raises the bill of what it names, whichever of its messages that is.
async fn an_advice_raises_the_whole_bill(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    let (first, second) = (naming("0100", 1), naming("0100", 2));
    assert_eq!(peer.outcome(&bed.changed(1, &[(25, "06")])).await, is("0110", "00"));
    assert_eq!(peer.outcome(&bed.changed(2, &[(90, &first)])).await, is("0110", "00"));
    let raised = advice(&bed, "0120", 3, 1_000, &[(90, &second)]);
    assert_eq!(peer.outcome(&raised).await, is("0130", "00"));
    // The network says twice that an increment was larger than what it had asked for.
    for mti in ["0120", "0121"] {
        let larger = advice(&bed, mti, 2, 2_550, &[(90, &first)]);
        assert_eq!(peer.outcome(&larger).await, is("0130", "00"));
        assert_eq!(bed.world.available().await, "99949.00");
    }
    let original = of_rrn(&bed, 1).await[0]["authId"].clone();
    let increment = &of_rrn(&bed, 3).await[0];
    assert_eq!(
        (&increment["originalAuthId"], &increment["authType"]),
        (&original, &json!("PRE_AUTH"))
    );
    // The whole is cleared with the first.
    let cleared = advice(&bed, "0220", 10, 5_100, &[(90, &first)]);
    assert_eq!(peer.outcome(&cleared).await, is("0230", "00"));
    assert_eq!(bed.world.available().await, "99949.00");
    for stan in 1..=3 {
        for it in of_rrn(&bed, stan).await {
            assert_ne!(it["holdState"], "PENDING", "{stan}: {it}");
        }
    }
    bed.world.verify_ledger().await;
}

/// What a clearing took from a bill is its posting: corrected and taken back as a whole.
async fn a_cleared_bill_is_taken_back_whole(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    let first = naming("0100", 1);
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "00"));
    let raising = bed.changed(2, &[(4, "000000000500"), (90, &first)]);
    assert_eq!(peer.outcome(&raising).await, is("0110", "00"));
    let cleared = advice(&bed, "0220", 10, 2_050, &[(90, &first)]);
    assert_eq!(peer.outcome(&cleared).await, is("0230", "00"));
    assert_eq!(bed.world.available().await, "99979.50");
    let of_clearing = naming("0220", 10);
    for (stan, minor, available) in [(11, 2_050, "99979.50"), (12, 2_100, "99979.00")] {
        let corrected = advice(&bed, "0220", stan, minor, &[(90, &of_clearing)]);
        assert_eq!(peer.outcome(&corrected).await, is("0230", "00"));
        assert_eq!(bed.world.available().await, available, "{minor}");
    }
    let part = [(90, &*of_clearing), (95, &*remaining(700))];
    for (stan, fields, available) in [
        (20, &part[..], "99993.00"),
        (21, &[(90, &*of_clearing)], "100000.00"),
        (22, &[(90, &*of_clearing)], "100000.00"),
    ] {
        let undo = reversal(&bed, "0420", stan, 10, fields);
        assert_eq!(peer.outcome(&undo).await, is("0430", "00"));
        assert_eq!(bed.world.available().await, available, "{stan}");
    }
    bed.world.verify_ledger().await;
}

/// A reversal of what is not approved holds for an advice that the network approved it after all.
async fn a_reversal_outlives_a_decline(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    let states = [("0100", "0120", 1), ("0200", "0220", 2)];
    for (request, fact, stan) in states {
        bed.world.enterprise.answer(Behaviour::DECLINE);
        let mut buy = bed.purchase(stan);
        buy.set_mti(message(request, &[]).mti());
        assert_eq!(peer.ask(&buy).await.text(39), Some("51"));
        bed.world.enterprise.answer(Behaviour::Held(ResponseCode::Approved));
        let asked = bed.world.enterprise.notice_count();
        let mut pending = bed.purchase(stan + 10);
        pending.set_mti(buy.mti());
        peer.send(&pending).await;
        notices(&bed, asked + 1).await;
        let mut other = bed.signed_on().await;
        // What is pending is held until it is reversed.
        for (stan, available) in [(stan, "99984.50"), (stan + 10, "100000.00")] {
            let undo = reversal(&bed, "0420", stan + 20, stan, &[(90, &naming(request, stan))]);
            assert_eq!(other.outcome(&undo).await, is("0430", "00"));
            let stated = advice(&bed, fact, stan, 1_550, &[]);
            assert_eq!(other.ask(&stated).await.text(39), Some("00"));
            assert_eq!(bed.world.available().await, available, "{fact} of {stan}");
        }
        bed.world.enterprise.release();
        assert_eq!(peer.receive().await.unwrap().text(39), Some("05"));
    }
    assert_eq!(bed.world.available().await, "100000.00");
    bed.world.verify_ledger().await;
}

/// A fact that is worth nothing in the card's currency is taken as any other.
async fn a_fact_may_be_worth_nothing(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    for (mti, answer, stan) in [("0120", "0130", 1), ("0220", "0230", 2)] {
        let nothing = [(6, "000000000000"), (51, "840"), (49, "360")];
        let stated = advice(&bed, mti, stan, 1, &nothing);
        assert_eq!(peer.outcome(&stated).await, is(answer, "00"));
        assert_eq!(of_rrn(&bed, stan).await[0]["status"], "APPROVED");
    }
    assert_eq!(bed.world.available().await, "100000.00");
    bed.world.verify_ledger().await;
}

/// What has a sale's RRN corrects it, however often, and leaves one posting to take back.
async fn corrections_are_no_parts(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    let mut sale = bed.purchase(1);
    sale.set_mti(message("0200", &[]).mti());
    let sold = peer.ask(&sale).await;
    let (rrn, code) = (sold.text(37).unwrap().to_owned(), sold.text(38).unwrap().to_owned());
    for (second, minor, available) in
        [(2, 2_000, "99980.00"), (3, 1_800, "99982.00"), (4, 1_700, "99983.00")]
    {
        // Another local time makes it another message; without DE90 it names the one of its STAN.
        let time = format!("20010{second}");
        let corrected = advice(&bed, "0220", 1, minor, &[(12, &time), (37, &rrn), (38, &code)]);
        assert_eq!(peer.outcome(&corrected).await, is("0230", "00"));
        assert_eq!(bed.world.available().await, available, "{minor}");
    }
    let undo = reversal(&bed, "0420", 20, 1, &[(90, &naming("0200", 1))]);
    assert_eq!(peer.outcome(&undo).await, is("0430", "00"));
    assert_eq!(bed.world.available().await, "100000.00");
    bed.world.verify_ledger().await;
}

/// A fact that is sent again raises nothing that was reversed since, whatever type it has.
async fn a_fact_that_is_sent_again_is_a_repeat(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    for mti in ["0120", "0121", "0120"] {
        assert_eq!(peer.outcome(&advice(&bed, mti, 1, 1_550, &[])).await, is("0130", "00"));
        let undo = reversal(&bed, "0420", 20, 1, &[(95, &remaining(500))]);
        assert_eq!(peer.outcome(&undo).await, is("0430", "00"));
        assert_eq!(bed.world.available().await, "99995.00", "{mti}");
    }
    // Another amount is another fact, also in a repeat whose first never came: it says less than
    // before, and more than remains.
    assert_eq!(peer.outcome(&advice(&bed, "0121", 1, 1_000, &[])).await, is("0130", "00"));
    assert_eq!(bed.world.available().await, "99995.00");
    assert_eq!(peer.outcome(&advice(&bed, "0120", 1, 1_200, &[])).await, is("0130", "00"));
    assert_eq!(bed.world.available().await, "99993.00");

    // What it says of the first of a bill leaves the rest of the bill alone.
    let raising = bed.changed(3, &[(4, "000000000500"), (90, &naming("0100", 2))]);
    assert_eq!(peer.outcome(&bed.purchase(2)).await, is("0110", "00"));
    assert_eq!(peer.outcome(&raising).await, is("0110", "00"));
    for (stan, minor, available) in [
        (2, 1_550, "99972.50"),
        (2, 1_650, "99971.50"),
        (2, 1_500, "99973.00"),
        (3, 400, "99974.00"),
    ] {
        assert_eq!(peer.outcome(&advice(&bed, "0120", stan, minor, &[])).await, is("0130", "00"));
        assert_eq!(bed.world.available().await, available, "{stan}: {minor}");
    }
    // A reversal of the request before the advice of the same amount.
    assert_eq!(peer.outcome(&bed.purchase(4)).await, is("0110", "00"));
    let undo = reversal(&bed, "0420", 24, 4, &[(95, &remaining(100))]);
    assert_eq!(peer.outcome(&undo).await, is("0430", "00"));
    assert_eq!(peer.outcome(&advice(&bed, "0120", 4, 1_550, &[])).await, is("0130", "00"));
    assert_eq!(bed.world.available().await, "99973.00");
    bed.world.verify_ledger().await;
}

on_both_engines! {
    corrections_are_no_parts:
        corrections_are_no_parts_on_sqlite, corrections_are_no_parts_on_postgresql;
    a_reversal_outlives_a_decline:
        a_reversal_outlives_a_decline_on_sqlite, a_reversal_outlives_a_decline_on_postgresql;
    a_fact_may_be_worth_nothing:
        a_fact_worth_nothing_on_sqlite, a_fact_worth_nothing_on_postgresql;
    a_cleared_bill_is_taken_back_whole:
        a_cleared_bill_is_taken_back_on_sqlite, a_cleared_bill_is_taken_back_on_postgresql;
    a_fact_that_is_sent_again_is_a_repeat:
        a_fact_sent_again_on_sqlite, a_fact_sent_again_on_postgresql;
    an_advice_is_told_after_a_kill:
        an_advice_is_told_after_a_kill_on_sqlite, an_advice_is_told_after_a_kill_on_postgresql;
    what_was_reversed_before_is_not_held:
        what_was_reversed_before_on_sqlite, what_was_reversed_before_on_postgresql;
    an_advice_raises_the_whole_bill:
        an_advice_raises_the_bill_on_sqlite, an_advice_raises_the_bill_on_postgresql;
    clearings_come_in_parts_where_the_link_says_so:
        clearings_come_in_parts_on_sqlite, clearings_come_in_parts_on_postgresql;
    a_single_message_follows_what_it_names:
        a_single_message_follows_on_sqlite, a_single_message_follows_on_postgresql;
    an_advice_is_a_fact: an_advice_is_a_fact_on_sqlite, an_advice_is_a_fact_on_postgresql;
    an_advice_corrects_what_was_answered:
        an_advice_corrects_on_sqlite, an_advice_corrects_on_postgresql;
    a_single_message_is_posted_at_once:
        a_single_message_is_posted_on_sqlite, a_single_message_is_posted_on_postgresql;
    a_financial_advice_is_posted:
        a_financial_advice_is_posted_on_sqlite, a_financial_advice_is_posted_on_postgresql;
}
