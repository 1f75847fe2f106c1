//! The zone keys of links that came by messages, sealed (network-iso8583.md section 8.4).

use domain::LinkKey;

use crate::engine::with;
use crate::records::{record, select, sql};
use crate::{Store, StoreError};

record! {
    LinkKey in "link_key" key (link, kind, version) {
        link,
        kind,
        version,
        sealed,
        check_value: [kcv],
        activated_at,
    }
}

impl Store {
    /// The zone keys of a link, oldest first: of each kind the latest and the one before it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn link_keys(&self, link: &str) -> Result<Vec<LinkKey>, StoreError> {
        let sql = sql!("{} WHERE link = $1 ORDER BY kind, version", select::<LinkKey>());
        self.all(sql, [link.into()]).await
    }

    /// Keeps the next version of a link's zone key, and the one before it.
    ///
    /// # Errors
    /// [`StoreError`], also if another process has kept this version.
    pub async fn keep_link_key(&self, key: LinkKey) -> Result<(), StoreError> {
        self.write(with(key, async |tx, key| {
            tx.insert(key).await?;
            let sql = "DELETE FROM link_key WHERE link = $1 AND kind = $2 AND version < $3";
            let previous = i64::from(key.version) - 1;
            tx.execute(sql, &[(&key.link).into(), key.kind.into(), previous.into()]).await.map(drop)
        }))
        .await
    }
}
