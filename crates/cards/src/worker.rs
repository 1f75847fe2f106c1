//! Moves orders on: leased jobs, one commit per step.

use std::sync::Arc;

use domain::{
    Card, CardOrder, CardProfile, ErrorCode, KycTicket, KycTicketStatus, OrderId, OrderStatus,
    OrderType, Timestamp, WebhookEvent, WebhookId, WebhookSubType,
};
use schedule::LeasedJobs;
use store::{Job, JobKind, OrderStep, OrderStepOutcome, Store, StoreError};
use thiserror::Error;
use vault::Vault;
use wire::cardbridge::webhook::{card_event, card_order_event};

use crate::application::{UnreadableError, scenario_of_sealed};
use crate::issue::draw_card;
use crate::magic::Scenario;
use crate::step::{failure, step_by_kyc};
use crate::{CardsSettings, StepDecision, delivery, next_step};

/// Most steps under way at a time.
const MAX_STEPS_UNDER_WAY: u32 = 64;
/// Most PANs drawn for one card before its profile's range counts as used up.
pub(crate) const MAX_PAN_DRAWS: u32 = 64;

/// Why a step could not be made; the order is unchanged.
#[derive(Debug, Error)]
pub(crate) enum StepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Application(#[from] UnreadableError),
    #[error("the store has no such {0}")]
    Missing(&'static str),
}

/// Moves orders on when their next step is due. Several such workers may run concurrently: each
/// step is made by one of them.
#[must_use]
pub fn order_worker(store: Store, vault: Arc<Vault>, settings: CardsSettings) -> LeasedJobs {
    let steps = Arc::new(Steps { store: store.clone(), vault, settings });
    LeasedJobs::new(store, ("orders", JobKind::OrderStep), MAX_STEPS_UNDER_WAY, move |job| {
        let steps = Arc::clone(&steps);
        Box::pin(async move { Ok(steps.step(&job, OrderId::from_i64(job.subject_id)).await?) })
    })
}

/// Makes the steps of orders.
pub(crate) struct Steps {
    pub(crate) store: Store,
    pub(crate) vault: Arc<Vault>,
    settings: CardsSettings,
}

impl Steps {
    async fn step(&self, job: &Job, order_id: OrderId) -> Result<(), StepError> {
        // Read before the order: evidence accepted while a ticket is open leaves the job alone, so
        // a ticket that is read as decided here must also show what was accepted before it.
        let ticket = self.store.kyc_ticket_of_order(job.enterprise_id, order_id).await?;
        let order = self.store.find::<CardOrder>((job.enterprise_id, order_id)).await?;
        let order = order.ok_or(StepError::Missing("order"))?;
        let mut scenario = self.scenario(&order).await?;
        let mut by_kyc = None;
        if let Some(ticket) = &ticket {
            scenario = scenario.identified();
            if order.status == OrderStatus::CustomerPass {
                by_kyc = step_by_kyc(ticket.status);
            }
        }
        let now = self.store.clock().now();
        let expected_status = order.status;
        let mut next = order.clone();
        next.modified_at = now;
        let mut next_due_at = None;
        match by_kyc.unwrap_or_else(|| next_step(&order, scenario)) {
            StepDecision::WaitForKyc => return self.wait_for_kyc(job, ticket.as_ref()).await,
            StepDecision::Issue if order.order_type == OrderType::Virtual => {
                return self.issue(job, order, now).await;
            }
            StepDecision::Issue => return self.finish_replacement(job, order, now).await,
            StepDecision::Rest => {
                return self.commit(self.silent(job, order, expected_status)).await.map(drop);
            }
            StepDecision::Advance(status) => {
                next.status = status;
                next_due_at = Some(self.settings.next_due(now, scenario));
            }
            StepDecision::WaitForEdd => {
                next.status = OrderStatus::CustomerPass;
                next.need_edd_file = true;
                // No evidence helps an order whose ticket is refused: it fails next. An open ticket
                // may be refused at this very moment, so the next step looks at it again.
                if ticket.is_some_and(|it| it.status != KycTicketStatus::Pass) {
                    next_due_at = Some(self.settings.next_due(now, scenario));
                }
            }
            StepDecision::Fail(reason) => {
                next.status = OrderStatus::Failed;
                next.failure = Some(reason);
            }
        }
        let events = vec![self.order_event(&next, now)];
        let step = OrderStep { next_due_at, events, ..self.silent(job, next, expected_status) };
        self.commit(step).await.map(drop)
    }

    /// Parks the order until its ticket is decided.
    async fn wait_for_kyc(&self, job: &Job, ticket: Option<&KycTicket>) -> Result<(), StepError> {
        let ticket = ticket.ok_or(StepError::Missing("KYC ticket"))?;
        Ok(self.store.park_order(job, ticket.kyc_ticket_id).await?)
    }

    /// The last step: draws PANs until one is free.
    async fn issue(&self, job: &Job, order: CardOrder, now: Timestamp) -> Result<(), StepError> {
        let expected_status = order.status;
        let profile =
            self.store.find::<CardProfile>((order.enterprise_id, order.profile_id)).await?;
        let profile = profile.ok_or(StepError::Missing("profile"))?;
        let mut next = CardOrder { modified_at: now, ..order };
        for _ in 0..MAX_PAN_DRAWS {
            let issued = draw_card(&self.vault, &self.store, &next, &profile, now);
            next.status = OrderStatus::Succeed;
            next.card_id = Some(issued.card.card_id);
            let events = vec![self.order_event(&next, now), self.card_event(&issued.card, now)];
            let step = self.silent(job, next.clone(), expected_status);
            let step = OrderStep { issued: Some(issued), events, ..step };
            if self.commit(step).await? != OrderStepOutcome::PanTaken {
                return Ok(());
            }
        }
        tracing::error!(order_id = %next.order_id, profile_id = %next.profile_id,
            "no free PAN found in the profile's range");
        next.status = OrderStatus::Failed;
        next.card_id = None;
        next.failure = Some(failure(ErrorCode::CardOrderChannelCardInvalid));
        let events = vec![self.order_event(&next, now)];
        let step = OrderStep { events, ..self.silent(job, next, expected_status) };
        self.commit(step).await.map(drop)
    }

    pub(crate) async fn commit(&self, step: OrderStep) -> Result<OrderStepOutcome, StepError> {
        let (order_id, status) = (step.order.order_id, step.order.status);
        let outcome = self.store.advance_order(step).await?;
        tracing::debug!(%order_id, %status, ?outcome, "order step");
        Ok(outcome)
    }

    /// A step that notifies nobody, issues nothing and leaves nothing due.
    pub(crate) fn silent(
        &self,
        job: &Job,
        order: CardOrder,
        expected_status: OrderStatus,
    ) -> OrderStep {
        OrderStep {
            order,
            expected_status,
            job: job.clone(),
            next_due_at: None,
            issued: None,
            events: Vec::new(),
        }
    }

    /// The scenario of an order; outside the sandbox it is always the plain one.
    async fn scenario(&self, order: &CardOrder) -> Result<Scenario, StepError> {
        if !self.settings.magic_values {
            return Ok(Scenario::PLAIN);
        }
        let (enterprise_id, order_id) = (order.enterprise_id, order.order_id);
        match self.store.order_application(enterprise_id, order_id).await? {
            Some(sealed) if order.order_type == OrderType::VirtualToPhysical => {
                let info = delivery::open_of_order(&self.vault, enterprise_id, order_id, &sealed)?;
                Ok(delivery::scenario(&info))
            }
            Some(sealed) => Ok(scenario_of_sealed(&self.vault, enterprise_id, order_id, &sealed)?),
            // A final order's application is wiped, and a replacement has none.
            None => Ok(Scenario::PLAIN),
        }
    }

    pub(crate) fn order_event(&self, order: &CardOrder, now: Timestamp) -> WebhookEvent {
        card_order_event(order, self.webhook_id(), WebhookSubType::Update, now)
    }

    pub(crate) fn card_event(&self, card: &Card, now: Timestamp) -> WebhookEvent {
        card_event(card, self.webhook_id(), WebhookSubType::Create, now)
    }

    fn webhook_id(&self) -> WebhookId {
        WebhookId::from_i64(self.store.ids().next())
    }
}
