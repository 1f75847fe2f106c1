//! Authentication of requests and webhooks by HMAC-SHA256 (cardbridge-open-api.md
//! section 3). The secret is used as text, not base64-decoded.

use std::borrow::Cow;

use crypto::{hmac_sha256, hmac_sha256_matches};
use domain::ErrorCode;
use serde::de::IgnoredAny;

use super::form;

/// Header with the API key.
pub const API_KEY_HEADER: &str = "x-dapi-api-key";
/// Header with the milliseconds since the epoch.
pub const TIMESTAMP_HEADER: &str = "x-dapi-timestamp";
/// Header with the nonce.
pub const NONCE_HEADER: &str = "x-dapi-nonce";
/// Header with the signature.
pub const SIGN_HEADER: &str = "x-dapi-sign";
/// Header with the HMAC of a webhook.
pub const WEBHOOK_SIGNATURE_HEADER: &str = "x-signature";
/// Largest distance of a timestamp from the server's real time, in milliseconds, unless configured
/// otherwise.
pub const DEFAULT_WINDOW_MS: i64 = 5_000;

/// Digits of a timestamp; the fixed width makes the unseparated message parse one way.
const TIMESTAMP_DIGITS: usize = 13;
/// The valid nonces.
const NONCES: std::ops::RangeInclusive<u32> = 10_000..=99_999;
const NONCE_DIGITS: usize = 5;

/// The four header values as received.
#[derive(Clone, Copy, Default)]
pub struct SignatureHeaders<'a> {
    /// `X-DAPI-API-KEY`.
    pub api_key: Option<&'a str>,
    /// `X-DAPI-TIMESTAMP`.
    pub timestamp: Option<&'a str>,
    /// `X-DAPI-NONCE`.
    pub nonce: Option<&'a str>,
    /// `X-DAPI-SIGN`.
    pub sign: Option<&'a str>,
}

/// Header values whose form is right; the signature is not verified yet.
#[derive(Clone, Copy)]
pub struct Claim<'a> {
    /// The key that the caller says is theirs.
    pub api_key: &'a str,
    /// Exactly 13 digits.
    pub timestamp: &'a str,
    /// The same as a number of milliseconds.
    pub timestamp_ms: i64,
    /// Exactly 5 digits, 10000 to 99999.
    pub nonce: &'a str,
    /// The signature as sent; empty if it is missing, which never matches.
    pub sign: &'a str,
}

impl<'a> SignatureHeaders<'a> {
    /// The checks of cardbridge-open-api.md section 3.5 that need no store, in its order, up to the
    /// nonce. A missing signature is not refused here, because the check for unknown keys comes
    /// first; it never matches later.
    ///
    /// # Errors
    /// The dialect's code of the first check that fails.
    pub fn check(&self, now_ms: i64, window_ms: i64) -> Result<Claim<'a>, ErrorCode> {
        let api_key = present(self.api_key).ok_or(ErrorCode::ApiKeyEmpty)?;
        let timestamp = present(self.timestamp).ok_or(ErrorCode::TimestampEmpty)?;
        let timestamp_ms = timestamp_ms(timestamp).ok_or(ErrorCode::TimestampFormatError)?;
        check_window(timestamp_ms, now_ms, window_ms)?;
        let nonce =
            present(self.nonce).filter(|text| is_nonce(text)).ok_or(ErrorCode::NonceIllegal)?;
        let sign = self.sign.unwrap_or_default();
        Ok(Claim { api_key, timestamp, timestamp_ms, nonce, sign })
    }
}

/// Checks that a timestamp lies within the window, both ways (cardbridge-open-api.md sections 3.4
/// and 14, U3).
///
/// # Errors
/// `DAPI_TIMESTAMP_EXPIRED`.
pub const fn check_window(timestamp_ms: i64, now_ms: i64, window_ms: i64) -> Result<(), ErrorCode> {
    match now_ms.checked_sub(timestamp_ms) {
        Some(age_ms) if age_ms.unsigned_abs() <= window_ms.unsigned_abs() => Ok(()),
        _ => Err(ErrorCode::TimestampExpired),
    }
}

/// The parts of a request apart from the headers, byte for byte.
#[derive(Clone, Copy)]
pub struct SignedContent<'a> {
    /// True if the method is GET.
    pub is_get: bool,
    /// The part of the request line after the `?`.
    pub raw_query: Option<&'a str>,
    /// The body.
    pub raw_body: &'a [u8],
}

