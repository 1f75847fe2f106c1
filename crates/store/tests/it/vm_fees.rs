//! The fees of apps for the authorisations of their cards.

use domain::{
    AccountOwner, AuthId, Authorisation, CardId, Currency, NetworkKey, ResponseCode, VmFee, VmFees,
    VmFlowKind,
};
use store::{
    AccountFilter, BeginAuthorisation, BeginOutcome, DecideOutcome, MoneyError, Store, VmAppPatch,
    VmCardOperation, VmFeePatch, VmFeesPatch, VmTariff,
};

use crate::both_engines;
use crate::money::{ENTERPRISE, assert_ledger, decision, purchase, usd};
use crate::vm_cards::{APP, app, balance_minor, cleared, opened, operation, prepare, spent};

const FEES: VmFees = VmFees {
    opening_minor: 100,
    authorisation: VmFee { basis_points: 200, least_minor: 0 },
    decline: VmFee { basis_points: 0, least_minor: 30 },
    cross_border: VmFee { basis_points: 100, least_minor: 45 },
};

fn tariff() -> Option<VmTariff> {
    Some(VmTariff { vm_app_id: APP, currency: Currency::USD, fees: FEES })
}

fn key(number: u8) -> Option<NetworkKey> {
    Some(NetworkKey { stan: format!("{number:06}"), rrn: "000000000001".to_owned() })
}

/// A purchase with a prepaid card.
fn bought(
    store: &Store,
    card_id: CardId,
    minor: i64,
    key: Option<NetworkKey>,
) -> BeginAuthorisation {
    let mut request = purchase(store.ids(), usd(minor), key);
    request.authorisation.card_id = card_id;
    request.authorisation.account = AccountOwner::Card(card_id);
    request.tariff = tariff();
    request
}

async fn begun(store: &Store, request: BeginAuthorisation) -> BeginOutcome {
    store.begin_authorisation(request).await.unwrap()
}

async fn decided(store: &Store, it: &Authorisation) -> Result<DecideOutcome, MoneyError> {
    let mut request = decision(it.auth_id, ResponseCode::Approved);
    request.tariff = tariff();
    store.decide_authorisation(request).await
}

/// The fees of a card, oldest first: amounts, balances and remarks.
async fn fees(store: &Store, card_id: CardId) -> Vec<(i64, i64, String)> {
    let page = store.vm_flows(ENTERPRISE, APP, Some(card_id), 0, 1_000).await.unwrap();
    let fees = page.flows.into_iter().rev().map(|(_, flow)| flow);
    let fees = fees.filter(|flow| flow.kind == VmFlowKind::Fee);
    fees.map(|flow| (flow.amount_minor, flow.balance_minor, flow.remark)).collect()
}

fn told(name: &str, auth_id: AuthId) -> String {
    format!("{name}, charged to the account: {auth_id}")
}

both_engines!(each_decision_is_charged_once_whatever_is_repeated, |store| {
    prepare(&store, 10_000).await;
    let card_id = opened(&store, 1, 2_000).await;
    let BeginOutcome::Held(held) = begun(&store, bought(&store, card_id, 1_001, key(1))).await
    else {
        panic!("not held")
    };
    assert_eq!(balance_minor(&store).await, 8_000);
    for _ in 0..2 {
        decided(&store, &held).await.unwrap();
        let again = begun(&store, bought(&store, card_id, 1_001, key(1))).await;
        assert!(matches!(again, BeginOutcome::Repeated(_)), "{again:?}");
    }
    // 2 % of 10.01, rounded up.
    assert_eq!(balance_minor(&store).await, 7_979);
    for _ in 0..2 {
        begun(&store, bought(&store, card_id, 1_000, key(2))).await;
    }
    assert_eq!(balance_minor(&store).await, 7_949);
    let mut abroad = bought(&store, card_id, 500, None);
    abroad.authorisation.acquirer_amount = domain::Money::new(700, Currency::SGD);
    let BeginOutcome::Held(abroad) = begun(&store, abroad).await else { panic!("not held") };
    decided(&store, &abroad).await.unwrap();
    let lines = fees(&store, card_id).await;
    let expected = [
        (-21, 999, told("authorisation fee", held.auth_id)),
        (-30, 999, lines[1].2.clone()),
        (-10, 499, told("authorisation fee", abroad.auth_id)),
        (-45, 499, told("cross-border fee", abroad.auth_id)),
    ];
    assert!(lines[1].2.starts_with("decline fee, "), "{lines:?}");
    assert_eq!((lines, balance_minor(&store).await), (expected.to_vec(), 7_894));
    assert_ledger(&store).await;
});

