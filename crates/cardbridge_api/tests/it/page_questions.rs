//! The data printed on the card, as the second way to verify a customer on a hosted page.

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::Answer;
use testkit::page_visits::{has_word, html, last_otp, open, page_error, submit, token};
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

const PAGE: &str = "/en/card/detail";

/// Opens a page that asks for a one-time password first.
async fn asked(platform: &Platform, caller: &Caller, card: &Value) -> Answer {
    let mut request = caller.link_request(card, "1");
    request["otpStatus"] = json!("1");
    open(platform, &caller.link(platform, &request).await).await
}

/// MM/YY of the card, as its own page shows it.
async fn expiry(platform: &Platform, caller: &Caller, card: &Value) -> String {
    let page = html(&open(platform, &caller.card_link(platform, card).await).await);
    let (_, rest) = page.split_once("id=\"expiry\">").unwrap();
    rest[..5].to_owned()
}

async fn answer(platform: &Platform, token: &str, last4: &str, expiry: &str) -> Answer {
    let fields = [("token", token), ("cardLast4", last4), ("cardExpiry", expiry)];
    submit(platform, PAGE, &fields).await
}

both_engines!(who_knows_what_stands_on_the_card_sees_its_page, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let last4 = text(&card["panLast4"]);
    let expiry = expiry(platform, &caller, &card).await;
    let other = if expiry.starts_with("01") {
        expiry.replacen("01", "02", 1)
    } else {
        format!("01{}", &expiry[2..])
    };
    let page = asked(platform, &caller, &card).await;
    let shown = html(&page);
    assert!(
        shown.contains("name=\"cardLast4\"") && !shown.contains("<details id=\"question\" open")
    );
    assert!(!has_word(&shown, &last4) && !has_word(&shown, &expiry), "{shown}");
    let mut next = token(&page);
    // Neither part is enough, and the answer does not show which part was wrong.
    for (last4, expiry) in [("", &*expiry), (&*last4, ""), ("0", &*expiry), (&*last4, &*other)] {
        let again = answer(platform, &next, last4, expiry).await;
        let shown = html(&again);
        assert!(
            shown.contains("These details do not match the card."),
            "{last4} {expiry}: {shown}"
        );
        assert!(shown.contains("<details id=\"question\" open") && !shown.contains("id=\"pan\""));
        next = token(&again);
    }
    let right = answer(platform, &next, &last4, &expiry.replace('/', "")).await;
    assert!(html(&right).contains("id=\"pan\""), "{}", html(&right));
    let used = answer(platform, &next, &last4, &expiry).await;
    assert_eq!((used.status, &*page_error(&used)), (403, "10001"));
});

both_engines!(password_and_question_have_five_tries_together, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let last4 = text(&card["panLast4"]);
    let expiry = expiry(platform, &caller, &card).await;
    let page = asked(platform, &caller, &card).await;
    let otp = last_otp(platform, "holder@example.com").await;
    let mut next = token(&page);
    for round in 0..4 {
        let again = match round % 2 {
            0 => answer(platform, &next, &last4, "01/01").await,
            _ => submit(platform, PAGE, &[("token", &next), ("otp", "wrong")]).await,
        };
        assert_eq!(again.status, 200);
        next = token(&again);
    }
    let end = answer(platform, &next, &last4, "01/01").await;
    assert_eq!((end.status, &*page_error(&end)), (403, "10002"));
    for late in [
        answer(platform, &next, &last4, &expiry).await,
        submit(platform, PAGE, &[("token", &next), ("otp", &otp)]).await,
    ] {
        assert_eq!((late.status, &*page_error(&late)), (403, "10001"));
    }
});

both_engines!(a_page_about_no_card_asks_for_the_password_only, |platform| {
    let caller = Caller::new(platform).await;
    let mut request = crate::page_tickets::waiting(platform, &caller, "7").await;
    request["otpStatus"] = json!("1");
    let page = open(platform, &caller.link(platform, &request).await).await;
    assert!(!html(&page).contains("cardLast4"), "{}", html(&page));
    let fields = [("token", &*token(&page)), ("cardLast4", ""), ("cardExpiry", "0")];
    let again = submit(platform, "/en/card/kyc", &fields).await;
    assert!(html(&again).contains("role=\"alert\"") && html(&again).contains("name=\"otp\""));
});
