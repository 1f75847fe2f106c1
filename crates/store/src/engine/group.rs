//! Money commands that arrived together, applied together.

use domain::IdGenerator;
use tokio::sync::oneshot;

use super::Tx;
use crate::money::{Command, Outcome, Repeats, apply};
use crate::{MoneyError, StoreError};

/// The result of one command.
pub(super) type MoneyResult = Result<Outcome, MoneyError>;

/// A money command and where its result goes.
pub(crate) struct MoneyJob {
    /// What to do.
    pub(crate) command: Command,
    /// Who waits for it.
    pub(crate) reply: oneshot::Sender<MoneyResult>,
}

/// Applies a group inside an open transaction, undone by itself if the engine refuses it;
/// then again with an eye on repeated messages; then each command by itself, so that one
/// bad command fails alone, and one that lost a race with another process sees what won.
pub(crate) async fn apply_in_savepoint(
    tx: &Tx,
    ids: &IdGenerator,
    jobs: &[MoneyJob],
) -> Vec<MoneyResult> {
    if jobs.is_empty() {
        return Vec::new();
    }
    let commands = commands(jobs);
    for repeats in [Repeats::Unexpected, Repeats::Sought] {
        if let Ok(results) = attempt(tx, ids, &commands, repeats).await {
            return results;
        }
    }
    apply_singly(tx, ids, &commands).await
}

/// Applies a group straight into an open transaction, which must be rolled back if the
/// engine refuses it.
pub(crate) async fn apply_directly(
    tx: &Tx,
    ids: &IdGenerator,
    jobs: &[MoneyJob],
) -> Result<Vec<MoneyResult>, StoreError> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    apply(tx, ids, &commands(jobs), Repeats::Unexpected).await
}

fn commands(jobs: &[MoneyJob]) -> Vec<&Command> {
    jobs.iter().map(|job| &job.command).collect()
}

/// Applies each command in a savepoint of its own.
async fn apply_singly(tx: &Tx, ids: &IdGenerator, commands: &[&Command]) -> Vec<MoneyResult> {
    let mut results = Vec::with_capacity(commands.len());
    for command in commands {
        results.push(match attempt(tx, ids, &[*command], Repeats::Sought).await {
            Ok(mut one) => one.pop().unwrap_or(Err(StoreError::Overloaded.into())),
            Err(error) => Err(error.into()),
        });
    }
    results
}

async fn attempt(
    tx: &Tx,
    ids: &IdGenerator,
    commands: &[&Command],
    repeats: Repeats,
) -> Result<Vec<MoneyResult>, StoreError> {
    tx.execute("SAVEPOINT money", &[]).await?;
    let result = apply(tx, ids, commands, repeats).await;
    if result.is_err() {
        tx.execute("ROLLBACK TO money", &[]).await?;
    }
    tx.execute("RELEASE money", &[]).await?;
    result
}

/// Answers the callers once the group's commit is known.
pub(crate) fn settle_money(
    jobs: Vec<MoneyJob>,
    results: Vec<MoneyResult>,
    committed: &Result<(), StoreError>,
) {
    let mut results = results.into_iter();
    for job in jobs {
        let result = match (committed, results.next()) {
            (Err(error), _) => Err(MoneyError::Store(error.clone())),
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(MoneyError::Store(StoreError::Overloaded)),
        };
        // The caller may have gone away; the commit stands all the same.
        let _ = job.reply.send(result);
    }
}
