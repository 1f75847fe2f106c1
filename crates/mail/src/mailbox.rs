//! The sandbox's mailbox: in memory only, bounded.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use domain::Timestamp;

use crate::message::{KeptMail, Mail};

/// Most messages kept; beyond that the oldest is dropped.
pub const MAX_KEPT_MAILS: usize = 500;

/// Messages that the sandbox keeps instead of sending.
#[derive(Default)]
pub struct Mailbox {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    last_number: u64,
    mails: VecDeque<KeptMail>,
}

impl Mailbox {
    /// Keeps a message.
    pub(super) fn keep(&self, sent_at: Timestamp, mail: Mail) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last_number += 1;
        let number = kept.last_number;
        if kept.mails.len() >= MAX_KEPT_MAILS {
            kept.mails.pop_front();
        }
        kept.mails.push_back(KeptMail { number, sent_at, mail });
    }

    /// All messages kept, oldest first.
    #[must_use]
    pub fn mails(&self) -> Vec<KeptMail> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.mails.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::super::{MailChannel, MailKind};
    use super::*;

    #[test]
    fn beyond_the_limit_the_oldest_goes() {
        let mailbox = Mailbox::default();
        for number in 0..=MAX_KEPT_MAILS {
            let mail = Mail {
                channel: MailChannel::Sms,
                kind: MailKind::OneTimePassword,
                to: number.to_string(),
                subject: String::new(),
                text: Zeroizing::new(String::new()),
            };
            mailbox.keep(Timestamp::from_micros(0), mail);
        }
        let mails = mailbox.mails();
        assert_eq!(mails.len(), MAX_KEPT_MAILS);
        assert_eq!((mails[0].number, mails[0].mail.to.as_str()), (2, "1"));
    }
}
