//! Platform to enterprise: the notice.

use crypto::{CryptoError, RsaPrivateKey, RsaPublicKey};
use domain::{Authorisation, Merchant, RsaScheme, Timestamp, WebhookId, WebhookSubType};
use serde::Serialize;
use thiserror::Error;

use super::{OpenFault, SealedText, WEBHOOK_TYPE, open, seal};
use crate::cardbridge::amount::AmountText;
use crate::cardbridge::answer::answer;
use crate::cardbridge::reading::Object;
use crate::cardbridge::webhook::WebhookBody;
use crate::field::Field;

/// A notice ready to be posted to the enterprise's authUrl.
pub struct SealedNotice {
    /// The exact body.
    pub body: Vec<u8>,
    /// Value of `X-Auth-Signature`.
    pub auth_signature: String,
}

answer! {
    /// Data of a notice, in the order in which they are sent; optional fields are null when
    /// absent.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct NoticeData of authorisation: Authorisation {
        /// The authorisation.
        pub auth_id: String = authorisation.auth_id.to_string(),
        /// `OUTGOING` or `INCOMING`.
        pub direction: String = authorisation.direction.to_string(),
        /// `NORMAL`, `PRE_AUTH` or `PRE_AUTH_COMPLETION`.
        pub auth_type: String = authorisation.auth_type.to_string(),
        /// The bill it belongs to.
        pub outs_id: Option<String> = Some(authorisation.outs_id.to_string()),
        /// The authorisation that this one follows.
        pub original_auth_id: Option<String> =
            authorisation.original_auth_id.map(|id| id.to_string()),
        /// Cardholder.
        pub customer_id: String = authorisation.customer_id.to_string(),
        /// The card.
        pub card_id: String = authorisation.card_id.to_string(),
        /// Currency of the enterprise's account, numeric.
        pub currency: String = authorisation.amount.currency().to_string(),
        /// Amount in that currency, major units.
        pub amount: AmountText = authorisation.amount.into(),
        /// Currency that the shop asked for, numeric.
        pub acquirer_currency: Option<String> =
            Some(authorisation.acquirer_amount.currency().to_string()),
        /// Amount in that currency, major units.
        pub acquirer_amount: Option<AmountText> = Some(authorisation.acquirer_amount.into()),
        /// Merchant number.
        pub card_acceptor_identification: Option<String> =
            authorisation.merchant.merchant_id.clone(),
        /// Merchant name and place.
        pub card_acceptor_name_location: Option<String> = name_location(&authorisation.merchant),
        /// `C`, `P`, `Q` or `R`.
        pub transaction_type: String = authorisation.transaction_type.to_string(),
        /// Ciphertext of the fields that are signed.
        // Sealed once the clear fields are there.
        pub encrypted_data: String = String::new(),
    }
}

/// A notice as the enterprise reads it.
pub type Notice = WebhookBody<NoticeData>;

/// The plaintext of `encryptedData`, in exactly this order (cardbridge-open-api.md section 8.3).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Essentials<'a> {
    auth_id: &'a str,
    direction: &'a str,
    currency: &'a str,
    amount: &'a AmountText,
}

/// Why the enterprise's side must not act on a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoticeFault {
    /// The body is not a notice.
    #[error("the body is not an authorisation notice")]
    Malformed,
    /// `X-Auth-Signature` was not made by the platform over this ciphertext.
    #[error("the signature does not verify")]
    BadSignature,
    /// The ciphertext does not open, or holds something else.
    #[error("the ciphertext does not open")]
    BadCiphertext,
    /// The encrypted fields differ from the clear ones, which this signature does not cover.
    #[error("the clear fields differ from the encrypted ones")]
    Mismatch,
}

/// Builds, encrypts and signs the first notice of an authorisation. `now` is business
/// time.
///
/// # Errors
/// A key cannot encrypt or sign, as with a modulus too short for the plaintext.
pub fn seal_notice(
    authorisation: &Authorisation,
    enterprise_key: &RsaPublicKey,
    platform_key: &RsaPrivateKey,
    scheme: impl Into<RsaScheme>,
    webhook_id: WebhookId,
    now: Timestamp,
) -> Result<SealedNotice, CryptoError> {
    let mut data = NoticeData::from(authorisation);
    let sealed = seal(&essentials(&data), enterprise_key, platform_key, scheme.into())?;
    data.encrypted_data = sealed.ciphertext;
    let notice = WebhookBody {
        webhook_id: webhook_id.to_string(),
        webhook_type: WEBHOOK_TYPE.to_owned(),
        webhook_sub_type: WebhookSubType::Create.to_string(),
        business_id: authorisation.auth_id.to_string(),
        data,
        notification_time: now.to_utc8(),
    };
    let body = serde_json::to_vec(&notice).expect("structs of texts and digits are JSON");
    Ok(SealedNotice { body, auth_signature: sealed.signature })
}

