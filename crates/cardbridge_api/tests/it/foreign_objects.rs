//! Objects of another enterprise answer as not found, on every route. A route that is not
//! in the table here fails the test.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::platform::Platform;
use testkit::signing::{Caller, text};
use testkit::vm_client::{Merchant, NewApp, merchant_key};

/// A call of a route, with `{card}` and other placeholders for the ids of an enterprise.
enum Asked {
    /// A GET with this query.
    Query(&'static str, &'static str),
    /// A POST with this body.
    Body(&'static str, &'static str),
    /// It names no object: it works on the caller's own account or creates something new.
    NoObject,
}

use Asked::{Body, NoObject, Query};

const CARD_BODY: Asked = Body(r#"{"cardId":"{card}"}"#, "DAPI_CARD_NOT_FOUND");
const CARD_QUERY: Asked = Query("cardId={card}", "DAPI_CARD_NOT_FOUND");
const CUSTOMER_QUERY: Asked = Query("customerId={customer}", "DAPI_CUSTOMER_NOT_FOUND");
const APPLY_KYC: Asked = Body(
    r#"{"kycTicketRef":"foreign-{n}","customerId":"{customer}","identifyProofList":[{"identityProofUrl":"k/1.jpg",
        "identityProofType":"ID_CARD","identityProofSubType":"FRONT_SIDE","identityProofIssuedCountry":"MYS"}],
        "addressProofList":[{"addressProofType":"UTILITY_BILL","addressProofIssuedCountry":"SG","addressProofUrl":"k/2.jpg"}],
        "kycCareerInfo":{"employmentStatus":"STUDENT","sourceOfFunds":"OTHERS","sourceOfWealth":"OTHERS"}}"#,
    "DAPI_CUSTOMER_NOT_FOUND",
);

const TABLE: [(&str, Asked); 30] = [
    (
        "card-order/v1/apply-virtual",
        Body(
            r#"{"profileId":"{own_profile}","cardType":"VIRTUAL","cardOrderRef":"foreign-{n}","cardApplyMode":"NORMAL",
            "customerId":"{customer}","kycTicketId":"{kyc}"}"#,
            "DAPI_CUSTOMER_NOT_FOUND",
        ),
    ),
    ("card-order/v1/detail", Query("cardOrderId={order}", "DAPI_CARD_ORDER_NOT_FOUND")),
    (
        "card-order/v1/virtual-to-physical",
        Body(
            r#"{"cardOrderRef":"foreign-{n}","replaceCardId":"{card}","virtualToPhysicalInfo":{"countryCode":"SG",
            "state":"Singapore","city":"Singapore","postalCode":"000001","address":"1 Test Road",
            "embossingName":"TEST USER","cardLayoutCode":"MGEBP","needShippingInfo":false}}"#,
            "DAPI_ORIGINAL_CARD_NOT_FOUND",
        ),
    ),
    (
        "card-order/v1/replace",
        Body(
            r#"{"cardOrderRef":"foreign-{n}","replaceCardId":"{card}"}"#,
            "DAPI_ORIGINAL_CARD_NOT_FOUND",
        ),
    ),
    ("card/v1/detail", CARD_QUERY),
    ("card/v1/list", CUSTOMER_QUERY),
    ("card/v1/freeze", Body(r#"{"cardId":"{card}","freeze":true}"#, "DAPI_CARD_NOT_FOUND")),
    (
        "card/v1/terminate",
        Body(r#"{"cardId":"{card}","invalidateReason":"CARD_LOST"}"#, "DAPI_CARD_NOT_FOUND"),
    ),
    ("card/v1/retrieve-secure-card", CARD_BODY),
    ("card/v1/physical-active", CARD_BODY),
    (
        "card/v1/reset-pin",
        Body(
            r#"{"cardId":"{card}","encryptedExpireDate":"AAAA","encryptedCvv2":"AAAA","encryptedPanLast4":"AAAA",
            "encryptedNewPin":"AAAA","iv":"AAAAAAAAAAAAAAAA"}"#,
            "DAPI_CARD_NOT_FOUND",
        ),
    ),
    ("card/v1/shipping-info", CARD_QUERY),
    ("card/v1/card-velocity-limits", CARD_QUERY),
    (
        "card-redirect/v1/guidance-link",
        Body(
            r#"{"type":"1","cardId":"{card}","customerId":"{customer}","otpStatus":"0","language":"en","theme":"default",
            "mode":"light","userAgent":"test"}"#,
            "DAPI_CUSTOMER_NOT_FOUND",
        ),
    ),
    (
        "3ds-challenge/v1/authenticate",
        Body(
            r#"{"challengeId":"{challenge}","approveStatus":"APPROVE"}"#,
            "DAPI_SYS_ILLEGAL_PARAM",
        ),
    ),
    ("intent-ticket/v1/generate-pre-upload-url", NoObject),
    (
        "intent-ticket/v1/create",
        Body(
            r#"{"ticketType":"INCREASE_LIMIT_EDD","ticketRef":"foreign-{n}","businessType":"CARD_ID","businessId":"{card}",
            "eddSofOther":{"description":"x","docUrls":[{"fileName":"a.pdf","filePath":"k/a.pdf"}]}}"#,
            "DAPI_CARD_ID_INCORRECT_ERROR",
        ),
    ),
    ("intent-ticket/v1/detail", Query("ticketId={ticket}", "DAPI_SYS_ILLEGAL_PARAM")),
    ("enterprise/v1/enterprise-balance", NoObject),
    ("enterprise/v1/settlement-file-url", NoObject),
    ("customer/v1/create-customer", NoObject),
    ("customer/v1/create", NoObject),
    ("customer/v1/detail", CUSTOMER_QUERY),
    ("customer/v1/send-otp", NoObject),
    ("kyc-ticket/v1/apply-kyc", APPLY_KYC),
    ("kyc-ticket/v1/apply", APPLY_KYC),
    (
        "kyc-ticket/v1/apply-kyc-h5",
        Body(
            r#"{"kycTicketRef":"foreign-{n}","customerId":"{customer}"}"#,
            "DAPI_CUSTOMER_NOT_FOUND",
        ),
    ),
    ("kyc-ticket/v1/detail", Query("kycTicketId={kyc}", "DAPI_SYS_ILLEGAL_PARAM")),
    ("kyc/v1/detail", CUSTOMER_QUERY),
    (
        "simulation/v1/fund-auth",
        Body(
            r#"{"cardId":"{card}","authType":"EXPEND","amount":"1","currency":"840"}"#,
            "DAPI_CARD_NOT_FOUND",
        ),
    ),
];

