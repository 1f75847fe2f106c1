//! Delivery of API keys (cardbridge-open-api.md section 4).

use domain::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::envelope;

/// Path of the extraction; the code follows.
pub const EXTRACT_PATH_PREFIX: &str = "/internal/open-api/v1/secret-extract/";

const HOW_TO_USE: &str = "Append extractSecretKey to extractUrl and call that address with GET \
    from the registered machine. The reply holds apiKey and secretKey.";
const NOTES: &str = "The link works once. If the call fails although you made none before, the \
    keys may have leaked: ask for a new link.";

/// The content of an extraction mail.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtractionNotice<'a> {
    expire_time: String,
    extract_secret_key: &'a str,
    extract_url: &'a str,
    how_to_use: &'static str,
    notes: &'static str,
}

/// The text of an extraction mail: an envelope whose data is the notice. `public_url` has
/// no trailing slash.
#[must_use]
pub fn extraction_mail_text(
    public_url: &str,
    code: &str,
    expires_at: Timestamp,
) -> Zeroizing<String> {
    let notice = ExtractionNotice {
        expire_time: expires_at.to_zoned_text(),
        extract_secret_key: code,
        extract_url: &extract_url(public_url),
        how_to_use: HOW_TO_USE,
        notes: NOTES,
    };
    Zeroizing::new(envelope::success_text(notice))
}

/// The address from which keys are fetched: the code is appended.
#[must_use]
pub fn extract_url(public_url: &str) -> String {
    format!("{public_url}{EXTRACT_PATH_PREFIX}")
}

/// The keys, as the extraction answers them once (cardbridge-open-api.md section 14, U2).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeysBody<'a> {
    /// Goes into `X-DAPI-API-KEY`.
    pub api_key: &'a str,
    /// Signs requests.
    pub secret_key: &'a str,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_mail_is_the_envelope_of_the_guide() {
        let expires_at = Timestamp::parse_rfc3339("2024-10-21T08:52:00Z").unwrap();
        let text = extraction_mail_text("https://cards.example", &"0a".repeat(16), expires_at);
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&json["code"], &json["success"]), (&"SYS_SUCCESS".into(), &true.into()));
        let data = &json["data"];
        assert_eq!(data["expireTime"], "2024-10-21T16:52+08:00[Asia/Shanghai]");
        assert_eq!(data["extractSecretKey"], "0a".repeat(16));
        let url = "https://cards.example/internal/open-api/v1/secret-extract/";
        assert_eq!(data["extractUrl"], url);
        assert!(data["howToUse"].is_string() && data["notes"].is_string());
    }
}
