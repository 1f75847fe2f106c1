//! What a connection does with a message that it takes: each is processed in a task of its own.

use std::sync::Arc;

use domain::{CutOver, NetworkMessageId};
use iso8583::{Message, Mti, answer_to};
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use super::closing::CloseReason;
use super::connection::Connection;
use super::deliveries::Delivery;
use super::meters::{Overload, Undelivered};
use super::outgoing::{Answered, Outgoing};
use super::shared::Link;
use crate::order::{LinkMessage, Order};
use crate::translate::{
    Network, Refusal, Reply, advice_of, answer_chip, field, order_of, reconciliation_of, reply_of,
    reply_of_advice, reply_of_reversal, reversal_of,
};

impl Connection {
    /// Begins an authorisation, which is answered when it is decided. The message is wiped here:
    /// the answer already has what it repeats.
    pub(super) fn authorise(
        &mut self,
        header: Vec<u8>,
        message: Message,
        arrived: Instant,
    ) -> Result<(), CloseReason> {
        let settings = self.link.settings();
        let Some(permit) = self.link.admit(arrived) else {
            return self.answer(&header, &message, &Reply::Refused(Refusal::Unavailable), arrived);
        };
        let times = &settings.times;
        let answer_by = arrived + times.response.saturating_sub(times.answer_margin);
        let mut order = match order_of(&message, &network(&self.link), answer_by) {
            Ok(order) => order,
            Err(refusal) => {
                return self.answer(&header, &message, &Reply::Refused(refusal), arrived);
            }
        };
        let Some(mut answer) = answer_to(&message, settings.echo) else { return Ok(()) };
        let answers = Answered { mti: message.mti(), arrived };
        let delivery = self.delivery(order.message.as_ref());
        let chip = self.link.verify_chip(&mut order);
        let link = Arc::clone(&self.link);
        self.under_way.spawn(async move {
            let reply = decided(&link, order, answers).await;
            link.release(permit);
            if let Some(chip) = &chip {
                answer_chip(&mut answer, chip, &reply);
            }
            let outgoing = Outgoing::answer(link.encoding(), &header, answer, &reply, answers);
            delivered(outgoing, delivery, &reply, answers)
        });
        Ok(())
    }

    /// Takes a key into use. The answer is signed before that, with the key so far.
    pub(super) fn take_key(
        &mut self,
        header: Vec<u8>,
        message: Message,
        arrived: Instant,
    ) -> Result<(), CloseReason> {
        let Some(turn) = self.link.key_turn() else {
            return self.answer(&header, &message, &Reply::Refused(Refusal::Unavailable), arrived);
        };
        let (mti, settings) = (message.mti(), self.link.settings());
        let answers = Answered { mti, arrived };
        let key_field = settings.security.key_field;
        let text = message.text(key_field).map(|text| Zeroizing::new(text.to_owned()));
        let answer = move |link: &Link, reply: &Reply| {
            let answer = answer_to(&message, link.settings().echo)?;
            Outgoing::answer(link.encoding(), &header, answer, reply, answers)
        };
        let accepted = answer(&self.link, &Reply::Accepted);
        let link = Arc::clone(&self.link);
        self.under_way.spawn(async move {
            let taken = match &text {
                Some(text) => link.take_key(text).await,
                None => Err(Refusal::Format(key_field)),
            };
            drop(turn);
            let reply = taken.map_or_else(Reply::Refused, |()| Reply::Accepted);
            link.count_reply(mti, &reply);
            if reply == Reply::Accepted { accepted } else { answer(&link, &reply) }
        });
        Ok(())
    }

    /// Closes the window of the link, which is answered when it is noted.
    pub(super) fn cut_over(
        &mut self,
        header: Vec<u8>,
        message: &Message,
        arrived: Instant,
    ) -> Result<(), CloseReason> {
        let Some(place) = self.link.cut_over_place() else {
            return self.answer(&header, message, &Reply::Refused(Refusal::Unavailable), arrived);
        };
        let (mti, settings) = (message.mti(), self.link.settings());
        let text = |number| message.text(number).unwrap_or_default().to_owned();
        let it = CutOver {
            link: settings.name.clone(),
            at: self.link.real_now(),
            stan: text(field::STAN),
            transmitted_at: text(field::TRANSMITTED_AT),
            origin: self.origin,
        };
        let Some(answer) = answer_to(message, settings.echo) else { return Ok(()) };
        let answers = Answered { mti, arrived };
        let link = Arc::clone(&self.link);
        self.under_way.spawn(async move {
            let noted = link.cut_over(it, mti.is_repeat()).await;
            drop(place);
            let reply = noted.map_or_else(Reply::Refused, |()| Reply::Accepted);
            link.count_reply(mti, &reply);
            Outgoing::answer(link.encoding(), &header, answer, &reply, answers)
        });
        Ok(())
    }

    /// Begins to compare an acquirer's totals with ours.
    pub(super) fn reconcile(
        &mut self,
        header: &[u8],
        message: &Message,
        arrived: Instant,
    ) -> Result<(), CloseReason> {
        let settings = self.link.settings();
        let asked = match reconciliation_of(message, &settings.network, self.link.real_now()) {
            Ok(asked) => asked,
            Err(refusal) => {
                return self.answer(header, message, &Reply::Refused(refusal), arrived);
            }
        };
        let Some(place) = self.link.reconciliation_place() else {
            return self.answer(header, message, &Reply::Refused(Refusal::Unavailable), arrived);
        };
        let times = &settings.times;
        let answer_by = arrived + times.response.saturating_sub(times.answer_margin);
        let link = Arc::clone(&self.link);
        let work = async move { link.reconcile(asked, answer_by, place).await };
        self.state((header.to_vec(), None), message, arrived, work);
        Ok(())
    }

