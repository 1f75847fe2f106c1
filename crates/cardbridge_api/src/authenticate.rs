//! The signer of a request: the checks of cardbridge-open-api.md section 3.5, in their order.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use crypto::sha256;
use domain::{Enterprise, EnterpriseId, ErrorCode, Mode, Timestamp};
use http::HeaderMap;
use listener::peer::{contains, source_address};
use store::ServedRequest;
use vault::SecretText;
use wire::cardbridge::signature::{
    API_KEY_HEADER, Claim, NONCE_HEADER, SIGN_HEADER, SignatureHeaders, SignedContent,
    TIMESTAMP_HEADER,
};

use super::reply::Failure;
use super::signers::Signer;
use crate::state::ApiState;

/// A request as it came in.
#[derive(Clone)]
pub(crate) struct IncomingRequest<'a> {
    pub(crate) is_get: bool,
    pub(crate) raw_query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) peer: IpAddr,
}

/// A request whose signature is right.
#[derive(Clone)]
pub(crate) struct Signed {
    /// The enterprise that signed it.
    pub(crate) enterprise_id: EnterpriseId,
    /// The key it was signed with.
    pub(crate) api_key: String,
    /// The secret it was signed with, which also opens its encrypted fields.
    pub(crate) secret: Arc<SecretText>,
    /// The text behind the `?`.
    pub(crate) raw_query: Option<String>,
    /// The exact body.
    pub(crate) body: Bytes,
}

/// Runs the checks.
pub(crate) async fn authenticate(
    state: &ApiState,
    incoming: IncomingRequest<'_>,
) -> Result<Signed, Failure> {
    let [api_key, timestamp, nonce, sign] =
        [API_KEY_HEADER, TIMESTAMP_HEADER, NONCE_HEADER, SIGN_HEADER]
            .map(|name| text(incoming.headers, name));
    let headers = SignatureHeaders {
        api_key: api_key.as_deref(),
        timestamp: timestamp.as_deref(),
        nonce: nonce.as_deref(),
        sign: sign.as_deref(),
    };
    let now = state.store.clock().real_now();
    let claim = headers.check(now.as_millis(), state.settings.signature_window_ms)?;
    let signed_at = Timestamp::default().plus_millis(claim.timestamp_ms);
    if state.store.may_have_forgotten(signed_at) {
        return Err(ErrorCode::TimestampExpired.into());
    }
    let content = SignedContent {
        is_get: incoming.is_get,
        raw_query: incoming.raw_query,
        raw_body: &incoming.body,
    };
    let request = SignedRequest { incoming: &incoming, content, claim, signed_at };
    let (enterprise_id, secret) = request.verify(state).await?;
    Ok(Signed {
        enterprise_id,
        api_key: claim.api_key.to_owned(),
        secret,
        raw_query: incoming.raw_query.map(str::to_owned),
        body: incoming.body.clone(),
    })
}

/// A request with what it claims about its signer.
struct SignedRequest<'a> {
    incoming: &'a IncomingRequest<'a>,
    content: SignedContent<'a>,
    claim: Claim<'a>,
    signed_at: Timestamp,
}

impl SignedRequest<'_> {
    /// Verifies it. A signer that is known is first tried as it was: if it fits, one round trip to
    /// the store remembers the request and reads the signer as it is now, by which it is judged.
    async fn verify(&self, state: &ApiState) -> Result<(EnterpriseId, Arc<SecretText>), Failure> {
        let (api_key, served) = (self.claim.api_key, self.served(state));
        // The embedded store is asked without a round trip.
        let is_far = !state.store.is_embedded();
        let known = if is_far { state.signers.find(api_key) } else { None };
        let (signer, is_new) = match known.filter(|known| self.check(state, known).is_ok()) {
            Some(_) => {
                let (is_new, found) = state.store.remember_signed(served, api_key).await?;
                // Kept again if it is served: a refused one must not go on leaving rows.
                state.signers.forget(api_key);
                (Signer::of(found)?, Some(is_new))
            }
            None => (Signer::of(state.store.api_key_and_owner(api_key).await?)?, None),
        };
        let secret = self.check(state, &signer)?;
        let is_new = match is_new {
            Some(is_new) => is_new,
            None => state.store.remember_request(served).await?,
        };
        if !is_new {
            return Err(ErrorCode::NonceIllegal.into());
        }
        let enterprise_id = signer.enterprise.enterprise_id;
        if is_far {
            state.signers.keep(signer);
        }
        Ok((enterprise_id, secret))
    }

    /// The checks of what is known of the signer; returns the secret that signed.
    fn check(&self, state: &ApiState, signer: &Signer) -> Result<Arc<SecretText>, Failure> {
        let key = &signer.key;
        if key.sealed_secret.is_empty() {
            return Err(ErrorCode::SecretKeyEmpty.into());
        }
        let secret = state.vault.api_secret(key).map_err(|error| {
            let enterprise_id = key.enterprise_id;
            tracing::error!(%enterprise_id, %error, "an API secret cannot be opened");
            ErrorCode::CalculateSignatureError
        })?;
        if self.content.is_get_with_body() {
            return Err(Failure::illegal("a GET carries no body"));
        }
        if !self.content.is_signed_by(secret.expose(), &self.claim) {
            return Err(ErrorCode::SignatureError.into());
        }
        check_source(state, &signer.enterprise, self.incoming)?;
        Ok(secret)
    }

    /// The path is not part of the digest, since it is not signed: a captured request must not work
    /// on another route either.
    fn served(&self, state: &ApiState) -> ServedRequest {
        let claim = &self.claim;
        let sign = claim.sign.to_ascii_lowercase();
        let key = [claim.api_key, claim.timestamp, claim.nonce, &sign].join("\n");
        let window_ms = state.settings.signature_window_ms;
        ServedRequest {
            digest: sha256(key.as_bytes()),
            signed_at: self.signed_at,
            // The window includes its last moment.
            window_ends: self.signed_at.plus_millis(window_ms.saturating_add(1)),
        }
    }
}

/// The text of a header. Bytes that are not a text become a replacement character, which no valid
/// value has: the header is ill-formed, not missing.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
}

fn check_source(
    state: &ApiState,
    enterprise: &Enterprise,
    incoming: &IncomingRequest<'_>,
) -> Result<(), Failure> {
    let trusted = &state.settings.trusted_proxies;
    let source = source_address(incoming.peer, incoming.headers, trusted);
    let allowed = if enterprise.ip_allowlist.is_empty() {
        state.settings.mode == Mode::Sandbox
    } else {
        enterprise.ip_allowlist.iter().any(|network| contains(network, source))
    };
    if allowed { Ok(()) } else { Err(ErrorCode::PermissionDenied.into()) }
}
