//! The page of the specification: its tables are those of the code.

use std::collections::BTreeSet;

use iso8583::{
    Bitmap, DIFFERENCES, FIELDS, Fault, FieldSettings, Format, Layout, LayoutSettings,
    LengthPrefix, Message, Mti, Packager, Uses, Word as _, default_echo, describe, tlv,
};

use crate::vectors::{encoded, specification};

const PAGE: &str = "network-iso8583.md";

/// A section, from its heading to the next.
fn section(number: &str) -> String {
    let page = specification(PAGE);
    let heading = format!("\n### {number} ");
    let (_, rest) = page.split_once(&heading).unwrap();
    rest.split("\n##").next().unwrap().to_owned()
}

/// The rows of the table that this line heads.
fn table(text: &str, head: &str) -> Vec<Vec<String>> {
    let rows = text.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let cells =
        |row: &str| row.trim_matches('|').split('|').map(|it| it.trim().to_owned()).collect();
    let rows: Vec<Vec<_>> = rows.take_while(|line| line.starts_with('|')).map(cells).collect();
    assert!(!rows.is_empty(), "no table {head}");
    rows
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The numbers of a row: one, or two with `to` between them.
fn numbers(cell: &str) -> std::ops::RangeInclusive<u8> {
    let (first, last) = cell.split_once(" to ").unwrap_or((cell, cell));
    first.parse().unwrap()..=last.parse().unwrap()
}

/// The letters of a field's uses, as the page writes them.
fn letters(uses: Uses) -> String {
    let letters =
        [(uses.is_repeated, "E"), (uses.is_kept, "K"), (uses.is_wiped, "X"), (uses.is_masked, "M")];
    let letters: Vec<_> = letters.into_iter().filter(|it| it.0).map(|it| it.1).collect();
    if letters.is_empty() { "-".to_owned() } else { letters.join(" ") }
}

#[test]
fn the_table_of_fields_is_that_of_the_code() {
    let mut fields = FIELDS.iter();
    for row in table(&section("2.3"), "| DE | name | format | use |") {
        let [numbers_cell, name, format, uses] = &row[..] else { panic!("{row:?}") };
        for number in numbers(numbers_cell) {
            let field = fields.next().unwrap();
            assert_eq!(field.number, number);
            assert_eq!(field.name, name.split(": ").next().unwrap(), "DE{number}");
            assert_eq!(field.format.to_string(), *format, "DE{number}");
            assert_eq!(letters(field.uses), uses.split(';').next().unwrap(), "DE{number}");
        }
    }
    assert!(fields.next().is_none());
}

#[test]
fn the_differences_of_1993_are_those_of_the_code() {
    let rows = table(&section("2.5"), "| DE | name | format | use |");
    assert_eq!(rows.len(), DIFFERENCES.len());
    for (row, field) in rows.iter().zip(&DIFFERENCES) {
        let (format, uses) = (field.format.to_string(), letters(field.uses));
        let expected = [&*field.number.to_string(), field.name, &*format, &*uses];
        let found = [&*row[0], row[1].split(": ").next().unwrap(), &*row[2], &*row[3]];
        assert_eq!(found, expected);
        // Masks know a field by its number alone.
        let own = FIELDS[usize::from(field.number) - 1].uses;
        let hidden = |uses: Uses| (uses.is_masked, uses.is_wiped);
        assert_eq!(hidden(field.uses), hidden(own), "DE{}", field.number);
    }
    assert!(DIFFERENCES.is_sorted_by_key(|field| field.number));
    let layout = Layout::of(Packager::Iso93Ascii);
    assert_eq!(layout.field(12).unwrap().format.to_string(), "n 12");
    assert_eq!((layout.name(12), layout.name(11)), ("local date and time", FIELDS[10].name));
    let echo = Packager::Iso93Ascii.default_echo();
    assert!([12, 24, 37, 56].iter().all(|number| echo.contains(*number)));
    assert!([13, 25, 70, 90, 95].iter().all(|number| !echo.contains(*number)));
    assert_eq!(Packager::Iso87Binary.default_echo(), default_echo());
}

/// Each packager writes message type, bitmaps, digits and lengths as its row says.
#[test]
fn the_table_of_packagers_is_what_is_written() {
    let rows = table(&section("2.1"), "| name | MTI | bitmap | numbers | lengths |");
    let names: Vec<_> = rows.iter().map(|row| quoted(&row[0])[0].to_owned()).collect();
    let words: Vec<_> = Packager::WORDS.iter().map(|(word, _)| (*word).to_owned()).collect();
    assert_eq!(names, words);
    let default = rows.iter().find(|row| row[0].ends_with("(default)")).unwrap();
    let unset = Layout::new(&LayoutSettings::default()).unwrap();
    assert_eq!(quoted(&default[0]), [unset.packager().word()]);
    for (row, (_, packager)) in rows.iter().zip(Packager::WORDS) {
        let layout = Layout::of(*packager);
        let version = if row[1].contains("version digit 1") { "1" } else { "0" };
        let mut message = Message::new(Mti::parse(&format!("{version}800")).unwrap());
        for (number, value) in [(11, "123456"), (32, "1234")] {
            message.set(number, value.as_bytes()).unwrap();
        }
        let is_bcd = |cell: &str| cell.contains("BCD");
        let mti = format!("{version}800");
        let mut expected =
            if is_bcd(&row[1]) { hex::decode(mti).unwrap() } else { mti.into_bytes() };
        let bitmap = "0020000100000000";
        let bitmap = match &*row[2] {
            it if it.starts_with("8 bytes") => hex::decode(bitmap).unwrap(),
            it if it.starts_with("16 hex") || it.starts_with("as `iso87ascii`") => bitmap.into(),
            it => panic!("{it}"),
        };
        expected.extend(bitmap);
        let digits = |text: &str| match &*row[3] {
            "BCD" => hex::decode(text).unwrap(),
            "ASCII" => text.as_bytes().to_vec(),
            it => panic!("{it}"),
        };
        expected.extend(digits("123456"));
        expected.extend(if is_bcd(&row[4]) { vec![4] } else { b"04".to_vec() });
        expected.extend(digits("1234"));
        assert_eq!(encoded(&layout, &message), expected, "{}", row[0]);
    }
    let text = section("2.1");
    for (word, _) in Bitmap::WORDS {
        assert!(
            text.contains(&format!("`{word}`")) || text.contains(&format!("\"{word}\"")),
            "{word}"
        );
    }
}

#[test]
fn every_format_of_the_page_is_read() {
    for row in table(&section("2.2"), "| format | meaning |") {
        for format in quoted(&row[0]) {
            let text = format.replace('N', "9");
            assert_eq!(Format::parse(&text).unwrap().to_string(), text);
        }
    }
}

#[test]
fn the_fields_that_cannot_be_disabled_are_those_of_the_page() {
    let text = section("2.4");
    let line = text.lines().find(|line| line.contains("cannot be disabled")).unwrap();
    let list = line.strip_prefix("DE").unwrap().split(" cannot").next().unwrap();
    let list: Vec<u8> =
        list.replace(" and ", ", ").split(", ").map(|it| it.parse().unwrap()).collect();
    let can_be_disabled = |number: &u8| {
        let off = FieldSettings { enabled: Some(false), ..FieldSettings::default() };
        let fields = [(number.to_string(), off)].into();
        Layout::new(&LayoutSettings { fields, ..LayoutSettings::default() }).is_ok()
    };
    let found: Vec<_> = (2..=128).filter(|it| *it != 65 && !can_be_disabled(it)).collect();
    assert_eq!(found, list);
}

#[test]
fn the_names_of_the_errors_are_those_of_the_page() {
    let text = section("2.6");
    let (_, list) = text.split_once("and byte: ").unwrap();
    let list: BTreeSet<_> =
        quoted(list.split(". ").next().unwrap()).into_iter().map(str::to_owned).collect();
    let faults = [
        Fault::Truncated,
        Fault::BadMti,
        Fault::UnsupportedVersion,
        Fault::BadBitmap,
        Fault::ReservedBit,
        Fault::DisabledField,
        Fault::BadLength,
        Fault::TooLong,
        Fault::TooShort,
        Fault::NotNumeric,
        Fault::BadSign,
        Fault::BadHex,
        Fault::BadCharacter,
        Fault::TrailingBytes,
    ];
    assert_eq!(list, faults.map(|fault| fault.to_string()).into());
}

#[test]
fn the_table_of_lengths_is_that_of_the_code() {
    let rows = table(&section("1.1"), "| `length` |");
    assert_eq!(rows.len(), LengthPrefix::WORDS.len());
    for (row, (word, length)) in rows.iter().zip(LengthPrefix::WORDS) {
        assert_eq!(quoted(&row[0]), [*word]);
        let largest = match &*row[2] {
            "`max-frame`" => u32::MAX as usize,
            number => number.replace(',', "").parse().unwrap(),
        };
        assert_eq!(length.largest(), largest, "{word}");
    }
    assert!(rows[0][0].ends_with("(default)"));
}

#[test]
fn what_is_repeated_by_default_is_the_list_of_the_configuration() {
    let text = section("7.1");
    let line = text.lines().find_map(|line| line.strip_prefix("echo = [")).unwrap();
    let list = line.split(']').next().unwrap().split(',').map(|it| it.parse::<u8>().unwrap());
    assert_eq!(default_echo(), list.collect());
}

#[test]
fn the_kept_tags_are_those_of_the_page() {
    let text = section("3.6");
    let (_, list) = text.split_once("Kept in the receipt as hexadecimal: ").unwrap();
    let list = list.split(". ").next().unwrap().split(' ');
    let list: Vec<_> = list.map(|tag| u32::from_str_radix(tag, 16).unwrap()).collect();
    assert_eq!(list, tlv::KEPT_TAGS);
}

/// Every field of use M is hidden, except for the ends of account numbers.
#[test]
fn what_is_masked_is_what_the_page_says() {
    let text = section("9.1");
    let (_, rest) = text.split_once("except ").unwrap();
    let ends = rest.split(": first 6 and last 4").next().unwrap().split(", ");
    let ends: Vec<u8> = ends.map(|it| it.parse().unwrap()).collect();
    let layout = Layout::of(Packager::Iso87Binary);
    for field in FIELDS.iter().filter(|it| ![1, 65].contains(&it.number)) {
        let mut message = Message::new(Mti::parse("0100").unwrap());
        let len = usize::from(field.format.max);
        let digits: Vec<_> = b"9876543210".iter().copied().cycle().take(len.min(999)).collect();
        let sign: &[u8] = if field.format.to_string().starts_with('x') { b"C" } else { b"" };
        message.set(field.number, &[sign, &digits].concat()).unwrap();
        let shown = describe(&layout, &encoded(&layout, &message)).fields.remove(0).value;
        if ends.contains(&field.number) {
            assert!(shown.starts_with("987654***"), "DE{}: {shown}", field.number);
        } else {
            assert_eq!(shown == "***", field.uses.is_masked, "DE{}: {shown}", field.number);
        }
    }
}
