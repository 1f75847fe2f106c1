//! PINs on hosted pages: set once, replaced, typed wrong, and used.

use std::sync::Arc;

use domain::{Card, MessageKind, PinVerdict};
use serde_json::{Value, json};
use store::{PanRecord, PinComparison, PinPresentation};
use testkit::both_engines;
use testkit::page_visits::{html, open, page_error, submit, token};
use testkit::platform::Platform;
use testkit::signing::{Caller, text};
use vault::ClearPin;

/// An activated physical card.
async fn plastic(platform: &Platform, caller: &Caller) -> Value {
    let (card_id, _) = caller.new_physical(platform).await;
    caller.card(platform, &card_id).await
}

/// Opens the page of a new link and types a PIN twice.
async fn type_pin(
    platform: &Platform,
    caller: &Caller,
    card: &Value,
    guidance_type: &str,
    pins: [&str; 2],
) -> (u16, String) {
    let link = caller.link(platform, &caller.link_request(card, guidance_type)).await;
    let page = open(platform, &link).await;
    assert_eq!(page.status, 200, "{}", html(&page));
    let path = link.split_once('?').unwrap().0;
    let token = token(&page);
    let fields = [("token", &*token), ("pin", pins[0]), ("pinAgain", pins[1])];
    let answer = submit(platform, path, &fields).await;
    (answer.status, html(&answer))
}

/// True if the PIN is right when presented, by the values that the card stores.
pub async fn works(platform: &Platform, card: &Value, pin: &str) -> bool {
    let card = platform.store.find_of_anyone::<Card>(text(&card["cardId"]).parse().unwrap()).await;
    let card = card.unwrap().unwrap();
    let (enterprise_id, card_id) = (card.enterprise_id, card.card_id);
    let vault = Arc::clone(&platform.parts.vault);
    let record =
        platform.store.find::<PanRecord>((enterprise_id, card.pan_id)).await.unwrap().unwrap();
    let pan = vault.open_pan(enterprise_id, card.pan_id, &record.sealed_pan).unwrap();
    let pin = ClearPin::parse(pin).unwrap();
    let pin = PinComparison::new(move |sealed| {
        vault.pin_matches(enterprise_id, card_id, &pan, &pin, sealed).unwrap()
    });
    let (network_key, identity, follows) = (None, None, None);
    let kind = MessageKind::Authorisation;
    let now = platform.store.clock().now();
    let presentation =
        PinPresentation { enterprise_id, card_id, network_key, kind, identity, follows, pin, now };
    platform.store.present_pin(presentation).await.unwrap() == Some(PinVerdict::Matched)
}

both_engines!(a_pin_is_set_works_and_is_replaced, |platform| {
    let caller = Caller::new(platform).await;
    let card = plastic(platform, &caller).await;
    let (status, page) = type_pin(platform, &caller, &card, "2", ["4821", "4821"]).await;
    assert!(status == 200 && page.contains("Your PIN is set."), "{page}");
    assert!(!page.contains("4821"));
    assert!(works(platform, &card, "4821").await);
    assert!(!works(platform, &card, "4822").await);
    let (status, page) = type_pin(platform, &caller, &card, "3", ["7310", "7310"]).await;
    assert!(status == 200 && page.contains("Your PIN is set."), "{page}");
    assert!(works(platform, &card, "7310").await);
    assert!(!works(platform, &card, "4821").await);
});

