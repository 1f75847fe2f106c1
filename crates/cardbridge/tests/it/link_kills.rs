//! `kill -9` of a server whose link carries all kinds of messages, then a start: every answer
//! stands, and the money is where the answers say.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::ResponseCode;
use iso8583::{Message, Mti};
use serde_json::{Value, json};
use sim::Behaviour;
use testkit::database::is_long;

use crate::crash::{authorisations, listed};
use crate::engine::Engine;
use crate::iso_peer::{Received, message};
use crate::link_advices::{advice, naming};
use crate::link_reversals::{on_both_engines, reversal};
use crate::links::{Bed, configured, table};
use crate::world::text;

/// Kills, by default and with full counts.
const ROUNDS: [u32; 2] = [3, 200];
/// Connections that carry the traffic.
const CONNECTIONS: usize = 2;
/// Messages of one connection that wait for their answers.
const WINDOW: usize = 8;
/// Answers that the traffic of each round gets before the kill.
const ANSWERS_BEFORE_KILL: usize = 60;
/// The enterprise's time to answer, so a kill always interrupts some requests.
const THINKING: Duration = Duration::from_millis(20);
/// Amount of the sales that the enterprise has not answered when the server is killed.
const HELD: (u32, &str) = (777, "7.77");
/// Amount that the enterprise declines.
const DECLINED: (u32, &str) = (501, "5.01");
/// Advices have at least this amount, requests less.
const ADVISED_FROM: u32 = 1_000;
/// The STAN of a reversal is that of its original and this much.
const REVERSALS: u32 = 500_000;
/// The sandbox's deposit.
const DEPOSIT_MINOR: i64 = 10_000_000;
/// The network waits long enough for a slow machine.
const PATIENT: &str = "response-time-ms = 60000";

/// What the network does with one payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sequence {
    /// An original that stands.
    Stands,
    /// The original, then its reversal.
    Reversed,
    /// The reversal, then at once its original.
    ReversedFirst,
    /// The reversal; its original comes after the kill.
    ReversedLongBefore,
}

/// A payment: its messages have the STANs `stan` and, if it is reversed, `stan + REVERSALS`.
#[derive(Debug, Clone, Copy)]
struct Payment {
    stan: u32,
    sequence: Sequence,
    /// The type of the original: 0100, 0120, 0200 or 0220.
    mti: &'static str,
    amount_minor: u32,
}

impl Payment {
    fn original(&self, bed: &Bed) -> Message {
        if self.mti.ends_with("20") {
            return advice(bed, self.mti, self.stan, self.amount_minor, &[]);
        }
        let mut own = bed.changed(self.stan, &[(4, &format!("{:012}", self.amount_minor))]);
        own.set_mti(message(self.mti, &[]).mti());
        own
    }

    fn reversal(&self, bed: &Bed) -> Message {
        let (named, amount) = (naming(self.mti, self.stan), format!("{:012}", self.amount_minor));
        let mti = if self.sequence == Sequence::Reversed { "0400" } else { "0420" };
        let fields = [(4, &*amount), (90, &*named)];
        reversal(bed, mti, self.stan + REVERSALS, self.stan, &fields)
    }

    /// What the network sends before the kill, in order.
    fn messages(&self, bed: &Bed) -> Vec<Message> {
        match self.sequence {
            Sequence::Stands => vec![self.original(bed)],
            Sequence::Reversed => vec![self.original(bed), self.reversal(bed)],
            Sequence::ReversedFirst => vec![self.reversal(bed), self.original(bed)],
            Sequence::ReversedLongBefore => vec![self.reversal(bed)],
        }
    }
}

/// Marsaglia's xorshift.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((self.0 >> 33) % u64::from(limit)).unwrap()
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(u32::try_from(choices.len()).unwrap()) as usize]
    }
}

/// Response code and authorisation code of an answer.
type Outcome = (String, Option<String>);

/// What the network has sent and what was answered: the model that the platform is compared with.
struct Network {
    draw: Draw,
    payments: Vec<Payment>,
    waiting: VecDeque<Message>,
    /// STANs.
    sent: BTreeSet<u32>,
    /// By STAN.
    answers: BTreeMap<u32, Outcome>,
}

impl Network {
    fn new(seed: u64) -> Self {
        Self {
            draw: Draw(seed),
            payments: Vec::new(),
            waiting: VecDeque::new(),
            sent: BTreeSet::new(),
            answers: BTreeMap::new(),
        }
    }