/// Every object of one enterprise that a route could name.
struct Belongings {
    ids: Vec<(&'static str, String)>,
}

impl Belongings {
    async fn of(caller: &Caller, platform: &Platform) -> Self {
        let card = caller.new_card(platform, "theirs").await;
        let card_id = text(&card["cardId"]);
        let customer = text(&card["customerId"]);
        let order =
            caller.get(platform, "/open-api/card-order/v1/detail?cardOrderRef=theirs").await;
        let h5 = json!({"kycTicketRef": "theirs", "customerId": customer});
        let kyc = caller.post(platform, "/open-api/kyc-ticket/v1/apply-kyc-h5", &h5).await;
        let evidence = json!({"ticketType": "INCREASE_LIMIT_EDD", "ticketRef": "theirs",
            "businessType": "CARD_ID", "businessId": card_id, "eddSofOther": {"description": "x",
            "docUrls": [{"fileName": "a.pdf", "filePath": "k/a.pdf"}]}});
        let ticket = caller.post(platform, "/open-api/intent-ticket/v1/create", &evidence).await;
        let asked = json!({"cardId": card_id, "amount": "1.00", "currency": "840"});
        let challenge = platform.done("/sandbox/v1/3ds-challenges", asked).await;
        let ids = vec![
            ("{order}", text(&order["data"]["cardOrderId"])),
            ("{kyc}", text(&kyc["data"]["kycTicketId"])),
            ("{ticket}", text(&ticket["data"]["ticketId"])),
            ("{challenge}", text(&challenge["challengeId"])),
            ("{card}", card_id),
            ("{customer}", customer),
        ];
        Self { ids }
    }

