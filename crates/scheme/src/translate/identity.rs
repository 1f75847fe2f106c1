//! What identifies a message (network-iso8583.md section 5.1).

use domain::{MessageNumbers, NetworkKey, OriginalNumbers, Timestamp};
use iso8583::Message;

use super::codes::Refusal;
use super::dates::with_year;
use super::field;
use super::kind::kind_of;
use super::words::words_of;

/// The original that a message names; `None` if it names none. `now` is real time.
///
/// # Errors
/// [`Refusal::NotSupported`] if that is no authorisation, sale or advice of one.
pub(crate) fn original_of(
    message: &Message,
    now: Timestamp,
) -> Result<Option<OriginalNumbers>, Refusal> {
    let words = words_of(message);
    original_data(message).map(|text| words.original(text, &now.to_string())).transpose()
}

/// The original data of a message. Zeros alone say that the peer does not know them.
pub(super) fn original_data(message: &Message) -> Option<&str> {
    let text = message.text(words_of(message).places().original)?;
    text.bytes().any(|digit| digit != b'0').then_some(text)
}

/// The numbers by which a repeat of a message is recognised; `None` without a STAN. `now` is real
/// time.
pub(crate) fn numbers_of(
    message: &Message,
    network: &str,
    now: Timestamp,
) -> Option<MessageNumbers> {
    let acquirer = message.text(field::ACQUIRER).unwrap_or_default();
    Some(MessageNumbers {
        network: network.to_owned(),
        kind: kind_of(message.mti().class())?,
        acquirer: acquirer.trim_start_matches('0').to_owned(),
        stan: message.text(field::STAN)?.to_owned(),
        stamp: stamp(message, now).unwrap_or_default(),
        rrn: rrn(message).to_owned(),
    })
}

/// STAN and RRN, as the authorisation shows them.
pub(crate) fn network_key(message: &Message) -> Option<NetworkKey> {
    let stan = message.text(field::STAN)?.to_owned();
    Some(NetworkKey { stan, rrn: rrn(message).to_owned() })
}

fn rrn(message: &Message) -> &str {
    message.text(field::RRN).map(str::trim).unwrap_or_default()
}

/// The local date and time, otherwise those of the transmission, with the year that brings them
/// nearest to `now`. Peers renew the transmission's in a repeat, so it is the second choice.
fn stamp(message: &Message, now: Timestamp) -> Option<String> {
    let now = now.to_string();
    let sent = || with_year(message.text(field::TRANSMITTED_AT)?, &now);
    words_of(message).local_time(message, &now).or_else(sent)
}

#[cfg(test)]
mod tests {
    use domain::MessageKind;
    use iso8583::Mti;

    use super::*;

    const NOW: &str = "2026-11-29T12:00:10Z";

    fn numbers(fields: &[(u8, &str)]) -> Option<MessageNumbers> {
        let mut message = Message::new(Mti::new([0, 1, 0, 0]).unwrap());
        for (number, text) in fields {
            message.set(*number, text.as_bytes()).unwrap();
        }
        numbers_of(&message, "switch-a", Timestamp::parse_rfc3339(NOW).unwrap())
    }

    #[test]
    fn a_message_is_known_by_its_local_time_and_otherwise_by_its_transmission() {
        let (stan, sent, date, time) =
            ((11, "000001"), (7, "1129120001"), (13, "1129"), (12, "200001"));
        let stamp = |fields: &[(u8, &str)]| numbers(fields).unwrap().stamp;
        assert_eq!(stamp(&[stan, sent, date, time]), "20261129200001");
        assert_eq!(stamp(&[stan, sent, date]), "20261129120001");
        assert_eq!(stamp(&[stan, sent, time]), "20261129120001");
        assert_eq!(stamp(&[stan]), "");
        assert_eq!(numbers(&[sent, date, time]), None);
    }

    #[test]
    fn numbers_are_read_without_their_filling() {
        let it = numbers(&[(11, "000001"), (32, "00412345"), (37, "63331200000 ")]).unwrap();
        assert_eq!((it.acquirer.as_str(), it.rrn.as_str()), ("412345", "63331200000"));
        let bare = numbers(&[(11, "000001"), (37, "            ")]).unwrap();
        assert_eq!((bare.acquirer.as_str(), bare.rrn.as_str()), ("", ""));
        assert_eq!((bare.network.as_str(), bare.kind), ("switch-a", MessageKind::Authorisation));
    }
}
