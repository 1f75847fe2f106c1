//! The bodies of requests, of all three APIs. A table of fields ([`Table`]) says what a body holds.
//! One reader ([`Body`]) reads by the table, as forgivingly or strictly as the API's [`Policy`]
//! says, and one function ([`Table::schema`]) describes it, so reading and description cannot
//! differ.

mod body;
mod schema;
mod table;

pub(crate) use body::checked;
pub use body::{Body, Fault, Policy};
pub use table::{Field, Kind, MAX_LONG_TEXT_CHARS, MAX_TEXT_CHARS, Table};

/// The field of a table with this name, found while the program is compiled: a misspelt name, or
/// one of another table, does not compile.
///
/// ```
/// use wire::{field, vm::card::CARD_FIELDS};
/// assert_eq!(field!(CARD_FIELDS, "card_id").name, "card_id");
/// ```
///
/// ```compile_fail
/// use wire::{field, vm::card::CARD_FIELDS};
/// field!(CARD_FIELDS, "crad_id");
/// ```
#[macro_export]
macro_rules! field {
    ($table:expr, $name:literal) => {
        const { $table.field($name) }
    };
}
