//! The table of dialect 2.

use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Extension, Router};
use wire::vm::{account as account_wire, product, token as token_wire};

use super::envelope::{Envelope, layer};
use super::token::TokenFailures;
use super::{account, token};
use crate::state::ApiState;

/// All routes of dialect 2. Paths are at the root and case-sensitive.
pub(crate) fn routes(state: &Arc<ApiState>) -> Router<Arc<ApiState>> {
    let envelope = Arc::new(Envelope::new(Arc::clone(state)));
    Router::new()
        .route(account_wire::BALANCE_PATH, post(account::balance))
        .route(product::PRODUCTS_PATH, post(account::products))
        .route_layer(from_fn_with_state(envelope, layer))
        .route(
            token_wire::TOKEN_PATH,
            get(token::issue).layer(Extension(Arc::new(TokenFailures::default()))),
        )
}
