//! The decision receipt: what was asked, checked, sent, answered and decided, and how long each
//! step took (operator-and-sandbox.md section 3). It holds no PAN, CVV2 or secret, and of the
//! encrypted data only what also travels in clear.
//!
//! The commit renders it, once it knows the authorisation's final state. The parts that are the
//! same for every outcome are rendered beforehand, outside the single writer of money, whose time
//! everybody shares.

use std::sync::Arc;
use std::time::Duration;

use domain::{
    Authorisation, AuthorisationStatus, Cause, PinVerdict, RsaHash, RsaPadding, RsaSignedBytes,
    WebhookId,
};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};
use store::{FailedCheck, ReceiptRenderer};
use tokio::time::Instant;

use crate::checks::{Check, with_commit_checks};
use crate::fault::Fault;
use crate::forward::Exchange;
use crate::network_facts::NetworkFacts;
use crate::request::{NotFollowed, Presented, PresentedValue};

/// The durations of the steps, in their order.
pub(crate) struct Timings {
    started: Instant,
    last: Instant,
    steps: Vec<(&'static str, Duration)>,
}

impl Timings {
    /// Starts the first step at `started`.
    pub(crate) fn new(started: Instant) -> Self {
        Self { started, last: started, steps: Vec::with_capacity(6) }
    }

    /// Ends a step and starts the next.
    pub(crate) fn ended(&mut self, step: &'static str) {
        let now = Instant::now();
        self.steps.push((step, now - self.last));
        self.last = now;
    }

    /// From the arrival to now, whole milliseconds.
    pub(crate) fn total_ms(&self) -> u64 {
        whole_ms(self.started.elapsed())
    }
}

/// Whole milliseconds.
pub(crate) fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A duration as milliseconds with three decimals.
struct Millis(Duration);

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A thousand times as many seconds reads as milliseconds; truncated to microseconds first.
        let micros = u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX);
        let scaled = Duration::from_micros(micros).saturating_mul(1_000);
        serializer.serialize_f64(scaled.as_secs_f64())
    }
}

impl Serialize for Timings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.steps.len() + 1))?;
        for (step, duration) in &self.steps {
            map.serialize_entry(step, &Millis(*duration))?;
        }
        map.serialize_entry("total", &Millis(self.last - self.started))?;
        map.end()
    }
}

/// The notice that was sent; the encrypted fields are copies of those in the request.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NoticeFacts {
    pub(crate) webhook_id: WebhookId,
    pub(crate) body_bytes: usize,
    pub(crate) rsa_padding: RsaPadding,
    pub(crate) rsa_hash: RsaHash,
    pub(crate) rsa_signed_bytes: RsaSignedBytes,
    pub(crate) platform_key_version: u32,
    /// Time left before the deadline when it was sent.
    pub(crate) left_ms: u64,
}

/// The answer that came in time.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AnswerFacts<'a> {
    status: Option<u16>,
    response_code: Option<&'static str>,
    fault: Option<&'a Cause>,
    /// The fault, as a sentence that names the field or the step.
    explanation: Option<&'a str>,
    /// What the sandbox found out beyond that.
    hint: Option<&'a str>,
    excerpt: Option<&'a str>,
    elapsed_ms: Option<Millis>,
}

impl<'a> From<&'a Exchange> for AnswerFacts<'a> {
    fn from(exchange: &'a Exchange) -> Self {
        Self {
            status: exchange.status,
            response_code: exchange.verdict.as_ref().ok().map(|code| code.as_str()),
            fault: exchange.verdict.as_ref().err().map(Fault::cause),
            explanation: exchange.verdict.as_ref().err().and_then(|fault| fault.explanation()),
            hint: exchange.hint.as_deref(),
            excerpt: exchange.excerpt.as_deref(),
            elapsed_ms: exchange.elapsed.map(Millis),
        }
    }
}

/// What the platform did in place of an enterprise that gave no usable answer
/// (network-iso8583.md section 6.3).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StandInFacts<'a> {
    /// Why the enterprise's answer does not count.
    instead_of: &'a Cause,
    approved: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestFacts<'a> {
    card_id: domain::CardId,
    direction: &'static str,
    auth_type: &'static str,
    transaction_type: &'static str,
    acquirer_amount: String,
    acquirer_currency: String,
    amount: String,
    currency: String,
    fx_rate: &'a str,
    merchant_id: Option<&'a str>,
    merchant_name: Option<&'a str>,
    merchant_city: Option<&'a str>,
    merchant_country: Option<&'a str>,
    mcc: Option<&'a str>,
    stan: Option<&'a str>,
    rrn: Option<&'a str>,
    not_followed: Option<&'static str>,
    presented_expiry: &'static str,
    presented_cvv2: &'static str,
    presented_cvv1: &'static str,
    presented_pin: &'static str,
    presented_chip: &'static str,
    network: Option<&'a NetworkFacts>,
}

