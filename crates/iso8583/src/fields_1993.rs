//! Fields of dialect 1993 that differ from those of 1987 (network-iso8583.md section 2.5).

use crate::fields::{Field, field};

/// In ascending order. What is wiped and masked is the same in both dialects.
#[rustfmt::skip]
pub static DIFFERENCES: [Field; 43] = [
    field(12, "local date and time", "n 12", "E K"),
    field(13, "effective date", "n 4", "-"),
    field(15, "settlement date", "n 6", "E K"),
    field(22, "point of service data code", "an 12", "K"),
    field(24, "function code", "n 3", "E K"),
    field(25, "message reason code", "n 4", "-"),
    field(26, "card acceptor business code", "n 4", "K"),
    field(28, "date, reconciliation", "n 6", "-"),
    field(29, "reconciliation indicator", "n 3", "-"),
    field(30, "amounts, original", "n 24", "E K"),
    field(31, "acquirer reference data", "ans..99", "-"),
    field(39, "action code", "n 3", "K"),
    field(40, "service code", "n 3", "-"),
    field(43, "card acceptor name and place", "ans..99", "K"),
    field(44, "additional response data", "ans..99", "-"),
    field(46, "amounts, fees", "ans...204", "-"),
    field(53, "security control information", "b..48", "M"),
    field(55, "chip data", "b...255", "X M"),
    field(56, "original data", "n..35", "E K M"),
    field(57, "authorisation life cycle code", "n 3", "M"),
    field(58, "authorising agent institution", "n..11", "M"),
    field(66, "amounts, original fees", "ans...204", "-"),
    field(70, "country, authorising agent institution", "n 3", "-"),
    field(71, "message number", "n 8", "-"),
    field(72, "data record", "ans...999", "-"),
    field(82, "number, inquiries reversed", "n 10", "-"),
    field(83, "number, payments", "n 10", "-"),
    field(84, "number, payments reversed", "n 10", "-"),
    field(85, "number, fee collections", "n 10", "-"),
    field(90, "number, authorisations reversed", "n 10", "-"),
    field(91, "country, transaction destination", "n 3", "-"),
    field(92, "country, transaction originator", "n 3", "-"),
    field(93, "transaction destination institution", "n..11", "E"),
    field(94, "transaction originator institution", "n..11", "E"),
    field(95, "card issuer reference data", "ans..99", "-"),
    field(96, "key management data", "b...999", "M"),
    field(99, "settlement institution", "ans..11", "E"),
    field(105, "amount, credits charged back", "n 16", "M"),
    field(106, "amount, debits charged back", "n 16", "M"),
    field(107, "number, credits charged back", "n 10", "M"),
    field(108, "number, debits charged back", "n 10", "M"),
    field(109, "fee amounts, credits", "ans..84", "M"),
    field(110, "fee amounts, debits", "ans..84", "M"),
];

/// A field that differs.
#[must_use]
pub fn difference(number: u8) -> Option<&'static Field> {
    let index = DIFFERENCES.binary_search_by_key(&number, |field| field.number).ok()?;
    DIFFERENCES.get(index)
}
