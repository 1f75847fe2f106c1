//! The use of velocity limits, and the share of an authorisation in it.

use domain::{AuthId, EnterpriseId, PanId, VelocityShare, VelocityUse};

use super::record;

/// The use of limits by one authorisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The PAN of its card.
    pub(crate) pan_id: PanId,
    /// The day that it counts towards, as in [`domain::PeriodUse::first_day`].
    pub(crate) day: i64,
    /// The part of its amount that still counts.
    pub(crate) amount_minor: i64,
}

impl Counted {
    /// The share that giving back `amount_minor` of it takes off the use: the authorisation itself
    /// goes with the last of its amount. An increment, which names an original, does not count as
    /// an authorisation.
    pub(crate) fn share_of(&self, amount_minor: i64, original: Option<AuthId>) -> VelocityShare {
        let amount_minor = amount_minor.clamp(0, self.amount_minor);
        let is_last = amount_minor > 0 && amount_minor == self.amount_minor;
        VelocityShare { amount_minor, count: i64::from(is_last && original.is_none()) }
    }
}

record! {
    Counted in "authorisation" key () {
        pan_id: [velocity_pan_id],
        day: [velocity_day],
        amount_minor: [velocity_minor],
    }
}

/// The use of limits by the cards of a PAN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PanUse {
    /// Owner.
    pub(crate) enterprise_id: EnterpriseId,
    /// The PAN.
    pub(crate) pan_id: PanId,
    /// The use.
    pub(crate) used: VelocityUse,
}

record! {
    PanUse in "velocity_use" key (enterprise_id, pan_id) {
        enterprise_id,
        pan_id,
        used of VelocityUse,
    }
}
