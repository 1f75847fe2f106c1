//! What a script knows while it is played: variables, the next numbers, and the messages that were
//! sent or got under a name.

use std::collections::{BTreeMap, BTreeSet};

use crypto::{PinBlockFormat, pin_block};
use domain::{Clock, SystemRandom};
use iso8583::{Content, Message, Mti};
use zeroize::Zeroizing;

use super::codec::Codec;
use super::step::{Fields, hex};
use super::value::{Piece, Template};

/// STANs have six digits and begin again with 1.
const STANS: u64 = 999_999;
/// RRNs have twelve digits.
const RRNS: u64 = 1_000_000_000_000;
/// The offset of the one time zone that [`domain::Timestamp`] writes.
const UTC8_SECONDS: i64 = 8 * 3600;

/// The context.
pub struct Context {
    clock: Clock,
    /// `{now}` of the message that is being made, `yyyyMMddhhmmss`.
    now: String,
    next_stan: u64,
    next_rrn: u64,
    vars: BTreeMap<String, Zeroizing<String>>,
    messages: BTreeMap<String, Message>,
    /// Names of the variables that values contain.
    used: BTreeSet<String>,
    /// Names of messages that will have been got, while a script is rehearsed.
    awaited: BTreeSet<String>,
}

impl Context {
    /// A context whose first STAN and RRN follow from the seed.
    pub fn new(clock: Clock, seed: u64, vars: BTreeMap<String, Zeroizing<String>>) -> Self {
        Self {
            clock,
            now: String::new(),
            next_stan: seed % STANS,
            next_rrn: seed % RRNS,
            vars,
            messages: BTreeMap::new(),
            used: BTreeSet::new(),
            awaited: BTreeSet::new(),
        }
    }

    /// Reads the clock for the next message, whose fields all have this one time.
    pub fn read_clock(&mut self) {
        let text = self.clock.real_now().plus_seconds(-UTC8_SECONDS).to_utc8();
        self.now = text.chars().filter(char::is_ascii_digit).take(14).collect();
    }

    /// Keeps a message under a name.
    pub fn keep(&mut self, name: &str, message: Message) {
        self.messages.insert(name.to_owned(), message);
    }

    /// Whether a value contains the variable.
    pub fn uses(&self, name: &str) -> bool {
        self.used.contains(name)
    }

    /// In a rehearsal: a message of this name will have been got.
    pub fn await_message(&mut self, name: &str) {
        self.awaited.insert(name.to_owned());
    }

    /// The message of a name, if it is known.
    ///
    /// # Errors
    /// No step before has the name.
    pub fn message(&self, name: &str) -> Result<Option<&Message>, String> {
        match self.messages.get(name) {
            None if self.awaited.contains(name) => Ok(None),
            None => Err(format!("no earlier step with a message is named {name}")),
            found => Ok(found),
        }
    }

    /// Sets fields of a message.
    ///
    /// # Errors
    /// The field, and why it has no value.
    pub fn fill(
        &mut self,
        codec: &Codec,
        message: &mut Message,
        fields: &Fields,
    ) -> Result<(), (u8, String)> {
        for (number, template) in fields {
            self.fill_one(codec, message, *number, template).map_err(|why| (*number, why))?;
        }
        Ok(())
    }

    /// Sets one field; one that is not known yet in a rehearsal is left out.
    ///
    /// # Errors
    /// Why the field has no value.
    pub fn fill_one(
        &mut self,
        codec: &Codec,
        message: &mut Message,
        number: u8,
        template: &Template,
    ) -> Result<(), String> {
        match self.text(codec, template, number, message)? {
            Some(text) => set(codec, message, number, &text),
            None => Ok(()),
        }
    }

    /// The text of a value for this field; `None` if it is not known yet in a rehearsal.
    ///
    /// # Errors
    /// Why it has none.
    pub fn text(
        &mut self,
        codec: &Codec,
        template: &Template,
        number: u8,
        message: &Message,
    ) -> Result<Option<Zeroizing<String>>, String> {
        let mut text = Zeroizing::new(String::with_capacity(1_000));
        for piece in &template.0 {
            match self.piece(codec, piece, number, message)? {
                Some(part) => text.push_str(&part),
                None => return Ok(None),
            }
        }
        Ok(Some(text))
    }

