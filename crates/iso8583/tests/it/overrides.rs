//! Overrides of a link (network-iso8583.md section 2.4).

use iso8583::{
    EncodeError, Fault, Layout, LayoutSettings, Message, Mti, WipedBytes, decode, encode,
};

use crate::vectors::{encoded, refused};

fn layout(toml: &str) -> Layout {
    Layout::new(&toml::from_str::<LayoutSettings>(toml).unwrap()).unwrap()
}

fn message(fields: &[(u8, &str)]) -> Message {
    let mut message = Message::new(Mti::parse("0800").unwrap());
    for (number, value) in fields {
        message.set(*number, value.as_bytes()).unwrap();
    }
    message
}

/// What is written of one field, behind message type and bitmaps.
fn written(layout: &Layout, number: u8, value: &str) -> String {
    let whole = encoded(layout, &message(&[(number, value)]));
    let decoded = decode(layout, &whole).unwrap().message;
    let empty = encoded(layout, &message(&[])).len();
    let head = if number > 64 { 2 * empty - 4 } else { empty };
    assert!(decoded.get(number).is_some());
    String::from_utf8(whole[head..].to_vec()).unwrap_or_else(|_| hex::encode(&whole[head..]))
}

#[test]
fn an_override_changes_what_is_written() {
    for (toml, number, value, expected) in [
        (
            "fields.54 = { format = 'ans...240' }",
            54,
            &*"a".repeat(240),
            &*format!("240{}", "a".repeat(240)),
        ),
        ("fields.44 = { format = 'ans..99' }", 44, "x", "01x"),
        ("fields.3 = { digits = 'bcd' }", 3, "123456", "\x124V"),
        ("fields.2 = { digits = 'bcd', length = 'bcd' }", 2, "41414", "\x05AA@"),
        ("fields.2 = { digits = 'bcd', pad = 'left-0' }", 2, "41414", "05\x04\x14\x14"),
        ("fields.2 = { digits = 'bcd', pad = 'right-f' }", 2, "41414", "05AAO"),
        ("fields.22 = { digits = 'bcd', pad = 'right-0' }", 22, "123", "\x120"),
        ("fields.48 = { length = 'binary' }", 48, "abc", "\0\x03abc"),
        (
            "fields.48 = { length = 'bcd' }",
            48,
            &*"a".repeat(12),
            &*format!("\0\x12{}", "a".repeat(12)),
        ),
        (
            "fields.45 = { length = 'binary', format = 'ans..255' }",
            45,
            &*"a".repeat(120),
            &*format!("x{}", "a".repeat(120)),
        ),
        ("fields.52 = { bytes = 'binary' }", 52, "abcdefgh", "abcdefgh"),
        ("fields.55 = { bytes = 'binary' }", 55, "abc", "003abc"),
        ("fields.41 = { pad = 'left-0' }", 41, "T1", "000000T1"),
        ("", 41, "T1", "T1      "),
        ("", 11, "12", "000012"),
        ("", 97, "D5", "D0000000000000005"),
        (
            "packager = 'iso87binary'\nfields.52 = { bytes = 'hex' }",
            52,
            "abcdefgh",
            "6162636465666768",
        ),
        ("packager = 'iso87binary'\nfields.55 = { bytes = 'hex' }", 55, "a", "\0\x0261"),
        ("packager = 'iso87binary'\nfields.3 = { digits = 'ascii' }", 3, "000123", "000123"),
        ("packager = 'iso87binary'\nfields.32 = { length = 'ascii' }", 32, "4142", "04AB"),
        ("fields.28 = { digits = 'bcd' }", 28, "C41424344", "CABCD"),
    ] {
        assert_eq!(written(&layout(toml), number, value), expected, "{toml}");
    }
}

