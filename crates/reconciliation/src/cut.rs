//! Cuts a file: pages of rows become lines, lines become pieces, pieces go to the store. All three
//! run concurrently, with few pages and pieces waiting in between.

use crypto::Sha256;
use domain::{BusinessDay, Enterprise, EnterpriseId, SettlementFileType, Timestamp};
use schedule::LeaseLost;
use store::{CutOutcome, MAX_PIECE_BYTES, SettlementFile, Store, StoreError};
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::enterprises::EnterprisePages;
use super::rebuilt::{Page, RebuiltRows, Totals};

/// Seconds from the end of a day until its files are ready (cardbridge-open-api.md section 10).
const READY_AFTER_S: i64 = 2 * 60 * 60;
/// Seconds after its end in which a day may still receive rows that were on their way to the store.
const SETTLING_S: i64 = 60;
/// Pieces that wait to be written; this bounds memory.
const PIECES_WAITING: usize = 4;
/// Pages that wait to become lines.
const PAGES_WAITING: usize = 4;
/// Both files of a day.
pub(super) const FILE_TYPES: [SettlementFileType; 2] =
    [SettlementFileType::Authorisation, SettlementFileType::Transaction];

/// The time at which the files of a day are ready.
pub(super) const fn ready_at(day: BusinessDay) -> Timestamp {
    day.end().plus_seconds(READY_AFTER_S)
}

/// Why a file could not be cut.
#[derive(Debug, Clone, Error)]
pub enum CutError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another process has taken the day over.
    #[error(transparent)]
    LeaseLost(#[from] LeaseLost),
    /// The work was aborted.
    #[error("the cut of a reconciliation file broke off: {0}")]
    BrokenOff(String),
    /// A file of the day could not be cut; the log says why.
    #[error("a file of the day was not cut")]
    Failed,
    /// Authorisations of the day have no decision yet.
    #[error("authorisations of the day are undecided")]
    Undecided,
}

/// A file in force after its day was closed, perhaps again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedFile {
    /// The file.
    pub file: SettlementFile,
    /// True if it was already final and its rows would now make a different one.
    pub differs: bool,
}

/// A file that could not be cut; the log says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedFile {
    /// The enterprise whose file it is.
    pub enterprise_id: EnterpriseId,
    /// The type of the file.
    pub file_type: SettlementFileType,
}

/// The result for the files of a day, of one enterprise or of many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClosedDay {
    /// The files that were cut.
    pub files: Vec<ClosedFile>,
    /// The files that could not be cut.
    pub failed: Vec<FailedFile>,
}

impl ClosedDay {
    /// True if no file will change any more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.failed.is_empty() && self.files.iter().all(|closed| closed.file.is_final)
    }
}

/// Cuts, serves and verifies reconciliation files.
#[derive(Clone)]
pub struct SettlementFiles {
    pub(super) store: Store,
}

impl SettlementFiles {
    /// The files of this store.
    #[must_use]
    pub const fn new(store: Store) -> Self {
        Self { store }
    }

    /// Cuts both files of a day for every enterprise, up to the present if the day is not over. A
    /// final file stays as it is; if its rows would now make a different one, the log and `verify`
    /// report that. A file that cannot be cut does not keep the others back.
    ///
    /// # Errors
    /// The enterprises could not be read; files cut before that stay.
    pub async fn close_day(&self, day: BusinessDay) -> Result<ClosedDay, CutError> {
        let mut all = ClosedDay::default();
        let mut enterprises = EnterprisePages::new(self.store.clone());
        while let Some(enterprise_id) = enterprises.next().await? {
            let closed = self.close_for(enterprise_id, day).await;
            if closed.is_final()
                && let Err(error) = self.store.end_recut(enterprise_id, day).await
            {
                tracing::warn!(%enterprise_id, %day, %error, "final files are cut once more");
            }
            all.files.extend(closed.files);
            all.failed.extend(closed.failed);
        }
        Ok(all)
    }

