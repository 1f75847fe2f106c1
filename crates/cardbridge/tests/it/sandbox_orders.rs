//! What the simulated network sends beside plain purchases: advices, single messages, how the card
//! was read, and reversals to a target (operator-and-sandbox.md section 4.1).

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use sim::Behaviour;

use crate::engine::Engine;
use crate::keyed_calls::operator_keyed;
use crate::link_reversals::on_both_engines;
use crate::world::{WAIT, World, purchase, text};

const AUTHORISATIONS: &str = "/sandbox/v1/authorisations";
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(5);

struct Shop {
    world: World,
    card_id: String,
}

impl Shop {
    async fn new(engine: &Engine) -> Self {
        let world = World::new(engine, &[]).await;
        let card_id = world.card("order-1").await;
        Self { world, card_id }
    }

    fn message(&self, amount: &str, more: &Value) -> Value {
        let mut body = purchase(&self.card_id, amount);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    async fn send(&self, amount: &str, more: Value) -> Value {
        let sent = self.world.operator.post(AUTHORISATIONS, &self.message(amount, &more)).await;
        sent.unwrap_or_else(|error| panic!("{more}: {error:?}"))
    }

    async fn refused(&self, path: &str, body: &Value) -> String {
        self.world.operator.post(path, body).await.expect_err(&body.to_string()).to_string()
    }

    async fn reverse(&self, of: &Value, body: Value) -> Value {
        let path = format!("{AUTHORISATIONS}/{}/reverse", text(of, "authId"));
        self.world.operator.post(&path, &body).await.unwrap()
    }

    async fn receipt(&self, of: &Value) -> Value {
        let path = format!("/admin/v1/authorisations/{}", text(of, "authId"));
        self.world.operator.get(&path).await.unwrap()
    }

    /// The posted transactions of an authorisation: direction and amount, oldest first.
    async fn posted(&self, of: &Value) -> Vec<(String, String)> {
        let path = format!("/admin/v1/transactions?order=asc&authId={}", text(of, "authId"));
        let all = self.world.operator.get(&path).await.unwrap();
        let rows = all["items"].as_array().unwrap();
        rows.iter().map(|it| (text(it, "direction"), text(it, "amount"))).collect()
    }

    async fn is_available(&self, amount: &str) {
        assert_eq!(self.world.available().await, amount);
    }

    /// Waits until the record of an authorisation says this.
    async fn is_detail(&self, of: &Value, detail: &str) {
        let shown = async {
            while self.receipt(of).await["detail"] != detail {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(WAIT, shown).await.unwrap_or_else(|_| panic!("no {detail}"));
    }

    async fn freeze(&self) {
        let frozen = json!({ "cardId": self.card_id, "freeze": true });
        let body = serde_json::to_vec(&frozen).unwrap();
        let path = wire::cardbridge::card::FREEZE_PATH;
        self.world.client.call(sdk::Method::POST, path, &[], Some(body)).await.unwrap();
    }

    async fn withdraw(&self, amount: &str) {
        let path = format!("/admin/v1/enterprises/{}/withdrawals", self.world.enterprise_id());
        let body = json!({ "currency": "840", "amount": amount, "reference": "all" });
        self.world.operator.post(&path, &body).await.unwrap();
    }
}

/// A network's key.
fn key(number: u32) -> Value {
    json!({ "stan": format!("{number:06}"), "rrn": format!("6333{number:08}") })
}

/// An object with the fields of both.
fn with(mut one: Value, other: &Value) -> Value {
    one.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    one
}

async fn an_advice_is_a_fact(engine: Engine) {
    let shop = Shop::new(&engine).await;
    shop.withdraw("100000.00").await;
    shop.freeze().await;
    let asked = shop.send("15.50", key(1)).await;
    assert_eq!(asked["approved"], false, "frozen and without a deposit");
    assert_eq!(shop.world.enterprise.notice_count(), 0);

    // The network approved in our place what we declined; nobody is asked before the answer.
    let advice =
        with(json!({ "messageClass": "advice", "advice": { "authCode": "775533" } }), &key(1));
    let stated = shop.send("15.50", advice.clone()).await;
    assert_eq!(stated["approved"], true, "{stated}");
    assert_ne!(stated["authId"], asked["authId"]);
    assert_eq!((&stated["responseCode"], &stated["authCode"]), (&json!("00"), &json!("775533")));
    assert_eq!(stated["detail"], "advice");
    assert_eq!(stated["latencyMs"]["enterprise"], Value::Null);
    assert_eq!(stated["advice"], json!({ "repeated": false, "reversalAuthId": null }));
    shop.is_available("-15.50").await;
    assert_eq!(shop.receipt(&stated).await["heldAmount"], "15.50");

    // The enterprise is told of it, with where the shop is.
    let auth_id = text(&stated, "authId");
    let told = shop.world.enterprise.wait_for_webhook(WAIT, |it| {
        it.business_id() == auth_id && it.text("/data/approveFlag") == "A"
    });
    told.await.expect("the result");
    assert_eq!(shop.world.enterprise.notice_count(), 1);

    // Again it changes nothing, and the request is answered by the network's fact.
    let again = shop.send("15.50", advice).await;
    assert_eq!((&again["authId"], &again["advice"]["repeated"]), (&stated["authId"], &json!(true)));
    let asked = shop.send("15.50", key(1)).await;
    assert_eq!((&asked["authId"], &asked["approved"]), (&stated["authId"], &json!(true)));
    assert!(asked.get("advice").is_none());
    shop.is_available("-15.50").await;
    assert_eq!(shop.world.enterprise.notice_count(), 1);

    // What the enterprise says changes nothing but the detail.
    shop.world.enterprise.answer(Behaviour::DECLINE);
    let refused = shop.send("1.00", json!({ "messageClass": "advice" })).await;
    assert_eq!(refused["approved"], true);
    shop.is_detail(&refused, "advice_refused").await;
    shop.is_available("-16.50").await;
    shop.world.verify_ledger().await;
}

async fn an_advice_corrects_an_answer(engine: Engine) {
    let shop = Shop::new(&engine).await;
    let asked = shop.send("20.00", key(1)).await;
    assert_eq!(asked["approved"], true);
    shop.is_available("99980.00").await;
    let advice = |code: &str| {
        let advice = json!({ "messageClass": "advice", "advice": { "responseCode": code } });
        with(advice, &key(1))
    };
    // The network approved more, then less, than it asked for.
    for (amount, left) in [("25.00", "99975.00"), ("12.00", "99988.00"), ("12.00", "99988.00")] {
        shop.send(amount, advice("10")).await;
        shop.is_available(left).await;
    }
    // It declined what we approved.
    let declined = shop.send("20.00", advice("51")).await;
    assert!(declined["advice"]["reversalAuthId"].is_string(), "{declined}");
    shop.is_available("100000.00").await;
    let reversal = json!({ "authId": declined["advice"]["reversalAuthId"] });
    assert_eq!(shop.receipt(&reversal).await["direction"], "INCOMING");
    let again = shop.send("20.00", advice("51")).await;
    assert_eq!(again["advice"], json!({ "repeated": true, "reversalAuthId": null }));

    // Declined without a request: the network's code becomes one of ours.
    for (code, own) in [("51", "01"), ("91", "21"), ("05", "11")] {
        let body = json!({ "messageClass": "advice", "advice": { "responseCode": code } });
        let declined = shop.send("1.00", body).await;
        assert_eq!(
            (&declined["approved"], &declined["responseCode"]),
            (&json!(false), &json!(own))
        );
        assert_eq!(declined["detail"], "network_declined");
    }
    // An advice that names what is open raises it.
    let open = shop.send("10.00", json!({})).await;
    let raises = json!({ "messageClass": "advice", "originalAuthId": open["authId"] });
    let raised = shop.send("5.00", raises).await;
    assert_eq!((&raised["originalAuthId"], &raised["outsId"]), (&open["authId"], &open["outsId"]));
    shop.is_available("99985.00").await;
    shop.reverse(&open, json!({})).await;
    shop.is_available("100000.00").await;
    shop.world.verify_ledger().await;
}

async fn a_single_message_posts_with_its_approval(engine: Engine) {
    let shop = Shop::new(&engine).await;
    let sale = shop.send("30.00", with(json!({ "messageClass": "single" }), &key(1))).await;
    assert_eq!((&sale["approved"], &sale["responseCode"]), (&json!(true), &json!("00")));
    let outgoing = |amount: &str| ("OUTGOING".to_owned(), amount.to_owned());
    assert_eq!(shop.posted(&sale).await, [outgoing("30.00")]);
    let receipt = shop.receipt(&sale).await;
    assert_eq!(
        (&receipt["heldAmount"], &receipt["postedAmount"]),
        (&json!("0.00"), &json!("30.00"))
    );
    shop.is_available("99970.00").await;
    // The numbers of a sale are its own: a request with the same ones is another message.
    let again = shop.send("30.00", with(json!({ "messageClass": "single" }), &key(1))).await;
    assert_eq!(again["authId"], sale["authId"]);
    let other = shop.send("1.00", key(1)).await;
    assert_ne!(other["authId"], sale["authId"]);
    shop.reverse(&other, json!({})).await;

    // Posted back: a part, then to a target, then the rest.
    let incoming = shop.reverse(&sale, json!({ "amount": "5.00" })).await;
    assert_eq!((&incoming["direction"], &incoming["amount"]), (&json!("INCOMING"), &json!("5.00")));
    assert_eq!(shop.posted(&incoming).await, [("INCOMING".to_owned(), "5.00".to_owned())]);
    shop.is_available("99975.00").await;
    let path = format!("{AUTHORISATIONS}/{}/reverse", text(&sale, "authId"));
    shop.refused(&path, &json!({ "amount": "25.01" })).await;
    for _ in 0..2 {
        shop.reverse(&sale, json!({ "remainingAmount": "10.00" })).await;
        shop.is_available("99990.00").await;
    }
    shop.reverse(&sale, json!({})).await;
    shop.is_available("100000.00").await;
    shop.refused(&path, &json!({})).await;

    // Without numbers too; and a declined one posts nothing.
    let sale = shop.send("2.00", json!({ "messageClass": "single" })).await;
    shop.reverse(&sale, json!({})).await;
    shop.is_available("100000.00").await;
    shop.world.enterprise.answer(Behaviour::DECLINE);
    let declined = shop.send("3.00", json!({ "messageClass": "single" })).await;
    assert_eq!(declined["approved"], false);
    assert!(shop.posted(&declined).await.is_empty());
    shop.is_available("100000.00").await;
    shop.world.verify_ledger().await;
}

async fn an_advice_completes_and_posts(engine: Engine) {
    let shop = Shop::new(&engine).await;
    let reserved = shop.send("50.00", json!({ "authType": "PRE_AUTH" })).await;
    let posts =
        |of: &Value| json!({ "messageClass": "single_advice", "originalAuthId": of["authId"] });
    let completed = shop.send("40.00", posts(&reserved)).await;
    assert_eq!(completed["authId"], reserved["authId"], "the bill's own posting");
    assert_eq!(shop.posted(&reserved).await, [("OUTGOING".to_owned(), "40.00".to_owned())]);
    shop.is_available("99960.00").await;
    // Stated again, the posting becomes what the network says, also at the same time.
    let again = [shop.send("40.00", posts(&reserved)), shop.send("40.00", posts(&reserved))];
    let [one, two] = again;
    tokio::join!(one, two);
    shop.is_available("99960.00").await;
    let other = shop.send("50.00", json!({ "authType": "PRE_AUTH" })).await;
    let at_once = [shop.send("40.00", posts(&other)), shop.send("40.00", posts(&other))];
    let [one, two] = at_once;
    tokio::join!(one, two);
    shop.is_available("99920.00").await;
    shop.reverse(&other, json!({})).await;
    shop.send("40.00", posts(&reserved)).await;
    shop.is_available("99960.00").await;
    shop.send("45.00", posts(&reserved)).await;
    shop.is_available("99955.00").await;
    shop.reverse(&reserved, json!({ "remainingAmount": "0" })).await;
    shop.is_available("100000.00").await;

    // A sale that nothing authorised; of what was declined too.
    let asked = shop.world.enterprise.notice_count();
    let forced = shop.send("7.00", json!({ "messageClass": "single_advice" })).await;
    assert_eq!((&forced["approved"], &forced["detail"]), (&json!(true), &json!("forced")));
    shop.is_available("99993.00").await;
    assert_eq!(shop.world.enterprise.notice_count(), asked, "it is not told");
    shop.world.enterprise.answer(Behaviour::DECLINE);
    let declined = shop.send("8.00", json!({})).await;
    let posted = shop.send("8.00", posts(&declined)).await;
    assert_ne!(posted["authId"], declined["authId"]);
    shop.is_available("99985.00").await;
    // What an operator's clearing posted is not posted back.
    shop.world.enterprise.answer(Behaviour::APPROVE);
    let cleared = shop.send("9.00", json!({})).await;
    let path = format!("{AUTHORISATIONS}/{}", text(&cleared, "authId"));
    shop.world.operator.post(&format!("{path}/clear"), &json!({})).await.unwrap();
    shop.refused(&format!("{path}/reverse"), &json!({})).await;
    shop.refused(&format!("{path}/reverse"), &json!({ "remainingAmount": "0" })).await;
    shop.world.verify_ledger().await;
}

async fn a_target_gives_back_once(engine: Engine) {
    let shop = Shop::new(&engine).await;
    let it = shop.send("100.00", json!({})).await;
    let first = shop.reverse(&it, json!({ "remainingAmount": "30.00" })).await;
    assert_eq!((&first["direction"], &first["amount"]), (&json!("INCOMING"), &json!("70.00")));
    shop.is_available("99970.00").await;
    for target in ["30.00", "50.00", "100.00"] {
        let nothing = shop.reverse(&it, json!({ "remainingAmount": target })).await;
        assert_eq!(
            (&nothing["authId"], &nothing["direction"]),
            (&it["authId"], &json!("OUTGOING"))
        );
        shop.is_available("99970.00").await;
    }
    let path = format!("{AUTHORISATIONS}/{}/reverse", text(&it, "authId"));
    for (body, wrong) in [
        (json!({ "amount": "1", "remainingAmount": "1" }), "remainingAmount and amount exclude"),
        (json!({ "remainingAmount": "-1" }), "remainingAmount is out of range"),
        (json!({ "remainingAmount": "1.001" }), "remainingAmount is finer"),
    ] {
        let error = shop.refused(&path, &body).await;
        assert!(error.contains(wrong), "{error}");
    }
    shop.reverse(&it, json!({ "remainingAmount": "0" })).await;
    shop.is_available("100000.00").await;
    shop.world.verify_ledger().await;
}

async fn the_receipt_shows_how_the_card_was_read(engine: Engine) {
    let shop = Shop::new(&engine).await;
    for class in ["request", "advice", "single", "single_advice"] {
        let more = json!({ "messageClass": class, "entryMode": "CONTACTLESS",
            "cashBackAmount": "5", "merchantName": "MARKT", "merchantCity": "BERLIN",
            "merchantCountry": "DE" });
        let it = shop.send("20.00", more).await;
        let receipt = shop.receipt(&it).await;
        let network = &receipt["request"]["network"];
        assert_eq!(network["entryMode"], "CONTACTLESS", "{class}: {receipt}");
        assert_eq!(network["cashBack"], "5.00", "{class}");
        if !class.ends_with("advice") {
            let notices = shop.world.enterprise.notices();
            let notice = &notices.last().unwrap().data;
            let place = serde_json::to_string(&notice.card_acceptor_name_location).unwrap();
            assert!(place.contains("BERLIN"), "{place}");
        }
    }
    shop.world.verify_ledger().await;
}

async fn what_does_not_go_together_is_refused(engine: Engine) {
    let shop = Shop::new(&engine).await;
    shop.world.operator.put("/admin/v1/fx-rates", &json!({ "rates": [] })).await.unwrap();
    let it = text(&shop.send("10.00", json!({})).await, "authId");
    let [advice, single] = ["advice", "single"].map(|class| json!({ "messageClass": class }));
    let single_advice = json!({ "messageClass": "single_advice" });
    let declined = with(advice.clone(), &json!({ "advice": { "responseCode": "05" } }));
    for (more, wrong) in [
        (json!({ "messageClass": "0120" }), "messageClass must be"),
        (json!({ "advice": {} }), "advice is for messageClass advice and single_advice only"),
        (with(single.clone(), &json!({ "advice": {} })), "advice is for messageClass"),
        (with(single, &json!({ "authType": "PRE_AUTH" })), "authType PRE_AUTH does not go"),
        (with(advice.clone(), &json!({ "authType": "PRE_AUTH_COMPLETION" })), "is a single_advice"),
        (with(single_advice, &json!({ "authType": "PRE_AUTH" })), "is NORMAL"),
        (with(advice.clone(), &json!({ "pin": "1234" })), "pin does not go with an advice"),
        (with(advice.clone(), &json!({ "advice": { "responseCode": "5" } })), "two letters"),
        (with(advice.clone(), &json!({ "advice": { "authCode": "1234567" } })), "1 to 6"),
        (
            with(
                advice.clone(),
                &json!({ "advice": { "responseCode": "05", "authCode": "123456" } }),
            ),
            "advice.authCode does not go",
        ),
        (with(declined, &json!({ "originalAuthId": it })), "does not go with a decline"),
        (
            with(advice.clone(), &json!({ "originalAuthId": it, "transactionType": "Q" })),
            "does not go with transactionType Q",
        ),
        (json!({ "originalAuthId": it }), "is for completions, refunds and advices only"),
        (json!({ "entryMode": "TELEPATHY" }), "entryMode is not"),
        (json!({ "cashBackAmount": "10.01" }), "cashBackAmount exceeds amount"),
        (json!({ "cashBackAmount": "0" }), "cashBackAmount must be above zero"),
        (json!({ "cashBackAmount": "1", "transactionType": "C" }), "transactionType R only"),
        (with(advice.clone(), &json!({ "amount": "0" })), "amount must be above zero"),
        (with(advice, &json!({ "currency": "978" })), "no rate is set"),
    ] {
        let error = shop.refused(AUTHORISATIONS, &shop.message("10.00", &more)).await;
        assert!(error.contains(wrong), "{more}: {error}");
    }
    shop.is_available("99990.00").await;
    shop.world.verify_ledger().await;
}

/// The fields of an object.
fn fields(json: &Value) -> BTreeSet<&str> {
    json.as_object().unwrap().keys().map(String::as_str).collect()
}

async fn a_plain_purchase_is_answered_as_before(engine: Engine) {
    let shop = Shop::new(&engine).await;
    let answer = shop.send("15.50", json!({ "stan": "000001", "rrn": "000000000001" })).await;
    let golden = json!({
        "authId": answer["authId"], "approved": true, "responseCode": "00", "reason": null,
        "detail": "approved", "authCode": answer["authCode"], "outsId": answer["outsId"],
        "originalAuthId": null, "latencyMs": answer["latencyMs"],
    });
    assert_eq!(answer, golden);
    assert_eq!(fields(&answer["latencyMs"]), BTreeSet::from(["enterprise", "total"]));
    assert_eq!(shop.receipt(&answer).await["request"]["network"], Value::Null);
    let reversal = shop.reverse(&answer, json!({ "amount": "5.50" })).await;
    assert_eq!((&reversal["amount"], &reversal["direction"]), (&json!("5.50"), &json!("INCOMING")));
    let rest = shop.reverse(&answer, json!({})).await;
    assert_eq!(rest["amount"], "10.00");
    let path = format!("{AUTHORISATIONS}/{}/reverse", text(&answer, "authId"));
    assert!(shop.refused(&path, &json!({})).await.contains("409"));
    shop.is_available("100000.00").await;
}

async fn a_keyed_advice_is_taken_once(engine: Engine) {
    let shop = Shop::new(&engine).await;
    let body = shop.message("15.50", &json!({ "messageClass": "advice" }));
    let own = shop.world.sandbox();
    let (url, token) = (text(&own, "admin_url"), text(&own, "admin_token"));
    let keyed = async || operator_keyed((&url, &token), AUTHORISATIONS, "advice-1", &body).await;
    let first = keyed().await.unwrap();
    assert_eq!((first.0, &first.1["approved"]), (200, &json!(true)));
    assert_eq!(keyed().await.unwrap(), first);
    shop.is_available("99984.50").await;
}

on_both_engines! {
    an_advice_is_a_fact:
        an_advice_is_a_fact_on_sqlite, an_advice_is_a_fact_on_postgresql;
    an_advice_corrects_an_answer:
        an_advice_corrects_an_answer_on_sqlite, an_advice_corrects_an_answer_on_postgresql;
    a_single_message_posts_with_its_approval:
        a_single_message_posts_with_its_approval_on_sqlite,
        a_single_message_posts_with_its_approval_on_postgresql;
    an_advice_completes_and_posts:
        an_advice_completes_and_posts_on_sqlite, an_advice_completes_and_posts_on_postgresql;
    a_target_gives_back_once:
        a_target_gives_back_once_on_sqlite, a_target_gives_back_once_on_postgresql;
    the_receipt_shows_how_the_card_was_read:
        the_receipt_shows_how_the_card_was_read_on_sqlite,
        the_receipt_shows_how_the_card_was_read_on_postgresql;
    what_does_not_go_together_is_refused:
        what_does_not_go_together_is_refused_on_sqlite,
        what_does_not_go_together_is_refused_on_postgresql;
    a_plain_purchase_is_answered_as_before:
        a_plain_purchase_is_answered_as_before_on_sqlite,
        a_plain_purchase_is_answered_as_before_on_postgresql;
    a_keyed_advice_is_taken_once:
        a_keyed_advice_is_taken_once_on_sqlite, a_keyed_advice_is_taken_once_on_postgresql;
}
