//! The caller: identified by the token, then checked by address (vm-api.md sections 3 and 5).

use std::net::IpAddr;

use crypto::sha256;
use domain::{Mode, VmApp};
use http::{HeaderMap, header};
use listener::peer::{contains, source_address};
use wire::vm::VmError;

use super::reply::Refusal;
use crate::state::ApiState;

/// Longest token that is looked for.
const MAX_TOKEN_BYTES: usize = 256;

/// An app that showed a token, from an address that it may call from.
#[derive(Clone)]
pub(crate) struct Caller {
    /// The app.
    pub(crate) app: VmApp,
    /// The address that the call comes from.
    pub(crate) address: IpAddr,
}

/// The app behind the header `Authorization`, which carries the bare token.
pub(crate) async fn identify(
    state: &ApiState,
    headers: &HeaderMap,
    peer: IpAddr,
) -> Result<Caller, Refusal> {
    let token = headers.get(header::AUTHORIZATION).map(|it| it.as_bytes()).unwrap_or_default();
    if token.is_empty() || token.len() > MAX_TOKEN_BYTES {
        return Err(VmError::InvalidToken.into());
    }
    let now = state.store.clock().real_now();
    let app = state.store.vm_app_of_token(sha256(token), now).await?;
    let app = app.ok_or(VmError::InvalidToken)?;
    let address = source_address(peer, headers, &state.settings.trusted_proxies);
    require_listed(state.settings.mode, &app, address)?;
    Ok(Caller { app, address })
}

/// An app without a list may be called from anywhere in the sandbox and from nowhere in
/// production.
pub(crate) fn require_listed(mode: Mode, app: &VmApp, address: IpAddr) -> Result<(), VmError> {
    let is_listed = app.ip_whitelist.iter().any(|network| contains(network, address));
    let is_open = app.ip_whitelist.is_empty() && mode == Mode::Sandbox;
    if is_listed || is_open { Ok(()) } else { Err(VmError::Ip(address)) }
}
