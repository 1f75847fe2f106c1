//! A purchase as the sandbox's caller describes it.

use domain::{AuthId, AuthType, Merchant, TransactionType};
use scheme::{CardReference, Purchase};
use vault::{ClearPan, ClearPin};
use zeroize::Zeroizing;

use crate::card_reference::card_id;
use crate::fields::{Fields, currency, required_decimal, rrn, stan, text_of};
use crate::problem::Problem;
use crate::request_bodies::{
    MCC, MERCHANT_CITY, MERCHANT_COUNTRY, MERCHANT_ID, MERCHANT_NAME, NEW_AUTHORISATION as BODY,
};
use crate::state::ApiState;
use wire::field;
use wire::field::Field;

/// Digits of a merchant category code.
const MCC_DIGITS: usize = 4;

/// Reads the body. The network judges whether the amount fits its currency, since zero is right
/// for an inquiry.
pub(crate) async fn read(state: &ApiState, fields: &Fields<'_>) -> Result<Purchase, Problem> {
    let transaction_type = fields.value(field!(BODY, "transactionType"), "must be R, C, P or Q")?;
    let transaction_type = transaction_type.unwrap_or(TransactionType::Purchase);
    let auth_type = fields
        .value(field!(BODY, "authType"), "must be NORMAL, PRE_AUTH or PRE_AUTH_COMPLETION")?;
    let auth_type = auth_type.unwrap_or(AuthType::Normal);
    if transaction_type == TransactionType::Refund && auth_type != AuthType::Normal {
        return Err(fields.wrong(field!(BODY, "authType"), "of a refund is NORMAL"));
    }
    Ok(Purchase {
        card: card(state, fields).await?,
        pin: pin(fields)?,
        amount_text: required_decimal(fields, field!(BODY, "amount"))?,
        currency: currency(fields, field!(BODY, "currency"))?,
        original_auth_id: original(fields, transaction_type, auth_type)?,
        transaction_type,
        auth_type,
        merchant: merchant(fields)?,
        stan: stan(fields)?,
        rrn: rrn(fields)?,
    })
}

const CARD_ID: Field = BODY.field("cardId");
const PAN: Field = BODY.field("pan");
const PIN: Field = BODY.field("pin");
const ORIGINAL: Field = BODY.field("originalAuthId");

async fn card(state: &ApiState, fields: &Fields<'_>) -> Result<CardReference, Problem> {
    match (fields.text(CARD_ID)?, fields.text(PAN)?.map(Zeroizing::new)) {
        (Some(id), None) => card_id(state, &id).await.map(CardReference::Id),
        (None, Some(pan)) => Ok(CardReference::Pan {
            pan: ClearPan::parse(&pan).map_err(|_| fields.wrong(PAN, "is not a card number"))?,
            expiry: fields.required_text(field!(BODY, "expiry"))?,
            cvv2: Zeroizing::new(fields.required_text(field!(BODY, "cvv2"))?),
        }),
        (Some(_), Some(_)) => Err(fields.wrong(PAN, "and cardId exclude each other")),
        (None, None) => Err(fields.wrong(CARD_ID, "or pan is missing")),
    }
}

fn pin(fields: &Fields<'_>) -> Result<Option<ClearPin>, Problem> {
    let Some(text) = fields.text(PIN)?.map(Zeroizing::new) else { return Ok(None) };
    ClearPin::parse(&text).map(Some).map_err(|_| fields.wrong(PIN, "must be four digits"))
}

/// Only a completion, which needs it, and a refund name what they follow.
fn original(
    fields: &Fields<'_>,
    transaction_type: TransactionType,
    auth_type: AuthType,
) -> Result<Option<AuthId>, Problem> {
    let follows =
        auth_type == AuthType::PreAuthCompletion || transaction_type == TransactionType::Refund;
    match fields.text(ORIGINAL)? {
        None => Ok(None),
        Some(_) if !follows => Err(fields.wrong(ORIGINAL, "is for completions and refunds only")),
        Some(id) => id.parse().map(Some).map_err(|_| Problem::not_found("authorisation")),
    }
}

/// The merchant's fields.
pub(crate) fn merchant(fields: &Fields<'_>) -> Result<Merchant, Problem> {
    let is_mcc = |text: &str| text.len() == MCC_DIGITS && text.bytes().all(|b| b.is_ascii_digit());
    Ok(Merchant {
        merchant_id: fields.text(MERCHANT_ID)?,
        name: fields.text(MERCHANT_NAME)?,
        city: fields.text(MERCHANT_CITY)?,
        country: fields.parsed(MERCHANT_COUNTRY, "is not an ISO 3166 country", |text| {
            wire::country::parse(text).map(|country| country.alpha2.to_owned())
        })?,
        mcc: text_of(fields, MCC, "must be four digits", is_mcc)?,
    })
}
