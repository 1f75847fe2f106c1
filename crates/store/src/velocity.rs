//! The use of velocity limits.

use domain::{EnterpriseId, PanId, VelocityUse};

use crate::records::{select, sql};
use crate::{Store, StoreError};

impl Store {
    /// The use of the current day's and month's limits by the cards of a PAN; counted only if the
    /// profile sets one of these limits.
    pub async fn velocity_use(
        &self,
        enterprise_id: EnterpriseId,
        pan_id: PanId,
    ) -> Result<VelocityUse, StoreError> {
        let sql = sql!("{} WHERE enterprise_id = $1 AND pan_id = $2", select::<VelocityUse>());
        let used: Option<VelocityUse> =
            self.one(sql, [enterprise_id.into(), pan_id.into()]).await?;
        Ok(used.unwrap_or_default().at(self.clock().now()))
    }
}
