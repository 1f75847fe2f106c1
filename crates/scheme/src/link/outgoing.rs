//! Frames on their way to the peer.

use iso8583::{EncodeError, Message, Mti, WipedBytes, WriteError, encode, encode_with_mac};
use tokio::time::Instant;
use vault::Vault;

use super::deliveries::Delivery;
use super::security::MacUse;
use super::settings::LinkSettings;
use crate::translate::{Refusal, Reply, field};

/// A frame, and the answer that it carries.
pub(crate) struct Outgoing {
    pub(crate) frame: WipedBytes,
    /// `None` for what is no answer to a message.
    pub(crate) answers: Option<Answered>,
    /// What becomes of the answer to a message on record.
    pub(crate) delivery: Option<Delivery>,
}

/// How messages of a link are written.
#[derive(Clone, Copy)]
pub(crate) struct Encoding<'a> {
    /// Their layout and frames.
    pub(crate) settings: &'a LinkSettings,
    /// What signs them.
    pub(crate) vault: &'a Vault,
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
        encoding: Encoding<'_>,
        header: &[u8],
        mut answer: Message,
        reply: &Reply,
        answers: Answered,
    ) -> Option<Self> {
        reply.code()?;
        reply.write(&mut answer).ok()?;
        Self::framed(encoding, header, answer, Some(answers))
    }

    /// Frames a message that is complete.
    pub(crate) fn framed(
        encoding: Encoding<'_>,
        header: &[u8],
        mut message: Message,
        answers: Option<Answered>,
    ) -> Option<Self> {
        let written = encoding.write(header, &message).or_else(|error| {
            let name = &encoding.settings.name;
            tracing::error!(link = name, %error, "a message of ours does not fit its layout");
            let WriteError::Message(EncodeError { field, .. }) = error else { return Err(error) };
            // A fault of ours: it is answered so, without the field.
            message.remove(field);
            message.remove(field::AUTH_CODE);
            let code = Refusal::Fault.code();
            // Two or three digits are no longer than a field.
            let _ = message.set(field::RESPONSE_CODE, code.text(message.mti().version()));
            encoding.write(header, &message)
        });
        Some(Self { frame: written.ok()?, answers, delivery: None })
    }
}

impl Encoding<'_> {
    /// The frame of a message, which is signed if the link has a key for that and uses it.
    fn write(
        self,
        header: &[u8],
        message: &Message,
    ) -> Result<WipedBytes, WriteError<EncodeError>> {
        let LinkSettings { framing, layout, security, .. } = self.settings;
        let is_signed = security.mac != MacUse::None;
        let signer = is_signed.then(|| self.vault.link_signer(&self.settings.name)).flatten();
        framing.write(header, |out| match signer {
            Some(signer) => encode_with_mac(layout, message, out, |text| signer.mac(text)),
            None => encode(layout, message, out),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::SystemRandom;
    use iso8583::{Frame, decode};
    use vault::MasterKey;

    use super::super::settings::LinkMode;
    use super::*;

    fn sent(message: Message) -> Message {
        let mode = LinkMode::listen("127.0.0.1:0".parse().unwrap());
        let settings = LinkSettings::new("a", mode).unwrap();
        let master = MasterKey::from_hex(&"5a".repeat(32)).unwrap();
        let vault = Vault::new(master, Arc::new(SystemRandom));
        let encoding = Encoding { settings: &settings, vault: &vault };
        let outgoing = Outgoing::framed(encoding, &[], message, None).unwrap();
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
