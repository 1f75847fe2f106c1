//! What identifies a message (network-iso8583.md section 5.1).

use domain::{MessageKind, MessageNumbers, NetworkKey, OriginalNumbers, Timestamp};
use iso8583::Message;

use super::codes::Refusal;
use super::field;

/// A year of months with 31 days: dates compare by their place in it.
const PLACES_A_YEAR: i32 = 12 * 31;

/// Digits of the parts of DE90 before its acquirer.
const ORIGINAL_MTI: std::ops::Range<usize> = 0..4;
const ORIGINAL_STAN: std::ops::Range<usize> = 4..10;
const ORIGINAL_TRANSMITTED_AT: std::ops::Range<usize> = 10..20;
const ORIGINAL_ACQUIRER: std::ops::Range<usize> = 20..31;

/// The kind of a class of messages; `None` for those that have no identity.
const fn kind_of(class: u8) -> Option<MessageKind> {
    Some(match class {
        1 => MessageKind::Authorisation,
        2 => MessageKind::Financial,
        4 => MessageKind::Reversal,
        5 => MessageKind::Reconciliation,
        _ => return None,
    })
}

/// The original that a message names in DE90; `None` if it names none.
///
/// # Errors
/// [`Refusal::NotSupported`] if that is no authorisation, sale or advice of one.
pub(crate) fn original_of(message: &Message) -> Result<Option<OriginalNumbers>, Refusal> {
    let Some(text) = message.text(field::ORIGINAL) else { return Ok(None) };
    let part = |range| text.get(range).ok_or(Refusal::Format(field::ORIGINAL));
    let class = part(ORIGINAL_MTI)?.as_bytes()[1].wrapping_sub(b'0');
    let kind = kind_of(class).filter(|kind| kind.is_original()).ok_or(Refusal::NotSupported)?;
    Ok(Some(OriginalNumbers {
        kind,
        acquirer: part(ORIGINAL_ACQUIRER)?.trim_start_matches('0').to_owned(),
        stan: part(ORIGINAL_STAN)?.to_owned(),
        transmitted_at: part(ORIGINAL_TRANSMITTED_AT)?.to_owned(),
    }))
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
    let local = || {
        let (date, time) = (message.text(field::LOCAL_DATE)?, message.text(field::LOCAL_TIME)?);
        Some(format!("{date}{time}"))
    };
    let moment = local().or_else(|| message.text(field::TRANSMITTED_AT).map(str::to_owned))?;
    let year = year_of(moment.get(..4)?, &now.to_string())?;
    Some(format!("{year:04}{moment}"))
}

/// The year of a date MMDD that is nearest to `now`, a text that begins with a date YYYY-MM-DD.
fn year_of(date: &str, now: &str) -> Option<i32> {
    let number = |text: &str, from: usize, to: usize| text.get(from..to)?.parse::<i32>().ok();
    let place = |month: i32, day: i32| month * 31 + day;
    let own = place(number(date, 0, 2)?, number(date, 2, 4)?);
    let current = place(number(now, 5, 7)?, number(now, 8, 10)?);
    let year = number(now, 0, 4)?;
    Some(match own - current {
        later if later > PLACES_A_YEAR / 2 => year - 1,
        earlier if earlier < -PLACES_A_YEAR / 2 => year + 1,
        _ => year,
    })
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_date_has_the_year_that_brings_it_nearest() {
        for (date, now, year) in [
            ("1231", "2027-01-01", 2026),
            ("0101", "2026-12-31", 2027),
            ("0229", "2027-01-15", 2027),
            ("0601", "2026-11-29", 2026),
            ("0605", "2026-11-29", 2026),
            ("0501", "2026-11-29", 2027),
        ] {
            assert_eq!(year_of(date, now), Some(year), "{date} at {now}");
        }
        assert_eq!(year_of("x", "2026-11-29"), None);
    }
}
