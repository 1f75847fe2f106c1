//! The steps of a script, read and checked one by one.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use iso8583::Mti;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::expected::Expected;
use super::value::Template;

/// Most messages of a burst, and most times that a step is carried out.
pub const MAX_TIMES: u32 = 10_000;
/// The longest time that a step may name.
const MAX_MS: u64 = 3_600_000;

/// Fields and their values.
pub type Fields = BTreeMap<u8, Template>;

/// One step.
pub struct Step {
    /// Its place, from 1.
    pub number: usize,
    /// Its name, by which later steps refer to its message.
    pub name: Option<String>,
    /// The connection that it uses.
    pub conn: usize,
    /// How often it is carried out.
    pub times: u32,
    /// What it does.
    pub action: Action,
}

/// What a step does.
pub enum Action {
    /// Sends a message.
    Send(Send),
    /// Waits for a message.
    Expect(Expect),
    /// Fails if anything arrives.
    Silence(Duration),
    /// Waits.
    Delay(Duration),
    /// Sends a message again.
    Repeat(Repeat),
    /// Closes the connection.
    Disconnect(Closing),
    /// Connects again.
    Connect,
    /// Reads nothing for so long, while the next steps go on.
    DropReading(Duration),
    /// Fails unless the peer closes.
    ClosedWithin(Duration),
    /// Sends many messages and counts the answers.
    Burst(Burst),
    /// Says how requests are answered from here on.
    Answer(Answer),
}

/// A message to send.
pub struct Send {
    /// Its type.
    pub mti: Mti,
    /// Its fields beside the defaults.
    pub fields: Fields,
    /// The defaults that it does not have; 64 or 128 leaves the MAC out.
    pub without: Vec<u8>,
    /// What its frame has that a right one has not.
    pub shape: FrameShape,
}

impl Send {
    /// Whether it gets a MAC if there is a key.
    pub fn is_signed(&self) -> bool {
        !self.without.iter().any(|field| matches!(field, 64 | 128))
    }
}

/// How a frame is changed.
#[derive(Default)]
pub struct FrameShape {
    /// Added to its length.
    pub length_offset: Option<i64>,
    /// Only so many of its first bytes are sent.
    pub bytes: Option<usize>,
    /// These bytes are sent in its place.
    pub raw: Option<Vec<u8>>,
}

/// A message to wait for.
pub struct Expect {
    /// Its type.
    pub mti: Mti,
    /// The message that it answers; none: the next message counts.
    pub of: Option<String>,
    /// It must come within this time of the message that it answers, or of the step's beginning.
    pub within: Option<Duration>,
    /// It must not come earlier than this.
    pub after: Option<Duration>,
    /// What its fields must be.
    pub fields: BTreeMap<u8, Expected>,
    /// Fields that it must not have.
    pub absent: Vec<u8>,
}

/// A message to send again.
pub struct Repeat {
    /// The name of its first sending.
    pub of: String,
    /// Its type, if it is another.
    pub mti: Option<Mti>,
    /// Fields that are other ones; DE7 always is.
    pub fields: Fields,
}

/// How a connection is closed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// In order.
    Fin,
    /// At once; what is under way is lost.
    Reset,
}

/// Many messages.
pub struct Burst {
    /// The messages.
    pub send: Send,
    /// How many.
    pub count: u32,
    /// How many in a second; none: as fast as they can be written.
    pub per_second: Option<u32>,
    /// The response codes that are right; none: all.
    pub codes: Option<Vec<String>>,
}

