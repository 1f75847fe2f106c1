//! Cards and PANs.

use domain::{
    Card, CardEvent, CardId, CardProfile, CardStatus, Enterprise, EnterpriseId, Timestamp,
    WebhookEvent, WebhookId, WebhookSubType, WebhookType,
};
use store::{CardChange, CardChangeError, CustomerDraft, JobKind, OrderStep, PanRecord, Store};

use crate::both_engines;
use crate::samples::{ENTERPRISE, NOW, customer, found, issued, order, profile};

/// A card that an order issued.
pub async fn card(store: &Store) -> Card {
    let customer = customer(store, "", "card@x.example", "");
    let request = order(store, "card", CustomerDraft::Data(customer));
    let placed = store.place_order(request).await.unwrap();
    let job = store.lease_jobs(JobKind::OrderStep, NOW, 60_000, 1).await.unwrap().remove(0);
    let issued = issued(store, 1, placed.customer_id);
    let card = issued.card.clone();
    let step = OrderStep {
        expected_status: placed.status,
        order: domain::CardOrder { status: domain::OrderStatus::Succeed, ..placed },
        job,
        next_due_at: None,
        issued: Some(issued),
        events: Vec::new(),
    };
    store.advance_order(step).await.unwrap();
    card
}

fn card_told(card: &Card, webhook_id: WebhookId, now: Timestamp) -> WebhookEvent {
    WebhookEvent {
        enterprise_id: card.enterprise_id,
        vm_app_id: None,
        webhook_id,
        webhook_type: WebhookType::Card,
        sub_type: WebhookSubType::Update,
        business_id: card.card_id.as_i64(),
        body: card.status.as_str().as_bytes().to_vec(),
        created_at: now,
    }
}

fn change(card_id: CardId, what: CardEvent) -> CardChange {
    CardChange {
        enterprise_id: ENTERPRISE,
        card_id,
        event: what,
        invalidate_reason: Some("lost".to_owned()),
        now: NOW.plus_seconds(3),
        tell: card_told,
    }
}

both_engines!(a_card_is_found_by_everything_that_names_it, |store| {
    let card = card(&store).await;
    let other = EnterpriseId::from_i64(9);
    assert_eq!(store.find_of_anyone::<Card>(card.card_id).await.unwrap(), Some(card.clone()));
    assert_eq!(store.find::<Card>((other, card.card_id)).await.unwrap(), None);
    let of_customer = store.cards_of_customer(ENTERPRISE, card.customer_id).await.unwrap();
    let of_pan = store.cards_of_pan(ENTERPRISE, card.pan_id).await.unwrap();
    assert_eq!((of_customer, of_pan), (vec![card.clone()], vec![card.clone()]));
    assert_eq!(store.cards_of_pan(other, card.pan_id).await.unwrap(), []);
    assert!(store.find::<PanRecord>((ENTERPRISE, card.pan_id)).await.unwrap().is_some());
    assert!(store.find::<PanRecord>((other, card.pan_id)).await.unwrap().is_none());
    assert!(store.pan_by_fingerprint([2; 32]).await.unwrap().is_none());
});

both_engines!(the_surroundings_of_a_card_are_what_is_read_one_by_one, |store| {
    let card = card(&store).await;
    let nothing = store.card_surroundings(&card).await.unwrap();
    assert!(nothing.enterprise.is_none() && nothing.platform_key.is_none());
    assert!(nothing.profile.is_none() && nothing.api_keys.is_empty());
    found(&store, ENTERPRISE, None).await;
    found(&store, EnterpriseId::from_i64(9), None).await;
    store.create_profile(profile()).await.unwrap();
    for api_key in ["b", "a"] {
        let key = domain::ApiKey {
            api_key: api_key.to_owned(),
            enterprise_id: ENTERPRISE,
            sealed_secret: vec![1],
            created_at: NOW,
            revoked_at: None,
        };
        store.add_api_key(key).await.unwrap();
    }
    let all = store.card_surroundings(&card).await.unwrap();
    assert_eq!(all.enterprise, store.find::<Enterprise>(ENTERPRISE).await.unwrap());
    assert_eq!(
        all.profile,
        store.find::<CardProfile>((ENTERPRISE, card.profile_id)).await.unwrap()
    );
    assert_eq!(all.cards_of_pan, std::slice::from_ref(&card));
    let key = store.platform_key(ENTERPRISE).await.unwrap().unwrap();
    assert_eq!(all.platform_key.map(|key| key.sealed_private_key), Some(key.sealed_private_key));
    let names: Vec<_> = all.api_keys.iter().map(|key| key.api_key.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
});

both_engines!(a_card_changes_as_its_state_allows_and_tells, |store| {
    let card = card(&store).await;
    let (told, _) = store.delivery_counts().await.unwrap();
    let frozen = store.change_card(change(card.card_id, CardEvent::Freeze)).await.unwrap();
    assert_eq!((frozen.status, frozen.modified_at), (CardStatus::Frozen, NOW.plus_seconds(3)));
    assert_eq!(frozen.invalidate_reason, None);
    let again = store.change_card(change(card.card_id, CardEvent::Freeze)).await;
    assert!(matches!(again, Err(CardChangeError::Transition(_))), "{again:?}");
    let ended = store.change_card(change(card.card_id, CardEvent::Terminate)).await.unwrap();
    assert_eq!(ended.invalidate_reason.as_deref(), Some("lost"));
    assert_eq!(store.find::<Card>((ENTERPRISE, card.card_id)).await.unwrap(), Some(ended));
    assert_eq!(store.delivery_counts().await.unwrap(), (told + 2, 0));
    let nobody = store.change_card(change(CardId::from_i64(1), CardEvent::Freeze)).await;
    assert!(matches!(nobody, Err(CardChangeError::NotFound)), "{nobody:?}");
});

both_engines!(of_equal_changes_at_once_exactly_one_wins, |store| {
    let card = card(&store).await;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (store, change) = (store.clone(), change(card.card_id, CardEvent::Freeze));
            tokio::spawn(async move { store.change_card(change).await.is_ok() })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        won += usize::from(task.await.unwrap());
    }
    assert_eq!(won, 1);
});
