//! One record of an enterprise by a unique column.

use domain::EnterpriseId;

use crate::engine::{Row, Tx, Value};
use crate::{Store, StoreError};

/// How records of a kind are read.
pub(crate) struct Lookup<T> {
    pub(crate) table: &'static str,
    pub(crate) columns: &'static str,
    pub(crate) from: fn(&Row) -> Result<T, StoreError>,
}

impl<T> Lookup<T> {
    /// That of an enterprise.
    pub(crate) async fn find(
        &self,
        tx: &Tx,
        enterprise_id: EnterpriseId,
        column: &str,
        value: Value,
    ) -> Result<Option<T>, StoreError> {
        let Self { table, columns, from } = self;
        let sql =
            format!("SELECT {columns} FROM {table} WHERE enterprise_id = $1 AND {column} = $2");
        let row = tx.query_opt(&sql, &[enterprise_id.into(), value]).await?;
        row.as_ref().map(from).transpose()
    }

    /// That of an enterprise, kept from others until the commit.
    pub(crate) async fn find_locked(
        &self,
        tx: &Tx,
        enterprise_id: EnterpriseId,
        column: &str,
        value: Value,
    ) -> Result<Option<T>, StoreError> {
        let Self { table, columns, from } = self;
        let sql = format!(
            "SELECT {columns} FROM {table} \
             WHERE enterprise_id = $1 AND {column} = $2 FOR UPDATE"
        );
        let row = tx.query_opt(&sql, &[enterprise_id.into(), value]).await?;
        row.as_ref().map(from).transpose()
    }
}

impl Store {
    /// Reads one record of an enterprise.
    pub(crate) async fn look_up<T: Send + 'static>(
        &self,
        lookup: &'static Lookup<T>,
        enterprise_id: EnterpriseId,
        column: &'static str,
        value: Value,
    ) -> Result<Option<T>, StoreError> {
        self.read(move |tx| Box::pin(lookup.find(tx, enterprise_id, column, value.clone()))).await
    }

    /// Reads one record, whoever owns it.
    pub(crate) async fn look_up_of_anyone<T: Send + 'static>(
        &self,
        lookup: &'static Lookup<T>,
        column: &'static str,
        value: Value,
    ) -> Result<Option<T>, StoreError> {
        self.read(move |tx| {
            let value = value.clone();
            Box::pin(async move {
                let Lookup { table, columns, from } = lookup;
                let sql = format!("SELECT {columns} FROM {table} WHERE {column} = $1");
                tx.query_opt(&sql, &[value]).await?.as_ref().map(from).transpose()
            })
        })
        .await
    }
}
