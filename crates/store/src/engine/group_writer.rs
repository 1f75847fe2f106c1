//! The grouping writer on PostgreSQL. It commits together commands that arrived together. Those
//! that wait for a row that another session holds are set aside in a lane, with all others that
//! lock the same rows, so they do not hold up the rest.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::group::{
    AbortOnPanic, Grouped, GroupedJob, OnLock, Verdict, apply_again, apply_first, settle,
};
use super::pool::{MAX_TRIES, Origin, ServerPool, commit, pause};
use super::postgres_session::{
    LockRoom, MONEY_STATEMENT_TIMEOUT, Session, Uncommitted, is_conflict, silent,
};
use super::tx::Tx;
use crate::StoreError;

/// The most commands in one commit.
const MAX_GROUP: usize = 256;
/// The longest wait of a group for a row that another session holds. All others wait for the
/// group, so its statements have no more time together than one of them: ten such waits.
const GROUP_LOCKS: LockRoom = LockRoom { each: Duration::from_millis(200), most: Duration::ZERO };
/// The longest single wait of a lane for such a row; it waits again as long as its commands may.
const LANE_LOCK_TIMEOUT: Duration = Duration::from_secs(1);
/// The same while other lanes wait for a connection, so rows that came free are found in time.
const CROWDED_LOCK_TIMEOUT: Duration = Duration::from_millis(50);
/// The most lanes at once; a command that would need another one is refused.
const MAX_LANES: usize = 64;
/// The most commands that wait in one lane.
const MAX_IN_LANE: usize = 1_024;
/// Connections that all lanes share.
pub(super) const ASIDE_CONNECTIONS: usize = 4;
/// The longest time for the statements of one group, even if something between here and the server
/// accepts bytes but does not pass them on.
const APPLY_TIMEOUT: Duration = Duration::from_secs(15);
/// A request to the writer.
pub(super) enum WriterWork<G: Grouped> {
    /// A command to apply.
    Job(GroupedJob<G>),
    /// Check that the writer's connection takes writes.
    Probe(oneshot::Sender<Result<(), StoreError>>),
    /// Commit what is queued and end.
    Close(oneshot::Sender<()>),
}

/// The writer and its lanes.
pub(super) struct GroupWriter<G: Grouped> {
    pool: ServerPool,
    aside: ServerPool,
    origin: Origin,
    lanes: Vec<Lane<G>>,
    running: JoinSet<()>,
}

/// Commands that wait for the same rows, in order of arrival.
struct Lane<G: Grouped> {
    keys: BTreeSet<G::Key>,
    queue: mpsc::Sender<GroupedJob<G>>,
}

impl<G: Grouped> GroupWriter<G> {
    pub(super) fn new(pool: ServerPool, aside: ServerPool, origin: Origin) -> Self {
        Self { pool, aside, origin, lanes: Vec::new(), running: JoinSet::new() }
    }

    /// Takes all that has arrived, commits it together, answers, and starts again.
    pub(super) async fn run(mut self, mut work: mpsc::Receiver<WriterWork<G>>) {
        let _guard = AbortOnPanic;
        let mut closing = None;
        while let Some(first) = work.recv().await {
            // The callers that the last commit answered get a turn to ask again: otherwise two
            // groups would take turns, each waiting for the other's commit.
            tokio::task::yield_now().await;
            let (mut jobs, mut probes) = (Vec::new(), Vec::new());
            let mut next = Some(first);
            while let Some(item) = next {
                match item {
                    WriterWork::Job(job) => jobs.push(job),
                    WriterWork::Probe(probe) => probes.push(probe),
                    WriterWork::Close(done) => closing = Some(done),
                }
                let full = jobs.len() >= MAX_GROUP || closing.is_some();
                next = if full { None } else { work.try_recv().ok() };
            }
            self.commit_group(jobs).await;
            if !probes.is_empty() {
                let probed = self.probe().await;
                // The caller may have gone away.
                probes.into_iter().for_each(|probe| drop(probe.send(probed.clone())));
            }
            if closing.is_some() {
                break;
            }
        }
        self.lanes.clear();
        while self.running.join_next().await.is_some() {}
        // The caller that closes may give this process's number away, so the lanes end first.
        drop(closing);
    }

