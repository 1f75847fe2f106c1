//! Random histories of money: after each step the ledger adds up, and the balances and the use of
//! limits are those of a simple model. Each history has its own database. Steps that are played at
//! once come from two processes; the model must agree with them in one order or the other.

use domain::{
    AuthId, AuthType, Authorisation, AuthorisationStatus, Card, Currency, Direction, HoldState,
    Money, NetworkKey, ResponseCode, TransactionType, VelocityLimit, VelocityLimits,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use store::{
    BeginAuthorisation, BeginOutcome, ClearAuthorisation, DecideAuthorisation, DecideOutcome,
    ForcedClearing, ReverseAuthorisation, Store, VelocityTerms,
};
use testkit::database::{Database, is_long};

use crate::ledger_model::{Asked, DAILY, Done, Kind, Model, SINGLE, Status};
use crate::money::{ENTERPRISE, NOW, assert_ledger, balances, decision, fund, purchase, usd};
use crate::retention::retire;
use crate::{both_engines, cards};

/// Money at the beginning, minor units.
const FUNDS: i64 = 1_000;
/// The number of latest authorisations that a step chooses from.
const RECENT: usize = 8;
/// Histories that a random run plays, usually and with full counts, each of up to forty turns.
const HISTORIES: [usize; 2] = [8, 128];
/// The variable with the seed of the one history to be played.
const SEED: &str = "CARDBRIDGE_HISTORY_SEED";
/// Billing minor units for one of the acquirer's, if its currency differs: a whole number, so the
/// model needs no rounding.
const RATE: i64 = 3;

#[derive(Debug, Clone)]
enum Step {
    /// A purchase or reservation, perhaps in another currency, on a card with limits or
    /// without, under the network's key if there is one.
    Begin {
        minor: i64,
        reserves: bool,
        converts: bool,
        is_limited: bool,
        key: Option<u8>,
    },
    /// An increment of a purchase.
    Increment(usize, i64, Option<u8>),
    /// A completion of a reservation.
    Complete(usize, i64, Option<u8>),
    Refund(i64, Option<u8>),
    Decide(usize, bool),
    Clear(usize, Option<i64>, bool),
    Reverse(usize, Option<i64>),
    Expire(usize),
    Force(i64),
    Deposit(i64),
    Withdraw(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let minor = 1_i64..400;
    let part = prop::option::of(1_i64..300);
    let which = any::<usize>();
    let key = prop::option::weighted(0.4, 0_u8..6);
    let numbered = (which, minor.clone(), key.clone());
    prop_oneof![
        4 => (minor.clone(), any::<[bool; 3]>(), key.clone()).prop_map(|(minor, flags, key)| {
            let [reserves, converts, is_limited] = flags;
            Step::Begin { minor, reserves, converts, is_limited, key }
        }),
        3 => numbered.clone().prop_map(|(i, m, key)| Step::Increment(i, m, key)),
        3 => numbered.prop_map(|(i, m, key)| Step::Complete(i, m, key)),
        1 => (minor.clone(), key).prop_map(|(m, key)| Step::Refund(m, key)),
        8 => (any::<usize>(), prop::bool::weighted(0.8)).prop_map(|(i, yes)| Step::Decide(i, yes)),
        4 => (any::<usize>(), part.clone(), any::<bool>())
            .prop_map(|(i, m, f)| Step::Clear(i, m, f)),
        4 => (any::<usize>(), part).prop_map(|(i, m)| Step::Reverse(i, m)),
        2 => any::<usize>().prop_map(Step::Expire),
        1 => minor.clone().prop_map(Step::Force),
        1 => minor.clone().prop_map(Step::Deposit),
        1 => minor.prop_map(Step::Withdraw),
    ]
}

/// A step, or two at once.
fn turn() -> impl Strategy<Value = (Step, Option<Step>)> {
    (step(), prop::option::weighted(0.3, step()))
}

/// A step's request to the store, about authorisations that the model knows by number.
#[derive(Debug, Clone)]
enum Command {
    Begin(Box<BeginAuthorisation>, Asked),
    Decide(usize, Box<DecideAuthorisation>),
    Clear(usize, ClearAuthorisation),
    Reverse(usize, ReverseAuthorisation),
    Expire(usize, AuthId),
    Force(Box<ForcedClearing>),
    Deposit(i64, String),
    Withdraw(i64, String),
}

impl Command {
    async fn run(self, store: &Store) -> Done {
        let taken = |is_taken| if is_taken { Done::Taken } else { Done::Refused };
        match self {
            Self::Begin(request, _) => match store.begin_authorisation(*request).await {
                Ok(BeginOutcome::Held(it) | BeginOutcome::Refused(it)) => {
                    Done::Status(status_of(&it))
                }
                Ok(BeginOutcome::Repeated(it)) => Done::Repeated(it.auth_id),
                Err(_) => Done::Refused,
            },
            Self::Decide(_, request) => match store.decide_authorisation(*request).await.unwrap() {
                DecideOutcome::Decided(it) | DecideOutcome::AlreadyDecided(it) => {
                    Done::Status(status_of(&it))
                }
            },
            Self::Clear(_, request) => taken(store.clear_authorisation(request).await.is_ok()),
            Self::Reverse(_, request) => taken(store.reverse_authorisation(request).await.is_ok()),
            Self::Expire(_, auth_id) => {
                let later = NOW.plus_seconds(7200);
                taken(store.expire_hold(ENTERPRISE, auth_id, later, None).await.unwrap())
            }
            Self::Force(request) => taken(store.force_clearing(*request).await.is_ok()),
            Self::Deposit(minor, reference) => {
                taken(store.deposit(ENTERPRISE, usd(minor), reference, NOW).await.is_ok())
            }
            Self::Withdraw(minor, reference) => {
                taken(store.withdraw(ENTERPRISE, usd(minor), reference, NOW).await.is_ok())
            }
        }
    }

    fn foretell(&self, model: &mut Model) -> Done {
        let taken = |is_taken| if is_taken { Done::Taken } else { Done::Refused };
        match self {
            Self::Begin(_, asked) => model.begin(asked),
            Self::Decide(index, request) => {
                model.decide(*index, request.cause.is_approval());
                Done::Status(model.known[*index].status)
            }
            Self::Clear(index, it) => {
                taken(model.clear(*index, it.acquirer_amount_minor, it.is_final))
            }
            Self::Reverse(index, it) => {
                taken(model.reverse(it.reversal_id, *index, it.acquirer_amount_minor))
            }
            Self::Expire(index, _) => taken(model.expire(*index)),
            Self::Force(request) => {
                model.force(request.record.auth_id, request.record.posted_minor);
                Done::Taken
            }
            Self::Deposit(minor, _) => {
                model.funding += minor;
                Done::Taken
            }
            Self::Withdraw(minor, _) => taken(model.withdraw(*minor)),
        }
    }
}

fn status_of(it: &Authorisation) -> Status {
    match it.status {
        AuthorisationStatus::Pending => Status::Pending,
        AuthorisationStatus::Approved => Status::Approved,
        AuthorisationStatus::Declined => Status::Declined,
    }
}

/// A store, a second process on it, and the model that follows both.
struct Game {
    store: Store,
    other: Store,
    /// Has limits.
    card: Card,
    model: Model,
    commands: u32,
}

impl Game {
    /// One of the latest authorisations that `fits`: older ones are mostly closed.
    fn pick(&self, index: usize, fits: impl Fn(Kind) -> bool) -> Option<usize> {
        let all: Vec<_> = (0..self.model.known.len())
            .filter(|number| fits(self.model.known[*number].kind))
            .collect();
        all.iter().rev().nth(index % all.len().clamp(1, RECENT)).copied()
    }

    async fn stored(&self, index: usize) -> Authorisation {
        let view = self.store.authorisation_view(self.model.known[index].auth_id).await.unwrap();
        view.unwrap().authorisation
    }

    /// A request for `minor` of the acquirer's currency.
    fn request(&self, minor: i64, key: Option<u8>, asked: Asked) -> Command {
        let network_key = key.map(|number| NetworkKey {
            stan: format!("{number:06}"),
            rrn: "000000000001".to_owned(),
        });
        let mut request =
            purchase(self.store.ids(), usd(asked.rate.saturating_mul(minor)), network_key);
        let it = &mut request.authorisation;
        if asked.rate != 1 {
            it.acquirer_amount = Money::new(minor, Currency::SGD);
            it.fx_rate = asked.rate.to_string();
        }
        if asked.is_limited {
            // The use of limits is read for the clock's day.
            it.created_at = self.store.clock().now();
            it.card_id = self.card.card_id;
            let limit =
                |amount_minor| VelocityLimit { amount_minor: Some(amount_minor), count: None };
            let limits = VelocityLimits {
                single: limit(SINGLE),
                daily: limit(DAILY),
                ..VelocityLimits::default()
            };
            let pan_id = self.card.pan_id;
            request.velocity = Some(VelocityTerms { pan_id, limits, own: None });
        }
        match asked.kind {
            Kind::Reservation => it.auth_type = AuthType::PreAuth,
            Kind::Completion => it.auth_type = AuthType::PreAuthCompletion,
            Kind::Refund => {
                it.direction = Direction::Incoming;
                it.transaction_type = TransactionType::Refund;
            }
            _ => {}
        }
        let (auth_id, amount) = (it.auth_id, it.amount.amount_minor());
        Command::Begin(Box::new(request), Asked { auth_id, amount, key, ..asked })
    }

    async fn follow(&self, index: usize, minor: i64, kind: Kind, key: Option<u8>) -> Command {
        let original = &self.model.known[index];
        let asked = Asked {
            original: Some(index),
            rate: original.rate,
            is_limited: original.is_limited,
            ..Asked::of(kind)
        };
        let mut command = self.request(minor, key, asked);
        let found = self.stored(index).await;
        if let Command::Begin(request, _) = &mut command {
            let it = &mut request.authorisation;
            (it.original_auth_id, it.outs_id) = (Some(found.auth_id), found.outs_id);
            if kind == Kind::Increment {
                it.auth_type = found.auth_type;
            }
        }
        command
    }

    /// The command of a step; None if there is nothing yet that it could be about.
    async fn command(&mut self, step: &Step) -> Option<Command> {
        self.commands += 1;
        Some(match *step {
            Step::Begin { minor, reserves, converts, is_limited, key } => {
                let kind = if reserves { Kind::Reservation } else { Kind::Purchase };
                let rate = if converts { RATE } else { 1 };
                self.request(minor, key, Asked { rate, is_limited, ..Asked::of(kind) })
            }
            Step::Increment(index, minor, key) => {
                let fits = |kind| matches!(kind, Kind::Purchase | Kind::Reservation);
                self.follow(self.pick(index, fits)?, minor, Kind::Increment, key).await
            }
            Step::Complete(index, minor, key) => {
                let original = self.pick(index, |kind| kind == Kind::Reservation)?;
                self.follow(original, minor, Kind::Completion, key).await
            }
            Step::Refund(minor, key) => self.request(minor, key, Asked::of(Kind::Refund)),
            Step::Force(minor) => self.force(minor),
            Step::Deposit(minor) => Command::Deposit(minor, format!("in-{}", self.commands)),
            Step::Withdraw(minor) => Command::Withdraw(minor, format!("out-{}", self.commands)),
            Step::Decide(index, yes) => self.decide(self.pick(index, |_| true)?, yes),
            Step::Clear(index, acquirer_amount_minor, is_final) => {
                let index = self.pick(index, |_| true)?;
                let auth_id = self.model.known[index].auth_id;
                let it =
                    ClearAuthorisation { auth_id, acquirer_amount_minor, is_final, webhooks: None };
                Command::Clear(index, it)
            }
            Step::Reverse(index, acquirer_amount_minor) => {
                let index = self.pick(index, |_| true)?;
                let auth_id = self.model.known[index].auth_id;
                let reversal_id = AuthId::from_i64(self.store.ids().next());
                let it = ReverseAuthorisation {
                    auth_id,
                    remaining_minor: None,
                    takes_refunds: false,
                    receipt: "{}".to_owned(),
                    acquirer_amount_minor,
                    reversal_id,
                    now: NOW,
                    webhooks: None,
                };
                Command::Reverse(index, it)
            }
            Step::Expire(index) => {
                let index = self.pick(index, |_| true)?;
                Command::Expire(index, self.model.known[index].auth_id)
            }
        })
    }

    fn decide(&self, index: usize, yes: bool) -> Command {
        let it = &self.model.known[index];
        // The network's reversals stand, even if the enterprise refuses them.
        let yes = yes || it.kind == Kind::Reversal;
        let code = if yes { ResponseCode::Approved } else { ResponseCode::NotAllowed };
        let request = decision(it.auth_id, code);
        Command::Decide(index, Box::new(request))
    }

    fn force(&self, minor: i64) -> Command {
        let mut record = purchase(self.store.ids(), usd(minor), None).authorisation;
        record.status = AuthorisationStatus::Approved;
        record.hold_state = HoldState::Posted;
        record.hold_expires_at = None;
        record.posted_minor = minor;
        record.cleared_acquirer_minor = minor;
        Command::Force(Box::new(ForcedClearing {
            record,
            receipt: "{}".to_owned(),
            webhooks: None,
            vm_app_id: None,
        }))
    }

    async fn play(&mut self, (first, second): &(Step, Option<Step>)) {
        let one = self.command(first).await;
        let two = match second {
            Some(step) => self.command(step).await,
            None => None,
        };
        match (one, two) {
            (Some(one), Some(two)) => {
                let did = tokio::join!(one.clone().run(&self.store), two.clone().run(&self.other));
                let mut forth = self.model.clone();
                let told_forth = (one.foretell(&mut forth), two.foretell(&mut forth));
                let mut back = self.model.clone();
                let second = two.foretell(&mut back);
                let told_back = (one.foretell(&mut back), second);
                let now = (balances(&self.store).await, self.used().await);
                let is_forth = did == told_forth && now == (forth.balances(), forth.used);
                let is_back = did == told_back && now == (back.balances(), back.used);
                assert!(is_forth || is_back, "{did:?} {now:?}: {told_forth:?} or {told_back:?}");
                self.model = if is_forth { forth } else { back };
            }
            (Some(command), None) | (None, Some(command)) => {
                let told = command.foretell(&mut self.model);
                assert_eq!(command.run(&self.store).await, told);
            }
            (None, None) => {}
        }
        assert_eq!(balances(&self.store).await, self.model.balances());
        assert_eq!(self.used().await, self.model.used);
        assert_ledger(&self.store).await;
    }

    /// The used part of the limited card's day.
    async fn used(&self) -> i64 {
        let used = self.store.velocity_use(ENTERPRISE, self.card.pan_id).await.unwrap();
        used.day.amount_minor
    }
}

/// Prints the seed of a history that fails.
struct Told {
    seed: u64,
    turns: Vec<(Step, Option<Step>)>,
    played: usize,
}

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let turns = &self.turns[..=self.played.min(self.turns.len() - 1)];
            eprintln!("the last turn fails, again with {SEED}={}: {turns:#?}", self.seed);
        }
    }
}

