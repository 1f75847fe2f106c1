//! A purchase as the sandbox's caller describes it.

use domain::{AuthId, AuthType, Currency, Merchant, Money, TransactionType};
use scheme::{CardReference, MessageClass, NetworkDecision, Purchase};
use vault::{ClearPan, ClearPin};
use zeroize::Zeroizing;

use crate::card_reference::card_id;
use crate::fields::{Fields, currency, money, required_decimal, rrn, stan, text_of};
use crate::problem::Problem;
use crate::request_bodies::{
    MCC, MERCHANT_CITY, MERCHANT_COUNTRY, MERCHANT_ID, MERCHANT_NAME, NETWORK_DECISION,
    NEW_AUTHORISATION as BODY,
};
use crate::state::ApiState;
use wire::field;
use wire::field::Field;

/// Digits of a merchant category code.
const MCC_DIGITS: usize = 4;

/// Reads the body, and what the network decided if it is an advice. The network judges whether the
/// amount fits its currency, since zero is right for an inquiry.
pub(crate) async fn read(
    state: &ApiState,
    fields: &Fields<'_>,
) -> Result<(Purchase, Option<NetworkDecision>), Problem> {
    let class = fields.value(CLASS, "must be request, advice, single or single_advice")?;
    let class = class.unwrap_or(MessageClass::Request);
    let transaction_type = fields.value(field!(BODY, "transactionType"), "must be R, C, P or Q")?;
    let transaction_type = transaction_type.unwrap_or(TransactionType::Purchase);
    let auth_type = auth_type(fields, class, transaction_type)?;
    let decision = decision(fields, class)?;
    let currency = currency(fields, field!(BODY, "currency"))?;
    let purchase = Purchase {
        class,
        card: card(state, fields).await?,
        pin: pin(fields, class)?,
        amount_text: required_decimal(fields, field!(BODY, "amount"))?,
        currency,
        entry_mode: fields.value(field!(BODY, "entryMode"), "is not a known word")?,
        cash_back: cash_back(fields, currency, transaction_type)?,
        original_auth_id: original(fields, (transaction_type, auth_type), decision.as_ref())?,
        transaction_type,
        auth_type,
        merchant: merchant(fields)?,
        stan: stan(fields)?,
        rrn: rrn(fields)?,
    };
    Ok((purchase, decision))
}

const CLASS: Field = BODY.field("messageClass");
const AUTH_TYPE: Field = BODY.field("authType");
const ADVICE: Field = BODY.field("advice");
const CASH_BACK: Field = BODY.field("cashBackAmount");
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

/// The kind. A refund is none of the others; what is reserved is not posted; and an advice names
/// what it completes.
fn auth_type(
    fields: &Fields<'_>,
    class: MessageClass,
    transaction_type: TransactionType,
) -> Result<AuthType, Problem> {
    let auth_type = fields.value(AUTH_TYPE, "must be NORMAL, PRE_AUTH or PRE_AUTH_COMPLETION")?;
    let auth_type = auth_type.unwrap_or(AuthType::Normal);
    let wrong = match (class, auth_type) {
        (_, AuthType::Normal) => return Ok(auth_type),
        _ if transaction_type == TransactionType::Refund => "of a refund is NORMAL",
        (MessageClass::SingleAdvice, _) => {
            "of messageClass single_advice is NORMAL: originalAuthId names what it completes"
        }
        (MessageClass::Single, AuthType::PreAuth) => {
            "PRE_AUTH does not go with messageClass single: what is reserved is not posted"
        }
        (MessageClass::Advice, AuthType::PreAuthCompletion) => {
            "PRE_AUTH_COMPLETION does not go with messageClass advice: a completion that the \
             network approved is a single_advice"
        }
        _ => return Ok(auth_type),
    };
    Err(fields.wrong(AUTH_TYPE, wrong))
}

/// What the network decided; `None` if it asks.
fn decision(fields: &Fields<'_>, class: MessageClass) -> Result<Option<NetworkDecision>, Problem> {
    let given = fields.object(ADVICE)?;
    if !class.is_advice() {
        return match given {
            Some(_) => {
                Err(fields.wrong(ADVICE, "is for messageClass advice and single_advice only"))
            }
            None => Ok(None),
        };
    }
    let Some(given) = given else { return Ok(Some(NetworkDecision::default())) };
    let is_code = |text: &str| text.len() == CODE_CHARS && is_alphanumeric(text);
    let code = text_of(&given, RESPONSE_CODE, "must be two letters or digits", is_code)?;
    let is_auth_code = |text: &str| text.len() <= AUTH_CODE_CHARS && is_alphanumeric(text);
    let auth_code = text_of(&given, AUTH_CODE, "must be 1 to 6 letters and digits", is_auth_code)?;
    let has_code = auth_code.is_some();
    let decision = NetworkDecision::of_code(code.as_deref().unwrap_or(APPROVED), auth_code);
    if has_code && decision.decline.is_some() {
        return Err(given.wrong(AUTH_CODE, "does not go with a responseCode that declines"));
    }
    Ok(Some(decision))
}

const RESPONSE_CODE: Field = NETWORK_DECISION.field("responseCode");
const AUTH_CODE: Field = NETWORK_DECISION.field("authCode");
/// Characters of a network's response code, and the most of its authorisation code.
const CODE_CHARS: usize = 2;
const AUTH_CODE_CHARS: usize = 6;
/// The response code of an approval.
const APPROVED: &str = "00";

fn is_alphanumeric(text: &str) -> bool {
    text.bytes().all(|it| it.is_ascii_alphanumeric())
}

/// The part that is paid out in cash beside a purchase.
fn cash_back(
    fields: &Fields<'_>,
    currency: Currency,
    transaction_type: TransactionType,
) -> Result<Option<Money>, Problem> {
    match money(fields, CASH_BACK, currency)? {
        Some(_) if transaction_type != TransactionType::Purchase => {
            Err(fields.wrong(CASH_BACK, "is for transactionType R only"))
        }
        cash => Ok(cash),
    }
}

fn pin(fields: &Fields<'_>, class: MessageClass) -> Result<Option<ClearPin>, Problem> {
    let Some(text) = fields.text(PIN)?.map(Zeroizing::new) else { return Ok(None) };
    if class.is_advice() {
        return Err(fields.wrong(PIN, "does not go with an advice, for which nothing is compared"));
    }
    ClearPin::parse(&text).map(Some).map_err(|_| fields.wrong(PIN, "must be four digits"))
}

/// A completion, which needs it, a refund and an approved advice name what they follow.
fn original(
    fields: &Fields<'_>,
    (transaction_type, auth_type): (TransactionType, AuthType),
    decision: Option<&NetworkDecision>,
) -> Result<Option<AuthId>, Problem> {
    let Some(id) = fields.text(ORIGINAL)? else { return Ok(None) };
    let is_approved = decision.is_some_and(|it| it.decline.is_none());
    let is_declined = decision.is_some() && !is_approved;
    let is_inquiry = decision.is_some() && transaction_type == TransactionType::Inquiry;
    let is_refund = transaction_type == TransactionType::Refund;
    let follows = auth_type == AuthType::PreAuthCompletion || is_refund || is_approved;
    let wrong = match () {
        () if is_declined => {
            "does not go with a decline: an advice is about the message with its stan and rrn"
        }
        () if is_inquiry => "does not go with transactionType Q",
        () if !follows => "is for completions, refunds and advices only",
        () => return id.parse().map(Some).map_err(|_| Problem::not_found("authorisation")),
    };
    Err(fields.wrong(ORIGINAL, wrong))
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
