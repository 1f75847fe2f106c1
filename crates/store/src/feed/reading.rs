//! Reads of numbered events.

use domain::EnterpriseId;

use super::packed::unpack;
use super::{FeedPage, MAX_PAGE_EVENTS, NumberedEvent};
use crate::listing::{ListOrder, MAX_PAGE_ROWS, PageRequest};
use crate::records::columns;
use crate::{Store, StoreError};

/// Selects events.
#[derive(Debug, Clone, Copy)]
pub struct EventFilter {
    /// Only those of an enterprise; then the cursor is an event's number, otherwise its position.
    pub enterprise_id: Option<EnterpriseId>,
    /// Which of them.
    pub requested: PageRequest<i64>,
}

impl Store {
    /// A page of events in the order of their numbers.
    pub async fn events(&self, filter: EventFilter) -> Result<Vec<NumberedEvent>, StoreError> {
        let EventFilter { enterprise_id, requested } = filter;
        let limit = requested.limit.min(MAX_PAGE_ROWS);
        let last = if enterprise_id.is_some() { "last_number" } else { "last_position" };
        // A page that ends behind the cursor may begin before it: the second condition serves the
        // index, the first says which do, so each page that is read has at least one event.
        let (behind, direction) = match requested.order {
            ListOrder::OldestFirst => (format!("{last} > $1"), ""),
            ListOrder::NewestFirst => {
                (format!("{last} - events + 1 < $1 AND {last} < $1 + {MAX_PAGE_EVENTS}"), " DESC")
            }
        };
        let start = match requested.order {
            ListOrder::OldestFirst => 0,
            ListOrder::NewestFirst => i64::MAX - MAX_PAGE_EVENTS as i64,
        };
        let owner = if enterprise_id.is_some() { "enterprise_id = $3 AND " } else { "" };
        let sql = format!(
            "SELECT {} FROM feed_page WHERE {owner}{behind} ORDER BY {last}{direction} LIMIT $2",
            columns::<FeedPage>()
        );
        let mut params = vec![requested.cursor.unwrap_or(start).into(), limit.into()];
        params.extend(enterprise_id.map(Into::into));
        let pages: Vec<FeedPage> = self.all(sql, params).await?;
        let mut events = Vec::new();
        for page in &pages {
            let mut of_page = numbered(page)?;
            if requested.order == ListOrder::NewestFirst {
                of_page.reverse();
            }
            events.extend(of_page.into_iter().filter(|it| {
                let key = if enterprise_id.is_some() { it.number } else { it.position };
                requested.cursor.is_none_or(|cursor| match requested.order {
                    ListOrder::OldestFirst => key > cursor,
                    ListOrder::NewestFirst => key < cursor,
                })
            }));
            if events.len() >= limit as usize {
                break;
            }
        }
        events.truncate(limit as usize);
        Ok(events)
    }

    /// The number of an enterprise's oldest event that is kept; None if none is.
    pub async fn oldest_event(
        &self,
        enterprise_id: EnterpriseId,
    ) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT last_number - events + 1 FROM feed_page WHERE enterprise_id = $1 \
            ORDER BY last_number LIMIT 1";
        self.one(sql, [enterprise_id.into()]).await
    }
}

/// The events of a page with their numbers.
fn numbered(page: &FeedPage) -> Result<Vec<NumberedEvent>, StoreError> {
    let events = unpack(page.enterprise_id, &page.body)?;
    let is_whole = i64::try_from(events.len()).is_ok_and(|count| count == page.events);
    if !is_whole {
        return Err(StoreError::Corrupt("feed_page.events"));
    }
    let (number, position) = (page.last_number - page.events, page.last_position - page.events);
    let with_numbers = (1..).zip(events).map(|(place, event)| NumberedEvent {
        position: position + place,
        number: number + place,
        event,
    });
    Ok(with_numbers.collect())
}
