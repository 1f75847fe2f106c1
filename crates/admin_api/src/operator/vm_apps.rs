//! Apps of dialect 2: made, read, changed, funded (operator-and-sandbox.md section 3).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use crypto::RsaPublicKey;
use domain::{Currency, EnterpriseId, Money, UrlUse, VmApp, VmAppId};
use listener::once::Once;
use provision::{self, NewVmApp};
use serde::Serialize;
use store::{MovedFunds, VmAppAccount, VmAppPatch};
use utoipa::ToSchema;

use super::PathText;
use super::balance::BalanceBody;
use super::enterprise_body::opened_url;
use super::enterprise_patch::{networks, public_key, url};
use super::enterprises::enterprise_of;
use super::idempotency::already_done;
use super::reference::reference_of_movement;
use super::vm_fees::{self, VmFeesBody};
use crate::fields::{Fields, required_money};
use crate::paging::{ListQuery, Page};
use crate::problem::Problem;
use crate::request_bodies::{NO_FIELDS, VM_APP_CHANGE, VM_FUNDS};
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

/// An app without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VmAppBody {
    app_id: String,
    enterprise_id: String,
    /// PEM; requests are encrypted with it.
    platform_public_key: String,
    /// PEM; answers are encrypted with it.
    merchant_public_key: Option<String>,
    /// Where webhooks go; null also where it cannot be opened, and is to be given again.
    webhook_url: Option<String>,
    /// Whether webhooks bear our own signature header.
    sign_webhooks: bool,
    /// Networks that may call; empty = any in the sandbox, none in production.
    ip_whitelist: Vec<String>,
    /// What prepaid cards are loaded from, US dollars.
    balance: String,
    /// What credit-line cards draw on, US dollars.
    wallet_balance: String,
    /// What the app is charged for.
    fees: VmFeesBody,
    /// RFC 3339.
    created_at: String,
}

impl VmAppBody {
    async fn read(state: &ApiState, app: VmApp) -> Result<Self, Problem> {
        let platform_public_key = platform_pem(state, app.enterprise_id).await?;
        Self::with_key(state, app, platform_public_key).await
    }

    async fn with_key(
        state: &ApiState,
        app: VmApp,
        platform_public_key: String,
    ) -> Result<Self, Problem> {
        let balances = state.store.vm_balances(&app).await?;
        let major = |minor| Money::new(minor, Currency::USD).to_major();
        let merchant_key = app.merchant_public_key.as_deref();
        let of = UrlUse::AppWebhook(app.vm_app_id);
        let webhook_url = opened_url(state, app.enterprise_id, of, app.webhook_url);
        Ok(Self {
            platform_public_key,
            merchant_public_key: merchant_key.map(pem).transpose()?,
            app_id: app.app_id,
            enterprise_id: app.enterprise_id.to_string(),
            webhook_url,
            sign_webhooks: app.signs_webhooks,
            ip_whitelist: app.ip_whitelist.iter().map(ToString::to_string).collect(),
            balance: major(balances.balance_minor),
            wallet_balance: major(balances.wallet_minor),
            fees: VmFeesBody::of(&app.fees),
            created_at: app.created_at.to_string(),
        })
    }
}

/// The app that a path names.
pub(super) async fn app_of(state: &ApiState, app_id: &PathText) -> Result<VmApp, Problem> {
    state.store.vm_app(&app_id.0).await?.ok_or_else(not_found)
}

fn not_found() -> Problem {
    Problem::not_found("VM app")
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

/// Creates an app of the VM API; in the sandbox with a prepaid and a credit-line product.
#[utoipa::path(post, path = "/admin/v1/enterprises/{id}/vm-apps", operation_id = "create_vm_app",
    tag = "vm-apps",
    params(("id" = String, Path)), request_body = ref("NoFields"),
    responses((status = 200, body = NewVmAppBody)))]
pub(crate) async fn create(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Response, Problem> {
    let id = enterprise_of(&state, &id).await?.enterprise_id;
    Fields::parse_as(&NO_FIELDS, &body)?;
    let platform_public_key = platform_pem(&state, id).await?;
    let drawn = NewVmApp::draw(&state.vault);
    let made = provision::create_vm_app(&state.store, id, &drawn, state.settings.mode);
    once.leaving(|app: &VmApp| already_done(&app.app_id), made).await?;
    let body = NewVmAppBody {
        app_id: &drawn.app_id,
        app_secret: drawn.secret.expose(),
        platform_public_key,
    };
    Ok(Json(body).into_response())
}

/// The apps of an enterprise, without their secrets.
#[utoipa::path(get, path = "/admin/v1/enterprises/{id}/vm-apps", operation_id = "list_vm_apps",
    tag = "vm-apps",
    params(("id" = String, Path), ("limit" = Option<u32>, Query), ("order" = Option<String>, Query),
        ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Page<VmAppBody>)))]
