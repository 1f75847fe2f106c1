//! Frames (network-iso8583.md sections 1.1 and 1.2).

use iso8583::{
    Frame, FrameFault, Framing, FramingSettings, LengthPrefix, Message, Mti, NumberOrText,
    WipedBytes, Word as _, WriteError, answer_to, default_echo, encode,
};

use crate::vectors::{bytes, layout, vector};

const TWELVE: &str = "0102030405060708090A0B0C";

fn settings(length: &str, header: &str) -> FramingSettings {
    FramingSettings {
        length: Some(length.to_owned()),
        header: Some(NumberOrText::Text(header.to_owned())),
        ..FramingSettings::default()
    }
}

fn framing(length: &str, header: &str) -> Framing {
    Framing::new(&settings(length, header)).unwrap()
}

fn with_message<'a>(
    message: &'a [u8],
) -> impl FnOnce(&mut WipedBytes) -> Result<(), &'static str> + 'a {
    |out| {
        out.extend(message);
        Ok(())
    }
}

fn lengths() -> impl Iterator<Item = &'static str> {
    LengthPrefix::WORDS.iter().map(|(word, _)| *word)
}

/// Each length with each header carries the sign-on and its answer; a connection's bytes arrive
/// one at a time and never end where a frame does.
#[test]
fn every_length_and_header_carries_a_request_and_its_answer() {
    let sign_on = vector("V17");
    let (layout, request) = (layout(&sign_on), bytes(&sign_on, "hex"));
    let decoded = iso8583::decode(&layout, &request).unwrap().message;
    let mut answer = answer_to(&decoded, default_echo()).unwrap();
    answer.set(39, b"00").unwrap();
    for length in lengths() {
        for (word, header, answered) in
            [("none", "", ""), ("tpdu", "6000010002", "6000020001"), ("12", TWELVE, TWELVE)]
        {
            for includes_itself in [false, true] {
                let mut settings = settings(length, word);
                settings.length_includes_itself = includes_itself;
                let framing = Framing::new(&settings).unwrap();
                let header = hex::decode(header).unwrap();
                let frame = framing.write(&header, with_message(&request)).unwrap();
                let read = read_bytewise(&framing, &frame);
                assert_eq!(read, (header.clone(), request.clone()), "{length} {word}");
                let to = framing.header.answer(&header);
                assert_eq!(hex::encode_upper(&to), answered);
                let out = framing.write(&to, |out| encode(&layout, &answer, out)).unwrap();
                let (to_read, answer_read) = read_bytewise(&framing, &out);
                assert_eq!(to_read, to);
                let answer_read = iso8583::decode(&layout, &answer_read).unwrap().message;
                assert_eq!(answer_read.mti(), Mti::parse("0810").unwrap());
                assert_eq!(answer_read.text(11), Some("000100"));
            }
        }
    }
}

fn read_bytewise(framing: &Framing, frame: &[u8]) -> (Vec<u8>, Vec<u8>) {
    for end in 0..frame.len() {
        assert!(framing.read(&frame[..end]).unwrap() == Frame::Incomplete);
    }
    let followed = [frame, b"x"].concat();
    let Frame::Whole { header, message, size } = framing.read(&followed).unwrap() else {
        panic!("no frame");
    };
    assert_eq!(size, frame.len());
    (header.to_vec(), message.to_vec())
}

#[test]
fn the_length_is_written_as_its_name_says() {
    for (length, written) in [
        ("binary2", "012c"),
        ("binary4", "0000012c"),
        ("ascii4", "30333030"),
        ("bcd2", "0300"),
        ("binary2-00", "012c0000"),
    ] {
        let frame = framing(length, "none").write(&[], with_message(&[7; 300])).unwrap();
        assert_eq!(hex::encode(&frame[..frame.len() - 300]), written);
    }
    let mut itself = settings("bcd2", "tpdu");
    itself.length_includes_itself = true;
    let itself = Framing::new(&itself).unwrap();
    let frame = itself.write(&[0; 5], with_message(&[7; 300])).unwrap();
    assert_eq!(hex::encode(&frame[..2]), "0307");
}

#[test]
fn a_length_of_zero_is_a_keep_alive() {
    for length in lengths() {
        let none = framing(length, "tpdu").write(&[], with_message(&[])).unwrap();
        let followed = [&none[..], b"more"].concat();
        let read = framing(length, "tpdu").read(&followed).unwrap();
        assert!(read == Frame::KeepAlive { bytes: &none });
        let mut itself = settings(length, "none");
        itself.length_includes_itself = true;
        let itself = Framing::new(&itself).unwrap();
        assert!(itself.read(&none).unwrap() == Frame::KeepAlive { bytes: &none });
        let counted = itself.write(&[], with_message(&[])).unwrap();
        assert!(itself.read(&counted).unwrap() == Frame::KeepAlive { bytes: &counted });
    }
}

