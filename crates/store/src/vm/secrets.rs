//! The secrets of dialect 2's apps, as far as they are kept.

use crate::{Store, StoreError};

/// The digest given for an app that does not exist. No secret has it.
const NOBODY: [u8; 32] = [0; 32];

const SELECT_DIGEST: &str = "SELECT COALESCE((SELECT app.secret_digest FROM vm_app_name name \
    JOIN vm_app app ON app.enterprise_id = name.enterprise_id \
    AND app.vm_app_id = name.vm_app_id WHERE name.app_id = $1), $2)";

impl Store {
    /// The digest of an app's secret; for an app that does not exist, one that no secret has.
    /// Both take the same statement, the same row and the same bytes, so a caller who guesses
    /// names learns nothing from the time it takes.
    pub async fn vm_secret_digest(&self, app_id: &str) -> Result<[u8; 32], StoreError> {
        let digest = self.one(SELECT_DIGEST, [app_id.into(), NOBODY.as_slice().into()]).await?;
        digest.ok_or(StoreError::Corrupt("vm_app.secret_digest"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{Clock, EnterpriseId, IdGenerator, Timestamp, VmApp, VmAppId, VmFees};

    use super::*;
    use crate::Location;
    use crate::engine::statements;

    #[tokio::test]
    async fn an_unknown_app_takes_the_operations_of_a_known_one() {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(directory.path().join("store.db"));
        let clock = Clock::system();
        let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
        let store = Store::open(location, clock, ids).await.unwrap();
        let app = VmApp {
            enterprise_id: EnterpriseId::from_i64(1),
            vm_app_id: VmAppId::from_i64(2),
            app_id: "known".to_owned(),
            secret_digest: [7; 32],
            merchant_public_key: None,
            webhook_url: None,
            ip_whitelist: vec!["10.0.0.0/8".parse().unwrap()],
            signs_webhooks: false,
            fees: VmFees::default(),
            created_at: Timestamp::default(),
        };
        store.create_vm_app(app, Vec::new(), Vec::new()).await.unwrap();
        let mut made = Vec::new();
        for (app_id, digest) in [("known", [7; 32]), ("nobody", NOBODY)] {
            let before = statements::of("vm_app_name name").len();
            assert_eq!(store.vm_secret_digest(app_id).await.unwrap(), digest);
            made.push(statements::of("vm_app_name name").split_off(before));
        }
        assert_eq!(made[0].len(), 1, "{made:?}");
        assert_eq!(made[0], made[1], "the same statements give the same number of rows");
        store.close().await;
    }
}
