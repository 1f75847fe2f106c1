//! Webhooks of dialect 2: plain JSON, neither signed nor encrypted nor wrapped
//! (vm-api.md section 10).

use domain::{
    Authorisation, Timestamp, VmAppId, WebhookEvent, WebhookId, WebhookSubType, WebhookType,
};
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;
use zeroize::Zeroizing;

use super::VmSettings;
use super::amount::Amount;
use super::transaction::{Kind, Transaction, standing};
use crate::byte_order_mark::without_byte_order_mark;

/// Largest answer to a webhook that is read for its `code`.
pub const MAX_ACKNOWLEDGEMENT_BYTES: usize = 4_096;

/// The body of a transaction webhook.
#[must_use]
pub fn transaction(row: &Transaction) -> Vec<u8> {
    serde_json::to_vec(row).expect("texts and numbers are always JSON")
}

/// The webhook that shows an app an authorisation as it stands after a change; `vm_app_id` and
/// `card_uuid` are those of its card.
#[must_use]
pub fn transaction_event(
    it: &Authorisation,
    (vm_app_id, card_uuid): (VmAppId, String),
    webhook_id: WebhookId,
    now: Timestamp,
    settings: &VmSettings,
) -> WebhookEvent {
    let is_first =
        matches!(standing(it, settings.open_state).0, Kind::Authorization | Kind::Refund);
    WebhookEvent {
        enterprise_id: it.enterprise_id,
        vm_app_id: Some(vm_app_id),
        webhook_id,
        webhook_type: WebhookType::VmTransaction,
        sub_type: if is_first { WebhookSubType::Create } else { WebhookSubType::Update },
        business_id: it.auth_id.as_i64(),
        body: transaction(&Transaction::of(it, card_uuid, settings)),
        created_at: now,
    }
}

/// True if a change is visible to the app: its row differs. Clients book what each webhook says, so
/// no row is sent twice unchanged (vm-api.md section 10.3).
#[must_use]
pub fn is_news(before: &Authorisation, after: &Authorisation, settings: &VmSettings) -> bool {
    let row = |it| Transaction::of(it, String::new(), settings);
    row(before) != row(after)
}

/// A 3DS challenge with the code that the cardholder types to pass it. No Debug: the code is a
/// secret.
pub struct Challenge<'a> {
    /// The card.
    pub card_id: &'a str,
    /// Currency of the shop, letters.
    pub currency: &'a str,
    /// In that currency.
    pub amount: Amount,
    /// Six digits.
    pub otp: &'a str,
    /// Name of the shop.
    pub detail: &'a str,
}

/// The body of a 3DS webhook.
#[must_use]
pub fn challenge(it: &Challenge<'_>) -> Zeroizing<Vec<u8>> {
    #[derive(Serialize)]
    struct Data<'a> {
        card_id: &'a str,
        currency: &'a str,
        amount: &'a Amount,
        otp: &'a str,
        detail: &'a str,
    }
    #[derive(Serialize)]
    struct Webhook<'a> {
        business_type: &'a str,
        data: Data<'a>,
    }
    let data = Data {
        card_id: it.card_id,
        currency: it.currency,
        amount: &it.amount,
        otp: it.otp,
        detail: it.detail,
    };
    let webhook = Webhook { business_type: "Card3ds", data };
    Zeroizing::new(serde_json::to_vec(&webhook).expect("texts and numbers are always JSON"))
}

/// Why an answer of 2xx to a webhook does not acknowledge it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotAcknowledged {
    /// It has no body.
    #[error("the answer is empty; {{\"code\":0}} acknowledges")]
    Empty,
    /// Its body is not JSON.
    #[error("the answer is not JSON; {{\"code\":0}} acknowledges")]
    NotJson,
    /// Its body is JSON, but not an object.
    #[error("the answer is no JSON object; {{\"code\":0}} acknowledges")]
    NoObject,
    /// The object has no `code`.
    #[error("the answer has no \"code\"; 0 acknowledges")]
    NoCode,
    /// `code` is a text.
    #[error("\"code\" is a text; the number 0 acknowledges")]
    CodeIsText,
    /// `code` is neither a number nor a text.
    #[error("\"code\" is no whole number; 0 acknowledges")]
    CodeIsNoNumber,
    /// `code` is another number.
    #[error("\"code\" is {0}; 0 acknowledges")]
    OtherCode(i64),
}

/// Checks that a receiver's answer acknowledges: JSON with the number 0 as `code`.
///
/// # Errors
/// [`NotAcknowledged`] says why it does not.
pub fn acknowledged(body: &[u8]) -> Result<(), NotAcknowledged> {
    let body = without_byte_order_mark(body);
    if body.trim_ascii().is_empty() {
        return Err(NotAcknowledged::Empty);
    }
    let answer: Value = serde_json::from_slice(body).map_err(|_| NotAcknowledged::NotJson)?;
    let answer = answer.as_object().ok_or(NotAcknowledged::NoObject)?;
    match answer.get("code").ok_or(NotAcknowledged::NoCode)? {
        Value::String(_) => Err(NotAcknowledged::CodeIsText),
        code => match code.as_i64().ok_or(NotAcknowledged::CodeIsNoNumber)? {
            0 => Ok(()),
            other => Err(NotAcknowledged::OtherCode(other)),
        },
    }
}

#[cfg(test)]
mod tests {
    use domain::{Currency, Money};

    use super::*;

    #[test]
    fn a_challenge_is_wrapped_as_published() {
        let body = challenge(&Challenge {
            card_id: "9a1d",
            currency: "USD",
            amount: Amount(Money::new(5_000, Currency::USD)),
            otp: "045000",
            detail: "TEST SHOP",
        });
        let expected = r#"{"business_type":"Card3ds","data":{"card_id":"9a1d","currency":"USD","amount":50,"otp":"045000","detail":"TEST SHOP"}}"#;
        assert_eq!(std::str::from_utf8(&body), Ok(expected));
    }

    #[test]
    fn only_the_number_zero_acknowledges() {
        assert_eq!(acknowledged(br#"{"code":0,"msg":"ok"}"#), Ok(()));
        assert_eq!(acknowledged("\u{feff}{\"code\":0}".as_bytes()), Ok(()));
        for (body, refusal) in [
            ("", NotAcknowledged::Empty),
            (" \n", NotAcknowledged::Empty),
            ("ok", NotAcknowledged::NotJson),
            ("[0]", NotAcknowledged::NoObject),
            ("{}", NotAcknowledged::NoCode),
            (r#"{"code":"0"}"#, NotAcknowledged::CodeIsText),
            (r#"{"code":null}"#, NotAcknowledged::CodeIsNoNumber),
            (r#"{"code":0.5}"#, NotAcknowledged::CodeIsNoNumber),
            (r#"{"code":200}"#, NotAcknowledged::OtherCode(200)),
        ] {
            assert_eq!(acknowledged(body.as_bytes()), Err(refusal), "{body}");
        }
    }
}