both_engines!(one_decline_sent_to_two_processes_at_once_is_charged_once, |store, database| {
    prepare(&store, 10_000).await;
    let card_id = opened(&store, 1, 2_000).await;
    let other = database.open_as(2).await;
    for number in 0..5 {
        let (one, two) = tokio::join!(
            begun(&store, bought(&store, card_id, 5_000, key(number))),
            begun(&other, bought(&other, card_id, 5_000, key(number)))
        );
        let refused = [&one, &two].into_iter().filter(|it| matches!(it, BeginOutcome::Refused(_)));
        assert_eq!(refused.count(), 1, "{one:?} {two:?}");
    }
    assert_eq!((balance_minor(&store).await, fees(&store, card_id).await.len()), (7_850, 5));
    assert_ledger(&store).await;
    other.close().await;
});

both_engines!(a_fee_may_take_the_balance_below_zero_which_flags_it, |store| {
    prepare(&store, 2_000).await;
    let card_id = opened(&store, 1, 2_000).await;
    assert_eq!(balance_minor(&store).await, 0);
    let refused = begun(&store, bought(&store, card_id, 2_001, None)).await;
    assert!(matches!(refused, BeginOutcome::Refused(_)), "{refused:?}");
    assert_eq!(balance_minor(&store).await, -30);
    let filter = AccountFilter { enterprise_id: Some(ENTERPRISE), limit: 10, ..Default::default() };
    let accounts = store.accounts(filter).await.unwrap();
    let balance = accounts.iter().find(|it| it.owner == AccountOwner::VmBalance(APP)).unwrap();
    assert!(balance.forced_negative);
    assert_ledger(&store).await;
});

both_engines!(an_app_that_was_never_funded_is_charged_all_the_same, |store| {
    prepare(&store, 0).await;
    let card_id = CardId::from_i64(7);
    let request = bought(&store, card_id, 100, None);
    // The fee is listed with the card, so the card must exist.
    assert!(store.begin_authorisation(request).await.is_err());
    let opening = crate::vm_cards::opening(&store, 3, domain::VmFunding::CreditLine, 1);
    let card_id = opening.vm_card.card_id;
    store.open_vm_card(opening).await.unwrap();
    let mut request = bought(&store, card_id, 100, None);
    request.authorisation.account = AccountOwner::VmWallet(APP);
    let refused = begun(&store, request).await;
    assert!(matches!(refused, BeginOutcome::Refused(_)), "{refused:?}");
    assert_eq!(balance_minor(&store).await, -30);
    assert_ledger(&store).await;
});

both_engines!(without_fees_and_for_what_gives_back_nothing_is_charged, |store| {
    prepare(&store, 10_000).await;
    let card_id = opened(&store, 1, 2_000).await;
    let auth_id = spent(&store, card_id, 500).await;
    store.clear_authorisation(cleared(auth_id, 500)).await.unwrap();
    let mut refund = bought(&store, card_id, 300, None);
    refund.authorisation.direction = domain::Direction::Incoming;
    refund.authorisation.transaction_type = domain::TransactionType::Refund;
    let BeginOutcome::Held(refund) = begun(&store, refund).await else { panic!("not taken") };
    decided(&store, &refund).await.unwrap();
    assert_eq!((fees(&store, card_id).await, balance_minor(&store).await), (Vec::new(), 8_000));
    assert_ledger(&store).await;
});

