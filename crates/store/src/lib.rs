//! The only place with SQL: domain operations over SQLite or PostgreSQL.
//!
//! Callers see operations of the domain (`place_order`, `begin_authorisation`),
//! never tables. Each operation that changes something is one commit, and takes
//! the webhooks that tell of it into the same commit.
//!
//! Every function fails with [`StoreError`] when the engine fails, refuses or has too much to
//! do, and when what is stored is not what the domain allows. What else can go wrong is the
//! error type of each.

mod accounts;
mod authorisations;
mod cards;
mod claim;
mod clear_urls;
mod continuing;
mod customers;
mod day;
mod durability;
mod email_keys;
mod engine;
mod enterprises;
mod error;
mod guidance;
mod intent_tickets;
mod jobs;
mod key_extractions;
mod kyc_tickets;
mod listing;
mod migrations;
mod money;
mod orders;
mod otp;
mod outbox;
mod outstandings;
mod pins;
mod plastics;
mod process;
mod profiles;
mod readiness;
mod records;
mod replacements;
mod replay;
mod request_log;
mod reveals;
mod settings;
mod settlement;
mod statements;
mod surroundings;
mod three_ds;
mod velocity;
mod verify;
mod vm;
mod waiting;
mod writes_under_way;

pub use accounts::{AccountFilter, MovedFunds};
pub use authorisations::{
    AuthorisationFilter, AuthorisationView, PartsOf, PostingFilter, UnreadableHold,
};
pub use cards::{CardChange, CardChangeError, PanRecord, TellOfCard};
pub use claim::{Claim, Kept, KeptAnswer, KnownCall};
pub use clear_urls::ClearUrl;
pub use customers::CreateCustomerError;
pub use day::OpenDay;
pub use durability::{Durability, Standbys};
pub use engine::{ServerUrlError, check_server_url};
pub use enterprises::{EnterprisePatch, NewEnterprise, PlatformKey};
pub use error::StoreError;
pub use guidance::{HolderProof, OpenLinkError, OpenedPage, PagePassword, ProofOutcome};
pub use intent_tickets::{IntentChange, IntentChangeError, PlaceIntentTicket};
pub use jobs::{Job, JobKind, Renewal};
pub use kyc_tickets::{KycChange, KycChangeError, PlaceKycTicket, PlaceTicketError};
pub use listing::{ListOrder, PageWish};
pub use migrations::StartTurn;
pub use money::{
    BeginAuthorisation, BeginOutcome, Change, ClearAuthorisation, DecideAuthorisation,
    DecideOutcome, FailedCheck, ForcedClearing, MoneyError, NETWORK_KEY_DAYS, OwnLimits,
    PostingOutcome, ReceiptRenderer, ReverseAuthorisation, VelocityTerms, VmTariff,
    WebhookRenderer, Webhooks,
};
pub use orders::{
    CustomerDraft, IssuedCard, OrderStep, OrderStepOutcome, PlaceOrder, PlaceOrderError,
};
pub use otp::{MAX_OTP_DELIVERIES, OTP_REF_KEPT_S, OTP_WINDOW_S, OtpClaim};
pub use outbox::{
    Attempt, AttemptOutcome, Delivery, DeliveryFilter, DeliveryView, DueDestination, Grant,
};
pub use outstandings::Outstanding;
pub use pins::{
    PinAttempt, PinChange, PinChangeError, PinComparison, PinPredecessor, PinPresentation,
};
pub use plastics::{Plastic, PlasticActivation, PlasticError, Tracking};
pub use process::{Holder, TakeNumberError};
pub use replacements::{
    PlaceReplacement, PlaceReplacementError, ReplacementOutcome, ReplacementStep, Twin,
};
pub use replay::ServedRequest;
pub use settlement::{
    ControlTotal, CutOutcome, LedgerGap, MAX_PIECE_BYTES, SettlementFile, SettlementLink,
};
pub use surroundings::CardSurroundings;
pub use three_ds::{ChallengeChange, ChallengeChangeError, TellOfChallenge};
pub use verify::{VerifyReport, Violation};
pub use vm::{
    ChallengeCode, ChangeVmCard, OpenVmCard, TypedCode, VmAppPatch, VmBalances, VmCardError,
    VmCardFilter, VmCardRow, VmCardView, VmCardWish, VmFeePatch, VmFeesPatch, VmFlowPage,
    VmLimitChange, VmPage, VmProductError, VmPurse, VmRows, VmStanding, VmTransactionFilter,
};
pub use writes_under_way::WritesUnderWay;

