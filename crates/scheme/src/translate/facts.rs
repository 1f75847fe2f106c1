//! What the receipt keeps of a message that nothing depends on (network-iso8583.md sections 3.3
//! and 7.6).

use authorise::NetworkFacts;
use domain::Money;
use iso8583::Message;

use super::amounts::cash_back_of;
use super::codes::Refusal;
use super::field;
use super::words::words_of;

/// The facts of a message that `link` brought.
pub(super) fn facts_of(
    message: &Message,
    link: &str,
    amount: Option<Money>,
) -> Result<NetworkFacts, Refusal> {
    let given = |number| {
        let text = message.text(number).map(str::trim).filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    Ok(NetworkFacts {
        link: Some(link.to_owned()),
        processing_code: given(field::PROCESSING_CODE),
        acquirer_country: given(field::ACQUIRER_COUNTRY),
        entry_mode: words_of(message).entry_mode(message),
        condition: words_of(message).condition(message).map(str::to_owned),
        acquirer: given(field::ACQUIRER),
        terminal: given(field::TERMINAL),
        billing_rate: given(field::BILLING_RATE),
        cash_back: cash_back_of(message, amount)?,
        ..NetworkFacts::default()
    })
}
