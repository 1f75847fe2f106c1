//! Holds that cannot be released. No message leads to one, so the tests change rows behind the
//! store's back.

use std::time::Duration;

use authorise::HoldExpiryWorker;
use domain::{AuthorisationStatus, HoldState, ResponseCode};
use schedule::Worker as _;
use wire::vm::VmSettings;

use crate::bed::Bed;

const DAY_SECONDS: u32 = 86_400;

/// The least time of an advance that waits for blocked work: 300 pauses of 100 ms.
const BLOCKED_ADVANCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_hold_that_cannot_be_released_delays_no_other_and_no_advance() {
    let bed = Bed::new().await;
    let stuck = bed.network.purchase(bed.purchase("10.00")).await.unwrap().authorisation;
    let other = bed.network.purchase(bed.purchase("5.00")).await.unwrap().authorisation;
    // More held than any account can release.
    bed.change_store(&format!(
        "UPDATE authorisation SET currency = 392 WHERE auth_id = {}",
        stuck.auth_id.as_i64()
    ));
    let started = std::time::Instant::now();
    bed.schedule.advance(9 * DAY_SECONDS).await.unwrap();
    assert!(started.elapsed() < BLOCKED_ADVANCE, "{:?}", started.elapsed());
    assert_eq!(bed.view(other.auth_id).await.authorisation.hold_state, HoldState::Expired);
    assert_eq!(bed.view(stuck.auth_id).await.authorisation.hold_state, HoldState::Pending);
    // It is tried again, so it goes as soon as it can.
    bed.change_store("UPDATE authorisation SET currency = 840");
    bed.schedule.advance(DAY_SECONDS).await.unwrap();
    bed.assert_untouched().await;
}

#[tokio::test]
async fn an_unreadable_hold_delays_no_other() {
    let bed = Bed::new().await;
    let stuck = bed.network.purchase(bed.purchase("10.00")).await.unwrap().authorisation;
    let garbled = bed.network.purchase(bed.purchase("2.00")).await.unwrap().authorisation;
    let other = bed.network.purchase(bed.purchase("5.00")).await.unwrap().authorisation;
    bed.change_store(&format!(
        "UPDATE authorisation SET auth_type = 'of no kind' WHERE auth_id = {};
         UPDATE authorisation SET account_purpose = 'CARD', account_owner_id = card_id
         WHERE auth_id = {};
         INSERT INTO vm_card (enterprise_id, card_id, vm_app_id, card_uuid, product_code, funding,
             label, sealed_holder, single_minor, day_minor, month_minor, total_minor, created_at)
         VALUES ({}, {}, 9, '9a1d', 'S1', 'of no kind', '', x'', 0, 0, 0, 0, 0);",
        garbled.auth_id, stuck.auth_id, bed.enterprise_id, bed.card.card_id
    ));
    let worker = HoldExpiryWorker::new(bed.store.clone(), Some(VmSettings::default()));
    let later = bed.store.clock().now().plus_seconds(9 * i64::from(DAY_SECONDS));
    assert_eq!(worker.start_due(later).await.unwrap(), 3);
    assert_eq!(bed.view(other.auth_id).await.authorisation.hold_state, HoldState::Expired);
    bed.change_store("UPDATE authorisation SET auth_type = 'NORMAL'");
    for it in [stuck.auth_id, garbled.auth_id] {
        let waiting = bed.view(it).await.authorisation;
        assert_eq!(waiting.hold_state, HoldState::Pending);
        assert_eq!(waiting.hold_expires_at, Some(later.plus_seconds(i64::from(DAY_SECONDS))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_authorisation_does_not_prevent_the_start_and_is_declined_later() {
    let bed = Bed::new().await;
    let gate = bed.enterprise.hold(ResponseCode::Approved);
    let (one, other, ()) = tokio::join!(
        bed.network.purchase(bed.purchase("15.50")),
        bed.network.purchase(bed.purchase("4.00")),
        async {
            bed.enterprise.wait_for_notices(2).await;
            let garbled = "WHERE amount_minor = 1550";
            bed.change_store(&format!("UPDATE authorisation SET auth_type = '?' {garbled}"));
            assert_eq!(bed.authoriser.recover().await.unwrap(), 1);
            assert_eq!(bed.held_minor().await, 1_550);
            bed.change_store(&format!("UPDATE authorisation SET auth_type = 'NORMAL' {garbled}"));
            while bed.held_minor().await > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            gate.close();
        }
    );
    for it in [one, other] {
        assert_eq!(it.unwrap().authorisation.status, AuthorisationStatus::Declined);
    }
    bed.assert_untouched().await;
}
