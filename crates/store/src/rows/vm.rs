//! The columns of dialect 2's apps, products and cards.

use domain::{
    CardId, EnterpriseId, ProfileId, SealedUrl, VmApp, VmAppId, VmCard, VmFee, VmFees, VmFlow,
    VmFlowId, VmLimits, VmProduct,
};

use super::{Fields, lines};
use crate::StoreError;
use crate::engine::{Row, Value};

/// The columns of an app.
pub(crate) const VM_APP_COLUMNS: &str = "enterprise_id, vm_app_id, app_id, secret_digest, \
    merchant_public_key, sealed_webhook_url, signs_webhooks, ip_whitelist, created_at, \
    opening_fee_minor, authorisation_fee_basis_points, authorisation_fee_least_minor, \
    decline_fee_basis_points, decline_fee_least_minor, cross_border_fee_basis_points, \
    cross_border_fee_least_minor";

/// The columns of an app's fees, the last of [`VM_APP_COLUMNS`].
pub(crate) const VM_FEES_COLUMNS: &str = "opening_fee_minor, authorisation_fee_basis_points, \
    authorisation_fee_least_minor, decline_fee_basis_points, decline_fee_least_minor, \
    cross_border_fee_basis_points, cross_border_fee_least_minor";

/// Reads an app from [`VM_APP_COLUMNS`].
pub(crate) fn vm_app_from(row: &Row) -> Result<VmApp, StoreError> {
    let mut f = Fields::of(row);
    Ok(VmApp {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        vm_app_id: f.id(VmAppId::from_i64)?,
        app_id: f.text()?,
        secret_digest: f
            .bytes()?
            .try_into()
            .map_err(|_| StoreError::Corrupt("vm_app.secret_digest"))?,
        merchant_public_key: f.opt_bytes()?,
        webhook_url: f.opt_bytes()?.map(SealedUrl::from_sealed),
        signs_webhooks: f.flag()?,
        ip_whitelist: f.lines("vm_app.ip_whitelist")?,
        created_at: f.time()?,
        fees: fees(&mut f)?,
    })
}

/// Reads fees from [`VM_FEES_COLUMNS`].
pub(crate) fn vm_fees_from(row: &Row) -> Result<VmFees, StoreError> {
    fees(&mut Fields::of(row))
}

fn fees(f: &mut Fields<'_>) -> Result<VmFees, StoreError> {
    Ok(VmFees {
        opening_minor: f.int()?,
        authorisation: fee(f)?,
        decline: fee(f)?,
        cross_border: fee(f)?,
    })
}

fn fee(f: &mut Fields<'_>) -> Result<VmFee, StoreError> {
    let basis_points = f.int()?;
    let basis_points =
        basis_points.try_into().map_err(|_| StoreError::Corrupt("a fee of vm_app"))?;
    Ok(VmFee { basis_points, least_minor: f.int()? })
}

/// The values of an app for [`VM_APP_COLUMNS`].
pub(crate) fn vm_app_values(app: &VmApp) -> Vec<Value> {
    let mut values = vec![
        app.enterprise_id.into(),
        app.vm_app_id.into(),
        (&app.app_id).into(),
        app.secret_digest.as_slice().into(),
        app.merchant_public_key.clone().into(),
        app.webhook_url.as_ref().map(SealedUrl::as_sealed).into(),
        app.signs_webhooks.into(),
        lines(&app.ip_whitelist),
        app.created_at.into(),
        app.fees.opening_minor.into(),
    ];
    for fee in [app.fees.authorisation, app.fees.decline, app.fees.cross_border] {
        values.extend([i64::from(fee.basis_points).into(), fee.least_minor.into()]);
    }
    values
}

/// The columns of a product.
pub(crate) const VM_PRODUCT_COLUMNS: &str = "enterprise_id, vm_app_id, product_code, \
    profile_id, funding, issuing_area, remaining_cards, created_at";

