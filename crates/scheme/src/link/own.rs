//! Network management that the platform sends first (network-iso8583.md sections 3.1 and 3.7).
//! Pure.

use iso8583::{Message, Mti};

use crate::translate::{Code, field};

/// What the platform asks of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Management {
    /// The peer is to send requests.
    SignOn,
    /// The peer is to send none.
    SignOff,
    /// The peer is to answer.
    EchoTest,
    /// A reconciliation window ends.
    CutOver,
    /// The peer is to send a new key.
    KeyRequest,
}

impl Management {
    /// DE70.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::SignOn => "001",
            Self::SignOff => "002",
            Self::EchoTest => "301",
            Self::CutOver => "201",
            Self::KeyRequest => "161",
        }
    }
}

/// What an answer to network management of ours repeats: DE7 and DE11.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnKey {
    /// DE7.
    pub(crate) transmitted_at: String,
    /// DE11.
    pub(crate) stan: String,
}

/// An answer to network management of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnAnswer {
    /// What it repeats.
    pub(crate) key: OwnKey,
    /// DE39.
    pub(crate) code: String,
    /// Whether the peer agrees.
    pub(crate) is_accepted: bool,
}

impl OwnAnswer {
    /// Reads it; `None` if it lacks what it is recognised by, or a response code.
    pub(crate) fn read(message: &Message) -> Option<Self> {
        let text = |number| message.text(number).map(str::to_owned);
        let code = text(field::RESPONSE_CODE)?;
        Some(Self {
            key: OwnKey { transmitted_at: text(field::TRANSMITTED_AT)?, stan: text(field::STAN)? },
            is_accepted: code.as_bytes() == Code::ACCEPTED.text(message.mti().version()),
            code,
        })
    }
}

/// What is to be done about something that the platform sends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing yet.
    Nothing,
    /// It is to be sent.
    Send,
    /// The peer failed to answer too often.
    GiveUp,
}

/// DE7 of a moment in RFC 3339 and UTC.
pub(crate) fn transmission_time(moment: &str) -> String {
    moment.chars().filter(char::is_ascii_digit).skip(4).take(10).collect()
}

/// Who sends network management of ours.
#[derive(Debug, Clone, Default)]
pub struct OwnSender {
    /// DE41.
    pub terminal: Option<String>,
    /// DE32.
    pub acquirer: Option<String>,
}

/// The 0800.
pub(crate) fn own_message(what: Management, key: &OwnKey, sender: &OwnSender) -> Option<Message> {
    let mut message = Message::new(Mti::new([0, 8, 0, 0])?);
    for (number, text) in [
        (field::TRANSMITTED_AT, Some(key.transmitted_at.as_str())),
        (field::STAN, Some(&key.stan)),
        (field::ACQUIRER, sender.acquirer.as_deref()),
        (field::TERMINAL, sender.terminal.as_deref()),
        (field::MANAGEMENT_CODE, Some(what.code())),
    ] {
        if let Some(text) = text {
            message.set(number, text.as_bytes()).ok()?;
        }
    }
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_management_says_when_it_was_sent() {
        let key = OwnKey {
            transmitted_at: transmission_time("2026-11-29T12:00:31.250Z"),
            stan: "000007".to_owned(),
        };
        assert_eq!(key.transmitted_at, "1129120031");
        let sender =
            OwnSender { terminal: Some("CARDBRDG".into()), acquirer: Some("412345".into()) };
        let test = own_message(Management::EchoTest, &key, &sender).unwrap();
        assert_eq!(test.mti().to_string(), "0800");
        let texts = [7, 11, 32, 41, 70].map(|number| test.text(number).unwrap());
        assert_eq!(texts, ["1129120031", "000007", "412345", "CARDBRDG", "301"]);
        let test = own_message(Management::CutOver, &key, &OwnSender::default()).unwrap();
        assert_eq!((test.text(70), test.get(32), test.get(41)), (Some("201"), None, None));
    }
}
