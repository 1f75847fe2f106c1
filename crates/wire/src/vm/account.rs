//! getAccountBalance (vm-api.md section 6.1).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::amount::Amount;

/// Path of the call.
pub const BALANCE_PATH: &str = "/getAccountBalance";

/// The merchant's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountBalance {
    /// The account that prepaid cards are loaded from.
    pub balance: Amount,
    /// The wallet that credit-line cards draw on.
    pub wallet_balance: Amount,
}
