//! The cryptography of networks against `docs/spec/data/iso8583-vectors.json`, whose values other
//! implementations computed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod chip;
mod key_blocks;
mod messages;
mod pins;

use std::fs;
use std::path::Path;

use crypto::TdesKey;
use serde_json::Value;

fn vectors() -> Value {
    let data = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec/data"));
    serde_json::from_slice(&fs::read(data.join("iso8583-vectors.json")).unwrap()).unwrap()
}

fn cryptography() -> Value {
    vectors()["cryptography"].take()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn bytes<const N: usize>(value: &Value, name: &str) -> [u8; N] {
    hex::decode(text(value, name)).unwrap().try_into().unwrap()
}

fn key(name: &str) -> TdesKey {
    TdesKey::from_hex(text(&vectors()["keys"][name], "key")).unwrap()
}
