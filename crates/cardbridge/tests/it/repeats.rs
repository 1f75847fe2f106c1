//! Messages that the network repeats or sends too late.

use serde_json::{Value, json};

use crate::engine::Engine;
use crate::world::{World, purchase, text};

/// Orders a physical card in place of a virtual one and activates it; returns its id.
async fn plastic(world: &World, card_id: &str) -> String {
    let post = async |path: &str, body: Value| {
        let body = Some(serde_json::to_vec(&body).unwrap());
        let reply = world.client.call(sdk::Method::POST, path, &[], body).await.unwrap();
        serde_json::from_str::<Value>(reply.data.as_ref().unwrap().get()).unwrap()
    };
    let order = json!({"cardOrderRef": "v2p-1", "replaceCardId": card_id,
        "virtualToPhysicalInfo": {"countryCode": "SG", "province": "Singapore",
            "city": "Singapore", "postalCode": "000001", "address": "1 Test Road",
            "embossingName": "TEST USER", "cardLayoutCode": "MGEBP",
            "needShippingInfo": true, "mailMobileCode": "SG", "mailMobile": "80000000"}});
    let order = post("/open-api/card-order/v1/virtual-to-physical", order).await;
    let twin = world.card_of(&text(&order, "cardOrderId")).await;
    world.operator.post(&format!("/admin/v1/cards/{twin}/emboss"), &json!({})).await.unwrap();
    let active = post("/open-api/card/v1/physical-active", json!({"cardId": twin})).await;
    assert_eq!(active["status"], "ACTIVATED", "{active}");
    twin
}

async fn an_increment_is_known_again_on_the_plastic_twin(engine: Engine) {
    let world = World::new(&engine, &[]).await;
    let card_id = world.card("ord-1").await;
    let call = async |path: &str, body: Value| {
        world.operator.post(&format!("/sandbox/v1/{path}"), &body).await.unwrap()
    };
    let mut reservation = purchase(&card_id, "100.00");
    reservation["authType"] = json!("PRE_AUTH");
    let reserved = text(&call("authorisations", reservation).await, "authId");
    let path = format!("authorisations/{reserved}/increment");
    let increment = json!({"amount": "5.00", "stan": "000007", "rrn": "000000000007"});
    let first = call(&path, increment.clone()).await;
    assert_eq!(first["approved"], true, "{first}");
    let twin = plastic(&world, &card_id).await;
    let again = call(&path, increment).await;
    assert_eq!(again["authId"], first["authId"], "{again}");

    // A completion with the twin, and again with the card that it replaced.
    let mut completion = purchase(&twin, "105.00");
    completion["authType"] = json!("PRE_AUTH_COMPLETION");
    completion["originalAuthId"] = json!(reserved);
    completion["stan"] = json!("000008");
    completion["rrn"] = json!("000000000008");
    let completed = call("authorisations", completion.clone()).await;
    assert_eq!(completed["approved"], true, "{completed}");
    completion["cardId"] = json!(card_id);
    assert_eq!(call("authorisations", completion).await["authId"], completed["authId"]);
    assert_eq!(world.available().await, "99895.00");
    assert_eq!(world.enterprise.notice_count(), 3);
    world.verify_ledger().await;
}

#[tokio::test]
async fn an_increment_is_recognised_on_the_physical_twin_sqlite() {
    an_increment_is_known_again_on_the_plastic_twin(Engine::embedded()).await;
}

#[tokio::test]
async fn an_increment_is_recognised_on_the_physical_twin_postgres() {
    an_increment_is_known_again_on_the_plastic_twin(Engine::postgres().await).await;
}

#[tokio::test]
async fn refused_messages_are_not_errors_of_the_platform() {
    let mut world = World::new(&Engine::embedded(), &["--log", "debug"]).await;
    let card_id = world.card("ord-1").await;
    let path = "/sandbox/v1/authorisations";
    let bought = world.operator.post(path, &purchase(&card_id, "15.50")).await.unwrap();
    let path = format!("{path}/{}", text(&bought, "authId"));
    world.operator.post(&format!("{path}/clear"), &json!({})).await.unwrap();
    for (step, body) in [
        ("reverse", json!({})),
        ("increment", json!({"amount": "1.00"})),
        ("clear", json!({"amount": "1.00"})),
    ] {
        assert!(world.operator.post(&format!("{path}/{step}"), &body).await.is_err(), "{step}");
    }
    // A process that has ended has written its whole log.
    world.terminate();
    world.ended().await;
    let log = std::fs::read_to_string(world.data_dir().with_extension("log")).unwrap();
    assert_eq!(log.matches("a message was refused").count(), 2, "{log}");
    assert!(!log.contains("ERROR"), "{log}");
}
