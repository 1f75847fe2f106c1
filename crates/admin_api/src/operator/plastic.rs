//! Physical cards in the hands of embosser and carrier (operator-and-sandbox.md section 3).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header;
use store::{Plastic, Tracking};
use wire::cardbridge::replacement::PhysicalInfo;

use super::cards::CardBody;
use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::problem::Problem;
use crate::request_bodies::SHIPMENT;
use wire::field;

answer_body! {
    /// The plastic of a physical card.
    pub(crate) struct PlasticBody of plastic: &Plastic, delivery: Option<PhysicalInfo> {
        card_id: String = plastic.card_id.to_string(),
        card_layout_code: String = plastic.card_layout_code.clone(),
        /// Whether the enterprise asked for news of its shipment.
        need_shipping_info: bool = plastic.need_shipping_info,
        embossed_at: Option<String> = plastic.embossed_at.map(|at| at.to_string()),
        shipped_at: Option<String> = plastic.shipped_at.map(|at| at.to_string()),
        tracking_number: Option<String> = plastic.tracking.as_ref().map(|it| it.number.clone()),
        tracking_company_name: Option<String> =
            plastic.tracking.as_ref().map(|it| it.company_name.clone()),
        /// What stands on it and where it goes; null once it is shipped.
        delivery: Option<PhysicalInfo> = delivery,
    }
}

/// `GET /admin/v1/cards/{id}/plastic`.
pub(crate) async fn read(call: Call) -> Result<Response, Problem> {
    let card_id = call.card_id().await?.to_string();
    let (plastic, delivery) = call.state.cards.plastic(&card_id).await?;
    let body = Json(PlasticBody::of(&plastic, delivery));
    Ok(([(header::CACHE_CONTROL, "no-store")], body).into_response())
}

/// `POST /admin/v1/cards/{id}/emboss`.
pub(crate) async fn emboss(call: Call) -> Answer<CardBody> {
    call.fields()?;
    let card_id = call.card_id().await?.to_string();
    call.once.answer(CardBody::of, call.state.cards.emboss(&card_id)).await
}

/// `POST /admin/v1/cards/{id}/ship`.
pub(crate) async fn ship(call: Call) -> Answer<CardBody> {
    let fields = call.fields()?;
    let tracking = Tracking {
        number: fields.required_text(field!(SHIPMENT, "trackingNumber"))?,
        company_name: fields.required_text(field!(SHIPMENT, "trackingCompanyName"))?,
    };
    let card_id = call.card_id().await?.to_string();
    call.once.answer(CardBody::of, call.state.cards.ship(&card_id, tracking)).await
}
