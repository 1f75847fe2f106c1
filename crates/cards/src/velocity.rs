//! Usage of a card's limits.

use domain::{Card, CardProfile, EnterpriseId, VelocityLimits, VelocityUse};

use crate::{Cards, CardsError};

/// A card, its limits and their usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardVelocity {
    /// The card, whatever its state.
    pub card: Card,
    /// The limits of its profile.
    pub limits: VelocityLimits,
    /// The use of the limits by all records of its PAN.
    pub used: VelocityUse,
}

impl Cards {
    /// The limits of a card of an enterprise, in its current day and month.
    ///
    /// # Errors
    /// `CardNotFound`, or the store failed.
    pub async fn velocity(
        &self,
        enterprise_id: EnterpriseId,
        card_id: &str,
    ) -> Result<CardVelocity, CardsError> {
        let card = self.card(enterprise_id, card_id).await?;
        let profile = self.store.find::<CardProfile>((enterprise_id, card.profile_id)).await?;
        let limits = profile.ok_or(CardsError::ProfileNotFound)?.limits;
        let used = self.store.velocity_use(enterprise_id, card.pan_id).await?;
        Ok(CardVelocity { card, limits, used })
    }
}
