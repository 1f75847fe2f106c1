//! Work that arrived together, applied together.

use std::collections::BTreeSet;
use std::future::Future;

use domain::IdGenerator;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::tx::Tx;
use crate::StoreError;

/// A command that the writer applies together with those that arrived with it.
pub(crate) trait Grouped: Sized + Send + Sync + 'static {
    /// What comes of it.
    type Outcome: Send + 'static;
    /// Why it was refused, or what failed below.
    type Error: From<StoreError> + Send + 'static;
    /// What it locks a row of. Commands that share one of these wait together where another
    /// session holds the row.
    type Key: Ord + Clone + Send + Sync + 'static;

    /// What each command of a group locks, as far as it can be told without locking anything.
    fn keys(
        tx: &Tx,
        group: &[&Self],
    ) -> impl Future<Output = Result<Vec<BTreeSet<Self::Key>>, StoreError>> + Send;

    /// Applies a group inside the caller's transaction; a result for each command, in order. A
    /// command that the rules refuse fails alone; an error of the engine fails the group, and
    /// nothing of it may be kept.
    fn apply(
        tx: &Tx,
        ids: &IdGenerator,
        group: &[&Self],
        repeats: Repeats,
    ) -> impl Future<Output = Result<Vec<GroupResult<Self>>, StoreError>> + Send;
}

/// Whether a group looks for what an earlier commit made of the same messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeats {
    /// It does not: a message rarely comes again, and the unique index fails the group when
    /// one did.
    Unexpected,
    /// It does.
    Sought,
}

/// Ends the process if the writer that holds it panics: without its writer a process would
/// go on reading and refuse what it groups, until somebody noticed. A restart recovers.
pub(super) struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the store's writer panicked; the process ends");
            std::process::abort();
        }
    }
}

/// How long each part of a group waits for a row, once the whole has waited.
const SHORT_LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '20ms'";

/// The result of one command.
pub(crate) type GroupResult<G> = Result<<G as Grouped>::Outcome, <G as Grouped>::Error>;

/// A command and where its result goes.
pub(crate) struct GroupedJob<G: Grouped> {
    /// What to do.
    pub(crate) command: G,
    /// Who waits for it.
    pub(crate) reply: oneshot::Sender<GroupResult<G>>,
    /// Until when it may wait for a row that another session holds.
    pub(crate) deadline: Instant,
}

impl<G: Grouped> GroupedJob<G> {
    /// Answers; the caller may have gone away, and what was committed stands all the same.
    pub(super) fn answer(self, result: GroupResult<G>) {
        let _ = self.reply.send(result);
    }
}

/// What became of one command of a group.
pub(super) enum Verdict<G: Grouped> {
    /// It has a result.
    Done(Box<GroupResult<G>>),
    /// Nothing was done: a row of these keys is held by another session.
    Waits(BTreeSet<G::Key>),
}

fn done<G: Grouped>(result: GroupResult<G>) -> Verdict<G> {
    Verdict::Done(Box::new(result))
}

/// What follows where a row is held by another session for longer than the transaction waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnLock {
    /// The commands that lock it wait, and the others go on.
    SetAside,
    /// The group fails.
    Fail,
}

/// Applies a group inside an open transaction, undone by itself if the engine refuses it;
/// then again with an eye on repeated messages; then each command by itself, so that one
/// bad command fails alone, and one that lost a race with another process sees what won.
/// An error is another transaction's being in the way of the whole: the caller rolls back.
pub(super) async fn apply_in_savepoint<G: Grouped>(
    tx: &Tx,
    ids: &IdGenerator,
    jobs: &[GroupedJob<G>],
    on_lock: OnLock,
) -> Result<Vec<Verdict<G>>, StoreError> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let commands = commands(jobs);
    for repeats in [Repeats::Unexpected, Repeats::Sought] {
        match attempt(tx, ids, &commands, repeats).await {
            Ok(results) => return Ok(results.into_iter().map(done).collect()),
            Err(error @ StoreError::Conflict(_)) => return Err(error),
            Err(StoreError::Locked(_)) if on_lock == OnLock::SetAside => {
                return apply_by_key(tx, ids, &commands).await;
            }
            Err(error @ StoreError::Locked(_)) => return Err(error),
            Err(_) => {}
        }
    }
    apply_singly(tx, ids, &commands).await
}

