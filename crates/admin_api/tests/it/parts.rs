//! Amounts in parts and in every spelling, and messages that a network sends again.

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::Request;
use testkit::platform::Platform;
use testkit::signing::{Caller, text};
use testkit::vm_client::Merchant;

const PURCHASES: &str = "/sandbox/v1/authorisations";
/// Histories of each engine.
const HISTORIES: u64 = 3;

async fn set_rates(platform: &Platform) {
    let rates: Vec<_> = [("702", "0.74"), ("392", "0.0067"), ("414", "3.25"), ("360", "0.000065")]
        .map(|(from, rate)| json!({"from": from, "to": "840", "rate": rate}))
        .to_vec();
    let put = Request::post("/admin/v1/fx-rates", json!({ "rates": rates }).to_string());
    assert_eq!(platform.admin(Request { method: "PUT", ..put }).await.status, 200);
}

async fn receipt(platform: &Platform, auth_id: &str) -> Value {
    platform.admin_get(&format!("/admin/v1/authorisations/{auth_id}")).await.json()
}

async fn after(platform: &Platform, auth_id: &str, what: &str, body: Value) -> Value {
    platform.done(&format!("{PURCHASES}/{auth_id}/{what}"), body).await
}

both_engines!(seven_parts_of_a_cent_are_the_whole_whatever_some_round_to, |platform| {
    set_rates(platform).await;
    let merchant = Merchant::new(platform).await;
    let card_id = merchant.card(&merchant.save, 100).await;
    let buy = json!({"cardId": card_id, "amount": "0.07", "currency": "702"});
    let auth_id = text(&platform.done(PURCHASES, buy).await["authId"]);
    let mut posted = Vec::new();
    for part in 0..7 {
        let body = json!({"amount": "0.01", "final": part == 6});
        posted.push(text(&after(platform, &auth_id, "clear", body).await["amount"]));
        platform.assert_ledger_adds_up().await;
    }
    assert_eq!(posted, ["0.01", "0.00", "0.01", "0.01", "0.01", "0.00", "0.01"]);
    let it = receipt(platform, &auth_id).await;
    assert_eq!((&it["holdState"], &it["heldAmount"]), (&json!("POSTED"), &json!("0.00")), "{it}");
    assert_eq!(merchant.detail(&card_id).await["available_amount"].to_string(), "99.95");
});

both_engines!(increments_and_refunds_come_to_what_the_whole_would, |platform| {
    set_rates(platform).await;
    let merchant = Merchant::new(platform).await;
    // Currency, purchase, increment, how many, and all of it, which is ten cents.
    for (currency, bought, raised, count, whole) in [
        ("414", "0.010", "0.001", 20, "0.030"),
        ("702", "0.07", "0.01", 7, "0.14"),
        ("360", "1000", "50", 10, "1500"),
    ] {
        let card_id = merchant.card(&merchant.save, 100).await;
        let buy = json!({"cardId": card_id, "amount": bought, "currency": currency});
        let auth_id = text(&platform.done(PURCHASES, buy).await["authId"]);
        let raise = json!({ "amount": raised });
        let raises = (0..count).map(|_| after(platform, &auth_id, "increment", raise.clone()));
        for it in futures_util::future::join_all(raises).await {
            assert_eq!(it["approved"], true, "{it}");
        }
        let available = async || merchant.detail(&card_id).await["available_amount"].to_string();
        assert_eq!(available().await, "99.9", "{currency}: held");
        let clearing = json!({"amount": whole, "final": true});
        let posted = text(&after(platform, &auth_id, "clear", clearing).await["amount"]);
        assert_eq!(posted, "0.10", "{currency}: cleared");
        let part = json!({"authId": auth_id, "amount": raised, "currency": currency});
        let parts = (0..whole.replace('.', "").parse::<u32>().unwrap()
            / raised.replace('.', "").parse::<u32>().unwrap())
            .map(|_| platform.done("/sandbox/v1/refunds", part.clone()));
        for it in futures_util::future::join_all(parts).await {
            assert_eq!(it["approved"], true, "{it}");
        }
        assert_eq!(available().await, "100", "{currency}: given back");
        platform.assert_ledger_adds_up().await;
    }
});

/// Chance from a seed that a failure names.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        // Marsaglia's xorshift with 64 bits.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

both_engines!(parts_in_any_currency_and_order_add_up_to_what_was_asked, |platform| {
    set_rates(platform).await;
    let merchant = Merchant::new(platform).await;
    for seed in 1..=HISTORIES {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        for (currency, decimals) in [("702", 2), ("392", 0), ("414", 3), ("360", 2)] {
            let told = format!("seed {seed}, currency {currency}");
            let card_id = merchant.card(&merchant.save, 100).await;
            let major = |minor: u64| format!("{minor}e-{decimals}");
            let whole = 1 + dice.below(if currency == "360" { 100_000 } else { 900 });
            let buy = json!({"cardId": card_id, "amount": major(whole), "currency": currency});
            let bought = platform.done(PURCHASES, buy).await;
            if bought["detail"] == "amount_rounds_to_zero" {
                continue;
            }
            let auth_id = text(&bought["authId"]);
            let mut left = whole;
            // An increment so small that it may round to nothing.
            let raised = after(platform, &auth_id, "increment", json!({"amount": major(1)})).await;
            assert_eq!(raised["approved"], true, "{told}: {raised}");
            left += 1;
            while left > 0 {
                let part = 1 + dice.below(left.min(1 + whole / 4));
                let what = if dice.below(3) == 0 { "reverse" } else { "clear" };
                left -= part;
                let mut body = json!({"amount": major(part)});
                if what == "clear" {
                    body["final"] = json!(left == 0);
                }
                after(platform, &auth_id, what, body).await;
            }
            for id in [&auth_id, &text(&raised["authId"])] {
                let it = receipt(platform, id).await;
                assert_eq!(it["heldAmount"], "0.00", "{told}: {it}");
                assert_ne!(it["holdState"], "PENDING", "{told}: {it}");
            }
            let refund = json!({"authId": auth_id, "amount": major(1), "currency": currency});
            let refunded = platform.done("/sandbox/v1/refunds", refund).await;
            assert_eq!(refunded["approved"], true, "{told}: {refunded}");
            platform.assert_ledger_adds_up().await;
        }
    }
});

