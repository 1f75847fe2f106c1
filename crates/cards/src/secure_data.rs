//! Card data in the clear, and PINs (cardbridge-open-api.md sections 6.2.5 and 6.2.7).

use domain::{Card, CardId, CardStatus, CardType, EnterpriseId, Reveal, RevealId, RevealPurpose};
use store::{PanRecord, PinAttempt, PinChange, PinPredecessor};
use vault::{ClearPan, ClearPin, Cvv2, expiry_yymm, parse_expiry};
use wire::cardbridge::secure_card::{PinProof, ResetPin};

use crate::{Cards, CardsError};

/// The data that a card shows. It cannot be printed or serialised, and is wiped when it goes out of
/// scope.
pub struct RevealedCard {
    /// The card.
    pub card_id: CardId,
    /// Its number.
    pub pan: ClearPan,
    /// Expiry, YYMM.
    pub expiry_yymm: String,
    /// Its CVV2.
    pub cvv2: Cvv2,
}

impl Cards {
    /// Opens the data of a card that is not INVALID. An audit row naming `actor`, the API key or
    /// the id of the link, is committed first. The caller must check whether the user may see card
    /// data.
    ///
    /// # Errors
    /// Not found, INVALID, or the store failed; then nothing was opened.
    pub async fn reveal(
        &self,
        enterprise_id: EnterpriseId,
        card_id: &str,
        purpose: RevealPurpose,
        actor: &str,
    ) -> Result<RevealedCard, CardsError> {
        let card = self.card(enterprise_id, card_id).await?;
        if card.status == CardStatus::Invalid {
            return Err(CardsError::NotActivated);
        }
        let reveal = Reveal {
            enterprise_id,
            reveal_id: RevealId::from_i64(self.store.ids().next()),
            card_id: card.card_id,
            purpose,
            actor: actor.to_owned(),
            revealed_at: self.store.clock().now(),
        };
        self.store.record_reveal(reveal).await?;
        self.open(&card).await
    }

    /// Sets a new PIN for a holder who proves with the card's data that the card is theirs. The
    /// card's type and state are checked before the proof, and so is the form of the PIN: a
    /// malformed PIN says nothing about the card's data and is not counted as a try.
    ///
    /// # Errors
    /// As [`Cards::set_pin`]; `ProofRefused` for a wrong proof and, after five wrong ones, for any
    /// proof until a day has passed.
    pub async fn reset_pin(
        &self,
        enterprise_id: EnterpriseId,
        request: ResetPin,
    ) -> Result<(), CardsError> {
        let card = self.card_with_pin(enterprise_id, &request.card_id).await?;
        let attempt = match request.proof {
            None => PinAttempt::Proof(None),
            Some(proof) => {
                let pin = ClearPin::parse(&proof.new_pin).map_err(|_| CardsError::PinForm)?;
                let data = self.open(&card).await?;
                let sealed = self.vault.seal_pin(enterprise_id, card.card_id, &data.pan, &pin);
                PinAttempt::Proof(proves(&proof, &data).then_some(sealed))
            }
        };
        self.change_pin(&card, attempt).await
    }

    /// Sets the PIN of an ACTIVATED physical card whose holder was identified elsewhere, and
    /// restores all its tries. `predecessor` is what the PIN must replace.
    ///
    /// # Errors
    /// Not found, not physical, not ACTIVATED, `OtherPinThere`, or the store failed.
    pub async fn set_pin(
        &self,
        enterprise_id: EnterpriseId,
        card_id: &str,
        pin: &ClearPin,
        predecessor: PinPredecessor,
    ) -> Result<(), CardsError> {
        let card = self.card_with_pin(enterprise_id, card_id).await?;
        let pan = self.open_pan(&card).await?;
        let sealed = self.vault.seal_pin(enterprise_id, card.card_id, &pan, pin);
        self.change_pin(&card, PinAttempt::Recognised(sealed, predecessor)).await
    }

    async fn change_pin(&self, card: &Card, attempt: PinAttempt) -> Result<(), CardsError> {
        let (enterprise_id, card_id) = (card.enterprise_id, card.card_id);
        let now = self.store.clock().now();
        Ok(self.store.change_pin(PinChange { enterprise_id, card_id, attempt, now }).await?)
    }

    async fn card_with_pin(
        &self,
        enterprise_id: EnterpriseId,
        card_id: &str,
    ) -> Result<Card, CardsError> {
        let card = self.card(enterprise_id, card_id).await?;
        match (card.card_type, card.status) {
            (CardType::Virtual, _) => Err(CardsError::NotPhysical),
            (CardType::Physical, CardStatus::Activated) => Ok(card),
            (CardType::Physical, _) => Err(CardsError::NotActivated),
        }
    }

    async fn open(&self, card: &Card) -> Result<RevealedCard, CardsError> {
        let pan = self.open_pan(card).await?;
        let expiry_yymm = expiry_yymm(card.valid_until);
        let cvv2 = self.vault.cvv2(card.enterprise_id, &pan, &expiry_yymm)?;
        Ok(RevealedCard { card_id: card.card_id, pan, expiry_yymm, cvv2 })
    }

    async fn open_pan(&self, card: &Card) -> Result<ClearPan, CardsError> {
        let record = self.store.find::<PanRecord>((card.enterprise_id, card.pan_id)).await?;
        let record = record.ok_or(CardsError::Missing("PAN record"))?;
        Ok(self.vault.open_pan(card.enterprise_id, card.pan_id, &record.sealed_pan)?)
    }
}

/// True if all three of the holder's values match the card's. All are compared before the result is
/// formed.
fn proves(proof: &PinProof, data: &RevealedCard) -> bool {
    let expiry = parse_expiry(&proof.expiry).as_deref() == Some(&*data.expiry_yymm);
    let cvv2 = data.cvv2.matches(&proof.cvv2);
    let last4 = *proof.pan_last4 == data.pan.last4();
    expiry & cvv2 & last4
}