impl SignedContent<'_> {
    /// True for a GET with a body, which is refused with `DAPI_SYS_ILLEGAL_PARAM`
    /// (cardbridge-open-api.md section 3.3, rule 4).
    #[must_use]
    pub const fn is_get_with_body(&self) -> bool {
        self.is_get && !self.raw_body.is_empty()
    }

    /// True if the claimed signature was made with `secret` over one of the payload
    /// forms that cardbridge-open-api.md section 3.3 accepts. Always false for a GET with a body.
    #[must_use]
    pub fn is_signed_by(&self, secret: &str, claim: &Claim<'_>) -> bool {
        let Ok(tag) = hex::decode(claim.sign) else { return false };
        if self.is_get_with_body() {
            return false;
        }
        let query = self.raw_query.unwrap_or_default();
        let matches = |payload: [&[u8]; 2]| {
            let head = [claim.api_key, claim.timestamp, claim.nonce].map(str::as_bytes);
            let parts = [head[0], head[1], head[2], payload[0], payload[1]];
            hmac_sha256_matches(secret.as_bytes(), &parts, &tag)
        };
        if self.is_get {
            matches([query.as_bytes(), b""])
                || unencoded_query(query).is_some_and(|text| matches([text.as_bytes(), b""]))
        } else {
            matches([self.raw_body, b""])
                || (query_may_be_signed(query, self.raw_body)
                    && matches([query.as_bytes(), self.raw_body]))
        }
    }
}

/// The signature of a request: `payload` is the raw query of a GET, otherwise the raw body.
#[must_use]
pub fn sign(secret: &str, api_key: &str, timestamp: &str, nonce: &str, payload: &[u8]) -> String {
    let parts = [api_key.as_bytes(), timestamp.as_bytes(), nonce.as_bytes(), payload];
    hex::encode(hmac_sha256(secret.as_bytes(), &parts))
}

/// The value of `X-Signature`: lower-case hex over the exact body (cardbridge-open-api.md
/// section 9).
#[must_use]
pub fn webhook_signature(secret: &str, body: &[u8]) -> String {
    hex::encode(hmac_sha256(secret.as_bytes(), &[body]))
}

/// True if `signature` is that of a webhook's body; hex in either case.
#[must_use]
pub fn webhook_signature_matches(secret: &str, body: &[u8], signature: &str) -> bool {
    hex::decode(signature).is_ok_and(|tag| hmac_sha256_matches(secret.as_bytes(), &[body], &tag))
}

/// Form B of a GET: the pairs as the Java connector signs them, before encoding. `None` if one
/// signature would cover two different splits into parameters: the conditions (i) to (iv) of
/// cardbridge-open-api.md section 3.3, rule 2.
fn unencoded_query(raw_query: &str) -> Option<Cow<'_, str>> {
    let pairs = form::decode_pairs(raw_query)?;
    let ambiguous = pairs.iter().enumerate().any(|(index, (name, value))| {
        name.contains(['&', '='])
            || value.contains('&')
            || pairs[..index].iter().any(|(earlier, _)| earlier == name)
    });
    if ambiguous || form::encode_pairs(&pairs) != raw_query {
        return None;
    }
    let joined: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Some(Cow::Owned(joined.join("&")))
}

/// Form B of a POST: only with a query, and only if the body is one whole JSON object. No suffix of
/// such an object is another object, so it is certain where the query ends and the body begins.
fn query_may_be_signed(raw_query: &str, raw_body: &[u8]) -> bool {
    !raw_query.is_empty()
        && raw_body.first() == Some(&b'{')
        && raw_body.last() == Some(&b'}')
        && serde_json::from_slice::<IgnoredAny>(raw_body).is_ok()
}

fn present(value: Option<&str>) -> Option<&str> {
    value.filter(|text| !text.trim().is_empty())
}

