//! `recon verify`: compares the rows rebuilt from the ledger with those of the stored file.
//!
//! Both are read in step. A row that one side has earlier than the other waits under its id until
//! it appears there; what still waits at the end is missing or extra. Memory therefore grows with
//! the differences, not with the file.

use std::collections::BTreeMap;

use domain::{BusinessDay, Enterprise, EnterpriseId, SettlementFileType};
use store::{ControlTotal, SettlementFile, StoreError};
use tokio::runtime::Handle;
use wire::cardbridge::settlement::{columns, fields};

use super::cut::{CutError, FILE_TYPES, SettlementFiles};
use super::difference::{Difference, FileReport, VerifyReport};
use super::enterprises::EnterprisePages;
use super::rebuilt::{RebuiltRows, Totals};
use super::stored::StoredLines;

/// Most rows that wait for the other side; beyond that the comparison is given up.
const MAX_WAITING: usize = 100_000;

impl SettlementFiles {
    /// Compares each file of a day with the ledger.
    ///
    /// # Errors
    /// [`CutError`].
    pub async fn verify(&self, day: BusinessDay) -> Result<VerifyReport, CutError> {
        let mut files = Vec::new();
        let mut enterprises = EnterprisePages::new(self.store.clone());
        while let Some(enterprise_id) = enterprises.next().await? {
            for file_type in FILE_TYPES {
                files.push(self.verify_beside(enterprise_id, day, file_type).await);
            }
        }
        Ok(VerifyReport { day, files })
    }

    /// Compares one file, off the threads that answer requests: like a cut, it may read a large
    /// file of an embedded store. If it fails, that is a difference, and the other files are still
    /// compared.
    async fn verify_beside(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
        file_type: SettlementFileType,
    ) -> FileReport {
        let (this, runtime) = (self.clone(), Handle::current());
        let comparing = tokio::task::spawn_blocking(move || {
            runtime.block_on(this.verify_file(enterprise_id, day, file_type))
        });
        let error = match comparing.await {
            Ok(Ok(report)) => return report,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::error!(%enterprise_id, %day, %file_type, error, "a comparison broke off");
        let mut report = FileReport::new(enterprise_id, file_type);
        report.note(Difference::NotCompared);
        report
    }

    async fn verify_file(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
        file_type: SettlementFileType,
    ) -> Result<FileReport, StoreError> {
        let mut report = FileReport::new(enterprise_id, file_type);
        for gap in self.store.ledger_gaps(enterprise_id, day, file_type).await? {
            report.note(Difference::Ledger {
                auth_id: gap.auth_id.to_string(),
                rows_minor: gap.rows_minor,
                transfers_minor: gap.transfers_minor,
            });
        }
        let Some(file) = self.store.find::<SettlementFile>((enterprise_id, day, file_type)).await?
        else {
            let enterprise = self.store.find::<Enterprise>(enterprise_id).await?;
            let was_there = enterprise.is_none_or(|it| it.created_at < day.end());
            if was_there && !self.is_quiet(enterprise_id, day).await? {
                report.note(Difference::NoFile);
            }
            return Ok(report);
        };
        let rebuilt = RebuiltRows::new(self.store.clone(), enterprise_id, day, file_type);
        let stored = StoredLines::new(self.store.clone(), file.clone());
        let (totals, size_bytes) = compare_rows(rebuilt, stored, &mut report).await?;
        report.rows = totals.rows();
        report.totals = totals.finish();
        compare_totals(&file, size_bytes, &mut report);
        Ok(report)
    }
}

/// Compares row by row; returns the control totals and size of the rebuilt rows.
async fn compare_rows(
    mut rebuilt: RebuiltRows,
    mut stored: StoredLines,
    report: &mut FileReport,
) -> Result<(Totals, u64), StoreError> {
    let mut sides = Sides::new(report.file_type);
    let (mut totals, mut size_bytes, mut line) = (Totals::default(), 0_u64, 0);
    let mut page = Vec::new();
    while rebuilt.next_page(&mut page, &mut totals).await? {
        size_bytes += page.len() as u64;
        for expected in String::from_utf8_lossy(&page).lines() {
            if let Some(found) = stored.next().await? {
                line += 1;
                sides.in_file(&found, line, report)?;
            }
            sides.in_ledger(expected, report)?;
        }
        page.clear();
    }
    while let Some(found) = stored.next().await? {
        line += 1;
        sides.in_file(&found, line, report)?;
    }
    sides.finish(report);
    if !stored.ends_intact() {
        report.note(Difference::Bytes);
    }
    Ok((totals, size_bytes))
}

fn compare_totals(file: &SettlementFile, size_bytes: u64, report: &mut FileReport) {
    let mut notes = vec![
        ("sizeBytes".to_owned(), file.size_bytes.to_string(), size_bytes.to_string()),
        ("rows".to_owned(), file.rows.to_string(), report.rows.to_string()),
    ];
    let name = |it: &ControlTotal| format!("{} {}", it.currency, it.direction);
    let value = |it: &ControlTotal| {
        let sum = domain::Money::new(it.amount_minor, it.currency).to_major();
        format!("{} in {} rows", sum, it.rows)
    };
    let mut kept: BTreeMap<String, String> =
        file.totals.iter().map(|total| (name(total), value(total))).collect();
    for total in &report.totals {
        let in_file = kept.remove(&name(total)).unwrap_or_else(|| "nothing".to_owned());
        notes.push((name(total), in_file, value(total)));
    }
    notes.extend(kept.into_iter().map(|(what, in_file)| (what, in_file, "nothing".to_owned())));
    for (what, in_file, in_ledger) in notes.into_iter().filter(|(_, one, other)| one != other) {
        report.note(Difference::Total { what, in_file, in_ledger });
    }
}

/// Rows that one side has had and the other has not had yet, by id.
struct Sides {
    columns: &'static [&'static str],
    /// With its line number, counted from 1.
    only_in_file: BTreeMap<String, (u64, String)>,
    only_in_ledger: BTreeMap<String, String>,
}

