//! A purchase as the sandbox's caller describes it.

use domain::{AuthType, CardId, Merchant, TransactionType};
use scheme::{CardReference, Purchase};
use vault::{ClearPan, ClearPin};
use zeroize::Zeroizing;

use crate::fields::Fields;
use crate::problem::Problem;
use crate::request_bodies::NewAuthorisation;

/// Digits of a merchant category code.
const MCC_DIGITS: usize = 4;

/// Reads the body. Whether the amount fits its currency is for the network to judge,
/// since zero is right for an inquiry.
pub(crate) fn read(body: &[u8]) -> Result<Purchase, Problem> {
    let fields = Fields::parse(body, NewAuthorisation::FIELDS)?;
    let transaction_type = fields.parsed("transactionType", "must be R, C, P or Q", |text| {
        text.parse::<TransactionType>().ok()
    })?;
    let auth_type = fields.parsed("authType", "must be NORMAL or PRE_AUTH", |text| {
        text.parse().ok().filter(|t| matches!(t, AuthType::Normal | AuthType::PreAuth))
    })?;
    Ok(Purchase {
        card: card(&fields)?,
        pin: pin(&fields)?,
        amount_text: fields.required("amount", fields.decimal_text("amount")?)?,
        currency: fields.required("currency", fields.currency("currency")?)?,
        transaction_type: transaction_type.unwrap_or(TransactionType::Purchase),
        auth_type: auth_type.unwrap_or(AuthType::Normal),
        merchant: merchant(&fields)?,
        stan: fields.text("stan")?,
        rrn: fields.text("rrn")?,
    })
}

fn card(fields: &Fields<'_>) -> Result<CardReference, Problem> {
    match (fields.text("cardId")?, fields.text("pan")?.map(Zeroizing::new)) {
        (Some(id), None) => {
            id.parse::<CardId>().map(CardReference::Id).map_err(|_| Problem::not_found("card"))
        }
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
