//! The short excerpt that is kept of a foreign answer.

/// Most bytes kept of a response body.
pub const EXCERPT_BYTES: usize = 256;

/// The beginning of `body` as text of at most [`EXCERPT_BYTES`] bytes: invalid UTF-8
/// becomes U+FFFD, control characters become spaces, and no character is cut in half.
#[must_use]
pub fn excerpt(body: &[u8]) -> String {
    // A replaced two-byte control character shrinks to one byte, so up to twice the bytes may be
    // used; three more keep the last character whole.
    let head = &body[..body.len().min(2 * EXCERPT_BYTES + 3)];
    let mut text = String::with_capacity(EXCERPT_BYTES);
    for character in String::from_utf8_lossy(head).chars() {
        let shown = if character.is_control() { ' ' } else { character };
        if text.len() + shown.len_utf8() > EXCERPT_BYTES {
            break;
        }
        text.push(shown);
    }
    text
}

/// Shortest part of a URL that is masked by itself: shorter ones are ordinary words.
const MIN_MASKED_BYTES: usize = 8;

/// `text` without the URL that was called, and without its path, query and their longer parts,
/// which may contain a secret and which servers like to repeat in their answers.
#[must_use]
pub fn mask_url(text: &str, url: &str) -> String {
    let beside_host =
        url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    let Some(beside_host) = beside_host else { return text.to_owned() };
    let path = beside_host.split(['?', '#']).next().unwrap_or_default();
    let parts = beside_host.split(['/', '?', '&', '=', '#']);
    let wholes = [url, beside_host, path].into_iter().filter(|whole| whole.len() > 1);
    let mut masked = text.to_owned();
    for part in wholes.chain(parts.filter(|part| part.len() >= MIN_MASKED_BYTES)) {
        masked = masked.replace(part, "[URL]");
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::{EXCERPT_BYTES, excerpt, mask_url};

    #[test]
    fn a_url_and_its_parts_are_masked_wherever_they_stand() {
        let url = "https://hook.example/in/very-secret?token=also-secret&n=1";
        for (text, masked) in [
            ("ok", "ok"),
            ("Cannot POST /in/very-secret", "Cannot POST [URL]"),
            ("Cannot POST /in/very-secret?token=also-secret&n=1", "Cannot POST [URL]"),
            (
                r#"{"path":"\/in\/very-secret","q":"also-secret"}"#,
                r#"{"path":"\/in\/[URL]","q":"[URL]"}"#,
            ),
            ("see https://hook.example/in/very-secret?token=also-secret&n=1.", "see [URL]."),
        ] {
            assert_eq!(mask_url(text, url), masked);
        }
        assert_eq!(mask_url("a/b", "https://hook.example"), "a/b");
        assert_eq!(mask_url("a/b", "https://hook.example/"), "a/b");
    }

    #[test]
    fn a_short_body_is_kept_whole() {
        assert_eq!(excerpt(b"{\"code\":\"ok\"}"), "{\"code\":\"ok\"}");
        assert_eq!(excerpt(b""), "");
    }

    #[test]
    fn a_long_body_is_cut_at_a_character() {
        assert_eq!(excerpt(&[b'a'; 300]).len(), EXCERPT_BYTES);
        // 255 bytes, then a two-byte character: it does not fit and is left out whole.
        let text = format!("{}éé", "a".repeat(255));
        assert_eq!(excerpt(text.as_bytes()), "a".repeat(255));
        // 254 bytes, then a two-byte character: it fits exactly.
        let text = format!("{}éé", "a".repeat(254));
        assert_eq!(excerpt(text.as_bytes()), format!("{}é", "a".repeat(254)));
    }

    #[test]
    fn control_characters_and_bad_bytes_are_replaced() {
        assert_eq!(excerpt(b"a\r\n\x1b[31mb\x00"), "a   [31mb ");
        assert_eq!(excerpt(&[b'a', 0xff, b'b']), "a\u{fffd}b");
        assert_eq!(excerpt("\u{85}".repeat(300).as_bytes()), " ".repeat(EXCERPT_BYTES));
        // Each bad byte grows to three bytes of text; the limit holds for the text.
        assert!(excerpt(&[0xff; 400]).len() <= EXCERPT_BYTES);
    }
}
