//! One connection of a link: finds frames in what was read, decodes messages in order, processes
//! each on its own.

use std::sync::Arc;

use iso8583::{DecodeError, Frame, Message, WipedBytes, answer_to, answer_to_undecodable, decode};
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::authentication::Proof;
use super::closing::CloseReason;
use super::garbage::Garbage;
use super::meters::Undelivered;
use super::outgoing::{Answered, Outgoing};
use super::own::{Management, OwnKey, own_message};
use super::own_requests::{Outcome, OwnRequests};
use super::read_buffer::ReadBuffer;
use super::reconnect::Steadiness;
use super::session::{ConnectionState, Session, Step};
use super::shared::Link;
use super::socket::ReadHalf;
use crate::translate::{Refusal, Reply, management_words};

/// Room for the longest length before a frame.
const MAX_PREFIX_BYTES: usize = 4;

/// A connection and what it has received.
pub(super) struct Connection {
    pub(super) link: Arc<Link>,
    pub(super) id: u64,
    /// Its number, over all processes and links.
    pub(super) origin: i64,
    pub(super) stream: ReadHalf,
    pub(super) buffer: ReadBuffer,
    /// When the frame began that is not complete yet.
    pub(super) frame_began: Option<Instant>,
    pub(super) heard_at: Instant,
    pub(super) session: Session,
    /// After a stop it ends as soon as what is under way is answered.
    pub(super) is_stopping: bool,
    pub(super) steadiness: Steadiness,
    pub(super) garbage: Garbage,
    /// Messages that are not signed rightly.
    unproven: Garbage,
    pub(super) own: OwnRequests,
    pub(super) under_way: JoinSet<Option<Outgoing>>,
    /// Boxed, because an idle connection has room for dozens from its beginning.
    pub(super) queue: Sender<Box<Outgoing>>,
}

/// What a frame was.
enum Arrived {
    KeepAlive(Vec<u8>),
    Message { header: Vec<u8>, decoded: Result<(Message, Proof), Box<DecodeError>> },
}

impl Connection {
    /// A connection that is ready for frames; what it sends goes to `queue`.
    pub(super) fn new(
        link: Arc<Link>,
        id: u64,
        stream: ReadHalf,
        queue: Sender<Box<Outgoing>>,
        now: Instant,
    ) -> Self {
        let settings = link.settings();
        Self {
            id,
            origin: link.intake.store.ids().next(),
            stream,
            buffer: ReadBuffer::new(MAX_PREFIX_BYTES + settings.framing.max_frame_bytes),
            frame_began: None,
            heard_at: now,
            session: Session::new(settings.sign_on),
            is_stopping: false,
            steadiness: Steadiness::default(),
            garbage: Garbage::default(),
            unproven: Garbage::default(),
            own: OwnRequests::new(id, settings, now),
            under_way: JoinSet::new(),
            queue,
            link,
        }
    }

    /// Sends network management of the platform. A sign-off counts from now on.
    pub(super) fn send_own(&mut self, what: Management, key: &OwnKey) -> Result<(), CloseReason> {
        if what == Management::SignOff {
            self.session.sign_off();
            self.own.end_sign_on();
        }
        let settings = self.link.settings();
        let words = management_words(settings.layout.packager().version());
        let message = own_message(what, words, key, self.link.real_now(), &settings.sender);
        let header = settings.framing.header.own();
        let encoding = self.link.encoding();
        let outgoing = message.and_then(|it| Outgoing::framed(encoding, header, it, None));
        outgoing.map_or(Ok(()), |outgoing| self.send(outgoing))
    }

    /// Waits until one more frame can wait to be written: a peer that sends many messages at once
    /// reads their answers only afterwards.
    async fn room(&mut self) -> Result<(), CloseReason> {
        let room = timeout(self.link.settings().times.write, self.queue.reserve());
        match room.await {
            // Nobody else fills the queue, so the place that this gives back stays free.
            Ok(Ok(_)) => Ok(()),
            // The writer has ended, and its own reason is told.
            Ok(Err(_)) => Ok(()),
            Err(_) => Err(CloseReason::SlowReader),
        }
    }

    /// Sends a frame once there is room for it.
    pub(super) async fn send_in_turn(&mut self, outgoing: Outgoing) -> Result<(), CloseReason> {
        // Without room the frame counts as not written.
        let _ = self.room().await;
        self.send(outgoing)
    }

    pub(super) fn send(&self, outgoing: Outgoing) -> Result<(), CloseReason> {
        let is_answer = outgoing.answers.is_some();
        self.queue.try_send(Box::new(outgoing)).map_err(|_| {
            self.link.count_undelivered(Undelivered::NotWritten, usize::from(is_answer));
            CloseReason::SlowReader
        })
    }

    /// So many bytes were read.
    pub(super) async fn receive(&mut self, len: usize, now: Instant) -> Result<(), CloseReason> {
        self.buffer.add(len);
        self.heard_at = now;
        self.own.heard(now);
        self.link.heard(self.id);
        while let Some(arrived) = self.next_frame()? {
            self.frame_began = None;
            self.room().await?;
            self.handle(arrived, now).await?;
        }
        if self.buffer.is_empty() {
            self.frame_began = None;
        } else {
            self.frame_began.get_or_insert(now);
        }
        Ok(())
    }

