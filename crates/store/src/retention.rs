//! Retention: authorisations at rest are read for an export, and deleted once they are in one.
//!
//! An authorisation is at rest at the end of a month if its whole bill is decided, holds nothing,
//! has not moved since, and all its webhooks came to their end. With it go its transfers, postings,
//! webhooks with their attempts, its receipt and the identities of its messages. What its transfers
//! and its use of limits came to is carried forward, so that every balance can still be derived.
//! Transfers of no authorisation stay: they are the memory of their references.

mod at_rest;
mod exported_files;
mod forget;
mod job;

pub use at_rest::{AtRest, AtRestPage, ExportedRows};
pub use exported_files::{ExportState, ExportedFile};
pub use forget::Forgotten;
pub(crate) use forget::{CarriedForward, retained_from};
