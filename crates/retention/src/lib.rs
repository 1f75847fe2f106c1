//! Retention: each month, what came to rest longer ago than it is to be kept is written to files of
//! an export, and deleted once these were read again.
//!
//! A leased job goes from month to month. A month's files stand in a directory of its name: parts
//! of lines of JSON, one for each authorisation with all that is its own, packed with zstd, and a
//! manifest with their SHA-256. The store says what is at rest (`store/src/retention.rs`), and
//! deletes only what is still exactly as a file has it. A break at any moment is harmless: a file
//! that was not recorded is written again, and one whose deletion began is gone through again.

mod bucket;
mod error;
mod export;
mod line;
mod local_file;
mod month;
mod part;
mod worker;

pub use bucket::ExportBucket;
pub use error::RetentionError;
pub use export::Export;
pub use worker::RetentionWorker;