    async fn probe(&self) -> Result<(), StoreError> {
        let session = self.pool.session().await?;
        timeout(APPLY_TIMEOUT, session.check_writable()).await.unwrap_or_else(|_| Err(silent()))
    }

    async fn commit_group(&mut self, jobs: Vec<GroupedJob<G>>) {
        self.lanes.retain(|lane| !lane.queue.is_closed());
        while self.running.try_join_next().is_some() {}
        let jobs = self.divert(jobs).await;
        if jobs.is_empty() {
            return;
        }
        let (mut tries, mut was_away) = (1, false);
        loop {
            let tried = async {
                let session = self.pool.session().await?;
                try_group(session, &jobs, &self.origin, GROUP_LOCKS, OnLock::SetAside).await
            };
            match tried.await {
                Ok(verdicts) => return self.settle_each(jobs, verdicts),
                Err(error) if is_conflict(&error) && tries < MAX_TRIES => {
                    sleep(pause(&self.origin.ids, tries)).await;
                    tries += 1;
                }
                // Nothing was written; the connection may have been lost while it lay idle.
                Err(StoreError::Away(_)) if !was_away => was_away = true,
                Err(error) => return settle(jobs, Vec::new(), &Err(error)),
            }
        }
    }

    /// Hands to the lanes the commands that lock what the lanes wait for, behind those already
    /// there; returns the rest.
    async fn divert(&self, jobs: Vec<GroupedJob<G>>) -> Vec<GroupedJob<G>> {
        if self.lanes.is_empty() || jobs.is_empty() {
            return jobs;
        }
        let commands: Vec<&G> = jobs.iter().map(|job| &job.command).collect();
        let locked = async {
            let tx = Tx::Postgres(self.pool.session().await?);
            G::keys(&tx, &commands).await
        };
        // If the keys cannot be read, the group cannot be written either; its error says why.
        let Ok(Ok(locked)) = timeout(APPLY_TIMEOUT, locked).await else { return jobs };
        let mut others = Vec::with_capacity(jobs.len());
        for (job, keys) in jobs.into_iter().zip(locked) {
            let lane = self.lanes.iter().find(|lane| !lane.keys.is_disjoint(&keys));
            match lane.map(|lane| &lane.queue) {
                Some(queue) => others.extend(queue_up(queue, job)),
                None => others.push(job),
            }
        }
        others
    }

    /// Answers the commands that are done, and sets aside those that wait.
    fn settle_each(&mut self, jobs: Vec<GroupedJob<G>>, verdicts: Vec<Verdict<G>>) {
        for (job, verdict) in jobs.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Done(result) => job.answer(*result),
                Verdict::Waits(keys) => self.set_aside(job, &keys),
            }
        }
    }

    fn set_aside(&mut self, job: GroupedJob<G>, keys: &BTreeSet<G::Key>) {
        self.lanes.retain(|lane| !lane.queue.is_closed());
        let open = self.lanes.iter().position(|lane| !lane.keys.is_disjoint(keys));
        let lane = match open {
            Some(index) => &mut self.lanes[index],
            None if self.lanes.len() >= MAX_LANES => return job.answer(Err(locked().into())),
            None => {
                tracing::warn!("a row of an account is held by another session; its money waits");
                let (queue, work) = mpsc::channel(MAX_IN_LANE);
                self.running.spawn(run_lane(self.aside.clone(), work, self.origin.clone()));
                self.lanes.push(Lane { keys: BTreeSet::new(), queue });
                self.lanes.last_mut().expect("it was pushed")
            }
        };
        lane.keys.extend(keys.iter().cloned());
        // The lane has ended only now; the second look no longer finds it.
        if let Some(job) = queue_up(&lane.queue, job) {
            self.set_aside(job, keys);
        }
    }
}