    /// Cuts both files of a day for one enterprise.
    pub(super) async fn close_for(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
    ) -> ClosedDay {
        let mut closed = ClosedDay::default();
        for file_type in FILE_TYPES {
            match self.cut(enterprise_id, day, file_type).await {
                Ok(file) => closed.files.push(file),
                Err(error) => {
                    tracing::error!(%enterprise_id, %day, %file_type, %error,
                        "a reconciliation file was not cut");
                    closed.failed.push(FailedFile { enterprise_id, file_type });
                }
            }
        }
        closed
    }

    /// The file in force. If a day was over before its files were ready and nothing happened for
    /// the enterprise on it, its file is empty and is cut here.
    ///
    /// # Errors
    /// [`CutError`].
    pub async fn file(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
        file_type: SettlementFileType,
    ) -> Result<Option<SettlementFile>, CutError> {
        let file = self.store.find::<SettlementFile>((enterprise_id, day, file_type)).await?;
        if file.is_some() || !self.is_quiet(enterprise_id, day).await? {
            return Ok(file);
        }
        // A quiet day has nothing to read, and its caller waits.
        let cut = Cut::new(self.store.clone(), enterprise_id, day, file_type);
        Ok(Some(self.put_in_force(cut, Rows::WhereWritesGo).await?.file))
    }

    /// True if the files of a day are ready without having been cut: it is over and nothing
    /// happened on it.
    pub(super) async fn is_quiet(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
    ) -> Result<bool, StoreError> {
        if self.store.clock().now() < ready_at(day) {
            return Ok(false);
        }
        let enterprise = self.store.find::<Enterprise>(enterprise_id).await?;
        if enterprise.is_none_or(|it| it.created_at >= day.end()) {
            return Ok(false);
        }
        self.store.is_quiet_day(enterprise_id, day).await
    }

    /// True if no files of an enterprise are needed for a day that is over: nothing happened on it
    /// to the cards that draw on the deposit, and none was cut while it was open.
    pub(super) async fn is_nothing_to_cut(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
    ) -> Result<bool, StoreError> {
        for file_type in FILE_TYPES {
            if self.store.find::<SettlementFile>((enterprise_id, day, file_type)).await?.is_some() {
                return Ok(false);
            }
        }
        self.store.is_quiet_day(enterprise_id, day).await
    }

    /// Cuts one file and returns the one in force afterwards.
    ///
    /// # Errors
    /// [`CutError`].
    pub async fn cut(
        &self,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
        file_type: SettlementFileType,
    ) -> Result<ClosedFile, CutError> {
        let cut = Cut::new(self.store.clone(), enterprise_id, day, file_type);
        self.put_in_force(cut, Rows::Aside).await
    }

    async fn put_in_force(&self, cut: Cut, rows: Rows) -> Result<ClosedFile, CutError> {
        let (enterprise_id, day) = (cut.enterprise_id, cut.day);
        let (file_type, file_id) = (cut.file_type, cut.file_id);
        let file = match cut.run(rows).await {
            Ok(file) => file,
            Err(error) => {
                self.discard(enterprise_id, file_id).await;
                return Err(error);
            }
        };
        // After an error here the file may still be in force, so its pieces are left alone.
        let closed = match self.store.publish_settlement_file(file).await? {
            CutOutcome::Kept(file) => ClosedFile { file, differs: false },
            CutOutcome::Differs(file) => {
                tracing::error!(%enterprise_id, %day, %file_type,
                    "the rows of a closed day have changed; its file stays as it was");
                ClosedFile { file, differs: true }
            }
        };
        if closed.file.file_id != file_id {
            self.discard(enterprise_id, file_id).await;
        }
        Ok(closed)
    }

    /// Removes pieces that did not come into force. If that fails, the sweep of leftovers does it
    /// later.
    async fn discard(&self, enterprise_id: EnterpriseId, file_id: i64) {
        if let Err(error) = self.store.discard_settlement_pieces(enterprise_id, file_id).await {
            tracing::warn!(%enterprise_id, file_id, %error, "pieces of a file stay for hours");
        }
    }
}

/// Where the rows of a file are read.
#[derive(Clone, Copy)]
enum Rows {
    /// Aside, once that server has everything.
    Aside,
    /// Where writes go.
    WhereWritesGo,
}

/// A cut under way.
struct Cut {
    store: Store,
    enterprise_id: EnterpriseId,
    day: BusinessDay,
    file_type: SettlementFileType,
    file_id: i64,
}

