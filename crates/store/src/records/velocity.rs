//! What was used of velocity limits, and where an authorisation counts.

use domain::{AuthId, EnterpriseId, PanId, VelocityShare, VelocityUse};

use super::record;

/// Where an authorisation counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The PAN of its card.
    pub(crate) pan_id: PanId,
    /// The day it counts to, as in [`domain::PeriodUse::first_day`].
    pub(crate) day: i64,
    /// What of its amount still counts.
    pub(crate) amount_minor: i64,
}

impl Counted {
    /// What giving back `amount_minor` of it takes off the use: the authorisation itself goes
    /// with the last of its amount. An increment, which names an original, is none by itself.
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

/// What the cards of a PAN used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PanUse {
    /// Owner.
    pub(crate) enterprise_id: EnterpriseId,
    /// The PAN.
    pub(crate) pan_id: PanId,
    /// What was used.
    pub(crate) used: VelocityUse,
}

record! {
    PanUse in "velocity_use" key (enterprise_id, pan_id) {
        enterprise_id,
        pan_id,
        used of VelocityUse,
    }
}
