//! An authorisation, its hold and its postings.

use crate::text::text_enum;
use crate::{
    AccountOwner, AuthId, Card, CardId, Cause, CustomerId, EnterpriseId, ErrorCode, Money, OutsId,
    Ruling, Timestamp, TransactionId,
};

text_enum! {
    /// The direction in which the money goes.
    Direction {
        /// The cardholder pays.
        Outgoing = "OUTGOING",
        /// The cardholder receives: refund or reversal.
        Incoming = "INCOMING",
    }
}

text_enum! {
    /// The kind of authorisation that the network asked for.
    AuthType {
        /// A purchase to be cleared soon.
        Normal = "NORMAL",
        /// An amount reserved for a purchase to come.
        PreAuth = "PRE_AUTH",
        /// The completion of such a reservation.
        PreAuthCompletion = "PRE_AUTH_COMPLETION",
    }
}

text_enum! {
    /// The network's transaction type (cardbridge-open-api.md section 8.2).
    TransactionType {
        /// Cash.
        Cash = "C",
        /// Refund or return.
        Refund = "P",
        /// Inquiry; moves nothing.
        Inquiry = "Q",
        /// Purchase.
        Purchase = "R",
    }
}

text_enum! {
    /// The answer to an authorisation (cardbridge-open-api.md section 8.4).
    ResponseCode {
        /// Agree.
        Approved = "00",
        /// Refuse: insufficient funds.
        InsufficientFunds = "01",
        /// Refuse: transaction not allowed.
        NotAllowed = "11",
        /// Refuse: no response.
        NoResponse = "21",
    }
}

text_enum! {
    /// The state of the decision on an authorisation.
    AuthorisationStatus {
        /// The hold is taken, the enterprise is being asked.
        Pending = "PENDING",
        /// Approved. Final.
        Approved = "APPROVED",
        /// Declined. Final.
        Declined = "DECLINED",
    }
}

text_enum! {
    /// The life of the money set aside for an authorisation.
    HoldState {
        /// No money was set aside.
        None = "NONE",
        /// Money is set aside, or clearings that are not final have used it up.
        Pending = "PENDING",
        /// Cleared: nothing is held any longer.
        Posted = "POSTED",
        /// Released.
        Voided = "VOIDED",
        /// The rest was released because the hold expired.
        Expired = "EXPIRED",
    }
}

/// The shop.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Merchant {
    /// Card acceptor identification.
    pub merchant_id: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Country, alpha-2.
    pub country: Option<String>,
    /// Merchant category code, 4 digits.
    pub mcc: Option<String>,
}

impl Merchant {
    /// Name, city and country in one text, as far as they are known; empty if none is.
    #[must_use]
    pub fn name_and_place(&self) -> String {
        let parts = [&self.name, &self.city, &self.country];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// The network's own identity of a message: a repeat of the same card, STAN and RRN is the same
/// message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NetworkKey {
    /// System trace audit number.
    pub stan: String,
    /// Retrieval reference number.
    pub rrn: String,
}

/// One authorisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorisation {
    /// Owner of the card.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub auth_id: AuthId,
    /// The card.
    pub card_id: CardId,
    /// Its holder.
    pub customer_id: CustomerId,
    /// The bill it belongs to.
    pub outs_id: OutsId,
    /// The authorisation that this one increments, completes, reverses or refunds.
    pub original_auth_id: Option<AuthId>,
    /// The account that it draws on.
    pub account: AccountOwner,
    /// Direction of the money.
    pub direction: Direction,
    /// Kind.
    pub auth_type: AuthType,
    /// The network's transaction type.
    pub transaction_type: TransactionType,
    /// Amount in the billing currency: held, posted and requested.
    pub amount: Money,
    /// Amount as the shop asked for it.
    pub acquirer_amount: Money,
    /// Rate from the acquirer's to the billing currency, as decimal text.
    pub fx_rate: String,
    /// The shop.
    pub merchant: Merchant,
    /// The network's key, if it sent one.
    pub network_key: Option<NetworkKey>,
    /// State of the decision.
    pub status: AuthorisationStatus,
    /// The answer given; `None` while pending.
    pub response_code: Option<ResponseCode>,
    /// Dialect 1's reason for a decline.
    pub reject_reason: Option<ErrorCode>,
    /// The exact cause of the decision; `None` while pending.
    pub cause: Option<Cause>,
    /// Six digits given to the network with an approval.
    pub auth_code: Option<String>,
    /// State of the hold.
    pub hold_state: HoldState,
    /// Amount still set aside, in minor units of `amount`'s currency.
    pub hold_remaining_minor: i64,
    /// When the hold expires.
    pub hold_expires_at: Option<Timestamp>,
    /// Posted so far, in minor units of `amount`'s currency.
    pub posted_minor: i64,
    /// Cleared so far, in minor units of `acquirer_amount`'s currency.
    pub cleared_acquirer_minor: i64,
    /// Reversed so far, in minor units of `acquirer_amount`'s currency.
    pub reversed_acquirer_minor: i64,
    /// When it arrived.
    pub created_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
}

/// The card of an authorisation, and the account that it draws on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payer {
    /// Owner of the card.
    pub enterprise_id: EnterpriseId,
    /// The card.
    pub card_id: CardId,
    /// Its holder.
    pub customer_id: CustomerId,
    /// The account that the authorisation draws on.
    pub account: AccountOwner,
}

