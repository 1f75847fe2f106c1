//! What the merchant has, and what it can open cards of (vm-api.md sections 6.1 and 6.2).

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use domain::{CardProfile, VmProduct};
use wire::vm::account::AccountBalance;
use wire::vm::amount::Amount;
use wire::vm::product::{Product, Products, network_text};

use super::caller::Caller;
use super::reply::{Answer, Plain};
use crate::state::ApiState;

/// Every product issues numbers without plastic.
const MEDIA: &str = "virtual";

/// `POST /getAccountBalance`.
pub(crate) async fn balance(
    State(state): State<Arc<ApiState>>,
    Extension(caller): Extension<Caller>,
) -> Answer<AccountBalance> {
    let balances = state.store.vm_balances(&caller.app).await?;
    Ok(Plain(AccountBalance {
        balance: Amount::of_minor(balances.balance_minor),
        wallet_balance: Amount::of_minor(balances.wallet_minor),
    }))
}

/// `POST /getProductCode`.
pub(crate) async fn products(
    State(state): State<Arc<ApiState>>,
    Extension(caller): Extension<Caller>,
) -> Answer<Products> {
    let app = &caller.app;
    let mut list = Vec::new();
    for product in state.store.vm_products(app.enterprise_id, app.vm_app_id).await? {
        let profile =
            state.store.find::<CardProfile>((app.enterprise_id, product.profile_id)).await?;
        list.extend(profile.map(|profile| shown(&product, &profile)));
    }
    Ok(Plain(Products { list }))
}

fn shown(product: &VmProduct, profile: &CardProfile) -> Product {
    Product {
        product_code: product.product_code.clone(),
        bin: profile.bin_range.first_prefix(),
        kind: product.funding.as_str().into(),
        network: network_text(&profile.network),
        media: MEDIA.into(),
        issuing_area: product.issuing_area.clone(),
        remaining_open_card_num: product.remaining_cards,
    }
}
