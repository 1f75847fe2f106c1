//! The answers to notices.

use clap::ValueEnum;
use domain::ResponseCode;
use sdk::notice::Notice;

/// The answer to all notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Decide {
    /// 00 for each.
    Approve,
    /// 01 for each.
    Decline,
}

impl Decide {
    /// The answer to a notice.
    pub const fn answer(self, _notice: &Notice) -> ResponseCode {
        match self {
            Self::Approve => ResponseCode::Approved,
            Self::Decline => ResponseCode::InsufficientFunds,
        }
    }
}
