//! What the receipt keeps of a message that nothing depends on (network-iso8583.md sections 3.3
//! and 7.6).

use authorise::NetworkFacts;
use domain::{EntryMode, Money};
use iso8583::Message;

use super::amounts::cash_back_of;
use super::codes::Refusal;
use super::field;

/// The condition of a purchase in a shop on the net.
const ECOMMERCE: &str = "59";

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
        entry_mode: entry_mode_of(message),
        condition: given(field::CONDITION),
        acquirer: given(field::ACQUIRER),
        terminal: given(field::TERMINAL),
        billing_rate: given(field::BILLING_RATE),
        cash_back: cash_back_of(message, amount)?,
        ..NetworkFacts::default()
    })
}

/// How the card was read, by the first two digits of the entry mode.
fn entry_mode_of(message: &Message) -> Option<EntryMode> {
    let is_ecommerce = message.text(field::CONDITION) == Some(ECOMMERCE);
    Some(match message.text(field::ENTRY_MODE)?.get(..2)? {
        "00" => EntryMode::Unknown,
        "01" if is_ecommerce => EntryMode::Ecommerce,
        "01" => EntryMode::Manual,
        "02" | "90" => EntryMode::Magstripe,
        "05" | "95" => EntryMode::Chip,
        "07" => EntryMode::Contactless,
        "91" => EntryMode::ContactlessMagstripe,
        "10" => EntryMode::OnFile,
        "79" | "80" => EntryMode::Fallback,
        "81" => EntryMode::Ecommerce,
        _ => EntryMode::Other,
    })
}

#[cfg(test)]
mod tests {
    use iso8583::Mti;

    use super::*;

    #[test]
    fn the_entry_mode_is_a_word() {
        let read = |mode: &str, condition: &str| {
            let mut message = Message::new(Mti::new([0, 1, 0, 0]).unwrap());
            message.set(field::ENTRY_MODE, mode.as_bytes()).unwrap();
            message.set(field::CONDITION, condition.as_bytes()).unwrap();
            entry_mode_of(&message)
        };
        for (mode, word) in [
            ("000", EntryMode::Unknown),
            ("012", EntryMode::Manual),
            ("021", EntryMode::Magstripe),
            ("901", EntryMode::Magstripe),
            ("051", EntryMode::Chip),
            ("951", EntryMode::Chip),
            ("071", EntryMode::Contactless),
            ("911", EntryMode::ContactlessMagstripe),
            ("100", EntryMode::OnFile),
            ("791", EntryMode::Fallback),
            ("801", EntryMode::Fallback),
            ("810", EntryMode::Ecommerce),
            ("990", EntryMode::Other),
        ] {
            assert_eq!(read(mode, "00"), Some(word), "{mode}");
        }
        assert_eq!(read("010", "59"), Some(EntryMode::Ecommerce));
    }
}
