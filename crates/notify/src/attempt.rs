//! One try: headers, sending, and what is kept of the answer.

use std::time::Duration;

use bytes::Bytes;
use domain::{Clock, WebhookEvent};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use outbound::{Outbound, OutboundError, Post, excerpt};
use store::Attempt;
use tokio::time::Instant;
use vault::mask_pans;
use wire::cardbridge::{signature, standard_webhooks};

use crate::receiver::Receiver;

/// How long a receiver may take (cardbridge-open-api.md section 9).
const TIMEOUT: Duration = Duration::from_secs(5);
/// Most that is read of an answer.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// The only status that acknowledges a webhook.
const ACKNOWLEDGED: u16 = 200;

/// Whether a try was acknowledged.
pub fn is_acknowledged(attempt: &Attempt) -> bool {
    attempt.status == Some(ACKNOWLEDGED)
}

/// Sends a webhook once to `url`.
pub async fn attempt(
    outbound: &Outbound,
    clock: &Clock,
    event: &WebhookEvent,
    url: &str,
    receiver: &Receiver,
) -> Attempt {
    let at = clock.now();
    let secret = match &receiver.secret {
        Ok(secret) => secret.expose(),
        Err(none) => {
            return Attempt { at, status: None, latency_ms: 0, excerpt: none.reason().to_owned() };
        }
    };
    let started = Instant::now();
    let post = Post {
        url,
        headers: headers(event, secret, clock.real_now().as_millis().div_euclid(1_000)),
        body: Bytes::copy_from_slice(&event.body),
        deadline: started + TIMEOUT,
        max_response_bytes: MAX_ANSWER_BYTES,
    };
    let answer = outbound.post(post).await;
    let latency_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
    let (status, excerpt) = match answer {
        Ok(answer) => (Some(answer.status), kept(&answer.body)),
        // The status arrived, and the status alone acknowledges.
        Err(error @ OutboundError::TooLarge { status }) => (Some(status), error.to_string()),
        Err(error) => (None, error.to_string()),
    };
    Attempt { at, status, latency_ms, excerpt }
}

/// Masked before it is cut: what is left of a cut card number would not look like one.
fn kept(body: &[u8]) -> String {
    excerpt(mask_pans(&String::from_utf8_lossy(body)).as_bytes())
}

/// The dialect's own signature and those of Standard Webhooks.
fn headers(event: &WebhookEvent, secret: &str, real_seconds: i64) -> HeaderMap {
    let id = event.webhook_id.to_string();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut put = |name: &'static str, value: &str| {
        // Digits, hex and base64 are always header values.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    let own = signature::webhook_signature(secret, &event.body);
    put(signature::WEBHOOK_SIGNATURE_HEADER, &own);
    put(standard_webhooks::ID_HEADER, &id);
    put(standard_webhooks::TIMESTAMP_HEADER, &real_seconds.to_string());
    match standard_webhooks::signature(secret, &id, real_seconds, &event.body) {
        Ok(standard) => put(standard_webhooks::SIGNATURE_HEADER, &standard),
        // Secrets that the vault draws are base64; any other has no such signature.
        Err(error) => tracing::warn!(webhook_id = %id, %error, "no Standard Webhooks signature"),
    }
    headers
}

#[cfg(test)]
mod tests {
    use domain::{EnterpriseId, Timestamp, WebhookId, WebhookSubType, WebhookType};

    use super::*;

    #[test]
    fn no_card_number_is_kept_of_an_answer_not_even_a_part_of_one() {
        assert_eq!(kept(b"got 4111111111111111"), "got ************1111");
        let late = format!("{}4111111111111111", "x".repeat(250));
        assert_eq!(kept(late.as_bytes()), format!("{}******", "x".repeat(250)));
    }

    const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    const REAL_SECONDS: i64 = 1_735_689_600;

    #[test]
    fn both_signatures_cover_the_exact_body() {
        let event = WebhookEvent {
            enterprise_id: EnterpriseId::from_i64(1),
            webhook_id: WebhookId::from_i64(7),
            webhook_type: WebhookType::Card,
            sub_type: WebhookSubType::Create,
            business_id: 9,
            body: br#"{"webhookId":"7"}"#.to_vec(),
            created_at: Timestamp::from_micros(0),
        };
        let headers = headers(&event, SECRET, REAL_SECONDS);
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
