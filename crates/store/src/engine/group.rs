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
    /// Its result.
    type Outcome: Send + 'static;
    /// The reason why it was refused, or the store's error.
    type Error: From<StoreError> + Send + 'static;
    /// The key of a row that it locks. Commands with a common key wait together if another session
    /// holds the row.
    type Key: Ord + Clone + Send + Sync + 'static;

    /// The keys of each command of a group, as far as they are known without locking anything.
    fn keys(
        tx: &Tx,
        group: &[&Self],
    ) -> impl Future<Output = Result<Vec<BTreeSet<Self::Key>>, StoreError>> + Send;

    /// Applies a group inside the caller's transaction; returns a result for each command, in
    /// order. A command that the rules refuse fails alone; an error of the engine fails the group,
    /// and nothing of it may be kept.
    fn apply(
        tx: &Tx,
        ids: &IdGenerator,
        group: &[&Self],
        repeats: Repeats,
    ) -> impl Future<Output = Result<Vec<GroupResult<Self>>, StoreError>> + Send;
}

/// A group's search for earlier commits of the same messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeats {
    /// No search: a message rarely comes again, and the unique index fails the group when one does.
    Unexpected,
    /// A search.
    Sought,
}

/// Ends the process if the writer that holds it panics: without its writer a process would go on
/// reading but refuse every grouped command, until somebody noticed. A restart recovers.
pub(super) struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("the store's writer panicked; the process ends");
            std::process::abort();
        }
    }
}

const SAVEPOINT: &str = "SAVEPOINT grouped";
const BACK_TO_SAVEPOINT: &str = "ROLLBACK TO grouped";
const RELEASE: &str = "RELEASE grouped";
/// The longest wait of each part of a group for a row, after the whole group has waited.
const SHORT_LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '20ms'";

/// The result of one command.
pub(crate) type GroupResult<G> = Result<<G as Grouped>::Outcome, <G as Grouped>::Error>;

/// A command and the channel for its result.
pub(crate) struct GroupedJob<G: Grouped> {
    /// The command.
    pub(crate) command: G,
    /// The channel to the caller that waits for it.
    pub(crate) reply: oneshot::Sender<GroupResult<G>>,
    /// The moment until which it may wait for a row that another session holds.
    pub(crate) deadline: Instant,
}

impl<G: Grouped> GroupedJob<G> {
    /// Answers the caller, which may have gone away; a commit stands nevertheless.
    pub(super) fn answer(self, result: GroupResult<G>) {
        let _ = self.reply.send(result);
    }
}

/// The verdict on one command of a group.
pub(super) enum Verdict<G: Grouped> {
    /// It has a result.
    Done(Box<GroupResult<G>>),
    /// Nothing was done: another session holds a row of these keys.
    Waits(BTreeSet<G::Key>),
}

fn done<G: Grouped>(result: GroupResult<G>) -> Verdict<G> {
    Verdict::Done(Box::new(result))
}

/// The consequence if another session holds a row for longer than the transaction waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnLock {
    /// The commands that lock it wait, and the others go on.
    SetAside,
    /// The group fails.
    Fail,
}

/// Applies a group inside an open transaction, in a savepoint. If the engine refuses it, what
/// [`apply_again`] says follows.
pub(super) async fn apply_in_savepoint<G: Grouped>(
    tx: &Tx,
    ids: &IdGenerator,
    jobs: &[GroupedJob<G>],
    on_lock: OnLock,
) -> Result<Vec<Verdict<G>>, StoreError> {
    match apply_first(tx, ids, jobs).await {
        Ok(verdicts) => Ok(verdicts),
        Err(error) => apply_again(tx, ids, jobs, on_lock, error).await,
    }
}

/// Applies a group inside an open transaction, behind a savepoint. On a server its last writes may
/// be still to come: they travel with the commit.
pub(super) async fn apply_first<G: Grouped>(
    tx: &Tx,
    ids: &IdGenerator,
    jobs: &[GroupedJob<G>],
) -> Result<Vec<Verdict<G>>, StoreError> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    tx.post(SAVEPOINT, []).await?;
    let results = G::apply(tx, ids, &commands(jobs), Repeats::Unexpected).await?;
    Ok(results.into_iter().map(done).collect())
}

/// Applies a group that the engine refused with `error` again, with a search for repeated messages,
/// and then each command by itself: one bad command fails alone, and one that lost a race with
/// another process sees the winner's rows. An error means that the whole group is to be tried
/// again, or the server is away: the caller rolls back.
pub(super) async fn apply_again<G: Grouped>(
    tx: &Tx,
    ids: &IdGenerator,
    jobs: &[GroupedJob<G>],
    on_lock: OnLock,
    error: StoreError,
) -> Result<Vec<Verdict<G>>, StoreError> {
    if stops_group(&error) {
        return Err(error);
    }
    tx.post(BACK_TO_SAVEPOINT, []).await?;
    tx.post(RELEASE, []).await?;
    let commands = commands(jobs);
    let error = match error {
        StoreError::Locked(_) => error,
        _ => match attempt(tx, ids, &commands, Repeats::Sought).await {
            Ok(results) => return Ok(results.into_iter().map(done).collect()),
            Err(error) if stops_group(&error) => return Err(error),
            Err(error) => error,
        },
    };
    match (error, on_lock) {
        (StoreError::Locked(_), OnLock::SetAside) => apply_by_key(tx, ids, &commands).await,
        (error @ StoreError::Locked(_), OnLock::Fail) => Err(error),
        _ => apply_singly(tx, ids, &commands).await,
    }
}

/// True if nothing more can be done in the transaction.
const fn stops_group(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict(_) | StoreError::Away(_) | StoreError::InDoubt(_))
}

/// Applies together commands that lock the same rows, and sets aside those for a row that is held.
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
            Err(error) if stops_group(&error) => return Err(error),
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

/// Parts the commands by common keys: sets of keys that have no key in common, each with the
/// positions, in order, of the commands that lock any of them.
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

/// Applies each command in its own savepoint. One that cannot lock a row waits, and so does every
/// later one with the same keys.
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
            Err(error) if stops_group(&error) => return Err(error),
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

/// Shortens the wait for rows. The embedded store has no other session to wait for.
async fn wait_briefly(tx: &Tx) -> Result<(), StoreError> {
    if matches!(tx, Tx::Postgres(_)) {
        tx.post(SHORT_LOCK_TIMEOUT, []).await?;
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
    tx.post(SAVEPOINT, []).await?;
    let result = match G::apply(tx, ids, commands, repeats).await {
        Ok(results) => tx.flush().await.map(|()| results),
        Err(error) => Err(error),
    };
    if result.is_err() {
        tx.post(BACK_TO_SAVEPOINT, []).await?;
    }
    tx.post(RELEASE, []).await?;
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
