//! The messages of links as operators see them (network-iso8583.md sections 5.2 and 6.4).

use domain::{
    AnswerDelivery, AuthId, CardId, EnterpriseId, Event, EventKind, LinkArrival, MessageFacts,
    MessageOutcome, Money, NetworkMessageId, Payer, Reconciled, Timestamp,
};

use super::messages::{KnownRow, NetworkMessage, known, write};
use crate::engine::{Tx, with};
use crate::listing::{ListOrder, Page, PageRequest};
use crate::records::record;
use crate::{Store, StoreError, feed};

/// A message of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkMessage {
    /// Id.
    pub message_id: NetworkMessageId,
    /// The link that brought it.
    pub link: String,
    /// Its type, four digits.
    pub mti: String,
    /// The acquirer's number without leading zeros; may be empty.
    pub acquirer: String,
    /// System trace audit number.
    pub stan: String,
    /// Retrieval reference number; may be empty.
    pub rrn: String,
    /// What it says.
    pub facts: MessageFacts,
    /// The settlement date that it gives: MMDD.
    pub settlement_date: Option<String>,
    /// The authorisation code that it gives.
    pub auth_code: Option<String>,
    /// The response code or reason that it gives.
    pub response_code: Option<String>,
    /// The owner of the card; `None` if it is not one of ours.
    pub enterprise_id: Option<EnterpriseId>,
    /// The card.
    pub card_id: Option<CardId>,
    /// The authorisation that it made, or is about.
    pub auth_id: Option<AuthId>,
    /// What it led to, if nobody was asked.
    pub outcome: Option<MessageOutcome>,
    /// When it arrived (real time).
    pub received_at: Timestamp,
    /// The code of its answer.
    pub answer_code: Option<String>,
    /// When its answer was written or given up (real time).
    pub answered_at: Option<Timestamp>,
    /// What became of its answer.
    pub delivery: AnswerDelivery,
    /// The network that numbers it; `None` of one that arrived before this was kept.
    pub network: Option<String>,
    /// The total to which it counts once it is approved.
    pub reconciled: Option<Reconciled>,
    /// The authorisation that a reversal gives back.
    pub reversed_auth_id: Option<AuthId>,
    /// The request whose identity an advice has.
    pub repeats_message_id: Option<NetworkMessageId>,
    /// True once an approval of it was written; of what states a fact, from the beginning.
    pub is_approved: bool,
}

record! {
    LinkMessage in "link_message" key (message_id) {
        message_id,
        link,
        mti,
        acquirer,
        stan,
        rrn,
        facts: [
            transmitted_at,
            processing_code,
            amount_minor,
            currency,
            remaining_minor,
            original_kind,
            original_acquirer,
            original_stan,
            original_transmitted_at
        ],
        settlement_date,
        auth_code,
        response_code,
        enterprise_id,
        card_id,
        auth_id,
        outcome,
        received_at,
        answer_code,
        answered_at,
        delivery,
        network,
        reconciled: [counts_as, counted_minor, counted_currency],
        reversed_auth_id,
        repeats_message_id,
        is_approved,
    }
}

/// What a message is about, and what it led to.
pub(super) struct Recorded {
    pub(super) payer: Option<Payer>,
    pub(super) auth_id: Option<AuthId>,
    pub(super) outcome: Option<MessageOutcome>,
    pub(super) reconciled: Option<Reconciled>,
    /// The authorisation that a reversal gives back.
    pub(super) reversed_auth_id: Option<AuthId>,
    /// The request whose identity an advice has.
    pub(super) repeats_message_id: Option<NetworkMessageId>,
}

impl LinkMessage {
    /// The event that it was recorded, `at` in business time.
    pub(super) fn told(&self, at: Timestamp) -> Event {
        Event {
            enterprise_id: self.enterprise_id,
            vm_app_id: None,
            kind: EventKind::MessageRecorded,
            subject_id: self.message_id.as_i64(),
            at,
        }
    }

