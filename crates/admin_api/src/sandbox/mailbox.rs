//! The mailbox: what the platform sent, kept in memory.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use mail::KeptMail;
use serde::Serialize;
use utoipa::ToSchema;

use crate::paging::ListQuery;
use crate::problem::Problem;
use crate::state::ApiState;

/// A message that was sent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MailBody {
    mail_id: String,
    /// `EMAIL` or `SMS`.
    channel: &'static str,
    /// What it is for: `KEY_EXTRACTION`, `ONE_TIME_PASSWORD`.
    kind: &'static str,
    /// An e-mail address or a phone number.
    to: String,
    subject: String,
    /// The text/plain body, decoded.
    body: String,
    /// Business time, RFC 3339.
    sent_at: String,
}

/// The messages kept, all of them.
#[derive(Serialize, ToSchema)]
pub(crate) struct MailboxBody {
    /// Newest first; oldest first with `order=asc`.
    items: Vec<MailBody>,
}

impl From<&KeptMail> for MailBody {
    fn from(kept: &KeptMail) -> Self {
        let mail = &kept.mail;
        Self {
            mail_id: kept.number.to_string(),
            channel: mail.channel.as_str(),
            kind: mail.kind.as_str(),
            to: mail.to.clone(),
            subject: mail.subject.clone(),
            body: mail.text.as_str().to_owned(),
            sent_at: kept.sent_at.to_string(),
        }
    }
}

#[doc = "Messages that the platform sent, newest first unless asked otherwise; the latest 500 \
    are kept, in memory only."]
#[utoipa::path(get, path = "/sandbox/v1/mailbox", operation_id = "read_mailbox", tag = "sandbox",
    params(("order" = Option<String>, Query)),
    responses((status = 200, body = MailboxBody)))]
pub(crate) async fn read(
    State(state): State<Arc<ApiState>>,
    query: ListQuery,
) -> Result<Json<MailboxBody>, Problem> {
    let mails = state.mailer.mailbox().map(mail::Mailbox::mails).unwrap_or_default();
    let items = query.ordered(mails.iter().map(MailBody::from).collect())?;
    Ok(Json(MailboxBody { items }))
}
