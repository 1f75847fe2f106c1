//! Lists of dialect 2: an app's transactions and its cards, page by page (vm-api.md section 9).

use domain::{
    AuthId, Authorisation, AuthorisationStatus, Card, CardStatus, Direction, EnterpriseId,
    HoldState, Timestamp, VelocityUse, VmAppId, VmCard, VmFunding,
};

use crate::engine::Value;
use crate::engine::with;
use crate::records::{Stored, columns_of};
use crate::{Store, StoreError};

/// The standing of a transaction as one text, equal to that of its [`VmStanding`].
const STANDING: &str = "it.direction || ' ' || it.status || ' ' || it.hold_state \
    || CASE WHEN it.posted_minor > 0 THEN ' posted' ELSE '' END";

/// The tables of the columns of a card's row.
pub(crate) const CARD_ROW_TABLES: &str = "vm_card it JOIN card \
    ON card.enterprise_id = it.enterprise_id AND card.card_id = it.card_id \
    LEFT JOIN ledger_account account ON account.enterprise_id = card.enterprise_id \
    AND account.currency = card.currency AND account.purpose = card.account_purpose \
    AND account.owner_id = card.account_owner_id \
    LEFT JOIN velocity_use used ON used.enterprise_id = card.enterprise_id \
    AND used.pan_id = card.pan_id";

/// Selects a page of an app's records, newest first.
#[derive(Debug, Clone)]
pub struct VmPage {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The app.
    pub vm_app_id: VmAppId,
    /// Only of this card, by its id on the wire.
    pub card_uuid: Option<String>,
    /// Only records made then or later.
    pub from: Option<Timestamp>,
    /// Only records made earlier.
    pub before: Option<Timestamp>,
    /// The number of rows before it.
    pub skipped_rows: u64,
    /// The number of rows on it.
    pub rows: u32,
}

/// Selects the transactions of a list, in addition to [`VmPage`].
#[derive(Debug, Clone)]
pub struct VmTransactionFilter {
    /// Only this one.
    pub auth_id: Option<AuthId>,
    /// Only transactions with one of these standings.
    pub standings: Option<Vec<VmStanding>>,
}

/// The standing of an authorisation, as far as the name of its transaction depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VmStanding {
    /// Away from the cardholder or towards it.
    pub direction: Direction,
    /// The decision.
    pub status: AuthorisationStatus,
    /// True if something was posted.
    pub is_posted: bool,
    /// The state of the hold.
    pub hold_state: HoldState,
}

impl VmStanding {
    /// All standings.
    pub fn all() -> impl Iterator<Item = Self> {
        let holds = HoldState::ALL
            .iter()
            .flat_map(|hold_state| [true, false].map(|is_posted| (*hold_state, is_posted)));
        holds.flat_map(|(hold_state, is_posted)| {
            AuthorisationStatus::ALL.iter().flat_map(move |status| {
                Direction::ALL.iter().map(move |direction| Self {
                    direction: *direction,
                    status: *status,
                    is_posted,
                    hold_state,
                })
            })
        })
    }

    /// The same text as [`STANDING`] makes.
    fn text(&self) -> String {
        let posted = if self.is_posted { " posted" } else { "" };
        format!("{} {} {}{posted}", self.direction, self.status, self.hold_state)
    }
}

/// Selects the cards of a list, in addition to [`VmPage`].
#[derive(Debug, Clone, Default)]
pub struct VmCardFilter {
    /// Only of this product.
    pub product_code: Option<String>,
    /// Only cards with this funding.
    pub funding: Option<VmFunding>,
}

/// A page with the number of all rows that match.
#[derive(Debug, Clone)]
pub struct VmRows<T> {
    /// The number of all rows that match.
    pub total: u64,
    /// The rows on the page.
    pub rows: Vec<T>,
}

/// A card in a list.
#[derive(Clone)]
pub struct VmCardRow {
    /// The card's data of dialect 2.
    pub vm_card: VmCard,
    /// The card.
    pub card: Card,
    /// The money available on its account, or for a credit-line card on its app's wallet, minor
    /// units.
    pub available_minor: i64,
    /// Its use of limits.
    pub used: VelocityUse,
}

impl Store {
    /// Transactions of an app, one for each authorisation, with the id on the wire of its card.
    pub async fn vm_transactions(
        &self,
        page: &VmPage,
        filter: &VmTransactionFilter,
    ) -> Result<VmRows<(Authorisation, String)>, StoreError> {
        let mut list = List::new(page);
        list.only("it.auth_id", filter.auth_id);
        if let Some(standings) = &filter.standings {
            list.among(STANDING, standings.iter().map(VmStanding::text));
        }
        list.columns = format!("{}, own.card_uuid", columns_of::<Authorisation>("it"));
        list.counted = "authorisation it";
        list.tables = "authorisation it JOIN vm_card own \
            ON own.enterprise_id = it.enterprise_id AND own.card_id = it.card_id";
        list.order = "it.created_at DESC, it.auth_id DESC";
        self.vm_rows(list).await
    }

