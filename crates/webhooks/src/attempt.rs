//! One try: headers, sending, and the record of the answer.

use std::time::Duration;

use bytes::Bytes;
use domain::{Clock, WebhookEvent, WebhookType};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use outbound::{Answer, Outbound, OutboundError, Post, excerpt, mask_url};
use store::{Attempt, Delivery};
use tokio::time::Instant;
use vault::{SecretText, mask_pans};
use wire::cardbridge::{signature, standard_webhooks};
use wire::vm::webhook::{self, NotAcknowledged};

use crate::receiver::{Receiver, Signing};

/// Time limit of an enterprise's answer (cardbridge-open-api.md section 9).
const TIMEOUT: Duration = Duration::from_secs(5);
/// Time limit of the answer of an app of dialect 2 (vm-api.md section 10.3).
const APP_TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes that are read of an enterprise's answer.
const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// The only status with which an enterprise acknowledges.
const ACKNOWLEDGED: u16 = 200;

/// Replaces the answer to a 3DS notice.
const ANSWER_NOT_KEPT: &str = "the answer to a 3DS notice is not kept";

/// A try and whether it was acknowledged.
pub struct Tried {
    /// The record of the try.
    pub attempt: Attempt,
    /// True if it was acknowledged, so no try follows.
    pub is_acknowledged: bool,
    /// True if anything was sent.
    pub is_sent: bool,
}

impl Tried {
    /// A try that failed before anything was sent.
    pub fn not_sent(clock: &Clock, why: &str) -> Self {
        let excerpt = why.to_owned();
        let at = clock.now();
        let attempt = Attempt { at, status: None, latency_ms: 0, excerpt, refusal: None };
        Self { attempt, is_acknowledged: false, is_sent: false }
    }
}

/// Sends `body`, the webhook's own body, once to `url`.
pub async fn attempt(
    outbound: &Outbound,
    clock: &Clock,
    delivery: &Delivery,
    body: Bytes,
    url: &str,
    receiver: &Receiver,
) -> Tried {
    let event = &delivery.event;
    let at = clock.now();
    let real_seconds = clock.real_now().as_millis().div_euclid(1_000);
    let (headers, timeout, max_response_bytes) = match &receiver.signing {
        Signing::Enterprise(Err(none)) => return Tried::not_sent(clock, none.reason()),
        Signing::Enterprise(Ok(secret)) => {
            (enterprise_headers(delivery, secret.expose(), real_seconds), TIMEOUT, MAX_ANSWER_BYTES)
        }
        Signing::App(secret) => {
            let secret = secret.as_ref().map(SecretText::expose);
            let headers = app_headers(delivery, &body, secret, real_seconds);
            (headers, APP_TIMEOUT, webhook::MAX_ACKNOWLEDGEMENT_BYTES)
        }
    };
    let started = Instant::now();
    let deadline = started + timeout;
    let post = Post { url, headers, body, deadline, resend_until: deadline, max_response_bytes };
    let answer = outbound.post(post).await;
    let latency_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
    let refusal = refusal(event, &receiver.signing, &answer);
    let is_acknowledged = refusal.is_none();
    let refusal = refusal.flatten();
    let (status, excerpt) = match answer {
        Ok(answer) => (Some(answer.status), kept(event, &answer.body, url)),
        Err(error @ OutboundError::TooLarge { status }) => (Some(status), error.to_string()),
        Err(error) => (None, error.to_string()),
    };
    let attempt = Attempt { at, status, latency_ms, excerpt, refusal };
    Tried { attempt, is_acknowledged, is_sent: true }
}