    /// Begins an advice, which is answered when it is committed.
    pub(super) fn advise(
        &mut self,
        header: &[u8],
        message: &Message,
        arrived: Instant,
    ) -> Result<(), CloseReason> {
        let advice = match advice_of(message, &network(&self.link), arrived) {
            Ok(advice) => advice,
            Err(refusal) => {
                return self.answer(header, message, &Reply::Refused(refusal), arrived);
            }
        };
        let link = Arc::clone(&self.link);
        let delivery = self.delivery(Some(&advice.message));
        let work = async move { reply_of_advice(link.intake.advise(advice).await) };
        self.state((header.to_vec(), delivery), message, arrived, work);
        Ok(())
    }

    /// Begins a reversal, which is answered when it is committed.
    pub(super) fn take_back(
        &mut self,
        header: &[u8],
        message: &Message,
        arrived: Instant,
    ) -> Result<(), CloseReason> {
        let reversal = match reversal_of(message, &network(&self.link)) {
            Ok(reversal) => reversal,
            Err(refusal) => {
                return self.answer(header, message, &Reply::Refused(refusal), arrived);
            }
        };
        let (link, is_advice) = (Arc::clone(&self.link), is_advice(message.mti()));
        let delivery = self.delivery(Some(&reversal.message));
        let work =
            async move { reply_of_reversal(link.intake.take_back(reversal).await, is_advice) };
        self.state((header.to_vec(), delivery), message, arrived, work);
        Ok(())
    }

    /// What becomes of the answer to a message that may be on record.
    fn delivery(&self, message: Option<&LinkMessage>) -> Option<Delivery> {
        message.map(|message| self.link.deliveries.delivery(message))
    }

    /// Lets what a message states be worked on in its turn, and answers it then. What finds no
    /// place is dropped: the peer repeats it.
    fn state(
        &mut self,
        (header, delivery): (Vec<u8>, Option<Delivery>),
        message: &Message,
        arrived: Instant,
        work: impl Future<Output = Reply> + Send + 'static,
    ) {
        let (mti, settings) = (message.mti(), self.link.settings());
        let Some(place) = self.link.facts.place() else {
            self.link.meters.overloaded(Overload::Waiting);
            self.link.meters.message(mti, None);
            if let Some(delivery) = delivery {
                delivery.withdraw();
            }
            return;
        };
        let Some(answer) = answer_to(message, settings.echo) else { return };
        let answers = Answered { mti, arrived };
        let link = Arc::clone(&self.link);
        self.under_way.spawn(async move {
            let turned = async {
                let turn = place.turn().await;
                link.meter_facts();
                let reply = work.await;
                drop(turn);
                link.meter_facts();
                reply
            };
            let reply = in_time(&link, answers, turned).await;
            let outgoing = Outgoing::answer(link.encoding(), &header, answer, &reply, answers);
            delivered(outgoing, delivery, &reply, answers)
        });
    }
}

/// An answer, or that there is none, with what becomes of it.
fn delivered(
    outgoing: Option<Outgoing>,
    delivery: Option<Delivery>,
    reply: &Reply,
    Answered { mti, .. }: Answered,
) -> Option<Outgoing> {
    let Some(mut delivery) = delivery else { return outgoing };
    delivery.answer(reply, mti.version());
    match outgoing {
        Some(outgoing) => Some(Outgoing { delivery: Some(delivery), ..outgoing }),
        None => {
            delivery.too_late();
            None
        }
    }
}

/// The network of a link, at this moment.
fn network(link: &Link) -> Network<'_> {
    let settings = link.settings();
    Network {
        name: &settings.network,
        link: &settings.name,
        message_id: NetworkMessageId::from_i64(link.intake.store.ids().next()),
        place: settings.place,
        allows_more: settings.multi_clearing,
        requires_balances: settings.requires_balances,
        rules: &settings.rules,
        reading: &settings.security.reading,
        now: link.real_now(),
    }
}

/// What an order is answered.
async fn decided(link: &Link, mut order: Order, answers: Answered) -> Reply {
    link.open_pin(&mut order).await;
    let decision = link.intake.answer(order);
    let codes = &link.settings().codes;
    in_time(link, answers, async { reply_of(decision.await, codes) }).await
}

/// The reply that a message is given within the network's limit. After that it is not answered,
/// since the network repeats or reverses what got no answer; the decision itself goes on.
async fn in_time(
    link: &Link,
    Answered { mti, arrived }: Answered,
    reply: impl Future<Output = Reply>,
) -> Reply {
    let limit = arrived + link.settings().times.response;
    let reply = match timeout_at(limit, reply).await {
        Ok(reply) => reply,
        Err(_) => {
            link.count_undelivered(Undelivered::TooLate, 1);
            Reply::Silence
        }
    };
    link.count_reply(mti, &reply);
    reply
}

/// True for messages that state what has happened already.
const fn is_advice(mti: Mti) -> bool {
    mti.function() == 2
}
