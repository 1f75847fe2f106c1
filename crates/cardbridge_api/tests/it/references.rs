//! People's own text in comparisons: references, e-mail addresses, and fields given twice.

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::http::{Request, send};
use testkit::platform::Platform;
use testkit::signing::{Caller, envelope, text};
use testkit::vm_client::Merchant;

use crate::customers::CREATE;

/// Characters that clients use: an address, a phone number, slashes, Chinese, characters to escape
/// in a URL.
const REFERENCE: &str = "caf\u{e9} \u{8ba2}\u{5355}/1001 +65 jane@example.com";
/// The same text, written with a combining accent.
const OTHER_SPELLING: &str = "cafe\u{301} \u{8ba2}\u{5355}/1001 +65 jane@example.com";
const LOOK_ALIKES: [&str; 4] = [" R", "R\u{3000}", "R\u{200b}", "R\u{7}"];

fn encoded(text: &str) -> String {
    wire::cardbridge::form::encode_pairs(&[("x", text)])[2..].to_owned()
}

/// Calls that each take one of the five references, and the code of a second one.
struct Taker {
    path: &'static str,
    field: &'static str,
    code_of_second: &'static str,
    /// The path that reads the made object by the reference.
    detail: Option<&'static str>,
}

const TAKERS: [Taker; 5] = [
    Taker {
        path: "/open-api/card-order/v1/apply-virtual",
        field: "cardOrderRef",
        code_of_second: "DAPI_CARD_ORDER_REF_ALREADY_EXISTS",
        detail: Some("/open-api/card-order/v1/detail"),
    },
    Taker {
        path: CREATE,
        field: "customerRef",
        code_of_second: "DAPI_CUSTOMER_REF_NOT_UNIQUE",
        detail: Some("/open-api/customer/v1/detail"),
    },
    Taker {
        path: "/open-api/kyc-ticket/v1/apply-kyc-h5",
        field: "kycTicketRef",
        code_of_second: "DAPI_TICKET_REF_REPEATED",
        detail: Some("/open-api/kyc-ticket/v1/detail"),
    },
    Taker {
        path: "/open-api/intent-ticket/v1/create",
        field: "ticketRef",
        code_of_second: "DAPI_TICKET_REF_REPEATED",
        detail: Some("/open-api/intent-ticket/v1/detail"),
    },
    Taker {
        path: "/open-api/customer/v1/send-otp",
        field: "otpSendRef",
        // The first result is given again.
        code_of_second: "SYS_SUCCESS",
        detail: None,
    },
];

/// A body of a call with this reference.
fn body(caller: &Caller, card: &Value, field: &str, reference: &str) -> Value {
    let mut body = match field {
        "cardOrderRef" => {
            let mut application = caller.application("-");
            application["customerInfo"] = json!({ "email": "orders@example.com" });
            application
        }
        "customerRef" => json!({ "email": "customers@example.com" }),
        "kycTicketRef" => json!({ "customerId": card["customerId"] }),
        "ticketRef" => json!({
            "ticketType": "INCREASE_LIMIT_EDD", "businessType": "CARD_ID",
            "businessId": card["cardId"], "eddSofOther": { "description": "a gift" },
        }),
        _ => json!({ "channel": "EMAIL", "email": "otp@example.com", "otp": "444555" }),
    };
    body[field] = json!(reference);
    body
}

