//! What an app of dialect 2 can open cards of.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use bytes::Bytes;
use domain::{CardProfile, Currency, ProfileId, VmApp, VmProduct};
use listener::once::Once;
use provision::{DEFAULT_ISSUING_AREA, MAX_REMAINING_CARDS};
use serde::Serialize;
use store::VmProductError;
use utoipa::ToSchema;

use super::PathText;
use super::vm_apps::app_of;
use crate::fields::Fields;
use crate::problem::Problem;
use crate::request_bodies::NEW_VM_PRODUCT as BODY;
use crate::state::ApiState;
use wire::field;

/// Longest product code.
const MAX_CODE_CHARS: usize = 32;

/// A product of an app.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VmProductBody {
    /// What createCard takes.
    product_code: String,
    profile_id: String,
    /// `save` (prepaid) or `share` (credit line).
    funding: String,
    /// Where its cards are issued, as shown.
    issuing_area: String,
    /// How many more cards may be opened.
    remaining_cards: i64,
    /// RFC 3339.
    created_at: String,
}

/// The products of an app.
#[derive(Serialize, ToSchema)]
pub(crate) struct VmProductsBody {
    /// In order of their codes.
    items: Vec<VmProductBody>,
}

impl VmProductsBody {
    async fn read(state: &ApiState, app: &VmApp) -> Result<Self, Problem> {
        let products = state.store.vm_products(app.enterprise_id, app.vm_app_id).await?;
        Ok(Self::of(products))
    }

    fn of(products: Vec<VmProduct>) -> Self {
        Self { items: products.into_iter().map(VmProductBody::from).collect() }
    }
}

impl From<VmProduct> for VmProductBody {
    fn from(product: VmProduct) -> Self {
        Self {
            product_code: product.product_code,
            profile_id: product.profile_id.to_string(),
            funding: product.funding.to_string(),
            issuing_area: product.issuing_area,
            remaining_cards: product.remaining_cards,
            created_at: product.created_at.to_string(),
        }
    }
}

impl From<VmProductError> for Problem {
    fn from(error: VmProductError) -> Self {
        match error {
            VmProductError::Taken => Self::conflict("product_code_taken", error.to_string()),
            VmProductError::TooMany => Self::conflict("too_many_products", error.to_string()),
            VmProductError::Store(error) => error.into(),
        }
    }
}

/// All products of an app.
#[utoipa::path(get, path = "/admin/v1/vm-apps/{appId}/products", operation_id = "list_vm_products",
    tag = "vm-apps",
    params(("appId" = String, Path)), responses((status = 200, body = VmProductsBody)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    app_id: PathText,
) -> Result<Json<VmProductsBody>, Problem> {
    let app = app_of(&state, &app_id).await?;
    VmProductsBody::read(&state, &app).await.map(Json)
}

/// Opens a product to an app, or sets the area and what is left of one that it has.
#[utoipa::path(post, path = "/admin/v1/vm-apps/{appId}/products", operation_id = "put_vm_product",
    tag = "vm-apps",
    params(("appId" = String, Path)), request_body = ref("NewVmProduct"),
    responses((status = 200, body = VmProductsBody)))]
pub(crate) async fn put(
    State(state): State<Arc<ApiState>>,
    app_id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Json<VmProductsBody>, Problem> {
    let app = app_of(&state, &app_id).await?;
    let product = product(&state, &app, &body).await?;
    let put = state.store.put_vm_product(product);
    once.answer(|products: &Vec<VmProduct>| VmProductsBody::of(products.clone()), put).await
}

async fn product(state: &ApiState, app: &VmApp, body: &[u8]) -> Result<VmProduct, Problem> {
    let fields = Fields::parse_as(&BODY, body)?;
    let product_code =
        fields.required_parsed(field!(BODY, "productCode"), "is not a product code", |text| {
            let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            (text.len() <= MAX_CODE_CHARS && text.bytes().all(is_plain)).then(|| text.to_owned())
        })?;
    let profile_id = fields.required_text(field!(BODY, "profileId"))?;
    let funding = field!(BODY, "funding");
    let funding = fields.required(funding, fields.value(funding, "must be save or share")?)?;
    let issuing_area = fields.text(field!(BODY, "issuingArea"))?;
    let remaining_cards = fields.whole(field!(BODY, "remainingCards"))?;
    Ok(VmProduct {
        enterprise_id: app.enterprise_id,
        vm_app_id: app.vm_app_id,
        product_code,
        profile_id: profile(state, app, &fields, &profile_id).await?,
        funding,
        issuing_area: issuing_area.unwrap_or_else(|| DEFAULT_ISSUING_AREA.to_owned()),
        remaining_cards: i64::from(remaining_cards.unwrap_or(MAX_REMAINING_CARDS)),
        created_at: state.store.clock().now(),
    })
}

/// The profile's id, if it is one of the app's enterprise in the currency of dialect 2.
async fn profile(
    state: &ApiState,
    app: &VmApp,
    fields: &Fields<'_>,
    text: &str,
) -> Result<ProfileId, Problem> {
    let profile_id: ProfileId = text.parse().map_err(|_| Problem::not_found("card profile"))?;
    let profile = state.store.find::<CardProfile>((app.enterprise_id, profile_id)).await?;
    let profile = profile.ok_or_else(|| Problem::not_found("card profile"))?;
    if profile.currency != Currency::USD {
        return Err(fields.wrong(field!(BODY, "profileId"), "must be a profile in 840"));
    }
    Ok(profile_id)
}