both_engines!(every_spelling_of_an_exact_amount_is_taken_at_every_door, |platform| {
    set_rates(platform).await;
    let caller = Caller::new(platform).await;
    let path = format!("/admin/v1/enterprises/{}/deposits", caller.enterprise_id);
    for (number, (amount, currency)) in [
        (json!("1500.00"), "392"),
        (json!("100.000"), "840"),
        (json!("1E+2"), "840"),
        (json!(1e2), "840"),
        (json!("0100"), "840"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({"currency": currency, "amount": amount, "reference": number.to_string()});
        platform.done(&path, body).await;
    }
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let merchant = Merchant::new(platform).await;
    let own = merchant.card(&merchant.save, 100).await;
    // A form of an amount that the document does not name.
    let recharge = json!({"card_id": own, "amount": "1E+1"});
    merchant.client.call("/rechargeCard", &recharge).await.unwrap();
    for (amount, currency) in [("1500.00", "392"), ("100.000", "840"), ("1E+2", "840")] {
        let fund = json!({"cardId": card_id, "authType": "EXPEND", "amount": amount,
            "currency": currency});
        let answer = caller.post(platform, "/open-api/simulation/v1/fund-auth", &fund).await;
        assert_eq!(answer["code"], "SYS_SUCCESS", "{answer}");
        let buy = json!({"cardId": own, "amount": amount, "currency": currency});
        let bought = platform.done(PURCHASES, buy).await;
        let auth_id = text(&bought["authId"]);
        let whole = if currency == "392" { "1500" } else { "100.00" };
        assert_eq!(receipt(platform, &auth_id).await["acquirerAmount"], whole);
        after(platform, &auth_id, "reverse", json!({"amount": amount})).await;
    }
    for inexact in ["1500.5", "1e-1"] {
        let buy = json!({"cardId": own, "amount": inexact, "currency": "392"});
        assert_eq!(platform.admin_post(PURCHASES, &buy).await.status, 422, "{inexact}");
    }
});

both_engines!(a_networks_key_has_one_spelling, |platform| {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    for (stan, rrn, field) in [
        ("111111 ", "222222222222", "stan"),
        ("11111a", "222222222222", "stan"),
        ("1111111", "222222222222", "stan"),
        ("111111", "222222222222\u{200b}", "rrn"),
        ("111111", "22222222222\u{e9}", "rrn"),
        ("111111", "2222222222222", "rrn"),
    ] {
        let buy = json!({"cardId": card_id, "amount": "1", "currency": "840",
            "stan": stan, "rrn": rrn});
        let answer = platform.admin_post(PURCHASES, &buy).await;
        let detail = text(&answer.json()["detail"]);
        assert!(answer.status == 422 && detail.starts_with(field), "{stan} {rrn}: {detail}");
    }
});

both_engines!(another_message_under_a_networks_key_is_refused_and_moves_nothing, |platform| {
    const DAY: u32 = 24 * 60 * 60;
    let merchant = Merchant::new(platform).await;
    let card_id = merchant.card(&merchant.save, 100).await;
    let message = |amount: &str| {
        json!({"cardId": card_id, "amount": amount, "currency": "840", "stan": "000001",
            "rrn": "000000000001"})
    };
    let first = platform.done(PURCHASES, message("5.00")).await;
    merchant.done("/freezeCard", json!({"card_id": card_id, "status": "CANCELLED"})).await;
    let again = platform.done(PURCHASES, message("5.0")).await;
    assert_eq!((&again["authId"], &again["approved"]), (&first["authId"], &json!(true)));
    let mut cash = message("5.00");
    cash["transactionType"] = json!("C");
    for other in [message("90.00"), cash] {
        let refused = platform.admin_post(PURCHASES, &other).await;
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (409, &json!("network_key_conflict"))
        );
    }
    let path = format!("{PURCHASES}/{}/increment", text(&first["authId"]));
    let raise = json!({"amount": "5.00", "stan": "000001", "rrn": "000000000001"});
    let refused = platform.admin_post(&path, &raise).await;
    assert_eq!((refused.status, &refused.json()["code"]), (409, &json!("network_key_conflict")));
    merchant.done("/freezeCard", json!({"card_id": card_id, "status": "ACTIVE"})).await;
    assert_eq!(merchant.detail(&card_id).await["available_amount"].to_string(), "95");
    platform.advance(41 * DAY).await;
    let later = platform.done(PURCHASES, message("90.00")).await;
    assert_eq!(later["approved"], true, "{later}");
    assert_ne!(later["authId"], first["authId"]);
    platform.assert_ledger_adds_up().await;
});
