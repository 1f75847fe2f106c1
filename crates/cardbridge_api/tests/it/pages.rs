//! Hosted pages over HTTP: when they open, when they do not, and what they reveal.

use serde_json::json;
use testkit::both_engines;
use testkit::http::{Request, send};
use testkit::page_visits::{AGENT, has_word, html, last_otp, open, page_error, submit, token};
use testkit::signing::{Caller, text};

both_engines!(the_first_opening_shows_the_card_and_ends_the_link, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let link = caller.card_link(platform, &card).await;
    let page = open(platform, &link).await;
    assert_eq!(page.status, 200, "{}", html(&page));
    let shown = html(&page).replace("</span><span>", "");
    assert!(shown.contains(card["panFirst6"].as_str().unwrap()), "{shown}");
    let again = open(platform, &link).await;
    assert_eq!((again.status, &*page_error(&again)), (404, "10004"));
    assert!(html(&again).contains("Page Not Found"));
    let audit = format!("/admin/v1/cards/{}/reveals", text(&card["cardId"]));
    let audit = platform.admin_get(&audit).await.json();
    assert_eq!(audit["items"].as_array().unwrap().len(), 1, "{audit}");
    assert_eq!(audit["items"][0]["purpose"], "SHOW_CARD_PAGE");
    let secret = link.rsplit_once('=').unwrap().1;
    assert!(!audit.to_string().contains(secret));
});

both_engines!(of_two_openings_at_once_one_sees_the_card, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    for _ in 0..5 {
        let link = caller.card_link(platform, &card).await;
        let (one, two) = tokio::join!(open(platform, &link), open(platform, &link));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 404]);
    }
});

both_engines!(looking_ahead_uses_up_nothing, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let link = caller.card_link(platform, &card).await;
    let head = Request { method: "HEAD", ..Request::get(&link) }.header("user-agent", AGENT);
    let head = send(platform.public, &head).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for (name, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("purpose", "prefetch"),
        ("x-moz", "prefetch"),
    ] {
        let ahead = Request::get(&link).header("user-agent", AGENT).header(name, value);
        let ahead = send(platform.public, &ahead).await;
        assert_eq!((ahead.status, ahead.body.len()), (503, 0), "{name}: {value}");
        assert_eq!(ahead.header("cache-control"), Some("no-store"));
    }
    assert_eq!(open(platform, &link).await.status, 200);
});

both_engines!(who_opens_must_be_who_was_agreed, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let link = caller.card_link(platform, &card).await;
    let refused = [
        Request::get(&link),
        Request::get(&link).header("user-agent", "Mozilla/5.0"),
        Request::get(&link).header("user-agent", "acmeapp/7"),
        Request::get(&link).header("referer", "https://acme.example/"),
    ];
    for request in refused {
        let answer = send(platform.public, &request).await;
        assert_eq!((answer.status, &*page_error(&answer)), (404, "10003"));
        assert!(html(&answer).contains("Page Not Found"));
    }
    let inside = Request::get(&link).header("user-agent", format!("Mozilla/5.0 {AGENT}.1 Mobile"));
    assert_eq!(send(platform.public, &inside).await.status, 200, "a refusal used up the link");
    let link = caller.card_link(platform, &card).await;
    let referred = Request::get(&link)
        .header("user-agent", "Mozilla/5.0")
        .header("referer", format!("https://acme.example/?app={AGENT}"));
    assert_eq!(send(platform.public, &referred).await.status, 200);
});

both_engines!(a_link_lives_five_minutes_of_business_time, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let late = caller.card_link(platform, &card).await;
    platform.advance(301).await;
    let refused = open(platform, &late).await;
    assert_eq!((refused.status, &*page_error(&refused)), (404, "10004"));
    let in_time = caller.card_link(platform, &card).await;
    platform.advance(290).await;
    assert_eq!(open(platform, &in_time).await.status, 200);
});

