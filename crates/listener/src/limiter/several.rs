//! Several processes that share limits, on schedules of calls and reports.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::tests::naming;
use super::*;
use store::OtherReport;

/// The interval between renewals, as the store has it.
const INTERVAL_MS: u64 = 3_000;
const LEASE_MS: u64 = 15_000;
/// The longest time that a renewal takes here.
const MOST_LATENCY_MS: u64 = 500;
/// The longest time from a call to the moment at which the last process counts it: it is reported
/// with the next renewal of one and read with the next of the other.
const STALE_MS: u64 = 2 * (INTERVAL_MS + 2 * MOST_LATENCY_MS);
const CALLER: &str = "caller";

const BUCKET: Limit = Limit::Bucket { burst: 2_000, per_second: 1_000 };
const MINUTE_MS: u64 = 60_000;
const MINUTE: Duration = Duration::from_secs(60);

struct Process {
    limits: Arc<SharedLimits>,
    limiter: Arc<Limiter>,
    epoch: i64,
    latency_ms: u64,
    renews_at_ms: u64,
    /// The report of a renewal that is under way, and when it began.
    renewing: Option<(Vec<u8>, u64)>,
    is_alive: bool,
}

impl Process {
    fn new(limit: Limit, epoch: i64, latency_ms: u64, now_ms: u64) -> Self {
        let limits = SharedLimits::new(naming());
        let limiter = limits.limiter(LimitName::VmEnvelopes, limit);
        let renews_at_ms = now_ms + 1 + latency_ms;
        Self { limits, limiter, epoch, latency_ms, renews_at_ms, renewing: None, is_alive: true }
    }
}

struct Row {
    epoch: i64,
    made_at_ms: u64,
    expires_at_ms: u64,
    report: Vec<u8>,
}

/// The processes and the table by which they tell one another.
struct Cluster {
    limit: Limit,
    start: Instant,
    now_ms: u64,
    processes: Vec<Process>,
    rows: BTreeMap<i64, Row>,
}

impl Cluster {
    /// Processes that have exchanged their first reports.
    fn new(limit: Limit, latencies_ms: &[u64]) -> Self {
        let process = |latency_ms: &u64| Process::new(limit, 1, *latency_ms, 0);
        let mut cluster = Self {
            limit,
            start: Instant::now(),
            now_ms: 0,
            processes: latencies_ms.iter().map(process).collect(),
            rows: BTreeMap::new(),
        };
        cluster.pass(3 * INTERVAL_MS);
        cluster
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    /// Lets time pass, with all renewals that fall due.
    fn pass(&mut self, ms: u64) {
        let end_ms = self.now_ms + ms;
        loop {
            let alive = self.processes.iter().enumerate().filter(|(_, it)| it.is_alive);
            let next = alive.map(|(number, it)| (it.renews_at_ms, number)).min();
            let Some((due_ms, number)) = next.filter(|(due_ms, _)| *due_ms <= end_ms) else {
                break;
            };
            self.now_ms = due_ms;
            self.renew(number);
        }
        self.now_ms = end_ms;
    }

    /// Begins or ends a renewal.
    fn renew(&mut self, number: usize) {
        let (now_ms, now) = (self.now_ms, self.at(self.now_ms));
        let process = &mut self.processes[number];
        let Some((report, began_ms)) = process.renewing.take() else {
            process.renewing = Some((process.limits.report_at(now), now_ms));
            process.renews_at_ms = now_ms + process.latency_ms;
            return;
        };
        process.renews_at_ms = now_ms + INTERVAL_MS;
        let (node, epoch) = (number as i64, process.epoch);
        let expires_at_ms = now_ms + LEASE_MS;
        self.rows.insert(node, Row { epoch, made_at_ms: began_ms, expires_at_ms, report });
        let living =
            self.rows.iter().filter(|(of, row)| **of != node && row.expires_at_ms > now_ms);
        let others: Vec<_> = living
            .map(|(node, row)| OtherReport {
                node: *node,
                epoch: row.epoch,
                serial: row.made_at_ms as i64,
                age: Duration::from_millis(now_ms - row.made_at_ms),
                report: row.report.clone(),
            })
            .collect();
        self.processes[number].limits.learn_at(self.at(began_ms), &others, now);
    }

    fn call(&self, number: usize, weight: u64) -> Allowance {
        self.processes[number].limiter.charge(CALLER, weight, self.at(self.now_ms))
    }

    /// Another process starts in the place of one that died.
    fn restart(&mut self, number: usize) {
        let (epoch, latency_ms) =
            (self.processes[number].epoch + 1, self.processes[number].latency_ms);
        self.processes[number] = Process::new(self.limit, epoch, latency_ms, self.now_ms);
        self.rows.remove(&(number as i64));
    }
}

/// One bucket for all calls that were granted anywhere.
#[derive(Default)]
struct OneBucket {
    missing: u64,
    at_ms: u64,
}

impl OneBucket {
    /// What is missing in it now. It refills 1 in a millisecond.
    fn missing(&mut self, now_ms: u64) -> u64 {
        self.missing = self.missing.saturating_sub(now_ms - self.at_ms);
        self.at_ms = now_ms;
        self.missing
    }
}

/// What happens between two calls.
#[derive(Debug, Clone, Copy)]
enum Event {
    Nothing,
    Death,
    Restart,
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![97 => Just(Event::Nothing), 1 => Just(Event::Death), 2 => Just(Event::Restart)]
}

fn latencies() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0..=MOST_LATENCY_MS, 1..=4)
}

