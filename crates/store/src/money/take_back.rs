//! A reversal that a network sends: it says what remains of its original, so that it changes
//! nothing when it comes again, or in another order (network-iso8583.md section 5.7).

use domain::{
    AuthId, Authorisation, AuthorisationStatus, Cause, HoldState, MessageOutcome, NetworkMessageId,
};

use super::apply::Group;
use super::batch::Loaded;
use super::messages::{KeyMatch, NetworkMessage};
use super::originals::original_among;
use super::terms::account_key;
use super::{MoneyError, ReverseAuthorisation, TakeBack, TakenBack, bill, steps};

/// What a reversal led to, and its own record if the enterprise is to be told.
type Taken = (MessageOutcome, Option<Authorisation>);

impl Group<'_> {
    /// Gives back what no longer remains of the original; if there is none yet, the message waits
    /// for it.
    pub(super) fn take_back(&mut self, request: &TakeBack) -> Result<TakenBack, MoneyError> {
        let real_now = self.ids.clock().real_now();
        if let Some(known) = self.batch.messages.get(&request.message.identity) {
            match (known.match_message(&request.message, real_now), known.message.outcome) {
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
        let (outcome, reversal) = match self.original_of(request)? {
            Some(original) => self.take_back_of(request, original)?,
            None => (MessageOutcome::Early, None),
        };
        let row = NetworkMessage {
            message_id: NetworkMessageId::from_i64(self.ids.next()),
            message: request.message.clone(),
            enterprise_id: Some(request.payer.enterprise_id),
            auth_id: reversal.as_ref().map(|it| it.auth_id),
            outcome: Some(outcome),
            received_at: real_now,
        };
        self.note_message(row, None);
        Ok(TakenBack { outcome, is_repeated: false, reversal })
    }

    /// The authorisation that the message names as its original.
    fn original_of(&mut self, request: &TakeBack) -> Result<Option<Authorisation>, MoneyError> {
        let of_group = self.batch.new_messages.iter();
        let candidates = self.batch.originals.iter().chain(of_group);
        let Some(auth_id) = original_among(&request.message, candidates).and_then(|it| it.auth_id)
        else {
            return Ok(None);
        };
        let it = self.begun(auth_id)?;
        // Without the original's numbers a message that gives its authorisation code means only
        // the authorisation that has it.
        let by_code =
            request.auth_code.as_ref().filter(|_| request.message.facts.original.is_none());
        let is_it = by_code.is_none_or(|code| it.auth_code.as_ref() == Some(code));
        Ok(is_it.then_some(it))
    }

    /// An authorisation, even if this group began it.
    fn begun(&mut self, auth_id: AuthId) -> Result<Authorisation, MoneyError> {
        let is_it = |new: &&super::batch::NewAuthorisation| new.authorisation.auth_id == auth_id;
        if let Some(new) = self.batch.new_authorisations.iter().find(is_it)
            && !self.batch.authorisations.contains_key(&auth_id)
        {
            let loaded = Loaded {
                authorisation: new.authorisation.clone(),
                receipt: Some(new.receipt.clone()),
                counted: new.counted,
                is_changed: false,
            };
            self.batch.authorisations.insert(auth_id, loaded);
        }
        self.loaded(auth_id)
    }

    fn take_back_of(
        &mut self,
        request: &TakeBack,
        original: Authorisation,
    ) -> Result<Taken, MoneyError> {
        let remaining = request.message.facts.remaining_minor;
        let currency = request.message.facts.currency();
        if remaining.is_some() && currency != Some(original.acquirer_amount.currency()) {
            return Ok((MessageOutcome::OtherCurrency, None));
        }
        match (original.status, original.hold_state) {
            (AuthorisationStatus::Pending, _) => {
                self.decline_pending(request, original)?;
                Ok((MessageOutcome::Reversed, None))
            }
            (AuthorisationStatus::Approved, HoldState::Pending) => {
                self.release_to(request, &original, remaining.unwrap_or(0))
            }
            (AuthorisationStatus::Approved, HoldState::Posted) => {
                Ok((MessageOutcome::Cleared, None))
            }
            (AuthorisationStatus::Approved | AuthorisationStatus::Declined, _) => {
                Ok((MessageOutcome::NothingLeft, None))
            }
        }
    }

    /// Declines an authorisation about which the enterprise is being asked; its answer finds a
    /// decided record.
    fn decline_pending(
        &mut self,
        request: &TakeBack,
        mut it: Authorisation,
    ) -> Result<(), MoneyError> {
        let before_minor = self.own_available_minor(&it);
        let account = self.batch.account(account_key(&it));
        let account_id = account.as_ref().map(|account| account.account_id);
        let movement = steps::decline(account, &mut it, Cause::ReversedWhilePending, request.now)?;
        self.give_back(&it, movement);
        self.record(&it, account_id, movement, request.now);
        self.note_decision(&it, before_minor);
        self.tell(&request.decision_webhooks, &it);
        let stored = self.batch.authorisations.get(&it.auth_id).and_then(|it| it.receipt.clone());
        let receipt = (request.corrected_receipt)(&stored.unwrap_or_default(), &it);
        self.keep(it, Some(receipt));
        Ok(())
    }

    /// Gives back what is open of a bill beyond `remaining_minor` of the shop's currency.
    fn release_to(
        &mut self,
        request: &TakeBack,
        original: &Authorisation,
        remaining_minor: i64,
    ) -> Result<Taken, MoneyError> {
        let excess_minor = self.bill(original).excess_minor(remaining_minor);
        if excess_minor <= 0 {
            return Ok((MessageOutcome::NothingLeft, None));
        }
        let reverse = ReverseAuthorisation {
            auth_id: original.auth_id,
            acquirer_amount_minor: Some(excess_minor),
            reversal_id: request.reversal_id,
            webhooks: request.webhooks.clone(),
            now: request.now,
        };
        Ok((MessageOutcome::Reversed, Some(self.reverse(&reverse)?)))
    }
}

impl bill::Bill {
    /// What of the open holds exceeds `remaining_minor`, in the shop's currency: never more than
    /// is open, however much was cleared.
    fn excess_minor(&self, remaining_minor: i64) -> i64 {
        let members = || std::iter::once(&self.original).chain(&self.increments);
        let unreversed = |it: &Authorisation| {
            it.acquirer_amount.amount_minor().saturating_sub(it.reversed_acquirer_minor)
        };
        let unreversed_minor = members().map(unreversed).fold(0, i64::saturating_add);
        let open_minor = members()
            .filter(|it| it.hold_state == HoldState::Pending)
            .map(steps::acquirer_left_minor)
            .fold(0, i64::saturating_add);
        unreversed_minor.saturating_sub(remaining_minor).min(open_minor)
    }
}
