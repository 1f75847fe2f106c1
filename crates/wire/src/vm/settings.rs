//! What an operator decides of this dialect (vm-api.md section 16).

use super::error_code::ErrorCodes;
use super::standing::State;
use super::time::Offset;
use super::token::DEFAULT_LIFETIME_S;

/// The settings; by default those that vm-api.md recommends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VmSettings {
    /// How far its clock is from UTC: times in and out, and the days and months of its cards'
    /// limits.
    pub offset: Offset,
    /// How an approved and not yet settled authorisation is told.
    pub open_state: State,
    /// How long a token lives, in seconds of real time.
    pub token_lifetime_s: i64,
    /// Whether cardDetail bears fields that the documentation of its clients does not know.
    pub extra_fields: bool,
    /// The numbers of refusals.
    pub codes: ErrorCodes,
}

impl Default for VmSettings {
    fn default() -> Self {
        Self {
            offset: Offset::default(),
            open_state: State::Pending,
            token_lifetime_s: DEFAULT_LIFETIME_S,
            extra_fields: false,
            codes: ErrorCodes::default(),
        }
    }
}
