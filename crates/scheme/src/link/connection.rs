//! One connection of a link: reads frames, decodes messages in order, processes each on its own.

use std::sync::Arc;

use iso8583::{
    DecodeError, Frame, Message, Mti, WipedBytes, answer_to, answer_to_undecodable, decode,
};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use zeroize::Zeroizing;

use super::authentication::Proof;
use super::closing::CloseReason;
use super::echo::{Due, EchoKey, EchoTests};
use super::garbage::Garbage;
use super::meters::Undelivered;
use super::outgoing::{Answered, Outgoing};
use super::read_buffer::ReadBuffer;
use super::session::{ConnectionState, ECHO_TEST, Session, Step};
use super::shared::Link;
use super::socket::set_options;
use super::writer::{MAX_WAITING, write_frames};
use crate::order::Order;
use crate::translate::{Network, Refusal, Reply, answer_chip, field, order_of, reply_of};

/// Room for the longest length before a frame.
const MAX_PREFIX_BYTES: usize = 4;
/// Numbers of messages that the platform sends first are below this.
const STANS: u32 = 1_000_000;

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
    garbage: Garbage,
    /// Messages that are not signed rightly.
    unproven: Garbage,
    echo: EchoTests,
    last_stan: u32,
    under_way: JoinSet<Option<Outgoing>>,
    queue: Sender<Outgoing>,
}

/// What a frame was.
enum Arrived {
    KeepAlive(Vec<u8>),
    Message { header: Vec<u8>, decoded: Result<(Message, Proof), Box<DecodeError>> },
}

/// Serves a connection until it ends; returns why it did. When `stop` turns true, what is under way
/// is answered first.
pub(crate) async fn serve_connection(
    link: Arc<Link>,
    id: u64,
    stream: TcpStream,
    mut stop: watch::Receiver<bool>,
) -> CloseReason {
    set_options(&stream);
    let (stream, write) = stream.into_split();
    let (queue, waiting) = mpsc::channel(MAX_WAITING);
    let mut writer = tokio::spawn(write_frames(Arc::clone(&link), id, write, waiting));
    let (now, settings) = (Instant::now(), link.settings());
    let times = &settings.times;
    let mut connection = Connection {
        id,
        stream,
        buffer: ReadBuffer::new(MAX_PREFIX_BYTES + settings.framing.max_frame_bytes),
        frame_began: None,
        heard_at: now,
        session: Session::new(settings.sign_on),
        garbage: Garbage::default(),
        unproven: Garbage::default(),
        echo: EchoTests::new(times.echo_interval, times.echo_timeout, now),
        last_stan: 0,
        under_way: JoinSet::new(),
        queue,
        link,
    };
    let reason = match connection.run(&mut writer, &mut stop).await {
        Ok(()) => CloseReason::Stopped,
        Err(reason) => reason,
    };
    connection.end(writer, reason).await;
    reason
}

