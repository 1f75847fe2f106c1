//! The enterprise's answers, and their times.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{AuthorisationStatus, Currency, HoldState, ResponseCode, RsaPadding};
use scheme::Purchase;
use serde_json::Value;
use store::EnterprisePatch;
use testkit::front::front_ending_kept_connections;
use tokio::net::TcpSocket;
use wire::cardbridge::signature::webhook_signature_matches;

use crate::bed::{Bed, DEADLINE, DEPOSIT_MINOR, MAX_EXCHANGES};
use crate::enterprise::{Behaviour, ENTERPRISE_KEY, PLATFORM_KEY, STRANGER_KEY};

/// The silent enterprise's time to answer: a test that waits for its answer takes longer, and one
/// that does not takes less even on the busiest machine.
const SILENCE: Duration = Duration::from_secs(60);

fn receipt(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The purchase is declined as unanswered with this detail, nothing is held, and the receipt names
/// the fault.
async fn assert_counts_as_no_answer(behaviour: Behaviour, detail: &str) {
    let bed = Bed::new().await;
    bed.enterprise.behave(behaviour);
    let answer = bed.network.purchase(bed.purchase("15.50")).await.unwrap();
    let it = &answer.authorisation;
    assert_eq!(it.status, AuthorisationStatus::Declined);
    assert_eq!(it.response_code, Some(ResponseCode::NoResponse));
    assert_eq!(it.reject_reason.unwrap().as_str(), "DAPI_AUTH_ENTERPRISE_TIMEOUT_REJECT");
    assert_eq!(it.detail().as_deref(), Some(detail));
    assert_eq!((it.hold_state, it.auth_code.as_deref()), (HoldState::Voided, None));
    bed.assert_untouched().await;
    let view = bed.view(it.auth_id).await;
    let receipt = receipt(&view.receipt);
    assert_eq!(receipt["outcome"]["detail"], detail);
    assert_eq!(receipt["answer"]["fault"], detail);
    assert_eq!(bed.results(it.auth_id).await.len(), 1);
    assert_eq!(view.late_answer, None);
}

#[tokio::test]
async fn an_approved_purchase_keeps_its_hold_and_sends_its_result() {
    let bed = Bed::new().await;
    let answer = bed.network.purchase(bed.purchase("15.50")).await.unwrap();
    let it = &answer.authorisation;
    assert_eq!(it.status, AuthorisationStatus::Approved);
    assert_eq!(it.response_code, Some(ResponseCode::Approved));
    assert_eq!((it.reject_reason, it.hold_state), (None, HoldState::Pending));
    let auth_code = it.auth_code.as_deref().unwrap();
    assert!(auth_code.len() == 6 && auth_code.bytes().all(|b| b.is_ascii_digit()));
    assert!(answer.enterprise_ms.is_some() && !answer.repeated);
    assert_eq!(it.hold_expires_at, Some(it.created_at.plus_seconds(7 * 86_400)));
    let account = bed.account().await;
    assert_eq!((account.available_minor, account.held_minor), (DEPOSIT_MINOR - 1550, 1550));
    bed.assert_verified().await;

    let received = bed.enterprise.take_received();
    assert_eq!(received.len(), 1);
    let data = &received[0].notice.data;
    assert_eq!(data.auth_id, it.auth_id.to_string());
    assert_eq!(data.card_acceptor_name_location.as_deref(), Some("TEST SHOP SG"));
    let signature = received[0].webhook_signature.as_deref().unwrap();
    assert!(webhook_signature_matches(bed.secret.expose(), &received[0].body, signature));

    let results = bed.results(it.auth_id).await;
    assert_eq!(results.len(), 1);
    assert!(results[0].contains(r#""approveFlag":"A""#), "{}", results[0]);
    let webhook: Value = serde_json::from_str(&results[0]).unwrap();
    assert_eq!(webhook["data"]["approveDate"], it.decided_at.unwrap().to_utc8().as_str());
}

#[tokio::test]
async fn the_receipt_shows_each_step_and_no_secret() {
    let bed = Bed::new().await;
    let answer = bed.network.purchase(bed.purchase("15.50")).await.unwrap();
    let view = bed.view(answer.authorisation.auth_id).await;
    let receipt = receipt(&view.receipt);
    let names: Vec<_> =
        receipt["checks"].as_array().unwrap().iter().map(|check| &check["name"]).collect();
    let expected = [
        "expiry",
        "cvv2",
        "pin",
        "card_status",
        "pan_status",
        "card_expiry",
        "conversion",
        "single_limit",
        "auth_url",
        "public_key",
        "deposit",
    ];
    assert_eq!(names, expected);
    assert!(receipt["checks"].as_array().unwrap().iter().all(|check| check["passed"] == true));
    assert_eq!(receipt["answer"]["status"], 200);
    assert_eq!(receipt["answer"]["responseCode"], "00");
    assert_eq!(receipt["answer"]["excerpt"], Value::Null);
    assert!(receipt["notice"]["bodyBytes"].as_u64().unwrap() > 500);
    for step in ["load", "checks", "hold", "seal", "exchange", "total"] {
        assert!(receipt["timingsMs"][step].is_number(), "{step}");
    }
    let received = bed.enterprise.take_received();
    let encrypted = &received[0].notice.data.encrypted_data;
    for secret in [crate::bed::PAN, bed.secret.expose(), encrypted] {
        assert!(!view.receipt.contains(secret));
    }
}

#[tokio::test]
async fn the_enterprises_own_refusals_decline_with_its_code() {
    let bed = Bed::new().await;
    for (code, reason, detail) in [
        ("01", "DAPI_AUTH_ENTERPRISE_REJECT", "enterprise_insufficient_funds"),
        ("11", "DAPI_AUTH_ENTERPRISE_REJECT", "enterprise_not_allowed"),
        ("21", "DAPI_AUTH_ENTERPRISE_TIMEOUT_REJECT", "enterprise_no_response"),
    ] {
        bed.enterprise.behave(Behaviour::Code(code.parse().unwrap()));
        let answer = bed.network.purchase(bed.purchase("1")).await.unwrap();
        let it = answer.authorisation;
        assert_eq!(it.status, AuthorisationStatus::Declined);
        assert_eq!(it.response_code.unwrap().as_str(), code);
        assert_eq!(it.reject_reason.unwrap().as_str(), reason);
        assert_eq!(it.detail().as_deref(), Some(detail));
        let results = bed.results(it.auth_id).await;
        assert!(results[0].contains(r#""approveFlag":"D""#) && results[0].contains(reason));
        let webhook: Value = serde_json::from_str(&results[0]).unwrap();
        let decided = it.decided_at.unwrap().to_utc8();
        assert_eq!(webhook["data"]["approveDate"], decided.as_str(), "a decline has its time too");
        bed.assert_untouched().await;
    }
}

#[tokio::test]
async fn replies_that_cannot_be_trusted_count_as_no_answer() {
    let oversized = "x".repeat(17 * 1024);
    let raw = |status, body: &str| Behaviour::Raw(status, body.to_owned());
    for (behaviour, detail) in [
        (Behaviour::StrangersSignature, "bad_signature"),
        (Behaviour::StrangersCiphertext, "bad_ciphertext"),
        (Behaviour::OtherAuthId, "wrong_auth_id"),
        (raw(StatusCode::OK, "<html>"), "malformed_answer"),
        (raw(StatusCode::OK, "{}"), "missing_signature"),
        (raw(StatusCode::INTERNAL_SERVER_ERROR, "out of order"), "http_status_500"),
        (raw(StatusCode::CREATED, "{}"), "http_status_201"),
        (raw(StatusCode::FOUND, ""), "http_status_302"),
        (raw(StatusCode::OK, &oversized), "answer_too_large"),
    ] {
        assert_counts_as_no_answer(behaviour, detail).await;
    }
}

/// An approval that is signed over its plaintext.
fn signed_over_the_plaintext(auth_id: &str) -> String {
    let plain = format!(r#"{{"authId":"{auth_id}","responseCode":"00"}}"#);
    let block = PLATFORM_KEY.public_key().encrypt(RsaPadding::Pkcs1, plain.as_bytes()).unwrap();
    let signature = ENTERPRISE_KEY.sign_sha256(plain.as_bytes()).unwrap();
    let (signature, ciphertext) = (STANDARD.encode(signature), STANDARD.encode(block));
    format!(r#"{{"signature":"{signature}","encryptData":"{ciphertext}"}}"#)
}

/// The same with ciphertext that nobody can decrypt.
fn signed_over_nothing(_auth_id: &str) -> String {
    let signature = STANDARD.encode(ENTERPRISE_KEY.sign_sha256(b"nothing").unwrap());
    let ciphertext = STANDARD.encode([7; 256]);
    format!(r#"{{"signature":"{signature}","encryptData":"{ciphertext}"}}"#)
}

#[tokio::test]
async fn only_the_sandbox_diagnoses_unsigned_answers_and_only_in_the_receipt() {
    let answered = async |bed: &Bed, make| {
        bed.enterprise.behave(Behaviour::Made(make));
        let it = bed.network.purchase(bed.purchase("15.50")).await.unwrap().authorisation;
        assert_eq!(it.status, AuthorisationStatus::Declined);
        assert_eq!(it.detail().as_deref(), Some("bad_signature"));
        bed.assert_untouched().await;
        let mut answer = receipt(&bed.view(it.auth_id).await.receipt)["answer"].take();
        assert!(answer["explanation"].as_str().unwrap().contains("does not verify"));
        // Ciphertext and time differ from answer to answer.
        for name in ["excerpt", "elapsedMs"] {
            answer[name].take();
        }
        answer
    };
    let sandbox = Bed::new().await;
    let hint = answered(&sandbox, signed_over_the_plaintext).await["hint"].take();
    assert!(hint.as_str().unwrap().contains("over the plaintext with SHA256"), "{hint}");
    let hint = answered(&sandbox, signed_over_nothing).await["hint"].take();
    assert!(hint.as_str().unwrap().contains("externalPublicKey"), "{hint}");

    let production = Bed::of_production().await;
    let openable = answered(&production, signed_over_the_plaintext).await;
    let closed = answered(&production, signed_over_nothing).await;
    assert_eq!(openable["hint"], Value::Null);
    assert_eq!(openable, closed, "production reveals nothing that requires decrypting");
}

#[tokio::test]
async fn a_useless_answer_leaves_a_masked_excerpt() {
    let bed = Bed::new().await;
    let body = format!("card {} refused", crate::bed::PAN);
    bed.enterprise.behave(Behaviour::Raw(StatusCode::BAD_REQUEST, body));
    let answer = bed.network.purchase(bed.purchase("1")).await.unwrap();
    let view = bed.view(answer.authorisation.auth_id).await;
    assert_eq!(receipt(&view.receipt)["answer"]["excerpt"], "card ************0013 refused");
}

#[tokio::test]
async fn an_approval_after_the_deadline_is_recorded_and_moves_nothing() {
    let bed = Bed::new().await;
    bed.hurry().await;
    let gate = bed.enterprise.hold(ResponseCode::Approved);
    let started = Instant::now();
    let answer = bed.network.purchase(bed.purchase("15.50")).await.unwrap();
    assert!(started.elapsed() >= DEADLINE);
    let it = answer.authorisation;
    assert_eq!(it.response_code, Some(ResponseCode::NoResponse));
    assert_eq!(it.detail().as_deref(), Some("no_answer"));
    assert_eq!(answer.enterprise_ms, None);
    bed.assert_untouched().await;
    gate.close();
    let late = loop {
        if let Some(late) = bed.view(it.auth_id).await.late_answer {
            break receipt(&late);
        }
        assert!(started.elapsed() < SILENCE, "no late answer was recorded");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(late["responseCode"], "00");
    assert!(late["receivedMs"].as_u64().unwrap() > 0);
    let view = bed.view(it.auth_id).await;
    assert_eq!(view.authorisation, it);
    assert_eq!(bed.results(it.auth_id).await.len(), 1);
    bed.assert_untouched().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hanging_enterprise_holds_at_most_its_share_of_connections() {
    let bed = Bed::new().await;
    bed.hurry().await;
    bed.enterprise.behave(Behaviour::After(Duration::from_secs(600), ResponseCode::Approved));
    let share = MAX_EXCHANGES / 4;
    for _ in 0..3 {
        let mut purchases = tokio::task::JoinSet::new();
        for _ in 0..share {
            let (network, purchase) = (Arc::clone(&bed.network), bed.purchase("1"));
            purchases.spawn(async move { network.purchase(purchase).await.unwrap() });
        }
        for answer in purchases.join_all().await {
            assert_eq!(answer.authorisation.detail().as_deref(), Some("no_answer"));
        }
    }
    assert_eq!(bed.enterprise.notices(), 3 * share);
    // The latest are still waited for; the others gave way to them.
    let started = Instant::now();
    while bed.enterprise.open() != share {
        assert!(started.elapsed() < Duration::from_secs(20), "{} are open", bed.enterprise.open());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bed.assert_untouched().await;
}

#[tokio::test]
async fn silence_is_declined_at_the_deadline() {
    let bed = Bed::new().await;
    bed.hurry().await;
    bed.enterprise.behave(Behaviour::After(SILENCE, ResponseCode::Approved));
    let started = Instant::now();
    let answer = bed.network.purchase(bed.purchase("15.50")).await.unwrap();
    let elapsed = started.elapsed();
    assert!(elapsed >= DEADLINE && elapsed < SILENCE, "{elapsed:?}");
    assert_eq!(answer.authorisation.detail().as_deref(), Some("no_answer"));
    let view = bed.view(answer.authorisation.auth_id).await;
    assert_eq!(receipt(&view.receipt)["answer"], Value::Null);
    bed.assert_untouched().await;
}

#[tokio::test]
async fn a_refused_connection_and_a_refused_address_are_no_answers() {
    let bed = Bed::new().await;
    // Bound but not listening: the port refuses, and nobody else can take it.
    let refusing = TcpSocket::new_v4().unwrap();
    refusing.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let closed = format!("http://{}/", refusing.local_addr().unwrap());
    for (url, detail) in [
        (closed.as_str(), "no_connection"),
        ("http://10.0.0.1/", "address_refused"),
        ("ftp://example.com/", "bad_auth_url"),
    ] {
        let auth_url = Some(Some(bed.sealed_auth_url(url)));
        bed.patch(EnterprisePatch { auth_url, ..Default::default() }).await;
        let answer = bed.network.purchase(bed.purchase("1")).await.unwrap();
        assert_eq!(answer.authorisation.detail().as_deref(), Some(detail));
        assert_eq!(answer.authorisation.response_code, Some(ResponseCode::NoResponse));
        bed.assert_untouched().await;
    }
}

#[tokio::test]
async fn a_changed_public_key_applies_from_the_next_authorisation() {
    let bed = Bed::new().await;
    let approved = bed.network.purchase(bed.purchase("1")).await.unwrap();
    assert_eq!(approved.authorisation.status, AuthorisationStatus::Approved);
    let stranger = STRANGER_KEY.public_key().to_spki_der().to_vec();
    let patch = EnterprisePatch { external_public_key: Some(Some(stranger)), ..Default::default() };
    bed.patch(patch).await;
    let declined = bed.network.purchase(bed.purchase("1")).await.unwrap();
    assert_eq!(declined.authorisation.status, AuthorisationStatus::Declined);
}

#[tokio::test]
async fn an_enterprise_may_choose_oaep() {
    let bed = Bed::with_padding(RsaPadding::OaepSha256).await;
    let answer = bed.network.purchase(bed.purchase("15.50")).await.unwrap();
    assert_eq!(answer.authorisation.status, AuthorisationStatus::Approved);
}

#[tokio::test]
async fn a_foreign_amount_is_converted_and_both_amounts_are_kept_and_sent() {
    let bed = Bed::new().await;
    bed.set_rate(Currency::SGD, Currency::USD, "0.7561").await;
    let purchase = Purchase { currency: Currency::SGD, ..bed.purchase("20.50") };
    let it = bed.network.purchase(purchase).await.unwrap().authorisation;
    assert_eq!((it.amount.amount_minor(), it.amount.currency()), (1550, Currency::USD));
    assert_eq!((it.acquirer_amount.to_major().as_str(), it.fx_rate.as_str()), ("20.50", "0.7561"));
    assert_eq!(bed.held_minor().await, 1550);
    let received = bed.enterprise.take_received();
    let text = String::from_utf8(received[0].body.clone()).unwrap();
    assert!(text.contains(r#""currency":"840","amount":15.50,"#), "{text}");
    assert!(text.contains(r#""acquirerCurrency":"702","acquirerAmount":20.50,"#), "{text}");
}

#[tokio::test]
async fn a_kept_connection_that_ends_as_the_notice_goes_out_declines_nothing() {
    let bed = Bed::new().await;
    let front = front_ending_kept_connections(&bed.enterprise.url).await;
    let patch = EnterprisePatch {
        auth_url: Some(Some(bed.sealed_auth_url(&front))),
        auth_deadline_ms: Some(3_000),
        ..EnterprisePatch::default()
    };
    bed.patch(patch).await;
    for _ in 0..4 {
        let answer = bed.network.purchase(bed.purchase("15.50")).await.unwrap();
        let it = &answer.authorisation;
        assert_eq!(it.status, AuthorisationStatus::Approved, "{:?}", it.cause);
    }
    // The enterprise saw each notice once: the lost ones never reached it.
    assert_eq!(bed.enterprise.notices(), 4);
}
