//! The codes and texts of dialect 2, all in one table (vm-api.md sections 3.3, 7.1 and 16).
//! Clients match on the English texts as substrings, so they are kept to the letter.

use std::net::IpAddr;

use thiserror::Error;

/// A refusal. Its `Display` is the text on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VmError {
    /// A field is missing.
    #[error("field {0} is not set")]
    NotSet(&'static str),
    /// A field has a type or a form that it does not take; also a `content` that cannot be
    /// read, whatever is wrong with it.
    #[error("field {0} is invalid")]
    Invalid(&'static str),
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
    /// Not a plain amount of at most two decimals.
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
    /// Too many requests that cannot be read.
    #[error("Too Many Requests")]
    TooManyRequests,
    /// The app has no public key to answer it with.
    #[error("merchant public key is not set")]
    NoMerchantKey,
    /// No such card of this app.
    #[error("Invalid CardId")]
    CardId,
    /// No such product of this app.
    #[error("Invalid Product Code")]
    ProductCode,
    /// The product has no numbers left to issue.
    #[error("Card Bin Not Exist")]
    CardBin,
    /// The merchant's account, or the card, has less than that.
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
}

impl VmError {
    /// The number on the wire.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::NotSet(_) | Self::Invalid(_) => 400,
            Self::InvalidApp => 400_001,
            Self::InvalidToken => 400_002,
            Self::Status | Self::AmountTooSmall { .. } | Self::Amount | Self::PageSize => 400_003,
            Self::AmountTooLarge => 400_004,
            Self::Ip(_) => 400_005,
            Self::TooManyRequests => 400_006,
            Self::NoMerchantKey => 400_007,
            Self::CardId => 700_001,
            Self::ProductCode => 700_002,
            Self::CardBin => 700_003,
            Self::Balance => 700_004,
            Self::OpenCardLimit => 700_005,
            Self::Params => 700_006,
            Self::CardStatus | Self::CardCanceled | Self::AbnormalCardStatus => 700_010,
            Self::ServerException => 700_011,
            Self::ThirdParty => 700_013,
        }
    }

    /// A word for the log, without anything of the caller's.
    #[must_use]
    pub const fn log_name(&self) -> &'static str {
        match self {
            Self::NotSet(_) => "not_set",
            Self::Invalid(_) => "invalid",
            Self::InvalidApp => "invalid_app",
            Self::InvalidToken => "invalid_token",
            Self::Status => "status",
            Self::AmountTooSmall { .. } => "amount_too_small",
            Self::Amount => "amount",
            Self::PageSize => "page_size",
            Self::AmountTooLarge => "amount_too_large",
            Self::Ip(_) => "ip",
            Self::TooManyRequests => "too_many_requests",
            Self::NoMerchantKey => "no_merchant_key",
            Self::CardId => "card_id",
            Self::ProductCode => "product_code",
            Self::CardBin => "card_bin",
            Self::Balance => "balance",
            Self::OpenCardLimit => "open_card_limit",
            Self::Params => "params",
            Self::CardStatus => "card_status",
            Self::CardCanceled => "card_canceled",
            Self::AbnormalCardStatus => "abnormal_card_status",
            Self::ServerException => "server_exception",
            Self::ThirdParty => "third_party",
        }
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
            (VmError::InvalidToken, 400_002, "Invalid Token"),
            (VmError::Ip(ip), 400_005, "Ip Invalid203.0.113.7"),
            (VmError::AmountTooSmall { least_major: 20 }, 400_003, "Amount Is Less Than 20"),
            (VmError::ServerException, 700_011, "服务器异常"),
        ];
        for (error, code, text) in table {
            assert_eq!((error.code(), error.to_string().as_str()), (code, text));
        }
    }
}
