//! One connection of a link: reads frames, decodes messages in order, processes each on its own.

use std::sync::Arc;

use iso8583::{
    DecodeError, Decoded, Frame, Message, WipedBytes, answer_to, answer_to_undecodable, decode,
};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::closing::CloseReason;
use super::command::Command;
use super::garbage::Garbage;
use super::meters::Undelivered;
use super::outgoing::{Answered, Outgoing};
use super::own::{Management, OwnKey, own_message};
use super::own_requests::{Outcome, OwnRequests};
use super::read_buffer::ReadBuffer;
use super::reconnect::Steadiness;
use super::session::{ConnectionState, Session, Step};
use super::settings::SignOn;
use super::shared::{Admitted, Drain, Link};
use super::socket::set_options;
use super::writer::{MAX_WAITING, write_frames};
use crate::order::Order;
use crate::translate::{Network, Refusal, Reply, order_of, reply_of};

/// Room for the longest length before a frame.
const MAX_PREFIX_BYTES: usize = 4;

/// The result of the writer.
type Writer = JoinHandle<Option<CloseReason>>;

/// A connection and what it has received.
struct Connection {
    link: Arc<Link>,
    id: u64,
    stream: OwnedReadHalf,
    buffer: ReadBuffer,
    /// When the frame began that is not complete yet.
    frame_began: Option<Instant>,
    heard_at: Instant,
    session: Session,
    /// After a stop it ends as soon as what is under way is answered.
    is_stopping: bool,
    steadiness: Steadiness,
    garbage: Garbage,
    own: OwnRequests,
    under_way: JoinSet<Option<Outgoing>>,
    queue: Sender<Outgoing>,
}

/// What a frame was.
enum Arrived {
    KeepAlive(Vec<u8>),
    Message { header: Vec<u8>, decoded: Result<Decoded, Box<DecodeError>> },
}

/// How a connection ended.
pub(crate) struct Ended {
    /// Why it was closed.
    pub(crate) reason: CloseReason,
    /// Whether it was signed on for long.
    pub(crate) was_steady: bool,
}

/// Serves a connection until it ends. When the link stops, what is under way is answered first.
pub(crate) async fn serve_connection(
    link: Arc<Link>,
    Admitted { id, mut commands }: Admitted,
    stream: TcpStream,
) -> Ended {
    set_options(&stream);
    let (stream, write) = stream.into_split();
    let (queue, waiting) = mpsc::channel(MAX_WAITING);
    let mut writer = tokio::spawn(write_frames(Arc::clone(&link), id, write, waiting));
    let (now, settings) = (Instant::now(), link.settings());
    let mut drain = link.watch_drain();
    // What is so already counts as a change.
    drain.mark_changed();
    let mut connection = Connection {
        id,
        stream,
        buffer: ReadBuffer::new(MAX_PREFIX_BYTES + settings.framing.max_frame_bytes),
        frame_began: None,
        heard_at: now,
        session: Session::new(settings.sign_on),
        is_stopping: false,
        steadiness: Steadiness::default(),
        garbage: Garbage::default(),
        own: OwnRequests::new(id, settings, now),
        under_way: JoinSet::new(),
        queue,
        link,
    };
    let reason = match connection.run(&mut writer, &mut drain, &mut commands).await {
        Ok(()) => CloseReason::Stopped,
        Err(reason) => reason,
    };
    connection.note();
    let was_steady = connection.steadiness.was_steady();
    connection.end(writer, reason).await;
    Ended { reason, was_steady }
}