/// Why an answer does not acknowledge; `None` if it does. For an incomplete answer the excerpt says
/// what went wrong, unless the status alone refuses.
fn refusal(
    event: &WebhookEvent,
    signing: &Signing,
    answer: &Result<Answer, OutboundError>,
) -> Option<Option<String>> {
    let status = match answer {
        Ok(answer) => answer.status,
        Err(OutboundError::TooLarge { status }) => *status,
        Err(_) => return Some(None),
    };
    match (signing, answer) {
        // An enterprise acknowledges by status alone, even if the answer is larger than what is
        // read.
        (Signing::Enterprise(_), _) if status == ACKNOWLEDGED => None,
        (Signing::Enterprise(_), _) => {
            Some(Some(format!("the status is {status}; only {ACKNOWLEDGED} acknowledges")))
        }
        (Signing::App(_), _) if !(200..300).contains(&status) => {
            Some(Some(format!("the status is {status}; a 2xx with \"code\" 0 acknowledges")))
        }
        (Signing::App(_), Err(_)) => Some(None),
        (Signing::App(_), Ok(answer)) => match webhook::acknowledged(&answer.body) {
            Ok(()) => None,
            // The number may be a repeat of the one-time code.
            Err(NotAcknowledged::OtherCode(_)) if event.webhook_type == WebhookType::VmCard3ds => {
                Some(Some("\"code\" is another number; 0 acknowledges".to_owned()))
            }
            Err(refusal) => Some(Some(refusal.to_string())),
        },
    }
}

/// The part of an answer that is kept, without the URL that it may repeat. Nothing is kept of an
/// answer to a 3DS notice, which may repeat the code. Card numbers are masked before the cut, since
/// the rest of a cut one would not look like one.
fn kept(event: &WebhookEvent, body: &[u8], url: &str) -> String {
    if event.webhook_type == WebhookType::VmCard3ds {
        return ANSWER_NOT_KEPT.to_owned();
    }
    excerpt(mask_pans(&mask_url(&String::from_utf8_lossy(body), url)).as_bytes())
}

/// The dialect's own signature and that of Standard Webhooks.
fn enterprise_headers(delivery: &Delivery, secret: &str, real_seconds: i64) -> HeaderMap {
    let event = &delivery.event;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let own = signature::webhook_signature(secret, &event.body);
    put(&mut headers, signature::WEBHOOK_SIGNATURE_HEADER, &own);
    put_standard(&mut headers, delivery, &event.body, secret, real_seconds);
    headers
}

/// No header besides the content type, unless the app wants a signature.
fn app_headers(
    delivery: &Delivery,
    body: &[u8],
    secret: Option<&str>,
    real_seconds: i64,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(secret) = secret {
        put_standard(&mut headers, delivery, body, secret, real_seconds);
    }
    headers
}

/// The headers of Standard Webhooks, and the webhook's position among those of its object.
fn put_standard(
    headers: &mut HeaderMap,
    delivery: &Delivery,
    body: &[u8],
    secret: &str,
    real_seconds: i64,
) {
    let id = delivery.event.webhook_id.to_string();
    if delivery.seq > 0 {
        put(headers, standard_webhooks::SEQUENCE_HEADER, &delivery.seq.to_string());
    }
    put(headers, standard_webhooks::ID_HEADER, &id);
    put(headers, standard_webhooks::TIMESTAMP_HEADER, &real_seconds.to_string());
    match standard_webhooks::signature(secret, &id, real_seconds, body) {
        Ok(standard) => put(headers, standard_webhooks::SIGNATURE_HEADER, &standard),
        // Secrets that the vault draws are base64; any other cannot make such a signature.
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
        assert_eq!(kept(&event, b"got 4111111111111111", URL), "got ************1111");
        let late = format!("{}4111111111111111", "x".repeat(250));
        assert_eq!(kept(&event, late.as_bytes(), URL), format!("{}******", "x".repeat(250)));
    }

    const URL: &str = "https://hook.example/in/very-secret";

    #[test]
    fn a_url_that_an_answer_repeats_is_not_kept() {
        let body = b"Cannot POST /in/very-secret";
        assert_eq!(kept(&event(WebhookType::Card), body, URL), "Cannot POST [URL]");
    }

    #[test]
    fn nothing_is_kept_of_an_answer_to_a_notice_that_carries_a_code() {
        assert!(!kept(&event(WebhookType::VmCard3ds), b"got 045000", URL).contains("045000"));
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
        let leased_until = Timestamp::from_micros(0);
        let delivery = Delivery { event: event.clone(), tries: 0, seq: 3, leased_until };
        let headers = enterprise_headers(&delivery, SECRET, REAL_SECONDS);
        let text = |name: &str| headers[name].to_str().unwrap();
        assert_eq!(text("content-type"), "application/json");
        assert_eq!((text("webhook-id"), text("webhook-sequence")), ("7", "3"));
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
