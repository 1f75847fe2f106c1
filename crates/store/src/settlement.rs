//! Reconciliation files: the rows of a day, the files cut from them, the links to them.
//!
//! A file is stored in pieces, so every process on a server can hand it out and no process holds
//! all of it. Its pieces are written first, under their own id, and then one commit changes the
//! file's record to them: a reader sees one version or the other.

mod evidence;
mod files;
mod job;
mod links;
mod rows;

pub use evidence::LedgerGap;
pub use files::{ControlTotal, CutOutcome, SettlementFile};
pub use job::FirstSettlementRow;
pub use links::SettlementLink;

/// Most bytes of one piece of a file.
pub const MAX_PIECE_BYTES: usize = 1024 * 1024;
