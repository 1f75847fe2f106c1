//! Texts that are short and much like others of their kind, packed as zstd with a dictionary.

use std::cell::RefCell;
use std::sync::LazyLock;
use std::thread::LocalKey;

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

use crate::StoreError;

/// The first byte: plain bytes follow, or zstd with the first dictionary of the kind.
const PLAIN: u8 = 0;
const WITH_FIRST_DICTIONARY: u8 = 1;
/// Zstd's usual level; higher ones gain 2 % and cost several times as much.
const LEVEL: i32 = 3;
/// The longest text that is unpacked.
const MAX_BYTES: usize = 1 << 20;

type Kept = RefCell<Option<Compressor<'static>>>;

/// How texts of one kind are packed. A dictionary never changes once it is released: a better one
/// gets the next number.
pub(crate) struct Packing {
    column: &'static str,
    encoder: LazyLock<EncoderDictionary<'static>>,
    decoder: LazyLock<DecoderDictionary<'static>>,
    /// One for each thread that writes, since making it costs more than using it.
    compressor: &'static LocalKey<Kept>,
}

macro_rules! packing {
    ($(#[$doc:meta])* $name:ident of $column:literal with $texts:literal) => {
        $(#[$doc])*
        pub(crate) static $name: Packing = {
            thread_local! { static COMPRESSOR: Kept = const { RefCell::new(None) }; }
            const TEXTS: &[u8] = include_bytes!($texts);
            Packing {
                column: $column,
                encoder: LazyLock::new(|| EncoderDictionary::copy(TEXTS, LEVEL)),
                decoder: LazyLock::new(|| DecoderDictionary::copy(TEXTS)),
                compressor: &COMPRESSOR,
            }
        };
    };
}

packing!(
    /// Decision receipts.
    RECEIPTS of "receipt.body" with "receipts/dictionary-1.txt"
);
packing!(
    /// Bodies of webhooks.
    WEBHOOKS of "webhook.packed" with "packing/webhooks-1.txt"
);

impl Packing {
    /// Packs a text; one that would not be shorter stays as it is.
    pub(crate) fn pack(&'static self, text: &[u8]) -> Vec<u8> {
        let packed = self.compressor.with_borrow_mut(|kept| {
            let made = match kept.take() {
                Some(made) => made,
                None => Compressor::with_prepared_dictionary(&self.encoder)?,
            };
            kept.insert(made).compress(text)
        });
        // Only a lack of memory makes it fail.
        match packed {
            Ok(packed) if packed.len() < text.len() => {
                [&[WITH_FIRST_DICTIONARY], packed.as_slice()].concat()
            }
            _ => [&[PLAIN], text].concat(),
        }
    }

    /// Unpacks a text.
    pub(crate) fn unpack(&self, packed: &[u8]) -> Result<Vec<u8>, StoreError> {
        match packed.split_first() {
            Some((&PLAIN, text)) => Ok(text.to_vec()),
            Some((&WITH_FIRST_DICTIONARY, body)) => {
                let unpacked = Decompressor::with_prepared_dictionary(&self.decoder)
                    .and_then(|mut it| it.decompress(body, MAX_BYTES));
                unpacked.map_err(|_| self.corrupt())
            }
            _ => Err(self.corrupt()),
        }
    }

    /// The error that something packed cannot be read.
    pub(crate) const fn corrupt(&self) -> StoreError {
        StoreError::Corrupt(self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_comes_back_and_a_usual_one_is_short() {
        let usual = include_bytes!("packing/usual-webhook.json");
        for text in [&usual[..], b"", b"{}", b"\0\xff\xfe"] {
            assert_eq!(WEBHOOKS.unpack(&WEBHOOKS.pack(text)).unwrap(), text);
        }
        let packed = WEBHOOKS.pack(usual);
        assert!(packed.len() * 3 < usual.len(), "{} of {}", packed.len(), usual.len());
    }

    #[test]
    fn what_does_not_become_shorter_stays_as_it_is() {
        let sealed: Vec<u8> = (0..=255).collect();
        assert_eq!(WEBHOOKS.pack(&sealed), [&[PLAIN], sealed.as_slice()].concat());
    }

    #[test]
    fn a_webhook_that_was_packed_before_is_read() {
        let packed = include_bytes!("packing/usual-webhook-1.zst");
        let usual = include_bytes!("packing/usual-webhook.json");
        assert_eq!(WEBHOOKS.unpack(packed).unwrap(), usual);
    }

    #[test]
    fn what_nobody_packed_is_refused() {
        for packed in [&b""[..], b"\x02{}", b"\x01{}"] {
            assert!(WEBHOOKS.unpack(packed).is_err());
        }
    }
}
