//! The hold: the authorisation's record, its money and the refusal that a short deposit
//! leads to, in one commit of the store.

use std::sync::Arc;

use domain::{
    ArrivingAuthorisation, AuthId, AuthType, Authorisation, Card, CardProfile, Direction, Money,
    OutsId, PanId, ResponseCode, Timestamp, TransactionType, VelocityExcess, VelocityLimits,
    VmAppId, VmCard, VmFunding, VmLimits, WebhookEvent, WebhookId, WebhookSubType,
};
use store::{
    BeginAuthorisation, BeginOutcome, ChangeNotice, MoneyError, OwnLimits, Store, VelocityTerms,
    VmTariff,
};
use wire::cardbridge::webhook::authorisation_result_event;

use crate::checks::{Refusal, deposit_check, note_excess, velocity_check};
use crate::convert::Conversion;
use crate::decision::Decision;
use crate::load::Circumstances;
use crate::receipt::Receipt;
use crate::request::AuthorisationRequest;

const SECONDS_A_DAY: i64 = 86_400;
/// Rate of an amount that could not be converted.
const NO_RATE: &str = "0";

/// The record of a request at its arrival, not yet decided. An amount without counterpart
/// in the card's currency is zero there.
pub(crate) fn record(
    store: &Store,
    request: AuthorisationRequest,
    profile: &CardProfile,
    conversion: Option<Conversion>,
    now: Timestamp,
) -> Authorisation {
    let conversion = conversion.unwrap_or_else(|| Conversion {
        amount: Money::zero(request.card.currency),
        rate: NO_RATE.to_owned(),
    });
    let ids = store.ids();
    let original = request.original.as_ref();
    let outs_id = original.map_or_else(|| OutsId::from_i64(ids.next()), |it| it.outs_id);
    let is_refund = request.transaction_type == TransactionType::Refund;
    let mut authorisation = Authorisation::arriving(ArrivingAuthorisation {
        enterprise_id: request.card.enterprise_id,
        auth_id: AuthId::from_i64(ids.next()),
        card_id: request.card.card_id,
        customer_id: request.card.customer_id,
        outs_id,
        original_auth_id: original.map(|it| it.auth_id),
        account: request.card.account,
        direction: if is_refund { Direction::Incoming } else { Direction::Outgoing },
        auth_type: request.auth_type,
        transaction_type: request.transaction_type,
        amount: conversion.amount,
        acquirer_amount: request.acquirer_amount,
        fx_rate: conversion.rate,
        merchant: request.merchant,
        network_key: request.network_key,
        created_at: now,
    });
    if holds_money(&authorisation) {
        authorisation.hold_expires_at = Some(hold_expiry(profile, authorisation.auth_type, now));
    }
    authorisation
}

/// Whether a request sets money aside: an inquiry moves nothing, a refund gives. An increment
/// that rounds to nothing has its hold all the same, with nothing in it.
pub(crate) fn holds_money(authorisation: &Authorisation) -> bool {
    authorisation.direction == Direction::Outgoing
        && authorisation.transaction_type != TransactionType::Inquiry
        && (authorisation.amount.is_positive() || authorisation.is_increment())
}

/// When a hold that is taken now is given back by itself.
fn hold_expiry(profile: &CardProfile, auth_type: AuthType, now: Timestamp) -> Timestamp {
    let days = match auth_type {
        AuthType::PreAuth => profile.hold_days_pre_auth,
        AuthType::Normal | AuthType::PreAuthCompletion => profile.hold_days_normal,
    };
    now.plus_seconds(i64::from(days).saturating_mul(SECONDS_A_DAY))
}

/// The PAN and the limits that the store judges purchases with `card` by: those of days and
/// months, and that of a single authorisation for what follows one.
/// A card that is decided about here has its own beside them, counted where `offset_seconds`
/// puts midnight.
pub(crate) fn stored_limits(
    circumstances: &Circumstances,
    card: &Card,
    original: Option<&Authorisation>,
    offset_seconds: i64,
) -> Option<StoredLimits> {
    let limits = circumstances.limits();
    let is_raised = original.is_some() && limits.single.amount_minor.is_some();
    let own = circumstances.vm_card.as_ref().and_then(|it| own_limits(it, &limits, offset_seconds));
    let is_judged = limits.has_periods() || own.is_some() || is_raised;
    is_judged.then_some(StoredLimits { pan_id: card.pan_id, limits, own })
}

