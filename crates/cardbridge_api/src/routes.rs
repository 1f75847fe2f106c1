//! Every route of dialect 1.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use domain::ErrorCode::*;
use http::uri::PathAndQuery;
use http::{Request, Uri};
use listener::document::document_route;
use listener::shell::mark_route;
use serde_json::Value;
use wire::cardbridge::query::{CARD_ID, CUSTOMER_ID};
use wire::cardbridge::{
    card as card_wire, customer as customer_wire, enterprise as enterprise_wire,
    guidance as guidance_wire, intent_ticket as intent_ticket_wire, kyc as kyc_wire, order,
    otp as otp_wire, path, replacement as replacement_wire, secure_card as secure_card_wire,
    settlement as settlement_wire, simulation as simulation_wire, three_ds as three_ds_wire,
    upload as upload_wire, velocity,
};

use super::guard::{Guard, guard};
use super::operation::{Route, get, post};
use super::reply::Failure;
use super::{
    card, card_order, card_redirect, customer, enterprise, intent_ticket, kyc, openapi,
    secret_extract, secure_card, send_otp, settlement, simulation, three_ds, upload,
};
use crate::state::ApiState;
use crate::{pages, uploads};

/// The answer if a handler panicked.
#[must_use]
pub fn internal_error() -> Response {
    Failure::internal().into_response()
}

/// The whole table of dialect 1.
fn table() -> Vec<Route> {
    let parts = [
        orders_and_cards(),
        deposits_and_purchases(),
        customers(),
        kyc_tickets(),
        intent_tickets(),
        secure_data(),
        plastic(),
    ];
    parts.into_iter().flatten().collect()
}

fn orders_and_cards() -> Vec<Route> {
    vec![
        post(order::APPLY_VIRTUAL_PATH, 10, card_order::apply_virtual)
            .about("Applies for a virtual card")
            .refuses(&[
                CardOrderRefAlreadyExists,
                CardOrderProfileNotFound,
                CardProfileNotSupportingCountryCodes,
                CustomerEmailOrPhoneRequired,
                PhoneInvalid,
                EmailInvalid,
                EmailAlreadyExists,
                PhoneAlreadyExists,
                CustomerRefNotUnique,
                CustomerNotFound,
                OperationNotSupport,
            ]),
        get(order::DETAIL_PATH, 1, card_order::detail)
            .about("Reads a card order by id, reference or both")
            .asks(&order::WANTED_ORDER)
            .refuses(&[CardOrderNotFound]),
        get(card_wire::DETAIL_PATH, 1, card::detail)
            .about("Reads a card")
            .asks(&[CARD_ID])
            .refuses(&[CardNotFound]),
        get(card_wire::LIST_PATH, 5, card::list)
            .about("Lists a customer's cards")
            .asks(&[CUSTOMER_ID])
            .refuses(&[CustomerNotFound]),
        get(velocity::VELOCITY_LIMITS_PATH, 1, card::velocity_limits)
            .about("Reads a card's limits and what is used of them")
            .asks(&[CARD_ID])
            .refuses(&[CardNotFound]),
        post(card_wire::FREEZE_PATH, 10, card::freeze)
            .about("Freezes a card, or lifts that")
            .refuses(&[CardNotFound, CardStatusNotActivated, CardStatusNotFrozen]),
        post(card_wire::TERMINATE_PATH, 10, card::terminate)
            .about("Ends a card for good")
            .refuses(&[CardNotFound, OperationNotSupport]),
        post(guidance_wire::GUIDANCE_LINK_PATH, 1, card_redirect::guidance_link)
            .about("Makes a one-time link to a hosted page")
            .refuses(&[
                GuidanceLinkTypeInvalid,
                GuidanceLinkPreVerifiedInvalid,
                CustomerNotFound,
                CardNotFound,
                CardTypeNotPhysical,
                CardStatusNotActivated,
                OperationNotSupport,
            ]),
    ]
}

