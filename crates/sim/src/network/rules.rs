//! What is answered without a step that sends it: echoes, and the requests of `answer` steps.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Clock;
use iso8583::{FieldSet, Message, answer_to};

use super::context::Context;
use super::script::Script;
use super::step::Action;

/// What all connections of a script share.
pub struct Stage {
    /// The script.
    pub script: Arc<Script>,
    context: Mutex<Context>,
    /// For each type of request the step that says how it is answered.
    answers: Mutex<BTreeMap<[u8; 4], usize>>,
}

/// An answer that no step sends.
pub struct Reply {
    /// The answer.
    pub message: Message,
    /// How long it takes.
    pub after: Duration,
    /// Whether the request is an echo, which no step sees.
    pub is_echo: bool,
}

impl Stage {
    /// The stage of a script before its first step.
    pub fn new(script: Arc<Script>, clock: Clock) -> Self {
        let context = Mutex::new(script.context(clock));
        Self { script, context, answers: Mutex::new(BTreeMap::new()) }
    }

    /// The context.
    pub fn context(&self) -> MutexGuard<'_, Context> {
        self.context.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on the step at this index says how requests are answered.
    pub fn follow(&self, digits: [u8; 4], index: usize) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(digits, index);
    }

    /// The answer to a message, if there is one without a step.
    ///
    /// # Errors
    /// Why the answer of a step cannot be made.
    pub fn reply(&self, request: &Message) -> Result<Option<Reply>, String> {
        if let Some(message) = self.echo_answer(request) {
            return Ok(Some(Reply { message, after: Duration::ZERO, is_echo: true }));
        }
        let digits = request.mti().first().digits();
        let index = {
            let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.get(&digits).copied()
        };
        let step = index.and_then(|index| self.script.steps.get(index));
        let Some(Action::Answer(answer)) = step.map(|step| &step.action) else { return Ok(None) };
        let Some(mut message) = answer_to(request, self.echo()) else { return Ok(None) };
        let mut context = self.context();
        context.read_clock();
        let filled = context.fill(&self.script.head.codec, &mut message, &answer.with);
        filled.map_err(|(number, why)| format!("with.{number}: {why}"))?;
        Ok(Some(Reply { message, after: answer.after, is_echo: false }))
    }

    /// What an answer repeats.
    fn echo(&self) -> FieldSet {
        self.script.head.codec.layout.packager().default_echo()
    }

    fn echo_answer(&self, request: &Message) -> Option<Message> {
        let is_1993 = self.script.head.codec.layout.packager().version() == 1;
        let (number, code) = if is_1993 { (24, "800") } else { (70, "00") };
        let is_request = request.mti().class() == 8 && request.mti().function() == 0;
        let function = request.text(number).filter(|_| is_request)?;
        self.script.head.auto.iter().find(|it| *it == function)?;
        let mut answer = answer_to(request, self.echo())?;
        answer.set(39, code.as_bytes()).ok()?;
        Some(answer)
    }
}
