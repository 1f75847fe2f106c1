//! Messages, and why one is not sent.

use domain::Timestamp;
use zeroize::Zeroizing;

domain::text_enum! {
    /// The channel of a message; the text is its name in the mailbox.
    MailChannel {
        /// A mail to an e-mail address.
        Email = "EMAIL",
        /// A short message to a phone number.
        Sms = "SMS",
    }
}

domain::text_enum! {
    /// The purpose of a message; the text is its name in the mailbox.
    MailKind {
        /// The one-time extraction of an API key (cardbridge-open-api.md section 4).
        KeyExtraction = "KEY_EXTRACTION",
        /// A one-time password for a customer.
        OneTimePassword = "ONE_TIME_PASSWORD",
    }
}

/// A message. Its text may contain a one-time secret, so it is never logged.
#[derive(Clone)]
pub struct Mail {
    /// The channel.
    pub channel: MailChannel,
    /// The purpose.
    pub kind: MailKind,
    /// An e-mail address or a phone number, depending on the channel.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The text/plain body.
    pub text: Zeroizing<String>,
}

/// A message as the sandbox's mailbox keeps it.
#[derive(Clone)]
pub struct KeptMail {
    /// Number in the mailbox, from 1.
    pub number: u64,
    /// The business time at which it was sent.
    pub sent_at: Timestamp,
    /// The message.
    pub mail: Mail,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// This channel has neither the sandbox's mailbox nor SMTP.
    #[error("no way to send a message over this channel is configured")]
    NoChannel,
    /// The recipient is not an address of the channel.
    #[error("the recipient's address is not valid")]
    Recipient,
    /// The mail server refused or could not be reached; its reason, for the log. Never contains the
    /// recipient or the text.
    #[error("the mail server did not take the mail: {0}")]
    Undelivered(String),
}

/// True if a text is an e-mail address that mail can go to.
#[must_use]
pub fn is_email_address(text: &str) -> bool {
    text.parse::<lettre::Address>().is_ok()
}

/// Why mail cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}")]
pub struct SmtpSetupError {
    /// The key of the `[smtp]` table.
    pub key: &'static str,
    /// The rule that its value breaks.
    pub problem: &'static str,
}