fn timestamp_ms(text: &str) -> Option<i64> {
    let plain = text.len() == TIMESTAMP_DIGITS && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// True if a text is five digits, 10000 to 99999.
#[must_use]
pub fn is_nonce(text: &str) -> bool {
    text.len() == NONCE_DIGITS
        && text.bytes().all(|b| b.is_ascii_digit())
        && text.parse().is_ok_and(|number| NONCES.contains(&number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    const API_KEY: &str = "AK0000000000000000000000000000TEST";
    const TIMESTAMP: &str = "1735689600000";
    const NOW_MS: i64 = 1_735_689_600_000;
    const QUERY: &str = "cardId=4591298458535677185";
    const BODY: &str = r#"{"cardId":"4591298458535677185","freeze":true}"#;

    fn headers(sign: &str) -> SignatureHeaders<'_> {
        SignatureHeaders {
            api_key: Some(API_KEY),
            timestamp: Some(TIMESTAMP),
            nonce: Some("12345"),
            sign: Some(sign),
        }
    }

    fn verifies(content: SignedContent<'_>, sign: &str) -> bool {
        let claim = headers(sign).check(NOW_MS, DEFAULT_WINDOW_MS).ok().unwrap();
        content.is_signed_by(SECRET, &claim)
    }

    fn get(query: &str) -> SignedContent<'_> {
        SignedContent { is_get: true, raw_query: Some(query), raw_body: b"" }
    }

    fn post<'a>(query: Option<&'a str>, body: &'a str) -> SignedContent<'a> {
        SignedContent { is_get: false, raw_query: query, raw_body: body.as_bytes() }
    }

    fn signed(payload: &str) -> String {
        sign(SECRET, API_KEY, TIMESTAMP, "12345", payload.as_bytes())
    }

    #[test]
    fn the_published_vectors_hold() {
        let vectors = [
            (QUERY, "91f26e296e5a36cc5dbe81aa76a0c02b9aca568d49a566bdde8776e591db9301"),
            (BODY, "8550d22bfeee2360a6b847015f8174c2a3aa301ba60ae4bc52c0dbf19c51d77c"),
            ("", "d3d536ab1269698a09466fa601dd43cbfdb7d402502a8b28284e6d3b53f46c55"),
        ];
        for (payload, expected) in vectors {
            assert_eq!(signed(payload), expected);
        }
        assert!(verifies(get(QUERY), vectors[0].1));
        assert!(verifies(get(QUERY), &vectors[0].1.to_uppercase()));
        assert!(verifies(post(None, BODY), vectors[1].1));
        assert!(verifies(get(""), vectors[2].1));
        assert!(verifies(post(None, ""), vectors[2].1));
        let webhook = br#"{"webhookId":"wh_1","webhookType":"CARD"}"#;
        let expected = "48928b0fba517623e8d9d58fb17b29ae5643a862906089a66130f15ecdfbf9ac";
        assert_eq!(webhook_signature(SECRET, webhook), expected);
        assert!(webhook_signature_matches(SECRET, webhook, expected));
        assert!(!webhook_signature_matches(SECRET, b"{}", expected));
    }

    #[test]
    fn a_wrong_or_missing_signature_never_matches() {
        let good = signed(QUERY);
        for bad in ["", "zz", &good[..62], &format!("{good}00"), &signed("other")] {
            assert!(!verifies(get(QUERY), bad), "{bad}");
        }
        let claim = headers(&good).check(NOW_MS, DEFAULT_WINDOW_MS).ok().unwrap();
        assert!(!get(QUERY).is_signed_by("another secret", &claim));
    }

    #[test]
    fn the_java_connector_signs_the_decoded_query() {
        let sign = signed("cardOrderRef=a b+c=é");
        assert!(verifies(get("cardOrderRef=a+b%2Bc%3D%C3%A9"), &sign));
        for not_as_java_writes in [
            "cardOrderRef=a%20b%2Bc%3D%C3%A9",
            "cardOrderRef=a+b%2bc%3D%C3%A9",
            "cardOrderRef=a+b%2Bc=%C3%A9",
        ] {
            assert!(!verifies(get(not_as_java_writes), &sign), "{not_as_java_writes}");
        }
    }

    #[test]
    fn an_ambiguous_query_verifies_only_as_sent() {
        for (raw, decoded) in [
            ("a=1%26b%3D2", "a=1&b=2"),
            ("a%26b=1", "a&b=1"),
            ("a%3Db=1", "a=b=1"),
            ("a=+&a=2", "a= &a=2"),
        ] {
            assert!(!verifies(get(raw), &signed(decoded)), "{raw}");
            assert!(verifies(get(raw), &signed(raw)), "{raw}");
        }
    }

    #[test]
    fn a_get_with_a_body_is_refused() {
        let content = SignedContent { is_get: true, raw_query: Some(QUERY), raw_body: b"{}" };
        assert!(content.is_get_with_body());
        assert!(!verifies(content, &signed(QUERY)));
    }

    #[test]
    fn query_and_body_together_need_a_query_and_a_whole_object() {
        assert!(verifies(post(Some("a=1"), BODY), &signed(&format!("a=1{BODY}"))));
        assert!(verifies(post(Some("a=1"), BODY), &signed(BODY)));
        assert!(!verifies(post(Some("a=1"), ""), &signed("a=1")));
        assert!(!verifies(post(Some("a=1"), "[1]"), &signed("a=1[1]")));
        assert!(!verifies(post(Some("a={"), "}"), &signed("a={}")));
        assert!(!verifies(post(Some("a="), "{}{}"), &signed("a={}{}")));
        assert!(!verifies(post(Some("a"), " {}"), &signed("a {}")));
    }

    #[test]
    fn header_checks_come_in_the_published_order() {
        let code = |change: fn(&mut SignatureHeaders<'_>), now_ms: i64| {
            let mut headers = SignatureHeaders { sign: None, ..headers("") };
            change(&mut headers);
            headers.check(now_ms, DEFAULT_WINDOW_MS).err()
        };
        let late = NOW_MS + 5_001;
        assert_eq!(code(|_| (), NOW_MS), None);
        assert_eq!(code(|h| *h = SignatureHeaders::default(), late), Some(ErrorCode::ApiKeyEmpty));
        assert_eq!(code(|h| h.api_key = Some(" "), late), Some(ErrorCode::ApiKeyEmpty));
        assert_eq!(code(|h| h.timestamp = None, late), Some(ErrorCode::TimestampEmpty));
        for bad in ["173568960000", "17356896000000", "173568960000a", "+735689600000"] {
            let headers = SignatureHeaders { timestamp: Some(bad), ..headers("") };
            let code = headers.check(late, DEFAULT_WINDOW_MS).err();
            assert_eq!(code, Some(ErrorCode::TimestampFormatError), "{bad}");
        }
        assert_eq!(code(|h| h.nonce = None, late), Some(ErrorCode::TimestampExpired));
        for bad in [None, Some(""), Some("9999"), Some("09999"), Some("100000"), Some("1234a")] {
            let headers = SignatureHeaders { nonce: bad, ..headers("") };
            let code = headers.check(NOW_MS, DEFAULT_WINDOW_MS).err();
            assert_eq!(code, Some(ErrorCode::NonceIllegal), "{bad:?}");
        }
    }

    #[test]
    fn the_window_is_five_seconds_both_ways() {
        for (now_ms, inside) in [
            (NOW_MS - 5_001, false),
            (NOW_MS - 5_000, true),
            (NOW_MS + 5_000, true),
            (NOW_MS + 5_001, false),
            (i64::MIN, false),
        ] {
            assert_eq!(check_window(NOW_MS, now_ms, DEFAULT_WINDOW_MS).is_ok(), inside, "{now_ms}");
        }
    }

    /// Texts from an alphabet in which every character matters to some rule.
    fn nasty() -> impl Strategy<Value = String> {
        prop::collection::vec(
            prop::sample::select(vec!["a", "b", "&", "=", "+", "%", " ", "é", "2"]),
            0..5,
        )
        .prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn no_second_parameter_split_has_the_same_unencoded_text(
            one in prop::collection::vec((nasty(), nasty()), 0..4),
            other in prop::collection::vec((nasty(), nasty()), 0..4),
        ) {
            let (one, other) = (form::encode_pairs(&one), form::encode_pairs(&other));
            let texts = (unencoded_query(&one), unencoded_query(&other));
            if let (Some(text), Some(other_text)) = texts {
                prop_assert_eq!(text == other_text, one == other);
            }
        }

        #[test]
        fn an_unencoded_text_splits_back_into_its_own_pairs(
            pairs in prop::collection::vec((nasty(), nasty()), 1..4)
        ) {
            let raw = form::encode_pairs(&pairs);
            if let Some(text) = unencoded_query(&raw) {
                let split: Vec<_> = text
                    .split('&')
                    .map(|part| part.split_once('=').unwrap())
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect();
                prop_assert_eq!(split, pairs);
            }
        }

        #[test]
        fn query_and_body_have_one_seam(
            tokens in prop::collection::vec(
                prop::sample::select(vec![
                    "{", "}", r#"{"a":1}"#, r#"{"a":"#, "\"{", "}\"", "\"", ":", ",", "a=", r#"\"#,
                ]),
                0..8,
            )
        ) {
            let text = tokens.concat();
            let seams = (1..text.len())
                .filter(|at| query_may_be_signed(&text[..*at], &text.as_bytes()[*at..]))
                .count();
            prop_assert!(seams <= 1, "{}", text);
        }
    }
}
