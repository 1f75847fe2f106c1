//! Decision receipts, packed. They stand in a table of their own, written once, at the decision;
//! an authorisation without a decision has its receipt so far among the undecided.

use domain::{AuthId, Authorisation, EnterpriseId};

use crate::engine::Tx;
use crate::packing::RECEIPTS;
use crate::records::{columns_of, record, sql};
use crate::{AuthorisationView, Store, StoreError};

/// Packs a receipt.
pub(crate) fn pack(text: &str) -> Vec<u8> {
    RECEIPTS.pack(text.as_bytes())
}

/// Unpacks a receipt.
pub(crate) fn unpack(packed: &[u8]) -> Result<String, StoreError> {
    String::from_utf8(RECEIPTS.unpack(packed)?).map_err(|_| RECEIPTS.corrupt())
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
