//! The enterprise's ways to answer a notice.

use std::collections::HashMap;
use std::time::Duration;

use domain::ResponseCode;

/// One way to answer an authorisation notice, good or bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers with this code at once.
    Answer(ResponseCode),
    /// Answers with this code after a pause.
    Late(ResponseCode, Duration),
    /// Answers with this code once [`crate::Enterprise::release`] lets an answer through.
    Held(ResponseCode),
    /// Never answers.
    Silent,
    /// Approves under an invalid signature.
    WrongSignature,
    /// Signs correctly something that is not ciphertext.
    BadCiphertext,
    /// Approves a different authorisation.
    WrongAuthId,
    /// Answers with this HTTP status and an approval in the body.
    Status(u16),
    /// Answers 200 with a body of more bytes than anybody should read.
    Oversized,
    /// Answers 200 with a body that is not JSON.
    Garbage,
}

impl Behaviour {
    /// Approves.
    pub const APPROVE: Self = Self::Answer(ResponseCode::Approved);
    /// Declines for insufficient funds.
    pub const DECLINE: Self = Self::Answer(ResponseCode::InsufficientFunds);
}

/// The behaviour for each notice: the amount decides, otherwise the card, otherwise the default.
pub(crate) struct Script {
    default: Behaviour,
    by_card: HashMap<String, Behaviour>,
    by_amount: HashMap<String, Behaviour>,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self { default: Behaviour::APPROVE, by_card: HashMap::new(), by_amount: HashMap::new() }
    }

    pub(crate) const fn set_default(&mut self, behaviour: Behaviour) {
        self.default = behaviour;
    }

    pub(crate) fn set_for_card(&mut self, card_id: &str, behaviour: Behaviour) {
        self.by_card.insert(card_id.to_owned(), behaviour);
    }

    pub(crate) fn set_for_amount(&mut self, amount: &str, behaviour: Behaviour) {
        self.by_amount.insert(amount.to_owned(), behaviour);
    }

    pub(crate) fn behaviour(&self, card_id: &str, amount: &str) -> Behaviour {
        self.by_amount
            .get(amount)
            .or_else(|| self.by_card.get(card_id))
            .copied()
            .unwrap_or(self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amount_beats_card_beats_default() {
        let mut script = Script::new();
        script.set_default(Behaviour::DECLINE);
        script.set_for_card("1", Behaviour::Silent);
        script.set_for_amount("9.99", Behaviour::Garbage);
        assert_eq!(script.behaviour("1", "9.99"), Behaviour::Garbage);
        assert_eq!(script.behaviour("1", "1.00"), Behaviour::Silent);
        assert_eq!(script.behaviour("2", "1.00"), Behaviour::DECLINE);
    }
}
