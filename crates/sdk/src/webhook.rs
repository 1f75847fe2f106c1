//! The enterprise's half of webhooks: verification and content (cardbridge-open-api.md section 9).

use thiserror::Error;
use wire::cardbridge::order::CardOrderBody;
use wire::cardbridge::signature::webhook_signature_matches;
use wire::cardbridge::webhook::{AuthorisationResultData, CardData, ReceivedWebhook};

pub use wire::cardbridge::signature::WEBHOOK_SIGNATURE_HEADER;
pub use wire::cardbridge::standard_webhooks;

/// Why a webhook must not be acted on.
#[derive(Debug, Error)]
pub enum WebhookFault {
    /// `X-Signature` does not match this body.
    #[error("the signature does not verify")]
    BadSignature,
    /// The body is not a webhook, or its data does not fit its type.
    #[error("the body is not a webhook")]
    Malformed(#[from] serde_json::Error),
}

/// The content of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A card order changed.
    CardOrder(CardOrderBody),
    /// A card changed.
    Card(CardData),
    /// An authorisation was decided.
    AuthorisationResult(AuthorisationResultData),
    /// A type that this version does not read; its JSON.
    Other(String),
}

/// Verifies `X-Signature` over the exact body and reads the envelope. Recognise repeats by
/// `webhook_id`. Answer HTTP 200 once the webhook is stored.
///
/// # Errors
/// [`WebhookFault`].
pub fn open(
    secret_key: &str,
    body: &[u8],
    signature: &str,
) -> Result<ReceivedWebhook, WebhookFault> {
    if !webhook_signature_matches(secret_key, body, signature) {
        return Err(WebhookFault::BadSignature);
    }
    Ok(serde_json::from_slice(body)?)
}

/// Reads the data of a webhook by its type.
///
/// # Errors
/// The data does not fit the type.
pub fn content(webhook: &ReceivedWebhook) -> Result<Content, WebhookFault> {
    let json = webhook.data.get();
    Ok(match webhook.webhook_type.as_str() {
        "CARD_ORDER" => Content::CardOrder(serde_json::from_str(json)?),
        "CARD" => Content::Card(serde_json::from_str(json)?),
        "AUTHORISATION_RESULT" => Content::AuthorisationResult(serde_json::from_str(json)?),
        _ => Content::Other(json.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use wire::cardbridge::signature::webhook_signature;

    use super::*;

    const BODY: &[u8] = br#"{"businessId":"7","data":{"approveDate":"2025-01-15T10:30:00+08:00","approveFlag":"A","authId":"7","rejectReason":null},"notificationTime":"2025-01-15T10:30:00+08:00","webhookId":"1","webhookSubType":"CREATE","webhookType":"AUTHORISATION_RESULT"}"#;

    #[test]
    fn a_true_webhook_is_read_by_its_type() {
        let webhook = open("secret", BODY, &webhook_signature("secret", BODY)).unwrap();
        assert_eq!(webhook.webhook_id, "1");
        let expected = Content::AuthorisationResult(AuthorisationResultData {
            auth_id: "7".to_owned(),
            approve_flag: "A".to_owned(),
            reject_reason: None,
            approve_date: "2025-01-15T10:30:00+08:00".to_owned(),
        });
        assert_eq!(content(&webhook).unwrap(), expected);
        let card = ReceivedWebhook { webhook_type: "CARD".to_owned(), ..webhook.clone() };
        assert!(matches!(content(&card), Err(WebhookFault::Malformed(_))));
        let other = ReceivedWebhook { webhook_type: "NEW".to_owned(), ..webhook };
        assert!(matches!(content(&other), Ok(Content::Other(_))));
    }

    #[test]
    fn a_webhook_with_another_signature_is_refused() {
        let signature = webhook_signature("another secret", BODY);
        assert!(matches!(open("secret", BODY, &signature), Err(WebhookFault::BadSignature)));
    }
}
