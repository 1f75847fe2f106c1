//! The operator's settings of this dialect (vm-api.md section 16).

use super::error_code::ErrorCodes;
use super::standing::State;
use super::time::Offset;
use super::token::DEFAULT_LIFETIME_S;

/// The settings; by default those that vm-api.md recommends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VmSettings {
    /// Difference of its clock from UTC: for times in and out, and for the days and months of its
    /// cards' limits.
    pub offset: Offset,
    /// The state that is shown for an authorisation that is approved and not yet settled.
    pub open_state: State,
    /// Lifetime of a token, in seconds of real time.
    pub token_lifetime_s: i64,
    /// True if cardDetail has fields that the documentation of its clients does not contain.
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