both_engines!(a_first_pin_is_set_where_there_is_none_and_replaced_where_there_is_one, |platform| {
    let caller = Caller::new(platform).await;
    let card = plastic(platform, &caller).await;
    let refused = async |guidance_type: &str| {
        let request = caller.link_request(&card, guidance_type);
        let answer = open(platform, &caller.link(platform, &request).await).await;
        (answer.status, page_error(&answer))
    };
    assert_eq!(refused("3").await, (403, "10002".to_owned()));
    // Two pages for a first PIN are open at once: the commit takes one of them.
    let link = async || caller.link(platform, &caller.link_request(&card, "2")).await;
    let (one, two) = (link().await, link().await);
    let one = token(&open(platform, &one).await);
    let two = token(&open(platform, &two).await);
    let set = async |token: &str, pin: &str| {
        let fields = [("token", token), ("pin", pin), ("pinAgain", pin)];
        submit(platform, "/en/card/set-pin", &fields).await.status
    };
    let (one, two) = tokio::join!(set(&one, "1357"), set(&two, "2468"));
    let mut statuses = [one, two];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403]);
    assert_eq!(works(platform, &card, "1357").await, one == 200);
    assert_eq!(works(platform, &card, "2468").await, two == 200);
    assert_eq!(refused("2").await, (403, "10002".to_owned()));
});

both_engines!(a_pin_that_is_none_is_asked_for_again, |platform| {
    let caller = Caller::new(platform).await;
    let card = plastic(platform, &caller).await;
    let link = caller.link(platform, &caller.link_request(&card, "2")).await;
    let mut next = token(&open(platform, &link).await);
    for (pins, code) in [
        (["123", "123"], "DAPI_CARD_PIN_MUST_BE_FOUR_DIGIT_NUMBER"),
        (["12345", "12345"], "DAPI_CARD_PIN_MUST_BE_FOUR_DIGIT_NUMBER"),
        (["12a4", "12a4"], "DAPI_CARD_PIN_MUST_BE_FOUR_DIGIT_NUMBER"),
        (["", ""], "DAPI_CARD_PIN_MUST_BE_FOUR_DIGIT_NUMBER"),
        (["1234", "1235"], "DAPI_SYS_ILLEGAL_PARAM"),
    ] {
        let fields = [("token", &*next), ("pin", pins[0]), ("pinAgain", pins[1])];
        let page = submit(platform, "/en/card/set-pin", &fields).await;
        assert!(html(&page).contains(&format!("data-code=\"{code}\"")), "{pins:?}");
        let used = submit(platform, "/en/card/set-pin", &fields).await;
        assert_eq!((used.status, &*page_error(&used)), (403, "10001"));
        next = token(&page);
    }
    let fields = [("token", &*next), ("pin", "1234"), ("pinAgain", "1234")];
    let elsewhere = submit(platform, "/en/card/reset-pin", &fields).await;
    assert_eq!((elsewhere.status, &*page_error(&elsewhere)), (403, "10001"));
    assert_eq!(submit(platform, "/en/card/set-pin", &fields).await.status, 200);
    assert!(works(platform, &card, "1234").await);
});

both_engines!(after_success_the_customer_goes_where_the_link_says, |platform| {
    let caller = Caller::new(platform).await;
    caller.patch(platform, &json!({"redirectHosts": ["shop.example"]})).await;
    let card = plastic(platform, &caller).await;
    let mut request = caller.link_request(&card, "2");
    request["successfulRedirectUrl"] = json!("https://shop.example/done?a=b");
    let token = token(&open(platform, &caller.link(platform, &request).await).await);
    let fields = [("token", &*token), ("pin", "1234"), ("pinAgain", "1234")];
    let answer = submit(platform, "/en/card/set-pin", &fields).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("https://shop.example/done?a=b"))
    );
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("form-action 'self' https://shop.example;"), "{policy}");
});

both_engines!(a_pin_page_needs_plastic_in_use, |platform| {
    let caller = Caller::new(platform).await;
    let card = plastic(platform, &caller).await;
    let link = caller.link(platform, &caller.link_request(&card, "2")).await;
    let freeze = json!({"cardId": card["cardId"], "freeze": true});
    caller.post(platform, "/open-api/card/v1/freeze", &freeze).await;
    let refused = open(platform, &link).await;
    assert_eq!((refused.status, &*page_error(&refused)), (403, "10002"));
    let path = testkit::page_visits::GUIDANCE_LINK;
    let refused = caller.post(platform, path, &caller.link_request(&card, "2")).await;
    assert_eq!(text(&refused["code"]), "DAPI_CARD_STATUS_NOT_ACTIVATED");
});