    /// Takes the next frame out of the buffer, if it is complete.
    fn next_frame(&mut self) -> Result<Option<Arrived>, CloseReason> {
        let settings = self.link.settings();
        let (arrived, size) = match settings.framing.read(self.buffer.received())? {
            Frame::Incomplete => return Ok(None),
            Frame::KeepAlive { bytes } => (Arrived::KeepAlive(bytes.to_vec()), bytes.len()),
            Frame::Whole { header, message, size } => {
                let header = settings.framing.header.answer(header);
                let decoded = decode(&settings.layout, message).map(|decoded| {
                    let proof = self.link.proof_of(&decoded, message);
                    (decoded.message, proof)
                });
                (Arrived::Message { header, decoded }, size)
            }
        };
        self.buffer.take(size);
        Ok(Some(arrived))
    }

    async fn handle(&mut self, arrived: Arrived, now: Instant) -> Result<(), CloseReason> {
        match arrived {
            Arrived::KeepAlive(bytes) if self.link.settings().echoes_keep_alive => {
                let mut frame = WipedBytes::with_capacity(bytes.len());
                frame.extend(&bytes);
                self.send(Outgoing { frame, answers: None, delivery: None })
            }
            Arrived::KeepAlive(_) => Ok(()),
            Arrived::Message { header, decoded: Ok((message, proof)) } => {
                if self.link.is_proven(proof).await {
                    self.process(header, message, now)
                } else {
                    self.refuse_unproven(&header, &message, now)
                }
            }
            Arrived::Message { header, decoded: Err(error) } => {
                self.refuse_undecodable(&header, &error, now)
            }
        }
    }

    fn refuse_undecodable(
        &mut self,
        header: &[u8],
        error: &DecodeError,
        now: Instant,
    ) -> Result<(), CloseReason> {
        self.link.count_undecodable();
        if self.garbage.is_empty() {
            let (link, connection) = (&self.link.settings().name, self.id);
            tracing::warn!(
                link,
                connection,
                %error,
                "a message cannot be decoded; the peer may use another packager or header"
            );
        }
        if self.garbage.is_too_much(now) {
            return Err(CloseReason::Garbage);
        }
        let settings = self.link.settings();
        let Some(answer) = answer_to_undecodable(error, settings.echo) else { return Ok(()) };
        let Some(mti) = error.decoded.as_ref().map(Message::mti) else { return Ok(()) };
        if settings.security.mac.is_due(mti) {
            // Whether the peer sent it cannot be told.
            return Ok(());
        }
        self.link.count_reply(mti, &Reply::Refused(Refusal::Format(error.field)));
        let answers = Some(Answered { mti, arrived: now });
        let outgoing = Outgoing::framed(self.link.encoding(), header, answer, answers);
        outgoing.map_or(Ok(()), |outgoing| self.send(outgoing))
    }

    /// A message that is not signed rightly is not processed.
    fn refuse_unproven(
        &mut self,
        header: &[u8],
        message: &Message,
        now: Instant,
    ) -> Result<(), CloseReason> {
        self.link.count_received();
        self.link.count_bad_mac();
        if self.unproven.is_too_much(now) {
            return Err(CloseReason::Mac);
        }
        if self.link.settings().security.answers_bad_mac {
            return self.answer(header, message, &Reply::Refused(Refusal::Mac), now);
        }
        self.link.meters.message(message.mti(), None);
        Ok(())
    }

    fn process(
        &mut self,
        header: Vec<u8>,
        message: Message,
        now: Instant,
    ) -> Result<(), CloseReason> {
        self.link.count_received();
        let step = self.session.receive(&message);
        if self.session.lasting() != ConnectionState::Connected {
            self.own.end_sign_on();
        }
        match step {
            Step::Answer(reply) => self.answer(&header, &message, &reply, now),
            Step::Authorise => self.authorise(header, message, now),
            Step::TakeBack => self.take_back(&header, &message, now),
            Step::Advise => self.advise(&header, &message, now),
            Step::TakeKey => self.take_key(header, message, now),
            Step::CutOver => self.cut_over(header, &message, now),
            Step::Reconcile => self.reconcile(&header, &message, now),
            Step::OwnAnswer(answer) => {
                match self.own.answered(answer, now) {
                    Some(Outcome::SignedOn) => self.session.sign_on(),
                    Some(Outcome::Echoed(elapsed)) => self.link.meters.echo(elapsed),
                    None => {}
                }
                Ok(())
            }
            Step::Drop => {
                self.link.meters.message(message.mti(), None);
                Ok(())
            }
        }
    }

    pub(super) fn answer(
        &self,
        header: &[u8],
        message: &Message,
        reply: &Reply,
        arrived: Instant,
    ) -> Result<(), CloseReason> {
        let (mti, settings) = (message.mti(), self.link.settings());
        self.link.count_reply(mti, reply);
        let Some(answer) = answer_to(message, settings.echo) else { return Ok(()) };
        let answers = Answered { mti, arrived };
        let outgoing = Outgoing::answer(self.link.encoding(), header, answer, reply, answers);
        outgoing.map_or(Ok(()), |outgoing| self.send(outgoing))
    }
}
