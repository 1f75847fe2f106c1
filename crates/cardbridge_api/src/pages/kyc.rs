//! Type 7: the KYC form of a ticket that waits for its customer.

use askama::Template;
use axum::response::Response;
use cards::CardsError;
use domain::{GuidanceLink, KycTicketId};
use vault::SecretText;
use wire::cardbridge::dictionary;
use wire::cardbridge::kyc::{IdentityProof, KycCareerInfo, KycForm};
use wire::country;
use wire::field::MAX_TEXT_CHARS;

use super::failure::PageFailure;
use super::form::Form;
use super::frame::Frame;
use crate::state::ApiState;

/// One field of the form: a choice, or free text if there is nothing to choose from.
struct Field {
    name: &'static str,
    label: &'static str,
    choices: &'static [&'static str],
    is_required: bool,
}

/// Asks for the customer's data.
pub(super) fn ask(frame: &Frame, token: &SecretText, is_incomplete: bool) -> Response {
    let token = token.expose();
    frame.page(&KycPage { frame, token, fields: fields(frame), is_incomplete })
}

/// Hands the data in; asks again if they are insufficient.
pub(super) async fn take(
    state: &ApiState,
    frame: &Frame,
    link: &GuidanceLink,
    ticket_id: KycTicketId,
    form: &Form,
    next_token: &SecretText,
) -> Result<Response, PageFailure> {
    let Some(form) = read(form) else { return Ok(ask(frame, next_token, true)) };
    match state.cards.submit_kyc_form(link.enterprise_id, ticket_id, &form).await {
        Ok(_) => Ok(frame.success(frame.texts.kyc_done)),
        Err(CardsError::KycInfoInvalid(_)) => Ok(ask(frame, next_token, true)),
        Err(error) => Err(error.into()),
    }
}

/// The form as the open API would bring it; None if a value is not allowed.
fn read(form: &Form) -> Option<KycForm> {
    let text = |name: &str| {
        let value = form.field(name).trim();
        let is_good = value.chars().count() <= MAX_TEXT_CHARS && !value.contains(char::is_control);
        is_good.then(|| Some(value.to_owned()).filter(|value| !value.is_empty()))
    };
    let country = |name: &str| match text(name)? {
        Some(code) => Some(Some(country::parse(&code.to_ascii_uppercase())?.alpha2.to_owned())),
        None => Some(None),
    };
    let identity = IdentityProof {
        identity_proof_url: text("identityProofUrl")?,
        identity_proof_type: text("identityProofType")?,
        identity_proof_sub_type: None,
        identity_proof_issued_country: country("identityProofIssuedCountry")?,
    };
    let career = KycCareerInfo {
        employment_status: text("employmentStatus")?,
        employer_name: text("employerName")?,
        employment_job_industry: text("employmentJobIndustry")?,
        occupation: text("occupation")?,
        job_seniority: text("jobSeniority")?,
        purpose_of_account: text("purposeOfAccount")?,
        source_of_funds: text("sourceOfFunds")?,
        source_of_funds_country: country("sourceOfFundsCountry")?,
        source_of_wealth: text("sourceOfWealth")?,
    };
    Some(KycForm {
        identify_proof_list: vec![identity],
        address_proof_list: Vec::new(),
        kyc_career_info: Some(career),
    })
}

fn fields(frame: &Frame) -> Vec<Field> {
    let texts = frame.texts;
    let field = |name, label, choices| Field { name, label, choices, is_required: true };
    let optional = |name, label, choices| Field { name, label, choices, is_required: false };
    vec![
        field("identityProofType", texts.document, dictionary::IDENTITY_PROOF_TYPE.codes()),
        field("identityProofUrl", texts.document_reference, &[]),
        field("identityProofIssuedCountry", texts.document_country, &[]),
        field("employmentStatus", texts.employment, dictionary::EMPLOYMENT_STATUS.codes()),
        optional("employerName", texts.employer, &[]),
        optional(
            "employmentJobIndustry",
            texts.industry,
            dictionary::EMPLOYMENT_JOB_INDUSTRY.codes(),
        ),
        optional("occupation", texts.occupation, dictionary::OCCUPATION.codes()),
        optional("jobSeniority", texts.seniority, dictionary::JOB_SENIORITY.codes()),
        field("purposeOfAccount", texts.purpose, dictionary::PURPOSE_OF_ACCOUNT.codes()),
        field("sourceOfFunds", texts.funds, dictionary::SOURCE_OF_FUNDS.codes()),
        optional("sourceOfFundsCountry", texts.funds_country, &[]),
        field("sourceOfWealth", texts.wealth, dictionary::SOURCE_OF_WEALTH.codes()),
    ]
}

#[derive(Template)]
#[template(path = "kyc.html")]
struct KycPage<'a> {
    frame: &'a Frame,
    token: &'a str,
    fields: Vec<Field>,
    is_incomplete: bool,
}
