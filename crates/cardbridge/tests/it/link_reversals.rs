//! Reversals by a link: to a target, before their originals, while the enterprise thinks.

use std::time::Duration;

use domain::ResponseCode;
use iso8583::Message;
use serde_json::{Value, json};
use sim::Behaviour;
use testkit::database::is_long;
use tokio::time::timeout;

use crate::crash::authorisations;
use crate::engine::Engine;
use crate::iso_peer::{Peer, message};
use crate::links::{Bed, ISO_LISTEN, is};
use crate::world::{WAIT, text};

/// Makes of each behaviour a test on SQLite and one on PostgreSQL.
macro_rules! on_both_engines {
    ($($test:ident: $sqlite:ident, $postgresql:ident;)+) => { $(
        #[tokio::test]
        async fn $sqlite() {
            $test(Engine::embedded()).await;
        }

        #[tokio::test]
        async fn $postgresql() {
            $test(Engine::postgres().await).await;
        }
    )+ };
}
pub(crate) use on_both_engines;

/// Pairs of an authorisation and its reversal that are sent together, by default and with full
/// counts.
const PAIRS: [u32; 2] = [40, 1_000];

/// Pause between two looks at what the enterprise received.
const LOOK: Duration = Duration::from_millis(5);

/// A reversal of the purchase of this number, as V13 of V01.
pub fn reversal(bed: &Bed, mti: &str, stan: u32, original: u32, fields: &[(u8, &str)]) -> Message {
    let named = format!("010000{original:04}11291200010000041234500000000000");
    let (stan, rrn) = (format!("{stan:06}"), format!("6333{original:08}"));
    let mut own = message(
        mti,
        &[
            (2, &bed.pan),
            (3, "000000"),
            (4, "000000001550"),
            (7, "1129120031"),
            (11, &stan),
            (12, "200001"),
            (13, "1129"),
            (32, "412345"),
            (37, &rrn),
            (39, "68"),
            (41, "TERM0001"),
            (49, "840"),
            (90, &named),
        ],
    );
    for (number, text) in fields {
        if text.is_empty() {
            own.remove(*number);
        } else {
            own.set(*number, text.as_bytes()).unwrap();
        }
    }
    own
}

/// DE95 that leaves this much, in minor units.
pub fn remaining(minor: u32) -> String {
    format!("{minor:012}{:012}C00000000C00000000", 0)
}

pub async fn bed(engine: &Engine) -> (Bed, Peer) {
    let bed = Bed::new(engine, &ISO_LISTEN).await;
    let peer = bed.signed_on().await;
    (bed, peer)
}

/// Waits until the enterprise has received so many notices.
pub async fn notices(bed: &Bed, count: usize) {
    let arrived = async {
        while bed.world.enterprise.notice_count() < count {
            tokio::time::sleep(LOOK).await;
        }
    };
    timeout(WAIT, arrived).await.expect("the notice arrives");
    assert_eq!(bed.world.enterprise.notice_count(), count);
}

/// The authorisations of the card with this RRN.
pub async fn of_rrn(bed: &Bed, original: u32) -> Vec<Value> {
    let rrn = format!("6333{original:08}");
    let all = authorisations(&bed.world.operator, &bed.card_id).await;
    all.into_values().filter(|it| it["rrn"] == json!(rrn)).collect()
}

async fn a_reversal_gives_back_once(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "00"));
    assert_eq!(bed.world.available().await, "99984.50");
    let whole = |mti| reversal(&bed, mti, 7, 1, &[]);
    let answer = peer.ask(&whole("0400")).await;
    assert_eq!(answer.outcome(), is("0410", "00"));
    for number in [2, 3, 4, 7, 11, 32, 37, 41, 49, 90] {
        assert_eq!(answer.message.get(number), whole("0400").get(number), "DE{number}");
    }
    assert_eq!(bed.world.available().await, "100000.00");
    assert_eq!(peer.outcome(&whole("0401")).await, is("0410", "00"));
    assert_eq!(peer.outcome(&reversal(&bed, "0420", 8, 1, &[])).await, is("0430", "00"));
    assert_eq!(bed.world.available().await, "100000.00");
    // The enterprise is told once, afterwards.
    notices(&bed, 2).await;

    // To a target: what remains counts, in whatever order it is said.
    let hundred = bed.changed(2, &[(4, "000000010000")]);
    assert_eq!(peer.outcome(&hundred).await, is("0110", "00"));
    for (stan, left) in [(20, 3_000), (20, 3_000), (21, 5_000)] {
        let to = reversal(&bed, "0420", stan, 2, &[(4, "000000010000"), (95, &remaining(left))]);
        assert_eq!(peer.outcome(&to).await, is("0430", "00"), "to {left}");
        assert_eq!(bed.world.available().await, "99970.00");
    }
    // The same message with another amount is another message under a known identity.
    let other = reversal(&bed, "0420", 20, 2, &[(4, "000000010000"), (95, &remaining(1_000))]);
    assert_eq!(peer.outcome(&other).await, is("0430", "94"));
    assert_eq!(bed.world.available().await, "99970.00");
    let euros = [(4, "000000010000"), (49, "978"), (95, &remaining(1_000)[..])];
    assert_eq!(peer.outcome(&reversal(&bed, "0420", 22, 2, &euros)).await, is("0430", "94"));
    let unposted = bed.world.operator.get("/admin/v1/network-messages?unposted=true").await;
    let listed = unposted.unwrap()["items"].clone();
    assert_eq!((listed[0]["stan"].as_str(), listed.as_array().unwrap().len()), (Some("000022"), 1));
    bed.world.verify_ledger().await;
}

