//! A purchase as the sandbox's caller describes it.

use domain::{AuthId, AuthType, Merchant, TransactionType};
use scheme::{CardReference, Purchase};
use vault::{ClearPan, ClearPin};
use zeroize::Zeroizing;

use crate::card_reference::card_id;
use crate::fields::Fields;
use crate::problem::Problem;
use crate::request_bodies::NewAuthorisation;
use crate::state::ApiState;

/// Digits of a merchant category code.
const MCC_DIGITS: usize = 4;

/// Reads the body. Whether the amount fits its currency is for the network to judge,
/// since zero is right for an inquiry.
pub(crate) async fn read(state: &ApiState, body: &[u8]) -> Result<Purchase, Problem> {
    let fields = Fields::parse(body, NewAuthorisation::FIELDS)?;
    let transaction_type = fields.parsed("transactionType", "must be R, C, P or Q", |text| {
        text.parse::<TransactionType>().ok()
    })?;
    let transaction_type = transaction_type.unwrap_or(TransactionType::Purchase);
    let auth_type =
        fields.parsed("authType", "must be NORMAL, PRE_AUTH or PRE_AUTH_COMPLETION", |text| {
            text.parse::<AuthType>().ok()
        })?;
    let auth_type = auth_type.unwrap_or(AuthType::Normal);
    if transaction_type == TransactionType::Refund && auth_type != AuthType::Normal {
        return Err(fields.wrong("authType", "of a refund is NORMAL"));
    }
    Ok(Purchase {
        card: card(state, &fields).await?,
        pin: pin(&fields)?,
        amount_text: fields.required("amount", fields.decimal_text("amount")?)?,
        currency: fields.required("currency", fields.currency("currency")?)?,
        original_auth_id: original(&fields, transaction_type, auth_type)?,
        transaction_type,
        auth_type,
        merchant: merchant(&fields)?,
        stan: fields.stan()?,
        rrn: fields.rrn()?,
    })
}

async fn card(state: &ApiState, fields: &Fields<'_>) -> Result<CardReference, Problem> {
    match (fields.text("cardId")?, fields.text("pan")?.map(Zeroizing::new)) {
        (Some(id), None) => card_id(state, &id).await.map(CardReference::Id),
        (None, Some(pan)) => Ok(CardReference::Pan {
            pan: ClearPan::parse(&pan).map_err(|_| fields.wrong("pan", "is not a card number"))?,
            expiry: fields.required_text("expiry")?,
            cvv2: Zeroizing::new(fields.required_text("cvv2")?),
        }),
        (Some(_), Some(_)) => Err(fields.wrong("pan", "and cardId exclude each other")),
        (None, None) => Err(fields.wrong("cardId", "or pan is missing")),
    }
}

fn pin(fields: &Fields<'_>) -> Result<Option<ClearPin>, Problem> {
    let Some(text) = fields.text("pin")?.map(Zeroizing::new) else { return Ok(None) };
    ClearPin::parse(&text).map(Some).map_err(|_| fields.wrong("pin", "must be four digits"))
}

/// Only a completion, which needs it, and a refund name what they follow.
fn original(
    fields: &Fields<'_>,
    transaction_type: TransactionType,
    auth_type: AuthType,
) -> Result<Option<AuthId>, Problem> {
    let follows =
        auth_type == AuthType::PreAuthCompletion || transaction_type == TransactionType::Refund;
    match fields.text("originalAuthId")? {
        None => Ok(None),
        Some(_) if !follows => {
            Err(fields.wrong("originalAuthId", "is for completions and refunds only"))
        }
        Some(id) => id.parse().map(Some).map_err(|_| Problem::not_found("authorisation")),
    }
}

/// The merchant's fields.
pub(crate) fn merchant(fields: &Fields<'_>) -> Result<Merchant, Problem> {
    let is_mcc = |text: &str| text.len() == MCC_DIGITS && text.bytes().all(|b| b.is_ascii_digit());
    Ok(Merchant {
        merchant_id: fields.text("merchantId")?,
        name: fields.text("merchantName")?,
        country: fields.parsed("merchantCountry", "is not an ISO 3166 country", |text| {
            wire::country::parse(text).map(|country| country.alpha2.to_owned())
        })?,
        mcc: fields
            .parsed("mcc", "must be four digits", |text| is_mcc(text).then(|| text.to_owned()))?,
    })
}
