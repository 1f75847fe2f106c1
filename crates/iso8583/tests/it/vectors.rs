//! The messages of `docs/spec/data/iso8583-vectors.json`, made and checked by other
//! implementations.

use std::fs;
use std::path::Path;

use iso8583::{
    Content, DecodeError, Frame, Framing, FramingSettings, Layout, MacPlace, Message, Mti,
    NumberOrText, Packager, WipedBytes, Word as _, answer_to_undecodable, decode, default_echo,
    describe, encode, encode_with_mac,
};
use serde_json::Value;

/// A page of the specification, or a file of its data.
pub fn specification(name: &str) -> String {
    let directory = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec"));
    fs::read_to_string(directory.join(name)).unwrap()
}

pub fn vectors() -> Value {
    serde_json::from_str(&specification("data/iso8583-vectors.json")).unwrap()
}

pub fn list(vectors: &Value, name: &str) -> Vec<Value> {
    vectors[name].as_array().unwrap().clone()
}

/// The vector of this name.
pub fn vector(id: &str) -> Value {
    list(&vectors(), "vectors").into_iter().find(|it| it["id"] == id).unwrap()
}

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

pub fn bytes(value: &Value, name: &str) -> Vec<u8> {
    hex::decode(text(value, name)).unwrap()
}

pub fn layout(vector: &Value) -> Layout {
    Layout::of(Packager::of(text(vector, "packager")).unwrap())
}

/// The fields of a message as the vectors write them: bytes in hexadecimal.
fn fields(layout: &Layout, message: &Message) -> Vec<(String, String)> {
    let text = |number, value: &[u8]| match layout.field(number).unwrap().format.content {
        Content::Bytes => hex::encode_upper(value),
        _ => String::from_utf8(value.to_vec()).unwrap(),
    };
    message.iter().map(|(number, value)| (number.to_string(), text(number, value))).collect()
}

fn written_fields(vector: &Value) -> Vec<(String, String)> {
    let fields = vector["fields"].as_object().unwrap().iter();
    let mut fields: Vec<_> = fields
        .map(|(number, value)| (number.clone(), value.as_str().unwrap().to_owned()))
        .collect();
    fields.sort_by_key(|(number, _)| number.parse::<u8>().unwrap());
    fields
}

/// The message that a vector's fields make.
fn message(layout: &Layout, vector: &Value) -> Message {
    let mut message = Message::new(Mti::parse(text(vector, "mti")).unwrap());
    for (number, value) in written_fields(vector) {
        let number = number.parse().unwrap();
        let value = match layout.field(number).unwrap().format.content {
            Content::Bytes => hex::decode(value).unwrap(),
            _ => value.into_bytes(),
        };
        message.set(number, &value).unwrap();
    }
    message
}

pub fn encoded(layout: &Layout, message: &Message) -> Vec<u8> {
    let mut out = WipedBytes::with_capacity(0);
    encode(layout, message, &mut out).unwrap();
    out.to_vec()
}

pub fn refused(layout: &Layout, bytes: &[u8]) -> Box<DecodeError> {
    match decode(layout, bytes) {
        Ok(_) => panic!("the message was accepted"),
        Err(error) => error,
    }
}

#[test]
fn every_vector_decodes_to_its_fields_and_encodes_to_its_bytes() {
    let vectors = list(&vectors(), "vectors");
    assert_eq!(vectors.len(), 25);
    for vector in vectors {
        let (id, layout, bytes) = (text(&vector, "id"), layout(&vector), bytes(&vector, "hex"));
        let decoded = decode(&layout, &bytes).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_eq!(decoded.message.mti().to_string(), text(&vector, "mti"), "{id}");
        assert_eq!(fields(&layout, &decoded.message), written_fields(&vector), "{id}");
        assert_eq!(hex::encode(encoded(&layout, &message(&layout, &vector))), hex::encode(bytes));
    }
}

#[test]
fn every_variant_decodes_as_its_vector() {
    let variants = list(&vectors(), "variants");
    assert_eq!(variants.len(), 2);
    for variant in variants {
        let layout = layout(&variant);
        let decoded = decode(&layout, &bytes(&variant, "hex")).unwrap();
        let same = vector(text(&variant, "decodesAs"));
        assert_eq!(fields(&layout, &decoded.message), written_fields(&same), "{}", variant["id"]);
    }
}

#[test]
fn every_refused_message_is_refused_with_its_error_and_field() {
    let refused_messages = list(&vectors(), "invalid");
    assert_eq!(refused_messages.len(), 16);
    for invalid in refused_messages {
        let error = refused(&layout(&invalid), &bytes(&invalid, "hex"));
        let found = (error.fault.to_string(), u64::from(error.field));
        let written = (text(&invalid, "error").to_owned(), invalid["field"].as_u64().unwrap());
        assert_eq!(found, written, "{}", invalid["id"]);
    }
}

