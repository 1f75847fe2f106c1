//! The envelope around every reply (cardbridge-open-api.md section 2).

use domain::ErrorCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The code of every success.
pub const SUCCESS_CODE: &str = "SYS_SUCCESS";

/// All five keys are always sent, in the order of the published example.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a, T> {
    code: &'a str,
    message: Option<&'a str>,
    message_detail: Option<&'a str>,
    data: Option<T>,
    success: bool,
}

impl<T> Envelope<'_, T> {
    const fn of(data: T) -> Self {
        let (message, message_detail) = (None, None);
        Self { code: SUCCESS_CODE, message, message_detail, data: Some(data), success: true }
    }
}

/// The bytes of a success that carries `data`. Data that cannot be written as JSON
/// becomes a system error: a reply is never empty, which clients would read as success.
#[must_use]
pub fn success<T: Serialize>(data: T) -> Vec<u8> {
    serde_json::to_vec(&Envelope::of(data))
        .unwrap_or_else(|_| failure(ErrorCode::SystemError, None))
}

/// The text of a success for people, on several lines.
#[must_use]
pub fn success_text<T: Serialize>(data: T) -> String {
    serde_json::to_string_pretty(&Envelope::of(data)).unwrap_or_default()
}

/// The bytes of a failure. `detail` is free diagnostic text that the caller sees.
#[must_use]
pub fn failure(code: ErrorCode, detail: Option<&str>) -> Vec<u8> {
    let envelope = Envelope::<()> {
        code: code.as_str(),
        message: Some(code.message()),
        message_detail: detail,
        data: None,
        success: false,
    };
    serde_json::to_vec(&envelope).expect("texts and a boolean are always JSON")
}

/// An envelope as a client receives it; absent keys count as null.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// [`SUCCESS_CODE`] or an error code.
    pub code: String,
    /// Short text of the error.
    pub message: Option<String>,
    /// Diagnostic text.
    pub message_detail: Option<String>,
    /// The payload's JSON, unread.
    pub data: Option<Box<RawValue>>,
    /// True if it is a success.
    #[serde(default)]
    pub success: bool,
}

impl Reply {
    /// True if both flag and code say that it is a success.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.success && self.code == SUCCESS_CODE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_success_has_all_five_keys() {
        assert_eq!(
            text(success(["a"])),
            r#"{"code":"SYS_SUCCESS","message":null,"messageDetail":null,"data":["a"],"success":true}"#
        );
    }

    #[test]
    fn a_failure_has_all_five_keys() {
        assert_eq!(
            text(failure(ErrorCode::CardNotFound, None)),
            r#"{"code":"DAPI_CARD_NOT_FOUND","message":"card not found","messageDetail":null,"data":null,"success":false}"#
        );
        assert_eq!(
            text(failure(ErrorCode::SysIllegalParam, Some("cardId is missing"))),
            r#"{"code":"DAPI_SYS_ILLEGAL_PARAM","message":"System illegal param","messageDetail":"cardId is missing","data":null,"success":false}"#
        );
    }

    #[test]
    fn data_that_is_no_json_becomes_a_system_error() {
        let unwritable = std::collections::HashMap::from([(vec![1_u8], 1)]);
        assert!(text(success(unwritable)).starts_with(r#"{"code":"DAPI_SYSTEM_ERROR""#));
    }

    #[test]
    fn a_reply_needs_flag_and_code() {
        let reply = |json: &str| serde_json::from_str::<Reply>(json).unwrap().is_success();
        assert!(reply(r#"{"code":"SYS_SUCCESS","success":true}"#));
        assert!(!reply(r#"{"code":"SYS_SUCCESS"}"#));
        assert!(!reply(r#"{"code":"DAPI_SYSTEM_ERROR","success":true}"#));
    }
}
