//! The published dictionaries of customer data (cardbridge-open-api.md section 12). A
//! code outside its dictionary is worth a warning, never a refusal.

use serde::Serialize;
use serde_json::Value;

use crate::field::{Dictionary, Kind, Table};

/// Proof-of-address document types.
pub const POA_DOC_TYPE: Dictionary = Dictionary::new(
    "PoaDocType",
    &[
        "UTILITY_BILL",
        "BANK_STATEMENT",
        "CREDIT_CARD_STATEMENT",
        "LEASE_AND_PAYMENT",
        "MORTGAGE_AND_PAYMENT",
        "DRIVING_LICENSE",
        "OTHER_GOVERNMENT_ID",
        "ENTRY_ON_ELECTORAL_ROLL",
        "SALARY_STATEMENT",
    ],
);

/// Kinds of identity documents.
pub const IDENTITY_PROOF_TYPE: Dictionary =
    Dictionary::new("IdentityProofType", &["ID_CARD", "PASSPORT", "DRIVING_LICENSE"]);

/// Sides of an identity document.
pub const IDENTITY_PROOF_SUB_TYPE: Dictionary =
    Dictionary::new("IdentityProofSubType", &["FRONT_SIDE", "BACK_SIDE"]);

/// Reasons of a freeze.
pub const FREEZE_REASON: Dictionary = Dictionary::new("FreezeReason", &["NORMAL", "USER_FREEZE"]);

/// Reasons of a termination.
pub const INVALIDATE_REASON: Dictionary =
    Dictionary::new("InvalidateReason", &["CARD_LOST", "CARD_STOLEN"]);

/// How crypto-assets are held.
pub const HOLDING_TYPE: Dictionary =
    Dictionary::new("HoldingType", &["CUSTODIAN", "NON_CUSTODIAN", "ALL"]);

/// Employment statuses.
pub const EMPLOYMENT_STATUS: Dictionary = Dictionary::new(
    "EmploymentStatus",
    &["EMPLOYED", "BUSINESS_OWNER", "SELF_EMPLOYED", "UNEMPLOYED", "PENSIONER", "STUDENT"],
);

/// Industries.
pub const EMPLOYMENT_JOB_INDUSTRY: Dictionary = Dictionary::new(
    "EmploymentJobIndustry",
    &[
        "INFORMATION_AND_COMMUNICATIONS",
        "RETAIL_TRADE",
        "FINANCIAL_AND_INSURANCE_ACTIVITIES",
        "ELECTRICITY_GAS_AND_WATER_SUPPLY",
        "TRANSPORT_AND_STORAGE",
        "CONSTRUCTION",
        "TRAVEL_RELATED",
        "ACCOMMODATION_AND_FOOD_SERVICES_ACTIVITIES",
        "ENTERTAINMENT",
        "PAYMENTS",
        "DIGITAL_PAYMENT_TOKEN_RELATED",
        "PROFESSIONAL",
        "LUXURY_GOODS",
        "MANUFACTURING",
        "MINING_AND_QUARRYING",
        "AGRICULTURE_AND_FISHING",
        "REAL_PROPERTY_AND_DEVELOPMENT_OF_LAND",
        "WHOLESALE_TRADE",
        "OTHERS",
    ],
);

/// Occupations.
pub const OCCUPATION: Dictionary = Dictionary::new(
    "Occupation",
    &[
        "PHYSIOTHERAPIST",
        "SPECIALIST",
        "SURGEON",
        "PATHOLOGIST",
        "PLASTIC_SURGEON",
        "PSYCHOLOGIST",
        "SR_EXECUTIVE",
        "CHAIRMAN",
        "MANAGING_DIR",
        "JR_EXECUTIVE",
        "TERTIARY_STUDENT",
        "UNKNOWN",
        "GENERAL_WORKER",
        "UNEMPLOYED",
        "PILOT",
        "AIR_STEWARD_STEWARDESS",
        "CLERK",
        "CUST_SERVICE_CONSULTANT",
        "ARTIST_ENTERTAINMENT",
        "BEAUTY_CONSULTNT_STYLIST",
        "SOCIAL_WORKER",
        "TECHNICAL_CONSULTANT",
        "IT_CONSULTANT",
        "COMPUTER_ANALYST",
        "TECHNICIAN",
        "WAREHOUSING_PERSONNEL",
        "SYSTEMS_PROGRAMMER",
        "TEACHER",
        "INSTRUCTOR",
        "ASST_PROFESSOR",
        "VICE_DEAN",
        "PROFESSOR",
        "APPLICATION_PROGRAMMER",
        "OTHERS",
        "REMISIER",
        "PROPERTY_AGENT",
        "SALES_EXEC",
        "MARKETING_EXEC",
        "HAWKER",
        "CONTRACTOR",
        "PARTNER",
        "ARMY_SPECIALIST",
        "CIVIL_SERVANT",
        "DEPUTY_PM",
        "CABINET_MINISTER",
        "BANKING_PROFESSIONAL",
        "BANKER_FUND_MANAGER",
        "POLITICIAN_CIVIL_SERVANT",
        "DRAFTSMAN",
        "QUANTITY_SURVEYOR",
        "CHEM_ENGINEER",
        "FIN_CONTROLLER",
        "PROF_ACCOUNTANCY",
        "HIGH_COURT_JUDGE",
        "CHIEF_JUSTICE",
        "AUDITOR_GENERAL",
        "CIVIL_ENGINEER",
        "ELEC_ENGINEER",
        "LEGAL_ADVISER",
        "PROF_ENGINEER",
        "JUDGE",
        "LAWYER",
        "DOCTOR",
        "GEN_PRACTITIONER",
        "RESEARCHER",
        "BIOCHEMIST",
        "GYNAECOLOGIST",
        "MATRON",
        "ORTHOPAEDICIAN",
        "OFFICER",
        "PROF_MEDICAL",
        "OBSTETRICIAN",
        "PSYCHIATRIST",
        "MGT_CONSULTANT",
        "REG_MANAGER",
        "DIV_MANAGER",
        "TOP_EXECUTIVE",
        "GENERAL_MGR",
        "DEPT_MANAGER",
        "EXEC_OFFICER",
        "PRESIDENT",
        "V_PRESIDENT_DIR",
        "SECURITY_SAFETY_PERSON",
        "HOSPITALITY_PERSONNEL",
        "HOUSEWIFE",
        "STUDENT",
        "COOK_CHEF",
        "DRIVER",
        "DIVER",
        "SECRETARY",
        "DESIGNER",
        "SUPERVISOR",
        "EDITOR",
        "JOURNALIST",
        "PASTOR",
        "PROJECT_CO_ORDINATOR",
        "SYSTEMS_ANALYST",
        "PRINCIPAL",
        "V_PRINCIPAL",
        "LECTURER",
        "DEAN",
        "CHANCELLOR",
        "INSURANCE_AGENT",
        "SALESMAN",
        "SOLE_PROPRIETOR",
        "SELF_EMPLOYED",
        "BUSINESS",
        "POLICE",
        "AMBASSADOR",
        "PARLIAMENTARY_SECRETARY",
        "AUDITOR",
        "V_PRESIDENT",
        "PRIME_MINISTER",
        "PROF_ARCHITECT",
        "ARCHITECT",
        "MECH_ENGINEER",
        "SYSTEMS_ENGINEER",
        "PROCESS_ENGINEER",
        "ASST_ACCOUNTANT",
        "CREDIT_ANALYST",
        "TREASURER",
        "ACCOUNTANT",
        "FIN_CONSULTANT",
        "HEALTHCARE_PROFESSIONAL",
        "PROF_LAW",
        "DENTIST",
        "CHIEF_NURSE",
        "NURSE",
        "RADIOGRAPHER",
        "PHARMACIST",
    ],
);

