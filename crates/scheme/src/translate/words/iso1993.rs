//! Dialect 1993.

use domain::{EntryMode, Money, OriginalNumbers, ResponseCode};
use iso8583::Message;

use super::super::amounts::{amount_of, leading_minor};
use super::super::codes::Refusal;
use super::super::dates::{is_whole_date_and_time, with_century};
use super::super::field;
use super::super::kind::original_kind;
use super::super::place::{Place, Shop};
use super::terms::{ManagementWords, Places, ServiceCode, TakenBack, Topic, Words};

pub(super) struct Iso1993;

/// Local date and time.
const LOCAL_TIME: u8 = 12;
/// Function code.
const FUNCTION: u8 = 24;
/// Card acceptor business code.
const CATEGORY: u8 = 26;
/// Original amounts.
const ORIGINAL_AMOUNTS: u8 = 30;
/// Original data.
const ORIGINAL: u8 = 56;

/// Functions of messages.
const PRE_AUTHORISATION: &str = "101";
const WHOLE_REVERSAL: &str = "400";
const PARTIAL_REVERSAL: &str = "401";

/// The character of the point of service data code that says how the card was read.
const CARD_INPUT: usize = 6;

/// Digits of the parts of the original data before their acquirer.
const ORIGINAL_MTI: std::ops::Range<usize> = 0..4;
const ORIGINAL_STAN: std::ops::Range<usize> = 4..10;
const ORIGINAL_LOCAL_TIME: std::ops::Range<usize> = 10..22;
const ORIGINAL_ACQUIRER_LENGTH: std::ops::Range<usize> = 22..24;
const ORIGINAL_ACQUIRER: usize = 24;

/// Digits of the year in a settlement date.
const YEAR_DIGITS: usize = 2;

static PLACES: Places = Places {
    category: CATEGORY,
    original: ORIGINAL,
    usual: &[LOCAL_TIME, field::ACQUIRER, field::RRN, field::TERMINAL, field::MERCHANT_ID],
    usual_of_requests: &[
        CATEGORY,
        field::ACQUIRER_COUNTRY,
        field::ENTRY_MODE,
        FUNCTION,
        field::MERCHANT_PLACE,
    ],
};

static MANAGEMENT: ManagementWords = ManagementWords {
    mti: [1, 8, 0, 4],
    place: FUNCTION,
    local_time: Some(LOCAL_TIME),
    codes: &[
        (Topic::SignOn, "801"),
        (Topic::SignOff, "802"),
        (Topic::NewKey, "811"),
        (Topic::CutOver, "821"),
        (Topic::EchoTest, "831"),
    ],
};

impl Words for Iso1993 {
    fn places(&self) -> &'static Places {
        &PLACES
    }

    fn management(&self) -> &'static ManagementWords {
        &MANAGEMENT
    }

    fn check_local_time(&self, message: &Message) -> Result<(), Refusal> {
        match message.text(LOCAL_TIME) {
            Some(text) if !is_whole_date_and_time(text) => Err(Refusal::Format(LOCAL_TIME)),
            _ => Ok(()),
        }
    }

    fn local_time(&self, message: &Message, now: &str) -> Option<String> {
        with_century(message.text(LOCAL_TIME)?, now)
    }

    fn service_code(&self, message: &Message) -> Option<ServiceCode> {
        match message.get(field::ENTRY_MODE)?.get(CARD_INPUT)? {
            b'2' => Some(ServiceCode::OfTrack),
            b'5' => Some(ServiceCode::OfChip),
            _ => None,
        }
    }

    /// By the card data input mode.
    fn entry_mode(&self, message: &Message) -> Option<EntryMode> {
        Some(match message.get(field::ENTRY_MODE)?.get(CARD_INPUT)? {
            b'0' => EntryMode::Unknown,
            b'1' | b'6' | b'S' => EntryMode::Manual,
            b'2' => EntryMode::Magstripe,
            b'5' => EntryMode::Chip,
            _ => EntryMode::Other,
        })
    }

    /// Its field has a reason here.
    fn condition<'a>(&self, _message: &'a Message) -> Option<&'a str> {
        None
    }

    fn is_pre_authorisation(&self, message: &Message) -> bool {
        message.text(FUNCTION) == Some(PRE_AUTHORISATION)
    }

    /// No function says so: an amount of zero does.
    fn is_account_check(&self, _message: &Message) -> bool {
        false
    }

    fn original(&self, text: &str, now: &str) -> Result<OriginalNumbers, Refusal> {
        let wrong = Refusal::Format(ORIGINAL);
        let part = |range| text.get(range).ok_or(wrong);
        let acquirer = text.get(ORIGINAL_ACQUIRER..).ok_or(wrong)?;
        let length: usize = part(ORIGINAL_ACQUIRER_LENGTH)?.parse().map_err(|_| wrong)?;
        if length != acquirer.len() {
            return Err(wrong);
        }
        Ok(OriginalNumbers {
            kind: original_kind(part(ORIGINAL_MTI)?)?,
            acquirer: acquirer.trim_start_matches('0').to_owned(),
            stan: part(ORIGINAL_STAN)?.to_owned(),
            moment: with_century(part(ORIGINAL_LOCAL_TIME)?, now).ok_or(wrong)?,
        })
    }

    /// A partial reversal has what remains where a whole one has the original's amount.
    fn taken_back(&self, message: &Message) -> Result<TakenBack, Refusal> {
        let amount = amount_of(message)?;
        match message.text(FUNCTION) {
            Some(WHOLE_REVERSAL) => Ok(TakenBack { amount, remaining_minor: None }),
            Some(PARTIAL_REVERSAL) => {
                let original = message.get(ORIGINAL_AMOUNTS);
                let minor =
                    original.map(|_| leading_minor(message, ORIGINAL_AMOUNTS)).transpose()?;
                let of_original = amount.zip(minor);
                let of_original = of_original.map(|(it, minor)| Money::new(minor, it.currency()));
                Ok(TakenBack {
                    amount: of_original.or(amount),
                    remaining_minor: amount.map(|it| it.amount_minor()),
                })
            }
            _ => Err(Refusal::Format(FUNCTION)),
        }
    }

    fn shop(&self, bytes: &[u8], _place: Place) -> Shop {
        Shop::between_backslashes(bytes)
    }

    fn decline(&self, code: &str) -> Option<ResponseCode> {
        match code {
            "116" | "121" | "123" => Some(ResponseCode::InsufficientFunds),
            "907" | "909" | "910" | "911" | "912" => Some(ResponseCode::NoResponse),
            _ => (!code.starts_with('0')).then_some(ResponseCode::NotAllowed),
        }
    }

    /// Declines are 1xx, and 2xx where the card is to be kept; 9xx are failures.
    fn may_decline(&self, code: &str) -> bool {
        let is_code = code.len() == 3 && code.bytes().all(|it| it.is_ascii_digit());
        is_code && code.starts_with(['1', '2', '9'])
    }

    fn declining_codes(&self) -> &'static str {
        "three digits of which the first is 1, 2 or 9"
    }

    fn settlement_date<'a>(&self, message: &'a Message) -> Option<&'a str> {
        message.text(field::SETTLEMENT_DATE)?.get(YEAR_DIGITS..)
    }
}

