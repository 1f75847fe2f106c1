//! Money commands that arrived together, applied together.

use std::collections::BTreeSet;

use domain::IdGenerator;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Tx;
use crate::money::{AccountKey, Command, Outcome, Repeats, accounts_named, apply};
use crate::{MoneyError, StoreError};

/// How long each part of a group waits for a row, once the whole has waited.
const SHORT_LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '20ms'";

/// The result of one command.
pub(super) type MoneyResult = Result<Outcome, MoneyError>;

/// A money command and where its result goes.
pub(crate) struct MoneyJob {
    /// What to do.
    pub(crate) command: Command,
    /// Who waits for it.
    pub(crate) reply: oneshot::Sender<MoneyResult>,
    /// Until when it may wait for a row that another session holds.
    pub(crate) deadline: Instant,
}

impl MoneyJob {
    /// Answers; the caller may have gone away, and what was committed stands all the same.
    pub(super) fn answer(self, result: MoneyResult) {
        let _ = self.reply.send(result);
    }
}

/// What became of one command of a group.
pub(super) enum Verdict {
    /// It has a result.
    Done(Box<MoneyResult>),
    /// Nothing was done: a row of these accounts is held by another session.
    Waits(BTreeSet<AccountKey>),
}

fn done(result: MoneyResult) -> Verdict {
    Verdict::Done(Box::new(result))
}

/// What follows where a row is held by another session for longer than the transaction waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnLock {
    /// The commands that name its account wait, and the others go on.
    SetAside,
    /// The group fails.
    Fail,
}

/// Applies a group inside an open transaction, undone by itself if the engine refuses it;
/// then again with an eye on repeated messages; then each command by itself, so that one
/// bad command fails alone, and one that lost a race with another process sees what won.
/// An error is another transaction's being in the way of the whole: the caller rolls back.
pub(super) async fn apply_in_savepoint(
    tx: &Tx,
    ids: &IdGenerator,
    jobs: &[MoneyJob],
    on_lock: OnLock,
) -> Result<Vec<Verdict>, StoreError> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let commands = commands(jobs);
    for repeats in [Repeats::Unexpected, Repeats::Sought] {
        match attempt(tx, ids, &commands, repeats).await {
            Ok(results) => return Ok(results.into_iter().map(done).collect()),
            Err(error @ StoreError::Conflict(_)) => return Err(error),
            Err(StoreError::Locked(_)) if on_lock == OnLock::SetAside => {
                return apply_by_account(tx, ids, &commands).await;
            }
            Err(error @ StoreError::Locked(_)) => return Err(error),
            Err(_) => {}
        }
    }
    apply_singly(tx, ids, &commands).await
}

/// Applies what names the same accounts together, and sets aside what a row is missing for.
async fn apply_by_account(
    tx: &Tx,
    ids: &IdGenerator,
    commands: &[&Command],
) -> Result<Vec<Verdict>, StoreError> {
    wait_briefly(tx).await?;
    let mut verdicts: Vec<Option<Verdict>> = commands.iter().map(|_| None).collect();
    for (accounts, members) in by_account(&accounts_named(tx, commands).await?) {
        let together: Vec<&Command> = members.iter().map(|index| commands[*index]).collect();
        let results = match attempt(tx, ids, &together, Repeats::Sought).await {
            Ok(results) => results.into_iter().map(done).collect(),
            Err(error @ StoreError::Conflict(_)) => return Err(error),
            Err(StoreError::Locked(_)) => {
                together.iter().map(|_| Verdict::Waits(accounts.clone())).collect()
            }
            Err(_) => apply_singly(tx, ids, &together).await?,
        };
        for (index, verdict) in members.into_iter().zip(results) {
            verdicts[index] = Some(verdict);
        }
    }
    let missing = || done(Err(StoreError::Overloaded.into()));
    Ok(verdicts.into_iter().map(|verdict| verdict.unwrap_or_else(missing)).collect())
}

/// Commands by what they have in common: sets of accounts that share none, and the positions
/// of the commands that name any of them, in order.
fn by_account(named: &[BTreeSet<AccountKey>]) -> Vec<(BTreeSet<AccountKey>, Vec<usize>)> {
    let mut parts: Vec<(BTreeSet<AccountKey>, Vec<usize>)> = Vec::new();
    for (index, accounts) in named.iter().enumerate() {
        let (mut joined, mut members) = (accounts.clone(), vec![index]);
        let shares = |part: &mut (BTreeSet<AccountKey>, _)| !part.0.is_disjoint(accounts);
        for (others, positions) in parts.extract_if(.., shares) {
            joined.extend(others);
            members.extend(positions);
        }
        members.sort_unstable();
        parts.push((joined, members));
    }
    parts
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

/// Applies each command in a savepoint of its own. One that misses a row waits, and so does
/// whatever names its accounts after it.
async fn apply_singly(
    tx: &Tx,
    ids: &IdGenerator,
    commands: &[&Command],
) -> Result<Vec<Verdict>, StoreError> {
    wait_briefly(tx).await?;
    let mut verdicts = Vec::with_capacity(commands.len());
    let mut waiting = BTreeSet::new();
    for command in commands {
        let one = [*command];
        if !waiting.is_empty() {
            let accounts = accounts_of_one(tx, command).await?;
            if !accounts.is_disjoint(&waiting) {
                waiting.extend(accounts.iter().cloned());
                verdicts.push(Verdict::Waits(accounts));
                continue;
            }
        }
        verdicts.push(match attempt(tx, ids, &one, Repeats::Sought).await {
            Ok(mut one) => done(one.pop().unwrap_or(Err(StoreError::Overloaded.into()))),
            Err(error @ StoreError::Conflict(_)) => return Err(error),
            Err(StoreError::Locked(_)) => {
                let accounts = accounts_of_one(tx, command).await?;
                waiting.extend(accounts.iter().cloned());
                Verdict::Waits(accounts)
            }
            Err(error) => done(Err(error.into())),
        });
    }
    Ok(verdicts)
}

/// The embedded store has no other session to wait for.
async fn wait_briefly(tx: &Tx) -> Result<(), StoreError> {
    if matches!(tx, Tx::Postgres(_)) {
        tx.execute(SHORT_LOCK_TIMEOUT, &[]).await?;
    }
    Ok(())
}

async fn accounts_of_one(tx: &Tx, command: &Command) -> Result<BTreeSet<AccountKey>, StoreError> {
    Ok(accounts_named(tx, &[command]).await?.into_iter().flatten().collect())
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
        job.answer(result);
    }
}

#[cfg(test)]
mod tests {
    use domain::{AccountOwner, Currency, EnterpriseId};

    use super::*;

    #[test]
    fn commands_that_share_an_account_go_together() {
        let account = |n| (EnterpriseId::from_i64(n), Currency::USD, AccountOwner::Deposit);
        let of = |accounts: &[i64]| accounts.iter().map(|n| account(*n)).collect::<BTreeSet<_>>();
        let parts = by_account(&[of(&[1]), of(&[2]), of(&[3]), of(&[1, 2]), of(&[3]), of(&[])]);
        let members: Vec<_> = parts.iter().map(|(_, members)| members.clone()).collect();
        assert_eq!(members, [vec![0, 1, 3], vec![2, 4], vec![5]]);
        assert_eq!(parts[0].0, of(&[1, 2]));
    }
}
