//! How often a process waits for PostgreSQL: what a purchase, a signed GET and a group of purchases
//! cost in round trips. The bounds are those of decision 020.

use std::time::Duration;

use serde_json::Value;
use testkit::counting_line::CountingLine;

use crate::engine::Engine;
use crate::world::{WAIT, World, purchase, text};

/// The one-way time of the line to the server.
const ONE_WAY: Duration = Duration::from_millis(5);
/// Purchases that let every connection plan its statements.
const WARM_UP: usize = 40;
/// Of so many repetitions the least counts, since disturbances only add: the lease and idle workers
/// ask twice a second, and a new connection plans its statements.
const REPETITIONS: usize = 32;
/// The longest pause until everything that a purchase leaves to do is done.
const QUIET: Duration = Duration::from_millis(400);

struct Bed {
    world: World,
    line: CountingLine,
    card_id: String,
}

impl Bed {
    async fn new() -> Self {
        let (engine, line) = Engine::postgres_behind(ONE_WAY).await;
        let world = World::new(&engine, &[]).await;
        let card_id = world.card("order-1").await;
        let bed = Self { world, line, card_id };
        for _ in 0..WARM_UP {
            bed.purchase().await;
        }
        bed
    }

    async fn purchase(&self) -> Value {
        let body = purchase(&self.card_id, "1.00");
        let answer = self.world.operator.post("/sandbox/v1/authorisations", &body).await.unwrap();
        assert_eq!(answer["approved"], true, "{answer}");
        answer
    }

    /// Waits until the webhook of a purchase has arrived and nothing more is sent for a while.
    async fn settled(&self, answer: &Value) {
        let auth_id = text(answer, "authId");
        let told = self
            .world
            .enterprise
            .wait_for_webhook(WAIT, |webhook| webhook.business_id() == auth_id);
        assert!(told.await.is_some(), "the webhook of {auth_id}");
        tokio::time::sleep(QUIET).await;
    }
}

fn undisturbed(counts: &[usize]) -> usize {
    counts.iter().copied().min().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forwarded_purchase_takes_nine_round_trips_and_eighteen_with_its_webhook() {
    let bed = Bed::new().await;
    let (mut before_answer, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        let began = bed.line.round_trips();
        let answer = bed.purchase().await;
        before_answer.push(bed.line.round_trips() - began);
        bed.settled(&answer).await;
        whole.push(bed.line.round_trips() - began);
    }
    eprintln!("a purchase: {before_answer:?} round trips before the answer, {whole:?} in all");
    assert!(undisturbed(&before_answer) <= 9);
    assert!(undisturbed(&whole) <= 18);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_get_takes_two_round_trips() {
    let bed = Bed::new().await;
    let mut counts = Vec::new();
    for _ in 0..REPETITIONS {
        let began = bed.line.round_trips();
        bed.world.available().await;
        counts.push(bed.line.round_trips() - began);
    }
    eprintln!("a signed GET: {counts:?} round trips");
    assert!(undisturbed(&counts) <= 2);
}