both_engines!(a_completion_is_charged_for_what_it_adds_to_its_reservation, |store| {
    prepare(&store, 10_000).await;
    let card_id = opened(&store, 1, 2_000).await;
    for (reserved, completed, fee) in [(500, 500, 0), (500, 700, 4)] {
        let mut request = bought(&store, card_id, reserved, None);
        request.authorisation.auth_type = domain::AuthType::PreAuth;
        let BeginOutcome::Held(original) = begun(&store, request).await else { panic!("not held") };
        decided(&store, &original).await.unwrap();
        let before = balance_minor(&store).await;
        let mut request = bought(&store, card_id, completed, None);
        let it = &mut request.authorisation;
        it.auth_type = domain::AuthType::PreAuthCompletion;
        (it.original_auth_id, it.outs_id) = (Some(original.auth_id), original.outs_id);
        let BeginOutcome::Held(completion) = begun(&store, request).await else {
            panic!("not held")
        };
        decided(&store, &completion).await.unwrap();
        assert_eq!(balance_minor(&store).await, before - fee);
    }
    assert_ledger(&store).await;
});

both_engines!(processes_that_charge_and_load_at_once_never_wait_in_a_circle, |store, database| {
    prepare(&store, 100_000).await;
    let other = database.open_as(2).await;
    let cards = [opened(&store, 1, 20_000).await, opened(&store, 2, 20_000).await];
    let before = database.deadlocks().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..24_u8 {
        let store = if number % 2 == 0 { store.clone() } else { other.clone() };
        let card_id = cards[usize::from(number / 2 % 2)];
        tasks.spawn(async move {
            match number % 3 {
                0 => {
                    let recharge = VmCardOperation::Recharge(usd(1_000));
                    _ = operation(&store, number / 3 % 2 + 1, recharge).await.unwrap();
                }
                1 => {
                    let minor = if number % 4 == 0 { 90_000 } else { 100 };
                    let outcome = begun(&store, bought(&store, card_id, minor, None)).await;
                    if let BeginOutcome::Held(held) = outcome {
                        decided(&store, &held).await.unwrap();
                    }
                }
                _ => {
                    _ = operation(&store, number / 3 % 2 + 1, VmCardOperation::Refund(usd(500)))
                        .await
                        .unwrap()
                }
            }
        });
    }
    tasks.join_all().await;
    assert_ledger(&store).await;
    other.close().await;
    assert_eq!(database.deadlocks().await, before);
});

both_engines!(a_fee_that_no_list_tells_of_is_found, |store, database| {
    prepare(&store, 10_000).await;
    let card_id = opened(&store, 1, 2_000).await;
    begun(&store, bought(&store, card_id, 5_000, None)).await;
    assert_ledger(&store).await;
    database.tamper("UPDATE vm_flow SET amount_minor = -29 WHERE kind = 'Fee'").await;
    let report = store.verify_ledger().await.unwrap();
    let rules: Vec<_> = report.violations.into_iter().map(|it| it.rule).collect();
    let rule = "its balance was charged 1 fees of 30, its cards' lists tell of 1 of 29";
    assert_eq!(rules, [rule]);
    database.tamper("UPDATE vm_flow SET amount_minor = -30 WHERE kind = 'Fee'").await;
    database.tamper("UPDATE authorisation SET status = 'PENDING'").await;
    let report = store.verify_ledger().await.unwrap();
    let rules: Vec<_> = report.violations.into_iter().map(|it| it.rule).collect();
    assert_eq!(rules, ["it was charged more fees than its decision has"]);
});

both_engines!(an_operator_changes_single_parts_of_the_fees, |store| {
    prepare(&store, 0).await;
    let fee = |basis_points, least_minor| VmFeePatch { basis_points, least_minor };
    let fees = VmFeesPatch {
        opening_minor: Some(100),
        authorisation: fee(Some(200), None),
        decline: fee(None, Some(30)),
        cross_border: fee(Some(100), Some(45)),
    };
    let patch = VmAppPatch { fees, ..VmAppPatch::default() };
    assert_eq!(store.patch_vm_app("app", patch).await.unwrap().unwrap().fees, FEES);
    let fees = VmFeesPatch { authorisation: fee(None, Some(10)), ..VmFeesPatch::default() };
    let patch = VmAppPatch { fees, ..VmAppPatch::default() };
    store.patch_vm_app("app", patch).await.unwrap();
    let authorisation = VmFee { basis_points: 200, least_minor: 10 };
    let expected = VmFees { authorisation, ..FEES };
    assert_eq!(store.vm_app("app").await.unwrap().unwrap().fees, expected);
    assert_eq!(app().fees, VmFees::NONE);
});
