//! A network that buys and repeats what it got no answer to.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::RETRY_AFTER;
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::crash::{Answers, keyed};
use crate::server::http;
use crate::world::{WAIT, World, text};

/// Callers of each process that repeat at once what was not answered.
const CALLERS: usize = 2;
/// Cards: each may buy only so often a day.
const CARDS: usize = 5;
/// Between two purchases of a caller, and before a message is repeated.
const PAUSE: Duration = Duration::from_millis(20);
const BEFORE_REPEAT: Duration = Duration::from_millis(100);
/// Every how many purchases are repeated although they were answered.
const REPEATED_EVERY: usize = 8;
/// Longer than any deadline of the platform: who waits so long was forgotten.
const CALL_WAIT: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(10);

/// A process that takes purchases.
#[derive(Clone)]
pub struct Door {
    pub admin_url: String,
    pub token: String,
}

/// What a call came to.
enum Outcome {
    Answered((String, bool)),
    /// 503 or 409: to be repeated.
    Later(u16),
    Wrong(String),
}

/// What the callers saw.
#[derive(Default)]
struct Seen {
    answers: Answers,
    /// The calls that were not answered, by status.
    later: BTreeMap<u16, usize>,
    wrong: Vec<String>,
    /// What is repeated at the end.
    unanswered: Vec<usize>,
    /// When the last call began that each process approved.
    approved: Vec<Option<Instant>>,
}

/// The state that the callers share.
struct Shared {
    client: reqwest::Client,
    doors: Vec<Door>,
    cards: Vec<String>,
    next: AtomicUsize,
    stopped: AtomicBool,
    seen: Mutex<Seen>,
}

/// The network. It pauses between two calls of [`Network::run`] and [`Network::stop`].
pub struct Network {
    shared: Arc<Shared>,
    callers: Vec<JoinHandle<()>>,
}

impl Network {
    pub async fn new(doors: Vec<Door>, world: &World) -> Self {
        let mut cards = Vec::new();
        for number in 0..CARDS {
            cards.push(world.card(&format!("order-{number}")).await);
        }
        let seen = Seen { approved: vec![None; doors.len()], ..Seen::default() };
        let shared = Shared {
            client: http(),
            doors,
            cards,
            next: AtomicUsize::new(1),
            stopped: AtomicBool::new(true),
            seen: Mutex::new(seen),
        };
        Self { shared: Arc::new(shared), callers: Vec::new() }
    }

    /// Lets the callers buy.
    pub fn run(&mut self) {
        self.shared.stopped.store(false, Ordering::SeqCst);
        for door in (0..self.shared.doors.len()).flat_map(|it| [it; CALLERS]) {
            self.callers.push(tokio::spawn(Arc::clone(&self.shared).buy_on(door)));
        }
        for door in 0..self.shared.doors.len() {
            self.callers.push(tokio::spawn(Arc::clone(&self.shared).buy_others_on(door)));
        }
    }

    /// Waits until every purchase has its answer.
    pub async fn stop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        for caller in self.callers.drain(..) {
            caller.await.unwrap();
        }
        let unanswered = std::mem::take(&mut self.shared.seen().unanswered);
        for n in unanswered {
            self.shared.answered(n, n).await;
        }
    }

    /// The cards that buy.
    pub fn cards(&self) -> &[String] {
        &self.shared.cards
    }

    /// Waits until each process has approved what was asked after a moment; returns how long each
    /// took.
    pub async fn until_approved_since(&self, moment: Instant) -> Vec<Duration> {
        let began = Instant::now();
        let mut took = vec![None; self.shared.doors.len()];
        while took.contains(&None) {
            assert!(began.elapsed() < WAIT, "no approvals: {took:?}; {:?}", self.later());
            for (took, approved) in took.iter_mut().zip(&self.shared.seen().approved) {
                if took.is_none() && approved.is_some_and(|it| it > moment) {
                    *took = Some(moment.elapsed());
                }
            }
            tokio::time::sleep(LOOK).await;
        }
        took.into_iter().flatten().collect()
    }

    /// Every answer so far.
    pub fn answers(&self) -> Answers {
        self.shared.seen().answers.clone()
    }

    /// The calls so far that were not answered, by status.
    pub fn later(&self) -> BTreeMap<u16, usize> {
        self.shared.seen().later.clone()
    }

    /// What no caller should have seen.
    pub fn wrong(&self) -> Vec<String> {
        self.shared.seen().wrong.clone()
    }
}

