//! The tracks of a card's stripe (network-iso8583.md section 3.5).

use zeroize::Zeroizing;

use crate::order::TrackCvv;

/// The separator of track 2 in a decoded message.
const SEPARATOR_2: char = '=';
/// The separator of track 1.
const SEPARATOR_1: char = '^';
/// The first character of a track 1 of a payment card.
const FORMAT_1: char = 'B';
/// Digits of a service code, and of a CVV.
const SERVICE_CODE_DIGITS: usize = 3;
const CVV_DIGITS: usize = 3;

/// What is read of a track.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Track<'a> {
    pub(super) pan: &'a str,
    /// YYMM; `None` if a separator stands in its place.
    pub(super) expiry: Option<&'a str>,
    /// `None` if a separator stands in its place, or nothing follows.
    pub(super) service_code: Option<&'a str>,
    /// What the issuer put behind it.
    discretionary: &'a str,
}

impl<'a> Track<'a> {
    /// Reads track 2: the PAN, then what both tracks end with.
    pub(super) fn parse_2(text: &'a str) -> Option<Self> {
        let (pan, rest) = text.split_once(SEPARATOR_2)?;
        Self::with_rest(pan, rest, SEPARATOR_2)
    }

    /// Reads track 1: a letter, the PAN, the holder's name, then what both tracks end with.
    pub(super) fn parse_1(text: &'a str) -> Option<Self> {
        let (pan, rest) = text.strip_prefix(FORMAT_1)?.split_once(SEPARATOR_1)?;
        let (_, rest) = rest.split_once(SEPARATOR_1)?;
        Self::with_rest(pan.trim_end(), rest, SEPARATOR_1)
    }

    fn with_rest(pan: &'a str, rest: &'a str, separator: char) -> Option<Self> {
        let (expiry, rest) = digits_or(rest, 4, separator)?;
        let (service_code, discretionary) =
            digits_or(rest, SERVICE_CODE_DIGITS, separator).unwrap_or((None, ""));
        Some(Self { pan, expiry, service_code, discretionary })
    }

    /// Its CVV, at this offset in the discretionary data, to be compared under `service_code`.
    pub(super) fn cvv(&self, offset: usize, service_code: Option<&str>) -> TrackCvv {
        let digits = self.discretionary.get(offset..).and_then(|it| it.get(..CVV_DIGITS));
        let digits = digits.filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
        TrackCvv {
            service_code: service_code.map(str::to_owned),
            digits: digits.map(|digits| Zeroizing::new(digits.to_owned())),
        }
    }
}

/// The next `count` digits, or the separator in their place, and what follows.
fn digits_or(text: &str, count: usize, separator: char) -> Option<(Option<&str>, &str)> {
    if let Some(rest) = text.strip_prefix(separator) {
        return Some((None, rest));
    }
    let (digits, rest) = text.split_at_checked(count)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then_some((Some(digits), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tracks_end_alike() {
        let read = |service_code| Track {
            pan: "4000990042424246",
            expiry: Some("3012"),
            service_code,
            discretionary: "0000063000000",
        };
        let track_2 = "4000990042424246=30122010000063000000";
        assert_eq!(Track::parse_2(track_2), Some(read(Some("201"))));
        let track_1 = "B4000990042424246^USER/TEST               ^30122010000063000000";
        assert_eq!(Track::parse_1(track_1), Some(read(Some("201"))));
        let without = Track::parse_2("4000990042424246=3012=0000063000000");
        assert_eq!(without, Some(read(None)));
        let bare = Track::parse_2("4000990042424246==").unwrap();
        assert_eq!((bare.expiry, bare.service_code, bare.discretionary), (None, None, ""));
        assert_eq!(Track::parse_2("4000990042424246=3012").unwrap().service_code, None);
        for text in ["", "4000990042424246", "4000990042424246=30", "4000990042424246=30x2201"] {
            assert!(Track::parse_2(text).is_none(), "{text}");
        }
        for text in ["", "A1^N^3012201", "B1^3012201", "B1^N^30é2201", "1^N^3012201"] {
            assert!(Track::parse_1(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_cvv_stands_where_the_link_says() {
        let track = Track::parse_2("4000990042424246=30122010000063000000").unwrap();
        let digits = |offset| track.cvv(offset, Some("201")).digits.map(|it| it.to_string());
        assert_eq!(digits(5).as_deref(), Some("630"));
        assert_eq!(digits(10).as_deref(), Some("000"));
        assert_eq!((digits(11), digits(100)), (None, None));
        let letters = Track::parse_1("B1^N^301220100000ABC").unwrap();
        assert!(letters.cvv(5, None).digits.is_none());
    }
}
