//! The format of sealed bytes, and the data bound to them.

use domain::EnterpriseId;

use crate::data_key::KEY_VERSION;

/// First byte: the format of the rest.
const FORMAT: u8 = 1;
/// Format and key version, before nonce, ciphertext and tag.
const HEADER: [u8; 2] = [FORMAT, KEY_VERSION];

/// `body` with the header before it.
pub(crate) fn with_header(body: &[u8]) -> Vec<u8> {
    [&HEADER, body].concat()
}

/// `sealed` without its header; `None` if this version writes no such header.
pub(crate) fn without_header(sealed: &[u8]) -> Option<&[u8]> {
    sealed.strip_prefix(&HEADER)
}

/// The associated data: format, key version, enterprise, then kind and id of the record. Each text
/// follows its length, so no two records share the same bytes.
pub(crate) fn associated(enterprise: EnterpriseId, kind: &str, record: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER.len() + 24 + kind.len() + record.len());
    bytes.extend_from_slice(&HEADER);
    bytes.extend_from_slice(&enterprise.as_i64().to_be_bytes());
    for text in [kind, record] {
        bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_texts_do_not_run_together() {
        let enterprise = EnterpriseId::from_i64(1);
        assert_ne!(associated(enterprise, "ab", "c"), associated(enterprise, "a", "bc"));
    }

    #[test]
    fn only_our_own_header_is_accepted() {
        assert_eq!(without_header(&with_header(b"body")), Some(&b"body"[..]));
        for other in [&[][..], &[1], &[2, 1, 0], &[1, 2, 0]] {
            assert_eq!(without_header(other), None);
        }
    }
}
