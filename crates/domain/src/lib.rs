//! The vocabulary of the platform: money, ids, states, codes, time and randomness.
//!
//! Everything here is plain data and pure functions. The only contact with the outside is through
//! [`Clock`] and [`Random`], from which all other crates get time and random numbers.

mod account_owner;
mod amount_error;
mod authorisation;
mod billing;
mod card;
mod cause;
mod clock;
mod customer;
mod decimal;
mod enterprise;
mod entry_mode;
mod error_code;
mod event;
mod file_type;
mod fx;
mod guidance;
mod ids;
mod intent_ticket;
mod key_extraction;
mod kyc;
mod link_key;
mod mode;
mod money;
mod network_message;
mod order;
mod otp;
mod own_text;
mod pin;
mod profile;
mod random;
mod reconciliation;
mod reveal;
mod settlement;
mod stand_in;
mod text;
mod three_ds;
mod timestamp;
mod velocity;
mod vm;
mod vm_fees;
mod webhook;

/// Code that [`text_enum!`] writes into other crates refers to it.
#[doc(hidden)]
pub use serde;

pub use account_owner::AccountOwner;
pub use amount_error::AmountError;
pub use authorisation::{
    AuthType, Authorisation, AuthorisationStatus, Direction, HoldState, Merchant, NetworkKey,
    Payer, Posting, ResponseCode, TransactionType,
};
pub use billing::BillingAmount;
pub use card::{Card, CardEvent, CardStatus, CardStatusReason, CardTransitionError, CardType};
pub use cause::{Cause, Ruling};
pub use clock::{Clock, SystemTime, TimeSource};
pub use customer::{Customer, PhoneError, normalise_phone};
pub use decimal::ExactDecimal;
pub use enterprise::{
    ApiKey, Enterprise, RsaHash, RsaPadding, RsaScheme, RsaSignedBytes, SealedUrl, UrlUse,
};
pub use entry_mode::EntryMode;
pub use error_code::ErrorCode;
pub use event::{Event, EventKind, EventSubject};
pub use file_type::FileType;
pub use fx::{FxError, FxRate, FxTable};
pub use guidance::{GuidanceLink, GuidanceType, PageLanguage, PageMode, PageStep, PageTheme};
pub use ids::{
    AccountId, AuthId, CardId, ChallengeId, CustomerId, EnterpriseId, IdError, IdGenerator,
    IntentTicketId, JobId, KycTicketId, NetworkMessageId, OrderId, OutsId, PanId, ProfileId,
    RevealId, TransactionId, TransferId, VmAppId, VmFlowId, WebhookId,
};
pub use intent_ticket::{
    IntentEvent, IntentSubject, IntentTicket, IntentTicketStatus, IntentTicketType,
    IntentTransitionError,
};
pub use key_extraction::{ExtractionAttempt, ExtractionOutcome, KeyExtraction};
pub use kyc::{
    KycEvent, KycRefusal, KycTicket, KycTicketStatus, KycTicketType, KycTransitionError,
};
pub use link_key::{LinkKey, LinkKeyKind};
pub use mode::Mode;
pub use money::{Currency, Money};
pub use network_message::{
    AnswerDelivery, ArrivedMessage, Likeness, LinkArrival, MessageFacts, MessageIdentity,
    MessageKind, MessageNumbers, MessageOutcome, MessageRecord, OriginalNumbers,
};
pub use order::{CardOrder, OrderFailure, OrderStatus, OrderType};
pub use otp::{OtpDelivery, OtpDeliveryStatus};
pub use own_text::{
    MAX_REFERENCE_CHARS, ReferenceFault, ascii_domain, check_new_reference, email_key,
    holds_invisible, is_mark, is_reference, lower_email, normal_form,
};
pub use pin::{PinTries, PinVerdict};
pub use profile::{BinRange, BinRangeError, CardProfile, VelocityLimit, VelocityLimits};
pub use random::{Random, SystemRandom};
pub use reconciliation::{
    CutOver, FieldDifference, FieldDifferenceError, LinkTotals, Reconciled, ReconciliationResult,
    ReconciliationVerdict, ReconciliationWindow, Total, TotalKind,
};
pub use reveal::{Reveal, RevealPurpose};
pub use settlement::{AuthorisationRow, BusinessDay, DayError, SettlementFileType};
pub use stand_in::StandIn;
pub use text::EnumTextError;
pub use three_ds::{
    ChallengeEvent, ChallengeOverError, ChallengeStatus, ChallengeSteps, ChallengeVerdict,
    ThreeDsChallenge,
};
pub use timestamp::Timestamp;
pub use velocity::{PeriodUse, VelocityExcess, VelocityShare, VelocityUse};
pub use vm::{VmApp, VmCard, VmFlow, VmFlowKind, VmFunding, VmLimits, VmProduct};
pub use vm_fees::{VmFee, VmFeeKind, VmFees};
pub use webhook::{DeliveryStatus, Destination, WebhookEvent, WebhookSubType, WebhookType};
