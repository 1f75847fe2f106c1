//! Advices: what a network decided in the enterprise's place. They are facts, posted whatever the
//! card, its limits or its account say (network-iso8583.md section 5.6).

use domain::{
    AuthId, Authorisation, AuthorisationStatus, Cause, HoldState, LinkArrival, MessageKind,
    MessageOutcome, Money, TransactionType,
};
use ledger::LedgerError;

use super::apply::Group;
use super::batch::NewAuthorisation;
use super::link_messages::Recorded;
use super::messages::{KeyMatch, Known, NetworkMessage};
use super::posted_back::Back;
use super::take_back::{NO_RECEIPT, Named, Overtaking, Taken, remains_of};
use super::terms::account_key;
use super::{Advise, Advised, ClearAuthorisation, ForcedClearing, MoneyError, reconciled};
use crate::{Job, JobKind};

/// What an advice led to.
#[derive(Default)]
pub(super) struct Stated {
    /// The authorisation that the message stands for from now on, if that changes.
    pub(super) auth_id: Option<AuthId>,
    /// The record of what was given back, which is still to be reported to the enterprise.
    pub(super) reversal: Option<Authorisation>,
}

impl Stated {
    pub(super) const fn about(auth_id: AuthId) -> Self {
        Self { auth_id: Some(auth_id), reversal: None }
    }
}

