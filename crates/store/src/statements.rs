//! Statements as data: a text, its parameters, and the type that its rows are read as.

use std::borrow::Cow;
use std::sync::Arc;

use domain::{EnterpriseId, Timestamp};

use crate::engine::{Row, Tx, Value, with};
use crate::records::{
    Found, OwnedKey, Record, Referenced, Stored, columns, insert_text, read_row, select,
    update_values, values_of,
};
use crate::{Store, StoreError};

/// The text of a statement that stands alone.
pub(crate) type Sql = Cow<'static, str>;
/// Its parameters.
pub(crate) type Params = Arc<[Value]>;

impl Tx {
    /// The first row of a query, if there is one.
    pub(crate) async fn one<T: Stored>(
        &self,
        sql: &str,
        params: &[Value],
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(sql, params).await?.into_iter().next())
    }

    /// All rows of a query.
    pub(crate) async fn all<T: Stored>(
        &self,
        sql: &str,
        params: &[Value],
    ) -> Result<Vec<T>, StoreError> {
        self.query_map(sql, params, read_row).await
    }

    /// True if a query finds a row.
    pub(crate) async fn finds(&self, sql: &str, params: &[Value]) -> Result<bool, StoreError> {
        Ok(self.query_opt(sql, params).await?.is_some())
    }

    /// The record with this key.
    pub(crate) async fn by_key<R: Record>(
        &self,
        key: impl Stored,
    ) -> Result<Option<R>, StoreError> {
        self.one(&R::texts().by_key, &values_of(&key)).await
    }

    /// The record with this key, locked until the commit.
    pub(crate) async fn by_key_locked<R: Record>(
        &self,
        key: impl Stored,
    ) -> Result<Option<R>, StoreError> {
        self.one(&R::texts().by_key_locked, &values_of(&key)).await
    }

    /// The record of an enterprise with this value in a unique column.
    pub(crate) async fn by_column<R: Record>(
        &self,
        enterprise_id: EnterpriseId,
        column: &str,
        value: Value,
    ) -> Result<Option<R>, StoreError> {
        self.one(&by_column_text::<R>(column), &[enterprise_id.into(), value]).await
    }

    /// The record of an enterprise with this reference.
    pub(crate) async fn by_ref<R: Referenced>(
        &self,
        enterprise_id: EnterpriseId,
        reference: &str,
    ) -> Result<Option<R>, StoreError> {
        self.by_column(enterprise_id, R::REFERENCE, reference.into()).await
    }

    /// Inserts a record.
    pub(crate) async fn insert<R: Record>(&self, record: &R) -> Result<(), StoreError> {
        self.insert_all(std::slice::from_ref(record)).await
    }

    /// Inserts records.
    pub(crate) async fn insert_all<R: Record>(&self, records: &[R]) -> Result<(), StoreError> {
        for (sql, values) in inserts(records, self.rows_per_insert()) {
            self.execute(sql, &values).await?;
        }
        Ok(())
    }

    /// [`Tx::insert_all`] as [`Tx::post`] runs statements.
    pub(crate) async fn post_all<R: Record>(&self, records: &[R]) -> Result<(), StoreError> {
        for (sql, values) in inserts(records, self.rows_per_insert()) {
            self.post(sql, values).await?;
        }
        Ok(())
    }

    /// [`Tx::update`] as [`Tx::post`] runs statements.
    pub(crate) async fn post_update<R: Record>(&self, record: &R) -> Result<(), StoreError> {
        self.post(R::texts().update.as_str(), update_values(record)).await
    }

    /// [`Tx::put`] as [`Tx::post`] runs statements.
    pub(crate) async fn post_put<R: Record>(&self, record: &R) -> Result<(), StoreError> {
        self.post(R::texts().put.as_str(), values_of(record)).await
    }

    /// Inserts a record with further columns of its row.
    pub(crate) async fn insert_with<R: Record>(
        &self,
        record: &R,
        more: &[(&str, Value)],
    ) -> Result<(), StoreError> {
        let mut values = values_of(record);
        let mut names = columns::<R>().to_owned();
        for (name, value) in more {
            names.push_str(", ");
            names.push_str(name);
            values.push(value.clone());
        }
        self.execute(&insert_text(R::TABLE, &names, values.len(), 1), &values).await.map(drop)
    }

    /// Deletes rows whose time, in the column `ends`, is over at `now`: the earliest, at most
    /// `rows`. `key` is the table's key.
    pub(crate) async fn sweep(
        &self,
        (table, key, ends): (&str, &str, &str),
        now: Timestamp,
        rows: i64,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "DELETE FROM {table} WHERE {key} IN \
             (SELECT {key} FROM {table} WHERE {ends} <= $1 ORDER BY {ends} LIMIT $2)"
        );
        self.execute(&sql, &[now.into(), rows.into()]).await.map(drop)
    }

    /// Writes a record over the row with its key.
    pub(crate) async fn update<R: Record>(&self, record: &R) -> Result<(), StoreError> {
        self.execute(&R::texts().update, &update_values(record)).await.map(drop)
    }

    /// Writes a record, over the row with its key if there is one.
    pub(crate) async fn put<R: Record>(&self, record: &R) -> Result<(), StoreError> {
        self.execute(&R::texts().put, &values_of(record)).await.map(drop)
    }
}

