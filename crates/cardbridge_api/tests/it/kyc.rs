//! KYC tickets and orders of NORMAL mode over the wire (cardbridge-open-api.md sections
//! 6.1.1 and 6.8).

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::database::tamper;
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

use crate::customers::new_customer;

const APPLY: &str = "/open-api/kyc-ticket/v1/apply-kyc";
const APPLY_H5: &str = "/open-api/kyc-ticket/v1/apply-kyc-h5";
const DETAIL: &str = "/open-api/kyc-ticket/v1/detail";
const APPLY_VIRTUAL: &str = "/open-api/card-order/v1/apply-virtual";

/// A sound application for the checks of a customer.
fn application(reference: &str, customer_id: &str) -> Value {
    let proof = json!({"identityProofUrl": "k/1.jpg", "identityProofType": "ID_CARD",
        "identityProofSubType": "FRONT_SIDE", "identityProofIssuedCountry": "MYS"});
    json!({"kycTicketRef": reference, "customerId": customer_id,
        "identifyProofList": [proof, proof],
        "addressProofList": [{"addressProofType": "UTILITY_BILL",
            "addressProofIssuedCountry": "SG", "addressProofUrl": "k/2.pdf"}],
        "kycCareerInfo": {"employmentStatus": "EMPLOYED", "employerName": "Acme",
            "employmentJobIndustry": "INFORMATION", "sourceOfFunds": "OTHERS"}})
}

/// The id of a new ticket.
async fn new_ticket(
    platform: &Platform,
    caller: &Caller,
    reference: &str,
    customer: &str,
) -> String {
    let made = caller.post(platform, APPLY, &application(reference, customer)).await;
    assert_eq!(made["code"], "SYS_SUCCESS", "{made}");
    text(&made["data"]["kycTicketId"])
}

async fn ticket(platform: &Platform, caller: &Caller, reference: &str) -> Value {
    let target = format!("{DETAIL}?kycTicketRef={reference}");
    caller.get(platform, &target).await["data"].clone()
}

async fn decide(platform: &Platform, ticket_id: &str, verdict: Value) -> Value {
    platform.done(&format!("/sandbox/v1/kyc-tickets/{ticket_id}/decide"), verdict).await
}

fn normal(caller: &Caller, reference: &str, customer_id: &str, ticket_id: &str) -> Value {
    json!({"profileId": caller.profile_id, "cardType": "VIRTUAL", "cardOrderRef": reference,
        "cardApplyMode": "NORMAL", "customerId": customer_id, "kycTicketId": ticket_id})
}

async fn order(platform: &Platform, caller: &Caller, reference: &str) -> Value {
    let target = format!("/open-api/card-order/v1/detail?cardOrderRef={reference}");
    caller.get(platform, &target).await["data"].clone()
}

both_engines!(a_customer_passes_and_gets_a_card, |platform| {
    let caller = Caller::new(platform).await;
    let customer = new_customer(platform, &caller, "ann").await;
    let kyc = format!("/open-api/kyc/v1/detail?customerId={customer}");
    assert_eq!(caller.get(platform, &kyc).await["data"]["kycStatus"], Value::Null);
    let made = caller.post(platform, APPLY, &application("kyc-1", &customer)).await;
    let data = &made["data"];
    let shown = json!({"kycTicketId": data["kycTicketId"], "kycTicketRef": "kyc-1",
        "customerId": customer, "type": "API", "status": "PENDING", "errorCode": null,
        "errorReason": null, "createTime": data["createTime"], "modifyTime": data["createTime"]});
    assert_eq!(data, &shown);
    platform.advance(1).await;
    let id = text(&data["kycTicketId"]);
    let by_id = caller.get(platform, &format!("{DETAIL}?kycTicketId={id}")).await;
    assert_eq!(by_id["data"]["status"], "PASS");
    assert_eq!(by_id["data"], ticket(platform, &caller, "kyc-1").await);
    let state = caller.get(platform, &kyc).await["data"].clone();
    let shown = json!({"customerId": customer, "kycStatus": "PASS", "country": "SG",
        "nationality": "MY", "identityProofType": "ID_CARD", "kycTicketId": id,
        "modifyTime": by_id["data"]["modifyTime"]});
    assert_eq!(state, shown);

    let applied =
        caller.post(platform, APPLY_VIRTUAL, &normal(&caller, "o-1", &customer, &id)).await;
    assert_eq!(applied["data"]["status"], "PENDING", "{applied}");
    assert_eq!(applied["data"]["customerId"], customer.as_str());
    platform.advance(2).await;
    let order = order(platform, &caller, "o-1").await;
    assert_eq!(order["status"], "SUCCEED");
    assert!(order["cardId"].is_string());
    let deliveries = platform
        .admin_get(&format!(
            "/admin/v1/webhook-deliveries?order=asc&businessId={}",
            text(&order["cardOrderId"])
        ))
        .await
        .json();
    assert_eq!(deliveries["items"].as_array().unwrap().len(), 5);
    // A customer who passed may be checked again, by the changelog's path as well.
    let again = application("kyc-2", &customer);
    let again = caller.post(platform, "/open-api/kyc-ticket/v1/apply", &again).await;
    assert_eq!(again["data"]["status"], "PENDING", "{again}");
});