/// Pause before a call in milliseconds, the process that gets it, and its weight.
fn calls(
    pause_ms: u64,
    weight: u64,
    count: usize,
) -> impl Strategy<Value = Vec<(u64, usize, u64)>> {
    prop::collection::vec((0..=pause_ms, 0_usize..4, 1..=weight), count)
}

/// When the calls were that were counted, in order.
#[derive(Default)]
struct Counted(Vec<u64>);

impl Counted {
    /// How many there were after `from_ms`, up to and including `to_ms`.
    fn between(&self, from_ms: u64, to_ms: u64) -> usize {
        self.0.partition_point(|at| *at <= to_ms) - self.0.partition_point(|at| *at <= from_ms)
    }

    /// How many there were at most in a span of this length.
    fn most_in(&self, span_ms: u64) -> usize {
        self.0.iter().map(|at| self.between(at.saturating_sub(span_ms), *at)).max().unwrap_or(0)
    }

    /// True if there were more than `most` within a minute that ended at `now_ms` or less than
    /// `wait_ms` before.
    fn had_too_many(&self, most: usize, now_ms: u64, wait_ms: u64) -> bool {
        let recent = self.0.iter().rev().take_while(|at| **at + wait_ms >= now_ms);
        let mut ends = std::iter::once(&now_ms).chain(recent);
        ends.any(|end| self.between(end.saturating_sub(MINUTE_MS), *end) > most)
    }
}

proptest! {
    #[test]
    fn a_bucket_refuses_nothing_that_one_process_would_grant(
        latencies in latencies(),
        calls in calls(300, 400, 400),
        events in prop::collection::vec(events(), 400),
    ) {
        let mut cluster = Cluster::new(BUCKET, &latencies);
        let mut one = OneBucket::default();
        for ((pause_ms, number, weight), event) in calls.into_iter().zip(events) {
            cluster.pass(pause_ms);
            let number = number % latencies.len();
            match event {
                Event::Death => cluster.processes[number].is_alive = false,
                Event::Restart => cluster.restart(number),
                Event::Nothing => {}
            }
            if !cluster.processes[number].is_alive {
                continue;
            }
            let missing = one.missing(cluster.now_ms);
            let allowance = cluster.call(number, weight);
            prop_assert!(allowance.remaining + missing + weight >= 2_000);
            if allowance.is_granted {
                one.missing += weight;
            } else {
                prop_assert!(missing + weight > 2_000, "{missing} {weight}");
            }
        }
    }

    #[test]
    fn a_bucket_gives_beyond_the_limit_what_two_intervals_let_through(
        latencies in latencies(),
        calls in calls(100, 400, 1_500),
    ) {
        let mut cluster = Cluster::new(BUCKET, &latencies);
        let mut one = OneBucket::default();
        let others = latencies.len() as u64 - 1;
        let most = 2_000 + others.min(1) * STALE_MS + others * (2_000 + STALE_MS);
        for (pause_ms, number, weight) in calls {
            cluster.pass(pause_ms);
            if cluster.call(number % latencies.len(), weight).is_granted {
                let missing = one.missing(cluster.now_ms);
                one.missing = missing + weight;
                prop_assert!(one.missing <= most, "{} of {most}", one.missing);
            }
        }
    }

    #[test]
    fn a_window_and_a_cut_off_refuse_after_the_limit_and_give_little_more(
        latencies in latencies(),
        is_cut_off in any::<bool>(),
        calls in calls(400, 1, 3_000),
    ) {
        let most = 100;
        let (limit, wait_ms) = match is_cut_off {
            true => (Limit::CutOff { weight: 100, window: MINUTE }, MINUTE_MS),
            false => (Limit::Window { weight: 100, window: MINUTE }, 0),
        };
        let mut cluster = Cluster::new(limit, &latencies);
        let mut counted = Counted::default();
        let mut was_cut_off = vec![false; latencies.len()];
        let began_ms = cluster.now_ms;
        for (pause_ms, number, _) in calls {
            cluster.pass(pause_ms);
            let (now_ms, number) = (cluster.now_ms, number % latencies.len());
            let limiter = Arc::clone(&cluster.processes[number].limiter);
            was_cut_off[number] = limiter.is_exceeded(CALLER, cluster.at(now_ms));
            let is_granted = cluster.call(number, 1).is_granted;
            if is_granted || (is_cut_off && !was_cut_off[number]) {
                counted.0.push(now_ms);
            }
            if !is_granted {
                let least = if is_cut_off { most } else { most - 1 };
                prop_assert!(counted.had_too_many(least, now_ms, wait_ms), "at {now_ms}");
            }
        }
        let spans = (cluster.now_ms - began_ms) / (MINUTE_MS - STALE_MS) + 1;
        let bound = spans as usize * (most + 1 + counted.most_in(STALE_MS));
        prop_assert!(counted.0.len() <= bound, "{} of {bound}", counted.0.len());
    }
}

