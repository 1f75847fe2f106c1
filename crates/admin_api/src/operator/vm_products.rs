//! The products of which an app of dialect 2 can open cards.

use axum::Json;
use domain::{CardProfile, Currency, ProfileId, VmApp, VmProduct};
use provision::{DEFAULT_ISSUING_AREA, MAX_REMAINING_CARDS};
use store::VmProductError;

use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::fields::Fields;
use crate::problem::Problem;
use crate::request_bodies::NEW_VM_PRODUCT as BODY;
use crate::state::ApiState;
use wire::field;

/// Longest product code.
const MAX_CODE_CHARS: usize = 32;

answer_body! {
    /// A product of an app.
    pub(crate) struct VmProductBody of product: &VmProduct {
        /// What createCard takes.
        product_code: String = product.product_code.clone(),
        profile_id: String = product.profile_id.to_string(),
        /// `save` (prepaid) or `share` (credit line).
        funding: String = product.funding.to_string(),
        /// Where its cards are issued, as shown.
        issuing_area: String = product.issuing_area.clone(),
        /// Number of cards that may still be opened.
        remaining_cards: i64 = product.remaining_cards,
        /// RFC 3339.
        created_at: String = product.created_at.to_string(),
    }
}

answer_body! {
    /// The products of an app.
    pub(crate) struct VmProductsBody of products: &[VmProduct] {
        /// In order of their codes.
        items: Vec<VmProductBody> = products.iter().map(VmProductBody::of).collect(),
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

/// `GET /admin/v1/vm-apps/{appId}/products`.
pub(crate) async fn list(call: Call) -> Answer<VmProductsBody> {
    let app = call.app().await?;
    let products = call.state.store.vm_products(app.enterprise_id, app.vm_app_id).await?;
    Ok(Json(VmProductsBody::of(&products)))
}

/// `POST /admin/v1/vm-apps/{appId}/products`.
pub(crate) async fn put(call: Call) -> Answer<VmProductsBody> {
    let app = call.app().await?;
    let product = product(&call.state, &app, &call.fields()?).await?;
    let put = call.state.store.put_vm_product(product);
    call.once.answer(|products: &Vec<VmProduct>| VmProductsBody::of(products), put).await
}

async fn product(state: &ApiState, app: &VmApp, fields: &Fields<'_>) -> Result<VmProduct, Problem> {
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
        profile_id: profile(state, app, fields, &profile_id).await?,
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
