//! Hosted pages in a real browser: what a customer sees and does.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::browser::Browser;
use crate::database::Embedded;
use crate::page_pins::works;
use crate::page_visits::last_otp;
use crate::physical_cards::ACTIVATE;
use crate::platform::Platform;
use crate::signing::{Caller, text};

/// What every headless Chromium's User-Agent contains.
const AGENT: &str = "HeadlessChrome";

/// A platform, an enterprise with a card, and a browser.
struct Visit {
    platform: Platform,
    caller: Caller,
    card: Value,
    browser: Browser,
    _database: Embedded,
}

impl Visit {
    async fn new() -> Self {
        let database = Embedded::new();
        let platform = Platform::start(database.location()).await;
        let caller = Caller::new(&platform).await;
        let card = caller.new_card(&platform, "ord-1").await;
        Self { platform, caller, card, browser: Browser::start().await, _database: database }
    }

    /// Takes an activated physical card in place of the virtual one.
    async fn take_plastic(&mut self) {
        let virtual_id = text(&self.card["cardId"]);
        let card_id = self.caller.new_twin(&self.platform, &virtual_id, "v2p-1").await;
        self.platform.done(&format!("/admin/v1/cards/{card_id}/emboss"), json!({})).await;
        let activated =
            self.caller.post(&self.platform, ACTIVATE, &json!({"cardId": card_id})).await;
        self.card = activated["data"].clone();
    }

    /// The URL of a new link on the real listener.
    async fn link(&self, guidance_type: &str, change: Value) -> String {
        let mut request = self.caller.link_request(&self.card, guidance_type);
        request["userAgent"] = json!(AGENT);
        for (field, value) in change.as_object().unwrap() {
            request[field] = value.clone();
        }
        format!(
            "http://{}{}",
            self.platform.public,
            self.caller.link(&self.platform, &request).await
        )
    }

    /// What the page shows is the card's own.
    async fn assert_shows_card(&mut self) {
        let pan = self.browser.run("document.getElementById('pan').textContent").await;
        let pan = text(&pan);
        assert_eq!(pan.len(), 16);
        assert_eq!(self.card["panFirst6"], pan[..6]);
        assert_eq!(self.card["panLast4"], pan[12..]);
        let expiry = self.browser.text("#expiry").await.replace('/', "");
        let cvv2 = self.browser.text("#cvv2").await;
        // The network judges whether the numbers are right: only the enterprise is missing.
        let (month, year) = expiry.split_at(2);
        let purchase = json!({"pan": pan, "expiry": format!("{year}{month}"), "cvv2": cvv2,
            "amount": "1.00", "currency": "840"});
        let answer = self.platform.done("/sandbox/v1/authorisations", purchase).await;
        assert_eq!(answer["detail"], "no_auth_url", "{answer}");
    }

    async fn end(self) {
        drop(self.browser);
        self.platform.stop().await;
    }
}

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
    let copied = "document.querySelector('[data-copy=pan]').click();
        new Promise((done) => setTimeout(() =>
            done(document.querySelector('[data-copy=pan]').textContent), 300))";
    assert_eq!(visit.browser.run(copied).await, "Copied");
    assert_eq!(visit.browser.complaints().await, Vec::<String>::new());
    visit.browser.go(&link).await;
    assert_eq!(visit.browser.text("h1").await, "Page Not Found");
    assert_eq!(visit.browser.text("#page-error").await, "10004");
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chinese_page_in_the_dark_is_readable_on_a_phone() {
    let mut visit = Visit::new().await;
    let link = visit.link("1", json!({"language": "zh", "mode": "dark"})).await;
    visit.browser.resize(360, 640).await;
    visit.browser.go(&link).await;
    assert_eq!(visit.browser.text("h1").await, "您的卡片");
    let colours = "[document.body, document.querySelector('h1')].map((it, n) =>
        getComputedStyle(it)[n ? 'color' : 'backgroundColor']).join(' ')";
    assert_eq!(visit.browser.run(colours).await, "rgb(13, 20, 28) rgb(238, 243, 249)");
    let overflow = "document.documentElement.scrollWidth > window.innerWidth";
    assert_eq!(visit.browser.run(overflow).await, json!(false));
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
    assert_eq!(visit.browser.text(".alarm").await, "That is not the code. Try again.");
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
    assert_eq!(visit.browser.text(".alarm").await, "The two PINs are not the same.");
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
    let opened = json!({"name": "DECARD_OPENAPI_CARD_DETAIL_OPENED", "payload": null});
    assert_eq!(visit.browser.run(HEARD).await, json!([opened]));
    assert_eq!(visit.browser.complaints().await, Vec::<String>::new());
    let used = json!({"name": "DECARD_OPENAPI_CLOSE", "payload": {"type": "INTERNAL_ERROR_PAGE"}});
    visit.browser.go(&registered.url(&link)).await;
    assert_eq!(visit.browser.run(HEARD).await, json!([used]));
    let link = visit.link("1", json!({})).await;
    visit.browser.go(&stranger.url(&link)).await;
    assert_eq!(visit.browser.run(HEARD).await, json!([]));
    let complaints = visit.browser.complaints().await.concat();
    assert!(complaints.contains("frame-ancestors"), "{complaints}");
    visit.end().await;
}

/// What the page in the frame has said, after long enough to have said it.
const HEARD: &str = "new Promise((done) => setTimeout(() => done(window.heard), 700))";

/// A web page of an enterprise that frames one of ours.
struct Parent {
    address: SocketAddr,
}

impl Parent {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 8_192];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                let page = r#"<!doctype html><script>
                    window.heard = [];
                    window.addEventListener("message", (event) => heard.push(JSON.parse(event.data)));
                    </script><iframe width="400" height="600"></iframe><script>
                    document.querySelector("iframe").src =
                        decodeURIComponent(location.search.slice(1));
                    </script>"#;
                let (status, body) = match request.starts_with("GET /?") {
                    true => ("200 OK", page),
                    false => ("204 No Content", ""),
                };
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {length}\r\n\
                     connection: close\r\n\r\n{body}"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { address }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    fn url(&self, framed: &str) -> String {
        let framed = framed.replace('?', "%3F").replace('&', "%26");
        format!("{}/?{framed}", self.origin())
    }
}
