//! What only a card network's message says of a purchase. No rule depends on it; the receipt keeps
//! it.

use std::collections::BTreeMap;

use domain::{EntryMode, Money};
use serde::{Serialize, Serializer};

/// What a message says beside card, amount and shop (network-iso8583.md sections 3.3 and 7.6).
/// `None` is what it does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkFacts {
    /// The link that brought it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The processing code, six digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing_code: Option<String>,
    /// The acquirer's country: ISO 3166-1 numeric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acquirer_country: Option<String>,
    /// How the card was read.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "text")]
    pub entry_mode: Option<EntryMode>,
    /// The condition at the point of service, as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The acquirer, as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acquirer: Option<String>,
    /// The terminal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
    /// The rate at which the network bills, as it came: how many decimals, then the digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_rate: Option<String>,
    /// The part of the amount that is paid out in cash.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "major")]
    pub cash_back: Option<Money>,
    /// What the chip sent and is kept: values in hexadecimal by their tags (network-iso8583.md
    /// section 3.6).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub chip: BTreeMap<String, String>,
}

impl NetworkFacts {
    /// True if the message says nothing of the kind.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn text<S: Serializer>(mode: &Option<EntryMode>, serializer: S) -> Result<S::Ok, S::Error> {
    mode.map(EntryMode::as_str).serialize(serializer)
}

fn major<S: Serializer>(amount: &Option<Money>, serializer: S) -> Result<S::Ok, S::Error> {
    amount.map(Money::to_major).serialize(serializer)
}