both_engines!(unknown_secrets_and_other_pages_open_nothing, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let link = caller.card_link(platform, &card).await;
    let secret = link.rsplit_once('=').unwrap().1;
    for target in [
        "/en/card/detail".to_owned(),
        "/en/card/detail?secret=".to_owned(),
        format!("/en/card/detail?secret={secret}x"),
        format!("/en/card/detail?secret={secret}&secret={secret}"),
        format!("/zh/card/detail?secret={secret}"),
        format!("/en/card/set-pin?secret={secret}"),
        "/en/card/kyc?secret=%zz".to_owned(),
    ] {
        let answer = open(platform, &target).await;
        assert_eq!((answer.status, &*page_error(&answer)), (404, "10004"), "{target}");
        assert!(answer.header("content-security-policy").unwrap().ends_with("'none'"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
    }
    for target in ["/fr/card/detail?secret=x", "/en/card/scheme?secret=x"] {
        let answer = open(platform, target).await;
        assert_eq!((answer.status, answer.json()["success"].clone()), (404, json!(false)));
    }
    assert_eq!(open(platform, &link).await.status, 200);
});

both_engines!(a_page_is_kept_by_nobody_and_framed_by_registered_parents_only, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let alone = open(platform, &caller.card_link(platform, &card).await).await;
    assert_eq!(alone.header("cache-control"), Some("no-store"));
    assert_eq!(alone.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(alone.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(alone.header("x-frame-options"), Some("DENY"));
    assert_eq!(alone.header("set-cookie"), None);
    let policy = alone.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
    let origins = json!({"pageOrigins": ["https://a.example", "https://b.example:8443"]});
    caller.patch(platform, &origins).await;
    let framed = open(platform, &caller.card_link(platform, &card).await).await;
    assert_eq!(framed.header("x-frame-options"), None);
    let policy = framed.header("content-security-policy").unwrap();
    assert!(policy.ends_with("frame-ancestors https://a.example https://b.example:8443"));
    assert!(html(&framed).contains(r#"data-origins="https://a.example https://b.example:8443""#));
});

both_engines!(language_theme_and_mode_are_those_of_the_link, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let page = async |language: &str, theme: &str, mode: &str| {
        let mut request = caller.link_request(&card, "1");
        request["language"] = json!(language);
        request["theme"] = json!(theme);
        request["mode"] = json!(mode);
        html(&open(platform, &caller.link(platform, &request).await).await)
    };
    let dark = page("zh", "light", "dark").await;
    assert!(dark.contains(r#"<html lang="zh" data-theme="light" data-mode="dark">"#), "{dark}");
    assert!(dark.contains("卡号"));
    let fallback = page("en", "\"><script>alert(1)</script>", "web").await;
    assert!(fallback.contains(r#"<html lang="en" data-theme="default" data-mode="web">"#));
    assert!(!fallback.contains("alert(1)"));
});

both_engines!(the_password_of_a_page_comes_by_mail_and_opens_it, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let mut request = caller.link_request(&card, "1");
    request["otpStatus"] = json!("1");
    let asked = open(platform, &caller.link(platform, &request).await).await;
    assert_eq!(asked.status, 200);
    let shown = html(&asked);
    assert!(shown.contains("h****@example.com") && !shown.contains("holder@"), "{shown}");
    assert!(shown.contains("DECARD_OPENAPI_MFA_OPENED") && !shown.contains("id=\"pan\""));
    let otp = last_otp(platform, "holder@example.com").await;
    assert!(!has_word(&shown, &otp));
    let first = token(&asked);
    let page = submit(platform, "/en/card/detail", &[("token", &first), ("otp", &otp)]).await;
    assert_eq!(page.status, 200);
    assert!(html(&page).contains("id=\"pan\""));
    let again = submit(platform, "/en/card/detail", &[("token", &first), ("otp", &otp)]).await;
    assert_eq!((again.status, &*page_error(&again)), (403, "10001"));
});

both_engines!(a_password_has_five_tries, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let mut request = caller.link_request(&card, "1");
    request["otpStatus"] = json!("1");
    let mut page = open(platform, &caller.link(platform, &request).await).await;
    let otp = last_otp(platform, "holder@example.com").await;
    let wrong = if otp == "000000" { "000001" } else { "000000" };
    let mut last = token(&page);
    for _ in 0..4 {
        page = submit(platform, "/en/card/detail", &[("token", &last), ("otp", wrong)]).await;
        assert_eq!(page.status, 200);
        assert!(html(&page).contains("Incorrect code"));
        assert_ne!(token(&page), last, "a token was given twice");
        last = token(&page);
    }
    let end = submit(platform, "/en/card/detail", &[("token", &last), ("otp", "")]).await;
    assert_eq!((end.status, &*page_error(&end)), (403, "10002"));
    let late = submit(platform, "/en/card/detail", &[("token", &last), ("otp", &otp)]).await;
    assert_eq!((late.status, &*page_error(&late)), (403, "10001"));
});

both_engines!(a_password_lives_five_minutes_and_a_wrong_one_does_not_lengthen_that, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let mut request = caller.link_request(&card, "1");
    request["otpStatus"] = json!("1");
    let page = open(platform, &caller.link(platform, &request).await).await;
    let otp = last_otp(platform, "holder@example.com").await;
    platform.advance(200).await;
    let fields = [("token", &*token(&page)), ("otp", "x")];
    let page = submit(platform, "/en/card/detail", &fields).await;
    assert_eq!(page.status, 200);
    platform.advance(101).await;
    let fields = [("token", &*token(&page)), ("otp", &*otp)];
    let late = submit(platform, "/en/card/detail", &fields).await;
    assert_eq!((late.status, &*page_error(&late)), (403, "10001"));
});

both_engines!(tries_of_a_password_at_once_are_counted_one_by_one, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let mut request = caller.link_request(&card, "1");
    request["otpStatus"] = json!("1");
    let page = open(platform, &caller.link(platform, &request).await).await;
    let first = token(&page);
    let fields = [("token", &*first), ("otp", "wrong")];
    let attempt = || submit(platform, "/en/card/detail", &fields);
    let (one, two, three) = tokio::join!(attempt(), attempt(), attempt());
    let mut statuses = [one.status, two.status, three.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403, 403], "one token was taken more than once");
});

both_engines!(a_form_without_its_token_is_refused, |platform| {
    for fields in [&[][..], &[("token", "")][..], &[("token", "x"), ("otp", "123456")][..]] {
        let answer = submit(platform, "/en/card/detail", fields).await;
        assert_eq!((answer.status, &*page_error(&answer)), (403, "10001"));
    }
    let json = Request::post("/en/card/detail", "{}").header("content-type", "application/json");
    let answer = send(platform.public, &json).await;
    assert_eq!((answer.status, &*page_error(&answer)), (403, "10001"));
    let put = Request { method: "PUT", ..Request::post("/en/card/detail", "") };
    assert_eq!(send(platform.public, &put).await.status, 405);
});

both_engines!(a_card_that_ended_meanwhile_is_not_shown, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let link = caller.card_link(platform, &card).await;
    let end = json!({"cardId": card["cardId"], "invalidateReason": "CARD_LOST"});
    caller.post(platform, "/open-api/card/v1/terminate", &end).await;
    let refused = open(platform, &link).await;
    assert_eq!((refused.status, &*page_error(&refused)), (403, "10002"));
});

both_engines!(what_a_caller_wrote_cannot_become_markup, |platform| {
    let caller = Caller::new(platform).await;
    caller.patch(platform, &json!({"redirectHosts": ["shop.example"]})).await;
    let card = caller.new_card(platform, "ord-1").await;
    let mut request = caller.link_request(&card, "1");
    request["successfulRedirectUrl"] = json!("https://shop.example/\"><script>alert(1)</script>");
    let page = html(&open(platform, &caller.link(platform, &request).await).await);
    assert!(!page.contains("<script>alert"), "{page}");
    assert!(page.contains("https://shop.example/"), "{page}");
});
