//! Purchases as the simulated network sends them.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};
use bytes::Bytes;
use domain::{
    AuthId, Authorisation, IdGenerator, Merchant, Money, NetworkKey, OutsId, Payer, Timestamp,
};
use http::{Method, Request};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::json;

use crate::connection::Connection;
use crate::platform::Platform;

/// Numbers the purchases, so each is a separate message.
static NUMBER: AtomicU64 = AtomicU64::new(1);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    auth_id: String,
    approved: bool,
}

/// The next purchase of one dollar with this card.
pub fn request(platform: &Platform, card_id: &str) -> Result<Request<Full<Bytes>>> {
    request_of(platform, card_id, "1.00")
}

/// The next purchase of this amount in dollars.
pub fn request_of(
    platform: &Platform,
    card_id: &str,
    amount: &str,
) -> Result<Request<Full<Bytes>>> {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let body = json!({
        "cardId": card_id,
        "amount": amount,
        "currency": "840",
        "mcc": "5411",
        "merchantId": "M0001",
        "merchantName": "BENCH SHOP",
        "merchantCountry": "SG",
        "stan": format!("{:06}", number % 1_000_000),
        "rrn": format!("{number:012}"),
    });
    platform.admin_request(Method::POST, "/sandbox/v1/authorisations", &body)
}

/// Makes a purchase that must be approved; returns its authId.
pub async fn buy(connection: &mut Connection, request: Request<Full<Bytes>>) -> Result<String> {
    let body = connection.expect_ok(request).await?;
    let answer: Answer = serde_json::from_slice(&body)?;
    ensure!(answer.approved, "a purchase was declined: {}", String::from_utf8_lossy(&body));
    Ok(answer.auth_id)
}

/// A purchase at a shop as the network sends it, straight to the store.
pub fn record(
    payer: impl Into<Payer>,
    ids: &IdGenerator,
    amount: Money,
    now: Timestamp,
) -> Authorisation {
    let (auth_id, outs_id) = (AuthId::from_i64(ids.next()), OutsId::from_i64(ids.next()));
    Authorisation {
        merchant: Merchant {
            merchant_id: Some("M0001".to_owned()),
            name: Some("BENCH SHOP".to_owned()),
            city: None,
            country: Some("SG".to_owned()),
            mcc: Some("5411".to_owned()),
        },
        network_key: Some(NetworkKey { stan: "000001".to_owned(), rrn: auth_id.to_string() }),
        ..Authorisation::purchase(payer, auth_id, outs_id, amount, now)
    }
}