fn deposits_and_purchases() -> Vec<Route> {
    vec![
        get(enterprise_wire::BALANCE_PATH, 1, enterprise::balance)
            .about("Reads the balance of the deposit in one currency")
            .asks(&[enterprise_wire::CURRENCY]),
        get(settlement_wire::FILE_URL_PATH, 1, settlement::file_url)
            .about("Gives a link, open for 15 minutes, to a reconciliation file")
            .asks(settlement_wire::FILE_QUERY.fields),
        post(three_ds_wire::AUTHENTICATE_PATH, 5, three_ds::authenticate)
            .about("Gives the verdict on a 3DS challenge")
            .refuses(&[OperationNotSupport]),
        post(simulation_wire::FUND_AUTH_PATH, 10, simulation::fund_auth)
            .about("Simulates a purchase, in the sandbox only")
            .refuses(&[CardNotFound, OperationNotSupport]),
    ]
}

fn secure_data() -> Vec<Route> {
    vec![
        post(secure_card_wire::RETRIEVE_PATH, 20, secure_card::retrieve)
            .about("Reads a card's number, expiry and CVV2, encrypted")
            .refuses(&[PermissionDenied, CardNotFound, CardStatusNotActivated]),
        post(secure_card_wire::RESET_PIN_PATH, 10, secure_card::reset_pin)
            .about("Sets a new PIN for a holder who has the card before them")
            .refuses(&[
                CardNotFound,
                CardTypeNotPhysical,
                CardStatusNotActivated,
                CardPinMustBeFourDigitNumber,
            ]),
    ]
}

fn plastic() -> Vec<Route> {
    vec![
        post(replacement_wire::VIRTUAL_TO_PHYSICAL_PATH, 10, card_order::virtual_to_physical)
            .about("Orders a physical twin of a virtual card")
            .refuses(&[
                CardOrderRefAlreadyExists,
                OriginalCardNotFound,
                CardTypeNotVirtual,
                OriginalCardStatusNotActivated,
                CardProfileNotFound,
                CardLayoutNotFound,
                CardProfileNotSupportingCountryCodes,
                ExistNotFailedReplaceCardOrder,
            ]),
        post(replacement_wire::REPLACE_PATH, 10, card_order::replace)
            .about("Orders a card with a new number in place of an old one")
            .refuses(&[
                CardOrderRefAlreadyExists,
                OriginalCardNotFound,
                OriginalCardStatusNotActivated,
                ExistNotFailedReplaceCardOrder,
            ]),
        post(replacement_wire::PHYSICAL_ACTIVE_PATH, 10, card::activate_physical)
            .about("Activates an embossed physical card")
            .refuses(&[
                CardNotFound,
                CardTypeNotPhysical,
                CardStatusNotWaitingActive,
                CardNotEmbossedError,
                CardActivationFailed,
            ]),
        get(replacement_wire::SHIPPING_INFO_PATH, 1, card::shipping_info)
            .about("Reads how a physical card travels")
            .asks(&[CARD_ID])
            .refuses(&[CardNotFound, CardTypeNotPhysical]),
    ]
}

fn customers() -> Vec<Route> {
    let create = |path| {
        post(path, 5, customer::create).about("Makes a customer").refuses(&[
            CustomerEmailOrPhoneRequired,
            PhoneInvalid,
            EmailInvalid,
            EmailAlreadyExists,
            PhoneAlreadyExists,
            CustomerRefNotUnique,
        ])
    };
    vec![
        create(customer_wire::CREATE_CUSTOMER_PATH),
        create(customer_wire::CREATE_PATH),
        get(customer_wire::DETAIL_PATH, 1, customer::detail)
            .about("Reads a customer by id, reference or both")
            .asks(&customer_wire::WANTED_CUSTOMER)
            .refuses(&[CustomerNotFound]),
        post(otp_wire::SEND_OTP_PATH, 5, send_otp::send_otp)
            .about("Sends a one-time password that the enterprise chose")
            .refuses(&[EmailInvalid, PhoneInvalid, OperationNotSupport]),
    ]
}

