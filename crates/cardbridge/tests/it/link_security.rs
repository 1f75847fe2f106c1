//! What protects a link, seen from outside: keys, message authentication codes, PINs, verification
//! values and cryptograms. Keys and messages are those of network-iso8583.md section 10.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::emv::{arpc_1, arpc_2, arqc_10, arqc_18, card_key, session_key};
use crypto::{PinBlockFormat, TdesKey, field_cipher, pin_block};
use domain::SystemRandom;
use iso8583::{Message, Packager, Word as _};
use sdk::Operator;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::crash::authorisations;
use crate::engine::Engine;
use crate::iso_peer::{Peer, accepted, management, message};
use crate::links::{Bed, is, metrics};
use crate::node_numbers::{another, spawn};
use crate::server::{cardbridge, run, sandbox_json};
use crate::world::{WAIT, World, text};

/// The check values and first keys of the page, and its zone master key in two components.
pub const ZMK_COMPONENTS: [&str; 2] =
    ["5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A", "A8CD1CDA8662B5EF76BC57DFE69E107F"];
const ZMK_KCV: &str = "63EE2D";

/// A directory with the files that a configuration names.
pub struct Files {
    directory: TempDir,
}

impl Files {
    /// The components of the zone master key.
    pub fn new() -> Self {
        let files = Self { directory: tempfile::tempdir().unwrap() };
        for (name, component) in ["zmk-1.hex", "zmk-2.hex"].into_iter().zip(ZMK_COMPONENTS) {
            files.private(name, &format!("{component}\n"));
        }
        files
    }

