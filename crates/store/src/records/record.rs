//! Records: each is declared once, and all SQL about it is made from its declaration.

use super::{Stored, values_of};
use crate::engine::Value;

/// A row of a table, or some columns of it.
pub trait Record: Stored {
    /// The table.
    const TABLE: &'static str;
    /// The columns in the order they are read and written, each as `table.column`.
    const COLUMNS: &'static [&'static str];
    /// The columns that find a row.
    const KEY: &'static [&'static str];
    /// The columns, besides the key, that an update leaves as they are.
    const FIXED: &'static [&'static str];

    /// The texts of its statements, made at the first call.
    fn texts() -> &'static Texts;
}

/// Declares the layout of a record in its table. A field is stored in the column of its name, or in
/// those named behind it; `of` inserts the columns of another record of the table, `via` names a
/// module whose `read` and `write` replace those of the field's type. `key` names the columns that
/// find a row, `fixed` those that an update leaves as they are.
///
/// ```ignore
/// record! {
///     Card in "card" key (enterprise_id, card_id) {
///         enterprise_id,
///         card_id,
///         status,
///         account: [account_purpose, account_owner_id],
///     }
/// }
/// ```
macro_rules! record {
    ($record:ident in $table:literal key ($($key:ident),*) $(fixed ($($fixed:ident),+))? {
        $($field:ident $(: [$($column:ident),+])? $(of $part:ident)? $(via $via:ident)?),+ $(,)?
    }) => {
        impl $crate::records::Stored for $record {
            const WIDTH: usize = <Self as $crate::records::Record>::COLUMNS.len();

            fn read(
                fields: &mut $crate::records::Fields<'_>,
            ) -> Result<Self, $crate::StoreError> {
                Ok(Self { $($field: {
                    fields.named($crate::records::record!(
                        @columns $table $field $([$($column),+])? $(of $part)?
                    ));
                    $crate::records::record!(@read fields $($via)?)?
                }),+ })
            }

            fn write(&self, values: &mut Vec<$crate::engine::Value>) {
                $($crate::records::record!(@write self.$field, values $($via)?);)+
            }
        }

        impl $crate::records::Record for $record {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [&'static str] = {
                const GROUPS: &[&[&str]] = &[$($crate::records::record!(
                    @columns $table $field $([$($column),+])? $(of $part)?
                )),+];
                &$crate::records::joined::<{ $crate::records::width(GROUPS) }>(GROUPS)
            };

            const KEY: &'static [&'static str] = &[$(stringify!($key)),*];
            const FIXED: &'static [&'static str] = &[$($(stringify!($fixed)),+)?];

            fn texts() -> &'static $crate::records::Texts {
                static TEXTS: std::sync::LazyLock<$crate::records::Texts> =
                    std::sync::LazyLock::new($crate::records::Texts::of::<$record>);
                &TEXTS
            }
        }
    };
    (@columns $table:literal $field:ident) => { &[concat!($table, ".", stringify!($field))] };
    (@columns $table:literal $field:ident [$($column:ident),+]) => {
        &[$(concat!($table, ".", stringify!($column))),+]
    };
    (@columns $table:literal $field:ident of $part:ident) => {
        <$part as $crate::records::Record>::COLUMNS
    };
    (@read $fields:ident) => { $fields.read() };
    (@read $fields:ident $via:ident) => { $via::read($fields) };
    (@write $field:expr, $values:ident) => { $crate::records::Stored::write(&$field, $values) };
    (@write $field:expr, $values:ident $via:ident) => { $via::write(&$field, $values) };
}
pub(crate) use record;

/// The number of columns of all groups together.
pub(crate) const fn width(groups: &[&[&str]]) -> usize {
    let (mut width, mut group) = (0, 0);
    while group < groups.len() {
        width += groups[group].len();
        group += 1;
    }
    width
}