fn intent_tickets() -> Vec<Route> {
    vec![
        post(upload_wire::GENERATE_PRE_UPLOAD_URL_PATH, 1, upload::generate_pre_upload_url)
            .about("Gives addresses that take documents by PUT for an hour")
            .refuses(&[UploadBusinessTypeError]),
        post(intent_ticket_wire::CREATE_PATH, 5, intent_ticket::create)
            .about("Hands evidence in for a card order that waits for it, or for higher limits")
            .refuses(&[
                TicketRefRepeated,
                CardOrderIdIncorrectError,
                CardIdIncorrectError,
                RequestRejectionError,
                ExistOngoingTicketError,
            ]),
        get(intent_ticket_wire::DETAIL_PATH, 1, intent_ticket::detail)
            .about("Reads an intent ticket by id, reference or both")
            .asks(&intent_ticket_wire::WANTED_TICKET),
    ]
}

fn kyc_tickets() -> Vec<Route> {
    let apply = |path| {
        post(path, 5, kyc::apply)
            .about("Asks for the identity checks of a customer, with the customer's data")
            .refuses(&[
                TicketRefRepeated,
                CustomerNotFound,
                ExistOngoingTicketError,
                CardOrderKycInfoInvalid,
            ])
    };
    vec![
        apply(kyc_wire::APPLY_KYC_PATH),
        apply(kyc_wire::APPLY_PATH),
        post(kyc_wire::APPLY_KYC_H5_PATH, 5, kyc::apply_h5)
            .about("Asks for the identity checks of a customer, who fills a hosted page")
            .refuses(&[TicketRefRepeated, CustomerNotFound, ExistOngoingTicketError]),
        get(kyc_wire::TICKET_DETAIL_PATH, 1, kyc::ticket_detail)
            .about("Reads a KYC ticket by id, reference or both")
            .asks(&kyc_wire::WANTED_TICKET),
        get(kyc_wire::KYC_DETAIL_PATH, 1, kyc::detail)
            .about("Reads the KYC state of a customer")
            .asks(&[CUSTOMER_ID])
            .refuses(&[CustomerNotFound]),
    ]
}

/// The OpenAPI document of dialect 1.
#[must_use]
pub fn open_api_document() -> Value {
    openapi::document(table())
}

/// The paths of dialect 1, each with one method.
#[must_use]
pub fn public_paths() -> Vec<&'static str> {
    table().into_iter().map(|route| route.path).collect()
}

/// All routes of dialect 1 and of the hosted pages, and the document.
pub fn routes(state: Arc<ApiState>) -> Router {
    let guarded = from_fn_with_state(Arc::new(Guard::new(Arc::clone(&state), &table())), guard);
    let routes = table()
        .into_iter()
        .fold(Router::new(), |router, route| router.route(route.path, route.handler));
    routes
        .route_layer(guarded)
        .route_layer(from_fn(mark_route))
        // After the guard, so that none of these needs a signature.
        .route(openapi::DOCUMENT_PATH, document_route(&open_api_document()))
        .merge(pages::routes())
        .merge(secret_extract::routes(Arc::clone(&state)))
        .merge(settlement::routes())
        .merge(uploads::routes())
        .with_state(state)
}

/// Merges repeated slashes and drops a stray leading brace, before routing. An upload's path stays
/// as it is: its address was signed as given out.
pub fn normalise_path(request: &mut Request<Body>) {
    if request.uri().path().starts_with(files::UPLOAD_PATH_PREFIX) {
        return;
    }
    let normal = path::normalise(request.uri().path());
    if *normal == *request.uri().path() {
        return;
    }
    let target = match request.uri().query() {
        Some(query) => format!("{normal}?{query}"),
        None => normal.into_owned(),
    };
    // The rest of a valid target is valid; otherwise it would be an unknown path.
    if let Ok(path_and_query) = target.parse::<PathAndQuery>() {
        *request.uri_mut() = Uri::from(path_and_query);
    }
}
