//! getCardFlow: what moved a card's balance (vm-api.md section 6.12).

use serde::Serialize;

use super::amount::Amount;

/// Path of the call.
pub const FLOW_PATH: &str = "/getCardFlow";

/// The answer of getCardFlow.
#[derive(Debug, Serialize)]
pub struct Flows {
    /// All that match.
    pub total: u64,
    /// Those on the page, newest first.
    pub list: Vec<Flow>,
}

/// One movement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flow {
    /// Its id.
    pub flow_id: String,
    /// The card.
    pub card_id: String,
    /// `Create`, `Recharge`, `Refund`, `Delete`, `Authorization`, `Settlement` or `Fee`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Signed: below zero takes from the card.
    pub amount: Amount,
    /// What could be spent afterwards.
    pub balance: Amount,
    /// Always `USD`.
    pub currency: &'static str,
    /// When.
    pub create_time: String,
    /// What it was about.
    pub remark: String,
}