impl Connection {
    /// Runs until everything is answered after a stop, or until the connection has to be closed.
    async fn run(
        &mut self,
        writer: &mut Writer,
        drain: &mut watch::Receiver<Drain>,
        commands: &mut Receiver<Command>,
    ) -> Result<(), CloseReason> {
        loop {
            self.note();
            if self.is_stopping && self.under_way.is_empty() {
                return Ok(());
            }
            let next_look = self.next_look();
            let waits = next_look.is_some();
            let waking = sleep_until(next_look.unwrap_or_else(Instant::now));
            tokio::select! {
                read = self.stream.read(self.buffer.room()) => match read {
                    Ok(0) if self.buffer.is_empty() => return Err(CloseReason::PeerClosed),
                    Ok(0) => return Err(CloseReason::PartialFrame),
                    Ok(len) => self.receive(len, Instant::now())?,
                    Err(_) => return Err(CloseReason::PeerClosed),
                },
                Some(done) = self.under_way.join_next(), if !self.under_way.is_empty() => {
                    if let Ok(Some(outgoing)) = done {
                        self.send(outgoing)?;
                    }
                }
                ended = &mut *writer => {
                    return Err(ended.ok().flatten().unwrap_or(CloseReason::PeerClosed));
                }
                () = waking, if waits => self.look(Instant::now())?,
                Some(command) = commands.recv() => self.obey(command, Instant::now())?,
                Ok(()) = drain.changed() => {
                    let drain = *drain.borrow_and_update();
                    self.drain(drain)?;
                }
            }
        }
    }

    /// Notes its state where operators and the link's own tasks see it.
    fn note(&mut self) {
        let state = self.session.state();
        self.steadiness.note(state == ConnectionState::SignedOn, Instant::now());
        self.link.note(self.id, state, self.under_way.len());
    }

    /// The link takes requests, or it does not.
    fn drain(&mut self, drain: Drain) -> Result<(), CloseReason> {
        match drain {
            Drain::No => self.session.resume(),
            Drain::Asked => self.session.drain(),
            Drain::Stopping => {
                let is_ours = self.link.settings().sign_on == SignOn::Us;
                let signs_off = is_ours && self.session.is_signed_on();
                self.session.drain();
                self.is_stopping = true;
                if signs_off {
                    let key = self.own.next_key(self.link.real_now());
                    return self.send_own(Management::SignOff, &key);
                }
            }
        }
        Ok(())
    }

    /// Lets what is under way go on without the connection, and writes what can be written.
    async fn end(mut self, mut writer: Writer, reason: CloseReason) {
        self.link.count_undelivered(Undelivered::NotWritten, self.under_way.len());
        self.under_way.detach_all();
        if reason == CloseReason::SlowReader && !writer.is_finished() {
            let waiting = self.queue.max_capacity() - self.queue.capacity();
            self.link.count_undelivered(Undelivered::NotWritten, waiting);
            writer.abort();
        }
        drop(self.queue);
        let write = self.link.settings().times.write;
        if !writer.is_finished() && timeout(write, &mut writer).await.is_err() {
            writer.abort();
        }
        self.link.close(self.id);
    }

    /// When time alone changes something.
    fn next_look(&self) -> Option<Instant> {
        let times = &self.link.settings().times;
        let frame = self.frame_began.map(|began| began + times.frame);
        let idle = times.idle.map(|idle| self.heard_at + idle);
        let own = self.own.next().filter(|_| !self.is_stopping);
        [frame, idle, own].into_iter().flatten().min()
    }

    /// Does what time alone makes due.
    fn look(&mut self, now: Instant) -> Result<(), CloseReason> {
        let times = &self.link.settings().times;
        if self.frame_began.is_some_and(|began| now >= began + times.frame) {
            return Err(CloseReason::PartialFrame);
        }
        if times.idle.is_some_and(|idle| now >= self.heard_at + idle) {
            return Err(CloseReason::Idle);
        }
        if self.is_stopping {
            return Ok(());
        }
        let Some(what) = self.own.due(now)? else { return Ok(()) };
        let key = self.own.next_key(self.link.real_now());
        let sent = self.send_own(what, &key);
        self.own.sent(what, key, now);
        sent
    }

    /// Does what another task asks.
    fn obey(&mut self, command: Command, now: Instant) -> Result<(), CloseReason> {
        let Command::Manage { what, answer } = command;
        let key = self.own.next_key(self.link.real_now());
        if !self.own.ask(what, key.clone(), now, answer) {
            return Ok(());
        }
        self.send_own(what, &key)
    }

    /// Sends network management of the platform. A sign-off counts from now on.
    fn send_own(&mut self, what: Management, key: &OwnKey) -> Result<(), CloseReason> {
        if what == Management::SignOff {
            self.session.sign_off();
            self.own.end_sign_on();
        }
        let settings = self.link.settings();
        let message = own_message(what, key, settings.terminal.as_deref());
        let header = settings.framing.header.own();
        let outgoing = message.and_then(|it| Outgoing::framed(settings, header, it, None));
        outgoing.map_or(Ok(()), |outgoing| self.send(outgoing))
    }

