//! Who applies for a card in forwarding mode: contact data and KYC data
//! (cardbridge-open-api.md section 6.1.1). Personal data: none of it goes to a log.

use serde::Serialize;
use utoipa::ToSchema;

use super::dictionary;
use super::input::{MAX_LONG_TEXT_CHARS, Object, ParseError};

/// How to reach the customer: by e-mail, phone or both.
#[derive(Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerInfo {
    /// Alpha-2, alpha-3 or dialling code, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_country_code: Option<String>,
    /// Phone number, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// E-mail, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The enterprise's own reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_ref: Option<String>,
}

impl CustomerInfo {
    pub(crate) fn read(object: &Object<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            phone_country_code: object.text("phoneCountryCode")?,
            phone: object.text("phone")?,
            email: object.text("email")?,
            customer_ref: object.reference("customerRef")?,
        })
    }
}

/// What identity checks are made on. Dictionary fields hold the caller's text, which
/// may lie outside the dictionary.
#[derive(Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KycInfo {
    /// Opaque token by which Sumsub shares an applicant.
    pub sumsub_share_token: String,
    /// Kind of the proof of address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poa_doc_type: Option<String>,
    /// Links or object keys of the proof of address; never fetched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub poa_doc_url_list: Vec<String>,
    /// Its date, `yyyy-MM-dd`, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poa_doc_date: Option<String>,
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_line1: Option<String>,
    /// Address, continued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_line2: Option<String>,
    /// State or province.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country of the address, alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Employment.
    pub employment_status: String,
    /// Employer; taken without it too, whatever the employment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employer_name: Option<String>,
    /// Industry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employment_job_industry: Option<String>,
    /// Occupation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occupation: Option<String>,
    /// Seniority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_seniority: Option<String>,
    /// What the card is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose_of_account: Option<String>,
    /// Where the money comes from.
    pub source_of_funds: String,
    /// From which country, alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_of_funds_country: Option<String>,
    /// Where the wealth comes from.
    pub source_of_wealth: String,
}

impl KycInfo {
    pub(crate) fn read(object: &Object<'_>) -> Result<Self, ParseError> {
        let token = object.text_up_to("sumsubShareToken", MAX_LONG_TEXT_CHARS)?;
        Ok(Self {
            sumsub_share_token: object.required("sumsubShareToken", token)?,
            poa_doc_type: object.text("poaDocType")?,
            poa_doc_url_list: object.text_list("poaDocUrlList")?,
            poa_doc_date: object.text("poaDocDate")?,
            address_line1: object.text("addressLine1")?,
            address_line2: object.text("addressLine2")?,
            state: object.text("state")?,
            city: object.text("city")?,
            postal_code: object.text("postalCode")?,
            country: object.country("country")?.map(str::to_owned),
            employment_status: object.required_text("employmentStatus")?,
            employer_name: object.text("employerName")?,
            employment_job_industry: object.text("employmentJobIndustry")?,
            occupation: object.text("occupation")?,
            job_seniority: object.text("jobSeniority")?,
            purpose_of_account: object.text("purposeOfAccount")?,
            source_of_funds: object.required_text("sourceOfFunds")?,
            source_of_funds_country: object.country("sourceOfFundsCountry")?.map(str::to_owned),
            source_of_wealth: object.required_text("sourceOfWealth")?,
        })
    }
}

/// Names of the fields whose code is not in its published dictionary, for a warning in
/// the log: official samples hold such codes, so they are no reason to refuse
/// (cardbridge-open-api.md section 13, C14).
#[must_use]
pub fn unknown_codes(kyc: &KycInfo) -> Vec<&'static str> {
    let fields = [
        ("poaDocType", kyc.poa_doc_type.as_deref(), dictionary::POA_DOC_TYPE),
        ("employmentStatus", Some(kyc.employment_status.as_str()), dictionary::EMPLOYMENT_STATUS),
        (
            "employmentJobIndustry",
            kyc.employment_job_industry.as_deref(),
            dictionary::EMPLOYMENT_JOB_INDUSTRY,
        ),
        ("occupation", kyc.occupation.as_deref(), dictionary::OCCUPATION),
        ("jobSeniority", kyc.job_seniority.as_deref(), dictionary::JOB_SENIORITY),
        ("purposeOfAccount", kyc.purpose_of_account.as_deref(), dictionary::PURPOSE_OF_ACCOUNT),
        ("sourceOfFunds", Some(kyc.source_of_funds.as_str()), dictionary::SOURCE_OF_FUNDS),
        ("sourceOfWealth", Some(kyc.source_of_wealth.as_str()), dictionary::SOURCE_OF_WEALTH),
    ];
    let unknown = |(name, code, known): (&'static str, Option<&str>, &[&str])| {
        code.filter(|code| !known.contains(code)).map(|_| name)
    };
    fields.into_iter().filter_map(unknown).collect()
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
        assert_eq!(unknown_codes(&kyc), ["employmentJobIndustry", "occupation", "jobSeniority"]);
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
