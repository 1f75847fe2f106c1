//! A PAN that already exists is never issued again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::{ErrorCode, OrderStatus, Random, SystemRandom};

use crate::bed::Bed;

/// A source that always gives the same bytes until it is switched to real randomness.
#[derive(Default)]
struct Stuck {
    freed: AtomicBool,
}

impl Random for Stuck {
    fn fill(&self, bytes: &mut [u8]) {
        if self.freed.load(Ordering::SeqCst) {
            SystemRandom.fill(bytes);
        } else {
            bytes.fill(7);
        }
    }
}

#[tokio::test]
async fn an_order_fails_when_no_drawn_pan_is_free_and_the_next_one_finds_a_free_one() {
    let random = Arc::new(Stuck::default());
    let bed = Bed::with_random(Arc::<Stuck>::clone(&random)).await;
    let first = bed.place("ord-1", "share-1").await;
    bed.advance(1).await;
    assert_eq!(bed.order(&first).await.status, OrderStatus::Succeed);

    let second = bed.place("ord-2", "share-2").await;
    bed.advance(1).await;
    let failed = bed.order(&second).await;
    assert_eq!((failed.status, failed.card_id), (OrderStatus::Failed, None));
    let code = failed.failure.map(|failure| failure.error_code);
    assert_eq!(code, Some(ErrorCode::CardOrderChannelCardInvalid));

    random.freed.store(true, Ordering::SeqCst);
    let third = bed.place("ord-3", "share-3").await;
    bed.advance(1).await;
    assert_eq!(bed.order(&third).await.status, OrderStatus::Succeed);
}
