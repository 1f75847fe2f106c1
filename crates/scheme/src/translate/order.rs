//! From a request to an order (network-iso8583.md section 3.3).

use domain::{
    AuthType, MessageFacts, MessageRecord, Money, NetworkMessageId, Timestamp, TransactionType,
};
use iso8583::Message;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::amounts::{amount_of, billing_of, settlement_of};
use super::chip::chip_of;
use super::codes::Refusal;
use super::facts::facts_of;
use super::field;
use super::identity::{network_key, numbers_of, original_data, original_of};
use super::merchant::merchant_of;
use super::moments::require_times;
use super::place::Place;
use super::presence::require;
use super::presented::card_of;
use super::reading::CardReading;
use super::rules::RequestRules;
use super::words::words_of;
use crate::order::{BalanceInquiry, LinkMessage, Order, OrderCard, OrderChip, OrderPin, Original};

/// Fields that every request has.
pub(super) const MANDATORY: [u8; 3] = [field::PROCESSING_CODE, field::TRANSMITTED_AT, field::STAN];
/// The code of a purchase, which checks the account if nothing is to be paid.
const PURCHASE: &str = "00";
/// The class of messages that authorise and post at once.
const FINANCIAL: u8 = 2;
/// Processing codes, in two digits, that ask for balances.
const BALANCE_INQUIRIES: [&str; 2] = ["30", "31"];

/// What is known of a message beside its fields.
pub(crate) struct Network<'a> {
    /// The network that numbers its messages.
    pub(crate) name: &'a str,
    /// The link that brings the message.
    pub(crate) link: &'a str,
    /// The id under which the message is kept.
    pub(crate) message_id: NetworkMessageId,
    /// How it divides the shop's name and place.
    pub(crate) place: Place,
    /// True if more clearings may follow one that leaves something.
    pub(crate) allows_more: bool,
    /// Whether a balance inquiry is refused where the balances are not known.
    pub(crate) requires_balances: bool,
    /// What the link changes.
    pub(crate) rules: &'a RequestRules,
    /// Where its messages have a card's verification values.
    pub(crate) reading: &'a CardReading,
    /// Real time.
    pub(crate) now: Timestamp,
}

/// Reads a request for an authorisation.
///
/// # Errors
/// The first thing that it lacks, or that cannot be read or verified.
pub(crate) fn order_of(
    message: &Message,
    network: &Network<'_>,
    answer_by: Instant,
) -> Result<Order, Refusal> {
    let card = card_of(message, network.reading)?;
    if let OrderCard::Pan { pan, .. } = &card {
        network.rules.check_prefix(pan)?;
    }
    require(message, &MANDATORY)?;
    network.rules.check_presence(message)?;
    require_times(message)?;
    let billing = billing_of(message)?;
    let acquirer_amount = amount_of(message)?;
    let is_zero = acquirer_amount.is_none_or(|amount| !amount.is_positive());
    let transaction_type = transaction_type_of(message, is_zero, network.rules)?;
    let chip = chip_of(message)?;
    let mut facts = facts_of(message, network.link, acquirer_amount)?;
    facts.chip = chip.as_ref().map(OrderChip::shown).unwrap_or_default();
    Ok(Order {
        card,
        pin: pin_of(message),
        chip,
        facts,
        acquirer_amount,
        billing,
        transaction_type,
        auth_type: auth_type_of(message, transaction_type),
        merchant: merchant_of(message, network.place),
        network_key: network_key(message),
        message: message_of(message, network, acquirer_amount)?,
        posts: message.mti().class() == FINANCIAL,
        original: original_named(message, transaction_type),
        balances: balances_of(message, network.requires_balances),
        answer_by: Some(answer_by),
    })
}

/// A message as later ones are judged by it; `None` without a STAN.
pub(super) fn message_of(
    message: &Message,
    network: &Network<'_>,
    amount: Option<Money>,
) -> Result<Option<LinkMessage>, Refusal> {
    let text = |number| message.text(number).unwrap_or_default().to_owned();
    let facts = MessageFacts {
        transmitted_at: text(field::TRANSMITTED_AT),
        processing_code: text(field::PROCESSING_CODE),
        amount,
        remaining_minor: None,
        original: original_of(message, network.now)?,
    };
    let numbers = numbers_of(message, network.name, network.now);
    let given = |number| message.text(number).map(str::to_owned);
    let record = MessageRecord {
        message_id: network.message_id,
        link: network.link.to_owned(),
        mti: message.mti().to_string(),
        settlement_date: words_of(message).settlement_date(message).map(str::to_owned),
        settlement: settlement_of(message),
        auth_code: given(field::AUTH_CODE),
        response_code: given(field::RESPONSE_CODE),
    };
    Ok(numbers.map(|numbers| LinkMessage { numbers, facts, record }))
}

