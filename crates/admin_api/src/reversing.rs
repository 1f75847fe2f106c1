//! A reversal by a call: of the simulated network, or of an operator in a network's place.

use domain::AuthId;
use scheme::Reversing;
use wire::field;
use wire::field::Field;

use crate::begun::answer_of;
use crate::call::{Answer, Call};
use crate::card_reference::named;
use crate::fields::{Fields, decimal_text};
use crate::operator::AuthorisationBody;
use crate::request_bodies::REVERSAL;

const REMAINING: Field = REVERSAL.field("remainingAmount");

/// Reverses as much as the body says; `reason` is an operator's.
pub(crate) async fn reversed(
    call: &Call,
    auth_id: AuthId,
    fields: &Fields<'_>,
    reason: Option<String>,
) -> Answer<AuthorisationBody> {
    let amount = decimal_text(fields, field!(REVERSAL, "amount"))?;
    let remaining = decimal_text(fields, REMAINING)?;
    let reversing = match (&amount, &remaining) {
        (Some(_), Some(_)) => return Err(fields.wrong(REMAINING, "and amount exclude each other")),
        (_, Some(remaining)) => Reversing::To(remaining),
        (amount, None) => amount.as_deref().into(),
    };
    let reversed = call.state.network.reverse_because(auth_id, reversing, reason);
    let reversal = answer_of(call, reversed).await?;
    named(&call.state, AuthorisationBody::of(&reversal.authorisation)).await
}
