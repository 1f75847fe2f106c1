//! From an advice or a reversal to the facts that it states (network-iso8583.md sections 5.6 and
//! 5.7).

use iso8583::Message;
use tokio::time::Instant;

use super::amounts::{amount_of, billing_of};
use super::codes::Refusal;
use super::field;
use super::moments::require_times;
use super::order::{MANDATORY, Network, message_of, order_of};
use super::presence::require;
use super::presented::pan_of;
use crate::network_code::decline_of;
use crate::order::{Advice, Reversal};

/// Digits of the amount that remains.
const REPLACEMENT_DIGITS: usize = 12;

/// Reads an advice.
///
/// # Errors
/// The first thing that it lacks, or that cannot be read.
pub(crate) fn advice_of(
    message: &Message,
    network: &Network<'_>,
    answer_by: Instant,
) -> Result<Advice, Refusal> {
    require(message, &[field::AMOUNT, field::CURRENCY])?;
    let mut order = order_of(message, network, answer_by)?;
    let read = order.message.take().ok_or(Refusal::Format(field::STAN))?;
    Ok(Advice {
        pan: pan_of(message)?,
        message: read,
        decline: decline_of(message.text(field::RESPONSE_CODE).unwrap_or("00")),
        auth_code: message.text(field::AUTH_CODE).map(str::to_owned),
        allows_more: network.allows_more,
        order,
    })
}

/// Reads a reversal.
///
/// # Errors
/// The first thing that it lacks, or that cannot be read.
pub(crate) fn reversal_of(message: &Message, network: &Network<'_>) -> Result<Reversal, Refusal> {
    let pan = pan_of(message)?;
    network.rules.check_prefix(&pan)?;
    require(message, &MANDATORY)?;
    require(message, &[field::AMOUNT, field::CURRENCY])?;
    require_times(message)?;
    billing_of(message)?;
    if message.get(field::ORIGINAL).is_none() {
        require(message, &[field::RRN, field::ACQUIRER])?;
    }
    let amount = amount_of(message)?;
    let mut read = message_of(message, network, amount)?.ok_or(Refusal::Format(field::STAN))?;
    read.facts.remaining_minor = remaining_minor(message)?;
    let auth_code = message.text(field::AUTH_CODE).map(str::to_owned);
    Ok(Reversal { pan, message: read, auth_code })
}

/// What remains of the original: the first amount of DE95.
fn remaining_minor(message: &Message) -> Result<Option<i64>, Refusal> {
    let Some(text) = message.text(field::REPLACEMENT) else { return Ok(None) };
    let digits = text.get(..REPLACEMENT_DIGITS).and_then(|digits| digits.parse().ok());
    digits.map(Some).ok_or(Refusal::Format(field::REPLACEMENT))
}
