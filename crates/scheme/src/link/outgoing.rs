//! Frames on their way to the peer.

use iso8583::{EncodeError, Message, Mti, WipedBytes, WriteError, encode};
use tokio::time::Instant;

use super::settings::LinkSettings;
use crate::translate::{Refusal, Reply, field};

/// A frame, and the answer that it carries.
pub(crate) struct Outgoing {
    pub(crate) frame: WipedBytes,
    /// `None` for what is no answer to a message.
    pub(crate) answers: Option<Answered>,
}

/// The message that an answer is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answered {
    /// Its type.
    pub(crate) mti: Mti,
    /// When its last byte was read.
    pub(crate) arrived: Instant,
}

impl Outgoing {
    /// Completes an answer with a reply and frames it under this header; `None` if nothing is to
    /// be sent, or nothing can be.
    pub(crate) fn answer(
        settings: &LinkSettings,
        header: &[u8],
        mut answer: Message,
        reply: &Reply,
        answers: Answered,
    ) -> Option<Self> {
        reply.code()?;
        reply.write(&mut answer).ok()?;
        Self::framed(settings, header, answer, Some(answers))
    }

    /// Frames a message that is complete.
    pub(crate) fn framed(
        settings: &LinkSettings,
        header: &[u8],
        mut message: Message,
        answers: Option<Answered>,
    ) -> Option<Self> {
        let written = write(settings, header, &message).or_else(|error| {
            let name = &settings.name;
            tracing::error!(link = name, %error, "a message of ours does not fit its layout");
            let WriteError::Message(EncodeError { field, .. }) = error else { return Err(error) };
            // A fault of ours: it is answered so, without the field.
            message.remove(field);
            message.remove(field::AUTH_CODE);
            let code = Refusal::Fault.code();
            // Two or three digits are no longer than a field.
            let _ = message.set(field::RESPONSE_CODE, code.text(message.mti().version()));
            write(settings, header, &message)
        });
        Some(Self { frame: written.ok()?, answers })
    }
}

fn write(
    settings: &LinkSettings,
    header: &[u8],
    message: &Message,
) -> Result<WipedBytes, WriteError<EncodeError>> {
    settings.framing.write(header, |out| encode(&settings.layout, message, out))
}

#[cfg(test)]
mod tests {
    use iso8583::{Frame, decode};

    use super::super::settings::LinkMode;
    use super::*;

    fn sent(message: Message) -> Message {
        let mode = LinkMode::listen("127.0.0.1:0".parse().unwrap());
        let settings = LinkSettings::new("a", mode).unwrap();
        let outgoing = Outgoing::framed(&settings, &[], message, None).unwrap();
        match settings.framing.read(&outgoing.frame) {
            Ok(Frame::Whole { message, .. }) => decode(&settings.layout, message).unwrap().message,
            _ => panic!("a whole frame"),
        }
    }

    #[test]
    fn a_value_that_does_not_fit_is_left_out_and_answered_as_a_fault() {
        let mut answer = Message::new(Mti::parse("0110").unwrap());
        for (number, text) in [(11, "000001"), (38, "123456"), (39, "00"), (42, "SIXTEEN CHARS 16")]
        {
            answer.set(number, text.as_bytes()).unwrap();
        }
        let sent = sent(answer);
        assert_eq!(sent.text(39), Some("96"));
        assert_eq!((sent.text(11), sent.get(38), sent.get(42)), (Some("000001"), None, None));
    }
}
