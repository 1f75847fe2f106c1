//! Answers that need nothing but the message itself (network-iso8583.md sections 2.6 and 3.1).

use crate::fault::DecodeError;
use crate::field_set::FieldSet;
use crate::message::{FieldError, Message};

/// The field of the response code.
const RESPONSE_CODE: u8 = 39;
/// The field that names the field at fault.
const ADDITIONAL_RESPONSE_DATA: u8 = 44;
/// The STAN, without which nobody can match an answer.
const STAN: u8 = 11;

/// The beginning of an answer: its message type, and the request's fields that `echo` lists.
/// `None` if the message is neither a request nor an advice.
#[must_use]
pub fn answer_to(request: &Message, echo: FieldSet) -> Option<Message> {
    let mut answer = Message::new(request.mti().answer()?);
    for (number, value) in request.iter().filter(|(number, _)| echo.contains(*number)) {
        answer.set(number, value).ok()?;
    }
    Some(answer)
}

/// The answer to a message that cannot be decoded: a format error, with the field at fault.
/// `None` if its type or its STAN was not decoded, or if it is neither a request nor an advice.
#[must_use]
pub fn answer_to_undecodable(error: &DecodeError, echo: FieldSet) -> Option<Message> {
    let request = error.decoded.as_ref().filter(|it| it.get(STAN).is_some())?;
    let mut answer = answer_to(request, echo)?;
    report_format_error(&mut answer, error.field).ok()?;
    Some(answer)
}

/// Makes an answer report a format error in this field, for instance in one that is missing.
///
/// # Errors
/// No value is longer than a field, so none in practice.
pub fn report_format_error(answer: &mut Message, field: u8) -> Result<(), FieldError> {
    let code: &[u8] = if answer.mti().version() == 0 { b"30" } else { b"904" };
    answer.set(RESPONSE_CODE, code)?;
    answer.set(ADDITIONAL_RESPONSE_DATA, format!("{field:03}").as_bytes())
}
