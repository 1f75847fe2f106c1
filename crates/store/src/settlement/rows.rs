//! The rows of a day, in the order of its file: by time, then id.

use domain::{AuthorisationRow, BusinessDay, EnterpriseId, Posting, Timestamp};

use crate::open_ends::undecided;
use crate::records::{Stored, record, select, sql};
use crate::{Store, StoreError};

/// The most rows of a day that are read at once.
const PAGE_ROWS: i64 = 1_000;
/// True for a posting of a card that draws on the deposit. A file accounts for the deposit; the
/// cards of dialect 2 have their own money and lists.
const ON_DEPOSIT: &str = "NOT EXISTS (SELECT 1 FROM vm_card own \
    WHERE own.enterprise_id = posting.enterprise_id AND own.card_id = posting.card_id)";

impl Store {
    /// The next decided authorisations of the deposit's cards that arrived on a day, after the one
    /// given, in order of arrival and id; an empty page is the end. No transaction spans two pages.
    pub async fn authorisations_of_day(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
        after: Option<&AuthorisationRow>,
    ) -> Result<Vec<AuthorisationRow>, StoreError> {
        let last = after.map(|it| (it.created_at, it.auth_id.as_i64()));
        let sql = sql!(
            "{} WHERE enterprise_id = $1 AND (created_at, auth_id) > ($2, $3) \
             AND created_at < $4 AND status <> 'PENDING' AND account_purpose = 'DEPOSIT' \
             ORDER BY created_at, auth_id LIMIT $5",
            select::<AuthorisationRow>()
        );
        self.day_page(sql, enterprise_id, day, last).await
    }

    /// The next transactions of the deposit's cards that were posted on a day, after the one given,
    /// in order of posting and id; an empty page is the end. No transaction spans two pages.
    pub async fn postings_of_day(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
        after: Option<&Posting>,
    ) -> Result<Vec<Posting>, StoreError> {
        let last = after.map(|it| (it.posted_at, it.transaction_id.as_i64()));
        let sql = sql!(
            "{} WHERE enterprise_id = $1 AND (posted_at, transaction_id) > ($2, $3) \
             AND posted_at < $4 AND {ON_DEPOSIT} ORDER BY posted_at, transaction_id LIMIT $5",
            select::<Posting>()
        );
        self.day_page(sql, enterprise_id, day, last).await
    }

    async fn day_page<T: Stored>(
        &self,
        sql: &'static str,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
        last: Option<(Timestamp, i64)>,
    ) -> Result<Vec<T>, StoreError> {
        let (moment, id) = last.unwrap_or((day.start(), i64::MIN));
        let params =
            [enterprise_id.into(), moment.into(), id.into(), day.end().into(), PAGE_ROWS.into()];
        self.all(sql, params).await
    }

    /// True if no authorisation arrived and nothing was posted on a day.
    pub async fn is_quiet_day(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
    ) -> Result<bool, StoreError> {
        let sql = sql!(
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM authorisation \
             WHERE enterprise_id = $1 AND created_at >= $2 AND created_at < $3 \
             AND account_purpose = 'DEPOSIT') OR EXISTS (SELECT 1 FROM posting \
             WHERE enterprise_id = $1 AND posted_at >= $2 AND posted_at < $3 \
             AND {ON_DEPOSIT})"
        );
        let params = [enterprise_id.into(), day.start().into(), day.end().into()];
        Ok(!self.finds(sql, params).await?)
    }

    /// True if an authorisation that arrived on this day has no decision yet.
    pub async fn has_undecided(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
    ) -> Result<bool, StoreError> {
        let sql = sql!(
            "SELECT 1 FROM ({}) open JOIN authorisation a \
             ON a.enterprise_id = $1 AND a.auth_id = open.auth_id \
             WHERE a.status = 'PENDING' AND a.account_purpose = 'DEPOSIT' \
             AND a.created_at >= $2 AND a.created_at < $3 LIMIT 1",
            undecided("auth_id", "enterprise_id = $1")
        );
        self.finds(sql, [enterprise_id.into(), day.start().into(), day.end().into()]).await
    }
}

// The columns of an authorisation that a file shows: half of all.
record! {
    AuthorisationRow in "authorisation" key () {
        auth_id,
        customer_id,
        card_id,
        direction,
        auth_type,
        transaction_type,
        amount: [amount_minor, currency],
        acquirer_amount: [acquirer_amount_minor, acquirer_currency],
        original_auth_id,
        outs_id,
        is_approved: [status] via approval,
        reject_reason,
        merchant: [merchant_id, merchant_name, merchant_city, merchant_country, mcc],
        created_at,
    }
}

/// The status of a decided authorisation as a flag.
mod approval {
    use domain::AuthorisationStatus;

    use crate::StoreError;
    use crate::engine::Value;
    use crate::records::{Fields, Stored};

    pub(super) fn read(fields: &mut Fields<'_>) -> Result<bool, StoreError> {
        Ok(fields.read::<AuthorisationStatus>()? == AuthorisationStatus::Approved)
    }

    pub(super) fn write(is_approved: &bool, values: &mut Vec<Value>) {
        let status = match is_approved {
            true => AuthorisationStatus::Approved,
            false => AuthorisationStatus::Declined,
        };
        status.write(values);
    }
}