both_engines!(each_of_the_five_references_is_what_people_write, |platform| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "first").await;
    for Taker { path, field, code_of_second, detail } in TAKERS {
        for bad in LOOK_ALIKES.iter().copied().chain([&*"\u{8ba2}".repeat(129)]) {
            let answer = caller.post(platform, path, &body(&caller, &card, field, bad)).await;
            assert_eq!(answer["code"], "DAPI_SYS_ILLEGAL_PARAM", "{field} {bad:?}");
            let named = text(&answer["messageDetail"]);
            assert!(named.starts_with(field) && !named.contains(bad), "{named}");
        }
        let made = caller.post(platform, path, &body(&caller, &card, field, REFERENCE)).await;
        assert_eq!(
            (&made["code"], &made["data"][field]),
            (&json!("SYS_SUCCESS"), &json!(REFERENCE))
        );
        let second = body(&caller, &card, field, OTHER_SPELLING);
        let second = caller.post(platform, path, &second).await;
        assert_eq!(second["code"], code_of_second, "{field}: {second}");
        let Some(detail) = detail else { continue };
        for spelling in [REFERENCE, OTHER_SPELLING] {
            let target = format!("{detail}?{field}={}", encoded(spelling));
            let read = caller.get(platform, &target).await;
            assert_eq!(read["data"][field], json!(REFERENCE), "{target}: {read}");
        }
    }
});

both_engines!(a_reference_with_an_ampersand_is_read_by_its_encoded_query_only, |platform| {
    let caller = Caller::new(platform).await;
    let reference = "R&D=1";
    let body = json!({ "email": "rd@example.com", "customerRef": reference });
    let made = caller.post(platform, CREATE, &body).await;
    assert_eq!(made["data"]["customerRef"], reference, "{made}");
    let query = format!("customerRef={}", encoded(reference));
    let target = format!("/open-api/customer/v1/detail?{query}");
    assert_eq!(caller.get(platform, &target).await["data"]["customerRef"], reference);
    // As the Java connector signs it: the pairs before they were encoded.
    let decoded = format!("customerRef={reference}");
    let request = caller.signing().over(Request::get(&target), decoded.as_bytes());
    let answer = envelope(&send(platform.public, &request).await);
    assert_eq!(answer["code"], "DAPI_SIGNATURE_ERROR");
});

both_engines!(one_address_is_one_customer_however_it_is_written, |platform| {
    let caller = Caller::new(platform).await;
    let create =
        async |email: &str| caller.post(platform, CREATE, &json!({ "email": email })).await;
    for (first, again) in [
        ("jos\u{e9}@example.com", "JOSE\u{301}@example.com"),
        ("a@b\u{fc}cher.example", "a@xn--bcher-kva.example"),
        ("b@xn--bcher-kva.example", "b@BU\u{308}CHER.example"),
    ] {
        let made = create(first).await;
        assert_eq!(made["data"]["email"], json!(first), "{made}");
        let refused = create(again).await;
        assert_eq!(refused["code"], "DAPI_EMAIL_ALREADY_EXISTS", "{again}: {refused}");
        // An order for the same address is an order of the same customer.
        let mut application = caller.application(again);
        application["cardOrderRef"] = json!(format!("order for {again}"));
        application["customerInfo"] = json!({ "email": again });
        let order =
            caller.post(platform, "/open-api/card-order/v1/apply-virtual", &application).await;
        assert_eq!(order["data"]["customerId"], made["data"]["customerId"], "{order}");
    }
    assert_eq!(create("jose@example.com").await["code"], "SYS_SUCCESS", "another letter");
});

/// A deposit in dialect 1's world or an app's funds, as the operator makes it.
async fn moved(platform: &Platform, path: &str, body: &Value) -> (u16, Value) {
    let answer = platform.admin_post(path, body).await;
    (answer.status, answer.json())
}

