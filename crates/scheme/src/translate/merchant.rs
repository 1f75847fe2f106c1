//! The shop of a message.

use domain::Merchant;
use iso8583::Message;

use super::field;

/// Bytes of DE43.
const PLACE_BYTES: usize = 40;
/// How DE43 is divided unless a link says otherwise: name, city, country.
const DEFAULT_PLACE: [usize; 3] = [25, 13, 2];

/// How DE43 is divided: the name first, the country in two letters last; before that, the city, or
/// the street, the city and the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    name_bytes: usize,
    city_until: usize,
    country_from: usize,
}

impl Default for Place {
    fn default() -> Self {
        let [name_bytes, city_bytes, _] = DEFAULT_PLACE;
        let country_from = name_bytes + city_bytes;
        Self { name_bytes, city_until: country_from, country_from }
    }
}

impl Place {
    /// Reads three or four numbers, such as `25,13,2`, that make 40; the last is 2.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let widths: Vec<usize> =
            text.split(',').map(|it| it.trim().parse().ok()).collect::<Option<_>>()?;
        let is_whole =
            widths.iter().try_fold(0_usize, |sum, it| sum.checked_add(*it)) == Some(PLACE_BYTES);
        match widths[..] {
            [name_bytes, city_bytes, 2] | [name_bytes, city_bytes, _, 2] if is_whole => {
                let city_until = name_bytes + city_bytes;
                Some(Self { name_bytes, city_until, country_from: PLACE_BYTES - 2 })
            }
            _ => None,
        }
    }
}

/// The shop; what a field does not say is left out.
pub(crate) fn merchant_of(message: &Message, place: Place) -> Merchant {
    let bytes = message.get(field::MERCHANT_PLACE).unwrap_or_default();
    let name = bytes.get(..place.name_bytes).and_then(trimmed);
    let city = bytes.get(place.name_bytes..place.city_until).and_then(trimmed);
    let country = bytes.get(place.country_from..).and_then(trimmed);
    let country = country.and_then(|code| wire::country::parse(&code));
    Merchant {
        merchant_id: message.get(field::MERCHANT_ID).and_then(trimmed),
        name,
        city,
        country: country.map(|country| country.alpha2.to_owned()),
        mcc: message.get(field::MCC).and_then(trimmed),
    }
}

/// The text without its filling, unless nothing is left.
fn trimmed(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use iso8583::Mti;

    use super::*;

    #[test]
    fn de43_is_divided_as_the_link_says() {
        let mut message = Message::new(Mti::new([0, 1, 0, 0]).unwrap());
        message.set(43, b"TEST SHOP                SINGAPORE    SG").unwrap();
        message.set(42, b"MERCHANT0000001").unwrap();
        let merchant = merchant_of(&message, Place::default());
        assert_eq!(merchant.name.as_deref(), Some("TEST SHOP"));
        assert_eq!(merchant.city.as_deref(), Some("SINGAPORE"));
        assert_eq!(merchant.country.as_deref(), Some("SG"));
        assert_eq!(merchant.merchant_id.as_deref(), Some("MERCHANT0000001"));
        assert_eq!(merchant.mcc, None);
        let street_first = Place::parse("23,13,2,2").unwrap();
        assert_eq!(merchant_of(&message, street_first).country.as_deref(), Some("SG"));
        message.set(43, b"TEST SHOP                SINGAPORE    QQ").unwrap();
        assert_eq!(merchant_of(&message, Place::default()).country, None);
    }

    #[test]
    fn a_place_has_forty_bytes_and_ends_with_the_country() {
        assert_eq!(Place::parse("25,13,2"), Some(Place::default()));
        for text in ["", "25,13", "25,12,3", "25,13,3", "40", "25,x,2", "38,2", "10,10,10,8,2"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }
}