#[test]
fn a_fault_names_its_byte_and_keeps_what_was_decoded_before_it() {
    let invalid = list(&vectors(), "invalid");
    let error = |id: &str| {
        let invalid = invalid.iter().find(|it| it["id"] == id).unwrap();
        refused(&layout(invalid), &bytes(invalid, "hex"))
    };
    // The last character of DE3, behind the message type, the bitmap and DE2.
    let letter = error("N06");
    assert_eq!(letter.offset, 4 + 16 + 18 + 5);
    let decoded = letter.decoded.as_ref().unwrap();
    assert_eq!(decoded.fields().into_iter().collect::<Vec<_>>(), [2]);
    assert!(answer_to_undecodable(&letter, default_echo()).is_none(), "no STAN, no answer");
    // DE37 is cut off, and what stands before it is repeated.
    let cut = error("N01");
    let answer = answer_to_undecodable(&cut, default_echo()).unwrap();
    assert_eq!(answer.mti().to_string(), "0110");
    let repeated = [2, 3, 4, 7, 11, 12, 13, 19, 25, 32, 39, 44];
    assert_eq!(answer.fields().into_iter().collect::<Vec<_>>(), repeated);
    assert_eq!((answer.text(39), answer.text(44)), (Some("30"), Some("037")));
    assert_eq!(answer.text(11), Some("000001"));
    for id in ["N02", "N03", "N04", "N05"] {
        assert!(answer_to_undecodable(&error(id), default_echo()).is_none(), "{id}");
    }
}

#[test]
fn a_fault_is_shown_without_a_value() {
    let invalid = list(&vectors(), "invalid");
    let invalid = invalid.iter().find(|it| it["id"] == "N01").unwrap();
    let error = refused(&layout(invalid), &bytes(invalid, "hex"));
    let line = "truncated in field 37 at byte 106";
    assert_eq!((error.to_string().as_str(), format!("{error:?}").as_str()), (line, line));
}

#[test]
fn every_frame_holds_its_message() {
    let mut count = 0;
    for vector in list(&vectors(), "vectors").iter().filter(|it| it["frame"].is_object()) {
        let frame = &vector["frame"];
        let header = frame["header"].as_str().map(|text| hex::decode(text).unwrap());
        let word = if header.is_some() { "tpdu" } else { "none" };
        let framing = Framing::new(&FramingSettings {
            length: Some(text(frame, "length").to_owned()),
            header: Some(NumberOrText::Text(word.to_owned())),
            ..FramingSettings::default()
        });
        let framing = framing.unwrap();
        let (whole, message) = (bytes(frame, "hex"), bytes(vector, "hex"));
        let header = header.unwrap_or_default();
        let read = framing.read(&whole).unwrap();
        let expected = Frame::Whole { header: &header, message: &message, size: whole.len() };
        assert!(read == expected, "{}", vector["id"]);
        let written = framing.write(&header, |out| {
            out.extend(&message);
            Ok::<(), ()>(())
        });
        assert_eq!(written.unwrap().to_vec(), whole, "{}", vector["id"]);
        count += 1;
    }
    assert!(count >= 5, "{count} frames");
}

#[test]
fn a_mac_covers_what_stands_before_it() {
    let all = vectors();
    let macs = all["cryptography"]["macs"].as_array().unwrap();
    let macs: Vec<_> = macs.iter().filter(|it| it["vector"].is_string()).collect();
    assert_eq!(macs.len(), 4);
    for mac in macs {
        let vector = vector(text(mac, "vector"));
        let (layout, whole) = (layout(&vector), bytes(&vector, "hex"));
        let decoded = decode(&layout, &whole).unwrap();
        let field = u8::try_from(mac["field"].as_u64().unwrap()).unwrap();
        let value = bytes(mac, "mac");
        let size = if layout.packager() == Packager::Iso87Binary { 8 } else { 16 };
        let offset = whole.len() - size;
        assert_eq!(decoded.mac, Some(MacPlace { field, offset }));
        let mut out = WipedBytes::with_capacity(0);
        out.push(0xAA);
        let mut covered = Vec::new();
        let written = encode_with_mac(&layout, &decoded.message, &mut out, |bytes| {
            covered = bytes.to_vec();
            value.try_into().unwrap()
        });
        written.unwrap();
        assert_eq!((&out[1..], covered.as_slice()), (&whole[..], &whole[..offset]));
    }
}

/// A MAC with fields behind it protects none of them.
#[test]
fn a_mac_that_is_not_last_is_not_one() {
    let vector = vector("V10");
    let layout = layout(&vector);
    let mut message = decode(&layout, &bytes(&vector, "hex")).unwrap().message;
    message.set(70, b"301").unwrap();
    assert_eq!(decode(&layout, &encoded(&layout, &message)).unwrap().mac, None);
}

#[test]
fn no_description_shows_card_data() {
    for vector in list(&vectors(), "vectors") {
        let layout = layout(&vector);
        let description = describe(&layout, &bytes(&vector, "hex"));
        assert_eq!(description.error, None);
        let shown = [description.to_string(), serde_json::to_string(&description).unwrap()];
        for secret in secrets(&vector) {
            for shown in &shown {
                assert!(!shown.contains(&secret), "{}: {secret} in\n{shown}", vector["id"]);
            }
        }
    }
}

/// What of a vector must never be shown.
fn secrets(vector: &Value) -> Vec<String> {
    let field = |number: &str| vector["fields"][number].as_str().map(str::to_owned);
    let mut secrets: Vec<_> =
        ["2", "14", "35", "36", "45", "52", "53"].into_iter().filter_map(field).collect();
    if let Some(track) = field("35") {
        secrets.extend(track.split('=').map(str::to_owned));
    }
    if let Some(cvv2) = field("48").filter(|it| it.starts_with("9203")) {
        secrets.push(cvv2[4..].to_owned());
        secrets.push(cvv2);
    }
    if let Some(key) = field("48").filter(|it| it.starts_with("PX")) {
        secrets.push(key[2..34].to_owned());
    }
    secrets
}
