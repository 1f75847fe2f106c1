//! Every enterprise, page by page: there may be more than fit in memory.

use std::collections::VecDeque;

use domain::EnterpriseId;
use store::{Store, StoreError};

/// Enterprises read at a time.
const ENTERPRISES_PER_PAGE: u32 = 500;

/// Reads the ids of all enterprises, in order.
pub(super) struct EnterprisePages {
    store: Store,
    last: Option<EnterpriseId>,
    page: VecDeque<EnterpriseId>,
}

impl EnterprisePages {
    pub(super) const fn new(store: Store) -> Self {
        Self { store, last: None, page: VecDeque::new() }
    }

    /// The next one; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<EnterpriseId>, StoreError> {
        if self.page.is_empty() {
            self.page = self.store.enterprise_ids(self.last, ENTERPRISES_PER_PAGE).await?.into();
            self.last = self.page.back().copied().or(self.last);
        }
        Ok(self.page.pop_front())
    }
}
