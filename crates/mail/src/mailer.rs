//! Sends messages by whichever channels there are.

use domain::Clock;

use crate::mailbox::Mailbox;
use crate::message::{Mail, MailChannel, MailError, SmtpSetupError};
use crate::smtp::{Smtp, SmtpSettings};

/// Sends messages.
pub struct Mailer {
    clock: Clock,
    mailbox: Option<Mailbox>,
    smtp: Option<Smtp>,
}

impl Mailer {
    /// The mailer of a sandbox: everything is kept in the mailbox; mail also goes out by SMTP if
    /// that is configured.
    ///
    /// # Errors
    /// The SMTP settings are unusable.
    pub fn sandbox(clock: Clock, smtp: Option<SmtpSettings>) -> Result<Self, SmtpSetupError> {
        let smtp = smtp.map(Smtp::new).transpose()?;
        Ok(Self { clock, mailbox: Some(Mailbox::default()), smtp })
    }

    /// The mailer of production: SMTP only, and no channel at all without it.
    ///
    /// # Errors
    /// The SMTP settings are unusable.
    pub fn production(clock: Clock, smtp: Option<SmtpSettings>) -> Result<Self, SmtpSetupError> {
        Ok(Self { clock, mailbox: None, smtp: smtp.map(Smtp::new).transpose()? })
    }

    /// Sends a message; when this returns, the mailbox holds it and the mail server, if there is
    /// one, has accepted it.
    ///
    /// # Errors
    /// [`MailError`]; the sandbox's mailbox holds the message anyway.
    pub async fn send(&self, mail: Mail) -> Result<(), MailError> {
        if let Some(mailbox) = &self.mailbox {
            mailbox.keep(self.clock.now(), mail.clone());
        }
        match (mail.channel, &self.smtp) {
            (MailChannel::Email, Some(smtp)) => smtp.send(&mail).await,
            _ if self.mailbox.is_some() => Ok(()),
            _ => Err(MailError::NoChannel),
        }
    }

    /// True if messages can be sent over this channel.
    #[must_use]
    pub const fn serves(&self, channel: MailChannel) -> bool {
        self.mailbox.is_some() || matches!(channel, MailChannel::Email) && self.smtp.is_some()
    }

    /// The sandbox's mailbox; production has none.
    #[must_use]
    pub const fn mailbox(&self) -> Option<&Mailbox> {
        self.mailbox.as_ref()
    }
}
