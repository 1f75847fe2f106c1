//! One month: exported, then deleted.

use std::path::PathBuf;

use domain::{AuthId, BusinessDay, EnterpriseId, Timestamp};
use serde::Serialize;
use store::{AtRestPage, ExportState, ExportedFile, Forgotten, Store};

use crate::error::RetentionError;
use crate::export::{Export, draft_name};
use crate::line::line;
use crate::local_file::{beside, write_whole};
use crate::part::{Draft, Facts, Reading, changed};

/// The most authorisations of one file.
const MAX_PART_AUTHORISATIONS: u64 = 50_000;
/// The file that says what a month has.
const MANIFEST: &str = "manifest.json";
/// Lines that are read before their authorisations are deleted.
const LINES_AT_ONCE: usize = 500;
/// Enterprises read at a time.
const ENTERPRISES_PER_PAGE: u32 = 500;

/// Exports months and deletes what is exported.
#[derive(Clone)]
pub(crate) struct Months {
    pub(crate) store: Store,
    pub(crate) export: Export,
}

/// The manifest of a month.
#[derive(Serialize)]
struct Manifest {
    /// The first day of the month in UTC+8, `yyyyMMdd`.
    month: String,
    files: Vec<ManifestFile>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ManifestFile {
    name: String,
    sha256: String,
    size_bytes: u64,
    authorisations: u64,
}

const fn facts_of(file: &ExportedFile) -> Facts {
    Facts { sha256: file.sha256, size_bytes: file.size_bytes, lines: file.authorisations }
}

/// The end of a month, by its first day.
pub(crate) fn end_of(month: BusinessDay) -> Timestamp {
    month.start().utc8_month_start_after(1)
}

impl Months {
    /// Writes what was at rest by the end of a month to files and deletes it. What was begun before
    /// is continued.
    pub(crate) async fn export_and_delete(&self, month: BusinessDay) -> Result<(), RetentionError> {
        // Those that an attempt left which broke off.
        self.export.forget_copies().await?;
        for file in self.store.exported_files(month).await? {
            self.go_on(&file).await?;
        }
        while let Some(file) = self.write_part(month).await? {
            if self.delete(&file).await? == 0 {
                return Err(RetentionError::NothingDeleted);
            }
        }
        self.write_manifest(month).await
    }

    /// Continues with a file that an earlier attempt left.
    async fn go_on(&self, file: &ExportedFile) -> Result<(), RetentionError> {
        if file.state == ExportState::Deleted {
            return Ok(());
        }
        let fetched = match self.fetch(file).await {
            // Nothing of it is deleted: it is written again.
            Err(RetentionError::Missing { .. }) if file.state == ExportState::Written => {
                return Ok(self.store.drop_exported_file(file).await?);
            }
            fetched => fetched?,
        };
        let of_reading = fetched.clone();
        let read = beside(move || Reading::open(&of_reading)?.rest()).await;
        match (read, file.state) {
            (Ok(read), _) if read == facts_of(file) => self.delete(file).await.map(drop),
            (_, ExportState::Written) => Ok(self.store.drop_exported_file(file).await?),
            (Err(error @ RetentionError::File { .. }), _) => Err(error),
            _ => Err(changed(&fetched)),
        }
    }

    /// Gets a file that is recorded.
    async fn fetch(&self, file: &ExportedFile) -> Result<PathBuf, RetentionError> {
        self.export.fetch(file.month, &self.export.part_name(file.part, &file.sha256)).await
    }

    /// Fails unless a file is still where it is kept.
    async fn require_kept(&self, file: &ExportedFile) -> Result<(), RetentionError> {
        let path = self.fetch(file).await?;
        let of_reading = path.clone();
        let read = beside(move || Reading::open(&of_reading)?.rest()).await?;
        if read == facts_of(file) { Ok(()) } else { Err(changed(&path)) }
    }

