//! Cryptograms of chip cards.

use crypto::CryptoError;
use crypto::emv::{arpc_1, arpc_2, arqc_10, arqc_18, card_key, session_key};

use super::{bytes, cryptography, key, text};

/// The values that both versions begin with, in their order (network-iso8583.md section 3.6).
const TAGS: [&str; 10] =
    ["t9f02", "t9f03", "t9f1a", "t95", "t5f2a", "t9a", "t9c", "t9f37", "t82", "t9f36"];

#[test]
fn version_10_is_that_of_the_page() {
    let it = cryptography()["emv"].take();
    let card = card_key(&key("IMK"), text(&it, "pan"), text(&it, "psn")).unwrap();
    assert_eq!(card.as_bytes(), &bytes(&it, "icc_mk_ac"));
    let application = hex::decode(text(&it, "iad")).unwrap();
    let data = [values(&it), application[3..].to_vec()].concat();
    let arqc = arqc_10(&card, &data);
    assert_eq!(arqc, bytes(&it, "arqc"));
    assert_eq!(arpc_1(&card, arqc, *b"00"), bytes(&it, "arpc"));
    assert_ne!(arpc_1(&card, arqc, *b"05"), bytes(&it, "arpc"));
}

#[test]
fn version_18_is_that_of_the_page() {
    let it = cryptography()["emv"].take();
    let card = card_key(&key("IMK"), text(&it, "pan"), text(&it, "psn")).unwrap();
    let session = session_key(&card, bytes(&it, "t9f36"));
    assert_eq!(session.as_bytes(), &bytes(&it, "session_key_cvn18"));
    let data = [values(&it), hex::decode(text(&it, "iad18")).unwrap()].concat();
    let arqc = arqc_18(&session, &data);
    assert_eq!(arqc, bytes(&it, "arqc_cvn18"));
    assert_eq!(arpc_2(&session, arqc, bytes(&it, "csu")), bytes(&it, "arpc_cvn18"));
}

#[test]
fn a_card_is_named_by_digits() {
    for (pan, sequence) in [("40009900x", "01"), ("4000990012345678", "1"), ("é", "01")] {
        assert_eq!(card_key(&key("IMK"), pan, sequence).err(), Some(CryptoError::Input));
    }
}

fn values(it: &serde_json::Value) -> Vec<u8> {
    TAGS.iter().flat_map(|tag| hex::decode(text(it, tag)).unwrap()).collect()
}
