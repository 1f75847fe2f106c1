//! The commands that move money, and their outcomes.

use std::sync::Arc;

use domain::{
    AccountOwner, ArrivedMessage, AuthId, Authorisation, CardId, Cause, Currency, EnterpriseId,
    JobId, LinkArrival, MessageKind, MessageOutcome, MessageRecord, Money, Payer, Posting,
    ResponseCode, StandIn, Timestamp, VmAppId,
};
use ledger::{Account, LedgerError};
use thiserror::Error;

use super::renderers::{ReceiptRenderer, Webhooks};
use super::terms::{AccountKey, VelocityTerms, VmTariff};
use crate::{Claim, StoreError};

/// The reason why money did not move.
#[derive(Debug, Clone, Error)]
pub enum MoneyError {
    /// A rule of the ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No such authorisation.
    #[error("authorisation not found")]
    NotFound,
    /// The authorisation is not approved.
    #[error("the authorisation is not approved")]
    NotApproved,
    /// The amount exceeds what is left of the authorisation.
    #[error("more than the authorisation has left")]
    ExceedsAuthorisation,
    /// The authorisation was incremented too often.
    #[error("the authorisation has too many increments")]
    TooManyIncrements,
    /// Another message within [`crate::NETWORK_KEY_DAYS`] had the network's key.
    #[error("the network's key (card, STAN, RRN) was used for another message")]
    NetworkKeyConflict,
    /// The owner has no deposit in the currency.
    #[error("the enterprise has no deposit in this currency")]
    NoAccount,
    /// The reference was used for another movement.
    #[error("the reference was used for another movement")]
    ReferenceMismatch,
    /// Below the domain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl MoneyError {
    /// True if the authorisation that a message follows is not open; nothing was written then.
    #[must_use]
    pub const fn is_original_ended(&self) -> bool {
        matches!(self, Self::NotApproved | Self::Ledger(LedgerError::HoldClosed))
    }
}

/// A new authorisation.
#[derive(Debug, Clone)]
pub struct BeginAuthorisation {
    /// The authorisation. If it is PENDING, its amount is held, unless that is zero or goes to the
    /// cardholder; of a completion only what its reservation lacks. An OUTGOING one that names an
    /// original increments or completes that. If it is DECLINED, it is recorded as it is.
    pub authorisation: Authorisation,
    /// The message of a link, which is known when it arrives again; `None` for a simulated one,
    /// which is known by its card, what it follows, STAN and RRN.
    pub message: Option<LinkArrival>,
    /// The class of a simulated message.
    pub kind: MessageKind,
    /// Renders the receipt so far, or that of a decline.
    pub receipt: Arc<dyn ReceiptRenderer>,
    /// Renders the webhook if it is declined here: because it was declined before, because it would
    /// exceed a limit, or because the deposit does not cover it.
    pub webhooks: Webhooks,
    /// The app of dialect 2 whose card it is, among whose transactions it is listed.
    pub vm_app_id: Option<VmAppId>,
    /// The limits that it is judged by and counts towards; None = it is not counted.
    pub velocity: Option<VelocityTerms>,
    /// The fees for its app if it is declined here; None = no fees.
    pub tariff: Option<VmTariff>,
}

/// The result of a new authorisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BeginOutcome {
    /// The hold is taken; the enterprise may be asked.
    Held(Authorisation),
    /// Declined and reported: it was declined before, would exceed a limit, or the deposit does not
    /// cover it.
    Refused(Authorisation),
    /// The network's key came before with the same message, which made this authorisation; nothing
    /// was written.
    Repeated(Authorisation),
}

/// The decision of an authorisation whose hold is taken.
#[derive(Debug, Clone)]
pub struct DecideAuthorisation {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The authorisation.
    pub auth_id: AuthId,
    /// The cause of the decision, from which its codes follow; a decline gives the hold back.
    pub cause: Cause,
    /// The terms on which the commit approves in spite of a `cause` that declines; None = it does
    /// not.
    pub stand_in: Option<StandIn>,
    /// Code given to the network with an approval; unused if it is declined.
    pub auth_code: Option<String>,
    /// True if an approval is posted in the same commit: a crash between the two would leave a sale
    /// that nobody clears.
    pub posts: bool,
    /// Renders the whole receipt.
    pub receipt: Arc<dyn ReceiptRenderer>,
    /// Renders the webhooks of the decision and of the authorisations that it took over.
    pub webhooks: Webhooks,
    /// The fees for its app for the decision; None = no fees.
    pub tariff: Option<VmTariff>,
    /// Business time.
    pub now: Timestamp,
}

/// The result of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecideOutcome {
    /// Decided by this decision.
    Decided(Authorisation),
    /// It was decided before, perhaps differently: nothing was written.
    AlreadyDecided(Authorisation),
}

