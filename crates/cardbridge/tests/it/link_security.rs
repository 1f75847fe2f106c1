//! What protects a link, seen from outside: keys, message authentication codes, PINs, verification
//! values and cryptograms. Keys and messages are those of network-iso8583.md section 10.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crypto::TdesKey;
use iso8583::{Message, Packager};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::engine::Engine;
use crate::iso_peer::{Peer, accepted, management};
use crate::links::{Bed, is, metrics};
use crate::server::{cardbridge, run};

/// The check values and first keys of the page, and its zone master key in two components.
const ZMK_COMPONENTS: [&str; 2] =
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
    let open = files.private("zmk-2.hex", ZMK_COMPONENTS[1]);
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    refused(&keys, "links.keys.zmk-files: ");
    files.private("zmk-2.hex", "5A");
    refused(&keys, "links.keys.zmk-files: ");
}

/// Keys of the page in the clear.
const ZAK: &str = "8F9E04D09B61F47343F49B68F2C1971C";
/// The authentication key under the zone master key, in a key block.
const SEALED_ZAK: &str = "zak = 'B0096M3TC00N0000507D35CD2804E900F375865AD15399FF99FB6489EAB489BD\
    640C8E1D65ED3743CC9603099C4AE8FC'";

fn key(text: &str) -> Option<TdesKey> {
    Some(TdesKey::from_hex(text).unwrap())
}

/// The table of a link with these keys.
fn link(name: &str, keys: &str, tables: &str) -> String {
    format!("[[links]]\nname = '{name}'\nlisten = '127.0.0.1:0'\n{keys}\n{tables}\n")
}

/// A message of the page's vectors.
fn vector(id: &str) -> (Packager, Vec<u8>) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/data/iso8583-vectors.json");
    let all: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let vector = all["vectors"].as_array().unwrap().iter().find(|it| it["id"] == id).unwrap();
    let packager = match vector["packager"].as_str().unwrap() {
        "iso87binary" => Packager::Iso87Binary,
        _ => Packager::Iso87Ascii,
    };
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
