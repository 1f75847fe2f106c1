//! The messages of links (network-iso8583.md section 7.6).

use domain::{AnswerDelivery, Money};
use store::{LinkMessage, LinkMessageFilter};

use super::authorisations::moment;
use crate::answer_body::answer_body;
use crate::call::{Answer, Call};
use crate::card_reference::{NamesCards, named};
use crate::paging::{ListQuery, Page};
use crate::problem::Problem;

answer_body! {
    /// A message that a link brought. Amounts are decimal texts in major units.
    pub(crate) struct NetworkMessageBody of row: &LinkMessage {
        message_id: String = row.message_id.to_string(),
        /// The link that brought it.
        link: String = row.link.clone(),
        /// Its type.
        mti: String = row.mti.clone(),
        /// The acquirer's number without leading zeros (DE32); may be empty.
        acquirer: String = row.acquirer.clone(),
        /// DE11.
        stan: String = row.stan.clone(),
        /// DE37; may be empty.
        rrn: String = row.rrn.clone(),
        /// DE7: MMDDhhmmss.
        transmitted_at: String = row.facts.transmitted_at.clone(),
        /// DE3.
        processing_code: String = row.facts.processing_code.clone(),
        /// DE4; of a partial reversal of 1993 its original's (DE30), if that is given.
        amount: Option<String> = row.facts.amount.map(Money::to_major),
        /// DE49.
        currency: Option<String> = row.facts.currency().map(|currency| currency.to_string()),
        /// What remains of the original after a reversal (DE95; in 1993 DE4).
        remaining: Option<String> = remaining(row),
        /// The STAN of the original that it names (DE90; in 1993 DE56).
        original_stan: Option<String> = row.facts.original.as_ref().map(|it| it.stan.clone()),
        /// DE15 without its year: MMDD.
        settlement_date: Option<String> = row.settlement_date.clone(),
        /// DE38 as it came.
        auth_code: Option<String> = row.auth_code.clone(),
        /// DE39 as it came.
        response_code: Option<String> = row.response_code.clone(),
        /// The owner of the card; null if the card is not one of ours.
        enterprise_id: Option<String> = row.enterprise_id.map(|id| id.to_string()),
        card_id: Option<String> = row.card_id.map(|id| id.to_string()),
        /// The authorisation that it made, or is about.
        auth_id: Option<String> = row.auth_id.map(|id| id.to_string()),
        /// What it led to, if nobody was asked: `ACCEPTED`, `REVERSED`, `NOTHING_LEFT`, `CLEARED`,
        /// `EARLY`, `UNCLEAR`, `OTHER_CURRENCY` or `UNKNOWN_CARD`.
        outcome: Option<String> = row.outcome.map(|outcome| outcome.to_string()),
        received_at: String = row.received_at.to_string(),
        /// DE39 of its answer.
        answer_code: Option<String> = row.answer_code.clone(),
        /// When its answer was written or given up.
        answered_at: Option<String> = row.answered_at.map(|at| at.to_string()),
        /// What became of its answer: `PENDING`, `WRITTEN`, `NOT_WRITTEN`, `TOO_LATE` or `UNKNOWN`.
        delivery: String = row.delivery.to_string(),
    }
}

impl NamesCards for NetworkMessageBody {
    fn cards(&mut self) -> Vec<(&str, &mut String)> {
        self.enterprise_id.as_deref().zip(self.card_id.as_mut()).into_iter().collect()
    }
}

fn remaining(row: &LinkMessage) -> Option<String> {
    let currency = row.facts.currency()?;
    row.facts.remaining_minor.map(|minor| Money::new(minor, currency).to_major())
}

/// `GET /admin/v1/network-messages`.
pub(crate) async fn list(call: Call) -> Answer<Page<NetworkMessageBody>> {
    let query = call.query()?;
    let filter = LinkMessageFilter {
        link: query.text("link")?,
        mti: query.text("mti")?,
        acquirer: query.text("acquirer")?.map(|it| it.trim_start_matches('0').to_owned()),
        stan: query.text("stan")?,
        rrn: query.text("rrn")?,
        auth_id: query.id("authId")?,
        delivery: query.parsed("delivery", &format!("must be one of {}", deliveries()))?,
        is_unposted: is_set(&query, "unposted")?,
        from: moment(&query, "from")?,
        to: moment(&query, "to")?,
        cursor: query.cursor()?,
        order: query.order()?,
        limit: query.limit()?,
    };
    let rows = call.state.store.link_messages(filter).await?;
    let page = Page::of(&query, &rows, NetworkMessageBody::of, |row| row.message_id)?;
    named(&call.state, page).await
}

fn deliveries() -> String {
    AnswerDelivery::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ")
}

fn is_set(query: &ListQuery, name: &str) -> Result<bool, Problem> {
    match query.text(name)?.as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::invalid(format!("{name} must be true or false"))),
    }
}
