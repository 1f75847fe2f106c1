//! URLs that an earlier version kept in clear: the first start after the migration seals them.

use domain::{EnterpriseId, SealedUrl, UrlUse};

use crate::engine::{Connection, Tx, Value, in_full, with};
use crate::migrations::UNHURRIED;
use crate::store::Engine;
use crate::{MAX_PAGE_ROWS, Store, StoreError};

/// A URL in clear. No Debug: it may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ClearUrl {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// Its use.
    pub of: UrlUse,
    /// The URL.
    pub url: String,
}

/// The columns of URLs in clear, as table and column; beside each is one for the sealed form.
const PLACES: [(&str, &str); 3] =
    [("enterprise", "webhook_url"), ("enterprise", "auth_url"), ("vm_app", "webhook_url")];

const fn place_of(of: UrlUse) -> (&'static str, &'static str) {
    match of {
        UrlUse::Webhook => PLACES[0],
        UrlUse::Auth => PLACES[1],
        UrlUse::AppWebhook(_) => PLACES[2],
    }
}

impl Store {
    /// Seals with `seal` the URLs that are still in clear, and wipes the remains of the replaced
    /// rows from the files. Returns the number of URLs sealed.
    pub async fn seal_clear_urls(
        &self,
        seal: impl Fn(&ClearUrl) -> SealedUrl,
    ) -> Result<usize, StoreError> {
        let mut sealed = 0;
        loop {
            // Each sealed page leaves fewer to find.
            let page = self.read(|tx| Box::pin(find(tx))).await?;
            if page.is_empty() {
                break;
            }
            sealed += page.len();
            let page: Vec<_> = page.into_iter().map(|it| (seal(&it), it)).collect();
            self.write(with(page, async |tx, page| {
                for (sealed, clear) in page {
                    replace(tx, clear, sealed).await?;
                }
                Ok::<_, StoreError>(())
            }))
            .await?;
        }
        if sealed > 0
            && let Err(error) = self.wipe_replaced_urls().await
        {
            tracing::warn!(
                %error,
                "remains of URLs may be left in the server's files; VACUUM FULL removes them"
            );
        }
        Ok(sealed)
    }

    /// Wipes the remains of replaced rows from the files of a server; an embedded store overwrites
    /// them at once. A server may not know the statement.
    async fn wipe_replaced_urls(&self) -> Result<(), StoreError> {
        let Engine::Postgres(engine) = &self.inner.engine else { return Ok(()) };
        if engine.has_pooler() {
            return Err(StoreError::Engine("a pooler stands before the server".to_owned()));
        }
        // Its settings are its own, so the connection is not given back.
        let client = Connection::take(engine.connection().await?);
        let run = async |sql: &str| {
            let done = client.batch_execute(sql).await;
            done.map_err(|error| StoreError::Engine(in_full(&error)))
        };
        run(UNHURRIED).await?;
        for (table, _) in PLACES.into_iter().skip(1) {
            run(&format!("VACUUM FULL {table}")).await?;
        }
        Ok(())
    }
}

async fn find(tx: &Tx) -> Result<Vec<ClearUrl>, StoreError> {
    let mut found = Vec::new();
    for (index, (table, column)) in PLACES.into_iter().enumerate() {
        let app = if table == "vm_app" { "vm_app_id" } else { "0" };
        let sql = format!(
            "SELECT enterprise_id, {app}, {column} FROM {table} WHERE {column} IS NOT NULL LIMIT $1"
        );
        for (enterprise_id, app, url) in tx.all(&sql, &[MAX_PAGE_ROWS.into()]).await? {
            let of = match index {
                0 => UrlUse::Webhook,
                1 => UrlUse::Auth,
                _ => UrlUse::AppWebhook(app),
            };
            found.push(ClearUrl { enterprise_id, of, url });
        }
    }
    Ok(found)
}

async fn replace(tx: &Tx, clear: &ClearUrl, sealed: &SealedUrl) -> Result<(), StoreError> {
    let (table, column) = place_of(clear.of);
    let mut sql = format!(
        "UPDATE {table} SET sealed_{column} = $1, {column} = NULL \
         WHERE enterprise_id = $2 AND {column} = $3"
    );
    let mut params: Vec<Value> =
        vec![sealed.as_sealed().into(), clear.enterprise_id.into(), (&clear.url).into()];
    if let UrlUse::AppWebhook(vm_app_id) = clear.of {
        sql.push_str(" AND vm_app_id = $4");
        params.push(vm_app_id.into());
    }
    tx.execute(&sql, &params).await.map(|_| ())
}
