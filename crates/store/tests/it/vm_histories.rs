//! Random histories of a prepaid and a credit-line card, some steps at once from two processes:
//! after each turn the rows of a card follow from one another and end at the amount that it can
//! draw on, and every authorisation was charged the fees of its decision, once.

use std::collections::BTreeMap;

use domain::{
    AccountOwner, AuthId, AuthType, Authorisation, AuthorisationStatus, CardId, Currency,
    Direction, HoldState, Money, NetworkKey, ResponseCode, TransactionType, VmFee, VmFees, VmFlow,
    VmFlowKind, VmFunding,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use store::{
    BeginAuthorisation, BeginOutcome, ClearAuthorisation, DecideAuthorisation, DecideOutcome,
    ForcedClearing, ReverseAuthorisation, Store, VmAppAccount, VmCardOperation, VmTariff,
};
use testkit::database::{Database, is_long};

use crate::both_engines;
use crate::money::{ENTERPRISE, NOW, assert_ledger, decision, purchase, usd};
use crate::retention::retire;
use crate::vm_cards::{APP, app, opened, opening, operation, prepare};

/// The money of the app at the beginning, on either account, minor units.
const FUNDS: i64 = 10_000;
const LOAD: i64 = 2_000;
/// Histories that a run plays, usually and with full counts, each of up to forty turns.
const HISTORIES: [usize; 2] = [6, 96];
/// The variable with the seed of the one history to be played.
const SEED: &str = "CARDBRIDGE_HISTORY_SEED";
/// The number of latest authorisations that a step chooses from.
const RECENT: usize = 6;

const FEES: VmFees = VmFees {
    opening_minor: 0,
    authorisation: VmFee { basis_points: 200, least_minor: 0 },
    decline: VmFee { basis_points: 0, least_minor: 30 },
    cross_border: VmFee { basis_points: 100, least_minor: 45 },
};
const TARIFF: Option<VmTariff> =
    Some(VmTariff { vm_app_id: APP, currency: Currency::USD, fees: FEES });

#[derive(Debug, Clone)]
enum Step {
    Begin { minor: i64, on_line: bool, reserves: bool, converts: bool, key: Option<u8> },
    Increment(usize, i64),
    Complete(usize, i64),
    Refund(i64, bool),
    Decide(usize, bool),
    Clear(usize, Option<i64>, bool),
    Reverse(usize, Option<i64>),
    Expire(usize),
    Force(i64, bool),
    Change(VmCardOperation),
}

fn step() -> impl Strategy<Value = Step> {
    let minor = 1_i64..900;
    let part = prop::option::of(1_i64..700);
    let key = prop::option::weighted(0.4, 0_u8..6);
    prop_oneof![
        8 => (minor.clone(), any::<[bool; 3]>(), key).prop_map(|(minor, flags, key)| {
            let [on_line, reserves, converts] = flags;
            Step::Begin { minor, on_line, reserves, converts, key }
        }),
        3 => (any::<usize>(), minor.clone()).prop_map(|(i, m)| Step::Increment(i, m)),
        3 => (any::<usize>(), minor.clone()).prop_map(|(i, m)| Step::Complete(i, m)),
        2 => (minor.clone(), any::<bool>()).prop_map(|(m, line)| Step::Refund(m, line)),
        14 => (any::<usize>(), prop::bool::weighted(0.8)).prop_map(|(i, yes)| Step::Decide(i, yes)),
        7 => (any::<usize>(), part.clone(), any::<bool>())
            .prop_map(|(i, m, f)| Step::Clear(i, m, f)),
        7 => (any::<usize>(), part).prop_map(|(i, m)| Step::Reverse(i, m)),
        3 => any::<usize>().prop_map(Step::Expire),
        2 => (minor.clone(), any::<bool>()).prop_map(|(m, line)| Step::Force(m, line)),
        3 => minor.clone().prop_map(|m| Step::Change(VmCardOperation::Recharge(usd(m)))),
        2 => minor.prop_map(|m| Step::Change(VmCardOperation::Refund(usd(m)))),
        1 => Just(Step::Change(VmCardOperation::Delete)),
    ]
}

type Turn = (Step, Option<Step>);

enum Command {
    Begin(Box<BeginAuthorisation>),
    Decide(Box<DecideAuthorisation>),
    Clear(ClearAuthorisation),
    Reverse(ReverseAuthorisation),
    Expire(AuthId),
    Force(Box<ForcedClearing>),
    Change(VmCardOperation),
}

impl Command {
    /// Carries it out; returns the authorisation that it decided or made.
    async fn run(self, store: &Store) -> Option<Authorisation> {
        match self {
            Self::Begin(request) => match store.begin_authorisation(*request).await.ok()? {
                BeginOutcome::Held(it) | BeginOutcome::Refused(it) => Some(it),
                BeginOutcome::Repeated(_) => None,
            },
            Self::Decide(request) => match store.decide_authorisation(*request).await.unwrap() {
                DecideOutcome::Decided(it) => Some(it),
                DecideOutcome::AlreadyDecided(_) => None,
            },
            Self::Clear(request) => {
                _ = store.clear_authorisation(request).await;
                None
            }
            Self::Reverse(request) => store.reverse_authorisation(request).await.ok(),
            Self::Expire(auth_id) => {
                let later = NOW.plus_seconds(7_200);
                store.expire_hold(ENTERPRISE, auth_id, later, None).await.unwrap();
                None
            }
            Self::Force(request) => {
                store.force_clearing(*request).await.unwrap();
                None
            }
            Self::Change(wanted) => {
                _ = operation(store, 1, wanted).await;
                None
            }
        }
    }
}

/// The two cards, and every authorisation as it was last seen.
struct Game {
    store: Store,
    other: Store,
    prepaid: CardId,
    line: CardId,
    known: Vec<Authorisation>,
}

impl Game {
    async fn new(database: &Database) -> Self {
        let (store, other) = (database.open().await, database.open_as(2).await);
        prepare(&store, FUNDS).await;
        let app = app();
        let wallet = store.fund_vm_app(&app, VmAppAccount::Wallet, FUNDS, "w".to_owned(), NOW);
        wallet.await.unwrap();
        let prepaid = opened(&store, 1, LOAD).await;
        let request = opening(&store, 2, VmFunding::CreditLine, 1);
        let line = request.vm_card.card_id;
        store.open_vm_card(request).await.unwrap();
        Self { store, other, prepaid, line, known: Vec::new() }
    }

    fn pick(&self, index: usize, fits: impl Fn(&Authorisation) -> bool) -> Option<&Authorisation> {
        let all: Vec<_> = self.known.iter().filter(|it| fits(it)).collect();
        all.iter().rev().nth(index % all.len().clamp(1, RECENT)).copied()
    }

    /// A purchase with one of the cards.
    fn request(&self, minor: i64, on_line: bool, key: Option<u8>) -> BeginAuthorisation {
        let network_key = key.map(|number| NetworkKey {
            stan: format!("{number:06}"),
            rrn: "000000000001".to_owned(),
        });
        let mut request = purchase(self.store.ids(), usd(minor), network_key);
        let it = &mut request.authorisation;
        (it.card_id, it.account) = if on_line {
            (self.line, AccountOwner::VmWallet(APP))
        } else {
            (self.prepaid, AccountOwner::Card(self.prepaid))
        };
        request.tariff = TARIFF;
        request
    }

    fn follow(&self, original: &Authorisation, minor: i64, auth_type: AuthType) -> Command {
        let mut request = self.request(minor, original.card_id == self.line, None);
        let it = &mut request.authorisation;
        it.original_auth_id = Some(original.auth_id);
        it.outs_id = original.outs_id;
        it.auth_type = auth_type;
        it.acquirer_amount = Money::new(minor, original.acquirer_amount.currency());
        Command::Begin(Box::new(request))
    }

    fn command(&self, step: &Step) -> Option<Command> {
        let is_first = |it: &Authorisation| {
            it.direction == Direction::Outgoing && it.original_auth_id.is_none()
        };
        let any = |index| self.pick(index, |_| true);
        Some(match *step {
            Step::Begin { minor, on_line, reserves, converts, key } => {
                let mut request = self.request(minor, on_line, key);
                if converts {
                    let acquirer = Money::new(minor.saturating_mul(2), Currency::SGD);
                    request.authorisation.acquirer_amount = acquirer;
                }
                if reserves {
                    request.authorisation.auth_type = AuthType::PreAuth;
                }
                Command::Begin(Box::new(request))
            }
            Step::Increment(index, minor) => {
                let original = self.pick(index, is_first)?;
                self.follow(original, minor, original.auth_type)
            }
            Step::Complete(index, minor) => {
                let fits = |it: &Authorisation| is_first(it) && it.auth_type == AuthType::PreAuth;
                self.follow(self.pick(index, fits)?, minor, AuthType::PreAuthCompletion)
            }
            Step::Refund(minor, on_line) => {
                let mut request = self.request(minor, on_line, None);
                request.authorisation.direction = Direction::Incoming;
                request.authorisation.transaction_type = TransactionType::Refund;
                Command::Begin(Box::new(request))
            }
            Step::Decide(index, yes) => self.decide(any(index)?, yes),
            Step::Clear(index, acquirer_amount_minor, is_final) => {
                let auth_id = any(index)?.auth_id;
                let webhooks = None;
                Command::Clear(ClearAuthorisation {
                    auth_id,
                    acquirer_amount_minor,
                    is_final,
                    webhooks,
                })
            }
            Step::Reverse(index, acquirer_amount_minor) => Command::Reverse(ReverseAuthorisation {
                auth_id: any(index)?.auth_id,
                remaining_minor: None,
                takes_refunds: false,
                receipt: "{}".to_owned(),
                acquirer_amount_minor,
                reversal_id: AuthId::from_i64(self.store.ids().next()),
                webhooks: None,
                now: NOW,
            }),
            Step::Expire(index) => Command::Expire(any(index)?.auth_id),
            Step::Force(minor, on_line) => self.force(minor, on_line),
            Step::Change(wanted) => Command::Change(wanted),
        })
    }

    fn decide(&self, it: &Authorisation, yes: bool) -> Command {
        let yes = yes || it.is_reversal();
        let code = if yes { ResponseCode::Approved } else { ResponseCode::NotAllowed };
        let mut request = decision(it.auth_id, code);
        request.tariff = TARIFF;
        Command::Decide(Box::new(request))
    }

    fn force(&self, minor: i64, on_line: bool) -> Command {
        let mut record = self.request(minor, on_line, None).authorisation;
        record.status = AuthorisationStatus::Approved;
        record.hold_state = HoldState::Posted;
        record.hold_expires_at = None;
        record.posted_minor = minor;
        record.cleared_acquirer_minor = minor;
        let receipt = "{}".to_owned();
        Command::Force(Box::new(ForcedClearing {
            record,
            receipt,
            webhooks: None,
            vm_app_id: None,
        }))
    }

    async fn play(&mut self, (first, second): &Turn) {
        let one = self.command(first);
        let two = second.as_ref().and_then(|step| self.command(step));
        let run = async |command: Option<Command>, store: &Store| match command {
            Some(command) => command.run(store).await,
            None => None,
        };
        let (one, two) = tokio::join!(run(one, &self.store), run(two, &self.other));
        for it in one.into_iter().chain(two) {
            self.known.retain(|known| known.auth_id != it.auth_id);
            self.known.push(it);
        }
        self.assert_rows(self.prepaid, 0).await;
        self.assert_rows(self.line, FUNDS).await;
    }

    /// The rows of a card, oldest first.
    async fn rows(&self, card_id: CardId) -> Vec<VmFlow> {
        let page = self.store.vm_flows(ENTERPRISE, APP, Some(card_id), 0, 10_000).await.unwrap();
        page.flows.into_iter().rev().map(|(_, flow)| flow).collect()
    }

    async fn assert_rows(&self, card_id: CardId, start_minor: i64) {
        let rows = self.rows(card_id).await;
        let mut balance_minor = start_minor;
        for row in &rows {
            if row.kind != VmFlowKind::Fee {
                balance_minor += row.amount_minor;
            }
            assert_eq!(row.balance_minor, balance_minor, "{row:?} of {rows:#?}");
        }
        let number = if card_id == self.prepaid { "card-1" } else { "card-2" };
        let view = self.store.vm_card_view(ENTERPRISE, APP, number, 0).await.unwrap().unwrap();
        assert_eq!(view.available_minor, balance_minor, "{rows:#?}");
    }

    /// Each authorisation was charged the fees of its decision. The amount that a completion adds
    /// is not known here.
    async fn assert_fees(&self) {
        let mut charged: BTreeMap<String, i64> = BTreeMap::new();
        for row in self.rows(self.prepaid).await.into_iter().chain(self.rows(self.line).await) {
            if row.kind == VmFlowKind::Fee {
                let (_, auth_id) = row.remark.rsplit_once(' ').unwrap();
                *charged.entry(auth_id.to_owned()).or_default() -= row.amount_minor;
            }
        }
        for it in &self.known {
            let charged = charged.remove(&it.auth_id.to_string()).unwrap_or_default();
            if !it.is_completion() {
                assert_eq!(charged, expected_fees(it), "{it:?}");
            }
        }
        assert!(charged.is_empty(), "nothing was decided that cost {charged:?}");
    }
}

/// The fees of a decided authorisation, computed in another way.
fn expected_fees(it: &Authorisation) -> i64 {
    let minor = it.amount.amount_minor();
    let up =
        |percent: i64| (minor * percent).div_euclid(100) + i64::from(minor * percent % 100 > 0);
    match (it.direction, it.status) {
        (Direction::Incoming, _) | (_, AuthorisationStatus::Pending) => 0,
        (_, AuthorisationStatus::Declined) => 30,
        _ if it.acquirer_amount.currency() == Currency::USD => up(2),
        _ => up(2) + up(1).max(45),
    }
}

/// Prints the seed of a history that fails.
struct Told {
    seed: u64,
    turns: Vec<Turn>,
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

async fn play_history(database: &Database, seed: u64) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let turn = (step(), prop::option::weighted(0.3, step()));
    let turns = prop::collection::vec(turn, 1..40).new_tree(&mut runner).unwrap().current();
    let mut game = Game::new(database).await;
    let mut told = Told { seed, turns, played: 0 };
    for turn in told.turns.clone() {
        game.play(&turn).await;
        told.played += 1;
    }
    told.played -= 1;
    game.assert_fees().await;
    assert_ledger(&game.store).await;
    // Deleting what is at rest changes no balance.
    database.tamper("UPDATE webhook SET status = 'DELIVERED'").await;
    let mut rows = Vec::new();
    for card_id in [game.prepaid, game.line] {
        rows.push(game.rows(card_id).await);
    }
    retire(&game.store).await;
    for (card_id, rows) in [game.prepaid, game.line].into_iter().zip(rows) {
        assert_eq!(game.rows(card_id).await, rows);
    }
    assert_ledger(&game.store).await;
    game.store.close().await;
    game.other.close().await;
}

both_engines!(every_history_of_a_card_leaves_rows_that_come_to_its_balance, |_store, database| {
    for seed in seeds() {
        let own = database.another().await;
        play_history(&own, seed).await;
        own.drop().await;
    }
});
