//! Whatever can be encoded decodes to itself.

use iso8583::{
    Content, Extent, FieldLayout, FieldSettings, Layout, LayoutSettings, Message, Mti, Packager,
    Word as _, decode,
};
use proptest::prelude::*;

use crate::vectors::encoded;

/// Numbers that follow from a seed.
pub struct Draw(pub u64);

impl Draw {
    /// SplitMix64.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn one_of<'a>(&mut self, bytes: &'a [u8]) -> &'a u8 {
        &bytes[self.below(bytes.len())]
    }
}

/// A value that the field can hold as it is.
fn value(field: &FieldLayout, seed: u64) -> Vec<u8> {
    let mut draw = Draw(seed);
    let format = field.format;
    let shortest = usize::from(matches!(format.content, Content::Digits | Content::Track));
    // Three digits count at most 499 bytes in hexadecimal.
    let longest = match format.content {
        Content::Bytes => usize::from(format.max).min(499),
        _ => usize::from(format.max),
    };
    let len = match format.extent {
        Extent::Fixed => longest,
        Extent::Ll | Extent::Lll => shortest + draw.below(longest - shortest + 1),
    };
    let text: Vec<u8> = (b' '..=b'~').collect();
    let any: Vec<u8> = (0..=255).collect();
    let (sign, alphabet): (&[u8], &[u8]) = match format.content {
        Content::Digits => (b"", b"0123456789"),
        Content::Track => (b"", b"0123456789="),
        Content::Signed => (b"CD", b"0123456789"),
        Content::Text if field.takes_any_byte => (b"", &any),
        Content::Alphanumeric | Content::Text => (b"", &text),
        Content::Bytes => (b"", &any),
    };
    let sign = (!sign.is_empty()).then(|| *draw.one_of(sign));
    sign.into_iter().chain((0..len).map(|_| *draw.one_of(alphabet)).collect::<Vec<_>>()).collect()
}

/// Tries each key of an override with a word drawn from a seed, and keeps those that fit.
fn override_some(settings: &mut LayoutSettings, number: u8, seed: u64) {
    type Key = fn(&mut FieldSettings) -> &mut Option<String>;
    let formats = ["n 7", "n..11", "z..37", "an 3", "ans..99", "ans...240", "b 5", "b...90"];
    let keys: [(Key, &[&str]); 5] = [
        (|it| &mut it.format, &formats),
        (|it| &mut it.digits, &["ascii", "bcd"]),
        (|it| &mut it.bytes, &["hex", "binary"]),
        (|it| &mut it.length, &["ascii", "bcd", "binary"]),
        (|it| &mut it.pad, &["left-0", "right-0", "right-f", "right-blank"]),
    ];
    let mut draw = Draw(seed);
    settings.fields.insert(number.to_string(), FieldSettings::default());
    for (key, words) in keys {
        let Some(word) = words.get(draw.below(2 * words.len())) else { continue };
        *key(settings.fields.entry(number.to_string()).or_default()) = Some((*word).to_owned());
        if Layout::new(settings).is_err() {
            *key(settings.fields.entry(number.to_string()).or_default()) = None;
        }
    }
}

fn drawn_layout(packager: Packager, bitmap: &str, overrides: &[(u8, u64)]) -> Layout {
    let mut settings = LayoutSettings {
        packager: Some(packager.word().to_owned()),
        bitmap: Some(bitmap.to_owned()),
        ..LayoutSettings::default()
    };
    for (number, seed) in overrides.iter().filter(|(number, _)| *number != 65) {
        override_some(&mut settings, *number, *seed);
    }
    Layout::new(&settings).unwrap()
}

proptest! {
    #[test]
    fn what_is_encoded_decodes_to_itself(
        packager in prop::sample::select(Packager::WORDS),
        bitmap in prop::sample::select(vec!["hex", "binary", "hex128"]),
        overrides in prop::collection::vec((2..=128_u8, any::<u64>()), 0..40),
        fields in prop::collection::vec((2..=128_u8, any::<u64>()), 0..60),
        mti in 0..1_000_u16,
    ) {
        let (_, packager) = packager;
        let layout = drawn_layout(packager, bitmap, &overrides);
        let mti = Mti::parse(&format!("{}{mti:03}", packager.version())).unwrap();
        let mut message = Message::new(mti);
        // Every field with an override has a value.
        let fields = fields.into_iter().chain(overrides);
        for (number, seed) in fields.filter(|(number, _)| *number != 65) {
            message.set(number, &value(layout.field(number).unwrap(), seed)).unwrap();
        }
        let written = encoded(&layout, &message);
        let read = decode(&layout, &written);
        prop_assert!(read.is_ok(), "{}", read.err().unwrap());
        let read = read.unwrap().message;
        prop_assert_eq!(read.mti(), mti);
        for number in 1..=128 {
            prop_assert!(read.get(number) == message.get(number), "field {}", number);
        }
        prop_assert_eq!(encoded(&layout, &read), written);
    }
}
