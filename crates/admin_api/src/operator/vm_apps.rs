//! Apps of dialect 2: made, read, changed, funded (operator-and-sandbox.md section 3).

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use crypto::RsaPublicKey;
use domain::{Currency, EnterpriseId, Money, UrlUse, VmApp};
use provision::{self, NewVmApp};
use serde::Serialize;
use store::{MovedFunds, VmAppAccount, VmAppPatch, VmBalances};
use utoipa::ToSchema;

use super::balance::{BalanceBody, balance};
use super::enterprise_body::opened_url;
use super::enterprise_patch::{networks, public_key, url};
use super::idempotency::already_done;
use super::reference::reference_of_movement;
use super::vm_fees::{self, VmFeesBody};
use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::fields::required_money;
use crate::paging::Page;
use crate::problem::Problem;
use crate::request_bodies::{VM_APP_CHANGE, VM_FUNDS};
use crate::state::ApiState;
use wire::field;

/// A new app; its secret is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewVmAppBody<'a> {
    app_id: &'a str,
    app_secret: &'a str,
    /// PEM; requests are encrypted with it.
    platform_public_key: String,
}

/// Parts of an app's body that are not in the app's row.
pub(crate) struct Beside {
    platform_public_key: String,
    merchant_public_key: Option<String>,
    webhook_url: Option<String>,
    balances: VmBalances,
}

answer_body! {
    /// An app without its secret.
    pub(crate) struct VmAppBody of app: &VmApp, beside: Beside {
        app_id: String = app.app_id.clone(),
        enterprise_id: String = app.enterprise_id.to_string(),
        /// PEM; requests are encrypted with it.
        platform_public_key: String = beside.platform_public_key,
        /// PEM; answers are encrypted with it.
        merchant_public_key: Option<String> = beside.merchant_public_key,
        /// Where webhooks go; null also if it cannot be opened and must be set again.
        webhook_url: Option<String> = beside.webhook_url,
        /// Whether webhooks carry our own signature header.
        sign_webhooks: bool = app.signs_webhooks,
        /// Networks that may call; empty = any in the sandbox, none in production.
        ip_whitelist: Vec<String> = app.ip_whitelist.iter().map(ToString::to_string).collect(),
        /// What prepaid cards are loaded from, US dollars.
        balance: String = Money::new(beside.balances.balance_minor, Currency::USD).to_major(),
        /// What credit-line cards draw on, US dollars.
        wallet_balance: String = Money::new(beside.balances.wallet_minor, Currency::USD).to_major(),
        /// What the app is charged for.
        fees: VmFeesBody = VmFeesBody::of(&app.fees),
        /// RFC 3339.
        created_at: String = app.created_at.to_string(),
    }
}

impl VmAppBody {
    async fn read(state: &ApiState, app: &VmApp) -> Result<Self, Problem> {
        let platform_public_key = platform_pem(state, app.enterprise_id).await?;
        Self::with_key(state, app, platform_public_key).await
    }

    async fn with_key(
        state: &ApiState,
        app: &VmApp,
        platform_public_key: String,
    ) -> Result<Self, Problem> {
        let balances = state.store.vm_balances(app).await?;
        let of = UrlUse::AppWebhook(app.vm_app_id);
        let beside = Beside {
            platform_public_key,
            merchant_public_key: app.merchant_public_key.as_deref().map(pem).transpose()?,
            webhook_url: opened_url(state, app.enterprise_id, of, app.webhook_url.as_ref()),
            balances,
        };
        Ok(Self::of(app, beside))
    }
}

async fn platform_pem(state: &ApiState, id: EnterpriseId) -> Result<String, Problem> {
    let key = state.store.platform_key(id).await?.ok_or_else(Problem::internal)?;
    pem(&key.public_key)
}

fn pem(spki: &[u8]) -> Result<String, Problem> {
    let key = RsaPublicKey::from_spki_der(spki).map_err(|error| {
        tracing::error!(%error, "a stored public key is none");
        Problem::internal()
    })?;
    Ok(key.to_pem())
}

