//! KYC tickets of NORMAL mode (cardbridge-open-api.md section 6.8). The form holds personal data
//! and is never logged.

use domain::{Customer, KycTicket};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::answer;
use super::body::{FieldType, RequestBody, body};
use super::dictionary;
use super::problem::ParseError;
use super::reading::{LONG_TEXT, Object, TEXT};
use crate::field::{Field, Kind, Table};

/// Path of [`ApplyKyc`], as the collection has it.
pub const APPLY_KYC_PATH: &str = "/open-api/kyc-ticket/v1/apply-kyc";
/// The other path of [`ApplyKyc`] (cardbridge-open-api.md section 13, C10).
pub const APPLY_PATH: &str = "/open-api/kyc-ticket/v1/apply";
/// Path of [`ApplyKycH5`].
pub const APPLY_KYC_H5_PATH: &str = "/open-api/kyc-ticket/v1/apply-kyc-h5";
/// Path of [`WANTED_TICKET`].
pub const TICKET_DETAIL_PATH: &str = "/open-api/kyc-ticket/v1/detail";
/// Path of the KYC state of a customer; query [`CUSTOMER_ID`](super::query::CUSTOMER_ID).
pub const KYC_DETAIL_PATH: &str = "/open-api/kyc/v1/detail";

/// `POST kyc-ticket/v1/apply-kyc`: the customer's data comes with the request.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplyKyc {
    /// The caller's own reference, used once.
    pub kyc_ticket_ref: String,
    /// The person whose identity is checked.
    pub customer_id: String,
    /// The customer's data.
    #[serde(flatten)]
    pub form: KycForm,
}

impl ApplyKyc {
    /// Reads the body.
    ///
    /// # Errors
    /// A field is missing or ill-formed. The reader does not check that the customer's data is
    /// complete.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let object = Object::parse(body)?;
        let ApplyKycH5 { kyc_ticket_ref, customer_id } = ApplyKycH5::read(&object)?;
        Ok(Self { kyc_ticket_ref, customer_id, form: KycForm::read(&object)? })
    }
}

impl RequestBody for ApplyKyc {
    const TABLES: &'static [&'static Table] = &[&ApplyKycH5::TABLE, &KycForm::TABLE];

    fn parse_signed(body: &[u8], _: &str) -> Result<Self, ParseError> {
        Self::parse(body)
    }
}

body! {
    /// What identity checks of a ticket are made on. Dictionary fields hold the caller's text,
    /// which may lie outside the dictionary.
    #[derive(Clone, PartialEq, Eq, Default, Deserialize)]
    pub struct KycForm {
        /// Identity documents; spelt as published.
        pub identify_proof_list: Vec<IdentityProof> = "identifyProofList":
            Kind::Objects(&IdentityProof::TABLE),
        /// Proofs of address.
        pub address_proof_list: Vec<AddressProof> = "addressProofList":
            Kind::Objects(&AddressProof::TABLE),
        /// Work and means.
        pub kyc_career_info: Option<KycCareerInfo> = "kycCareerInfo":
            Kind::Object(&KycCareerInfo::TABLE),
    }
}

body! {
    /// One side of an identity document.
    #[derive(Clone, PartialEq, Eq, Default, Deserialize)]
    pub struct IdentityProof {
        /// Who issued it, alpha-2.
        pub identity_proof_issued_country: Option<String> = "identityProofIssuedCountry":
            Kind::Country,
        /// Object key of the image; never fetched.
        pub identity_proof_url: Option<String> = "identityProofUrl": LONG_TEXT,
        /// `ID_CARD`, `PASSPORT`, `DRIVING_LICENSE` or another.
        pub identity_proof_type: Option<String> = "identityProofType": TEXT,
        /// `FRONT_SIDE`, `BACK_SIDE` or another.
        pub identity_proof_sub_type: Option<String> = "identityProofSubType": TEXT,
    }
}