#[test]
fn bitmaps_are_written_as_the_link_says() {
    let fields = message(&[(7, "1129120000"), (11, "000001"), (41, "TERM0001")]);
    let rest = "1129120000000001TERM0001";
    let hex128 = layout("bitmap = 'hex128'");
    let written = encoded(&hex128, &fields);
    let expected = format!("080002200000008000000000000000000000{rest}");
    assert_eq!(String::from_utf8(written).unwrap(), expected);
    // Bit 1 neither set nor read.
    let bit_1 = expected.replacen("0220", "8220", 1);
    assert_eq!(decode(&hex128, bit_1.as_bytes()).unwrap().message.fields(), fields.fields());
    let binary = encoded(&layout("bitmap = 'binary'"), &fields);
    assert_eq!(binary[4..12], [2, 0x20, 0, 0, 0, 0x80, 0, 0]);
    assert_eq!(&binary[12..], rest.as_bytes());
    let hex = encoded(&layout("packager = 'iso87binary'\nbitmap = 'hex'"), &fields);
    assert_eq!(&hex[..18], b"\x08\x000220000000800000");
}

/// A bit 1 with an empty second bitmap is read and never written.
#[test]
fn an_empty_second_bitmap_is_read() {
    let ascii = layout("");
    let read = decode(&ascii, b"080080200000000000000000000000000000000001").unwrap().message;
    assert_eq!(encoded(&ascii, &read), b"08000020000000000000000001");
}

#[test]
fn a_disabled_field_is_refused_at_its_turn() {
    let open = layout("");
    let closed = layout("fields.48 = { enabled = false }");
    let sent = encoded(&open, &message(&[(11, "000001"), (48, "x"), (49, "702")]));
    let error = refused(&closed, &sent);
    assert_eq!((error.fault, error.field, error.offset), (Fault::DisabledField, 48, 26));
    assert_eq!(error.decoded.unwrap().text(11), Some("000001"));
    let mut out = WipedBytes::with_capacity(0);
    let refused = encode(&closed, &message(&[(48, "x")]), &mut out);
    assert_eq!(refused, Err(EncodeError { fault: Fault::DisabledField, field: 48 }));
}

#[test]
fn a_value_that_does_not_fit_is_not_encoded() {
    let (ascii, binary) = (layout(""), layout("packager = 'iso87binary'"));
    for (layout, number, value, fault) in [
        (&ascii, 4, "1234567890123", Fault::TooLong),
        (&ascii, 4, "12x", Fault::NotNumeric),
        (&binary, 4, "12x", Fault::NotNumeric),
        (&ascii, 2, "", Fault::TooShort),
        (&ascii, 2, "12345678901234567890", Fault::TooLong),
        (&binary, 35, "4000=A", Fault::BadCharacter),
        (&ascii, 35, "4000=A", Fault::BadCharacter),
        (&ascii, 28, "12345678", Fault::BadSign),
        (&ascii, 28, "", Fault::BadSign),
        (&ascii, 28, "C123456789", Fault::TooLong),
        (&ascii, 41, "a\nb", Fault::BadCharacter),
        (&ascii, 45, "a\nb", Fault::BadCharacter),
        (&ascii, 52, "seven b", Fault::TooShort),
        (&ascii, 52, "more than 8", Fault::TooLong),
        // Three digits count at most 999 hexadecimal digits.
        (&ascii, 55, &*"a".repeat(500), Fault::TooLong),
    ] {
        let mut out = WipedBytes::with_capacity(0);
        let refused = encode(layout, &message(&[(number, value)]), &mut out);
        assert_eq!(refused, Err(EncodeError { fault, field: number }), "{number} {value}");
    }
    let mut out = WipedBytes::with_capacity(0);
    let other = layout("packager = 'iso93ascii'");
    let refused = encode(&other, &message(&[]), &mut out);
    assert_eq!(refused, Err(EncodeError { fault: Fault::UnsupportedVersion, field: 0 }));
}