async fn a_reversal_names_its_original(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    // By RRN and acquirer, without DE90.
    let answer = peer.ask(&bed.purchase(1)).await;
    let code = answer.text(38).unwrap().to_owned();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    let unnamed = |stan, fields: &[(u8, &str)]| {
        reversal(&bed, "0400", stan, 1, &[&[(90, "")], fields].concat())
    };
    for (stan, fields) in [(30, (38, wrong)), (31, (32, "412346")), (32, (37, "633300000099"))] {
        assert_eq!(peer.outcome(&unnamed(stan, &[fields])).await, is("0410", "00"), "{fields:?}");
        assert_eq!(bed.world.available().await, "99984.50", "{fields:?}");
    }
    // What it does not name for certain declines nothing that comes later with the same RRN.
    let later = bed.changed(60, &[(37, "633300000001"), (4, "000000000100")]);
    assert_eq!(peer.outcome(&later).await, is("0110", "00"));
    let mut undo = reversal(&bed, "0400", 61, 60, &[(37, "633300000001"), (4, "000000000100")]);
    undo.set_mti(message("0400", &[]).mti());
    assert_eq!(peer.outcome(&undo).await, is("0410", "00"));
    assert_eq!(bed.world.available().await, "99984.50");
    assert_eq!(peer.outcome(&unnamed(33, &[(38, &code)])).await, is("0410", "00"));
    assert_eq!(bed.world.available().await, "100000.00");

    // Zeros in DE90 say that the peer does not know the numbers.
    assert_eq!(peer.outcome(&bed.purchase(3)).await, is("0110", "00"));
    let zeros = "0".repeat(42);
    let unknown = reversal(&bed, "0420", 34, 3, &[(90, &zeros)]);
    assert_eq!(peer.outcome(&unknown).await, is("0430", "00"));
    assert_eq!(bed.world.available().await, "100000.00");

    // By the original's numbers, though time and RRN of the message differ.
    assert_eq!(peer.outcome(&bed.purchase(2)).await, is("0110", "00"));
    let vague = [(12, "200501"), (37, "")];
    assert_eq!(peer.outcome(&reversal(&bed, "0400", 40, 2, &vague)).await, is("0410", "00"));
    assert_eq!(bed.world.available().await, "100000.00");

    for (stan, fields, wanted) in [
        (50, &[(90, ""), (37, "")][..], ("30", Some("037"))),
        (51, &[(90, ""), (32, "")], ("30", Some("032"))),
        (52, &[(4, "")], ("30", Some("004"))),
        (53, &[(49, "XXX")], ("30", Some("049"))),
        (54, &[(90, "040000000111291200010000041234500000000000")], ("40", None)),
        (55, &[(2, "4000990012345678")], ("14", None)),
    ] {
        let answer = peer.ask(&reversal(&bed, "0400", stan, 1, fields)).await;
        assert_eq!((answer.text(39), answer.text(44)), (Some(wanted.0), wanted.1), "{fields:?}");
    }
    // An advice is never refused for its card.
    for mti in ["0420", "0421"] {
        let stranger = reversal(&bed, mti, 56, 1, &[(2, "4000990012345678")]);
        assert_eq!(peer.outcome(&stranger).await, is("0430", "00"));
    }
    bed.world.verify_ledger().await;
}