    /// Writes and records the next file of a month; None if nothing is at rest.
    async fn write_part(&self, month: BusinessDay) -> Result<Option<ExportedFile>, RetentionError> {
        let last = self.store.exported_files(month).await?.last().map_or(0, |file| file.part);
        let part = last.saturating_add(1);
        let path = self.export.month(month).join(draft_name(part));
        let mut writing = Writing { draft: None, path, count: 0 };
        let mut after = None;
        loop {
            let enterprises = self.store.enterprise_ids(after, ENTERPRISES_PER_PAGE).await?;
            let Some(last) = enterprises.last() else { break };
            after = Some(*last);
            for enterprise_id in enterprises {
                writing = self.write_enterprise(writing, enterprise_id, month).await?;
            }
        }
        let Some(draft) = writing.draft else { return Ok(None) };
        let Facts { sha256, size_bytes, lines } = beside(move || draft.finish()).await?;
        let state = ExportState::Written;
        let file = ExportedFile { month, part, sha256, size_bytes, authorisations: lines, state };
        let name = self.export.part_name(part, &sha256);
        self.export.publish(month, &draft_name(part), &name).await?;
        self.require_kept(&file).await?;
        self.store.add_exported_file(file.clone()).await?;
        tracing::info!(%month, part, authorisations = lines, size_bytes, "exported");
        Ok(Some(file))
    }

    async fn write_enterprise(
        &self,
        mut writing: Writing,
        enterprise_id: EnterpriseId,
        month: BusinessDay,
    ) -> Result<Writing, RetentionError> {
        let mut after = None;
        while writing.count < MAX_PART_AUTHORISATIONS {
            let page = self.store.aside().at_rest(enterprise_id, end_of(month), after).await?;
            after = page.next;
            writing = beside(move || writing.add(&page)).await?;
            if after.is_none() {
                break;
            }
        }
        Ok(writing)
    }

    /// Deletes what a file has, and says how many authorisations that were.
    async fn delete(&self, file: &ExportedFile) -> Result<usize, RetentionError> {
        let before = end_of(file.month);
        self.store.begin_forgetting(file, before).await?;
        let name = self.export.part_name(file.part, &file.sha256);
        let path = self.export.month(file.month).join(name);
        let mut reading = beside(move || Reading::open(&path)).await?;
        let mut deleted = 0;
        loop {
            let (again, lines) = beside(move || read_some(reading)).await?;
            reading = again;
            if lines.is_empty() {
                break;
            }
            for (enterprise_id, exported) in lines {
                let forgotten = Forgotten { enterprise_id, exported, before };
                deleted += self.store.forget(forgotten).await?;
            }
        }
        self.store.end_exported_file(file).await?;
        tracing::info!(month = %file.month, part = file.part, deleted, "exported and deleted");
        Ok(deleted)
    }

