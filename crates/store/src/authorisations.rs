//! Reading authorisations and postings.

use domain::{
    AuthId, AuthType, Authorisation, CardId, Currency, Direction, EnterpriseId, IdGenerator,
    OutsId, Posting, Timestamp, TransactionId, TransactionType,
};

use crate::engine::Row;
use crate::listing::{ListOrder, Page, PageWish};
use crate::rows::{AUTHORISATION_COLUMNS, POSTING_COLUMNS, authorisation_from, posting_from};
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

/// Which authorisations to list.
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
    /// Only what comes after this id.
    pub cursor: Option<AuthId>,
    /// In which order.
    pub order: ListOrder,
    /// At most this many, at most [`crate::MAX_PAGE_ROWS`].
    pub limit: u32,
}

/// Which postings to list.
#[derive(Debug, Clone, Default)]
pub struct PostingFilter {
    /// Only of this card.
    pub card_id: Option<CardId>,
    /// Only of this enterprise.
    pub enterprise_id: Option<EnterpriseId>,
    /// Only of this authorisation.
    pub auth_id: Option<AuthId>,
    /// Only what comes after this id.
    pub cursor: Option<TransactionId>,
    /// In which order.
    pub order: ListOrder,
    /// At most this many, at most [`crate::MAX_PAGE_ROWS`].
    pub limit: u32,
}

/// Parts of a bill in one currency of the acquirer's.
#[derive(Debug, Clone, Copy)]
pub struct PartsOf {
    /// The bill.
    pub outs_id: OutsId,
    /// What was refunded; else the purchase with what raises it.
    pub is_refund: bool,
    /// The acquirer's currency.
    pub currency: Currency,
}

/// A hold whose row is not what the domain allows.
#[derive(Debug, Clone)]
pub struct UnreadableHold {
    /// The owner.
    pub enterprise_id: EnterpriseId,
    /// The authorisation.
    pub auth_id: AuthId,
    /// What is wrong with it.
    pub error: StoreError,
}

fn hold_from(row: &Row) -> Result<Result<Authorisation, UnreadableHold>, StoreError> {
    let (enterprise_id, auth_id) = (row.int(0)?, row.int(1)?);
    Ok(authorisation_from(row).map_err(|error| UnreadableHold {
        enterprise_id: EnterpriseId::from_i64(enterprise_id),
        auth_id: AuthId::from_i64(auth_id),
        error,
    }))
}

