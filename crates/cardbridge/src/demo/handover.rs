//! Everything that is handed over by links: the card on a hosted page, new keys, the day's files.

use platform::Failure;
use sdk::Client;
use sdk::domain::Currency;
use serde_json::{Value, json};

use super::screen::Screen;
use super::setting::{Scene, expect, failed, text};

/// The User-Agent of the shopper's browser.
const USER_AGENT: &str = "CardBridge demonstration browser";

/// A hosted page shows the card once.
pub async fn page(screen: &mut Screen, scene: &Scene) -> Result<(), Failure> {
    let card = scene.get("card/v1/detail", &[("cardId", &scene.card_id)]).await?;
    let request = json!({"type": "1", "cardId": scene.card_id, "customerId": card["customerId"],
        "otpStatus": "0", "language": "en", "theme": "default", "mode": "light",
        "userAgent": USER_AGENT});
    let link = scene.post("card-redirect/v1/guidance-link", &request).await?;
    let link = link.as_str().ok_or_else(|| Failure::run("expected a link"))?;
    let last4 = text(&card, "panLast4")?;
    let first = scene.open_page(link, USER_AGENT).await?;
    expect("the card on the page", &true, &first.contains(&last4))?;
    let second = scene.open_page(link, USER_AGENT).await?;
    expect("the card on the page, opened again", &false, &second.contains(&last4))?;
    screen.step("shopper opens the card's page, twice", "shown once, then refused");
    Ok(())
}

/// A second pair of keys, fetched once through a mailed link; both pairs work.
pub async fn keys(screen: &mut Screen, scene: &Scene) -> Result<(), Failure> {
    let path = format!("/admin/v1/enterprises/{}/api-keys", scene.enterprise_id);
    let to = json!({"email": "keys@example.com", "sourceIp": "127.0.0.1"});
    scene.operator.post(&path, &to).await.map_err(failed("key delivery"))?;
    let mailbox = scene.operator.get("/sandbox/v1/mailbox").await.map_err(failed("mailbox"))?;
    let url = extract_url(&mailbox)?;
    let keys: Value = serde_json::from_str(&scene.open_page(&url, USER_AGENT).await?)
        .map_err(failed("key extraction"))?;
    let (api_key, secret) = (text(&keys["data"], "apiKey")?, text(&keys["data"], "secretKey")?);
    let again: Value = serde_json::from_str(&scene.open_page(&url, USER_AGENT).await?)
        .map_err(failed("key extraction, again"))?;
    expect("the link, used again", &json!("DAPI_PERMISSION_DENIED"), &again["code"])?;
    let client = Client::new(&scene.public_url, &api_key, &secret).map_err(failed("client"))?;
    client.balance(Currency::USD).await.map_err(failed("the new key"))?;
    screen.step("new keys mailed, fetched once", "both pairs work");
    Ok(())
}

/// The day's files: cut, downloaded, and rebuilt from the ledger.
pub async fn files(screen: &mut Screen, scene: &Scene) -> Result<(), Failure> {
    let clock = scene.operator.get("/sandbox/v1/clock").await.map_err(failed("clock"))?;
    let day = day_of(&text(&clock, "now")?)?;
    let date = json!({"date": day});
    let closed = scene
        .operator
        .post("/admin/v1/recon/close-day", &date)
        .await
        .map_err(failed("close-day"))?;
    for file_type in ["authorisation", "transaction"] {
        let query = [("fileType", file_type), ("fileDate", day.as_str())];
        let url = scene.get("enterprise/v1/settlement-file-url", &query).await?;
        let url = url.as_str().ok_or_else(|| Failure::run("expected a link"))?;
        let rows = scene.open_page(url, USER_AGENT).await?.lines().count();
        let files = closed["files"].as_array().into_iter().flatten();
        let mut totals = files.filter(|file| {
            file["fileType"] == file_type && file["enterpriseId"] == scene.enterprise_id
        });
        let totals = totals.next().ok_or_else(|| Failure::run("expected the file's totals"))?;
        expect("rows", &totals["rows"], &json!(rows))?;
        screen.step(&format!("{file_type} file of {day}"), &format!("{rows} rows, as told"));
    }
    let path = format!("/admin/v1/recon/verify?date={day}");
    let verified = scene.operator.get(&path).await.map_err(failed("recon verify"))?;
    expect("recon verify", &json!(true), &verified["ok"])?;
    screen.step("files rebuilt from the ledger", "no difference");
    Ok(())
}

/// The UTC+8 day of a moment, `yyyyMMdd`.
fn day_of(now: &str) -> Result<String, Failure> {
    let moment = domain::Timestamp::parse_rfc3339(now)
        .ok_or_else(|| Failure::run("expected the clock's time"))?;
    Ok(moment.utc8_day())
}

/// The link in the newest mail that contains one.
fn extract_url(mailbox: &Value) -> Result<String, Failure> {
    let mails = mailbox["items"].as_array().into_iter().flatten();
    mails
        .filter_map(|mail| serde_json::from_str::<Value>(mail["body"].as_str()?).ok())
        .find_map(|envelope| {
            let data = &envelope["data"];
            let (url, code) = (data["extractUrl"].as_str()?, data["extractSecretKey"].as_str()?);
            Some(format!("{url}{code}"))
        })
        .ok_or_else(|| Failure::run("expected a mail with an extraction link"))
}