    /// Cards of an app, with their use of limits in the current day and month at `offset_seconds`
    /// east of UTC. Deleted ones are left out unless one card is asked for.
    pub async fn vm_card_rows(
        &self,
        page: &VmPage,
        filter: &VmCardFilter,
        offset_seconds: i64,
    ) -> Result<VmRows<VmCardRow>, StoreError> {
        let mut list = List::new(page);
        list.only("it.product_code", filter.product_code.as_ref());
        list.only("it.funding", filter.funding.map(VmFunding::as_str));
        if page.card_uuid.is_none() {
            list.conditions.push(format!("card.status <> '{}'", CardStatus::Invalid.as_str()));
        }
        list.columns = card_row_columns();
        list.counted = "vm_card it JOIN card \
            ON card.enterprise_id = it.enterprise_id AND card.card_id = it.card_id";
        list.tables = CARD_ROW_TABLES;
        list.order = "it.created_at DESC, it.card_id DESC";
        let now = self.clock().now();
        let VmRows { total, rows } = self.vm_rows::<CardRow>(list).await?;
        let mut rows: Vec<_> = rows.into_iter().map(VmCardRow::from).collect();
        for row in &mut rows {
            row.used = row.used.at_offset(now, offset_seconds);
        }
        Ok(VmRows { total, rows })
    }

    /// A page with the number of all rows that match, both as of one moment.
    pub(super) async fn vm_rows<T: Stored>(&self, list: List) -> Result<VmRows<T>, StoreError> {
        self.read_snapshot(with(list, async |tx, list| {
            let total: Option<u64> = tx.one(&list.count_sql(), &list.params).await?;
            let mut params = list.params.clone();
            params.extend([list.rows.into(), list.skipped_rows.into()]);
            let rows = tx.all(&list.page_sql(), &params).await?;
            Ok(VmRows { total: total.unwrap_or(0), rows })
        }))
        .await
    }
}

/// A query being built.
#[derive(Clone)]
pub(super) struct List {
    pub(super) columns: String,
    /// The tables that the conditions are about.
    pub(super) counted: &'static str,
    /// These tables, joined with the others that the columns are from.
    pub(super) tables: &'static str,
    pub(super) order: &'static str,
    conditions: Vec<String>,
    params: Vec<Value>,
    rows: u32,
    skipped_rows: i64,
}

impl List {
    /// Lists an app's rows, `rows` after `skipped_rows`; `it` is the listed table.
    pub(super) fn of_app(
        enterprise_id: EnterpriseId,
        vm_app_id: VmAppId,
        skipped_rows: u64,
        rows: u32,
    ) -> Self {
        let mut list = Self {
            columns: String::new(),
            counted: "",
            tables: "",
            order: "",
            conditions: Vec::new(),
            params: Vec::new(),
            rows,
            skipped_rows: i64::try_from(skipped_rows).unwrap_or(i64::MAX),
        };
        list.only("it.enterprise_id", Some(enterprise_id));
        list.only("it.vm_app_id", Some(vm_app_id));
        list
    }

    fn new(page: &VmPage) -> Self {
        let VmPage { enterprise_id, vm_app_id, skipped_rows, rows, .. } = *page;
        let mut list = Self::of_app(enterprise_id, vm_app_id, skipped_rows, rows);
        if let Some(card_uuid) = &page.card_uuid {
            // Its id comes first, so the index on it leads to its rows.
            list.params.push(card_uuid.into());
            list.conditions.push(format!(
                "it.card_id = (SELECT card_id FROM vm_card_uuid \
                 WHERE enterprise_id = $1 AND card_uuid = ${})",
                list.params.len()
            ));
        }
        list.compare("it.created_at", ">=", page.from);
        list.compare("it.created_at", "<", page.before);
        list
    }

    pub(super) fn only(&mut self, expression: &str, value: Option<impl Into<Value>>) {
        self.compare(expression, "=", value);
    }

    fn compare(&mut self, expression: &str, operator: &str, value: Option<impl Into<Value>>) {
        let Some(value) = value else { return };
        self.params.push(value.into());
        self.conditions.push(format!("{expression} {operator} ${}", self.params.len()));
    }

    /// Only rows with one of these texts, which are all our own and have no quotes.
    fn among(&mut self, expression: &str, texts: impl Iterator<Item = String>) {
        let texts: Vec<_> = texts.map(|text| format!("'{text}'")).collect();
        self.conditions.push(match texts.is_empty() {
            true => "1 = 0".to_owned(),
            false => format!("{expression} IN ({})", texts.join(", ")),
        });
    }

    fn count_sql(&self) -> String {
        format!("SELECT COUNT(*) FROM {} WHERE {}", self.counted, self.conditions.join(" AND "))
    }

    fn page_sql(&self) -> String {
        let given = self.params.len();
        format!(
            "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT ${} OFFSET ${}",
            self.columns,
            self.tables,
            self.conditions.join(" AND "),
            self.order,
            given + 1,
            given + 2
        )
    }
}

/// A card's row as it is read; a missing account or use is None.
pub(crate) type CardRow = (VmCard, Card, Option<i64>, Option<VelocityUse>);

/// The columns of a [`CardRow`].
pub(crate) fn card_row_columns() -> String {
    format!(
        "{}, {}, account.available_minor, {}",
        columns_of::<VmCard>("it"),
        columns_of::<Card>("card"),
        columns_of::<VelocityUse>("used")
    )
}

impl From<CardRow> for VmCardRow {
    fn from((vm_card, card, available_minor, used): CardRow) -> Self {
        let available_minor = available_minor.unwrap_or(0);
        Self { vm_card, card, available_minor, used: used.unwrap_or_default() }
    }
}
