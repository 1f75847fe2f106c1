//! Acceptance checks of dialect 2 (vm-api.md section 15) as strict clients make them, and the texts
//! of vm-api.md section 7 for their mistakes.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::RsaPrivateKey;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::platform::Platform;
use testkit::vm_client::{Merchant, NewApp, merchant_key, post_raw};
use wire::vm::framing;

static KEY_4096: LazyLock<RsaPrivateKey> =
    LazyLock::new(|| RsaPrivateKey::generate(4_096).unwrap());

/// A client that accepts only what vm-api.md section 1 promises.
struct Strict<'a> {
    platform: &'a Platform,
    merchant: &'a Merchant,
    token: String,
}

impl<'a> Strict<'a> {
    async fn new(platform: &'a Platform, merchant: &'a Merchant) -> Self {
        let token = merchant.client.token().await.unwrap().to_string();
        Self { platform, merchant, token }
    }

    /// The plain object of a call, and the blocks that it came in.
    async fn blocks(&self, path: &str, parameters: Value) -> (Value, Vec<u8>) {
        let body = self.merchant.client.envelope().seal(parameters.to_string().as_bytes()).unwrap();
        let answer = post_raw(self.platform, &self.token, path, &body).await;
        assert_eq!(answer.status, 200, "{path}");
        let outer = answer.json();
        assert_eq!(outer["code"].as_u64(), Some(0), "{path}: {outer}");
        assert_eq!(outer["msg"], "ok");
        let data = outer["data"].as_str().expect("data is a text");
        assert!(data.len() >= 128 && data.len() % 2 == 0);
        assert!(data.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
        let joined = STANDARD.decode(hex::decode(data).unwrap()).unwrap();
        let plain = self.merchant.client.envelope().open(data).unwrap();
        (serde_json::from_slice(&plain).unwrap(), joined)
    }

    async fn call(&self, path: &str, parameters: Value) -> Value {
        self.blocks(path, parameters).await.0
    }

    async fn detail(&self, card_id: &str) -> Value {
        let detail = self.call("/cardDetail", json!({ "card_id": card_id })).await;
        let expire = detail["expire"].as_str().unwrap().as_bytes();
        let is_digit = |at: usize| expire[at].is_ascii_digit();
        assert!(expire.len() == 5 && expire[2] == b'/' && [0, 1, 3, 4].into_iter().all(is_digit));
        assert_eq!(detail["expiry"], detail["expire"]);
        assert!(detail.get("expiry_month").is_none());
        assert!(detail["available_amount"].is_number());
        for field in ["single", "day", "month", "total", "remaining_day", "remaining_month"] {
            assert!(detail["limit"][format!("{field}_limit")].is_number(), "{field}");
        }
        detail
    }

    async fn balances(&self) -> Value {
        let balances = self.call("/getAccountBalance", json!({})).await;
        assert!(balances["balance"].is_number() && balances["wallet_balance"].is_number());
        balances
    }

    /// Every call of a card's life, to its end.
    async fn live(&self, request: Value) {
        let before = self.balances().await;
        let products = self.call("/getProductCode", json!({})).await;
        let products = products["list"].as_array().unwrap();
        assert!(products.iter().all(|it| it["remaining_open_card_num"].as_u64() > Some(0)));
        let made = self.call("/createCard", request.clone()).await;
        let card_id = made["card_id"].as_str().unwrap();
        let card = json!({ "card_id": card_id });
        let shown = self.detail(card_id).await;
        assert_eq!((&shown["status"], &shown["available_amount"]), (&json!("ACTIVE"), &json!(20)));
        assert_eq!(shown["card_address"], request["card_address"]);
        let listed = self.call("/getCardList", card.clone()).await;
        assert_eq!(listed["list"][0]["label"], request["label"]);
        let name = format!(
            "{} {}",
            request["first_name"].as_str().unwrap(),
            request["last_name"].as_str().unwrap()
        );
        assert_eq!(shown["user_name"], name);
        for status in ["CANCELLED", "ACTIVE"] {
            let freeze = json!({ "card_id": card_id, "status": status });
            assert_eq!(self.call("/freezeCard", freeze.clone()).await, freeze);
            assert_eq!(self.detail(card_id).await["status"], status);
        }
        let ten = json!({ "card_id": card_id, "amount": 10 });
        for (path, left) in [("/rechargeCard", 30), ("/refundCard", 20)] {
            assert_eq!(self.call(path, ten.clone()).await["data"], "true");
            assert_eq!(self.detail(card_id).await["available_amount"], left);
        }
        let body = json!({ "card_id": card_id, "page": 1, "page_size": 200, "pageSize": 1 });
        let rows = self.call("/cardTransaction", body).await;
        assert_eq!(rows, json!({ "total": 0, "list": [] }));
        assert_eq!(self.call("/deleteCard", card.clone()).await, card);
        let last = self.detail(card_id).await;
        assert_eq!((&last["status"], &last["available_amount"]), (&json!("DELETED"), &json!(0)));
        assert_eq!(self.balances().await, before);
    }
}

fn request(product_code: &str) -> Value {
    json!({
        "product_code": product_code, "first_name": "Test", "last_name": "User", "amount": 20,
        "single_limit": 0, "day_limit": 0, "month_limit": 0, "label": "demo",
        "area_code": "+1", "mobile": "2025550100", "email": "t@example.com",
        "user_id": "7", "app_id": "x", "holder_id": "y", "card_holder": "z",
        "card_address": {
            "address_line_one": "1 Test Street", "address_line_two": "", "city": "Testville",
            "state": "NY", "country": "US", "post_code": "10001",
        },
    })
}

both_engines!(check_1_a_strict_client_gets_through_all_its_calls, |platform| {
    let merchant = Merchant::new(platform).await;
    Strict::new(platform, &merchant).await.live(request(&merchant.save)).await;
    platform.assert_ledger_adds_up().await;
});

both_engines!(check_2_so_it_does_with_4096_bits_and_chinese_of_three_blocks, |platform| {
    let merchant = Merchant::with_key(platform, KEY_4096.clone()).await;
    let client = Strict::new(platform, &merchant).await;
    let mut body = request(&merchant.save);
    body["label"] = json!("x中文标签測試長度".repeat(17));
    (body["first_name"], body["last_name"]) = (json!("欧阳".repeat(20)), json!("张".repeat(50)));
    body["card_address"]["address_line_one"] = json!("北京市朝阳区".repeat(40));
    client.live(body.clone()).await;
    let made = client.call("/createCard", body).await;
    let (_, joined) = client.blocks("/cardDetail", made).await;
    assert!(joined.len() >= 3 * 512 && joined.len() % 512 == 0, "{}", joined.len());
});

both_engines!(a_usual_cards_answer_fits_one_block_of_4096_bits, |platform| {
    let merchant = Merchant::with_key(platform, KEY_4096.clone()).await;
    let client = Strict::new(platform, &merchant).await;
    for (code, amount) in [(&merchant.save, json!(1_234.56)), (&merchant.share, json!(5_000))] {
        let mut body = request(code);
        body["amount"] = amount;
        (body["first_name"], body["last_name"]) = (json!("Jane"), json!("Example"));
        body["card_address"] = json!({
            "address_line_one": "123 Main Street", "address_line_two": "Apt 4",
            "city": "Springfield", "state": "IL", "country": "US", "post_code": "62701",
        });
        let made = client.call("/createCard", body).await;
        let (detail, joined) = client.blocks("/cardDetail", made).await;
        assert_eq!(joined.len(), 512, "{} bytes", detail.to_string().len());
    }
});

both_engines!(
    check_7_a_recharge_below_ten_moves_nothing_and_ten_is_a_number_or_a_text,
    |platform| {
        let merchant = Merchant::new(platform).await;
        let client = Strict::new(platform, &merchant).await;
        let made = client.call("/createCard", request(&merchant.save)).await;
        let card_id = made["card_id"].as_str().unwrap();
        let recharge = |amount: Value| json!({ "card_id": card_id, "amount": amount });
        let before = client.balances().await;
        for little in [json!(5), json!("9.99"), json!(0), json!(-10)] {
            let refused = merchant.refused("/rechargeCard", recharge(little)).await;
            assert_eq!(refused, (400_003, "Amount Is Less Than 10".to_owned()));
        }
        assert_eq!(client.balances().await, before);
        assert_eq!(client.detail(card_id).await["available_amount"], 20);
        for ten in [json!("10"), json!(10)] {
            assert_eq!(client.call("/rechargeCard", recharge(ten)).await["data"], "true");
        }
        assert_eq!(client.detail(card_id).await["available_amount"], 40);
        assert_eq!(client.balances().await["balance"], 9_960);
    }
);

both_engines!(check_9_a_frozen_card_keeps_its_money_until_it_is_unfrozen_and_deleted, |platform| {
    let merchant = Merchant::new(platform).await;
    let client = Strict::new(platform, &merchant).await;
    let mut body = request(&merchant.save);
    body["amount"] = json!(50.19);
    let card = client.call("/createCard", body).await;
    let card_id = card["card_id"].as_str().unwrap();
    let status = |status: &str| json!({ "card_id": card_id, "status": status });
    client.call("/freezeCard", status("CANCELLED")).await;
    let refused = merchant.refused("/deleteCard", card.clone()).await;
    assert_eq!(refused, (700_010, "Abnormal card status".to_owned()));
    assert_eq!(client.balances().await["balance"].to_string(), "9949.81");
    client.call("/freezeCard", status("ACTIVE")).await;
    client.call("/deleteCard", card.clone()).await;
    assert_eq!(client.balances().await["balance"], 10_000);
    assert_eq!(client.detail(card_id).await["status"], "DELETED");
});

/// Blocks of a bad content: enough for their cost to outweigh the rest of a call.
const BLOCKS: usize = 60;
const LEAST_ROUNDS: usize = 3;
/// Below the number of bad contents that an app is cut off after.
const MOST_ROUNDS: usize = 140;

/// Contents of [`BLOCKS`] blocks, bad in different places.
fn long_bad_contents(merchant: &Merchant) -> Vec<(&'static str, String)> {
    let piece_bytes = 256 - framing::PADDING_BYTES;
    let sealed = merchant.client.envelope().seal(&vec![b'a'; BLOCKS * piece_bytes]).unwrap();
    let sealed: Value = serde_json::from_slice(&sealed).unwrap();
    let sealed = sealed["content"].as_str().unwrap();
    let joined = framing::from_text(sealed).unwrap();
    let tampered = |at: usize| {
        let mut joined = joined.clone();
        joined[at] ^= 1;
        framing::to_text(&joined)
    };
    vec![
        ("no JSON", sealed.to_owned()),
        ("first block tampered", tampered(100)),
        ("last block tampered", tampered(joined.len() - 100)),
        ("no block below the modulus", framing::to_text(&vec![0xff; joined.len()])),
        ("no block is ciphertext", framing::to_text(&vec![0x11; joined.len()])),
        ("no base64", hex::encode("!".repeat(sealed.len() / 2))),
        ("no hex", "z".repeat(sealed.len())),
    ]
}

both_engines!(check_15_all_bad_contents_of_a_size_take_the_same_time, |platform| {
    let merchant = Merchant::new(platform).await;
    let client = Strict::new(platform, &merchant).await;
    let contents = long_bad_contents(&merchant);
    // The quickest of many calls is the one that the machine's other work delayed least, so further
    // rounds only bring equal costs closer.
    let mut quickest = vec![Duration::MAX; contents.len()];
    for round in 1..=MOST_ROUNDS {
        for (quickest, (what, content)) in quickest.iter_mut().zip(&contents) {
            let body = json!({ "content": content }).to_string();
            let started = Instant::now();
            let answer = post_raw(platform, &client.token, "/cardDetail", body.as_bytes()).await;
            *quickest = started.elapsed().min(*quickest);
            let expected = json!({ "code": 400, "msg": "field content is invalid" });
            assert_eq!(answer.json(), expected, "{what}");
        }
        let (least, most) = (quickest.iter().min().unwrap(), quickest.iter().max().unwrap());
        if round >= LEAST_ROUNDS && *most < *least * 2 {
            return;
        }
    }
    let what: Vec<_> = contents.iter().map(|(what, _)| what).zip(quickest).collect();
    panic!("{what:?}");
});

both_engines!(a_product_of_another_app_of_the_enterprise_is_not_open_to_this_one, |platform| {
    let merchant = Merchant::new(platform).await;
    let sibling = NewApp::make_for(platform, &merchant.app.enterprise_id).await;
    let products = platform.admin_get(&format!("{}/products", sibling.path())).await.json();
    let product = json!({
        "productCode": "G4411KU", "profileId": products["items"][0]["profileId"], "funding": "save",
    });
    platform.done(&format!("{}/products", sibling.path()), product).await;
    let refused = merchant.refused("/createCard", request("G4411KU")).await;
    assert_eq!(refused, (700_003, "Card Bin Not Exist".to_owned()));
    let stranger = Merchant::new(platform).await;
    for (who, code) in [(&stranger, "G4411KU"), (&merchant, "G5554LC")] {
        let refused = who.refused("/createCard", request(code)).await;
        assert_eq!(refused, (700_002, "Invalid Product Code".to_owned()));
    }
    assert_eq!(merchant.done("/getAccountBalance", json!({})).await["balance"], 10_000);
    let key = merchant_key();
    let allowed = sibling.client(platform, key).await;
    let poor = allowed.call("/createCard", &request("G4411KU")).await.unwrap_err();
    assert_eq!(poor.code(), Some(700_004), "the app that has it lacks money only");
});

both_engines!(wrong_types_are_not_set_and_wrong_values_are_400003_or_700006, |platform| {
    let merchant = Merchant::new(platform).await;
    let with = |field: &str, value: Value| {
        let mut body = request(&merchant.save);
        body[field] = value;
        body
    };
    let card = |card_id: Value| json!({ "card_id": card_id });
    let not_set = |field: &str| (400, format!("field {field} is not set"));
    let invalid = |field: &str| (400_003, format!("field {field} is invalid"));
    let params = (700_006, "Params Error".to_owned());
    for (path, parameters, expected) in [
        ("/createCard", with("amount", json!(true)), not_set("amount")),
        ("/createCard", with("amount", json!([20])), not_set("amount")),
        ("/createCard", with("first_name", json!({})), not_set("first_name")),
        ("/createCard", with("card_address", json!("1 Test Street")), not_set("card_address")),
        ("/createCard", with("first_name", json!("A\u{0}")), params.clone()),
        ("/createCard", with("last_name", json!("J0hn")), params.clone()),
        ("/createCard", with("last_name", json!("x".repeat(51))), params),
        ("/createCard", with("label", json!("张".repeat(161))), invalid("label")),
        ("/createCard", with("amount", json!(20.555)), (400_003, "Amount Error".to_owned())),
        ("/createCard", with("amount", json!(1e30)), (400_004, "Amount Too Large".to_owned())),
        (
            "/createCard",
            with("amount", json!("100000.01")),
            (400_004, "Amount Too Large".to_owned()),
        ),
        ("/cardDetail", card(json!(false)), not_set("card_id")),
        ("/cardDetail", card(json!("x".repeat(300))), invalid("card_id")),
        ("/cardTransaction", json!({ "page": 0 }), invalid("page")),
        ("/cardTransaction", json!({ "page": [] }), not_set("page")),
        ("/getCardList", json!({ "start_time": "yesterday" }), invalid("start_time")),
        ("/getCardList", json!({ "page_size": 1_001 }), (400_003, "Page Size Error".to_owned())),
    ] {
        assert_eq!(merchant.refused(path, parameters.clone()).await, expected, "{parameters}");
    }
    assert_eq!(merchant.done("/getAccountBalance", json!({})).await["balance"], 10_000);
    merchant.done("/createCard", request(&merchant.save)).await;
    let open_end = json!({ "end_time": "9999-12-31 23:59:59" });
    assert_eq!(merchant.done("/getCardList", open_end).await["total"], 1);
});
