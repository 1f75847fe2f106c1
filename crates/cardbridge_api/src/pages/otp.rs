//! The one-time password of a page: six digits, to the customer's e-mail or phone; beside it
//! the question for those whom the password does not reach.

use askama::Template;
use axum::response::Response;
use domain::{Customer, GuidanceLink};
use mail::{Mail, MailChannel, MailKind, Mailer};
use store::PagePassword;
use vault::SecretText;
use zeroize::Zeroizing;

use super::failure::PageFailure;
use super::frame::Frame;
use super::question;
use crate::state::ApiState;

/// A password that is yet to be sent.
pub(super) struct Challenge {
    channel: MailChannel,
    recipient: String,
    password: SecretText,
}

impl Challenge {
    /// A new password for the customer of a link, who must be reachable: afterwards the link is
    /// used up.
    pub(super) async fn new(state: &ApiState, link: &GuidanceLink) -> Result<Self, PageFailure> {
        let (channel, recipient) = recipient(state, link).await?;
        Ok(Self { channel, recipient, password: state.vault.new_one_time_password() })
    }

    /// The part of it that is stored.
    pub(super) fn kept(&self, state: &ApiState, link: &GuidanceLink) -> PagePassword {
        let password = self.password.expose();
        let hash = state.vault.one_time_password_hash(&link.secret_hash, password);
        PagePassword { hash, sent_at: state.store.clock().real_now() }
    }

    /// Sends it and asks for it.
    pub(super) async fn send(
        &self,
        state: &ApiState,
        frame: &Frame,
        link: &GuidanceLink,
        token: &SecretText,
    ) -> Result<Response, PageFailure> {
        let texts = frame.texts;
        let password = self.password.expose();
        let mail = Mail {
            channel: self.channel,
            kind: MailKind::OneTimePassword,
            to: self.recipient.clone(),
            subject: texts.otp_subject.to_owned(),
            text: Zeroizing::new(format!(
                "{} {password}\n{}\n",
                texts.otp_mail, texts.otp_mail_end
            )),
        };
        state.mailer.send(mail).await.map_err(|error| {
            tracing::error!(%error, "the one-time password of a page could not be sent");
            PageFailure::System
        })?;
        Ok(page(frame, link, &self.recipient, token, None))
    }
}

/// The form again, after a wrong password, or a wrong answer to the question.
pub(super) async fn ask_again(
    state: &ApiState,
    frame: &Frame,
    link: &GuidanceLink,
    token: &SecretText,
    is_question: bool,
) -> Result<Response, PageFailure> {
    let (_, recipient) = recipient(state, link).await?;
    let wrong = match is_question {
        true => Wrong::CardDetails,
        false => Wrong::Password,
    };
    Ok(page(frame, link, &recipient, token, Some(wrong)))
}

/// The cause of a repeated form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Password,
    CardDetails,
}

async fn recipient(
    state: &ApiState,
    link: &GuidanceLink,
) -> Result<(MailChannel, String), PageFailure> {
    let customer = state.store.find::<Customer>((link.enterprise_id, link.customer_id)).await?;
    let reached = customer.and_then(|customer| reached_at(&state.mailer, &customer));
    reached.ok_or_else(|| {
        tracing::error!(customer = %link.customer_id, "a customer cannot be reached");
        PageFailure::System
    })
}

/// The address of a customer's one-time password: the e-mail, otherwise the phone, if this platform
/// can send there.
pub(crate) fn reached_at(mailer: &Mailer, customer: &Customer) -> Option<(MailChannel, String)> {
    let ways = [(MailChannel::Email, &customer.email), (MailChannel::Sms, &customer.phone)];
    let mut served = ways.into_iter().filter(|(channel, _)| mailer.serves(*channel));
    served.find_map(|(channel, address)| Some((channel, address.clone()?)))
}

fn page(
    frame: &Frame,
    link: &GuidanceLink,
    recipient: &str,
    token: &SecretText,
    wrong: Option<Wrong>,
) -> Response {
    let alarm = wrong.map(|wrong| match wrong {
        Wrong::Password => frame.texts.otp_wrong,
        Wrong::CardDetails => frame.texts.question_wrong,
    });
    frame.page(&OtpPage {
        frame,
        recipient: masked(recipient),
        token: token.expose(),
        alarm,
        has_question: question::is_asked(link),
        is_question_open: wrong == Some(Wrong::CardDetails),
        last4: question::LAST4,
        expiry: question::EXPIRY,
    })
}

/// Enough of an address for its owner: `h****@example.com`, `****4567`.
fn masked(recipient: &str) -> String {
    match recipient.split_once('@') {
        Some((name, host)) => {
            let first: String = name.chars().take(1).collect();
            format!("{first}****@{host}")
        }
        None => {
            let hidden = recipient.chars().count().saturating_sub(4);
            let last: String = recipient.chars().skip(hidden).collect();
            format!("****{last}")
        }
    }
}

#[derive(Template)]
#[template(path = "otp.html")]
struct OtpPage<'a> {
    frame: &'a Frame,
    recipient: String,
    token: &'a str,
    alarm: Option<&'static str>,
    has_question: bool,
    is_question_open: bool,
    last4: &'static str,
    expiry: &'static str,
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn recipients_are_shown_in_part() {
        assert_eq!(masked("holder@example.com"), "h****@example.com");
        assert_eq!(masked("+6581234567"), "****4567");
        assert_eq!(masked("é@x"), "é****@x");
    }
}
