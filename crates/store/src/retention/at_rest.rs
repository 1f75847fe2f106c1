//! Authorisations at rest, with all rows that are theirs.

use domain::{AuthId, EnterpriseId, Timestamp};
use openssl::sha::Sha256;

use crate::engine::{Row, Tx, Value, with};
use crate::packing::WEBHOOKS;
use crate::receipts::{KEPT, KEPT_IN, text_of};
use crate::records::read_row;
use crate::{Store, StoreError};

/// The most authorisations that one statement names; texts with fewer repeat the last.
pub(super) const MAX_NAMED: usize = 50;
/// Authorisations that one page looks at.
const LOOKED_AT: i64 = 500;

/// The rows of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedRows {
    /// The table.
    pub table: &'static str,
    /// Its columns.
    pub columns: &'static [&'static str],
    /// Its rows, in order of their keys.
    pub rows: Vec<Vec<Value>>,
}

/// An authorisation at rest with its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtRest {
    /// The owner.
    pub enterprise_id: EnterpriseId,
    /// The authorisation.
    pub auth_id: AuthId,
    /// The rows of each table, that of the authorisation first.
    pub tables: Vec<ExportedRows>,
}

/// A page of authorisations at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtRestPage {
    /// Those at rest.
    pub found: Vec<AtRest>,
    /// Where the next page begins; None at the end.
    pub next: Option<(Timestamp, AuthId)>,
}

impl AtRest {
    /// SHA-256 of all its values: it changes with each of them.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for ExportedRows { table, rows, .. } in &self.tables {
            digest.update(table.as_bytes());
            digest.update(&(rows.len() as u64).to_be_bytes());
            for value in rows.iter().flatten() {
                add(&mut digest, value);
            }
        }
        digest.finish()
    }
}

