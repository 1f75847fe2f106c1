//! Reading authorisations and postings.

use domain::{
    AuthId, AuthType, Authorisation, Card, CardId, Currency, Direction, EnterpriseId, IdGenerator,
    OutsId, Posting, Timestamp, TransactionId, TransactionType,
};

use crate::listing::{ListOrder, Page, PageRequest};
use crate::{Store, StoreError};

/// An authorisation with its decision receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorisationView {
    /// The authorisation.
    pub authorisation: Authorisation,
    /// The receipt: JSON written by `authorise`, free of secrets.
    pub receipt: String,
    /// JSON of an answer that came too late.
    pub late_answer: Option<String>,
}

/// Selects the authorisations of a list.
#[derive(Debug, Clone, Default)]
pub struct AuthorisationFilter {
    /// Only of this card.
    pub card_id: Option<CardId>,
    /// Only of this enterprise.
    pub enterprise_id: Option<EnterpriseId>,
    /// Only those that arrived at or after this moment.
    pub from: Option<Timestamp>,
    /// Only those that arrived before this moment.
    pub to: Option<Timestamp>,
    /// Only authorisations after this id.
    pub cursor: Option<AuthId>,
    /// The order of the list.
    pub order: ListOrder,
    /// At most this many, at most [`crate::MAX_PAGE_ROWS`].
    pub limit: u32,
}

/// Selects the postings of a list.
#[derive(Debug, Clone, Default)]
pub struct PostingFilter {
    /// Only of this card.
    pub card_id: Option<CardId>,
    /// Only of this enterprise.
    pub enterprise_id: Option<EnterpriseId>,
    /// Only of this authorisation.
    pub auth_id: Option<AuthId>,
    /// Only postings after this id.
    pub cursor: Option<TransactionId>,
    /// The order of the list.
    pub order: ListOrder,
    /// At most this many, at most [`crate::MAX_PAGE_ROWS`].
    pub limit: u32,
}

/// Selects the parts of a bill in one currency of the acquirer's.
#[derive(Debug, Clone, Copy)]
pub struct PartsOf {
    /// The bill.
    pub outs_id: OutsId,
    /// True for the refunds, false for the purchase with what raises it.
    pub is_refund: bool,
    /// The acquirer's currency.
    pub currency: Currency,
}

impl Store {
    /// Authorisations in order of id, which is order of arrival.
    pub async fn authorisations(
        &self,
        filter: AuthorisationFilter,
    ) -> Result<Vec<Authorisation>, StoreError> {
        // The `+` keeps planners from walking all authorisations in order of id instead of the
        // card's own few.
        let id_column = if filter.card_id.is_some() { "auth_id + 0" } else { "auth_id" };
        let AuthorisationFilter { cursor, order, limit, .. } = filter;
        let mut page = Page::new(id_column, PageRequest { cursor, order, limit }, AuthId::as_i64);
        page.only("enterprise_id", self.owner(filter.enterprise_id, filter.card_id, None).await?);
        page.only("card_id", filter.card_id);
        page.compare("created_at", ">=", filter.from);
        page.compare("created_at", "<", filter.to);
        self.page(page).await
    }

    /// Postings in order of id.
    pub async fn postings(&self, filter: PostingFilter) -> Result<Vec<Posting>, StoreError> {
        let PostingFilter { cursor, order, limit, .. } = filter;
        let requested = PageRequest { cursor, order, limit };
        let mut page = Page::new("transaction_id", requested, TransactionId::as_i64);
        let owner = self.owner(filter.enterprise_id, filter.card_id, filter.auth_id).await?;
        page.only("enterprise_id", owner);
        page.only("card_id", filter.card_id);
        page.only("auth_id", filter.auth_id);
        self.page(page).await
    }

    /// The condition that the ids of a column carry this process's node number; empty if no other
    /// process uses the store.
    pub(crate) fn own_ids(&self, column: &str) -> String {
        if self.is_embedded() {
            return String::new();
        }
        let (shift, mask) = (IdGenerator::NODE_SHIFT, IdGenerator::MAX_NODE);
        format!(" AND ({column} >> {shift}) & {mask} = {}", self.ids().node())
    }

    /// The total of a bill's parts that are not declined, in minor units of the acquirer's
    /// currency.
    pub async fn parts_so_far_minor(&self, of: PartsOf) -> Result<i64, StoreError> {
        let (refund, direction) = (TransactionType::Refund.as_str(), Direction::Incoming.as_str());
        let which = if of.is_refund { "=" } else { "<>" };
        // A completion takes the place of the authorisation that it completes.
        let sql = format!(
            "SELECT CAST(COALESCE(SUM(acquirer_amount_minor), 0) AS BIGINT) FROM authorisation \
             WHERE outs_id = $1 AND acquirer_currency = $2 AND status <> 'DECLINED' \
             AND transaction_type {which} '{refund}' AND direction {which} '{direction}' \
             AND auth_type <> '{}'",
            AuthType::PreAuthCompletion.as_str()
        );
        let params = [of.outs_id.into(), of.currency.into()];
        self.one(sql, params).await?.ok_or(StoreError::Corrupt("a sum"))
    }

    /// Keeps an answer that came after the decision; it changes nothing else.
    pub async fn record_late_answer(
        &self,
        enterprise_id: EnterpriseId,
        auth_id: AuthId,
        late_answer: String,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE authorisation SET late_answer = $1 \
            WHERE enterprise_id = $2 AND auth_id = $3";
        let params = [late_answer.into(), enterprise_id.into(), auth_id.into()];
        self.execute(sql, params).await.map(drop)
    }

    /// The enterprise to look under, because the indexes on cards and authorisations begin with it.
    /// A caller that names only a card or an authorisation means its owner.
    async fn owner(
        &self,
        enterprise_id: Option<EnterpriseId>,
        card_id: Option<CardId>,
        auth_id: Option<AuthId>,
    ) -> Result<Option<EnterpriseId>, StoreError> {
        match (enterprise_id, card_id, auth_id) {
            (None, Some(card_id), _) => {
                Ok(self.find_of_anyone::<Card>(card_id).await?.map(|card| card.enterprise_id))
            }
            (None, None, Some(auth_id)) => {
                let found = self.find_of_anyone::<Authorisation>(auth_id).await?;
                Ok(found.map(|it| it.enterprise_id))
            }
            _ => Ok(enterprise_id),
        }
    }
}