pub(crate) async fn list(
    State(state): State<Arc<ApiState>>,
    id: PathText,
    query: ListQuery,
) -> Result<Json<Page<VmAppBody>>, Problem> {
    let id = enterprise_of(&state, &id).await?.enterprise_id;
    let requested = query.page::<VmAppId>()?;
    let apps = state.store.vm_apps(id, requested).await?;
    let next_cursor =
        Page::<VmAppBody>::cursor_after(&apps, requested.limit, requested.order, |app| {
            app.vm_app_id
        });
    let platform_public_key = platform_pem(&state, id).await?;
    let mut items = Vec::with_capacity(apps.len());
    for app in apps {
        items.push(VmAppBody::with_key(&state, app, platform_public_key.clone()).await?);
    }
    Ok(Json(Page { items, next_cursor }))
}

/// One app, without its secret.
#[utoipa::path(get, path = "/admin/v1/vm-apps/{appId}", operation_id = "read_vm_app",
    tag = "vm-apps",
    params(("appId" = String, Path)), responses((status = 200, body = VmAppBody)))]
pub(crate) async fn read(
    State(state): State<Arc<ApiState>>,
    app_id: PathText,
) -> Result<Json<VmAppBody>, Problem> {
    let app = app_of(&state, &app_id).await?;
    VmAppBody::read(&state, app).await.map(Json)
}

/// What verifies the webhooks of an app that has them signed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookSecretBody<'a> {
    /// Base64 of the key of the Standard Webhooks signature.
    webhook_secret: &'a str,
}

/// The secret that signs an app's webhooks while `signWebhooks` is on. It always is the same.
#[utoipa::path(get, path = "/admin/v1/vm-apps/{appId}/webhook-secret",
    operation_id = "read_vm_app_webhook_secret", tag = "vm-apps",
    params(("appId" = String, Path)), responses((status = 200, body = WebhookSecretBody)))]
pub(crate) async fn webhook_secret(
    State(state): State<Arc<ApiState>>,
    app_id: PathText,
) -> Result<Response, Problem> {
    let app = app_of(&state, &app_id).await?;
    let secret = state.vault.vm_webhook_secret(app.enterprise_id, app.vm_app_id);
    Ok(Json(WebhookSecretBody { webhook_secret: secret.expose() }).into_response())
}

/// Changes the fields that are given.
#[utoipa::path(patch, path = "/admin/v1/vm-apps/{appId}", operation_id = "patch_vm_app",
    tag = "vm-apps",
    params(("appId" = String, Path)), request_body = ref("VmAppChange"),
    responses((status = 200, body = VmAppBody)))]
pub(crate) async fn patch(
    State(state): State<Arc<ApiState>>,
    app_id: PathText,
    body: Bytes,
) -> Result<Json<VmAppBody>, Problem> {
    let app = app_of(&state, &app_id).await?;
    let fields = Fields::parse_as(&VM_APP_CHANGE, &body)?;
    let of = UrlUse::AppWebhook(app.vm_app_id);
    let patch = VmAppPatch {
        merchant_public_key: public_key(&fields, field!(VM_APP_CHANGE, "merchantPublicKey"))?,
        webhook_url: url(
            &state,
            &fields,
            field!(VM_APP_CHANGE, "webhookUrl"),
            (app.enterprise_id, of),
        )?,
        signs_webhooks: fields.boolean(field!(VM_APP_CHANGE, "signWebhooks"))?,
        ip_whitelist: networks(&fields, field!(VM_APP_CHANGE, "ipWhitelist"))?,
        fees: vm_fees::read(&fields)?,
    };
    let changed = state.store.patch_vm_app(&app.app_id, patch).await?;
    VmAppBody::read(&state, changed.ok_or_else(not_found)?).await.map(Json)
}

/// Brings money to an app. The same reference again moves nothing.
#[utoipa::path(post, path = "/admin/v1/vm-apps/{appId}/funds", operation_id = "fund_vm_app",
    tag = "vm-apps",
    params(("appId" = String, Path)), request_body = ref("VmFunds"),
    responses((status = 200, body = BalanceBody)))]
pub(crate) async fn fund(
    State(state): State<Arc<ApiState>>,
    app_id: PathText,
    once: Once,
    body: Bytes,
) -> Result<Json<BalanceBody>, Problem> {
    let app = app_of(&state, &app_id).await?;
    let fields = Fields::parse_as(&VM_FUNDS, &body)?;
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
    let reference = reference_of_movement(&state, app.enterprise_id, &fields).await?;
    let (minor, now) = (amount.amount_minor(), state.store.clock().now());
    let moved = state.store.fund_vm_app(&app, account, minor, reference, now);
    once.try_answer(|moved: &MovedFunds| Ok(BalanceBody::of(&moved.account)?), moved).await
}