fn add(digest: &mut Sha256, value: &Value) {
    let mut sized = |kind: u8, bytes: &[u8]| {
        digest.update(&[kind]);
        digest.update(&(bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    };
    match value {
        Value::Null => sized(0, &[]),
        Value::Int(number) => sized(1, &number.to_be_bytes()),
        Value::Text(text) => sized(2, text.as_bytes()),
        Value::Bytes(bytes) => sized(3, bytes),
    }
}

/// A table with rows of authorisations.
struct Table {
    name: &'static str,
    /// What to read, with its condition on the owner.
    from: &'static str,
    /// The column that names the authorisation.
    auth_id: &'static str,
    columns: &'static [&'static str],
    order: &'static str,
}

const RECEIPT_COLUMNS: usize = 3;

/// The table of webhooks, and the place of the body among its exported columns.
const WEBHOOK: &str = "webhook";
const BODY_PLACE: usize = 5;

/// The tables in the order of an export. The columns of the first are followed by the receipt.
const TABLES: [Table; 5] = [
    Table {
        name: "authorisation",
        from: KEPT_IN,
        auth_id: "a.auth_id",
        columns: &[
            "enterprise_id",
            "auth_id",
            "card_id",
            "customer_id",
            "outs_id",
            "original_auth_id",
            "direction",
            "auth_type",
            "transaction_type",
            "amount_minor",
            "currency",
            "acquirer_amount_minor",
            "acquirer_currency",
            "fx_rate",
            "merchant_id",
            "merchant_name",
            "merchant_city",
            "merchant_country",
            "mcc",
            "stan",
            "rrn",
            "status",
            "response_code",
            "reject_reason",
            "detail",
            "auth_code",
            "hold_state",
            "hold_remaining_minor",
            "hold_expires_at",
            "posted_minor",
            "cleared_acquirer_minor",
            "reversed_acquirer_minor",
            "created_at",
            "decided_at",
            "velocity_pan_id",
            "velocity_day",
            "velocity_minor",
            "account_purpose",
            "account_owner_id",
            "vm_app_id",
            "late_answer",
            "receipt",
        ],
        order: "a.auth_id",
    },
    Table {
        name: "ledger_transfer",
        from: "ledger_transfer a",
        auth_id: "a.auth_id",
        columns: &[
            "transfer_id",
            "account_id",
            "kind",
            "from_bucket",
            "to_bucket",
            "amount_minor",
            "currency",
            "reference",
            "created_at",
        ],
        order: "a.transfer_id",
    },
    Table {
        name: "posting",
        from: "posting a",
        auth_id: "a.auth_id",
        columns: &[
            "transaction_id",
            "outs_id",
            "card_id",
            "customer_id",
            "direction",
            "amount_minor",
            "currency",
            "acquirer_amount_minor",
            "acquirer_currency",
            "merchant_id",
            "merchant_name",
            "merchant_city",
            "merchant_country",
            "mcc",
            "authorised_at",
            "posted_at",
        ],
        order: "a.transaction_id",
    },
    Table {
        name: WEBHOOK,
        from: "webhook a",
        auth_id: "a.business_id",
        columns: &[
            "webhook_id",
            "webhook_type",
            "sub_type",
            "vm_app_id",
            "seq",
            "body",
            "created_at",
            "status",
            "tries",
        ],
        order: "a.webhook_id",
    },
    Table {
        name: "webhook_attempt",
        from: "webhook w JOIN webhook_attempt a \
            ON a.enterprise_id = w.enterprise_id AND a.webhook_id = w.webhook_id",
        auth_id: "w.business_id",
        columns: &[
            "webhook_id",
            "attempt",
            "attempted_at",
            "status",
            "latency_ms",
            "excerpt",
            "refusal",
        ],
        order: "a.webhook_id, a.attempt",
    },
];

/// `$2, $3, ...`, for [`named`].
pub(super) fn places() -> String {
    (2..MAX_NAMED + 2).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}

/// The parameters of a statement about authorisations of an enterprise: `$1` is the owner, the ids
/// are those of [`places`].
pub(super) fn named(enterprise_id: EnterpriseId, ids: &[AuthId]) -> Vec<Value> {
    let padding = ids.last().copied().unwrap_or(AuthId::from_i64(0));
    let ids = ids.iter().copied().chain(std::iter::repeat(padding)).take(MAX_NAMED);
    std::iter::once(enterprise_id.into()).chain(ids.map(Into::into)).collect()
}

/// True for an authorisation `a` that is at rest at the moment `$1`.
pub(super) const IS_AT_REST: &str = "a.created_at < $1 AND a.decided_at < $1 \
    AND a.status <> 'PENDING' AND a.hold_state <> 'PENDING' \
    AND NOT EXISTS (SELECT 1 FROM authorisation m WHERE m.outs_id = a.outs_id \
        AND m.enterprise_id = a.enterprise_id \
        AND (m.created_at >= $1 OR m.status = 'PENDING' OR m.hold_state = 'PENDING')) \
    AND NOT EXISTS (SELECT 1 FROM posting p WHERE p.outs_id = a.outs_id \
        AND p.enterprise_id = a.enterprise_id AND p.posted_at >= $1) \
    AND NOT EXISTS (SELECT 1 FROM ledger_transfer t WHERE t.enterprise_id = a.enterprise_id \
        AND t.auth_id = a.auth_id AND t.created_at >= $1) \
    AND NOT EXISTS (SELECT 1 FROM webhook w WHERE w.business_id = a.auth_id \
        AND w.enterprise_id = a.enterprise_id AND w.status = 'PENDING') \
    AND a.auth_id NOT IN (SELECT j.subject_id FROM job j WHERE j.kind = 'ADVICE_TELLING')";

impl Store {
    /// Authorisations of an enterprise that are at rest at `before`, in order of arrival, after the
    /// one given. A page looks at a limited number, so it may be empty and not the last.
    pub async fn at_rest(
        &self,
        enterprise_id: EnterpriseId,
        before: Timestamp,
        after: Option<(Timestamp, AuthId)>,
    ) -> Result<AtRestPage, StoreError> {
        let after = after.unwrap_or((Timestamp::from_micros(i64::MIN), AuthId::from_i64(i64::MIN)));
        let request = (enterprise_id, before, after);
        self.read_snapshot(with(request, async |tx, (enterprise_id, before, after)| {
            page(tx, *enterprise_id, *before, *after).await
        }))
        .await
    }
}

async fn page(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    before: Timestamp,
    (moment, auth_id): (Timestamp, AuthId),
) -> Result<AtRestPage, StoreError> {
    let sql = format!(
        "SELECT a.created_at, a.auth_id, CASE WHEN {IS_AT_REST} THEN 1 ELSE 0 END \
         FROM authorisation a WHERE a.enterprise_id = $2 AND a.created_at < $1 \
         AND (a.created_at, a.auth_id) > ($3, $4) ORDER BY a.created_at, a.auth_id LIMIT $5"
    );
    let params =
        [before.into(), enterprise_id.into(), moment.into(), auth_id.into(), LOOKED_AT.into()];
    let seen: Vec<(Timestamp, AuthId, bool)> = tx.all(&sql, &params).await?;
    let is_last = i64::try_from(seen.len()).unwrap_or(i64::MAX) < LOOKED_AT;
    let next = seen.last().filter(|_| !is_last).map(|(moment, auth_id, _)| (*moment, *auth_id));
    let ids: Vec<_> = seen.iter().filter(|(.., is)| *is).map(|(_, auth_id, _)| *auth_id).collect();
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MAX_NAMED) {
        found.extend(rows_of(tx, enterprise_id, ids).await?);
    }
    Ok(AtRestPage { found, next })
}

