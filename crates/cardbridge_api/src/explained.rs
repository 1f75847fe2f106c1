//! Why a signature was refused, for callers of the sandbox: the text that was signed here, the
//! signature that came, and the difference of the clocks. Neither the secret nor the right
//! signature is shown, and production says nothing beyond the code.

use crypto::sha256;
use domain::{ErrorCode, Mode};
use http::HeaderMap;
use wire::cardbridge::signature::{
    API_KEY_HEADER, NONCE_HEADER, SIGN_HEADER, TIMESTAMP_HEADER, is_nonce,
};

use super::authenticate::IncomingRequest;
use super::reply::Failure;
use crate::state::ApiState;

/// Most characters shown of the signed text, and of a header.
const MAX_SHOWN_CHARS: usize = 1_024;
const MAX_HEADER_CHARS: usize = 128;

/// The refusal of a request, in the sandbox with its explanation.
pub(crate) fn explained(
    state: &ApiState,
    incoming: &IncomingRequest<'_>,
    failure: Failure,
) -> Failure {
    if state.settings.mode != Mode::Sandbox {
        return failure;
    }
    let headers = incoming.headers;
    let skew = skew(headers, state.store.clock().real_now().as_millis());
    let window_ms = state.settings.signature_window_ms;
    let detail = match failure.code() {
        ErrorCode::SignatureError => unsigned(incoming, skew),
        ErrorCode::TimestampExpired => match skew {
            Some(skew) if skew.0.unsigned_abs() > window_ms.unsigned_abs() => {
                format!("{}; at most {window_ms} ms are taken, either way", skew.text())
            }
            _ => "the request is older than what this server remembers: sign it anew".to_owned(),
        },
        ErrorCode::NonceIllegal => nonce(headers),
        _ => return failure,
    };
    failure.or_detail(detail)
}

/// Milliseconds from the request's time to the server's.
#[derive(Clone, Copy)]
struct Skew(i64);

impl Skew {
    fn text(self) -> String {
        let side = if self.0 < 0 { "ahead of" } else { "behind" };
        format!("{TIMESTAMP_HEADER} is {} ms {side} the server's clock", self.0.unsigned_abs())
    }
}

fn skew(headers: &HeaderMap, now_ms: i64) -> Option<Skew> {
    let timestamp_ms: i64 = headers.get(TIMESTAMP_HEADER)?.to_str().ok()?.parse().ok()?;
    now_ms.checked_sub(timestamp_ms).map(Skew)
}

fn unsigned(incoming: &IncomingRequest<'_>, skew: Option<Skew>) -> String {
    let header =
        |name| shown(incoming.headers.get(name).map_or(b"", |it| it.as_bytes()), MAX_HEADER_CHARS);
    let (part, payload) = if incoming.is_get {
        ("the raw query", incoming.raw_query.unwrap_or_default().as_bytes())
    } else {
        ("the raw body", incoming.body.as_ref())
    };
    let head = [API_KEY_HEADER, TIMESTAMP_HEADER, NONCE_HEADER].map(header).concat();
    let signed = [head.as_bytes(), payload].concat();
    let skew = skew.map_or_else(String::new, |skew| format!("; {}", skew.text()));
    format!(
        "signed here, as key, timestamp, nonce and {part}: \"{}\" ({} bytes, SHA-256 {}); \
         {SIGN_HEADER} was \"{}\"{skew}; it should be the HMAC-SHA256 of that with the secretKey \
         as text (not decoded), in hexadecimal digits",
        shown(&signed, MAX_SHOWN_CHARS),
        signed.len(),
        hex::encode(sha256(&signed)),
        header(SIGN_HEADER),
    )
}

fn nonce(headers: &HeaderMap) -> String {
    let text = headers.get(NONCE_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if is_nonce(text) {
        "this very request was served before: sign each with another time or nonce".to_owned()
    } else {
        format!("{NONCE_HEADER} must be five digits, 10000 to 99999")
    }
}

/// The beginning of a caller's own text.
fn shown(bytes: &[u8], max_chars: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut shown: String = text.chars().take(max_chars).collect();
    if shown.len() < text.len() {
        shown.push('\u{2026}');
    }
    shown
}
