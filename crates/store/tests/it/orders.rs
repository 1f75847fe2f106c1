//! Card orders: taken in once, moved on by the holder of the lease.

use domain::{Card, CardOrder, Customer, CustomerId, ErrorCode, OrderFailure, OrderStatus};
use store::{
    CustomerDraft, IssuedCard, Job, JobKind, OrderStep, OrderStepOutcome, PlaceOrderError, Store,
};

use crate::both_engines;
use crate::samples::{ENTERPRISE, NOW, customer, event, issued, order};

fn data(store: &Store, customer_ref: &str, email: &str, phone: &str) -> CustomerDraft {
    CustomerDraft::Data(customer(store, customer_ref, email, phone))
}

/// Places an order and leases its job.
async fn placed(store: &Store, card_order_ref: &str) -> (CardOrder, Job) {
    let email = format!("{card_order_ref}@x.example");
    let draft = data(store, "", &email, "");
    let placed = store.place_order(order(store, card_order_ref, draft)).await.unwrap();
    let jobs = store.lease_jobs(JobKind::OrderStep, NOW, 60_000, 10).await.unwrap();
    let job = jobs.into_iter().find(|job| job.subject_id == placed.order_id.as_i64()).unwrap();
    (placed, job)
}

fn step(order: &CardOrder, job: &Job, status: OrderStatus) -> OrderStep {
    OrderStep {
        order: CardOrder { status, modified_at: NOW.plus_seconds(1), ..order.clone() },
        expected_status: order.status,
        job: job.clone(),
        next_due_at: Some(NOW.plus_seconds(1)),
        issued: None,
        events: Vec::new(),
    }
}

fn last_step(order: &CardOrder, job: &Job, issued: IssuedCard) -> OrderStep {
    let mut step = step(order, job, OrderStatus::Succeed);
    step.order.card_id = Some(issued.card.card_id);
    step.next_due_at = None;
    step.issued = Some(issued);
    step
}

both_engines!(an_order_is_read_as_it_was_placed, |store| {
    let request = order(&store, "ord-1", data(&store, "ann", "ann@x.example", "+6591234567"));
    let CustomerDraft::Data(customer) = request.customer.clone() else { unreachable!() };
    let expected = CardOrder { customer_id: customer.customer_id, ..request.order.clone() };
    let placed = store.place_order(request).await.unwrap();
    assert_eq!(placed, expected);
    let order_id = placed.order_id;
    assert_eq!(
        store.find::<CardOrder>((ENTERPRISE, order_id)).await.unwrap(),
        Some(placed.clone())
    );
    assert_eq!(store.find_by_ref::<CardOrder>(ENTERPRISE, "ord-1").await.unwrap(), Some(placed));
    assert_eq!(store.find_by_ref::<CardOrder>(ENTERPRISE, "ord-2").await.unwrap(), None);
    let sealed = store.order_application(ENTERPRISE, order_id).await.unwrap();
    assert_eq!(sealed.as_deref(), Some(b"sealed".as_slice()));
    let read = store.find::<Customer>((ENTERPRISE, customer.customer_id)).await.unwrap();
    assert_eq!(read, Some(customer));
    let told = store.deliveries(store::DeliveryFilter { limit: 10, ..Default::default() }).await;
    assert_eq!(told.unwrap()[0].event.business_id, order_id.as_i64());
    assert_eq!(store.next_job_due(JobKind::OrderStep).await.unwrap(), Some(NOW));
});

both_engines!(of_equal_orders_at_once_exactly_one_wins, |store| {
    for round in 0..5 {
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let draft = data(&store, "", &format!("r{round}@x.example"), "");
                let request = order(&store, &format!("race-{round}"), draft);
                let store = store.clone();
                tokio::spawn(async move { store.place_order(request).await })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => won += 1,
                Err(PlaceOrderError::RefTaken) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(won, 1);
    }
});

both_engines!(orders_at_once_for_a_new_customer_share_one, |store| {
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let draft = data(&store, "dan", "dan@x.example", "+6598765432");
            let request = order(&store, &format!("share-{number}"), draft);
            let store = store.clone();
            tokio::spawn(async move { store.place_order(request).await.unwrap().customer_id })
        })
        .collect();
    let mut customers = std::collections::HashSet::new();
    for task in tasks {
        customers.insert(task.await.unwrap());
    }
    assert_eq!(customers.len(), 1);
});