impl Store {
    /// An authorisation of any enterprise, for operators and the network.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn authorisation(
        &self,
        auth_id: AuthId,
    ) -> Result<Option<AuthorisationView>, StoreError> {
        self.read(move |tx| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT {AUTHORISATION_COLUMNS}, receipt, late_answer FROM authorisation \
                     WHERE auth_id = $1"
                );
                let row = tx.query_opt(&sql, &[auth_id.into()]).await?;
                row.as_ref().map(view_from).transpose()
            })
        })
        .await
    }

    /// Authorisations in order of id, which is order of arrival.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn authorisations(
        &self,
        filter: AuthorisationFilter,
    ) -> Result<Vec<Authorisation>, StoreError> {
        // The `+` keeps planners from walking all authorisations in order of id where the
        // card's own few are at hand.
        let id_column = if filter.card_id.is_some() { "+auth_id" } else { "auth_id" };
        let AuthorisationFilter { cursor, order, limit, .. } = filter;
        let mut page = Page::new(id_column, PageWish { cursor, order, limit }, AuthId::as_i64);
        page.only("enterprise_id", self.owner(filter.enterprise_id, filter.card_id, None).await?);
        page.only("card_id", filter.card_id);
        page.compare("created_at", ">=", filter.from);
        page.compare("created_at", "<", filter.to);
        self.page("authorisation", AUTHORISATION_COLUMNS, page, authorisation_from).await
    }

    /// Postings in order of id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn postings(&self, filter: PostingFilter) -> Result<Vec<Posting>, StoreError> {
        let PostingFilter { cursor, order, limit, .. } = filter;
        let wish = PageWish { cursor, order, limit };
        let mut page = Page::new("transaction_id", wish, TransactionId::as_i64);
        let owner = self.owner(filter.enterprise_id, filter.card_id, filter.auth_id).await?;
        page.only("enterprise_id", owner);
        page.only("card_id", filter.card_id);
        page.only("auth_id", filter.auth_id);
        self.page("posting", POSTING_COLUMNS, page, posting_from).await
    }

    /// A posting of any enterprise.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn posting(&self, id: TransactionId) -> Result<Option<Posting>, StoreError> {
        self.read_one(move |tx| {
            Box::pin(async move {
                let sql =
                    format!("SELECT {POSTING_COLUMNS} FROM posting WHERE transaction_id = $1");
                tx.query_opt(&sql, &[id.into()]).await?.as_ref().map(posting_from).transpose()
            })
        })
        .await
    }

    /// Authorisations without a decision whose ids lie between the two, in order of id, at most
    /// `limit`. Of a server that processes share only those whose ids bear this process's node
    /// number: another one may be at work on the rest.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn undecided_authorisations(
        &self,
        after: AuthId,
        before: AuthId,
        limit: u32,
    ) -> Result<Vec<AuthId>, StoreError> {
        let own = if self.is_embedded() {
            String::new()
        } else {
            let (shift, mask) = (IdGenerator::NODE_SHIFT, IdGenerator::MAX_NODE);
            format!("AND (auth_id >> {shift}) & {mask} = {}", self.ids().node())
        };
        // The `+` keeps planners in the index of what is undecided.
        let sql = format!(
            "SELECT auth_id FROM authorisation WHERE status = 'PENDING' \
             AND +auth_id > $1 AND +auth_id < $2 {own} ORDER BY +auth_id LIMIT $3"
        );
        let params = [after.into(), before.into(), limit.min(MAX_SWEEP_ROWS).into()];
        self.read(move |tx| {
            let (sql, params) = (sql.clone(), params.clone());
            Box::pin(async move {
                let rows = tx.query(&sql, &params).await?;
                rows.iter().map(|row| row.int(0).map(AuthId::from_i64)).collect()
            })
        })
        .await
    }

    /// What the parts of a bill come to that are not declined, in minor units of the acquirer's
    /// currency.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn parts_so_far_minor(&self, of: PartsOf) -> Result<i64, StoreError> {
        let (refund, direction) = (TransactionType::Refund.as_str(), Direction::Incoming.as_str());
        let which = if of.is_refund { "=" } else { "<>" };
        // A completion stands in the place of what it completes.
        let sql = format!(
            "SELECT CAST(COALESCE(SUM(acquirer_amount_minor), 0) AS BIGINT) FROM authorisation \
             WHERE outs_id = $1 AND acquirer_currency = $2 AND status <> 'DECLINED' \
             AND transaction_type {which} '{refund}' AND direction {which} '{direction}' \
             AND auth_type <> '{}'",
            AuthType::PreAuthCompletion.as_str()
        );
        let params = [of.outs_id.into(), of.currency.into()];
        self.read_one(move |tx| {
            let (sql, params) = (sql.clone(), params.clone());
            Box::pin(async move {
                let row = tx.query_opt(&sql, &params).await?;
                row.ok_or(StoreError::Corrupt("a sum"))?.int(0)
            })
        })
        .await
    }

    /// When the next open hold expires.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_hold_expiry(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|tx| {
            Box::pin(async move {
                let sql = "SELECT hold_expires_at FROM authorisation \
                    WHERE hold_state = 'PENDING' AND status <> 'PENDING' \
                    AND hold_expires_at IS NOT NULL ORDER BY hold_expires_at LIMIT 1";
                tx.query_opt(sql, &[]).await?.map(|row| row.time(0)).transpose()
            })
        })
        .await
    }

    /// Decided authorisations whose open hold expires by `now`, earliest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expired_holds(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Result<Authorisation, UnreadableHold>>, StoreError> {
        let limit = limit.min(MAX_SWEEP_ROWS);
        let sql = format!(
            "SELECT {AUTHORISATION_COLUMNS} FROM authorisation \
             WHERE hold_state = 'PENDING' AND status <> 'PENDING' AND hold_expires_at <= $1 \
             ORDER BY hold_expires_at, auth_id LIMIT $2"
        );
        self.read(move |tx| {
            let sql = sql.clone();
            Box::pin(async move {
                let rows = tx.query(&sql, &[now.into(), limit.into()]).await?;
                rows.iter().map(hold_from).collect()
            })
        })
        .await
    }

    /// Lets an open hold that could not be given back wait until `again`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn postpone_expiry(
        &self,
        enterprise_id: EnterpriseId,
        auth_id: AuthId,
        again: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            Box::pin(async move {
                let sql = "UPDATE authorisation SET hold_expires_at = $1 WHERE enterprise_id = $2 \
                    AND auth_id = $3 AND hold_state = 'PENDING' AND hold_expires_at < $1";
                let params = [again.into(), enterprise_id.into(), auth_id.into()];
                tx.execute(sql, &params).await.map(|_| ())
            })
        })
        .await
    }

    /// Keeps an answer that came after the decision; it changes nothing else.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_late_answer(
        &self,
        enterprise_id: EnterpriseId,
        auth_id: AuthId,
        late_answer: String,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            let late_answer = late_answer.clone();
            Box::pin(async move {
                let sql = "UPDATE authorisation SET late_answer = $1 \
                    WHERE enterprise_id = $2 AND auth_id = $3";
                let params = [late_answer.into(), enterprise_id.into(), auth_id.into()];
                tx.execute(sql, &params).await.map(|_| ())
            })
        })
        .await
    }

    /// The enterprise to look under: the indexes on cards and authorisations begin with it,
    /// and a caller that names only one of these means its owner.
    async fn owner(
        &self,
        enterprise_id: Option<EnterpriseId>,
        card_id: Option<CardId>,
        auth_id: Option<AuthId>,
    ) -> Result<Option<EnterpriseId>, StoreError> {
        match (enterprise_id, card_id, auth_id) {
            (None, Some(card_id), _) => {
                Ok(self.card_of_anyone(card_id).await?.map(|card| card.enterprise_id))
            }
            (None, None, Some(auth_id)) => {
                let view = self.authorisation(auth_id).await?;
                Ok(view.map(|view| view.authorisation.enterprise_id))
            }
            _ => Ok(enterprise_id),
        }
    }
}

fn view_from(row: &Row) -> Result<AuthorisationView, StoreError> {
    let receipt = AUTHORISATION_COLUMNS.split(',').count();
    Ok(AuthorisationView {
        authorisation: authorisation_from(row)?,
        receipt: row.text(receipt)?,
        late_answer: row.opt_text(receipt + 1)?,
    })
}
