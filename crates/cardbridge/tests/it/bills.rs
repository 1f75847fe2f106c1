//! The later life of an authorisation, over HTTP on both engines with a cooperating enterprise:
//! increments, completions, reversals, refunds, clearings, expiry.

use std::time::Duration;

use domain::ResponseCode;
use serde_json::{Value, json};
use sim::Behaviour;

use crate::engine::Engine;
use crate::velocity::advance_into_a_month;
use crate::world::{World, purchase, text};

const AUTHORISATIONS: &str = "/sandbox/v1/authorisations";
const DAY_SECONDS: u32 = 86_400;

/// Runs a test's body on both engines, each time on a fresh sandbox with one card.
macro_rules! both_engines {
    ($name:ident, |$life:ident| $body:block) => {
        mod $name {
            use super::*;

            async fn behaviour($life: &Life) $body

            #[tokio::test]
            async fn sqlite() {
                behaviour(&Life::new(&Engine::embedded()).await).await;
            }

            #[tokio::test]
            async fn postgres() {
                behaviour(&Life::new(&Engine::postgres().await).await).await;
            }
        }
    };
}

struct Life {
    world: World,
    card_id: String,
}

impl Life {
    async fn new(engine: &Engine) -> Self {
        let world = World::new(engine, &[]).await;
        let card_id = world.card("order-1").await;
        Self { world, card_id }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.world.operator.post(path, &body).await.unwrap_or_else(|e| panic!("{path}: {e:?}"))
    }

    async fn refused(&self, path: &str, body: Value) -> String {
        self.world.operator.post(path, &body).await.unwrap_err().to_string()
    }

    /// Requests an authorisation with more fields than a plain purchase has.
    async fn authorise(&self, amount: &str, more: Value) -> Value {
        let mut body = purchase(&self.card_id, amount);
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post(AUTHORISATIONS, body).await
    }

    async fn step(&self, auth_id: &str, step: &str, body: Value) -> Value {
        self.post(&format!("{AUTHORISATIONS}/{auth_id}/{step}"), body).await
    }

    async fn receipt(&self, auth_id: &str) -> Value {
        let path = format!("/admin/v1/authorisations/{auth_id}");
        self.world.operator.get(&path).await.unwrap()
    }

    async fn bill(&self, outs_id: &str) -> Value {
        let path = format!("/admin/v1/outstandings/{outs_id}");
        self.world.operator.get(&path).await.unwrap()
    }

    /// The notice that the enterprise received about an authorisation.
    fn notice(&self, auth_id: &str) -> Value {
        let notices = self.world.enterprise.notices();
        let mut of_auth = notices.iter().filter(|it| it.data.auth_id == auth_id);
        let notice = of_auth.next().unwrap_or_else(|| panic!("no notice of {auth_id}"));
        assert!(of_auth.next().is_none(), "two notices of {auth_id}");
        let body: Value = serde_json::from_slice(&notice.body).unwrap();
        assert_eq!(body["webhookSubType"], "CREATE");
        serde_json::to_value(&notice.data).unwrap()
    }

    /// The flag in the result webhook of an authorisation.
    async fn flag(&self, auth_id: &str) -> String {
        let result = self
            .world
            .enterprise
            .wait_for_webhook(crate::world::WAIT, |webhook| webhook.business_id() == auth_id);
        result.await.expect("the result webhook arrives").text("/data/approveFlag").to_owned()
    }

    async fn available(&self, expected: &str) {
        assert_eq!(self.world.available().await, expected);
        self.world.verify_ledger().await;
    }
}