fn seeds() -> Vec<u64> {
    if let Ok(seed) = std::env::var(SEED) {
        return vec![seed.parse().unwrap()];
    }
    let mut runner = TestRunner::new(Config::default());
    (0..HISTORIES[usize::from(is_long())]).map(|_| runner.rng().next_u64()).collect()
}

/// Returns how many authorisations were at rest in the end.
async fn play_history(database: &Database, seed: u64) -> usize {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let strategy = prop::collection::vec(turn(), 1..40);
    let turns = strategy.new_tree(&mut runner).unwrap().current();
    let (store, other) = (database.open().await, database.open_as(2).await);
    fund(&store, FUNDS).await;
    let card = cards::card(&store).await;
    let model = Model { funding: FUNDS, ..Model::default() };
    let mut game = Game { store, other, card, model, commands: 0 };
    let mut told = Told { seed, turns, played: 0 };
    for turn in told.turns.clone() {
        game.play(&turn).await;
        told.played += 1;
    }
    database.tamper("UPDATE webhook SET status = 'DELIVERED'").await;
    let before = (balances(&game.store).await, game.used().await);
    let retired = retire(&game.store).await;
    assert_eq!((balances(&game.store).await, game.used().await), before);
    assert_ledger(&game.store).await;
    game.store.close().await;
    game.other.close().await;
    retired
}

both_engines!(every_history_keeps_the_ledger, |_store, database| {
    let mut retired = 0;
    for seed in seeds() {
        let own = database.another().await;
        retired += play_history(&own, seed).await;
        own.drop().await;
    }
    assert!(retired > 0 || std::env::var(SEED).is_ok(), "no history came to rest");
});
