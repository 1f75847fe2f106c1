//! The lines of a stored file, read piece by piece.

use std::collections::VecDeque;

use crypto::Sha256;
use store::{SettlementFile, Store, StoreError};

/// Longest line that is read; a longer one is not a row.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// Reads a file's lines in order and hashes its bytes.
pub(super) struct StoredLines {
    store: Store,
    file: SettlementFile,
    next_piece: i64,
    unfinished: Vec<u8>,
    lines: VecDeque<String>,
    hash: Sha256,
}

impl StoredLines {
    pub(super) fn new(store: Store, file: SettlementFile) -> Self {
        Self {
            store,
            file,
            next_piece: 0,
            unfinished: Vec::new(),
            lines: VecDeque::new(),
            hash: Sha256::default(),
        }
    }

    /// The next line without its LF; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<String>, StoreError> {
        while self.lines.is_empty() {
            let (owner, file_id) = (self.file.enterprise_id, self.file.file_id);
            let piece = self.store.settlement_piece(owner, file_id, self.next_piece).await?;
            let Some(piece) = piece else {
                let rest = std::mem::take(&mut self.unfinished);
                return Ok((!rest.is_empty()).then(|| text(&rest)));
            };
            self.next_piece += 1;
            self.take(&piece);
        }
        Ok(self.lines.pop_front())
    }

    /// True if the bytes that were read match the stored hash.
    pub(super) fn ends_intact(self) -> bool {
        self.hash.finish() == self.file.sha256
    }

    fn take(&mut self, piece: &[u8]) {
        self.hash.update(piece);
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.unfinished.extend(part);
            let is_whole = self.unfinished.ends_with(b"\n");
            if is_whole || self.unfinished.len() > MAX_LINE_BYTES {
                let line = std::mem::take(&mut self.unfinished);
                self.lines.push_back(text(line.strip_suffix(b"\n").unwrap_or(&line)));
            }
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
