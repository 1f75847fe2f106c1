//! The published dictionaries of customer data (cardbridge-open-api.md section 12). A
//! code outside its dictionary is worth a warning, never a refusal.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The published lists of codes, by name.
const PUBLISHED_TEXT: &str = include_str!("../../../../docs/spec/data/enums.json");

static PUBLISHED: LazyLock<BTreeMap<&str, Vec<&str>>> =
    LazyLock::new(|| serde_json::from_str(PUBLISHED_TEXT).expect("the file holds lists of codes"));

/// The published codes of a field that takes others too.
#[derive(Debug, PartialEq, Eq)]
pub struct Dictionary {
    /// Its name in the documents.
    pub name: &'static str,
    codes: Codes,
}

#[derive(Debug, PartialEq, Eq)]
enum Codes {
    /// The published list of this name.
    Published(&'static str),
    /// These; samples alone are published (cardbridge-open-api.md section 14, U10).
    Ours(&'static [&'static str]),
}

impl Dictionary {
    const fn published(name: &'static str, list: &'static str) -> Self {
        Self { name, codes: Codes::Published(list) }
    }

    /// The codes, in their published order.
    #[must_use]
    pub fn codes(&self) -> &'static [&'static str] {
        match self.codes {
            Codes::Published(list) => PUBLISHED.get(list).map_or(&[], Vec::as_slice),
            Codes::Ours(codes) => codes,
        }
    }
}

/// Proof-of-address document types.
pub const POA_DOC_TYPE: Dictionary = Dictionary::published("PoaDocType", "poaDocType");
/// Reasons of a freeze.
pub const FREEZE_REASON: Dictionary = Dictionary::published("FreezeReason", "freezeReason");
/// Reasons of a termination.
pub const INVALIDATE_REASON: Dictionary =
    Dictionary::published("InvalidateReason", "terminateReason");
/// Ways of holding crypto-assets.
pub const HOLDING_TYPE: Dictionary = Dictionary::published("HoldingType", "eddCryptoHoldingType");
/// Employment statuses.
pub const EMPLOYMENT_STATUS: Dictionary =
    Dictionary::published("EmploymentStatus", "employmentStatus");
/// Industries.
pub const EMPLOYMENT_JOB_INDUSTRY: Dictionary =
    Dictionary::published("EmploymentJobIndustry", "employmentJobIndustry");
/// Occupations.
pub const OCCUPATION: Dictionary = Dictionary::published("Occupation", "occupation");
/// Seniorities.
pub const JOB_SENIORITY: Dictionary = Dictionary::published("JobSeniority", "jobSeniority");
/// Purposes of an account.
pub const PURPOSE_OF_ACCOUNT: Dictionary =
    Dictionary::published("PurposeOfAccount", "purposeOfAccount");
/// Sources of funds.
pub const SOURCE_OF_FUNDS: Dictionary = Dictionary::published("SourceOfFunds", "sourceOfFunds");
/// Sources of wealth.
pub const SOURCE_OF_WEALTH: Dictionary = Dictionary::published("SourceOfWealth", "sourceOfWealth");
/// Kinds of identity documents.
pub const IDENTITY_PROOF_TYPE: Dictionary = Dictionary {
    name: "IdentityProofType",
    codes: Codes::Ours(&["ID_CARD", "PASSPORT", "DRIVING_LICENSE"]),
};
/// Sides of an identity document.
pub const IDENTITY_PROOF_SUB_TYPE: Dictionary =
    Dictionary { name: "IdentityProofSubType", codes: Codes::Ours(&["FRONT_SIDE", "BACK_SIDE"]) };

#[cfg(test)]
mod tests {
    use domain::{
        CardStatus, CardType, ChallengeStatus, Direction, IntentTicketStatus, OrderType,
        TransactionType,
    };

    use super::*;

    const OCCUPATIONS: &str = include_str!("../../../../docs/spec/data/occupations.tsv");

    /// The codes of one published enumeration.
    fn published(name: &str) -> Vec<String> {
        let all: serde_json::Value = serde_json::from_str(PUBLISHED_TEXT).unwrap();
        let codes = all[name].as_array().unwrap_or_else(|| panic!("no {name}"));
        codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_dictionaries_are_those_that_are_published() {
        for (name, dictionary) in [
            ("poaDocType", POA_DOC_TYPE),
            ("employmentStatus", EMPLOYMENT_STATUS),
            ("employmentJobIndustry", EMPLOYMENT_JOB_INDUSTRY),
            ("occupation", OCCUPATION),
            ("jobSeniority", JOB_SENIORITY),
            ("purposeOfAccount", PURPOSE_OF_ACCOUNT),
            ("sourceOfFunds", SOURCE_OF_FUNDS),
            ("sourceOfWealth", SOURCE_OF_WEALTH),
            ("freezeReason", FREEZE_REASON),
            ("terminateReason", INVALIDATE_REASON),
            ("eddCryptoHoldingType", HOLDING_TYPE),
        ] {
            assert_eq!(dictionary.codes(), published(name), "{name}");
        }
        let occupations: Vec<_> =
            OCCUPATIONS.lines().skip(1).filter_map(|row| row.split_once('\t')).collect();
        assert_eq!(
            OCCUPATION.codes(),
            occupations.iter().map(|(code, _)| *code).collect::<Vec<_>>()
        );
    }

    #[test]
    fn the_enumerations_are_those_that_are_published() {
        fn texts<T: Copy>(all: &[T], text: impl Fn(T) -> &'static str) -> Vec<&'static str> {
            all.iter().map(|value| text(*value)).collect()
        }
        for (name, ours) in [
            ("cardType", texts(CardType::ALL, CardType::as_str)),
            ("cardStatus", texts(CardStatus::ALL, CardStatus::as_str)),
            ("cardOrderType", texts(OrderType::ALL, OrderType::as_str)),
            ("threeDsStatus", texts(ChallengeStatus::ALL, ChallengeStatus::as_str)),
            ("intentTicketStatus", texts(IntentTicketStatus::ALL, IntentTicketStatus::as_str)),
            ("authDirection", texts(Direction::ALL, Direction::as_str)),
            ("authTransactionType", texts(TransactionType::ALL, TransactionType::as_str)),
        ] {
            let (mut ours, mut published) = (ours, published(name));
            ours.sort_unstable();
            published.sort_unstable();
            assert_eq!(ours, published, "{name}");
        }
    }

    #[test]
    fn the_dictionaries_are_complete_and_without_repeats() {
        let sizes = [
            (POA_DOC_TYPE, 9),
            (EMPLOYMENT_STATUS, 6),
            (EMPLOYMENT_JOB_INDUSTRY, 19),
            (OCCUPATION, 130),
            (JOB_SENIORITY, 11),
            (PURPOSE_OF_ACCOUNT, 5),
            (SOURCE_OF_FUNDS, 5),
            (SOURCE_OF_WEALTH, 8),
        ];
        for (dictionary, size) in sizes {
            let distinct: std::collections::BTreeSet<_> = dictionary.codes().iter().collect();
            assert_eq!((dictionary.codes().len(), distinct.len()), (size, size), "{dictionary:?}");
        }
    }
}