    async fn write_manifest(&self, month: BusinessDay) -> Result<(), RetentionError> {
        let files = self.store.exported_files(month).await?;
        if files.is_empty() {
            return Ok(());
        }
        if self.export.has_copies() {
            // A part may have been exported to another place before.
            for file in &files {
                self.require_kept(file).await?;
            }
        }
        let files = files.iter().map(|file| ManifestFile {
            name: self.export.part_name(file.part, &file.sha256),
            sha256: hex::encode(file.sha256),
            size_bytes: file.size_bytes,
            authorisations: file.authorisations,
        });
        let manifest = Manifest { month: month.to_string(), files: files.collect() };
        let text = serde_json::to_string_pretty(&manifest).expect("texts and numbers are JSON");
        let path = self.export.month(month).join(MANIFEST);
        beside(move || {
            let written = std::fs::create_dir_all(path.parent().unwrap_or(&path))
                .and_then(|()| write_whole(&path, format!("{text}\n").as_bytes()));
            written.map_err(|error| RetentionError::file(&path, error))
        })
        .await?;
        self.export.publish(month, MANIFEST, MANIFEST).await?;
        self.export.forget_copies().await
    }
}

/// A file that is made once there is something to write.
struct Writing {
    draft: Option<Draft>,
    path: std::path::PathBuf,
    count: u64,
}

impl Writing {
    fn add(mut self, page: &AtRestPage) -> Result<Self, RetentionError> {
        for it in &page.found {
            let draft = match self.draft.take() {
                Some(draft) => draft,
                None => Draft::create(self.path.clone())?,
            };
            self.draft.insert(draft).write(&line(it))?;
            self.count += 1;
        }
        Ok(self)
    }
}

/// Lines of one enterprise after another.
type Lines = Vec<(EnterpriseId, Vec<(AuthId, [u8; 32])>)>;

fn read_some(mut reading: Reading) -> Result<(Reading, Lines), RetentionError> {
    let mut lines: Lines = Vec::new();
    for _ in 0..LINES_AT_ONCE {
        let Some(it) = reading.next()? else { break };
        match lines.last_mut().filter(|(owner, _)| *owner == it.enterprise_id) {
            Some((_, exported)) => exported.push((it.auth_id, it.digest)),
            None => lines.push((it.enterprise_id, vec![(it.auth_id, it.digest)])),
        }
    }
    Ok((reading, lines))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use testkit::database::Database;

    use super::*;

    const MONTH: BusinessDay = BusinessDay::from_i64(20_000);

    /// A file of one line about an authorisation that is not there.
    fn written(export: &Export) -> ExportedFile {
        let mut draft = Draft::create(export.month(MONTH).join(draft_name(1))).unwrap();
        let digest = "ab".repeat(32);
        let line = format!(r#"{{"enterpriseId":"1","authId":"2","digest":"{digest}"}}"#);
        draft.write(&line).unwrap();
        let Facts { sha256, size_bytes, lines } = draft.finish().unwrap();
        let state = ExportState::Written;
        ExportedFile { month: MONTH, part: 1, sha256, size_bytes, authorisations: lines, state }
    }

    /// What an attempt leaves that broke off after it recorded a file, or after its deletion began,
    /// with the file as it was, changed or gone.
    async fn is_continued(database: Database) {
        type Damage = fn(&std::path::Path);
        let whole: Damage = |_| {};
        let changed: Damage = |path| std::fs::write(path, b"else").unwrap();
        let gone: Damage = |path| std::fs::remove_file(path).unwrap();
        for (is_deleting, damage, left) in [
            (false, whole, Some(ExportState::Deleted)),
            (true, whole, Some(ExportState::Deleted)),
            (false, changed, None),
            (false, gone, None),
            (true, changed, Some(ExportState::Deleting)),
            (true, gone, Some(ExportState::Deleting)),
        ] {
            let own = database.another().await;
            let directory = tempfile::tempdir().unwrap();
            let export = Export::to(directory.path().to_owned());
            let months = Months { store: own.open().await, export };
            let file = written(&months.export);
            months.store.add_exported_file(file.clone()).await.unwrap();
            if is_deleting {
                months.store.begin_forgetting(&file, end_of(MONTH)).await.unwrap();
            }
            damage(&months.export.month(MONTH).join(draft_name(1)));
            let is_lost = left == Some(ExportState::Deleting);
            assert_eq!(months.export_and_delete(MONTH).await.is_err(), is_lost);
            let files = months.store.exported_files(MONTH).await.unwrap();
            assert_eq!(files.first().map(|file| file.state), left);
            let manifest = months.export.month(MONTH).join("manifest.json");
            assert_eq!(manifest.exists(), left == Some(ExportState::Deleted));
            months.store.close().await;
            own.drop().await;
        }
        database.drop().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_broke_off_is_continued_on_an_embedded_store() {
        is_continued(Database::embedded()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_broke_off_is_continued_on_a_server() {
        is_continued(Database::on_server().await).await;
    }
}