    fn piece(
        &mut self,
        codec: &Codec,
        piece: &Piece,
        number: u8,
        message: &Message,
    ) -> Result<Option<Zeroizing<String>>, String> {
        let is_1993 = codec.layout.packager().version() == 1;
        Ok(Some(match piece {
            Piece::Text(text) => text.clone(),
            Piece::Now => Zeroizing::new(self.now(number, is_1993)?),
            Piece::Stan => {
                self.next_stan = self.next_stan % STANS + 1;
                Zeroizing::new(format!("{:06}", self.next_stan))
            }
            Piece::Rrn => {
                self.next_rrn = (self.next_rrn + 1) % RRNS;
                Zeroizing::new(format!("{:012}", self.next_rrn))
            }
            Piece::Variable(name) => {
                let found = self.vars.get(name);
                let found = found.ok_or_else(|| format!("{{{name}}} is not in vars"))?.clone();
                self.used.insert(name.clone());
                found
            }
            Piece::Field { name, number } => {
                let Some(message) = self.message(name)? else { return Ok(None) };
                let found = field_text(codec, message, *number);
                found.ok_or_else(|| format!("the message {name} has no field {number}"))?
            }
            Piece::Pin(pin) => encrypted(codec, number, pin, message)?,
            Piece::Original(name) => {
                let Some(message) = self.message(name)? else { return Ok(None) };
                original(number, is_1993, message)?
            }
        }))
    }

    /// The time as this field has it, in UTC.
    fn now(&self, number: u8, is_1993: bool) -> Result<String, String> {
        let range = match (number, is_1993) {
            (7, _) => 4..14,
            (12, true) => 2..14,
            (12, false) => 8..14,
            (13, false) => 4..8,
            _ => return Err("{now} has no form for this field".to_owned()),
        };
        Ok(self.now.get(range).unwrap_or_default().to_owned())
    }
}

/// Another message with the same fields.
pub fn copy(message: &Message, mti: Mti) -> Message {
    let mut copy = Message::new(mti);
    for (number, value) in message.iter() {
        // What one message holds, another does as well.
        let _ = copy.set(number, value);
    }
    copy
}

/// Sets a field from text.
fn set(codec: &Codec, message: &mut Message, number: u8, text: &str) -> Result<(), String> {
    let value = value_of(codec, number, text)?;
    message.set(number, &value).map_err(|error| error.to_string())
}

/// The value of a field from text; bytes are hexadecimal.
///
/// # Errors
/// It is not hexadecimal.
pub fn value_of(codec: &Codec, number: u8, text: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    if is_bytes(codec, number) {
        return Ok(Zeroizing::new(hex(text).ok_or("should be hexadecimal")?));
    }
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

fn is_bytes(codec: &Codec, number: u8) -> bool {
    codec.layout.field(number).is_some_and(|it| it.format.content == Content::Bytes)
}

/// The text of a field; bytes are hexadecimal.
pub fn field_text(codec: &Codec, message: &Message, number: u8) -> Option<Zeroizing<String>> {
    let value = message.get(number)?;
    Some(Zeroizing::new(if is_bytes(codec, number) {
        value.iter().map(|byte| format!("{byte:02X}")).collect()
    } else {
        String::from_utf8_lossy(value).into_owned()
    }))
}

/// The PIN block of format 0 for the PAN of the message.
fn encrypted(
    codec: &Codec,
    number: u8,
    pin: &str,
    message: &Message,
) -> Result<Zeroizing<String>, String> {
    if number != 52 {
        return Err("{pin:...} belongs in field 52".to_owned());
    }
    let zpk = codec.zpk.as_ref().ok_or("{pin:...} needs keys.zpk")?;
    let track = || message.text(35)?.split(['=', 'D']).next();
    let pan = message.text(2).or_else(track).ok_or("{pin:...} needs field 2 or 35")?;
    let block = pin_block(zpk, PinBlockFormat::Iso0, pin, pan, &SystemRandom);
    let block = block.map_err(|_| "the PIN or the PAN has the wrong form")?;
    Ok(Zeroizing::new(block.iter().map(|byte| format!("{byte:02X}")).collect()))
}

/// The original data that name a message (network-iso8583.md sections 2.3 and 2.5).
fn original(number: u8, is_1993: bool, message: &Message) -> Result<Zeroizing<String>, String> {
    let place = if is_1993 { 56 } else { 90 };
    if number != place {
        return Err(format!("{{original:...}} belongs in field {place}"));
    }
    let text = |number| message.text(number).unwrap_or_default();
    let (mti, stan, acquirer) = (message.mti().first(), text(11), text(32));
    Ok(Zeroizing::new(if is_1993 {
        let length = acquirer.len();
        format!("{mti}{stan:0>6}{:0>12}{length:02}{acquirer}", text(12))
    } else {
        format!("{mti}{stan:0>6}{:0>10}{acquirer:0>11}{:0>11}", text(7), text(33))
    }))
}
