//! The table of dialect 2.

use std::sync::Arc;

use axum::middleware::{from_fn, from_fn_with_state, map_response_with_state};
use axum::routing::{get, post};
use axum::{Extension, Router};
use described::parts::Described;
use http::StatusCode;
use listener::document::document_route;
use listener::shell::mark_route;
use serde_json::Value;
use wire::field::Table;
use wire::vm::VmError;
use wire::vm::error_code::ErrorCodes;
use wire::vm::{account as account_wire, card, flow, product, token as token_wire, transaction};

use super::envelope::{Envelope, layer};
use super::openapi;
use super::operation::Operation;
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
        Operation {
            path: account_wire::BALANCE_PATH,
            handler: post(account::balance),
            summary: "Reads the account of prepaid cards and the wallet of credit-line cards",
            reads: Table::EMPTY,
            gives: Described::named::<account_wire::AccountBalance>(),
            refuses: &[],
        },
        Operation {
            path: product::PRODUCTS_PATH,
            handler: post(account::products),
            summary: "Lists every product that the app can open cards of",
            reads: Table::EMPTY,
            gives: Described::named::<product::Products>(),
            refuses: &[],
        },
        Operation {
            path: transaction::TRANSACTIONS_PATH,
            handler: post(listings::transactions),
            summary: "Lists transactions, one row for each authorisation, newest first",
            reads: transaction::TRANSACTION_FIELDS,
            gives: Described::named::<transaction::Transactions>(),
            refuses: &[],
        },
        Operation {
            path: card::LIST_PATH,
            handler: post(listings::cards),
            summary: "Lists the app's cards, newest first; deleted ones only when asked by id",
            reads: card::LIST_FIELDS,
            gives: Described::named::<card::CardList>(),
            refuses: &[],
        },
        Operation {
            path: flow::FLOW_PATH,
            handler: post(cards::flows),
            summary: "Lists what moved the balances of cards, newest first",
            reads: flow::FLOW_FIELDS,
            gives: Described::named::<flow::Flows>(),
            refuses: &[VmError::CardId],
        },
    ]
}

fn cards_of_both_kinds() -> Vec<Operation> {
    vec![
        Operation {
            path: card::CREATE_PATH,
            handler: post(cards::create),
            summary: "Opens a card; a prepaid one is loaded from the account",
            reads: card::CREATE_FIELDS,
            gives: Described::named::<card::CardIdBody>(),
            refuses: &[
                VmError::ApplicationsRefused,
                VmError::NotSet("address_line_one"),
                VmError::ProductCode,
                VmError::CardBin,
                VmError::Balance,
                VmError::OpenCardLimit,
            ],
        },
        Operation {
            path: card::DETAIL_PATH,
            handler: post(cards::detail),
            summary: "Reads a card, deleted or not, with its number and CVV",
            reads: card::CARD_FIELDS,
            gives: Described::named::<card::CardDetail>(),
            refuses: &[VmError::CardId],
        },
        Operation {
            path: card::FREEZE_PATH,
            handler: post(cards::freeze),
            summary: "Freezes a card, or lifts that; lifting it twice is no error",
            reads: card::FREEZE_FIELDS,
            gives: Described::named::<card::CardStatusBody>(),
            refuses: &[VmError::CardId, VmError::CardCanceled, VmError::CardStatus],
        },
        Operation {
            path: card::DELETE_PATH,
            handler: post(cards::delete),
            summary: "Deletes an active card for good; its balance goes back to the account",
            reads: card::CARD_FIELDS,
            gives: Described::named::<card::CardIdBody>(),
            refuses: &[VmError::CardId, VmError::AbnormalCardStatus],
        },
    ]
}

fn money_and_limits() -> Vec<Operation> {
    vec![
        Operation {
            path: card::RECHARGE_PATH,
            handler: post(cards::recharge),
            summary: "Loads an active prepaid card from the account",
            reads: card::RECHARGE_FIELDS,
            gives: Described::named::<card::Moved>(),
            refuses: &[VmError::CardId, VmError::CardStatus, VmError::Balance],
        },
        Operation {
            path: card::REFUND_PATH,
            handler: post(cards::refund),
            summary: "Takes money of an active prepaid card back to the account",
            reads: card::REFUND_FIELDS,
            gives: Described::named::<card::Moved>(),
            refuses: &[VmError::CardId, VmError::CardStatus, VmError::Balance],
        },
        Operation {
            path: card::LIMIT_PATH,
            handler: post(listings::limits),
            summary: "Changes the limits of a credit-line card; those left out stay",
            reads: card::LIMIT_FIELDS,
            gives: Described::named::<listings::Done>(),
            refuses: &[VmError::CardId, VmError::CardStatus],
        },
    ]
}

/// The one operation in clear.
fn token_call() -> Operation {
    Operation {
        path: token_wire::TOKEN_PATH,
        handler: get(token::issue)
            .layer(Extension(Arc::new(TokenCalls::default())))
            // Else a HEAD would make a token that nobody sees.
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
    table()
        .into_iter()
        .fold(Router::new(), |router, it| router.route(it.path, it.handler))
        .route_layer(from_fn_with_state(envelope, layer))
        .route_layer(from_fn(mark_route))
        .route(token_call.path, token_call.handler)
        .route_layer(map_response_with_state(Arc::clone(&state), numbered))
        .route(openapi::DOCUMENT_PATH, document_route(&vm_api_document(&state.settings.vm.codes)))
        .with_state(state)
}
