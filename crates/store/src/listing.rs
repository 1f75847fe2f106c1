//! Pages of records in order of id.

use crate::engine::Value;
use crate::records::{Record, Stored, columns};
use crate::{Store, StoreError};

/// Most rows that one page of a listing holds.
pub const MAX_PAGE_ROWS: u32 = 500;

/// The order of a list. Ids grow with time, so rows added while somebody pages come before the
/// first page or after the last one, and no row is shown twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListOrder {
    /// In order of id.
    #[default]
    OldestFirst,
    /// In reverse order of id.
    NewestFirst,
}

/// Selects a page of a list that has no other filters.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest<I> {
    /// Only rows after this id.
    pub cursor: Option<I>,
    /// The order of the list.
    pub order: ListOrder,
    /// At most this many, at most [`MAX_PAGE_ROWS`].
    pub limit: u32,
}

impl<I> PageRequest<I> {
    /// The oldest rows, at most this many.
    #[must_use]
    pub const fn first(limit: u32) -> Self {
        Self { cursor: None, order: ListOrder::OldestFirst, limit }
    }
}

/// Selects the rows of a page of a table: those that meet every condition, after the cursor, in
/// order of id.
#[derive(Clone)]
pub(crate) struct Page {
    id_column: &'static str,
    order: ListOrder,
    conditions: Vec<String>,
    params: Vec<Value>,
    limit: u32,
}

impl Page {
    /// The first rows after the cursor.
    pub(crate) fn new<I>(
        id_column: &'static str,
        requested: PageRequest<I>,
        id: fn(I) -> i64,
    ) -> Self {
        let (order, limit) = (requested.order, requested.limit.min(MAX_PAGE_ROWS));
        let mut page = Self { id_column, order, conditions: Vec::new(), params: Vec::new(), limit };
        let (after, start) = match order {
            ListOrder::OldestFirst => (">", i64::MIN),
            ListOrder::NewestFirst => ("<", i64::MAX),
        };
        page.compare(id_column, after, Some(requested.cursor.map_or(start, id)));
        page
    }

    /// Only rows with this value, if there is one.
    pub(crate) fn only(&mut self, column: &str, value: Option<impl Into<Value>>) {
        self.compare(column, "=", value);
    }

    /// Only rows whose column compares with this value by the operator, if there is a value.
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

    /// Only rows with this fixed text, which is written into the query itself: a partial index
    /// serves a query only if the planner sees its condition there.
    pub(crate) fn only_text(&mut self, column: &str, text: Option<&'static str>) {
        self.conditions.extend(text.map(|text| format!("{column} = '{text}'")));
    }

    /// Only rows without this fixed text, which is written into the query itself, as in
    /// [`Page::only_text`].
    pub(crate) fn but_text(&mut self, column: &str, text: &'static str) {
        self.conditions.push(format!("{column} <> '{text}'"));
    }

    /// Only rows with one of these fixed texts; the query then uses an index that begins with the
    /// column.
    pub(crate) fn among(&mut self, column: &str, texts: impl Iterator<Item = &'static str>) {
        let texts: Vec<_> = texts.map(|text| format!("'{text}'")).collect();
        self.conditions.push(format!("{column} IN ({})", texts.join(", ")));
    }

    /// The query for these columns of a table.
    pub(crate) fn sql(&self, table: &str, columns: &str) -> String {
        format!(
            "SELECT {columns} FROM {table} WHERE {} ORDER BY {}{} LIMIT ${}",
            self.conditions.join(" AND "),
            self.id_column,
            match self.order {
                ListOrder::OldestFirst => "",
                ListOrder::NewestFirst => " DESC",
            },
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
    /// Reads one page of records.
    pub(crate) async fn page<R: Record>(&self, page: Page) -> Result<Vec<R>, StoreError> {
        self.page_of(R::TABLE, columns::<R>(), page).await
    }

    /// Reads these columns of one page of a table.
    pub(crate) async fn page_of<T: Stored>(
        &self,
        table: &str,
        columns: &str,
        page: Page,
    ) -> Result<Vec<T>, StoreError> {
        self.all(page.sql(table, columns), page.params()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_only_the_conditions_it_was_given() {
        let requested = PageRequest { cursor: Some(7), ..PageRequest::first(9_999) };
        let mut page = Page::new("id", requested, |id| id);
        page.only("owner", Some(3_i64));
        page.only("state", None::<&str>);
        page.compare("at", "<", Some(5_i64));
        assert_eq!(
            page.sql("t", "a, b"),
            "SELECT a, b FROM t WHERE id > $1 AND owner = $2 AND at < $3 ORDER BY id LIMIT $4"
        );
        assert_eq!(page.params(), [7, 3, 5, 500].map(Value::Int));
        let page =
            Page::new("id", PageRequest { order: ListOrder::NewestFirst, ..requested }, |id| id);
        assert_eq!(page.sql("t", "a"), "SELECT a FROM t WHERE id < $1 ORDER BY id DESC LIMIT $2");
    }
}
