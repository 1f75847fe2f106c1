//! The limits of credit-line cards (vm-api.md section 6.5).

use domain::{Card, CardStatus, EnterpriseId, VmAppId, VmCard, VmFunding, VmLimits};

use super::cards::find_vm_card;
use crate::engine::{Tx, Value};
use crate::{Store, StoreError, VmCardError};

/// New limits of a credit-line card, minor units; None leaves a limit as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct VmLimitChange {
    /// Of one authorisation.
    pub single_minor: Option<i64>,
    /// Of a day.
    pub day_minor: Option<i64>,
    /// Of a month.
    pub month_minor: Option<i64>,
    /// In total.
    pub total_minor: Option<i64>,
}

impl VmLimitChange {
    fn applied_to(self, it: VmLimits) -> VmLimits {
        VmLimits {
            single_minor: self.single_minor.unwrap_or(it.single_minor),
            day_minor: self.day_minor.unwrap_or(it.day_minor),
            month_minor: self.month_minor.unwrap_or(it.month_minor),
            total_minor: self.total_minor.unwrap_or(it.total_minor),
        }
    }
}

impl Store {
    /// Changes the limits of a credit-line card.
    ///
    /// # Errors
    /// [`VmCardError`]; `Status` if the card is prepaid or deleted.
    pub async fn change_vm_limits(
        &self,
        enterprise_id: EnterpriseId,
        vm_app_id: VmAppId,
        card_uuid: String,
        change: VmLimitChange,
    ) -> Result<(), VmCardError> {
        // The same limits set twice are the same limits.
        let request = (enterprise_id, vm_app_id, card_uuid, change);
        self.write_for_certain(request, async |tx, run| {
            let (owner, app, card_uuid, change) = &*run.request;
            let found = find_vm_card(tx, *owner, *app, card_uuid).await?;
            let card_id = found.ok_or(VmCardError::NotFound)?.card_id;
            // The card's lock protects its limits too; they are read again under it.
            let card = tx.by_key_locked::<Card>((*owner, card_id)).await?;
            let card = card.ok_or(VmCardError::NotFound)?;
            let found = find_vm_card(tx, *owner, *app, card_uuid).await?;
            let vm_card = found.ok_or(VmCardError::NotFound)?;
            let is_deleted = card.status == CardStatus::Invalid;
            if is_deleted || vm_card.funding != VmFunding::CreditLine {
                return Err(VmCardError::Status(card.status));
            }
            write_limits(tx, &vm_card, change.applied_to(vm_card.limits)).await?;
            Ok(())
        })
        .await
    }
}

async fn write_limits(tx: &Tx, it: &VmCard, limits: VmLimits) -> Result<(), StoreError> {
    let sql = "UPDATE vm_card SET single_minor = $3, day_minor = $4, month_minor = $5, \
        total_minor = $6 WHERE enterprise_id = $1 AND card_id = $2";
    let params: [Value; 6] = [
        it.enterprise_id.into(),
        it.card_id.into(),
        limits.single_minor.into(),
        limits.day_minor.into(),
        limits.month_minor.into(),
        limits.total_minor.into(),
    ];
    tx.execute(sql, &params).await.map(|_| ())
}
