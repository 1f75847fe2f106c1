//! Reading authorisations and postings.

use domain::{
    AuthId, AuthType, Authorisation, Card, CardId, Currency, Direction, EnterpriseId, IdGenerator,
    OutsId, Posting, Timestamp, TransactionId, TransactionType,
};

use crate::engine::Row;
use crate::listing::{ListOrder, Page, PageRequest};
use crate::records::{read_row, record, select, sql};
use crate::{Store, StoreError};

/// Most authorisations that one sweep of undecided or expired ones takes up.
const MAX_SWEEP_ROWS: u32 = 1_000;

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

/// A hold whose row breaks the rules of the domain.
#[derive(Debug, Clone)]
pub struct UnreadableHold {
    /// The owner.
    pub enterprise_id: EnterpriseId,
    /// The authorisation.
    pub auth_id: AuthId,
    /// The fault.
    pub error: StoreError,
}

record! {
    AuthorisationView in "authorisation" key (enterprise_id, auth_id) {
        authorisation of Authorisation,
        receipt,
        late_answer,
    }
}

/// The hold of a row. Its key is read even if the rest cannot be.
fn hold_from(row: &Row) -> Result<Result<Authorisation, UnreadableHold>, StoreError> {
    let (enterprise_id, auth_id) = read_row(row)?;
    Ok(read_row(row).map_err(|error| UnreadableHold { enterprise_id, auth_id, error }))
}

impl Store {
    /// Authorisations in order of id, which is order of arrival.
    pub async fn authorisations(
        &self,
        filter: AuthorisationFilter,
    ) -> Result<Vec<Authorisation>, StoreError> {
        // The `+` keeps planners from walking all authorisations in order of id instead of the
        // card's own few.
        let id_column = if filter.card_id.is_some() { "+auth_id" } else { "auth_id" };
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

    /// Undecided authorisations with ids between the two, in order of id, at most `limit`. On a
    /// server that several processes share, only those whose ids carry this process's node number:
    /// another process may be at work on the rest.
    pub async fn undecided_authorisations(
        &self,
        after: AuthId,
        before: AuthId,
        limit: u32,
    ) -> Result<Vec<AuthId>, StoreError> {
        let own = self.own_ids("auth_id");
        // The `+` keeps planners in the index of undecided authorisations.
        let sql = format!(
            "SELECT auth_id FROM authorisation WHERE status = 'PENDING' \
             AND +auth_id > $1 AND +auth_id < $2{own} ORDER BY +auth_id LIMIT $3"
        );
        let params = [after.into(), before.into(), limit.min(MAX_SWEEP_ROWS).into()];
        self.all(sql, params).await
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

    /// The moment at which the next open hold expires.
    pub async fn next_hold_expiry(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT hold_expires_at FROM authorisation \
            WHERE hold_state = 'PENDING' AND status <> 'PENDING' \
            AND hold_expires_at IS NOT NULL ORDER BY hold_expires_at LIMIT 1";
        self.one(sql, []).await
    }

    /// Decided authorisations whose open hold expires by `now`, earliest first, at most `limit`.
    pub async fn expired_holds(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Result<Authorisation, UnreadableHold>>, StoreError> {
        let limit = limit.min(MAX_SWEEP_ROWS);
        let sql = sql!(
            "{} WHERE hold_state = 'PENDING' AND status <> 'PENDING' AND hold_expires_at <= $1 \
             ORDER BY hold_expires_at, auth_id LIMIT $2",
            select::<Authorisation>()
        );
        self.all_as(sql, [now.into(), limit.into()], hold_from).await
    }

    /// Postpones to `again` the expiry of an open hold that could not be given back.
    pub async fn postpone_expiry(
        &self,
        enterprise_id: EnterpriseId,
        auth_id: AuthId,
        again: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE authorisation SET hold_expires_at = $1 WHERE enterprise_id = $2 \
            AND auth_id = $3 AND hold_state = 'PENDING' AND hold_expires_at < $1";
        self.execute(sql, [again.into(), enterprise_id.into(), auth_id.into()]).await.map(drop)
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
                let view = self.find_of_anyone::<AuthorisationView>(auth_id).await?;
                Ok(view.map(|view| view.authorisation.enterprise_id))
            }
            _ => Ok(enterprise_id),
        }
    }
}
