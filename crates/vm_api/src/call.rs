//! One call inside the envelope, as its handler gets it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use listener::once::Once;
use wire::vm::VmError;
use wire::vm::parameters::Parameters;

use super::caller::Caller;
use super::reply::Refusal;
use crate::state::ApiState;

/// A call that the envelope let through.
pub(crate) struct Call {
    /// The parts of the platform that handlers reach.
    pub(crate) state: Arc<ApiState>,
    /// The caller.
    pub(crate) caller: Caller,
    /// The content of the envelope.
    pub(crate) parameters: Arc<Parameters>,
    /// The call's `Idempotency-Key`, if it has one.
    pub(crate) once: Once,
}

impl FromRequestParts<Arc<ApiState>> for Call {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ApiState>) -> Result<Self, Refusal> {
        let Ok(once) = Once::from_request_parts(parts, state).await;
        let extensions = &parts.extensions;
        let (Some(caller), Some(parameters)) = (extensions.get(), extensions.get()) else {
            tracing::error!("a call without its envelope");
            return Err(VmError::ServerException.into());
        };
        let (caller, parameters) = (Caller::clone(caller), Arc::clone(parameters));
        Ok(Self { state: Arc::clone(state), caller, parameters, once })
    }
}
