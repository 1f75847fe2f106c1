//! The hold: the authorisation's record, its money and any refusal for lack of deposit, in one
//! commit of the store.

use domain::{
    AuthId, AuthType, Authorisation, CardProfile, Cause, Direction, LinkArrival, MessageKind,
    Money, OutsId, Timestamp, TransactionType, VelocityLimits, VmAppId, VmCard, VmFunding,
    VmLimits,
};
use store::{
    BeginAuthorisation, BeginOutcome, MoneyError, OwnLimits, Store, VelocityTerms, VmTariff,
    Webhooks,
};
use wire::vm::VmSettings;

use crate::checks::{deposit_check, velocity_check};
use crate::convert::{Conversion, NO_RATE};
use crate::load::CardContext;
use crate::receipt::Receipt;
use crate::request::AuthorisationRequest;
use crate::webhooks::decision_webhooks;

const SECONDS_PER_DAY: i64 = 86_400;

/// The record of a request at its arrival, undecided. An amount without counterpart in the card's
/// currency is recorded as zero.
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
    let auth_id = AuthId::from_i64(ids.next());
    let mut authorisation = Authorisation {
        original_auth_id: original.map(|it| it.auth_id),
        direction: if is_refund { Direction::Incoming } else { Direction::Outgoing },
        auth_type: request.auth_type,
        transaction_type: request.transaction_type,
        acquirer_amount: request.acquirer_amount,
        fx_rate: conversion.rate,
        merchant: request.merchant,
        network_key: request.network_key,
        ..Authorisation::purchase(&request.card, auth_id, outs_id, conversion.amount, now)
    };
    if holds_money(&authorisation) {
        authorisation.hold_expires_at = Some(hold_expiry(profile, authorisation.auth_type, now));
    }
    authorisation
}

/// True if a request sets money aside: an inquiry moves nothing, a refund gives money. An increment
/// that rounds to nothing still has its hold, which is empty.
pub(crate) fn holds_money(authorisation: &Authorisation) -> bool {
    authorisation.direction == Direction::Outgoing
        && authorisation.transaction_type != TransactionType::Inquiry
        && (authorisation.amount.is_positive() || authorisation.is_increment())
}

/// The time at which a hold taken now expires.
fn hold_expiry(profile: &CardProfile, auth_type: AuthType, now: Timestamp) -> Timestamp {
    let days = match auth_type {
        AuthType::PreAuth => profile.hold_days_pre_auth,
        AuthType::Normal | AuthType::PreAuthCompletion => profile.hold_days_normal,
    };
    now.plus_seconds(i64::from(days).saturating_mul(SECONDS_PER_DAY))
}

/// The terms of an authorisation's hold, from the records of its card.
pub(crate) struct HoldTerms {
    /// The message, if it came by a link.
    message: Option<LinkArrival>,
    /// The class of a simulated one.
    kind: MessageKind,
    pub(crate) limits: Option<VelocityTerms>,
    pub(crate) vm_app_id: Option<VmAppId>,
    /// The webhooks of the decision, here or later.
    pub(crate) webhooks: Webhooks,
    /// The fees of the decision.
    pub(crate) tariff: Option<VmTariff>,
}

impl HoldTerms {
    /// The terms of a request, according to the records.
    pub(crate) fn new(
        context: &CardContext,
        request: &AuthorisationRequest,
        settings: Option<VmSettings>,
    ) -> Self {
        let (card, vm_card) = (&request.card, context.vm_card.as_ref());
        Self {
            message: request.message.clone(),
            kind: request.kind(),
            limits: stored_limits(context, request, settings),
            vm_app_id: vm_card.map(|it| it.vm_app_id),
            webhooks: decision_webhooks(card.account.is_forwarded(), vm_card, settings),
            tariff: context.tariff(card),
        }
    }
}

/// The PAN and the limits that the store checks a purchase against: daily and monthly ones and, for
/// a message that follows another, the single limit. A card that the platform decides for also has
/// its own.
fn stored_limits(
    context: &CardContext,
    request: &AuthorisationRequest,
    settings: Option<VmSettings>,
) -> Option<VelocityTerms> {
    let limits = context.limits();
    let is_raised = request.original.is_some() && limits.single.amount_minor.is_some();
    let offset_seconds = settings.unwrap_or_default().offset.seconds();
    let own = context.vm_card.as_ref().and_then(|it| own_limits(it, &limits, offset_seconds));
    let is_judged = limits.has_periods() || own.is_some() || is_raised;
    is_judged.then_some(VelocityTerms { pan_id: request.card.pan_id, limits, own })
}

/// The limits of a prepaid card never change, so a card without limits, of its own or of its
/// profile, is not counted.
fn own_limits(it: &VmCard, limits: &VelocityLimits, offset_seconds: i64) -> Option<OwnLimits> {
    let is_limited = limits.has_periods() || it.limits != VmLimits::default();
    let is_counted = it.funding == VmFunding::CreditLine || is_limited;
    is_counted.then(|| OwnLimits { total_minor: it.limits.total(), offset_seconds })
}

/// Records a refusal, or takes the hold within the limits and counts it towards them.
pub(crate) async fn begin(
    store: &Store,
    mut authorisation: Authorisation,
    refusal: Option<Cause>,
    terms: &HoldTerms,
    receipt: &mut Receipt,
) -> Result<BeginOutcome, MoneyError> {
    let holds = refusal.is_none() && holds_money(&authorisation);
    let velocity = terms.limits.filter(|_| holds);
    let mut commit_checks = Vec::new();
    if velocity.is_some_and(|limits| limits.are_counted()) {
        commit_checks.push(velocity_check(None));
    }
    if holds {
        commit_checks.push(deposit_check(true));
    }
    if let Some(refusal) = refusal {
        let now = authorisation.created_at;
        authorisation.hold_expires_at = None;
        authorisation.decide(refusal, now);
    }
    let request = BeginAuthorisation {
        receipt: receipt.prepared(&authorisation, None, commit_checks.clone()),
        authorisation,
        message: terms.message.clone(),
        kind: terms.kind,
        webhooks: terms.webhooks.clone(),
        vm_app_id: terms.vm_app_id,
        velocity,
        tariff: terms.tariff,
    };
    let outcome = store.begin_authorisation(request).await?;
    receipt.checks.extend(commit_checks);
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_objects::profile;

    #[test]
    fn holds_live_as_long_as_the_profile_says() {
        let now = Timestamp::from_micros(5);
        let days = |auth_type| {
            hold_expiry(&profile(), auth_type, now).millis_since(now) / 1_000 / SECONDS_PER_DAY
        };
        assert_eq!(days(AuthType::Normal), 7);
        assert_eq!(days(AuthType::PreAuth), 30);
        assert_eq!(days(AuthType::PreAuthCompletion), 7);
    }
}
