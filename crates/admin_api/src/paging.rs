//! Lists of the operator and sandbox APIs: newest first unless asked otherwise, one page at a
//! time, after a cursor.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::Serialize;
use store::{ListOrder, PageRequest};
use utoipa::ToSchema;
use wire::cardbridge::query::Query;

use crate::problem::Problem;

/// Rows of a page where nothing else is asked for.
pub(crate) const DEFAULT_LIMIT: u32 = 50;

/// What the cursor of a list that begins with the oldest begins with.
const OLDEST_FIRST: &str = "asc-";

/// One page of a list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<T: ToSchema> {
    /// Newest first; oldest first with `order=asc`.
    pub(crate) items: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub(crate) next_cursor: Option<String>,
}

impl<T: ToSchema> Page<T> {
    /// A page of `rows`, of which there are more if it is full.
    pub(crate) fn of<R, I: Display>(
        rows: &[R],
        limit: u32,
        order: ListOrder,
        id: impl Fn(&R) -> I,
    ) -> Self
    where
        T: for<'r> From<&'r R>,
    {
        let next_cursor = Self::cursor_after(rows, limit, order, id);
        Self { items: rows.iter().map(T::from).collect(), next_cursor }
    }

    /// The cursor of the page after `rows`. It says which way the list is gone through, so that
    /// the next page goes on that way.
    pub(crate) fn cursor_after<R, I: Display>(
        rows: &[R],
        limit: u32,
        order: ListOrder,
        id: impl Fn(&R) -> I,
    ) -> Option<String> {
        let is_full = rows.len() >= limit as usize;
        let id = id(rows.last().filter(|_| is_full)?);
        Some(match order {
            ListOrder::NewestFirst => id.to_string(),
            ListOrder::OldestFirst => format!("{OLDEST_FIRST}{id}"),
        })
    }
}

/// The query of a list, read by name.
pub(crate) struct ListQuery(Query);

impl ListQuery {
    /// How many rows are wanted.
    pub(crate) fn limit(&self) -> Result<u32, Problem> {
        let max = store::MAX_PAGE_ROWS;
        let limit = self.parsed::<u32>("limit", &format!("must be a number from 1 to {max}"))?;
        match limit {
            None => Ok(DEFAULT_LIMIT),
            Some(limit) if (1..=max).contains(&limit) => Ok(limit),
            Some(_) => Err(Problem::invalid(format!("limit must be a number from 1 to {max}"))),
        }
    }

    /// `asc` is oldest first; `desc`, which is the default, newest first. After a cursor it is
    /// that of the page which the cursor came with.
    pub(crate) fn order(&self) -> Result<ListOrder, Problem> {
        let told = match self.text("order")?.as_deref() {
            None => None,
            Some("desc") => Some(ListOrder::NewestFirst),
            Some("asc") => Some(ListOrder::OldestFirst),
            Some(_) => return Err(Problem::invalid("order must be asc or desc")),
        };
        let Some(cursor) = self.text("cursor")? else {
            return Ok(told.unwrap_or(ListOrder::NewestFirst));
        };
        let order = match cursor.strip_prefix(OLDEST_FIRST) {
            Some(_) => ListOrder::OldestFirst,
            None => ListOrder::NewestFirst,
        };
        if told.is_some_and(|told| told != order) {
            return Err(Problem::invalid("order must be that of the page which the cursor is of"));
        }
        Ok(order)
    }

    /// Cursor, order and limit together.
    pub(crate) fn page<I: FromStr>(&self) -> Result<PageRequest<I>, Problem> {
        Ok(PageRequest { cursor: self.cursor()?, order: self.order()?, limit: self.limit()? })
    }

    /// The items of a list that has no pages, kept oldest first.
    pub(crate) fn ordered<T>(&self, mut oldest_first: Vec<T>) -> Result<Vec<T>, Problem> {
        if self.order()? == ListOrder::NewestFirst {
            oldest_first.reverse();
        }
        Ok(oldest_first)
    }

    /// Where the page begins.
    pub(crate) fn cursor<T: FromStr>(&self) -> Result<Option<T>, Problem> {
        let Some(text) = self.text("cursor")? else { return Ok(None) };
        let id = text.strip_prefix(OLDEST_FIRST).unwrap_or(&text);
        let wrong = |_| Problem::invalid("cursor is not a cursor of this list");
        id.parse().map(Some).map_err(wrong)
    }

    /// A filter by id. One that is no id of ours is told apart from one that names nothing,
    /// so that a slip of the pen does not look like an empty list.
    pub(crate) fn id<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        self.parsed(name, "is not an id")
    }

    /// A parameter that parses.
    pub(crate) fn parsed<T: FromStr>(&self, name: &str, what: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Problem::invalid(format!("{name} {what}")))
    }

    /// A parameter.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Problem> {
        self.0.text(name).map_err(|error| Problem::invalid(error.to_string()))
    }
}

impl<S: Sync> FromRequestParts<S> for ListQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::parse(parts.uri.query());
        query.map(Self).map_err(|error| Problem::malformed(error.to_string()))
    }
}
