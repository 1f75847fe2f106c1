//! The types of the domain in columns.

use std::net::IpAddr;
use std::str::FromStr;

use domain::{
    AccountId, AccountOwner, AnswerDelivery, ArrivedMessage, AuthId, AuthType, AuthorisationStatus,
    BinRange, BusinessDay, CardId, CardStatus, CardStatusReason, CardType, Cause, ChallengeId,
    ChallengeStatus, Currency, CustomerId, CutOver, DeliveryStatus, Destination, Direction,
    EnterpriseId, ErrorCode, ExtractionOutcome, FieldDifference, GuidanceType, HoldState,
    IntentSubject, IntentTicketId, IntentTicketStatus, IntentTicketType, JobId, KycRefusal,
    KycTicketId, KycTicketStatus, KycTicketType, LinkKeyKind, Merchant, MessageFacts,
    MessageIdentity, MessageKind, MessageNumbers, MessageOutcome, Money, NetworkKey,
    NetworkMessageId, OrderFailure, OrderId, OrderStatus, OrderType, OriginalNumbers,
    OtpDeliveryStatus, OutsId, PageLanguage, PageMode, PageStep, PageTheme, PanId, PeriodUse,
    PinTries, ProfileId, Reconciled, ReconciliationVerdict, ReconciliationWindow, ResponseCode,
    RevealId, RevealPurpose, RsaHash, RsaPadding, RsaSignedBytes, SealedUrl, SettlementFileType,
    StandIn, Timestamp, TotalKind, TransactionId, TransactionType, TransferId, VelocityLimit,
    VelocityLimits, VmAppId, VmFee, VmFlowId, VmFlowKind, VmFunding, VmLimits, WebhookId,
    WebhookSubType, WebhookType,
};
use ipnet::IpNet;
use ledger::{Bucket, TransferKind};
use rust_decimal::Decimal;

use super::{Fields, Stored, none_as_zero};
use crate::engine::Value;
use crate::{ExportState, JobKind, StoreError};

/// Types of one column: the function of [`Fields`] that reads each, the conversion of the result
/// (None if it stands for no value of the type), and the value to write.
macro_rules! one_column {
    ($read:ident { $($type:ty: $from:expr, $to:expr;)+ }) => { $(
        impl Stored for $type {
            const WIDTH: usize = 1;

            fn read(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
                let found = fields.$read()?;
                $from(found).ok_or(fields.corrupt())
            }

            fn write(&self, values: &mut Vec<Value>) {
                values.push($to(self).into());
            }
        }
    )+ };
}

one_column! { int {
    i64: Some, |it: &i64| *it;
    u16: |it| u16::try_from(it).ok(), |it: &u16| *it;
    u32: |it| u32::try_from(it).ok(), |it: &u32| *it;
    u64: |it| u64::try_from(it).ok(), |it: &u64| it.cast_signed();
    bool: |it| Some(it != 0), |it: &bool| *it;
    Timestamp: |it| Some(Timestamp::from_micros(it)), |it: &Timestamp| *it;
    BusinessDay: |it| Some(BusinessDay::from_i64(it)), |it: &BusinessDay| it.as_i64();
    Currency: |it| u16::try_from(it).ok().and_then(Currency::from_numeric), |it: &Currency| *it;
} }

one_column! { text {
    String: |it: &str| Some(it.to_owned()), |it: &String| it.as_str().to_owned();
    BinRange: |it: &str| it.parse().ok(), BinRange::to_string;
    Cause: |it: &str| Some(Cause::from(it)), |it: &Cause| it.text().into_owned();
    Decimal: |it: &str| it.parse().ok(), Decimal::to_string;
    IpAddr: |it: &str| it.parse().ok(), IpAddr::to_string;
    Bucket: |it: &str| it.parse().ok(), |it: &Bucket| it.as_str();
    TransferKind: |it: &str| it.parse().ok(), |it: &TransferKind| it.as_str();
    Vec<String>: parsed_lines, |it: &Vec<String>| joined_lines(it);
    Vec<IpNet>: parsed_lines, |it: &Vec<IpNet>| joined_lines(it);
    Vec<FieldDifference>: parsed_lines, |it: &Vec<FieldDifference>| joined_lines(it);
} }

one_column! { bytes {
    Vec<u8>: |it: &[u8]| Some(it.to_vec()), Vec::as_slice;
    [u8; 32]: |it: &[u8]| it.try_into().ok(), <[u8; 32]>::as_slice;
    SealedUrl: |it: &[u8]| Some(SealedUrl::from_sealed(it.to_vec())), SealedUrl::as_sealed;
} }

/// Ids are stored as numbers.
macro_rules! ids {
    ($($id:ident),+ $(,)?) => { $(
        impl From<$id> for Value {
            fn from(id: $id) -> Self { Self::Int(id.as_i64()) }
        }

        one_column! { int { $id: |it| Some($id::from_i64(it)), |it: &$id| *it; } }
    )+ };
}

ids!(
    AccountId,
    AuthId,
    CardId,
    ChallengeId,
    CustomerId,
    EnterpriseId,
    IntentTicketId,
    JobId,
    KycTicketId,
    OrderId,
    OutsId,
    PanId,
    ProfileId,
    RevealId,
    TransactionId,
    TransferId,
    VmAppId,
    VmFlowId,
    WebhookId,
    NetworkMessageId,
);

/// Enumerations are stored as their fixed texts.
macro_rules! fixed_texts {
    ($($kind:ident),+ $(,)?) => { $(
        impl From<$kind> for Value {
            fn from(value: $kind) -> Self { value.as_str().into() }
        }

        one_column! { text { $kind: |it: &str| it.parse().ok(), |it: &$kind| *it; } }
    )+ };
}

