//! Lists of the operator and sandbox APIs: one page at a time, newest first unless the query asks
//! otherwise; a cursor marks where the next page begins.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use store::{ListOrder, PageRequest};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use wire::cardbridge::query::Query;

use crate::problem::Problem;

/// Rows of a page if the query has no `limit`.
pub(crate) const DEFAULT_LIMIT: u32 = 50;

const ITEMS: &str = "Newest first; oldest first with `order=asc`.";
const NEXT_CURSOR: &str = "Where the next page begins; null after a page with fewer rows than \
    `limit`. The page after a full one may be empty.";

/// The prefix of cursors of lists that begin with the oldest.
const OLDEST_FIRST: &str = "asc-";

/// One page of a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_cursor: Option<String>,
}

impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
        let next_cursor =
            ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]));
        ObjectBuilder::new()
            .description(Some("One page of a list."))
            .property("items", items.description(Some(ITEMS)))
            .property("nextCursor", next_cursor.description(Some(NEXT_CURSOR)))
            .required("items")
            .into()
    }
}

/// Written by hand: the derived impl would give every `Page<T>` the same schema name.
impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        format!("Page_{}", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

impl<T> Page<T> {
    /// The page that answers `query`; `rows` are exactly the rows of that page.
    pub(crate) fn of<R, I: Display>(
        query: &ListQuery,
        rows: &[R],
        body: impl Fn(&R) -> T,
        id: impl Fn(&R) -> I,
    ) -> Result<Self, Problem> {
        let next_cursor = query.cursor_after(rows, id)?;
        Ok(Self { items: rows.iter().map(body).collect(), next_cursor })
    }
}

/// The query string of a list request; parameters are looked up by name.
pub(crate) struct ListQuery(Query);

impl ListQuery {
    /// Parses the query of a request.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        Query::parse(query).map(Self).map_err(|error| Problem::malformed(error.to_string()))
    }

    /// The number of rows wanted.
    pub(crate) fn limit(&self) -> Result<u32, Problem> {
        let max = store::MAX_PAGE_ROWS;
        let limit = self.parsed::<u32>("limit", &format!("must be a number from 1 to {max}"))?;
        match limit {
            None => Ok(DEFAULT_LIMIT),
            Some(limit) if (1..=max).contains(&limit) => Ok(limit),
            Some(_) => Err(Problem::invalid(format!("limit must be a number from 1 to {max}"))),
        }
    }

    /// `asc` is oldest first; `desc`, the default, newest first. A cursor keeps the order of the
    /// page that it came with.
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
            let detail = "order must be the same as for the page that returned this cursor";
            return Err(Problem::invalid(detail));
        }
        Ok(order)
    }

    /// Cursor, order and limit together.
    pub(crate) fn page<I: FromStr>(&self) -> Result<PageRequest<I>, Problem> {
        Ok(PageRequest { cursor: self.cursor()?, order: self.order()?, limit: self.limit()? })
    }

    /// The items of a list without pages, in the order that the query asks for.
    pub(crate) fn ordered<T>(&self, mut oldest_first: Vec<T>) -> Result<Vec<T>, Problem> {
        if self.order()? == ListOrder::NewestFirst {
            oldest_first.reverse();
        }
        Ok(oldest_first)
    }

    /// The cursor of the page after `rows`; None if `rows` are fewer than the limit. A full page
    /// always gets a cursor, even if no rows follow. The cursor carries the order, so the next page
    /// keeps it.
    pub(crate) fn cursor_after<R, I: Display>(
        &self,
        rows: &[R],
        id: impl Fn(&R) -> I,
    ) -> Result<Option<String>, Problem> {
        let is_full = rows.len() >= self.limit()? as usize;
        let Some(id) = rows.last().filter(|_| is_full).map(id) else { return Ok(None) };
        Ok(Some(match self.order()? {
            ListOrder::NewestFirst => id.to_string(),
            ListOrder::OldestFirst => format!("{OLDEST_FIRST}{id}"),
        }))
    }

    /// The id in the query's cursor, if it has one.
    pub(crate) fn cursor<T: FromStr>(&self) -> Result<Option<T>, Problem> {
        let Some(text) = self.text("cursor")? else { return Ok(None) };
        let id = text.strip_prefix(OLDEST_FIRST).unwrap_or(&text);
        let wrong = |_| Problem::invalid("cursor is not a cursor of this list");
        id.parse().map(Some).map_err(wrong)
    }

    /// A filter by id. A text that is not an id is refused, so a typing error does not look like
    /// an empty list.
    pub(crate) fn id<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        self.parsed(name, "is not an id")
    }

    /// The parameter `name`, parsed; None if it is absent or blank. If it does not parse, it is
    /// refused with the text `{name} {what}`.
    pub(crate) fn parsed<T: FromStr>(&self, name: &str, what: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Problem::invalid(format!("{name} {what}")))
    }

    /// The text of the parameter `name`; None if it is absent or blank.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, Problem> {
        self.0.text(name).map_err(|error| Problem::invalid(error.to_string()))
    }
}
