//! Every route of dialect 1.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use domain::ErrorCode::*;
use http::uri::PathAndQuery;
use http::{Request, Uri};
use listener::document::document_route;
use listener::shell::mark_route;
use serde_json::Value;
use wire::cardbridge::applicant::CustomerInfo;
use wire::cardbridge::{
    card as card_wire, customer as customer_wire, enterprise as enterprise_wire,
    guidance as guidance_wire, intent_ticket as intent_ticket_wire, kyc as kyc_wire, order,
    otp as otp_wire, path, replacement as replacement_wire, secure_card as secure_card_wire,
    settlement as settlement_wire, simulation as simulation_wire, three_ds as three_ds_wire,
    upload as upload_wire, velocity,
};

use super::guard::{Guard, guard};
use super::operation::{Route, optional, required, route};
use super::reply::Failure;
use super::{
    card, card_order, card_redirect, customer, enterprise, intent_ticket, kyc, openapi,
    secret_extract, secure_card, send_otp, settlement, simulation, three_ds, upload,
};
use crate::state::ApiState;
use crate::{pages, uploads};

/// What answers where a handler broke off.
#[must_use]
pub fn internal_error() -> Response {
    Failure::internal().into_response()
}

/// The whole table of dialect 1.
fn table() -> Vec<Route> {
    let mut table = orders_and_cards();
    table.extend(deposits_and_purchases());
    table.extend(customers());
    table.extend(kyc_tickets());
    table.extend(intent_tickets());
    table.extend(secure_data());
    table.extend(documents());
    table.extend(plastic());
    table
}

fn orders_and_cards() -> Vec<Route> {
    vec![
        route(order::APPLY_VIRTUAL_PATH, 10, post(card_order::apply_virtual))
            .about("Applies for a virtual card")
            .takes::<order::ApplyVirtual>()
            .gives::<order::CardOrderBody>()
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
        route(order::DETAIL_PATH, 1, get(card_order::detail))
            .about("Reads a card order by id, reference or both")
            .asks([
                optional("cardOrderId", "The order"),
                optional("cardOrderRef", "The caller's own reference"),
            ])
            .gives::<order::CardOrderBody>()
            .refuses(&[CardOrderNotFound]),
        route(card_wire::DETAIL_PATH, 1, get(card::detail))
            .about("Reads a card")
            .asks([required("cardId", "The card")])
            .gives::<card_wire::CardBody>()
            .refuses(&[CardNotFound]),
        route(card_wire::LIST_PATH, 5, get(card::list))
            .about("Lists a customer's cards")
            .asks([required("customerId", "The customer")])
            .gives_list::<card_wire::CardBody>()
            .refuses(&[CustomerNotFound]),
        route(velocity::VELOCITY_LIMITS_PATH, 1, get(card::velocity_limits))
            .about("Reads a card's limits and what is used of them")
            .asks([required("cardId", "The card")])
            .gives::<velocity::VelocityLimitsBody>()
            .refuses(&[CardNotFound]),
        route(card_wire::FREEZE_PATH, 10, post(card::freeze))
            .about("Freezes a card, or lifts that")
            .takes::<card_wire::Freeze>()
            .gives::<card_wire::CardBody>()
            .refuses(&[CardNotFound, CardStatusNotActivated, CardStatusNotFrozen]),
        route(card_wire::TERMINATE_PATH, 10, post(card::terminate))
            .about("Ends a card for good")
            .takes::<card_wire::Terminate>()
            .gives::<card_wire::CardBody>()
            .refuses(&[CardNotFound, OperationNotSupport]),
        route(guidance_wire::GUIDANCE_LINK_PATH, 1, post(card_redirect::guidance_link))
            .about("Makes a one-time link to a hosted page")
            .takes::<guidance_wire::GuidanceRequest>()
            .also_reads(&["preVerified", "ua"])
            .gives_plain::<String>()
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
        route(enterprise_wire::BALANCE_PATH, 1, get(enterprise::balance))
            .about("Reads the balance of the deposit in one currency")
            .asks([required("currency", "ISO 4217, three digits or three letters")])
            .gives::<enterprise_wire::BalanceBody>(),
        route(settlement_wire::FILE_URL_PATH, 1, get(settlement::file_url))
            .about("Gives a link, open for 15 minutes, to a reconciliation file")
            .asks([
                required("fileType", "transaction or authorisation"),
                required("fileDate", "The UTC+8 day, yyyyMMdd"),
                optional(
                    "format",
                    "txt (default), or csv for the same rows with a header; there what a merchant \
                     wrote has an apostrophe before it where it begins with =, +, - or @",
                ),
            ])
            .gives_plain::<String>(),
        route(three_ds_wire::AUTHENTICATE_PATH, 5, post(three_ds::authenticate))
            .about("Gives the verdict on a 3DS challenge")
            .takes::<three_ds_wire::Authenticate>()
            .gives::<three_ds_wire::ChallengeBody>()
            .refuses(&[OperationNotSupport]),
        route(simulation_wire::FUND_AUTH_PATH, 10, post(simulation::fund_auth))
            .about("Simulates a purchase, in the sandbox only")
            .takes::<simulation_wire::FundAuth>()
            .gives::<simulation_wire::FundAuthBody>()
            .refuses(&[CardNotFound, OperationNotSupport]),
    ]
}

fn documents() -> Vec<Route> {
    vec![
        route(upload_wire::GENERATE_PRE_UPLOAD_URL_PATH, 1, post(upload::generate_pre_upload_url))
            .about("Gives addresses that take documents by PUT for an hour")
            .takes::<upload_wire::GeneratePreUploadUrl>()
            .gives::<upload_wire::UploadUrlsBody>()
            .refuses(&[UploadBusinessTypeError]),
    ]
}

