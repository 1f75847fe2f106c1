//! Fields of dialect 1993 that differ from those of 1987 (network-iso8583.md section 2.5).

use crate::format::Format;

/// Number, name and format, in ascending order.
pub static DIFFERENCES: [(u8, &str, Format); 41] = [
    (12, "local date and time", format("n 12")),
    (15, "settlement date", format("n 6")),
    (22, "point of service data code", format("an 12")),
    (24, "function code", format("n 3")),
    (25, "message reason code", format("n 4")),
    (26, "card acceptor business code", format("n 4")),
    (28, "date, reconciliation", format("n 6")),
    (29, "reconciliation indicator", format("n 3")),
    (30, "amounts, original", format("n 24")),
    (31, "acquirer reference data", format("ans..99")),
    (39, "action code", format("n 3")),
    (40, "service code", format("n 3")),
    (43, "card acceptor name and place", format("ans..99")),
    (44, "additional response data", format("ans..99")),
    (46, "amounts, fees", format("ans...204")),
    (53, "security control information", format("b..48")),
    (55, "chip data", format("b...255")),
    (56, "original data", format("n..35")),
    (57, "authorisation life cycle code", format("n 3")),
    (58, "authorising agent institution", format("n..11")),
    (66, "amounts, original fees", format("ans...204")),
    (71, "message number", format("n 8")),
    (72, "data record", format("ans...999")),
    (82, "number, inquiries reversed", format("n 10")),
    (83, "number, payments", format("n 10")),
    (84, "number, payments reversed", format("n 10")),
    (85, "number, fee collections", format("n 10")),
    (90, "number, authorisations reversed", format("n 10")),
    (91, "country, transaction destination", format("n 3")),
    (92, "country, transaction originator", format("n 3")),
    (93, "transaction destination institution", format("n..11")),
    (94, "transaction originator institution", format("n..11")),
    (95, "card issuer reference data", format("ans..99")),
    (96, "key management data", format("b...999")),
    (99, "settlement institution", format("ans..11")),
    (105, "amount, credits charged back", format("n 16")),
    (106, "amount, debits charged back", format("n 16")),
    (107, "number, credits charged back", format("n 10")),
    (108, "number, debits charged back", format("n 10")),
    (109, "fee amounts, credits", format("ans..84")),
    (110, "fee amounts, debits", format("ans..84")),
];

const fn format(text: &str) -> Format {
    match Format::parse(text) {
        Some(format) => format,
        None => panic!("a format of the table cannot be read"),
    }
}

/// Name and format of a field that differs.
#[must_use]
pub fn difference(number: u8) -> Option<(&'static str, Format)> {
    let index = DIFFERENCES.binary_search_by_key(&number, |(it, _, _)| *it).ok()?;
    DIFFERENCES.get(index).map(|(_, name, format)| (*name, *format))
}