/// The columns of groups, one group after another; `N` is their [`width`].
pub(crate) const fn joined<const N: usize>(groups: &[&[&'static str]]) -> [&'static str; N] {
    let (mut all, mut next, mut group) = ([""; N], 0, 0);
    while group < groups.len() {
        let mut column = 0;
        while column < groups[group].len() {
            all[next] = groups[group][column];
            next += 1;
            column += 1;
        }
        group += 1;
    }
    all
}

/// The columns of a record, without their table.
pub(super) fn names<R: Record>() -> impl Iterator<Item = &'static str> {
    R::COLUMNS.iter().map(|column| column.split_once('.').map_or(*column, |(_, name)| name))
}

/// The columns of a record as they stand in SQL.
pub(crate) fn columns<R: Record>() -> &'static str {
    &R::texts().columns
}

/// The columns of a record whose table has this name in the statement.
pub(crate) fn columns_of<R: Record>(table: &str) -> String {
    listed(names::<R>().map(|column| format!("{table}.{column}")))
}

/// The beginning of a query for records, without its conditions.
pub(crate) fn select<R: Record>() -> &'static str {
    &R::texts().select
}

/// The text of a statement, as in `format!`, made at the first call: both engines recognise a
/// prepared statement by its text.
///
/// ```ignore
/// sql!("{} WHERE enterprise_id = $1 ORDER BY card_id", select::<Card>())
/// ```
macro_rules! sql {
    ($($text:tt)+) => {{
        static SQL: std::sync::LazyLock<String> =
            std::sync::LazyLock::new(|| format!($($text)+));
        SQL.as_str()
    }};
}
pub(crate) use sql;

/// The most rows of one INSERT, as a power of two.
const MAX_INSERT_POWER: u32 = 5;

/// The texts of a record's statements.
pub struct Texts {
    columns: String,
    select: String,
    /// Inserts of one row, two, four and so on.
    inserts: Vec<String>,
    /// Reads the row of a key, whose columns are the parameters.
    pub(crate) by_key: String,
    /// The same, and locks it until the commit.
    pub(crate) by_key_locked: String,
    /// Reads a row by the last column of its key alone: an id identifies one row, whoever owns it.
    pub(crate) of_anyone: String,
    /// Updates a row; the parameters are [`update_values`].
    pub(crate) update: String,
    /// Inserts a row, or updates the one that has its key.
    pub(crate) put: String,
    /// The columns that are the parameters of an update, by their positions in the record.
    updated: Vec<usize>,
}

impl Texts {
    pub(crate) fn of<R: Record>() -> Self {
        let columns = listed(names::<R>());
        let select = format!("SELECT {columns} FROM {}", R::TABLE);
        let by_key = format!("{select} WHERE {}", conditions(R::KEY.iter().copied()));
        let insert = |power: u32| insert_text(R::TABLE, &columns, R::WIDTH, 1 << power);
        let replaced = changing::<R>().map(|column| format!("{column} = excluded.{column}"));
        Self {
            inserts: (0..=MAX_INSERT_POWER).map(insert).collect(),
            by_key_locked: format!("{by_key} FOR UPDATE"),
            by_key,
            of_anyone: format!("{select} WHERE {}", conditions(R::KEY.last().copied().into_iter())),
            update: update_text::<R>(&[]),
            put: format!(
                "{} ON CONFLICT ({}) DO UPDATE SET {}",
                insert(0),
                R::KEY.join(", "),
                listed(replaced)
            ),
            updated: R::KEY.iter().copied().chain(changing::<R>()).filter_map(place::<R>).collect(),
            columns,
            select,
        }
    }

    /// The INSERT of the most rows up to `rows` and `most`, and their number. Powers of two keep
    /// the number of different statements, and so of plans, small.
    pub(crate) fn insert(&self, rows: usize, most: usize) -> (&str, usize) {
        let power = rows.min(most).max(1).ilog2().min(MAX_INSERT_POWER);
        (&self.inserts[power as usize], 1 << power)
    }
}

