//! Dialect 1987.

use domain::{EntryMode, OriginalNumbers, ResponseCode};
use iso8583::Message;

use super::super::amounts::{amount_of, leading_minor};
use super::super::codes::Refusal;
use super::super::dates::{is_date, is_time, with_year};
use super::super::field;
use super::super::kind::original_kind;
use super::super::place::{Place, Shop};
use super::terms::{ManagementWords, Places, ServiceCode, TakenBack, Topic, Words};
use crate::network_code::decline_of;

pub(super) struct Iso1987;

/// Local time, without its date.
const LOCAL_TIME: u8 = 12;
/// Local date.
const LOCAL_DATE: u8 = 13;
/// Merchant category code.
const CATEGORY: u8 = 18;
/// Network international identifier.
const NETWORK_ID: u8 = 24;
/// Point of service condition.
const CONDITION: u8 = 25;
/// Whether and how a PIN was captured.
const PIN_CAPTURE: u8 = 26;
/// Network management code.
const MANAGEMENT_CODE: u8 = 70;
/// Original data.
const ORIGINAL: u8 = 90;
/// Replacement amounts.
const REPLACEMENT: u8 = 95;

/// The condition of a reservation.
const PRE_AUTHORISED: &str = "06";
/// The condition of a check of the account.
const ACCOUNT_CHECK: &str = "51";
/// The condition of a purchase in a shop on the net.
const ECOMMERCE: &str = "59";

/// Digits of the parts of the original data before their forwarder.
const ORIGINAL_MTI: std::ops::Range<usize> = 0..4;
const ORIGINAL_STAN: std::ops::Range<usize> = 4..10;
const ORIGINAL_TRANSMITTED_AT: std::ops::Range<usize> = 10..20;
const ORIGINAL_ACQUIRER: std::ops::Range<usize> = 20..31;

static PLACES: Places = Places {
    category: CATEGORY,
    original: ORIGINAL,
    usual: &[
        LOCAL_TIME,
        LOCAL_DATE,
        field::ACQUIRER,
        field::RRN,
        field::TERMINAL,
        field::MERCHANT_ID,
    ],
    usual_of_requests: &[
        CATEGORY,
        field::ACQUIRER_COUNTRY,
        field::ENTRY_MODE,
        NETWORK_ID,
        CONDITION,
        PIN_CAPTURE,
        field::MERCHANT_PLACE,
    ],
};

static MANAGEMENT: ManagementWords = ManagementWords {
    mti: [0, 8, 0, 0],
    place: MANAGEMENT_CODE,
    local_time: None,
    codes: &[
        (Topic::SignOn, "001"),
        (Topic::SignOff, "002"),
        (Topic::NewKey, "101"),
        (Topic::KeyRequest, "161"),
        (Topic::CutOver, "201"),
        (Topic::EchoTest, "301"),
    ],
};

impl Words for Iso1987 {
    fn places(&self) -> &'static Places {
        &PLACES
    }

    fn management(&self) -> &'static ManagementWords {
        &MANAGEMENT
    }

    fn check_local_time(&self, message: &Message) -> Result<(), Refusal> {
        let is_wrong = |number, is_right: fn(&str) -> bool| {
            message.text(number).is_some_and(|text| !is_right(text))
        };
        match () {
            () if is_wrong(LOCAL_TIME, is_time) => Err(Refusal::Format(LOCAL_TIME)),
            () if is_wrong(LOCAL_DATE, is_date) => Err(Refusal::Format(LOCAL_DATE)),
            () => Ok(()),
        }
    }

    fn local_time(&self, message: &Message, now: &str) -> Option<String> {
        let (date, time) = (message.text(LOCAL_DATE)?, message.text(LOCAL_TIME)?);
        with_year(&format!("{date}{time}"), now)
    }

    /// By the first two digits of the entry mode.
    fn service_code(&self, message: &Message) -> Option<ServiceCode> {
        match message.text(field::ENTRY_MODE)?.get(..2)? {
            "02" | "79" | "80" | "90" => Some(ServiceCode::OfTrack),
            "05" | "07" | "95" => Some(ServiceCode::OfChip),
            _ => None,
        }
    }

    /// By the first two digits of the entry mode.
    fn entry_mode(&self, message: &Message) -> Option<EntryMode> {
        let is_ecommerce = self.condition(message) == Some(ECOMMERCE);
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

    fn condition<'a>(&self, message: &'a Message) -> Option<&'a str> {
        message.text(CONDITION)
    }

    fn is_pre_authorisation(&self, message: &Message) -> bool {
        message.text(CONDITION) == Some(PRE_AUTHORISED)
    }

    fn is_account_check(&self, message: &Message) -> bool {
        message.text(CONDITION) == Some(ACCOUNT_CHECK)
    }

    fn original(&self, text: &str, _now: &str) -> Result<OriginalNumbers, Refusal> {
        let part = |range| text.get(range).ok_or(Refusal::Format(ORIGINAL));
        Ok(OriginalNumbers {
            kind: original_kind(part(ORIGINAL_MTI)?)?,
            acquirer: part(ORIGINAL_ACQUIRER)?.trim_start_matches('0').to_owned(),
            stan: part(ORIGINAL_STAN)?.to_owned(),
            moment: part(ORIGINAL_TRANSMITTED_AT)?.to_owned(),
        })
    }

    /// What remains is the first of the replacement amounts.
    fn taken_back(&self, message: &Message) -> Result<TakenBack, Refusal> {
        let remaining = message.get(REPLACEMENT).map(|_| leading_minor(message, REPLACEMENT));
        Ok(TakenBack { amount: amount_of(message)?, remaining_minor: remaining.transpose()? })
    }

    fn shop(&self, bytes: &[u8], place: Place) -> Shop {
        place.divide(bytes)
    }

    fn decline(&self, code: &str) -> Option<ResponseCode> {
        decline_of(code)
    }

    fn may_decline(&self, code: &str) -> bool {
        let is_code = code.len() == 2 && code.bytes().all(|it| it.is_ascii_digit());
        is_code && self.decline(code).is_some()
    }

    fn declining_codes(&self) -> &'static str {
        "two digits that do not approve"
    }

    fn settlement_date<'a>(&self, message: &'a Message) -> Option<&'a str> {
        message.text(field::SETTLEMENT_DATE)
    }
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
            message.set(CONDITION, condition.as_bytes()).unwrap();
            Iso1987.entry_mode(&message)
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
