//! The layout of records in their tables.
//!
//! `tables.rs` declares each record of the domain once; a record that only one file stores is
//! declared in that file. [`Stored`] describes how a type is stored in columns, and [`Record`]
//! gives the texts of a record's statements. `found.rs` names the records that callers read by key.

mod found;
mod record;
mod stored;
mod tables;
#[cfg(test)]
mod tests;
mod values;
mod velocity;

pub use found::{Found, OwnedKey, Referenced};
pub(crate) use record::{
    Record, Texts, columns, columns_of, insert_text, joined, record, select, sql, update_text,
    update_values, width,
};
pub(crate) use stored::{Fields, Stored, read_row, values_of};
pub(crate) use values::groups;
pub(crate) use velocity::{Counted, PanUse};

/// Stands for "no app" in a column: the webhook goes to the enterprise.
pub(crate) const NO_APP: i64 = 0;

/// A column that holds [`NO_APP`] for None.
pub(crate) mod none_as_zero {
    use domain::VmAppId;

    use super::{Fields, NO_APP, Stored};
    use crate::StoreError;
    use crate::engine::Value;

    pub(crate) fn read(fields: &mut Fields<'_>) -> Result<Option<VmAppId>, StoreError> {
        Ok(Some(fields.read()?).filter(|id: &VmAppId| id.as_i64() != NO_APP))
    }

    pub(crate) fn write(app: &Option<VmAppId>, values: &mut Vec<Value>) {
        app.unwrap_or(VmAppId::from_i64(NO_APP)).write(values);
    }
}

/// The columns of a webhook's body: as it is in the first, or packed in the second.
pub(crate) mod packed_or_plain {
    use super::Fields;
    use crate::StoreError;
    use crate::engine::Value;
    use crate::packing::WEBHOOKS;

    pub(crate) fn read(fields: &mut Fields<'_>) -> Result<Vec<u8>, StoreError> {
        let plain: Option<Vec<u8>> = fields.read()?;
        let packed: Option<Vec<u8>> = fields.read()?;
        packed.map_or_else(
            || plain.ok_or_else(|| WEBHOOKS.corrupt()),
            |packed| WEBHOOKS.unpack(&packed),
        )
    }

    pub(crate) fn write(body: &[u8], values: &mut Vec<Value>) {
        let packed = (!body.is_empty()).then(|| WEBHOOKS.pack(body));
        let plain = packed.is_none().then(Vec::new);
        values.extend([plain.into(), packed.into()]);
    }
}
