//! What counts in a reconciliation, and with how much; and how many may be under way.

use domain::ResponseCode;
use sim::Behaviour;
use tokio::time::{sleep, timeout};

use crate::engine::Engine;
use crate::iso_peer::{Peer, accepted};
use crate::link_advices::{advice, naming};
use crate::link_dialect_1993::{DIALECT, sent, signed_on, taking_back};
use crate::link_messages::until;
use crate::link_processes::PATIENT;
use crate::link_reconciliation::{
    LOOK, accept, asking, bed, cut_over, noted, ours, single, undone, verdict,
};
use crate::link_reversals::{notices, on_both_engines, remaining};
use crate::links::{Bed, configured, is, table};
use crate::world::WAIT;

/// Reconciliations of a link that are under way or wait.
const MOST_RECONCILIATIONS: u32 = 4;
/// Cut-overs of a link that are noted or wait.
const MOST_CUT_OVERS: u32 = 16;

const EUROS: (u8, &str) = (50, "978");

/// What a reversal gives back counts with its share of what the sale counts, whatever the reversal
/// itself says in DE5; the shares of a sale add up to it.
async fn a_reversal_counts_its_share(engine: Engine) {
    let directory = tempfile::tempdir().unwrap();
    let shared = format!("{PATIENT}\nnetwork = 'n'");
    let tables = [table("old", &shared), table("new", &format!("{shared}\n{DIALECT}"))];
    let file = configured(&directory, &tables.concat());
    let bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let mut new = signed_on(&bed, "new").await;
    let mut old = Peer::signed_on(&bed.address("old")).await;

    let sale = sent(&bed, "1200", 1, &[(24, "200"), (5, "000000001395"), EUROS]);
    assert_eq!(new.outcome(&sale).await, is("1210", "000"));
    let changes =
        [(4, "000000001000"), (30, "000000001550000000000000"), (5, "000000000900"), EUROS];
    let partial = taking_back(&bed, "1420", 2, ("1200", 1), "401", &changes);
    assert_eq!(new.outcome(&partial).await, is("1430", "400"));
    noted(&bed, &mut old).await;
    assert_eq!(ours(&bed, &mut old, 900, &[EUROS]).await, [1, 1_395, 1, 495, 0]);
    // The rest, in the other dialect and without DE5.
    let rest = taking_back(&bed, "1420", 3, ("1200", 1), "400", &[]);
    assert_eq!(new.outcome(&rest).await, is("1430", "400"));
    assert_eq!(ours(&bed, &mut old, 901, &[EUROS]).await, [1, 1_395, 2, 1_395, 0]);

    // Thirds of 0.05, each of which would be 0.02 by itself.
    let small = [(4, "000000000003"), (5, "000000000005"), EUROS];
    let part =
        |stan, left| undone(&bed, "0420", stan, 4, &[(4, "000000000003"), (95, &*remaining(left))]);
    accept(&mut old, &[single(&bed, "0200", 4, &small), part(104, 2), part(105, 1)]).await;
    assert_eq!(ours(&bed, &mut old, 902, &[EUROS]).await, [2, 1_400, 4, 1_398, 0]);
    accept(&mut old, &[part(106, 0)]).await;
    assert_eq!(ours(&bed, &mut old, 903, &[EUROS]).await, [2, 1_400, 5, 1_400, 0]);
    assert_eq!(ours(&bed, &mut old, 904, &[]).await, [0; 5]);

    // A sale without DE5 counts in its own currency, and so does its reversal.
    let whole = undone(&bed, "0420", 107, 5, &[(5, "000000001395"), EUROS]);
    accept(&mut old, &[single(&bed, "0200", 5, &[]), whole]).await;
    assert_eq!(ours(&bed, &mut old, 905, &[]).await, [1, 1_550, 1, 1_550, 0]);
    bed.world.verify_ledger().await;
}

/// An advice counts unless the request with its identity does.
async fn an_advice_counts_once(engine: Engine) {
    let (bed, mut peer, _directory) = bed(&engine).await;
    // The request was declined.
    bed.world.enterprise.answer(Behaviour::Answer(ResponseCode::NotAllowed));
    assert_eq!(peer.outcome(&single(&bed, "0200", 1, &[])).await, is("0210", "05"));
    accept(&mut peer, &[advice(&bed, "0220", 1, 1_550, &[])]).await;
    assert_eq!(ours(&bed, &mut peer, 900, &[]).await, [1, 1_550, 0, 0, 0]);
    accept(&mut peer, &[undone(&bed, "0420", 101, 1, &[])]).await;
    assert_eq!(ours(&bed, &mut peer, 901, &[]).await, [1, 1_550, 1, 1_550, 0]);

    // Its approval was not written: the advice counts, until a repeat gets the approval.
    bed.world.enterprise.answer(Behaviour::Held(ResponseCode::Approved));
    let mut gone = bed.signed_on().await;
    gone.send(&single(&bed, "0200", 2, &[(4, "000000000200")])).await;
    notices(&bed, 3).await;
    drop(gone);
    let one_is_left = async {
        while bed.link("default").await["connections"].as_array().unwrap().len() > 1 {
            sleep(LOOK).await;
        }
    };
    timeout(WAIT, one_is_left).await.expect("the connection ends");
    bed.world.enterprise.release();
    bed.world.enterprise.answer(Behaviour::APPROVE);
    until(&bed, "delivery=NOT_WRITTEN", 1).await;
    assert_eq!(ours(&bed, &mut peer, 902, &[]).await, [1, 1_550, 1, 1_550, 0]);
    accept(&mut peer, &[advice(&bed, "0220", 2, 200, &[])]).await;
    assert_eq!(ours(&bed, &mut peer, 903, &[]).await, [2, 1_750, 1, 1_550, 0]);
    accept(&mut peer, &[single(&bed, "0201", 2, &[(4, "000000000200")])]).await;
    assert_eq!(ours(&bed, &mut peer, 904, &[]).await, [2, 1_750, 1, 1_550, 0]);
    bed.world.verify_ledger().await;
}