impl Group<'_> {
    /// Takes an advice as the fact that it states.
    pub(super) fn advise(&mut self, request: &Advise) -> Result<Advised, MoneyError> {
        let known = self.known_advice(request)?;
        let is_reversed = self.reversals_of(&request.message).next().is_some();
        if request.must_clear && (known.is_some() || is_reversed) {
            return Err(LedgerError::HoldClosed.into());
        }
        let stated = match (&known, request.decline) {
            (Some(known), None) => self.approved_again(request, known)?,
            (Some(known), Some(_)) => self.declined_again(request, known)?,
            (None, None) => self.approved_first(request)?,
            (None, Some(_)) => self.state_decline(request),
        };
        let stated = self.less_reversed_early(request, stated)?;
        let Stated { auth_id, reversal } = stated;
        match &known {
            Some(known) => self.stands_for(known, auth_id, stated_minor(request)),
            None => {
                let row = NetworkMessage {
                    message_id: self.message_id(request.kept.as_ref()),
                    message: request.message.clone(),
                    enterprise_id: Some(request.record.enterprise_id),
                    auth_id,
                    outcome: Some(MessageOutcome::Accepted),
                    stated_minor: stated_minor(request),
                    received_at: self.ids.clock().real_now(),
                };
                let first = auth_id.and_then(|auth_id| self.begun(auth_id).ok());
                self.note_message(row, first);
            }
        }
        // One that says something else than before is on record by itself.
        let is_repeated = known.as_ref().is_some_and(|known| {
            known.is_accepted() && known.message.stated_minor == stated_minor(request)
        });
        let about_id = auth_id.or(known.as_ref().and_then(|known| known.message.auth_id));
        if !is_repeated {
            self.record_advice(request, about_id, known.as_ref());
        }
        let auth_id = about_id.or(request.names);
        Ok(Advised { is_repeated, auth_id, reversal })
    }

    /// Keeps the message of a link for operators.
    fn record_advice(&mut self, request: &Advise, auth_id: Option<AuthId>, known: Option<&Known>) {
        let Some(record) = request.kept.clone() else { return };
        let arrival = LinkArrival { message: request.message.clone(), record };
        let about = Recorded {
            payer: Some((&request.record).into()),
            auth_id,
            outcome: Some(MessageOutcome::Accepted),
            reconciled: match request.decline {
                None => reconciled::of_approval(&arrival, request.record.transaction_type),
                Some(_) => None,
            },
            reversed_auth_id: None,
            repeats_message_id: known.map(|known| known.message.message_id),
        };
        self.record_arrival(&arrival, about);
    }

    /// What an advice names as its original: a simulated one by the id, a link's by its numbers.
    fn named_by_advice(&mut self, request: &Advise) -> Result<Option<Named>, MoneyError> {
        match request.names {
            Some(auth_id) => {
                let kind = self.kind_of(auth_id);
                let authorisation = self.begun(auth_id)?;
                Ok(Some(Named { authorisation, kind, message_id: None }))
            }
            None => self.named_by(&request.message, request.auth_code.as_deref()),
        }
    }

    /// The message that arrived before with the identity of an advice, which may have asked for
    /// another amount.
    fn known_advice(&mut self, request: &Advise) -> Result<Option<Known>, MoneyError> {
        let real_now = self.ids.clock().real_now();
        let Some(known) = self.batch.messages.get(&request.message.identity) else {
            return Ok(None);
        };
        let matched = match request.kept {
            Some(_) => known.match_advice(&request.message, real_now),
            None => known.match_simulated_advice(&request.record),
        };
        match matched {
            KeyMatch::Repeat => Ok(Some(known.clone())),
            KeyMatch::Conflict => Err(MoneyError::NetworkKeyConflict),
            KeyMatch::New => {
                self.batch.overtaken_messages.insert(known.message.message_id);
                Ok(None)
            }
        }
    }

    /// The network approved what it asked for or reported before.
    fn approved_again(&mut self, request: &Advise, known: &Known) -> Result<Stated, MoneyError> {
        let Some(auth_id) = known.message.auth_id else { return Ok(Stated::default()) };
        let it = self.begun(auth_id)?;
        match it.status {
            AuthorisationStatus::Pending => {
                self.overtake(request, it)?;
                self.state_approval(request)
            }
            AuthorisationStatus::Declined => self.state_approval(request),
            AuthorisationStatus::Approved => {
                let is_open = !request.posts && it.hold_state == HoldState::Pending;
                if !is_open {
                    return Ok(Stated::default());
                }
                let asked_minor = it.acquirer_amount.amount_minor();
                let before_minor = known.message.stated_minor.unwrap_or(asked_minor);
                self.hold_to(request, it, before_minor)
            }
        }
    }

    /// The network declined what it asked for or reported before.
    fn declined_again(&mut self, request: &Advise, known: &Known) -> Result<Stated, MoneyError> {
        let Some(auth_id) = known.message.auth_id else { return Ok(Stated::default()) };
        let it = self.begun(auth_id)?;
        match it.status {
            AuthorisationStatus::Pending => {
                self.overtake(request, it)?;
                Ok(Stated::default())
            }
            AuthorisationStatus::Declined => Ok(Stated::default()),
            AuthorisationStatus::Approved => {
                let kind = known.message.message.identity.numbers.kind;
                let Taken { reversal, .. } = self.give_back_to(&it, kind, &back(request, 0))?;
                Ok(Stated { auth_id: None, reversal })
            }
        }
    }

    /// The network approved something that nobody was asked about.
    fn approved_first(&mut self, request: &Advise) -> Result<Stated, MoneyError> {
        let named = self.named_by_advice(request)?;
        if request.must_clear {
            return self.clear_within(request, named);
        }
        let Some(Named { authorisation: it, kind, .. }) = named else {
            return self.state_approval(request);
        };
        let is_approved = it.status == AuthorisationStatus::Approved;
        if request.record.is_refund() {
            let is_known = it.is_refund() && is_approved;
            return if is_known { Ok(Stated::default()) } else { self.state_approval(request) };
        }
        let is_same_currency =
            it.acquirer_amount.currency() == request.record.acquirer_amount.currency();
        let follows = is_same_currency && it.is_approved_purchase();
        match (request.posts, it.hold_state) {
            (true, _) if it.status == AuthorisationStatus::Pending => {
                self.overtake(request, it)?;
                self.state_approval(request)
            }
            (false, HoldState::Pending) if follows => {
                let first = self.first_of_bill(it)?;
                let amount = request.record.amount;
                self.raise(request, &first, (amount, request.record.acquirer_amount))
            }
            (true, HoldState::Posted) if follows && kind == MessageKind::Financial => {
                self.post_to(request, &it)
            }
            (true, HoldState::Pending | HoldState::Expired) if follows => {
                self.clear_stated(request, &it)
            }
            _ => self.state_approval(request),
        }
    }

    /// Gives back at once what reversals that arrived before the advice leave nothing of.
    fn less_reversed_early(
        &mut self,
        request: &Advise,
        stated: Stated,
    ) -> Result<Stated, MoneyError> {
        let new_id = stated.auth_id.filter(|_| request.decline.is_none());
        let Some(auth_id) = new_id.filter(|_| stated.reversal.is_none()) else {
            return Ok(stated);
        };
        let it = self.begun(auth_id)?;
        let message = &request.message;
        let remains = self.reversals_of(message).filter_map(|early| remains_of(&it, early));
        let Some(remaining_minor) = remains.min() else { return Ok(stated) };
        let kind = message.identity.numbers.kind;
        let Taken { reversal, .. } =
            self.give_back_to(&it, kind, &back(request, remaining_minor))?;
        Ok(Stated { auth_id: stated.auth_id, reversal })
    }

    /// Raises an open authorisation by an increment that nobody is asked about.
    pub(super) fn raise(
        &mut self,
        request: &Advise,
        original: &Authorisation,
        (amount, acquirer_amount): (Money, Money),
    ) -> Result<Stated, MoneyError> {
        let it = Authorisation {
            original_auth_id: Some(original.auth_id),
            outs_id: original.outs_id,
            auth_type: original.auth_type,
            amount,
            acquirer_amount,
            ..request.record.clone()
        };
        self.hold_forced(request, it)
    }

    /// Clears what is named for good, if it is open and has so much left.
    fn clear_within(
        &mut self,
        request: &Advise,
        named: Option<Named>,
    ) -> Result<Stated, MoneyError> {
        let it = named.ok_or(LedgerError::HoldClosed)?.authorisation;
        let acquirer_amount = request.record.acquirer_amount;
        let is_open = it.is_approved_purchase() && it.hold_state == HoldState::Pending;
        let is_same_currency = it.acquirer_amount.currency() == acquirer_amount.currency();
        let bill = self.bill(&it);
        if !is_open || !is_same_currency || acquirer_amount.amount_minor() > bill.open_minor() {
            return Err(LedgerError::HoldClosed.into());
        }
        let clear = ClearAuthorisation {
            auth_id: it.auth_id,
            acquirer_amount_minor: Some(acquirer_amount.amount_minor()),
            is_final: true,
            webhooks: request.webhooks.clone(),
        };
        self.clear(&clear)?;
        Ok(Stated::about(it.auth_id))
    }

    /// Clears an authorisation by the amount that the network says.
    fn clear_stated(&mut self, request: &Advise, it: &Authorisation) -> Result<Stated, MoneyError> {
        let acquirer_minor = request.record.acquirer_amount.amount_minor();
        let left_minor = it.acquirer_amount.amount_minor() - it.cleared_acquirer_minor;
        let clear = ClearAuthorisation {
            auth_id: it.auth_id,
            acquirer_amount_minor: Some(acquirer_minor),
            is_final: !request.allows_more || acquirer_minor >= left_minor,
            webhooks: request.webhooks.clone(),
        };
        match self.clear(&clear) {
            Ok(_) => Ok(Stated::about(it.auth_id)),
            // A rule of bills is no reason to refuse a fact.
            Err(MoneyError::Store(error)) => Err(error.into()),
            Err(_) => self.state_approval(request),
        }
    }

    /// Declines what the enterprise is being asked about: the network decided meanwhile.
    fn overtake(&mut self, request: &Advise, it: Authorisation) -> Result<(), MoneyError> {
        let overtaking = Overtaking {
            cause: Cause::SupersededByAdvice,
            webhooks: &request.decision_webhooks,
            corrected_receipt: request.corrected_receipt,
            now: request.now,
        };
        self.decline_pending(it, &overtaking)
    }

    /// Records an approval of its own: held, posted or noted.
    fn state_approval(&mut self, request: &Advise) -> Result<Stated, MoneyError> {
        let it = request.record.clone();
        match it.transaction_type {
            TransactionType::Refund => self.post_refund(request, it),
            TransactionType::Inquiry => Ok(self.note_approval(request, it)),
            TransactionType::Purchase | TransactionType::Cash if request.posts => {
                self.post_forced(request, it)
            }
            TransactionType::Purchase | TransactionType::Cash => self.hold_forced(request, it),
        }
    }

    /// Records a decline.
    fn state_decline(&mut self, request: &Advise) -> Stated {
        let mut it = request.record.clone();
        it.hold_expires_at = None;
        it.decide(Cause::NetworkDeclined, request.now);
        it.response_code = request.decline;
        let receipt = request.receipt.receipt(&it, None);
        self.charge(&it, request.tariff.as_ref());
        self.tell(&request.decision_webhooks, &it);
        let auth_id = it.auth_id;
        self.push_uncounted(it, receipt, request.vm_app_id);
        Stated::about(auth_id)
    }

    /// Takes a hold, even if less is available.
    fn hold_forced(
        &mut self,
        request: &Advise,
        mut it: Authorisation,
    ) -> Result<Stated, MoneyError> {
        let before_minor = self.own_available_minor(&it);
        let key = account_key(&it);
        let mut account = self.account_or_new(key);
        let is_held = it.amount.is_positive();
        let movement = match is_held {
            true => Some(ledger::hold_forced(&mut account, it.amount)?),
            false => None,
        };
        if is_held || it.is_increment() {
            it.hold_state = HoldState::Pending;
            it.hold_remaining_minor = it.amount.amount_minor();
        }
        let account_id = account.account_id;
        self.keep_account(key, account);
        self.record(&it, Some(account_id), movement, request.now);
        self.note_hold(&it, before_minor, "held");
        let counted = self.count(&it, request.velocity.as_ref());
        let it = self.decided(request, it);
        let auth_id = it.auth_id;
        self.batch.new_authorisations.push(NewAuthorisation {
            receipt: request.receipt.receipt(&it, None),
            authorisation: it,
            counted,
            vm_app_id: request.vm_app_id,
        });
        Ok(Stated::about(auth_id))
    }

    /// Posts what nothing authorised. The enterprise reads it in the reconciliation file.
    fn post_forced(
        &mut self,
        request: &Advise,
        mut it: Authorisation,
    ) -> Result<Stated, MoneyError> {
        let key = account_key(&it);
        let account = self.account_or_new(key);
        self.keep_account(key, account);
        it.decide(Cause::Forced, request.now);
        it.auth_code.clone_from(&request.auth_code);
        it.hold_expires_at = None;
        it.hold_state = HoldState::Posted;
        it.posted_minor = it.amount.amount_minor();
        it.cleared_acquirer_minor = it.acquirer_amount.amount_minor();
        self.charge(&it, request.tariff.as_ref());
        let forced = ForcedClearing {
            receipt: request.receipt.receipt(&it, None),
            record: it,
            vm_app_id: request.vm_app_id,
            webhooks: request.webhooks.clone(),
        };
        Ok(Stated::about(self.force(&forced)?.authorisation.auth_id))
    }

    fn post_refund(
        &mut self,
        request: &Advise,
        mut it: Authorisation,
    ) -> Result<Stated, MoneyError> {
        let before_minor = self.own_available_minor(&it);
        let key = account_key(&it);
        let mut account = self.account_or_new(key);
        let is_moved = it.amount.is_positive();
        let movement = is_moved.then(|| ledger::refund(&mut account, it.amount)).transpose()?;
        let account_id = account.account_id;
        self.keep_account(key, account);
        it.posted_minor = it.amount.amount_minor();
        it.cleared_acquirer_minor = it.acquirer_amount.amount_minor();
        self.record(&it, Some(account_id), movement, self.now);
        self.note_settlement(&it, before_minor, "refund", it.amount);
        let posting = self.posting(&it);
        self.batch.postings.push(posting);
        Ok(self.note_approval(request, it))
    }

    /// Keeps an approved record that moves nothing more.
    fn note_approval(&mut self, request: &Advise, it: Authorisation) -> Stated {
        let it = self.decided(request, it);
        let (auth_id, receipt) = (it.auth_id, request.receipt.receipt(&it, None));
        self.push_uncounted(it, receipt, request.vm_app_id);
        Stated::about(auth_id)
    }

    /// The record, decided; the enterprise is told of it by a job, once.
    fn decided(&mut self, request: &Advise, mut it: Authorisation) -> Authorisation {
        it.decide(Cause::Advice, request.now);
        it.auth_code.clone_from(&request.auth_code);
        self.charge(&it, request.tariff.as_ref());
        if it.account.is_forwarded() {
            let (kind, subject_id) = (JobKind::AdviceTelling, it.auth_id.as_i64());
            let job = Job::new(it.enterprise_id, request.job_id, kind, subject_id, request.now);
            self.batch.jobs.push(job);
        } else {
            self.tell(&request.webhooks, &it);
        }
        it
    }
}

/// The amount that an advice states as approved, minor units of the shop's currency.
fn stated_minor(request: &Advise) -> Option<i64> {
    let is_approved = request.decline.is_none();
    is_approved.then(|| request.record.acquirer_amount.amount_minor())
}

/// What the network takes back of an authorisation, so that this much remains.
pub(super) fn back(request: &Advise, remaining_minor: i64) -> Back<'_> {
    Back {
        remaining_minor,
        reversal_id: request.reversal_id,
        webhooks: &request.webhooks,
        receipt: NO_RECEIPT,
        now: request.now,
    }
}
