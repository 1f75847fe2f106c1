//! What is told afterwards: webhooks, from the outbox to the enterprise's server
//! (cardbridge-open-api.md section 9), mail, and the reconciliation files of a day
//! (cardbridge-open-api.md section 10).

mod attempt;
mod mail;
mod receiver;
mod retry;
mod settlement;
mod under_way;
mod worker;

pub use mail::{
    KeptMail, MAX_KEPT_MAILS, Mail, MailChannel, MailError, MailKind, Mailbox, Mailer,
    SmtpPassword, SmtpSettings, SmtpSetupError, SmtpTls, is_email_address,
};
pub use retry::RETRY_DELAYS_S;
pub use settlement::{
    ClosedDay, ClosedFile, CutError, Difference, FailedFile, FileReport, SettlementFiles,
    SettlementWorker, VerifyReport, recut_worker,
};
pub use worker::WebhookWorker;
