//! Physical cards after their order: embossed and shipped by the operator, activated by
//! the holder (cardbridge-open-api.md sections 6.2.6 and 6.2.8).

use domain::{Card, CardType, EnterpriseId};
use store::{Plastic, PlasticActivation, Tracking};
use wire::cardbridge::replacement::{PhysicalInfo, ShippingInfoBody};

use crate::life::card_update;
use crate::reading::parse_card_id;
use crate::{Cards, CardsError, delivery};

impl Cards {
    /// Activates an embossed physical card; its virtual twin ends in the same commit. A CARD
    /// webhook reports each (cardbridge-open-api.md section 14, U16).
    ///
    /// # Errors
    /// Not found, not physical, not WAITING_ACTIVE, not embossed; `ActivationRefused` if
    /// another record stops the PAN or the card is expired; or the store failed.
    pub async fn activate_physical(
        &self,
        enterprise_id: EnterpriseId,
        card_id: &str,
    ) -> Result<Card, CardsError> {
        let card_id = self.card(enterprise_id, card_id).await?.card_id;
        let now = self.store.clock().now();
        let tell = card_update;
        let activation = PlasticActivation { enterprise_id, card_id, now, tell };
        Ok(self.store.activate_plastic(activation).await?)
    }

    /// Records that a card is embossed, whoever owns it.
    ///
    /// # Errors
    /// Not found, not physical, ended, or the store failed.
    pub async fn emboss(&self, card_id: &str) -> Result<Card, CardsError> {
        let card = self.card_of_anyone(card_id).await?;
        let now = self.store.clock().now();
        Ok(self.store.emboss(card.enterprise_id, card.card_id, now).await?)
    }

    /// Records that an embossed card has been shipped, whoever owns it.
    ///
    /// # Errors
    /// As [`Cards::emboss`], or not embossed.
    pub async fn ship(&self, card_id: &str, tracking: Tracking) -> Result<Card, CardsError> {
        let card = self.card_of_anyone(card_id).await?;
        let now = self.store.clock().now();
        Ok(self.store.ship(card.enterprise_id, card.card_id, tracking, now).await?)
    }

    /// The shipping details of a physical card: nothing until it is shipped, or if its order did
    /// not ask for shipping.
    ///
    /// # Errors
    /// Not found, not physical, or the store failed.
    pub async fn shipping_info(
        &self,
        enterprise_id: EnterpriseId,
        card_id: &str,
    ) -> Result<ShippingInfoBody, CardsError> {
        let card = self.card(enterprise_id, card_id).await?;
        let plastic = self.plastic_of(&card).await?;
        let shown = plastic.tracking.filter(|_| plastic.need_shipping_info);
        let (tracking_number, tracking_company_name) =
            shown.map(|tracking| (tracking.number, tracking.company_name)).unzip();
        let card_id = card.card_id.to_string();
        Ok(ShippingInfoBody { card_id, tracking_number, tracking_company_name })
    }

    /// The plastic of a card, whoever owns it, with the data to print on it and its address, for
    /// the embosser; that data is wiped once the card is shipped.
    ///
    /// # Errors
    /// Not found, not physical, or the store failed.
    pub async fn plastic(
        &self,
        card_id: &str,
    ) -> Result<(Plastic, Option<PhysicalInfo>), CardsError> {
        let card = self.card_of_anyone(card_id).await?;
        let plastic = self.plastic_of(&card).await?;
        let (owner, card_id) = (card.enterprise_id, card.card_id);
        let open = |sealed: &Vec<u8>| {
            let delivery = delivery::open_of_card(&self.vault, owner, card_id, sealed);
            delivery.map_err(|_| CardsError::Missing("readable delivery data"))
        };
        let delivery = plastic.sealed_delivery.as_ref().map(open).transpose()?;
        Ok((plastic, delivery))
    }

    async fn plastic_of(&self, card: &Card) -> Result<Plastic, CardsError> {
        if card.card_type != CardType::Physical {
            return Err(CardsError::NotPhysical);
        }
        let plastic = self.store.find::<Plastic>((card.enterprise_id, card.card_id)).await?;
        plastic.ok_or(CardsError::Missing("plastic"))
    }

    async fn card_of_anyone(&self, card_id: &str) -> Result<Card, CardsError> {
        let card = self.store.find_of_anyone::<Card>(parse_card_id(card_id)?).await?;
        card.ok_or(CardsError::CardNotFound)
    }
}