both_engines!(an_increment_is_forwarded_and_the_bill_is_cleared_and_reversed_as_one, |life| {
    let first = text(&life.authorise("100.00", json!({})).await, "authId");
    let more = json!({"amount": "25.00", "stan": "000007", "rrn": "000000000007"});
    let increment = life.step(&first, "increment", more.clone()).await;
    let second = text(&increment, "authId");
    assert_eq!(
        (&increment["approved"], &increment["originalAuthId"]),
        (&json!(true), &json!(first))
    );
    let notice = life.notice(&second);
    assert_eq!(notice["originalAuthId"], json!(first));
    assert_eq!((&notice["direction"], &notice["amount"]), (&json!("OUTGOING"), &json!(25.00)));
    // The network's key again gets the first answer, and nothing else happens.
    assert_eq!(life.step(&first, "increment", more).await["authId"], json!(second));
    // An increment of an increment raises the authorisation that both belong to.
    let third = life.step(&second, "increment", json!({"amount": "5.00"})).await;
    assert_eq!(third["originalAuthId"], json!(first));
    life.world.enterprise.answer(Behaviour::DECLINE);
    let declined = life.step(&first, "increment", json!({"amount": "7.00"})).await;
    assert_eq!((&declined["approved"], &declined["responseCode"]), (&json!(false), &json!("01")));
    life.world.enterprise.answer(Behaviour::APPROVE);
    let outs_id = text(&increment, "outsId");
    let bill = life.bill(&outs_id).await;
    assert_eq!((&bill["authAmount"], &bill["amount"]), (&json!("130.00"), &json!("0.00")));
    assert_eq!(bill["authorisations"].as_array().unwrap().len(), 4);
    life.available("99870.00").await;
    // Latest first: a reversal is taken from the increments.
    life.step(&first, "reverse", json!({"amount": "10.00"})).await;
    assert_eq!(life.receipt(&second).await["heldAmount"], "20.00");
    assert_eq!(life.receipt(&first).await["heldAmount"], "100.00");
    let cleared = life.step(&first, "clear", json!({"amount": "110.00"})).await;
    assert_eq!((&cleared["amount"], &cleared["authId"]), (&json!("110.00"), &json!(first)));
    let bill = life.bill(&outs_id).await;
    assert_eq!((&bill["authAmount"], &bill["amount"]), (&json!("0.00"), &json!("110.00")));
    assert_eq!(bill["transactions"], json!([cleared]));
    life.available("99890.00").await;
    let path = format!("{AUTHORISATIONS}/{first}/increment");
    let closed = life.refused(&path, json!({"amount": "1"})).await;
    assert!(closed.contains("409: the hold is not open"), "{closed}");
});

both_engines!(a_reversal_is_reported_and_stands_whatever_the_enterprise_answers, |life| {
    for (behaviour, detail) in [
        (Behaviour::APPROVE, "reversal"),
        (Behaviour::Answer(ResponseCode::NotAllowed), "reversal_refused"),
        (Behaviour::Silent, "reversal_not_answered"),
        (Behaviour::Garbage, "reversal_not_answered"),
    ] {
        let bought = text(&life.authorise("30.00", json!({})).await, "authId");
        life.world.enterprise.answer(behaviour);
        let reversal = life.step(&bought, "reverse", json!({})).await;
        life.world.enterprise.answer(Behaviour::APPROVE);
        let reversal_id = text(&reversal, "authId");
        let notice = life.notice(&reversal_id);
        assert_eq!(notice["direction"], "INCOMING");
        assert_eq!((&notice["amount"], &notice["originalAuthId"]), (&json!(30.00), &json!(bought)));
        let receipt = life.receipt(&reversal_id).await;
        assert_eq!((&receipt["approved"], &receipt["detail"]), (&json!(true), &json!(detail)));
        let said = (detail == "reversal_refused").then_some("11");
        assert_eq!(said.is_some(), receipt["answer"]["responseCode"] == "11", "{receipt}");
        assert_eq!(life.flag(&reversal_id).await, "A");
        life.available("100000.00").await;
    }
});

both_engines!(a_refund_is_asked_first_and_a_refused_one_moves_nothing, |life| {
    let bought = text(&life.authorise("50.00", json!({})).await, "authId");
    life.step(&bought, "clear", json!({})).await;
    let refund = json!({"authId": bought, "amount": "20.00", "currency": "840"});
    for (behaviour, reason) in [
        (Behaviour::Answer(ResponseCode::NotAllowed), "DAPI_AUTH_ENTERPRISE_REJECT"),
        (Behaviour::Silent, "DAPI_AUTH_ENTERPRISE_TIMEOUT_REJECT"),
    ] {
        life.world.enterprise.answer(behaviour);
        let refused = life.post("/sandbox/v1/refunds", refund.clone()).await;
        assert_eq!(
            (&refused["approved"], &refused["transactionId"]),
            (&json!(false), &Value::Null)
        );
        assert_eq!(refused["reason"], reason);
        assert_eq!(life.flag(&text(&refused, "authId")).await, "D");
        life.available("99950.00").await;
    }
    life.world.enterprise.answer(Behaviour::APPROVE);
    let taken = life.post("/sandbox/v1/refunds", refund).await;
    let notice = life.notice(&text(&taken, "authId"));
    assert_eq!(
        (&notice["direction"], &notice["transactionType"]),
        (&json!("INCOMING"), &json!("P"))
    );
    assert_eq!((&notice["originalAuthId"], &notice["amount"]), (&json!(bought), &json!(20.00)));
    assert!(taken["transactionId"].is_string(), "{taken}");
    life.available("99970.00").await;
    // The same by transaction type, under the network's key: carried out once, however often it is
    // sent.
    let by_type = json!({"transactionType": "P", "originalAuthId": bought, "stan": "000009",
        "rrn": "000000000009"});
    let one = life.authorise("5.00", by_type.clone()).await;
    let two = life.authorise("5.00", by_type).await;
    assert_eq!((&one["approved"], &one["authId"]), (&json!(true), &two["authId"]));
    let bill = life.bill(&text(&one, "outsId")).await;
    assert_eq!((&bill["amount"], &bill["authAmount"]), (&json!("25.00"), &json!("0.00")));
    assert_eq!(bill["transactions"].as_array().unwrap().len(), 3);
    life.available("99975.00").await;
});

