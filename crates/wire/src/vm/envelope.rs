//! The two JSON texts around the encrypted object (vm-api.md sections 1 and 4).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::VmError;
use super::error_code::ErrorCodes;
pub use super::error_code::SUCCESS_CODE;
use super::framing;
use super::token::AccessToken;

/// The text of every success.
pub const SUCCESS_TEXT: &str = "ok";
/// Largest request body (vm-api.md section 4.3).
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// The content of a request's body.
#[derive(Debug, PartialEq, Eq)]
pub enum Content {
    /// One of the four forms of "no parameters" that need no key.
    Empty,
    /// Joined blocks, still encrypted.
    Sealed(Vec<u8>),
    /// A `content` that no client makes. It is refused only after the time that decryption takes,
    /// like every other `content` that cannot be read.
    Unreadable,
}

/// Reads a request's body.
///
/// # Errors
/// The body has no `content` and is not an empty form either (vm-api.md section 4.5).
pub fn parse_request(body: &[u8]) -> Result<Content, VmError> {
    const NOT_SET: VmError = VmError::NotSet("content");
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Content::Empty);
    }
    let fields: HashMap<String, &RawValue> = serde_json::from_slice(body).map_err(|_| NOT_SET)?;
    let Some(content) = fields.get("content") else {
        return if fields.is_empty() { Ok(Content::Empty) } else { Err(NOT_SET) };
    };
    let Ok(text) = serde_json::from_str::<String>(content.get()) else {
        return Ok(Content::Unreadable);
    };
    if text.is_empty() {
        return Ok(Content::Empty);
    }
    Ok(framing::from_text(&text).map_or(Content::Unreadable, Content::Sealed))
}

/// True if a body is a request of this dialect by its shape.
#[must_use]
pub fn is_request(body: &[u8]) -> bool {
    let fields = serde_json::from_slice::<HashMap<String, &RawValue>>(body);
    fields.is_ok_and(|fields| fields.contains_key("content"))
}

/// The request of a client: `{"content":"<hex>"}`.
#[must_use]
pub fn request(blocks: &[u8]) -> Vec<u8> {
    format!(r#"{{"content":"{}"}}"#, framing::to_text(blocks)).into_bytes()
}

/// A success whose object was encrypted into `blocks`.
#[must_use]
pub fn success(blocks: &[u8]) -> Vec<u8> {
    let text = framing::to_text(blocks);
    format!(r#"{{"code":{SUCCESS_CODE},"msg":"{SUCCESS_TEXT}","data":"{text}"}}"#).into_bytes()
}

/// A success in clear, which only the token call has.
#[must_use]
pub fn clear_success(data: &AccessToken) -> Vec<u8> {
    #[derive(Serialize)]
    struct Success<'a> {
        code: u32,
        msg: &'a str,
        data: &'a AccessToken,
    }
    serde_json::to_vec(&Success { code: SUCCESS_CODE, msg: SUCCESS_TEXT, data })
        .expect("texts and numbers are always JSON")
}

/// A failure: its number in this table and its text in clear, without data.
#[must_use]
pub fn failure(codes: &ErrorCodes, error: &VmError) -> Vec<u8> {
    #[derive(Serialize)]
    struct Failure {
        code: u32,
        msg: String,
    }
    serde_json::to_vec(&Failure { code: codes.of(error), msg: error.to_string() })
        .expect("a number and a text are always JSON")
}

/// An answer as a client receives it.
#[derive(Debug, Deserialize)]
pub struct Reply {
    /// [`SUCCESS_CODE`] or an error's.
    pub code: i64,
    /// The text.
    #[serde(default)]
    pub msg: String,
    /// Encrypted text, or the token's object.
    pub data: Option<Box<RawValue>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_of_no_parameters_are_empty() {
        for body in ["", " \n", "{}", r#"{"content":""}"#] {
            assert_eq!(parse_request(body.as_bytes()), Ok(Content::Empty), "{body}");
        }
    }

    #[test]
    fn parameters_in_clear_and_forms_are_refused_with_one_text() {
        for body in [r#"{"card_id":"1"}"#, "card_id=1", "[]", "null", "{"] {
            let refused = parse_request(body.as_bytes()).unwrap_err();
            assert_eq!(refused, VmError::NotSet("content"));
            assert_eq!(refused.to_string(), "field content is not set");
        }
    }

    #[test]
    fn what_no_client_makes_is_unreadable() {
        for body in [r#"{"content":1}"#, r#"{"content":null}"#, r#"{"content":"xyz"}"#] {
            assert_eq!(parse_request(body.as_bytes()), Ok(Content::Unreadable), "{body}");
        }
        let body = request(&[1, 2, 3]);
        assert!(is_request(&body) && is_request(br#"{"content":""}"#));
        assert!(!is_request(b"{}") && !is_request(b"content") && !is_request(b""));
        assert_eq!(parse_request(&body), Ok(Content::Sealed(vec![1, 2, 3])));
    }

    #[test]
    fn answers_have_the_published_shape() {
        assert_eq!(success(&[0, 255]), br#"{"code":0,"msg":"ok","data":"4150383d"}"#);
        let least = VmError::AmountTooSmall { least_major: 10 };
        let failed = failure(&ErrorCodes::default(), &least);
        assert_eq!(failed, br#"{"code":400003,"msg":"Amount Is Less Than 10"}"#);
    }
}