#[test]
fn a_length_that_cannot_be_trusted_is_refused() {
    for (length, bytes, fault) in [
        ("binary2", "ffff", FrameFault::Oversized),
        ("binary2", "2001", FrameFault::Oversized),
        ("binary2-00", "20010000", FrameFault::Oversized),
        ("binary4", "ffffffff", FrameFault::Oversized),
        ("ascii4", "38313933", FrameFault::Oversized),
        ("bcd2", "8193", FrameFault::Oversized),
        ("ascii4", "3031302f", FrameFault::BadLength),
        ("ascii4", "2b303130", FrameFault::BadLength),
        ("bcd2", "01a0", FrameFault::BadLength),
        ("bcd2", "010f", FrameFault::BadLength),
    ] {
        let bytes = hex::decode(bytes).unwrap();
        assert_eq!(framing(length, "none").read(&bytes).err(), Some(fault), "{length} {bytes:?}");
    }
    let mut itself = settings("binary4", "none");
    itself.length_includes_itself = true;
    let read = Framing::new(&itself).unwrap().read(&[0, 0, 0, 3, 1]).err();
    assert_eq!(read, Some(FrameFault::BadLength));
    // The two bytes after this length are not read.
    assert!(framing("binary2-00", "none").read(&[0, 1, 7, 7, 9]).is_ok());
}

#[test]
fn a_frame_shorter_than_its_header_has_no_message() {
    let read = framing("binary2", "tpdu");
    let read = read.read(&[0, 3, 0x60, 0, 1]).unwrap();
    assert!(read == Frame::Whole { header: &[0x60, 0, 1], message: &[], size: 5 });
}

#[test]
fn a_frame_that_is_too_large_is_not_written() {
    let largest = framing("bcd2", "12").write(&[0; 12], with_message(&[7; 8_180]));
    assert_eq!(largest.unwrap().len(), 2 + 8_192);
    let larger = framing("bcd2", "12").write(&[0; 12], with_message(&[7; 8_181]));
    assert!(matches!(larger, Err(WriteError::Oversized)));
    let mut settings = settings("ascii4", "none");
    settings.max_frame = Some(65_535);
    let unprintable = Framing::new(&settings).unwrap().write(&[], with_message(&[7; 10_000]));
    assert!(matches!(unprintable, Err(WriteError::Oversized)));
    let failed = framing("ascii4", "none").write(&[], |_| Err("no"));
    assert!(matches!(failed, Err(WriteError::Message("no"))));
}

#[test]
fn what_is_sent_first_carries_the_header_of_the_link() {
    assert_eq!(hex::encode(framing("binary2", "tpdu").header.own()), "6000000000");
    let mut fixed = settings("binary2", "3");
    fixed.header_own = Some("0a0B0c".to_owned());
    let header = Framing::new(&fixed).unwrap().header;
    assert_eq!((header.own(), header.answer(&[1, 2, 3])), (&[10, 11, 12][..], vec![1, 2, 3]));
    assert_eq!(header.answer(&[1, 2]), [10, 11, 12], "a request without its whole header");
    fixed.header_answer = Some("own".to_owned());
    fixed.header = Some(NumberOrText::Number(3));
    assert_eq!(Framing::new(&fixed).unwrap().header.answer(&[1, 2, 3]), [10, 11, 12]);
}

#[test]
fn a_key_that_cannot_be_used_is_named() {
    let toml = |text: &str| toml::from_str::<FramingSettings>(text).unwrap();
    for (text, line) in [
        (
            "length = 'x'",
            "links.length: should be one of binary2, binary4, ascii4, bcd2, binary2-00",
        ),
        ("header = 'x'", "links.header: should be none, tpdu, or a number from 1 to 64"),
        ("header = 65", "links.header: should be none, tpdu, or a number from 1 to 64"),
        ("header = 0", "links.header: should be none, tpdu, or a number from 1 to 64"),
        ("header = 2\nheader-own = '00'", "links.header-own: should be 4 hexadecimal digits"),
        ("header = 'tpdu'\nheader-own = 'xx'", "links.header-own: should be 10 hexadecimal digits"),
        ("header = 2\nheader-answer = 'x'", "links.header-answer: should be one of echo, own"),
        ("max-frame = 255", "links.max-frame: should be a number from 256 to 65535"),
    ] {
        assert_eq!(Framing::new(&toml(text)).unwrap_err().to_string(), line);
    }
    let defaults = Framing::new(&toml("")).unwrap();
    assert_eq!(defaults, framing("binary2", "none"));
}

/// A message whose value does not fit is a fault of the sender.
#[test]
fn an_encoder_fault_is_passed_on() {
    let mut message = Message::new(Mti::parse("0100").unwrap());
    message.set(4, b"1x").unwrap();
    let layout = iso8583::Layout::of(iso8583::Packager::Iso87Ascii);
    let written = framing("binary2", "none").write(&[], |out| encode(&layout, &message, out));
    let Err(WriteError::Message(error)) = written else { panic!("it was written") };
    assert_eq!(error.to_string(), "not_numeric in field 4");
}
