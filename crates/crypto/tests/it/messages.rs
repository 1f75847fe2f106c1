//! Keys, check values, message authentication codes and CVVs.

use crypto::card_verification::cvv;
use crypto::{CryptoError, MacPadding, TdesKey};

use super::{bytes, cryptography, key, text, vectors};

#[test]
fn check_values_are_those_of_the_page() {
    let keys = vectors()["keys"].take();
    let named: Vec<_> =
        keys.as_object().unwrap().iter().filter(|(_, it)| it.get("kcv").is_some()).collect();
    assert_eq!(named.len(), 6);
    for (name, it) in named {
        assert_eq!(key(name).check_value(), bytes::<3>(it, "kcv"), "{name}");
    }
}

#[test]
fn a_key_is_thirty_two_hexadecimal_digits() {
    for text in ["", "00", &"0".repeat(31), &"0".repeat(33), &"g".repeat(32), &"é".repeat(16)] {
        assert_eq!(TdesKey::from_hex(text).err(), Some(CryptoError::Key), "{text}");
    }
}

#[test]
fn codes_of_messages_are_those_of_the_page() {
    let (all, key) = (vectors(), key("ZAK"));
    let macs = all["cryptography"]["macs"].as_array().unwrap();
    assert_eq!(macs.len(), 5);
    for it in macs {
        let data = match it.get("data") {
            Some(_) => hex::decode(text(it, "data")).unwrap(),
            None => before_the_code(&all["vectors"], text(it, "vector")),
        };
        let mac = bytes::<8>(it, "mac");
        assert_eq!(key.mac(&data, MacPadding::Zeros), mac, "{it}");
        assert!(key.mac_matches(&data, MacPadding::Zeros, &mac));
        let changed = [&data[..data.len() - 1], &[data[data.len() - 1] ^ 1]].concat();
        assert!(!key.mac_matches(&changed, MacPadding::Zeros, &mac));
        assert!(!key.mac_matches(&data, MacPadding::Zeros, &mac[..7]));
    }
}

/// A message up to its code, which is its last field: 8 bytes, or 16 hexadecimal digits.
fn before_the_code(vectors: &serde_json::Value, id: &str) -> Vec<u8> {
    let vector = vectors.as_array().unwrap().iter().find(|it| it["id"] == id).unwrap();
    let mut message = hex::decode(text(vector, "hex")).unwrap();
    let code = if text(vector, "packager") == "iso87ascii" { 16 } else { 8 };
    message.truncate(message.len() - code);
    message
}

#[test]
fn verification_values_follow_the_service_code() {
    let pair = *key("CVK").as_bytes();
    let (first, second) = (pair[..8].try_into().unwrap(), pair[8..].try_into().unwrap());
    let values = cryptography()["cvv"].take();
    for it in values.as_array().unwrap() {
        let value =
            cvv(first, second, text(it, "pan"), text(it, "expiry"), text(it, "serviceCode"));
        assert_eq!(value.as_deref(), Ok(text(it, "value")), "{it}");
    }
}
