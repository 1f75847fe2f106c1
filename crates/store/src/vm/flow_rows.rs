//! Rows of movements of the balances of cards of dialect 2, on their way into the store.

use domain::VmFlow;

use crate::StoreError;
use crate::engine::Tx;
use crate::records::{columns, sql, values_of};

/// Writes movements of cards' balances; to be called in the commit that moves them.
pub(crate) async fn insert_flows(tx: &Tx, flows: &[VmFlow]) -> Result<(), StoreError> {
    // An aggregate has a row even without a card, which the table then refuses.
    let sql = sql!(
        "INSERT INTO vm_flow ({}, vm_app_id) SELECT $1, $2, $3, $4, $5, $6, $7, $8, \
         MAX(vm_app_id) FROM vm_card WHERE enterprise_id = $1 AND card_id = $3",
        columns::<VmFlow>()
    );
    for flow in flows {
        tx.post(sql, values_of(flow)).await?;
    }
    Ok(())
}
