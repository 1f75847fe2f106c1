//! The records that callers read by key, and the key of each.

use domain::{
    AuthId, Authorisation, BusinessDay, Card, CardId, CardOrder, CardProfile, ChallengeId,
    Customer, CustomerId, Enterprise, EnterpriseId, GuidanceLink, IntentTicket, IntentTicketId,
    KeyExtraction, KycTicket, KycTicketId, OrderId, PanId, Posting, ProfileId, SettlementFileType,
    ThreeDsChallenge, TransactionId, VmApp, VmAppId, VmCard,
};

use super::{Record, Stored};
use crate::engine::Value;
use crate::{PanRecord, Plastic, SettlementFile};

/// A record that callers read by its key.
pub trait Found: Record {
    /// Its key; that of an enterprise's record begins with the enterprise.
    type Key: Stored;
}

/// The key of a record whose id alone identifies a row, whichever enterprise owns it.
pub trait OwnedKey {
    /// The id.
    type Id: Into<Value>;
}

impl<I: Into<Value>> OwnedKey for (EnterpriseId, I) {
    type Id = I;
}

/// A record that an enterprise gives its own reference.
pub trait Referenced: Record {
    /// The column of the reference.
    const REFERENCE: &'static str;
}

/// Implements [`Found`] and [`Referenced`].
///
/// ```ignore
/// found! { CardOrder by (EnterpriseId, OrderId), or "card_order_ref"; }
/// ```
macro_rules! found {
    ($($record:ident by $key:ty $(, or $reference:literal)?;)+) => { $(
        impl Found for $record {
            type Key = $key;
        }

        $(impl Referenced for $record {
            const REFERENCE: &'static str = $reference;
        })?
    )+ };
}

found! {
    Authorisation by (EnterpriseId, AuthId);
    Card by (EnterpriseId, CardId);
    CardOrder by (EnterpriseId, OrderId), or "card_order_ref";
    CardProfile by (EnterpriseId, ProfileId);
    Customer by (EnterpriseId, CustomerId), or "customer_ref";
    Enterprise by EnterpriseId;
    GuidanceLink by [u8; 32];
    IntentTicket by (EnterpriseId, IntentTicketId), or "ticket_ref";
    KeyExtraction by [u8; 32];
    KycTicket by (EnterpriseId, KycTicketId), or "kyc_ticket_ref";
    PanRecord by (EnterpriseId, PanId);
    Plastic by (EnterpriseId, CardId);
    Posting by (EnterpriseId, TransactionId);
    SettlementFile by (EnterpriseId, BusinessDay, SettlementFileType);
    ThreeDsChallenge by (EnterpriseId, ChallengeId);
    VmApp by (EnterpriseId, VmAppId);
    VmCard by (EnterpriseId, CardId);
}
