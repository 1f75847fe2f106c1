//! The table of dialect 2.

use std::sync::Arc;

use axum::middleware::{from_fn_with_state, map_response_with_state};
use axum::routing::{get, post};
use axum::{Extension, Router};
use wire::vm::{account as account_wire, card, flow, product, token as token_wire, transaction};

use super::envelope::{Envelope, layer};
use super::reply::numbered;
use super::token::TokenCalls;
use super::{account, cards, listings, token};
use crate::state::ApiState;

/// All routes of dialect 2. Paths are at the root and case-sensitive.
pub(crate) fn routes(state: &Arc<ApiState>) -> Router<Arc<ApiState>> {
    let envelope = Arc::new(Envelope::new(Arc::clone(state)));
    Router::new()
        .route(account_wire::BALANCE_PATH, post(account::balance))
        .route(product::PRODUCTS_PATH, post(account::products))
        .route(card::CREATE_PATH, post(cards::create))
        .route(card::DETAIL_PATH, post(cards::detail))
        .route(card::FREEZE_PATH, post(cards::freeze))
        .route(card::RECHARGE_PATH, post(cards::recharge))
        .route(card::REFUND_PATH, post(cards::refund))
        .route(card::DELETE_PATH, post(cards::delete))
        .route(flow::FLOW_PATH, post(cards::flows))
        .route(card::LIMIT_PATH, post(listings::limits))
        .route(card::LIST_PATH, post(listings::cards))
        .route(transaction::TRANSACTIONS_PATH, post(listings::transactions))
        .route_layer(from_fn_with_state(envelope, layer))
        .route(
            token_wire::TOKEN_PATH,
            get(token::issue).layer(Extension(Arc::new(TokenCalls::default()))),
        )
        .route_layer(map_response_with_state(Arc::clone(state), numbered))
}