both_engines!(an_order_waits_for_its_ticket_and_wakes_at_the_decision, |platform| {
    let caller = Caller::new(platform).await;
    let mut waiting = Vec::new();
    for name in ["good", "bad"] {
        let customer = new_customer(platform, &caller, name).await;
        let id = new_ticket(platform, &caller, &format!("wait-{name}"), &customer).await;
        let body = normal(&caller, name, &customer, &id);
        assert_eq!(caller.post(platform, APPLY_VIRTUAL, &body).await["code"], "SYS_SUCCESS");
        waiting.push(id);
    }
    platform.advance(3600).await;
    for name in ["good", "bad"] {
        assert_eq!(order(platform, &caller, name).await["status"], "CUSTOMER_PASS");
        assert_eq!(ticket(platform, &caller, &format!("wait-{name}")).await["status"], "PENDING");
    }
    let passed = decide(platform, &waiting[0], json!({"outcome": "pass"})).await;
    assert_eq!(passed["status"], "PASS");
    let refused = json!({"outcome": "fail", "reason": "blurred"});
    let refused = decide(platform, &waiting[1], refused).await;
    assert_eq!(
        (&refused["status"], &refused["errorReason"]),
        (&json!("REFUSE"), &json!("blurred"))
    );
    platform.advance(2).await;
    assert_eq!(order(platform, &caller, "good").await["status"], "SUCCEED");
    let failed = order(platform, &caller, "bad").await;
    assert_eq!(failed["status"], "FAILED");
    assert_eq!(failed["errorCode"], "DAPI_CARD_ORDER_KYC_VERIFY_FAILED");
    assert_eq!(failed["cardId"], Value::Null);
    assert_eq!(platform.store.next_job_due(store::JobKind::OrderStep).await.unwrap(), None);
});

both_engines!(orders_of_a_refused_ticket_fail, |platform| {
    let caller = Caller::new(platform).await;
    let customer = new_customer(platform, &caller, "fay").await;
    let id = new_ticket(platform, &caller, "fail-1", &customer).await;
    platform.advance(1).await;
    let refused = ticket(platform, &caller, "fail-1").await;
    assert_eq!(refused["status"], "REFUSE");
    assert_eq!(refused["errorCode"], "DAPI_CARD_ORDER_KYC_VERIFY_FAILED");
    let body = normal(&caller, "late", &customer, &id);
    assert_eq!(caller.post(platform, APPLY_VIRTUAL, &body).await["data"]["status"], "PENDING");
    platform.advance(2).await;
    let failed = order(platform, &caller, "late").await;
    assert_eq!(failed["errorCode"], "DAPI_CARD_ORDER_KYC_VERIFY_FAILED", "{failed}");
});

both_engines!(an_order_of_a_refused_ticket_waits_for_no_evidence, |platform| {
    let caller = Caller::new(platform).await;
    let customer = new_customer(platform, &caller, "edd-fay").await;
    let id = new_ticket(platform, &caller, "fail-1", &customer).await;
    platform.advance(1).await;
    let body = normal(&caller, "late", &customer, &id);
    assert_eq!(caller.post(platform, APPLY_VIRTUAL, &body).await["data"]["status"], "PENDING");
    platform.advance(2).await;
    let failed = order(platform, &caller, "late").await;
    assert_eq!(failed["errorCode"], "DAPI_CARD_ORDER_KYC_VERIFY_FAILED", "{failed}");
    assert_eq!(platform.store.next_job_due(store::JobKind::OrderStep).await.unwrap(), None);
});

