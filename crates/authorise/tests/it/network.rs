//! The network's side: PANs, what was presented, and repeated messages.

use std::sync::Arc;
use std::time::Duration;

use domain::{
    AuthType, AuthorisationStatus, BusinessDay, CardEvent, Currency, ResponseCode, TransactionType,
};
use metrics_exporter_prometheus::PrometheusBuilder;
use scheme::{CardReference, Increment, Purchase, SchemeError};
use vault::{ClearPan, expiry_yymm};
use zeroize::Zeroizing;

use crate::bed::{Bed, PAN};
use crate::enterprise::Behaviour;

fn by_pan(pan: &str, expiry: &str, cvv2: &str) -> CardReference {
    CardReference::Pan {
        pan: ClearPan::parse(pan).unwrap(),
        expiry: expiry.to_owned(),
        cvv2: Zeroizing::new(cvv2.to_owned()),
    }
}

fn credentials(bed: &Bed) -> (String, String) {
    let expiry = expiry_yymm(bed.card.valid_until);
    let pan = ClearPan::parse(PAN).unwrap();
    let cvv2 = bed.vault.cvv2(bed.enterprise_id, &pan, &expiry).unwrap();
    (expiry, cvv2.expose().to_owned())
}

#[tokio::test]
async fn a_card_is_found_by_its_printed_data() {
    let bed = Bed::new().await;
    let (expiry, cvv2) = credentials(&bed);
    let slashed = format!("{}/{}", &expiry[2..], &expiry[..2]);
    for expiry in [expiry, slashed] {
        let purchase = Purchase { card: by_pan(PAN, &expiry, &cvv2), ..bed.purchase("1") };
        let it = bed.network.purchase(purchase).await.unwrap().authorisation;
        assert_eq!((it.card_id, it.status), (bed.card.card_id, AuthorisationStatus::Approved));
        let receipt = bed.view(it.auth_id).await.receipt;
        assert!(receipt.contains(r#""presentedCvv2":"MATCHED""#));
        assert!(!receipt.contains(PAN));
    }
}

#[tokio::test]
async fn a_wrong_expiry_or_cvv2_declines_and_nobody_is_asked() {
    let bed = Bed::new().await;
    let (expiry, cvv2) = credentials(&bed);
    let wrong = if cvv2 == "000" { "001" } else { "000" };
    for (card, detail) in [
        (by_pan(PAN, "2001", &cvv2), "wrong_expiry"),
        (by_pan(PAN, &expiry, wrong), "wrong_cvv2"),
        (by_pan(PAN, &expiry, ""), "wrong_cvv2"),
    ] {
        let purchase = Purchase { card, ..bed.purchase("1") };
        let it = bed.network.purchase(purchase).await.unwrap().authorisation;
        assert_eq!((it.card_id, it.detail().as_deref()), (bed.card.card_id, Some(detail)));
        assert_eq!(it.response_code, Some(ResponseCode::NotAllowed));
    }
    assert_eq!(bed.enterprise.notices(), 0);
    bed.assert_untouched().await;
}

#[tokio::test]
async fn an_unknown_card_is_not_found() {
    let bed = Bed::new().await;
    let unknown =
        [by_pan("4012888888881881", "2912", "123"), CardReference::Id(domain::CardId::from_i64(1))];
    for card in unknown {
        let purchase = Purchase { card, ..bed.purchase("1") };
        let result = bed.network.purchase(purchase).await;
        assert!(matches!(result, Err(SchemeError::CardNotFound)));
    }
    let purchase = Purchase { card: by_pan(PAN, "13/29", "123"), ..bed.purchase("1") };
    assert!(matches!(bed.network.purchase(purchase).await, Err(SchemeError::Expiry)));
}

fn with_key(bed: &Bed, amount: &str) -> Purchase {
    let (stan, rrn) = (Some("000001".to_owned()), Some("123456789012".to_owned()));
    Purchase { stan, rrn, ..bed.purchase(amount) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_message_many_times_at_once_is_one_hold_one_notice_and_one_answer() {
    let bed = Arc::new(Bed::new().await);
    let pause = Duration::from_millis(100);
    bed.enterprise.behave(Behaviour::After(pause, ResponseCode::Approved));
    let calls: Vec<_> = (0..16)
        .map(|_| {
            let bed = Arc::clone(&bed);
            tokio::spawn(async move { bed.network.purchase(with_key(&bed, "15.50")).await })
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap().unwrap());
    }
    assert_eq!(answers.iter().filter(|answer| !answer.repeated).count(), 1);
    for answer in &answers {
        assert_eq!(answer.authorisation, answers[0].authorisation);
        assert_eq!(answer.authorisation.status, AuthorisationStatus::Approved);
    }
    assert_eq!((bed.enterprise.notices(), bed.held_minor().await), (1, 1550));
    bed.assert_verified().await;
}

#[tokio::test]
async fn a_repeated_message_gets_the_first_answer_whatever_has_changed() {
    let bed = Bed::new().await;
    let first = bed.network.purchase(with_key(&bed, "15.50")).await.unwrap();
    bed.change_card(CardEvent::Terminate).await;
    let again = bed.network.purchase(with_key(&bed, "15.500")).await.unwrap();
    assert!(again.repeated);
    assert_eq!(again.authorisation, first.authorisation);
    assert_eq!((bed.enterprise.notices(), bed.held_minor().await), (1, 1550));
}

#[tokio::test]
async fn another_message_under_the_same_key_is_refused() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let bed = Bed::new().await;
    let first = bed.network.purchase(with_key(&bed, "15.50")).await.unwrap().authorisation;
    let others = [
        with_key(&bed, "9000.00"),
        Purchase { currency: Currency::SGD, ..with_key(&bed, "15.50") },
        Purchase { transaction_type: TransactionType::Cash, ..with_key(&bed, "15.50") },
        Purchase { transaction_type: TransactionType::Refund, ..with_key(&bed, "15.50") },
        Purchase { auth_type: AuthType::PreAuth, ..with_key(&bed, "15.50") },
        Purchase { original_auth_id: Some(first.auth_id), ..with_key(&bed, "15.50") },
    ];
    for other in others {
        let refused = bed.network.purchase(other).await.unwrap_err();
        let text = refused.to_string();
        assert!(text.contains("the network's key"), "{text}");
    }
    let increment = Increment {
        auth_id: first.auth_id,
        amount_text: "15.50".to_owned(),
        stan: with_key(&bed, "1").stan,
        rrn: with_key(&bed, "1").rrn,
    };
    assert!(bed.network.increment(increment).await.is_err());
    assert_eq!((bed.enterprise.notices(), bed.held_minor().await), (1, 1550));
    let counted = recorder.handle().render();
    assert!(counted.contains("cardbridge_network_key_conflicts_total 7"), "{counted}");
    bed.assert_verified().await;
}

#[tokio::test]
async fn a_key_is_its_messages_for_forty_days() {
    const DAY_S: u32 = 24 * 60 * 60;
    let bed = Bed::new().await;
    let first = bed.network.purchase(with_key(&bed, "15.50")).await.unwrap().authorisation;
    bed.schedule.advance(40 * DAY_S - 60).await.unwrap();
    let again = bed.network.purchase(with_key(&bed, "15.50")).await.unwrap();
    assert_eq!((again.repeated, again.authorisation.auth_id), (true, first.auth_id));
    assert!(bed.network.purchase(with_key(&bed, "9000.00")).await.is_err());
    bed.schedule.advance(120).await.unwrap();
    let later = bed.network.purchase(with_key(&bed, "20.00")).await.unwrap();
    assert!(!later.repeated);
    assert_ne!(later.authorisation.auth_id, first.auth_id);
    // From now on the key belongs to this message, for forty days again.
    let again = bed.network.purchase(with_key(&bed, "20.00")).await.unwrap();
    assert_eq!((again.repeated, again.authorisation.auth_id), (true, later.authorisation.auth_id));
    assert!(bed.network.purchase(with_key(&bed, "15.50")).await.is_err());
    assert_eq!((bed.enterprise.notices(), bed.held_minor().await), (2, 2000));
    bed.assert_verified().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_advance_to_another_day_waits_for_what_is_under_way() {
    let bed = Arc::new(Bed::new().await);
    let pause = Duration::from_millis(300);
    bed.enterprise.behave(Behaviour::After(pause, ResponseCode::Approved));
    let shop = Arc::clone(&bed);
    let call = tokio::spawn(async move { shop.network.purchase(shop.purchase("15.50")).await });
    bed.enterprise.wait_for_notices(1).await;
    let day = BusinessDay::of(bed.store.clock().now());
    let advanced = bed.schedule.advance(2 * 24 * 60 * 60).await.unwrap();
    // Before the day's files could become final.
    assert!(!bed.store.has_undecided(bed.enterprise_id, day).await.unwrap());
    assert_eq!(
        bed.store.authorisations_of_day(bed.enterprise_id, day, None).await.unwrap().len(),
        1
    );
    let it = call.await.unwrap().unwrap().authorisation;
    assert_eq!(it.status, AuthorisationStatus::Approved);
    assert!(it.decided_at.unwrap().plus_seconds(24 * 60 * 60) < advanced);
    // A purchase that arrives after the advance belongs to its day.
    let later = bed.network.purchase(bed.purchase("1")).await.unwrap().authorisation;
    assert!(later.created_at >= advanced);
}

#[tokio::test]
async fn stan_without_rrn_is_not_a_key() {
    let bed = Bed::new().await;
    for _ in 0..2 {
        let purchase = Purchase { rrn: None, ..with_key(&bed, "1") };
        assert!(!bed.network.purchase(purchase).await.unwrap().repeated);
    }
    assert_eq!(bed.enterprise.notices(), 2);
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_a_decided_authorisation() {
    let bed = Bed::new().await;
    let gate = bed.enterprise.hold(ResponseCode::Approved);
    let call = bed.network.purchase(bed.purchase("15.50"));
    tokio::select! {
        () = bed.enterprise.wait_for_notices(1) => {}
        answer = call => panic!("answered before the enterprise did: {}", answer.is_ok()),
    }
    gate.close();
    bed.authoriser.settled().await;
    let filter = store::AuthorisationFilter { limit: 10, ..Default::default() };
    let all = bed.store.authorisations(filter).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].status, AuthorisationStatus::Approved);
}
