//! One try: headers, sending, and what is kept of the answer.

use std::time::Duration;

use bytes::Bytes;
use domain::{Clock, WebhookEvent, WebhookType};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use outbound::{Answer, Outbound, OutboundError, Post, excerpt};
use store::Attempt;
use tokio::time::Instant;
use vault::{SecretText, mask_pans};
use wire::cardbridge::{signature, standard_webhooks};
use wire::vm::notice;

use crate::receiver::{Manner, Receiver};

/// How long an enterprise may take (cardbridge-open-api.md section 9).
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long an app of dialect 2 may take (vm-api.md section 10.3).
const APP_TIMEOUT: Duration = Duration::from_secs(10);
/// Most that is read of an enterprise's answer.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// The only status by which an enterprise acknowledges.
const ACKNOWLEDGED: u16 = 200;

/// Stands where the answer to a 3DS notice would.
const ANSWER_NOT_KEPT: &str = "the answer to a 3DS notice is not kept";

/// A try and whether it was acknowledged.
pub struct Tried {
    /// What is kept of it.
    pub attempt: Attempt,
    /// Whether it is the last.
    pub is_acknowledged: bool,
}

impl Tried {
    /// A try that came to nothing before anything was sent.
    pub fn not_sent(clock: &Clock, why: &str) -> Self {
        let excerpt = why.to_owned();
        let attempt = Attempt { at: clock.now(), status: None, latency_ms: 0, excerpt };
        Self { attempt, is_acknowledged: false }
    }
}

/// Sends `body`, a webhook's own, once to `url`.
pub async fn attempt(
    outbound: &Outbound,
    clock: &Clock,
    event: &WebhookEvent,
    body: Bytes,
    url: &str,
    receiver: &Receiver,
) -> Tried {
    let at = clock.now();
    let real_seconds = clock.real_now().as_millis().div_euclid(1_000);
    let (headers, timeout, max_response_bytes) = match &receiver.manner {
        Manner::Enterprise(Err(none)) => return Tried::not_sent(clock, none.reason()),
        Manner::Enterprise(Ok(secret)) => {
            (enterprise_headers(event, secret.expose(), real_seconds), TIMEOUT, MAX_ANSWER_BYTES)
        }
        Manner::App(secret) => {
            let secret = secret.as_ref().map(SecretText::expose);
            let headers = app_headers(event, &body, secret, real_seconds);
            (headers, APP_TIMEOUT, notice::MAX_ACKNOWLEDGEMENT_BYTES)
        }
    };
    let started = Instant::now();
    let deadline = started + timeout;
    let answer = outbound.post(Post { url, headers, body, deadline, max_response_bytes }).await;
    let latency_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
    let is_acknowledged = acknowledges(&receiver.manner, &answer);
    let (status, excerpt) = match answer {
        Ok(answer) => (Some(answer.status), kept(event, &answer.body)),
        Err(error @ OutboundError::TooLarge { status }) => (Some(status), error.to_string()),
        Err(error) => (None, error.to_string()),
    };
    Tried { attempt: Attempt { at, status, latency_ms, excerpt }, is_acknowledged }
}

fn acknowledges(manner: &Manner, answer: &Result<Answer, OutboundError>) -> bool {
    match (manner, answer) {
        (Manner::Enterprise(_), Ok(answer)) => answer.status == ACKNOWLEDGED,
        // The status arrived, and an enterprise's status alone acknowledges.
        (Manner::Enterprise(_), Err(OutboundError::TooLarge { status })) => *status == ACKNOWLEDGED,
        (Manner::App(_), Ok(answer)) => {
            (200..300).contains(&answer.status) && notice::is_acknowledged(&answer.body)
        }
        (_, Err(_)) => false,
    }
}

/// What is kept of an answer. Nothing of one to a 3DS notice, which may repeat the code; card
/// numbers are masked before the cut, since what is left of a cut one would not look like one.
fn kept(event: &WebhookEvent, body: &[u8]) -> String {
    if event.webhook_type == WebhookType::VmCard3ds {
        return ANSWER_NOT_KEPT.to_owned();
    }
    excerpt(mask_pans(&String::from_utf8_lossy(body)).as_bytes())
}

/// The dialect's own signature and those of Standard Webhooks.
fn enterprise_headers(event: &WebhookEvent, secret: &str, real_seconds: i64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let own = signature::webhook_signature(secret, &event.body);
    put(&mut headers, signature::WEBHOOK_SIGNATURE_HEADER, &own);
    put_standard(&mut headers, event, &event.body, secret, real_seconds);
    headers
}

/// No header beside the type, unless the app wants a signature.
fn app_headers(
    event: &WebhookEvent,
    body: &[u8],
    secret: Option<&str>,
    real_seconds: i64,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(secret) = secret {
        put_standard(&mut headers, event, body, secret, real_seconds);
    }
    headers
}

/// The headers of Standard Webhooks.
fn put_standard(
    headers: &mut HeaderMap,
    event: &WebhookEvent,
    body: &[u8],
    secret: &str,
    real_seconds: i64,
) {
    let id = event.webhook_id.to_string();
    put(headers, standard_webhooks::ID_HEADER, &id);
    put(headers, standard_webhooks::TIMESTAMP_HEADER, &real_seconds.to_string());
    match standard_webhooks::signature(secret, &id, real_seconds, body) {
        Ok(standard) => put(headers, standard_webhooks::SIGNATURE_HEADER, &standard),
        // Secrets that the vault draws are base64; any other has no such signature.
        Err(error) => tracing::warn!(webhook_id = %id, %error, "no Standard Webhooks signature"),
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    // Digits, hex and base64 are always header values.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use domain::{EnterpriseId, Timestamp, WebhookId, WebhookSubType, WebhookType};

    use super::*;

    #[test]
    fn no_card_number_is_kept_of_an_answer_not_even_a_part_of_one() {
        let event = event(WebhookType::Card);
        assert_eq!(kept(&event, b"got 4111111111111111"), "got ************1111");
        let late = format!("{}4111111111111111", "x".repeat(250));
        assert_eq!(kept(&event, late.as_bytes()), format!("{}******", "x".repeat(250)));
    }

    #[test]
    fn nothing_is_kept_of_an_answer_to_a_notice_that_bears_a_code() {
        assert!(!kept(&event(WebhookType::VmCard3ds), b"got 045000").contains("045000"));
    }

    fn event(webhook_type: WebhookType) -> WebhookEvent {
        WebhookEvent {
            enterprise_id: EnterpriseId::from_i64(1),
            vm_app_id: None,
            webhook_id: WebhookId::from_i64(7),
            webhook_type,
            sub_type: WebhookSubType::Create,
            business_id: 9,
            body: br#"{"webhookId":"7"}"#.to_vec(),
            created_at: Timestamp::from_micros(0),
        }
    }

    const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    const REAL_SECONDS: i64 = 1_735_689_600;

    #[test]
    fn both_signatures_cover_the_exact_body() {
        let event = event(WebhookType::Card);
        let headers = enterprise_headers(&event, SECRET, REAL_SECONDS);
        let text = |name: &str| headers[name].to_str().unwrap();
        assert_eq!(text("content-type"), "application/json");
        assert_eq!(text("webhook-id"), "7");
        assert!(signature::webhook_signature_matches(SECRET, &event.body, text("x-signature")));
        let verified = standard_webhooks::verify(
            SECRET,
            "7",
            text("webhook-timestamp"),
            text("webhook-signature"),
            &event.body,
            REAL_SECONDS,
        );
        assert_eq!(verified, Ok(()));
    }
}
