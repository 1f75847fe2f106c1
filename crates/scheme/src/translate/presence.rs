//! Which fields a message has to have (network-iso8583.md section 3.2).

use iso8583::Message;

use super::codes::Refusal;

/// Refuses a message that lacks one of the fields.
pub(crate) fn require(message: &Message, fields: &[u8]) -> Result<(), Refusal> {
    let missing = fields.iter().find(|number| message.get(**number).is_none());
    missing.map_or(Ok(()), |number| Err(Refusal::Format(*number)))
}
