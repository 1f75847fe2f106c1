//! Every bad answer that an enterprise can give: the purchase is declined, the hold released, the
//! reason is in the decision receipt, and no money has moved.

use std::collections::HashSet;
use std::time::Duration;

use domain::ResponseCode;
use sim::Behaviour;

use crate::engine::Engine;
use crate::world::{LONGEST_DEADLINE_MS, SHORTEST_DEADLINE_MS, World, purchase, text};

/// Well beyond the shortest deadline.
const TOO_LATE: Duration = Duration::from_secs(5);

const BAD: [Behaviour; 9] = [
    Behaviour::Silent,
    Behaviour::Late(ResponseCode::Approved, TOO_LATE),
    Behaviour::WrongSignature,
    Behaviour::BadCiphertext,
    Behaviour::WrongAuthId,
    Behaviour::Status(500),
    Behaviour::Status(201),
    Behaviour::Oversized,
    Behaviour::Garbage,
];

#[tokio::test]
async fn a_bad_answer_declines_and_moves_no_money() {
    let world = World::new(&Engine::embedded(), &[]).await;
    let card_id = world.card("order-1").await;
    let mut details = HashSet::new();
    for behaviour in BAD {
        world.enterprise.answer(behaviour);
        world
            .set_deadline(match behaviour {
                Behaviour::Silent | Behaviour::Late(..) => SHORTEST_DEADLINE_MS,
                _ => LONGEST_DEADLINE_MS,
            })
            .await;
        let body = purchase(&card_id, "10.00");
        let answer = world.operator.post("/sandbox/v1/authorisations", &body).await.unwrap();
        assert_eq!(answer["approved"], false, "{behaviour:?}");
        let path = format!("/admin/v1/authorisations/{}", text(&answer, "authId"));
        let receipt = world.operator.get(&path).await.unwrap();
        assert_eq!(
            receipt["reason"], "DAPI_AUTH_ENTERPRISE_TIMEOUT_REJECT",
            "{behaviour:?}: {receipt}"
        );
        assert_eq!(receipt["heldAmount"], "0.00", "{behaviour:?}");
        details.insert(text(&receipt, "detail"));
        assert_eq!(world.available().await, "100000.00", "{behaviour:?}");
    }
    assert!(details.len() >= 6, "the receipts tell the cases apart: {details:?}");

    // A bad reply declines only that authorisation; it never disables an enterprise.
    world.enterprise.answer(Behaviour::APPROVE);
    let body = purchase(&card_id, "10.00");
    let answer = world.operator.post("/sandbox/v1/authorisations", &body).await.unwrap();
    assert_eq!(answer["approved"], true);
    assert_eq!(world.available().await, "99990.00");
    world.verify_ledger().await;
}
