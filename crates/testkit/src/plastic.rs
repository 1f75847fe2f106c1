//! A test's enterprise beyond ordering cards: physical cards, card data, PINs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::field_cipher;
use serde_json::{Value, json};

use crate::platform::Platform;
use crate::signing::{Caller, text};

/// Orders a physical twin.
pub const ORDER: &str = "/open-api/card-order/v1/virtual-to-physical";
/// Activates a physical card.
pub const ACTIVATE: &str = "/open-api/card/v1/physical-active";
/// Reads card data.
pub const RETRIEVE: &str = "/open-api/card/v1/retrieve-secure-card";
/// Sets a PIN.
pub const RESET: &str = "/open-api/card/v1/reset-pin";

impl Caller {
    /// A valid order for a physical twin.
    pub fn physical_order(&self, card_order_ref: &str, card_id: &str) -> Value {
        json!({"cardOrderRef": card_order_ref, "replaceCardId": card_id,
            "virtualToPhysicalInfo": {"countryCode": "SG", "province": "Singapore",
                "city": "Singapore", "postalCode": "000001", "address": "1 Test Road",
                "embossingName": "TEST USER", "cardLayoutCode": "MGEBP",
                "needShippingInfo": true, "mailMobileCode": "SG", "mailMobile": "80000000"}})
    }

    /// Orders a physical twin and waits for it; returns the new card's id.
    pub async fn new_twin(&self, platform: &Platform, card_id: &str, order_ref: &str) -> String {
        let order = self.post(platform, ORDER, &self.physical_order(order_ref, card_id)).await;
        assert_eq!(order["code"], "SYS_SUCCESS", "{order}");
        platform.advance(2).await;
        let order = self.order(platform, order_ref).await;
        assert_eq!(order["status"], "SUCCEED", "{order}");
        text(&order["cardId"])
    }

    /// An activated physical card: its id and that of its ended virtual twin.
    pub async fn new_physical(&self, platform: &Platform) -> (String, String) {
        let virtual_id = text(&self.new_card(platform, "ord-1").await["cardId"]);
        let card_id = self.new_twin(platform, &virtual_id, "v2p-1").await;
        platform.done(&format!("/admin/v1/cards/{card_id}/emboss"), json!({})).await;
        let activated = self.post(platform, ACTIVATE, &json!({"cardId": card_id})).await;
        assert_eq!(activated["data"]["status"], "ACTIVATED", "{activated}");
        (card_id, virtual_id)
    }

    pub async fn order(&self, platform: &Platform, order_ref: &str) -> Value {
        let target = format!("/open-api/card-order/v1/detail?cardOrderRef={order_ref}");
        self.get(platform, &target).await["data"].clone()
    }

    pub async fn card(&self, platform: &Platform, card_id: &str) -> Value {
        let target = format!("/open-api/card/v1/detail?cardId={card_id}");
        self.get(platform, &target).await["data"].clone()
    }
}

/// The data printed on a card.
pub struct CardData {
    pub pan: String,
    pub expiry: String,
    pub cvv2: String,
    pub iv: String,
}

impl Caller {
    /// Marks the enterprise as PCI-certified.
    pub async fn certify(&self, platform: &Platform) {
        let path = format!("/admin/v1/enterprises/{}", self.enterprise_id);
        assert_eq!(platform.admin_patch(&path, &json!({"pci": true})).await.status, 200);
    }

    /// The data of a card, decrypted as an enterprise would.
    pub async fn card_data(&self, platform: &Platform, card_id: &str) -> CardData {
        let answer = self.post(platform, RETRIEVE, &json!({"cardId": card_id})).await;
        assert_eq!(answer["code"], "SYS_SUCCESS", "{}", answer["code"]);
        let data = &answer["data"];
        assert_eq!(data["cardId"], card_id);
        let iv = text(&data["iv"]);
        let iv_bytes = STANDARD.decode(&iv).unwrap();
        assert_eq!(iv_bytes.len(), 12);
        let plain = |field: &str| {
            let plain = field_cipher::decrypt(&self.secret, &iv_bytes, &text(&data[field]));
            String::from_utf8(plain.unwrap().to_vec()).unwrap()
        };
        CardData { pan: plain("pan"), expiry: plain("expireDate"), cvv2: plain("cvv2"), iv }
    }
}

impl Caller {
    /// A PIN with the data printed on the card, sealed under an IV.
    pub fn reset_body(&self, card_id: &str, fields: [&str; 4], iv: &[u8]) -> Value {
        let sealed = |text: &str| field_cipher::encrypt(&self.secret, iv, text.as_bytes()).unwrap();
        json!({"cardId": card_id, "encryptedExpireDate": sealed(fields[0]),
            "encryptedCvv2": sealed(fields[1]), "encryptedPanLast4": sealed(fields[2]),
            "encryptedNewPin": sealed(fields[3]), "iv": STANDARD.encode(iv)})
    }

    /// Sets a PIN; returns the whole envelope.
    pub async fn reset(&self, platform: &Platform, card_id: &str, fields: [&str; 4]) -> Value {
        self.post(platform, RESET, &self.reset_body(card_id, fields, &[9; 12])).await
    }
}

/// The states that webhooks reported for an object, in order.
pub async fn told(platform: &Platform, business_id: &str) -> Vec<String> {
    let filter = store::DeliveryFilter {
        business_id: Some(business_id.parse().unwrap()),
        limit: 100,
        ..Default::default()
    };
    let deliveries = platform.store.deliveries(filter).await.unwrap();
    let status = |body: &[u8]| {
        let body: Value = serde_json::from_slice(body).unwrap();
        text(&body["data"]["status"])
    };
    deliveries.iter().map(|view| status(&view.event.body)).collect()
}
