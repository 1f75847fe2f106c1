//! Keys that change how a link reads requests and answers them.

use domain::ResponseCode;
use serde_json::json;
use sim::Behaviour;

use crate::engine::Engine;
use crate::iso_peer::{Peer, accepted, management};
use crate::links::{Bed, configured, is, shows, table};

#[tokio::test]
async fn a_link_chooses_prefixes_codes_and_mandatory_fields() {
    let directory = tempfile::tempdir().unwrap();
    let tables = [
        table("default", "prefixes = ['9', '400099']\n[links.processing-codes]\n26 = 'C'"),
        table("elsewhere", "prefixes = ['5']"),
        table("strict", "strict = true"),
        table(
            "codes",
            "no-answer-code = '91'\n[links.codes]\nenterprise_not_allowed = '57'\n\
             wrong_expiry = '14'",
        ),
    ];
    let file = configured(&directory, &tables.concat());
    let bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    let signed_on = async |link: &str| Peer::signed_on(&bed.address(link)).await;

    let mut peer = signed_on("default").await;
    assert_eq!(peer.outcome(&bed.purchase(1)).await, is("0110", "00"));
    assert_eq!(peer.outcome(&bed.changed(2, &[(3, "260000")])).await, is("0110", "00"));
    assert_eq!(peer.outcome(&bed.changed(3, &[(3, "280000")])).await, is("0110", "40"));
    let notices = bed.world.enterprise.notices();
    assert!(format!("{:?}", notices[1].data).contains("\"C\""), "{:?}", notices[1].data);
    let mut elsewhere = signed_on("elsewhere").await;
    assert_eq!(elsewhere.outcome(&bed.purchase(4)).await, is("0110", "14"));

    let mut strict = signed_on("strict").await;
    let whole = bed.changed(5, &[(24, "001"), (26, "04")]);
    for (number, named) in [(12, "012"), (24, "024"), (26, "026"), (42, "042"), (43, "043")] {
        let mut lacking = bed.changed(5, &[(24, "001"), (26, "04")]);
        lacking.remove(number);
        let answer = strict.ask(&lacking).await;
        assert_eq!((answer.outcome(), answer.text(44)), (is("0110", "30"), Some(named)));
    }
    assert_eq!(strict.outcome(&whole).await, is("0110", "00"));

    let mut codes = signed_on("codes").await;
    assert_eq!(codes.outcome(&bed.changed(6, &[(14, "2001")])).await, is("0110", "14"));
    bed.world.enterprise.answer(Behaviour::Answer(ResponseCode::NotAllowed));
    assert_eq!(codes.outcome(&bed.purchase(7)).await, is("0110", "57"));
    assert_eq!(peer.outcome(&bed.purchase(8)).await, is("0110", "05"), "another link");
}

/// An answer whose connection is gone goes out on another one, if the link allows that.
#[tokio::test]
async fn another_connection_may_carry_an_answer() {
    let directory = tempfile::tempdir().unwrap();
    let tables = [table("any", "answer-on = 'any'"), table("same", "")];
    let file = configured(&directory, &tables.concat());
    let bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    bed.world.enterprise.answer(Behaviour::Held(ResponseCode::Approved));
    let mut left = Vec::new();
    for (stan, link) in [(1, "any"), (2, "same")] {
        // Signed off, this one carries nothing.
        let mut off = Peer::connect(&bed.address(link)).await;
        assert_eq!(off.outcome(&management("301")).await, accepted());
        let mut gone = Peer::signed_on(&bed.address(link)).await;
        left.push((off, Peer::signed_on(&bed.address(link)).await));
        gone.send(&bed.purchase(stan)).await;
        while bed.world.enterprise.notice_count() < usize::try_from(stan).unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        drop(gone);
        while bed.link(link).await["connections"].as_array().unwrap().len() > 2 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
    bed.world.enterprise.release();
    let (off, any) = &mut left[0];
    let answer = any.receive().await.expect("the answer of the connection that is gone");
    assert_eq!((answer.outcome(), answer.text(11)), (is("0110", "00"), Some("000001")));
    assert_eq!(off.outcome(&management("301")).await, accepted());
    assert_eq!(bed.link("any").await["counters"]["undelivered"], json!(0));
    let line = "cardbridge_link_undelivered_total{link=\"same\",delivery=\"NOT_WRITTEN\"} 1";
    shows(&bed.world, line).await;
    let (_, same) = &mut left[1];
    assert_eq!(same.outcome(&management("301")).await, accepted(), "nothing else was sent");
    bed.world.verify_ledger().await;
}
