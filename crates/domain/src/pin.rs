//! The limits on wrong PINs, and on wrong proofs for a new PIN (cardbridge-open-api.md sections
//! 6.2.7 and 14, U44).

use crate::Timestamp;

/// The result of checking a PIN that was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinVerdict {
    /// It is the card's.
    Matched,
    /// It is not the card's.
    Wrong,
    /// Too many were wrong: no PIN is accepted until a new one is set.
    TriesExceeded,
    /// The card has no PIN yet.
    NotSet,
    /// Its block cannot be opened. No try is counted: a wrong key must not lock cards.
    Unreadable,
}

/// The wrong tries of one card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PinTries {
    /// Wrong PINs since the last right one.
    pub wrong_pins: u32,
    /// Wrong proofs since the last right one.
    pub wrong_resets: u32,
    /// No proof is accepted before this moment (business time).
    pub resets_locked_until: Option<Timestamp>,
}

impl PinTries {
    /// The number of wrong tries after which no further try is accepted.
    pub const MAX_WRONG: u32 = 5;
    /// Time for which no proof is accepted after five wrong ones, in seconds. Nothing lifts this
    /// lock earlier.
    pub const RESET_LOCK_S: i64 = 24 * 60 * 60;

    /// Counts a presented PIN. Five wrong ones end all tries until [`PinTries::renew`].
    pub const fn present(&mut self, matches: bool) -> PinVerdict {
        if self.wrong_pins >= Self::MAX_WRONG {
            return PinVerdict::TriesExceeded;
        }
        if matches {
            self.wrong_pins = 0;
            return PinVerdict::Matched;
        }
        self.wrong_pins += 1;
        PinVerdict::Wrong
    }

    /// Counts a proof for a new PIN; returns whether it is accepted. While resets are locked, no
    /// proof is accepted, and a wrong one does not extend the lock.
    pub fn prove(&mut self, is_right: bool, now: Timestamp) -> bool {
        match self.resets_locked_until {
            Some(until) if now < until => return false,
            Some(_) => (self.resets_locked_until, self.wrong_resets) = (None, 0),
            None => {}
        }
        if is_right {
            self.wrong_resets = 0;
            return true;
        }
        self.wrong_resets += 1;
        if self.wrong_resets >= Self::MAX_WRONG {
            self.resets_locked_until = Some(now.plus_seconds(Self::RESET_LOCK_S));
        }
        false
    }

    /// A new PIN is set: all tries are available again.
    pub const fn renew(&mut self) {
        self.wrong_pins = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(0);

    #[test]
    fn five_wrong_pins_in_a_row_end_all_tries_until_a_new_pin() {
        let mut tries = PinTries::default();
        for _ in 0..4 {
            assert_eq!(tries.present(false), PinVerdict::Wrong);
        }
        assert_eq!(tries.present(true), PinVerdict::Matched);
        for _ in 0..5 {
            assert_eq!(tries.present(false), PinVerdict::Wrong);
        }
        assert_eq!(tries.present(true), PinVerdict::TriesExceeded);
        assert_eq!(tries.present(false), PinVerdict::TriesExceeded);
        tries.renew();
        assert_eq!(tries.present(true), PinVerdict::Matched);
    }

    #[test]
    fn five_wrong_proofs_in_a_row_lock_resets_for_a_day() {
        let mut tries = PinTries::default();
        for _ in 0..4 {
            assert!(!tries.prove(false, NOW));
        }
        assert!(tries.prove(true, NOW));
        for _ in 0..5 {
            assert!(!tries.prove(false, NOW));
        }
        let end = NOW.plus_seconds(PinTries::RESET_LOCK_S);
        assert!(!tries.prove(true, NOW));
        assert!(!tries.prove(false, end.plus_millis(-1)));
        assert!(tries.prove(true, end));
        assert_eq!(tries, PinTries::default());
    }

    #[test]
    fn after_a_lock_all_five_tries_are_there_again() {
        let mut tries = PinTries::default();
        for _ in 0..5 {
            tries.prove(false, NOW);
        }
        let end = NOW.plus_seconds(PinTries::RESET_LOCK_S);
        for _ in 0..4 {
            assert!(!tries.prove(false, end));
        }
        assert!(tries.prove(true, end));
    }
}
