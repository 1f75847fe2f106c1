//! Key blocks of TR-31.

use crypto::{CryptoError, KeyUsage, ProtectionKey, open_key_block};
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