fn secure_data() -> Vec<Route> {
    vec![
        route(secure_card_wire::RETRIEVE_PATH, 20, post(secure_card::retrieve))
            .about("Reads a card's number, expiry and CVV2, encrypted")
            .takes::<card_wire::CardIdBody>()
            .gives::<secure_card_wire::SecureCardBody>()
            .refuses(&[PermissionDenied, CardNotFound, CardStatusNotActivated]),
        route(secure_card_wire::RESET_PIN_PATH, 10, post(secure_card::reset_pin))
            .about("Sets a new PIN for a holder who has the card before them")
            .takes::<secure_card_wire::ResetPinBody>()
            .gives_plain::<bool>()
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
        route(
            replacement_wire::VIRTUAL_TO_PHYSICAL_PATH,
            10,
            post(card_order::virtual_to_physical),
        )
        .about("Orders a physical twin of a virtual card")
        .takes::<replacement_wire::VirtualToPhysical>()
        .gives::<order::CardOrderBody>()
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
        route(replacement_wire::REPLACE_PATH, 10, post(card_order::replace))
            .about("Orders a card with a new number in place of an old one")
            .takes::<replacement_wire::Replace>()
            .gives::<order::CardOrderBody>()
            .refuses(&[
                CardOrderRefAlreadyExists,
                OriginalCardNotFound,
                OriginalCardStatusNotActivated,
                ExistNotFailedReplaceCardOrder,
            ]),
        route(replacement_wire::PHYSICAL_ACTIVE_PATH, 10, post(card::activate_physical))
            .about("Activates an embossed physical card")
            .takes::<card_wire::CardIdBody>()
            .gives::<card_wire::CardBody>()
            .refuses(&[
                CardNotFound,
                CardTypeNotPhysical,
                CardStatusNotWaitingActive,
                CardNotEmbossedError,
                CardActivationFailed,
            ]),
        route(replacement_wire::SHIPPING_INFO_PATH, 1, get(card::shipping_info))
            .about("Reads how a physical card travels")
            .asks([required("cardId", "The card")])
            .gives::<replacement_wire::ShippingInfoBody>()
            .refuses(&[CardNotFound, CardTypeNotPhysical]),
    ]
}

fn customers() -> Vec<Route> {
    let create = |path| {
        route(path, 5, post(customer::create))
            .about("Makes a customer")
            .takes::<CustomerInfo>()
            .gives::<customer_wire::CustomerBody>()
            .refuses(&[
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
        route(customer_wire::DETAIL_PATH, 1, get(customer::detail))
            .about("Reads a customer by id, reference or both")
            .asks([
                optional("customerId", "The customer"),
                optional("customerRef", "The enterprise's own reference"),
            ])
            .gives::<customer_wire::CustomerBody>()
            .refuses(&[CustomerNotFound]),
        route(otp_wire::SEND_OTP_PATH, 5, post(send_otp::send_otp))
            .about("Sends a one-time password that the enterprise chose")
            .takes::<otp_wire::SendOtp>()
            .gives::<otp_wire::OtpDeliveryBody>()
            .refuses(&[EmailInvalid, PhoneInvalid, OperationNotSupport]),
    ]
}

fn intent_tickets() -> Vec<Route> {
    vec![
        route(intent_ticket_wire::CREATE_PATH, 5, post(intent_ticket::create))
            .about("Hands evidence in for a card order that waits for it, or for higher limits")
            .takes::<intent_ticket_wire::CreateIntentTicket>()
            .gives::<intent_ticket_wire::IntentTicketBody>()
            .refuses(&[
                TicketRefRepeated,
                CardOrderIdIncorrectError,
                CardIdIncorrectError,
                RequestRejectionError,
                ExistOngoingTicketError,
            ]),
        route(intent_ticket_wire::DETAIL_PATH, 1, get(intent_ticket::detail))
            .about("Reads an intent ticket by id, reference or both")
            .asks([
                optional("ticketId", "The ticket"),
                optional("ticketRef", "The caller's own reference"),
            ])
            .gives::<intent_ticket_wire::IntentTicketBody>(),
    ]
}

fn kyc_tickets() -> Vec<Route> {
    let apply = |path| {
        route(path, 5, post(kyc::apply))
            .about("Asks for the identity checks of a customer, with the customer's data")
            .takes::<kyc_wire::ApplyKyc>()
            .gives::<kyc_wire::KycTicketBody>()
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
        route(kyc_wire::APPLY_KYC_H5_PATH, 5, post(kyc::apply_h5))
            .about("Asks for the identity checks of a customer, who fills a hosted page")
            .takes::<kyc_wire::ApplyKycH5>()
            .gives::<kyc_wire::KycTicketBody>()
            .refuses(&[TicketRefRepeated, CustomerNotFound, ExistOngoingTicketError]),
        route(kyc_wire::TICKET_DETAIL_PATH, 1, get(kyc::ticket_detail))
            .about("Reads a KYC ticket by id, reference or both")
            .asks([
                optional("kycTicketId", "The ticket"),
                optional("kycTicketRef", "The caller's own reference"),
            ])
            .gives::<kyc_wire::KycTicketBody>(),
        route(kyc_wire::KYC_DETAIL_PATH, 1, get(kyc::detail))
            .about("Reads the KYC state of a customer")
            .asks([required("customerId", "The customer")])
            .gives::<kyc_wire::KycBody>()
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

/// Repeated slashes and a stray leading brace, before routing. An upload's address was signed as
/// it was given out.
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
    // What is left of a valid target is valid; were it not, it would be an unknown path.
    if let Ok(path_and_query) = target.parse::<PathAndQuery>() {
        *request.uri_mut() = Uri::from(path_and_query);
    }
}