async fn a_cleared_authorisation_stands(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "00"));
    let auth_id = text(&of_rrn(&bed, 1).await[0], "authId");
    let path = format!("/sandbox/v1/authorisations/{auth_id}/clear");
    bed.world.operator.post(&path, &json!({})).await.unwrap();
    assert_eq!(peer.outcome(&reversal(&bed, "0400", 7, 1, &[])).await, is("0410", "21"));
    assert_eq!(peer.outcome(&reversal(&bed, "0401", 7, 1, &[])).await, is("0410", "21"));
    assert_eq!(peer.outcome(&reversal(&bed, "0420", 8, 1, &[])).await, is("0430", "00"));
    assert_eq!(bed.world.available().await, "99984.50");
    // What the enterprise declined has nothing to give back.
    bed.world.enterprise.answer(Behaviour::DECLINE);
    assert_eq!(peer.outcome(&bed.purchase(2)).await, is("0110", "51"));
    assert_eq!(peer.outcome(&reversal(&bed, "0400", 9, 2, &[])).await, is("0410", "00"));
    bed.world.verify_ledger().await;
}

async fn a_reversal_before_its_original_declines_it(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    assert_eq!(peer.outcome(&reversal(&bed, "0420", 7, 1, &[])).await, is("0430", "00"));
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "05"));
    assert_eq!(bed.world.enterprise.notice_count(), 0);
    let declined = &of_rrn(&bed, 1).await[0];
    assert_eq!(declined["detail"], "reversed_before_arrival");
    assert_eq!(peer.outcome(&bed.purchase(2)).await, is("0110", "00"), "another one is not");
    assert_eq!(peer.outcome(&reversal(&bed, "0400", 8, 2, &[])).await, is("0410", "00"));

    // Together, on two connections: whichever comes first, no hold is left.
    let mut other = bed.signed_on().await;
    let pairs = PAIRS[usize::from(is_long())];
    for pair in 0..pairs {
        let (stan, undo) = (1_000 + pair, 5_000 + pair);
        let (buy, undo) = (bed.purchase(stan), reversal(&bed, "0420", undo, stan, &[]));
        if pair % 2 == 0 {
            peer.send(&buy).await;
            other.send(&undo).await;
        } else {
            other.send(&undo).await;
            peer.send(&buy).await;
        }
        let answers = (peer.receive().await.unwrap(), other.receive().await.unwrap());
        assert_eq!(answers.1.outcome(), is("0430", "00"));
        assert_eq!(answers.0.message.mti().to_string(), "0110");
    }
    assert_eq!(bed.world.available().await, "100000.00");
    for pair in 0..pairs {
        let all = of_rrn(&bed, 1_000 + pair).await;
        assert!(all.iter().all(|it| it["holdState"] != "PENDING"), "{all:?}");
    }
    bed.world.verify_ledger().await;
}

async fn a_reversal_does_not_wait_for_the_enterprise(engine: Engine) {
    let (bed, mut peer) = bed(&engine).await;
    bed.world.enterprise.answer(Behaviour::Held(ResponseCode::Approved));
    peer.send(&bed.purchase(1)).await;
    notices(&bed, 1).await;
    assert_eq!(bed.world.available().await, "99984.50");
    // Its answer comes first, since the enterprise still thinks.
    assert_eq!(peer.outcome(&reversal(&bed, "0400", 7, 1, &[])).await, is("0410", "00"));
    assert_eq!(bed.world.available().await, "100000.00");
    bed.world.enterprise.release();
    assert_eq!(peer.receive().await.unwrap().outcome(), is("0110", "05"));
    let declined = &of_rrn(&bed, 1).await[0];
    assert_eq!(
        (&declined["status"], &declined["detail"]),
        (&json!("DECLINED"), &json!("reversed_while_pending"))
    );
    assert_eq!(bed.world.available().await, "100000.00");
    let auth_id = text(declined, "authId");
    let flag = bed.world.enterprise.wait_for_webhook(WAIT, |it| it.business_id() == auth_id).await;
    assert_eq!(flag.unwrap().text("/data/approveFlag"), "D");
    bed.world.verify_ledger().await;
}

on_both_engines! {
    a_reversal_gives_back_once:
        a_reversal_gives_back_once_on_sqlite, a_reversal_gives_back_once_on_postgresql;
    a_reversal_names_its_original:
        a_reversal_names_its_original_on_sqlite, a_reversal_names_its_original_on_postgresql;
    a_cleared_authorisation_stands:
        a_cleared_authorisation_stands_on_sqlite, a_cleared_authorisation_stands_on_postgresql;
    a_reversal_before_its_original_declines_it:
        a_reversal_before_its_original_declines_it_on_sqlite,
        a_reversal_before_its_original_declines_it_on_postgresql;
    a_reversal_does_not_wait_for_the_enterprise:
        a_reversal_does_not_wait_on_sqlite, a_reversal_does_not_wait_on_postgresql;
}