/// The facts about a file once all its lines are made.
struct Made {
    totals: Totals,
    size_bytes: u64,
    sha256: [u8; 32],
}

impl Cut {
    fn new(
        store: Store,
        enterprise_id: EnterpriseId,
        day: BusinessDay,
        file_type: SettlementFileType,
    ) -> Self {
        let file_id = store.ids().next();
        Self { store, enterprise_id, day, file_type, file_id }
    }

    async fn run(self, rows: Rows) -> Result<SettlementFile, CutError> {
        let cut_at = self.store.clock().now();
        // Set before the first row is read: a row decided in between is in the file, and one that
        // is still undecided keeps the file from being final.
        let is_final = cut_at >= self.day.end().plus_seconds(SETTLING_S)
            && !self.store.has_undecided(self.enterprise_id, self.day).await?;
        let (pieces, waiting) = mpsc::channel(PIECES_WAITING);
        let reader = match rows {
            Rows::Aside => self.store.aside_with_all_until_now().await,
            Rows::WhereWritesGo => self.store.clone(),
        };
        let rows = RebuiltRows::new(reader, self.enterprise_id, self.day, self.file_type);
        let (pages, read) = mpsc::channel(PAGES_WAITING);
        // An embedded store is read on the calling thread, and making lines takes as long: threads
        // that may block keep a large file off the threads that answer requests.
        let runtime = Handle::current();
        let reading = tokio::task::spawn_blocking(move || runtime.block_on(read_all(rows, pages)));
        let making = tokio::task::spawn_blocking(move || make(read, &pieces));
        let written = self.write(waiting).await;
        let broken = |error: tokio::task::JoinError| CutError::BrokenOff(error.to_string());
        reading.await.map_err(broken)??;
        let made = making.await.map_err(broken)??;
        written?;
        Ok(SettlementFile {
            enterprise_id: self.enterprise_id,
            day: self.day,
            file_type: self.file_type,
            file_id: self.file_id,
            rows: made.totals.rows(),
            size_bytes: made.size_bytes,
            sha256: made.sha256,
            totals: made.totals.finish(),
            is_final,
            cut_at,
        })
    }

    async fn write(&self, mut waiting: mpsc::Receiver<Vec<u8>>) -> Result<(), StoreError> {
        let mut number = 0;
        while let Some(piece) = waiting.recv().await {
            if number == 0 {
                self.store.begin_settlement_file(self.enterprise_id, self.file_id).await?;
            }
            let (owner, file_id) = (self.enterprise_id, self.file_id);
            self.store.write_settlement_piece(owner, file_id, number, piece).await?;
            number += 1;
        }
        Ok(())
    }
}

/// Reads all pages. If nobody takes them any longer, it ends early; the error then comes from the
/// maker or the writer.
async fn read_all(mut rows: RebuiltRows, pages: mpsc::Sender<Page>) -> Result<(), StoreError> {
    while let Some(page) = rows.read_page().await? {
        if pages.send(page).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Makes all lines and passes them on in pieces, on a thread that may block. If nobody takes them
/// any longer, it ends early; the error then comes from the writer.
fn make(
    mut pages: mpsc::Receiver<Page>,
    pieces: &mpsc::Sender<Vec<u8>>,
) -> Result<Made, StoreError> {
    let (mut totals, mut hash, mut size_bytes) = (Totals::default(), Sha256::default(), 0_u64);
    let mut lines = Vec::with_capacity(2 * MAX_PIECE_BYTES);
    let mut is_more = true;
    while is_more {
        match pages.blocking_recv() {
            Some(page) => page.render(&mut lines, &mut totals)?,
            None => is_more = false,
        }
        while lines.len() >= MAX_PIECE_BYTES || (!is_more && !lines.is_empty()) {
            let rest = lines.split_off(lines.len().min(MAX_PIECE_BYTES));
            let piece = std::mem::replace(&mut lines, rest);
            hash.update(&piece);
            size_bytes += piece.len() as u64;
            if pieces.blocking_send(piece).is_err() {
                is_more = false;
                lines.clear();
            }
        }
    }
    Ok(Made { totals, size_bytes, sha256: hash.finish() })
}