/// `POST /admin/v1/enterprises/{id}/vm-apps`.
pub(crate) async fn create(call: Call) -> Result<Response, Problem> {
    let id = call.enterprise().await?.enterprise_id;
    call.fields()?;
    let platform_public_key = platform_pem(&call.state, id).await?;
    let drawn = NewVmApp::draw(&call.state.vault);
    let made = provision::create_vm_app(&call.state.store, id, &drawn, call.state.settings.mode);
    call.once.leaving(|app: &VmApp| already_done(&app.app_id), made).await?;
    let body = NewVmAppBody {
        app_id: &drawn.app_id,
        app_secret: drawn.secret.expose(),
        platform_public_key,
    };
    Ok(Json(body).into_response())
}

/// `GET /admin/v1/enterprises/{id}/vm-apps`.
pub(crate) async fn list(call: Call) -> Answer<Page<VmAppBody>> {
    let query = call.query()?;
    let id = call.enterprise().await?.enterprise_id;
    let apps = call.state.store.vm_apps(id, query.page()?).await?;
    let next_cursor = query.cursor_after(&apps, |app| app.vm_app_id)?;
    let platform_public_key = platform_pem(&call.state, id).await?;
    let mut items = Vec::with_capacity(apps.len());
    for app in apps {
        items.push(VmAppBody::with_key(&call.state, &app, platform_public_key.clone()).await?);
    }
    Ok(Json(Page { items, next_cursor }))
}

/// `GET /admin/v1/vm-apps/{appId}`.
pub(crate) async fn read(call: Call) -> Answer<VmAppBody> {
    let app = call.app().await?;
    VmAppBody::read(&call.state, &app).await.map(Json)
}

/// What verifies the webhooks of an app that has them signed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookSecretBody<'a> {
    /// Base64 of the key of the Standard Webhooks signature.
    webhook_secret: &'a str,
}

/// `GET /admin/v1/vm-apps/{appId}/webhook-secret`.
pub(crate) async fn webhook_secret(call: Call) -> Result<Response, Problem> {
    let app = call.app().await?;
    let secret = call.state.vault.vm_webhook_secret(app.enterprise_id, app.vm_app_id);
    Ok(Json(WebhookSecretBody { webhook_secret: secret.expose() }).into_response())
}

/// `PATCH /admin/v1/vm-apps/{appId}`.
pub(crate) async fn patch(call: Call) -> Answer<VmAppBody> {
    let app = call.app().await?;
    let fields = call.fields()?;
    let of = UrlUse::AppWebhook(app.vm_app_id);
    let patch = VmAppPatch {
        merchant_public_key: public_key(&fields, field!(VM_APP_CHANGE, "merchantPublicKey"))?,
        webhook_url: url(
            &call.state,
            &fields,
            field!(VM_APP_CHANGE, "webhookUrl"),
            (app.enterprise_id, of),
        )?,
        signs_webhooks: fields.boolean(field!(VM_APP_CHANGE, "signWebhooks"))?,
        ip_whitelist: networks(&fields, field!(VM_APP_CHANGE, "ipWhitelist"))?,
        fees: vm_fees::read(&fields)?,
    };
    let changed = call.state.store.patch_vm_app(&app.app_id, patch).await?;
    let changed = changed.ok_or_else(|| Problem::not_found("VM app"))?;
    VmAppBody::read(&call.state, &changed).await.map(Json)
}

/// `POST /admin/v1/vm-apps/{appId}/funds`.
pub(crate) async fn fund(call: Call) -> Answer<BalanceBody> {
    let app = call.app().await?;
    let fields = call.fields()?;
    let account = fields.required_parsed(
        field!(VM_FUNDS, "account"),
        "must be balance or wallet",
        |text| match text {
            "balance" => Some(VmAppAccount::Balance),
            "wallet" => Some(VmAppAccount::Wallet),
            _ => None,
        },
    )?;
    let amount = required_money(&fields, field!(VM_FUNDS, "amount"), Currency::USD)?;
    let reference = reference_of_movement(&call.state, app.enterprise_id, &fields).await?;
    let (minor, now) = (amount.amount_minor(), call.state.store.clock().now());
    let moved = call.state.store.fund_vm_app(&app, account, minor, reference, now);
    call.once.try_answer(|moved: &MovedFunds| Ok(balance(&moved.account)?), moved).await
}
