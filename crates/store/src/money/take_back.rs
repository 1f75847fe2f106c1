//! A reversal that a network sends: it says what remains of its original, so that it changes
//! nothing when it comes again, or in another order (network-iso8583.md section 5.7).

use domain::{
    ArrivedMessage, AuthId, Authorisation, AuthorisationStatus, Cause, HoldState, MessageKind,
    MessageOutcome, NetworkMessageId, Timestamp,
};

use ledger::LedgerError;

use super::apply::Group;
use super::batch::{Loaded, Makers, NewAuthorisation};
use super::bill::Bill;
use super::link_messages::{LinkMessage, Recorded};
use super::messages::{KeyMatch, NetworkMessage};
use super::originals::original_among;
use super::posted_back::{self, Back, Posted, PostedBack, refunded};
use super::terms::account_key;
use super::{
    CorrectedReceipt, MoneyError, ReverseAuthorisation, TakeBack, TakenBack, Webhooks, reconciled,
    steps,
};

/// The receipt of a network's reversal until it is decided.
pub(super) const NO_RECEIPT: &str = "{}";

/// What a reversal led to.
pub(super) struct Taken {
    pub(super) outcome: MessageOutcome,
    /// What it gave back, in minor units of the shop's currency.
    pub(super) given_minor: i64,
    /// Its own record if the enterprise is to be told.
    pub(super) reversal: Option<Authorisation>,
}

impl Taken {
    const fn nothing(outcome: MessageOutcome) -> Self {
        Self { outcome, given_minor: 0, reversal: None }
    }
}

/// The authorisation that a message names, and how it was made.
pub(super) struct Named {
    pub(super) authorisation: Authorisation,
    /// The class of the message that the network means by it.
    pub(super) kind: MessageKind,
    /// That message; `None` of a simulated one.
    pub(super) message_id: Option<NetworkMessageId>,
}

/// How an authorisation that is undecided is declined by a message that overtakes it.
pub(super) struct Overtaking<'a> {
    pub(super) cause: Cause,
    pub(super) webhooks: &'a Webhooks,
    pub(super) corrected_receipt: CorrectedReceipt,
    pub(super) now: Timestamp,
}