#[test]
fn a_caller_of_one_of_three_has_what_one_process_would_give() {
    let mut cluster = Cluster::new(BUCKET, &[0, 100, 200]);
    let alone = SharedLimits::new(naming()).limiter(LimitName::VmEnvelopes, BUCKET);
    let mut refused = 0;
    for _ in 0..2_000 {
        cluster.pass(20);
        let expected = alone.charge(CALLER, 30, cluster.at(cluster.now_ms));
        assert_eq!(cluster.call(1, 30), expected);
        refused += u32::from(!expected.is_granted);
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn a_caller_of_all_three_has_the_limit_in_the_long_run() {
    let mut cluster = Cluster::new(BUCKET, &[0, 100, 200]);
    let began_ms = cluster.now_ms;
    let mut granted = 0;
    for number in 0..30_000 {
        cluster.pass(5);
        granted += 10 * u64::from(cluster.call(number % 3, 10).is_granted);
    }
    let passed_ms = cluster.now_ms - began_ms;
    assert!(granted >= passed_ms && granted <= passed_ms + 30_000, "{granted} in {passed_ms} ms");
}

#[test]
fn strikes_elsewhere_count_and_those_of_a_dead_process_go_on_counting_for_a_minute() {
    let limit = Limit::CutOff { weight: 100, window: MINUTE };
    let mut cluster = Cluster::new(limit, &[0, 0]);
    for _ in 0..60 {
        assert!(cluster.call(0, 1).is_granted);
    }
    cluster.pass(STALE_MS);
    cluster.processes[0].is_alive = false;
    cluster.pass(2 * LEASE_MS);
    for _ in 0..40 {
        assert!(cluster.call(1, 1).is_granted);
    }
    assert!(!cluster.call(1, 1).is_granted);
    cluster.pass(MINUTE_MS);
    assert!(cluster.call(1, 1).is_granted);
}

#[test]
fn one_address_of_many_is_reported_before_those_that_called_once() {
    let cluster = Cluster::new(Limit::Window { weight: 20, window: MINUTE }, &[0, 0]);
    let now = cluster.at(cluster.now_ms);
    let limiter = &cluster.processes[0].limiter;
    for number in 0..2_000 {
        limiter.admits(&format!("other {number}"), now);
    }
    (0..20).for_each(|_| assert!(limiter.admits(CALLER, now)));
    let mut cluster = cluster;
    cluster.pass(STALE_MS);
    assert!(!cluster.call(1, 1).is_granted);
}

#[test]
fn what_others_granted_during_one_window_counts_in_the_next() {
    let limit = Limit::Window { weight: 20, window: MINUTE };
    let mut cluster = Cluster::new(limit, &[0, 0]);
    (0..21).for_each(|call| assert_eq!(cluster.call(0, 1).is_granted, call < 20));
    cluster.pass(MINUTE_MS / 2);
    // It has not heard of these calls.
    cluster.restart(1);
    cluster.pass(3 * INTERVAL_MS);
    (0..20).for_each(|_| assert!(cluster.call(1, 1).is_granted));
    cluster.pass(MINUTE_MS / 2);
    assert!(!cluster.call(0, 1).is_granted);
    cluster.pass(MINUTE_MS / 2);
    assert!(cluster.call(0, 1).is_granted);
}

#[test]
fn a_caller_that_was_left_out_of_a_report_is_not_taken_for_a_new_one() {
    let mut cluster = Cluster::new(Limit::Window { weight: 20, window: MINUTE }, &[0, 0]);
    (0..15).for_each(|_| assert!(cluster.call(0, 1).is_granted));
    cluster.pass(MINUTE_MS - INTERVAL_MS);
    let now = cluster.at(cluster.now_ms);
    (0..300).for_each(|other| {
        assert!(cluster.processes[0].limiter.admits(&format!("other {other}"), now));
    });
    cluster.pass(2 * INTERVAL_MS);
    (0..6).for_each(|_| assert!(cluster.call(0, 1).is_granted));
    cluster.pass(STALE_MS);
    assert!(cluster.call(1, 1).is_granted);
}
