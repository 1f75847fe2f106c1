//! A customer with a real browser: the common parts of the tests of hosted pages in Chromium.

use std::net::SocketAddr;

use serde_json::{Value, json};
use testkit::browser::Browser;
use testkit::database::Database;
use testkit::plastic::ACTIVATE;
use testkit::platform::Platform;
use testkit::signing::{Caller, text};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A platform, an enterprise with a card, and a browser.
pub struct Visit {
    pub platform: Platform,
    pub caller: Caller,
    pub card: Value,
    pub browser: Browser,
    user_agent: String,
    _database: Database,
}

impl Visit {
    pub async fn new() -> Self {
        let database = Database::embedded();
        let platform = Platform::start(database.location()).await;
        let caller = Caller::new(&platform).await;
        let card = caller.new_card(&platform, "ord-1").await;
        let mut browser = Browser::start().await;
        let user_agent = browser.user_agent().await;
        Self { platform, caller, card, browser, user_agent, _database: database }
    }

    /// Takes an activated physical card in place of the virtual one.
    pub async fn take_plastic(&mut self) {
        let virtual_id = text(&self.card["cardId"]);
        let card_id = self.caller.new_twin(&self.platform, &virtual_id, "v2p-1").await;
        self.platform.done(&format!("/admin/v1/cards/{card_id}/emboss"), json!({})).await;
        let activated =
            self.caller.post(&self.platform, ACTIVATE, &json!({"cardId": card_id})).await;
        self.card = activated["data"].clone();
    }

    /// The URL of a new link on the real listener.
    pub async fn link(&self, guidance_type: &str, change: Value) -> String {
        self.link_for(self.caller.link_request(&self.card, guidance_type), change).await
    }

    /// The URL of a new link of this request, with some fields changed.
    pub async fn link_for(&self, mut request: Value, change: Value) -> String {
        request["userAgent"] = json!(self.user_agent);
        for (field, value) in change.as_object().unwrap() {
            request[field] = value.clone();
        }
        let link = self.caller.link(&self.platform, &request).await;
        format!("http://{}{link}", self.platform.public)
    }

    /// The numbers on the page are the card's own.
    pub async fn assert_shows_card(&mut self) {
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

    pub async fn end(self) {
        drop(self.browser);
        self.platform.stop().await;
    }
}

/// A web page that frames the page named in its query, and keeps that page's messages.
const FRAMING: &str = r#"<!doctype html><script>
    window.heard = [];
    window.addEventListener("message", (event) => heard.push(JSON.parse(event.data)));
    </script><iframe width="400" height="600"></iframe><script>
    document.querySelector("iframe").src = decodeURIComponent(location.search.slice(1));
    </script>"#;

/// An origin of an enterprise with one web page.
pub struct Parent {
    address: SocketAddr,
}

impl Parent {
    pub async fn start() -> Self {
        Self::serving(FRAMING).await
    }

    /// A parent with this page.
    pub async fn serving(page: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut request = vec![0; 8_192];
                    let length = stream.read(&mut request).await.unwrap_or(0);
                    let (status, body) = match request[..length].starts_with(b"GET /favicon") {
                        true => ("204 No Content", ""),
                        false => ("200 OK", page),
                    };
                    let length = body.len();
                    let answer = format!(
                        "HTTP/1.1 {status}\r\ncontent-type: text/html\r\n\
                         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
                    );
                    let _ = stream.write_all(answer.as_bytes()).await;
                });
            }
        });
        Self { address }
    }

    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn url(&self, framed: &str) -> String {
        let framed = framed.replace('?', "%3F").replace('&', "%26");
        format!("{}/?{framed}", self.origin())
    }
}