impl Connection {
    /// Runs until everything is answered after a stop, or until the connection has to be closed.
    async fn run(
        &mut self,
        writer: &mut Writer,
        stop: &mut watch::Receiver<bool>,
    ) -> Result<(), CloseReason> {
        loop {
            let is_draining = self.is_draining();
            if is_draining && self.under_way.is_empty() {
                return Ok(());
            }
            let next_look = self.next_look();
            let waits = next_look.is_some();
            let waking = sleep_until(next_look.unwrap_or_else(Instant::now));
            let mut received = None;
            tokio::select! {
                read = self.stream.read(self.buffer.room()) => match read {
                    Ok(0) if self.buffer.is_empty() => return Err(CloseReason::PeerClosed),
                    Ok(0) => return Err(CloseReason::PartialFrame),
                    Ok(len) => received = Some((len, Instant::now())),
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
                _ = stop.wait_for(|stopped| *stopped), if !is_draining => self.session.drain(),
            }
            if let Some((len, now)) = received {
                self.receive(len, now).await?;
            }
            self.link.note(self.id, self.session.state(), self.under_way.len());
        }
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
        let echo = self.echo.next().filter(|_| !self.is_draining());
        [frame, idle, echo].into_iter().flatten().min()
    }

    fn is_draining(&self) -> bool {
        self.session.state() == ConnectionState::Draining
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
        if self.is_draining() {
            return Ok(());
        }
        match self.echo.due(now) {
            Due::Nothing => Ok(()),
            Due::Send => self.test_echo(now),
            Due::NoEcho => Err(CloseReason::NoEcho),
        }
    }

    /// Sends an echo test.
    fn test_echo(&mut self, now: Instant) -> Result<(), CloseReason> {
        self.last_stan = (self.last_stan + 1) % STANS;
        let key = EchoKey {
            transmitted_at: transmission_time(&self.link.real_now().to_string()),
            stan: format!("{:06}", self.last_stan),
        };
        let settings = self.link.settings();
        let message = echo_test(&key, settings.terminal.as_deref());
        let header = settings.framing.header.own();
        let encoding = self.link.encoding();
        let test = message.and_then(|it| Outgoing::framed(encoding, header, it, None));
        self.echo.sent(key, now);
        test.map_or(Ok(()), |test| self.send(test))
    }

    fn send(&self, outgoing: Outgoing) -> Result<(), CloseReason> {
        let is_answer = outgoing.answers.is_some();
        self.queue.try_send(outgoing).map_err(|_| {
            self.link.count_undelivered(Undelivered::NotWritten, usize::from(is_answer));
            CloseReason::SlowReader
        })
    }

    /// So many bytes were read.
    async fn receive(&mut self, len: usize, now: Instant) -> Result<(), CloseReason> {
        self.buffer.add(len);
        self.heard_at = now;
        self.echo.heard(now);
        self.link.heard(self.id);
        while let Some(arrived) = self.next_frame()? {
            self.frame_began = None;
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
                self.send(Outgoing { frame, answers: None })
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
        match self.session.receive(&message) {
            Step::Answer(reply) => self.answer(&header, &message, &reply, now),
            Step::Authorise => self.authorise(header, message, now),
            Step::TakeKey => self.take_key(header, message, now),
            Step::OwnAnswer(key) => {
                if let Some(elapsed) = self.echo.answered(&key, now) {
                    self.link.meters.echo(elapsed);
                }
                Ok(())
            }
            Step::Drop => {
                self.link.meters.message(message.mti(), None);
                Ok(())
            }
        }
    }

    /// Takes a key into use. The answer is signed before that, with the key so far.
    fn take_key(
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
        let outgoing = Outgoing::answer(self.link.encoding(), header, answer, reply, answers);
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
        let reading = &settings.security.reading;
        let network = Network { name: &settings.network, place: settings.place, reading, now };
        let mut order = match order_of(&message, &network, answer_by) {
            Ok(order) => order,
            Err(refusal) => {
                return self.answer(&header, &message, &Reply::Refused(refusal), arrived);
            }
        };
        let Some(mut answer) = answer_to(&message, settings.echo) else { return Ok(()) };
        let answers = Answered { mti: message.mti(), arrived };
        let chip = self.link.verify_chip(&mut order);
        let link = Arc::clone(&self.link);
        self.under_way.spawn(async move {
            let reply = decided(&link, order, answers).await;
            link.release(permit);
            if let Some(chip) = &chip {
                answer_chip(&mut answer, chip, &reply);
            }
            Outgoing::answer(link.encoding(), &header, answer, &reply, answers)
        });
        Ok(())
    }
}

/// What an order is answered. After the network's limit nothing is, since it repeats or reverses
/// what got no answer; the decision itself goes on.
async fn decided(link: &Link, mut order: Order, Answered { mti, arrived }: Answered) -> Reply {
    let limit = arrived + link.settings().times.response;
    link.open_pin(&mut order).await;
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

/// DE7 of a moment in RFC 3339 and UTC.
fn transmission_time(moment: &str) -> String {
    moment.chars().filter(char::is_ascii_digit).skip(4).take(10).collect()
}

fn echo_test(key: &EchoKey, terminal: Option<&str>) -> Option<Message> {
    let mut message = Message::new(Mti::new([0, 8, 0, 0])?);
    for (number, text) in [
        (field::TRANSMITTED_AT, Some(key.transmitted_at.as_str())),
        (field::STAN, Some(&key.stan)),
        (field::TERMINAL, terminal),
        (field::MANAGEMENT_CODE, Some(ECHO_TEST)),
    ] {
        if let Some(text) = text {
            message.set(number, text.as_bytes()).ok()?;
        }
    }
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_test_says_when_it_was_sent() {
        let key = EchoKey {
            transmitted_at: transmission_time("2026-11-29T12:00:31.250Z"),
            stan: "000007".to_owned(),
        };
        assert_eq!(key.transmitted_at, "1129120031");
        let test = echo_test(&key, Some("CARDBRDG")).unwrap();
        assert_eq!(test.mti().to_string(), "0800");
        let texts = [7, 11, 41, 70].map(|number| test.text(number));
        assert_eq!(texts, [Some("1129120031"), Some("000007"), Some("CARDBRDG"), Some("301")]);
    }
}
