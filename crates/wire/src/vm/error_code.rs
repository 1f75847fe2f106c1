//! The codes and texts of dialect 2, all in one table (vm-api.md sections 3.3, 7.1 and 16).
//! Clients match on the English texts as substrings, so they are kept to the letter.

use std::net::IpAddr;

use thiserror::Error;

/// The code of every success.
pub const SUCCESS_CODE: u32 = 0;
/// A code that one client takes for success, as well as [`SUCCESS_CODE`] (vm-api.md section 1, rule
/// 2).
const OTHER_SUCCESS_CODE: u32 = 200;
/// Clients read codes into 32 bits with a sign.
const MAX_CODE: u32 = i32::MAX.unsigned_abs();

/// A refusal. Its `Display` is the text on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VmError {
    /// A field is missing, or of a type that it does not take.
    #[error("field {0} is not set")]
    NotSet(&'static str),
    /// A `content` that cannot be read, for any reason.
    #[error("field {0} is invalid")]
    Invalid(&'static str),
    /// A field of the right type has a value that it does not take.
    #[error("field {0} is invalid")]
    Value(&'static str),
    /// The token call was not made by the app.
    #[error("Invalid AppId Or AppSecret")]
    InvalidApp,
    /// The token is unknown, expired or written with a prefix.
    #[error("Invalid Token")]
    InvalidToken,
    /// A status that freezeCard does not know.
    #[error("Status Error")]
    Status,
    /// Below the least amount, in whole units of currency.
    #[error("Amount Is Less Than {least_major}")]
    AmountTooSmall {
        /// The least amount.
        least_major: i64,
    },
    /// Not an amount, one finer than a cent, or not above zero where it must be.
    #[error("Amount Error")]
    Amount,
    /// More rows asked for than one page has.
    #[error("Page Size Error")]
    PageSize,
    /// Above the largest amount.
    #[error("Amount Too Large")]
    AmountTooLarge,
    /// The caller's address is not on the app's list.
    #[error("Ip Invalid{0}")]
    Ip(IpAddr),
    /// Too many requests, or too many that cannot be read.
    #[error("Too Many Requests")]
    TooManyRequests,
    /// The Idempotency-Key of an earlier request came with another request; an error of our own.
    #[error("Idempotency-Key Was Used With Another Request")]
    KeyReused,
    /// No card is opened while nobody checks who applies; an error of our own.
    #[error("Applications Are Refused Until The Operator Sets Who Checks Identities")]
    ApplicationsRefused,
    /// The app has no public key to encrypt the answer with.
    #[error("merchant public key is not set")]
    NoMerchantKey,
    /// No such card of this app.
    #[error("Invalid CardId")]
    CardId,
    /// No such product of this app.
    #[error("Invalid Product Code")]
    ProductCode,
    /// The product has no numbers left to issue, or is open to other apps of the enterprise
    /// only.
    #[error("Card Bin Not Exist")]
    CardBin,
    /// The merchant's account, or the card, has less than the amount.
    #[error("Balance Is Not Enough")]
    Balance,
    /// The product may open no further card.
    #[error("Open Card Limit")]
    OpenCardLimit,
    /// A name, address or limit that the issuer refuses.
    #[error("Params Error")]
    Params,
    /// The operation is not for such a card, or not in its status.
    #[error("Card status does not support this operation")]
    CardStatus,
    /// The card is frozen already.
    #[error("Card Canceled")]
    CardCanceled,
    /// The card is not in a status in which it can be deleted.
    #[error("Abnormal card status")]
    AbnormalCardStatus,
    /// A failure of ours; nothing moved. Clients match on this Chinese text ("server
    /// exception"), not on the number.
    #[error("\u{670d}\u{52a1}\u{5668}\u{5f02}\u{5e38}")]
    ServerException,
    /// A failure behind us; nothing moved.
    #[error("Third Party Failed")]
    ThirdParty,
    /// No operation of this dialect has such a path. This refusal and the next are the only ones
    /// that are not sent with HTTP 200, since clients fall back on a 404.
    #[error("Not Found")]
    UnknownPath,
    /// The operation is called with another method.
    #[error("Method Not Allowed")]
    WrongMethod,
}

/// Writes the table: when each refusal is answered, its name, and its default number.
macro_rules! error_table {
    ($($(#[doc = $cause:literal])+ $name:ident = $text:literal, $code:literal;)+) => {
        /// The name of a refusal in configuration and log, one for each kind of [`VmError`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ErrorName {
            $(
                $(#[doc = $cause])+
                $name
            ),+
        }

        impl ErrorName {
            /// Every name.
            pub const ALL: [Self; [$($code),+].len()] = [$(Self::$name),+];

            /// The name as a person writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// When it is answered, for readers of the descriptions.
            #[must_use]
            pub fn cause(self) -> &'static str {
                match self { $(Self::$name => concat!($($cause),+).trim_ascii()),+ }
            }

            /// The default number on the wire.
            #[must_use]
            pub const fn default_code(self) -> u32 {
                match self { $(Self::$name => $code),+ }
            }
        }
    };
}

error_table! {
    /// A field is missing, or of a type that it does not take; for `content`, the parameters came
    /// in clear.
    NotSet = "field-not-set", 400;
    /// The `content` cannot be read, whatever is wrong with it.
    Invalid = "field-invalid", 400;
    /// A field has a value that it does not take.
    Value = "field-value-invalid", 400_003;
    /// `app_id` or `app_secret` is wrong.
    InvalidApp = "invalid-app", 400_001;
    /// The token is unknown, expired, or written with a prefix such as Bearer.
    InvalidToken = "invalid-token", 400_002;
    /// The status is neither CANCELLED nor ACTIVE.
    Status = "status-error", 400_003;
    /// The amount is below the least one, which the text names.
    AmountTooSmall = "amount-too-small", 400_003;
    /// The amount is no number, is finer than a cent (`1E+2` and `100.000` are not), or is not
    /// above zero where it must be.
    Amount = "amount-error", 400_003;
    /// More rows are asked for than a page has.
    PageSize = "page-size-error", 400_003;
    /// The amount is above the largest one.
    AmountTooLarge = "amount-too-large", 400_004;
    /// The caller's address, which the text ends with, is not on the app's list.
    Ip = "ip-invalid", 400_005;
    /// The app has too many calls under way, had 600 tokens within a minute, or sent too much that
    /// cannot be read; the caller's address failed 20 times within a minute to get a token; or the
    /// first call with this Idempotency-Key has no answer yet.
    TooManyRequests = "too-many-requests", 400_006;
    /// The app has no public key to encrypt the answer with; nothing happened.
    NoMerchantKey = "merchant-key-not-set", 400_007;
    /// The Idempotency-Key was used with another request.
    KeyReused = "idempotency-key-reused", 400_008;
    /// Nobody checks who applies for cards: the operator has not said who does.
    ApplicationsRefused = "applications-refused", 400_009;
    /// The app has no such card.
    CardId = "invalid-card-id", 700_001;
    /// The app has no such product.
    ProductCode = "invalid-product-code", 700_002;
    /// The product has no numbers left to issue, or is open to other apps of the enterprise only.
    CardBin = "card-bin-not-exist", 700_003;
    /// The account, or the card, has less than that.
    Balance = "balance-not-enough", 700_004;
    /// The product may open no further card.
    OpenCardLimit = "open-card-limit", 700_005;
    /// A name, an address or a limit is none that the issuer takes.
    Params = "params-error", 700_006;
    /// The operation is not for such a card, or not in its status.
    CardStatus = "card-status-not-supported", 700_010;
    /// The card is frozen already.
    CardCanceled = "card-canceled", 700_010;
    /// Only an ACTIVE card can be deleted.
    AbnormalCardStatus = "abnormal-card-status", 700_010;
    /// Something failed on the platform's side. No money moved.
    ServerException = "server-exception", 700_011;
    /// Something failed behind the platform. No money moved.
    ThirdParty = "third-party-failed", 700_013;
    /// No operation has this path; the HTTP status is 404.
    UnknownPath = "unknown-path", 404;
    /// The operation has another method; the HTTP status is 405.
    WrongMethod = "wrong-method", 405;
}

impl ErrorName {
    /// Reads a name as a person writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

impl VmError {
    /// The name of the refusal.
    #[must_use]
    pub const fn name(&self) -> ErrorName {
        match self {
            Self::NotSet(_) => ErrorName::NotSet,
            Self::Invalid(_) => ErrorName::Invalid,
            Self::Value(_) => ErrorName::Value,
            Self::InvalidApp => ErrorName::InvalidApp,
            Self::InvalidToken => ErrorName::InvalidToken,
            Self::Status => ErrorName::Status,
            Self::AmountTooSmall { .. } => ErrorName::AmountTooSmall,
            Self::Amount => ErrorName::Amount,
            Self::PageSize => ErrorName::PageSize,
            Self::AmountTooLarge => ErrorName::AmountTooLarge,
            Self::Ip(_) => ErrorName::Ip,
            Self::TooManyRequests => ErrorName::TooManyRequests,
            Self::NoMerchantKey => ErrorName::NoMerchantKey,
            Self::KeyReused => ErrorName::KeyReused,
            Self::ApplicationsRefused => ErrorName::ApplicationsRefused,
            Self::CardId => ErrorName::CardId,
            Self::ProductCode => ErrorName::ProductCode,
            Self::CardBin => ErrorName::CardBin,
            Self::Balance => ErrorName::Balance,
            Self::OpenCardLimit => ErrorName::OpenCardLimit,
            Self::Params => ErrorName::Params,
            Self::CardStatus => ErrorName::CardStatus,
            Self::CardCanceled => ErrorName::CardCanceled,
            Self::AbnormalCardStatus => ErrorName::AbnormalCardStatus,
            Self::ServerException => ErrorName::ServerException,
            Self::ThirdParty => ErrorName::ThirdParty,
            Self::UnknownPath => ErrorName::UnknownPath,
            Self::WrongMethod => ErrorName::WrongMethod,
        }
    }
}

/// The numbers on the wire (vm-api.md section 16, row 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCodes([u32; ErrorName::ALL.len()]);

impl Default for ErrorCodes {
    fn default() -> Self {
        Self(ErrorName::ALL.map(ErrorName::default_code))
    }
}

impl ErrorCodes {
    /// The same numbers with another one for `name`; `None` if a client would take that number for
    /// success, or has no room for it.
    #[must_use]
    pub fn with(mut self, name: ErrorName, code: u32) -> Option<Self> {
        let is_free = code != SUCCESS_CODE && code != OTHER_SUCCESS_CODE && code <= MAX_CODE;
        self.0[name as usize] = code;
        is_free.then_some(self)
    }

    /// The number of a refusal.
    #[must_use]
    pub const fn of(&self, error: &VmError) -> u32 {
        self.0[error.name() as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_codes_are_those_that_clients_match_on() {
        let ip = "203.0.113.7".parse().unwrap();
        let table = [
            (VmError::NotSet("card_id"), 400, "field card_id is not set"),
            (VmError::Invalid("content"), 400, "field content is invalid"),
            (VmError::Value("page"), 400_003, "field page is invalid"),
            (VmError::InvalidToken, 400_002, "Invalid Token"),
            (VmError::Ip(ip), 400_005, "Ip Invalid203.0.113.7"),
            (VmError::AmountTooSmall { least_major: 20 }, 400_003, "Amount Is Less Than 20"),
            (VmError::ServerException, 700_011, "服务器异常"),
        ];
        let codes = ErrorCodes::default();
        for (error, code, text) in table {
            assert_eq!((codes.of(&error), error.to_string().as_str()), (code, text));
        }
    }

    #[test]
    fn another_number_is_that_of_one_refusal_and_never_means_success() {
        let codes = ErrorCodes::default().with(ErrorName::CardCanceled, 700_014).unwrap();
        assert_eq!(codes.of(&VmError::CardCanceled), 700_014);
        assert_eq!(codes.of(&VmError::AbnormalCardStatus), 700_010);
        for bad in [0, 200, 1 << 31] {
            assert_eq!(codes.with(ErrorName::Balance, bad), None, "{bad}");
        }
    }

    #[test]
    fn every_name_reads_as_itself() {
        for name in ErrorName::ALL {
            assert_eq!(ErrorName::parse(name.as_str()), Some(name));
        }
        assert_eq!(ErrorName::parse("InvalidToken"), None);
    }
}