impl Shared {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn buy_on(self: Arc<Self>, door: usize) {
        while !self.stopped.load(Ordering::SeqCst) {
            let n = self.next.fetch_add(1, Ordering::SeqCst);
            let answer = self.answered(door, n).await;
            if n.is_multiple_of(REPEATED_EVERY)
                && let Some(first) = answer
            {
                self.repeat(door + 1, n, first).await;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Buys something else where there is no answer: what is repeated may have to wait until its
    /// first try has been declined, and says nothing about other purchases.
    async fn buy_others_on(self: Arc<Self>, door: usize) {
        while !self.stopped.load(Ordering::SeqCst) {
            let n = self.next.fetch_add(1, Ordering::SeqCst);
            if self.try_once(door, n).await.is_none() {
                self.seen().unanswered.push(n);
            }
            tokio::time::sleep(BEFORE_REPEAT).await;
        }
    }

    /// Buys, and repeats that at one process after the other until one answers.
    async fn answered(&self, first: usize, n: usize) -> Option<(String, bool)> {
        let began = Instant::now();
        for door in first.. {
            let answer = self.try_once(door, n).await;
            if answer.is_some() {
                return answer;
            }
            if began.elapsed() > WAIT {
                self.seen().wrong.push(format!("{n}: never answered"));
                return None;
            }
            tokio::time::sleep(BEFORE_REPEAT).await;
        }
        None
    }

    /// Buys, and notes what came of it.
    async fn try_once(&self, door: usize, n: usize) -> Option<(String, bool)> {
        let begins = Instant::now();
        let outcome = self.call(door, n).await;
        let mut seen = self.seen();
        match outcome {
            Outcome::Answered(answer) => {
                let last = door % self.doors.len();
                if answer.1 {
                    seen.approved[last] = seen.approved[last].max(Some(begins));
                }
                seen.answers.insert(n, answer.clone());
                return Some(answer);
            }
            Outcome::Later(status) => *seen.later.entry(status).or_default() += 1,
            Outcome::Wrong(what) => seen.wrong.push(format!("{n}: {what}")),
        }
        None
    }

    /// A repeat gets the first answer, or none.
    async fn repeat(&self, door: usize, n: usize, first: (String, bool)) {
        match self.call(door, n).await {
            Outcome::Answered(again) if again != first => {
                self.seen().wrong.push(format!("{n}: {first:?}, then {again:?}"));
            }
            Outcome::Wrong(what) => self.seen().wrong.push(format!("{n} again: {what}")),
            Outcome::Answered(_) | Outcome::Later(_) => {}
        }
    }

    async fn call(&self, door: usize, n: usize) -> Outcome {
        let door = &self.doors[door % self.doors.len()];
        let url = format!("{}/sandbox/v1/authorisations", door.admin_url);
        let request = self.client.post(url).bearer_auth(&door.token).timeout(CALL_WAIT);
        let answer = match request.json(&keyed(&self.cards[n % CARDS], n)).send().await {
            Ok(answer) => answer,
            Err(error) => return Outcome::Wrong(format!("{error:?}")),
        };
        let status = answer.status().as_u16();
        let has_advice = answer.headers().contains_key(RETRY_AFTER);
        let body = answer.text().await.unwrap_or_default();
        match serde_json::from_str::<Value>(&body) {
            Ok(body) if status == 200 => {
                Outcome::Answered((text(&body, "authId"), body["approved"].as_bool().unwrap()))
            }
            Ok(_) if status == 409 || (status == 503 && has_advice) => Outcome::Later(status),
            _ => Outcome::Wrong(format!("{status} {body}")),
        }
    }
}
