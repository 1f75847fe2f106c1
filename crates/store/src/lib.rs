//! The only place with SQL: domain operations over SQLite or PostgreSQL.
//!
//! Callers see operations of the domain (`place_order`, `begin_authorisation`), never tables. Each
//! operation that changes something is one commit, together with the webhooks that report it.
//!
//! Every function fails with [`StoreError`] when the engine fails, refuses or has too much to do,
//! and when stored data is not what the domain allows. Each operation's own errors are in its error
//! type.

mod accounts;
mod advices;
mod aside;
mod authorisations;
mod calls;
mod cards;
mod certain_writes;
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
mod feed;
mod guidance;
mod intent_tickets;
mod jobs;
mod key_extractions;
mod kyc_tickets;
mod left_behind;
mod link_keys;
mod link_reconciliations;
mod link_totals;
mod listing;
mod location;
mod migrations;
mod money;
mod now_and_then;
mod open_ends;
mod opening;
mod orders;
mod otp;
mod outbox;
mod outstandings;
mod packing;
mod pending_migrations;
mod pins;
mod plastics;
mod process;
mod profiles;
mod readiness;
mod receipts;
mod records;
mod replacements;
mod replay;
mod request_log;
mod retention;
mod reveals;
mod settings;
mod settlement;
mod statements;
mod store;
mod surroundings;
mod three_ds;
mod velocity;
mod verify;
mod vm;
mod waiting;
mod writes_under_way;

pub use accounts::AccountFilter;
pub use advices::AdviceTold;
pub use authorisations::{AuthorisationFilter, AuthorisationView, PartsOf, PostingFilter};
pub use calls::KnownCall;
pub use cards::{CardChange, CardChangeError, PanRecord, TellOfCard};
pub use claim::{Claim, Kept, KeptAnswer};
pub use clear_urls::ClearUrl;
pub use customers::CreateCustomerError;
pub use day::OpenDay;
pub use durability::{Durability, Standbys};
pub use engine::{ServerUrlError, Value, check_server_url};
pub use enterprises::{EnterprisePatch, KeyOwner, NewEnterprise, PlatformKey};
pub use error::StoreError;
pub use feed::{EventFilter, Numbered, NumberedEvent};
pub use guidance::{HolderProof, OpenLinkError, OpenedPage, PagePassword, ProofOutcome};
pub use intent_tickets::{IntentChange, IntentChangeError, PlaceIntentTicket};
pub use jobs::{Job, JobKind, Renewal};
pub use kyc_tickets::{KycChange, KycChangeError, PlaceKycTicket, PlaceTicketError};
pub use link_totals::{ComputedTotals, MAX_COUNTED_MESSAGES, MAX_LINK_RESPONSE_MS, TotalsRequest};
pub use listing::{ListOrder, MAX_PAGE_ROWS, PageRequest};
pub use location::{Location, Pooler, ServerLocation};
pub use migrations::StartTurn;
pub use money::{
    Advise, Advised, AnswerNote, BeginAuthorisation, BeginOutcome, Change, ClearAuthorisation,
    CorrectedReceipt, DecideAuthorisation, DecideOutcome, FailedCheck, ForcedClearing, LinkMessage,
    LinkMessageFilter, MoneyError, MovedFunds, NETWORK_KEY_DAYS, OwnLimits, PostingOutcome,
    ReceiptRenderer, RepeatedApproval, ReverseAuthorisation, TakeBack, TakenBack, VelocityTerms,
    VmTariff, WebhookRenderer, Webhooks,
};
pub use now_and_then::NowAndThen;
pub use open_ends::UnreadableHold;
pub use orders::{
    CustomerDraft, IssuedCard, OrderStep, OrderStepOutcome, PlaceOrder, PlaceOrderError,
};
pub use otp::{MAX_OTP_DELIVERIES, OTP_REF_KEPT_S, OTP_WINDOW_S, OtpClaim};
pub use outbox::{
    Attempt, AttemptOutcome, Delivery, DeliveryFilter, DeliveryView, DueDestination, Grant,
};
pub use outstandings::Outstanding;
pub use pending_migrations::pending_migrations;
pub use pins::{
    PinAttempt, PinChange, PinChangeError, PinComparison, PinPredecessor, PinPresentation,
};
pub use plastics::{Plastic, PlasticActivation, PlasticError, Tracking};
pub use process::{Holder, OtherReport, Reports, TakeNumberError};
pub use replacements::{
    PlaceReplacement, PlaceReplacementError, ReplacementOutcome, ReplacementStep, Twin,
};
pub use replay::ServedRequest;
pub use retention::{AtRest, AtRestPage, ExportState, ExportedFile, ExportedRows, Forgotten};
pub use settlement::{
    ControlTotal, CutOutcome, FirstSettlementRow, LedgerGap, MAX_PIECE_BYTES, SettlementFile,
    SettlementLink,
};
pub use store::Store;
pub use surroundings::CardSurroundings;
pub use three_ds::{ChallengeChange, ChallengeChangeError, TellOfChallenge};
pub use verify::{VerifyReport, Violation};
pub use vm::{
    ChallengeCode, ChangeVmCard, OpenVmCard, TypedCode, VmAppAccount, VmAppPatch, VmBalances,
    VmCardError, VmCardFilter, VmCardOperation, VmCardRow, VmCardView, VmFeePatch, VmFeesPatch,
    VmFlowPage, VmLimitChange, VmPage, VmProductError, VmRows, VmStanding, VmTransactionFilter,
};
pub use writes_under_way::WritesUnderWay;
