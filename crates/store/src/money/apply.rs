//! A group of money commands: read what they need, decide each in order, write once.

use domain::{
    AccountId, AuthId, Authorisation, AuthorisationStatus, Direction, EnterpriseId, HoldState,
    IdGenerator, Posting, Timestamp, TransactionId, TransferId, VmAppId,
};
use ledger::{Account, LedgerError, Movement, Transfer};

use super::apart::Standing;
use super::batch::{Batch, Loaded, NewAuthorisation};
use super::bill::{Bill, Moved};
use super::link_messages::Recorded;
use super::load::load;
use super::messages::{NetworkMessage, messages_of};
use super::terms::account_key;
use super::told::Told;
use super::{
    BeginAuthorisation, BeginOutcome, ClearAuthorisation, Command, DecideAuthorisation,
    DecideOutcome, FailedCheck, ForcedClearing, MoneyError, Outcome, PostingOutcome,
    ReverseAuthorisation, Webhooks, bill, claimed, reconciled, steps,
};
use crate::StoreError;
use crate::engine::{Repeats, Tx};

/// The most increments and completions of one authorisation, declined ones included.
const MAX_INCREMENTS: usize = 256;

/// Applies a group as [`Grouped::apply`](crate::engine::Grouped::apply) says.
pub(super) async fn apply(
    tx: &Tx,
    ids: &IdGenerator,
    commands: &[&Command],
    repeats: Repeats,
) -> Result<Vec<Result<Outcome, MoneyError>>, StoreError> {
    let ordered = claimed::ordered(tx, commands).await?;
    let open = claimed::open(&ordered);
    let mut batch = load(tx, &open, (repeats, ids.clock().real_now())).await?;
    // Read after the locks are taken: a posting belongs to the day of its commit, however long its
    // command waited.
    let mut group = Group { batch: &mut batch, ids, now: ids.clock().now() };
    let results = open.iter().map(|command| group.run(command)).collect();
    group.take_fees()?;
    group.sweep_closed()?;
    let now = group.now;
    batch.write(tx, now).await?;
    claimed::keep(tx, &ordered, results).await
}

/// A group while its commands are decided.
pub(super) struct Group<'a> {
    pub(super) batch: &'a mut Batch,
    pub(super) ids: &'a IdGenerator,
    /// Business time of the group.
    pub(super) now: Timestamp,
}

