//! A log that cannot be synced to disk: no caller learns that a purchase failed which is still
//! there after the next start.

use std::time::Duration;

use domain::ResponseCode;
use serde_json::json;
use sim::Behaviour;

use crate::engine::Engine;
use crate::faults::Faults;
use crate::world::{WAIT, World, purchase, text};

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_ends_the_process_and_the_log_decides() {
    let faults = Faults::new();
    let mut world = World::among(&Engine::embedded(), &[], faults.variables()).await;
    let card_id = world.card("order-1").await;
    let thinking = Duration::from_millis(500);
    world.enterprise.answer(Behaviour::Late(ResponseCode::Approved, thinking));
    let mut body = purchase(&card_id, "10.00");
    body["stan"] = json!("000001");
    body["rrn"] = json!("000000000001");
    let (operator, message) = (world.operator.clone(), body.clone());
    let buying =
        tokio::spawn(async move { operator.post("/sandbox/v1/authorisations", &message).await });
    while world.enterprise.notice_count() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    faults.syncs_fail(true);
    assert!(world.broke_off().await, "a signal ends the process");
    assert!(buying.await.unwrap().is_err(), "no caller gets an answer");

    faults.syncs_fail(false);
    world.start_again();
    let listed = world.operator.get(&format!("/admin/v1/authorisations?cardId={card_id}")).await;
    let listed = listed.unwrap();
    let [stored] = &listed["items"].as_array().unwrap()[..] else { panic!("{listed}") };
    let is_approved = text(stored, "status") == "APPROVED";
    assert_eq!(world.available().await, if is_approved { "99990.00" } else { "100000.00" });
    let repeated = world.operator.post("/sandbox/v1/authorisations", &body).await.unwrap();
    assert_eq!(repeated["authId"], stored["authId"]);
    assert_eq!(repeated["approved"], is_approved);
    let auth_id = text(stored, "authId");
    let webhook = world.enterprise.wait_for_webhook(WAIT, |it| it.business_id() == auth_id).await;
    let flag = if is_approved { "A" } else { "D" };
    assert_eq!(webhook.expect("its result webhook arrives").text("/data/approveFlag"), flag);
    world.verify_ledger().await;
}
