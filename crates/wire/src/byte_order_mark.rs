//! The mark that some systems put before each text they write.

/// The bytes of U+FEFF in UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// A text without the mark before it, which is not part of JSON. For answers and acknowledgements,
/// whose meaning the mark cannot change; a request stays as it was signed.
#[must_use]
pub(crate) fn without_byte_order_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(MARK).unwrap_or(text)
}
