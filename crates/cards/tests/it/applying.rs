//! Why an application is refused, and which customer it creates or finds.

use domain::{CardOrder, EnterpriseId, ErrorCode, ProfileId};
use serde_json::{Value, json};

use crate::bed::{Bed, application, parse};

async fn code_of(bed: &Bed, body: &Value) -> Option<ErrorCode> {
    let outcome = bed.cards.apply_virtual(bed.enterprise_id, parse(body)).await;
    outcome.err().map(|error| error.code())
}

#[tokio::test]
async fn a_used_reference_is_refused_before_anything_else() {
    let bed = Bed::new().await;
    bed.place("ord-1", "share-1").await;
    let mut body = application(ProfileId::from_i64(5), "ord-1", "share-1");
    body["customerInfo"]["email"] = json!("nowhere");
    assert_eq!(code_of(&bed, &body).await, Some(ErrorCode::CardOrderRefAlreadyExists));
    body["cardOrderRef"] = json!("ord-2");
    assert_eq!(code_of(&bed, &body).await, Some(ErrorCode::CardOrderProfileNotFound));
    body["profileId"] = json!(bed.profile_id.to_string());
    assert_eq!(code_of(&bed, &body).await, Some(ErrorCode::EmailInvalid));
}

#[tokio::test]
async fn unknown_foreign_and_malformed_profile_ids_are_not_found() {
    let bed = Bed::new().await;
    let other = EnterpriseId::from_i64(bed.store.ids().next());
    let foreign = ProfileId::from_i64(bed.store.ids().next());
    bed.add_enterprise(other).await;
    bed.add_profile(other, foreign).await;
    for profile_id in ["profile_1".to_owned(), foreign.to_string(), "77".to_owned()] {
        let mut body = application(bed.profile_id, "ord-1", "share-1");
        body["profileId"] = json!(profile_id);
        assert_eq!(code_of(&bed, &body).await, Some(ErrorCode::CardOrderProfileNotFound));
    }
}

#[tokio::test]
async fn each_rule_has_its_code_and_nothing_is_written() {
    let bed = Bed::new().await;
    let refused = [
        ("/kycInfo/country", json!("US"), ErrorCode::CardProfileNotSupportingCountryCodes),
        ("/customerInfo/email", Value::Null, ErrorCode::CustomerEmailOrPhoneRequired),
        ("/customerInfo/phone", json!("12"), ErrorCode::PhoneInvalid),
        ("/customerInfo/email", json!("a@b"), ErrorCode::EmailInvalid),
        ("/kycInfo/employmentStatus", json!("EMPLOYED"), ErrorCode::SysIllegalParam),
    ];
    for (field, value, code) in refused {
        let mut body = application(bed.profile_id, "ord-1", "share-1");
        body["customerInfo"]["phone"] = Value::Null;
        *body.pointer_mut(field).unwrap() = value;
        assert_eq!(code_of(&bed, &body).await, Some(code), "{field}");
    }
    let order = bed.store.find_by_ref::<CardOrder>(bed.enterprise_id, "ord-1").await.unwrap();
    assert_eq!(order, None);
}

#[tokio::test]
async fn normal_mode_names_what_does_not_exist() {
    let bed = Bed::new().await;
    let placed = bed.place("ord-1", "share-1").await;
    let mut body = json!({
        "profileId": bed.profile_id.to_string(), "cardType": "VIRTUAL", "cardOrderRef": "ord-2",
        "cardApplyMode": "NORMAL", "customerId": "cust_1", "kycTicketId": "4879840591766572801",
    });
    assert_eq!(code_of(&bed, &body).await, Some(ErrorCode::CustomerNotFound));
    body["customerId"] = json!(placed.customer_id.to_string());
    let outcome = bed.cards.apply_virtual(bed.enterprise_id, parse(&body)).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SysIllegalParam);
    assert!(error.detail().unwrap().contains("kycTicketId"));
}

#[tokio::test]
async fn a_customer_is_found_again_and_never_mixed_up() {
    let bed = Bed::new().await;
    let first = bed.place("ord-1", "share-1").await;
    let mut again = application(bed.profile_id, "ord-2", "share-1");
    again["customerInfo"] = application(bed.profile_id, "ord-1", "share-1")["customerInfo"].clone();
    let second = bed.cards.apply_virtual(bed.enterprise_id, parse(&again)).await.unwrap();
    assert_eq!(second.customer_id, first.customer_id);

    let mut same_email = again.clone();
    same_email["cardOrderRef"] = json!("ord-3");
    same_email["customerInfo"]["customerRef"] = json!("another");
    same_email["customerInfo"]["phone"] = json!("+6591234567");
    assert_eq!(code_of(&bed, &same_email).await, Some(ErrorCode::EmailAlreadyExists));

    let mut same_ref = again.clone();
    same_ref["cardOrderRef"] = json!("ord-4");
    same_ref["customerInfo"]["email"] = json!("somebody.else@example.com");
    assert_eq!(code_of(&bed, &same_ref).await, Some(ErrorCode::CustomerRefNotUnique));
}