/// Puts a command into a lane; returns it if the lane has ended meanwhile.
fn queue_up<G: Grouped>(
    queue: &mpsc::Sender<GroupedJob<G>>,
    job: GroupedJob<G>,
) -> Option<GroupedJob<G>> {
    match queue.try_send(job) {
        Ok(()) => None,
        Err(mpsc::error::TrySendError::Full(job)) => {
            job.answer(Err(StoreError::Overloaded.into()));
            None
        }
        Err(mpsc::error::TrySendError::Closed(job)) => Some(job),
    }
}

/// Tries the commands of a lane, group by group, until none is waiting.
async fn run_lane<G: Grouped>(
    pool: ServerPool,
    mut work: mpsc::Receiver<GroupedJob<G>>,
    origin: Origin,
) {
    let _guard = AbortOnPanic;
    let mut waiting = Vec::new();
    let mut tries = 1;
    loop {
        while waiting.len() < MAX_GROUP
            && let Ok(job) = work.try_recv()
        {
            waiting.push(job);
        }
        let now = Instant::now();
        for late in waiting.extract_if(.., |job: &mut GroupedJob<G>| job.deadline <= now) {
            late.answer(Err(locked().into()));
        }
        let Some(deadline) = waiting.iter().map(|job| job.deadline).min() else {
            work.close();
            // A command that was queued before the channel was closed is still carried out.
            match work.try_recv() {
                Ok(job) => waiting.push(job),
                Err(_) => return,
            }
            continue;
        };
        let session = match timeout_at(deadline, pool.session()).await {
            Ok(Ok(session)) => session,
            // The lanes share few connections: to wait for one is to wait for the row.
            Ok(Err(StoreError::Overloaded)) | Err(_) => continue,
            Ok(Err(error)) => {
                settle(std::mem::take(&mut waiting), Vec::new(), &Err(error));
                continue;
            }
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let longest = if pool.is_crowded() { CROWDED_LOCK_TIMEOUT } else { LANE_LOCK_TIMEOUT };
        let each = longest.min(left).max(Duration::from_millis(1));
        let locks = LockRoom { each, most: left.min(MONEY_STATEMENT_TIMEOUT) };
        match try_group(session, &waiting, &origin, locks, OnLock::Fail).await {
            Ok(verdicts) => {
                for (job, verdict) in std::mem::take(&mut waiting).into_iter().zip(verdicts) {
                    match verdict {
                        Verdict::Done(result) => job.answer(*result),
                        Verdict::Waits(_) => waiting.push(job),
                    }
                }
                tries = 1;
            }
            Err(StoreError::Locked(_)) => {}
            Err(error) if is_conflict(&error) && tries < MAX_TRIES => {
                sleep(pause(&origin.ids, tries)).await;
                tries += 1;
            }
            Err(error) => settle(std::mem::take(&mut waiting), Vec::new(), &Err(error)),
        }
    }
}

async fn try_group<G: Grouped>(
    mut session: Session,
    jobs: &[GroupedJob<G>],
    origin: &Origin,
    locks: LockRoom,
    on_lock: OnLock,
) -> Result<Vec<Verdict<G>>, StoreError> {
    let ms = locks.each.as_millis();
    session.begin_with(&format!("; SET LOCAL lock_timeout = '{ms}ms'"), locks);
    let mut tx = Tx::Postgres(session);
    let (ids, began) = (&*origin.ids, Instant::now());
    let first = timeout(APPLY_TIMEOUT, apply_first(&tx, ids, jobs)).await.map_err(|_| silent())?;
    let refused = match first {
        Ok(verdicts) => {
            origin.check()?;
            let Tx::Postgres(session) = &mut tx else { return Err(StoreError::Overloaded) };
            match session.commit().await {
                Ok(()) => return Ok(verdicts),
                Err(Uncommitted::Ended(error)) => return Err(error),
                Err(Uncommitted::Broken(error)) => error,
            }
        }
        Err(error) => error,
    };
    let left = APPLY_TIMEOUT.saturating_sub(began.elapsed());
    let applied = timeout(left, apply_again(&tx, ids, jobs, on_lock, refused)).await;
    let verdicts = applied.map_err(|_| silent())??;
    origin.check()?;
    commit(tx).await?;
    Ok(verdicts)
}

fn locked() -> StoreError {
    StoreError::Locked("another session held a row of its account for too long".to_owned())
}
