//! The shop of a message.

use domain::Merchant;
use iso8583::Message;

use super::field;
use super::place::{Place, Shop, trimmed};
use super::presented::pan_of;
use super::words::words_of;

/// What stands for the card's number.
const HIDDEN_PAN: &str = "***";

/// The shop; what a field does not say is left out, and so is the card's number, which no field of
/// the shop is for.
pub(crate) fn merchant_of(message: &Message, place: Place) -> Merchant {
    let words = words_of(message);
    let pan = pan_of(message).ok();
    let hidden = |text: Option<String>| {
        let pan = pan.as_ref().map(|pan| pan.expose());
        text.map(|text| pan.map_or(text.clone(), |pan| text.replace(pan, HIDDEN_PAN)))
    };
    let bytes = message.get(field::MERCHANT_PLACE).unwrap_or_default();
    let Shop { name, city, country } = words.shop(bytes, place);
    let country = country.and_then(|code| wire::country::parse(&code));
    Merchant {
        merchant_id: hidden(message.get(field::MERCHANT_ID).and_then(trimmed)),
        name: hidden(name),
        city: hidden(city),
        country: country.map(|country| country.alpha2.to_owned()),
        mcc: message.get(words.places().category).and_then(trimmed),
    }
}

#[cfg(test)]
mod tests {
    use iso8583::Mti;

    use super::*;

    #[test]
    fn the_cards_number_is_not_the_shops() {
        let pan = "4000990012345678";
        let mut message = Message::new(Mti::new([0, 1, 0, 0]).unwrap());
        message.set(2, pan.as_bytes()).unwrap();
        message.set(42, b"400099001234567").unwrap();
        message.set(43, format!("SHOP {pan}    {:13}SG", "X").as_bytes()).unwrap();
        let merchant = merchant_of(&message, Place::default());
        assert_eq!(merchant.name.as_deref(), Some("SHOP ***"));
        assert_eq!(merchant.merchant_id.as_deref(), Some("400099001234567"));
        // Without DE2 it is that of the track.
        message.remove(2);
        message.set(35, format!("{pan}=3012201").as_bytes()).unwrap();
        assert_eq!(merchant_of(&message, Place::default()).name.as_deref(), Some("SHOP ***"));
    }

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
    fn de43_of_1993_is_divided_by_backslashes() {
        let read = |text: &str| {
            let mut message = Message::new(Mti::new([1, 1, 0, 0]).unwrap());
            message.set(43, text.as_bytes()).unwrap();
            message.set(26, b"5999").unwrap();
            let it = merchant_of(&message, Place::default());
            assert_eq!(it.mcc.as_deref(), Some("5999"));
            [it.name, it.city, it.country].map(Option::unwrap_or_default)
        };
        assert_eq!(read(r"TEST SHOP\SINGAPORE\SG"), ["TEST SHOP", "SINGAPORE", "SG"]);
        let whole = r"TEST SHOP\1 MAIN STREET\SAN JOSE\95112     CA USA";
        assert_eq!(read(whole), ["TEST SHOP", "SAN JOSE", "US"]);
        assert_eq!(read(r"TEST SHOP\SGP"), ["TEST SHOP", "", "SG"]);
        assert_eq!(read("TEST SHOP"), ["TEST SHOP", "", ""]);
        assert_eq!(read(r"\\QQ"), ["", "", ""]);
    }
}
