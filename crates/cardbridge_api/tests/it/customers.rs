//! Customers over the wire (cardbridge-open-api.md section 6.7).

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

pub const CREATE: &str = "/open-api/customer/v1/create-customer";
const DETAIL: &str = "/open-api/customer/v1/detail";

/// The id of a new customer with this reference and an e-mail made of it.
pub async fn new_customer(platform: &Platform, caller: &Caller, reference: &str) -> String {
    let body = json!({"customerRef": reference, "email": format!("{reference}@example.com")});
    let made = caller.post(platform, CREATE, &body).await;
    assert_eq!(made["code"], "SYS_SUCCESS", "{made}");
    text(&made["data"]["customerId"])
}

both_engines!(a_customer_is_made_and_read_by_both_names, |platform| {
    let caller = Caller::new(platform).await;
    let body = json!({"phoneCountryCode": "MY", "phone": "122765673",
        "email": "Jane@Example.com", "customerRef": "jane"});
    let made = caller.post(platform, CREATE, &body).await;
    assert_eq!(made["code"], "SYS_SUCCESS", "{made}");
    let data = &made["data"];
    let shown = json!({"customerId": data["customerId"], "customerRef": "jane",
        "phoneCountryCode": "MY", "phone": "+60122765673", "email": "jane@example.com",
        "status": "ACTIVE", "createTime": data["createTime"], "modifyTime": data["createTime"]});
    assert_eq!(data, &shown);
    let id = text(&data["customerId"]);
    for query in [
        format!("customerId={id}"),
        "customerRef=jane".to_owned(),
        format!("customerId={id}&customerRef=jane"),
    ] {
        let read = caller.get(platform, &format!("{DETAIL}?{query}")).await;
        assert_eq!(&read["data"], data, "{query}");
    }
    // The changelog's path serves the same.
    let body = json!({"phoneCountryCode": "MYS", "phone": "012-276 5674"});
    let made = caller.post(platform, "/open-api/customer/v1/create", &body).await;
    assert_eq!(made["data"]["phone"], "+60122765674", "{made}");
    assert_eq!(made["data"]["email"], Value::Null);
});

both_engines!(each_refusal_of_a_customer_has_its_code, |platform| {
    let caller = Caller::new(platform).await;
    let known = json!({"phoneCountryCode": "SG", "phone": "81234567",
        "email": "known@example.com", "customerRef": "known"});
    assert_eq!(caller.post(platform, CREATE, &known).await["code"], "SYS_SUCCESS");
    for (body, code) in [
        (known.clone(), "DAPI_CUSTOMER_REF_NOT_UNIQUE"),
        (json!({"customerRef": "known"}), "DAPI_CUSTOMER_REF_NOT_UNIQUE"),
        (json!({}), "DAPI_CUSTOMER_EMAIL_OR_PHONE_REQUIRED"),
        (
            json!({"customerRef": "new", "phoneCountryCode": "SG"}),
            "DAPI_CUSTOMER_EMAIL_OR_PHONE_REQUIRED",
        ),
        (json!({"phone": "81234568"}), "DAPI_PHONE_INVALID"),
        (json!({"phone": "81234568", "phoneCountryCode": "ZZ"}), "DAPI_PHONE_INVALID"),
        (
            json!({"phone": "12ab", "phoneCountryCode": "SG", "email": "nobody"}),
            "DAPI_PHONE_INVALID",
        ),
        (json!({"email": "nobody"}), "DAPI_EMAIL_INVALID"),
        (json!({"email": "KNOWN@example.com"}), "DAPI_EMAIL_ALREADY_EXISTS"),
        (
            json!({"email": "known@example.com", "phone": "+6581234567"}),
            "DAPI_EMAIL_ALREADY_EXISTS",
        ),
        (json!({"email": "new@example.com", "phone": "+6581234567"}), "DAPI_PHONE_ALREADY_EXISTS"),
        (json!({"email": "new@example.com", "customerRef": " a b"}), "DAPI_SYS_ILLEGAL_PARAM"),
        (json!({"email": ["new@example.com"]}), "DAPI_SYS_ILLEGAL_PARAM"),
        (json!([]), "DAPI_SYS_ILLEGAL_PARAM"),
    ] {
        assert_eq!(caller.post(platform, CREATE, &body).await["code"], code, "{body}");
    }
    let nothing = caller.get(platform, &format!("{DETAIL}?customerRef=new")).await;
    assert_eq!(nothing["code"], "DAPI_CUSTOMER_NOT_FOUND");
});

both_engines!(customers_of_others_are_not_found, |platform| {
    let caller = Caller::new(platform).await;
    let other = Caller::new(platform).await;
    let theirs = new_customer(platform, &other, "theirs").await;
    for query in [
        format!("customerId={theirs}"),
        "customerRef=theirs".to_owned(),
        "customerId=customer_1".to_owned(),
    ] {
        let answer = caller.get(platform, &format!("{DETAIL}?{query}")).await;
        assert_eq!(answer["code"], "DAPI_CUSTOMER_NOT_FOUND", "{query}");
    }
    let both = format!("{DETAIL}?customerId={theirs}&customerRef=another");
    assert_eq!(other.get(platform, &both).await["code"], "DAPI_CUSTOMER_NOT_FOUND");
    assert_eq!(caller.get(platform, DETAIL).await["code"], "DAPI_SYS_ILLEGAL_PARAM");
    // The same data serve another enterprise as well.
    new_customer(platform, &caller, "theirs").await;
});

both_engines!(of_equal_customers_at_once_exactly_one_wins, |platform| {
    let caller = Caller::new(platform).await;
    for (round, body, code) in [
        (
            1,
            json!({"customerRef": "twin", "email": "twin@example.com"}),
            "DAPI_CUSTOMER_REF_NOT_UNIQUE",
        ),
        (2, json!({"email": "twin-2@example.com"}), "DAPI_EMAIL_ALREADY_EXISTS"),
        (3, json!({"phone": "+6581111111"}), "DAPI_PHONE_ALREADY_EXISTS"),
    ] {
        let attempt = || async { caller.post(platform, CREATE, &body).await["code"].clone() };
        let (first, second, third, fourth) =
            tokio::join!(attempt(), attempt(), attempt(), attempt());
        let codes = [first, second, third, fourth];
        let won = codes.iter().filter(|&it| it == "SYS_SUCCESS").count();
        assert_eq!(won, 1, "round {round}: {codes:?}");
        assert_eq!(codes.iter().filter(|&it| it == code).count(), 3, "round {round}: {codes:?}");
    }
});
