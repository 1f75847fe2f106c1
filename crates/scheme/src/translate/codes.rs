//! What the network is answered: the one table from causes and refusals to DE39
//! (network-iso8583.md section 4.1).

use domain::Cause;

/// A response code in both dialects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    iso87: [u8; 2],
    iso93: [u8; 3],
}

impl Code {
    /// Do not honour: a final refusal that says nothing more.
    pub const DO_NOT_HONOUR: Self = Self::new(b"05", b"100");
    /// Approved.
    pub(crate) const APPROVED: Self = Self::new(b"00", b"000");
    /// A reversal was carried out.
    pub(crate) const REVERSED: Self = Self::new(b"00", b"400");
    /// The original was cleared by other means, so that the reversal changes nothing.
    pub(crate) const NOT_REVERSED: Self = Self::new(b"21", b"914");
    /// Network management was carried out.
    pub(crate) const ACCEPTED: Self = Self::new(b"00", b"800");

    const fn new(iso87: &[u8; 2], iso93: &[u8; 3]) -> Self {
        Self { iso87: *iso87, iso93: *iso93 }
    }

    /// The same code with this text in the dialect that has codes of its length.
    pub(super) fn with_text(self, text: &str) -> Option<Self> {
        let text = text.as_bytes();
        Some(match text.try_into() {
            Ok(iso87) => Self { iso87, ..self },
            Err(_) => Self { iso93: text.try_into().ok()?, ..self },
        })
    }

    /// DE39 in messages of this version.
    pub(crate) const fn text(&self, version: u8) -> &[u8] {
        if version == 0 { &self.iso87 } else { &self.iso93 }
    }
}

/// The code for a decision. `no_answer` stands for every decision to which the enterprise gave no
/// usable answer. A new cause does not compile until it has its line here.
pub(super) const fn code_of(cause: &Cause, no_answer: Code) -> Code {
    match cause {
        Cause::Approved
        | Cause::Reversal
        | Cause::ReversalRefused
        | Cause::ReversalNotAnswered
        | Cause::Forced
        | Cause::Advice
        | Cause::AdviceRefused
        | Cause::AdviceNotAnswered
        | Cause::StandInApproved => Code::APPROVED,
        Cause::EnterpriseInsufficientFunds | Cause::DepositExhausted | Cause::ReservationGone => {
            Code::new(b"51", b"116")
        }
        Cause::NoAnswer
        | Cause::DeadlineBeforeNotice
        | Cause::NoConnection
        | Cause::ConnectionBroken
        | Cause::BadAuthUrl
        | Cause::AddressRefused
        | Cause::AnswerTooLarge
        | Cause::MalformedAnswer
        | Cause::BadSignature
        | Cause::BadCiphertext
        | Cause::AnswerNotJson
        | Cause::WrongAuthId
        | Cause::UnknownResponseCode
        | Cause::RsaQueueFull
        | Cause::RsaUnfinished
        | Cause::NoticeNotSealed
        | Cause::HttpStatus(_)
        | Cause::MissingField(_)
        | Cause::IllFormedField(_) => no_answer,
        Cause::SingleLimitExceeded
        | Cause::DailyAmountExceeded
        | Cause::MonthlyAmountExceeded
        | Cause::TotalLimitExceeded => Code::new(b"61", b"121"),
        Cause::DailyCountExceeded | Cause::MonthlyCountExceeded => Code::new(b"65", b"123"),
        Cause::WrongExpiry | Cause::CardExpired => Code::new(b"54", b"101"),
        Cause::WrongCvv2 | Cause::WrongCvv | Cause::WrongArqc => Code::new(b"63", b"122"),
        Cause::WrongPin | Cause::PinNotSet => Code::new(b"55", b"117"),
        Cause::PinTriesExceeded => Code::new(b"75", b"106"),
        Cause::PinBlockUnreadable => Code::new(b"81", b"126"),
        Cause::CardFrozen
        | Cause::PanFrozen
        | Cause::CardBlocked
        | Cause::PanBlocked
        | Cause::CardWaitingActive => Code::new(b"62", b"104"),
        Cause::CardInvalid => Code::new(b"14", b"111"),
        Cause::AmountOutOfRange | Cause::AmountRoundsToZero => Code::new(b"13", b"110"),
        // The enterprise's 21 is a refusal too, so nobody stands in for it.
        Cause::EnterpriseNotAllowed
        | Cause::EnterpriseNoResponse
        | Cause::NoFxRate
        | Cause::NoAuthUrl
        | Cause::NoExternalPublicKey
        | Cause::BadExternalPublicKey
        | Cause::OriginalEnded
        | Cause::ReversedBeforeArrival
        | Cause::ReversedWhilePending
        | Cause::SupersededByAdvice
        | Cause::NetworkDeclined
        | Cause::ChipUnverified
        | Cause::Other(_) => Code::DO_NOT_HONOUR,
        Cause::Crash | Cause::Abandoned | Cause::DecisionNotWritten => Code::new(b"96", b"909"),
    }
}