/// What the processing code's first two digits ask for.
fn transaction_type_of(
    message: &Message,
    is_zero: bool,
    rules: &RequestRules,
) -> Result<TransactionType, Refusal> {
    let code = processing_code(message);
    let own = rules.type_of(code).ok_or(Refusal::NotSupported)?;
    let is_check = code == PURCHASE || words_of(message).is_account_check(message);
    Ok(if is_zero && is_check { TransactionType::Inquiry } else { own })
}

/// The first two digits of the processing code; without one, nothing.
fn processing_code(message: &Message) -> &str {
    let digits = message.text(field::PROCESSING_CODE);
    digits.and_then(|digits| digits.get(..2)).unwrap_or_default()
}

fn balances_of(message: &Message, are_required: bool) -> BalanceInquiry {
    match BALANCE_INQUIRIES.contains(&processing_code(message)) {
        true if are_required => BalanceInquiry::Required,
        true => BalanceInquiry::WhereKnown,
        false => BalanceInquiry::None,
    }
}

/// A request that takes money raises the original that it names, a refund gives it back. Without
/// original data an equal RRN may be a coincidence.
fn original_named(message: &Message, transaction_type: TransactionType) -> Original {
    let moves_money = transaction_type != TransactionType::Inquiry;
    if names_original(message) && moves_money { Original::Named } else { Original::None }
}

/// Whether it has original data.
pub(super) fn names_original(message: &Message) -> bool {
    original_data(message).is_some()
}

const fn takes_money(transaction_type: TransactionType) -> bool {
    matches!(transaction_type, TransactionType::Purchase | TransactionType::Cash)
}

/// A request that names an original is no reservation.
fn auth_type_of(message: &Message, transaction_type: TransactionType) -> AuthType {
    let is_reserved = words_of(message).is_pre_authorisation(message);
    if takes_money(transaction_type) && is_reserved && !names_original(message) {
        AuthType::PreAuth
    } else {
        AuthType::Normal
    }
}

/// The PIN block; the vault opens it.
fn pin_of(message: &Message) -> Option<OrderPin> {
    let block = message.get(field::PIN_BLOCK)?;
    // A block of another length cannot be decoded.
    Some(block.try_into().map_or(OrderPin::Unreadable, |it| OrderPin::Block(Zeroizing::new(it))))
}

#[cfg(test)]
mod tests {
    use domain::Currency;
    use iso8583::Mti;

    use super::*;

    /// A purchase of 15.50 USD, with these fields changed; an empty text removes one.
    fn read(changes: &[(u8, &str)]) -> Result<Order, Refusal> {
        let mut message = Message::new(Mti::new([0, 1, 0, 0]).unwrap());
        let own = [
            (2, "4000990012345678"),
            (3, "000000"),
            (4, "000000001550"),
            (7, "1129120001"),
            (11, "000001"),
            (37, "633312000001"),
            (49, "840"),
        ];
        for (number, text) in own.iter().chain(changes) {
            if text.is_empty() {
                message.remove(*number);
            } else {
                message.set(*number, text.as_bytes()).unwrap();
            }
        }
        let now = Timestamp::from_micros(0);
        let network = Network {
            name: "test",
            link: "test",
            message_id: NetworkMessageId::from_i64(1),
            place: Place::default(),
            allows_more: false,
            requires_balances: false,
            rules: &RequestRules::default(),
            reading: &CardReading::default(),
            now,
        };
        order_of(&message, &network, Instant::now())
    }

