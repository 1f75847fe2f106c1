//! The GET that opens a page and ends its link.

use axum::extract::Request;
use axum::response::Response;
use crypto::sha256;
use domain::{GuidanceLink, PageStep};
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use store::OpenedPage;
use wire::cardbridge::query::Query;
use wire::field::Field;
use zeroize::Zeroizing;

use super::failure::PageFailure;
use super::frame::Frame;
use super::place::Place;
use super::{otp, step};
use crate::state::ApiState;

/// The parameter with the link's secret.
const SECRET: Field = Field::text("secret", "");
/// Headers by which browsers say that they fetch ahead of their user.
const PREFETCH_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("sec-purpose"),
    HeaderName::from_static("purpose"),
    HeaderName::from_static("x-moz"),
];

/// Opens the page that the secret names. HEAD and prefetch use up nothing.
pub(super) async fn open(state: &ApiState, place: Place, request: Request) -> Response {
    let bare = Frame::bare(place);
    if request.method() == Method::HEAD {
        return bare.empty(StatusCode::OK);
    }
    if is_prefetch(request.headers()) {
        // A refusal is not cached, so the browser asks again when its user comes.
        return bare.empty(StatusCode::SERVICE_UNAVAILABLE);
    }
    let secret = Query::parse(request.uri().query()).and_then(|query| query.required(SECRET));
    let Ok(secret) = secret else { return bare.failure(PageFailure::Secret) };
    let secret_hash = sha256(Zeroizing::new(secret).as_bytes());
    let link = match state.store.find::<GuidanceLink>(secret_hash).await {
        Ok(Some(link)) if Place::of(&link) == place => link,
        Ok(_) => return bare.failure(PageFailure::Secret),
        Err(error) => {
            tracing::error!(%error, "a guidance link could not be read");
            return bare.failure(PageFailure::System);
        }
    };
    let frame = match step::frame(state, &link).await {
        Ok(frame) => frame,
        Err(failure) => return bare.failure(failure),
    };
    let opened = open_link(state, &frame, &link, request.headers()).await;
    opened.unwrap_or_else(|failure| frame.failure(failure))
}

async fn open_link(
    state: &ApiState,
    frame: &Frame,
    link: &GuidanceLink,
    headers: &HeaderMap,
) -> Result<Response, PageFailure> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if !link.admits(text(header::USER_AGENT), text(header::REFERER)) {
        return Err(PageFailure::UserAgent);
    }
    let now = state.store.clock().now();
    if !link.is_open_at(now) {
        return Err(PageFailure::Secret);
    }
    let challenge = match link.is_otp_required {
        true => Some(otp::Challenge::new(state, link).await?),
        false => None,
    };
    let token = state.vault.new_token();
    let page = OpenedPage {
        step: if challenge.is_some() { PageStep::Otp } else { PageStep::Form },
        token_hash: sha256(token.expose().as_bytes()),
        password: challenge.as_ref().map(|challenge| challenge.kept(state, link)),
        opened_at: now,
        expires_at: now.plus_seconds(GuidanceLink::LIFETIME_SECONDS),
    };
    state.store.open_guidance_link(link.secret_hash, page).await?;
    match challenge {
        Some(challenge) => challenge.send(state, frame, link, &token).await,
        None => step::begin(state, frame, link, &token).await,
    }
}

fn is_prefetch(headers: &HeaderMap) -> bool {
    let is_ahead = |value: &http::HeaderValue| {
        let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
        text.split([';', ',', ' ']).any(|word| matches!(word, "prefetch" | "prerender" | "preview"))
    };
    PREFETCH_HEADERS.iter().any(|name| headers.get_all(name).iter().any(is_ahead))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefetch_is_recognised_in_all_spellings() {
        let judged = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            is_prefetch(&headers)
        };
        assert!(judged("sec-purpose", "prefetch"));
        assert!(judged("sec-purpose", "prefetch;prerender"));
        assert!(judged("sec-purpose", "prefetch; anonymous-client-ip"));
        assert!(judged("purpose", "Prefetch"));
        assert!(judged("x-moz", "prefetch"));
        assert!(!judged("sec-purpose", "partitioned-popin"));
        assert!(!judged("purpose", ""));
        assert!(!is_prefetch(&HeaderMap::new()));
    }
}