both_engines!(accepted_evidence_does_not_outweigh_a_refused_ticket, |platform| {
    let caller = Caller::new(platform).await;
    let body = json!({"customerRef": "edd-gus", "email": "slow@example.com"});
    let made = caller.post(platform, crate::customers::CREATE, &body).await;
    let customer = text(&made["data"]["customerId"]);
    let id = new_ticket(platform, &caller, "wait-1", &customer).await;
    decide(platform, &id, json!({"outcome": "fail"})).await;
    let body = normal(&caller, "late", &customer, &id);
    let order_id = text(&caller.post(platform, APPLY_VIRTUAL, &body).await["data"]["cardOrderId"]);
    platform.advance(6).await;
    let waiting = order(platform, &caller, "late").await;
    assert_eq!(
        (&waiting["status"], &waiting["needEddFile"]),
        (&json!("CUSTOMER_PASS"), &json!(true))
    );
    let evidence = crate::intent_tickets::for_order("t-1", &order_id);
    let made = caller.post(platform, "/open-api/intent-ticket/v1/create", &evidence).await;
    let path = format!("/sandbox/v1/intent-tickets/{}/decide", text(&made["data"]["ticketId"]));
    assert_eq!(platform.done(&path, json!({"outcome": "pass"})).await["ticketStatus"], "SUCCEED");
    platform.advance(6).await;
    let failed = order(platform, &caller, "late").await;
    assert_eq!(failed["errorCode"], "DAPI_CARD_ORDER_KYC_VERIFY_FAILED", "{failed}");
    assert_eq!(platform.store.next_job_due(store::JobKind::OrderStep).await.unwrap(), None);
});

/// A slow order that waits for this open ticket, once its first step is made.
async fn first_step_beside_open_ticket(
    platform: &Platform,
    caller: &Caller,
    customer_ref: &str,
) -> String {
    let body = json!({"customerRef": customer_ref, "email": "slow@example.com"});
    let made = caller.post(platform, crate::customers::CREATE, &body).await;
    let customer = text(&made["data"]["customerId"]);
    let id = new_ticket(platform, caller, "wait-1", &customer).await;
    let body = normal(caller, "ord-1", &customer, &id);
    assert_eq!(caller.post(platform, APPLY_VIRTUAL, &body).await["code"], "SYS_SUCCESS");
    platform.advance(6).await;
    assert_eq!(order(platform, caller, "ord-1").await["status"], "CUSTOMER_PASS");
    id
}

both_engines!(
    a_refusal_at_the_moment_an_order_waits_for_evidence_fails_it,
    |platform, location| {
        let caller = Caller::new(platform).await;
        first_step_beside_open_ticket(platform, &caller, "edd-ned").await;
        assert_eq!(order(platform, &caller, "ord-1").await["needEddFile"], true);
        tamper(location, crate::parked_jobs::REFUSE_UNSEEN).await;
        platform.advance(6).await;
        let failed = order(platform, &caller, "ord-1").await;
        assert_eq!(failed["errorCode"], "DAPI_CARD_ORDER_KYC_VERIFY_FAILED", "{failed}");
        assert_eq!(platform.store.next_job_due(store::JobKind::OrderStep).await.unwrap(), None);
    }
);

both_engines!(evidence_beside_an_open_ticket_counts_once_the_ticket_passes, |platform| {
    let caller = Caller::new(platform).await;
    let id = first_step_beside_open_ticket(platform, &caller, "edd-pat").await;
    let order_id = text(&order(platform, &caller, "ord-1").await["cardOrderId"]);
    let evidence = crate::intent_tickets::for_order("t-1", &order_id);
    let made = caller.post(platform, "/open-api/intent-ticket/v1/create", &evidence).await;
    let path = format!("/sandbox/v1/intent-tickets/{}/decide", text(&made["data"]["ticketId"]));
    assert_eq!(platform.done(&path, json!({"outcome": "pass"})).await["ticketStatus"], "SUCCEED");
    platform.advance(6).await;
    let waiting = order(platform, &caller, "ord-1").await;
    assert_eq!(
        (&waiting["status"], &waiting["needEddFile"]),
        (&json!("CUSTOMER_PASS"), &json!(false))
    );
    assert_eq!(platform.store.next_job_due(store::JobKind::OrderStep).await.unwrap(), None);
    decide(platform, &id, json!({"outcome": "pass"})).await;
    platform.advance(30).await;
    assert_eq!(order(platform, &caller, "ord-1").await["status"], "SUCCEED");
});

both_engines!(the_decision_of_a_ticket_wakes_an_order_whose_job_is_parked, |platform, location| {
    let caller = Caller::new(platform).await;
    let id = first_step_beside_open_ticket(platform, &caller, "pia").await;
    tamper(location, crate::parked_jobs::PARK).await;
    decide(platform, &id, json!({"outcome": "pass"})).await;
    platform.advance(30).await;
    assert_eq!(order(platform, &caller, "ord-1").await["status"], "SUCCEED");
});

