//! Intent tickets: evidence for an enhanced due diligence (cardbridge-open-api.md section
//! 6.5.2).
//!
//! A timed job finds the evidence complete; then a reviewer decides by a call. In the sandbox that
//! job refuses a `ticketRef` that begins with `fail`.

use std::sync::Arc;

use domain::{
    Card, CardOrder, CardStatus, EnterpriseId, ErrorCode, IntentEvent, IntentSubject, IntentTicket,
    IntentTicketId, IntentTicketStatus, IntentTicketType, JobId, OrderFailure, OrderType,
    WebhookId, WebhookSubType,
};
use store::{IntentChange, Job, JobKind, PlaceIntentTicket};
use wire::cardbridge::intent_ticket::CreateIntentTicket;
use wire::cardbridge::query::IdOrReference;
use wire::cardbridge::webhook::{card_order_event, intent_ticket_event};

use crate::magic::Scenario;
use crate::step::failure;
use crate::{Cards, CardsError, Verdict};

/// The purpose under which the vault seals evidence.
const SEAL_PURPOSE: &str = "edd-evidence";
/// Prefix of the references of tickets that the sandbox refuses.
const FAIL: &str = "fail";

impl Cards {
    /// Accepts a ticket with its evidence: it is INIT.
    ///
    /// # Errors
    /// [`CardsError`]; nothing was written.
    pub async fn create_intent_ticket(
        &self,
        enterprise_id: EnterpriseId,
        request: &CreateIntentTicket,
    ) -> Result<IntentTicket, CardsError> {
        let by_ref =
            self.store.find_by_ref::<IntentTicket>(enterprise_id, &request.ticket_ref).await?;
        if by_ref.is_some() {
            return Err(CardsError::TicketRefTaken);
        }
        let subject = self.subject(enterprise_id, request).await?;
        let now = self.store.clock().now();
        let ticket = IntentTicket {
            enterprise_id,
            ticket_id: IntentTicketId::from_i64(self.store.ids().next()),
            ticket_ref: request.ticket_ref.clone(),
            subject,
            status: IntentTicketStatus::Init,
            reason: None,
            created_at: now,
            modified_at: now,
        };
        let record = ticket.ticket_id.to_string();
        let placed = PlaceIntentTicket {
            sealed_evidence: self.vault.seal_secret(
                enterprise_id,
                SEAL_PURPOSE,
                &record,
                &request.evidence,
            ),
            job: Job::new(
                enterprise_id,
                JobId::from_i64(self.store.ids().next()),
                JobKind::IntentTicketStep,
                ticket.ticket_id.as_i64(),
                self.settings.next_due(now, Scenario::PLAIN),
            ),
            event: intent_ticket_event(
                &ticket,
                WebhookId::from_i64(self.store.ids().next()),
                WebhookSubType::Create,
                now,
            ),
            ticket: ticket.clone(),
        };
        self.store.place_intent_ticket(placed).await?;
        if request.is_holding_unknown {
            tracing::warn!(ticket_id = %ticket.ticket_id, "holdingType is outside its dictionary");
        }
        Ok(ticket)
    }

    /// The order that waits for evidence, or the card whose limits are to be raised.
    async fn subject(
        &self,
        enterprise_id: EnterpriseId,
        request: &CreateIntentTicket,
    ) -> Result<IntentSubject, CardsError> {
        match request.ticket_type {
            IntentTicketType::CreateCardEdd => {
                let id = request.business_id.parse().map_err(|_| CardsError::EddOrderIncorrect)?;
                let order = self.store.find::<CardOrder>((enterprise_id, id)).await?;
                let order = order.ok_or(CardsError::EddOrderIncorrect)?;
                let refused = order.failure.as_ref().map(|failure| failure.error_code);
                if refused == Some(ErrorCode::RequestRejectionError) {
                    return Err(CardsError::EddRejected);
                }
                let waits = order.order_type == OrderType::Virtual
                    && order.need_edd_file
                    && !order.status.is_final();
                if waits {
                    Ok(IntentSubject::Order(id))
                } else {
                    Err(CardsError::EddOrderIncorrect)
                }
            }
            IntentTicketType::IncreaseLimitEdd => {
                let id = request.business_id.parse().map_err(|_| CardsError::EddCardIncorrect)?;
                let card = self.store.find::<Card>((enterprise_id, id)).await?;
                let card = card.filter(|it| it.account.is_forwarded());
                let card = card.ok_or(CardsError::EddCardIncorrect)?;
                if card.status == CardStatus::Invalid {
                    return Err(CardsError::EddCardIncorrect);
                }
                Ok(IntentSubject::Card(id))
            }
        }
    }

