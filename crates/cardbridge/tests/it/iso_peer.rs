//! A peer of a link: sends and reads ISO 8583 messages over TCP.

use crypto::{MacPadding, TdesKey};
use iso8583::{
    Frame, Framing, FramingSettings, Layout, Message, Mti, Packager, WipedBytes, answer_to, decode,
    encode, encode_with_mac,
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::world::WAIT;

/// A message and the header that it came with.
pub struct Received {
    pub header: Vec<u8>,
    pub message: Message,
    /// Whether it is signed rightly; `None` if it is not signed, or the peer has no key.
    pub mac_is_right: Option<bool>,
}

impl Received {
    /// A field, as text.
    pub fn text(&self, number: u8) -> Option<&str> {
        self.message.text(number)
    }

    /// The type and the response code.
    pub fn outcome(&self) -> (String, String) {
        (self.message.mti().to_string(), self.text(39).unwrap_or_default().to_owned())
    }
}

/// What a connection is made of.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One connection.
pub struct Peer {
    stream: Box<dyn Stream>,
    layout: Layout,
    framing: Framing,
    received: Vec<u8>,
    /// What signs and verifies messages.
    pub zak: Option<TdesKey>,
}

impl Peer {
    /// Connects to a link with the default frames.
    pub async fn connect(address: &str) -> Self {
        Self::connect_framed(address, &FramingSettings::default()).await
    }

    /// Connects to a link with these frames.
    pub async fn connect_framed(address: &str, framing: &FramingSettings) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap(), framing)
    }

    /// Waits until the platform connects, with the default frames.
    pub async fn accept(listener: &TcpListener) -> Self {
        let accepted = timeout(WAIT, listener.accept()).await.expect("the platform connects");
        Self::over(accepted.unwrap().0, &FramingSettings::default())
    }

    /// A connection that is made.
    pub fn over(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        framing: &FramingSettings,
    ) -> Self {
        Self {
            stream: Box::new(stream),
            layout: Layout::of(Packager::Iso87Ascii),
            framing: Framing::new(framing).unwrap(),
            received: Vec::new(),
            zak: None,
        }
    }

    /// Waits for network management with this code, and answers it.
    pub async fn answer_management(&mut self, code: &str, answered: &str) -> Received {
        let received = self.receive().await.expect("network management");
        let packager = self.layout.packager();
        let (mti, place) = if packager.version() == 0 { ("0800", 70) } else { ("1804", 24) };
        assert_eq!(received.message.mti().to_string(), mti);
        assert_eq!(received.text(place), Some(code));
        let mut answer = answer_to(&received.message, packager.default_echo()).unwrap();
        answer.set(39, answered.as_bytes()).unwrap();
        self.send(&answer).await;
        received
    }

    /// The same with messages of this packager.
    pub fn speaking(mut self, packager: Packager) -> Self {
        self.layout = Layout::of(packager);
        self
    }

    /// Connects and signs on.
    pub async fn signed_on(address: &str) -> Self {
        let mut peer = Self::connect(address).await;
        assert_eq!(peer.outcome(&management("001")).await, accepted());
        peer
    }

    /// The bytes of a message.
    pub fn encoded(&self, message: &Message) -> Vec<u8> {
        let mut out = WipedBytes::with_capacity(0);
        match &self.zak {
            Some(zak) => {
                let mac = |text: &[u8]| zak.mac(text, MacPadding::Zeros);
                encode_with_mac(&self.layout, message, &mut out, mac).unwrap();
            }
            None => encode(&self.layout, message, &mut out).unwrap(),
        }
        out.to_vec()
    }

    /// The frame of these bytes.
    pub fn framed(&self, message: &[u8]) -> Vec<u8> {
        let header = self.framing.header.own().to_vec();
        let write = |out: &mut WipedBytes| {
            out.extend(message);
            Ok::<_, std::convert::Infallible>(())
        };
        self.framing.write(&header, write).ok().unwrap().to_vec()
    }

    /// Sends a message.
    pub async fn send(&mut self, message: &Message) {
        let frame = self.framed(&self.encoded(message));
        self.send_bytes(&frame).await.unwrap();
    }

    /// Sends these bytes.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        timeout(WAIT, self.stream.write_all(bytes)).await.expect("the platform reads")
    }

    /// The next message; `None` once the platform has closed the connection.
    pub async fn receive(&mut self) -> Option<Received> {
        loop {
            if let Frame::Whole { header, message, size } =
                self.framing.read(&self.received).unwrap()
            {
                let decoded = decode(&self.layout, message).unwrap();
                let mac_is_right = self.zak.as_ref().zip(decoded.mac).map(|(zak, place)| {
                    let mac = decoded.message.get(place.field).unwrap();
                    zak.mac_matches(&message[..place.offset], MacPadding::Zeros, mac)
                });
                let received =
                    Received { header: header.to_vec(), message: decoded.message, mac_is_right };
                self.received.drain(..size);
                return Some(received);
            }
            let read = self.stream.read_buf(&mut self.received);
            match timeout(WAIT, read).await.expect("an answer, or the end") {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Sends a message; returns its answer.
    pub async fn ask(&mut self, message: &Message) -> Received {
        self.send(message).await;
        self.receive().await.expect("an answer")
    }

    /// Sends a message; returns the type and code of its answer.
    pub async fn outcome(&mut self, message: &Message) -> (String, String) {
        self.ask(message).await.outcome()
    }

    /// Waits until the platform closes the connection without sending anything more.
    pub async fn expect_end(&mut self) {
        assert!(self.receive().await.is_none());
    }
}

/// A message of these fields.
pub fn message(mti: &str, fields: &[(u8, &str)]) -> Message {
    let mut message = Message::new(Mti::parse(mti).unwrap());
    for (number, text) in fields {
        message.set(*number, text.as_bytes()).unwrap();
    }
    message
}

/// V17's shape, with this network management code.
pub fn management(code: &str) -> Message {
    message("0800", &[(7, "1129115900"), (11, "000100"), (41, "TERM0001"), (70, code)])
}

/// Type and code of network management that was carried out.
pub fn accepted() -> (String, String) {
    ("0810".to_owned(), "00".to_owned())
}
