//! PIN blocks.

use crypto::{CryptoError, PinBlockFormat, TdesKey, pin_block, pin_of};
use domain::SystemRandom;
use proptest::prelude::*;

use super::{bytes, cryptography, key, text};

fn format(number: u64) -> PinBlockFormat {
    if number == 0 { PinBlockFormat::Iso0 } else { PinBlockFormat::Iso3 }
}

#[test]
fn blocks_of_the_page_open_under_their_key_format_and_pan_only() {
    let (blocks, zpk) = (cryptography()["pinBlocks"].take(), key("ZPK"));
    for it in blocks.as_array().unwrap() {
        let (block, pan) = (bytes(it, "underZPK"), text(it, "pan"));
        let format = format(it["format"].as_u64().unwrap());
        assert_eq!(*zpk.decrypt_block(block), bytes(it, "clear"));
        assert_eq!(pin_of(&zpk, format, block, pan).unwrap().as_str(), text(it, "pin"));
        let other = match format {
            PinBlockFormat::Iso0 => PinBlockFormat::Iso3,
            PinBlockFormat::Iso3 => PinBlockFormat::Iso0,
        };
        let refused = Some(CryptoError::Refused);
        assert_eq!(pin_of(&zpk, other, block, pan).err(), refused);
        assert_eq!(pin_of(&key("ZAK"), format, block, pan).err(), refused);
        assert_eq!(pin_of(&zpk, format, block, "4000990077777777").err(), refused);
    }
}

#[test]
fn what_cannot_be_a_block_is_refused() {
    let zpk = key("ZPK");
    let made = |pin, pan| pin_block(&zpk, PinBlockFormat::Iso0, pin, pan, &SystemRandom);
    let pan = "4000990012345678";
    for (pin, pan) in [("123", pan), ("1234567890123", pan), ("12a4", pan), ("1234", "400099")] {
        assert_eq!(made(pin, pan), Err(CryptoError::Input), "{pin} {pan}");
    }
    let opened = pin_of(&zpk, PinBlockFormat::Iso0, [0; 8], "4000990é2345678");
    assert_eq!(opened.err(), Some(CryptoError::Input));
}

proptest! {
    #[test]
    fn a_pin_comes_out_as_it_went_in(
        key: [u8; 16],
        iso3: bool,
        pin in "[0-9]{4,12}",
        pan in "[0-9]{13,19}",
    ) {
        let (key, format) = (TdesKey::new(key), format(iso3.into()));
        let block = pin_block(&key, format, &pin, &pan, &SystemRandom).unwrap();
        let opened = pin_of(&key, format, block, &pan).unwrap();
        prop_assert_eq!(opened.as_str(), pin.as_str());
    }

    #[test]
    fn a_random_block_is_judged_without_panic(key: [u8; 16], block: [u8; 8], pan in "[0-9]{0,20}") {
        for format in [PinBlockFormat::Iso0, PinBlockFormat::Iso3] {
            let _ = pin_of(&TdesKey::new(key), format, block, &pan);
        }
    }
}
