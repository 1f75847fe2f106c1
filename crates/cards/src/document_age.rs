//! Age and expiry rules for proofs of address (cardbridge-open-api.md section 12, poaDocType). A
//! violation is a warning in the log and never a failure (operator-and-sandbox.md section 5).

use domain::Timestamp;
use wire::cardbridge::applicant::KycInfo;

/// Maximum age in days of a bill, statement or proof of payment.
const MAX_DAYS: i64 = 90;
/// Maximum age in days of a utility bill if the applicant's country is France.
const MAX_DAYS_IN_FRANCE: i64 = 75;

/// A fault of the date of a proof of address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DocumentFault {
    /// It is not a valid date (`yyyy-MM-dd`).
    NotADay,
    /// It was issued too long ago.
    TooOld,
    /// Its last day of validity is today or earlier.
    Expired,
}

/// Checks the date of an applicant's proof of address. `None` if it is acceptable, if the kind or
/// the date is missing, or if the date is valid and the kind has no rule. For bills, statements and
/// payment proofs the date is the date of issue; for licences and other government ids it is the
/// last day of validity.
pub(crate) fn document_fault(kyc: &KycInfo, now: Timestamp) -> Option<DocumentFault> {
    let (kind, date) = (kyc.poa_doc_type.as_deref()?, kyc.poa_doc_date.as_deref()?);
    let Some(day) = Timestamp::day_number_of(date) else { return Some(DocumentFault::NotADay) };
    let today = now.utc8_day_number();
    let issued_within = |days: i64| (today - day > days).then_some(DocumentFault::TooOld);
    match kind {
        "UTILITY_BILL" if kyc.country.as_deref() == Some("FR") => issued_within(MAX_DAYS_IN_FRANCE),
        "UTILITY_BILL"
        | "BANK_STATEMENT"
        | "CREDIT_CARD_STATEMENT"
        | "SALARY_STATEMENT"
        | "LEASE_AND_PAYMENT"
        | "MORTGAGE_AND_PAYMENT" => issued_within(MAX_DAYS),
        "DRIVING_LICENSE" | "OTHER_GOVERNMENT_ID" => {
            (day <= today).then_some(DocumentFault::Expired)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: &str, date: &str, country: &str) -> Option<DocumentFault> {
        let kyc = KycInfo {
            poa_doc_type: Some(kind.to_owned()),
            poa_doc_date: Some(date.to_owned()),
            country: Some(country.to_owned()),
            ..KycInfo::default()
        };
        // Midnight at the start of 1 April 2026 in UTC+8.
        document_fault(&kyc, Timestamp::parse_rfc3339("2026-03-31T16:00:00Z").unwrap())
    }

    #[test]
    fn each_kind_of_document_has_its_age() {
        use DocumentFault::{Expired, NotADay, TooOld};
        for (kind, date, country, expected) in [
            ("UTILITY_BILL", "2026-01-01", "SG", None),
            ("UTILITY_BILL", "2025-12-31", "SG", Some(TooOld)),
            ("UTILITY_BILL", "2026-01-16", "FR", None),
            ("UTILITY_BILL", "2026-01-15", "FR", Some(TooOld)),
            ("BANK_STATEMENT", "2026-01-15", "FR", None),
            ("BANK_STATEMENT", "2025-12-31", "SG", Some(TooOld)),
            ("CREDIT_CARD_STATEMENT", "2025-12-31", "SG", Some(TooOld)),
            ("SALARY_STATEMENT", "2025-12-31", "SG", Some(TooOld)),
            ("LEASE_AND_PAYMENT", "2025-12-31", "SG", Some(TooOld)),
            ("MORTGAGE_AND_PAYMENT", "2025-12-31", "SG", Some(TooOld)),
            ("DRIVING_LICENSE", "2026-04-01", "SG", Some(Expired)),
            ("DRIVING_LICENSE", "2026-04-02", "SG", None),
            ("OTHER_GOVERNMENT_ID", "2020-01-01", "SG", Some(Expired)),
            ("ENTRY_ON_ELECTORAL_ROLL", "1990-01-01", "SG", None),
            ("A_POSTCARD", "1990-01-01", "SG", None),
            ("BANK_STATEMENT", "01/02/2026", "SG", Some(NotADay)),
            ("BANK_STATEMENT", "2026-02-30", "SG", Some(NotADay)),
        ] {
            assert_eq!(fault(kind, date, country), expected, "{kind} {date} {country}");
        }
        let undated =
            KycInfo { poa_doc_type: Some("UTILITY_BILL".to_owned()), ..KycInfo::default() };
        assert_eq!(document_fault(&undated, Timestamp::from_micros(0)), None);
    }
}