    /// A file that only its owner may read.
    pub fn private(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// The table of a link's keys, with these further ones.
    pub fn keys(&self, more: &str) -> String {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let (first, second) = (path("zmk-1.hex"), path("zmk-2.hex"));
        format!(
            "[links.keys]\nzmk-files = ['{first}', '{second}']\nzmk-kcv = '{ZMK_KCV}'\n{more}\n"
        )
    }

    /// A configuration file with these tables.
    pub fn configuration(&self, tables: &str) -> PathBuf {
        self.private("cardbridge.toml", tables)
    }

    /// Starts a server that does not come up with these tables; returns exit code and failure.
    fn refused(&self, tables: &str) -> (Option<i32>, String) {
        let file = self.configuration(tables);
        let mut command = cardbridge();
        command.current_dir(self.directory.path());
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
        command.arg("--config").arg(file);
        let (code, _, stderr) = run(&mut command);
        (code, stderr)
    }
}

const LINK: &str = "[[links]]\nname = 'default'\nlisten = '127.0.0.1:0'\n";

#[test]
fn a_wrong_key_prevents_the_start_and_is_named_but_not_shown() {
    let files = Files::new();
    let refused = |tables: &str, key: &str| {
        let (code, line) = files.refused(&format!("{LINK}{tables}"));
        assert_eq!(code, Some(2), "{line}");
        let last = line.lines().last().unwrap_or_default();
        assert!(last.contains(key), "{line}");
        assert!(ZMK_COMPONENTS.iter().all(|component| !line.contains(component)), "{line}");
    };
    let keys = files.keys("");
    refused(&keys.replace(ZMK_KCV, "63EE2E"), "links.keys.zmk-kcv: ");
    refused(&files.keys("zpk = 'PX00'"), "links.keys.zpk: ");
    refused(&files.keys("zak = 'PX683244956233D0622BEE6A543D9A792BC21C24'"), "links.keys.zak: ");
    refused(&keys.replace("zmk-2", "zmk-3"), "links.keys.zmk-files: ");
    let imk = files.private("imk.hex", "00");
    let emv = format!("[[links.emv]]\npan-prefix = '4'\nimk-file = '{}'\n", imk.display());
    refused(&emv, "links.emv.imk-file: ");
    refused(&emv.replace("imk.hex", "other"), "links.emv.imk-file: ");
    let open = files.private("zmk-2.hex", ZMK_COMPONENTS[1]);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    refused(&keys, "links.keys.zmk-files: ");
    files.private("zmk-2.hex", "5A");
    refused(&keys, "links.keys.zmk-files: ");
}

/// Keys of the page in the clear.
pub const ZAK: &str = "8F9E04D09B61F47343F49B68F2C1971C";
pub const ZPK: &str = "A1C1649120BFD9D368DFD0680E6E1C3E";
pub const OTHER_ZPK: &str = "895BB0D025C48AFB86E5C77A8F6B91C4";
/// The key for PINs under the zone master key.
pub const SEALED_ZPK: &str = "zpk = 'PXCDF4F450A2E0A67A722CFB2E7CC19FCB46D738'";
/// The authentication key under the zone master key, in a key block.
pub const SEALED_ZAK: &str = concat!(
    "zak = 'B0096M3TC00N0000507D35CD2804E900F375865AD15399FF99FB6489EAB489BD",
    "640C8E1D65ED3743CC9603099C4AE8FC'"
);

pub fn key(text: &str) -> Option<TdesKey> {
    Some(TdesKey::from_hex(text).unwrap())
}

/// The table of a link with these keys.
pub fn link(name: &str, keys: &str, tables: &str) -> String {
    format!("[[links]]\nname = '{name}'\nlisten = '127.0.0.1:0'\n{keys}\n{tables}\n")
}

/// A message of the page's vectors.
pub fn vector(id: &str) -> (Packager, Vec<u8>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/data/iso8583-vectors.json");
    let all: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let vector = all["vectors"].as_array().unwrap().iter().find(|it| it["id"] == id).unwrap();
    let packager = Packager::of(vector["packager"].as_str().unwrap()).unwrap();
    (packager, hex::decode(vector["hex"].as_str().unwrap()).unwrap())
}

async fn counters(bed: &Bed, link: &str) -> (Value, Value) {
    let shown = bed.link(link).await;
    (shown["counters"]["received"].clone(), shown["counters"]["macErrors"].clone())
}

#[tokio::test]
async fn signed_messages_of_the_page_verify_and_changed_ones_do_not() {
    let files = Files::new();
    let keys = files.keys(SEALED_ZAK);
    let tables = link("iso87ascii", "mac = 'all'", &keys)
        + &link("iso87binary", "mac = 'all'\npackager = 'iso87binary'", &keys);
    let file = files.configuration(&tables);
    let bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    for name in ["iso87ascii", "iso87binary"] {
        let mut received = 0;
        for id in ["V10", "V11", "V15", "V19"] {
            let (packager, bytes) = vector(id);
            if (packager == Packager::Iso87Binary) != (name == "iso87binary") {
                continue;
            }
            let mut peer = Peer::connect(&bed.address(name)).await.speaking(packager);
            peer.zak = key(ZAK);
            let mut changed = bytes.clone();
            // A digit of the STAN or its neighbour: the message can still be decoded.
            let at = if packager == Packager::Iso87Binary { 20 } else { 42 };
            changed[at] ^= 1;
            let frame = peer.framed(&changed);
            peer.send_bytes(&frame).await.unwrap();
            let frame = peer.framed(&bytes);
            peer.send_bytes(&frame).await.unwrap();
            received += 2;
            // V11 is an answer, which nobody waits for; the echo test shows that it was read.
            if id != "V11" {
                let answer = peer.receive().await.unwrap();
                assert_eq!(answer.mac_is_right, Some(true), "{id}");
            }
            let echo = peer.ask(&management("301")).await;
            assert_eq!((echo.outcome(), echo.mac_is_right), (accepted(), Some(true)), "{id}");
            received += 1;
            let errors = (received + 1) / 3;
            assert_eq!(counters(&bed, name).await, (json!(received), json!(errors)), "{id}");
        }
    }
}

#[tokio::test]
async fn what_is_not_signed_rightly_is_not_processed() {
    let files = Files::new();
    let keys = files.keys(SEALED_ZAK);
    let tables = link("default", "mac = 'verify'", &keys)
        + &link("answers", "mac = 'verify'\nmac-failure = 'answer'", &keys);
    let file = files.configuration(&tables);
    let bed = Bed::new(&Engine::embedded(), &["--config", file.to_str().unwrap()]).await;
    // Network management needs no code here, and what we send has one.
    let mut peer = bed.signed_on().await;
    let unsigned = bed.purchase(1);
    peer.send(&unsigned).await;
    assert_eq!(peer.outcome(&management("301")).await, accepted(), "the purchase got no answer");
    peer.zak = key("A1C1649120BFD9D368DFD0680E6E1C3E");
    peer.send(&unsigned).await;
    let letter = letter_in_time(&peer, &bed.purchase(2));
    let frame = peer.framed(&letter);
    peer.send_bytes(&frame).await.unwrap();
    peer.zak = key(ZAK);
    let answer = peer.ask(&management("301")).await;
    assert_eq!((answer.outcome(), answer.mac_is_right), (accepted(), Some(true)));
    assert_eq!(bed.world.enterprise.notice_count(), 0);
    let answer = peer.ask(&unsigned).await;
    assert_eq!((answer.outcome(), answer.mac_is_right), (is("0110", "00"), Some(true)));
    assert_eq!(counters(&bed, "default").await.1, json!(2));

    let mut answered = Peer::signed_on(&bed.address("answers")).await;
    for _ in 0..10 {
        assert_eq!(answered.outcome(&bed.purchase(3)).await, is("0110", "63"));
    }
    answered.send(&bed.purchase(3)).await;
    answered.expect_end().await;
    assert_eq!(bed.world.enterprise.notice_count(), 1);
    let metrics = metrics(&bed.world).await;
    for line in [
        "cardbridge_link_mac_errors_total{link=\"default\"} 2",
        "cardbridge_link_mac_errors_total{link=\"answers\"} 11",
        "cardbridge_link_closed_total{link=\"answers\",reason=\"mac\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    bed.world.verify_ledger().await;
}

/// The bytes of a message whose local time has a letter.
fn letter_in_time(peer: &Peer, message: &Message) -> Vec<u8> {
    let mut bytes = peer.encoded(message);
    let time = bytes.windows(6).position(|it| it == b"200001").unwrap();
    bytes[time] = b'A';
    bytes
}

pub const PIN: &str = "4711";

async fn call(world: &World, path: &str, body: &Value) -> Value {
    let path = format!("/open-api/{path}");
    let body = serde_json::to_vec(body).unwrap();
    let reply = world.client.call(sdk::Method::POST, &path, &[], Some(body)).await.unwrap();
    serde_json::from_str(reply.data.as_ref().unwrap().get()).unwrap()
}

/// Replaces the card by its activated plastic, whose PIN is set.
pub async fn set_pin(bed: &mut Bed) {
    let world = &bed.world;
    let order = json!({
        "cardOrderRef": "plastic", "replaceCardId": bed.card_id,
        "virtualToPhysicalInfo": {
            "countryCode": "SG", "state": "Singapore", "city": "Singapore",
            "postalCode": "000001", "address": "1 Test Road", "embossingName": "TEST USER",
            "cardLayoutCode": "MGEBP", "needShippingInfo": true, "mailMobileCode": "SG",
            "mailMobile": "80000000",
        },
    });
    let order = call(world, "card-order/v1/virtual-to-physical", &order).await;
    let card_id = world.card_of(&text(&order, "cardOrderId")).await;
    world.operator.post(&format!("/admin/v1/cards/{card_id}/emboss"), &json!({})).await.unwrap();
    let card = json!({ "cardId": card_id });
    assert_eq!(call(world, "card/v1/physical-active", &card).await["status"], "ACTIVATED");
    let shown = call(world, "card/v1/retrieve-secure-card", &card).await;
    let secret = text(&world.sandbox()["enterprise"], "secretKey");
    let iv = STANDARD.decode(text(&shown, "iv")).unwrap();
    let plain = |field: &str| {
        let plain = field_cipher::decrypt(&secret, &iv, &text(&shown, field)).unwrap();
        String::from_utf8(plain.to_vec()).unwrap()
    };
    let iv = [7; 12];
    let sealed = |text: &str| field_cipher::encrypt(&secret, &iv, text.as_bytes()).unwrap();
    let last4 = &bed.pan[bed.pan.len() - 4..];
    let change = json!({
        "cardId": card_id, "iv": STANDARD.encode(iv), "encryptedNewPin": sealed(PIN),
        "encryptedExpireDate": sealed(&plain("expireDate")),
        "encryptedCvv2": sealed(&plain("cvv2")), "encryptedPanLast4": sealed(last4),
    });
    assert_eq!(call(world, "card/v1/reset-pin", &change).await, json!(true));
    bed.card_id = card_id;
}

/// A purchase with a PIN in a block under a key.
pub fn with_pin(bed: &Bed, stan: u32, zpk: &str, format: PinBlockFormat, pin: &str) -> Message {
    let zpk = TdesKey::from_hex(zpk).unwrap();
    let block = pin_block(&zpk, format, pin, &bed.pan, &SystemRandom).unwrap();
    let mut message = bed.purchase(stan);
    message.set(52, &block).unwrap();
    message
}

async fn pins_come_in_blocks(engine: Engine) {
    use PinBlockFormat::{Iso0, Iso3};
    let files = Files::new();
    let keys = files.keys(SEALED_ZPK);
    let tables = link("default", "network = 'n'", &keys)
        + &link("iso3", "network = 'n'\npin-block = 'iso3'", &keys)
        + &link("keyless", "network = 'n'", "");
    let file = files.configuration(&tables);
    let mut bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let mut peer = bed.signed_on().await;
    let pinned = with_pin(&bed, 1, ZPK, Iso0, PIN);
    assert_eq!(peer.outcome(&pinned).await, is("0110", "55"), "the virtual card has no PIN");
    set_pin(&mut bed).await;
    let mut iso3 = Peer::signed_on(&bed.address("iso3")).await;
    let mut keyless = Peer::signed_on(&bed.address("keyless")).await;
    let right = |stan, format| with_pin(&bed, stan, ZPK, format, PIN);
    assert_eq!(peer.outcome(&right(2, Iso0)).await, is("0110", "00"));
    assert_eq!(iso3.outcome(&right(3, Iso3)).await, is("0110", "00"));

    // What is no block of this link's format, key and PAN is declined on record; no try counts.
    let mut other_pan = with_pin(&bed, 6, ZPK, Iso0, PIN);
    let zpk = TdesKey::from_hex(ZPK).unwrap();
    let block = pin_block(&zpk, Iso0, PIN, "4000990012345678", &SystemRandom).unwrap();
    other_pan.set(52, &block).unwrap();
    assert_eq!(iso3.outcome(&right(5, Iso0)).await, is("0110", "81"));
    assert_eq!(keyless.outcome(&right(7, Iso0)).await, is("0110", "81"));
    let other_key = |stan| with_pin(&bed, stan, OTHER_ZPK, Iso0, "0000");
    for message in [right(4, Iso3), other_pan, other_key(8), other_key(9)] {
        assert_eq!(peer.outcome(&message).await, is("0110", "81"));
    }
    let all = authorisations(&bed.world.operator, &bed.card_id).await;
    let unreadable = all.values().filter(|it| it["detail"] == "pin_block_unreadable");
    assert_eq!(unreadable.count(), 6);

    // Messages that differ in their local time only are different tries, and a repeat is none.
    let wrong = |second: u32, pin| {
        let mut message = with_pin(&bed, 20, ZPK, Iso0, pin);
        message.set(12, format!("2000{second:02}").as_bytes()).unwrap();
        message
    };
    for second in 0..4 {
        let pin = if second == 0 { "12345" } else { "0000" };
        for _ in 0..2 {
            assert_eq!(peer.outcome(&wrong(second, pin)).await, is("0110", "55"), "{second}");
        }
    }
    assert_eq!(peer.outcome(&right(30, Iso0)).await, is("0110", "00"), "four tries");
    for second in 10..15 {
        assert_eq!(peer.outcome(&wrong(second, "0000")).await, is("0110", "55"), "{second}");
    }
    assert_eq!(peer.outcome(&right(31, Iso0)).await, is("0110", "75"), "five tries");
    for stan in 40..59 {
        assert_eq!(keyless.outcome(&right(stan, Iso0)).await, is("0110", "81"));
    }
    let log = fs::read_to_string(bed.world.data_dir().with_extension("log")).unwrap();
    assert_eq!(log.matches("20 PIN blocks within a minute could not be opened").count(), 1);
    for (name, errors) in [("default", 4), ("iso3", 1), ("keyless", 20)] {
        assert_eq!(bed.link(name).await["counters"]["pinErrors"], json!(errors), "{name}");
        let line = format!("cardbridge_link_pin_errors_total{{link=\"{name}\"}} {errors}");
        assert!(metrics(&bed.world).await.contains(&line), "{line}");
    }
    bed.world.verify_ledger().await;
}

#[tokio::test]
async fn pins_come_in_blocks_on_sqlite() {
    pins_come_in_blocks(Engine::embedded()).await;
}

#[tokio::test]
async fn pins_come_in_blocks_on_postgresql() {
    pins_come_in_blocks(Engine::postgres().await).await;
}

/// The receipts of a card's authorisations, as the operator reads them.
pub async fn receipts(bed: &Bed) -> String {
    let mut all = String::new();
    for auth_id in authorisations(&bed.world.operator, &bed.card_id).await.keys() {
        let path = format!("/admin/v1/authorisations/{auth_id}");
        all.push_str(&bed.world.operator.get(&path).await.unwrap().to_string());
    }
    all
}

async fn verification_values_are_compared(engine: Engine) {
    let files = Files::new();
    let tables = link("default", "network = 'n'\ncvv2 = { field = 48, tag = '92' }", "")
        + &link("fixed", "network = 'n'\ncvv2 = { field = 126, offset = 1, length = 3 }", "")
        + &link("off", "network = 'n'\ntrack-cvv = 'off'", "");
    let file = files.configuration(&tables);
    let bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let mut peer = bed.signed_on().await;
    let mut fixed = Peer::signed_on(&bed.address("fixed")).await;
    let mut off = Peer::signed_on(&bed.address("off")).await;
    let other = |digits: &str| format!("{:03}", (digits.parse::<u32>().unwrap() + 1) % 1_000);
    let cvv2 = bed.cvv("000");
    for (stan, number, text, code) in [
        (100, 48, format!("9203{cvv2}"), "00"),
        (101, 48, format!("1002AB9203{}", other(&cvv2)), "63"),
        (102, 48, format!("9204{cvv2}0"), "63"),
        (103, 48, "1002AB".to_owned(), "00"),
        (104, 126, format!("1{cvv2}"), "00"),
        (105, 126, format!("1{}", other(&cvv2)), "63"),
    ] {
        let peer = if number == 48 { &mut peer } else { &mut fixed };
        let answer = peer.ask(&bed.changed(stan, &[(number, &text)])).await;
        assert_eq!(answer.outcome(), is("0110", code), "{number} {text}");
        assert_eq!(answer.message.get(number), None);
    }

    let (stripe, chip) = (bed.cvv("201"), bed.cvv("999"));
    let track_2 = |cvv: &str| format!("{}={}20100000{cvv}", bed.pan, bed.expiry);
    let track_1 = |cvv: &str| format!("B{}^USER/TEST^{}20100000{cvv}", bed.pan, bed.expiry);
    for (stan, number, track, mode, code) in [
        (1, 35, track_2(&stripe), "901", "00"),
        (2, 35, track_2(&other(&stripe)), "901", "63"),
        (3, 35, track_2(&stripe), "801", "00"),
        (4, 35, track_2(""), "021", "63"),
        (5, 35, format!("{}={}=00000{stripe}", bed.pan, bed.expiry), "901", "63"),
        (6, 35, track_2(&chip), "051", "00"),
        (7, 35, track_2(&other(&chip)), "071", "63"),
        (8, 35, track_2(&other(&stripe)), "911", "00"),
        (9, 45, track_1(&stripe), "901", "00"),
        (10, 45, track_1(&other(&stripe)), "901", "63"),
        (11, 45, format!("{}^USER^{}201", bed.pan, bed.expiry), "901", "30"),
    ] {
        let mut swiped = bed.changed(stan, &[(number, &track), (22, mode)]);
        swiped.remove(2);
        swiped.remove(14);
        let answer = peer.ask(&swiped).await;
        assert_eq!(answer.outcome(), is("0110", code), "{stan}");
        assert_eq!(answer.message.get(number), None);
    }
    let wrong = track_2(&other(&stripe));
    let unread = bed.changed(20, &[(35, &wrong), (22, "901")]);
    assert_eq!(off.outcome(&unread).await, is("0110", "00"));
    let all = authorisations(&bed.world.operator, &bed.card_id).await;
    let count = |detail: &str| all.values().filter(|it| it["detail"] == detail).count();
    assert_eq!((count("wrong_cvv2"), count("wrong_cvv")), (3, 5));
    let receipts = receipts(&bed).await;
    assert!(receipts.contains(r#""presentedCvv1":"MATCHED""#), "{receipts}");
    bed.world.verify_ledger().await;
}

#[tokio::test]
async fn verification_values_are_compared_on_sqlite() {
    verification_values_are_compared(Engine::embedded()).await;
}

#[tokio::test]
async fn verification_values_are_compared_on_postgresql() {
    verification_values_are_compared(Engine::postgres().await).await;
}

/// Network management that brings a key.
pub fn new_key(text: &str) -> Message {
    message("0800", &[(7, "1129230000"), (11, "000102"), (48, text), (70, "101")])
}

/// The table of a link's keys that a link shows: kinds and check values.
async fn shown_keys(bed: &Bed) -> Vec<(String, String)> {
    let link = bed.link("default").await;
    let shown = |it: &Value| (text(it, "kind"), text(it, "kcv"));
    link["keys"].as_array().unwrap().iter().map(shown).collect()
}

pub const NEW_ZPK: &str = "PX683244956233D0622BEE6A543D9A792BC21C24";
/// The same key in a key block.
const NEW_ZPK_BLOCK: &str = "B0096P0TE00N00000A0A6A4F1D19DD3CDB77E1D5AEDC972F389F946169A855341CE\
    86910934903385908B634BE13CCF0";
/// The same under an AES key, in a block of version D.
const NEW_ZPK_BLOCK_D: &str = "D0112P0TE00N00001B80A7FB489C02F3272778405C19CDB39DAE080A11FDFE499F2F\
    FC72776747F84346D24EB164D9078D0BBD7684226727";
const KBPK_AES: &str = "192DB69651C38C036600A7AA6A28CB41";
const KBPK_AES_KCV: &str = "DD06CE";
/// The first authentication key in the place of the key for PINs.
const NEW_ZPK_AGAIN: &str = "PXF9300CCA4CE7B45DA47421E4AB6225FEE7C5A5";
/// The key for PINs in the place of the authentication key.
const NEW_ZAK: &str = "MXCDF4F450A2E0A67A722CFB2E7CC19FCB46D738";

async fn keys_come_by_messages(engine: Engine) {
    use PinBlockFormat::Iso0;
    let files = Files::new();
    let keys = files.keys(&format!("{SEALED_ZPK}\n{SEALED_ZAK}"));
    let aes = files.private("aes.hex", KBPK_AES);
    let of_aes = format!(
        "[links.keys]\nzmk-algorithm = 'aes'\nzmk-files = ['{}']\nzmk-kcv = '{KBPK_AES_KCV}'",
        aes.display()
    );
    let tables = link("default", "mac = 'verify'", &keys)
        + &link("keyless", "", "")
        + &link("aes", "key-field = 125", &of_aes);
    let file = files.configuration(&tables);
    let mut bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    set_pin(&mut bed).await;
    let mut peer = bed.signed_on().await;
    let kcv = |zpk: &str, zak: &str| {
        [("ZPK".to_owned(), zpk.to_owned()), ("ZAK".to_owned(), zak.to_owned())]
    };
    peer.send(&new_key(NEW_ZPK)).await;
    peer.zak = key(ZAK);
    for (text, code) in [
        (&NEW_ZPK.replace("C21C24", "C21C25"), "63"),
        (&NEW_ZPK_BLOCK.replace("CCF0", "CCF1"), "63"),
        (&"rubbish".to_owned(), "63"),
    ] {
        assert_eq!(peer.outcome(&new_key(text)).await, is("0810", code), "{text}");
    }
    let bare = message("0800", &[(7, "1129230000"), (11, "000102"), (70, "101")]);
    let answer = peer.ask(&bare).await;
    assert_eq!((answer.outcome(), answer.text(44)), (is("0810", "30"), Some("048")));
    assert_eq!(peer.outcome(&management("161")).await, is("0810", "40"));
    let mut keyless = Peer::connect(&bed.address("keyless")).await;
    assert_eq!(keyless.outcome(&new_key(NEW_ZPK)).await, is("0810", "40"), "no master key");
    assert_eq!(shown_keys(&bed).await, kcv("46D738", "E7C5A5"), "nothing changed");
    let pinned = |stan, zpk| with_pin(&bed, stan, zpk, Iso0, PIN);
    assert_eq!(peer.outcome(&pinned(1, ZPK)).await, is("0110", "00"));

    let mut aes = Peer::connect(&bed.address("aes")).await;
    let mut of_125 = new_key("");
    of_125.remove(48);
    of_125.set(125, NEW_ZPK_BLOCK_D.as_bytes()).unwrap();
    assert_eq!(aes.outcome(&of_125).await, accepted());
    assert_eq!(bed.link("aes").await["keys"][0]["kcv"], "C21C24");

    // V19, as its bytes are on the page.
    let (_, v19) = vector("V19");
    let frame = peer.framed(&v19);
    peer.send_bytes(&frame).await.unwrap();
    assert_eq!(peer.receive().await.unwrap().outcome(), accepted());
    assert_eq!(peer.outcome(&new_key(NEW_ZPK_BLOCK)).await, accepted(), "in use already");
    assert_eq!(shown_keys(&bed).await, kcv("C21C24", "E7C5A5"));
    assert_eq!(peer.outcome(&pinned(2, OTHER_ZPK)).await, is("0110", "00"));
    assert_eq!(peer.outcome(&pinned(3, ZPK)).await, is("0110", "00"), "for a minute");

    let answer = peer.ask(&new_key(NEW_ZAK)).await;
    assert_eq!((answer.outcome(), answer.mac_is_right), (accepted(), Some(true)), "the old MAC");
    peer.zak = key(ZPK);
    let answer = peer.ask(&bed.purchase(4)).await;
    assert_eq!((answer.outcome(), answer.mac_is_right), (is("0110", "00"), Some(true)));
    peer.zak = key(ZAK);
    let answer = peer.ask(&bed.purchase(5)).await;
    assert_eq!((answer.outcome(), answer.mac_is_right), (is("0110", "00"), Some(false)));
    assert_eq!(shown_keys(&bed).await, kcv("C21C24", "46D738"));

    bed.world.crash();
    let mut peer = bed.signed_on().await;
    peer.zak = key(ZPK);
    assert_eq!(shown_keys(&bed).await, kcv("C21C24", "46D738"), "after a restart");
    assert_eq!(peer.outcome(&with_pin(&bed, 6, OTHER_ZPK, Iso0, PIN)).await, is("0110", "00"));
    bed.world.verify_ledger().await;
}

#[tokio::test]
async fn keys_come_by_messages_on_sqlite() {
    keys_come_by_messages(Engine::embedded()).await;
}

#[tokio::test]
async fn keys_come_by_messages_on_postgresql() {
    keys_come_by_messages(Engine::postgres().await).await;
}

/// Two processes on one store: what one received, the other uses at once.
#[tokio::test(flavor = "multi_thread")]
async fn another_process_has_a_new_key_at_its_next_message() {
    let engine = Engine::postgres().await;
    let files = Files::new();
    let keys = files.keys(&format!("{SEALED_ZPK}\n{SEALED_ZAK}"));
    let file = files.configuration(&link("default", "mac = 'verify'", &keys));
    let options = ["--config", file.to_str().unwrap()];
    let mut bed = Bed::new(&engine, &options).await;
    set_pin(&mut bed).await;
    let directory = tempfile::tempdir().unwrap();
    let own = directory.path().join("data");
    let options = [&options[..], &["--node", "7"]].concat();
    let process = spawn(another(&engine, &bed.world, &own, &options), &own);
    let address = text(&sandbox_json(&own)["links"], "default");
    let admin_token = text(&bed.world.sandbox(), "admin_token");
    let mut first = bed.signed_on().await;
    let mut second = Peer::signed_on(&address).await;
    (first.zak, second.zak) = (key(ZAK), key(ZAK));
    assert_eq!(first.outcome(&new_key(NEW_ZPK)).await, accepted());
    let pinned = with_pin(&bed, 1, OTHER_ZPK, PinBlockFormat::Iso0, PIN);
    assert_eq!(second.outcome(&pinned).await, is("0110", "00"));
    assert_eq!(first.outcome(&new_key(NEW_ZAK)).await, accepted());
    second.zak = key(ZPK);
    let answer = second.ask(&bed.purchase(2)).await;
    assert_eq!((answer.outcome(), answer.mac_is_right), (is("0110", "00"), Some(true)));
    // Without any message it has a key within five seconds.
    let second_operator = Operator::new(&process.admin_url, &admin_token).unwrap();
    assert_eq!(first.outcome(&new_key(NEW_ZPK_AGAIN)).await, accepted());
    let is_shown = async {
        loop {
            let link = second_operator.get("/admin/v1/links/default").await.unwrap();
            if link["keys"][0]["kcv"] == "E7C5A5" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(WAIT, is_shown).await.expect("the new key");
    // The versions of both count together.
    assert_eq!(second.outcome(&new_key(SEALED_ZPK.split('\'').nth(1).unwrap())).await, accepted());
    first.zak = key(ZPK);
    let pinned = with_pin(&bed, 3, ZPK, PinBlockFormat::Iso0, PIN);
    assert_eq!(first.outcome(&pinned).await, is("0110", "00"));
}

pub const IMK: &str = "1091A8C70120C18CE61A38250E37389D";
/// Tags and values of V05 that a cryptogram covers, in their order.
const COVERED: [(&str, &str); 10] = [
    ("9F02", "000000001550"),
    ("9F03", "000000000000"),
    ("9F1A", "0702"),
    ("95", "8000048000"),
    ("5F2A", "0840"),
    ("9A", "261129"),
    ("9C", "00"),
    ("9F37", "52BF4585"),
    ("82", "1800"),
    ("9F36", "0042"),
];

/// A card's key, of its PAN and sequence number 01.
pub fn chip_key(bed: &Bed) -> TdesKey {
    card_key(&TdesKey::from_hex(IMK).unwrap(), &bed.pan, "01").unwrap()
}

/// A purchase with chip data: the cryptogram of this version, and what it covers.
pub fn chipped(bed: &Bed, stan: u32, application_data: &str) -> (Message, [u8; 8]) {
    let covered: String = COVERED.iter().map(|(_, value)| *value).collect();
    let application = hex::decode(application_data).unwrap();
    let covered = hex::decode(covered).unwrap();
    let arqc = if application[2] == 0x0A {
        arqc_10(&chip_key(bed), &[&covered[..], &application[3..]].concat())
    } else {
        let session = session_key(&chip_key(bed), [0, 0x42]);
        arqc_18(&session, &[&covered[..], &application].concat())
    };
    let mut data = String::new();
    let own = [("9F26", hex::encode(arqc)), ("9F10", application_data.to_owned())];
    // The PAN itself, which is not kept.
    let foreign = [("5A", bed.pan.clone())];
    let covered = COVERED.map(|(tag, value)| (tag, value.to_owned()));
    for (tag, value) in covered.into_iter().chain(own).chain(foreign) {
        data.push_str(&format!("{tag}{:02X}{value}", value.len() / 2));
    }
    let mut message = bed.changed(stan, &[(22, "051"), (23, "001")]);
    message.set(55, &hex::decode(data).unwrap()).unwrap();
    (message, arqc)
}

/// Version 10 and 18, as in the page's vectors.
pub const VERSION_10: &str = "06010A03A0B800";
const VERSION_18: &str = "06011203A0B800";

async fn chips_are_verified_and_answered(engine: Engine) {
    let files = Files::new();
    let imk = files.private("imk.hex", IMK);
    let emv = format!(
        "[[links.emv]]\npan-prefix = '4'\nimk-file = '{}'\n\
         status-updates = {{ approved = '00830000', declined = '00010000' }}",
        imk.display()
    );
    let tables = link("default", "network = 'n'", &emv)
        + &link("keyless", "network = 'n'", "")
        + &link("trusting", "network = 'n'\nchip-unverified = 'approve'", "");
    let file = files.configuration(&tables);
    let bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let mut peer = bed.signed_on().await;
    let mut keyless = Peer::signed_on(&bed.address("keyless")).await;
    let mut trusting = Peer::signed_on(&bed.address("trusting")).await;

    let (message, arqc) = chipped(&bed, 1, VERSION_10);
    let approved = [&[0x91, 10][..], &arpc_1(&chip_key(&bed), arqc, *b"00"), b"00"].concat();
    for attempt in ["first", "repeat"] {
        let answer = peer.ask(&message).await;
        assert_eq!(answer.outcome(), is("0110", "00"), "{attempt}");
        assert_eq!(answer.message.get(55), Some(&*approved), "{attempt}");
    }
    let (mut message, arqc) = chipped(&bed, 2, VERSION_10);
    message.set(14, b"2001").unwrap();
    let declined = [&[0x91, 10][..], &arpc_1(&chip_key(&bed), arqc, *b"54"), b"54"].concat();
    let answer = peer.ask(&message).await;
    assert_eq!((answer.outcome(), answer.message.get(55)), (is("0110", "54"), Some(&*declined)));

    let session = session_key(&chip_key(&bed), [0, 0x42]);
    let (message, arqc) = chipped(&bed, 3, VERSION_18);
    let update = [0, 0x83, 0, 0];
    let approved = [&[0x91, 8][..], &arpc_2(&session, arqc, update), &update].concat();
    let answer = peer.ask(&message).await;
    assert_eq!((answer.outcome(), answer.message.get(55)), (is("0110", "00"), Some(&*approved)));

    let mut wrong = chipped(&bed, 4, VERSION_10).0;
    wrong.set(23, b"002").unwrap();
    let other_version = chipped(&bed, 5, "06010B03A0B800").0;
    let mut broken = chipped(&bed, 6, VERSION_10).0;
    broken.set(55, &[0x9F, 0x26, 8, 1]).unwrap();
    for (message, code) in [(wrong, "63"), (other_version, "05"), (broken, "30")] {
        let answer = peer.ask(&message).await;
        assert_eq!((answer.outcome(), answer.message.get(55)), (is("0110", code), None));
    }
    let (message, _) = chipped(&bed, 7, VERSION_10);
    assert_eq!(keyless.outcome(&message).await, is("0110", "05"));
    let (message, _) = chipped(&bed, 8, VERSION_10);
    let answer = trusting.ask(&message).await;
    assert_eq!((answer.outcome(), answer.message.get(55)), (is("0110", "00"), None));

    let all = authorisations(&bed.world.operator, &bed.card_id).await;
    let count = |detail: &str| all.values().filter(|it| it["detail"] == detail).count();
    assert_eq!((count("wrong_arqc"), count("chip_unverified")), (1, 2));
    let receipts = receipts(&bed).await;
    let kept = [r#""presentedChip":"MATCHED""#, r#""9F37":"52BF4585""#, r#""95":"8000048000""#];
    assert!(kept.iter().all(|text| receipts.contains(text)), "{receipts}");
    assert!(!receipts.contains(&bed.pan) && !receipts.contains(r#""5A""#), "{receipts}");
    bed.world.verify_ledger().await;
}

#[tokio::test]
async fn chips_are_verified_and_answered_on_sqlite() {
    chips_are_verified_and_answered(Engine::embedded()).await;
}

#[tokio::test]
async fn chips_are_verified_and_answered_on_postgresql() {
    chips_are_verified_and_answered(Engine::postgres().await).await;
}
