//! Every operation that moves money, through one writer that commits waiting commands together.

mod advise;
mod apart;
mod apply;
mod batch;
mod bill;
mod claimed;
mod command;
mod corrections;
mod fees;
mod flows;
mod foreseen;
mod funds;
mod grouped;
mod keys;
mod link_messages;
mod load;
mod members;
#[cfg(test)]
mod message_tests;
mod messages;
mod named;
mod originals;
mod posted_back;
mod recognition;
mod reconciled;
mod renderers;
mod stand_in;
mod stand_in_use;
mod steps;
mod take_back;
mod telling;
mod terms;
mod told;
mod velocity;
mod wanted;

use domain::{AuthId, Authorisation, EnterpriseId, Timestamp};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::engine::GroupedJob;
use crate::store::Engine;
use crate::{JobKind, Store, StoreError};

pub use command::{
    Advise, Advised, BeginAuthorisation, BeginOutcome, ClearAuthorisation, CorrectedReceipt,
    DecideAuthorisation, DecideOutcome, ForcedClearing, MoneyError, MovedFunds, PostingOutcome,
    ReverseAuthorisation, TakeBack, TakenBack,
};
pub(crate) use command::{ChargeFee, CloseCard, Command, MoveFunds, Outcome, TransferFunds};
pub use link_messages::{AnswerNote, LinkMessage, LinkMessageFilter, RepeatedApproval};
pub use messages::NETWORK_KEY_DAYS;
#[cfg(test)]
pub(crate) use messages::NetworkMessage;
pub(crate) use messages::{first_of, identities, is_in_time};
pub use renderers::{Change, FailedCheck, ReceiptRenderer, WebhookRenderer, Webhooks};
#[cfg(test)]
pub(crate) use stand_in_use::StandInUse;
pub use terms::{OwnLimits, VelocityTerms, VmTariff};

/// The writer's answer is not the command's kind: a programming error.
const UNEXPECTED: MoneyError =
    MoneyError::Store(StoreError::Corrupt("the kind of the writer's answer"));

