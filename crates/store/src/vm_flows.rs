//! What moved the balances of cards of dialect 2 (vm-api.md section 6.12).

use domain::{CardId, EnterpriseId, VmAppId, VmFlow};
use futures_util::future::try_join_all;

use crate::engine::{Tx, Value};
use crate::records::{columns, columns_of, sql, values_of};
use crate::{Store, StoreError};

/// A page of movements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmFlowPage {
    /// All that match.
    pub total: u64,
    /// Those on the page, newest first, each with its card's id on the wire.
    pub flows: Vec<(String, VmFlow)>,
}

impl Store {
    /// The movements of an app's cards, or of one of them, newest first: `rows` of them after
    /// `skipped_rows`.
    pub async fn vm_flows(
        &self,
        enterprise_id: EnterpriseId,
        vm_app_id: VmAppId,
        card_id: Option<CardId>,
        skipped_rows: u64,
        rows: u32,
    ) -> Result<VmFlowPage, StoreError> {
        let mut params: Vec<Value> = vec![enterprise_id.into(), vm_app_id.into()];
        params.extend(card_id.map(Value::from));
        let of_card = if card_id.is_some() { " AND flow.card_id = $3" } else { "" };
        let matching = format!("flow.enterprise_id = $1 AND flow.vm_app_id = $2{of_card}");
        let mut page_params = params.clone();
        page_params.extend([
            i64::from(rows).into(),
            i64::try_from(skipped_rows).unwrap_or(i64::MAX).into(),
        ]);
        let (limit, offset) = (params.len() + 1, params.len() + 2);
        let page = format!(
            "SELECT card.card_uuid, {} FROM vm_flow flow \
             JOIN vm_card card ON card.enterprise_id = flow.enterprise_id \
             AND card.card_id = flow.card_id \
             WHERE {matching} ORDER BY flow.created_at DESC, flow.flow_id DESC \
             LIMIT ${limit} OFFSET ${offset}",
            columns_of::<VmFlow>("flow")
        );
        let count = format!("SELECT COUNT(*) FROM vm_flow flow WHERE {matching}");
        self.read_snapshot(move |tx| {
            let (params, page_params) = (params.clone(), page_params.clone());
            let (page, count) = (page.clone(), count.clone());
            Box::pin(async move {
                let total: Option<u64> = tx.one(&count, &params).await?;
                let flows = tx.all(&page, &page_params).await?;
                Ok(VmFlowPage { total: total.unwrap_or(0), flows })
            })
        })
        .await
    }
}

/// Writes movements of cards' balances, which belongs into the commit that moves them.
pub(crate) async fn insert_flows(tx: &Tx, flows: &[VmFlow]) -> Result<(), StoreError> {
    let sql = sql!(
        "INSERT INTO vm_flow ({}, vm_app_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, \
         (SELECT vm_app_id FROM vm_card WHERE enterprise_id = $1 AND card_id = $3))",
        columns::<VmFlow>()
    );
    let inserts = flows.iter().map(|flow| async move { tx.execute(sql, &values_of(flow)).await });
    try_join_all(inserts).await.map(|_| ())
}