#[cfg(test)]
mod tests {
    use domain::{Currency, MessageKind};
    use iso8583::Mti;

    use super::*;

    const NOW: &str = "2026-11-29T12:00:10Z";

    fn message(fields: &[(u8, &str)]) -> Message {
        let mut message = Message::new(Mti::new([1, 4, 2, 0]).unwrap());
        for (number, text) in fields {
            message.set(*number, text.as_bytes()).unwrap();
        }
        message
    }

    #[test]
    fn an_original_is_named_by_its_local_time() {
        let read = |text: &str| Iso1993.original(text, NOW);
        let original = OriginalNumbers {
            kind: MessageKind::Authorisation,
            acquirer: "412345".into(),
            stan: "000001".into(),
            moment: "20261129200001".into(),
        };
        assert_eq!(read("110000000126112920000106412345"), Ok(original.clone()));
        assert_eq!(read("11000000012611292000010800412345"), Ok(original.clone()));
        let nameless = OriginalNumbers { acquirer: String::new(), ..original };
        assert_eq!(read("110000000126112920000100"), Ok(nameless));
        for text in ["", "1100000001261129200001", "110000000126112920000107412345"] {
            assert_eq!(read(text), Err(Refusal::Format(56)), "{text}");
        }
        assert_eq!(read("142000000126112920000106412345"), Err(Refusal::NotSupported));
    }

    #[test]
    fn a_reversal_says_by_its_function_what_its_amount_is() {
        let usd = |minor| Some(Money::new(minor, Currency::USD));
        let read = |function: &str, more: &[(u8, &str)]| {
            let own = [(4, "000000003000"), (24, function), (49, "840")];
            Iso1993.taken_back(&message(&[&own[..], more].concat()))
        };
        let said = |amount, remaining_minor| Ok(TakenBack { amount, remaining_minor });
        let originals = [(30, "000000010000000000000000")];
        assert_eq!(read("400", &[]), said(usd(3_000), None));
        assert_eq!(read("400", &originals), said(usd(3_000), None));
        assert_eq!(read("401", &originals), said(usd(10_000), Some(3_000)));
        assert_eq!(read("401", &[]), said(usd(3_000), Some(3_000)));
        assert_eq!(read("200", &[]), Err(Refusal::Format(24)));
        assert_eq!(Iso1993.taken_back(&message(&[])), Err(Refusal::Format(24)));
    }

    #[test]
    fn the_seventh_character_says_how_the_card_was_read() {
        for (code, wanted) in [
            ("600050200000", Some(ServiceCode::OfTrack)),
            ("510101511344", Some(ServiceCode::OfChip)),
            ("600050600000", None),
            ("60005", None),
        ] {
            assert_eq!(Iso1993.service_code(&message(&[(22, code)])), wanted, "{code}");
        }
        for (code, wanted) in [
            ("000000000000", EntryMode::Unknown),
            ("600050600000", EntryMode::Manual),
            ("600050200000", EntryMode::Magstripe),
            ("510101511344", EntryMode::Chip),
            ("600050900000", EntryMode::Other),
        ] {
            assert_eq!(Iso1993.entry_mode(&message(&[(22, code)])), Some(wanted), "{code}");
        }
    }

    #[test]
    fn codes_below_100_approve() {
        use ResponseCode::{InsufficientFunds, NoResponse, NotAllowed};
        for (code, wanted) in [
            ("000", None),
            ("099", None),
            ("100", Some(NotAllowed)),
            ("116", Some(InsufficientFunds)),
            ("123", Some(InsufficientFunds)),
            ("400", Some(NotAllowed)),
            ("907", Some(NoResponse)),
            ("911", Some(NoResponse)),
        ] {
            assert_eq!(Iso1993.decline(code), wanted, "{code}");
        }
    }

    #[test]
    fn a_local_time_that_does_not_exist_is_refused() {
        let check = |text| Iso1993.check_local_time(&message(&[(12, text)]));
        assert_eq!(check("261129200001"), Ok(()));
        assert_eq!(check("260229200001"), Err(Refusal::Format(12)));
        assert_eq!(Iso1993.settlement_date(&message(&[(15, "261130")])), Some("1130"));
    }
}