body! {
    /// A proof of address.
    #[derive(Clone, PartialEq, Eq, Default, Deserialize)]
    pub struct AddressProof {
        /// Where it was issued, alpha-2.
        pub address_proof_issued_country: Option<String> = "addressProofIssuedCountry":
            Kind::Country,
        /// A code of the poaDocType dictionary, or another.
        pub address_proof_type: Option<String> = "addressProofType":
            Kind::Code(&dictionary::POA_DOC_TYPE),
        /// Object key of the document; never fetched.
        pub address_proof_url: Option<String> = "addressProofUrl": LONG_TEXT,
    }
}

body! {
    /// Work and means of a customer.
    #[derive(Clone, PartialEq, Eq, Default, Deserialize)]
    pub struct KycCareerInfo {
        /// Employment.
        pub employment_status: Option<String> = "employmentStatus":
            Kind::Code(&dictionary::EMPLOYMENT_STATUS),
        /// Employer.
        pub employer_name: Option<String> = "employerName": TEXT,
        /// Industry.
        pub employment_job_industry: Option<String> = "employmentJobIndustry":
            Kind::Code(&dictionary::EMPLOYMENT_JOB_INDUSTRY),
        /// Occupation.
        pub occupation: Option<String> = "occupation": Kind::Code(&dictionary::OCCUPATION),
        /// Seniority.
        pub job_seniority: Option<String> = "jobSeniority": Kind::Code(&dictionary::JOB_SENIORITY),
        /// What the card is for.
        pub purpose_of_account: Option<String> = "purposeOfAccount":
            Kind::Code(&dictionary::PURPOSE_OF_ACCOUNT),
        /// Where the money comes from.
        pub source_of_funds: Option<String> = "sourceOfFunds":
            Kind::Code(&dictionary::SOURCE_OF_FUNDS),
        /// From which country, alpha-2.
        pub source_of_funds_country: Option<String> = "sourceOfFundsCountry": Kind::Country,
        /// Where the wealth comes from.
        pub source_of_wealth: Option<String> = "sourceOfWealth":
            Kind::Code(&dictionary::SOURCE_OF_WEALTH),
    }
}

body! {
    /// `POST kyc-ticket/v1/apply-kyc-h5`: the customer fills a hosted page.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct ApplyKycH5 {
        /// The caller's own reference, used once.
        pub kyc_ticket_ref: String = "kycTicketRef": Kind::Reference,
        /// The person whose identity is checked.
        pub customer_id: String = "customerId": Kind::Id,
    }
}

/// The query of `GET kyc-ticket/v1/detail`.
pub const WANTED_TICKET: [Field; 2] = [
    Field::of("kycTicketId", "The ticket", Kind::Id),
    Field::of("kycTicketRef", "The caller's own reference", Kind::Reference),
];

answer! {
    /// A KYC ticket as replies show it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct KycTicketBody of ticket: KycTicket {
        /// Id.
        pub kyc_ticket_id: String = ticket.kyc_ticket_id.to_string(),
        /// The caller's own reference.
        pub kyc_ticket_ref: String = ticket.kyc_ticket_ref.clone(),
        /// The person whose identity is checked.
        pub customer_id: String = ticket.customer_id.to_string(),
        /// `API` or `H5`.
        #[serde(rename = "type")]
        pub ticket_type: String = ticket.ticket_type.to_string(),
        /// `INIT`, `PENDING`, `PASS` or `REFUSE`.
        pub status: String = ticket.status.to_string(),
        /// Set when REFUSE.
        pub error_code: Option<String> =
            ticket.refusal.as_ref().map(|it| it.error_code.to_string()),
        /// Set when REFUSE.
        pub error_reason: Option<String> =
            ticket.refusal.as_ref().map(|it| it.error_reason.clone()),
        /// Created, UTC+8.
        pub create_time: String = ticket.created_at.to_utc8(),
        /// Last changed, UTC+8.
        pub modify_time: String = ticket.modified_at.to_utc8(),
    }
}

