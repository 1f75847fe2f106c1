use std::sync::Arc;

use domain::SystemRandom;

use super::*;
use crate::MasterKey;

/// The keys of network-iso8583.md section 10.3: the master key, and two zone keys under it.
const ZMK: &str = "F2974680DC38EFB52CE60D85BCC44A25";
const ZAK: &str = "8F9E04D09B61F47343F49B68F2C1971C";
const SEALED_ZPK: &str = "PX683244956233D0622BEE6A543D9A792BC21C24";
const SEALED_ZAK: &str = "B0096M3TC00N0000507D35CD2804E900F375865AD15399FF99FB6489EAB489BD640C8E1D\
    65ED3743CC9603099C4AE8FC";
const LINK: &str = "a";
const NOW: Timestamp = Timestamp::from_micros(0);

fn vault() -> Vault {
    let master = MasterKey::from_hex(&"5a".repeat(32)).unwrap();
    Vault::new(master, Arc::new(SystemRandom))
}

fn with_master_key() -> Vault {
    let vault = vault();
    let set = vault.set_link_master_key(LINK, ProtectionAlgorithm::Tdes, &[ZMK], "63EE2D");
    assert_eq!(set, Ok(()));
    vault
}

#[test]
fn a_master_key_has_its_check_value() {
    let set = |components: &[&str], check_value: &str| {
        vault().set_link_master_key(LINK, ProtectionAlgorithm::Tdes, components, check_value)
    };
    assert_eq!(set(&[ZMK], "63ee2d"), Ok(()));
    for check_value in ["63EE2E", "63EE", "63EE2D00", "", "x"] {
        assert_eq!(set(&[ZMK], check_value), Err(LinkKeyError::CheckValue), "{check_value}");
    }
    assert_eq!(set(&[ZMK, "00"], "63EE2D"), Err(LinkKeyError::Form));
    assert_eq!(set(&[], "63EE2D"), Err(LinkKeyError::Form));
}

#[test]
fn zone_keys_come_in_both_forms_and_for_their_use_only() {
    let vault = with_master_key();
    let set = |kind, text: &str| vault.set_link_key(LINK, kind, text, NOW);
    assert_eq!(set(LinkKeyKind::Pin, SEALED_ZPK), Ok(()));
    assert_eq!(set(LinkKeyKind::Mac, SEALED_ZAK), Ok(()));
    assert!(vault.has_link_key(LINK, LinkKeyKind::Pin));
    assert!(!vault.has_link_key("b", LinkKeyKind::Pin));
    assert_eq!(set(LinkKeyKind::Mac, SEALED_ZPK), Err(LinkKeyError::OtherUse));
    let other_letter = SEALED_ZPK.replace('P', "M");
    assert_eq!(set(LinkKeyKind::Mac, &other_letter), Ok(()), "the letter alone says the use");
    for (text, error) in [
        (SEALED_ZPK.replace("C21C24", "C21C25"), LinkKeyError::CheckValue),
        (SEALED_ZPK.replace("68", "69"), LinkKeyError::CheckValue),
        (SEALED_ZPK[..39].to_owned(), LinkKeyError::CheckValue),
        (SEALED_ZPK[..20].to_owned(), LinkKeyError::Form),
        (SEALED_ZPK.replace("68", "xx"), LinkKeyError::Form),
        (SEALED_ZAK.replace('5', "6"), LinkKeyError::CheckValue),
        (String::new(), LinkKeyError::CheckValue),
    ] {
        assert_eq!(set(LinkKeyKind::Pin, &text), Err(error), "{text}");
    }
    let set = vault.set_link_key("b", LinkKeyKind::Pin, SEALED_ZPK, NOW);
    assert_eq!(set, Err(LinkKeyError::NoMasterKey));
}