/// How requests of a type are answered.
pub struct Answer {
    /// Their type; repeats are answered likewise.
    pub mti: Mti,
    /// What the answer has beside what it repeats of the request.
    pub with: Fields,
    /// How long it takes.
    pub after: Duration,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(send) if send.shape.raw.is_some() => f.write_str("send raw bytes"),
            Self::Send(send) => write!(f, "send {}", send.mti),
            Self::Expect(Expect { mti, of: Some(name), .. }) => write!(f, "expect {mti} of {name}"),
            Self::Expect(expect) => write!(f, "expect {}", expect.mti),
            Self::Silence(time) => write!(f, "silence {} ms", time.as_millis()),
            Self::Delay(time) => write!(f, "delay {} ms", time.as_millis()),
            Self::Repeat(Repeat { of, mti: Some(mti), .. }) => write!(f, "repeat {of} as {mti}"),
            Self::Repeat(repeat) => write!(f, "repeat {}", repeat.of),
            Self::Disconnect(Closing::Fin) => f.write_str("disconnect fin"),
            Self::Disconnect(Closing::Reset) => f.write_str("disconnect reset"),
            Self::Connect => f.write_str("connect"),
            Self::DropReading(time) => write!(f, "drop reading {} ms", time.as_millis()),
            Self::ClosedWithin(time) => write!(f, "closed within {} ms", time.as_millis()),
            Self::Burst(burst) => write!(f, "burst of {} {}", burst.count, burst.send.mti),
            Self::Answer(answer) => write!(f, "answer {}", answer.mti),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct SendKeys {
    send: String,
    #[serde(default)]
    fields: BTreeMap<String, String>,
    #[serde(default)]
    without: Vec<u8>,
    #[serde(default)]
    frame: FrameKeys,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct FrameKeys {
    length_offset: Option<i64>,
    bytes: Option<usize>,
    raw: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ExpectKeys {
    expect: String,
    of: Option<String>,
    within_ms: Option<u64>,
    after_ms: Option<u64>,
    #[serde(default)]
    fields: BTreeMap<String, Value>,
    #[serde(default)]
    absent: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RepeatKeys {
    repeat: String,
    r#as: Option<String>,
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct BurstKeys {
    burst: String,
    count: u32,
    per_second: Option<u32>,
    #[serde(default)]
    fields: BTreeMap<String, String>,
    #[serde(default)]
    without: Vec<u8>,
    expect_codes: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct AnswerKeys {
    answer: String,
    #[serde(default)]
    with: BTreeMap<String, String>,
    #[serde(default)]
    after_ms: u64,
}

/// The keys that say what a step does.
const VERBS: [&str; 11] = [
    "send",
    "expect",
    "silence-ms",
    "delay-ms",
    "repeat",
    "disconnect",
    "connect",
    "drop-reading-ms",
    "closed-within-ms",
    "burst",
    "answer",
];

impl Step {
    /// Reads the step at this place; `connections` is how many there are.
    ///
    /// # Errors
    /// The key at fault and what is wrong with it.
    pub fn parse(number: usize, mut table: Table, connections: usize) -> Result<Self, String> {
        let mut named: Vec<_> = VERBS.into_iter().filter(|it| table.contains_key(*it)).collect();
        let verb = named.pop().filter(|_| named.is_empty());
        let verb = verb.ok_or_else(|| format!("should have one of {}", VERBS.join(", ")))?;
        let name: Option<String> = take(&mut table, "name")?;
        if let Some(name) = &name
            && (name.is_empty() || !name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-'))
        {
            return Err("name: should be letters, digits and hyphens".to_owned());
        }
        let conn = take(&mut table, "conn")?.unwrap_or(0);
        if conn >= connections {
            return Err(format!("conn: should be below connections, which is {connections}"));
        }
        let times = take(&mut table, "times")?.unwrap_or(1);
        if !(1..=MAX_TIMES).contains(&times) {
            return Err(format!("times: should be from 1 to {MAX_TIMES}"));
        }
        let action = action(verb, table)?;
        Ok(Self { number, name, conn, times, action })
    }
}

/// Removes a key and reads its value.
fn take<T: DeserializeOwned>(table: &mut Table, key: &str) -> Result<Option<T>, String> {
    let value = table.remove(key).map(Value::try_into::<T>).transpose();
    value.map_err(|error| format!("{key}: {}", error.message()))
}

fn action(verb: &str, table: Table) -> Result<Action, String> {
    match verb {
        "send" => send(keys(table)?).map(Action::Send),
        "expect" => expect(keys(table)?).map(Action::Expect),
        "repeat" => {
            let keys: RepeatKeys = keys(table)?;
            let mti = keys.r#as.map(|text| mti("as", &text)).transpose()?;
            let fields = fields("fields", keys.fields)?;
            Ok(Action::Repeat(Repeat { of: keys.repeat, mti, fields }))
        }
        "burst" => burst(keys(table)?).map(Action::Burst),
        "answer" => {
            let keys: AnswerKeys = keys(table)?;
            let answered = mti("answer", &keys.answer)?;
            if answered.answer().is_none() {
                return Err("answer: should be the type of a request or an advice".to_owned());
            }
            let with = fields("with", keys.with)?;
            let after = duration("after-ms", keys.after_ms)?;
            Ok(Action::Answer(Answer { mti: answered.first(), with, after }))
        }
        "disconnect" => match only::<String>(verb, table)?.as_str() {
            "fin" => Ok(Action::Disconnect(Closing::Fin)),
            "reset" => Ok(Action::Disconnect(Closing::Reset)),
            _ => Err("disconnect: should be fin or reset".to_owned()),
        },
        "connect" => match only(verb, table)? {
            true => Ok(Action::Connect),
            false => Err("connect: should be true".to_owned()),
        },
        _ => {
            let time = duration(verb, only(verb, table)?)?;
            Ok(match verb {
                "silence-ms" => Action::Silence(time),
                "delay-ms" => Action::Delay(time),
                "drop-reading-ms" => Action::DropReading(time),
                _ => Action::ClosedWithin(time),
            })
        }
    }
}

/// Reads the keys of a step that has many.
fn keys<T: DeserializeOwned>(table: Table) -> Result<T, String> {
    table.try_into().map_err(|error: toml::de::Error| error.to_string())
}

/// The value of the key, which must be the only one.
fn only<T: DeserializeOwned>(key: &str, mut table: Table) -> Result<T, String> {
    let value = take(&mut table, key)?.ok_or_else(|| format!("{key}: is missing"))?;
    match table.keys().next() {
        Some(other) => Err(format!("{other}: is no key of a step with {key}")),
        None => Ok(value),
    }
}

fn send(keys: SendKeys) -> Result<Send, String> {
    let raw = keys.frame.raw.map(|text| hex(&text).ok_or("frame.raw: should be hexadecimal"));
    let FrameKeys { length_offset, bytes, .. } = keys.frame;
    let shape = FrameShape { length_offset, bytes, raw: raw.transpose()? };
    if shape.raw.is_some() && (bytes.is_some() || length_offset.is_some()) {
        return Err("frame.raw: stands alone".to_owned());
    }
    if shape.raw.is_some() && !(keys.fields.is_empty() && keys.without.is_empty()) {
        return Err("frame.raw: takes the place of fields and without".to_owned());
    }
    let mti = mti("send", &keys.send)?;
    let fields = fields("fields", keys.fields)?;
    Ok(Send { mti, fields, without: keys.without, shape })
}

fn expect(keys: ExpectKeys) -> Result<Expect, String> {
    let mut fields = BTreeMap::new();
    for (key, value) in keys.fields {
        let expected = Expected::parse(&value).map_err(|why| format!("fields.{key}: {why}"))?;
        fields.insert(field_number("fields", &key)?, expected);
    }
    Ok(Expect {
        mti: mti("expect", &keys.expect)?,
        of: keys.of,
        within: keys.within_ms.map(|ms| duration("within-ms", ms)).transpose()?,
        after: keys.after_ms.map(|ms| duration("after-ms", ms)).transpose()?,
        fields,
        absent: keys.absent,
    })
}

fn burst(keys: BurstKeys) -> Result<Burst, String> {
    if !(1..=MAX_TIMES).contains(&keys.count) {
        return Err(format!("count: should be from 1 to {MAX_TIMES}"));
    }
    if keys.per_second == Some(0) {
        return Err("per-second: should be above 0".to_owned());
    }
    let mti = mti("burst", &keys.burst)?;
    let fields = fields("fields", keys.fields)?;
    let send = Send { mti, fields, without: keys.without, shape: FrameShape::default() };
    let BurstKeys { count, per_second, expect_codes: codes, .. } = keys;
    Ok(Burst { send, count, per_second, codes })
}

/// Reads fields and their values.
///
/// # Errors
/// The key at fault, below `under`, and what is wrong with it.
pub fn fields(under: &str, texts: BTreeMap<String, String>) -> Result<Fields, String> {
    let mut fields = Fields::new();
    for (key, text) in texts {
        let text = zeroize::Zeroizing::new(text);
        let value = Template::parse(&text).map_err(|why| format!("{under}.{key}: {why}"))?;
        fields.insert(field_number(under, &key)?, value);
    }
    Ok(fields)
}

fn field_number(under: &str, key: &str) -> Result<u8, String> {
    let number = key.parse().ok().filter(|it| (2..=128).contains(it) && *it != 65);
    number.ok_or_else(|| format!("{under}.{key}: should be a field from 2 to 128, except 65"))
}

fn mti(key: &str, text: &str) -> Result<Mti, String> {
    Mti::parse(text).ok_or_else(|| format!("{key}: should be a message type of four digits"))
}

/// A time of a script.
///
/// # Errors
/// The time is longer than an hour.
pub fn duration(key: &str, ms: u64) -> Result<Duration, String> {
    let time = (ms <= MAX_MS).then(|| Duration::from_millis(ms));
    time.ok_or_else(|| format!("{key}: should be at most {MAX_MS}"))
}

/// The bytes of hexadecimal text.
pub fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| {
        let [high, low] = pair else { return None };
        u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
    };
    text.as_bytes().chunks(2).map(pair).collect()
}