both_engines!(a_customer_is_found_again_or_refused, |store| {
    let first = order(&store, "c-1", data(&store, "ann", "ann@x.example", "+6591111111"));
    let ann = store.place_order(first).await.unwrap().customer_id;
    let second = order(&store, "c-2", data(&store, "", "ann@x.example", "+6591111111"));
    assert_eq!(store.place_order(second).await.unwrap().customer_id, ann);
    let third = order(&store, "c-3", CustomerDraft::Existing(ann));
    assert_eq!(store.place_order(third).await.unwrap().customer_id, ann);

    let refusal = async |draft: CustomerDraft| {
        let refused = store.place_order(order(&store, "c-4", draft)).await.unwrap_err();
        refused.to_string()
    };
    let email = refusal(data(&store, "", "ann@x.example", "+6592222222")).await;
    assert_eq!(email, PlaceOrderError::EmailTaken.to_string());
    let phone = refusal(data(&store, "", "new@x.example", "+6591111111")).await;
    assert_eq!(phone, PlaceOrderError::PhoneTaken.to_string());
    let reference = refusal(data(&store, "ann", "new@x.example", "")).await;
    assert_eq!(reference, PlaceOrderError::CustomerRefTaken.to_string());
    let nobody = refusal(CustomerDraft::Existing(CustomerId::from_i64(1))).await;
    assert_eq!(nobody, PlaceOrderError::CustomerNotFound.to_string());
    assert_eq!(store.find_by_ref::<CardOrder>(ENTERPRISE, "c-4").await.unwrap(), None);

    // The reference is judged before the customer.
    let used = order(&store, "c-1", data(&store, "", "ann@x.example", "+6592222222"));
    assert!(matches!(store.place_order(used).await, Err(PlaceOrderError::RefTaken)));
});

both_engines!(a_step_moves_order_and_job_and_tells, |store| {
    let (placed, job) = placed(&store, "s-1").await;
    let mut first = step(&placed, &job, OrderStatus::CustomerPass);
    first.events = vec![event(&store, ENTERPRISE, placed.order_id.as_i64())];
    let expected = first.order.clone();
    assert_eq!(store.advance_order(first).await.unwrap(), OrderStepOutcome::Done);
    assert_eq!(
        store.find::<CardOrder>((ENTERPRISE, placed.order_id)).await.unwrap(),
        Some(expected)
    );
    assert_eq!(store.delivery_counts().await.unwrap(), (2, 0));
    let due = store.next_job_due(JobKind::OrderStep).await.unwrap();
    assert_eq!(due, Some(NOW.plus_seconds(1)));
    let application = store.order_application(ENTERPRISE, placed.order_id).await.unwrap();
    assert!(application.is_some());
});

both_engines!(the_last_step_issues_the_card_and_wipes_the_application, |store| {
    let (placed, job) = placed(&store, "l-1").await;
    let issued = issued(&store, 1, placed.customer_id);
    let step = last_step(&placed, &job, issued.clone());
    assert_eq!(store.advance_order(step).await.unwrap(), OrderStepOutcome::Done);
    let card = store.find::<Card>((ENTERPRISE, issued.card.card_id)).await.unwrap();
    assert_eq!(card, Some(issued.card));
    assert!(store.pan_by_fingerprint([1; 32]).await.unwrap() == Some(issued.pan));
    assert_eq!(store.order_application(ENTERPRISE, placed.order_id).await.unwrap(), None);
    assert_eq!(store.next_job_due(JobKind::OrderStep).await.unwrap(), None);
});

both_engines!(a_failed_order_keeps_its_reason, |store| {
    let (placed, job) = placed(&store, "f-1").await;
    let mut failed = step(&placed, &job, OrderStatus::Failed);
    failed.order.failure =
        Some(OrderFailure { error_code: ErrorCode::ALL[0], error_reason: "not today".to_owned() });
    let expected = failed.order.clone();
    assert_eq!(store.advance_order(failed).await.unwrap(), OrderStepOutcome::Done);
    assert_eq!(
        store.find::<CardOrder>((ENTERPRISE, placed.order_id)).await.unwrap(),
        Some(expected)
    );
    assert_eq!(store.next_job_due(JobKind::OrderStep).await.unwrap(), None);
});

both_engines!(a_taken_pan_writes_nothing, |store| {
    let (first, first_job) = placed(&store, "p-1").await;
    let (second, second_job) = placed(&store, "p-2").await;
    let one = last_step(&first, &first_job, issued(&store, 7, first.customer_id));
    assert_eq!(store.advance_order(one).await.unwrap(), OrderStepOutcome::Done);
    let taken = issued(&store, 7, second.customer_id);
    let card_id = taken.card.card_id;
    let two = last_step(&second, &second_job, taken);
    assert_eq!(store.advance_order(two).await.unwrap(), OrderStepOutcome::PanTaken);
    assert_eq!(
        store.find::<CardOrder>((ENTERPRISE, second.order_id)).await.unwrap(),
        Some(second.clone())
    );
    assert_eq!(store.find::<Card>((ENTERPRISE, card_id)).await.unwrap(), None);
    // The lease is still held, so another PAN can be drawn at once.
    let again = last_step(&second, &second_job, issued(&store, 8, second.customer_id));
    assert_eq!(store.advance_order(again).await.unwrap(), OrderStepOutcome::Done);
});

both_engines!(a_step_from_another_state_is_stale, |store| {
    let (placed, job) = placed(&store, "x-1").await;
    let mut late = step(&placed, &job, OrderStatus::Succeed);
    late.expected_status = OrderStatus::KycPass;
    assert_eq!(store.advance_order(late).await.unwrap(), OrderStepOutcome::Stale);
    assert_eq!(store.find::<CardOrder>((ENTERPRISE, placed.order_id)).await.unwrap(), Some(placed));
});
