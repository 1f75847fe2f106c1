//! Physical cards in the hands of embosser and carrier (operator-and-sandbox.md section 3).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::Card;
use http::{HeaderValue, header};
use listener::once::Once;
use serde::Serialize;
use store::{Plastic, Tracking};
use utoipa::ToSchema;
use wire::cardbridge::replacement::PhysicalInfo;

use super::PathText;
use super::cards::CardBody;
use crate::card_reference::card_id;
use crate::fields::{Fields, NoBody};
use crate::problem::Problem;
use crate::request_bodies::SHIPMENT;
use crate::state::ApiState;
use wire::field;

/// The plastic of a physical card.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlasticBody {
    card_id: String,
    card_layout_code: String,
    /// Whether the enterprise asked to be told how it travels.
    need_shipping_info: bool,
    embossed_at: Option<String>,
    shipped_at: Option<String>,
    tracking_number: Option<String>,
    tracking_company_name: Option<String>,
    /// What stands on it and where it goes; null once it is shipped.
    delivery: Option<PhysicalInfo>,
}

impl PlasticBody {
    fn of(plastic: Plastic, delivery: Option<PhysicalInfo>) -> Self {
        let (tracking_number, tracking_company_name) =
            plastic.tracking.map(|tracking| (tracking.number, tracking.company_name)).unzip();
        Self {
            card_id: plastic.card_id.to_string(),
            card_layout_code: plastic.card_layout_code,
            need_shipping_info: plastic.need_shipping_info,
            embossed_at: plastic.embossed_at.map(|at| at.to_string()),
            shipped_at: plastic.shipped_at.map(|at| at.to_string()),
            tracking_number,
            tracking_company_name,
            delivery,
        }
    }
}

/// What the embosser needs to know. Personal data: not to be kept on the way.
#[utoipa::path(get, path = "/admin/v1/cards/{id}/plastic", operation_id = "read_plastic",
    tag = "cards",
    params(("id" = String, Path)), responses((status = 200, body = PlasticBody)))]
pub(crate) async fn read(
    State(state): State<Arc<ApiState>>,
    id: PathText,
) -> Result<Response, Problem> {
    let card_id = card_id(&state, &id.0).await?.to_string();
    let (plastic, delivery) = state.cards.plastic(&card_id).await?;
    let mut response = Json(PlasticBody::of(plastic, delivery)).into_response();
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    Ok(response)
}

/// The card is embossed; only then can it be activated.
#[utoipa::path(post, path = "/admin/v1/cards/{id}/emboss", tag = "cards",
    params(("id" = String, Path)), request_body = ref("NoFields"),
    responses((status = 200, body = CardBody)))]
pub(crate) async fn emboss(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    _: NoBody,
) -> Result<Json<CardBody>, Problem> {
    let card_id = card_id(&state, &id.0).await?.to_string();
    once.answer(|card: &Card| CardBody::from(card), state.cards.emboss(&card_id)).await
}

/// The embossed card is on its way; a second time corrects how.
#[utoipa::path(post, path = "/admin/v1/cards/{id}/ship", tag = "cards",
    params(("id" = String, Path)), request_body = ref("Shipment"),
    responses((status = 200, body = CardBody)))]
pub(crate) async fn ship(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Json<CardBody>, Problem> {
    let fields = Fields::parse_as(&SHIPMENT, &body)?;
    let tracking = Tracking {
        number: fields.required_text(field!(SHIPMENT, "trackingNumber"))?,
        company_name: fields.required_text(field!(SHIPMENT, "trackingCompanyName"))?,
    };
    let card_id = card_id(&state, &id.0).await?.to_string();
    once.answer(|card: &Card| CardBody::from(card), state.cards.ship(&card_id, tracking)).await
}