both_engines!(a_completion_takes_over_what_its_reservation_holds, |life| {
    let mut spent_minor = 0;
    for (completed, minor) in [("80.00", 8_000), ("100.00", 10_000), ("115.00", 11_500)] {
        let before = 10_000_000 - spent_minor;
        let major = |minor: i64| format!("{}.{:02}", minor / 100, minor % 100);
        let reserved = life.authorise("100.00", json!({"authType": "PRE_AUTH"})).await;
        let reserved = text(&reserved, "authId");
        let completion = json!({"authType": "PRE_AUTH_COMPLETION", "originalAuthId": reserved});
        // A declined completion leaves the reservation as it was.
        life.world.enterprise.answer(Behaviour::DECLINE);
        assert_eq!(life.authorise(completed, completion.clone()).await["approved"], false);
        life.available(&major(before - 10_000)).await;
        life.world.enterprise.answer(Behaviour::APPROVE);
        let done = life.authorise(completed, completion.clone()).await;
        let auth_id = text(&done, "authId");
        let notice = life.notice(&auth_id);
        assert_eq!(notice["authType"], "PRE_AUTH_COMPLETION");
        assert_eq!(notice["originalAuthId"], json!(reserved));
        life.available(&major(before - minor)).await;
        assert_eq!(life.receipt(&reserved).await["heldAmount"], "0.00");
        // A reservation is completed once.
        let mut again = purchase(&life.card_id, "1.00");
        again.as_object_mut().unwrap().extend(completion.as_object().unwrap().clone());
        let closed = life.refused(AUTHORISATIONS, again).await;
        assert!(closed.contains("409: the hold is not open"), "{closed}");
        life.step(&auth_id, "clear", json!({})).await;
        spent_minor += minor;
        life.available(&major(10_000_000 - spent_minor)).await;
    }
});

both_engines!(of_two_completions_at_once_exactly_one_is_taken, |life| {
    let reserved = life.authorise("100.00", json!({"authType": "PRE_AUTH"})).await;
    let reserved = text(&reserved, "authId");
    let mut body = purchase(&life.card_id, "100.00");
    body["authType"] = json!("PRE_AUTH_COMPLETION");
    body["originalAuthId"] = json!(reserved);
    let operator = &life.world.operator;
    let (one, two) =
        tokio::join!(operator.post(AUTHORISATIONS, &body), operator.post(AUTHORISATIONS, &body));
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1, "{one:?} {two:?}");
    life.available("99900.00").await;
});

both_engines!(cash_and_inquiries_are_forwarded_and_an_inquiry_holds_nothing, |life| {
    let cash = text(&life.authorise("40.00", json!({"transactionType": "C"})).await, "authId");
    assert_eq!(life.notice(&cash)["transactionType"], "C");
    life.available("99960.00").await;
    for amount in ["0", "10.00"] {
        let asked = life.authorise(amount, json!({"transactionType": "Q"})).await;
        assert_eq!(asked["approved"], true, "{asked}");
        let auth_id = text(&asked, "authId");
        assert_eq!(life.notice(&auth_id)["transactionType"], "Q");
        assert_eq!(life.receipt(&auth_id).await["holdState"], "NONE");
        for step in ["clear", "reverse", "increment"] {
            let path = format!("{AUTHORISATIONS}/{auth_id}/{step}");
            let body = if step == "increment" { json!({"amount": "1"}) } else { json!({}) };
            let refused = life.refused(&path, body).await;
            assert!(refused.contains("409: the authorisation is not approved"), "{refused}");
        }
    }
    life.available("99960.00").await;
});

