//! An acquirer on a link: purchases as ISO 8583 messages, many at a time on one connection.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::field_cipher;
use iso8583::{Layout, Message, Mti, Packager, WipedBytes, decode, encode};
use sdk::Method;
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::cards::Owner;
use crate::enterprise::SHOP;
use crate::platform::Platform;

/// Longest wait for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The sign-on V17 of network-iso8583.md section 10.2 in a frame with the default length.
const SIGN_ON: &[u8] = b"\x00\x3F0800822000000080000004000000000000001129115900000100TERM0001001";
/// Bytes of a frame's length.
const LENGTH_BYTES: usize = 2;

/// Numbers the purchases, so each is a separate message.
static NUMBER: AtomicU64 = AtomicU64::new(1);

/// A connection on which a link listens, signed on.
pub async fn signed_on(address: SocketAddr) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(SIGN_ON).await?;
    let answer = timeout(ANSWER_TIMEOUT, frame(&mut stream)).await;
    let answer = answer.context("a sign-on was not answered")??;
    ensure!(answer.starts_with(b"0810"), "a sign-on was answered by another message");
    Ok(stream)
}

/// The message of the next frame.
async fn frame(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Result<Vec<u8>> {
    let mut length = [0; LENGTH_BYTES];
    stream.read_exact(&mut length).await?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

/// The data that a shop reads off a card.
pub struct ReadCard {
    pan: String,
    expiry: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SealedCard {
    iv: String,
    pan: String,
    expire_date: String,
}

impl ReadCard {
    /// Reads the cards of the sandbox's enterprise.
    pub async fn all(platform: &Platform, owner: &Owner, cards: &[String]) -> Result<Vec<Self>> {
        let secret = &platform.sandbox.enterprise.secret_key;
        let mut read = Vec::with_capacity(cards.len());
        for card_id in cards {
            let body = serde_json::to_vec(&json!({ "cardId": card_id }))?;
            let path = "/open-api/card/v1/retrieve-secure-card";
            let reply = owner.client.call(Method::POST, path, &[], Some(body)).await?;
            let data = reply.data.context("a card's data")?;
            let sealed: SealedCard = serde_json::from_str(data.get())?;
            let iv = STANDARD.decode(&sealed.iv)?;
            let open = |text: &str| -> Result<String> {
                let plain = field_cipher::decrypt(secret, &iv, text);
                Ok(String::from_utf8(plain.map_err(|error| anyhow!("{error:?}"))?.to_vec())?)
            };
            let expiry = open(&sealed.expire_date)?;
            let expiry = match expiry.split_once('/') {
                Some((month, year)) => format!("{year}{month}"),
                None => expiry,
            };
            read.push(Self { pan: open(&sealed.pan)?, expiry });
        }
        Ok(read)
    }
}

type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<String>>>>;

/// A signed-on connection that is shared.
pub struct LinkPeer {
    writer: tokio::sync::Mutex<OwnedWriteHalf>,
    waiting: Waiting,
    reader: JoinHandle<()>,
}

impl Drop for LinkPeer {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl LinkPeer {
    /// Connects to a link and signs on.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let (reader, writer) = signed_on(address).await?.into_split();
        let waiting = Waiting::default();
        let reader = tokio::spawn(read_answers(reader, Arc::clone(&waiting)));
        Ok(Self { writer: tokio::sync::Mutex::new(writer), waiting, reader })
    }

    /// Makes a purchase of one dollar that must be approved; returns its card acceptor.
    pub async fn buy(&self, card: &ReadCard) -> Result<String> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let (stan, shop) = (format!("{:06}", number % 1_000_000), format!("{SHOP}{number:011}"));
        let message = purchase(card, number, &stan, &shop)?;
        let mut out = WipedBytes::with_capacity(0);
        encode(&Layout::of(Packager::Iso87Ascii), &message, &mut out)?;
        let mut framed = u16::try_from(out.len())?.to_be_bytes().to_vec();
        framed.extend_from_slice(&out);
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(stan, sender);
        self.writer.lock().await.write_all(&framed).await?;
        let code = timeout(ANSWER_TIMEOUT, answer).await.context("an answer in time")??;
        ensure!(code == "00", "a purchase was answered {code}");
        Ok(shop)
    }
}

/// V01's shape on a card.
fn purchase(card: &ReadCard, number: u64, stan: &str, shop: &str) -> Result<Message> {
    let mut message = Message::new(Mti::parse("0100").context("a type")?);
    for (field, text) in [
        (2, &*card.pan),
        (3, "000000"),
        (4, "000000000100"),
        (7, "1129120001"),
        (11, stan),
        (12, "200001"),
        (13, "1129"),
        (14, &card.expiry),
        (18, "5411"),
        (19, "702"),
        (22, "012"),
        (25, "59"),
        (32, "412345"),
        (37, &format!("{number:012}")),
        (41, "TERM0001"),
        (42, shop),
        (43, "BENCH SHOP               SINGAPORE    SG"),
        (49, "840"),
    ] {
        message.set(field, text.as_bytes())?;
    }
    Ok(message)
}

/// Gives each answer's response code to the purchase with its STAN, until the connection ends.
async fn read_answers(mut reader: OwnedReadHalf, waiting: Waiting) {
    let layout = Layout::of(Packager::Iso87Ascii);
    while let Ok(bytes) = frame(&mut reader).await {
        let Ok(answer) = decode(&layout, &bytes) else { return };
        let [stan, code] =
            [11, 39].map(|number| answer.message.text(number).unwrap_or_default().to_owned());
        let asked = waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&stan);
        if let Some(asked) = asked {
            // Whoever gave up waiting does not miss it.
            let _ = asked.send(code);
        }
    }
}