    fn pay(&mut self, sequence: Sequence, mti: &'static str, amount_minor: u32) -> Payment {
        let stan = u32::try_from(self.payments.len()).unwrap() + 1;
        let payment = Payment { stan, sequence, mti, amount_minor };
        self.payments.push(payment);
        payment
    }

    /// A payment drawn by chance.
    fn drawn(&mut self) -> Payment {
        let sequence = self.draw.one_of(&[
            Sequence::Stands,
            Sequence::Stands,
            Sequence::Reversed,
            Sequence::ReversedFirst,
            Sequence::ReversedLongBefore,
        ]);
        let mti = self.draw.one_of(&["0100", "0120", "0200", "0220"]);
        let is_declined = self.draw.below(10) == 0;
        let amount = match (mti, is_declined) {
            ("0120" | "0220", _) => ADVISED_FROM + self.draw.below(199),
            (_, true) => DECLINED.0,
            (_, false) => 1 + self.draw.below(199),
        };
        self.pay(sequence, mti, amount)
    }

    /// The next message to send, sometimes a repeat of one sent before.
    fn next(&mut self, bed: &Bed) -> Message {
        if self.waiting.is_empty() {
            let payment = self.drawn();
            if self.draw.below(4) == 0 {
                // It overtakes what it repeats, and so is the first.
                self.waiting.extend(payment.messages(bed).pop().map(repeat));
            }
            self.waiting.extend(payment.messages(bed));
        }
        let message = self.waiting.pop_front().unwrap();
        self.sent.insert(stan(&message));
        message
    }

    fn payment(&self, stan: u32) -> &Payment {
        &self.payments[(stan % REVERSALS) as usize - 1]
    }

    /// The repeat of a message.
    fn repeat(&self, bed: &Bed, stan: u32) -> Message {
        let payment = self.payment(stan);
        let is_reversal = stan > REVERSALS;
        repeat(if is_reversal { payment.reversal(bed) } else { payment.original(bed) })
    }

    /// Records an answer: a message has one, however often it is sent.
    fn record(&mut self, answer: &Received) {
        let stan = stan(&answer.message);
        let outcome = (answer.outcome().1, answer.text(38).map(str::to_owned));
        let first = self.answers.entry(stan).or_insert_with(|| outcome.clone()).clone();
        assert_eq!(first, outcome, "{stan}: {:?}", self.payment(stan));
    }

    fn unanswered(&self) -> Vec<u32> {
        self.sent.iter().filter(|stan| !self.answers.contains_key(stan)).copied().collect()
    }
}

fn stan(message: &Message) -> u32 {
    message.text(11).unwrap().parse().unwrap()
}

/// The same message as its repeat.
fn repeat(mut message: Message) -> Message {
    let class = message.mti().to_string();
    message.set_mti(Mti::parse(&format!("{}1", &class[..3])).unwrap());
    message
}

/// Sends and receives until the server is killed.
async fn traffic(bed: Arc<Bed>, network: Arc<Mutex<Network>>) {
    let mut peer = bed.signed_on().await;
    let mut waiting = 0;
    let held = network.lock().unwrap().pay(Sequence::Stands, "0200", HELD.0).original(&bed);
    network.lock().unwrap().sent.insert(stan(&held));
    let mut next = held;
    loop {
        let frame = peer.framed(&peer.encoded(&next));
        if peer.send_bytes(&frame).await.is_err() {
            return;
        }
        waiting += 1;
        if waiting == WINDOW {
            let Some(answer) = peer.receive().await else { return };
            network.lock().unwrap().record(&answer);
            waiting -= 1;
        }
        next = network.lock().unwrap().next(&bed);
    }
}

