//! Every hosted page in a real browser, at the widths of small and large screens, in both languages
//! and both colour schemes: all of its content stays in its box.

use serde_json::json;
use testkit::page_visits::has_word;
use testkit::signing::text;

use crate::page_in_browser::Visit;
use crate::page_tickets::{GOOD, H5};

/// Widths of a small phone, two usual ones and a desk, CSS pixels.
const WIDTHS: [u32; 4] = [320, 360, 390, 1280];
const HEIGHT: u32 = 760;

/// Elements that leave their box: the page its window, a box its parent, a text its box, or a
/// button the text beside it.
const OUTSIDE: &str = "((width) => {
    const found = [];
    const slack = 0.6;
    const tell = (what, it) => found.push(
        `${what} ${it.tagName} ${it.id || it.name || ''} ${it.textContent.trim().slice(0, 24)}`);
    const leaves = (inner, outer) =>
        inner.left < outer.left - slack || inner.right > outer.right + slack;
    const meets = (one, two) => one.left < two.right - slack && two.left < one.right - slack
        && one.top < two.bottom - slack && two.top < one.bottom - slack;
    if (document.documentElement.scrollWidth > width) found.push('page');
    for (const it of document.querySelectorAll('main, main *')) {
        if (!it.getClientRects().length || it.closest('select')) continue;
        const box = it.getBoundingClientRect();
        if (leaves(box, it.parentElement.getBoundingClientRect())) tell('box', it);
        for (const node of it.childNodes) {
            if (node.nodeType !== Node.TEXT_NODE) continue;
            const range = document.createRange();
            range.selectNodeContents(node);
            for (const line of range.getClientRects()) {
                const isTall = it.tagName === 'BUTTON' && line.bottom > box.bottom + slack;
                if (leaves(line, box) || isTall) tell('text', it);
            }
        }
    }
    for (const row of document.querySelectorAll('main dd')) {
        const [value, button] = [...row.children].map((it) => it.getBoundingClientRect());
        if (meets(value, button)) tell('button over text', row);
    }
    return found;
})";

/// Measures the current page, and takes its pictures if they are wanted.
async fn measure(visit: &mut Visit, name: &str) {
    for scheme in ["light", "dark"] {
        visit.browser.prefer(scheme).await;
        for width in WIDTHS {
            visit.browser.resize(width, HEIGHT).await;
            let outside = visit.browser.run(&format!("{OUTSIDE}({width})")).await;
            assert_eq!(outside, json!([]), "{name} at {width}");
            visit.browser.picture(&format!("{name}-{width}-{scheme}")).await;
        }
    }
    assert_eq!(visit.browser.complaints().await, Vec::<String>::new(), "{name}");
}

async fn pages_of_the_card(visit: &mut Visit, language: &str) {
    let in_language = json!({"language": language, "mode": "web"});
    let link = visit.link("1", in_language.clone()).await;
    visit.browser.go(&link).await;
    measure(visit, &format!("card-{language}")).await;
    // The longer word comes only with the click, and then at each width.
    visit
        .browser
        .run("for (const it of document.querySelectorAll('[data-copy]')) it.click()")
        .await;
    let copied = "[...document.querySelectorAll('[data-copy]')].every(
        (it) => it.textContent == it.dataset.copied)";
    visit.browser.until(copied).await;
    measure(visit, &format!("card-copied-{language}")).await;
    visit.browser.run("document.querySelector('[data-close]').click()").await;
    measure(visit, &format!("closed-{language}")).await;
    visit.browser.go(&link).await;
    measure(visit, &format!("not-found-{language}")).await;
    let mut verified = in_language;
    verified["otpStatus"] = json!("1");
    let link = visit.link("1", verified).await;
    visit.browser.go(&link).await;
    measure(visit, &format!("password-{language}")).await;
    visit.browser.run("document.querySelector('details').open = true").await;
    visit.browser.fill("cardLast4", "0000").await;
    visit.browser.fill("cardExpiry", "01/20").await;
    visit.browser.press("details button").await;
    measure(visit, &format!("question-wrong-{language}")).await;
    visit.browser.fill("otp", "12345x").await;
    visit.browser.run("document.querySelector('form').noValidate = true").await;
    visit.browser.submit().await;
    measure(visit, &format!("password-wrong-{language}")).await;
}

async fn pages_of_the_pin(visit: &mut Visit, language: &str, guidance_type: &str) {
    let link = visit.link(guidance_type, json!({"language": language, "mode": "web"})).await;
    visit.browser.go(&link).await;
    measure(visit, &format!("pin-{guidance_type}-{language}")).await;
    for (again, name) in [("4822", "pin-wrong"), ("4821", "done")] {
        visit.browser.fill("pin", "4821").await;
        visit.browser.fill("pinAgain", again).await;
        visit.browser.submit().await;
        measure(visit, &format!("{name}-{guidance_type}-{language}")).await;
    }
}

