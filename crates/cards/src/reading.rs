//! Reading orders, cards and customers. Ids arrive as the caller wrote them: a text that is not an
//! id names nothing (cardbridge-open-api.md section 1).

use domain::{Card, CardId, CardOrder, Customer, CustomerId, EnterpriseId, OrderId};
use wire::cardbridge::query::IdOrReference;

use crate::{Cards, CardsError};

impl Cards {
    /// The order that a query names. If it gives both an id and a reference, they must name the
    /// same order.
    ///
    /// # Errors
    /// `OrderNotFound`, or the store failed.
    pub async fn order(
        &self,
        enterprise_id: EnterpriseId,
        wanted: &IdOrReference,
    ) -> Result<CardOrder, CardsError> {
        let order = match (&wanted.id, &wanted.reference) {
            (Some(id), _) => {
                let id: OrderId = id.parse().map_err(|_| CardsError::OrderNotFound)?;
                self.store.find::<CardOrder>((enterprise_id, id)).await?
            }
            (None, Some(reference)) => {
                self.store.find_by_ref::<CardOrder>(enterprise_id, reference).await?
            }
            (None, None) => None,
        };
        let same = |order: &CardOrder| {
            wanted.reference.as_ref().is_none_or(|text| *text == order.card_order_ref)
        };
        order.filter(same).ok_or(CardsError::OrderNotFound)
    }

    /// A card of an enterprise. A card that an app of dialect 2 opened is not found here: its money
    /// moves with its state, which only that app changes.
    ///
    /// # Errors
    /// `CardNotFound`, or the store failed.
    pub async fn card(
        &self,
        enterprise_id: EnterpriseId,
        card_id: &str,
    ) -> Result<Card, CardsError> {
        let card = self.store.find::<Card>((enterprise_id, parse_card_id(card_id)?)).await?;
        card.filter(|it| it.account.is_forwarded()).ok_or(CardsError::CardNotFound)
    }

    /// All cards of a customer, including INVALID ones, oldest first; without those of apps.
    ///
    /// # Errors
    /// `CustomerNotFound`, or the store failed.
    pub async fn cards_of_customer(
        &self,
        enterprise_id: EnterpriseId,
        customer_id: &str,
    ) -> Result<Vec<Card>, CardsError> {
        let customer = self.customer(enterprise_id, customer_id).await?;
        let cards = self.store.cards_of_customer(enterprise_id, customer.customer_id).await?;
        Ok(cards.into_iter().filter(|it| it.account.is_forwarded()).collect())
    }

    pub(crate) async fn customer(
        &self,
        enterprise_id: EnterpriseId,
        customer_id: &str,
    ) -> Result<Customer, CardsError> {
        let id: CustomerId = customer_id.parse().map_err(|_| CardsError::CustomerNotFound)?;
        self.store.find::<Customer>((enterprise_id, id)).await?.ok_or(CardsError::CustomerNotFound)
    }
}

pub(crate) fn parse_card_id(text: &str) -> Result<CardId, CardsError> {
    text.parse().map_err(|_| CardsError::CardNotFound)
}