    #[test]
    fn the_processing_code_names_the_type() {
        use TransactionType::{Cash, Inquiry, Purchase, Refund};
        for (code, wanted) in [
            ("000000", Purchase),
            ("092000", Purchase),
            ("010000", Cash),
            ("110000", Cash),
            ("170030", Cash),
            ("200000", Refund),
            ("300000", Inquiry),
            ("310000", Inquiry),
            ("330000", Inquiry),
        ] {
            assert_eq!(read(&[(3, code)]).ok().unwrap().transaction_type, wanted, "{code}");
        }
        for code in ["020000", "210000", "220000", "260000", "280000", "380000", "990000"] {
            assert_eq!(read(&[(3, code)]).err(), Some(Refusal::NotSupported), "{code}");
        }
        for nothing in ["", "000000000000"] {
            let order = read(&[(4, nothing)]).ok().unwrap();
            assert_eq!(order.transaction_type, Inquiry);
        }
        assert_eq!(read(&[(4, ""), (49, "")]).ok().unwrap().acquirer_amount, None);
        let check = read(&[(3, "010000"), (4, ""), (25, "51")]).ok().unwrap();
        assert_eq!(check.transaction_type, Inquiry);
    }

    #[test]
    fn amounts_are_minor_units_of_the_currency() {
        let amount = |changes: &[(u8, &str)]| read(changes).ok().unwrap().acquirer_amount.unwrap();
        assert_eq!(amount(&[]).to_major(), "15.50");
        assert_eq!(amount(&[(49, "392")]).to_major(), "1550");
        let largest = amount(&[(4, "999999999999")]);
        assert!(largest.amount_minor() < Money::MAX_INPUT_MINOR);
    }

    #[test]
    fn the_networks_billing_amount_comes_with_its_rate() {
        let billing = |rate: &str| {
            let order = read(&[(6, "000000002050"), (51, "702"), (10, rate)]).ok().unwrap();
            let billing = order.billing.unwrap();
            assert_eq!(billing.amount, Money::new(2_050, Currency::SGD));
            billing.rate(order.acquirer_amount.unwrap()).unwrap().to_string()
        };
        assert_eq!(billing("61322600"), "1.3226");
        assert_eq!(billing("01322600"), "1322600");
        assert_eq!(billing("91322600"), "0.0013226");
        // Without a rate that counts, it is that of the amounts.
        for none in ["", "60000000"] {
            assert_eq!(billing(none), "1.3225806452");
        }
        assert_eq!(read(&[]).ok().unwrap().billing, None);
    }

    #[test]
    fn a_reservation_is_marked_by_its_condition() {
        let kind = |changes: &[(u8, &str)]| read(changes).ok().unwrap().auth_type;
        let original = "010000000111291200010000041234500000000000";
        assert_eq!(kind(&[]), AuthType::Normal);
        assert_eq!(kind(&[(25, "06")]), AuthType::PreAuth);
        assert_eq!(kind(&[(25, "06"), (90, original)]), AuthType::Normal);
        assert_eq!(kind(&[(25, "06"), (3, "200000")]), AuthType::Normal);
        let names = |changes: &[(u8, &str)]| {
            matches!(read(changes).ok().unwrap().original, Original::Named)
        };
        assert!(names(&[(90, original)]) && names(&[(3, "010000"), (90, original)]));
        assert!(names(&[(3, "200000"), (90, original)]) && !names(&[]));
        assert!(!names(&[(3, "310000"), (90, original)]));
    }

    #[test]
    fn balances_are_asked_for_by_two_codes() {
        for (code, asked) in [
            ("300000", BalanceInquiry::WhereKnown),
            ("310000", BalanceInquiry::WhereKnown),
            ("330000", BalanceInquiry::None),
            ("000000", BalanceInquiry::None),
        ] {
            assert_eq!(read(&[(3, code)]).ok().unwrap().balances, asked, "{code}");
        }
    }

    #[test]
    fn what_is_missing_or_does_not_exist_is_refused_with_its_field() {
        for (changes, number) in [
            (&[(2, "")][..], 2),
            (&[(3, "")], 3),
            (&[(7, "")], 7),
            (&[(11, "")], 11),
            (&[(49, "")], 49),
            (&[(49, "XXX")], 49),
            (&[(49, "USD")], 49),
            (&[(49, "000")], 49),
            (&[(6, "000000001550")], 51),
            (&[(51, "840")], 6),
            (&[(6, "000000001550"), (51, "001")], 51),
            (&[(7, "1332120001")], 7),
            (&[(7, "0231120001")], 7),
            (&[(7, "1129240001")], 7),
            (&[(12, "126000")], 12),
            (&[(13, "0400")], 13),
            (&[(55, "x")], 55),
        ] {
            assert_eq!(read(changes).err(), Some(Refusal::Format(number)), "{changes:?}");
        }
    }
}