/// The form of a ticket in both languages, then handed in, then the face of its customer.
async fn pages_of_a_ticket(visit: &mut Visit) {
    let customer_id = visit.card["customerId"].clone();
    let body = json!({"kycTicketRef": "wait-1", "customerId": customer_id});
    let ticket = visit.caller.post(&visit.platform, H5, &body).await;
    assert_eq!(ticket["code"], "SYS_SUCCESS", "{ticket}");
    let request = |guidance_type: &str| {
        json!({"type": guidance_type, "customerId": customer_id, "otpStatus": "0",
            "kycTicketId": ticket["data"]["kycTicketId"], "profileId": visit.caller.profile_id})
    };
    let (form, face) = (request("7"), request("4"));
    for language in ["en", "zh"] {
        let link = visit.link_for(form.clone(), json!({ "language": language })).await;
        visit.browser.go(&link).await;
        measure(visit, &format!("kyc-{language}")).await;
        visit.browser.run("document.querySelector('form').noValidate = true").await;
        visit.browser.submit().await;
        measure(visit, &format!("kyc-incomplete-{language}")).await;
    }
    for (name, value) in GOOD {
        let set = format!("document.querySelector('[name={name}]').value = '{value}'");
        visit.browser.run(&set).await;
    }
    visit.browser.run("document.querySelector('form').noValidate = true").await;
    visit.browser.submit().await;
    measure(visit, "kyc-done-zh").await;
    for (language, button, then) in
        [("en", "button[value=match]", "face-done-en"), ("zh", "button[value=other]", "refused-zh")]
    {
        let link = visit.link_for(face.clone(), json!({ "language": language })).await;
        visit.browser.go(&link).await;
        measure(visit, &format!("face-{language}")).await;
        visit.browser.press(button).await;
        measure(visit, then).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leaves_its_box_on_the_pages_of_a_card() {
    let mut visit = Visit::new().await;
    for language in ["en", "zh"] {
        pages_of_the_card(&mut visit, language).await;
    }
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leaves_its_box_on_the_pages_of_a_pin() {
    let mut visit = Visit::new().await;
    visit.take_plastic().await;
    for (language, guidance_type) in [("en", "2"), ("en", "3"), ("zh", "3")] {
        pages_of_the_pin(&mut visit, language, guidance_type).await;
    }
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leaves_its_box_on_the_pages_of_a_ticket() {
    let mut visit = Visit::new().await;
    pages_of_a_ticket(&mut visit).await;
    visit.end().await;
}

/// The page's title and body without its script, which has digits too.
const HELD: &str = "(() => {
    const body = document.body.cloneNode(true);
    for (const script of body.querySelectorAll('script')) script.remove();
    return document.title + body.outerHTML;
})()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_close_a_page_holds_nothing_of_the_card() {
    let mut visit = Visit::new().await;
    let close = "document.querySelector('[data-close]').click()";
    let leave = "window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))";
    for (how, heading) in [(close, "Closed"), (leave, "Your card")] {
        let link = visit.link("1", json!({})).await;
        visit.browser.go(&link).await;
        let pan = visit.browser.run("document.getElementById('pan').textContent").await;
        let cvv2 = visit.browser.text("#cvv2").await;
        assert_eq!((text(&pan).len(), cvv2.len()), (16, 3));
        visit.browser.run(how).await;
        assert_eq!(visit.browser.text("h1").await, heading);
        let held = text(&visit.browser.run(HELD).await);
        for secret in [&text(&pan), &text(&pan)[12..], &cvv2] {
            assert!(!has_word(&held, secret), "{secret} in {held}");
        }
        assert_eq!(visit.browser.run("getSelection().toString()").await, "");
        assert_eq!(visit.browser.complaints().await, Vec::<String>::new());
    }
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_is_left_keeps_no_pin() {
    let mut visit = Visit::new().await;
    visit.take_plastic().await;
    let link = visit.link("2", json!({})).await;
    visit.browser.go(&link).await;
    visit.browser.fill("pin", "4821").await;
    let typed = "document.querySelector('[name=pin]').value";
    assert_eq!(visit.browser.run(typed).await, "4821");
    visit.browser.run("window.dispatchEvent(new PageTransitionEvent('pagehide'))").await;
    assert_eq!(visit.browser.run(typed).await, "");
    visit.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_follows_the_system_unless_its_link_says_how_bright_it_is() {
    let mut visit = Visit::new().await;
    let ground = "getComputedStyle(document.body).backgroundColor";
    let (light, dark) = ("rgb(238, 243, 249)", "rgb(13, 20, 28)");
    for (mode, on_light, on_dark) in [
        (json!("web"), light, dark),
        (json!(null), light, dark),
        (json!("light"), light, light),
        (json!("dark"), dark, dark),
    ] {
        let link = visit.link("1", json!({ "mode": mode })).await;
        for (scheme, expected) in [("light", on_light), ("dark", on_dark)] {
            visit.browser.prefer(scheme).await;
            visit.browser.go(&link).await;
            let found = visit.browser.run(ground).await;
            // The second opening is refused on a page that is as bright as the first.
            assert_eq!(found, expected, "{mode} where the system is {scheme}");
        }
    }
    visit.browser.go(&format!("http://{}/en/card/detail?secret=x", visit.platform.public)).await;
    assert_eq!(visit.browser.run(ground).await, dark, "a page of which nothing is known");
    visit.end().await;
}
