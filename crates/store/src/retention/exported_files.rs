//! The files of an export, and how far each has come.

use domain::BusinessDay;

use crate::records::{record, select, sql};
use crate::{Store, StoreError};

domain::text_enum! {
    /// How far an exported file has come.
    ExportState {
        /// It is written and was read again. Nothing of it is deleted.
        Written = "WRITTEN",
        /// Its authorisations are being deleted.
        Deleting = "DELETING",
        /// They are deleted, except those that changed meanwhile.
        Deleted = "DELETED",
    }
}

/// A file of exported authorisations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedFile {
    /// The first day of the month by whose end they were at rest.
    pub month: BusinessDay,
    /// Its number within the month, from 1.
    pub part: u32,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Its size.
    pub size_bytes: u64,
    /// The number of authorisations, one a line.
    pub authorisations: u64,
    /// How far it has come.
    pub state: ExportState,
}

record! {
    ExportedFile in "exported_file" key (month, part) fixed (sha256, size_bytes, authorisations) {
        month,
        part,
        sha256,
        size_bytes,
        authorisations,
        state,
    }
}

impl Store {
    /// The files of a month, in order.
    pub async fn exported_files(
        &self,
        month: BusinessDay,
    ) -> Result<Vec<ExportedFile>, StoreError> {
        let sql = sql!("{} WHERE month = $1 ORDER BY part", select::<ExportedFile>());
        self.all(sql, [month.as_i64().into()]).await
    }

    /// Records a file that was written and read again.
    pub async fn add_exported_file(&self, file: ExportedFile) -> Result<(), StoreError> {
        self.insert(file).await
    }

    /// Forgets a file of which nothing was deleted: it is written again.
    pub async fn drop_exported_file(&self, file: &ExportedFile) -> Result<(), StoreError> {
        let sql = "DELETE FROM exported_file WHERE month = $1 AND part = $2 AND state = 'WRITTEN'";
        let params = [file.month.as_i64().into(), file.part.into()];
        self.execute(sql, params).await.map(drop)
    }

    /// Notes that all of a file that may be deleted is deleted.
    pub async fn end_exported_file(&self, file: &ExportedFile) -> Result<(), StoreError> {
        let sql = "UPDATE exported_file SET state = 'DELETED' WHERE month = $1 AND part = $2";
        let params = [file.month.as_i64().into(), file.part.into()];
        self.execute(sql, params).await.map(drop)
    }
}