impl From<&Card> for Payer {
    fn from(card: &Card) -> Self {
        let Card { enterprise_id, card_id, customer_id, account, .. } = *card;
        Self { enterprise_id, card_id, customer_id, account }
    }
}

impl From<&Authorisation> for Payer {
    fn from(it: &Authorisation) -> Self {
        let Authorisation { enterprise_id, card_id, customer_id, account, .. } = *it;
        Self { enterprise_id, card_id, customer_id, account }
    }
}

impl Authorisation {
    /// An authorisation that is undecided, holds nothing and has moved nothing.
    #[must_use]
    pub fn purchase(
        payer: impl Into<Payer>,
        auth_id: AuthId,
        outs_id: OutsId,
        amount: Money,
        created_at: Timestamp,
    ) -> Self {
        let Payer { enterprise_id, card_id, customer_id, account } = payer.into();
        Self {
            enterprise_id,
            auth_id,
            card_id,
            customer_id,
            outs_id,
            original_auth_id: None,
            account,
            direction: Direction::Outgoing,
            auth_type: AuthType::Normal,
            transaction_type: TransactionType::Purchase,
            amount,
            acquirer_amount: amount,
            fx_rate: "1".to_owned(),
            merchant: Merchant::default(),
            network_key: None,
            status: AuthorisationStatus::Pending,
            response_code: None,
            reject_reason: None,
            cause: None,
            auth_code: None,
            hold_state: HoldState::None,
            hold_remaining_minor: 0,
            hold_expires_at: None,
            posted_minor: 0,
            cleared_acquirer_minor: 0,
            reversed_acquirer_minor: 0,
            created_at,
            decided_at: None,
        }
    }

    /// Decides it, with the codes that the cause leads to.
    pub fn decide(&mut self, cause: Cause, now: Timestamp) {
        let ruling = cause.ruling();
        self.status = match ruling {
            Ruling::Approval => AuthorisationStatus::Approved,
            _ => AuthorisationStatus::Declined,
        };
        self.response_code = Some(ruling.response_code());
        self.reject_reason = ruling.reject_reason();
        self.cause = Some(cause);
        self.decided_at = Some(now);
    }

    /// The text of its cause, as operators see it.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        self.cause.as_ref().map(Cause::to_string)
    }

    /// True if the cardholder gets money back for a return: it is posted once approved.
    #[must_use]
    pub fn is_refund(&self) -> bool {
        self.direction == Direction::Incoming && self.transaction_type == TransactionType::Refund
    }

    /// True if the network takes back an earlier authorisation with it.
    #[must_use]
    pub fn is_reversal(&self) -> bool {
        self.direction == Direction::Incoming && self.transaction_type != TransactionType::Refund
    }

    /// True if it was approved and takes money from the cardholder: only then can it be
    /// incremented, completed, cleared, reversed and refunded.
    #[must_use]
    pub fn is_approved_purchase(&self) -> bool {
        self.status == AuthorisationStatus::Approved
            && self.direction == Direction::Outgoing
            && self.transaction_type != TransactionType::Inquiry
    }

    /// True if it raises the authorisation that it names.
    #[must_use]
    pub fn is_increment(&self) -> bool {
        self.follows_with_money() && self.auth_type != AuthType::PreAuthCompletion
    }

    /// True if it completes the reservation that it names.
    #[must_use]
    pub fn is_completion(&self) -> bool {
        self.follows_with_money() && self.auth_type == AuthType::PreAuthCompletion
    }

    /// True if it names an original and takes money; an inquiry moves nothing.
    fn follows_with_money(&self) -> bool {
        self.direction == Direction::Outgoing
            && self.original_auth_id.is_some()
            && self.transaction_type != TransactionType::Inquiry
    }
}

/// Money that moved for good: a clearing or a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Owner of the card.
    pub enterprise_id: EnterpriseId,
    /// Id.
    pub transaction_id: TransactionId,
    /// The authorisation it clears.
    pub auth_id: AuthId,
    /// The bill it belongs to.
    pub outs_id: OutsId,
    /// The card.
    pub card_id: CardId,
    /// Its holder.
    pub customer_id: CustomerId,
    /// Direction of the money.
    pub direction: Direction,
    /// Amount in the billing currency.
    pub amount: Money,
    /// Amount as the shop asked for it.
    pub acquirer_amount: Money,
    /// The shop.
    pub merchant: Merchant,
    /// When the authorisation arrived.
    pub authorised_at: Timestamp,
    /// When it was posted.
    pub posted_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Currency;

    #[test]
    fn a_refusal_is_internal() {
        let payer = Payer {
            enterprise_id: EnterpriseId::from_i64(1),
            card_id: CardId::from_i64(3),
            customer_id: CustomerId::from_i64(4),
            account: AccountOwner::Deposit,
        };
        let (auth_id, outs_id) = (AuthId::from_i64(2), OutsId::from_i64(5));
        let (amount, now) = (Money::zero(Currency::USD), Timestamp::from_micros(1));
        let mut it = Authorisation::purchase(payer, auth_id, outs_id, amount, now);
        it.decide(Cause::CardFrozen, Timestamp::from_micros(2));
        assert_eq!(it.reject_reason, Some(ErrorCode::AuthInternalReject));
        assert_eq!(it.detail().as_deref(), Some("card_frozen"));
        assert_eq!(it.status, AuthorisationStatus::Declined);
    }
}
