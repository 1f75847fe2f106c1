//! The one table of the 128 fields (network-iso8583.md section 2.3). What is repeated, kept,
//! wiped and masked is derived from it.

use crate::field_set::FieldSet;
use crate::format::Format;

/// What becomes of a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses {
    /// `E`: an answer repeats it if it came.
    pub is_repeated: bool,
    /// `K`: kept with the authorisation.
    pub is_kept: bool,
    /// `X`: wiped when the message is translated, never kept.
    pub is_wiped: bool,
    /// `M`: never shown as it is.
    pub is_masked: bool,
}

impl Uses {
    /// Reads letters with blanks between them, or `-`.
    #[must_use]
    pub const fn parse(text: &str) -> Option<Self> {
        let mut uses =
            Self { is_repeated: false, is_kept: false, is_wiped: false, is_masked: false };
        let mut rest = text.as_bytes();
        while let [letter, after @ ..] = rest {
            match letter {
                b'E' => uses.is_repeated = true,
                b'K' => uses.is_kept = true,
                b'X' => uses.is_wiped = true,
                b'M' => uses.is_masked = true,
                b'-' | b' ' => {}
                _ => return None,
            }
            rest = after;
        }
        Some(uses)
    }
}

/// One field of a message.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// 1 to 128.
    pub number: u8,
    /// Its name.
    pub name: &'static str,
    /// Its format unless a link overrides it.
    pub format: Format,
    /// What becomes of its value.
    pub uses: Uses,
}

pub(crate) const fn field(number: u8, name: &'static str, format: &str, uses: &str) -> Field {
    match (Format::parse(format), Uses::parse(uses)) {
        (Some(format), Some(uses)) => Field { number, name, format, uses },
        _ => panic!("a row of the table cannot be read"),
    }
}

