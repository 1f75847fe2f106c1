//! The decision's commit: the hold kept or given back, with the result webhook.

use std::time::Duration;

use domain::Authorisation;
use store::{
    ChangeNotice, DecideAuthorisation, DecideOutcome, MoneyError, Store, StoreError, VmTariff,
};

use crate::checks::Refusal;
use crate::decision::Decision;
use crate::hold::result_event;

/// Tries of the commit: until it succeeds the hold stays, and a restart would decline.
const MAX_TRIES: u32 = 5;
/// Pause after the first failed try; doubled after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// A decision with all that is written of it.
pub(crate) struct Ruling {
    pub(crate) decision: Decision,
    /// Of an approval.
    pub(crate) auth_code: Option<String>,
    pub(crate) receipt: String,
    /// The decline, with its receipt, that the approval of a completion or an increment comes
    /// to where its original has ended meanwhile.
    pub(crate) if_overtaken: Option<(Refusal, String)>,
    /// Tells of it where nobody was asked.
    pub(crate) notice: Option<ChangeNotice>,
    /// What the decision is charged; none of what is decided because something broke off.
    pub(crate) tariff: Option<VmTariff>,
}

impl Ruling {
    /// One that gives the network no authorisation code.
    pub(crate) const fn without_code(decision: Decision, receipt: String) -> Self {
        Self { decision, auth_code: None, receipt, if_overtaken: None, notice: None, tariff: None }
    }
}

/// Writes the decision of an authorisation whose hold is taken. If somebody else decided
/// it before, that decision stands and is returned.
pub(crate) async fn decide(
    store: &Store,
    held: &Authorisation,
    ruling: Ruling,
) -> Result<Authorisation, MoneyError> {
    let refused = ruling.if_overtaken.map(|(refusal, receipt)| {
        let mut refused = request(store, held, &Decision::refused(refusal), None, receipt);
        refused.notice.clone_from(&ruling.notice);
        refused.tariff = ruling.tariff;
        Box::new(refused)
    });
    let mut request = request(store, held, &ruling.decision, ruling.auth_code, ruling.receipt);
    request.if_uncovered = refused;
    request.notice = ruling.notice;
    request.tariff = ruling.tariff;
    let mut pause = FIRST_PAUSE;
    for _ in 1..MAX_TRIES {
        match store.decide_authorisation(request.clone()).await {
            Err(MoneyError::Store(error)) if may_pass(&error) => {
                tracing::warn!(auth_id = %request.auth_id, %error, "decision not written yet");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            result => return result.map(decided),
        }
    }
    store.decide_authorisation(request).await.map(decided)
}

/// What the store is to write of a decision.
fn request(
    store: &Store,
    held: &Authorisation,
    decision: &Decision,
    auth_code: Option<String>,
    receipt: String,
) -> DecideAuthorisation {
    let now = store.clock().now();
    let mut authorisation = held.clone();
    decision.apply(&mut authorisation, now);
    DecideAuthorisation {
        enterprise_id: authorisation.enterprise_id,
        auth_id: authorisation.auth_id,
        response_code: decision.response_code,
        reject_reason: decision.reject_reason,
        detail: decision.detail.clone().into_owned(),
        auth_code,
        receipt: Some(receipt),
        event: result_event(store, &authorisation, now),
        notice: None,
        if_uncovered: None,
        tariff: None,
        now,
    }
}

fn decided(outcome: DecideOutcome) -> Authorisation {
    match outcome {
        DecideOutcome::Decided(it) | DecideOutcome::AlreadyDecided(it) => it,
    }
}

/// Whether another try may succeed.
pub(crate) const fn may_pass(error: &StoreError) -> bool {
    match error {
        StoreError::Engine(_)
        | StoreError::Conflict(_)
        | StoreError::InDoubt(_)
        | StoreError::Overloaded => true,
        // What was locked has waited for longer than anybody waits for an answer.
        StoreError::Locked(_)
        | StoreError::Duplicate(_)
        | StoreError::KeyTaken
        | StoreError::Denied(_)
        | StoreError::Corrupt(_) => false,
    }
}
