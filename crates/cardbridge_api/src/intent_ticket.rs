//! Intent tickets (cardbridge-open-api.md section 6.5).

use wire::cardbridge::intent_ticket::{CreateIntentTicket, IntentTicketBody, WANTED_TICKET};
use wire::cardbridge::query::Query;

use super::call::Call;
use super::reply::{Reply, Success};

/// `POST intent-ticket/v1/create`.
pub(crate) async fn create(call: Call<CreateIntentTicket>) -> Reply<IntentTicketBody> {
    let request = call.body()?;
    let ticket = call.state.cards.create_intent_ticket(call.enterprise_id, &request).await?;
    Ok(Success(IntentTicketBody::from(&ticket)))
}

/// `GET intent-ticket/v1/detail`.
pub(crate) async fn detail(call: Call<Query>) -> Reply<IntentTicketBody> {
    let wanted = call.query()?.id_or_reference(&WANTED_TICKET)?;
    let ticket = call.state.cards.wanted_intent_ticket(call.enterprise_id, &wanted).await?;
    Ok(Success(IntentTicketBody::from(&ticket)))
}
