//! Cryptograms of chips at a link (network-iso8583.md section 3.6).

use authorise::ChipVerdict;
use vault::{ChipAnswer, ChipRequest, Cryptogram};

use super::shared::Link;
use crate::order::{Order, OrderCard};

impl Link {
    /// Verifies the cryptogram of an order, if a chip was read; returns what answers the chip if it
    /// is right.
    pub(crate) fn verify_chip(&self, order: &mut Order) -> Option<ChipAnswer> {
        let OrderCard::Pan { pan, .. } = &order.card else { return None };
        let chip = order.chip.as_mut()?;
        let name = &self.settings().name;
        let verify =
            |request: &ChipRequest<'_>| self.intake.vault.verify_cryptogram(name, pan, request);
        let cryptogram = chip.verified(verify).unwrap_or(Cryptogram::Unverified);
        let (verdict, answer) = match cryptogram {
            Cryptogram::Right(answer) => (ChipVerdict::Verified, Some(answer)),
            Cryptogram::Wrong => (ChipVerdict::Wrong, None),
            Cryptogram::Unverified if self.settings().security.trusts_unverified_chips => {
                (ChipVerdict::Trusted, None)
            }
            Cryptogram::Unverified => (ChipVerdict::Unverified, None),
        };
        chip.verdict = verdict;
        answer
    }
}
