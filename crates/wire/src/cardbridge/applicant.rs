//! The applicant for a card in forwarding mode: contact data and KYC data (cardbridge-open-api.md
//! section 6.1.1). This is personal data and is never logged.

use super::body::{FieldType, body};
use super::dictionary;
use super::problem::ParseError;
use super::reading::{LONG_TEXT, Object, TEXT};
use crate::field::{Field, Kind, Table};

body! {
    /// How to reach the customer: by e-mail, phone or both.
    #[derive(Clone, PartialEq, Eq, Default)]
    pub struct CustomerInfo {
        /// Alpha-2, alpha-3 or dialling code, as written.
        pub phone_country_code: Option<String> = "phoneCountryCode": TEXT,
        /// Phone number, as written.
        pub phone: Option<String> = "phone": TEXT,
        /// E-mail, as written.
        pub email: Option<String> = "email": TEXT,
        /// The enterprise's own reference.
        pub customer_ref: Option<String> = "customerRef": Kind::Reference,
    }
}

body! {
    /// What identity checks are made on. Dictionary fields hold the caller's text, which
    /// may lie outside the dictionary.
    #[derive(Clone, PartialEq, Eq, Default)]
    pub struct KycInfo {
        /// Opaque token by which Sumsub shares an applicant.
        pub sumsub_share_token: String = "sumsubShareToken": LONG_TEXT,
        /// Kind of the proof of address.
        pub poa_doc_type: Option<String> = "poaDocType": Kind::Code(&dictionary::POA_DOC_TYPE),
        /// Links or object keys of the proof of address; never fetched.
        pub poa_doc_url_list: Vec<String> = "poaDocUrlList": Kind::Links,
        /// Its date, `yyyy-MM-dd`, as written.
        pub poa_doc_date: Option<String> = "poaDocDate": TEXT,
        /// Address.
        pub address_line1: Option<String> = "addressLine1": TEXT,
        /// Address, continued.
        pub address_line2: Option<String> = "addressLine2": TEXT,
        /// State or province.
        pub state: Option<String> = "state": TEXT,
        /// City.
        pub city: Option<String> = "city": TEXT,
        /// Postal code.
        pub postal_code: Option<String> = "postalCode": TEXT,
        /// Country of the address, alpha-2.
        pub country: Option<String> = "country": Kind::Country,
        /// Employment.
        pub employment_status: String = "employmentStatus":
            Kind::Code(&dictionary::EMPLOYMENT_STATUS),
        /// Employer; taken without it too, whatever the employment.
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
        pub source_of_funds: String = "sourceOfFunds": Kind::Code(&dictionary::SOURCE_OF_FUNDS),
        /// From which country, alpha-2.
        pub source_of_funds_country: Option<String> = "sourceOfFundsCountry": Kind::Country,
        /// Where the wealth comes from.
        pub source_of_wealth: String = "sourceOfWealth": Kind::Code(&dictionary::SOURCE_OF_WEALTH),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn official_samples_outside_the_dictionaries_are_read_and_named() {
        let json = br#"{"sumsubShareToken":"t","employmentStatus":"EMPLOYED",
            "sourceOfFunds":"OWN_BANK_ACCOUNT","sourceOfWealth":"EMPLOYMENT",
            "occupation":"SOFTWARE_ENGINEER","jobSeniority":"MID_LEVEL",
            "employmentJobIndustry":"INFORMATION"}"#;
        let object = Object::parse_nested("kycInfo", json).ok().unwrap();
        let kyc = KycInfo::read(&object).ok().unwrap();
        assert_eq!(kyc.unknown_codes(), ["employmentJobIndustry", "occupation", "jobSeniority"]);
    }

    #[test]
    fn four_fields_are_required() {
        for missing in ["sumsubShareToken", "employmentStatus", "sourceOfFunds", "sourceOfWealth"] {
            let json = br#"{"sumsubShareToken":"t","employmentStatus":"STUDENT",
                "sourceOfFunds":"OTHERS","sourceOfWealth":"OTHERS"}"#;
            let json = String::from_utf8_lossy(json).replace(missing, "unknown");
            let object = Object::parse_nested("kycInfo", json.as_bytes()).ok().unwrap();
            let error = KycInfo::read(&object).err().unwrap();
            assert_eq!(error.to_string(), format!("kycInfo.{missing} is missing"));
        }
    }
}