/// A clearing of an authorisation, posted at the moment of its commit. Its amounts are in
/// the acquirer's currency.
#[derive(Debug, Clone)]
pub struct ClearAuthorisation {
    /// The authorisation.
    pub auth_id: AuthId,
    /// The amount in the acquirer's currency, minor units; None = all that is not yet cleared or
    /// reversed.
    pub acquirer_amount_minor: Option<i64>,
    /// True if nothing more will come, so the rest of the hold is given back.
    pub is_final: bool,
    /// Renders the webhook of the authorisation.
    pub webhooks: Webhooks,
}

/// A posting and the authorisation it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostingOutcome {
    /// The posting.
    pub posting: Posting,
    /// The authorisation afterwards.
    pub authorisation: Authorisation,
}

/// A reversal: the network takes back an approved authorisation, or a part of it.
#[derive(Debug, Clone)]
pub struct ReverseAuthorisation {
    /// The authorisation.
    pub auth_id: AuthId,
    /// The amount in the acquirer's currency, minor units; None = all that is left.
    pub acquirer_amount_minor: Option<i64>,
    /// What is to remain of it, in place of an amount that is taken back.
    pub remaining_minor: Option<i64>,
    /// True if an approved refund may be taken back as well: an operator decides so.
    pub takes_refunds: bool,
    /// The receipt of the reversal until it is decided.
    pub receipt: String,
    /// Id of the reversal itself.
    pub reversal_id: AuthId,
    /// Renders the webhook of each authorisation that it changes.
    pub webhooks: Webhooks,
    /// Business time.
    pub now: Timestamp,
}

/// Renders the stored receipt of an authorisation again, with its outcome.
pub type CorrectedReceipt = fn(stored: &str, it: &Authorisation) -> String;

/// A reversal that a network sends. It says what remains of its original.
#[derive(Debug, Clone)]
pub struct TakeBack {
    /// The message.
    pub message: LinkArrival,
    /// The card that it names, and the account that the card draws on.
    pub payer: Payer,
    /// The currency of that account.
    pub currency: Currency,
    /// The original's authorisation code, if the message gives it.
    pub auth_code: Option<String>,
    /// Id of the reversal's own record.
    pub reversal_id: AuthId,
    /// Renders the webhook of each approved authorisation that it changes.
    pub webhooks: Webhooks,
    /// Renders the webhook of an undecided authorisation that it declines.
    pub decision_webhooks: Webhooks,
    /// Renders that one's receipt.
    pub corrected_receipt: CorrectedReceipt,
    /// Business time.
    pub now: Timestamp,
}

impl TakeBack {
    /// The account of the card.
    pub(super) const fn key(&self) -> AccountKey {
        (self.payer.enterprise_id, self.currency, self.payer.account)
    }
}

/// The result of a network's reversal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenBack {
    /// What it led to.
    pub outcome: MessageOutcome,
    /// True if the same message led to it before; nothing was written.
    pub is_repeated: bool,
    /// The reversal's own record, which is still to be reported to the enterprise; `None` if
    /// nothing that was approved was given back.
    pub reversal: Option<Authorisation>,
}

/// What a network decided in the enterprise's place.
#[derive(Debug, Clone)]
pub struct Advise {
    /// The message.
    pub message: ArrivedMessage,
    /// What is kept of a link's message for operators; `None` for a simulated one.
    pub kept: Option<MessageRecord>,
    /// The authorisation that a simulated message names by its id. A link's message names it by its
    /// numbers.
    pub names: Option<AuthId>,
    /// The record of what it states, undecided: nothing is held or posted yet.
    pub record: Authorisation,
    /// The code of a decline; `None` = the network approved.
    pub decline: Option<ResponseCode>,
    /// The authorisation code, if the message gives one: the network's, or that of the original.
    pub auth_code: Option<String>,
    /// True if it states a posting.
    pub posts: bool,
    /// True if more clearings may follow one that leaves something.
    pub allows_more: bool,
    /// True if it is no fact, but a request to clear what it names within what that has left;
    /// anything else is an error.
    pub must_clear: bool,
    /// Id of the record of what it may give back.
    pub reversal_id: AuthId,
    /// Id of the job that tells the enterprise; the notice has it too.
    pub job_id: JobId,
    /// Renders the receipt of the record.
    pub receipt: Arc<dyn ReceiptRenderer>,
    /// Renders the webhook of each approved authorisation that it changes.
    pub webhooks: Webhooks,
    /// Renders the webhook of a decline.
    pub decision_webhooks: Webhooks,
    /// Renders the receipt of an undecided authorisation that it declines.
    pub corrected_receipt: CorrectedReceipt,
    /// The app of dialect 2 whose card it is, among whose transactions it is listed.
    pub vm_app_id: Option<VmAppId>,
    /// The limits that it counts towards; it is not judged by them.
    pub velocity: Option<VelocityTerms>,
    /// The fees for its app; None = no fees.
    pub tariff: Option<VmTariff>,
    /// Business time.
    pub now: Timestamp,
}

/// The result of an advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advised {
    /// True if the same advice was taken before.
    pub is_repeated: bool,
    /// The authorisation that it made, or is about.
    pub auth_id: Option<AuthId>,
    /// The record of what was given back, which is still to be reported to the enterprise.
    pub reversal: Option<Authorisation>,
}

