//! From virtual to physical, with a PIN; and replacement.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use platform::Failure;
use sdk::crypto::field_cipher;
use serde_json::{Value, json};

use super::purchase::buy_with;
use super::screen::Screen;
use super::setting::{Scene, expect, failed, text};

const PIN: &str = "4927";

/// A physical twin of the card: ordered, embossed, shipped, activated, and its PIN set.
pub async fn twin(screen: &mut Screen, scene: &mut Scene) -> Result<(), Failure> {
    let order = json!({"cardOrderRef": "demo-plastic", "replaceCardId": scene.card_id,
        "virtualToPhysicalInfo": {"countryCode": "SG", "state": "Singapore", "city": "Singapore",
            "postalCode": "000001", "address": "1 Test Road", "embossingName": "TEST USER",
            "cardLayoutCode": "MGEBP", "needShippingInfo": true, "mailMobileCode": "SG",
            "mailMobile": "80000000"}});
    let order = scene.post("card-order/v1/virtual-to-physical", &order).await?;
    let physical = scene.card_of(&order).await?;
    let path = format!("/admin/v1/cards/{physical}");
    let operator = &scene.operator;
    operator.post(&format!("{path}/emboss"), &json!({})).await.map_err(failed("emboss"))?;
    let parcel = json!({"trackingNumber": "TN-1", "trackingCompanyName": "Test Post"});
    operator.post(&format!("{path}/ship"), &parcel).await.map_err(failed("ship"))?;
    let shipping = scene.get("card/v1/shipping-info", &[("cardId", &physical)]).await?;
    expect("the parcel", &json!("TN-1"), &shipping["trackingNumber"])?;
    screen.step("plastic twin ordered, embossed, shipped", "same PAN, WAITING_ACTIVE");
    let card = scene.post("card/v1/physical-active", &json!({"cardId": physical})).await?;
    expect("the plastic card", &json!("ACTIVATED"), &card["status"])?;
    let old = scene.get("card/v1/detail", &[("cardId", &scene.card_id)]).await?;
    expect("the virtual twin", &json!("INVALID"), &old["status"])?;
    scene.card_id = physical;
    screen.step("shopper activates the plastic card", "ACTIVATED, the virtual twin ends");
    Ok(())
}

/// The enterprise reads the card's data, sets a PIN, and the shopper pays with it.
pub async fn pin(screen: &mut Screen, scene: &Scene) -> Result<(), Failure> {
    let secure = scene.secure_card().await?;
    let open = |field: &str| -> Result<String, Failure> { scene.open(&secure, field) };
    let (pan, expiry, cvv2) = (open("pan")?, open("expireDate")?, open("cvv2")?);
    let iv = [7; 12];
    let sealed = |plain: &str| {
        field_cipher::encrypt(&scene.secret_key, &iv, plain.as_bytes()).map_err(failed("AES-GCM"))
    };
    let last4 = pan.get(pan.len().saturating_sub(4)..).unwrap_or_default();
    let request = json!({"cardId": scene.card_id, "iv": STANDARD.encode(iv),
        "encryptedExpireDate": sealed(&expiry)?, "encryptedCvv2": sealed(&cvv2)?,
        "encryptedPanLast4": sealed(last4)?, "encryptedNewPin": sealed(PIN)?});
    let set = scene.post("card/v1/reset-pin", &request).await?;
    expect("reset-pin", &json!(true), &set)?;
    screen.step("card data read, PIN set", "AES-256-GCM both ways, on record");
    let right = buy_with(scene, "12.00", &json!({"pin": PIN})).await?;
    expect("a purchase with the PIN", &json!(true), &right["approved"])?;
    let wrong = buy_with(scene, "12.00", &json!({"pin": "0000"})).await?;
    expect("a purchase with another PIN", &json!(false), &wrong["approved"])?;
    scene.reverse(&text(&right, "authId")?).await?;
    screen.step("shopper pays with right and wrong PIN", "approved; declined");
    Ok(())
}

/// A lost card is replaced by one with a new PAN.
pub async fn replacement(screen: &mut Screen, scene: &mut Scene) -> Result<(), Failure> {
    let order = json!({"cardOrderRef": "demo-replace", "replaceCardId": scene.card_id});
    let order = scene.post("card-order/v1/replace", &order).await?;
    let successor = scene.card_of(&order).await?;
    let status = async |card_id: &str| -> Result<Value, Failure> {
        let card = scene.get("card/v1/detail", &[("cardId", card_id)]).await?;
        Ok(card["status"].clone())
    };
    expect("the old card", &json!("INVALID"), &status(&scene.card_id).await?)?;
    expect("the new card", &json!("ACTIVATED"), &status(&successor).await?)?;
    scene.card_id = successor;
    screen.step("lost card replaced", "new PAN, virtual, the old card ends");
    Ok(())
}
