//! The RSA envelope of dialect 2 (vm-api.md section 4).

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::RsaPrivateKey;
use domain::RsaPadding;
use sdk::vm::VmEnvelope;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::{Answer, Request, send, send_from};
use testkit::platform::Platform;
use testkit::vm_client::{Merchant, NewApp, merchant_key, post_raw, raw_post};
use wire::vm::framing;

const BALANCE: &str = "/getAccountBalance";
const PRODUCTS: &str = "/getProductCode";
/// Largest body that is taken.
const MAX_BODY_BYTES: usize = 256 * 1024;
/// Bytes that the platform's key of 2048 bits encrypts at once.
const PIECE_BYTES: usize = 245;

static KEY_3072: LazyLock<RsaPrivateKey> =
    LazyLock::new(|| RsaPrivateKey::generate(3_072).unwrap());
static KEY_4096: LazyLock<RsaPrivateKey> =
    LazyLock::new(|| RsaPrivateKey::generate(4_096).unwrap());

async fn token(merchant: &Merchant) -> String {
    merchant.client.token().await.unwrap().to_string()
}

fn opened(merchant: &Merchant, answer: &Answer) -> Value {
    let body = answer.json();
    assert_eq!((&body["code"], &body["msg"]), (&json!(0), &json!("ok")), "{body}");
    let plain = merchant.client.envelope().open(body["data"].as_str().unwrap()).unwrap();
    serde_json::from_slice(&plain).unwrap()
}

/// Products with a long Chinese issuing area, so answers have many blocks.
async fn open_chinese_products(platform: &Platform, merchant: &Merchant) -> Vec<String> {
    let app = &merchant.app;
    let path = format!("{}/products", app.path());
    let products = platform.admin_get(&path).await.json();
    let profile_id = products["items"][0]["profileId"].clone();
    let mut areas = Vec::new();
    for number in 0..6 {
        let area = format!("{}{}", "x".repeat(number), "香港特别行政区".repeat(7));
        let product = json!({ "productCode": format!("ZH-{number}"), "profileId": profile_id,
            "funding": "save", "issuingArea": area });
        platform.done(&path, product).await;
        areas.push(area);
    }
    areas
}

both_engines!(an_answer_is_hex_of_base64_of_whole_blocks_for_every_size_of_key, |platform| {
    for key in [merchant_key(), KEY_3072.clone(), KEY_4096.clone()] {
        let block_bytes = key.public_key().bits() as usize / 8;
        let merchant = Merchant::with_key(platform, key).await;
        let areas = open_chinese_products(platform, &merchant).await;
        let answer = post_raw(platform, &token(&merchant).await, PRODUCTS, b"").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        let body = answer.json();
        let data = body["data"].as_str().unwrap();
        assert!(data.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        let joined = STANDARD.decode(hex::decode(data).unwrap()).unwrap();
        assert_eq!(joined.len() % block_bytes, 0);
        assert!(joined.len() / block_bytes >= 3, "{} blocks", joined.len() / block_bytes);
        let plain = merchant.client.envelope().open(data).unwrap();
        let text = std::str::from_utf8(&plain).unwrap();
        let piece = block_bytes - framing::PADDING_BYTES;
        let straddled =
            (1..joined.len() / block_bytes).any(|it| !text.is_char_boundary(it * piece));
        assert!(straddled, "no character lies across two blocks");
        let shown: Value = serde_json::from_str(text).unwrap();
        let shown = shown["list"].as_array().unwrap();
        for area in areas {
            assert!(shown.iter().any(|it| it["issuing_area"] == *area), "{area}");
        }
    }
});

both_engines!(requests_of_many_blocks_are_joined_before_they_are_read, |platform| {
    let merchant = Merchant::new(platform).await;
    for shift in 0..3 {
        let plain = format!("{{\"note{}\":\"{}\"}}", "x".repeat(shift), "充值".repeat(300));
        let pieces = plain.len().div_ceil(PIECE_BYTES);
        assert!((1..pieces).any(|it| !plain.is_char_boundary(it * PIECE_BYTES)));
        let body = merchant.client.envelope().seal(plain.as_bytes()).unwrap();
        let balance = merchant.client.send(BALANCE, body).await.unwrap();
        assert_eq!(balance["balance"], 10000);
    }
});

both_engines!(all_forms_of_no_parameters_get_the_same_answer, |platform| {
    let merchant = Merchant::new(platform).await;
    let token = token(&merchant).await;
    let sealed = merchant.client.envelope().seal(b"{}").unwrap();
    let upper = String::from_utf8(sealed.clone()).unwrap();
    let upper = upper.to_uppercase().replace("CONTENT", "content");
    for body in [b"".as_slice(), b"{}", br#"{"content":""}"#, &sealed, upper.as_bytes(), b" \n"] {
        let answer = post_raw(platform, &token, BALANCE, body).await;
        let balance = opened(&merchant, &answer);
        assert_eq!(balance, json!({ "balance": 10000, "wallet_balance": 10000 }));
    }
    let typed = raw_post(&token, BALANCE, b"")
        .header("content-type", "application/json")
        .header("x-client-request-id", "9a1d2c3b-1111-4222-8333-444455556666");
    assert_eq!(send(platform.public, &typed).await.json()["code"], 0);
});

both_engines!(parameters_in_clear_are_refused_with_one_text, |platform| {
    let merchant = Merchant::new(platform).await;
    let token = token(&merchant).await;
    for body in [r#"{"card_id":"1"}"#, "card_id=1&amount=2", "[]", "null", "{", "\u{feff}{}"] {
        let answer = post_raw(platform, &token, BALANCE, body.as_bytes()).await;
        assert_eq!(answer.status, 200);
        let expected = json!({ "code": 400, "msg": "field content is not set" });
        assert_eq!(answer.json(), expected, "{body}");
    }
});

both_engines!(bodies_of_256_kib_are_taken_and_no_more, |platform| {
    let merchant = Merchant::new(platform).await;
    let token = token(&merchant).await;
    let plain = format!("{{\"filler\":\"{}\"}}", "f".repeat(93_000));
    let mut body = merchant.client.envelope().seal(plain.as_bytes()).unwrap();
    assert!(body.len() > MAX_BODY_BYTES - 4_096 && body.len() < MAX_BODY_BYTES);
    body.resize(MAX_BODY_BYTES, b' ');
    let answer = post_raw(platform, &token, BALANCE, &body).await;
    assert_eq!(opened(&merchant, &answer)["balance"], 10000);
    body.push(b' ');
    let answer = post_raw(platform, &token, BALANCE, &body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), json!({ "code": 400, "msg": "field content is invalid" }));
});

