//! A customer with a link: shared by the tests of the hosted pages.

use serde_json::{Value, json};

use crate::http::{Answer, Request, send};
use crate::platform::{PUBLIC_URL, Platform};
use crate::signing::{Caller, text};

pub const GUIDANCE_LINK: &str = "/open-api/card-redirect/v1/guidance-link";
/// The User-Agent that the tests agree on.
pub const AGENT: &str = "AcmeApp/7";

impl Caller {
    /// A request for a link to a page about one of the customer's cards.
    pub fn link_request(&self, card: &Value, guidance_type: &str) -> Value {
        json!({
            "type": guidance_type, "customerId": card["customerId"], "cardId": card["cardId"],
            "otpStatus": "0", "language": "en", "theme": "default", "mode": "light",
            "userAgent": AGENT,
        })
    }

    /// Makes a link and returns its path and query.
    pub async fn link(&self, platform: &Platform, request: &Value) -> String {
        let answer = self.post(platform, GUIDANCE_LINK, request).await;
        assert_eq!(answer["code"], "SYS_SUCCESS", "{answer}");
        let url = text(&answer["data"]);
        url.strip_prefix(PUBLIC_URL).unwrap_or_else(|| panic!("{url}")).to_owned()
    }

    /// A link to the page that shows a card.
    pub async fn card_link(&self, platform: &Platform, card: &Value) -> String {
        self.link(platform, &self.link_request(card, "1")).await
    }

    pub async fn patch(&self, platform: &Platform, change: &Value) {
        let path = format!("/admin/v1/enterprises/{}", self.enterprise_id);
        let answer = platform.admin_patch(&path, change).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
    }
}

/// Opens a link with the agreed User-Agent.
pub async fn open(platform: &Platform, target: &str) -> Answer {
    send(platform.public, &Request::get(target).header("user-agent", AGENT)).await
}

/// Sends a page's form.
pub async fn submit(platform: &Platform, path: &str, fields: &[(&str, &str)]) -> Answer {
    let body = wire::cardbridge::form::encode_pairs(fields);
    let request =
        Request::post(path, body).header("content-type", "application/x-www-form-urlencoded");
    send(platform.public, &request).await
}

pub fn html(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

/// Whether a text, or a page without its style, has this word. Digits within an id, a token or a
/// colour are no words: a short number stands in them by chance.
pub fn has_word(text: &str, word: &str) -> bool {
    let (before, styled) = text.split_once("<style>").unwrap_or((text, ""));
    let after = styled.split_once("</style>").map_or("", |(_, after)| after);
    let words = |text: &str| {
        text.split(|c: char| !c.is_alphanumeric() && c != '/').any(|found| found == word)
    };
    words(before) || words(after)
}

/// The number of the page error that an answer shows.
pub fn page_error(answer: &Answer) -> String {
    between(&html(answer), "id=\"page-error\">", "<")
}

/// The token of the form that an answer shows.
pub fn token(answer: &Answer) -> String {
    between(&html(answer), "name=\"token\" value=\"", "\"")
}

fn between(text: &str, before: &str, after: &str) -> String {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap().0.to_owned()
}

/// The code in the last message to somebody.
pub async fn last_otp(platform: &Platform, to: &str) -> String {
    let mailbox = platform.admin_get("/sandbox/v1/mailbox?order=asc").await.json();
    let mails = mailbox["items"].as_array().unwrap();
    let mail = mails.iter().rfind(|mail| mail["to"] == to).unwrap();
    let body = text(&mail["body"]);
    let digits = body.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6);
    digits.unwrap_or_else(|| panic!("{body}")).to_owned()
}