/// Field N is at N - 1. Field 1 is the secondary bitmap.
#[rustfmt::skip]
pub static FIELDS: [Field; 128] = [
    field(1, "secondary bitmap", "b 8", "-"),
    field(2, "primary account number (PAN)", "n..19", "E X M"),
    field(3, "processing code", "n 6", "E K"),
    field(4, "amount, transaction", "n 12", "E K"),
    field(5, "amount, settlement", "n 12", "E"),
    field(6, "amount, cardholder billing", "n 12", "E K"),
    field(7, "transmission date and time", "n 10", "E K"),
    field(8, "amount, billing fee", "n 8", "-"),
    field(9, "conversion rate, settlement", "n 8", "-"),
    field(10, "conversion rate, billing", "n 8", "K"),
    field(11, "system trace audit number (STAN)", "n 6", "E K"),
    field(12, "local time", "n 6", "E K"),
    field(13, "local date", "n 4", "E K"),
    field(14, "expiry", "n 4", "X M"),
    field(15, "settlement date", "n 4", "E K"),
    field(16, "conversion date", "n 4", "-"),
    field(17, "capture date", "n 4", "-"),
    field(18, "merchant category code", "n 4", "K"),
    field(19, "acquirer's country", "n 3", "E K"),
    field(20, "PAN's country", "n 3", "-"),
    field(21, "forwarder's country", "n 3", "-"),
    field(22, "point of service entry mode", "n 3", "K"),
    field(23, "card sequence number", "n 3", "X"),
    field(24, "network international identifier", "n 3", "E"),
    field(25, "point of service condition", "n 2", "E K"),
    field(26, "PIN capture code", "n 2", "-"),
    field(27, "length of DE38", "n 1", "-"),
    field(28, "fee, transaction", "x+n 8", "-"),
    field(29, "fee, settlement", "x+n 8", "-"),
    field(30, "fee, processing", "x+n 8", "-"),
    field(31, "fee, settlement processing", "x+n 8", "-"),
    field(32, "acquirer identification", "n..11", "E K"),
    field(33, "forwarder identification", "n..11", "E"),
    field(34, "PAN extended", "ans..28", "X M"),
    field(35, "track 2", "z..37", "X M"),
    field(36, "track 3", "ans...104", "X M"),
    field(37, "retrieval reference number (RRN)", "an 12", "E K"),
    field(38, "authorisation code", "an 6", "K"),
    field(39, "response code", "an 2", "K"),
    field(40, "service restriction code", "an 3", "-"),
    field(41, "terminal identification", "ans 8", "E K"),
    field(42, "card acceptor identification", "ans 15", "E K"),
    field(43, "card acceptor name and place", "ans 40", "K"),
    field(44, "additional response data", "ans..25", "-"),
    field(45, "track 1", "ans..76", "X M"),
    field(46, "additional data, ISO", "ans...999", "-"),
    field(47, "additional data, national", "ans...999", "-"),
    field(48, "additional data, private", "ans...999", "X M"),
    field(49, "currency, transaction", "an 3", "E K"),
    field(50, "currency, settlement", "an 3", "E K"),
    field(51, "currency, billing", "an 3", "E K"),
    field(52, "PIN block", "b 8", "X M"),
    field(53, "security control information", "n 16", "M"),
    field(54, "additional amounts", "ans...120", "-"),
    field(55, "chip data", "b...999", "X M"),
    field(56, "reserved, ISO", "ans...999", "M"),
    field(57, "reserved, national", "ans...999", "M"),
    field(58, "reserved, national", "ans...999", "M"),
    field(59, "reserved, national", "ans...999", "M"),
    field(60, "reserved, private", "ans...999", "M"),
    field(61, "reserved, private", "ans...999", "M"),
    field(62, "reserved, private", "ans...999", "M"),
    field(63, "reserved, private", "ans...999", "M"),
    field(64, "message authentication code", "b 8", "-"),
    field(65, "tertiary bitmap", "b 8", "-"),
    field(66, "settlement code", "n 1", "-"),
    field(67, "extended payment code", "n 2", "-"),
    field(68, "receiver's country", "n 3", "-"),
    field(69, "settlement institution's country", "n 3", "-"),
    field(70, "network management information code", "n 3", "E"),
    field(71, "message number", "n 4", "-"),
    field(72, "message number, last", "n 4", "-"),
    field(73, "action date", "n 6", "-"),
    field(74, "number, credits", "n 10", "-"),
    field(75, "number, credits reversed", "n 10", "-"),
    field(76, "number, debits", "n 10", "-"),
    field(77, "number, debits reversed", "n 10", "-"),
    field(78, "number, transfers", "n 10", "-"),
    field(79, "number, transfers reversed", "n 10", "-"),
    field(80, "number, inquiries", "n 10", "-"),
    field(81, "number, authorisations", "n 10", "-"),
    field(82, "amount, processing fee, credits", "n 12", "-"),
    field(83, "amount, transaction fee, credits", "n 12", "-"),
    field(84, "amount, processing fee, debits", "n 12", "-"),
    field(85, "amount, transaction fee, debits", "n 12", "-"),
    field(86, "amount, credits", "n 16", "-"),
    field(87, "amount, credits reversed", "n 16", "-"),
    field(88, "amount, debits", "n 16", "-"),
    field(89, "amount, debits reversed", "n 16", "-"),
    field(90, "original data", "n 42", "E K"),
    field(91, "file update code", "an 1", "-"),
    field(92, "file security code", "an 2", "-"),
    field(93, "response indicator", "an 5", "-"),
    field(94, "service indicator", "an 7", "-"),
    field(95, "replacement amounts", "an 42", "E K"),
    field(96, "message security code", "b 8", "M"),
    field(97, "amount, net settlement", "x+n 16", "-"),
    field(98, "payee", "ans 25", "-"),
    field(99, "settlement institution", "n..11", "E"),
    field(100, "receiving institution", "n..11", "E"),
    field(101, "file name", "ans..17", "-"),
    field(102, "account identification 1", "ans..28", "E M"),
    field(103, "account identification 2", "ans..28", "E M"),
    field(104, "transaction description", "ans...100", "-"),
    field(105, "reserved, ISO", "ans...999", "M"),
    field(106, "reserved, ISO", "ans...999", "M"),
    field(107, "reserved, ISO", "ans...999", "M"),
    field(108, "reserved, ISO", "ans...999", "M"),
    field(109, "reserved, ISO", "ans...999", "M"),
    field(110, "reserved, ISO", "ans...999", "M"),
    field(111, "reserved, ISO", "ans...999", "M"),
    field(112, "reserved, national", "ans...999", "M"),
    field(113, "reserved, national", "ans...999", "M"),
    field(114, "reserved, national", "ans...999", "M"),
    field(115, "reserved, national", "ans...999", "M"),
    field(116, "reserved, national", "ans...999", "M"),
    field(117, "reserved, national", "ans...999", "M"),
    field(118, "reserved, national", "ans...999", "M"),
    field(119, "reserved, national", "ans...999", "M"),
    field(120, "reserved, private", "ans...999", "M"),
    field(121, "reserved, private", "ans...999", "M"),
    field(122, "reserved, private", "ans...999", "M"),
    field(123, "reserved, private", "ans...999", "M"),
    field(124, "reserved, private", "ans...999", "M"),
    field(125, "reserved, private", "ans...999", "M"),
    field(126, "reserved, private", "ans...999", "M"),
    field(127, "reserved, private", "ans...999", "M"),
    field(128, "message authentication code", "b 8", "-"),
];

/// The field of a number, also of 1 and 65, which no message contains.
#[must_use]
pub fn field_of(number: u8) -> Option<&'static Field> {
    FIELDS.get(usize::from(number).checked_sub(1)?)
}

/// The fields of a use.
#[must_use]
pub fn fields_where(has_use: impl Fn(Uses) -> bool) -> FieldSet {
    FIELDS.iter().filter(|field| has_use(field.uses)).map(|field| field.number).collect()
}

/// What an answer of dialect 1987 repeats unless a link says otherwise.
#[must_use]
pub fn default_echo() -> FieldSet {
    fields_where(|uses| uses.is_repeated)
}