fixed_texts!(
    AnswerDelivery,
    AuthType,
    AuthorisationStatus,
    CardStatus,
    CardStatusReason,
    CardType,
    ChallengeStatus,
    DeliveryStatus,
    Direction,
    ErrorCode,
    ExtractionOutcome,
    GuidanceType,
    HoldState,
    IntentTicketStatus,
    IntentTicketType,
    ExportState,
    JobKind,
    KycTicketStatus,
    KycTicketType,
    LinkKeyKind,
    MessageKind,
    MessageOutcome,
    OrderStatus,
    OrderType,
    OtpDeliveryStatus,
    PageLanguage,
    PageMode,
    PageStep,
    PageTheme,
    ReconciliationVerdict,
    ResponseCode,
    RevealPurpose,
    RsaHash,
    RsaPadding,
    RsaSignedBytes,
    SettlementFileType,
    TotalKind,
    TransactionType,
    VmFlowKind,
    VmFunding,
    WebhookSubType,
    WebhookType,
);

impl From<Currency> for Value {
    fn from(currency: Currency) -> Self {
        currency.numeric().into()
    }
}

/// A list is stored as one entry a line; an empty list has no line.
fn parsed_lines<T: FromStr>(text: &str) -> Option<Vec<T>> {
    text.lines().map(|line| line.parse().ok()).collect()
}

fn joined_lines<T: ToString>(entries: &[T]) -> String {
    entries.iter().map(T::to_string).collect::<Vec<_>>().join("\n")
}

/// Declares groups of fields, which fill as many columns as their fields do together; the record
/// that has such a group names the columns.
///
/// ```ignore
/// groups! { NetworkKey { stan: String, rrn: String } }
/// ```
macro_rules! groups {
    ($($group:ident { $($field:ident: $type:ty),+ })+) => { $(
        impl $crate::records::Stored for $group {
            const WIDTH: usize = 0 $(+ <$type as $crate::records::Stored>::WIDTH)+;

            fn read(
                fields: &mut $crate::records::Fields<'_>,
            ) -> Result<Self, $crate::StoreError> {
                Ok(Self { $($field: fields.read()?),+ })
            }

            fn write(&self, values: &mut Vec<$crate::engine::Value>) {
                $($crate::records::Stored::write(&self.$field, values);)+
            }
        }
    )+ };
}
pub(crate) use groups;

groups! {
    ArrivedMessage { identity: MessageIdentity, facts: MessageFacts }
    Reconciled { kind: TotalKind, amount: Option<Money> }
    CutOver {
        link: String,
        at: Timestamp,
        stan: String,
        transmitted_at: String,
        origin: i64
    }
    KycRefusal { error_code: ErrorCode, error_reason: String }
    Merchant {
        merchant_id: Option<String>,
        name: Option<String>,
        city: Option<String>,
        country: Option<String>,
        mcc: Option<String>
    }
    MessageFacts {
        transmitted_at: String,
        processing_code: String,
        amount: Option<Money>,
        remaining_minor: Option<i64>,
        original: Option<OriginalNumbers>
    }
    MessageIdentity { numbers: MessageNumbers, subject: String }
    MessageNumbers {
        network: String,
        kind: MessageKind,
        acquirer: String,
        stan: String,
        stamp: String,
        rrn: String
    }
    NetworkKey { stan: String, rrn: String }
    OrderFailure { error_code: ErrorCode, error_reason: String }
    OriginalNumbers {
        kind: MessageKind,
        acquirer: String,
        stan: String,
        moment: String
    }
    PeriodUse { first_day: i64, amount_minor: i64, count: i64 }
    PinTries { wrong_pins: u32, wrong_resets: u32, resets_locked_until: Option<Timestamp> }
    ReconciliationWindow { from: Option<Timestamp>, to: Option<Timestamp> }
    StandIn { currency: Currency, amount_minor: i64, daily_total_minor: i64 }
    VelocityLimit { amount_minor: Option<i64>, count: Option<i64> }
    VelocityLimits { single: VelocityLimit, daily: VelocityLimit, monthly: VelocityLimit }
    VmFee { basis_points: u32, least_minor: i64 }
    VmLimits { single_minor: i64, day_minor: i64, month_minor: i64, total_minor: i64 }
}

/// The enterprise, then the app or [`NO_APP`](super::NO_APP).
impl Stored for Destination {
    const WIDTH: usize = 2;

    fn read(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self { enterprise_id: fields.read()?, vm_app_id: none_as_zero::read(fields)? })
    }

    fn write(&self, values: &mut Vec<Value>) {
        self.enterprise_id.write(values);
        none_as_zero::write(&self.vm_app_id, values);
    }
}

/// The amount, then the currency.
impl Stored for Money {
    const WIDTH: usize = 2;

    fn read(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self::new(fields.read()?, fields.read()?))
    }

    fn write(&self, values: &mut Vec<Value>) {
        values.extend([self.amount_minor().into(), self.currency().into()]);
    }
}

/// The purpose, then the owner's id.
impl Stored for AccountOwner {
    const WIDTH: usize = 2;

    fn read(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        let (purpose, owner_id) = (fields.text()?, fields.int()?);
        Self::parse(purpose, owner_id).ok_or(fields.corrupt())
    }

    fn write(&self, values: &mut Vec<Value>) {
        values.extend([self.purpose().into(), self.owner_id().into()]);
    }
}

/// The type of the ticket, then the id of its subject.
impl Stored for IntentSubject {
    const WIDTH: usize = 2;

    fn read(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        Ok(Self::of(fields.read()?, fields.read()?))
    }

    fn write(&self, values: &mut Vec<Value>) {
        values.extend([self.ticket_type().into(), self.business_id().into()]);
    }
}