    fn fill(&self, template: &str, caller: &Caller, n: usize) -> String {
        let own =
            template.replace("{own_profile}", &caller.profile_id).replace("{n}", &n.to_string());
        self.ids.iter().fold(own, |text, (name, id)| text.replace(name, id))
    }
}

async fn ask(
    platform: &Platform,
    caller: &Caller,
    path: &str,
    asked: &Asked,
    theirs: &Belongings,
    n: usize,
) -> Option<Value> {
    match asked {
        Query(query, _) => {
            let target = format!("{path}?{}", theirs.fill(query, caller, n));
            Some(caller.get(platform, &target).await)
        }
        Body(body, _) => {
            let body = serde_json::from_str(&theirs.fill(body, caller, n)).unwrap();
            Some(caller.post(platform, path, &body).await)
        }
        NoObject => None,
    }
}

#[test]
fn every_route_has_its_case() {
    let listed: BTreeSet<_> = TABLE.iter().map(|(path, _)| format!("/open-api/{path}")).collect();
    let routed: BTreeSet<_> =
        cardbridge_api::public_paths().into_iter().map(str::to_owned).collect();
    assert_eq!(listed, routed);
}

both_engines!(objects_of_another_enterprise_are_not_found, |platform| {
    let (owner, other) = (Caller::new(platform).await, Caller::new(platform).await);
    for caller in [&owner, &other] {
        let path = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
        platform.admin_patch(&path, &json!({"pci": true})).await;
    }
    let theirs = Belongings::of(&owner, platform).await;
    for (n, (path, asked)) in TABLE.iter().enumerate() {
        let path = format!("/open-api/{path}");
        let (Query(_, code) | Body(_, code)) = asked else { continue };
        let refused = ask(platform, &other, &path, asked, &theirs, n).await.unwrap();
        assert_eq!(refused["code"], *code, "{path}: {refused}");
    }
    // The refused objects are there for their owner, unchanged.
    for (path, name) in [
        ("card/v1/detail?cardId=", "{card}"),
        ("card-order/v1/detail?cardOrderId=", "{order}"),
        ("customer/v1/detail?customerId=", "{customer}"),
        ("kyc-ticket/v1/detail?kycTicketId=", "{kyc}"),
        ("intent-ticket/v1/detail?ticketId=", "{ticket}"),
    ] {
        let target = format!("/open-api/{path}{}", theirs.fill(name, &owner, 0));
        let found = owner.get(platform, &target).await;
        assert_eq!(found["code"], "SYS_SUCCESS", "{target}");
    }
    let card = owner
        .get(platform, &theirs.fill("/open-api/card/v1/detail?cardId={card}", &owner, 0))
        .await;
    assert_eq!(card["data"]["status"], "ACTIVATED");
    let challenge = theirs.fill("/sandbox/v1/3ds-challenges/{challenge}", &owner, 0);
    assert_eq!(platform.admin_get(&challenge).await.json()["status"], "INIT");
});

both_engines!(cards_of_apps_are_not_found, |platform| {
    let owner = Caller::new(platform).await;
    let path = format!("/admin/v1/enterprises/{}", owner.enterprise_id);
    platform.admin_patch(&path, &json!({"pci": true})).await;
    let app = NewApp::make_for(platform, &owner.enterprise_id).await;
    let merchant = Merchant::of(platform, app, merchant_key()).await;
    let card_uuid = merchant.card(&merchant.save, 100).await;
    let card = platform.admin_get(&format!("/admin/v1/cards/{card_uuid}")).await.json();
    let asked = json!({"cardId": card_uuid, "amount": "1.00", "currency": "840"});
    let challenge = platform.done("/sandbox/v1/3ds-challenges", asked).await;
    let ids = vec![
        ("{challenge}", text(&challenge["challengeId"])),
        ("{card}", text(&card["cardId"])),
        ("{customer}", text(&card["customerId"])),
    ];
    let theirs = Belongings { ids };
    let mut refusals = 0;
    for (n, (path, asked)) in TABLE.iter().enumerate() {
        let (Query(template, code) | Body(template, code)) = asked else { continue };
        if !template.contains("{card}") && !template.contains("{challenge}") {
            continue;
        }
        // The customer is the enterprise's own.
        let code = code.replace("CUSTOMER", "CARD");
        let path = format!("/open-api/{path}");
        let refused = ask(platform, &owner, &path, asked, &theirs, n).await.unwrap();
        assert_eq!(refused["code"], code, "{path}: {refused}");
        refusals += 1;
    }
    assert_eq!(refusals, 14);
    let list = format!("/open-api/card/v1/list?customerId={}", text(&card["customerId"]));
    assert_eq!(owner.get(platform, &list).await["data"], json!([]));
    assert_eq!(merchant.detail(&card_uuid).await["status"], "ACTIVE");
});
