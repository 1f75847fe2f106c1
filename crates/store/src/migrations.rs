//! The schema's versions, one set of files for each engine.

use crate::StoreError;

mod sqlite {
    refinery::embed_migrations!("migrations/sqlite");
}

mod postgres {
    refinery::embed_migrations!("migrations/postgres");
}

/// Brings an embedded file up to date.
pub(crate) fn migrate_sqlite(connection: &mut rusqlite::Connection) -> Result<(), StoreError> {
    sqlite::migrations::runner().run(connection).map(|_| ()).map_err(failed)
}

/// Brings a server up to date. Several processes that start at once take turns.
pub(crate) async fn migrate_postgres(
    client: &mut tokio_postgres::Client,
) -> Result<(), StoreError> {
    postgres::migrations::runner().run_async(client).await.map(|_| ()).map_err(failed)
}

fn failed(error: refinery::Error) -> StoreError {
    StoreError::Engine(format!("migration: {error}"))
}
