//! Damaged messages: no panic, and no answer to what has no message type.

use iso8583::{
    DecodeError, Framing, FramingSettings, Layout, LengthPrefix, Packager, WipedBytes, Word as _,
    answer_to_undecodable, decode, default_echo, describe, encode, tlv,
};
use testkit::database::is_long;

use crate::properties::Draw;
use crate::vectors::{bytes, encoded, list, vectors};

/// How many messages are damaged, usually and with full counts.
const MESSAGES: [usize; 2] = [10_000, 10_000_000];
/// One of so many is also described, which takes far longer than decoding.
const DESCRIBED: usize = 16;

/// One to four changes at random places.
fn damage(bytes: &mut Vec<u8>, draw: &mut Draw) {
    for _ in 0..=draw.below(4) {
        let at = draw.below(bytes.len() + 1);
        let other = draw.below(bytes.len() + 1);
        let (start, end) = (at.min(other), at.max(other));
        let byte = draw.next().to_be_bytes()[0];
        match draw.below(8) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, byte),
            2 => drop(bytes.drain(start..end.min(start + 8))),
            3 => bytes.extend_from_within(start..end),
            // What belongs to digits, bitmaps and lengths finds more than any byte does.
            4 | 5 if at < bytes.len() => bytes[at] = *draw.one_of(b"0123456789ABCDEF\x00\x99\xFF"),
            6 if at < bytes.len() => bytes[at] ^= 1 << (byte & 7),
            _ if at < bytes.len() => bytes[at] = byte,
            _ => bytes.push(byte),
        }
    }
}

/// What must hold of a refusal.
fn is_answered_rightly(layout: &Layout, error: &DecodeError, size: usize) {
    assert!(error.offset <= size, "{error}");
    let Some(answer) = answer_to_undecodable(error, default_echo()) else { return };
    let request = error.decoded.as_ref().expect("an answer to what has no message type");
    assert_eq!(Some(answer.mti()), request.mti().answer(), "{error}");
    assert!(request.get(11).is_some(), "{error}");
    encoded(layout, &answer);
}

#[test]
fn a_damaged_message_is_decoded_or_refused() {
    let vectors = list(&vectors(), "vectors");
    let originals: Vec<_> = vectors.iter().map(|vector| bytes(vector, "hex")).collect();
    let layouts: Vec<_> =
        Packager::WORDS.iter().map(|(_, packager)| Layout::of(*packager)).collect();
    let own: Vec<_> = vectors
        .iter()
        .map(|vector| Packager::WORDS.iter().position(|(word, _)| vector["packager"] == *word))
        .collect();
    let mut draw = Draw(8_583);
    let (mut decoded_count, mut answered) = (0, 0);
    for index in 0..MESSAGES[usize::from(is_long())] {
        let origin = draw.below(originals.len());
        let mut bytes = originals[origin].clone();
        damage(&mut bytes, &mut draw);
        // Now and then in another layout than its own.
        let other = (draw.below(8) == 0).then(|| draw.below(layouts.len()));
        let layout = &layouts[other.or(own[origin]).unwrap()];
        match decode(layout, &bytes) {
            Ok(decoded) => {
                decoded_count += 1;
                let mut out = WipedBytes::with_capacity(0);
                let again = encode(layout, &decoded.message, &mut out);
                assert!(again.is_ok(), "message {index}: {}", again.unwrap_err());
                let again = decode(layout, &out).unwrap();
                assert!(again.message.iter().eq(decoded.message.iter()), "message {index}");
            }
            Err(error) => {
                is_answered_rightly(layout, &error, bytes.len());
                answered += usize::from(answer_to_undecodable(&error, default_echo()).is_some());
            }
        }
        if index % DESCRIBED == 0 {
            let shown = describe(layout, &bytes).to_string();
            assert!(shown.chars().all(|it| it == '\n' || !it.is_control()));
        }
    }
    assert!(decoded_count > 500 && answered > 500, "{decoded_count} decoded, {answered} answered");
}

#[test]
fn a_damaged_frame_is_read_or_refused() {
    let vectors = list(&vectors(), "vectors");
    let headers = ["none", "tpdu", "12"].map(|it| iso8583::NumberOrText::Text(it.to_owned()));
    let mut draw = Draw(1);
    for _ in 0..MESSAGES[0] {
        let message = bytes(&vectors[draw.below(vectors.len())], "hex");
        let (length, _) = LengthPrefix::WORDS[draw.below(LengthPrefix::WORDS.len())];
        let framing = Framing::new(&FramingSettings {
            length: Some(length.to_owned()),
            length_includes_itself: draw.below(2) == 0,
            header: Some(headers[draw.below(headers.len())].clone()),
            ..FramingSettings::default()
        });
        let framing = framing.unwrap();
        let frame = framing.write(framing.header.own(), |out| {
            out.extend(&message);
            Ok::<(), ()>(())
        });
        let mut frame = frame.unwrap().to_vec();
        damage(&mut frame, &mut draw);
        if let Ok(iso8583::Frame::Whole { size, .. }) = framing.read(&frame) {
            assert!(size <= frame.len());
        }
    }
}

#[test]
fn damaged_chip_data_are_read_or_refused() {
    let vectors = vectors();
    let chip = list(&vectors, "vectors");
    let chip = chip.iter().find_map(|it| it["fields"]["55"].as_str()).unwrap();
    let chip = hex::decode(chip).unwrap();
    let mut draw = Draw(55);
    let mut read = 0;
    for _ in 0..MESSAGES[0] {
        let mut bytes = chip.clone();
        damage(&mut bytes, &mut draw);
        if let Ok(elements) = tlv::elements(&bytes) {
            read += 1;
            let values: usize = elements.iter().map(|element| element.value.len()).sum();
            assert!(values <= bytes.len());
        }
    }
    assert!(read > 0);
}