/// Applies what locks the same rows together, and sets aside what a row is missing for.
async fn apply_by_key<G: Grouped>(
    tx: &Tx,
    ids: &IdGenerator,
    commands: &[&G],
) -> Result<Vec<Verdict<G>>, StoreError> {
    wait_briefly(tx).await?;
    let mut verdicts: Vec<Option<Verdict<G>>> = commands.iter().map(|_| None).collect();
    for (keys, members) in by_key(&G::keys(tx, commands).await?) {
        let together: Vec<&G> = members.iter().map(|index| commands[*index]).collect();
        let results = match attempt(tx, ids, &together, Repeats::Sought).await {
            Ok(results) => results.into_iter().map(done).collect(),
            Err(error @ StoreError::Conflict(_)) => return Err(error),
            Err(StoreError::Locked(_)) => {
                together.iter().map(|_| Verdict::Waits(keys.clone())).collect()
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

/// Commands by what they have in common: sets of keys that share none, and the positions of
/// the commands that lock any of them, in order.
fn by_key<K: Ord + Clone>(locked: &[BTreeSet<K>]) -> Vec<(BTreeSet<K>, Vec<usize>)> {
    let mut parts: Vec<(BTreeSet<K>, Vec<usize>)> = Vec::new();
    for (index, keys) in locked.iter().enumerate() {
        let (mut joined, mut members) = (keys.clone(), vec![index]);
        let shares = |part: &mut (BTreeSet<K>, _)| !part.0.is_disjoint(keys);
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
pub(super) async fn apply_directly<G: Grouped>(
    tx: &Tx,
    ids: &IdGenerator,
    jobs: &[GroupedJob<G>],
) -> Result<Vec<GroupResult<G>>, StoreError> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    G::apply(tx, ids, &commands(jobs), Repeats::Unexpected).await
}

fn commands<G: Grouped>(jobs: &[GroupedJob<G>]) -> Vec<&G> {
    jobs.iter().map(|job| &job.command).collect()
}

/// Applies each command in a savepoint of its own. One that misses a row waits, and so does
/// whatever locks the same after it.
async fn apply_singly<G: Grouped>(
    tx: &Tx,
    ids: &IdGenerator,
    commands: &[&G],
) -> Result<Vec<Verdict<G>>, StoreError> {
    wait_briefly(tx).await?;
    let mut verdicts = Vec::with_capacity(commands.len());
    let mut waiting = BTreeSet::new();
    for command in commands {
        let one = [*command];
        if !waiting.is_empty() {
            let keys = keys_of_one(tx, *command).await?;
            if !keys.is_disjoint(&waiting) {
                waiting.extend(keys.iter().cloned());
                verdicts.push(Verdict::Waits(keys));
                continue;
            }
        }
        verdicts.push(match attempt(tx, ids, &one, Repeats::Sought).await {
            Ok(mut one) => done(one.pop().unwrap_or(Err(StoreError::Overloaded.into()))),
            Err(error @ StoreError::Conflict(_)) => return Err(error),
            Err(StoreError::Locked(_)) => {
                let keys = keys_of_one(tx, *command).await?;
                waiting.extend(keys.iter().cloned());
                Verdict::Waits(keys)
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

async fn keys_of_one<G: Grouped>(tx: &Tx, command: &G) -> Result<BTreeSet<G::Key>, StoreError> {
    Ok(G::keys(tx, &[command]).await?.into_iter().flatten().collect())
}

async fn attempt<G: Grouped>(
    tx: &Tx,
    ids: &IdGenerator,
    commands: &[&G],
    repeats: Repeats,
) -> Result<Vec<GroupResult<G>>, StoreError> {
    tx.execute("SAVEPOINT grouped", &[]).await?;
    let result = G::apply(tx, ids, commands, repeats).await;
    if result.is_err() {
        tx.execute("ROLLBACK TO grouped", &[]).await?;
    }
    tx.execute("RELEASE grouped", &[]).await?;
    result
}

/// Answers the callers once the group's commit is known.
pub(super) fn settle<G: Grouped>(
    jobs: Vec<GroupedJob<G>>,
    results: Vec<GroupResult<G>>,
    committed: &Result<(), StoreError>,
) {
    let mut results = results.into_iter();
    for job in jobs {
        let result = match (committed, results.next()) {
            (Err(error), _) => Err(error.clone().into()),
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(StoreError::Overloaded.into()),
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
        let parts = by_key(&[of(&[1]), of(&[2]), of(&[3]), of(&[1, 2]), of(&[3]), of(&[])]);
        let members: Vec<_> = parts.iter().map(|(_, members)| members.clone()).collect();
        assert_eq!(members, [vec![0, 1, 3], vec![2, 4], vec![5]]);
        assert_eq!(parts[0].0, of(&[1, 2]));
    }
}
