//! Files, their pieces, and left-over versions.

use domain::{BusinessDay, Currency, Direction, EnterpriseId, SettlementFileType, Timestamp};

use crate::engine::{Tx, Value, with};
use crate::records::{Fields, Stored, record};
use crate::{Store, StoreError};

/// The time for which a version that is not in force is kept, in milliseconds of real time: longer
/// than a cut or a download takes.
const LEFTOVER_MS: i64 = 6 * 60 * 60 * 1_000;
/// The most left-over versions that one sweep takes up.
const SWEEP_FILES: i64 = 100;
/// Pieces that one commit deletes.
const SWEEP_PIECES: i64 = 16;

/// The total of the rows of one currency and direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlTotal {
    /// Billing currency.
    pub currency: Currency,
    /// Direction.
    pub direction: Direction,
    /// The number of rows.
    pub rows: u64,
    /// The sum of their amounts, minor units.
    pub amount_minor: i64,
}

/// A reconciliation file without its pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlementFile {
    /// Owner.
    pub enterprise_id: EnterpriseId,
    /// The day.
    pub day: BusinessDay,
    /// Its type.
    pub file_type: SettlementFileType,
    /// The id of its pieces, a new one for each cut.
    pub file_id: i64,
    /// The number of rows.
    pub rows: u64,
    /// The number of bytes.
    pub size_bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// Control totals, by currency and direction.
    pub totals: Vec<ControlTotal>,
    /// True if its day was over and everything was decided when it was cut: it will not change.
    pub is_final: bool,
    /// The moment of the cut (business time).
    pub cut_at: Timestamp,
}

/// The result of a cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CutOutcome {
    /// The file in force: this one, an earlier one with the same bytes, or a final one, which a cut
    /// that is not final does not replace.
    Kept(SettlementFile),
    /// The final file in force has other bytes than this final cut, and stays as it is.
    Differs(SettlementFile),
}

impl Store {
    /// Announces the pieces of a file to come, so they are removed if it never comes.
    pub async fn begin_settlement_file(
        &self,
        enterprise_id: EnterpriseId,
        file_id: i64,
    ) -> Result<(), StoreError> {
        let discard_after = self.clock().real_now().plus_millis(LEFTOVER_MS);
        self.write(move |tx| Box::pin(leave(tx, enterprise_id, file_id, discard_after))).await
    }

    /// Writes one piece of a file to come.
    pub async fn write_settlement_piece(
        &self,
        enterprise_id: EnterpriseId,
        file_id: i64,
        piece: i64,
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO settlement_piece (enterprise_id, file_id, piece, bytes) \
            VALUES ($1, $2, $3, $4)";
        let params = [enterprise_id.into(), file_id.into(), piece.into(), Value::Bytes(bytes)];
        self.execute(sql, params).await.map(drop)
    }

    /// Puts a file in force whose pieces are written. A final file is never replaced: a final cut
    /// with other bytes is reported, and a cut that is not final comes too late. A file that is not
    /// final keeps its pieces if the bytes are the same. Pieces that did not come into force can be
    /// removed at once with [`Store::discard_settlement_pieces`].
    pub async fn publish_settlement_file(
        &self,
        file: SettlementFile,
    ) -> Result<CutOutcome, StoreError> {
        let discard_after = self.clock().real_now().plus_millis(LEFTOVER_MS);
        // Two that cut the first file of a day at once both find no file.
        self.write_past_races(with((file, discard_after), async |tx, (file, discard_after)| {
            publish(tx, file, *discard_after).await
        }))
        .await
    }

    /// One piece of a file, counted from 0; None after the last.
    pub async fn settlement_piece(
        &self,
        enterprise_id: EnterpriseId,
        file_id: i64,
        piece: i64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT bytes FROM settlement_piece \
            WHERE enterprise_id = $1 AND file_id = $2 AND piece = $3";
        self.one(sql, [enterprise_id.into(), file_id.into(), piece.into()]).await
    }

    /// Removes versions that are not in force once their time is over, a few pieces a commit, so
    /// money does not wait for it.
    pub async fn sweep_settlement_leftovers(&self) -> Result<(), StoreError> {
        let now = self.clock().real_now();
        let sql = "SELECT enterprise_id, file_id FROM settlement_leftover \
            WHERE discard_after <= $1 ORDER BY discard_after LIMIT $2";
        let leftovers = self.all(sql, [now.into(), SWEEP_FILES.into()]).await?;
        for (enterprise_id, file_id) in leftovers {
            self.discard_settlement_pieces(enterprise_id, file_id).await?;
        }
        Ok(())
    }