#[test]
fn messages_are_signed_and_verified_under_the_link_s_own_key() {
    let vault = with_master_key();
    assert!(vault.link_signer(LINK).is_none());
    assert!(!vault.link_mac_matches(LINK, b"0123456789", &[0; 8], NOW));
    vault.set_link_key(LINK, LinkKeyKind::Mac, SEALED_ZAK, NOW).unwrap();
    let mac = vault.link_signer(LINK).unwrap().mac(b"0123456789");
    assert_eq!(hex::encode_upper(mac), "E97208C627D939DF");
    let of_page = TdesKey::from_hex(ZAK).unwrap().mac(b"0123456789", MacPadding::Zeros);
    assert_eq!(mac, of_page);
    assert!(vault.link_mac_matches(LINK, b"0123456789", &mac, NOW));
    assert!(!vault.link_mac_matches(LINK, b"0123456780", &mac, NOW));
    assert!(!vault.link_mac_matches("b", b"0123456789", &mac, NOW));
}

#[test]
fn a_key_that_comes_is_in_use_once_it_is_adopted_and_the_one_before_for_a_minute() {
    const SEALED_OTHER: &str = "MXCDF4F450A2E0A67A722CFB2E7CC19FCB46D738";
    let (one, two) = (with_master_key(), with_master_key());
    for vault in [&one, &two] {
        vault.set_link_key(LINK, LinkKeyKind::Mac, SEALED_ZAK, NOW).unwrap();
    }
    let after = |seconds| NOW.plus_seconds(seconds);
    let text = b"0123456789";
    let old = one.link_signer(LINK).unwrap().mac(text);
    assert!(one.receive_link_key(LINK, SEALED_ZAK, after(100)).unwrap().is_none(), "in use");
    let came = one.receive_link_key(LINK, SEALED_OTHER, after(100)).unwrap().unwrap();
    assert_eq!((came.kind, came.version), (LinkKeyKind::Mac, 1));
    assert_eq!(came.check_value, "46D738");
    assert_eq!(one.link_signer(LINK).unwrap().mac(text), old);
    for vault in [&one, &two] {
        assert_eq!(vault.adopt_link_key(&came), Ok(true));
        assert_eq!(vault.adopt_link_key(&came), Ok(false));
        let new = vault.link_signer(LINK).unwrap().mac(text);
        assert_ne!(new, old);
        let matches = |mac: &[u8], seconds| vault.link_mac_matches(LINK, text, mac, after(seconds));
        assert!(matches(&new, 100) && matches(&old, 100) && matches(&old, 159));
        assert!(!matches(&old, 160) && matches(&new, 160));
        let shown = vault.shown_link_keys(LINK);
        assert_eq!(shown, [(LinkKeyKind::Mac, "46D738".to_owned(), after(100))]);
    }
    for changed in [
        LinkKey { version: 2, ..came.clone() },
        LinkKey { version: 2, kind: LinkKeyKind::Pin, ..came.clone() },
        LinkKey { link: "b".to_owned(), ..came.clone() },
        LinkKey { version: 2, sealed: vec![0; 40], ..came.clone() },
    ] {
        assert_eq!(one.adopt_link_key(&changed), Err(VaultError::Refused));
    }
    let next = two.receive_link_key(LINK, SEALED_ZAK, after(200)).unwrap().unwrap();
    assert_eq!(next.version, 2);
}

#[test]
fn an_aes_master_key_takes_key_blocks_of_version_d_only() {
    const KBPK: &str = "192DB69651C38C036600A7AA6A28CB41";
    const BLOCK: &str = "D0112P0TE00N00001B80A7FB489C02F3272778405C19CDB39DAE080A11FDFE499F2F\
        FC72776747F84346D24EB164D9078D0BBD7684226727";
    let vault = vault();
    let set = vault.set_link_master_key(LINK, ProtectionAlgorithm::Aes, &[KBPK], "DD06CE");
    assert_eq!(set, Ok(()));
    let came = vault.receive_link_key(LINK, BLOCK, NOW).unwrap().unwrap();
    assert_eq!((came.kind, came.check_value.as_str()), (LinkKeyKind::Pin, "C21C24"));
    assert_eq!(vault.receive_link_key(LINK, SEALED_ZPK, NOW).err(), Some(LinkKeyError::Form));
    let refused = vault.receive_link_key(LINK, SEALED_ZAK, NOW).err();
    assert_eq!(refused, Some(LinkKeyError::CheckValue), "version B");
}
