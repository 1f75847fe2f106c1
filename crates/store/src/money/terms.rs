//! The accounts that commands name, and the terms of authorisations: limits and fees.

use domain::{
    AccountOwner, Authorisation, Currency, EnterpriseId, PanId, Timestamp, VelocityLimits,
    VelocityUse, VmAppId, VmFees,
};

/// The account of an owner in a currency.
pub(crate) type AccountKey = (EnterpriseId, Currency, AccountOwner);

/// The account that an authorisation is about.
pub(super) const fn account_key(it: &Authorisation) -> AccountKey {
    (it.enterprise_id, it.amount.currency(), it.account)
}

/// The limits that a new authorisation is judged by in its commit.
#[derive(Debug, Clone, Copy)]
pub struct VelocityTerms {
    /// The PAN of its card: all records of one PAN share their limits.
    pub pan_id: PanId,
    /// The limits. The authorisation counts towards those of days and months; that of a single
    /// authorisation is checked here for an increment only, whose whole bill it limits.
    pub limits: VelocityLimits,
    /// The further terms of a card that is decided here, without asking the enterprise.
    pub own: Option<OwnLimits>,
}

/// The terms that a card which is decided here adds to its limits. Its authorisations are counted
/// even if no limit is set, because one may be set later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnLimits {
    /// The most that may ever be authorised and not given back, minor units; None = no such limit.
    pub total_minor: Option<i64>,
    /// The offset of its days and months, seconds east of UTC.
    pub offset_seconds: i64,
}

impl VelocityTerms {
    /// True if an authorisation under these terms is counted.
    #[must_use]
    pub const fn are_counted(&self) -> bool {
        self.own.is_some() || self.limits.has_periods()
    }

    /// A use of limits in the periods of these terms at `now`.
    pub(super) fn at(&self, used: VelocityUse, now: Timestamp) -> VelocityUse {
        used.at_offset(now, self.own.map_or(Timestamp::UTC8_SECONDS, |own| own.offset_seconds))
    }
}

/// An app's fees, and the balance that they are charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VmTariff {
    /// The app.
    pub vm_app_id: VmAppId,
    /// The currency of its balance and its cards.
    pub currency: Currency,
    /// The fees.
    pub fees: VmFees,
}

impl VmTariff {
    pub(super) fn key(&self, enterprise_id: EnterpriseId) -> AccountKey {
        (enterprise_id, self.currency, AccountOwner::VmBalance(self.vm_app_id))
    }
}