/// Every way a `content` can be bad, each as the JSON of its value.
fn bad_contents(merchant: &Merchant) -> Vec<(&'static str, String)> {
    let seal = |plain: &[u8]| {
        let body = merchant.client.envelope().seal(plain).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        body["content"].as_str().unwrap().to_owned()
    };
    let good = seal(br#"{"a":1}"#);
    let blocks = framing::from_text(&seal(&br#"{"a":"12"}"#.repeat(40))).unwrap();
    let text = |blocks: &[u8]| framing::to_text(blocks);
    let mut tampered = framing::from_text(&good).unwrap();
    tampered[200] ^= 1;
    let mut second_tampered =
        framing::from_text(&seal(format!("{{\"a\":\"{}\"}}", "b".repeat(300)).as_bytes())).unwrap();
    second_tampered[400] ^= 1;
    let foreign = VmEnvelope::new(merchant_key(), merchant_key().public_key().clone());
    let foreign: Value = serde_json::from_slice(&foreign.seal(b"{}").unwrap()).unwrap();
    let mut random = crypto::sha256(b"random").repeat(8);
    random[0] = 0;
    let quoted = |text: String| format!("\"{text}\"");
    vec![
        ("not hex", quoted(format!("zz{}", &good[2..]))),
        ("odd", quoted(good[1..].to_owned())),
        ("short", quoted("41".to_owned())),
        ("not base64", quoted(hex::encode("!".repeat(344)))),
        ("base64 without its padding", quoted(good[..good.len() - 4].to_owned())),
        ("a byte short of a block", quoted(text(&tampered[..255]))),
        ("a byte more than a block", quoted(text(&blocks[..257]))),
        ("tampered", quoted(text(&tampered))),
        ("its second block tampered", quoted(text(&second_tampered))),
        ("without its last block", quoted(text(&blocks[..256]))),
        ("at least the modulus", quoted(text(&[0xff; 256]))),
        ("zero", quoted(text(&[0; 256]))),
        ("random", quoted(text(&random))),
        ("an encrypted list", quoted(seal(b"[]"))),
        ("an encrypted number", quoted(seal(b"1"))),
        ("an encrypted null", quoted(seal(b"null"))),
        ("an encrypted text", quoted(seal(b"\"a\""))),
        ("an encrypted half object", quoted(seal(b"{\"a\":"))),
        ("encrypted, no UTF-8", quoted(seal(b"{\"a\":\"\xff\"}"))),
        ("for another key", quoted(foreign["content"].as_str().unwrap().to_owned())),
        ("a number", "1".to_owned()),
        ("null", "null".to_owned()),
        ("an object", "{}".to_owned()),
    ]
}

/// All of an answer except its trace id and its date, which differ between any two.
fn shape(answer: &Answer) -> (u16, Vec<String>, Vec<u8>) {
    let lines = answer.head.lines().map(str::to_lowercase);
    let head = lines.filter(|it| !it.starts_with("x-trace-id:") && !it.starts_with("date:"));
    (answer.status, head.collect(), answer.body.clone())
}

both_engines!(every_bad_content_gets_the_same_status_headers_and_body, |platform| {
    let merchant = Merchant::new(platform).await;
    let token = token(&merchant).await;
    let mut first = None;
    for (what, content) in bad_contents(&merchant) {
        let body = format!("{{\"content\":{content}}}");
        let answer = post_raw(platform, &token, BALANCE, body.as_bytes()).await;
        let shape = shape(&answer);
        assert_eq!(shape, *first.get_or_insert(shape.clone()), "{what}");
    }
    let (status, _, body) = first.unwrap();
    assert_eq!(
        (status, &*body),
        (200, br#"{"code":400,"msg":"field content is invalid"}"#.as_slice())
    );
});

both_engines!(the_hundred_and_first_bad_content_cuts_off_its_app_and_peer_only, |platform| {
    let merchant = Merchant::new(platform).await;
    let other = Merchant::new(platform).await;
    let token_text = token(&merchant).await;
    let bad = raw_post(&token_text, BALANCE, br#"{"content":"00"}"#);
    for _ in 0..100 {
        let answer = send(platform.public, &bad).await;
        assert_eq!(answer.json()["msg"], "field content is invalid");
    }
    assert_eq!(post_raw(platform, &token_text, BALANCE, b"").await.json()["code"], 0);
    let cut_off = json!({ "code": 400_006, "msg": "Too Many Requests" });
    assert_eq!(send(platform.public, &bad).await.json(), cut_off);
    let sealed = merchant.client.envelope().seal(b"{}").unwrap();
    for body in [b"".as_slice(), &sealed] {
        let answer = post_raw(platform, &token_text, BALANCE, body).await;
        assert_eq!((answer.status, answer.json()), (200, cut_off.clone()));
    }
    let good = raw_post(&token_text, BALANCE, b"");
    assert_eq!(send_from("127.0.0.3", platform.public, &good).await.json()["code"], 0);
    assert_eq!(other.done(BALANCE, json!({})).await["balance"], 10000);
});

both_engines!(bodies_that_are_too_large_are_bad_envelopes_too, |platform| {
    let merchant = Merchant::new(platform).await;
    let token_text = token(&merchant).await;
    let large = raw_post(&token_text, BALANCE, &vec![b' '; MAX_BODY_BYTES + 1]);
    for _ in 0..100 {
        assert_eq!(send(platform.public, &large).await.json()["msg"], "field content is invalid");
    }
    for request in [&large, &raw_post(&token_text, BALANCE, b"")] {
        assert_eq!(send(platform.public, request).await.json()["code"], 400_006);
    }
});

both_engines!(without_a_merchant_key_the_answer_is_an_error_in_clear, |platform| {
    let app = NewApp::make(platform).await;
    let token = app.ask_for_token(platform).await.json()["data"]["token"].clone();
    let answer = post_raw(platform, token.as_str().unwrap(), BALANCE, b"").await;
    assert_eq!(answer.status, 200);
    let expected = json!({ "code": 400_007, "msg": "merchant public key is not set" });
    assert_eq!(answer.json(), expected);
});

both_engines!(a_new_merchant_key_takes_effect_at_once, |platform| {
    let merchant = Merchant::new(platform).await;
    merchant.done(BALANCE, json!({})).await;
    let renewed = merchant.app.client(platform, KEY_3072.clone()).await;
    assert_eq!(renewed.call(BALANCE, &json!({})).await.unwrap()["balance"], 10000);
    assert!(merchant.call(BALANCE, json!({})).await.is_err());
});

both_engines!(a_block_of_zero_padding_length_is_no_way_in, |platform| {
    let merchant = Merchant::new(platform).await;
    let token = token(&merchant).await;
    let empty = merchant.app.platform_key.encrypt(RsaPadding::Pkcs1, b"").unwrap();
    let whole = merchant.app.platform_key.encrypt(RsaPadding::Pkcs1, b"{}").unwrap();
    // An empty piece between others adds nothing; alone it is no object.
    let joined = [empty.clone(), whole, empty.clone()].concat();
    let send_blocks = async |blocks: &[u8]| {
        let body = wire::vm::envelope::request(blocks);
        send(platform.public, &Request::post(BALANCE, body).header("authorization", &*token)).await
    };
    assert_eq!(send_blocks(&joined).await.json()["code"], 0);
    assert_eq!(send_blocks(&empty).await.json()["code"], 400);
});