impl Group<'_> {
    fn run(&mut self, command: &Command) -> Result<Outcome, MoneyError> {
        match command {
            Command::Begin(request) => self.begin(request).map(Outcome::Begin),
            Command::Decide(decision) => self.decide(decision).map(Outcome::Decide),
            Command::Clear(request) => {
                self.clear(request).map(|outcome| Outcome::Posting(Box::new(outcome)))
            }
            Command::Reverse(request) => {
                self.reverse_named(request).map(|reversal| Outcome::Reversal(Box::new(reversal)))
            }
            Command::TakeBack(request) => {
                self.take_back(request).map(|taken| Outcome::TakenBack(Box::new(taken)))
            }
            Command::Advise(request) => {
                self.advise(request).map(|advised| Outcome::Advised(Box::new(advised)))
            }
            Command::Force(request) => {
                self.force(request).map(|outcome| Outcome::Posting(Box::new(outcome)))
            }
            Command::Expire { enterprise_id, auth_id, now, webhooks } => {
                self.expire(*enterprise_id, *auth_id, *now, webhooks).map(Outcome::Expired)
            }
            Command::Move(request) => {
                self.move_funds(request).map(|moved| Outcome::Moved(Box::new(moved)))
            }
            Command::Transfer(request) => self
                .transfer_funds(request)
                .map(|accounts| Outcome::Transferred(Box::new(accounts))),
            Command::Charge(request) => {
                self.charge_fee(request).map(|account| Outcome::Charged(Box::new(account)))
            }
            Command::Close(request) => {
                self.close_card(request);
                Ok(Outcome::Closed)
            }
            Command::Claimed(_, command) => self.run(command),
        }
    }

    fn begin(&mut self, request: &BeginAuthorisation) -> Result<BeginOutcome, MoneyError> {
        let mut it = request.authorisation.clone();
        let messages = messages_of(request);
        if let Some(first) = self.repeated(request, &messages)? {
            return Ok(BeginOutcome::Repeated(first));
        }
        let is_early = self.is_reversed(request);
        let reserved_minor = if is_early { 0 } else { self.follow(&it)? };
        let excess = self.excess(&it, request.velocity.as_ref(), reserved_minor);
        let early = is_early.then_some(FailedCheck::Reversed);
        let refusal = early.or(excess.map(FailedCheck::Limit));
        let is_pending = it.status == AuthorisationStatus::Pending;
        if let Some(refusal) = refusal.filter(|_| is_pending) {
            it.decide(refusal.cause(&it), request.authorisation.created_at);
        }
        let before_minor = self.own_available_minor(&it);
        let account = self.batch.account(account_key(&it));
        let account_id = account.as_ref().map(|account| account.account_id);
        let movement = steps::begin(account, &mut it, reserved_minor)?;
        let is_refused = it.status != request.authorisation.status;
        // If no limit refused it, the deposit did.
        let failed = is_refused.then_some(refusal.unwrap_or(FailedCheck::Deposit));
        if is_refused {
            it.hold_expires_at = None;
        }
        self.record(&it, account_id, movement, it.created_at);
        self.note_hold(&it, before_minor, "held");
        self.charge(&it, request.tariff.as_ref());
        let real_now = self.ids.clock().real_now();
        let record = request.message.as_ref().map(|arrival| &arrival.record);
        for message in messages {
            let row = NetworkMessage {
                message_id: self.message_id(record),
                message,
                enterprise_id: Some(it.enterprise_id),
                auth_id: Some(it.auth_id),
                outcome: None,
                stated_minor: None,
                received_at: real_now,
            };
            self.note_message(row, Some(it.clone()));
        }
        if let Some(arrival) = &request.message {
            let about = Recorded {
                payer: Some((&it).into()),
                auth_id: Some(it.auth_id),
                outcome: None,
                reconciled: reconciled::of_approval(arrival, it.transaction_type),
                reversed_auth_id: None,
                repeats_message_id: None,
            };
            self.record_arrival(arrival, about);
        }
        let counted = self.count(&it, request.velocity.as_ref());
        self.batch.new_authorisations.push(NewAuthorisation {
            authorisation: it.clone(),
            receipt: request.receipt.receipt(&it, failed),
            counted,
            vm_app_id: request.vm_app_id,
        });
        if it.status == AuthorisationStatus::Declined {
            self.tell(&request.webhooks, &it);
            return Ok(BeginOutcome::Refused(it));
        }
        Ok(BeginOutcome::Held(it))
    }

    fn decide(&mut self, decision: &DecideAuthorisation) -> Result<DecideOutcome, MoneyError> {
        let it = self.loaded(decision.auth_id)?;
        if it.status != AuthorisationStatus::Pending {
            return Ok(DecideOutcome::AlreadyDecided(it));
        }
        let decision = &*self.stood_in(&it, decision);
        let follows = it.is_completion() || it.is_increment();
        match self.settle(it.clone(), decision, None) {
            Err(MoneyError::Ledger(LedgerError::InsufficientFunds | LedgerError::HoldClosed))
                if follows && decision.cause.is_approval() =>
            {
                self.settle(it, decision, Some(FailedCheck::Original))
            }
            settled => settled,
        }
    }

    /// Carries out a decision, or changes nothing. `failed` turns an approval into a decline.
    fn settle(
        &mut self,
        mut it: Authorisation,
        decision: &DecideAuthorisation,
        failed: Option<FailedCheck>,
    ) -> Result<DecideOutcome, MoneyError> {
        let before_minor = self.own_available_minor(&it);
        let account = self.batch.account(account_key(&it));
        let account_id = account.as_ref().map(|account| account.account_id);
        let movement = steps::decide(account, &mut it, decision, failed)?;
        self.give_back(&it, movement);
        self.record(&it, account_id, movement, decision.now);
        if it.status == AuthorisationStatus::Approved {
            self.approve(&mut it, decision)?;
        }
        self.count_stand_in(&it, decision.now);
        self.note_decision(&it, before_minor);
        self.charge(&it, decision.tariff.as_ref());
        self.tell(&decision.webhooks, &it);
        let receipt = decision.receipt.receipt(&it, failed);
        self.keep(it.clone(), Some(receipt));
        Ok(DecideOutcome::Decided(it))
    }

    /// Moves what an approval moves besides the hold: a refund is posted, a completion takes over
    /// its reservation's hold, an increment joins its bill if that is open.
    fn approve(
        &mut self,
        it: &mut Authorisation,
        decision: &DecideAuthorisation,
    ) -> Result<(), MoneyError> {
        if it.is_refund() {
            let account = self.owned_account(it)?;
            let account_id = account.account_id;
            // A part that rounds to zero is posted but moves nothing.
            let is_moved = it.amount.is_positive();
            let movement = is_moved.then(|| ledger::refund(account, it.amount)).transpose()?;
            it.posted_minor = it.amount.amount_minor();
            it.cleared_acquirer_minor = it.acquirer_amount.amount_minor();
            self.record(it, Some(account_id), movement, self.now);
            let posting = self.posting(it);
            self.batch.postings.push(posting);
        } else if it.is_completion() {
            let original = self.loaded(it.original_auth_id.ok_or(MoneyError::NotFound)?)?;
            let mut bill = self.bill(&original);
            let account = self.owned_account(it)?;
            let account_id = account.account_id;
            let movements = bill::complete(account, &mut bill, it)?;
            self.count_completion(it, &bill, &movements);
            self.tell_completed(&decision.webhooks, &bill);
            self.record_bill(&bill, account_id, movements, decision.now);
        } else if it.is_increment() {
            bill::join(&self.loaded(it.original_auth_id.ok_or(MoneyError::NotFound)?)?)?;
        }
        if decision.posts && it.is_approved_purchase() && it.amount.is_positive() {
            self.post_whole(it)?;
        }
        Ok(())
    }

    /// Posts all of an approved authorisation.
    fn post_whole(&mut self, it: &mut Authorisation) -> Result<(), MoneyError> {
        let whole = ClearAuthorisation {
            auth_id: it.auth_id,
            acquirer_amount_minor: None,
            is_final: true,
            webhooks: None,
        };
        let mut bill = Bill { original: it.clone(), increments: Vec::new() };
        let account = self.owned_account(it)?;
        let account_id = account.account_id;
        let Moved { movements, .. } = bill::clear(account, &mut bill, &whole)?;
        *it = bill.original;
        for (_, movement) in movements {
            self.record(it, Some(account_id), Some(movement), self.now);
        }
        let posting = self.posting(it);
        self.batch.postings.push(posting);
        Ok(())
    }

    pub(super) fn clear(
        &mut self,
        request: &ClearAuthorisation,
    ) -> Result<PostingOutcome, MoneyError> {
        let mut bill = self.bill(&self.loaded(request.auth_id)?);
        let before_minor = self.own_available_minor(&bill.original);
        let account = self.owned_account(&bill.original)?;
        let account_id = account.account_id;
        let cleared = bill::clear(account, &mut bill, request)?;
        let Moved { movements, amount, acquirer_amount } = cleared;
        self.give_back_unused(&bill, &movements);
        self.tell_cleared(&request.webhooks, &bill);
        self.record_bill(&bill, account_id, movements, self.now);
        let it = bill.original;
        self.note_settlement(&it, before_minor, "clearing", amount);
        let posting = Posting { amount, acquirer_amount, ..self.posting(&it) };
        self.batch.postings.push(posting.clone());
        Ok(PostingOutcome { posting, authorisation: it })
    }

    pub(super) fn reverse(
        &mut self,
        request: &ReverseAuthorisation,
    ) -> Result<Authorisation, MoneyError> {
        let mut bill = self.bill(&self.loaded(request.auth_id)?);
        let before_minor = self.own_available_minor(&bill.original);
        let account = self.owned_account(&bill.original)?;
        let account_id = account.account_id;
        let mut reversed = bill::reverse(account, &mut bill, request)?;
        let movements = std::mem::take(&mut reversed.movements);
        for (auth_id, movement) in &movements {
            self.give_back_taken_over(*auth_id, *movement);
        }
        self.note_reversal(&bill.original, before_minor, &movements);
        self.tell_reversed(&request.webhooks, &bill);
        self.record_bill(&bill, account_id, movements, request.now);
        let Moved { amount, acquirer_amount, .. } = reversed;
        let arrival = (request.reversal_id, request.now);
        let record = bill::reversal_record(&bill.original, arrival, (amount, acquirer_amount));
        self.push_uncounted(record.clone(), request.receipt.clone(), None);
        Ok(record)
    }

    /// Posts a clearing that nothing authorised: the network decides, so it may take more than is
    /// available.
    pub(super) fn force(&mut self, request: &ForcedClearing) -> Result<PostingOutcome, MoneyError> {
        let mut it = request.record.clone();
        (it.created_at, it.decided_at) = (self.now, Some(self.now));
        let before_minor = self.own_available_minor(&it);
        let account = self.owned_account(&it).map_err(|_| MoneyError::NoAccount)?;
        let account_id = account.account_id;
        let cleared = ledger::clear(account, HoldState::None, 0, it.amount, true)?;
        for movement in cleared.movements {
            self.record(&it, Some(account_id), Some(movement), self.now);
        }
        self.note_settlement(&it, before_minor, "clearing without authorisation", it.amount);
        let posting = self.posting(&it);
        self.batch.postings.push(posting.clone());
        self.push_uncounted(it.clone(), request.receipt.clone(), request.vm_app_id);
        self.tell(&request.webhooks, &it);
        Ok(PostingOutcome { posting, authorisation: it })
    }

    /// Checks that a new authorisation may follow the one that it names; returns the amount, in
    /// minor units, that a completion finds reserved.
    fn follow(&self, it: &Authorisation) -> Result<i64, MoneyError> {
        let Some(auth_id) = it.original_auth_id.filter(|_| it.direction == Direction::Outgoing)
        else {
            return Ok(0);
        };
        let original = self.loaded(auth_id)?;
        let others = self.followers(&original);
        if others.len() >= MAX_INCREMENTS {
            return Err(MoneyError::TooManyIncrements);
        }
        bill::require_open(it, &original, &others)?;
        Ok(if it.is_completion() { self.bill(&original).held_minor() } else { 0 })
    }

    /// Keeps a bill and the transfers of its change.
    fn record_bill(
        &mut self,
        bill: &Bill,
        account_id: AccountId,
        movements: Vec<(AuthId, Movement)>,
        now: Timestamp,
    ) {
        for (auth_id, movement) in movements {
            let enterprise_id = bill.original.enterprise_id;
            let mut transfer = self.transfer(enterprise_id, account_id, movement, now);
            transfer.auth_id = Some(auth_id);
            self.batch.transfers.push(transfer);
        }
        for it in std::iter::once(&bill.original).chain(&bill.increments) {
            self.keep(it.clone(), None);
        }
    }

    /// Gives back the rest of an expired hold; false if it was no longer open.
    fn expire(
        &mut self,
        enterprise_id: EnterpriseId,
        auth_id: domain::AuthId,
        now: Timestamp,
        webhooks: &Webhooks,
    ) -> Result<bool, MoneyError> {
        let mut it = self.loaded(auth_id)?;
        if it.enterprise_id != enterprise_id || !steps::is_expired(&it, now) {
            return Ok(false);
        }
        let before_minor = self.own_available_minor(&it);
        let account = self.owned_account(&it)?;
        let account_id = account.account_id;
        let movement = steps::give_back(Some(account), &mut it, HoldState::Expired)?;
        if let Some(movement) = movement {
            self.give_back_taken_over(auth_id, movement);
        }
        self.record(&it, Some(account_id), movement, now);
        self.note_hold(&it, before_minor, "expired");
        self.tell(webhooks, &it);
        self.keep(it, None);
        Ok(true)
    }

    pub(super) fn loaded(&self, auth_id: domain::AuthId) -> Result<Authorisation, MoneyError> {
        let loaded = self.batch.authorisations.get(&auth_id).ok_or(MoneyError::NotFound)?;
        Ok(loaded.authorisation.clone())
    }

    pub(super) fn owned_account(&mut self, it: &Authorisation) -> Result<&mut Account, MoneyError> {
        self.batch.account(account_key(it)).ok_or(MoneyError::NotFound)
    }

    pub(super) fn keep(&mut self, authorisation: Authorisation, receipt: Option<String>) {
        let auth_id = authorisation.auth_id;
        let earlier = self.batch.authorisations.remove(&auth_id);
        let before = earlier.as_ref().map_or(Standing::of(&authorisation), |it| it.before);
        let told = earlier.as_ref().map_or(Told::of(&authorisation), |it| it.told);
        let counted = earlier.as_ref().and_then(|it| it.counted);
        let receipt = receipt.or(earlier.and_then(|it| it.receipt));
        let loaded = Loaded { authorisation, before, told, receipt, counted, is_changed: true };
        self.batch.authorisations.insert(auth_id, loaded);
    }

    /// Adds a record that counts towards no limit: the network takes or gives back its amount.
    pub(super) fn push_uncounted(
        &mut self,
        authorisation: Authorisation,
        receipt: String,
        vm_app_id: Option<VmAppId>,
    ) {
        let new = NewAuthorisation { authorisation, receipt, counted: None, vm_app_id };
        self.batch.new_authorisations.push(new);
    }

    pub(super) fn record(
        &mut self,
        it: &Authorisation,
        account_id: Option<AccountId>,
        movement: Option<Movement>,
        now: Timestamp,
    ) {
        let (Some(account_id), Some(movement)) = (account_id, movement) else { return };
        let mut transfer = self.transfer(it.enterprise_id, account_id, movement, now);
        transfer.auth_id = Some(it.auth_id);
        self.batch.transfers.push(transfer);
    }

    pub(super) fn transfer(
        &self,
        enterprise_id: EnterpriseId,
        account_id: AccountId,
        movement: Movement,
        created_at: Timestamp,
    ) -> Transfer {
        Transfer {
            enterprise_id,
            transfer_id: TransferId::from_i64(self.ids.next()),
            account_id,
            kind: movement.kind,
            from: movement.from,
            to: movement.to,
            amount: movement.amount,
            auth_id: None,
            reference: None,
            created_at,
        }
    }

    pub(super) fn posting(&self, it: &Authorisation) -> Posting {
        Posting {
            enterprise_id: it.enterprise_id,
            transaction_id: TransactionId::from_i64(self.ids.next()),
            auth_id: it.auth_id,
            outs_id: it.outs_id,
            card_id: it.card_id,
            customer_id: it.customer_id,
            direction: it.direction,
            amount: it.amount,
            acquirer_amount: it.acquirer_amount,
            merchant: it.merchant.clone(),
            authorised_at: it.created_at,
            posted_at: self.now,
        }
    }
}
