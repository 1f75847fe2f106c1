//! What was used of velocity limits.

use domain::{EnterpriseId, PanId, VelocityUse};

use crate::rows::{VELOCITY_USE_COLUMNS, velocity_use_from};
use crate::{Store, StoreError};

impl Store {
    /// What the cards of a PAN use of the current day and month; counted only where the
    /// profile limits one of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn velocity_use(
        &self,
        enterprise_id: EnterpriseId,
        pan_id: PanId,
    ) -> Result<VelocityUse, StoreError> {
        let used = self
            .read_one(move |tx| {
                Box::pin(async move {
                    let sql = format!(
                        "SELECT {VELOCITY_USE_COLUMNS} FROM velocity_use \
                         WHERE enterprise_id = $1 AND pan_id = $2"
                    );
                    let row = tx.query_opt(&sql, &[enterprise_id.into(), pan_id.into()]).await?;
                    row.as_ref().map(velocity_use_from).transpose()
                })
            })
            .await?;
        Ok(used.unwrap_or_default().at(self.clock().now()))
    }
}
