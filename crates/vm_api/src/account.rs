//! The merchant's balances, and the products of its cards (vm-api.md sections 6.1 and 6.2).

use domain::{CardProfile, VmProduct};
use wire::vm::account::AccountBalance;
use wire::vm::amount::Amount;
use wire::vm::product::{Product, Products, network_text};

use super::call::Call;
use super::reply::{Answer, Plain};

/// Every product issues numbers without plastic.
const MEDIA: &str = "virtual";

/// `POST /getAccountBalance`.
pub(crate) async fn balance(call: Call) -> Answer<AccountBalance> {
    let balances = call.state.store.vm_balances(&call.caller.app).await?;
    Ok(Plain(AccountBalance {
        balance: Amount::of_minor(balances.balance_minor),
        wallet_balance: Amount::of_minor(balances.wallet_minor),
    }))
}

/// `POST /getProductCode`.
pub(crate) async fn products(call: Call) -> Answer<Products> {
    let app = &call.caller.app;
    let mut list = Vec::new();
    for product in call.state.store.vm_products(app.enterprise_id, app.vm_app_id).await? {
        let profile =
            call.state.store.find::<CardProfile>((app.enterprise_id, product.profile_id)).await?;
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