    /// Removes the pieces of a version that is not in force, a few a commit.
    pub async fn discard_settlement_pieces(
        &self,
        enterprise_id: EnterpriseId,
        file_id: i64,
    ) -> Result<(), StoreError> {
        // This ends after the last piece.
        while self.write(move |tx| Box::pin(discard(tx, enterprise_id, file_id))).await? {}
        Ok(())
    }
}

async fn publish(
    tx: &Tx,
    file: &SettlementFile,
    discard_after: Timestamp,
) -> Result<CutOutcome, StoreError> {
    let (owner, day, file_type) = (file.enterprise_id, file.day, file.file_type);
    match tx.by_key_locked::<SettlementFile>((owner, day, file_type)).await? {
        None => {
            tx.insert(file).await?;
            keep(tx, owner, file.file_id).await?;
        }
        Some(old) if old.is_final => {
            // A cut that was made before the day was decided is no evidence against it.
            let keeps = !file.is_final || old.sha256 == file.sha256;
            return Ok(if keeps { CutOutcome::Kept(old) } else { CutOutcome::Differs(old) });
        }
        Some(old) if old.sha256 == file.sha256 => {
            let same = SettlementFile { file_id: old.file_id, ..file.clone() };
            tx.update(&same).await?;
            return Ok(CutOutcome::Kept(same));
        }
        Some(old) => {
            tx.update(file).await?;
            keep(tx, owner, file.file_id).await?;
            leave(tx, owner, old.file_id, discard_after).await?;
        }
    }
    Ok(CutOutcome::Kept(file.clone()))
}

/// Takes a version off the list of those to be removed.
async fn keep(tx: &Tx, enterprise_id: EnterpriseId, file_id: i64) -> Result<(), StoreError> {
    let sql = "DELETE FROM settlement_leftover WHERE enterprise_id = $1 AND file_id = $2";
    tx.execute(sql, &[enterprise_id.into(), file_id.into()]).await.map(|_| ())
}

/// Puts a version on the list of those to be removed.
async fn leave(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    file_id: i64,
    discard_after: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO settlement_leftover (enterprise_id, file_id, discard_after) \
        VALUES ($1, $2, $3)";
    tx.execute(sql, &[enterprise_id.into(), file_id.into(), discard_after.into()]).await.map(drop)
}

/// Removes some pieces of a version, or its entry if there are no pieces left; false in that case.
async fn discard(tx: &Tx, enterprise_id: EnterpriseId, file_id: i64) -> Result<bool, StoreError> {
    let sql = "DELETE FROM settlement_piece WHERE enterprise_id = $1 AND file_id = $2 \
        AND piece IN (SELECT piece FROM settlement_piece \
            WHERE enterprise_id = $1 AND file_id = $2 ORDER BY piece LIMIT $3)";
    let params = [enterprise_id.into(), file_id.into(), SWEEP_PIECES.into()];
    if tx.execute(sql, &params).await? > 0 {
        return Ok(true);
    }
    keep(tx, enterprise_id, file_id).await.map(|()| false)
}

record! {
    SettlementFile in "settlement_file" key (enterprise_id, file_day, file_type) {
        enterprise_id,
        day: [file_day],
        file_type,
        file_id,
        rows: [row_count],
        size_bytes,
        sha256,
        totals,
        is_final,
        cut_at,
    }
}

/// One total a line, its parts in words.
impl Stored for Vec<ControlTotal> {
    const WIDTH: usize = 1;

    fn read(fields: &mut Fields<'_>) -> Result<Self, StoreError> {
        totals_from(fields.text()?).ok_or(fields.corrupt())
    }

    fn write(&self, values: &mut Vec<Value>) {
        values.push(totals_text(self).into());
    }
}

/// One line for each total: currency, direction, rows, minor units.
fn totals_text(totals: &[ControlTotal]) -> String {
    let line = |it: &ControlTotal| {
        format!("{} {} {} {}", it.currency, it.direction, it.rows, it.amount_minor)
    };
    totals.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn totals_from(text: &str) -> Option<Vec<ControlTotal>> {
    text.lines()
        .map(|line| {
            let mut words = line.split(' ');
            let mut word = || words.next().unwrap_or_default();
            Some(ControlTotal {
                currency: Currency::parse(word())?,
                direction: word().parse().ok()?,
                rows: word().parse().ok()?,
                amount_minor: word().parse().ok()?,
            })
        })
        .collect()
}
