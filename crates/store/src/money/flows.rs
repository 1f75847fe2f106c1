//! The rows that authorisations leave for getCardFlow (vm-api.md section 6.12), each in the commit
//! that moves its money. They follow the money that the card can draw on, in its own account or its
//! app's wallet. A forwarded card leaves no rows.

use domain::{AuthId, Authorisation, AuthorisationStatus, Money, VmFlow, VmFlowId, VmFlowKind};
use ledger::Movement;

use super::apply::Group;
use super::terms::account_key;

impl Group<'_> {
    /// The money that a card which is decided here can draw on, minor units; None for a forwarded
    /// card.
    pub(super) fn own_available_minor(&self, it: &Authorisation) -> Option<i64> {
        if it.account.is_forwarded() {
            return None;
        }
        let loaded = self.batch.accounts.get(&account_key(it));
        Some(loaded.map_or(0, |loaded| loaded.account.available_minor))
    }

    /// Notes that a hold was taken or given back since `before_minor`; `what` is the reason.
    pub(super) fn note_hold(&mut self, it: &Authorisation, before_minor: Option<i64>, what: &str) {
        let Some((before, after)) = before_minor.zip(self.own_available_minor(it)) else { return };
        if before != after {
            let remark = format!("{what}: {}", it.auth_id);
            self.push_flow(it, (VmFlowKind::Authorization, after - before), after, remark);
        }
    }

    /// Notes what a decision moved: a decline gave its hold back, a refund was posted, and a
    /// completion took over the holds of its bill.
    pub(super) fn note_decision(&mut self, it: &Authorisation, before_minor: Option<i64>) {
        match it.status {
            AuthorisationStatus::Approved if it.is_refund() => {
                self.note_settlement(it, before_minor, "refund", it.amount);
            }
            AuthorisationStatus::Approved => self.note_hold(it, before_minor, "completed"),
            AuthorisationStatus::Declined => self.note_hold(it, before_minor, "declined"),
            AuthorisationStatus::Pending => {}
        }
    }

    /// Notes a posting. The amount of its row is what exceeded the holds, or came back; if the
    /// holds had something left over, another row for that follows.
    pub(super) fn note_settlement(
        &mut self,
        it: &Authorisation,
        before_minor: Option<i64>,
        what: &str,
        amount: Money,
    ) {
        let Some((before, after)) = before_minor.zip(self.own_available_minor(it)) else { return };
        let is_left_over = after > before && !it.is_refund();
        let settled_minor = if is_left_over { 0 } else { after - before };
        let remark = format!(
            "{what} of {} {}: {}",
            amount.to_major(),
            amount.currency().alpha(),
            it.auth_id
        );
        let change = (VmFlowKind::Settlement, settled_minor);
        self.push_flow(it, change, before + settled_minor, remark);
        if is_left_over {
            self.note_hold(it, before_minor, "not used by the settlement");
        }
    }

    /// Notes a posting that the network took back.
    pub(super) fn note_posted_back(&mut self, it: &Authorisation, before_minor: Option<i64>) {
        let Some((before, after)) = before_minor.zip(self.own_available_minor(it)) else { return };
        let remark = format!("posting taken back: {}", it.auth_id);
        self.push_flow(it, (VmFlowKind::Settlement, after - before), after, remark);
    }

    /// Notes what a reversal gave back of each authorisation of a bill.
    pub(super) fn note_reversal(
        &mut self,
        original: &Authorisation,
        before_minor: Option<i64>,
        movements: &[(AuthId, Movement)],
    ) {
        let Some(mut balance_minor) = before_minor else { return };
        for (auth_id, movement) in movements {
            let minor = movement.amount.amount_minor();
            balance_minor = balance_minor.saturating_add(minor);
            let change = (VmFlowKind::Authorization, minor);
            self.push_flow(original, change, balance_minor, format!("reversed: {auth_id}"));
        }
    }

    /// Adds a row for the card of an authorisation, at the moment of the commit, because rows are
    /// listed by time and each follows from the one before.
    pub(super) fn push_flow(
        &mut self,
        it: &Authorisation,
        (kind, amount_minor): (VmFlowKind, i64),
        balance_minor: i64,
        remark: String,
    ) {
        self.batch.flows.push(VmFlow {
            enterprise_id: it.enterprise_id,
            flow_id: VmFlowId::from_i64(self.ids.next()),
            card_id: it.card_id,
            kind,
            amount_minor,
            balance_minor,
            remark,
            created_at: self.now,
        });
    }
}
