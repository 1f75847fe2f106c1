//! What belongs to a day, in the order of its file: by time, then id.

use domain::{
    AuthId, AuthorisationRow, AuthorisationStatus, BusinessDay, CardId, CustomerId, EnterpriseId,
    OutsId, Posting, Timestamp,
};

use crate::engine::Row;
use crate::rows::{Fields, POSTING_COLUMNS, merchant_from, posting_from};
use crate::{Store, StoreError};

/// Most rows of a day that are read at once.
const PAGE_ROWS: i64 = 1_000;
/// What a file tells of an authorisation: half of its columns.
const AUTHORISATION_COLUMNS: &str = "auth_id, customer_id, card_id, direction, auth_type, \
    transaction_type, amount_minor, currency, acquirer_amount_minor, acquirer_currency, \
    original_auth_id, outs_id, status, reject_reason, merchant_id, merchant_name, \
    merchant_country, mcc, created_at";

/// Whether a posting is that of a card that draws on the deposit. A file accounts for the
/// deposit; the cards of dialect 2 have money of their own and lists of their own.
const ON_DEPOSIT: &str = "NOT EXISTS (SELECT 1 FROM vm_card own \
    WHERE own.enterprise_id = posting.enterprise_id AND own.card_id = posting.card_id)";

impl Store {
    /// The next decided authorisations of the deposit's cards that arrived on a day, after the one
    /// given, in order of arrival and id; an empty page is the end. No transaction spans two pages.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn authorisations_of_day(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
        after: Option<&AuthorisationRow>,
    ) -> Result<Vec<AuthorisationRow>, StoreError> {
        let last = after.map(|it| (it.created_at, it.auth_id.as_i64()));
        let sql = format!(
            "SELECT {AUTHORISATION_COLUMNS} FROM authorisation WHERE enterprise_id = $1 \
             AND (created_at, auth_id) > ($2, $3) AND created_at < $4 AND status <> 'PENDING' \
             AND account_purpose = 'DEPOSIT' ORDER BY created_at, auth_id LIMIT $5"
        );
        self.day_page(sql, enterprise_id, day, last, row_from).await
    }

    /// The next transactions of the deposit's cards that were posted on a day, after the one given,
    /// in order of posting and id; an empty page is the end. No transaction spans two pages.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn postings_of_day(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
        after: Option<&Posting>,
    ) -> Result<Vec<Posting>, StoreError> {
        let last = after.map(|it| (it.posted_at, it.transaction_id.as_i64()));
        let sql = format!(
            "SELECT {POSTING_COLUMNS} FROM posting WHERE enterprise_id = $1 \
             AND (posted_at, transaction_id) > ($2, $3) AND posted_at < $4 \
             AND {ON_DEPOSIT} ORDER BY posted_at, transaction_id LIMIT $5"
        );
        self.day_page(sql, enterprise_id, day, last, posting_from).await
    }

    async fn day_page<T: Send + 'static>(
        &self,
        sql: String,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
        last: Option<(Timestamp, i64)>,
        from: fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let (moment, id) = last.unwrap_or((day.start(), i64::MIN));
        self.read_one(move |tx| {
            let sql = sql.clone();
            Box::pin(async move {
                let params = [
                    enterprise_id.into(),
                    moment.into(),
                    id.into(),
                    day.end().into(),
                    PAGE_ROWS.into(),
                ];
                tx.query_map(&sql, &params, from).await
            })
        })
        .await
    }

    /// Whether no authorisation arrived and nothing was posted on a day.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn is_quiet_day(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
    ) -> Result<bool, StoreError> {
        self.read_one(move |tx| {
            Box::pin(async move {
                let sql = format!(
                    "SELECT 1 WHERE EXISTS (SELECT 1 FROM authorisation \
                     WHERE enterprise_id = $1 AND created_at >= $2 AND created_at < $3 \
                     AND account_purpose = 'DEPOSIT') OR EXISTS (SELECT 1 FROM posting \
                     WHERE enterprise_id = $1 AND posted_at >= $2 AND posted_at < $3 \
                     AND {ON_DEPOSIT})"
                );
                let params = [enterprise_id.into(), day.start().into(), day.end().into()];
                Ok(tx.query_opt(&sql, &params).await?.is_none())
            })
        })
        .await
    }

    /// Whether an authorisation that arrived on this day has no decision yet.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_undecided(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
    ) -> Result<bool, StoreError> {
        self.read_one(move |tx| {
            Box::pin(async move {
                let sql = "SELECT 1 FROM authorisation WHERE status = 'PENDING' \
                    AND account_purpose = 'DEPOSIT' AND enterprise_id = $1 \
                    AND created_at >= $2 AND created_at < $3 LIMIT 1";
                let params = [enterprise_id.into(), day.start().into(), day.end().into()];
                Ok(tx.query_opt(sql, &params).await?.is_some())
            })
        })
        .await
    }
}

fn row_from(row: &Row) -> Result<AuthorisationRow, StoreError> {
    let mut fields = Fields::of(row);
    let f = &mut fields;
    Ok(AuthorisationRow {
        auth_id: f.id(AuthId::from_i64)?,
        customer_id: f.id(CustomerId::from_i64)?,
        card_id: f.id(CardId::from_i64)?,
        direction: f.parsed("authorisation.direction")?,
        auth_type: f.parsed("authorisation.auth_type")?,
        transaction_type: f.parsed("authorisation.transaction_type")?,
        amount: f.money()?,
        acquirer_amount: f.money()?,
        original_auth_id: f.opt_id(AuthId::from_i64)?,
        outs_id: f.id(OutsId::from_i64)?,
        is_approved: f.parsed::<AuthorisationStatus>("authorisation.status")?
            == AuthorisationStatus::Approved,
        reject_reason: f.opt_parsed("authorisation.reject_reason")?,
        merchant: merchant_from(f)?,
        created_at: f.time()?,
    })
}
