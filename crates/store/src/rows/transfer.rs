//! The columns of a ledger transfer.

use domain::{AccountId, AuthId, EnterpriseId, TransferId};
use ledger::{Bucket, Transfer, TransferKind};

use super::Fields;
use crate::StoreError;
use crate::engine::{Row, Value};

/// The columns of a ledger transfer.
pub(crate) const TRANSFER_COLUMNS: &str = "enterprise_id, transfer_id, account_id, kind, \
    from_bucket, to_bucket, amount_minor, currency, auth_id, reference, created_at";

/// Reads a transfer from [`TRANSFER_COLUMNS`].
pub(crate) fn transfer_from(row: &Row) -> Result<Transfer, StoreError> {
    let mut f = Fields::of(row);
    Ok(Transfer {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        transfer_id: f.id(TransferId::from_i64)?,
        account_id: f.id(AccountId::from_i64)?,
        kind: TransferKind::parse(&f.text()?).ok_or(StoreError::Corrupt("ledger_transfer.kind"))?,
        from: bucket_from(&mut f)?,
        to: bucket_from(&mut f)?,
        amount: f.money()?,
        auth_id: f.opt_id(AuthId::from_i64)?,
        reference: f.opt_text()?,
        created_at: f.time()?,
    })
}

/// The values of a transfer for [`TRANSFER_COLUMNS`].
pub(crate) fn transfer_values(transfer: &Transfer) -> Vec<Value> {
    vec![
        transfer.enterprise_id.into(),
        transfer.transfer_id.into(),
        transfer.account_id.into(),
        transfer.kind.as_str().into(),
        transfer.from.as_str().into(),
        transfer.to.as_str().into(),
        transfer.amount.amount_minor().into(),
        transfer.amount.currency().into(),
        transfer.auth_id.into(),
        transfer.reference.as_ref().into(),
        transfer.created_at.into(),
    ]
}

fn bucket_from(f: &mut Fields<'_>) -> Result<Bucket, StoreError> {
    Bucket::parse(&f.text()?).ok_or(StoreError::Corrupt("a bucket of ledger_transfer"))
}
