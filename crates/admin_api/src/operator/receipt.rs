//! The decision receipt as operators read it.

use ledger::Transfer;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{AuthorisationView, LinkMessage};
use utoipa::ToSchema;

use super::AuthorisationBody;
use crate::answer_body::answer_body;
use crate::card_reference::NamesCards;

answer_body! {
    /// A movement of money.
    pub(crate) struct TransferBody of transfer: &Transfer {
        transfer_id: String = transfer.transfer_id.to_string(),
        /// The account that it moves money of.
        account_id: String = transfer.account_id.to_string(),
        /// `HOLD`, `RELEASE`, `EXPIRY`, `CLEARING`, `REFUND`, or `FEE`, which moves the balance of
        /// the card's app.
        kind: &'static str = transfer.kind.as_str(),
        from: &'static str = transfer.from.as_str(),
        to: &'static str = transfer.to.as_str(),
        amount: String = transfer.amount.to_major(),
        currency: String = transfer.amount.currency().to_string(),
        created_at: String = transfer.created_at.to_string(),
    }
}

answer_body! {
    /// An answer of the enterprise that came after the decision; it changed nothing.
    #[schema(title = "LateAnswer")]
    pub(crate) struct LateAnswerBody of answer: &Value {
        /// Milliseconds from the request to the answer.
        received_ms: Option<u64> = answer["receivedMs"].as_u64(),
        response_code: Option<String> = answer["responseCode"].as_str().map(str::to_owned),
    }
}

/// What arrived.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "ReceiptRequest")]
pub(crate) struct ReceiptRequest {
    card_id: String,
    direction: String,
    auth_type: String,
    transaction_type: String,
    acquirer_amount: String,
    acquirer_currency: String,
    amount: String,
    currency: String,
    fx_rate: String,
    merchant_id: Option<String>,
    merchant_name: Option<String>,
    /// Null in receipts of the time before cities were kept.
    merchant_city: Option<String>,
    merchant_country: Option<String>,
    mcc: Option<String>,
    stan: Option<String>,
    rrn: Option<String>,
    /// `ABSENT`, `MATCHED` or `MISMATCHED`.
    presented_expiry: String,
    /// As `presentedExpiry`.
    presented_cvv2: String,
    /// Why the authorisation that the network's message names is not followed: `not_found`,
    /// `not_open` or `other_currency`; null where it names none, or follows it.
    not_followed: Option<String>,
    /// The CVV of a track, as `presentedExpiry`; null in receipts of the time before it was
    /// compared.
    presented_cvv1: Option<String>,
    /// As `presentedExpiry`; null in receipts of the time before PINs were judged.
    presented_pin: Option<String>,
    /// The chip's cryptogram: `ABSENT`, `MATCHED`, `MISMATCHED`, or `UNVERIFIED` where there is no
    /// key for it; null in receipts of the time before it was verified.
    presented_chip: Option<String>,
    /// Null for messages of the simulated network, and where nothing is kept.
    network: Option<ReceiptNetwork>,
}

/// What only the message of a link said.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "ReceiptNetwork")]
pub(crate) struct ReceiptNetwork {
    /// The link that brought it. This and all below are null where the message does not say, and in
    /// receipts of the time before they were kept.
    link: Option<String>,
    /// DE3.
    processing_code: Option<String>,
    /// DE19: ISO 3166-1 numeric.
    acquirer_country: Option<String>,
    /// How the card was read: `UNKNOWN`, `MANUAL`, `MAGSTRIPE`, `CHIP`, `CONTACTLESS`,
    /// `CONTACTLESS_MAGSTRIPE`, `ON_FILE`, `FALLBACK`, `ECOMMERCE` or `OTHER`.
    entry_mode: Option<String>,
    /// DE25.
    condition: Option<String>,
    /// DE32.
    acquirer: Option<String>,
    /// DE41.
    terminal: Option<String>,
    /// DE10: how many decimals, then the digits.
    billing_rate: Option<String>,
    /// The part of the amount that is paid out in cash, in its currency.
    cash_back: Option<String>,
    /// What the chip sent: values in hexadecimal by their tags.
    #[schema(value_type = Option<Object>, additional_properties)]
    chip: Option<Map<String, Value>>,
}

/// A check and what came of it.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(title = "ReceiptCheck")]
pub(crate) struct ReceiptCheck {
    /// What was checked.
    name: String,
    passed: bool,
    /// What was wrong, machine-readable.
    detail: Option<String>,
}

/// What the enterprise was sent, without what was encrypted.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "ReceiptNotice")]
pub(crate) struct ReceiptNotice {
    webhook_id: String,
    body_bytes: u64,
    rsa_padding: String,
    /// Null in receipts of the time before there was a choice, as is `rsaSignedBytes`.
    rsa_hash: Option<String>,
    rsa_signed_bytes: Option<String>,
    platform_key_version: u32,
    /// What was left of the deadline when it was sent, milliseconds.
    left_ms: u64,
}

/// What the enterprise answered in time.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "ReceiptAnswer")]
pub(crate) struct ReceiptAnswer {
    /// The HTTP status, where an answer came.
    status: Option<u16>,
    response_code: Option<String>,
    /// Why it does not count, machine-readable.
    fault: Option<String>,
    /// The fault in a sentence that names the field or the step.
    explanation: Option<String>,
    /// What the sandbox found out beyond that; null in production.
    hint: Option<String>,
    /// The beginning of an answer that does not count, masked.
    excerpt: Option<String>,
    /// Milliseconds from the notice to the whole answer.
    elapsed_ms: Option<f64>,
}

