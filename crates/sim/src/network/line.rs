//! One connection of a script.

use std::collections::VecDeque;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use iso8583::{Frame, Message};
use rustix::net::sockopt::set_socket_linger;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use zeroize::Zeroizing;

use super::codec::Got;
use super::rules::{Reply, Stage};
use super::step::Closing;
use super::tls::Stream;

/// Most messages that wait for a step; later ones are dropped.
const MAX_UNREAD: usize = 16_384;
/// Most answers that wait for their time.
const MAX_DELAYED: usize = 10_000;
/// Bytes before a frame's content, at most: its length.
const MAX_PREFIX_BYTES: usize = 4;

/// Something that arrived.
pub struct Arrived {
    /// When.
    pub at: Instant,
    /// The message, or why it cannot be read.
    pub content: Result<Got, String>,
}

/// Why nothing came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
    /// The time is over.
    Late,
    /// The peer closed the connection.
    Closed,
}

type Writer = Arc<Mutex<Option<WriteHalf<Box<dyn Stream>>>>>;

/// A connection.
pub struct Line {
    /// The socket below TLS.
    socket: OwnedFd,
    writer: Writer,
    reader: JoinHandle<()>,
    arrivals: mpsc::Receiver<Arrived>,
    unread: VecDeque<Arrived>,
    reads_from: watch::Sender<Instant>,
}

impl Line {
    /// Takes a connection over, once TLS is agreed on if the script has it.
    ///
    /// # Errors
    /// The connection cannot be used.
    pub async fn new(stream: TcpStream, stage: Arc<Stage>) -> Result<Self, String> {
        // It only delays if it fails.
        let _ = stream.set_nodelay(true);
        let socket = stream.as_fd().try_clone_to_owned();
        let socket = socket.map_err(|error| format!("no connection: {error}"))?;
        let stream: Box<dyn Stream> = match &stage.script.head.tls {
            Some(tls) => tls.agree(stream).await?,
            None => Box::new(stream),
        };
        let (reader, writer) = split(stream);
        let writer = Arc::new(Mutex::new(Some(writer)));
        let (sender, arrivals) = mpsc::channel(MAX_UNREAD);
        let (reads_from, reading) = watch::channel(Instant::now());
        let reading = Reading {
            stage,
            writer: Arc::clone(&writer),
            arrivals: sender,
            reads_from: reading,
            delayed: Arc::new(Semaphore::new(MAX_DELAYED)),
        };
        let reader = tokio::spawn(reading.run(reader));
        Ok(Self { socket, writer, reader, arrivals, unread: VecDeque::new(), reads_from })
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// Why they were not taken.
    pub async fn write(&self, bytes: &[u8], limit: Duration) -> Result<(), String> {
        write(&self.writer, bytes, limit).await
    }

    /// Reads nothing for so long.
    pub fn drop_reading(&self, time: Duration) {
        self.reads_from.send_replace(Instant::now() + time);
    }

    /// Takes the first message that is wanted and leaves the others.
    ///
    /// # Errors
    /// None came.
    pub async fn take(
        &mut self,
        deadline: Instant,
        is_wanted: impl Fn(&Arrived) -> bool,
    ) -> Result<Arrived, Nothing> {
        let mut index = 0;
        loop {
            while let Some(arrived) = self.unread.get(index) {
                if is_wanted(arrived) {
                    return self.unread.remove(index).ok_or(Nothing::Late);
                }
                index += 1;
            }
            match timeout_at(deadline, self.arrivals.recv()).await {
                Ok(Some(_)) if self.unread.len() >= MAX_UNREAD => {}
                Ok(Some(arrived)) => self.unread.push_back(arrived),
                Ok(None) => return Err(Nothing::Closed),
                Err(_) => return Err(Nothing::Late),
            }
        }
    }

    /// The messages that no step has taken.
    pub const fn unread(&self) -> &VecDeque<Arrived> {
        &self.unread
    }

    /// Returns whether the peer closes before the deadline; messages that come first are kept.
    pub async fn is_closed_by(&mut self, deadline: Instant) -> bool {
        self.take(deadline, |_| false).await.err() == Some(Nothing::Closed)
    }

    /// Closes the connection.
    pub async fn close(self, closing: Closing) {
        self.reader.abort();
        // The reading half is gone when the task is.
        let _ = self.reader.await;
        let Some(mut writer) = self.writer.lock().await.take() else { return };
        match closing {
            Closing::Fin => {
                let _ = writer.shutdown().await;
            }
            Closing::Reset => {
                let _ = set_socket_linger(&self.socket, Some(Duration::ZERO));
            }
        }
    }
}

async fn write(writer: &Writer, bytes: &[u8], limit: Duration) -> Result<(), String> {
    let writing = async {
        match writer.lock().await.as_mut() {
            Some(writer) => {
                let writing = async {
                    writer.write_all(bytes).await?;
                    // TLS keeps what the socket has not taken yet.
                    writer.flush().await
                };
                writing.await.map_err(|it| it.kind().to_string())
            }
            None => Err("the connection is closed".to_owned()),
        }
    };
    timeout(limit, writing).await.unwrap_or_else(|_| Err("the peer does not read".to_owned()))
}

/// The task that reads a connection and answers what no step answers.
struct Reading {
    stage: Arc<Stage>,
    writer: Writer,
    arrivals: mpsc::Sender<Arrived>,
    reads_from: watch::Receiver<Instant>,
    delayed: Arc<Semaphore>,
}

impl Reading {
    async fn run(mut self, mut reader: ReadHalf<Box<dyn Stream>>) {
        let max_frame = self.stage.script.head.codec.framing.max_frame_bytes;
        let mut buffer = Zeroizing::new(vec![0; max_frame + MAX_PREFIX_BYTES]);
        let mut filled = 0;
        loop {
            let reads_from = *self.reads_from.borrow_and_update();
            tokio::select! {
                biased;
                changed = self.reads_from.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
                () = sleep_until(reads_from) => {}
            }
            let read = tokio::select! {
                read = reader.read(&mut buffer[filled..]) => read,
                changed = self.reads_from.changed() => match changed {
                    Ok(()) => continue,
                    Err(_) => return,
                },
            };
            match read {
                Ok(count) if count > 0 => filled += count,
                _ => return,
            }
            match self.frames(&buffer[..filled]).await {
                Ok(taken) => {
                    buffer.copy_within(taken..filled, 0);
                    filled -= taken;
                }
                Err(fault) => {
                    self.deliver(Err(fault));
                    return;
                }
            }
        }
    }