both_engines!(a_hosted_form_makes_the_ticket_pending, |platform| {
    let caller = Caller::new(platform).await;
    let customer = new_customer(platform, &caller, "hal").await;
    let body = json!({"kycTicketRef": "h5-1", "customerId": customer});
    let made = caller.post(platform, APPLY_H5, &body).await;
    assert_eq!((&made["data"]["type"], &made["data"]["status"]), (&json!("H5"), &json!("INIT")));
    platform.advance(60).await;
    assert_eq!(ticket(platform, &caller, "h5-1").await["status"], "INIT");
    let filled = application("h5-1", &customer).to_string();
    let form = wire::cardbridge::kyc::ApplyKyc::parse(filled.as_bytes()).ok().unwrap().form;
    let enterprise_id = caller.enterprise_id.parse().unwrap();
    let ticket_id = text(&made["data"]["kycTicketId"]).parse().unwrap();
    let cards = &platform.parts.cards;
    let submitted = cards.submit_kyc_form(enterprise_id, ticket_id, &form).await.unwrap();
    assert_eq!(submitted.status, domain::KycTicketStatus::Pending);
    assert!(cards.submit_kyc_form(enterprise_id, ticket_id, &form).await.is_err());
    let seen = cards.record_face_check(enterprise_id, ticket_id, true).await.unwrap();
    assert!(seen.face_matched_at.is_some());
    platform.advance(1).await;
    assert_eq!(ticket(platform, &caller, "h5-1").await["status"], "PASS");
    let kyc = format!("/open-api/kyc/v1/detail?customerId={customer}");
    assert_eq!(caller.get(platform, &kyc).await["data"]["nationality"], "MY");
});

both_engines!(another_face_refuses_an_open_ticket, |platform| {
    let caller = Caller::new(platform).await;
    let customer = new_customer(platform, &caller, "ida").await;
    let id = new_ticket(platform, &caller, "wait-1", &customer).await;
    let (enterprise_id, ticket_id) = (caller.enterprise_id.parse().unwrap(), id.parse().unwrap());
    let cards = &platform.parts.cards;
    let refused = cards.record_face_check(enterprise_id, ticket_id, false).await.unwrap();
    assert_eq!(refused.status, domain::KycTicketStatus::Refuse);
    assert!(cards.record_face_check(enterprise_id, ticket_id, true).await.is_err());
});

