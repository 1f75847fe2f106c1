//! The state that a crash leaves behind.

use std::time::Duration;

use domain::{AuthorisationStatus, HoldState, ResponseCode};

use crate::bed::Bed;

#[tokio::test]
async fn undecided_authorisations_are_declined_and_their_holds_released() {
    let bed = Bed::new().await;
    let gate = bed.enterprise.hold(ResponseCode::Approved);
    // Recovery runs while the enterprise thinks: as far as the store knows, the process that asked
    // has died.
    let (answer, recovered) = tokio::join!(bed.network.purchase(bed.purchase("15.50")), async {
        bed.enterprise.wait_for_notices(1).await;
        let recovered = bed.authoriser.recover().await.unwrap();
        gate.close();
        recovered
    });
    assert_eq!(recovered, 1);
    let it = answer.unwrap().authorisation;
    assert_eq!(it.status, AuthorisationStatus::Declined);
    assert_eq!((it.detail().as_deref(), it.hold_state), (Some("crash"), HoldState::Voided));
    assert_eq!(it.reject_reason.unwrap().as_str(), "DAPI_AUTH_ENTERPRISE_TIMEOUT_REJECT");
    assert_eq!(it.response_code, Some(ResponseCode::NoResponse));
    bed.assert_untouched().await;
    assert_eq!(bed.results(it.auth_id).await.len(), 1);

    let receipt = bed.view(it.auth_id).await.receipt;
    let receipt: serde_json::Value = serde_json::from_str(&receipt).unwrap();
    assert_eq!(receipt["outcome"]["detail"], "crash");
    assert_eq!(receipt["outcome"]["responseCode"], "21");
    let checks = receipt["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["passed"] == true), "{checks:?}");
    assert_eq!(bed.authoriser.recover().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unwritten_decision_becomes_a_decline_once_the_store_works_again() {
    let bed = Bed::new().await;
    let gate = bed.enterprise.hold(ResponseCode::Approved);
    let (answer, ()) = tokio::join!(bed.network.purchase(bed.purchase("15.50")), async {
        bed.enterprise.wait_for_notices(1).await;
        bed.break_store(true);
        gate.close();
    });
    assert!(answer.is_err());
    bed.break_store(false);
    assert_eq!(bed.held_minor().await, 1_550);
    while bed.held_minor().await > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let filter = store::AuthorisationFilter { limit: 10, ..Default::default() };
    let [it] = &bed.store.authorisations(filter).await.unwrap()[..] else { panic!("not one") };
    assert_eq!(it.status, AuthorisationStatus::Declined);
    assert_eq!(it.detail().as_deref(), Some("decision_not_written"));
    assert_eq!(it.hold_state, HoldState::Voided);
    assert_eq!(bed.results(it.auth_id).await.len(), 1);
    bed.assert_untouched().await;
    bed.assert_verified().await;
}

#[tokio::test]
async fn a_reversal_that_a_crash_left_unreported_stands() {
    let bed = Bed::new().await;
    let bought = bed.network.purchase(bed.purchase("15.50")).await.unwrap().authorisation;
    let gate = bed.enterprise.hold(ResponseCode::NotAllowed);
    let reversing = bed.network.reverse(bought.auth_id, None);
    let (answer, recovered) = tokio::join!(reversing, async {
        bed.enterprise.wait_for_notices(2).await;
        // The money is back before the enterprise has answered.
        bed.assert_untouched().await;
        let recovered = bed.authoriser.recover().await.unwrap();
        gate.close();
        recovered
    });
    assert_eq!(recovered, 1);
    let reversal = answer.unwrap().authorisation;
    assert_eq!(reversal.status, AuthorisationStatus::Approved);
    assert_eq!(reversal.detail().as_deref(), Some("reversal_not_answered"));
    assert_eq!(bed.results(reversal.auth_id).await.len(), 1);
    bed.assert_untouched().await;
}
