//! From an advice or a reversal to the facts that it states (network-iso8583.md sections 5.6 and
//! 5.7).

use domain::ResponseCode;
use iso8583::Message;
use tokio::time::Instant;

use super::amounts::billing_of;
use super::codes::Refusal;
use super::field;
use super::moments::require_times;
use super::order::{MANDATORY, Network, message_of, names_original, order_of};
use super::presence::require;
use super::presented::pan_of;
use super::words::{TakenBack, words_of};
use crate::order::{Advice, Reversal};

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
        decline: decline_of(message),
        auth_code: message.text(field::AUTH_CODE).map(str::to_owned),
        allows_more: network.allows_more,
        order,
    })
}

/// The code of a decline by the network; `None` if it approved (network-iso8583.md section 4.2).
fn decline_of(message: &Message) -> Option<ResponseCode> {
    words_of(message).decline(message.text(field::RESPONSE_CODE)?)
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
    if !names_original(message) {
        require(message, &[field::RRN, field::ACQUIRER])?;
    }
    let TakenBack { amount, remaining_minor } = words_of(message).taken_back(message)?;
    let mut read = message_of(message, network, amount)?.ok_or(Refusal::Format(field::STAN))?;
    read.facts.remaining_minor = remaining_minor;
    let auth_code = message.text(field::AUTH_CODE).map(str::to_owned);
    Ok(Reversal { pan, message: read, auth_code })
}
