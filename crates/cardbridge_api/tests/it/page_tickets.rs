//! Hosted pages of KYC tickets: the form, and the stand-in for face verification.

use domain::Mode;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::page_visits::{AGENT, GUIDANCE_LINK, html, open, page_error, submit, token};
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

pub const H5: &str = "/open-api/kyc-ticket/v1/apply-kyc-h5";
const APPLY: &str = "/open-api/kyc-ticket/v1/apply-kyc";
const DETAIL: &str = "/open-api/kyc-ticket/v1/detail";

/// A customer with an INIT ticket for a form, or a PENDING one for a face, and the request
/// for a link.
pub async fn waiting(platform: &Platform, caller: &Caller, guidance_type: &str) -> Value {
    let card = caller.new_card(platform, "ord-1").await;
    let customer_id = text(&card["customerId"]);
    let mut body = json!({"kycTicketRef": "wait-1", "customerId": customer_id});
    let path = if guidance_type == "7" { H5 } else { APPLY };
    if path == APPLY {
        body["identifyProofList"] = json!([{"identityProofUrl": "k/1.jpg"}]);
    }
    let ticket = caller.post(platform, path, &body).await;
    assert_eq!(ticket["code"], "SYS_SUCCESS", "{ticket}");
    json!({"type": guidance_type, "customerId": customer_id, "userAgent": AGENT,
        "kycTicketId": ticket["data"]["kycTicketId"], "otpStatus": "0", "language": "en",
        "profileId": caller.profile_id})
}

async fn status(platform: &Platform, caller: &Caller) -> String {
    let ticket = caller.get(platform, &format!("{DETAIL}?kycTicketRef=wait-1")).await;
    text(&ticket["data"]["status"])
}

/// A complete form.
pub const GOOD: [(&str, &str); 6] = [
    ("identityProofType", "PASSPORT"),
    ("identityProofUrl", "k/1.jpg"),
    ("identityProofIssuedCountry", "mys"),
    ("employmentStatus", "EMPLOYED"),
    ("employerName", "Acme <script>"),
    ("sourceOfFunds", "OTHERS"),
];

both_engines!(a_form_moves_its_ticket_on_once_it_is_whole, |platform| {
    let caller = Caller::new(platform).await;
    let request = waiting(platform, &caller, "7").await;
    let link = caller.link(platform, &request).await;
    assert!(link.starts_with("/en/card/kyc?secret="), "{link}");
    let page = open(platform, &link).await;
    let shown = html(&page);
    assert!(shown.contains("<option value=\"SELF_EMPLOYED\">SELF EMPLOYED</option>"), "{shown}");
    let mut next = token(&page);
    for (missing, wrong) in [("employerName", ""), ("identityProofIssuedCountry", "XXX")] {
        let mut fields = GOOD.to_vec();
        fields.retain(|(name, _)| *name != missing);
        fields.extend([(missing, wrong), ("token", &next)]);
        let again = submit(platform, "/en/card/kyc", &fields).await;
        assert!(html(&again).contains("DAPI_CARD_ORDER_KYC_INFO_INVALID"), "{missing}");
        next = token(&again);
        assert_eq!(status(platform, &caller).await, "INIT");
    }
    let mut fields = GOOD.to_vec();
    fields.push(("token", &next));
    let done = submit(platform, "/en/card/kyc", &fields).await;
    assert!(html(&done).contains("Your details have been submitted."));
    assert_eq!(status(platform, &caller).await, "PENDING");
    let refused = caller.post(platform, GUIDANCE_LINK, &request).await;
    assert_eq!(refused["code"], "DAPI_OPERATION_NOT_SUPPORT", "the form is in already");
});

both_engines!(a_face_passes_or_refuses_its_ticket, |platform| {
    let caller = Caller::new(platform).await;
    let request = waiting(platform, &caller, "4").await;
    let face = async |outcome: &str| {
        let token = token(&open(platform, &caller.link(platform, &request).await).await);
        let fields = [("token", &*token), ("outcome", outcome)];
        submit(platform, "/en/card/face", &fields).await
    };
    let unclear = face("maybe").await;
    assert_eq!((unclear.status, &*page_error(&unclear)), (403, "10001"));
    let matched = face("match").await;
    assert!(html(&matched).contains("Your face is verified."), "{}", html(&matched));
    assert_eq!(status(platform, &caller).await, "PENDING");
    let other = face("other").await;
    assert_eq!((other.status, &*page_error(&other)), (403, "10002"));
    assert_eq!(status(platform, &caller).await, "REFUSE");
    let refused = caller.post(platform, GUIDANCE_LINK, &request).await;
    assert_eq!(refused["code"], "DAPI_OPERATION_NOT_SUPPORT");
});

both_engines!(a_ticket_of_somebody_else_is_not_there, |platform| {
    let caller = Caller::new(platform).await;
    let other = Caller::new(platform).await;
    let request = waiting(platform, &caller, "7").await;
    let theirs = waiting(platform, &other, "7").await;
    for ticket in [json!("1"), json!("ticket_1"), theirs["kycTicketId"].clone()] {
        let mut request = request.clone();
        request["kycTicketId"] = ticket;
        let refused = caller.post(platform, GUIDANCE_LINK, &request).await;
        assert_eq!(refused["code"], "DAPI_SYS_ILLEGAL_PARAM");
    }
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_has_no_stand_in_for_a_face() {
    let database = testkit::database::Database::embedded();
    let sandbox = Platform::start(database.location()).await;
    let caller = Caller::new(&sandbox).await;
    let link = caller.link(&sandbox, &waiting(&sandbox, &caller, "4").await).await;
    sandbox.stop().await;
    let production = Platform::start_in(database.location(), Mode::Production).await;
    let answer = open(&production, &link).await;
    assert_eq!((answer.status, &*page_error(&answer)), (500, "10000"));
    production.stop().await;
}