impl Sides {
    const fn new(file_type: SettlementFileType) -> Self {
        Self {
            columns: columns(file_type),
            only_in_file: BTreeMap::new(),
            only_in_ledger: BTreeMap::new(),
        }
    }

    fn in_file(
        &mut self,
        found: &str,
        line: u64,
        report: &mut FileReport,
    ) -> Result<(), StoreError> {
        let row = fields(found).filter(|row| row.len() == self.columns.len());
        let Some(row_id) = row.map(|row| row[0].to_owned()) else {
            report.note(Difference::Unreadable { line });
            return Ok(());
        };
        match self.only_in_ledger.remove(&row_id) {
            Some(expected) => compare_fields(self.columns, (line, found), &expected, report),
            // A second row with the same id replaces the first, which is then one too many.
            None => {
                if self.only_in_file.insert(row_id.clone(), (line, found.to_owned())).is_some() {
                    report.note(Difference::ExtraRow { row_id });
                }
            }
        }
        self.check_room()
    }

    fn in_ledger(&mut self, expected: &str, report: &mut FileReport) -> Result<(), StoreError> {
        let row_id = expected.split('>').next().unwrap_or_default();
        match self.only_in_file.remove(row_id) {
            Some((line, found)) => {
                compare_fields(self.columns, (line, &found), expected, report);
            }
            None => {
                self.only_in_ledger.insert(row_id.to_owned(), expected.to_owned());
            }
        }
        self.check_room()
    }

    fn check_room(&self) -> Result<(), StoreError> {
        if self.only_in_file.len() + self.only_in_ledger.len() > MAX_WAITING {
            return Err(StoreError::Corrupt("a reconciliation file: hardly a row agrees"));
        }
        Ok(())
    }

    fn finish(self, report: &mut FileReport) {
        for row_id in self.only_in_ledger.into_keys() {
            report.note(Difference::MissingRow { row_id });
        }
        for row_id in self.only_in_file.into_keys() {
            report.note(Difference::ExtraRow { row_id });
        }
    }
}

fn compare_fields(
    columns: &'static [&'static str],
    (line, found): (u64, &str),
    expected: &str,
    report: &mut FileReport,
) {
    if found == expected {
        return;
    }
    let split = |row| fields(row).filter(|row| row.len() == columns.len());
    let (Some(in_file), Some(in_ledger)) = (split(found), split(expected)) else {
        report.note(Difference::Unreadable { line });
        return;
    };
    let row_id = in_ledger[0].to_owned();
    for ((column, one), other) in columns.iter().zip(in_file).zip(in_ledger) {
        if one != other {
            report.note(Difference::Field {
                row_id: row_id.clone(),
                column,
                in_file: one.to_owned(),
                in_ledger: other.to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_cannot_be_split_is_reported_by_its_line() {
        let file_type = SettlementFileType::Transaction;
        let whole = ">".repeat(columns(file_type).len());
        for (found, expected) in [("7>open", &*whole), (&*whole, "7>open"), (&*whole, "7>short>")] {
            let mut report = FileReport::new(EnterpriseId::from_i64(1), file_type);
            compare_fields(columns(file_type), (3, found), expected, &mut report);
            assert_eq!(report.differences, [Difference::Unreadable { line: 3 }]);
        }
    }
}