    /// A message that arrived now and is not answered yet.
    pub(super) fn of(arrival: &LinkArrival, about: &Recorded, received_at: Timestamp) -> Self {
        let LinkArrival { message, record } = arrival;
        let numbers = &message.identity.numbers;
        Self {
            message_id: record.message_id,
            link: record.link.clone(),
            mti: record.mti.clone(),
            acquirer: numbers.acquirer.clone(),
            stan: numbers.stan.clone(),
            rrn: numbers.rrn.clone(),
            facts: message.facts.clone(),
            settlement_date: record.settlement_date.clone(),
            auth_code: record.auth_code.clone(),
            response_code: record.response_code.clone(),
            enterprise_id: about.payer.map(|payer| payer.enterprise_id),
            card_id: about.payer.map(|payer| payer.card_id),
            auth_id: about.auth_id,
            outcome: about.outcome,
            received_at,
            answer_code: None,
            answered_at: None,
            delivery: AnswerDelivery::Pending,
            network: Some(numbers.network.clone()),
            reconciled: about.reconciled.clone(),
            reversed_auth_id: about.reversed_auth_id,
            repeats_message_id: about.repeats_message_id,
            is_approved: states_a_fact(&record.mti),
        }
    }
}

/// True for advices and reversals: the network has them in its books whatever it is answered.
fn states_a_fact(mti: &str) -> bool {
    matches!(class_and_function(mti).as_bytes(), [b'4', _] | [_, b'2'])
}

/// The middle digits of a type, which all versions and repeats of a message share.
fn class_and_function(mti: &str) -> &str {
    mti.get(1..3).unwrap_or_default()
}

/// What became of an answer.
#[derive(Debug, Clone)]
pub struct AnswerNote {
    /// The message.
    pub message_id: NetworkMessageId,
    /// The code of the answer; `None` if none was made.
    pub code: Option<String>,
    /// What became of it.
    pub delivery: AnswerDelivery,
    /// When (real time).
    pub at: Timestamp,
    /// True if it says that a request is approved.
    pub is_approval: bool,
}

/// An approval that was written again: its request may have got none the first time.
#[derive(Debug, Clone)]
pub struct RepeatedApproval {
    /// The authorisation.
    pub auth_id: AuthId,
    /// The type of the message that was answered, which may be a repeat of the request.
    pub mti: String,
    /// Its STAN.
    pub stan: String,
}

/// Selects the messages of a list.
#[derive(Debug, Clone, Default)]
pub struct LinkMessageFilter {
    /// Only of this link.
    pub link: Option<String>,
    /// Only of this type.
    pub mti: Option<String>,
    /// Only of this acquirer, without leading zeros.
    pub acquirer: Option<String>,
    /// Only with this STAN.
    pub stan: Option<String>,
    /// Only with this RRN.
    pub rrn: Option<String>,
    /// Only those that made this authorisation, or are about it.
    pub auth_id: Option<AuthId>,
    /// Only those whose answer this became of.
    pub delivery: Option<AnswerDelivery>,
    /// Only facts that are not posted.
    pub is_unposted: bool,
    /// Only those that arrived at or after this moment.
    pub from: Option<Timestamp>,
    /// Only those that arrived before this moment.
    pub to: Option<Timestamp>,
    /// Only messages after this id.
    pub cursor: Option<NetworkMessageId>,
    /// The order of the list.
    pub order: ListOrder,
    /// At most this many, at most [`crate::MAX_PAGE_ROWS`].
    pub limit: u32,
}

async fn note_unknown(
    tx: &Tx,
    (message, record, now): &(NetworkMessage, LinkMessage, Timestamp),
) -> Result<(), StoreError> {
    let mut answers = tx.together(&[known(&message.message.identity)]).await?;
    if answers.one::<KnownRow>()?.is_none() {
        write(tx, std::slice::from_ref(message)).await?;
        tx.insert(record).await?;
        feed::post(tx, &[record.told(*now)]).await?;
    }
    Ok(())
}

impl Store {
    /// Keeps a message about a card that is not one of ours, once: the peer repeats it, and an
    /// operator is to see it.
    pub async fn note_unknown_card(&self, arrival: LinkArrival) -> Result<(), StoreError> {
        let received_at = self.clock().real_now();
        let outcome = Some(MessageOutcome::UnknownCard);
        let about = Recorded {
            payer: None,
            auth_id: None,
            outcome,
            reconciled: None,
            reversed_auth_id: None,
            repeats_message_id: None,
        };
        let record = LinkMessage::of(&arrival, &about, received_at);
        let message = NetworkMessage {
            message_id: arrival.record.message_id,
            message: arrival.message,
            enterprise_id: None,
            auth_id: None,
            outcome,
            stated_minor: None,
            received_at,
        };
        match self.write(with((message, record, self.clock().now()), note_unknown)).await {
            // The same message arrived at the same time.
            Err(StoreError::Duplicate(_)) => Ok(()),
            noted => noted,
        }
    }

