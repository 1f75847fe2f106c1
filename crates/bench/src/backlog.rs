//! A purchase beside a backlog of webhooks left by another enterprise's dead receiver: all about
//! one card, as fast as its owner can freeze and unfreeze it.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use http::Method;
use sdk::Client;
use sdk::wire::cardbridge::card::Freeze;
use serde_json::{Value, json};

use crate::cards::{self, Owner};
use crate::connection::Connection;
use crate::platform::Platform;
use crate::purchase;
use crate::report::{Bound, Measurement};
use crate::statistics::median;

/// Webhooks that nobody accepts.
const BACKLOG: u32 = 20_000;
/// Number of warm-up purchases, and of those in each measurement.
const PURCHASES: u32 = 400;

/// Measures on a platform that knows the enterprise to which the purchases are forwarded.
pub async fn measure(platform: &Arc<Platform>, card_id: &str) -> Result<Vec<Measurement>> {
    let owner = dead_receiver(platform).await?;
    let frozen = cards::issue(&owner, 1).await?.remove(0);
    purchase_ms(platform, card_id).await?;
    let before_ms = purchase_ms(platform, card_id).await?;
    fill(&owner, frozen).await?;
    let after_ms = purchase_ms(platform, card_id).await?;
    let info = |key, what, value| Measurement::info(key, what, value, "ms");
    let ratio = after_ms / before_ms;
    Ok(vec![
        info("backlog_before_ms", "a purchase, one after the other: median", before_ms),
        info("backlog_after_ms", "the same beside 20,000 webhooks of one card", after_ms),
        Measurement::info("backlog_ratio", "with the backlog / without", ratio, "")
            .held_to(Bound::AtMost(1.3)),
    ])
}

/// An enterprise whose webhook URL has no listener.
async fn dead_receiver(platform: &Platform) -> Result<Owner> {
    let mut operator = Connection::open(platform.admin).await?;
    let mut call = async |method, path: &str, body: Value| -> Result<Value> {
        let request = platform.admin_request(method, path, &body)?;
        Ok(serde_json::from_slice(&operator.expect_ok(request).await?)?)
    };
    let text = |value: &Value| value.as_str().map(str::to_owned).context("a text in an answer");
    let made = call(Method::POST, "/admin/v1/enterprises", json!({ "name": "Dead" })).await?;
    let id = text(&made["enterpriseId"])?;
    let path = format!("/admin/v1/enterprises/{id}");
    // The port is free again at once, and refuses connections.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let change = json!({ "webhookUrl": format!("http://{address}/") });
    call(Method::PATCH, &path, change).await?;
    let keys = call(Method::POST, &format!("{path}/api-keys"), json!({})).await?;
    let profile = json!({
        "enterpriseId": id,
        "name": "Dead USD",
        "binRange": "40009700-40009799",
        "network": "VISA",
        "currency": "840",
        "cardLayouts": ["MGEBP"],
    });
    let profile = call(Method::POST, "/admin/v1/card-profiles", profile).await?;
    let base_url = format!("http://{}", platform.public);
    let client = Client::new(&base_url, &text(&keys["apiKey"])?, &text(&keys["secretKey"])?)?;
    Ok(Owner { client, profile_id: text(&profile["profileId"])? })
}

async fn fill(owner: &Owner, card_id: String) -> Result<()> {
    let mut request = Freeze { card_id, freeze: false, freeze_reason: None };
    for _ in 0..BACKLOG {
        request.freeze = !request.freeze;
        owner.client.freeze(&request).await?;
    }
    Ok(())
}

/// The median time of a purchase, in milliseconds.
async fn purchase_ms(platform: &Platform, card_id: &str) -> Result<f64> {
    let mut connection = Connection::open(platform.admin).await?;
    let mut took_ms = Vec::with_capacity(PURCHASES as usize);
    for _ in 0..PURCHASES {
        let request = purchase::request(platform, card_id)?;
        let began = Instant::now();
        purchase::buy(&mut connection, request).await?;
        took_ms.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(took_ms))
}