/// The KYC state of a customer: never images or numbers of documents. Without a ticket all
/// but the customer and the time is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KycBody {
    /// The customer.
    pub customer_id: String,
    /// State of the newest ticket.
    pub kyc_status: Option<String>,
    /// Where the proof of address was issued, alpha-2.
    pub country: Option<String>,
    /// Who issued the identity document, alpha-2.
    pub nationality: Option<String>,
    /// Kind of the identity document.
    pub identity_proof_type: Option<String>,
    /// The newest ticket.
    pub kyc_ticket_id: Option<String>,
    /// Last changed, UTC+8.
    pub modify_time: String,
}

impl KycBody {
    /// The state of a customer by the newest ticket and its form.
    #[must_use]
    pub fn new(customer: &Customer, ticket: Option<&KycTicket>, form: Option<&KycForm>) -> Self {
        let identity = form.and_then(|form| form.identify_proof_list.first());
        let address = form.and_then(|form| form.address_proof_list.first());
        let modified_at = ticket.map_or(customer.modified_at, |ticket| ticket.modified_at);
        Self {
            customer_id: customer.customer_id.to_string(),
            kyc_status: ticket.map(|ticket| ticket.status.to_string()),
            country: address.and_then(|it| it.address_proof_issued_country.clone()),
            nationality: identity.and_then(|it| it.identity_proof_issued_country.clone()),
            identity_proof_type: identity.and_then(|it| it.identity_proof_type.clone()),
            kyc_ticket_id: ticket.map(|ticket| ticket.kyc_ticket_id.to_string()),
            modify_time: modified_at.to_utc8(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"{"kycTicketRef":"kyc-1","customerId":4879846599637290752,
        "identifyProofList":[
            {"identityProofUrl":"k/1.jpg","identityProofType":"ID_CARD",
             "identityProofSubType":"FRONT_SIDE","identityProofIssuedCountry":"MYS"},
            {"identityProofUrl":"k/1.jpg","identityProofType":"ID_CARD",
             "identityProofSubType":"FRONT_SIDE","identityProofIssuedCountry":"MYS"}],
        "addressProofList":[{"addressProofType":"GAS_BILL","addressProofIssuedCountry":"CN",
            "addressProofUrl":"k/2.pdf"}],
        "kycCareerInfo":{"employmentStatus":"EMPLOYED","employerName":"Acme",
            "occupation":"SOFTWARE_ENGINEER","sourceOfFundsCountry":"SGP"}}"#;

    #[test]
    fn an_application_is_read_with_repeats_and_unknown_codes() {
        let request = ApplyKyc::parse(SAMPLE.as_bytes()).ok().unwrap();
        assert_eq!(request.customer_id, "4879846599637290752");
        let form = &request.form;
        assert_eq!(form.identify_proof_list.len(), 2);
        let country = form.identify_proof_list[0].identity_proof_issued_country.as_deref();
        assert_eq!(country, Some("MY"));
        assert_eq!(form.unknown_codes(), ["addressProofType", "occupation"]);
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let request = ApplyKyc::parse(SAMPLE.as_bytes()).ok().unwrap();
        let written = serde_json::to_vec(&request).unwrap();
        assert!(ApplyKyc::parse(&written).ok().as_ref() == Some(&request));
        let form: KycForm = serde_json::from_slice(&written).unwrap();
        assert!(form == request.form);
    }

    #[test]
    fn errors_name_the_field() {
        for (body, text) in [
            (r#"{"customerId":"1"}"#, "kycTicketRef is missing"),
            (r#"{"kycTicketRef":"a"}"#, "customerId is missing"),
            (
                r#"{"kycTicketRef":"a","customerId":"1","identifyProofList":{}}"#,
                "identifyProofList has the wrong type",
            ),
            (
                r#"{"kycTicketRef":"a","customerId":"1","identifyProofList":[{},{"identityProofIssuedCountry":"??"}]}"#,
                "identifyProofList[1].identityProofIssuedCountry is not an ISO 3166 country code",
            ),
        ] {
            let error = ApplyKyc::parse(body.as_bytes()).err().unwrap();
            assert_eq!(error.to_string(), text);
        }
        let error = ApplyKycH5::parse(b"{}").unwrap_err();
        assert_eq!(error.to_string(), "kycTicketRef is missing");
    }
}
