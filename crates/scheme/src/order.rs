//! What a message asks for in the domain's words, whichever network it came from
//! (network-iso8583.md section 13).

use std::collections::BTreeMap;

use authorise::{AuthoriseError, ChipVerdict, NetworkFacts};
use domain::{
    ArrivedMessage, AuthId, AuthType, Authorisation, BillingAmount, Card, CardId, LinkArrival,
    Merchant, MessageFacts, MessageNumbers, MessageRecord, Money, NetworkKey, PanId, ResponseCode,
    TransactionType,
};
use store::MoneyError;
use tokio::time::Instant;
use vault::{ClearPan, ClearPin};
use zeroize::Zeroizing;

use crate::purchase::CardReference;

/// A purchase, cash withdrawal, inquiry, increment, completion or refund.
pub(crate) struct Order {
    /// The card.
    pub(crate) card: OrderCard,
    /// The PIN that the shopper entered, if any.
    pub(crate) pin: Option<OrderPin>,
    /// What the chip sent, if one was read.
    pub(crate) chip: Option<OrderChip>,
    /// The amount as the shop asks for it; `None` = nothing, in the card's currency.
    pub(crate) acquirer_amount: Option<Money>,
    /// The amount that the network bills, if it says so.
    pub(crate) billing: Option<BillingAmount>,
    /// The network's transaction type.
    pub(crate) transaction_type: TransactionType,
    /// Kind.
    pub(crate) auth_type: AuthType,
    /// The shop.
    pub(crate) merchant: Merchant,
    /// STAN and RRN. Repeated by the simulated network, they give the first answer again.
    pub(crate) network_key: Option<NetworkKey>,
    /// What the message says beside all that, for the receipt.
    pub(crate) facts: NetworkFacts,
    /// The message of a link; `None` for a simulated one.
    pub(crate) message: Option<LinkMessage>,
    /// True for a single message: an approval is posted at once.
    pub(crate) posts: bool,
    /// What it follows.
    pub(crate) original: Original,
    /// Whether it asks for the card's balances.
    pub(crate) balances: BalanceInquiry,
    /// When the network stops waiting for the decision; `None` = the enterprise's deadline decides.
    pub(crate) answer_by: Option<Instant>,
}

/// A link's message, before it is known which card it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkMessage {
    /// The numbers by which it is known when it arrives again.
    pub(crate) numbers: MessageNumbers,
    /// What it says beside them.
    pub(crate) facts: MessageFacts,
    /// What is kept of it for operators.
    pub(crate) record: MessageRecord,
}

impl LinkMessage {
    /// With the fingerprint of a PAN that is not one of ours.
    pub(crate) fn about_unknown(self, fingerprint: &[u8]) -> LinkArrival {
        let identity = self.numbers.about_unknown(fingerprint);
        let message = ArrivedMessage { identity, facts: self.facts };
        LinkArrival { message, record: self.record }
    }

    /// Its numbers, for the log.
    pub(crate) fn told(&self) -> Told {
        let MessageNumbers { stan, rrn, .. } = self.numbers.clone();
        Told { link: self.record.link.clone(), stan, rrn }
    }

    /// With the PAN that it is about.
    pub(crate) fn about(self, pan_id: PanId) -> LinkArrival {
        let identity = self.numbers.about(pan_id);
        let message = ArrivedMessage { identity, facts: self.facts };
        LinkArrival { message, record: self.record }
    }
}

/// The numbers of a fact, for the log.
pub(crate) struct Told {
    link: String,
    stan: String,
    rrn: String,
}

impl Told {
    /// Reports a fact that is refused because an earlier one with its numbers says something else:
    /// an operator must look, since nobody posts it.
    pub(crate) fn contradicts(&self, error: &AuthoriseError) {
        if matches!(error, AuthoriseError::Money(MoneyError::NetworkKeyConflict)) {
            let Self { link, stan, rrn } = self;
            tracing::warn!(link, stan, rrn, "a fact contradicts an earlier one: answered 94");
        }
    }
}

/// A reversal that a link brings.
pub(crate) struct Reversal {
    /// The PAN.
    pub(crate) pan: ClearPan,
    /// The message.
    pub(crate) message: LinkMessage,
    /// The original's authorisation code, if the message gives it.
    pub(crate) auth_code: Option<String>,
}

/// What a link says that its network decided.
pub(crate) struct Advice {
    /// What was decided.
    pub(crate) order: Order,
    /// The PAN.
    pub(crate) pan: ClearPan,
    /// The message.
    pub(crate) message: LinkMessage,
    /// The code of a decline; `None` = the network approved.
    pub(crate) decline: Option<ResponseCode>,
    /// The authorisation code that the message gives.
    pub(crate) auth_code: Option<String>,
    /// True if more clearings may follow one that leaves something.
    pub(crate) allows_more: bool,
}

/// Whether a message asks for the card's balances (network-iso8583.md section 3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BalanceInquiry {
    /// It does not.
    None,
    /// An approval shows them for a card that is decided here.
    WhereKnown,
    /// The same, and a card whose balances are not known here is refused.
    Required,
}

/// An entered PIN.
pub(crate) enum OrderPin {
    /// In the clear.
    Clear(ClearPin),
    /// Of another length than the PIN of a card has.
    OtherLength,
    /// In a block that is still to be opened.
    Block(Zeroizing<[u8; 8]>),
    /// In a block that cannot be opened.
    Unreadable,
}

/// What a chip sent.
pub(crate) struct OrderChip {
    /// The card's sequence number, two digits.
    pub(crate) sequence: String,
    /// Values by their tags, of those that are kept.
    pub(crate) tags: BTreeMap<u32, Vec<u8>>,
    /// What became of its cryptogram.
    pub(crate) verdict: ChipVerdict,
}

impl OrderChip {
    /// The value of a tag.
    pub(crate) fn tag(&self, tag: u32) -> Option<&[u8]> {
        self.tags.get(&tag).map(Vec::as_slice)
    }

    /// Its values as the receipt keeps them.
    pub(crate) fn shown(&self) -> BTreeMap<String, String> {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        self.tags.iter().map(|(tag, value)| (format!("{tag:02X}"), hex(value))).collect()
    }
}

/// The card of an order.
pub(crate) enum OrderCard {
    /// Its record.
    Record(Box<Card>),
    /// The id of its record.
    Id(CardId),
    /// What was read off it.
    Pan {
        /// The PAN.
        pan: ClearPan,
        /// Expiry, YYMM or MM/YY, if presented.
        expiry: Option<String>,
        /// CVV2, if presented.
        cvv2: Option<Zeroizing<String>>,
        /// The CVV of a track, if one was presented that is compared.
        cvv1: Option<TrackCvv>,
    },
}

/// The CVV of a track. What the track lacks makes it wrong.
pub(crate) struct TrackCvv {
    /// The service code under which it is computed.
    pub(crate) service_code: Option<String>,
    /// Its digits.
    pub(crate) digits: Option<Zeroizing<String>>,
}

impl From<CardReference> for OrderCard {
    fn from(reference: CardReference) -> Self {
        match reference {
            CardReference::Id(card_id) => Self::Id(card_id),
            CardReference::Pan { pan, expiry, cvv2 } => {
                Self::Pan { pan, expiry: Some(expiry), cvv2: Some(cvv2), cvv1: None }
            }
        }
    }
}

/// The authorisation that an order follows.
pub(crate) enum Original {
    /// None.
    None,
    /// The one that the message names, if it can be raised; otherwise none.
    Named,
    /// The one of this id, which must have been made with the same PAN.
    Id(AuthId),
    /// This one.
    Record(Box<Authorisation>),
}
