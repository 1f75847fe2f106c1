//! A hold that the ledger refuses to give back. No message leads to one, so its row is
//! changed behind the store's back.

use domain::HoldState;

use crate::bed::Bed;

/// What an advance takes at least that waits for work that stays blocked: 300 pauses of 100 ms.
const BLOCKED_ADVANCE: std::time::Duration = std::time::Duration::from_secs(30);

#[tokio::test]
async fn a_hold_that_cannot_be_given_back_keeps_no_other_and_no_advance_waiting() {
    const DAY_SECONDS: u32 = 86_400;
    let bed = Bed::new().await;
    let stuck = bed.network.purchase(bed.purchase("10.00")).await.unwrap().authorisation;
    let other = bed.network.purchase(bed.purchase("5.00")).await.unwrap().authorisation;
    // More held than any account can give back.
    bed.change_store(&format!(
        "UPDATE authorisation SET currency = 392 WHERE auth_id = {}",
        stuck.auth_id.as_i64()
    ));
    let started = std::time::Instant::now();
    bed.schedule.advance(9 * DAY_SECONDS).await.unwrap();
    assert!(started.elapsed() < BLOCKED_ADVANCE, "{:?}", started.elapsed());
    assert_eq!(bed.view(other.auth_id).await.authorisation.hold_state, HoldState::Expired);
    assert_eq!(bed.view(stuck.auth_id).await.authorisation.hold_state, HoldState::Pending);
    // It is tried again, so that it goes as soon as it can.
    bed.change_store("UPDATE authorisation SET currency = 840");
    bed.schedule.advance(DAY_SECONDS).await.unwrap();
    bed.assert_untouched().await;
}
