//! The result of comparing files with the ledger.

use domain::{BusinessDay, EnterpriseId, SettlementFileType};
use store::ControlTotal;

/// Most differences that a report explains for one file; further ones are only counted.
pub const MAX_DIFFERENCES: usize = 1_000;

/// One difference between a file and what the ledger says it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The day is not closed: there is no file.
    NoFile,
    /// The comparison was aborted; the log says why.
    NotCompared,
    /// The ledger has a row that the file lacks.
    MissingRow {
        /// The row's id.
        row_id: String,
    },
    /// The file has a row that the ledger lacks.
    ExtraRow {
        /// The row's id.
        row_id: String,
    },
    /// A row has another value.
    Field {
        /// The row's id.
        row_id: String,
        /// The column.
        column: &'static str,
        /// The value in the file.
        in_file: String,
        /// The value according to the ledger.
        in_ledger: String,
    },
    /// A line of the file is not a row.
    Unreadable {
        /// Counted from 1.
        line: u64,
    },
    /// A stored control total of the file differs from that of the ledger's rows.
    Total {
        /// `rows`, `sizeBytes`, or currency and direction.
        what: String,
        /// The value stored with the file.
        in_file: String,
        /// The value according to the ledger.
        in_ledger: String,
    },
    /// The file's bytes do not match the hash stored with it.
    Bytes,
    /// The ledger contradicts itself: the sum of the transfers differs from that of the rows.
    Ledger {
        /// The authorisation.
        auth_id: String,
        /// Sum of the rows, minor units.
        rows_minor: i64,
        /// Sum of the transfers, minor units.
        transfers_minor: i64,
    },
}

/// The comparison of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    /// The enterprise whose file it is.
    pub enterprise_id: EnterpriseId,
    /// The type of the file.
    pub file_type: SettlementFileType,
    /// Number of rows that there should be according to the ledger.
    pub rows: u64,
    /// Their control totals.
    pub totals: Vec<ControlTotal>,
    /// Total number of differences.
    pub difference_count: u64,
    /// The first differences.
    pub differences: Vec<Difference>,
}

impl FileReport {
    /// An empty report.
    pub(super) const fn new(enterprise_id: EnterpriseId, file_type: SettlementFileType) -> Self {
        Self {
            enterprise_id,
            file_type,
            rows: 0,
            totals: Vec::new(),
            difference_count: 0,
            differences: Vec::new(),
        }
    }

    /// Counts a difference, and keeps it while there is room.
    pub(super) fn note(&mut self, difference: Difference) {
        self.difference_count += 1;
        if self.differences.len() < MAX_DIFFERENCES {
            self.differences.push(difference);
        }
    }
}

/// The comparison of all files of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// The day.
    pub day: BusinessDay,
    /// Each file.
    pub files: Vec<FileReport>,
}

impl VerifyReport {
    /// True if nothing differs.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.files.iter().all(|file| file.difference_count == 0)
    }
}
