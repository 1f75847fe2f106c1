//! getAccessToken (vm-api.md section 3.1): in clear both ways.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use crypto::sha256;
use domain::VmApp;
use http::HeaderMap;
use listener::limiter::{Limit, LimitName, Limiter, SharedLimits};
use listener::peer::{PeerAddress, network_of, source_address};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;
use wire::cardbridge::query::Query;
use wire::vm::VmError;
use wire::vm::envelope;
use wire::vm::token::{APP_ID, APP_SECRET, AccessToken};

use super::caller::require_listed;
use super::reply::{Refusal, json};
use crate::state::ApiState;

/// Failures of one address within the window (operator-and-sandbox.md section 5, Limits).
const FAILURES: Limit = Limit::Window { weight: 20, window: Duration::from_secs(60) };

/// Tokens that one app may get within the window. Each lives for hours, so this bounds how many
/// an app has; an app that asks for one with every call stays below it.
const TOKENS: Limit = Limit::Window { weight: 600, window: Duration::from_secs(60) };

/// Counts tokens by app, and failures by address.
pub(crate) struct TokenCalls {
    failures: Arc<Limiter>,
    issued: Arc<Limiter>,
}

impl TokenCalls {
    /// Counts among these limits.
    pub(crate) fn new(limits: &SharedLimits) -> Self {
        Self {
            failures: limits.limiter(LimitName::VmTokenFailures, FAILURES),
            issued: limits.limiter(LimitName::VmTokens, TOKENS),
        }
    }
}

/// `GET /getAccessToken`.
pub(crate) async fn issue(
    State(state): State<Arc<ApiState>>,
    Extension(calls): Extension<Arc<TokenCalls>>,
    Extension(PeerAddress(peer)): Extension<PeerAddress>,
    headers: HeaderMap,
    RawQuery(raw_query): RawQuery,
) -> Response {
    let address = source_address(peer, &headers, &state.settings.trusted_proxies);
    let network = network_of(address);
    if !calls.failures.would_grant(&network, Instant::now()) {
        return Refusal(VmError::TooManyRequests).into_response();
    }
    let issued = match authenticate(&state, raw_query.as_deref()).await {
        Ok(app) => match require_listed(state.settings.mode, &app, address) {
            Ok(()) if !calls.issued.admits(&app.vm_app_id, Instant::now()) => {
                Err(VmError::TooManyRequests.into())
            }
            Ok(()) => new_token(&state, &app).await,
            Err(error) => Err(error.into()),
        },
        Err(refusal) => Err(refusal),
    };
    match issued {
        Ok(token) => json(envelope::clear_success(&token)),
        Err(refusal) => {
            let is_failure = matches!(refusal.0, VmError::InvalidApp);
            // Concurrent failures may all have passed the check above.
            if is_failure && !calls.failures.admits(&network, Instant::now()) {
                return Refusal(VmError::TooManyRequests).into_response();
            }
            refusal.into_response()
        }
    }
}

/// The app whose secret was shown. A wrong secret takes the same time whether there is such an
/// app or not: nothing of the app is read before its secret is verified.
async fn authenticate(state: &ApiState, raw_query: Option<&str>) -> Result<VmApp, Refusal> {
    let query = Query::parse(raw_query).map_err(|_| VmError::InvalidApp)?;
    let shown = |name: &'static str| match query.text(name) {
        Ok(Some(text)) => Ok(text),
        Ok(None) => Err(VmError::NotSet(name)),
        Err(_) => Err(VmError::InvalidApp),
    };
    let (app_id, secret) = (shown(APP_ID)?, shown(APP_SECRET)?);
    let expected = state.store.vm_secret_digest(&app_id).await?;
    if !bool::from(sha256(secret.as_bytes()).ct_eq(&expected)) {
        return Err(VmError::InvalidApp.into());
    }
    Ok(state.store.vm_app(&app_id).await?.ok_or(VmError::InvalidApp)?)
}

async fn new_token(state: &ApiState, app: &VmApp) -> Result<AccessToken, Refusal> {
    let token = state.vault.new_token();
    let now = state.store.clock().real_now();
    let expires_at = now.plus_seconds(state.settings.vm.token_lifetime_s);
    state.store.add_vm_token(app, sha256(token.expose().as_bytes()), expires_at, now).await?;
    Ok(AccessToken {
        token: token.expose().to_owned(),
        expired_time: expires_at.as_millis() / 1_000,
    })
}
