//! The table of dialect 2.

use std::sync::Arc;

use axum::middleware::{from_fn, from_fn_with_state, map_response_with_state};
use axum::routing::get;
use axum::{Extension, Router};
use described::parts::Described;
use http::StatusCode;
use listener::document::document_route;
use listener::shell::mark_route;
use serde_json::Value;
use wire::vm::VmError;
use wire::vm::error_code::ErrorCodes;
use wire::vm::{account as account_wire, card, flow, product, token as token_wire, transaction};

use super::envelope::{Envelope, layer};
use super::openapi;
use super::operation::{Operation, sealed};
use super::reply::numbered;
use super::token::TokenCalls;
use super::{account, cards, listings, token};
use crate::state::ApiState;

/// The operations inside the envelope. Paths are at the root and case-sensitive.
fn table() -> Vec<Operation> {
    let mut table = account_and_lists();
    table.extend(cards_of_both_kinds());
    table.extend(money_and_limits());
    table
}

fn account_and_lists() -> Vec<Operation> {
    vec![
        sealed(account_wire::BALANCE_PATH, account::balance)
            .about("Reads the account of prepaid cards and the wallet of credit-line cards"),
        sealed(product::PRODUCTS_PATH, account::products)
            .about("Lists every product that the app can open cards of"),
        sealed(transaction::TRANSACTIONS_PATH, listings::transactions)
            .about("Lists transactions, one row for each authorisation, newest first")
            .reads(transaction::TRANSACTION_FIELDS),
        sealed(card::LIST_PATH, listings::cards)
            .about("Lists the app's cards, newest first; deleted ones only when asked by id")
            .reads(card::LIST_FIELDS),
        sealed(flow::FLOW_PATH, cards::flows)
            .about("Lists what moved the balances of cards, newest first")
            .reads(flow::FLOW_FIELDS)
            .refuses(&[VmError::CardId]),
    ]
}

fn cards_of_both_kinds() -> Vec<Operation> {
    vec![
        sealed(card::CREATE_PATH, cards::create)
            .about("Opens a card; a prepaid one is loaded from the account")
            .reads(card::CREATE_FIELDS)
            .refuses(&[
                VmError::ApplicationsRefused,
                VmError::NotSet("address_line_one"),
                VmError::ProductCode,
                VmError::CardBin,
                VmError::Balance,
                VmError::OpenCardLimit,
            ]),
        sealed(card::DETAIL_PATH, cards::detail)
            .about("Reads a card, deleted or not, with its number and CVV")
            .reads(card::CARD_FIELDS)
            .refuses(&[VmError::CardId]),
        sealed(card::FREEZE_PATH, cards::freeze)
            .about("Freezes a card, or lifts that; lifting it twice is no error")
            .reads(card::FREEZE_FIELDS)
            .refuses(&[VmError::CardId, VmError::CardCanceled, VmError::CardStatus]),
        sealed(card::DELETE_PATH, cards::delete)
            .about("Deletes an active card for good; its balance goes back to the account")
            .reads(card::CARD_FIELDS)
            .refuses(&[VmError::CardId, VmError::AbnormalCardStatus]),
    ]
}

fn money_and_limits() -> Vec<Operation> {
    vec![
        sealed(card::RECHARGE_PATH, cards::recharge)
            .about("Loads an active prepaid card from the account")
            .reads(card::RECHARGE_FIELDS)
            .refuses(&[VmError::CardId, VmError::CardStatus, VmError::Balance]),
        sealed(card::REFUND_PATH, cards::refund)
            .about("Takes money of an active prepaid card back to the account")
            .reads(card::REFUND_FIELDS)
            .refuses(&[VmError::CardId, VmError::CardStatus, VmError::Balance]),
        sealed(card::LIMIT_PATH, listings::limits)
            .about("Changes the limits of a credit-line card; those left out stay")
            .reads(card::LIMIT_FIELDS)
            .refuses(&[VmError::CardId, VmError::CardStatus]),
    ]
}

/// The one operation in clear.
fn token_call() -> Operation {
    Operation {
        path: token_wire::TOKEN_PATH,
        handler: get(token::issue)
            // Otherwise a HEAD would make a token that nobody sees.
            .head(async || StatusCode::METHOD_NOT_ALLOWED),
        summary: "Gives a token, beside those that live already",
        reads: token_wire::TOKEN_FIELDS,
        gives: Described::named::<token_wire::AccessToken>(),
        refuses: &[
            VmError::NotSet(token_wire::APP_ID),
            VmError::NotSet(token_wire::APP_SECRET),
            VmError::InvalidApp,
            openapi::ANY_ADDRESS,
            VmError::TooManyRequests,
            VmError::ServerException,
        ],
    }
}

/// The OpenAPI document of dialect 2, with these numbers of refusals.
#[must_use]
pub fn vm_api_document(codes: &ErrorCodes) -> Value {
    openapi::document(token_call(), table(), codes)
}

/// The paths of dialect 2, each with one method.
#[must_use]
pub fn vm_paths() -> Vec<&'static str> {
    table().into_iter().chain([token_call()]).map(|it| it.path).collect()
}

/// All routes of dialect 2, and its document.
pub fn routes(state: Arc<ApiState>) -> Router {
    let envelope = Arc::new(Envelope::new(Arc::clone(&state)));
    let token_call = token_call();
    let token_calls = Extension(Arc::new(TokenCalls::new(&state.limits)));
    table()
        .into_iter()
        .fold(Router::new(), |router, it| router.route(it.path, it.handler))
        .route_layer(from_fn_with_state(envelope, layer))
        .route_layer(from_fn(mark_route))
        .route(token_call.path, token_call.handler.layer(token_calls))
        .route_layer(map_response_with_state(Arc::clone(&state), numbered))
        .route(openapi::DOCUMENT_PATH, document_route(&vm_api_document(&state.settings.vm.codes)))
        .with_state(state)
}