    /// The ticket that a query names. If it gives both an id and a reference, they must name the
    /// same ticket.
    ///
    /// # Errors
    /// `IntentTicketNotFound`, or the store failed.
    pub async fn wanted_intent_ticket(
        &self,
        enterprise_id: EnterpriseId,
        wanted: &IdOrReference,
    ) -> Result<IntentTicket, CardsError> {
        let ticket = match (&wanted.id, &wanted.reference) {
            (Some(id), _) => {
                let id = id.parse().map_err(|_| CardsError::IntentTicketNotFound)?;
                self.store.find::<IntentTicket>((enterprise_id, id)).await?
            }
            (None, Some(text)) => {
                self.store.find_by_ref::<IntentTicket>(enterprise_id, text).await?
            }
            (None, None) => None,
        };
        let same = |ticket: &IntentTicket| {
            wanted.reference.as_ref().is_none_or(|text| *text == ticket.ticket_ref)
        };
        ticket.filter(same).ok_or(CardsError::IntentTicketNotFound)
    }

    /// A reviewer's decision, whoever owns the ticket. Repeating the decision changes nothing.
    ///
    /// # Errors
    /// No such ticket, it was decided differently, or the store failed.
    pub async fn decide_intent_ticket(
        &self,
        ticket_id: &str,
        verdict: Verdict,
    ) -> Result<IntentTicket, CardsError> {
        let id: IntentTicketId = ticket_id.parse().map_err(|_| CardsError::IntentTicketNotFound)?;
        let ticket = self.store.find_of_anyone::<IntentTicket>(id).await?;
        let ticket = ticket.ok_or(CardsError::IntentTicketNotFound)?;
        let (event, wanted, reason) = match verdict {
            Verdict::Pass => (IntentEvent::Pass, IntentTicketStatus::Succeed, None),
            Verdict::Fail { reason } => (IntentEvent::Fail, IntentTicketStatus::Failed, reason),
        };
        match self.change_intent_ticket(&ticket, event, reason).await {
            Err(CardsError::IntentTransition(error)) if error.from == wanted => {
                let ticket = self.store.find::<IntentTicket>((ticket.enterprise_id, id)).await?;
                ticket.ok_or(CardsError::IntentTicketNotFound)
            }
            settled => settled,
        }
    }

    /// The work of the timed job: the evidence is complete, or the sandbox refuses it.
    pub(crate) async fn complete_intent_ticket(
        &self,
        ticket: &IntentTicket,
    ) -> Result<IntentTicket, CardsError> {
        let is_refused = self.settings.magic_values && ticket.ticket_ref.starts_with(FAIL);
        let event = if is_refused { IntentEvent::Fail } else { IntentEvent::Complete };
        self.change_intent_ticket(ticket, event, None).await
    }

    async fn change_intent_ticket(
        &self,
        ticket: &IntentTicket,
        event: IntentEvent,
        reason: Option<String>,
    ) -> Result<IntentTicket, CardsError> {
        let now = self.store.clock().now();
        let plain = failure(ErrorCode::RequestRejectionError);
        let (of_tickets, of_orders) = (self.store.clone(), self.store.clone());
        let update = WebhookSubType::Update;
        let change = IntentChange {
            enterprise_id: ticket.enterprise_id,
            ticket_id: ticket.ticket_id,
            event,
            failure: OrderFailure {
                error_reason: reason.clone().unwrap_or(plain.error_reason),
                ..plain
            },
            reason,
            order_due_at: self.settings.next_due(now, Scenario::PLAIN),
            tell_ticket: Arc::new(move |ticket| {
                let webhook_id = WebhookId::from_i64(of_tickets.ids().next());
                intent_ticket_event(ticket, webhook_id, update, now)
            }),
            tell_order: Arc::new(move |order| {
                let webhook_id = WebhookId::from_i64(of_orders.ids().next());
                card_order_event(order, webhook_id, update, now)
            }),
            now,
        };
        Ok(self.store.change_intent_ticket(change).await?)
    }
}
