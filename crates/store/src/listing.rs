//! Pages of records in order of id.

use std::sync::Arc;

use crate::engine::{Row, Value};
use crate::{MAX_PAGE_ROWS, Store, StoreError};

/// Which rows of a table a page holds: those that meet every condition, after the
/// cursor, in order of id.
#[derive(Clone)]
pub(crate) struct Page {
    id_column: &'static str,
    conditions: Vec<String>,
    params: Vec<Value>,
    limit: u32,
}

impl Page {
    /// The first `limit` rows after the cursor.
    pub(crate) fn new(id_column: &'static str, cursor: Option<i64>, limit: u32) -> Self {
        let mut page = Self {
            id_column,
            conditions: Vec::new(),
            params: Vec::new(),
            limit: limit.min(MAX_PAGE_ROWS),
        };
        page.compare(id_column, ">", Some(cursor.unwrap_or(i64::MIN)));
        page
    }

    /// Only rows with this value, if there is one.
    pub(crate) fn only(&mut self, column: &str, value: Option<impl Into<Value>>) {
        self.compare(column, "=", value);
    }

    /// Only rows that compare so with this value, if there is one.
    pub(crate) fn compare(
        &mut self,
        column: &str,
        operator: &str,
        value: Option<impl Into<Value>>,
    ) {
        let Some(value) = value else { return };
        self.params.push(value.into());
        self.conditions.push(format!("{column} {operator} ${}", self.params.len()));
    }

    /// Only rows with this fixed text, which stands in the query itself: a partial index
    /// serves a query only if the planner sees its condition there.
    pub(crate) fn only_text(&mut self, column: &str, text: Option<&'static str>) {
        self.conditions.extend(text.map(|text| format!("{column} = '{text}'")));
    }

    /// The query for these columns of a table.
    pub(crate) fn sql(&self, table: &str, columns: &str) -> String {
        format!(
            "SELECT {columns} FROM {table} WHERE {} ORDER BY {} LIMIT ${}",
            self.conditions.join(" AND "),
            self.id_column,
            self.params.len() + 1
        )
    }

    /// The query's parameters.
    pub(crate) fn params(&self) -> Vec<Value> {
        let mut params = self.params.clone();
        params.push(self.limit.into());
        params
    }
}

impl Store {
    /// Reads one page of a table.
    pub(crate) async fn page<T: Send + 'static>(
        &self,
        table: &'static str,
        columns: &'static str,
        page: Page,
        from: fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let page = Arc::new(page);
        self.read(move |tx| {
            let page = Arc::clone(&page);
            Box::pin(async move {
                let rows = tx.query(&page.sql(table, columns), &page.params()).await?;
                rows.iter().map(from).collect()
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_only_the_conditions_it_was_given() {
        let mut page = Page::new("id", Some(7), 9_999);
        page.only("owner", Some(3_i64));
        page.only("state", None::<&str>);
        page.compare("at", "<", Some(5_i64));
        assert_eq!(
            page.sql("t", "a, b"),
            "SELECT a, b FROM t WHERE id > $1 AND owner = $2 AND at < $3 ORDER BY id LIMIT $4"
        );
        assert_eq!(page.params(), [7, 3, 5, 500].map(Value::Int));
    }
}