use std::path::PathBuf;
use std::sync::Arc;

use domain::{Clock, IdGenerator};
use tokio::sync::Notify;

use engine::{Engine, Postgres, Sqlite};

/// Where the data lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// An embedded SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server, by its `postgres://` URL.
    Postgres(String),
}

/// Most rows that one page of a listing holds.
pub const MAX_PAGE_ROWS: u32 = 500;

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    clock: Clock,
    ids: Arc<IdGenerator>,
    day: Arc<tokio::sync::RwLock<()>>,
    outbox_changed: Notify,
    jobs_changed: [Notify; JobKind::ALL.len()],
    requests: replay::RequestMemory,
    number: Arc<process::Number>,
    certain_turns: tokio::sync::Semaphore,
    readiness: readiness::Readiness,
}

impl Store {
    /// Opens the store, creates it if need be, and brings its schema up to date.
    ///
    /// # Errors
    /// The place cannot be opened, or a migration fails.
    pub async fn open(
        location: Location,
        clock: Clock,
        ids: Arc<IdGenerator>,
    ) -> Result<Self, StoreError> {
        let mut requests = replay::RequestMemory::default();
        let number: Arc<process::Number> = Arc::default();
        let engine = match &location {
            Location::Sqlite(path) => {
                requests = replay::RequestMemory::beside(path, &clock);
                Engine::Sqlite(Sqlite::open(path, migrations::migrate_sqlite, Arc::clone(&ids))?)
            }
            Location::Postgres(url) => {
                let engine = Postgres::open(url, Arc::clone(&ids), Arc::clone(&number)).await?;
                migrations::migrate_postgres(&engine).await?;
                Engine::Postgres(engine)
            }
        };
        let store = Self {
            inner: Arc::new(Inner {
                engine,
                clock,
                ids,
                day: Arc::default(),
                outbox_changed: Notify::new(),
                jobs_changed: Default::default(),
                requests,
                number,
                certain_turns: tokio::sync::Semaphore::new(engine::CERTAIN_WRITES),
                readiness: readiness::Readiness::default(),
            }),
        };
        store.continue_ids().await?;
        store.fill_email_keys().await?;
        Ok(store)
    }

    /// Whether the data lives in an embedded file of this process alone.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        matches!(self.inner.engine, Engine::Sqlite(_))
    }

    /// Commits what is queued and closes the engine; later calls fail.
    pub async fn close(&self) {
        if let Err(error) = self.save_progress().await {
            tracing::warn!(%error, "where business time and ids are was not saved");
        }
        match &self.inner.engine {
            Engine::Sqlite(engine) => engine.close().await,
            Engine::Postgres(engine) => {
                engine.finish().await;
                self.give_number_back(engine).await;
                engine.close();
            }
        }
    }

    /// Wakes whenever a webhook entered the outbox or became due.
    #[must_use]
    pub fn outbox_changed(&self) -> &Notify {
        &self.inner.outbox_changed
    }

    /// Wakes whenever a job of a kind was added or its due time changed. Each kind has one
    /// worker in a process: a change wakes one.
    #[must_use]
    pub fn jobs_changed(&self, kind: JobKind) -> &Notify {
        &self.inner.jobs_changed[kind as usize]
    }

    /// The clock that the store was opened with.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The generator of ids that the store was opened with.
    #[must_use]
    pub fn ids(&self) -> &IdGenerator {
        &self.inner.ids
    }
}
