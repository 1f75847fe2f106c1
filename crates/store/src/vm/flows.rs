//! The movements of the balances of cards of dialect 2 (vm-api.md section 6.12).

use domain::{CardId, EnterpriseId, VmAppId, VmFlow};

use super::listings::List;
use crate::records::columns_of;
use crate::{Store, StoreError, VmRows};

/// A page of movements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmFlowPage {
    /// The number of all that match.
    pub total: u64,
    /// The movements on the page, newest first, each with its card's id on the wire.
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
        let mut list = List::of_app(enterprise_id, vm_app_id, skipped_rows, rows);
        list.only("it.card_id", card_id);
        list.columns = format!("card.card_uuid, {}", columns_of::<VmFlow>("it"));
        list.counted = "vm_flow it";
        list.tables = "vm_flow it JOIN vm_card card \
            ON card.enterprise_id = it.enterprise_id AND card.card_id = it.card_id";
        list.order = "it.created_at DESC, it.flow_id DESC";
        let VmRows { total, rows: flows } = self.vm_rows(list).await?;
        Ok(VmFlowPage { total, flows })
    }
}