/// Why a message was answered without a decision on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// This field is missing or cannot be read.
    Format(u8),
    /// No card of ours.
    UnknownCard,
    /// The amount is not above zero.
    Amount,
    /// The kind of message or transaction is not supported.
    NotSupported,
    /// Files are not changed by messages.
    FileUpdate,
    /// The authorisation has too many increments.
    TooManyIncrements,
    /// It is not signed rightly.
    Mac,
    /// A key that came does not belong to its check value or to the zone master key.
    Key,
    /// Another message has the same identity.
    Conflict,
    /// Not signed on, stopping, or too much is under way.
    Unavailable,
    /// Something failed here.
    Fault,
}

impl Refusal {
    /// Its code.
    pub(crate) const fn code(self) -> Code {
        match self {
            Self::Format(_) => Code::new(b"30", b"904"),
            Self::UnknownCard => Code::new(b"14", b"111"),
            Self::Amount => Code::new(b"13", b"110"),
            Self::NotSupported => Code::new(b"40", b"115"),
            Self::FileUpdate => Code::new(b"24", b"304"),
            Self::TooManyIncrements => Code::new(b"65", b"123"),
            Self::Mac => Code::new(b"63", b"916"),
            Self::Key => Code::new(b"63", b"917"),
            Self::Conflict => Code::new(b"94", b"913"),
            Self::Unavailable => Code::new(b"91", b"907"),
            Self::Fault => Code::new(b"96", b"909"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/network-iso8583.md");

    /// The rows of the page's table: the details it names, and both codes.
    fn rows() -> Vec<(Vec<String>, String, String)> {
        let page = std::fs::read_to_string(PAGE).unwrap();
        let (_, rest) = page.split_once("\n| detail | DAPI_AUTH_ |").unwrap();
        let rows = rest.lines().skip(2).take_while(|line| line.starts_with('|'));
        rows.map(|row| {
            let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
            let details = cells[0].split('`').skip(1).step_by(2).map(str::to_owned).collect();
            let code = |cell: &str| cell.split(' ').find(|word| is_code(word)).map(str::to_owned);
            let iso87 = cells[3].split(' ').rfind(|word| is_code(word));
            (details, iso87.unwrap().to_owned(), code(cells[4]).unwrap())
        })
        .collect()
    }

    fn is_code(word: &str) -> bool {
        matches!(word.len(), 2 | 3) && word.bytes().all(|byte| byte.is_ascii_digit())
    }

    #[test]
    fn every_cause_has_the_codes_of_section_4_1() {
        let rows = rows();
        let valued = ["http_status_503", "missing_encryptData", "ill_formed_authId"];
        let causes = Cause::NAMED.iter().cloned().chain(valued.map(Cause::from));
        for cause in causes {
            let text = cause.text().into_owned();
            let names = |detail: &String| match detail.strip_suffix('*') {
                Some(prefix) => text.starts_with(prefix),
                None => *detail == text,
            };
            let row = rows.iter().find(|(details, ..)| details.iter().any(names));
            let (_, iso87, iso93) = row.unwrap_or_else(|| panic!("{text} is not on the page"));
            let code = code_of(&cause, Code::DO_NOT_HONOUR);
            let texts = [code.text(0), code.text(1)].map(|it| String::from_utf8_lossy(it));
            assert_eq!(texts, [iso87.as_str(), iso93.as_str()], "{text}");
        }
    }

    /// What has no record is in the paragraph behind the table, as `14 / 111`.
    #[test]
    fn every_refusal_has_the_codes_of_section_4_1() {
        let page = std::fs::read_to_string(PAGE).unwrap();
        let (_, rest) = page.split_once("\nWithout a record: ").unwrap();
        let line = rest.lines().next().unwrap();
        let refusals = [
            Refusal::Format(4),
            Refusal::UnknownCard,
            Refusal::Amount,
            Refusal::NotSupported,
            Refusal::FileUpdate,
            Refusal::TooManyIncrements,
            Refusal::Mac,
            Refusal::Key,
            Refusal::Conflict,
            Refusal::Unavailable,
            Refusal::Fault,
        ];
        for code in refusals.map(Refusal::code).into_iter().chain([Code::NOT_REVERSED]) {
            let [iso87, iso93] = [code.text(0), code.text(1)].map(String::from_utf8_lossy);
            assert!(line.contains(&format!(" {iso87} / {iso93}")), "{iso87} / {iso93}");
        }
        let (_, approvals) = page.split_once("| 00 | 000 (").unwrap();
        let codes =
            [(Code::REVERSED, " to a reversal"), (Code::ACCEPTED, " to network management")];
        for (code, to) in codes {
            let text = format!("{}{to}", String::from_utf8_lossy(code.text(1)));
            assert!(approvals.lines().next().unwrap().contains(&text), "{text}");
        }
    }

    #[test]
    fn only_approvals_get_00() {
        for cause in Cause::NAMED {
            let code = code_of(cause, Code::DO_NOT_HONOUR);
            assert_eq!(code == Code::APPROVED, cause.is_approval(), "{cause}");
        }
    }
}