/// Authorisations with all their rows, at most [`MAX_NAMED`].
pub(super) async fn rows_of(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    ids: &[AuthId],
) -> Result<Vec<AtRest>, StoreError> {
    let params = named(enterprise_id, ids);
    let empty = |auth_id: &AuthId| AtRest {
        enterprise_id,
        auth_id: *auth_id,
        tables: TABLES
            .iter()
            .map(|it| ExportedRows { table: it.name, columns: it.columns, rows: Vec::new() })
            .collect(),
    };
    let mut found: Vec<AtRest> = ids.iter().map(empty).collect();
    for (place, table) in TABLES.iter().enumerate() {
        for mut row in tx.query(&text(table), &params).await? {
            if place == 0 {
                unpack_receipt(&mut row)?;
            }
            if table.name == WEBHOOK {
                unpack_body(&mut row)?;
            }
            let values = row.0.split_off(1);
            let auth_id: AuthId = read_row(&row)?;
            let owner = found.iter_mut().find(|it| it.auth_id == auth_id);
            let owner = owner.ok_or(StoreError::Corrupt("a row of an authorisation"))?;
            owner.tables[place].rows.push(values);
        }
    }
    found.retain(|it| !it.tables[0].rows.is_empty());
    Ok(found)
}

/// Reads the authorisation's id and then the columns.
fn text(table: &Table) -> String {
    let Table { name, from, auth_id, columns, order } = table;
    let is_first = *name == TABLES[0].name;
    let columns = if is_first { &columns[..columns.len() - 1] } else { columns };
    let mut read: Vec<_> = columns.iter().map(|column| format!("a.{column}")).collect();
    read.extend(is_first.then(|| KEPT.to_owned()));
    read.extend((*name == WEBHOOK).then(|| "a.packed".to_owned()));
    let owner = if auth_id.starts_with("w.") { "w" } else { "a" };
    format!(
        "SELECT {auth_id}, {} FROM {from} WHERE {owner}.enterprise_id = $1 \
         AND {auth_id} IN ({}) ORDER BY {order}",
        read.join(", "),
        places()
    )
}

/// Puts the body of a webhook in the place of the column that it has if it is not packed. The row
/// begins with the authorisation's id and ends with the packed body.
fn unpack_body(row: &mut Row) -> Result<(), StoreError> {
    let packed = row.0.pop();
    let Some(Value::Bytes(packed)) = packed else { return Ok(()) };
    let body = row.0.get_mut(1 + BODY_PLACE).ok_or_else(|| WEBHOOKS.corrupt())?;
    *body = WEBHOOKS.unpack(&packed)?.into();
    Ok(())
}

/// Puts the text of the receipt in the place of the columns in which it may stand.
fn unpack_receipt(row: &mut Row) -> Result<(), StoreError> {
    let kept = row.0.len().saturating_sub(RECEIPT_COLUMNS);
    let kept = Row(row.0.split_off(kept));
    row.0.push(text_of(read_row(&kept)?)?.into());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns that an export leaves out, because another says the same or they hold no fact.
    const LEFT_OUT: [(&str, &[&str]); 5] = [
        ("authorisation", &["key_retired", "by_older"]),
        ("ledger_transfer", &["enterprise_id", "auth_id"]),
        ("posting", &["enterprise_id", "auth_id"]),
        (
            "webhook",
            &[
                "enterprise_id",
                "business_id",
                "next_attempt_at",
                "leased_until",
                "is_first",
                "packed",
            ],
        ),
        ("webhook_attempt", &["enterprise_id"]),
    ];

    #[test]
    fn every_column_is_exported_or_left_out_on_purpose() {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        crate::migrations::migrate_sqlite(&mut connection).unwrap();
        for (table, (name, left_out)) in TABLES.iter().zip(LEFT_OUT) {
            assert_eq!(table.name, name);
            let sql = format!("SELECT name FROM pragma_table_info('{name}')");
            let mut statement = connection.prepare(&sql).unwrap();
            let columns = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            let mut columns: Vec<_> = columns.map(Result::unwrap).collect();
            let mut known: Vec<_> = table.columns.iter().chain(left_out).copied().collect();
            columns.sort();
            known.sort_unstable();
            assert_eq!(columns, known, "{name}");
        }
    }

    #[test]
    fn a_digest_changes_with_every_value() {
        let row = |values: [Value; 2]| AtRest {
            enterprise_id: EnterpriseId::from_i64(1),
            auth_id: AuthId::from_i64(2),
            tables: vec![ExportedRows { table: "t", columns: &[], rows: vec![values.to_vec()] }],
        };
        let digests = [
            row([Value::Null, Value::Null]),
            row([Value::Null, 0.into()]),
            row([0.into(), Value::Null]),
            row(["ab".into(), "c".into()]),
            row(["a".into(), "bc".into()]),
        ]
        .map(|it| it.digest());
        for (place, digest) in digests.iter().enumerate() {
            assert!(!digests[..place].contains(digest));
        }
    }
}
