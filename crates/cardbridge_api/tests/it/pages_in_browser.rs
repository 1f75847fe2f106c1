//! Hosted pages in a real browser, as customers see and use them.

use serde_json::json;
use testkit::browser::Browser;
use testkit::page_visits::last_otp;
use testkit::signing::text;

use crate::page_in_browser::{Parent, Visit};
use crate::page_pins::works;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_card_is_seen_once_and_the_second_opening_is_refused() {
    let mut visit = Visit::new().await;
    let link = visit.link("1", json!({})).await;
    visit.browser.go(&link).await;
    assert_eq!(visit.browser.text("h1").await, "Your card");
    visit.assert_shows_card().await;
    // The style is applied, so the policy let it in.
    let radius = visit.browser.run("getComputedStyle(document.querySelector('main')).borderRadius");
    assert_eq!(radius.await, "12px");
    visit.browser.run("document.querySelector('[data-copy=pan]').click()").await;
    visit.browser.until("document.querySelector('[data-copy=pan]').textContent == 'Copied'").await;
    assert_eq!(visit.browser.complaints().await, Vec::<String>::new());
    visit.browser.go(&link).await;
    assert_eq!(visit.browser.text("h1").await, "Page Not Found");
    assert_eq!(visit.browser.text("#page-error").await, "10004");
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chinese_page_in_the_dark_is_dark() {
    let mut visit = Visit::new().await;
    let link = visit.link("1", json!({"language": "zh", "mode": "dark"})).await;
    visit.browser.resize(360, 640).await;
    visit.browser.go(&link).await;
    assert_eq!(visit.browser.text("h1").await, "您的卡片");
    let colours = "[document.body, document.querySelector('h1')].map((it, n) =>
        getComputedStyle(it)[n ? 'color' : 'backgroundColor']).join(' ')";
    assert_eq!(visit.browser.run(colours).await, "rgb(13, 20, 28) rgb(238, 243, 249)");
    assert_eq!(visit.browser.complaints().await, Vec::<String>::new());
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_one_time_password_is_asked_for_and_typed() {
    let mut visit = Visit::new().await;
    let link = visit.link("1", json!({"otpStatus": "1"})).await;
    visit.browser.go(&link).await;
    assert_eq!(visit.browser.text("#pan").await, "");
    let otp = last_otp(&visit.platform, "holder@example.com").await;
    let wrong = if otp == "000000" { "000001" } else { "000000" };
    visit.browser.fill("otp", wrong).await;
    visit.browser.submit().await;
    assert_eq!(visit.browser.text(".alarm").await, "Incorrect code. Try again.");
    visit.browser.fill("otp", &otp).await;
    visit.browser.submit().await;
    visit.assert_shows_card().await;
    assert_eq!(visit.browser.complaints().await, Vec::<String>::new());
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pin_is_typed_twice_and_then_works() {
    let mut visit = Visit::new().await;
    visit.take_plastic().await;
    let link = visit.link("2", json!({})).await;
    visit.browser.go(&link).await;
    assert_eq!(visit.browser.text("h1").await, "Set your PIN");
    visit.browser.fill("pin", "4821").await;
    visit.browser.fill("pinAgain", "4822").await;
    visit.browser.submit().await;
    assert_eq!(visit.browser.text(".alarm").await, "The PINs do not match.");
    visit.browser.fill("pin", "4821").await;
    visit.browser.fill("pinAgain", "4821").await;
    visit.browser.submit().await;
    assert_eq!(visit.browser.text("#done").await, "Your PIN is set.");
    assert_eq!(visit.browser.complaints().await, Vec::<String>::new());
    assert!(works(&visit.platform, &visit.card, "4821").await);
    assert!(!works(&visit.platform, &visit.card, "4822").await);
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registered_parent_hears_of_the_page_and_another_does_not_even_see_it() {
    let mut visit = Visit::new().await;
    let (registered, stranger) = (Parent::start().await, Parent::start().await);
    visit.caller.patch(&visit.platform, &json!({"pageOrigins": [registered.origin()]})).await;
    let link = visit.link("1", json!({})).await;
    visit.browser.go(&registered.url(&link)).await;
    visit.browser.until(HEARD_SOMETHING).await;
    let opened = json!({"name": "DECARD_OPENAPI_CARD_DETAIL_OPENED", "payload": null});
    assert_eq!(visit.browser.run(HEARD).await, json!([opened]));
    assert_eq!(visit.browser.complaints().await, Vec::<String>::new());
    let used = json!({"name": "DECARD_OPENAPI_CLOSE", "payload": {"type": "INTERNAL_ERROR_PAGE"}});
    visit.browser.go(&registered.url(&link)).await;
    visit.browser.until(HEARD_SOMETHING).await;
    assert_eq!(visit.browser.run(HEARD).await, json!([used]));
    assert!(!visit.browser.is_frame_blocked().await);
    let link = visit.link("1", json!({})).await;
    visit.browser.go(&stranger.url(&link)).await;
    assert!(visit.browser.is_frame_blocked().await, "a stranger's frame shows the page");
    assert_eq!(visit.browser.run(HEARD).await, json!([]));
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn password_managers_find_whose_pin_it_is() {
    let mut visit = Visit::new().await;
    visit.take_plastic().await;
    let link = visit.link("2", json!({})).await;
    visit.browser.go(&link).await;
    let fields = "[...document.querySelectorAll('form input:not([type=hidden])')].map((it) =>
        [it.name, it.autocomplete, it.value, it.getClientRects().length > 0])";
    let last4 = text(&visit.card["panLast4"]);
    let expected = json!([
        ["username", "username", format!("**** {last4}"), false],
        ["pin", "new-password", "", true],
        ["pinAgain", "new-password", "", true],
    ]);
    assert_eq!(visit.browser.run(fields).await, expected);
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_on_the_card_is_typed_in_place_of_a_password() {
    let mut visit = Visit::new().await;
    let link = visit.link("1", json!({})).await;
    visit.browser.go(&link).await;
    let expiry = visit.browser.text("#expiry").await;
    let link = visit.link("1", json!({"otpStatus": "1"})).await;
    visit.browser.go(&link).await;
    visit.browser.run("document.querySelector('summary').click()").await;
    let last4 = text(&visit.card["panLast4"]);
    visit.browser.fill("cardLast4", &last4).await;
    visit.browser.fill("cardExpiry", &expiry).await;
    visit.browser.press("details button").await;
    visit.assert_shows_card().await;
    assert_eq!(visit.browser.complaints().await, Vec::<String>::new());
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_and_broken_policies_are_complaints_and_advice_is_none() {
    let mut browser = Browser::start().await;
    let quiet = Parent::serving(
        "<!doctype html><form><input type=password></form><script>console.warn('w')</script>",
    );
    browser.go(&quiet.await.origin()).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    let loud = Parent::serving(
        "<!doctype html><meta http-equiv=content-security-policy content=\"img-src 'none'\">
        <img src=data:image/gif;base64,AAAA><script>missing()</script>",
    );
    browser.go(&loud.await.origin()).await;
    let mut complaints = browser.complaints().await;
    complaints.sort_unstable();
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert!(complaints[1].contains("missing is not defined"), "{complaints:?}");
    assert!(complaints[0].starts_with("img-src"), "{complaints:?}");
}

/// The messages of the page in the frame so far.
const HEARD: &str = "window.heard";
const HEARD_SOMETHING: &str = "window.heard.length > 0";
