//! Every route of dialect 1.

use std::sync::Arc;

use axum::Router;

use crate::shell::{self, HttpService, Shell};
use crate::state::ApiState;

/// The public listener's service.
#[must_use]
pub fn public_service(state: Arc<ApiState>) -> HttpService {
    let shell = Shell {
        listener: "public",
        rewrite: |_| {},
        internal_error: || http::Response::default(),
    };
    let random = Arc::clone(&state.random);
    shell::wrap(shell, random, Router::new().with_state(state))
}