both_engines!(each_refusal_of_a_ticket_has_its_code, |platform| {
    let caller = Caller::new(platform).await;
    let other = Caller::new(platform).await;
    let customer = new_customer(platform, &caller, "kim").await;
    let second = new_customer(platform, &caller, "kay").await;
    let theirs = new_customer(platform, &other, "kit").await;
    new_ticket(platform, &caller, "wait-1", &customer).await;
    let changed = |pointer: &str, value: Value| {
        let mut body = application("new", &second);
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for (body, code) in [
        (application("wait-1", &customer), "DAPI_TICKET_REF_REPEATED"),
        (application("wait-1", "1"), "DAPI_TICKET_REF_REPEATED"),
        (application("new", &theirs), "DAPI_CUSTOMER_NOT_FOUND"),
        (application("new", "customer_1"), "DAPI_CUSTOMER_NOT_FOUND"),
        (application("new", &customer), "DAPI_EXIST_ONGOING_TICKET_ERROR"),
        (json!({"kycTicketRef": "new", "customerId": customer}), "DAPI_EXIST_ONGOING_TICKET_ERROR"),
        (changed("/identifyProofList", json!([])), "DAPI_CARD_ORDER_KYC_INFO_INVALID"),
        (
            changed("/identifyProofList/0/identityProofUrl", Value::Null),
            "DAPI_CARD_ORDER_KYC_INFO_INVALID",
        ),
        (
            changed("/addressProofList/0/addressProofUrl", json!("")),
            "DAPI_CARD_ORDER_KYC_INFO_INVALID",
        ),
        (changed("/kycCareerInfo/employerName", Value::Null), "DAPI_CARD_ORDER_KYC_INFO_INVALID"),
        (changed("/identifyProofList", json!("x")), "DAPI_SYS_ILLEGAL_PARAM"),
        (
            changed("/addressProofList/0/addressProofIssuedCountry", json!("XX")),
            "DAPI_SYS_ILLEGAL_PARAM",
        ),
        (changed("/kycTicketRef", json!("a b ")), "DAPI_SYS_ILLEGAL_PARAM"),
        (changed("/customerId", Value::Null), "DAPI_SYS_ILLEGAL_PARAM"),
    ] {
        assert_eq!(caller.post(platform, APPLY, &body).await["code"], code, "{body}");
    }
    let h5 = |reference: &str, id: &str| json!({"kycTicketRef": reference, "customerId": id});
    for (body, code) in [
        (h5("wait-1", &second), "DAPI_TICKET_REF_REPEATED"),
        (h5("new", &theirs), "DAPI_CUSTOMER_NOT_FOUND"),
        (h5("new", &customer), "DAPI_EXIST_ONGOING_TICKET_ERROR"),
        (json!({"kycTicketRef": "new"}), "DAPI_SYS_ILLEGAL_PARAM"),
    ] {
        assert_eq!(caller.post(platform, APPLY_H5, &body).await["code"], code, "{body}");
    }
    assert_eq!(ticket(platform, &caller, "new").await, Value::Null);
});

both_engines!(tickets_of_others_are_not_found, |platform| {
    let caller = Caller::new(platform).await;
    let other = Caller::new(platform).await;
    let theirs = new_customer(platform, &other, "tom").await;
    let id = new_ticket(platform, &other, "wait-tom", &theirs).await;
    for query in [
        format!("?kycTicketId={id}"),
        "?kycTicketRef=wait-tom".to_owned(),
        "?kycTicketId=ticket_1".to_owned(),
        String::new(),
    ] {
        let answer = caller.get(platform, &format!("{DETAIL}{query}")).await;
        assert_eq!(answer["code"], "DAPI_SYS_ILLEGAL_PARAM", "{query}");
    }
    let both = format!("{DETAIL}?kycTicketId={id}&kycTicketRef=another");
    assert_eq!(other.get(platform, &both).await["code"], "DAPI_SYS_ILLEGAL_PARAM");
    let kyc = format!("/open-api/kyc/v1/detail?customerId={theirs}");
    assert_eq!(caller.get(platform, &kyc).await["code"], "DAPI_CUSTOMER_NOT_FOUND");
    // A ticket proves one customer only.
    let mine = new_customer(platform, &caller, "mia").await;
    let second = new_customer(platform, &other, "tim").await;
    let ours = caller.post(platform, APPLY_VIRTUAL, &normal(&caller, "x", &mine, &id)).await;
    assert_eq!(ours["code"], "DAPI_SYS_ILLEGAL_PARAM");
    let body = normal(&other, "x", &second, &id);
    assert_eq!(other.post(platform, APPLY_VIRTUAL, &body).await["code"], "DAPI_SYS_ILLEGAL_PARAM");
    for path in ["/admin/v1/kyc-tickets/7/decide", "/sandbox/v1/kyc-tickets/x/decide"] {
        let answer = platform.admin_post(path, &json!({"outcome": "pass"})).await;
        assert_eq!(answer.status, 404, "{path}");
    }
});

both_engines!(a_ticket_is_decided_once, |platform| {
    let caller = Caller::new(platform).await;
    let customer = new_customer(platform, &caller, "una").await;
    let id = new_ticket(platform, &caller, "wait-1", &customer).await;
    let path = format!("/admin/v1/kyc-tickets/{id}/decide");
    for bad in [json!({}), json!({"outcome": "maybe"}), json!({"outcome": "pass", "by": "me"})] {
        assert_eq!(platform.admin_post(&path, &bad).await.status, 422, "{bad}");
    }
    let first = platform.done(&path, json!({"outcome": "pass"})).await;
    assert_eq!(platform.done(&path, json!({"outcome": "pass"})).await, first);
    let other = platform.admin_post(&path, &json!({"outcome": "fail"})).await;
    assert_eq!((other.status, other.json()["code"].clone()), (409, json!("ticket_state")));
});

both_engines!(of_equal_tickets_at_once_exactly_one_wins, |platform| {
    let caller = Caller::new(platform).await;
    let customer = new_customer(platform, &caller, "viv").await;
    let other = new_customer(platform, &caller, "vic").await;
    for (bodies, code) in [
        (
            [application("same", &customer), application("same", &customer)],
            "DAPI_TICKET_REF_REPEATED",
        ),
        (
            [application("one", &other), application("two", &other)],
            "DAPI_EXIST_ONGOING_TICKET_ERROR",
        ),
    ] {
        let apply = |index: usize| {
            let (caller, body) = (&caller, &bodies[index]);
            async move { caller.post(platform, APPLY, body).await["code"].clone() }
        };
        let (first, second) = tokio::join!(apply(0), apply(1));
        let mut codes = [first, second];
        codes.sort_unstable_by_key(|code| code == "SYS_SUCCESS");
        assert_eq!(codes, [json!(code), json!("SYS_SUCCESS")]);
    }
});
