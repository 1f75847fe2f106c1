//! What a link changes in how its requests are read (network-iso8583.md sections 3.2, 3.3 and 8.5).

use std::collections::BTreeMap;

use domain::TransactionType;
use iso8583::Message;
use vault::ClearPan;

use super::codes::Refusal;
use super::presence::require;
use super::words::words_of;

/// Digits of a code that names a type of transaction.
const CODE_DIGITS: usize = 2;

/// The rules of a link.
#[derive(Debug, Clone, Default)]
pub struct RequestRules {
    /// The leading digits of PANs that may come by the link; empty = all.
    pub prefixes: Vec<String>,
    /// Whether fields that messages usually have are mandatory.
    pub is_strict: bool,
    types: BTreeMap<String, TransactionType>,
}

impl RequestRules {
    /// Gives a code, the first two digits of DE3, a meaning; false if it is no code, or has one
    /// already.
    pub fn add_type(&mut self, code: &str, transaction_type: TransactionType) -> bool {
        let is_code = code.len() == CODE_DIGITS && code.bytes().all(|it| it.is_ascii_digit());
        let is_free = is_code && own_type(code).is_none();
        if is_free {
            self.types.insert(code.to_owned(), transaction_type);
        }
        is_free
    }

    /// What the first two digits of DE3 ask for.
    pub(crate) fn type_of(&self, code: &str) -> Option<TransactionType> {
        own_type(code).or_else(|| self.types.get(code).copied())
    }

    /// A card of another prefix belongs to nobody here.
    pub(crate) fn check_prefix(&self, pan: &ClearPan) -> Result<(), Refusal> {
        let is_right = |prefix: &String| pan.expose().starts_with(prefix.as_str());
        let may_come = self.prefixes.is_empty() || self.prefixes.iter().any(is_right);
        if may_come { Ok(()) } else { Err(Refusal::UnknownCard) }
    }

    /// Refuses a message that lacks a field that it usually has, if the link is strict.
    pub(crate) fn check_presence(&self, message: &Message) -> Result<(), Refusal> {
        if !self.is_strict {
            return Ok(());
        }
        let places = words_of(message).places();
        require(message, places.usual)?;
        match message.mti().class() {
            REVERSAL => Ok(()),
            _ => require(message, places.usual_of_requests),
        }
    }
}

/// The class of reversals.
const REVERSAL: u8 = 4;

/// What a code asks for on every link.
fn own_type(code: &str) -> Option<TransactionType> {
    match code {
        "00" | "09" => Some(TransactionType::Purchase),
        "01" | "11" | "17" => Some(TransactionType::Cash),
        "20" => Some(TransactionType::Refund),
        "30" | "31" | "33" => Some(TransactionType::Inquiry),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_gets_a_meaning_once() {
        let mut rules = RequestRules::default();
        assert_eq!(rules.type_of("26"), None);
        assert!(rules.add_type("26", TransactionType::Refund));
        assert_eq!(rules.type_of("26"), Some(TransactionType::Refund));
        for taken in ["00", "20", "2", "026", "2A"] {
            assert!(!rules.add_type(taken, TransactionType::Cash), "{taken}");
        }
    }

    #[test]
    fn prefixes_choose_cards() {
        let pan = ClearPan::parse("4000990012345678").unwrap();
        let check = |prefixes: &[&str]| {
            let prefixes = prefixes.iter().map(|it| (*it).to_owned()).collect();
            RequestRules { prefixes, ..RequestRules::default() }.check_prefix(&pan)
        };
        assert_eq!((check(&[]), check(&["51", "400099"])), (Ok(()), Ok(())));
        assert_eq!(check(&["400098"]), Err(Refusal::UnknownCard));
    }
}