impl Group<'_> {
    /// Gives back what no longer remains of the original; if there is none yet, the message waits
    /// for it.
    pub(super) fn take_back(&mut self, request: &TakeBack) -> Result<TakenBack, MoneyError> {
        let real_now = self.ids.clock().real_now();
        if let Some(known) = self.batch.messages.get(&request.message.message.identity) {
            match (known.match_message(&request.message.message, real_now), known.message.outcome) {
                (KeyMatch::Repeat, Some(outcome)) => {
                    return Ok(TakenBack { outcome, is_repeated: true, reversal: None });
                }
                (KeyMatch::Repeat | KeyMatch::Conflict, _) => {
                    return Err(MoneyError::NetworkKeyConflict);
                }
                (KeyMatch::New, _) => {
                    let overtaken = known.message.message_id;
                    self.batch.overtaken_messages.insert(overtaken);
                }
            }
        }
        let named = self.named_by(&request.message.message, request.auth_code.as_deref())?;
        let named_id = named.as_ref().map(|named| named.authorisation.auth_id);
        let counted = named.as_ref().and_then(|named| self.counted_original(named));
        let taken = match named {
            Some(original) => self.take_back_of(request, original)?,
            // A message that waited for its original would decline whatever has the same RRN.
            None if self.may_be_there(&request.message.message) => {
                Taken::nothing(MessageOutcome::Unclear)
            }
            None => Taken::nothing(MessageOutcome::Early),
        };
        let reconciled = counted
            .and_then(|(of, before)| reconciled::of_reversal(&of, before, taken.given_minor));
        let Taken { outcome, reversal, .. } = taken;
        let row = NetworkMessage {
            message_id: self.message_id(Some(&request.message.record)),
            message: request.message.message.clone(),
            enterprise_id: Some(request.payer.enterprise_id),
            auth_id: reversal.as_ref().map(|it| it.auth_id),
            outcome: Some(outcome),
            stated_minor: None,
            received_at: real_now,
        };
        self.note_message(row, None);
        let about = Recorded {
            payer: Some(request.payer),
            auth_id: reversal.as_ref().map(|it| it.auth_id).or(named_id),
            outcome: Some(outcome),
            reversed_auth_id: reconciled.as_ref().and(named_id),
            repeats_message_id: None,
            reconciled,
        };
        self.record_arrival(&request.message, about);
        Ok(TakenBack { outcome, is_repeated: false, reversal })
    }

    /// The authorisation that a message names as its original; without the original's numbers, one
    /// that has the authorisation code that the message gives.
    pub(super) fn named_by(
        &mut self,
        message: &ArrivedMessage,
        auth_code: Option<&str>,
    ) -> Result<Option<Named>, MoneyError> {
        let by_code = auth_code.filter(|_| message.facts.original.is_none());
        let arrived = self.batch.originals.iter().chain(&self.batch.new_messages);
        let candidates = arrived.filter(|other| {
            by_code.is_none_or(|code| other.auth_id.and_then(|id| self.code_of(id)) == Some(code))
        });
        let Some(original) = original_among(message, candidates) else { return Ok(None) };
        let Some(auth_id) = original.auth_id else { return Ok(None) };
        let kind = original.message.identity.numbers.kind;
        let message_id = Some(original.message_id);
        Ok(Some(Named { authorisation: self.begun(auth_id)?, kind, message_id }))
    }

    /// The message of a sale or refund, which says how an original counts, and what was given back
    /// of it so far.
    fn counted_original(&self, named: &Named) -> Option<(LinkMessage, i64)> {
        let (it, named_id) = (&named.authorisation, named.message_id?);
        let records = self.batch.counted.iter().chain(&self.batch.new_records);
        let mut own = records.filter(|record| {
            let is_named = [Some(record.message_id), record.repeats_message_id];
            record.auth_id == Some(it.auth_id) && is_named.contains(&Some(named_id))
        });
        let original = own.find(|record| reconciled::reversed_kind(record).is_some())?;
        let posted = if it.is_refund() { refunded(it) } else { self.posted_of(it) };
        Some((original.clone(), posted.back_acquirer_minor))
    }

    /// The code of an authorisation, even if this group began it.
    fn code_of(&self, auth_id: AuthId) -> Option<&str> {
        let loaded = self.batch.authorisations.get(&auth_id).map(|it| &it.authorisation);
        let new = || {
            let mut new = self.batch.new_authorisations.iter().map(|new| &new.authorisation);
            new.find(|it| it.auth_id == auth_id)
        };
        loaded.or_else(new)?.auth_code.as_deref()
    }

    /// True if a message that arrived may be the one that this one names.
    fn may_be_there(&self, message: &ArrivedMessage) -> bool {
        let mut arrived = self.batch.originals.iter().chain(&self.batch.new_messages);
        arrived.any(|other| message.names(&other.message).is_some())
    }

    /// An authorisation, even if this group began it.
    pub(super) fn begun(&mut self, auth_id: AuthId) -> Result<Authorisation, MoneyError> {
        let is_it = |new: &&NewAuthorisation| new.authorisation.auth_id == auth_id;
        if let Some(new) = self.batch.new_authorisations.iter().find(is_it)
            && !self.batch.authorisations.contains_key(&auth_id)
        {
            let loaded = Loaded {
                receipt: Some(new.receipt.clone()),
                ..Loaded::read(new.authorisation.clone(), new.counted)
            };
            self.batch.authorisations.insert(auth_id, loaded);
        }
        self.loaded(auth_id)
    }

    fn take_back_of(&mut self, request: &TakeBack, original: Named) -> Result<Taken, MoneyError> {
        let Named { authorisation: it, kind, .. } = original;
        let Some(remaining_minor) = remains_of(&it, &request.message.message) else {
            return Ok(Taken::nothing(MessageOutcome::OtherCurrency));
        };
        if it.status == AuthorisationStatus::Pending {
            let overtaking = Overtaking {
                cause: Cause::ReversedWhilePending,
                webhooks: &request.decision_webhooks,
                corrected_receipt: request.corrected_receipt,
                now: request.now,
            };
            self.decline_pending(it, &overtaking)?;
            return Ok(Taken::nothing(unapproved_outcome(request, MessageOutcome::Reversed)));
        }
        if it.status == AuthorisationStatus::Declined {
            return Ok(Taken::nothing(unapproved_outcome(request, MessageOutcome::NothingLeft)));
        }
        let back = Back {
            remaining_minor,
            reversal_id: request.reversal_id,
            webhooks: &request.webhooks,
            receipt: NO_RECEIPT,
            now: request.now,
        };
        self.give_back_to(&it, kind, &back)
    }

    /// Gives back what an approved authorisation has beyond what remains.
    pub(super) fn give_back_to(
        &mut self,
        it: &Authorisation,
        kind: MessageKind,
        back: &Back<'_>,
    ) -> Result<Taken, MoneyError> {
        let is_approved = it.status == AuthorisationStatus::Approved;
        let is_financial = kind == MessageKind::Financial && !it.is_refund();
        let is_in_part =
            it.hold_state == HoldState::Pending || self.is_cleared_in_parts(it.auth_id);
        if is_approved && is_financial && is_in_part {
            // One of several clearings, or one that left a hold open: which money it is cannot be
            // told by what remains of it alone.
            return Ok(Taken::nothing(MessageOutcome::Unclear));
        }
        let reversal = match it.hold_state {
            _ if !is_approved => None,
            HoldState::Pending => self.release_to(it, back)?,
            _ if it.is_refund() => self.take_refund_back(it, back)?,
            HoldState::Posted if kind == MessageKind::Financial => self.post_back(it, back)?,
            HoldState::Posted => return Ok(Taken::nothing(MessageOutcome::Cleared)),
            HoldState::None | HoldState::Voided | HoldState::Expired => None,
        };
        let outcome = match &reversal {
            Some(_) => MessageOutcome::Reversed,
            None => MessageOutcome::NothingLeft,
        };
        // A refund that is taken back leaves a record which is decided already.
        let is_told = |it: &Authorisation| it.status == AuthorisationStatus::Pending;
        let given_minor = reversal.as_ref().map_or(0, |it| it.acquirer_amount.amount_minor());
        Ok(Taken { outcome, given_minor, reversal: reversal.filter(is_told) })
    }

    /// Declines an authorisation about which the enterprise is being asked; its answer finds a
    /// decided record.
    pub(super) fn decline_pending(
        &mut self,
        mut it: Authorisation,
        overtaking: &Overtaking<'_>,
    ) -> Result<(), MoneyError> {
        let (cause, now) = (overtaking.cause.clone(), overtaking.now);
        let before_minor = self.own_available_minor(&it);
        let account = self.batch.account(account_key(&it));
        let account_id = account.as_ref().map(|account| account.account_id);
        let movement = steps::decline(account, &mut it, cause, now)?;
        self.give_back(&it, movement);
        self.record(&it, account_id, movement, now);
        self.note_decision(&it, before_minor);
        self.tell(overtaking.webhooks, &it);
        let stored = self.batch.authorisations.get(&it.auth_id).and_then(|it| it.receipt.clone());
        let receipt = (overtaking.corrected_receipt)(&stored.unwrap_or_default(), &it);
        self.keep(it, Some(receipt));
        Ok(())
    }

    /// Carries out a reversal that names an authorisation by its id: what is held is released, and
    /// what a financial message posted is posted back. Returns the reversal's record; if there is
    /// nothing beyond what is to remain, the authorisation itself.
    pub(super) fn reverse_named(
        &mut self,
        request: &ReverseAuthorisation,
    ) -> Result<Authorisation, MoneyError> {
        let it = self.loaded(request.auth_id)?;
        let is_refund = it.is_refund() && request.takes_refunds;
        let is_posted = is_refund
            || it.hold_state == HoldState::Posted
                && self.kind_of(it.auth_id) == MessageKind::Financial;
        if request.remaining_minor.is_none() && !is_posted {
            return self.reverse(request);
        }
        if !is_refund {
            steps::require_approved(&it)?;
        } else if it.status != AuthorisationStatus::Approved {
            return Err(MoneyError::NotApproved);
        }
        let back = Back {
            remaining_minor: self.remains_after(&it, request)?,
            reversal_id: request.reversal_id,
            webhooks: &request.webhooks,
            receipt: &request.receipt,
            now: request.now,
        };
        let reversal = match it.hold_state {
            _ if is_refund => self.take_refund_back(&it, &back)?,
            HoldState::Pending => self.release_to(&it, &back)?,
            HoldState::Posted if is_posted => self.post_back(&it, &back)?,
            // It was cleared by other means: the merchant's claim stands.
            HoldState::Posted => return Err(LedgerError::HoldClosed.into()),
            HoldState::None | HoldState::Voided | HoldState::Expired => None,
        };
        match reversal {
            Some(reversal) => Ok(reversal),
            None if request.remaining_minor.is_some() => Ok(it),
            None => Err(LedgerError::HoldClosed.into()),
        }
    }

    /// What remains of an authorisation after a reversal, in minor units of the shop's currency.
    fn remains_after(
        &self,
        it: &Authorisation,
        request: &ReverseAuthorisation,
    ) -> Result<i64, MoneyError> {
        match (request.remaining_minor, request.acquirer_amount_minor) {
            (Some(remaining_minor), _) => Ok(remaining_minor),
            (None, None) => Ok(0),
            (None, Some(taken_minor)) => {
                let posted = if it.is_refund() { refunded(it) } else { self.posted_of(it) };
                let rest_minor = posted.open_minor().checked_sub(taken_minor);
                rest_minor.filter(|minor| *minor >= 0).ok_or(MoneyError::ExceedsAuthorisation)
            }
        }
    }

    /// Releases what is open of a bill beyond what remains; returns the reversal's record.
    fn release_to(
        &mut self,
        original: &Authorisation,
        back: &Back<'_>,
    ) -> Result<Option<Authorisation>, MoneyError> {
        let excess_minor = self.bill(original).excess_minor(back.remaining_minor);
        if excess_minor <= 0 {
            return Ok(None);
        }
        let reverse = ReverseAuthorisation {
            auth_id: original.auth_id,
            acquirer_amount_minor: Some(excess_minor),
            remaining_minor: None,
            takes_refunds: false,
            receipt: back.receipt.to_owned(),
            reversal_id: back.reversal_id,
            webhooks: back.webhooks.clone(),
            now: back.now,
        };
        self.reverse(&reverse).map(Some)
    }

    /// Posts a sale the other way, as far as the network takes it back; returns the reversal's
    /// record.
    fn post_back(
        &mut self,
        it: &Authorisation,
        back: &Back<'_>,
    ) -> Result<Option<Authorisation>, MoneyError> {
        let of_bill = self.posted_of(it);
        let Some(posted) = posted_back::of_sale(it, of_bill, back)? else { return Ok(None) };
        let before_minor = self.own_available_minor(it);
        let account = self.owned_account(it)?;
        let account_id = account.account_id;
        let amount = posted.reversal.amount;
        let is_moved = amount.is_positive();
        let movement = is_moved.then(|| ledger::refund(account, amount)).transpose()?;
        self.record(&posted.reversal, Some(account_id), movement, self.now);
        Ok(Some(self.book_back(posted, before_minor, back)))
    }

    /// Keeps a posting that was taken back, once its money has moved; returns the record of it.
    fn book_back(
        &mut self,
        PostedBack { original, reversal }: PostedBack,
        before_minor: Option<i64>,
        back: &Back<'_>,
    ) -> Authorisation {
        self.note_posted_back(&reversal, before_minor);
        let posting = self.posting(&reversal);
        self.batch.postings.push(posting);
        self.tell(back.webhooks, &original);
        self.keep(original, None);
        self.push_uncounted(reversal.clone(), back.receipt.to_owned(), None);
        reversal
    }

    /// What the bill of an authorisation has posted, and what of it was posted back so far. The
    /// posting is the first's, to which its increments contribute.
    pub(super) fn posted_of(&self, it: &Authorisation) -> Posted {
        let acquirer_minor = self.bill(it).cleared_minor();
        let (stored_acquirer_minor, stored_billing_minor) =
            self.batch.posted_back.get(&it.auth_id).copied().unwrap_or_default();
        let new = self.batch.new_authorisations.iter().map(|new| &new.authorisation);
        let of_it =
            |new: &&Authorisation| new.is_reversal() && new.original_auth_id == Some(it.auth_id);
        let mut posted = Posted {
            acquirer_minor,
            billing_minor: it.posted_minor,
            back_acquirer_minor: stored_acquirer_minor,
            back_billing_minor: stored_billing_minor,
        };
        for new in new.filter(of_it) {
            let (acquirer_minor, billing_minor) = (new.cleared_acquirer_minor, new.posted_minor);
            posted.back_acquirer_minor = posted.back_acquirer_minor.saturating_add(acquirer_minor);
            posted.back_billing_minor = posted.back_billing_minor.saturating_add(billing_minor);
        }
        posted
    }

    /// The class of the messages that made or posted an authorisation: financial if one of them
    /// was.
    pub(super) fn kind_of(&self, auth_id: AuthId) -> MessageKind {
        if self.makers_of(auth_id).financial > 0 {
            MessageKind::Financial
        } else {
            MessageKind::Authorisation
        }
    }

    /// True if several clearings followed a request. What follows a single message corrects it.
    fn is_cleared_in_parts(&self, auth_id: AuthId) -> bool {
        let Makers { authorising, financial } = self.makers_of(auth_id);
        authorising > 0 && financial > 1
    }

    /// The messages that made an authorisation and cleared it, even if this group began them.
    fn makers_of(&self, auth_id: AuthId) -> Makers {
        let mut makers = self.batch.makers.get(&auth_id).copied().unwrap_or_default();
        for message in self.batch.new_messages.iter().filter(|it| it.auth_id == Some(auth_id)) {
            let named = message.message.facts.original.as_ref().map(|original| original.kind);
            match message.message.identity.numbers.kind {
                _ if named == Some(MessageKind::Financial) => {}
                MessageKind::Authorisation => makers.authorising += 1,
                MessageKind::Financial => makers.financial += 1,
                MessageKind::Reversal | MessageKind::Reconciliation => {}
            }
        }
        makers
    }

    /// Takes back what a refund gave, even if less is available; returns the record of it.
    fn take_refund_back(
        &mut self,
        it: &Authorisation,
        back: &Back<'_>,
    ) -> Result<Option<Authorisation>, MoneyError> {
        let Some(posted) = posted_back::of_refund(it, back)? else { return Ok(None) };
        let before_minor = self.own_available_minor(it);
        let account = self.owned_account(it)?;
        let account_id = account.account_id;
        let amount = posted.reversal.amount;
        let cleared = ledger::clear(account, HoldState::None, 0, amount, true)?;
        for movement in cleared.movements {
            self.record(&posted.reversal, Some(account_id), Some(movement), self.now);
        }
        Ok(Some(self.book_back(posted, before_minor, back)))
    }
}

