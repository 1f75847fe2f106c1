//! Key blocks of TR-31.

use crypto::{CryptoError, KeyUsage, ProtectionAlgorithm, ProtectionKey, open_key_block};
use zeroize::Zeroizing;

use super::{cryptography, key, text, vectors};

fn protection(name: &str) -> ProtectionKey {
    match name {
        "ZMK" => ProtectionKey::Tdes(key("ZMK")),
        _ => ProtectionKey::Aes(Zeroizing::new(
            hex::decode(text(&vectors()["keys"][name], "key")).unwrap(),
        )),
    }
}

fn blocks() -> Vec<serde_json::Value> {
    cryptography()["tr31"].as_array().unwrap().clone()
}

#[test]
fn blocks_of_the_page_hold_their_keys() {
    assert_eq!(blocks().len(), 3);
    for it in blocks() {
        let (usage, opened) =
            open_key_block(&protection(text(&it, "kbpk")), text(&it, "block")).unwrap();
        let held = text(&it, "holds");
        assert_eq!(opened.as_bytes(), key(held).as_bytes());
        assert_eq!(usage, if held == "ZAK" { KeyUsage::Mac } else { KeyUsage::Pin });
    }
}

#[test]
fn every_changed_character_is_refused() {
    for it in blocks() {
        let (protection, block) = (protection(text(&it, "kbpk")), text(&it, "block"));
        for at in 0..block.len() {
            let mut changed = block.as_bytes().to_vec();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(changed).unwrap();
            let opened = open_key_block(&protection, &changed);
            assert_eq!(opened.err(), Some(CryptoError::Refused), "{changed}");
        }
    }
}

#[test]
fn cut_and_foreign_blocks_are_refused() {
    for it in blocks() {
        let (protection, block) = (protection(text(&it, "kbpk")), text(&it, "block"));
        for end in 0..block.len() {
            assert!(open_key_block(&protection, &block[..end]).is_err());
        }
        assert!(open_key_block(&protection, &format!("{block}00")).is_err());
        assert!(open_key_block(&protection, &block.replace('0', "é")).is_err());
        assert!(open_key_block(&ProtectionKey::Tdes(key("ZAK")), block).is_err());
    }
    let short = ProtectionKey::Aes(Zeroizing::new(vec![0; 15]));
    let opened = open_key_block(&short, text(&blocks()[2], "block"));
    assert_eq!(opened.err(), Some(CryptoError::Key));
}

#[test]
fn components_make_a_protection_key_of_their_length() {
    use ProtectionAlgorithm::{Aes, Tdes};
    let whole = text(&vectors()["keys"]["ZMK"], "key").to_owned();
    let first = "5a".repeat(16);
    let second = hex::encode(key("ZMK").as_bytes().map(|byte| byte ^ 0x5A));
    let made = ProtectionKey::of_components(Tdes, &[&first, &second]).ok().unwrap();
    assert_eq!(made.check_value(), Ok(key("ZMK").check_value()));
    let half = ProtectionKey::of_components(Tdes, &[&first]).ok().unwrap();
    assert_ne!(half.check_value(), Ok(key("ZMK").check_value()));
    let of_aes = |text: &str| ProtectionKey::of_components(Aes, &[text]);
    // The CMAC of a block of zeros under the key of RFC 4493: made with OpenSSL's command line.
    let code = of_aes("2b7e151628aed2a6abf7158809cf4f3c").ok().unwrap().check_value();
    assert_eq!(code.map(hex::encode).as_deref(), Ok("7ad386"));
    assert!(of_aes(&"00".repeat(32)).is_ok());
    for (algorithm, components) in [
        (Tdes, &[][..]),
        (Tdes, &["00"]),
        (Tdes, &[&whole, "00"]),
        (Tdes, &[&whole.replace('F', "g")]),
        (Aes, &["00112233445566778899aabbccddeeff0011223344556677"]),
    ] {
        let made = ProtectionKey::of_components(algorithm, components);
        assert_eq!(made.err(), Some(CryptoError::Key), "{components:?}");
    }
}
