//! The last step of an order in place of a card.

use domain::{
    Card, CardId, CardOrder, CardProfile, CardStatus, CardStatusReason, CardType, ErrorCode,
    OrderStatus, OrderType, Timestamp,
};
use store::{Job, OrderStep, OrderStepOutcome, Plastic, ReplacementOutcome, ReplacementStep, Twin};

use crate::delivery;
use crate::issue::draw_card;
use crate::life::card_update;
use crate::step::failure;
use crate::worker::{MAX_PAN_DRAWS, StepError, Steps};

impl Steps {
    /// Issues the physical twin, or the card with a new number, and ends the order. If the source
    /// card no longer allows it, the order fails.
    pub(crate) async fn finish_replacement(
        &self,
        job: &Job,
        order: CardOrder,
        now: Timestamp,
    ) -> Result<(), StepError> {
        let source_card_id = order.replace_card_id.ok_or(StepError::Missing("source card"))?;
        let source = self.store.find::<Card>((order.enterprise_id, source_card_id)).await?;
        let source = source.ok_or(StepError::Missing("source card"))?;
        let next = CardOrder { modified_at: now, ..order.clone() };
        let code = match order.order_type {
            OrderType::VirtualToPhysical => {
                let step = self.twin_step(job, next.clone(), &source, now).await?;
                match self.commit_replacement(step).await? {
                    ReplacementOutcome::Step(_) => return Ok(()),
                    ReplacementOutcome::SourceUnfit => ErrorCode::CardOrderVirtualToPhysicalFailed,
                }
            }
            OrderType::Replacement | OrderType::Virtual => {
                match self.issue_replacement(job, &next, &source, now).await? {
                    ReplacementOutcome::Step(OrderStepOutcome::PanTaken) => {
                        ErrorCode::CardOrderChannelCardInvalid
                    }
                    ReplacementOutcome::Step(_) => return Ok(()),
                    ReplacementOutcome::SourceUnfit => ErrorCode::OriginalCardStatusNotActivated,
                }
            }
        };
        let mut failed = next;
        failed.status = OrderStatus::Failed;
        failed.failure = Some(failure(code));
        let events = vec![self.order_event(&failed, now)];
        let step = OrderStep { events, ..self.silent(job, failed, order.status) };
        self.commit(step).await.map(drop)
    }

    /// Draws numbers until one is free.
    async fn issue_replacement(
        &self,
        job: &Job,
        next: &CardOrder,
        source: &Card,
        now: Timestamp,
    ) -> Result<ReplacementOutcome, StepError> {
        let profile = self.store.find::<CardProfile>((next.enterprise_id, next.profile_id)).await?;
        let profile = profile.ok_or(StepError::Missing("profile"))?;
        let mut outcome = ReplacementOutcome::Step(OrderStepOutcome::PanTaken);
        for _ in 0..MAX_PAN_DRAWS {
            let issued = draw_card(&self.vault, &self.store, next, &profile, now);
            let order = succeeded(next, issued.card.card_id);
            let events = vec![self.order_event(&order, now), self.card_event(&issued.card, now)];
            let step = self.silent(job, order, next.status);
            let step = OrderStep { issued: Some(issued), events, ..step };
            outcome = self.commit_replacement(Self::replacement_step(step, source, None)).await?;
            if outcome != ReplacementOutcome::Step(OrderStepOutcome::PanTaken) {
                return Ok(outcome);
            }
        }
        tracing::error!(order_id = %next.order_id, profile_id = %next.profile_id,
            "no free PAN found in the profile's range");
        Ok(outcome)
    }

    async fn twin_step(
        &self,
        job: &Job,
        next: CardOrder,
        source: &Card,
        now: Timestamp,
    ) -> Result<ReplacementStep, StepError> {
        let (enterprise_id, order_id) = (next.enterprise_id, next.order_id);
        let sealed = self.store.order_application(enterprise_id, order_id).await?;
        // A final order's data is wiped; such an order has no step left.
        let sealed = sealed.ok_or(StepError::Missing("delivery data"))?;
        let info = delivery::open_of_order(&self.vault, enterprise_id, order_id, &sealed)?;
        // The twin has the PAN of its source, and so its expiry and CVV2 too.
        let card = Card {
            card_id: CardId::from_i64(self.store.ids().next()),
            card_type: CardType::Physical,
            status: CardStatus::WaitingActive,
            status_reason: CardStatusReason::Normal,
            invalidate_reason: None,
            created_at: now,
            modified_at: now,
            ..source.clone()
        };
        let plastic = Plastic {
            enterprise_id,
            card_id: card.card_id,
            card_layout_code: info.card_layout_code.clone(),
            need_shipping_info: info.need_shipping_info,
            sealed_delivery: Some(delivery::seal_for_card(
                &self.vault,
                enterprise_id,
                card.card_id,
                &info,
            )),
            embossed_at: None,
            shipped_at: None,
            tracking: None,
        };
        let expected_status = next.status;
        let order = succeeded(&next, card.card_id);
        let events = vec![self.order_event(&order, now), self.card_event(&card, now)];
        let step = OrderStep { events, ..self.silent(job, order, expected_status) };
        Ok(Self::replacement_step(step, source, Some(Twin { card, plastic })))
    }

    fn replacement_step(step: OrderStep, source: &Card, twin: Option<Twin>) -> ReplacementStep {
        ReplacementStep { step, source_card_id: source.card_id, twin, tell: card_update }
    }

    async fn commit_replacement(
        &self,
        step: ReplacementStep,
    ) -> Result<ReplacementOutcome, StepError> {
        let (order_id, status) = (step.step.order.order_id, step.step.order.status);
        let outcome = self.store.finish_replacement(step).await?;
        tracing::debug!(%order_id, %status, ?outcome, "order step");
        Ok(outcome)
    }
}

fn succeeded(order: &CardOrder, card_id: CardId) -> CardOrder {
    CardOrder { status: OrderStatus::Succeed, card_id: Some(card_id), ..order.clone() }
}