impl Store {
    /// Hands a money command to the grouping writer and waits for its commit.
    async fn money(&self, command: Command) -> Result<Outcome, MoneyError> {
        let (reply, answer) = oneshot::channel();
        let deadline = Instant::now() + command.patience();
        let job = GroupedJob { command: command.claimed(), reply, deadline };
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.send_grouped(job).await?,
            Engine::Postgres(engine) => {
                self.check_number()?;
                engine.send_grouped(job).await?;
            }
        }
        answer.await.map_err(|_| StoreError::Overloaded)?
    }

    /// Deposits or withdraws; see `Store::deposit`.
    pub(crate) async fn move_funds(&self, request: MoveFunds) -> Result<MovedFunds, MoneyError> {
        let Outcome::Moved(moved) = self.money(Command::Move(request)).await? else {
            return Err(UNEXPECTED);
        };
        Ok(*moved)
    }

    /// Carries out a command that leaves webhooks.
    async fn told(&self, command: Command) -> Result<Outcome, MoneyError> {
        let outcome = self.money(command).await?;
        self.inner.outbox_changed.notify_one();
        Ok(outcome)
    }

    /// Records a new authorisation and takes its hold, in one commit, idempotent by the
    /// network's key. A limit of its terms that it would exceed or a deposit that does not
    /// cover it declines it in the same commit, with the cause of its [`FailedCheck`].
    pub async fn begin_authorisation(
        &self,
        request: BeginAuthorisation,
    ) -> Result<BeginOutcome, MoneyError> {
        let command = Command::Begin(Box::new(request));
        let Outcome::Begin(outcome) = self.money(command).await? else { return Err(UNEXPECTED) };
        if matches!(outcome, BeginOutcome::Refused(_)) {
            self.inner.outbox_changed.notify_one();
        }
        Ok(outcome)
    }

    /// Decides an authorisation: keeps or gives back its hold and writes its result webhook.
    /// An approved refund is posted, an approved completion takes over its reservation's hold.
    /// An approval that [`FailedCheck::Original`] overtook is a decline.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub async fn decide_authorisation(
        &self,
        decision: DecideAuthorisation,
    ) -> Result<DecideOutcome, MoneyError> {
        let Outcome::Decide(outcome) = self.told(Command::Decide(Box::new(decision))).await? else {
            return Err(UNEXPECTED);
        };
        Ok(outcome)
    }

    /// Posts a clearing of an authorisation and of its approved increments: the whole bill
    /// if no amount is given.
    pub async fn clear_authorisation(
        &self,
        request: ClearAuthorisation,
    ) -> Result<PostingOutcome, MoneyError> {
        let Outcome::Posting(outcome) = self.told(Command::Clear(request)).await? else {
            return Err(UNEXPECTED);
        };
        Ok(*outcome)
    }

    /// Reverses an approved authorisation and its increments, wholly or in part, latest first;
    /// returns the reversal's own record (INCOMING, linked to the original). The money has moved;
    /// the record stays PENDING until [`Store::decide_authorisation`] records the enterprise's
    /// answer.
    ///
    /// # Errors
    /// [`MoneyError`]; `ExceedsAuthorisation` if the amount exceeds what is left.
    pub async fn reverse_authorisation(
        &self,
        request: ReverseAuthorisation,
    ) -> Result<Authorisation, MoneyError> {
        let Outcome::Reversal(reversal) = self.told(Command::Reverse(request)).await? else {
            return Err(UNEXPECTED);
        };
        Ok(*reversal)
    }

    /// Carries out a network's reversal, once: it gives back what no longer remains of the
    /// authorisation that it names, declines that one if it is undecided, and otherwise waits for
    /// it. The money has moved; a record that it made stays PENDING until
    /// [`Store::decide_authorisation`] records the enterprise's answer.
    ///
    /// # Errors
    /// [`MoneyError`]; `NetworkKeyConflict` if another message had its identity.
    pub async fn take_back(&self, request: TakeBack) -> Result<TakenBack, MoneyError> {
        let Outcome::TakenBack(taken) = self.told(Command::TakeBack(Box::new(request))).await?
        else {
            return Err(UNEXPECTED);
        };
        Ok(*taken)
    }

    /// Takes an advice as the fact that it states, once: what it holds or posts is forced, and what
    /// it declines is given back.
    ///
    /// # Errors
    /// [`MoneyError`]; `NetworkKeyConflict` if another message had its identity.
    pub async fn advise(&self, request: Advise) -> Result<Advised, MoneyError> {
        let Outcome::Advised(advised) = self.told(Command::Advise(Box::new(request))).await? else {
            return Err(UNEXPECTED);
        };
        self.wake_workers(&[JobKind::AdviceTelling]);
        Ok(*advised)
    }

    /// Posts a clearing that nothing authorised. The network forces it, so the deposit may go below
    /// zero, which flags it.
    ///
    /// # Errors
    /// [`MoneyError`]; `NoAccount` if there is no deposit in its currency.
    pub async fn force_clearing(
        &self,
        request: ForcedClearing,
    ) -> Result<PostingOutcome, MoneyError> {
        let Outcome::Posting(outcome) = self.told(Command::Force(Box::new(request))).await? else {
            return Err(UNEXPECTED);
        };
        Ok(*outcome)
    }

    /// Gives back the rest of an expired hold, and reports the authorisation in its new state;
    /// false if it was no longer open.
    pub async fn expire_hold(
        &self,
        enterprise_id: EnterpriseId,
        auth_id: AuthId,
        now: Timestamp,
        webhooks: Webhooks,
    ) -> Result<bool, MoneyError> {
        let Outcome::Expired(expired) =
            self.told(Command::Expire { enterprise_id, auth_id, now, webhooks }).await?
        else {
            return Err(UNEXPECTED);
        };
        Ok(expired)
    }
}
