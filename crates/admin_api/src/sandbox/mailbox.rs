//! The mailbox: messages that the platform sent, kept in memory.

use axum::Json;
use mail::KeptMail;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer_body::answer_body;
use crate::call::{Answer, Call};

answer_body! {
    /// A message that was sent.
    pub(crate) struct MailBody of kept: &KeptMail {
        mail_id: String = kept.number.to_string(),
        /// `EMAIL` or `SMS`.
        channel: &'static str = kept.mail.channel.as_str(),
        /// What it is for: `KEY_EXTRACTION`, `ONE_TIME_PASSWORD`.
        kind: &'static str = kept.mail.kind.as_str(),
        /// An e-mail address or a phone number.
        to: String = kept.mail.to.clone(),
        subject: String = kept.mail.subject.clone(),
        /// The text/plain body, decoded.
        body: String = kept.mail.text.as_str().to_owned(),
        /// Business time, RFC 3339.
        sent_at: String = kept.sent_at.to_string(),
    }
}

/// The messages kept, all of them.
#[derive(Serialize, ToSchema)]
pub(crate) struct MailboxBody {
    /// Newest first; oldest first with `order=asc`.
    items: Vec<MailBody>,
}

/// `GET /sandbox/v1/mailbox`.
pub(crate) async fn read(call: Call) -> Answer<MailboxBody> {
    let query = call.query()?;
    let mails = call.state.mailer.mailbox().map(mail::Mailbox::mails).unwrap_or_default();
    let items = query.ordered(mails.iter().map(MailBody::of).collect())?;
    Ok(Json(MailboxBody { items }))
}