/// Those of a prepaid card never change, so that one without limits, of its own or of its
/// profile, is not counted.
fn own_limits(it: &VmCard, limits: &VelocityLimits, offset_seconds: i64) -> Option<OwnLimits> {
    let is_limited = limits.has_periods() || it.limits != VmLimits::default();
    let is_counted = it.funding == VmFunding::CreditLine || is_limited;
    is_counted.then(|| OwnLimits { total_minor: it.limits.total(), offset_seconds })
}

/// The limits that the store judges a purchase by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredLimits {
    pan_id: PanId,
    limits: VelocityLimits,
    own: Option<OwnLimits>,
}

/// What a card that is decided about here adds to the record of its authorisation.
#[derive(Default)]
pub(crate) struct OwnCard {
    pub(crate) vm_app_id: Option<VmAppId>,
    pub(crate) notice: Option<ChangeNotice>,
    pub(crate) tariff: Option<VmTariff>,
}

/// Records a refusal, or takes the hold within `limits` and counts it to them.
pub(crate) async fn begin(
    store: &Store,
    authorisation: Authorisation,
    refusal: Option<Refusal>,
    limits: Option<StoredLimits>,
    own: OwnCard,
    receipt: &mut Receipt,
) -> Result<BeginOutcome, MoneyError> {
    let now = authorisation.created_at;
    let holds = refusal.is_none() && holds_money(&authorisation);
    let decision = Decision::refused(refusal.unwrap_or(Refusal {
        response_code: ResponseCode::InsufficientFunds,
        detail: Authorisation::DEPOSIT_EXHAUSTED,
    }));
    let mut refused = authorisation.clone();
    refused.hold_expires_at = None;
    decision.apply(&mut refused, now);
    let event = result_event(store, &refused, now);
    let limits = limits.filter(|_| holds);
    let velocity = limits.map(|limits| velocity_terms(limits, &authorisation, receipt));
    if limits.is_some_and(|it| it.own.is_some() || it.limits.has_periods()) {
        receipt.checks.push(velocity_check(None));
    }
    // A deposit that covers the amount gets its receipt with the decision; what is written
    // here stands if it does not.
    if holds {
        receipt.checks.push(deposit_check(false));
    }
    let text = receipt.render(&authorisation, None, &decision);
    let authorisation = if refusal.is_some() { refused } else { authorisation };
    let OwnCard { vm_app_id, notice, tariff } = own;
    let request = BeginAuthorisation {
        authorisation,
        receipt: text,
        refusal: event,
        vm_app_id,
        notice,
        velocity,
        tariff,
    };
    let outcome = store.begin_authorisation(request).await?;
    if holds && matches!(outcome, BeginOutcome::Held(_)) {
        receipt.checks.pop();
        receipt.checks.push(deposit_check(true));
    }
    Ok(outcome)
}

/// What the store needs for the check of the limits, with the receipt of a refusal.
fn velocity_terms(
    StoredLimits { pan_id, limits, own }: StoredLimits,
    authorisation: &Authorisation,
    receipt: &Receipt,
) -> VelocityTerms {
    let (authorisation, receipt) = (authorisation.clone(), receipt.clone());
    let refusal_receipt = move |excess: VelocityExcess| {
        let mut receipt = receipt.clone();
        note_excess(&mut receipt.checks, excess);
        let decision = Decision::refused(Refusal {
            response_code: ResponseCode::InsufficientFunds,
            detail: excess.as_str(),
        });
        receipt.render(&authorisation, None, &decision)
    };
    VelocityTerms { pan_id, limits, own, refusal_receipt: Arc::new(refusal_receipt) }
}

/// The webhook that tells of a decided authorisation; none of one that nobody is asked about.
pub(crate) fn result_event(
    store: &Store,
    decided: &Authorisation,
    now: Timestamp,
) -> Option<WebhookEvent> {
    if !decided.account.is_forwarded() {
        return None;
    }
    let webhook_id = WebhookId::from_i64(store.ids().next());
    let event = authorisation_result_event(decided, webhook_id, WebhookSubType::Create, now);
    Some(event.expect("the decision was applied before"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_objects::profile;

    #[test]
    fn holds_live_as_long_as_the_profile_says() {
        let now = Timestamp::from_micros(5);
        let days = |auth_type| {
            hold_expiry(&profile(), auth_type, now).millis_since(now) / 1_000 / SECONDS_A_DAY
        };
        assert_eq!(days(AuthType::Normal), 7);
        assert_eq!(days(AuthType::PreAuth), 30);
        assert_eq!(days(AuthType::PreAuthCompletion), 7);
    }
}
