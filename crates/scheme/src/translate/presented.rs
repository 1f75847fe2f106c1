//! What was read off the card (network-iso8583.md sections 3.3 and 3.5).

use iso8583::Message;
use vault::{ClearPan, parse_expiry};

use super::codes::Refusal;
use super::field;
use crate::order::OrderCard;

/// The separator of a track in a decoded message.
const SEPARATOR: char = '=';

/// PAN and expiry of track 2.
struct Track2<'a> {
    pan: &'a str,
    /// YYMM; `None` if a separator stands in its place.
    expiry: Option<&'a str>,
}

impl<'a> Track2<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (pan, rest) = text.split_once(SEPARATOR)?;
        if rest.starts_with(SEPARATOR) {
            return Some(Self { pan, expiry: None });
        }
        let expiry = rest.get(..4)?;
        expiry
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then_some(Self { pan, expiry: Some(expiry) })
    }
}

/// The card, by its PAN. A PAN that is ill-formed belongs to no card.
pub(crate) fn card_of(message: &Message) -> Result<OrderCard, Refusal> {
    let (pan, expiry) = read_card(message)?;
    let expiry = expiry_of(message, expiry)?;
    Ok(OrderCard::Pan { pan, expiry, cvv2: None })
}

/// The PAN alone, of DE2 or of track 2.
pub(crate) fn pan_of(message: &Message) -> Result<ClearPan, Refusal> {
    read_card(message).map(|(pan, _)| pan)
}

/// The PAN, and the expiry of the track.
fn read_card(message: &Message) -> Result<(ClearPan, Option<&str>), Refusal> {
    let track = match message.text(field::TRACK_2) {
        Some(text) => Some(Track2::parse(text).ok_or(Refusal::Format(field::TRACK_2))?),
        None => None,
    };
    let pan = match (message.text(field::PAN), &track) {
        (Some(pan), Some(track)) if pan != track.pan => {
            return Err(Refusal::Format(field::TRACK_2));
        }
        (Some(pan), _) => pan,
        (None, Some(track)) => track.pan,
        (None, None) => return Err(Refusal::Format(field::PAN)),
    };
    let pan = ClearPan::parse(pan).map_err(|_| Refusal::UnknownCard)?;
    Ok((pan, track.and_then(|track| track.expiry)))
}

/// The expiry; where the track has one too, both are the same.
fn expiry_of(message: &Message, of_track: Option<&str>) -> Result<Option<String>, Refusal> {
    let own = message.text(field::EXPIRY);
    if own.zip(of_track).is_some_and(|(own, of_track)| own != of_track) {
        return Err(Refusal::Format(field::EXPIRY));
    }
    let at = if own.is_some() { field::EXPIRY } else { field::TRACK_2 };
    let read = |text| parse_expiry(text).ok_or(Refusal::Format(at));
    own.or(of_track).map(read).transpose()
}

#[cfg(test)]
mod tests {
    use iso8583::Mti;

    use super::*;

    const PAN: &str = "4000990012345678";

    fn read(fields: &[(u8, &str)]) -> Result<(String, Option<String>), Refusal> {
        let mut message = Message::new(Mti::new([0, 1, 0, 0]).unwrap());
        for (number, text) in fields {
            message.set(*number, text.as_bytes()).unwrap();
        }
        match card_of(&message)? {
            OrderCard::Pan { pan, expiry, cvv2: None } => Ok((pan.expose().to_owned(), expiry)),
            _ => panic!("a PAN without CVV2"),
        }
    }

    #[test]
    fn the_card_is_found_by_de2_or_by_track_2() {
        let with = |expiry: Option<&str>| Ok((PAN.to_owned(), expiry.map(str::to_owned)));
        assert_eq!(read(&[(2, PAN)]), with(None));
        assert_eq!(read(&[(2, PAN), (14, "3012")]), with(Some("3012")));
        let track = format!("{PAN}=30122010000");
        assert_eq!(read(&[(35, &track)]), with(Some("3012")));
        assert_eq!(read(&[(2, PAN), (14, "3012"), (35, &track)]), with(Some("3012")));
        assert_eq!(read(&[(35, &format!("{PAN}==201"))]), with(None));
    }

    #[test]
    fn a_card_that_cannot_be_read_is_refused_with_the_field() {
        let track = format!("{PAN}=30122010000");
        let other = "4000990042424246=3012201";
        for (fields, refusal) in [
            (&[][..], Refusal::Format(2)),
            (&[(2, PAN), (35, other)], Refusal::Format(35)),
            (&[(35, PAN)], Refusal::Format(35)),
            (&[(35, &format!("{PAN}=30"))], Refusal::Format(35)),
            (&[(35, &format!("{PAN}=3013201"))], Refusal::Format(35)),
            (&[(14, "3011"), (35, &track)], Refusal::Format(14)),
            (&[(2, PAN), (14, "3000")], Refusal::Format(14)),
            (&[(2, "4000990012345679")], Refusal::UnknownCard),
            (&[(2, "42")], Refusal::UnknownCard),
        ] {
            assert_eq!(read(fields), Err(refusal), "{fields:?}");
        }
    }
}