    /// Messages of links in order of id, which is order of arrival.
    pub async fn link_messages(
        &self,
        filter: LinkMessageFilter,
    ) -> Result<Vec<LinkMessage>, StoreError> {
        let LinkMessageFilter { cursor, order, limit, .. } = filter;
        let requested = PageRequest { cursor, order, limit };
        let mut page = Page::new("message_id", requested, NetworkMessageId::as_i64);
        page.only("link", filter.link);
        page.only("mti", filter.mti);
        page.only("acquirer", filter.acquirer);
        page.only("stan", filter.stan);
        page.only("rrn", filter.rrn);
        page.only("auth_id", filter.auth_id);
        page.only_text("delivery", filter.delivery.map(AnswerDelivery::as_str));
        if filter.delivery.is_some_and(|it| it != AnswerDelivery::Written) {
            page.but_text("delivery", AnswerDelivery::Written.as_str());
        }
        if filter.is_unposted {
            page.among("outcome", MessageOutcome::UNPOSTED.into_iter().map(MessageOutcome::as_str));
        }
        page.compare("received_at", ">=", filter.from);
        page.compare("received_at", "<", filter.to);
        self.page(page).await
    }

    /// What the advices of a link that arrived in a span (real time) stand for as approvals, by the
    /// shop's currency. Declines move no money, and a request that clears within what it names was
    /// authorised before.
    pub async fn stated_between(
        &self,
        link: &str,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<Money>, StoreError> {
        let sql = "SELECT CAST(SUM(m.amount_minor) AS BIGINT), m.currency FROM link_message m \
            JOIN authorisation a ON a.enterprise_id = m.enterprise_id AND a.auth_id = m.auth_id \
            WHERE m.received_at >= $1 AND m.received_at < $2 AND m.link = $3 \
            AND m.mti LIKE '__2_' AND m.outcome = 'ACCEPTED' AND m.currency IS NOT NULL \
            AND a.status = 'APPROVED' GROUP BY m.currency";
        self.all(sql, [from.into(), to.into(), link.into()]).await
    }

    /// Records what became of answers, and which approvals were written again. A message that is
    /// not on record has no row to change.
    pub async fn note_answers(
        &self,
        notes: Vec<AnswerNote>,
        repeated: Vec<RepeatedApproval>,
    ) -> Result<(), StoreError> {
        type Notes = (Vec<AnswerNote>, Vec<RepeatedApproval>);
        self.write(with((notes, repeated), async |tx: &Tx, (notes, repeated): &Notes| {
            for note in notes {
                let is_approved = note.is_approval && note.delivery == AnswerDelivery::Written;
                let sql = if is_approved {
                    "UPDATE link_message SET answer_code = $1, answered_at = $2, delivery = $3, \
                     is_approved = 1 WHERE message_id = $4"
                } else {
                    "UPDATE link_message SET answer_code = $1, answered_at = $2, delivery = $3 \
                     WHERE message_id = $4"
                };
                let (code, delivery) = (note.code.as_ref(), note.delivery);
                let values = [code.into(), note.at.into(), delivery.into(), note.message_id.into()];
                tx.execute(sql, &values).await?;
            }
            for RepeatedApproval { auth_id, mti, stan } in repeated {
                let sql = "UPDATE link_message SET is_approved = 1 WHERE auth_id = $1 \
                    AND stan = $2 AND SUBSTR(mti, 2, 2) = $3 AND is_approved = 0";
                let kind = class_and_function(mti).to_owned();
                tx.execute(sql, &[(*auth_id).into(), stan.into(), kind.into()]).await?;
            }
            Ok(())
        }))
        .await
    }

    /// Ends the answers of a process that is gone: whether they were written is not known. On a
    /// server that several processes share, only those whose ids carry this process's node number.
    pub async fn forget_answers(&self, before: NetworkMessageId) -> Result<(), StoreError> {
        let request = (before, self.own_ids("message_id"));
        self.write(with(request, async |tx: &Tx, (before, own): &(NetworkMessageId, String)| {
            // SQLite uses a partial index only if it sees its condition.
            let sql = format!(
                "UPDATE link_message SET delivery = 'UNKNOWN' \
                 WHERE delivery = 'PENDING' AND delivery <> 'WRITTEN' AND message_id < $1{own}"
            );
            tx.execute(&sql, &[(*before).into()]).await.map(drop)
        }))
        .await
    }
}
