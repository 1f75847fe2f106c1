//! What is shown of a played script: one masked line or JSON object for each step.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use iso8583::{Layout, Message, shown, without_pans};
use serde::Serialize;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Report {
    /// The script takes connections.
    Listening {
        /// Where.
        address: SocketAddr,
    },
    /// A step was carried out.
    Step(StepReport),
}

/// One step that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepReport {
    /// Its place in the script, from 1.
    pub step: usize,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it did.
    pub action: String,
    /// Whether it held.
    pub ok: bool,
    /// How long it took.
    pub took_ms: u64,
    /// The fields of the message that it sent or got, masked.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<u8, String>,
    /// The answers of a burst by response code.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub codes: BTreeMap<String, u32>,
    /// What was expected where it did not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What came in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
}

/// The fields that a line of text shows; JSON has all.
const SHORT: [u8; 10] = [3, 4, 7, 11, 12, 37, 38, 39, 44, 70];

impl Report {
    /// The report with everything masked that looks like a card number, wherever it stands.
    pub(super) fn masked(mut self) -> Self {
        if let Self::Step(step) = &mut self {
            let texts = [&mut step.name, &mut step.expected, &mut step.got];
            for text in texts.into_iter().flatten() {
                *text = without_pans(text);
            }
            step.action = without_pans(&step.action);
        }
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listening { address } => write!(f, "listening on {address}"),
            Self::Step(step) => step.fmt(f),
        }
    }
}

impl fmt::Display for StepReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.ok { "ok    " } else { "FAILED" };
        write!(f, "{:>3} {verdict} {}", self.step, self.action)?;
        if let Some(name) = &self.name {
            write!(f, " ({name})")?;
        }
        for (number, value) in self.fields.iter().filter(|(number, _)| SHORT.contains(number)) {
            write!(f, " {number}={}", value.trim_end())?;
        }
        for (code, count) in &self.codes {
            write!(f, " {code}:{count}")?;
        }
        if let (Some(expected), Some(got)) = (&self.expected, &self.got) {
            write!(f, ": expected {expected}, got {got}")?;
        }
        write!(f, ", {} ms", self.took_ms)
    }
}

/// The fields of a message, masked.
pub fn masked_fields(layout: &Layout, message: &Message) -> BTreeMap<u8, String> {
    let fields = message.iter();
    fields.map(|(number, value)| (number, masked(layout, number, value))).collect()
}

/// A value of a field, masked.
pub fn masked(layout: &Layout, number: u8, value: &[u8]) -> String {
    match layout.field(number) {
        Some(field) => shown(number, field.format, value),
        None => "***".to_owned(),
    }
}

/// A time in whole milliseconds.
pub fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
