//! The life of one connection: from its opening, by what happens to it, to its end.

use std::sync::Arc;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{self, Receiver};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout};

use super::closing::CloseReason;
use super::command::Command;
use super::connection::Connection;
use super::meters::Undelivered;
use super::outgoing::Outgoing;
use super::own::Management;
use super::session::ConnectionState;
use super::settings::SignOn;
use super::shared::{Admitted, Drain, Link};
use super::socket::{Opened, open};
use super::writer::{MAX_WAITING, write_frames};

/// The result of the writer.
type Writer = JoinHandle<Option<CloseReason>>;

/// How a connection ended.
pub(crate) struct Ended {
    /// Why it was closed.
    pub(crate) reason: CloseReason,
    /// Whether it was signed on for long.
    pub(crate) was_steady: bool,
}

/// Serves a connection until it ends; `host` is the name that the platform connected to, if it did.
/// When the link stops, what is under way is answered first.
pub(crate) async fn serve_connection(
    link: Arc<Link>,
    Admitted { id, mut commands }: Admitted,
    stream: TcpStream,
    host: Option<&str>,
) -> Ended {
    let opened = tokio::select! {
        opened = open(stream, link.settings().tls.as_ref(), host) => opened.map_err(|error| {
            let name = &link.settings().name;
            tracing::warn!(link = name, connection = id, %error, "TLS was not agreed on");
            CloseReason::Tls
        }),
        () = link.stopped() => Err(CloseReason::Stopped),
    };
    let Opened { reader, writer, tls_peer } = match opened {
        Ok(opened) => opened,
        Err(reason) => {
            link.close(id);
            return Ended { reason, was_steady: false };
        }
    };
    link.identify(id, tls_peer);
    let (queue, waiting) = mpsc::channel(MAX_WAITING);
    let mut writer = tokio::spawn(write_frames(Arc::clone(&link), id, writer, waiting));
    let mut drain = link.watch_drain();
    let mut connection = Connection::new(link, id, reader, queue, Instant::now());
    // What is so already counts before the first message.
    let begun = *drain.borrow_and_update();
    let ran = match connection.drain(begun) {
        Ok(()) => connection.run(&mut writer, &mut drain, &mut commands).await,
        refused => refused,
    };
    let reason = match ran {
        Ok(()) => CloseReason::Stopped,
        Err(reason) => reason,
    };
    commands.close();
    while let Ok(command) = commands.try_recv() {
        if let Command::Answer(outgoing) = command {
            connection.link.hand_over(*outgoing);
        }
    }
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
                        self.send_in_turn(outgoing).await?;
                    }
                }
                ended = &mut *writer => {
                    return Err(ended.ok().flatten().unwrap_or(CloseReason::PeerClosed));
                }
                () = waking, if waits => self.look(Instant::now())?,
                Some(command) = commands.recv() => self.obey(command, Instant::now()).await?,
                Ok(()) = drain.changed() => {
                    let drain = *drain.borrow_and_update();
                    self.drain(drain)?;
                }
            }
            if let Some((len, now)) = received {
                self.receive(len, now).await?;
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
                let signs_off = is_ours && self.session.lasting() == ConnectionState::SignedOn;
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
        if self.link.settings().answers_anywhere {
            tokio::spawn(hand_over(Arc::clone(&self.link), std::mem::take(&mut self.under_way)));
        } else {
            self.link.count_undelivered(Undelivered::NotWritten, self.under_way.len());
            self.under_way.detach_all();
        }
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
    async fn obey(&mut self, command: Command, now: Instant) -> Result<(), CloseReason> {
        let (what, answer) = match command {
            Command::Manage { what, answer } => (what, answer),
            Command::Answer(outgoing) => return self.send_in_turn(*outgoing).await,
        };
        let key = self.own.next_key(self.link.real_now());
        if !self.own.ask(what, key.clone(), now, answer) {
            return Ok(());
        }
        self.send_own(what, &key)
    }
}

/// Hands over the answers to what is under way on a connection that is gone.
async fn hand_over(link: Arc<Link>, mut under_way: JoinSet<Option<Outgoing>>) {
    while let Some(done) = under_way.join_next().await {
        if let Ok(Some(outgoing)) = done {
            link.hand_over(outgoing);
        }
    }
}
