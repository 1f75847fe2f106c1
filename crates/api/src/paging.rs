//! Lists of the operator and sandbox APIs: newest first unless asked otherwise, one page at a
//! time, after a cursor.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::Serialize;
use store::{ListOrder, PageWish};
use utoipa::ToSchema;
use wire::cardbridge::query::Query;

use crate::problem::Problem;

/// Rows of a page where nothing else is asked for.
pub(crate) const DEFAULT_LIMIT: u32 = 50;

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
    pub(crate) fn of<R, I: Display>(rows: &[R], limit: u32, id: impl Fn(&R) -> I) -> Self
    where
        T: for<'r> From<&'r R>,
    {
        let next_cursor = Self::cursor_after(rows, limit, id);
        Self { items: rows.iter().map(T::from).collect(), next_cursor }
    }

    /// The cursor of the page after `rows`.
    pub(crate) fn cursor_after<R, I: Display>(
        rows: &[R],
        limit: u32,
        id: impl Fn(&R) -> I,
    ) -> Option<String> {
        let is_full = rows.len() >= limit as usize;
        rows.last().filter(|_| is_full).map(|row| id(row).to_string())
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

    /// `asc` is oldest first; `desc`, which is the default, newest first.
    pub(crate) fn order(&self) -> Result<ListOrder, Problem> {
        match self.text("order")?.as_deref() {
            None | Some("desc") => Ok(ListOrder::NewestFirst),
            Some("asc") => Ok(ListOrder::OldestFirst),
            Some(_) => Err(Problem::invalid("order must be asc or desc")),
        }
    }

    /// Cursor, order and limit together.
    pub(crate) fn page<I: FromStr>(&self) -> Result<PageWish<I>, Problem> {
        Ok(PageWish { cursor: self.cursor()?, order: self.order()?, limit: self.limit()? })
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
        self.parsed("cursor", "is not a cursor of this list")
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