/// What the platform did in place of an enterprise that gave no usable answer.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "ReceiptStandIn")]
pub(crate) struct ReceiptStandIn {
    /// Why the enterprise's answer does not count, machine-readable.
    instead_of: String,
    approved: bool,
}

/// What was decided.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(title = "ReceiptOutcome")]
pub(crate) struct ReceiptOutcome {
    approved: bool,
    response_code: String,
    /// `DAPI_AUTH_*` of a decline.
    reject_reason: Option<String>,
    /// What exactly led to the decision.
    detail: String,
}

/// The parts of the receipt that was written with the decision; all null before it.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReceiptParts {
    /// Why an operator reversed; null where none did.
    reversal_reason: Option<String>,
    request: Option<ReceiptRequest>,
    /// In their order, up to the first that failed.
    checks: Option<Vec<ReceiptCheck>>,
    /// Null where the enterprise was not asked.
    notice: Option<ReceiptNotice>,
    /// Null where nothing came in time, or nobody was asked.
    answer: Option<ReceiptAnswer>,
    /// Null where the enterprise answered, or nothing is approved in its place.
    stand_in: Option<ReceiptStandIn>,
    /// Milliseconds of each step, by its name, and `total`.
    #[schema(value_type = Option<Object>, additional_properties)]
    timings_ms: Option<Map<String, Value>>,
    outcome: Option<ReceiptOutcome>,
}

answer_body! {
    /// A message of a link that made an authorisation, or is about it.
    #[schema(title = "MessageOfAuthorisation")]
    pub(crate) struct MessageOfAuthorisation of row: &LinkMessage {
        message_id: String = row.message_id.to_string(),
        /// Its type.
        mti: String = row.mti.clone(),
        /// The link that brought it.
        link: String = row.link.clone(),
        /// DE39 of its answer.
        answer_code: Option<String> = row.answer_code.clone(),
        /// What became of its answer: `PENDING`, `WRITTEN`, `NOT_WRITTEN`, `TOO_LATE` or `UNKNOWN`.
        delivery: String = row.delivery.to_string(),
    }
}

answer_body! {
    /// An authorisation and how it was decided.
    pub(crate) struct ReceiptBody of
        view: &AuthorisationView, transfers: &[Transfer], messages: &[LinkMessage]
    {
        #[serde(flatten)]
        authorisation: AuthorisationBody = AuthorisationBody::of(&view.authorisation),
        transfers: Vec<TransferBody> = transfers.iter().map(TransferBody::of).collect(),
        /// The first messages of links that made it or are about it, in their order. Repeats are
        /// not among them.
        network_messages: Vec<MessageOfAuthorisation> =
            messages.iter().map(MessageOfAuthorisation::of).collect(),
        late_answer: Option<LateAnswerBody> = view.late_answer.as_deref().map(late_answer),
        #[serde(flatten)]
        receipt: ReceiptParts = parts(view),
    }
}

fn late_answer(json: &str) -> LateAnswerBody {
    LateAnswerBody::of(&serde_json::from_str(json).unwrap_or_default())
}

fn parts(view: &AuthorisationView) -> ReceiptParts {
    serde_json::from_str(&view.receipt).unwrap_or_else(|error| {
        // The error's text would repeat parts of the receipt.
        let (auth_id, column) = (view.authorisation.auth_id, error.column());
        tracing::error!(%auth_id, column, "a receipt is unreadable");
        ReceiptParts::default()
    })
}

impl NamesCards for ReceiptBody {
    fn cards(&mut self) -> Vec<(&str, &mut String)> {
        let mut cards = self.authorisation.cards();
        if let Some(request) = &mut self.receipt.request {
            let enterprise_id = cards[0].0;
            cards.push((enterprise_id, &mut request.card_id));
        }
        cards
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_of_earlier_versions_are_read() {
        let receipt = r#"{"request":{"cardId":"1","direction":"OUTGOING","authType":"NORMAL",
            "transactionType":"R","acquirerAmount":"1.00","acquirerCurrency":"840",
            "amount":"1.00","currency":"840","fxRate":"1","merchantId":null,"merchantName":null,
            "merchantCountry":null,"mcc":null,"stan":null,"rrn":null,"presentedExpiry":"ABSENT",
            "presentedCvv2":"ABSENT"},"checks":[{"name":"deposit","passed":true,"detail":null}],
            "notice":{"webhookId":"2","bodyBytes":900,"rsaPadding":"PKCS1",
            "platformKeyVersion":1,"leftMs":1990},
            "answer":{"status":200,"responseCode":"00","fault":null,"excerpt":null,
            "elapsedMs":3.125},"timingsMs":{"load":0.5,"total":9.25},
            "outcome":{"approved":true,"responseCode":"00","rejectReason":null,
            "detail":"approved"}}"#;
        let parts: ReceiptParts = serde_json::from_str(receipt).unwrap();
        assert_eq!(parts.notice.as_ref().unwrap().rsa_hash, None);
        let told = serde_json::to_value(&parts).unwrap();
        let written: Value = serde_json::from_str(receipt).unwrap();
        assert_eq!(told["timingsMs"], written["timingsMs"]);
        assert_eq!(told["outcome"], written["outcome"]);
    }
}
