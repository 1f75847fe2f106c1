//! Accepts orders in place of a card: a physical twin of a virtual card, or a new number for any
//! card (cardbridge-open-api.md sections 6.1.2 and 6.1.3).

use domain::{
    Card, CardOrder, CardProfile, CardStatus, CardType, EnterpriseId, JobId, OrderType, WebhookId,
    WebhookSubType,
};
use store::{Job, JobKind, PlaceReplacement};
use wire::cardbridge::replacement::{PhysicalInfo, Replace, VirtualToPhysical};
use wire::cardbridge::webhook::card_order_event;

use crate::magic::Scenario;
use crate::{Cards, CardsError, delivery};

impl Cards {
    /// Accepts an order for a physical twin. Checked in this order: reference, card, its type, its
    /// state, profile, layout, country, other orders in place of the card.
    ///
    /// # Errors
    /// [`CardsError`]; nothing was written.
    pub async fn order_physical(
        &self,
        enterprise_id: EnterpriseId,
        request: &VirtualToPhysical,
    ) -> Result<CardOrder, CardsError> {
        let info = &request.virtual_to_physical_info;
        let source =
            self.source(enterprise_id, &request.card_order_ref, &request.replace_card_id).await?;
        if source.card_type != CardType::Virtual {
            return Err(CardsError::OriginalNotVirtual);
        }
        check_activated(&source)?;
        let profile = self.store.find::<CardProfile>((enterprise_id, source.profile_id)).await?;
        check_info(info, &profile.ok_or(CardsError::CardProfileNotFound)?)?;
        let order = self.new_order(&source, &request.card_order_ref, OrderType::VirtualToPhysical);
        let scenario =
            if self.settings.magic_values { delivery::scenario(info) } else { Scenario::PLAIN };
        let sealed = delivery::seal_for_order(&self.vault, enterprise_id, order.order_id, info);
        self.place_replacement(order, &source, Some(sealed), scenario).await
    }

    /// Accepts an order for a new number. Checked in this order: reference, card, its state, other
    /// orders in place of the card.
    ///
    /// # Errors
    /// [`CardsError`]; nothing was written.
    pub async fn order_replacement(
        &self,
        enterprise_id: EnterpriseId,
        request: &Replace,
    ) -> Result<CardOrder, CardsError> {
        let source =
            self.source(enterprise_id, &request.card_order_ref, &request.replace_card_id).await?;
        check_activated(&source)?;
        let order = self.new_order(&source, &request.card_order_ref, OrderType::Replacement);
        self.place_replacement(order, &source, None, Scenario::PLAIN).await
    }

    async fn source(
        &self,
        enterprise_id: EnterpriseId,
        card_order_ref: &str,
        card_id: &str,
    ) -> Result<Card, CardsError> {
        self.check_reference(enterprise_id, card_order_ref).await?;
        let card_id = card_id.parse().map_err(|_| CardsError::OriginalNotFound)?;
        let card = self.store.find::<Card>((enterprise_id, card_id)).await?;
        card.filter(|it| it.account.is_forwarded()).ok_or(CardsError::OriginalNotFound)
    }

    fn new_order(&self, source: &Card, card_order_ref: &str, order_type: OrderType) -> CardOrder {
        let Card { enterprise_id, profile_id, customer_id, .. } = *source;
        let reference = card_order_ref.to_owned();
        CardOrder {
            order_type,
            replace_card_id: Some(source.card_id),
            ..self.new_virtual_order(enterprise_id, reference, profile_id, customer_id)
        }
    }

    async fn place_replacement(
        &self,
        order: CardOrder,
        source: &Card,
        sealed_application: Option<Vec<u8>>,
        scenario: Scenario,
    ) -> Result<CardOrder, CardsError> {
        let now = order.created_at;
        let job = Job::new(
            order.enterprise_id,
            JobId::from_i64(self.store.ids().next()),
            JobKind::OrderStep,
            order.order_id.as_i64(),
            self.settings.next_due(now, scenario),
        );
        let webhook_id = WebhookId::from_i64(self.store.ids().next());
        let event = card_order_event(&order, webhook_id, WebhookSubType::Create, now);
        let source_card_id = source.card_id;
        let request = PlaceReplacement { order, source_card_id, sealed_application, job, event };
        Ok(self.store.place_replacement(request).await?)
    }
}

fn check_activated(source: &Card) -> Result<(), CardsError> {
    if source.status == CardStatus::Activated {
        Ok(())
    } else {
        Err(CardsError::OriginalNotActivated)
    }
}

fn check_info(info: &PhysicalInfo, profile: &CardProfile) -> Result<(), CardsError> {
    if !profile.card_layouts.contains(&info.card_layout_code) {
        return Err(CardsError::LayoutNotFound);
    }
    let countries = &profile.supported_countries;
    let is_served = |country: &String| country.eq_ignore_ascii_case(&info.country_code);
    if !countries.is_empty() && !countries.iter().any(is_served) {
        return Err(CardsError::CountryNotServed);
    }
    Ok(())
}