/// The columns of a record that an update changes.
fn changing<R: Record>() -> impl Iterator<Item = &'static str> {
    names::<R>().filter(|column| !R::KEY.contains(column) && !R::FIXED.contains(column))
}

/// An UPDATE of a record and of `more` columns, each given as `column = $?`. The parameters are
/// [`update_values`] and then those of `more`.
pub(crate) fn update_text<R: Record>(more: &[&str]) -> String {
    let keys = R::KEY.iter().copied();
    let next = R::KEY.len() + 1;
    let assigned = changing::<R>().map(|column| format!("{column} = $?"));
    let assigned = assigned.chain(more.iter().map(|&it| it.to_owned()));
    let assigned = assigned.zip(next..).map(|(it, place)| it.replace("$?", &format!("${place}")));
    format!("UPDATE {} SET {} WHERE {}", R::TABLE, listed(assigned), conditions(keys))
}

/// The values for an [`update_text`] of a record that contains its key: the key's, then those of
/// the columns that change.
pub(crate) fn update_values<R: Record>(record: &R) -> Vec<Value> {
    let mut values = values_of(record);
    let taken = |place: &usize| std::mem::replace(&mut values[*place], Value::Null);
    R::texts().updated.iter().map(taken).collect()
}

/// The position of a column in a record; None if it is a key that the record does not contain.
fn place<R: Record>(column: &str) -> Option<usize> {
    names::<R>().position(|name| name == column)
}

fn conditions(columns: impl Iterator<Item = &'static str>) -> String {
    let equal: Vec<_> = columns.zip(1..).map(|(it, place)| format!("{it} = ${place}")).collect();
    equal.join(" AND ")
}

fn listed<T: AsRef<str>>(parts: impl Iterator<Item = T>) -> String {
    let mut list = String::new();
    for part in parts {
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(part.as_ref());
    }
    list
}

/// An INSERT of `rows` rows of `width` values each.
pub(crate) fn insert_text(table: &str, columns: &str, width: usize, rows: usize) -> String {
    let row = |row: usize| {
        let places = (1..=width).map(|column| format!("${}", row * width + column));
        format!("({})", listed(places))
    };
    format!("INSERT INTO {table} ({columns}) VALUES {}", listed((0..rows).map(row)))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Keyed {
        a: i64,
        b: i64,
        c: i64,
        d: i64,
    }

    record! {
        Keyed in "t" key (a, b) { a, b, c, d }
    }

    struct Fixed {
        a: i64,
        b: i64,
        c: i64,
    }

    record! {
        Fixed in "t" key (a) fixed (b) { a, b, c: [d] }
    }

    #[test]
    fn an_insert_numbers_parameters_row_by_row() {
        let sql = "INSERT INTO t (a, b, d) VALUES ($1, $2, $3), ($4, $5, $6)";
        assert_eq!(Fixed::texts().insert(3, 32), (sql, 2));
        assert_eq!(Fixed::texts().insert(3, 1).1, 1);
        let sql = insert_text("t", "a, b", 2, 2);
        assert_eq!(sql, "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)");
    }

    #[test]
    fn an_update_changes_every_column_but_the_keys() {
        let sql = update_text::<Keyed>(&[]);
        assert_eq!(sql, "UPDATE t SET c = $3, d = $4 WHERE a = $1 AND b = $2");
    }

    #[test]
    fn an_update_leaves_what_is_fixed_and_takes_more() {
        let pair = Fixed { a: 1, b: 2, c: 3 };
        let sql = update_text::<Fixed>(&["e = COALESCE($?, e)"]);
        assert_eq!(sql, "UPDATE t SET d = $2, e = COALESCE($3, e) WHERE a = $1");
        assert_eq!(update_values(&pair), [Value::Int(1), Value::Int(3)]);
    }
}