/// Reads a product from [`VM_PRODUCT_COLUMNS`].
pub(crate) fn vm_product_from(row: &Row) -> Result<VmProduct, StoreError> {
    let mut f = Fields::of(row);
    Ok(VmProduct {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        vm_app_id: f.id(VmAppId::from_i64)?,
        product_code: f.text()?,
        profile_id: f.id(ProfileId::from_i64)?,
        funding: f.parsed("vm_product.funding")?,
        issuing_area: f.text()?,
        remaining_cards: f.int()?,
        created_at: f.time()?,
    })
}

/// The values of a product for [`VM_PRODUCT_COLUMNS`].
pub(crate) fn vm_product_values(product: &VmProduct) -> Vec<Value> {
    vec![
        product.enterprise_id.into(),
        product.vm_app_id.into(),
        (&product.product_code).into(),
        product.profile_id.into(),
        product.funding.as_str().into(),
        (&product.issuing_area).into(),
        product.remaining_cards.into(),
        product.created_at.into(),
    ]
}

/// The columns of what a card of dialect 2 has beside the card.
pub(crate) const VM_CARD_COLUMNS: &str = "enterprise_id, card_id, vm_app_id, card_uuid, \
    product_code, funding, label, sealed_holder, single_minor, day_minor, month_minor, \
    total_minor, created_at";

/// Reads a card's row from [`VM_CARD_COLUMNS`].
pub(crate) fn vm_card_from(row: &Row) -> Result<VmCard, StoreError> {
    let mut f = Fields::of(row);
    Ok(VmCard {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        card_id: f.id(CardId::from_i64)?,
        vm_app_id: f.id(VmAppId::from_i64)?,
        card_uuid: f.text()?,
        product_code: f.text()?,
        funding: f.parsed("vm_card.funding")?,
        label: f.text()?,
        sealed_holder: f.bytes()?,
        limits: VmLimits {
            single_minor: f.int()?,
            day_minor: f.int()?,
            month_minor: f.int()?,
            total_minor: f.int()?,
        },
        created_at: f.time()?,
    })
}

/// The values of a card's row for [`VM_CARD_COLUMNS`].
pub(crate) fn vm_card_values(card: &VmCard) -> Vec<Value> {
    vec![
        card.enterprise_id.into(),
        card.card_id.into(),
        card.vm_app_id.into(),
        (&card.card_uuid).into(),
        (&card.product_code).into(),
        card.funding.as_str().into(),
        (&card.label).into(),
        card.sealed_holder.as_slice().into(),
        card.limits.single_minor.into(),
        card.limits.day_minor.into(),
        card.limits.month_minor.into(),
        card.limits.total_minor.into(),
        card.created_at.into(),
    ]
}

/// The columns of a movement of a card's balance.
pub(crate) const VM_FLOW_COLUMNS: &str = "enterprise_id, flow_id, card_id, kind, amount_minor, \
    balance_minor, remark, created_at";

/// Reads a movement from [`VM_FLOW_COLUMNS`].
pub(crate) fn vm_flow_from(row: &Row) -> Result<VmFlow, StoreError> {
    let mut f = Fields::of(row);
    Ok(VmFlow {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        flow_id: f.id(VmFlowId::from_i64)?,
        card_id: f.id(CardId::from_i64)?,
        kind: f.parsed("vm_flow.kind")?,
        amount_minor: f.int()?,
        balance_minor: f.int()?,
        remark: f.text()?,
        created_at: f.time()?,
    })
}

/// The values of a movement for [`VM_FLOW_COLUMNS`].
pub(crate) fn vm_flow_values(flow: &VmFlow) -> Vec<Value> {
    vec![
        flow.enterprise_id.into(),
        flow.flow_id.into(),
        flow.card_id.into(),
        flow.kind.as_str().into(),
        flow.amount_minor.into(),
        flow.balance_minor.into(),
        (&flow.remark).into(),
        flow.created_at.into(),
    ]
}
