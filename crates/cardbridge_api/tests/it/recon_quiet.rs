//! Days on which only some enterprises, or none, had rows for their files.

use serde_json::json;
use testkit::both_engines;
use testkit::database::number;
use testkit::platform::Platform;
use testkit::signing::{Caller, text};
use testkit::vm_client::Merchant;

use crate::recon::{close, download, file_of, use_card};

const DAY: u32 = 24 * 60 * 60;
const FILES: &str = "SELECT COUNT(*) FROM settlement_file";

/// A purchase of an app's card, posted at once.
async fn spend(platform: &Platform, card_id: &str) {
    let buy = json!({"cardId": card_id, "amount": "1.00", "currency": "840"});
    let bought = platform.done("/sandbox/v1/authorisations", buy).await;
    assert_eq!(bought["approved"], true, "{bought}");
    let path = format!("/sandbox/v1/authorisations/{}/clear", text(&bought["authId"]));
    platform.done(&path, json!({})).await;
}

both_engines!(a_day_of_dialect_2_alone_makes_no_files, |platform, location| {
    let (caller, quiet) = (Caller::new(platform).await, Caller::new(platform).await);
    let merchant = Merchant::new(platform).await;
    let own = merchant.card(&merchant.save, 100).await;
    let day = platform.at_noon().await;
    spend(platform, &own).await;
    platform.advance(DAY).await;
    assert_eq!(number(location, FILES).await, 0);
    // An enterprise that asks for a file gets it, without a row.
    download(platform, &caller, "authorisation", day).await;
    let made = number(location, FILES).await;
    // A day on which one enterprise's deposit was used makes only that enterprise's files.
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    use_card(platform, &card_id).await;
    spend(platform, &own).await;
    let used = domain::BusinessDay::of(platform.store.clock().now());
    platform.advance(2 * DAY).await;
    assert_eq!(number(location, FILES).await, made + 2);
    let files = close(platform, used).await;
    assert_eq!(file_of(&files, &caller, "authorisation")["rows"], 2);
    assert_eq!(file_of(&files, &quiet, "authorisation")["rows"], 0);
});
