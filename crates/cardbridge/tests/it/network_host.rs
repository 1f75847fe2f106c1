//! A small host of a card network for tests: answers over TCP and remembers what came.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crypto::{MacPadding, TdesKey};
use iso8583::{
    Frame, Framing, FramingSettings, Layout, Message, Packager, answer_to, decode, default_echo,
    encode, encode_with_mac,
};

/// How long the rest of a frame may take.
const FRAME_TIMEOUT: Duration = Duration::from_millis(300);

/// Longest wait for messages.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message that came.
#[derive(Clone)]
pub struct Seen {
    pub mti: String,
    pub fields: BTreeMap<u8, Vec<u8>>,
    /// Whether its MAC is right; `None` without one.
    pub mac_is_right: Option<bool>,
}

impl Seen {
    pub fn text(&self, number: u8) -> &str {
        std::str::from_utf8(&self.fields[&number]).unwrap()
    }
}

/// Decides the response code of a message; `None`: it is not answered.
pub type Decide = fn(&Message) -> Option<&'static str>;

/// A listening host. Its threads end with the test's process.
pub struct Host {
    pub address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    ends: Receiver<bool>,
}

impl Host {
    /// Starts a host; with a key its answers have MACs.
    pub fn start(decide: Decide, zak: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (ended, ends) = channel();
        let host = Self { address, seen: Arc::clone(&seen), ends };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let zak = zak.map(|text| TdesKey::from_hex(text).unwrap());
                let (seen, ended) = (Arc::clone(&seen), ended.clone());
                let serving = Serving { decide, zak, seen, ended };
                std::thread::spawn(move || serving.run(stream.unwrap()));
            }
        });
        host
    }

    /// Waits until so many messages came.
    pub fn wait_for(&self, count: usize) {
        let began = Instant::now();
        while self.seen.lock().unwrap().len() < count {
            assert!(began.elapsed() < PATIENCE, "fewer than {count} messages came");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether the next connection that the peer ends is reset.
    pub fn next_end_is_reset(&self) -> bool {
        self.ends.recv_timeout(PATIENCE).unwrap()
    }

    /// What came so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

struct Serving {
    decide: Decide,
    zak: Option<TdesKey>,
    seen: Arc<Mutex<Vec<Seen>>>,
    ended: Sender<bool>,
}

impl Serving {
    /// Serves a connection until its end, a length that is too large or half a frame.
    fn run(&self, mut stream: TcpStream) {
        let framing = Framing::new(&FramingSettings::default()).unwrap();
        let mut bytes = Vec::new();
        loop {
            match framing.read(&bytes) {
                Err(_) => return,
                Ok(Frame::KeepAlive { bytes: taken }) => drop(bytes.drain(..taken.len())),
                Ok(Frame::Whole { message, size, .. }) => {
                    if let Some(answer) = self.answer(message) {
                        let _ = stream.write_all(&answer);
                    }
                    bytes.drain(..size);
                    continue;
                }
                Ok(Frame::Incomplete) => {}
            }
            let timeout = (!bytes.is_empty()).then_some(FRAME_TIMEOUT);
            stream.set_read_timeout(timeout).unwrap();
            let mut more = [0; 4096];
            match stream.read(&mut more) {
                Ok(count) if count > 0 => bytes.extend_from_slice(&more[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                end => {
                    // A test that does not ask how connections ended is over.
                    let is_reset = end.is_err_and(|it| it.kind() == ErrorKind::ConnectionReset);
                    let _ = self.ended.send(is_reset);
                    return;
                }
            }
        }
    }

    /// Remembers a message; returns the frame of its answer.
    fn answer(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let layout = Layout::of(Packager::Iso87Ascii);
        let decoded = decode(&layout, bytes).unwrap();
        let request = decoded.message;
        let mac_is_right = decoded.mac.zip(self.zak.as_ref()).map(|(place, zak)| {
            let mac = request.get(place.field).unwrap();
            zak.mac_matches(&bytes[..place.offset], MacPadding::Zeros, mac)
        });
        let fields = request.iter().map(|(number, value)| (number, value.to_vec())).collect();
        let mti = request.mti().to_string();
        self.seen.lock().unwrap().push(Seen { mti, fields, mac_is_right });
        let code = (self.decide)(&request)?;
        let mut answer = answer_to(&request, default_echo())?;
        answer.set(39, code.as_bytes()).unwrap();
        if request.mti().class() == 1 && request.mti().function() == 0 && code == "00" {
            answer.set(38, format!("9{}", &request.text(11).unwrap()[1..]).as_bytes()).unwrap();
        }
        let framing = Framing::new(&FramingSettings::default()).unwrap();
        let frame = framing.write(&[], |out| match &self.zak {
            Some(zak) => {
                encode_with_mac(&layout, &answer, out, |text| zak.mac(text, MacPadding::Zeros))
            }
            None => encode(&layout, &answer, out),
        });
        frame.ok().map(|it| it.to_vec())
    }
}
