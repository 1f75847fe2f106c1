//! Network management that the platform sends first (network-iso8583.md sections 3.1 and 3.7).
//! Pure.

use domain::Timestamp;
use iso8583::{Message, Mti};

use crate::translate::{Code, ManagementWords, Topic, field, with_year};

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
    /// What it is about.
    pub(crate) const fn topic(self) -> Topic {
        match self {
            Self::SignOn => Topic::SignOn,
            Self::SignOff => Topic::SignOff,
            Self::EchoTest => Topic::EchoTest,
            Self::CutOver => Topic::CutOver,
            Self::KeyRequest => Topic::KeyRequest,
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

/// The message in these words; `None` if they have none for it.
pub(crate) fn own_message(
    what: Management,
    words: &ManagementWords,
    key: &OwnKey,
    real_now: Timestamp,
    sender: &OwnSender,
) -> Option<Message> {
    let mut message = Message::new(Mti::new(words.mti)?);
    for (number, text) in [
        (field::TRANSMITTED_AT, Some(key.transmitted_at.as_str())),
        (field::STAN, Some(&key.stan)),
        (field::ACQUIRER, sender.acquirer.as_deref()),
        (field::TERMINAL, sender.terminal.as_deref()),
        (words.place, Some(words.code(what.topic())?)),
    ] {
        if let Some(text) = text {
            message.set(number, text.as_bytes()).ok()?;
        }
    }
    if let Some(place) = words.local_time {
        // The platform's place is UTC. The field's year has two digits.
        let local = with_year(&key.transmitted_at, &real_now.to_string())?;
        message.set(place, local.get(2..)?.as_bytes()).ok()?;
    }
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::translate::management_words;

    #[test]
    fn network_management_says_when_it_was_sent() {
        let key = OwnKey {
            transmitted_at: transmission_time("2026-11-29T12:00:31.250Z"),
            stan: "000007".to_owned(),
        };
        assert_eq!(key.transmitted_at, "1129120031");
        let now = Timestamp::parse_rfc3339("2026-11-29T12:00:31.250Z").unwrap();
        let sender =
            OwnSender { terminal: Some("CARDBRDG".into()), acquirer: Some("412345".into()) };
        let sent = |what, version, sender: &OwnSender| {
            own_message(what, management_words(version), &key, now, sender)
        };
        let test = |version| sent(Management::EchoTest, version, &sender).unwrap();
        let shown = |message: &Message, codes: [u8; 2]| {
            let common = [7, 11, 32, 41].map(|number| message.text(number).map(str::to_owned));
            let told = [Some("1129120031"), Some("000007"), Some("412345"), Some("CARDBRDG")];
            assert_eq!(common.each_ref().map(Option::as_deref), told);
            let codes = codes.map(|number| message.text(number).map(str::to_owned));
            (message.mti().to_string(), codes, message.text(12).map(str::to_owned))
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(shown(&test(0), [70, 24]), ("0800".into(), [text("301"), None], None));
        let of_1993 = ("1804".into(), [None, text("831")], text("261129120031"));
        assert_eq!(shown(&test(1), [70, 24]), of_1993);
        let nameless = sent(Management::CutOver, 0, &OwnSender::default()).unwrap();
        let codes = (nameless.text(70), nameless.get(32), nameless.get(41));
        assert_eq!(codes, (Some("201"), None, None));
        assert_eq!(sent(Management::CutOver, 1, &sender).unwrap().text(24), Some("821"));
        assert!(sent(Management::KeyRequest, 1, &sender).is_none(), "1993 has no word for it");
    }
}