    fn send(&self, outgoing: Outgoing) -> Result<(), CloseReason> {
        let is_answer = outgoing.answers.is_some();
        self.queue.try_send(outgoing).map_err(|_| {
            self.link.count_undelivered(Undelivered::NotWritten, usize::from(is_answer));
            CloseReason::SlowReader
        })
    }

    /// So many bytes were read.
    fn receive(&mut self, len: usize, now: Instant) -> Result<(), CloseReason> {
        self.buffer.add(len);
        self.heard_at = now;
        self.own.heard(now);
        self.link.heard(self.id);
        while let Some(arrived) = self.next_frame()? {
            self.frame_began = None;
            self.handle(arrived, now)?;
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
                let decoded = decode(&settings.layout, message);
                (Arrived::Message { header, decoded }, size)
            }
        };
        self.buffer.take(size);
        Ok(Some(arrived))
    }

    fn handle(&mut self, arrived: Arrived, now: Instant) -> Result<(), CloseReason> {
        match arrived {
            Arrived::KeepAlive(bytes) if self.link.settings().echoes_keep_alive => {
                let mut frame = WipedBytes::with_capacity(bytes.len());
                frame.extend(&bytes);
                self.send(Outgoing { frame, answers: None })
            }
            Arrived::KeepAlive(_) => Ok(()),
            Arrived::Message { header, decoded: Ok(decoded) } => {
                self.process(header, decoded.message, now)
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
        if self.garbage.is_too_much(now) {
            return Err(CloseReason::Garbage);
        }
        let settings = self.link.settings();
        let Some(answer) = answer_to_undecodable(error, settings.echo) else { return Ok(()) };
        let Some(mti) = error.decoded.as_ref().map(Message::mti) else { return Ok(()) };
        self.link.count_reply(mti, &Reply::Refused(Refusal::Format(error.field)));
        let answers = Some(Answered { mti, arrived: now });
        let outgoing = Outgoing::framed(settings, header, answer, answers);
        outgoing.map_or(Ok(()), |outgoing| self.send(outgoing))
    }

    fn process(
        &mut self,
        header: Vec<u8>,
        message: Message,
        now: Instant,
    ) -> Result<(), CloseReason> {
        self.link.count_received();
        let step = self.session.receive(&message);
        if self.session.state() != ConnectionState::Connected {
            self.own.end_sign_on();
        }
        match step {
            Step::Answer(reply) => self.answer(&header, &message, &reply, now),
            Step::Authorise => self.authorise(header, message, now),
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

    fn answer(
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
        let outgoing = Outgoing::answer(settings, header, answer, reply, answers);
        outgoing.map_or(Ok(()), |outgoing| self.send(outgoing))
    }

    /// Begins an authorisation, which is answered when it is decided. The message is wiped here:
    /// the answer already has what it repeats.
    fn authorise(
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
        let now = self.link.real_now();
        let network = Network { name: &settings.network, place: settings.place, now };
        let order = match order_of(&message, &network, answer_by) {
            Ok(order) => order,
            Err(refusal) => {
                return self.answer(&header, &message, &Reply::Refused(refusal), arrived);
            }
        };
        let Some(answer) = answer_to(&message, settings.echo) else { return Ok(()) };
        let answers = Answered { mti: message.mti(), arrived };
        let link = Arc::clone(&self.link);
        self.under_way.spawn(async move {
            let reply = decided(&link, order, answers).await;
            link.release(permit);
            Outgoing::answer(link.settings(), &header, answer, &reply, answers)
        });
        Ok(())
    }
}

/// What an order is answered. After the network's limit nothing is, since it repeats or reverses
/// what got no answer; the decision itself goes on.
async fn decided(link: &Link, order: Order, Answered { mti, arrived }: Answered) -> Reply {
    let limit = arrived + link.settings().times.response;
    let reply = match timeout_at(limit, link.intake.authorise(order)).await {
        Ok(result) => reply_of(result, link.settings().no_answer_code),
        Err(_) => {
            link.count_undelivered(Undelivered::TooLate, 1);
            Reply::Silence
        }
    };
    link.count_reply(mti, &reply);
    reply
}
