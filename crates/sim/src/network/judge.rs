//! Whether what arrived is what a step expects.

use std::collections::BTreeMap;
use std::time::Duration;

use iso8583::{Message, Mti};

use super::context::{field_text, value_of};
use super::expected::Expected;
use super::line::Arrived;
use super::outcome::Done;
use super::report::{masked, masked_fields, whole_ms};
use super::rules::Stage;
use super::step::Expect;

const RESPONSE_CODE: u8 = 39;

/// Whether a message answers a request: class, DE11 and DE41.
pub fn answers(request: &Message, message: &Message) -> bool {
    let is_answer = matches!(message.mti().function(), 1 | 3);
    let same = |number| request.get(number) == message.get(number);
    is_answer && message.mti().class() == request.mti().class() && same(11) && same(41)
}

/// What arrived, for a line, and its fields.
pub fn seen(stage: &Stage, arrived: &Arrived) -> (String, Done) {
    match &arrived.content {
        Ok(got) => {
            let fields = masked_fields(&stage.script.head.codec.layout, &got.message);
            let done = Done { fields, codes: BTreeMap::new() };
            (format!("message {}", got.message.mti()), done)
        }
        Err(fault) => (format!("what cannot be read: {fault}"), Done::default()),
    }
}

/// Compares what arrived, `took` after its request, with what a step expects.
///
/// # Errors
/// What was expected and what was got, masked.
pub fn judge(
    stage: &Stage,
    expect: &Expect,
    arrived: &Arrived,
    took: Duration,
    within: Duration,
) -> Result<(), (String, String)> {
    let message_of = |mti: Mti| format!("message {mti}");
    let Ok(got) = &arrived.content else {
        return Err((message_of(expect.mti), seen(stage, arrived).0));
    };
    let message = &got.message;
    if message.mti() != expect.mti {
        return Err((message_of(expect.mti), message_of(message.mti())));
    }
    if got.mac_is_right == Some(false) {
        return Err(("the right MAC".to_owned(), "a wrong one".to_owned()));
    }
    // The response code says why other fields are missing.
    let (codes, others): (Vec<_>, Vec<_>) =
        expect.fields.iter().partition(|(number, _)| **number == RESPONSE_CODE);
    for (number, expected) in codes.into_iter().chain(others) {
        compare(stage, *number, expected, message)?;
    }
    if let Some(number) = expect.absent.iter().find(|it| message.get(**it).is_some()) {
        return Err((format!("no field {number}"), format!("field {number}")));
    }
    let earliest = expect.after.filter(|after| took < *after);
    if let Some(after) = earliest {
        let expected = format!("an answer after {} ms", whole_ms(after));
        return Err((expected, format!("one after {} ms", whole_ms(took))));
    }
    if took > within {
        let expected = format!("an answer within {} ms", whole_ms(within));
        return Err((expected, format!("one after {} ms", whole_ms(took))));
    }
    Ok(())
}

fn compare(
    stage: &Stage,
    number: u8,
    expected: &Expected,
    message: &Message,
) -> Result<(), (String, String)> {
    let codec = &stage.script.head.codec;
    let text = field_text(codec, message, number);
    let holds = text.as_ref().is_some_and(|text| holds(stage, number, expected, text, message));
    if holds {
        return Ok(());
    }
    let got = message.get(number).map(|value| masked(&codec.layout, number, value));
    let got = got.map_or_else(|| format!("no field {number}"), |it| it.trim_end().to_owned());
    Err((format!("field {number} {}", wanted(stage, number, expected, message)), got))
}

fn holds(stage: &Stage, number: u8, expected: &Expected, text: &str, message: &Message) -> bool {
    match expected {
        Expected::Present => true,
        Expected::Matches(regex) => regex.is_match(text),
        Expected::Text(template) => {
            let codec = &stage.script.head.codec;
            let wanted = stage.context().text(codec, template, number, message);
            wanted.ok().flatten().is_some_and(|it| it.trim_end() == text.trim_end())
        }
        Expected::AnyOf(all) => all.iter().any(|it| holds(stage, number, it, text, message)),
    }
}

/// An expectation, masked as the field is.
fn wanted(stage: &Stage, number: u8, expected: &Expected, message: &Message) -> String {
    let codec = &stage.script.head.codec;
    match expected {
        Expected::Present => "*".to_owned(),
        // A pattern may be part of a value that is masked.
        Expected::Matches(regex) => match masked(&codec.layout, number, b"000000").as_str() {
            "***" => "re:***".to_owned(),
            _ => format!("re:{regex}"),
        },
        Expected::Text(template) => match stage.context().text(codec, template, number, message) {
            Ok(Some(text)) => value_of(codec, number, &text)
                .map_or_else(|_| "***".to_owned(), |it| masked(&codec.layout, number, &it)),
            Ok(None) => "a value that is not known".to_owned(),
            Err(why) => why,
        },
        Expected::AnyOf(all) => {
            let all: Vec<_> = all.iter().map(|it| wanted(stage, number, it, message)).collect();
            format!("one of {}", all.join(", "))
        }
    }
}