both_engines!(clearings_below_at_and_above_and_the_days_of_holds, |life| {
    let mut spent_minor = 0;
    for (cleared, minor) in [("15.00", 1_500), ("20.00", 2_000), ("23.00", 2_300)] {
        let bought = text(&life.authorise("20.00", json!({})).await, "authId");
        life.step(&bought, "clear", json!({"amount": cleared})).await;
        spent_minor += minor;
        let left = 10_000_000_i64 - spent_minor;
        life.available(&format!("{}.{:02}", left / 100, left % 100)).await;
    }
    let normal = text(&life.authorise("10.00", json!({})).await, "authId");
    let reserved = text(&life.authorise("10.00", json!({"authType": "PRE_AUTH"})).await, "authId");
    let advance = async |days: u32| {
        let body = json!({"seconds": days * DAY_SECONDS});
        life.post("/sandbox/v1/clock/advance", body).await
    };
    advance(6).await;
    life.available("99922.00").await;
    advance(1).await;
    assert_eq!(life.receipt(&normal).await["holdState"], "EXPIRED");
    life.available("99932.00").await;
    advance(23).await;
    assert_eq!(life.receipt(&reserved).await["holdState"], "EXPIRED");
    life.available("99942.00").await;
    // The network may complete late, and a final clearing takes effect only once.
    life.step(&normal, "clear", json!({})).await;
    life.available("99932.00").await;
    let path = format!("{AUTHORISATIONS}/{normal}/clear");
    let again = life.refused(&path, json!({"amount": "10.00"})).await;
    assert!(again.contains("409: the hold is not open"), "{again}");
    let completion = json!({"authType": "PRE_AUTH_COMPLETION", "originalAuthId": reserved});
    assert_eq!(life.authorise("10.00", completion).await["approved"], true);
    life.available("99922.00").await;
});

impl Life {
    /// The enterprise approves `amount` only when released.
    fn think_about(&self, amount: &str) {
        self.world.enterprise.answer_amount(amount, Behaviour::Held(ResponseCode::Approved));
    }