impl<'a> RequestFacts<'a> {
    fn new(it: &'a Authorisation, receipt: &'a Receipt) -> Self {
        let (presented, network) = (receipt.presented, &receipt.network);
        Self {
            card_id: it.card_id,
            direction: it.direction.as_str(),
            auth_type: it.auth_type.as_str(),
            transaction_type: it.transaction_type.as_str(),
            acquirer_amount: it.acquirer_amount.to_major(),
            acquirer_currency: it.acquirer_amount.currency().to_string(),
            amount: it.amount.to_major(),
            currency: it.amount.currency().to_string(),
            fx_rate: &it.fx_rate,
            merchant_id: it.merchant.merchant_id.as_deref(),
            merchant_name: it.merchant.name.as_deref(),
            merchant_city: it.merchant.city.as_deref(),
            merchant_country: it.merchant.country.as_deref(),
            mcc: it.merchant.mcc.as_deref(),
            stan: it.network_key.as_ref().map(|key| key.stan.as_str()),
            rrn: it.network_key.as_ref().map(|key| key.rrn.as_str()),
            not_followed: receipt.not_followed.map(NotFollowed::as_str),
            presented_expiry: presented.expiry.as_str(),
            presented_cvv2: presented.cvv2.as_str(),
            presented_cvv1: presented.cvv1.as_str(),
            presented_pin: match presented.pin {
                None => PresentedValue::Absent.as_str(),
                Some(PinVerdict::Matched) => PresentedValue::Matched.as_str(),
                Some(_) => PresentedValue::Mismatched.as_str(),
            },
            presented_chip: match presented.chip {
                None => PresentedValue::Absent.as_str(),
                Some(verdict) => verdict.as_str(),
            },
            network: (!network.is_empty()).then_some(network),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutcomeFacts<'a> {
    approved: bool,
    response_code: &'static str,
    reject_reason: Option<&'static str>,
    detail: &'a Cause,
}

impl<'a> OutcomeFacts<'a> {
    /// `None` while nothing is decided.
    fn of(it: &'a Authorisation) -> Option<Self> {
        Some(Self {
            approved: it.status == AuthorisationStatus::Approved,
            response_code: it.response_code?.as_str(),
            reject_reason: it.reject_reason.map(domain::ErrorCode::as_str),
            detail: it.cause.as_ref()?,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Lines<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reversal_reason: Option<&'a str>,
    request: &'a RawValue,
    checks: &'a RawValue,
    notice: &'a RawValue,
    answer: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    stand_in: Option<StandInFacts<'a>>,
    timings_ms: &'a RawValue,
    outcome: Option<OutcomeFacts<'a>>,
}

/// The lines of the steps so far.
pub(crate) struct Receipt {
    pub(crate) presented: Presented,
    /// Why the authorisation that the message names is not followed.
    pub(crate) not_followed: Option<NotFollowed>,
    /// Why an operator reverses.
    pub(crate) reason: Option<String>,
    /// What only a network's message says.
    pub(crate) network: NetworkFacts,
    pub(crate) checks: Vec<Check>,
    pub(crate) notice: Option<NoticeFacts>,
    /// Why the enterprise's answer does not count, where the platform may approve in its place.
    pub(crate) unanswered: Option<Cause>,
    pub(crate) timings: Timings,
}

impl Receipt {
    /// A receipt before anybody is asked.
    pub(crate) fn new(presented: Presented, checks: Vec<Check>, timings: Timings) -> Self {
        Self {
            presented,
            not_followed: None,
            reason: None,
            network: NetworkFacts::default(),
            checks,
            notice: None,
            unanswered: None,
            timings,
        }
    }

    /// The receipt of `it` without its outcome; `exchange` is what arrived in time, and
    /// `commit_checks` are the lines that the commit adds if its own checks pass.
    pub(crate) fn prepared(
        &self,
        it: &Authorisation,
        exchange: Option<&Exchange>,
        commit_checks: Vec<Check>,
    ) -> Arc<PreparedReceipt> {
        Arc::new(PreparedReceipt {
            reason: self.reason.clone(),
            request: json(&RequestFacts::new(it, self)),
            passed: json(&with_commit_checks(&self.checks, &commit_checks, it, None)),
            checks: self.checks.clone(),
            commit_checks,
            notice: json(&self.notice),
            answer: json(&exchange.map(AnswerFacts::from)),
            unanswered: self.unanswered.clone(),
            timings_ms: json(&self.timings),
        })
    }
}

fn json(facts: &impl Serialize) -> Box<RawValue> {
    to_raw_value(facts).expect("structs of texts and numbers are JSON")
}

/// A receipt that lacks only what its commit knows.
#[derive(Debug)]
pub(crate) struct PreparedReceipt {
    reason: Option<String>,
    request: Box<RawValue>,
    /// All checks, if those of the commit pass.
    passed: Box<RawValue>,
    checks: Vec<Check>,
    commit_checks: Vec<Check>,
    notice: Box<RawValue>,
    answer: Box<RawValue>,
    unanswered: Option<Cause>,
    timings_ms: Box<RawValue>,
}

impl ReceiptRenderer for PreparedReceipt {
    fn receipt(&self, it: &Authorisation, failed: Option<FailedCheck>) -> String {
        let with_failed = failed.map(|failed| {
            json(&with_commit_checks(&self.checks, &self.commit_checks, it, Some(failed)))
        });
        let lines = Lines {
            reversal_reason: self.reason.as_deref(),
            request: &self.request,
            checks: with_failed.as_deref().unwrap_or(&self.passed),
            notice: &self.notice,
            answer: &self.answer,
            stand_in: self.unanswered.as_ref().map(|instead_of| StandInFacts {
                instead_of,
                approved: it.cause == Some(Cause::StandInApproved),
            }),
            timings_ms: &self.timings_ms,
            outcome: OutcomeFacts::of(it),
        };
        serde_json::to_string(&lines).expect("structs of texts and numbers are JSON")
    }
}

/// The receipt stored with the hold of an authorisation that nobody is working on any longer.
#[derive(Debug)]
pub(crate) struct StoredReceipt(Map<String, Value>);

impl StoredReceipt {
    /// The receipt of a reversal until it is decided: why an operator reverses, if one does.
    pub(crate) fn because(reason: Option<&str>) -> String {
        let reason = reason.map(|it| ("reversalReason".to_owned(), Value::from(it)));
        Value::Object(reason.into_iter().collect()).to_string()
    }

    /// With the answer that came to the notice about it.
    pub(crate) fn answered(&mut self, exchange: &Exchange) {
        let answer = serde_json::to_value(AnswerFacts::from(exchange));
        self.0.insert("answer".to_owned(), answer.expect("structs of texts and numbers are JSON"));
    }

    /// The receipt of `it` with its outcome.
    pub(crate) fn corrected(&self, it: &Authorisation) -> String {
        self.receipt(it, None)
    }

    /// Parses its text; an unreadable one counts as empty.
    pub(crate) fn of(receipt: &str) -> Self {
        Self(serde_json::from_str(receipt).unwrap_or_default())
    }
}

impl ReceiptRenderer for StoredReceipt {
    fn receipt(&self, it: &Authorisation, _: Option<FailedCheck>) -> String {
        let mut lines = self.0.clone();
        let outcome = serde_json::to_value(OutcomeFacts::of(it));
        lines.insert("outcome".to_owned(), outcome.expect("texts and a flag are JSON"));
        Value::Object(lines).to_string()
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;
    use crate::checks::deposit_check;
    use crate::test_objects::authorisation;

    #[test]
    fn the_outcome_is_that_of_the_commit() {
        let mut it = authorisation();
        let (presented, timings) = (Presented::default(), Timings::new(Instant::now()));
        let receipt = Receipt::new(presented, Vec::new(), timings);
        let prepared = receipt.prepared(&it, None, vec![deposit_check(true)]);
        let held = prepared.receipt(&it, None);
        let lines = r#""checks":[{"name":"deposit","passed":true,"detail":null}],"notice":null,"answer":null,"timingsMs":{"total":0.0},"outcome":null}"#;
        assert!(held.ends_with(lines), "{held}");

        let now = Timestamp::from_micros(1);
        it.decide(Cause::DepositExhausted, now);
        let refused = prepared.receipt(&it, Some(FailedCheck::Deposit));
        let line = r#""checks":[{"name":"deposit","passed":false,"detail":"deposit_exhausted"}],"#;
        let outcome = r#""outcome":{"approved":false,"responseCode":"01","rejectReason":"DAPI_AUTH_INTERNAL_REJECT","detail":"deposit_exhausted"}}"#;
        assert!(refused.contains(line) && refused.ends_with(outcome), "{refused}");

        // An authorisation left by a crash keeps its lines and gets its outcome later.
        it.cause = Some(Cause::Crash);
        let mut expected: Value = serde_json::from_str(&held).unwrap();
        expected["outcome"] = serde_json::to_value(OutcomeFacts::of(&it)).unwrap();
        assert_eq!(StoredReceipt::of(&held).receipt(&it, None), expected.to_string());
    }

    #[test]
    fn durations_are_milliseconds_with_three_decimals() {
        let text = |duration| serde_json::to_string(&Millis(duration)).unwrap();
        assert_eq!(text(Duration::from_nanos(1_234_567)), "1.234");
        assert_eq!(text(Duration::from_secs(2)), "2000.0");
        assert_eq!(text(Duration::ZERO), "0.0");
    }
}
