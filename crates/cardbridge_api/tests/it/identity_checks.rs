//! Production takes no application for a card while nobody checks applicants.

use domain::Mode;
use serde_json::{Value, json};
use testkit::database::Database;
use testkit::platform::Platform;
use testkit::signing::{Caller, text};
use testkit::vm_client::{Merchant, merchant_key};

const APPLY: &str = "/open-api/card-order/v1/apply-virtual";

/// A sandbox's enterprise and app, with a card each, that may call in production too.
struct Before {
    caller: Caller,
    card_id: String,
    merchant: Merchant,
    vm_card_id: String,
    customer_id: String,
    kyc_ticket_id: String,
}

impl Before {
    async fn on(platform: &Platform) -> Self {
        let caller = Caller::new(platform).await;
        let path = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
        platform.admin_patch(&path, &json!({ "ipAllowlist": ["127.0.0.0/8"] })).await;
        let card = caller.new_card(platform, "before").await;
        let ticket = json!({ "kycTicketRef": "k-1", "customerId": card["customerId"] });
        let ticket = caller.post(platform, "/open-api/kyc-ticket/v1/apply-kyc-h5", &ticket).await;
        let merchant = Merchant::new(platform).await;
        merchant.app.patch(platform, json!({ "ipWhitelist": ["127.0.0.1"] })).await;
        let vm_card_id = merchant.card(&merchant.save, 20).await;
        Self {
            card_id: text(&card["cardId"]),
            customer_id: text(&card["customerId"]),
            kyc_ticket_id: text(&ticket["data"]["kycTicketId"]),
            caller,
            merchant,
            vm_card_id,
        }
    }

    /// The app calls another platform over the same store.
    async fn go_to(&mut self, platform: &Platform) {
        self.merchant.client = self.merchant.app.client(platform, merchant_key()).await;
    }

    /// Applications in both modes of dialect 1.
    fn applications(&self) -> [Value; 2] {
        let mut forwarding = self.caller.application("after-1");
        forwarding["customerInfo"] = json!({ "email": "after@example.com" });
        let normal = json!({
            "profileId": self.caller.profile_id, "cardType": "VIRTUAL", "cardOrderRef": "after-2",
            "cardApplyMode": "NORMAL", "customerId": self.customer_id,
            "kycTicketId": self.kyc_ticket_id,
        });
        [forwarding, normal]
    }

    fn body(&self) -> Value {
        json!({
            "product_code": self.merchant.share, "first_name": "Test", "last_name": "User",
            "amount": 20,
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_checks_no_application_is_taken_and_cards_go_on() {
    let database = Database::embedded();
    let platform = Platform::start_in(database.location(), Mode::Sandbox).await;
    let mut before = Before::on(&platform).await;
    platform.stop().await;
    let platform = Platform::start_unchecked(database.location()).await;
    before.go_to(&platform).await;
    for application in before.applications() {
        let answer = before.caller.post(&platform, APPLY, &application).await;
        assert_eq!(answer["code"], "DAPI_OPERATION_NOT_SUPPORT", "{answer}");
        let detail = text(&answer["messageDetail"]);
        assert!(detail.contains("nobody checks") && detail.contains("`kyc`"), "{detail}");
    }
    let refused = before.merchant.refused("/createCard", before.body()).await;
    assert_eq!(refused.0, 400_009, "{}", refused.1);
    let balance = before.merchant.done("/getAccountBalance", json!({})).await;
    assert_eq!(balance, json!({ "balance": 9_980, "wallet_balance": 10_000 }));

    let more = json!({ "card_id": before.vm_card_id, "amount": 10 });
    before.merchant.done("/rechargeCard", more).await;
    let physical = json!({
        "cardOrderRef": "twin", "replaceCardId": before.card_id,
        "virtualToPhysicalInfo": {
            "countryCode": "SG", "embossingName": "TEST USER", "cardLayoutCode": "MGEBP",
        },
    });
    let path = "/open-api/card-order/v1/virtual-to-physical";
    let taken = before.caller.post(&platform, path, &physical).await;
    assert_eq!(taken["code"], "SYS_SUCCESS", "{taken}");
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_checks_elsewhere_applications_are_taken() {
    let database = Database::embedded();
    let platform = Platform::start_in(database.location(), Mode::Sandbox).await;
    let mut before = Before::on(&platform).await;
    platform.stop().await;
    let platform = Platform::start_in(database.location(), Mode::Production).await;
    before.go_to(&platform).await;
    for application in before.applications() {
        let answer = before.caller.post(&platform, APPLY, &application).await;
        assert_eq!(answer["data"]["status"], "PENDING", "{answer}");
    }
    before.merchant.done("/createCard", before.body()).await;
    platform.stop().await;
}
