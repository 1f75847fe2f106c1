//! The other ways to a card: a customer with a KYC ticket, and an applicant who must show
//! evidence.

use platform::Failure;
use serde_json::json;

use super::screen::Screen;
use super::setting::{Scene, expect, failed, text};

/// A customer, a KYC ticket that passes, and a card in NORMAL mode.
pub async fn known_customer(screen: &mut Screen, scene: &mut Scene) -> Result<(), Failure> {
    let customer = json!({"phoneCountryCode": "MY", "phone": "122765673",
        "email": "second@example.com", "customerRef": "demo-second"});
    let customer = scene.post("customer/v1/create-customer", &customer).await?;
    let customer_id = text(&customer, "customerId")?;
    let application = json!({"kycTicketRef": "demo-kyc", "customerId": customer_id,
        "identifyProofList": [{"identityProofUrl": "demo/id.jpg", "identityProofType": "ID_CARD",
            "identityProofSubType": "FRONT_SIDE", "identityProofIssuedCountry": "MYS"}],
        "addressProofList": [{"addressProofType": "UTILITY_BILL",
            "addressProofIssuedCountry": "SG", "addressProofUrl": "demo/bill.pdf"}],
        "kycCareerInfo": {"employmentStatus": "EMPLOYED", "employerName": "Test Employer",
            "sourceOfFunds": "OWN_BANK_ACCOUNT", "sourceOfWealth": "EMPLOYMENT"}});
    let ticket = scene.post("kyc-ticket/v1/apply-kyc", &application).await?;
    let ticket_id = text(&ticket, "kycTicketId")?;
    screen.step("customer created, KYC applied for", &format!("ticket {ticket_id}"));
    let order = json!({"profileId": scene.profile_id, "cardType": "VIRTUAL",
        "cardOrderRef": "demo-normal", "cardApplyMode": "NORMAL", "customerId": customer_id,
        "kycTicketId": ticket_id});
    let order = scene.post("card-order/v1/apply-virtual", &order).await?;
    scene.card_id = scene.card_of(&order).await?;
    let ticket = scene.get("kyc-ticket/v1/detail", &[("kycTicketId", &ticket_id)]).await?;
    expect("the KYC ticket", &json!("PASS"), &ticket["status"])?;
    screen.step("KYC passed, card ordered in NORMAL mode", &format!("card {}", scene.card_id));
    Ok(())
}

/// An order that waits for evidence: uploaded, put into a ticket, accepted.
pub async fn evidence(screen: &mut Screen, scene: &Scene) -> Result<(), Failure> {
    let application = json!({"profileId": scene.profile_id, "cardOrderRef": "demo-edd",
        "customerInfo": {"phone": "+6580000003", "email": "third@example.com",
            "customerRef": "demo-third"},
        "kycInfo": {"sumsubShareToken": "edd-demonstration", "employmentStatus": "STUDENT",
            "sourceOfFunds": "OTHERS", "sourceOfWealth": "INHERITANCE"}});
    let order = scene.post("card-order/v1/apply-virtual", &application).await?;
    let order_id = text(&order, "cardOrderId")?;
    let order = scene.order_until(&order_id, "CUSTOMER_PASS").await?;
    expect("needEddFile", &json!(true), &order["needEddFile"])?;
    screen.step("an applicant must show evidence", "CUSTOMER_PASS, needEddFile");
    let wanted = json!({"fileNames": ["will.pdf"], "businessType": "CREATE_CARD_EDD"});
    let links = scene.post("intent-ticket/v1/generate-pre-upload-url", &wanted).await?;
    let link = &links["uploadFileResponses"][0];
    scene.upload(&text(link, "url")?, b"%PDF-1.4\n% the demonstration's will\n%%EOF\n").await?;
    let ticket = json!({"ticketType": "CREATE_CARD_EDD", "ticketRef": "demo-ticket",
        "businessType": "CARD_ORDER_ID", "businessId": order_id, "eddSowInheritance": {
            "deceasedName": "A", "relationshipToYou": "AUNT", "yearInherited": "2020",
            "approximateValue": "1000", "typeOfAssets": "CASH",
            "docUrls": [{"fileName": "will.pdf", "filePath": text(link, "objectKey")?}]}});
    let ticket = scene.post("intent-ticket/v1/create", &ticket).await?;
    screen.step("evidence uploaded, ticket opened", "pre-signed PUT, then intent-ticket");
    let path = format!("/sandbox/v1/intent-tickets/{}/decide", text(&ticket, "ticketId")?);
    let outcome = json!({"outcome": "pass"});
    scene.operator.post(&path, &outcome).await.map_err(failed("the reviewer's decision"))?;
    scene.order_until(&order_id, "SUCCEED").await?;
    screen.step("reviewer accepts the evidence", "the order goes on to SUCCEED");
    Ok(())
}
