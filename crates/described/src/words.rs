//! The lists of words. Their words and meanings are defined in the domain's enumerations and in
//! the dictionaries.

use domain::{
    AuthType, AuthorisationStatus, CardStatus, CardStatusReason, CardType, ChallengeStatus,
    ChallengeVerdict, DeliveryStatus, Direction, ErrorCode, ExtractionOutcome, HoldState,
    IntentTicketStatus, IntentTicketType, KycTicketStatus, KycTicketType, OrderStatus, OrderType,
    OtpDeliveryStatus, ResponseCode, RevealPurpose, RsaHash, RsaPadding, RsaSignedBytes,
    SettlementFileType, TransactionType, VmFunding, WebhookSubType, WebhookType,
};
use wire::cardbridge::dictionary;
use wire::cardbridge::otp::OtpChannel;

/// Words, each with its meaning; empty if the word is clear by itself.
type Words = Vec<(&'static str, &'static str)>;

/// A list of words.
pub struct List {
    /// Its name in the documents.
    pub name: &'static str,
    /// Its subject.
    pub meaning: &'static str,
    /// Its words, each with its meaning; empty if the word is clear by itself.
    pub words: fn() -> Words,
    /// True if other words are taken too.
    pub is_open: bool,
}

/// A list that is one of the domain's enumerations.
macro_rules! closed {
    ($name:literal, $enumeration:ty, $meaning:literal) => {
        List {
            name: $name,
            meaning: $meaning,
            words: || <$enumeration>::ALL.iter().map(|it| (it.as_str(), it.meaning())).collect(),
            is_open: false,
        }
    };
}

/// A list that also admits other words.
macro_rules! open {
    ($name:literal, $words:expr, $meaning:literal) => {
        List {
            name: $name,
            meaning: concat!($meaning, " Another code is taken too."),
            words: || $words.codes().iter().map(|text| (*text, "")).collect(),
            is_open: true,
        }
    };
}

/// Every list, in the order of the written page.
pub(crate) static LISTS: &[List] = &[
    closed!("OrderType", OrderType, "What is ordered."),
    closed!("OrderStatus", OrderStatus, "How far a card order has come."),
    closed!("CardType", CardType, "Whether a card exists only as numbers or also as plastic."),
    closed!("CardStatus", CardStatus, "The state of a card."),
    closed!("CardStatusReason", CardStatusReason, "Why a card has its state."),
    closed!("KycTicketType", KycTicketType, "How a KYC ticket's data came."),
    closed!("KycTicketStatus", KycTicketStatus, "How far the identity checks have come."),
    closed!("IntentTicketType", IntentTicketType, "What evidence is for."),
    closed!("IntentTicketStatus", IntentTicketStatus, "How far the review of evidence has come."),
    closed!("ChallengeStatus", ChallengeStatus, "Where a 3DS challenge stands."),
    closed!("ChallengeVerdict", ChallengeVerdict, "The enterprise's verdict on a 3DS challenge."),
    closed!("OtpChannel", OtpChannel, "How a one-time password reaches the customer."),
    closed!("OtpDeliveryStatus", OtpDeliveryStatus, "What came of sending a one-time password."),
    closed!("Direction", Direction, "The direction of the money."),
    closed!("AuthType", AuthType, "The kind of an authorisation."),
    closed!("TransactionType", TransactionType, "What the cardholder does."),
    closed!("ResponseCode", ResponseCode, "The answer to an authorisation."),
    closed!("AuthorisationStatus", AuthorisationStatus, "Whether an authorisation is decided."),
    closed!("HoldState", HoldState, "The life of the money set aside for an authorisation."),
    List {
        name: "ApproveFlag",
        meaning: "How an authorisation was decided.",
        words: || vec![("A", "Approved."), ("D", "Declined.")],
        is_open: false,
    },
    List {
        name: "DeclineReason",
        meaning: "Why an authorisation was declined.",
        words: || {
            let reasons = ErrorCode::ALL.iter().filter(|it| it.is_decline());
            reasons.map(|it| (it.as_str(), it.meaning())).collect()
        },
        is_open: false,
    },
    closed!("SettlementFileType", SettlementFileType, "Which reconciliation file."),
    List {
        name: "WebhookType",
        meaning: "What a webhook of the enterprise is about.",
        words: || {
            let own = WebhookType::ALL.iter().filter(|it| !it.is_of_an_app());
            own.map(|it| (it.as_str(), it.meaning())).collect()
        },
        is_open: false,
    },
    closed!("AnyWebhookType", WebhookType, "What a webhook is about."),
    closed!("WebhookSubType", WebhookSubType, "Whether the object is new."),
    closed!("DeliveryStatus", DeliveryStatus, "Where the delivery of a webhook stands."),
    closed!("RsaPadding", RsaPadding, "How the authorisation notice and its answer are encrypted."),
    closed!("RsaHash", RsaHash, "The digest of the signatures on notices and answers."),
    closed!(
        "RsaSignedBytes",
        RsaSignedBytes,
        "Which bytes of a notice's ciphertext are signed; answers may sign either."
    ),
    closed!("ExtractionOutcome", ExtractionOutcome, "What came of an attempt to fetch a key."),
    closed!("RevealPurpose", RevealPurpose, "How card data was opened."),
    closed!("VmFunding", VmFunding, "Where the money of an app's card comes from."),
    closed!("ErrorCode", ErrorCode, "A code of a refusal, and when it is answered."),
    open!("EmploymentStatus", dictionary::EMPLOYMENT_STATUS, "Employment."),
    open!("EmploymentJobIndustry", dictionary::EMPLOYMENT_JOB_INDUSTRY, "Industries."),
    open!("Occupation", dictionary::OCCUPATION, "Occupations."),
    open!("JobSeniority", dictionary::JOB_SENIORITY, "Seniority."),
    open!("PurposeOfAccount", dictionary::PURPOSE_OF_ACCOUNT, "What the card is for."),
    open!("SourceOfFunds", dictionary::SOURCE_OF_FUNDS, "Where the money comes from."),
    open!("SourceOfWealth", dictionary::SOURCE_OF_WEALTH, "Where the wealth comes from."),
    open!("PoaDocType", dictionary::POA_DOC_TYPE, "Kinds of proofs of address."),
    open!("IdentityProofType", dictionary::IDENTITY_PROOF_TYPE, "Kinds of identity documents."),
    open!("IdentityProofSubType", dictionary::IDENTITY_PROOF_SUB_TYPE, "Sides of a document."),
    open!("FreezeReason", dictionary::FREEZE_REASON, "Why a card is frozen."),
    open!("InvalidateReason", dictionary::INVALIDATE_REASON, "Why a card is ended."),
    open!("HoldingType", dictionary::HOLDING_TYPE, "Ways of holding crypto-assets."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_list_has_a_name_of_its_own_and_words_without_repeats() {
        let names: BTreeSet<_> = LISTS.iter().map(|list| list.name).collect();
        assert_eq!(names.len(), LISTS.len());
        for list in LISTS {
            let words = (list.words)();
            let texts: BTreeSet<_> = words.iter().map(|(text, _)| *text).collect();
            assert!(!texts.is_empty() && texts.len() == words.len(), "{}", list.name);
            for (text, meaning) in words {
                let is_sentence = meaning.is_empty() || meaning.ends_with('.');
                assert!(is_sentence, "{} {text}: {meaning}", list.name);
            }
        }
    }
}