/// Runs the traffic until the server is killed in the midst of it.
async fn load_and_kill(mut bed: Bed, network: &Arc<Mutex<Network>>) -> Bed {
    let enterprise = &bed.world.enterprise;
    enterprise.answer_amount(HELD.1, Behaviour::Held(ResponseCode::Approved));
    let held_notices = |bed: &Bed| {
        let notices = bed.world.enterprise.notices();
        notices.iter().filter(|it| it.data.amount.as_str() == HELD.1).count()
    };
    let (held, answers) = (held_notices(&bed), network.lock().unwrap().answers.len());
    let shared = Arc::new(bed);
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|_| tokio::spawn(traffic(Arc::clone(&shared), Arc::clone(network))))
        .collect();
    let is_busy = || network.lock().unwrap().answers.len() >= answers + ANSWERS_BEFORE_KILL;
    while !is_busy() || held_notices(&shared) < held + CONNECTIONS {
        assert!(!connections.iter().any(tokio::task::JoinHandle::is_finished), "it has failed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    shared.world.strike();
    for connection in connections {
        connection.await.unwrap();
    }
    bed = Arc::into_inner(shared).unwrap();
    bed.world.enterprise.answer_amount(HELD.1, Behaviour::APPROVE);
    bed.world.crash();
    bed
}

/// The network repeats what was not answered, and sends the originals of early reversals.
async fn catch_up(bed: &Bed, network: &Mutex<Network>, before: usize) -> usize {
    let mut peer = bed.signed_on().await;
    let unanswered = network.lock().unwrap().unanswered();
    for stan in &unanswered {
        let repeat = network.lock().unwrap().repeat(bed, *stan);
        let answer = peer.ask(&repeat).await;
        network.lock().unwrap().record(&answer);
    }
    let payments = network.lock().unwrap().payments[before..].to_vec();
    for payment in payments.iter().filter(|it| it.sequence == Sequence::ReversedLongBefore) {
        // Some messages of the queue were never sent.
        if !network.lock().unwrap().sent.contains(&(payment.stan + REVERSALS)) {
            continue;
        }
        let original = payment.original(bed);
        network.lock().unwrap().sent.insert(payment.stan);
        let answer = peer.ask(&original).await;
        // An advice is taken, and given back at once.
        let code = if payment.mti.ends_with("20") { "00" } else { "05" };
        assert_eq!(answer.text(39), Some(code), "a tombstone is lost: {payment:?}");
        network.lock().unwrap().record(&answer);
    }
    unanswered.len()
}

async fn a_kill_under_traffic_loses_nothing(engine: Engine) {
    let directory = tempfile::tempdir().unwrap();
    let file = configured(&directory, &table("default", PATIENT));
    let mut bed = Bed::new(&engine, &["--config", file.to_str().unwrap()]).await;
    let enterprise = &bed.world.enterprise;
    enterprise.answer(Behaviour::Late(ResponseCode::Approved, THINKING));
    enterprise.answer_amount(DECLINED.1, Behaviour::DECLINE);
    let network = Arc::new(Mutex::new(Network::new(0x9E37_79B9_7F4A_7C15)));
    for _ in 0..ROUNDS[usize::from(is_long())] {
        let before = network.lock().unwrap().payments.len();
        bed = load_and_kill(bed, &network).await;
        let repeated = catch_up(&bed, &network, before).await;
        assert!(repeated >= CONNECTIONS, "the kill came between arrival and answer");
        network.lock().unwrap().waiting.clear();
    }
    let mut network = Arc::into_inner(network).unwrap().into_inner().unwrap();
    check_answers(&bed, &mut network).await;
    check_money(&bed, &network).await;
}

/// Every repeat gets the first answer, without a question to the enterprise; advices and reversals
/// are answered 00.
async fn check_answers(bed: &Bed, network: &mut Network) {
    let before = questions(bed);
    let mut peer = bed.signed_on().await;
    for stan in network.sent.clone() {
        let answer = peer.ask(&network.repeat(bed, stan)).await;
        network.record(&answer);
        if !["0110", "0210"].contains(&&*answer.message.mti().to_string()) {
            assert_eq!(answer.text(39), Some("00"), "{:?}", network.payment(stan));
        }
    }
    assert_eq!(questions(bed), before, "a repeat asks nobody");
}

/// Notices of requests. Those of advices and reversals ask nothing, and may come long after a
/// kill.
fn questions(bed: &Bed) -> usize {
    let is_advice = |amount: &str| minor(&json!(amount)) >= i64::from(ADVISED_FROM);
    let notices = bed.world.enterprise.notices();
    let asked = notices.iter().map(|it| &it.data).filter(|it| it.original_auth_id.is_none());
    asked.filter(|it| !is_advice(it.amount.as_str())).count()
}

/// Money in minor units.
#[derive(Debug, Default, PartialEq, Eq)]
struct Money {
    held: i64,
    /// Posted outwards, each posting by itself.
    posted: Vec<i64>,
    /// Posted back, each posting by itself.
    posted_back: Vec<i64>,
}

impl Money {
    /// What the answers say about a payment.
    fn expected(network: &Network, payment: &Payment) -> Self {
        let amount = i64::from(payment.amount_minor);
        let is_approved = network.answers.get(&payment.stan).is_some_and(|it| it.0 == "00");
        let is_reversed = network.answers.contains_key(&(payment.stan + REVERSALS));
        match (is_approved, payment.mti) {
            (false, _) => Self::default(),
            (true, "0200" | "0220") => Self {
                held: 0,
                posted: vec![amount],
                posted_back: if is_reversed { vec![amount] } else { Vec::new() },
            },
            (true, _) => Self { held: if is_reversed { 0 } else { amount }, ..Self::default() },
        }
    }
}

/// The authorisations of a card and what was posted for them, from the operator API.
struct Books {
    /// By RRN.
    originals: HashMap<String, Vec<Value>>,
    /// By the authorisation that they take back.
    taken_back: HashMap<String, Vec<Value>>,
    /// Amounts by authorisation.
    posted: HashMap<String, Vec<i64>>,
}

impl Books {
    async fn of(bed: &Bed) -> Self {
        let operator = &bed.world.operator;
        let (mut originals, mut taken_back) = (HashMap::new(), HashMap::new());
        for it in authorisations(operator, &bed.card_id).await.into_values() {
            let (books, key) = match it["rrn"].as_str() {
                Some(rrn) => (&mut originals, rrn.to_owned()),
                None => (&mut taken_back, text(&it, "originalAuthId")),
            };
            books.entry(key).or_insert_with(Vec::new).push(it);
        }
        let mut posted = HashMap::new();
        for it in listed(operator, &format!("/admin/v1/transactions?cardId={}", bed.card_id)).await
        {
            let amounts = posted.entry(text(&it, "authId")).or_insert_with(Vec::new);
            amounts.push(minor(&it["amount"]));
        }
        Self { originals, taken_back, posted }
    }

    /// The money of the original with this RRN, which was decided once.
    fn money(&self, rrn: &str) -> Money {
        let [original] = &self.originals[rrn][..] else {
            panic!("{rrn} is decided twice: {:?}", self.originals[rrn])
        };
        let auth_id = text(original, "authId");
        let posted = |auth_id: &str| self.posted.get(auth_id).cloned().unwrap_or_default();
        let back = self.taken_back.get(&auth_id).into_iter().flatten();
        Money {
            held: if original["holdState"] == "PENDING" {
                minor(&original["heldAmount"])
            } else {
                0
            },
            posted_back: back.flat_map(|it| posted(&text(it, "authId"))).collect(),
            posted: posted(&auth_id),
        }
    }
}

/// An amount of the operator API.
fn minor(amount: &Value) -> i64 {
    amount.as_str().unwrap().replace('.', "").parse().unwrap()
}

/// What is held and posted of each payment, and in all, is what the answers say.
async fn check_money(bed: &Bed, network: &Network) {
    let books = Books::of(bed).await;
    let (mut held, mut posted) = (0, 0);
    for payment in network.payments.iter().filter(|it| network.sent.contains(&it.stan)) {
        let expected = Money::expected(network, payment);
        assert_eq!(books.money(&format!("6333{:08}", payment.stan)), expected, "{payment:?}");
        if payment.amount_minor == HELD.0 {
            assert_eq!(expected, Money::default(), "killed before the answer: {payment:?}");
        }
        held += expected.held;
        posted += expected.posted.iter().sum::<i64>() - expected.posted_back.iter().sum::<i64>();
    }
    assert!(held > 0 && posted > 0);
    let path = format!("/admin/v1/ledger/accounts?enterpriseId={}", bed.world.enterprise_id());
    let accounts = listed(&bed.world.operator, &path).await;
    let total = |field: &str| accounts.iter().map(|it| minor(&it[field])).sum::<i64>();
    assert_eq!((total("heldAmount"), total("postedAmount")), (held, posted), "{accounts:?}");
    let available = json!(bed.world.available().await);
    assert_eq!(minor(&available), DEPOSIT_MINOR - held - posted);
    bed.world.verify_ledger().await;
}

on_both_engines! {
    a_kill_under_traffic_loses_nothing:
        a_kill_under_traffic_loses_nothing_on_sqlite,
        a_kill_under_traffic_loses_nothing_on_postgresql;
}
