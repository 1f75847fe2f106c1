//! Where a link's messages have the verification values of a card (network-iso8583.md section 3.5).

use iso8583::Message;
use zeroize::Zeroizing;

/// Digits of a tag, and of a length behind it.
const TAG_DIGITS: usize = 2;

/// Where CVV2 stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cvv2Place {
    /// Behind a tag of two digits and a length of two, within a field.
    Tag {
        /// The field.
        field: u8,
        /// The tag.
        tag: String,
        /// Characters before the first tag.
        skip: usize,
    },
    /// At a place of its own within a field.
    Fixed {
        /// The field.
        field: u8,
        /// Characters before it.
        offset: usize,
        /// Its length.
        length: usize,
    },
}

/// Where the verification values of a card stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardReading {
    /// Where the CVV begins in a track's discretionary data; `None` = it is not compared.
    pub track_cvv: Option<usize>,
    /// Where CVV2 stands; `None` = it is not compared.
    pub cvv2: Option<Cvv2Place>,
}

impl Default for CardReading {
    fn default() -> Self {
        // The version of the PIN verification key and its four-digit value stand before it.
        Self { track_cvv: Some(5), cvv2: None }
    }
}

impl CardReading {
    /// The CVV2 of a message; `None` if it has none.
    pub(super) fn cvv2_of(&self, message: &Message) -> Option<Zeroizing<String>> {
        let text = match self.cvv2.as_ref()? {
            Cvv2Place::Tag { field, tag, skip } => {
                tagged(message.text(*field)?.get(*skip..)?, tag)?
            }
            Cvv2Place::Fixed { field, offset, length } => {
                message.text(*field)?.get(*offset..)?.get(..*length)?
            }
        };
        let text = text.trim();
        (!text.is_empty()).then(|| Zeroizing::new(text.to_owned()))
    }
}

/// The value behind a tag.
fn tagged<'a>(mut text: &'a str, wanted: &str) -> Option<&'a str> {
    loop {
        let (tag, rest) = text.split_at_checked(TAG_DIGITS)?;
        let (length, rest) = rest.split_at_checked(TAG_DIGITS)?;
        let (value, rest) = rest.split_at_checked(length.parse().ok()?)?;
        if tag == wanted {
            return Some(value);
        }
        text = rest;
    }
}

#[cfg(test)]
mod tests {
    use iso8583::Mti;

    use super::*;

    #[test]
    fn cvv2_is_found_behind_its_tag_or_at_its_place() {
        let read = |place: Cvv2Place, field: u8, text: &str| {
            let mut message = Message::new(Mti::new([0, 1, 0, 0]).unwrap());
            message.set(field, text.as_bytes()).unwrap();
            let reading = CardReading { cvv2: Some(place), ..CardReading::default() };
            reading.cvv2_of(&message).map(|it| it.to_string())
        };
        let tag = |skip| Cvv2Place::Tag { field: 48, tag: "92".to_owned(), skip };
        for (skip, text, wanted) in [
            (0, "9203792", Some("792")),
            (0, "1002AB9203792", Some("792")),
            (1, "T9203792", Some("792")),
            (0, "92041234", Some("1234")),
            (0, "9203   ", None),
            (0, "9200", None),
            (0, "9203", None),
            (0, "1002AB", None),
            (0, "xx", None),
            (0, "92xx792", None),
        ] {
            assert_eq!(read(tag(skip), 48, text).as_deref(), wanted, "{text}");
        }
        assert_eq!(read(tag(0), 47, "9203792"), None);
        let place = |offset| Cvv2Place::Fixed { field: 126, offset, length: 3 };
        assert_eq!(read(place(2), 126, "11792").as_deref(), Some("792"));
        assert_eq!(read(place(3), 126, "11792"), None);
    }
}
