//! What was read off the card (network-iso8583.md sections 3.3 and 3.5).

use iso8583::Message;
use vault::{CHIP_SERVICE_CODE, ClearPan, parse_expiry};

use super::codes::Refusal;
use super::field;
use super::reading::CardReading;
use super::track::Track;
use super::words::{ServiceCode, words_of};
use crate::order::OrderCard;

/// The card, by its PAN. A PAN that is ill-formed belongs to no card.
pub(crate) fn card_of(message: &Message, reading: &CardReading) -> Result<OrderCard, Refusal> {
    let ReadCard { pan, track_2, track_1 } = read_card(message)?;
    let expiry = expiry_of(message, [&track_2, &track_1])?;
    let pan = ClearPan::parse(pan).map_err(|_| Refusal::UnknownCard)?;
    let track = track_2.or(track_1);
    let cvv1 = reading.track_cvv.zip(track).zip(words_of(message).service_code(message));
    let cvv1 = cvv1.map(|((offset, track), code)| match code {
        ServiceCode::OfTrack => track.cvv(offset, track.service_code),
        ServiceCode::OfChip => track.cvv(offset, Some(CHIP_SERVICE_CODE)),
    });
    Ok(OrderCard::Pan { pan, expiry, cvv2: reading.cvv2_of(message), cvv1 })
}

/// The PAN alone.
pub(crate) fn pan_of(message: &Message) -> Result<ClearPan, Refusal> {
    ClearPan::parse(read_card(message)?.pan).map_err(|_| Refusal::UnknownCard)
}

/// The PAN, wherever it stands, and the tracks.
struct ReadCard<'a> {
    pan: &'a str,
    track_2: Option<Track<'a>>,
    track_1: Option<Track<'a>>,
}

fn read_card(message: &Message) -> Result<ReadCard<'_>, Refusal> {
    let track_2 = track_of(message, field::TRACK_2, Track::parse_2)?;
    let track_1 = track_of(message, field::TRACK_1, Track::parse_1)?;
    let pans = [
        (field::PAN, message.text(field::PAN)),
        (field::TRACK_2, track_2.as_ref().map(|track| track.pan)),
        (field::TRACK_1, track_1.as_ref().map(|track| track.pan)),
    ];
    let mut pans = pans.iter().filter_map(|(number, pan)| Some((*number, (*pan)?)));
    let (_, pan) = pans.next().ok_or(Refusal::Format(field::PAN))?;
    if let Some((number, _)) = pans.find(|(_, other)| *other != pan) {
        return Err(Refusal::Format(number));
    }
    Ok(ReadCard { pan, track_2, track_1 })
}

fn track_of<'a>(
    message: &'a Message,
    number: u8,
    parse: impl FnOnce(&'a str) -> Option<Track<'a>>,
) -> Result<Option<Track<'a>>, Refusal> {
    if message.get(number).is_none() {
        return Ok(None);
    }
    message.text(number).and_then(parse).map(Some).ok_or(Refusal::Format(number))
}

/// The expiry; where several fields have one, all are the same.
fn expiry_of(
    message: &Message,
    [track_2, track_1]: [&Option<Track<'_>>; 2],
) -> Result<Option<String>, Refusal> {
    let own = message.text(field::EXPIRY);
    let of_track = |track: &Option<Track<'_>>| {
        track.as_ref().and_then(|track| track.expiry).map(str::to_owned)
    };
    let given = [
        (field::EXPIRY, own.map(str::to_owned)),
        (field::TRACK_2, of_track(track_2)),
        (field::TRACK_1, of_track(track_1)),
    ];
    let mut given = given.iter().filter_map(|(number, expiry)| Some((*number, expiry.as_ref()?)));
    let Some((number, expiry)) = given.next() else { return Ok(None) };
    if given.any(|(_, other)| other != expiry) {
        return Err(Refusal::Format(number));
    }
    parse_expiry(expiry).map(Some).ok_or(Refusal::Format(number))
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
        match card_of(&message, &CardReading::default())? {
            OrderCard::Pan { pan, expiry, cvv2: None, .. } => Ok((pan.expose().to_owned(), expiry)),
            _ => panic!("a PAN without CVV2"),
        }
    }

    /// The service code and digits of the CVV that is compared.
    fn cvv(fields: &[(u8, &str)]) -> Option<(Option<String>, Option<String>)> {
        let mut message = Message::new(Mti::new([0, 1, 0, 0]).unwrap());
        for (number, text) in fields {
            message.set(*number, text.as_bytes()).unwrap();
        }
        match card_of(&message, &CardReading::default()) {
            Ok(OrderCard::Pan { cvv1, .. }) => {
                cvv1.map(|it| (it.service_code, it.digits.map(|digits| digits.to_string())))
            }
            _ => panic!("a PAN"),
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
        let track_1 = format!("B{PAN}^USER/TEST^30122010000");
        assert_eq!(read(&[(45, &track_1)]), with(Some("3012")));
        assert_eq!(read(&[(2, PAN), (35, &track), (45, &track_1)]), with(Some("3012")));
    }

    #[test]
    fn the_cvv_of_a_track_is_compared_as_the_card_was_read() {
        let track = format!("{PAN}=30122010000063000000");
        let with = |mode: &str| cvv(&[(35, &track), (22, mode)]);
        let under = |code: &str| Some((Some(code.to_owned()), Some("630".to_owned())));
        for mode in ["021", "901", "791", "801"] {
            assert_eq!(with(mode), under("201"), "{mode}");
        }
        for mode in ["051", "071", "951"] {
            assert_eq!(with(mode), under("999"), "{mode}");
        }
        for mode in ["011", "911", "000", "101"] {
            assert_eq!(with(mode), None, "{mode}");
        }
        assert_eq!(cvv(&[(2, PAN), (22, "901")]), None);
        let track_1 = format!("B{PAN}^USER/TEST^30122010000063000000");
        assert_eq!(cvv(&[(45, &track_1), (22, "901")]), under("201"));
        let short = format!("{PAN}=3012=00");
        assert_eq!(cvv(&[(35, &short), (22, "901")]), Some((None, None)));
    }

    #[test]
    fn a_card_that_cannot_be_read_is_refused_with_the_field() {
        let track = format!("{PAN}=30122010000");
        let other = "4000990042424246=3012201";
        for (fields, refusal) in [
            (&[][..], Refusal::Format(2)),
            (&[(2, PAN), (35, other)], Refusal::Format(35)),
            (&[(35, PAN)], Refusal::Format(35)),
            (&[(45, &format!("{PAN}^N^3012201"))], Refusal::Format(45)),
            (&[(2, PAN), (45, "B4000990042424246^N^3012201")], Refusal::Format(45)),
            (&[(35, &track), (45, &format!("B{PAN}^N^3011201"))], Refusal::Format(35)),
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