both_engines!(new_references_of_money_that_look_like_others_are_refused, |platform, location| {
    let merchant = Merchant::new(platform).await;
    let enterprise = format!("/admin/v1/enterprises/{}", merchant.app.enterprise_id);
    let deposit =
        |reference: &str| json!({ "currency": "840", "amount": "1.00", "reference": reference });
    let funds =
        |reference: &str| json!({ "account": "balance", "amount": "1.00", "reference": reference });
    let deposits = format!("{enterprise}/deposits");
    let withdrawals = format!("{enterprise}/withdrawals");
    let fund = format!("{}/funds", merchant.app.path());
    assert_eq!(moved(platform, &deposits, &deposit("R")).await.1["availableAmount"], "1.00");
    for bad in LOOK_ALIKES.iter().copied().chain(["cafe\u{301}"]) {
        for (path, body) in
            [(&deposits, deposit(bad)), (&withdrawals, deposit(bad)), (&fund, funds(bad))]
        {
            let (status, problem) = moved(platform, path, &body).await;
            assert_eq!(status, 422, "{path} {bad:?}");
            assert!(text(&problem["detail"]).starts_with("reference "), "{problem}");
        }
    }
    let (status, again) = moved(platform, &deposits, &deposit("R")).await;
    assert_eq!((status, &again["availableAmount"]), (200, &json!("1.00")));
    // A movement under a reference from before such references were refused is still the same.
    let rename = "UPDATE ledger_transfer SET reference = 'R ' WHERE reference = 'R'";
    testkit::database::tamper(location, rename).await;
    let (status, again) = moved(platform, &deposits, &deposit("R ")).await;
    assert_eq!((status, &again["availableAmount"]), (200, &json!("1.00")));
    platform.assert_ledger_adds_up().await;
});

both_engines!(
    a_field_given_twice_is_refused_by_the_strict_and_the_last_counts_elsewhere,
    |platform| {
        let caller = Caller::new(platform).await;
        for (path, body, field) in [
            ("/admin/v1/enterprises", r#"{"name":"A","name":"B"}"#, "name"),
            ("/sandbox/v1/clock/advance", r#"{"seconds":1,"seconds":100000}"#, "seconds"),
            (
                "/admin/v1/fx-rates",
                r#"{"rates":[{"from":"USD","to":"SGD","rate":"1","rate":"2"}]}"#,
                "rates.rate",
            ),
        ] {
            let method = if path.ends_with("fx-rates") { "PUT" } else { "POST" };
            let answer = platform.admin(Request { method, ..Request::post(path, body) }).await;
            let detail = format!("{field} is given more than once");
            assert_eq!((answer.status, answer.json()["detail"].clone()), (422, json!(detail)));
        }
        // A call without fields takes none, once or twice.
        for what in [
            "cards/1/block",
            "cards/1/unblock",
            "cards/1/emboss",
            "jobs/1/retry",
            "webhook-deliveries/1/resend",
        ] {
            for (body, detail) in [
                (r#"{"x":1,"x":2}"#, "x is given more than once"),
                (r#"{"x":1}"#, "x is not a known field"),
            ] {
                let path = format!("/admin/v1/{what}");
                let answer = platform.admin(Request::post(&path, body)).await;
                let refusal = (answer.status, answer.json()["detail"].clone());
                assert_eq!(refusal, (422, json!(detail)), "{path}");
                for none in ["", "{}", "null"] {
                    assert_eq!(platform.admin(Request::post(&path, none)).await.status, 404);
                }
            }
        }
        // No value hides the second field, not even one that no reader would take.
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let path = "/sandbox/v1/clock/advance";
        for value in ["1e999", r#""\ud800""#, &deep] {
            let body = format!(r#"{{"seconds":{value},"seconds":1}}"#);
            let answer = platform.admin(Request::post(path, body.as_bytes())).await;
            let detail = json!("seconds is given more than once");
            assert_eq!((answer.status, answer.json()["detail"].clone()), (422, detail), "{value}");
        }
        let twice = r#"{"email":"one@example.com","email":"two@example.com"}"#;
        let made = envelope(&caller.send(platform, Request::post(CREATE, twice)).await);
        assert_eq!(made["data"]["email"], "two@example.com");
        let merchant = Merchant::new(platform).await;
        let card_id = merchant.card(&merchant.save, 20).await;
        let twice = format!(r#"{{"card_id":"nobody","card_id":"{card_id}"}}"#);
        let body = merchant.client.envelope().seal(twice.as_bytes()).unwrap();
        let shown = merchant.client.send("/cardDetail", body).await.unwrap();
        assert_eq!(shown["card_id"], json!(card_id));
    }
);
