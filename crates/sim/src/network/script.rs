//! A script: one TOML file, read and checked whole before anything is sent.

use std::collections::BTreeSet;
use std::fmt;

use domain::Clock;
use iso8583::{Message, Mti, without_pans};
use thiserror::Error;
use toml::{Table, Value};

use super::context::{Context, copy};
use super::given::Given;
use super::head::{Head, Side};
use super::step::{Action, Expect, Fields, FrameShape, Repeat, Send, Step};
use super::value::{Piece, Template};

/// Most bytes of a script.
const MAX_SCRIPT_BYTES: usize = 1 << 20;
/// Most steps of a script.
const MAX_STEPS: usize = 10_000;

/// A script that cannot be played: the step and the key at fault, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ScriptFault(String);

impl ScriptFault {
    /// Card data that stand where they do not belong are masked.
    fn new(line: impl fmt::Display) -> Self {
        Self(without_pans(&line.to_string()))
    }
}

/// A script.
pub struct Script {
    pub(super) head: Head,
    pub(super) steps: Vec<Step>,
    pub(super) seed: u64,
}

impl Script {
    /// Reads and checks a script.
    ///
    /// # Errors
    /// The first fault.
    pub fn read(text: &str, given: &Given<'_>) -> Result<Self, ScriptFault> {
        if text.len() > MAX_SCRIPT_BYTES {
            return Err(ScriptFault::new("the script is larger than 1 MiB"));
        }
        let table: Result<Table, _> = text.parse();
        let mut table = table.map_err(|error| ScriptFault::new(syntax(text, &error)))?;
        let steps = match table.remove("steps") {
            Some(Value::Array(steps)) if (1..=MAX_STEPS).contains(&steps.len()) => steps,
            _ => return Err(ScriptFault::new("steps: should be a list with at least one step")),
        };
        let head = Head::parse(table, given).map_err(ScriptFault::new)?;
        let steps: Result<Vec<_>, _> = (1..)
            .zip(steps)
            .map(|(number, step)| {
                let Value::Table(table) = step else {
                    return Err(at(number, None, "should be a table"));
                };
                let name = table.get("name").and_then(Value::as_str).map(str::to_owned);
                Step::parse(number, table, head.connections)
                    .map_err(|why| at(number, name.as_deref(), &why))
            })
            .collect();
        let script = Self { head, steps: steps?, seed: given.seed };
        script.rehearse()?;
        Ok(script)
    }

    /// Makes every message once, apart from what depends on messages that are not got yet.
    fn rehearse(&self) -> Result<(), ScriptFault> {
        let mut context = self.context(Clock::system());
        let mut names = BTreeSet::new();
        for step in &self.steps {
            let failed = |why: String| at(step.number, step.name.as_deref(), &why);
            self.rehearse_step(&mut context, step).map_err(failed)?;
            if step.name.as_ref().is_some_and(|name| !names.insert(name)) {
                return Err(failed("name: an earlier step has it".to_owned()));
            }
        }
        match self.head.undeclared.iter().find(|name| !context.uses(name)) {
            Some(name) => Err(ScriptFault::new(format_args!("--var {name}: the script has none"))),
            None => Ok(()),
        }
    }

    /// The context at the beginning.
    pub(super) fn context(&self, clock: Clock) -> Context {
        Context::new(clock, self.seed, self.head.vars.clone())
    }