/// A clearing that nothing authorised (force post): it has its own authorisation record and
/// is posted at once.
#[derive(Debug, Clone)]
pub struct ForcedClearing {
    /// The clearing's own record: OUTGOING, approved, without a hold, wholly posted. It
    /// arrives and is decided at the moment of its commit.
    pub record: Authorisation,
    /// The receipt.
    pub receipt: String,
    /// The app of dialect 2 whose card it is, among whose transactions it is listed.
    pub vm_app_id: Option<VmAppId>,
    /// Renders its webhook.
    pub webhooks: Webhooks,
}

/// A deposit or a withdrawal.
#[derive(Debug, Clone)]
pub(crate) struct MoveFunds {
    pub(crate) enterprise_id: EnterpriseId,
    pub(crate) owner: AccountOwner,
    pub(crate) amount: Money,
    pub(crate) reference: String,
    pub(crate) is_deposit: bool,
    pub(crate) now: Timestamp,
}

impl MoveFunds {
    /// The key of the account on which money moves.
    pub(super) const fn key(&self) -> AccountKey {
        (self.enterprise_id, self.amount.currency(), self.owner)
    }
}

/// The outcome of a deposit or withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedFunds {
    /// The account afterwards.
    pub account: Account,
    /// True if the reference was used before, so nothing moved now.
    pub repeated: bool,
}

/// Money from one account of an enterprise to another.
#[derive(Debug, Clone)]
pub(crate) struct TransferFunds {
    pub(crate) enterprise_id: EnterpriseId,
    pub(crate) from: AccountOwner,
    pub(crate) to: AccountOwner,
    pub(crate) amount: Money,
    pub(crate) now: Timestamp,
}

impl TransferFunds {
    pub(super) const fn keys(&self) -> (AccountKey, AccountKey) {
        let (enterprise_id, currency) = (self.enterprise_id, self.amount.currency());
        ((enterprise_id, currency, self.from), (enterprise_id, currency, self.to))
    }
}

/// A fee, charged to an account.
#[derive(Debug, Clone)]
pub(crate) struct ChargeFee {
    pub(crate) enterprise_id: EnterpriseId,
    pub(crate) from: AccountOwner,
    pub(crate) amount: Money,
    pub(crate) now: Timestamp,
}

impl ChargeFee {
    pub(super) const fn key(&self) -> AccountKey {
        (self.enterprise_id, self.amount.currency(), self.from)
    }
}

/// Ends a prepaid card: an app's balance takes over what its account has, and later gets or lacks.
#[derive(Debug, Clone)]
pub(crate) struct CloseCard {
    pub(crate) enterprise_id: EnterpriseId,
    pub(crate) card_id: CardId,
    pub(crate) currency: Currency,
    pub(crate) into: VmAppId,
}

impl CloseCard {
    pub(super) fn keys(&self) -> (AccountKey, AccountKey) {
        let of = |owner| (self.enterprise_id, self.currency, owner);
        (of(AccountOwner::Card(self.card_id)), of(AccountOwner::VmBalance(self.into)))
    }
}

/// A command for the grouping writer.
#[derive(Debug, Clone)]
pub(crate) enum Command {
    Begin(Box<BeginAuthorisation>),
    Decide(Box<DecideAuthorisation>),
    Clear(ClearAuthorisation),
    Reverse(ReverseAuthorisation),
    TakeBack(Box<TakeBack>),
    Advise(Box<Advise>),
    Force(Box<ForcedClearing>),
    Expire {
        enterprise_id: EnterpriseId,
        auth_id: AuthId,
        now: Timestamp,
        webhooks: Webhooks,
    },
    Move(MoveFunds),
    Transfer(TransferFunds),
    Charge(ChargeFee),
    Close(CloseCard),
    /// One of the others, with the key of the call that it carries out.
    Claimed(Claim, Box<Command>),
}

impl Command {
    /// The command with the key of the call that this task carries out, if it does the business of
    /// a call: a decision only ends what was begun under the key.
    pub(crate) fn claimed(self) -> Self {
        let is_business = matches!(
            self,
            Self::Begin(_)
                | Self::Advise(_)
                | Self::Clear(_)
                | Self::Reverse(_)
                | Self::Force(_)
                | Self::Move(_)
        );
        match Claim::current().filter(|_| is_business) {
            Some(claim) => Self::Claimed(claim, Box::new(self)),
            None => self,
        }
    }
}

/// The answers of the grouping writer, one kind for each kind of command.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Begin(BeginOutcome),
    Decide(DecideOutcome),
    Posting(Box<PostingOutcome>),
    Reversal(Box<Authorisation>),
    TakenBack(Box<TakenBack>),
    Advised(Box<Advised>),
    Expired(bool),
    Moved(Box<MovedFunds>),
    Transferred(Box<(Account, Account)>),
    Charged(Box<Account>),
    Closed,
}
