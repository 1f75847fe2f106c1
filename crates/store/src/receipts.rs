//! Decision receipts, packed: as zstd with a dictionary, since each is short and much like the
//! others. They stand in a table of their own, written once, at the decision; an authorisation
//! without a decision has its receipt so far among the undecided.

use std::cell::RefCell;
use std::sync::LazyLock;

use domain::{AuthId, Authorisation, EnterpriseId};
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

use crate::engine::Tx;
use crate::records::{columns_of, record, sql};
use crate::{AuthorisationView, Store, StoreError};

/// The first byte of a packed receipt: plain text follows, or zstd with the first dictionary.
const PLAIN: u8 = 0;
const WITH_FIRST_DICTIONARY: u8 = 1;
/// The texts that receipts have in common. A dictionary never changes once it is released: a better
/// one gets the next number.
const FIRST_DICTIONARY: &[u8] = include_bytes!("receipts/dictionary-1.txt");
/// Zstd's usual level; higher ones gain 2 % and cost several times as much.
const LEVEL: i32 = 3;
/// The longest text that is unpacked.
const MAX_RECEIPT_BYTES: usize = 1 << 20;
const CORRUPT: StoreError = StoreError::Corrupt("receipt.body");

static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(FIRST_DICTIONARY, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(FIRST_DICTIONARY));

thread_local! {
    /// One for each thread that writes, since making it costs more than using it.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

/// Packs a receipt.
pub(crate) fn pack(text: &str) -> Vec<u8> {
    let packed = COMPRESSOR.with_borrow_mut(|kept| {
        let made = match kept.take() {
            Some(made) => made,
            None => Compressor::with_prepared_dictionary(&ENCODER)?,
        };
        kept.insert(made).compress(text.as_bytes())
    });
    // Only a lack of memory makes it fail.
    let (form, body) = packed
        .map_or_else(|_| (PLAIN, text.as_bytes().to_vec()), |body| (WITH_FIRST_DICTIONARY, body));
    [&[form], body.as_slice()].concat()
}

/// Unpacks a receipt.
pub(crate) fn unpack(packed: &[u8]) -> Result<String, StoreError> {
    let bytes = match packed.split_first() {
        Some((&PLAIN, text)) => text.to_vec(),
        Some((&WITH_FIRST_DICTIONARY, body)) => {
            let mut decompressor =
                Decompressor::with_prepared_dictionary(&DECODER).map_err(|_| CORRUPT)?;
            decompressor.decompress(body, MAX_RECEIPT_BYTES).map_err(|_| CORRUPT)?
        }
        _ => return Err(CORRUPT),
    };
    String::from_utf8(bytes).map_err(|_| CORRUPT)
}

/// A packed receipt of a decided authorisation.
pub(crate) struct Receipt {
    pub(crate) enterprise_id: EnterpriseId,
    pub(crate) auth_id: AuthId,
    pub(crate) body: Vec<u8>,
}

record! {
    Receipt in "receipt" key (enterprise_id, auth_id) {
        enterprise_id,
        auth_id,
        body,
    }
}

/// A receipt where it may stand: with the row of its authorisation if a binary of an earlier
/// version wrote it last; else apart, packed, with those of the decided or of the undecided.
pub(crate) type Kept = (String, Option<Vec<u8>>, Option<Vec<u8>>);

/// The columns of [`Kept`] beside an authorisation that is named `a` in the statement.
pub(crate) const KEPT: &str = "a.receipt, r.body, u.body";
/// The tables of [`KEPT`].
pub(crate) const KEPT_IN: &str = "authorisation a \
    LEFT JOIN receipt r ON r.enterprise_id = a.enterprise_id AND r.auth_id = a.auth_id \
    LEFT JOIN undecided u ON u.enterprise_id = a.enterprise_id AND u.auth_id = a.auth_id";

/// The text of a receipt; empty if there is none.
pub(crate) fn text_of((with_row, decided, undecided): Kept) -> Result<String, StoreError> {
    if !with_row.is_empty() {
        return Ok(with_row);
    }
    decided.or(undecided).map_or(Ok(String::new()), |packed| unpack(&packed))
}

/// Writes the receipt of a decided authorisation over the one that it had.
pub(crate) async fn amend(
    tx: &Tx,
    (enterprise_id, auth_id): (EnterpriseId, AuthId),
    text: &str,
) -> Result<(), StoreError> {
    tx.put(&Receipt { enterprise_id, auth_id, body: pack(text) }).await
}

impl Store {
    /// An authorisation of any enterprise with its receipt and its late answer.
    pub async fn authorisation_view(
        &self,
        auth_id: AuthId,
    ) -> Result<Option<AuthorisationView>, StoreError> {
        let sql = sql!(
            "SELECT {}, {}, a.late_answer FROM {} WHERE a.auth_id = $1",
            columns_of::<Authorisation>("a"),
            KEPT,
            KEPT_IN
        );
        let found: Option<(Authorisation, Kept, Option<String>)> =
            self.one(sql, [auth_id.into()]).await?;
        let Some((authorisation, kept, late_answer)) = found else { return Ok(None) };
        Ok(Some(AuthorisationView { authorisation, receipt: text_of(kept)?, late_answer }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_comes_back_and_a_usual_one_is_short() {
        let usual = include_str!("receipts/usual.json").trim_end();
        for text in [usual, "", "{}", "{\"ж\":\"\u{1f4b3}\"}"] {
            assert_eq!(unpack(&pack(text)).unwrap(), text);
        }
        let packed = pack(usual);
        assert!(packed.len() * 7 < usual.len(), "{} of {}", packed.len(), usual.len());
    }

    #[test]
    fn what_was_packed_before_is_read() {
        assert_eq!(unpack(b"\0{}").unwrap(), "{}");
        let packed = include_bytes!("receipts/usual-1.zst");
        assert_eq!(unpack(packed).unwrap(), include_str!("receipts/usual.json").trim_end());
    }

    #[test]
    fn what_is_no_receipt_is_refused() {
        for packed in [&b""[..], b"\x02{}", b"\x01{}", b"\0\xff"] {
            assert!(unpack(packed).is_err());
        }
    }
}