    fn rehearse_step(&self, context: &mut Context, step: &Step) -> Result<(), String> {
        context.read_clock();
        let codec = &self.head.codec;
        let header = codec.framing.header.own();
        let encodes = |message: &Message, shape: &FrameShape| {
            codec.frame(message, header, true, shape).map(drop)
        };
        match &step.action {
            Action::Send(send) => {
                let message = self.message(context, send)?;
                encodes(&message, &send.shape)?;
                if let Some(name) = &step.name {
                    context.keep(name, message);
                }
            }
            Action::Burst(burst) => {
                encodes(&self.message(context, &burst.send)?, &burst.send.shape)?
            }
            Action::Repeat(repeat) => {
                let message = self.repeated(context, repeat)?;
                let Some(message) = message else { return Err("repeat: was not sent".to_owned()) };
                encodes(&message, &FrameShape::default())?;
                if let Some(name) = &step.name {
                    context.keep(name, message);
                }
            }
            Action::Answer(answer) => {
                if matches!(self.head.side, Side::Target(_)) {
                    return Err("answer: needs a script with listen".to_owned());
                }
                let mti = answer.mti.answer().unwrap_or(answer.mti);
                encodes(&self.filled(context, mti, "with", &answer.with)?, &FrameShape::default())?;
            }
            Action::Expect(expect) => {
                self.rehearse_expect(context, expect)?;
                if let Some(name) = &step.name {
                    context.await_message(name);
                }
            }
            Action::Silence(_)
            | Action::Delay(_)
            | Action::Disconnect(_)
            | Action::Connect
            | Action::DropReading(_)
            | Action::ClosedWithin(_) => {}
        }
        Ok(())
    }

    fn rehearse_expect(&self, context: &mut Context, expect: &Expect) -> Result<(), String> {
        if let Some(name) = &expect.of {
            let named = context.message(name).map_err(|why| format!("of: {why}"))?;
            if named.is_none() {
                return Err(format!("of: {name} was not sent"));
            }
        }
        let nothing = Message::new(expect.mti);
        for (number, expected) in &expect.fields {
            for template in expected.templates() {
                let text = context.text(&self.head.codec, template, *number, &nothing);
                text.map_err(|why| format!("fields.{number}: {why}"))?;
            }
        }
        Ok(())
    }

    /// The message of a step that sends one, with the defaults.
    pub(super) fn message(&self, context: &mut Context, send: &Send) -> Result<Message, String> {
        let mut message = Message::new(send.mti);
        if send.shape.raw.is_some() {
            return Ok(message);
        }
        context.read_clock();
        // In order of the fields, as a PIN block needs the PAN before it.
        let defaults = self.head.defaults.iter();
        let missing = |number: &u8| !send.without.contains(number);
        let mut fields: Vec<_> = defaults
            .filter(|(number, _)| missing(number) && !send.fields.contains_key(number))
            .map(|it| ("defaults", it))
            .chain(send.fields.iter().map(|it| ("fields", it)))
            .collect();
        fields.sort_by_key(|(_, (number, _))| **number);
        for (under, (number, template)) in fields {
            let filled = context.fill_one(&self.head.codec, &mut message, *number, template);
            filled.map_err(|why| format!("{under}.{number}: {why}"))?;
        }
        self.head.codec.as_received(&message)
    }

    /// The message of a repeat; `None` if what it repeats was not sent.
    pub(super) fn repeated(
        &self,
        context: &mut Context,
        repeat: &Repeat,
    ) -> Result<Option<Message>, String> {
        context.read_clock();
        let first = context.message(&repeat.of).map_err(|why| format!("repeat: {why}"))?;
        let Some(first) = first else { return Ok(None) };
        let mut message = copy(first, repeat.mti.unwrap_or_else(|| first.mti()));
        let now = Template(vec![Piece::Now]);
        let filled = context.fill_one(&self.head.codec, &mut message, 7, &now);
        filled.map_err(|why| format!("fields.7: {why}"))?;
        self.fill(context, &mut message, "fields", &repeat.fields)?;
        self.head.codec.as_received(&message).map(Some)
    }

    /// A message with these fields.
    fn filled(
        &self,
        context: &mut Context,
        mti: Mti,
        under: &str,
        fields: &Fields,
    ) -> Result<Message, String> {
        let mut message = Message::new(mti);
        self.fill(context, &mut message, under, fields)?;
        Ok(message)
    }

    fn fill(
        &self,
        context: &mut Context,
        message: &mut Message,
        under: &str,
        fields: &Fields,
    ) -> Result<(), String> {
        let filled = context.fill(&self.head.codec, message, fields);
        filled.map_err(|(number, why)| format!("{under}.{number}: {why}"))
    }
}

/// A fault of a step.
fn at(number: usize, name: Option<&str>, why: &str) -> ScriptFault {
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    ScriptFault::new(format_args!("step {number}{name}: {why}"))
}

/// What is wrong with the text, and in which line.
fn syntax(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start);
    let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
    format!("line {line}: {}", error.message())
}