/// The INSERTs of records, at most `most` rows each.
fn inserts<R: Record>(
    records: &[R],
    most: usize,
) -> impl Iterator<Item = (&'static str, Vec<Value>)> {
    let mut rest = records;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (sql, count) = R::texts().insert(rest.len(), most);
        let (now, later) = rest.split_at(count);
        rest = later;
        let mut values = Vec::with_capacity(count * R::WIDTH);
        now.iter().for_each(|record| record.write(&mut values));
        Some((sql, values))
    })
}

fn by_column_text<R: Record>(column: &str) -> String {
    format!("{} WHERE enterprise_id = $1 AND {column} = $2", select::<R>())
}

/// Each method runs one statement; operations with several are closures over [`Tx`].
impl Store {
    /// The first row of a query, if there is one.
    pub(crate) async fn one<T: Stored>(
        &self,
        sql: impl Into<Sql>,
        params: impl Into<Params>,
    ) -> Result<Option<T>, StoreError> {
        let statement = (sql.into(), params.into());
        self.read_one(with(statement, async |tx, (sql, params)| tx.one(sql, params).await)).await
    }

    /// All rows of a query.
    pub(crate) async fn all<T: Stored>(
        &self,
        sql: impl Into<Sql>,
        params: impl Into<Params>,
    ) -> Result<Vec<T>, StoreError> {
        self.all_as(sql, params, read_row).await
    }

    /// All rows of a query, each converted where it is read.
    pub(crate) async fn all_as<T: Send + 'static>(
        &self,
        sql: impl Into<Sql>,
        params: impl Into<Params>,
        from: fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let statement = (sql.into(), params.into(), from);
        self.read_one(with(statement, async |tx, (sql, params, from)| {
            tx.query_map(sql, params, *from).await
        }))
        .await
    }

    /// True if a query finds a row.
    pub(crate) async fn finds(
        &self,
        sql: impl Into<Sql>,
        params: impl Into<Params>,
    ) -> Result<bool, StoreError> {
        let statement = (sql.into(), params.into());
        self.read_one(with(statement, async |tx, (sql, params)| tx.finds(sql, params).await)).await
    }

    /// The record with this key.
    pub(crate) async fn by_key<R: Record>(
        &self,
        key: impl Stored,
    ) -> Result<Option<R>, StoreError> {
        self.one(&R::texts().by_key, values_of(&key)).await
    }

    /// The record with this key; for an enterprise's record that is its owner and its id.
    pub async fn find<R: Found>(&self, key: R::Key) -> Result<Option<R>, StoreError> {
        self.by_key(key).await
    }

    /// The record with the reference that this enterprise gave it.
    pub async fn find_by_ref<R: Referenced>(
        &self,
        enterprise_id: EnterpriseId,
        reference: &str,
    ) -> Result<Option<R>, StoreError> {
        let sql = by_column_text::<R>(R::REFERENCE);
        self.one(sql, [enterprise_id.into(), reference.into()]).await
    }

    /// The record with this id, of any owner: for operators and the card network.
    pub async fn find_of_anyone<R: Found<Key: OwnedKey>>(
        &self,
        id: <R::Key as OwnedKey>::Id,
    ) -> Result<Option<R>, StoreError> {
        self.one(&R::texts().of_anyone, [id.into()]).await
    }

    /// Inserts a record in one commit.
    pub(crate) async fn insert<R: Record>(&self, record: R) -> Result<(), StoreError> {
        self.write(with(record, Tx::insert)).await
    }

    /// Inserts a record for a call with an idempotency key; returns the record.
    pub(crate) async fn insert_kept<R: Record + Clone>(&self, record: R) -> Result<R, StoreError> {
        self.write_kept(with(record, async |tx, record| {
            tx.insert(record).await?;
            Ok(record.clone())
        }))
        .await
    }

    /// Runs a statement in one commit; returns the number of rows it touched.
    pub(crate) async fn execute(
        &self,
        sql: impl Into<Sql>,
        params: impl Into<Params>,
    ) -> Result<u64, StoreError> {
        let statement = (sql.into(), params.into());
        self.write(with(statement, async |tx, (sql, params)| tx.execute(sql, params).await)).await
    }
}
