//! Virtual cards, issued as an enterprise would: with signed calls through the SDK.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use sdk::Client;
use sdk::wire::cardbridge::applicant::{CustomerInfo, KycInfo};
use sdk::wire::cardbridge::order::{ApplyVirtual, ForwardingApplication};

use crate::platform::Platform;

/// Longest time that issuing may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// The interval at which an order is polled.
const POLL: Duration = Duration::from_millis(100);

/// The enterprise that cards are issued for.
pub struct Owner {
    pub client: Client,
    pub profile_id: String,
}

impl Owner {
    /// The enterprise that the sandbox provisions.
    pub fn of_sandbox(platform: &Platform) -> Result<Self> {
        let keys = &platform.sandbox.enterprise;
        let base_url = format!("http://{}", platform.public);
        let client = Client::new(&base_url, &keys.api_key, &keys.secret_key)?;
        Ok(Self { client, profile_id: keys.profile_id.clone() })
    }
}

/// Issues `count` cards to as many customers; returns their ids.
pub async fn issue(owner: &Owner, count: usize) -> Result<Vec<String>> {
    let client = &owner.client;
    let mut orders = Vec::with_capacity(count);
    for number in 0..count {
        let order = client.apply_virtual(&application(&owner.profile_id, number)).await?;
        orders.push(order.card_order_id);
    }
    let deadline = Instant::now() + DEADLINE;
    let mut cards = Vec::with_capacity(count);
    for order_id in orders {
        cards.push(issued(client, &order_id, deadline).await?);
    }
    Ok(cards)
}

async fn issued(client: &Client, order_id: &str, deadline: Instant) -> Result<String> {
    loop {
        let order = client.order(order_id).await?;
        match order.status.as_str() {
            "SUCCEED" => return order.card_id.context("an order that succeeded has a card"),
            "FAILED" => bail!("an order failed: {:?}", order.error_reason),
            _ => ensure!(Instant::now() < deadline, "an order is not done in time"),
        }
        tokio::time::sleep(POLL).await;
    }
}

fn application(profile_id: &str, number: usize) -> ApplyVirtual {
    ApplyVirtual::Forwarding(Box::new(ForwardingApplication {
        profile_id: profile_id.to_owned(),
        card_order_ref: format!("bench-{number}"),
        customer_info: CustomerInfo {
            email: Some(format!("bench-{number}@example.com")),
            ..CustomerInfo::default()
        },
        kyc_info: KycInfo {
            sumsub_share_token: format!("bench-{number}"),
            employment_status: "EMPLOYED".to_owned(),
            employer_name: Some("Bench".to_owned()),
            source_of_funds: "SALARY".to_owned(),
            source_of_wealth: "SALARY".to_owned(),
            ..KycInfo::default()
        },
    }))
}
