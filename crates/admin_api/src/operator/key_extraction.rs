//! API keys handed over by a one-time extraction (cardbridge-open-api.md section 4).

use axum::Json;
use std::net::IpAddr;

use crypto::sha256;
use domain::{EnterpriseId, ExtractionAttempt, KeyExtraction, Timestamp};
use listener::once::Once;
use mail::{Mail, MailChannel, MailError, MailKind};
use store::Kept;
use wire::cardbridge::key_delivery::{extract_url, extraction_mail_text};
use wire::field;
use zeroize::Zeroizing;

use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::fields::Fields;
use crate::paging::Page;
use crate::problem::Problem;
use crate::request_bodies::NEW_API_KEY_REQUEST as BODY;
use crate::state::ApiState;

/// Random bytes in a code, which has twice as many characters.
const CODE_BYTES: usize = 16;
const SUBJECT: &str = "Your CardBridge API key";

answer_body! {
    /// A mail that is on its way. What it says is not told here.
    pub(crate) struct KeyExtractionBody of extraction: &KeyExtraction, to: String, url: String {
        email: String = to,
        /// The only address that may fetch the key.
        source_ip: String = extraction.source_ip.to_string(),
        /// Where the key is fetched; the code follows.
        extract_url: String = url,
        /// RFC 3339.
        expires_at: String = extraction.expires_at.to_string(),
    }
}

answer_body! {
    /// An attempt to fetch a key.
    pub(crate) struct ExtractionAttemptBody of attempt: &ExtractionAttempt {
        attempt_id: String = attempt.attempt_id.to_string(),
        /// `EXTRACTED`, `EXPIRED`, `USED` or `WRONG_ADDRESS`.
        outcome: String = attempt.outcome.to_string(),
        source_ip: String = attempt.source_ip.to_string(),
        /// The key that was made, if one was.
        api_key: Option<String> = attempt.api_key.clone(),
        /// RFC 3339.
        attempted_at: String = attempt.attempted_at.to_string(),
    }
}

/// The address that gets the code, and the one that may use it.
pub(crate) struct Recipient {
    email: String,
    source_ip: IpAddr,
}

impl Recipient {
    /// Reads both fields; `None` if neither is there.
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
    // Until the mail is sent, repeats of the call cannot get an answer.
    once.leaving(|(): &()| Ok(Some(Kept::Begun(None))), added).await?;
    let mail = mail(state, &recipient.email, &code, extraction.expires_at);
    if let Err(error) = state.mailer.send(mail).await {
        once.beginning(state.store.cancel_key_extraction(extraction.code_digest)).await?;
        return Err(not_sent(&error));
    }
    let url = extract_url(&state.settings.public_url);
    Ok(KeyExtractionBody::of(&extraction, recipient.email, url))
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

/// `GET /admin/v1/enterprises/{id}/key-extraction-attempts`.
pub(crate) async fn list_attempts(call: Call) -> Answer<Page<ExtractionAttemptBody>> {
    let query = call.query()?;
    let enterprise_id = call.enterprise().await?.enterprise_id;
    let rows = call.state.store.extraction_attempts(enterprise_id, query.page()?).await?;
    Page::of(&query, &rows, ExtractionAttemptBody::of, |row| row.attempt_id).map(Json)
}
