//! Reconciliation files (cardbridge-open-api.md section 10): cut from the rows of a day
//! in constant memory, cut each night by a leased job, and compared with the ledger.

mod cut;
mod difference;
mod enterprises;
mod rebuilt;
mod recut;
mod stored;
mod verify;
mod worker;

pub use cut::{ClosedDay, ClosedFile, CutError, FailedFile, SettlementFiles};
pub use difference::{Difference, FileReport, VerifyReport};
pub use recut::recut_worker;
pub use worker::SettlementWorker;