/// Faults that the refused messages on file do not show.
#[test]
fn a_message_that_breaks_a_rule_is_refused() {
    let head = |bit: u8| {
        let mut head = b"0100".to_vec();
        head.extend(format!("{:016X}", 1_u64 << (64 - bit)).bytes());
        head
    };
    for (toml, number, value, fault) in [
        ("", 2, "00", Fault::TooShort),
        ("", 35, "00", Fault::TooShort),
        ("", 35, "05400x=", Fault::BadCharacter),
        ("", 55, "004abxx", Fault::BadHex),
        ("", 52, "00112233445566g7", Fault::BadHex),
        ("", 36, "105", Fault::TooLong),
        ("fields.22 = { digits = 'bcd' }", 22, "\x10\x12", Fault::NotNumeric),
        ("fields.22 = { digits = 'bcd' }", 22, "\x0a\x12", Fault::NotNumeric),
        ("fields.48 = { length = 'bcd' }", 48, "\x10\0", Fault::BadLength),
        ("fields.48 = { length = 'bcd' }", 48, "\0\x0a", Fault::BadLength),
        ("fields.54 = { length = 'binary' }", 54, "\x01\0", Fault::TooLong),
        ("fields.35 = { digits = 'bcd' }", 35, "02\x1e", Fault::BadCharacter),
    ] {
        let mut sent = head(number);
        sent.extend(value.bytes());
        let error = refused(&layout(toml), &sent);
        assert_eq!((error.fault, error.field), (fault, number), "{toml} {value:?}");
    }
}

#[test]
fn a_key_that_cannot_be_used_is_named() {
    let format = "a format such as n 6, n..11, z..37, ans 15, ans...240, x+n 8, b 8";
    for (toml, key, should_be) in [
        ("packager = 'x'", "packager", "one of iso87ascii, iso87binary, iso93ascii"),
        ("bitmap = 'x'", "bitmap", "one of hex, binary, hex128"),
        ("dialect = '1993'", "dialect", "1987, the dialect of the packager iso87ascii"),
        (
            "dialect = '1987'\npackager = 'iso93ascii'",
            "dialect",
            "1993, the dialect of the packager iso93ascii",
        ),
        ("fields.1 = {}", "fields.1", "a field from 2 to 128, except 65"),
        ("fields.65 = {}", "fields.65", "a field from 2 to 128, except 65"),
        ("fields.x = {}", "fields.x", "a field from 2 to 128, except 65"),
        ("fields.54 = { format = 'ans' }", "fields.54.format", format),
        (
            "fields.44 = { format = 'ans..255' }",
            "fields.44.format",
            "at most 99 long unless length is binary",
        ),
        ("fields.64 = { format = 'b 4' }", "fields.64.format", "left out: a MAC has 8 bytes"),
        ("fields.4 = { digits = 'x' }", "fields.4.digits", "one of ascii, bcd"),
        (
            "fields.41 = { digits = 'bcd' }",
            "fields.41.digits",
            "left out: it means nothing for the format ans 8",
        ),
        ("fields.52 = { bytes = 'x' }", "fields.52.bytes", "one of hex, binary"),
        (
            "fields.3 = { bytes = 'hex' }",
            "fields.3.bytes",
            "left out: it means nothing for the format n 6",
        ),
        ("fields.48 = { length = 'x' }", "fields.48.length", "one of ascii, bcd, binary"),
        (
            "fields.3 = { length = 'bcd' }",
            "fields.3.length",
            "left out: it means nothing for the format n 6",
        ),
        ("fields.3 = { pad = 'right-f' }", "fields.3.pad", "one of left-0"),
        ("fields.41 = { pad = 'right-f' }", "fields.41.pad", "one of right-blank, left-0"),
        (
            "fields.48 = { pad = 'left-0' }",
            "fields.48.pad",
            "left out: it means nothing for the format ans...999",
        ),
        (
            "fields.11 = { enabled = false }",
            "fields.11.enabled",
            "true: no link can do without the field",
        ),
    ] {
        let settings = toml::from_str::<LayoutSettings>(toml).unwrap();
        let Err(error) = Layout::new(&settings) else { panic!("{toml} was accepted") };
        assert_eq!(error.to_string(), format!("links.{key}: should be {should_be}"));
    }
    let unknown = toml::from_str::<LayoutSettings>("fields.54 = { fmt = 'ans 1' }");
    assert!(unknown.unwrap_err().to_string().contains("unknown field `fmt`"));
}
