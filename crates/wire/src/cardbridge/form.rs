//! Query strings: strict decoding, and the encoding of Java's `URLEncoder`, which the
//! official connector uses (cardbridge-open-api.md section 3.2).

/// Most pairs a query may have; no operation reads more than a few.
pub const MAX_PAIRS: usize = 64;

/// Splits a raw query on `&` and each part on its first `=`, and decodes both sides once. A part
/// without `=` is a name with an empty value; empty parts are skipped. `None` if a `%` is not
/// followed by two hex digits, the result is not UTF-8, or there are more than [`MAX_PAIRS`] pairs.
#[must_use]
pub fn decode_pairs(raw_query: &str) -> Option<Vec<(String, String)>> {
    let parts = raw_query.split('&').filter(|part| !part.is_empty());
    let mut pairs = Vec::new();
    for part in parts {
        if pairs.len() == MAX_PAIRS {
            return None;
        }
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        pairs.push((decode(name)?, decode(value)?));
    }
    Some(pairs)
}

/// Writes pairs as the Java connector puts them into a URL.
#[must_use]
pub fn encode_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (digits, tail) = rest.split_at_checked(2)?;
                rest = tail;
                hex_digit(digits[0])? << 4 | hex_digit(digits[1])?
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_travel_as_java_writes_them() {
        let encoded = encode_pairs(&[("cardOrderRef", "a b+c&d=é")]);
        assert_eq!(encoded, "cardOrderRef=a+b%2Bc%26d%3D%C3%A9");
    }

    #[test]
    fn decoding_is_strict_and_single() {
        let one = |name: &str, value: &str| Some(vec![(name.to_owned(), value.to_owned())]);
        assert_eq!(decode_pairs("a=%2525"), one("a", "%25"));
        assert_eq!(decode_pairs("a=b=c"), one("a", "b=c"));
        assert_eq!(decode_pairs("&a&"), one("a", ""));
        for bad in ["a=%", "a=%4", "a=%4g", "a=%+1", "a=%FF", "%=a"] {
            assert_eq!(decode_pairs(bad), None, "{bad}");
        }
        assert_eq!(decode_pairs(&"a=1&".repeat(MAX_PAIRS + 1)), None);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(
            pairs in prop::collection::vec((".{1,8}", ".{0,8}"), 0..6)
        ) {
            prop_assert_eq!(decode_pairs(&encode_pairs(&pairs)), Some(pairs));
        }
    }
}
