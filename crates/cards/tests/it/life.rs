//! Changes to a card, and the webhooks that report them.

use cards::CardsError;
use domain::{Card, CardStatus, CardStatusReason, EnterpriseId, ErrorCode};
use wire::cardbridge::query::IdOrReference;

use crate::bed::{Bed, statuses};

async fn bed_with_card() -> (Bed, String) {
    let bed = Bed::new().await;
    let placed = bed.place("ord-1", "share-1").await;
    bed.advance(1).await;
    let card_id = bed.order(&placed).await.card_id.unwrap().to_string();
    (bed, card_id)
}

fn code(outcome: Result<Card, CardsError>) -> ErrorCode {
    outcome.unwrap_err().code()
}

#[tokio::test]
async fn freezing_unfreezing_and_terminating_are_reported_in_order() {
    let (bed, card_id) = bed_with_card().await;
    let owner = bed.enterprise_id;
    let frozen = bed.cards.freeze(owner, &card_id).await.unwrap();
    assert_eq!(frozen.status, CardStatus::Frozen);
    assert_eq!(frozen.status_reason, CardStatusReason::UserFreeze);
    assert_eq!(code(bed.cards.freeze(owner, &card_id).await), ErrorCode::CardStatusNotActivated);
    let lifted = bed.cards.unfreeze(owner, &card_id).await.unwrap();
    assert_eq!(lifted.status_reason, CardStatusReason::Normal);
    assert_eq!(code(bed.cards.unfreeze(owner, &card_id).await), ErrorCode::CardStatusNotFrozen);
    let ended = bed.cards.terminate(owner, &card_id, "CARD_LOST".into()).await.unwrap();
    assert_eq!(ended.invalidate_reason.as_deref(), Some("CARD_LOST"));
    let again = bed.cards.terminate(owner, &card_id, "CARD_LOST".into()).await;
    assert_eq!(code(again), ErrorCode::OperationNotSupport);
    assert_eq!(
        statuses(&bed.webhooks(ended.card_id.as_i64()).await),
        ["ACTIVATED CREATE", "FROZEN UPDATE", "ACTIVATED UPDATE", "INVALID UPDATE"]
    );
}

#[tokio::test]
async fn only_the_issuer_lifts_its_own_block() {
    let (bed, card_id) = bed_with_card().await;
    assert_eq!(bed.cards.block(&card_id).await.unwrap().status, CardStatus::Blocked);
    let lifted = bed.cards.unfreeze(bed.enterprise_id, &card_id).await;
    assert_eq!(code(lifted), ErrorCode::CardStatusNotFrozen);
    assert_eq!(code(bed.cards.block(&card_id).await), ErrorCode::OperationNotSupport);
    assert_eq!(bed.cards.unblock(&card_id).await.unwrap().status, CardStatus::Activated);
}

#[tokio::test]
async fn foreign_and_impossible_ids_are_not_found() {
    let (bed, card_id) = bed_with_card().await;
    let stranger = EnterpriseId::from_i64(bed.store.ids().next());
    bed.add_enterprise(stranger).await;
    for (enterprise_id, card_id) in [(stranger, card_id.as_str()), (bed.enterprise_id, "card_1")] {
        let cards = &bed.cards;
        assert_eq!(code(cards.card(enterprise_id, card_id).await), ErrorCode::CardNotFound);
        assert_eq!(code(cards.freeze(enterprise_id, card_id).await), ErrorCode::CardNotFound);
        let ended = cards.terminate(enterprise_id, card_id, "CARD_LOST".into()).await;
        assert_eq!(code(ended), ErrorCode::CardNotFound);
    }
    assert_eq!(code(bed.cards.block("7").await), ErrorCode::CardNotFound);
    let customer = bed.cards.card(bed.enterprise_id, &card_id).await.unwrap().customer_id;
    let customer = customer.to_string();
    let own = bed.cards.cards_of_customer(bed.enterprise_id, &customer).await.unwrap();
    assert_eq!(own.len(), 1);
    let foreign = bed.cards.cards_of_customer(stranger, &customer).await;
    assert_eq!(foreign.unwrap_err().code(), ErrorCode::CustomerNotFound);
}

#[tokio::test]
async fn an_order_is_found_by_id_by_reference_or_by_both_if_they_agree() {
    let bed = Bed::new().await;
    let first = bed.place("ord-1", "share-1").await;
    bed.place("ord-2", "share-2").await;
    let found = async |id: Option<String>, reference: Option<&str>| {
        let wanted = IdOrReference { id, reference: reference.map(str::to_owned) };
        let order = bed.cards.order(bed.enterprise_id, &wanted).await;
        order.map(|order| order.card_order_ref).map_err(|error| error.code())
    };
    let id = first.order_id.to_string();
    let missing = Err(ErrorCode::CardOrderNotFound);
    assert_eq!(found(Some(id.clone()), None).await.as_deref(), Ok("ord-1"));
    assert_eq!(found(None, Some("ord-2")).await.as_deref(), Ok("ord-2"));
    assert_eq!(found(Some(id.clone()), Some("ord-1")).await.as_deref(), Ok("ord-1"));
    assert_eq!(found(Some(id), Some("ord-2")).await, missing);
    assert_eq!(found(Some("order_1".into()), None).await, missing);
    assert_eq!(found(None, Some("ord-3")).await, missing);
}
