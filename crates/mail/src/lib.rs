//! Mail and short messages: kept in the sandbox's mailbox, and sent by SMTP if that is configured
//! (operator-and-sandbox.md sections 1 and 5, Mail).

mod mailbox;
mod mailer;
mod message;
mod smtp;

pub use mailbox::{MAX_KEPT_MAILS, Mailbox};
pub use mailer::Mailer;
pub use message::{
    KeptMail, Mail, MailChannel, MailError, MailKind, SmtpSetupError, is_email_address,
};
pub use smtp::{SmtpPassword, SmtpSettings, SmtpTls};
