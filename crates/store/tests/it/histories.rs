//! Random histories of money: after each step the ledger adds up and the balances are those
//! that a simple model comes to.

use domain::{
    AuthId, AuthType, Authorisation, AuthorisationStatus, Direction, HoldState, NetworkKey,
    ResponseCode, TransactionType,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use store::{
    BeginAuthorisation, BeginOutcome, ClearAuthorisation, ForcedClearing, ReverseAuthorisation,
    Store,
};

use crate::both_engines;
use crate::ledger_model::{Kind, Model};
use crate::money::{ENTERPRISE, NOW, assert_ledger, balances, decision, fund, purchase, usd};

/// Money at the beginning, minor units.
const FUNDS: i64 = 1_000;
/// From how many authorisations a step chooses.
const RECENT: usize = 8;
/// Histories that a random run plays, each of up to forty steps.
const HISTORIES: u32 = 12;

#[derive(Debug, Clone)]
enum Step {
    /// A purchase or reservation, under the network's key if there is one.
    Begin(i64, bool, Option<u8>),
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
        4 => (minor.clone(), any::<bool>(), key.clone())
            .prop_map(|(m, reserves, key)| Step::Begin(m, reserves, key)),
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

/// A store and the model that follows it.
struct Game<'a> {
    store: &'a Store,
    model: Model,
    /// Which authorisation each key of the network made.
    keys: Vec<(u8, AuthId)>,
    steps: u32,
}

impl Game<'_> {
    /// One of the latest authorisations that `fits`: older ones are mostly closed.
    fn pick(&self, index: usize, fits: impl Fn(Kind) -> bool) -> Option<usize> {
        let all: Vec<_> = (0..self.model.known.len())
            .filter(|number| fits(self.model.known[*number].kind))
            .collect();
        all.iter().rev().nth(index % all.len().clamp(1, RECENT)).copied()
    }

    fn request(&self, minor: i64, key: Option<u8>) -> BeginAuthorisation {
        let key = key.map(|number| NetworkKey {
            stan: format!("{number:06}"),
            rrn: "000000000001".to_owned(),
        });
        purchase(self.store.ids(), usd(minor), key)
    }

    async fn begin(&mut self, request: BeginAuthorisation, kind: Kind, original: Option<usize>) {
        let it = request.authorisation.clone();
        let number = it.network_key.as_ref().map(|key| key.stan.parse::<u8>().unwrap());
        let first = self.keys.iter().find(|(key, _)| Some(*key) == number).map(|(_, id)| *id);
        let outcome = self.store.begin_authorisation(request).await;
        if let Some(first) = first {
            let Ok(BeginOutcome::Repeated(repeated)) = outcome else { panic!("{outcome:?}") };
            return assert_eq!(repeated.auth_id, first);
        }
        if original.is_some_and(|index| !self.model.may_follow(index, kind)) {
            return assert!(outcome.is_err(), "{outcome:?}");
        }
        outcome.unwrap();
        self.keys.extend(number.map(|number| (number, it.auth_id)));
        self.model.begin(it.auth_id, kind, it.amount.amount_minor(), original);
    }

    async fn follow(&mut self, original: usize, minor: i64, kind: Kind, key: Option<u8>) {
        let mut request = self.request(minor, key);
        let found = self.stored(original).await;
        request.authorisation.original_auth_id = Some(found.auth_id);
        request.authorisation.outs_id = found.outs_id;
        let completes = kind == Kind::Completion;
        request.authorisation.auth_type =
            if completes { AuthType::PreAuthCompletion } else { found.auth_type };
        self.begin(request, kind, Some(original)).await;
    }

    async fn stored(&self, index: usize) -> Authorisation {
        let view = self.store.authorisation(self.model.known[index].auth_id).await.unwrap();
        view.unwrap().authorisation
    }

    async fn play(&mut self, step: &Step) {
        match *step {
            Step::Begin(minor, reserves, key) => {
                let mut request = self.request(minor, key);
                let kind = if reserves { Kind::Reservation } else { Kind::Purchase };
                if reserves {
                    request.authorisation.auth_type = AuthType::PreAuth;
                }
                self.begin(request, kind, None).await;
            }
            Step::Increment(index, minor, key) => {
                let fits = |kind| matches!(kind, Kind::Purchase | Kind::Reservation);
                let Some(original) = self.pick(index, fits) else { return };
                self.follow(original, minor, Kind::Increment, key).await;
            }
            Step::Complete(index, minor, key) => {
                let Some(original) = self.pick(index, |kind| kind == Kind::Reservation) else {
                    return;
                };
                self.follow(original, minor, Kind::Completion, key).await;
            }
            Step::Refund(minor, key) => {
                let mut request = self.request(minor, key);
                request.authorisation.direction = Direction::Incoming;
                request.authorisation.transaction_type = TransactionType::Refund;
                self.begin(request, Kind::Refund, None).await;
            }
            Step::Force(minor) => self.force(minor).await,
            Step::Deposit(minor) => {
                let reference = format!("in-{}", self.steps);
                self.store.deposit(ENTERPRISE, usd(minor), reference, NOW).await.unwrap();
                self.model.funding += minor;
            }
            Step::Withdraw(minor) => {
                let reference = format!("out-{}", self.steps);
                let done = self.store.withdraw(ENTERPRISE, usd(minor), reference, NOW).await;
                assert_eq!(done.is_ok(), self.model.withdraw(minor));
            }
            _ => self.change(step).await,
        }
    }

    /// The steps that need an authorisation of any kind.
    async fn change(&mut self, step: &Step) {
        let (Step::Decide(index, _)
        | Step::Clear(index, ..)
        | Step::Reverse(index, _)
        | Step::Expire(index)) = step
        else {
            return;
        };
        let Some(index) = self.pick(*index, |_| true) else { return };
        let auth_id = self.model.known[index].auth_id;
        match *step {
            Step::Decide(_, yes) => {
                // The network's reversals stand, whatever the enterprise says.
                let yes = yes || self.model.known[index].kind == Kind::Reversal;
                let code = if yes { ResponseCode::Approved } else { ResponseCode::NotAllowed };
                let mut request = decision(self.store.ids(), auth_id, code);
                let refusal = decision(self.store.ids(), auth_id, ResponseCode::InsufficientFunds);
                request.if_uncovered = Some(Box::new(refusal));
                self.store.decide_authorisation(request).await.unwrap();
                self.model.decide(index, yes);
                let status = self.stored(index).await.status;
                assert_eq!(status.as_str(), self.model.known[index].status.as_str());
            }
            Step::Clear(_, acquirer_amount_minor, is_final) => {
                let request = ClearAuthorisation { auth_id, acquirer_amount_minor, is_final };
                let cleared = self.store.clear_authorisation(request).await;
                let expected = self.model.clear(index, acquirer_amount_minor, is_final);
                assert_eq!(cleared.is_ok(), expected, "{cleared:?}");
            }
            Step::Reverse(_, acquirer_amount_minor) => {
                let reversal_id = AuthId::from_i64(self.store.ids().next());
                let request =
                    ReverseAuthorisation { auth_id, acquirer_amount_minor, reversal_id, now: NOW };
                let reversed = self.store.reverse_authorisation(request).await;
                let expected = self.model.reverse(reversal_id, index, acquirer_amount_minor);
                assert_eq!(reversed.is_ok(), expected, "{reversed:?}");
            }
            _ => {
                let later = NOW.plus_seconds(7200);
                let expired = self.store.expire_hold(ENTERPRISE, auth_id, later).await.unwrap();
                assert_eq!(expired, self.model.expire(index));
            }
        }
    }

    async fn force(&mut self, minor: i64) {
        let mut record = self.request(minor, None).authorisation;
        record.status = AuthorisationStatus::Approved;
        record.hold_state = HoldState::Posted;
        record.hold_expires_at = None;
        record.posted_minor = minor;
        record.cleared_acquirer_minor = minor;
        let auth_id = record.auth_id;
        let request = ForcedClearing { record, receipt: "{}".to_owned() };
        self.store.force_clearing(request).await.unwrap();
        self.model.force(auth_id, minor);
    }
}

both_engines!(every_history_keeps_the_ledger, |store| {
    fund(&store, FUNDS).await;
    let mut runner = TestRunner::new(Config { cases: HISTORIES, ..Config::default() });
    let strategy = prop::collection::vec(step(), 1..40);
    let model = Model { funding: FUNDS, ..Model::default() };
    let mut game = Game { store: &store, model, keys: Vec::new(), steps: 0 };
    for _ in 0..HISTORIES {
        // Each history has its own authorisations; the money is that of all.
        let steps = strategy.new_tree(&mut runner).unwrap().current();
        for step in &steps {
            game.steps += 1;
            game.play(step).await;
            assert_eq!(balances(&store).await, game.model.balances(), "{step:?} of {steps:?}");
            assert_ledger(&store).await;
        }
    }
});