    /// Handles the whole frames at the beginning of the bytes; returns how many bytes they take.
    async fn frames(&self, bytes: &[u8]) -> Result<usize, String> {
        let framing = &self.stage.script.head.codec.framing;
        let mut taken = 0;
        loop {
            let rest = bytes.get(taken..).unwrap_or_default();
            match framing.read(rest).map_err(|fault| format!("a frame with {fault}"))? {
                Frame::Incomplete => return Ok(taken),
                Frame::KeepAlive { bytes } => taken += bytes.len(),
                Frame::Whole { header, message, size } => {
                    self.handle(header, message).await;
                    taken += size;
                }
            }
        }
    }

    async fn handle(&self, header: &[u8], bytes: &[u8]) {
        let got = match self.stage.script.head.codec.read(bytes) {
            Ok(got) => got,
            Err(fault) => return self.deliver(Err(fault)),
        };
        match self.stage.reply(&got.message) {
            Ok(Some(reply)) => {
                let is_echo = reply.is_echo;
                self.answer(reply, header).await;
                if !is_echo {
                    self.deliver(Ok(got));
                }
            }
            Ok(None) => self.deliver(Ok(got)),
            Err(why) => self.deliver(Err(why)),
        }
    }

    /// A message that nobody has taken for too long is lost; a burst counts what is missing.
    fn deliver(&self, content: Result<Got, String>) {
        let _ = self.arrivals.try_send(Arrived { at: Instant::now(), content });
    }

    async fn answer(&self, Reply { message, after, .. }: Reply, header: &[u8]) {
        let header = self.stage.script.head.codec.framing.header.answer(header);
        if after.is_zero() {
            return send_answer(&self.stage, &self.writer, &message, &header).await;
        }
        // The semaphore is never closed, so acquiring cannot fail.
        let Ok(permit) = Arc::clone(&self.delayed).acquire_owned().await else { return };
        let (stage, writer) = (Arc::clone(&self.stage), Arc::clone(&self.writer));
        tokio::spawn(async move {
            sleep(after).await;
            send_answer(&stage, &writer, &message, &header).await;
            drop(permit);
        });
    }
}

/// Sends an answer; one that the peer does not take shows at the peer.
async fn send_answer(stage: &Stage, writer: &Writer, message: &Message, header: &[u8]) {
    let head = &stage.script.head;
    let frame = head.codec.frame(message, header, true, &super::step::FrameShape::default());
    if let Ok(frame) = frame {
        let _ = write(writer, &frame, head.timeout).await;
    }
}
