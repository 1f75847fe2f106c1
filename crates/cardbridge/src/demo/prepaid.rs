//! A prepaid card of dialect 2: it holds its own money, and after each step the sum of the account,
//! the card and the purchases is right.

use platform::Failure;
use sdk::wire::vm::card::{DELETE_PATH, RECHARGE_PATH, REFUND_PATH};
use serde_json::{Value, json};

use super::app::{App, decimal};
use super::purchase::buy_with;
use super::screen::Screen;
use super::setting::{Scene, expect, text};

/// The amount of the app's account before the card was opened.
const WHOLE: &str = "100.00";

/// The card's life.
pub async fn life(screen: &mut Screen, scene: &Scene, app: &App) -> Result<(), Failure> {
    let card_id = app.open_prepaid("40.00").await?;
    let shown = checked(app, &card_id, "60.00", "40.00", "0.00").await?;
    screen.step_with_deposit("merchant opens a prepaid card", "loaded with 40.00", &shown);
    let bought = buy(scene, &card_id, "25.50").await?;
    expect("the purchase", &json!(true), &bought["approved"])?;
    let auth_id = text(&bought, "authId")?;
    app.told(&auth_id, "Authorization", "PENDING").await?;
    let shown = checked(app, &card_id, "60.00", "14.50", "25.50").await?;
    screen.step_with_deposit("purchase of 25.50, decided here", "approved, webhook came", &shown);
    scene.network(&auth_id, "clear", &json!({})).await?;
    app.told(&auth_id, "Settlement", "COMPLETE").await?;
    let shown = checked(app, &card_id, "60.00", "14.50", "25.50").await?;
    screen.step_with_deposit("clearing of it", "settled, webhook came", &shown);
    let refused = buy(scene, &card_id, "20.00").await?;
    expect("a purchase above the balance", &json!(false), &refused["approved"])?;
    app.told(&text(&refused, "authId")?, "Authorization", "DECLINED").await?;
    let shown = checked(app, &card_id, "60.00", "14.50", "25.50").await?;
    screen.step_with_deposit("purchase of 20.00, above the balance", "declined", &shown);
    move_money(screen, app, &card_id).await
}

/// Loads the card, takes some money back, and deletes the card with the rest.
async fn move_money(screen: &mut Screen, app: &App, card_id: &str) -> Result<(), Failure> {
    app.call(RECHARGE_PATH, &json!({ "card_id": card_id, "amount": "20.00" })).await?;
    let shown = checked(app, card_id, "40.00", "34.50", "25.50").await?;
    screen.step_with_deposit("merchant tops the card up", "20.00 from the account", &shown);
    app.call(REFUND_PATH, &json!({ "card_id": card_id, "amount": "10.00" })).await?;
    let shown = checked(app, card_id, "50.00", "24.50", "25.50").await?;
    screen.step_with_deposit("merchant takes some of it back", "10.00 to the account", &shown);
    app.call(DELETE_PATH, &json!({ "card_id": card_id })).await?;
    expect("the card's status", &"DELETED", &app.card(card_id).await?.0.as_str())?;
    let shown = checked(app, card_id, "74.50", "0.00", "25.50").await?;
    screen.step_with_deposit("merchant deletes the card", "DELETED, the rest is back", &shown);
    Ok(())
}

/// Checks each figure with the call that returns it, and that their sum is the whole.
async fn checked(
    app: &App,
    card_id: &str,
    account: &str,
    card: &str,
    spent: &str,
) -> Result<String, Failure> {
    let found = (app.accounts().await?.0, app.card(card_id).await?.1, app.spent(card_id).await?);
    expect("the app's account", &decimal(account)?, &found.0)?;
    expect("what the card holds", &decimal(card)?, &found.1)?;
    expect("what was spent", &decimal(spent)?, &found.2)?;
    expect("all of it", &decimal(WHOLE)?, &(found.0 + found.1 + found.2))?;
    Ok(format!("{account:>6} account {card:>5} card {spent:>5} spent"))
}

/// A purchase with a card of the app.
pub async fn buy(scene: &Scene, card_id: &str, amount: &str) -> Result<Value, Failure> {
    buy_with(scene, amount, &json!({ "cardId": card_id })).await
}
