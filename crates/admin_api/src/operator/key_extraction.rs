//! API keys handed over by a one-time extraction (cardbridge-open-api.md section 4).

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use crypto::sha256;
use domain::{EnterpriseId, ExtractionAttempt, KeyExtraction, Timestamp};
use listener::once::Once;
use mail::{Mail, MailChannel, MailError, MailKind};
use serde::Serialize;
use store::Kept;
use utoipa::ToSchema;
use wire::cardbridge::key_delivery::{extract_url, extraction_mail_text};
use wire::field;
use zeroize::Zeroizing;

use super::PathText;
use super::enterprises::enterprise_of;
use crate::fields::Fields;
use crate::paging::{ListQuery, Page};
use crate::problem::Problem;
use crate::request_bodies::NEW_API_KEY_REQUEST as BODY;
use crate::state::ApiState;

/// Bytes of chance in a code, twice as many characters.
const CODE_BYTES: usize = 16;
const SUBJECT: &str = "Your CardBridge API key";

/// A mail that is on its way. What it says is not told here.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyExtractionBody {
    email: String,
    /// The only address that may fetch the key.
    source_ip: String,
    /// Where the key is fetched; the code follows.
    extract_url: String,
    /// RFC 3339.
    expires_at: String,
}

/// An attempt to fetch a key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExtractionAttemptBody {
    attempt_id: String,
    /// `EXTRACTED`, `EXPIRED`, `USED` or `WRONG_ADDRESS`.
    outcome: String,
    source_ip: String,
    /// The key that was made, if one was.
    api_key: Option<String>,
    /// RFC 3339.
    attempted_at: String,
}

impl From<&ExtractionAttempt> for ExtractionAttemptBody {
    fn from(attempt: &ExtractionAttempt) -> Self {
        Self {
            attempt_id: attempt.attempt_id.to_string(),
            outcome: attempt.outcome.to_string(),
            source_ip: attempt.source_ip.to_string(),
            api_key: attempt.api_key.clone(),
            attempted_at: attempt.attempted_at.to_string(),
        }
    }
}

/// Who gets the code, and who may use it.
pub(crate) struct Recipient {
    email: String,
    source_ip: IpAddr,
}

impl Recipient {
    /// Reads both fields; none if neither is there.
    pub(crate) fn read(fields: &Fields<'_>) -> Result<Option<Self>, Problem> {
        let (email_field, source_ip_field) = (field!(BODY, "email"), field!(BODY, "sourceIp"));
        let email = fields.parsed(email_field, "must be an e-mail address", |text| {
            mail::is_email_address(text).then(|| text.to_owned())
        })?;
        let source_ip = fields.parsed(source_ip_field, "must be an IP address", |text| {
            text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
        })?;
        if email.is_none() && source_ip.is_none() {
            return Ok(None);
        }
        let email = fields.required(email_field, email)?;
        let source_ip = fields.required(source_ip_field, source_ip)?;
        Ok(Some(Self { email, source_ip }))
    }
}

/// Makes a code and mails it. If the mail is not taken, the code is taken back.
pub(crate) async fn start(
    state: &ApiState,
    enterprise_id: EnterpriseId,
    recipient: Recipient,
    once: &Once,
) -> Result<KeyExtractionBody, Problem> {
    let code = new_code(state);
    let now = state.store.clock().now();
    let extraction = KeyExtraction {
        code_digest: sha256(code.as_bytes()),
        enterprise_id,
        source_ip: recipient.source_ip,
        created_at: now,
        expires_at: now.plus_seconds(KeyExtraction::VALIDITY_S),
        used_at: None,
    };
    let added = state.store.add_key_extraction(&extraction);
    // Whether its mail went out is not known before it did.
    once.leaving(|(): &()| Ok(Some(Kept::Begun(None))), added).await?;
    let mail = mail(state, &recipient.email, &code, extraction.expires_at);
    if let Err(error) = state.mailer.send(mail).await {
        once.beginning(state.store.cancel_key_extraction(extraction.code_digest)).await?;
        return Err(not_sent(&error));
    }
    Ok(KeyExtractionBody {
        email: recipient.email,
        source_ip: recipient.source_ip.to_string(),
        extract_url: extract_url(&state.settings.public_url),
        expires_at: extraction.expires_at.to_string(),
    })
}

fn new_code(state: &ApiState) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; CODE_BYTES]);
    state.random.fill(bytes.as_mut_slice());
    Zeroizing::new(hex::encode(bytes.as_slice()))
}

fn mail(state: &ApiState, to: &str, code: &str, expires_at: Timestamp) -> Mail {
    Mail {
        channel: MailChannel::Email,
        kind: MailKind::KeyExtraction,
        to: to.to_owned(),
        subject: SUBJECT.to_owned(),
        text: extraction_mail_text(&state.settings.public_url, code, expires_at),
    }
}

fn not_sent(error: &MailError) -> Problem {
    match error {
        MailError::NoChannel => {
            Problem::conflict("no_mail_server", "no mail server is configured: see [smtp]")
        }
        MailError::Recipient => Problem::invalid("email must be an e-mail address"),
        MailError::Undelivered(reason) => {
            tracing::error!(reason, "an extraction mail was not taken");
            Problem::mail_refused()
        }
    }
}

/// Attempts to fetch an enterprise's keys, newest first unless asked otherwise.
#[utoipa::path(get, path = "/admin/v1/enterprises/{id}/key-extraction-attempts",
    operation_id = "list_key_extraction_attempts", tag = "enterprises",
    params(("id" = String, Path), ("limit" = Option<u32>, Query), ("order" = Option<String>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<ExtractionAttemptBody>)))]
pub(crate) async fn list_attempts(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    query: ListQuery,
) -> Result<Json<Page<ExtractionAttemptBody>>, Problem> {
    let enterprise_id = enterprise_of(&state, &id).await?.enterprise_id;
    let requested = query.page()?;
    let rows = state.store.extraction_attempts(enterprise_id, requested).await?;
    Ok(Json(Page::of(&rows, requested.limit, requested.order, |row| row.attempt_id)))
}