/// Seniorities.
pub const JOB_SENIORITY: Dictionary = Dictionary::new(
    "JobSeniority",
    &[
        "SENIOR_MANAGEMENT",
        "DIRECTOR",
        "PARTNER",
        "EXECUTIVE",
        "TEACHER",
        "MANAGERIAL",
        "SUPERVISOR",
        "SALES",
        "ASSOCIATE",
        "DIPLOMAT",
        "OTHERS",
    ],
);

/// Purposes of an account.
pub const PURPOSE_OF_ACCOUNT: Dictionary = Dictionary::new(
    "PurposeOfAccount",
    &["CASH_ADVANCE_PROGRAM", "INVESTMENT", "DAILY_SPENDING", "BILL_PAYMENT", "OTHERS"],
);

/// Sources of funds.
pub const SOURCE_OF_FUNDS: Dictionary = Dictionary::new(
    "SourceOfFunds",
    &["OWN_BANK_ACCOUNT", "THIRD_PARTY_BANK_ACCOUNT", "CRYPTO_TOP_UP", "DUSD", "OTHERS"],
);

/// Sources of wealth.
pub const SOURCE_OF_WEALTH: Dictionary = Dictionary::new(
    "SourceOfWealth",
    &[
        "EMPLOYMENT",
        "SAVINGS",
        "INHERITANCE",
        "BUSINESS",
        "INVESTMENT",
        "TRUST_FUND",
        "CRYPTOCURRENCIES",
        "OTHERS",
    ],
);

/// Names of the fields of an object, and of those in it, whose code is not in its dictionary, for
/// a warning in the log: official samples hold such codes, so they are no reason to refuse
/// (cardbridge-open-api.md section 13, C14).
pub(crate) fn unknown_codes(table: &Table, object: &impl Serialize) -> Vec<&'static str> {
    let json = serde_json::to_value(object).unwrap_or_default();
    let mut unknown = Vec::new();
    gather_unknown(table, &json, &mut unknown);
    unknown
}

fn gather_unknown(table: &Table, object: &Value, unknown: &mut Vec<&'static str>) {
    for field in table.fields {
        let value = &object[field.name];
        match field.kind {
            Kind::Code(known) if value.as_str().is_some_and(|it| !known.codes.contains(&it)) => {
                unknown.push(field.name);
            }
            Kind::Object(table) => gather_unknown(table, value, unknown),
            Kind::Objects(table) => {
                let entries = value.as_array().into_iter().flatten();
                entries.for_each(|entry| gather_unknown(table, entry, unknown));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        CardStatus, CardType, ChallengeStatus, Direction, IntentTicketStatus, OrderType,
        TransactionType,
    };

    use super::*;

    const PUBLISHED: &str = include_str!("../../../../docs/spec/data/enums.json");
    const OCCUPATIONS: &str = include_str!("../../../../docs/spec/data/occupations.tsv");

    /// The codes of one published enumeration.
    fn published(name: &str) -> Vec<String> {
        let all: serde_json::Value = serde_json::from_str(PUBLISHED).unwrap();
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
            assert_eq!(dictionary.codes, published(name), "{name}");
        }
        let occupations: Vec<_> =
            OCCUPATIONS.lines().skip(1).filter_map(|row| row.split_once('\t')).collect();
        assert_eq!(OCCUPATION.codes, occupations.iter().map(|(code, _)| *code).collect::<Vec<_>>());
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
            let distinct: std::collections::BTreeSet<_> = dictionary.codes.iter().collect();
            assert_eq!((dictionary.codes.len(), distinct.len()), (size, size), "{dictionary:?}");
        }
    }
}
