//! Fills in the keys by which the e-mails of customers are compared, for rows written before that
//! column existed, or by a process of an earlier version that still runs.

use domain::{CustomerId, EnterpriseId, Timestamp, email_key};

use crate::engine::Tx;
use crate::records::groups;
use crate::{Store, StoreError};

/// Customers filled in one commit.
const PAGE_ROWS: i64 = 500;

/// A customer whose key is missing.
struct Open {
    enterprise_id: EnterpriseId,
    customer_id: CustomerId,
    email: String,
    created_at: Timestamp,
}

groups! {
    Open {
        enterprise_id: EnterpriseId,
        customer_id: CustomerId,
        email: String,
        created_at: Timestamp
    }
}

impl Store {
    /// Fills in every missing key. Customers are not merged: of two with equal addresses the first
    /// created is found by them, and both stay in use.
    pub(crate) async fn fill_email_keys(&self) -> Result<(), StoreError> {
        while self.write_past_races(|tx| Box::pin(fill_page(tx))).await? > 0 {}
        Ok(())
    }
}

/// Fills in a page of missing keys; returns the number of rows that lacked one.
async fn fill_page(tx: &Tx) -> Result<usize, StoreError> {
    let sql = "SELECT enterprise_id, customer_id, email, created_at FROM customer \
        WHERE email IS NOT NULL AND email_key IS NULL ORDER BY created_at, customer_id LIMIT $1";
    let page: Vec<Open> = tx.all(sql, &[PAGE_ROWS.into()]).await?;
    for open in &page {
        fill(tx, open).await?;
    }
    Ok(page.len())
}

async fn fill(tx: &Tx, open: &Open) -> Result<(), StoreError> {
    let key = email_key(&open.email);
    let sql = "SELECT customer_id, created_at FROM customer \
        WHERE enterprise_id = $1 AND email_key = $2";
    let found = tx.one(sql, &[open.enterprise_id.into(), key.as_str().into()]).await?;
    if let Some::<(CustomerId, Timestamp)>((holder, made)) = found {
        if (made, holder) < (open.created_at, open.customer_id) {
            return set(tx, open.enterprise_id, open.customer_id, &second(open.customer_id)).await;
        }
        set(tx, open.enterprise_id, holder, &second(holder)).await?;
    }
    set(tx, open.enterprise_id, open.customer_id, &key).await
}

/// The key of a customer whose address an earlier one has: no address reads like it.
fn second(customer_id: CustomerId) -> String {
    format!("second {customer_id}")
}

async fn set(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    customer_id: CustomerId,
    key: &str,
) -> Result<(), StoreError> {
    let sql = "UPDATE customer SET email_key = $1 WHERE enterprise_id = $2 AND customer_id = $3";
    tx.execute(sql, &[key.into(), enterprise_id.into(), customer_id.into()]).await.map(|_| ())
}