/// What a reversal of a request that is not approved leads to: where it names the request by its
/// numbers, it waits for an advice that states otherwise, as one that came before the request.
fn unapproved_outcome(request: &TakeBack, outcome: MessageOutcome) -> MessageOutcome {
    match request.message.message.facts.original {
        Some(_) => MessageOutcome::Early,
        None => outcome,
    }
}

/// What a reversal leaves of its original, in minor units of the shop's currency; `None` if it
/// says so in another one.
pub(super) fn remains_of(it: &Authorisation, reversal: &ArrivedMessage) -> Option<i64> {
    let facts = &reversal.facts;
    let is_same_currency = facts.currency() == Some(it.acquirer_amount.currency());
    facts.remaining_minor.map_or(Some(0), |minor| is_same_currency.then_some(minor))
}

impl Bill {
    /// What of its authorisations was cleared, in the shop's currency.
    fn cleared_minor(&self) -> i64 {
        self.all().map(|it| it.cleared_acquirer_minor).fold(0, i64::saturating_add)
    }

    /// What is not reversed of its authorisations, in the shop's currency.
    pub(super) fn unreversed_minor(&self) -> i64 {
        let unreversed = |it: &Authorisation| {
            it.acquirer_amount.amount_minor().saturating_sub(it.reversed_acquirer_minor)
        };
        self.all().map(unreversed).fold(0, i64::saturating_add)
    }

    /// What of the open holds exceeds `remaining_minor`, in the shop's currency: never more than
    /// is open, however much was cleared.
    fn excess_minor(&self, remaining_minor: i64) -> i64 {
        self.unreversed_minor().saturating_sub(remaining_minor).min(self.open_minor())
    }

    /// What is left of the open holds, in the shop's currency.
    pub(super) fn open_minor(&self) -> i64 {
        let open = self.all().filter(|it| it.hold_state == HoldState::Pending);
        open.map(steps::acquirer_left_minor).fold(0, i64::saturating_add)
    }

    fn all(&self) -> impl Iterator<Item = &Authorisation> {
        std::iter::once(&self.original).chain(&self.increments)
    }
}
