//! The form of a page, as it arrives.

use axum::extract::Request;
use http::header;
use listener::body::read_body;
use wire::cardbridge::form::decode_pairs;
use zeroize::Zeroizing;

const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// The fields of a form, wiped when it goes out of scope: PINs are among them.
pub(super) struct Form(Vec<(String, Zeroizing<String>)>);

impl Form {
    /// Reads the body; None if it is not a form.
    pub(super) async fn read(request: Request) -> Option<Self> {
        let media_type = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case(MEDIA_TYPE) {
            return None;
        }
        let body = read_body(request.into_body()).await.ok()?;
        let pairs = decode_pairs(std::str::from_utf8(&body).ok()?)?;
        Some(Self(pairs.into_iter().map(|(name, value)| (name, Zeroizing::new(value))).collect()))
    }

    /// A field; empty if it is absent. Of two with one name, the first counts.
    pub(super) fn field(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}