/// Corrections are messages of their own, even with the STAN and RRN of the sale; a sale that comes
/// after its reversal is declined.
async fn corrections_count_and_early_reversals_do_not(engine: Engine) {
    let (bed, mut peer, _directory) = bed(&engine).await;
    let corrects = (90, &*naming("0200", 1));
    accept(
        &mut peer,
        &[
            single(&bed, "0200", 1, &[]),
            advice(&bed, "0220", 2, 2_000, &[corrects, (37, "633300000001")]),
        ],
    )
    .await;
    assert_eq!(ours(&bed, &mut peer, 900, &[]).await, [2, 3_550, 0, 0, 0]);
    accept(&mut peer, &[advice(&bed, "0220", 1, 2_500, &[corrects, (12, "200002")])]).await;
    assert_eq!(ours(&bed, &mut peer, 901, &[]).await, [3, 6_050, 0, 0, 0]);
    assert_eq!(bed.world.available().await, "99975.00");

    accept(&mut peer, &[undone(&bed, "0420", 103, 3, &[])]).await;
    assert_eq!(peer.outcome(&single(&bed, "0200", 3, &[])).await, is("0210", "05"));
    assert_eq!(ours(&bed, &mut peer, 902, &[]).await, [3, 6_050, 0, 0, 0]);
    bed.world.verify_ledger().await;
}

on_both_engines! {
    a_reversal_counts_its_share: shares_on_sqlite, shares_on_postgresql;
    an_advice_counts_once: an_advice_counts_once_on_sqlite, an_advice_counts_once_on_postgresql;
    corrections_count_and_early_reversals_do_not:
        corrections_count_on_sqlite, corrections_count_on_postgresql;
}

#[tokio::test]
async fn the_fifth_reconciliation_at_once_is_refused() {
    let engine = Engine::postgres().await;
    let (bed, mut peer, _directory) = bed(&engine).await;
    accept(&mut peer, &[single(&bed, "0200", 1, &[])]).await;
    noted(&bed, &mut peer).await;
    let mut session = engine.connect().await;
    let held = session.transaction().await.unwrap();
    held.batch_execute("LOCK TABLE link_message IN ACCESS EXCLUSIVE MODE").await.unwrap();
    for stan in 1..=MOST_RECONCILIATIONS + 1 {
        peer.send(&asking("0500", stan, &[(76, "0000000001")])).await;
    }
    let refused = peer.receive().await.unwrap();
    assert_eq!((refused.outcome(), refused.text(11)), (is("0510", "91"), Some("000005")));
    held.rollback().await.unwrap();
    for _ in 0..MOST_RECONCILIATIONS {
        let answer = peer.receive().await.unwrap();
        assert_eq!((answer.outcome(), verdict(&answer)), (is("0510", "00"), "1"));
    }
    // Each keeps its place until its result is kept.
    let taken = async { while peer.outcome(&asking("0500", 6, &[])).await != is("0510", "00") {} };
    timeout(WAIT, taken).await.expect("there is a place again");
}

/// A flood of cut-overs costs the store one write at a time, and one that is known costs none.
#[tokio::test]
async fn cut_overs_beyond_those_that_wait_are_refused() {
    let engine = Engine::postgres().await;
    let (_bed, mut peer, _directory) = bed(&engine).await;
    let mut session = engine.connect().await;
    let held = session.transaction().await.unwrap();
    held.batch_execute("LOCK TABLE link_cut_over IN ACCESS EXCLUSIVE MODE").await.unwrap();
    for stan in 1..=MOST_CUT_OVERS {
        peer.send(&cut_over("0800", stan)).await;
    }
    // On a slow machine the first may be given up before the last arrives.
    let (mut stan, mut answered) = (MOST_CUT_OVERS, 0);
    let refused = async {
        loop {
            stan += 1;
            peer.send(&cut_over("0800", stan)).await;
            let answer = peer.receive().await.unwrap().outcome();
            answered += 1;
            if answer == is("0810", "91") {
                return;
            }
            assert_eq!(answer, is("0810", "96"));
        }
    };
    timeout(WAIT, refused).await.expect("no more may wait");
    held.rollback().await.unwrap();
    for _ in answered..stan {
        let (mti, code) = peer.receive().await.unwrap().outcome();
        assert!(mti == "0810" && ["00", "91", "96"].contains(&&*code), "{mti} {code}");
    }
    assert_eq!(peer.outcome(&cut_over("0800", 500)).await, accepted());
    let held = session.transaction().await.unwrap();
    held.batch_execute("LOCK TABLE link_cut_over IN EXCLUSIVE MODE").await.unwrap();
    assert_eq!(peer.outcome(&cut_over("0801", 500)).await, accepted(), "nothing is written");
    held.rollback().await.unwrap();
}