    /// Waits until the enterprise was asked this many times.
    async fn asked(&self, times: usize) {
        while self.world.enterprise.notices().len() < times {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

both_engines!(what_follows_a_clearing_that_used_up_the_hold_is_cleared_too, |life| {
    life.think_about("50.00");
    let first = text(&life.authorise("100.00", json!({})).await, "authId");
    let used_up = json!({"amount": "100.00", "final": false});
    let (increment, ()) =
        tokio::join!(life.step(&first, "increment", json!({"amount": "50.00"})), async {
            life.asked(2).await;
            life.step(&first, "clear", used_up.clone()).await;
            life.world.enterprise.release();
        });
    assert_eq!((&increment["approved"], &increment["responseCode"]), (&json!(true), &json!("00")));
    let increment_id = text(&increment, "authId");
    assert_eq!(life.receipt(&increment_id).await["heldAmount"], "50.00");
    life.available("99850.00").await;
    // The same clearing sent twice is not posted twice, whether or not an increment is open.
    let path = format!("{AUTHORISATIONS}/{first}/clear");
    let again = life.refused(&path, used_up.clone()).await;
    assert!(again.contains("409: the hold is not open"), "{again}");
    life.step(&first, "clear", json!({"amount": "50.00", "final": false})).await;
    for body in [used_up, json!({"amount": "50.00"}), json!({})] {
        let again = life.refused(&path, body).await;
        assert!(again.contains("409: the hold is not open"), "{again}");
    }
    let closed = life.refused(&format!("{AUTHORISATIONS}/{first}/reverse"), json!({})).await;
    assert!(closed.contains("409: the hold is not open"), "{closed}");
    // Only a final clearing ends the bill.
    life.step(&first, "increment", json!({"amount": "7.00"})).await;
    life.available("99843.00").await;
    life.step(&first, "clear", json!({"amount": "5.00"})).await;
    life.available("99845.00").await;
    let path = format!("{AUTHORISATIONS}/{first}/increment");
    let closed = life.refused(&path, json!({"amount": "1"})).await;
    assert!(closed.contains("409: the hold is not open"), "{closed}");
});

both_engines!(a_hold_that_clearings_used_up_expires_without_moving_money, |life| {
    let bought = text(&life.authorise("20.00", json!({})).await, "authId");
    life.step(&bought, "clear", json!({"amount": "20.00", "final": false})).await;
    let receipt = life.receipt(&bought).await;
    assert_eq!(
        (&receipt["holdState"], &receipt["heldAmount"]),
        (&json!("PENDING"), &json!("0.00"))
    );
    let reserved = text(&life.authorise("30.00", json!({"authType": "PRE_AUTH"})).await, "authId");
    life.step(&reserved, "clear", json!({"amount": "30.00", "final": false})).await;
    // A fully cleared reservation cannot also be completed.
    let mut completion = purchase(&life.card_id, "30.00");
    completion["authType"] = json!("PRE_AUTH_COMPLETION");
    completion["originalAuthId"] = json!(reserved);
    let closed = life.refused(AUTHORISATIONS, completion).await;
    assert!(closed.contains("409: the hold is not open"), "{closed}");
    let body = json!({"seconds": 31 * DAY_SECONDS});
    life.post("/sandbox/v1/clock/advance", body).await;
    for auth_id in [bought, reserved] {
        assert_eq!(life.receipt(&auth_id).await["holdState"], "EXPIRED");
        let path = format!("{AUTHORISATIONS}/{auth_id}/clear");
        let again = life.refused(&path, json!({"amount": "20.00"})).await;
        assert!(again.contains("409: the hold is not open"), "{again}");
    }
    life.available("99950.00").await;
});

impl Life {
    /// Completes a reservation with 90.00 and lets `overtaking` happen to it before the enterprise
    /// answers.
    async fn complete_late(&self, reserved: &str, overtaking: impl Future<Output = ()>) -> Value {
        let asked = self.world.enterprise.notices().len();
        let more = json!({"authType": "PRE_AUTH_COMPLETION", "originalAuthId": reserved});
        let overtaken = async {
            self.asked(asked + 1).await;
            overtaking.await;
            self.world.enterprise.release();
        };
        tokio::join!(self.authorise("90.00", more), overtaken).0
    }

    /// Asserts that the purchase that the enterprise approved was declined, that the enterprise was
    /// notified, and that nothing is held.
    async fn assert_overtaken(&self, answer: &Value, code: &str, check: &str, detail: &str) {
        assert_eq!(
            (&answer["approved"], &answer["responseCode"], &answer["reason"], &answer["authCode"]),
            (&json!(false), &json!(code), &json!("DAPI_AUTH_INTERNAL_REJECT"), &Value::Null)
        );
        let auth_id = text(answer, "authId");
        let receipt = self.receipt(&auth_id).await;
        assert_eq!(
            (&receipt["approved"], &receipt["detail"], &receipt["heldAmount"]),
            (&json!(false), &json!(detail), &json!("0.00"))
        );
        let line = json!({"name": check, "passed": false, "detail": detail});
        assert_eq!(receipt["checks"].as_array().unwrap().last(), Some(&line));
        assert_eq!(receipt["answer"]["responseCode"], "00");
        assert_eq!(self.flag(&auth_id).await, "D");
    }

    async fn reserve(&self) -> String {
        text(&self.authorise("60.00", json!({"authType": "PRE_AUTH"})).await, "authId")
    }

    async fn advance(&self, seconds: u32) {
        self.post("/sandbox/v1/clock/advance", json!({ "seconds": seconds })).await;
    }

    /// Reduces the deposit to 100.00.
    async fn leave_100(&self) {
        let path = format!("/admin/v1/enterprises/{}/withdrawals", self.world.enterprise_id());
        let body = json!({"currency": "840", "amount": "99900.00", "reference": "all-but-100"});
        self.post(&path, body).await;
    }
}

both_engines!(
    a_completion_whose_reservation_was_cleared_or_reversed_meanwhile_is_declined,
    |life| {
        life.think_about("90.00");
        life.leave_100().await;
        // The deposit covers the completion each time.
        for (step, body, left) in
            [("reverse", json!({}), "100.00"), ("clear", json!({"amount": "10.00"}), "90.00")]
        {
            let reserved = life.reserve().await;
            let overtaking = async { _ = life.step(&reserved, step, body).await };
            let done = life.complete_late(&reserved, overtaking).await;
            life.assert_overtaken(&done, "01", "reservation", "reservation_gone").await;
            life.available(left).await;
        }
        // A non-final clearing uses up the hold: the money is spent anyway.
        let reserved = life.reserve().await;
        let used_up = json!({"amount": "60.00", "final": false});
        let overtaking = async { _ = life.step(&reserved, "clear", used_up).await };
        let done = life.complete_late(&reserved, overtaking).await;
        life.assert_overtaken(&done, "01", "reservation", "reservation_gone").await;
        life.available("30.00").await;
    }
);

both_engines!(
    a_completion_whose_reservation_expired_meanwhile_is_declined_unless_covered,
    |life| {
        const MINUTE_SECONDS: u32 = 60;
        life.think_about("90.00");
        life.leave_100().await;
        // An advance to another day would wait for the enterprise's answer.
        advance_into_a_month(&life.world).await;
        for is_covered in [true, false] {
            let reserved = life.reserve().await;
            life.advance(30 * DAY_SECONDS - 5 * MINUTE_SECONDS).await;
            // The reservation's money is either spent on something else or still there.
            let overtaking = async {
                life.advance(10 * MINUTE_SECONDS).await;
                if !is_covered {
                    assert_eq!(life.authorise("50.00", json!({})).await["approved"], true);
                }
            };
            let done = life.complete_late(&reserved, overtaking).await;
            let auth_id = text(&done, "authId");
            if is_covered {
                assert_eq!(done["approved"], true, "{done}");
                assert_eq!(life.receipt(&auth_id).await["heldAmount"], "90.00");
                assert_eq!(life.flag(&auth_id).await, "A");
                life.available("10.00").await;
                life.world.enterprise.release();
                life.step(&auth_id, "reverse", json!({})).await;
            } else {
                life.assert_overtaken(&done, "01", "reservation", "reservation_gone").await;
                life.available("50.00").await;
            }
        }
    }
);

both_engines!(an_increment_that_the_end_of_its_bill_overtook_is_declined, |life| {
    life.think_about("50.00");
    for step in ["clear", "reverse"] {
        let first = text(&life.authorise("100.00", json!({})).await, "authId");
        let asked = life.world.enterprise.notices().len();
        let (increment, ()) =
            tokio::join!(life.step(&first, "increment", json!({"amount": "50.00"})), async {
                life.asked(asked + 1).await;
                life.step(&first, step, json!({})).await;
                life.world.enterprise.release();
            });
        life.assert_overtaken(&increment, "11", "original", "original_ended").await;
        life.available("99900.00").await;
    }
});

both_engines!(a_deposit_forced_below_zero_does_not_prevent_a_completion, |life| {
    let path = format!("/admin/v1/enterprises/{}/withdrawals", life.world.enterprise_id());
    let withdrawal = json!({"currency": "840", "amount": "99900.00", "reference": "all-but-100"});
    life.post(&path, withdrawal).await;
    let reserved = life.authorise("100.00", json!({"authType": "PRE_AUTH"})).await;
    let reserved = text(&reserved, "authId");
    let forced = json!({"cardId": life.card_id, "amount": "50.00", "currency": "840"});
    life.post("/sandbox/v1/clearings", forced).await;
    life.available("-50.00").await;
    let more = json!({"authType": "PRE_AUTH_COMPLETION", "originalAuthId": reserved});
    // An inquiry moves nothing, so it completes nothing either.
    let mut inquiry = purchase(&life.card_id, "60.00");
    inquiry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    inquiry["transactionType"] = json!("Q");
    let refused = life.refused(AUTHORISATIONS, inquiry).await;
    assert!(refused.contains("increments and completions"), "{refused}");
    assert_eq!(life.receipt(&reserved).await["heldAmount"], "100.00");
    let done = life.authorise("60.00", more).await;
    assert_eq!(done["approved"], true, "{done}");
    life.available("-10.00").await;
    assert_eq!(life.receipt(&text(&done, "authId")).await["heldAmount"], "60.00");
});

both_engines!(a_reservation_that_was_cleared_in_part_is_not_completed, |life| {
    let reserved = life.authorise("60.00", json!({"authType": "PRE_AUTH"})).await;
    let reserved = text(&reserved, "authId");
    life.step(&reserved, "clear", json!({"amount": "59.00", "final": false})).await;
    let mut completion = purchase(&life.card_id, "60.00");
    completion["authType"] = json!("PRE_AUTH_COMPLETION");
    completion["originalAuthId"] = json!(reserved);
    let closed = life.refused(AUTHORISATIONS, completion).await;
    assert!(closed.contains("409: the hold is not open"), "{closed}");
    life.available("99940.00").await;
});
