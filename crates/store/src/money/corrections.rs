//! Advices that say another amount than was held or posted before (network-iso8583.md section 5.6).

use domain::{Authorisation, HoldState, MessageKind, Money, Posting};

use super::advise::{Stated, back};
use super::apply::Group;
use super::steps::billing_part;
use super::take_back::Taken;
use super::{Advise, MoneyError};

impl Group<'_> {
    /// Changes the open holds of a bill by what the network says beyond the amount that it asked
    /// for, or stated last. The same amount is a repeat: it raises nothing that was reversed since.
    pub(super) fn hold_to(
        &mut self,
        request: &Advise,
        it: Authorisation,
        before_minor: i64,
    ) -> Result<Stated, MoneyError> {
        let wanted_minor = request.record.acquirer_amount.amount_minor();
        if wanted_minor == before_minor {
            return Ok(Stated::default());
        }
        let first = self.first_of_bill(it)?;
        if wanted_minor < before_minor {
            let kept_minor = self.bill(&first).unreversed_minor();
            let less_minor = kept_minor.saturating_sub(before_minor - wanted_minor);
            // What was reversed meanwhile is not given back again.
            let remaining_minor = less_minor.max(kept_minor.min(wanted_minor));
            let back = back(request, remaining_minor);
            let Taken { reversal, .. } =
                self.give_back_to(&first, MessageKind::Authorisation, &back)?;
            return Ok(Stated { auth_id: None, reversal });
        }
        let amount = billing_part(&request.record, before_minor, wanted_minor);
        let currency = first.acquirer_amount.currency();
        let acquirer_amount = Money::new(wanted_minor - before_minor, currency);
        self.raise(request, &first, (amount, acquirer_amount))?;
        Ok(Stated::default())
    }

    /// Brings what a sale posted to the amount that the network says.
    pub(super) fn post_to(
        &mut self,
        request: &Advise,
        it: &Authorisation,
    ) -> Result<Stated, MoneyError> {
        let wanted_minor = request.record.acquirer_amount.amount_minor();
        let posted_minor = self.posted_of(it).open_minor();
        if wanted_minor <= posted_minor {
            let back = back(request, wanted_minor);
            let Taken { reversal, .. } = self.give_back_to(it, MessageKind::Financial, &back)?;
            return Ok(Stated { auth_id: Some(it.auth_id), reversal });
        }
        let amount = billing_part(&request.record, posted_minor, wanted_minor);
        self.post_more(request, it, (amount, wanted_minor - posted_minor))?;
        Ok(Stated::about(it.auth_id))
    }

    /// Posts more of a sale, even if less is available.
    fn post_more(
        &mut self,
        request: &Advise,
        it: &Authorisation,
        (amount, acquirer_minor): (Money, i64),
    ) -> Result<(), MoneyError> {
        let mut it = it.clone();
        let before_minor = self.own_available_minor(&it);
        let account = self.owned_account(&it)?;
        let account_id = account.account_id;
        let posted = ledger::clear(account, HoldState::None, 0, amount, true)?;
        for movement in posted.movements {
            self.record(&it, Some(account_id), Some(movement), self.now);
        }
        it.posted_minor = it.posted_minor.saturating_add(amount.amount_minor());
        it.cleared_acquirer_minor = it.cleared_acquirer_minor.saturating_add(acquirer_minor);
        self.note_settlement(&it, before_minor, "clearing", amount);
        let acquirer_amount = Money::new(acquirer_minor, it.acquirer_amount.currency());
        let posting = Posting { amount, acquirer_amount, ..self.posting(&it) };
        self.batch.postings.push(posting);
        self.tell(&request.webhooks, &it);
        self.keep(it, None);
        Ok(())
    }
}