/// The enterprise's side: verifies, decrypts and compares the clear copies.
///
/// # Errors
/// [`NoticeFault`] says why the notice is not to be acted on.
pub fn open_notice(
    body: &[u8],
    auth_signature: &str,
    platform_key: &RsaPublicKey,
    enterprise_key: &RsaPrivateKey,
    scheme: impl Into<RsaScheme>,
) -> Result<Notice, NoticeFault> {
    let notice: Notice = serde_json::from_slice(body).map_err(|_| NoticeFault::Malformed)?;
    let sealed = SealedText {
        ciphertext: notice.data.encrypted_data.clone(),
        signature: auth_signature.to_owned(),
    };
    let plain =
        open(&sealed, platform_key, enterprise_key, scheme.into()).map_err(
            |fault| match fault {
                OpenFault::Signature => NoticeFault::BadSignature,
                OpenFault::Ciphertext => NoticeFault::BadCiphertext,
            },
        )?;
    let data = &notice.data;
    let is_same = essentials_match(&plain, data).ok_or(NoticeFault::BadCiphertext)?;
    let is_whole = notice.webhook_type == WEBHOOK_TYPE && notice.business_id == data.auth_id;
    if is_same && is_whole { Ok(notice) } else { Err(NoticeFault::Mismatch) }
}

fn name_location(merchant: &Merchant) -> Option<String> {
    Some(merchant.name_and_place()).filter(|text| !text.is_empty())
}

fn essentials(data: &NoticeData) -> Vec<u8> {
    let essentials = Essentials {
        auth_id: &data.auth_id,
        direction: &data.direction,
        currency: &data.currency,
        amount: &data.amount,
    };
    serde_json::to_vec(&essentials).expect("texts and digits are JSON")
}

/// Returns whether the decrypted fields equal the clear ones; `None` if the plaintext is not an
/// object with these fields.
fn essentials_match(plain: &[u8], data: &NoticeData) -> Option<bool> {
    let object = Object::parse_nested("encryptedData", plain).ok()?;
    let text = |name| object.required_text(Field::text(name, "")).ok();
    let same = text("authId")? == data.auth_id
        && text("direction")? == data.direction
        && text("currency")? == data.currency
        && object.amount(Field::text("amount", "")).ok()?? == data.amount;
    Some(same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cardbridge::test_objects::authorisation;

    #[test]
    fn the_plaintext_is_the_four_fields_in_order() {
        let text = String::from_utf8(essentials(&NoticeData::from(&authorisation()))).unwrap();
        assert_eq!(
            text,
            r#"{"authId":"4934950835815641999","direction":"OUTGOING","currency":"702","amount":20.50}"#
        );
    }

    #[test]
    fn data_follows_the_published_example() {
        let mut data = NoticeData::from(&authorisation());
        data.encrypted_data = "<base64>".to_owned();
        assert_eq!(
            serde_json::to_string(&data).unwrap(),
            concat!(
                r#"{"authId":"4934950835815641999","direction":"OUTGOING","authType":"NORMAL","#,
                r#""outsId":"4934950835815642000","originalAuthId":null,"#,
                r#""customerId":"4879846599637290752","cardId":"4934950835815641344","#,
                r#""currency":"702","amount":20.50,"acquirerCurrency":"840","#,
                r#""acquirerAmount":15.50,"cardAcceptorIdentification":"M0001","#,
                r#""cardAcceptorNameLocation":"TEST SHOP SINGAPORE SG","transactionType":"R","#,
                r#""encryptedData":"<base64>"}"#
            )
        );
    }

    #[test]
    fn an_unnamed_shop_is_null() {
        assert_eq!(name_location(&Merchant::default()), None);
        let merchant = Merchant { country: Some("SG".to_owned()), ..Merchant::default() };
        assert_eq!(name_location(&merchant).as_deref(), Some("SG"));
    }

    #[test]
    fn the_city_stands_between_name_and_country() {
        let merchant = Merchant {
            name: Some("TEST SHOP".to_owned()),
            city: Some("SINGAPORE".to_owned()),
            country: Some("SG".to_owned()),
            ..Merchant::default()
        };
        assert_eq!(name_location(&merchant).as_deref(), Some("TEST SHOP SINGAPORE SG"));
    }
}
