//! A request signed for one operation does nothing at another: every pair of dialect 1's table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::Request;
use testkit::signing::{Caller, envelope};

/// The page that lists the pairs whose bytes are the same.
const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/security.md"));
const PREFIX: &str = "/open-api/";

/// Bytes that operations take, by their paths without the prefix. Ids name nothing, so only a
/// refusal for the shape is counted as one.
const SAMPLES: [(&str, &[&str]); 29] = [
    ("card-order/v1/replace", &[r#"{"cardOrderRef":"o-1","replaceCardId":"1"}"#]),
    ("card/v1/freeze", &[r#"{"cardId":"1","freeze":true,"freezeReason":"USER_FREEZE"}"#]),
    ("card/v1/terminate", &[r#"{"cardId":"1","invalidateReason":"CARD_LOST"}"#]),
    ("card/v1/retrieve-secure-card", &[r#"{"cardId":"1"}"#]),
    ("card/v1/physical-active", &[r#"{"cardId":"1"}"#]),
    (
        "card/v1/reset-pin",
        &[r#"{"cardId":"1","encryptedExpireDate":"AAAA","encryptedCvv2":"AAAA",
            "encryptedPanLast4":"AAAA","encryptedNewPin":"AAAA","iv":"AAECAwQFBgcICQoL"}"#],
    ),
    (
        "card-redirect/v1/guidance-link",
        &[
            r#"{"type":"1","customerId":"1","cardId":"1","otpStatus":"0","language":"en",
                "theme":"default","mode":"dark","userAgent":"test"}"#,
            r#"{"type":"4","customerId":"1","kycTicketId":"1","preVerified":"0","language":"en",
                "theme":"default","mode":"dark","ua":"test"}"#,
        ],
    ),
    ("3ds-challenge/v1/authenticate", &[r#"{"challengeId":"1","approveStatus":"APPROVE"}"#]),
    (
        "simulation/v1/fund-auth",
        &[r#"{"cardId":"1","authType":"EXPEND","amount":"15.5","currency":"USD"}"#],
    ),
    (
        "intent-ticket/v1/generate-pre-upload-url",
        &[r#"{"fileNames":["a.pdf"],"businessType":"CREATE_CARD_EDD"}"#],
    ),
    (
        "intent-ticket/v1/create",
        &[r#"{"ticketType":"INCREASE_LIMIT_EDD","ticketRef":"t-1","businessType":"CARD_ID",
            "businessId":"1","eddSofOther":{"description":"x"}}"#],
    ),
    ("customer/v1/create-customer", &[CUSTOMER]),
    ("customer/v1/create", &[CUSTOMER]),
    (
        "customer/v1/send-otp",
        &[r#"{"otpSendRef":"s-1","channel":"EMAIL","email":"a@b.test","otp":"444555",
            "language":"en"}"#],
    ),
    ("kyc-ticket/v1/apply-kyc", &[KYC]),
    ("kyc-ticket/v1/apply", &[KYC]),
    ("kyc-ticket/v1/apply-kyc-h5", &[r#"{"kycTicketRef":"k-1","customerId":"1"}"#]),
    (
        "card-order/v1/detail",
        &["cardOrderId=1", "cardOrderRef=o-1", "cardOrderId=1&cardOrderRef=o-1"],
    ),
    ("card/v1/detail", &["cardId=1"]),
    ("card/v1/list", &["customerId=1"]),
    ("card/v1/card-velocity-limits", &["cardId=1"]),
    ("card/v1/shipping-info", &["cardId=1"]),
    ("enterprise/v1/enterprise-balance", &["currency=840"]),
    ("enterprise/v1/settlement-file-url", &["fileType=authorisation&fileDate=20250812"]),
    ("customer/v1/detail", &["customerId=1", "customerId=1&customerRef=c-1"]),
    ("intent-ticket/v1/detail", &["ticketId=1", "ticketRef=t-1"]),
    ("kyc-ticket/v1/detail", &["kycTicketId=1", "kycTicketRef=k-1"]),
    ("kyc/v1/detail", &["customerId=1"]),
    (
        APPLY,
        &[r#"{"profileId":"1","cardType":"VIRTUAL","cardOrderRef":"o-1","cardApplyMode":"NORMAL",
            "customerId":"1","kycTicketId":"1"}"#],
    ),
];
const APPLY: &str = "card-order/v1/apply-virtual";
const CUSTOMER: &str = r#"{"phoneCountryCode":"MY","phone":"122765673","email":"a@b.test",
    "customerRef":"c-1"}"#;
const KYC: &str = r#"{"kycTicketRef":"k-1","customerId":"1",
    "identifyProofList":[{"identityProofType":"ID_CARD"}],
    "addressProofList":[{"addressProofType":"UTILITY_BILL"}],
    "kycCareerInfo":{"employmentStatus":"STUDENT"}}"#;

/// The samples of every operation.
fn samples(caller: &Caller) -> BTreeMap<&'static str, Vec<String>> {
    let one_line = |text: &&str| text.split_whitespace().collect::<String>();
    let texts = |texts: &[&str]| texts.iter().map(one_line).collect::<Vec<_>>();
    let mut samples: BTreeMap<_, _> =
        SAMPLES.iter().map(|(path, bytes)| (*path, texts(bytes))).collect();
    let twin = caller.physical_order("o-1", "1").to_string();
    samples.insert("card-order/v1/virtual-to-physical", vec![twin]);
    samples.entry(APPLY).or_default().push(caller.application("o-1").to_string());
    samples
}

/// The pairs that the page lists, either way round.
fn listed() -> BTreeSet<(String, String)> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    let pairs = rows.filter_map(|line| {
        let mut names = line.split('`').skip(1).step_by(2);
        Some((names.next()?.to_owned(), names.next()?.to_owned()))
    });
    pairs.flat_map(|(one, other)| [(one.clone(), other.clone()), (other, one)]).collect()
}

/// The method of each operation, from the document.
fn methods() -> BTreeMap<String, &'static str> {
    let document = serde_json::to_value(cardbridge_api::open_api_document()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let paths = paths.filter_map(|(path, item)| Some((path.strip_prefix(PREFIX)?, item)));
    paths
        .map(|(path, item)| {
            (path.to_owned(), if item.get("get").is_some() { "GET" } else { "POST" })
        })
        .collect()
}

both_engines!(the_bytes_of_no_operation_do_anything_at_another, |platform| {
    let caller = Caller::new(platform).await;
    let (samples, listed, methods) = (samples(&caller), listed(), methods());
    let known: BTreeSet<_> = samples.keys().map(|path| (*path).to_owned()).collect();
    assert_eq!(known, methods.keys().cloned().collect(), "every operation has samples here");
    let mut alike = BTreeSet::new();
    for (from, bytes) in &samples {
        for (to, method) in methods.iter().filter(|(to, _)| to != from) {
            for sent in bytes {
                let request = match *method {
                    "GET" => Request::get(format!("{PREFIX}{to}?{}", sent.replace(' ', "%20"))),
                    _ => Request::post(format!("{PREFIX}{to}"), sent.clone()),
                };
                let answer = caller.send(platform, request).await;
                // JSON is not a query: a request line does not even allow its characters.
                let is_shape = answer.status == 400 || {
                    let told = envelope(&answer);
                    told["code"] == "DAPI_SYS_ILLEGAL_PARAM" && told["messageDetail"].is_string()
                };
                if !is_shape {
                    alike.insert(((*from).to_owned(), to.clone()));
                }
            }
        }
    }
    let unlisted: Vec<_> = alike.difference(&listed).collect();
    assert!(unlisted.is_empty(), "taken at another operation and not listed: {unlisted:?}");
    let gone: Vec<_> = listed
        .iter()
        .filter(|(a, b)| {
            !alike.contains(&(a.clone(), b.clone())) && !alike.contains(&(b.clone(), a.clone()))
        })
        .collect();
    assert!(gone.is_empty(), "listed and told apart: {gone:?}");
});

both_engines!(the_bytes_of_a_twins_order_do_not_end_the_card, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "first").await;
    let card_id = card["cardId"].as_str().unwrap();
    let order = caller.physical_order("twin", card_id);
    let replace = "/open-api/card-order/v1/replace";
    let answer = caller.post(platform, replace, &order).await;
    let refusal = "virtualToPhysicalInfo belongs to another operation";
    assert_eq!(answer["messageDetail"], refusal, "{answer}");
    platform.advance(5).await;
    let target = format!("/open-api/card/v1/detail?cardId={card_id}");
    assert_eq!(caller.get(platform, &target).await["data"]["status"], "ACTIVATED");
    // A field that no operation knows is passed over, and a null or blank field counts as absent.
    let mut own = json!({ "cardOrderRef": "again", "replaceCardId": card_id, "comment": "x" });
    own["virtualToPhysicalInfo"] = Value::Null;
    own["freezeReason"] = json!(" \t");
    own["invalidateReason"] = json!("");
    assert_eq!(caller.post(platform, replace, &own).await["code"], "SYS_SUCCESS");
    let blank = format!("{target}&customerId=%20+");
    assert_eq!(caller.get(platform, &blank).await["code"], "SYS_SUCCESS");
    let told = format!("{target}&customerId=%20x");
    let refusal = "customerId belongs to another operation";
    assert_eq!(caller.get(platform, &told).await["messageDetail"], refusal);
});
