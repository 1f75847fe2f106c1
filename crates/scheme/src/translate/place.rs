//! How the name and place of a shop are divided (network-iso8583.md sections 2.5 and 3.3).

/// Bytes of DE43.
const PLACE_BYTES: usize = 40;
/// How DE43 is divided unless a link says otherwise: name, city, country.
const DEFAULT_PLACE: [usize; 3] = [25, 13, 2];

/// What divides DE43 of dialect 1993.
const BACKSLASH: u8 = b'\\';
/// Where the country begins behind a postal code of ten characters and a region of three.
const COUNTRY_FROM: usize = 13;

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

    /// The parts of the whole.
    pub(super) fn divide(self, bytes: &[u8]) -> Shop {
        Shop {
            name: bytes.get(..self.name_bytes).and_then(trimmed),
            city: bytes.get(self.name_bytes..self.city_until).and_then(trimmed),
            country: bytes.get(self.country_from..).and_then(trimmed),
        }
    }
}

/// What DE43 says of a shop.
pub(super) struct Shop {
    pub(super) name: Option<String>,
    pub(super) city: Option<String>,
    /// As it came.
    pub(super) country: Option<String>,
}

impl Shop {
    /// Parts with backslashes between them: the name first, the country last, the city before that.
    /// The last part may be a postal code, a region and a country of fixed lengths.
    pub(super) fn between_backslashes(bytes: &[u8]) -> Self {
        let parts: Vec<_> = bytes.split(|byte| *byte == BACKSLASH).collect();
        let (place, country) = match &parts[..] {
            [_, place @ .., country] => (place, Some(*country)),
            [_] | [] => (&[][..], None),
        };
        let country = country.map(|last| match last.split_at_checked(COUNTRY_FROM) {
            Some((_, country)) => country,
            None => last,
        });
        Self {
            name: parts.first().copied().and_then(trimmed),
            city: place.last().copied().and_then(trimmed),
            country: country.and_then(trimmed),
        }
    }
}

/// The text without its filling, unless nothing is left.
pub(super) fn trimmed(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_forty_bytes_and_ends_with_the_country() {
        assert_eq!(Place::parse("25,13,2"), Some(Place::default()));
        for text in ["", "25,13", "25,12,3", "25,13,3", "40", "25,x,2", "38,2", "10,10,10,8,2"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }
}
