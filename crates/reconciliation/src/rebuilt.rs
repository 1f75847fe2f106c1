//! A day's rows as they are in the store now, line by line.

use std::collections::BTreeMap;

use domain::{AuthorisationRow, BusinessDay, EnterpriseId, Money, Posting, SettlementFileType};
use store::{ControlTotal, Store, StoreError};
use wire::cardbridge::settlement::{push_authorisation, push_transaction};

/// Reads the rows of a file page by page.
pub(super) struct RebuiltRows {
    store: Store,
    enterprise_id: EnterpriseId,
    day: BusinessDay,
    position: Position,
}

/// The last row read.
enum Position {
    Authorisations(Option<AuthorisationRow>),
    Transactions(Option<Posting>),
}

impl RebuiltRows {
    pub(super) const fn new(
        store: Store,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
        file_type: SettlementFileType,
    ) -> Self {
        let position = match file_type {
            SettlementFileType::Authorisation => Position::Authorisations(None),
            SettlementFileType::Transaction => Position::Transactions(None),
        };
        Self { store, enterprise_id, day, position }
    }

    /// Appends the lines of the next page and counts them into `totals`; false at the end.
    pub(super) async fn next_page(
        &mut self,
        lines: &mut Vec<u8>,
        totals: &mut Totals,
    ) -> Result<bool, StoreError> {
        let Some(page) = self.read_page().await? else { return Ok(false) };
        page.render(lines, totals).map(|()| true)
    }

    /// The next page; `None` at the end.
    pub(super) async fn read_page(&mut self) -> Result<Option<Page>, StoreError> {
        let (owner, day) = (self.enterprise_id, self.day);
        match &mut self.position {
            Position::Authorisations(last) => {
                let page = self.store.authorisations_of_day(owner, day, last.as_ref()).await?;
                let Some(end) = page.last().cloned() else { return Ok(None) };
                *last = Some(end);
                Ok(Some(Page::Authorisations(page)))
            }
            Position::Transactions(last) => {
                let page = self.store.postings_of_day(owner, day, last.as_ref()).await?;
                let Some(end) = page.last().cloned() else { return Ok(None) };
                *last = Some(end);
                Ok(Some(Page::Transactions(page)))
            }
        }
    }
}

/// Rows that were read together.
pub(super) enum Page {
    Authorisations(Vec<AuthorisationRow>),
    Transactions(Vec<Posting>),
}

impl Page {
    /// Appends the lines of the rows and counts them into `totals`.
    pub(super) fn render(
        &self,
        lines: &mut Vec<u8>,
        totals: &mut Totals,
    ) -> Result<(), StoreError> {
        match self {
            Self::Authorisations(rows) => rows.iter().try_for_each(|it| {
                push_authorisation(lines, it);
                totals.count(it.amount, it.direction)
            }),
            Self::Transactions(rows) => rows.iter().try_for_each(|it| {
                push_transaction(lines, it);
                totals.count(it.amount, it.direction)
            }),
        }
    }
}

/// The control totals of a file: over all its rows, including declined ones, so anybody who has
/// only the file computes the same.
#[derive(Default)]
pub(super) struct Totals {
    by_kind: BTreeMap<(domain::Currency, &'static str), ControlTotal>,
}

impl Totals {
    fn count(&mut self, amount: Money, direction: domain::Direction) -> Result<(), StoreError> {
        let currency = amount.currency();
        let total = self.by_kind.entry((currency, direction.as_str())).or_insert(ControlTotal {
            currency,
            direction,
            rows: 0,
            amount_minor: 0,
        });
        total.rows += 1;
        total.amount_minor = total
            .amount_minor
            .checked_add(amount.amount_minor())
            .ok_or(StoreError::Corrupt("the amounts of a day, which are beyond all range"))?;
        Ok(())
    }

    pub(super) fn rows(&self) -> u64 {
        self.by_kind.values().map(|total| total.rows).sum()
    }

    /// Sorted by currency, then direction.
    pub(super) fn finish(self) -> Vec<ControlTotal> {
        self.by_kind.into_values().collect()
    }
}
