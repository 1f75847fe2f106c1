//! The fees of apps for the authorisations of their cards (vm-api.md section 7.5). They are charged
//! in the commit that decides an authorisation: only once, even if the call is repeated or breaks
//! off.

use domain::{Authorisation, Money, VmFlowKind};

use super::apply::Group;
use super::batch::Charge;
use super::steps;
use super::terms::VmTariff;
use crate::StoreError;

impl Group<'_> {
    /// Charges the fees of a decided authorisation. The rows of its card show them at once; the
    /// account follows at the end of the group.
    pub(super) fn charge(&mut self, it: &Authorisation, tariff: Option<&VmTariff>) {
        let (Some(tariff), Some(balance_minor)) = (tariff, self.own_available_minor(it)) else {
            return;
        };
        let charged_minor = self.charged_minor(it);
        if it.is_completion() && it.is_approved_purchase() && charged_minor <= 0 {
            return;
        }
        for (kind, minor) in tariff.fees.of_authorisation(it, charged_minor) {
            let remark = format!("{}, charged to the account: {}", kind.as_str(), it.auth_id);
            let change = (VmFlowKind::Fee, minor.saturating_neg());
            self.push_flow(it, change, balance_minor, remark);
            self.batch.charges.push(Charge {
                key: tariff.key(it.enterprise_id),
                auth_id: it.auth_id,
                amount: Money::new(minor, tariff.currency),
            });
        }
    }

    /// The amount that an authorisation's fees are charged on: of a completion only what it adds to
    /// its bill, because fees on the rest were charged before.
    fn charged_minor(&self, it: &Authorisation) -> i64 {
        let whole_minor = it.amount.amount_minor();
        if it.is_completion() { whole_minor - self.reserved_minor(it) } else { whole_minor }
    }

    /// The amount authorised on the bill of a completion, minor units, less what was reversed.
    fn reserved_minor(&self, completion: &Authorisation) -> i64 {
        let original = completion.original_auth_id.and_then(|auth_id| self.loaded(auth_id).ok());
        let Some(original) = original else { return 0 };
        let bill = self.bill(&original);
        let members = std::iter::once(&bill.original).chain(&bill.increments);
        members.map(steps::unreversed_minor).fold(0, i64::saturating_add)
    }

    /// Takes the group's fees from their accounts. A decision cannot be undone, so a balance may go
    /// below zero.
    pub(super) fn take_fees(&mut self) -> Result<(), StoreError> {
        for Charge { key, auth_id, amount } in std::mem::take(&mut self.batch.charges) {
            let mut account = self.account_or_new(key);
            let movement = ledger::charge_rendered(&mut account, amount)
                .map_err(|_| StoreError::Corrupt("the balance of an app"))?;
            let (enterprise_id, ..) = key;
            let mut transfer = self.transfer(enterprise_id, account.account_id, movement, self.now);
            transfer.auth_id = Some(auth_id);
            self.batch.transfers.push(transfer);
            self.keep_account(key, account);
        }
        Ok(())
    }
}
