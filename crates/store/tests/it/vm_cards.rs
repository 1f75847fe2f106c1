//! Cards of dialect 2 and their money.

use domain::{
    AccountOwner, AuthId, BusinessDay, CardId, CardStatus, Customer, CustomerId, ResponseCode,
    SettlementFileType, VmApp, VmAppId, VmCard, VmFees, VmFlow, VmFlowKind, VmFunding, VmLimits,
    VmProduct,
};
use ledger::LedgerError;
use store::{
    BeginOutcome, ChangeVmCard, ClearAuthorisation, DecideOutcome, IssuedCard, MoneyError,
    OpenVmCard, ReverseAuthorisation, Store, VmAppAccount, VmCardError, VmCardOperation,
};

use crate::both_engines;
use crate::money::{assert_ledger, decision, purchase, usd};
use crate::samples::{ENTERPRISE, NOW, PROFILE, found, issued, profile};

pub const APP: VmAppId = VmAppId::from_i64(4_000_000_000_000_000_077);
const OTHER_APP: VmAppId = VmAppId::from_i64(4_000_000_000_000_000_078);

pub fn app() -> VmApp {
    VmApp {
        enterprise_id: ENTERPRISE,
        vm_app_id: APP,
        app_id: "app".to_owned(),
        secret_digest: [7; 32],
        merchant_public_key: None,
        webhook_url: None,
        signs_webhooks: false,
        ip_whitelist: Vec::new(),
        fees: VmFees::NONE,
        created_at: NOW,
    }
}

fn product(product_code: &str, funding: VmFunding, remaining_cards: i64) -> VmProduct {
    VmProduct {
        enterprise_id: ENTERPRISE,
        vm_app_id: APP,
        product_code: product_code.to_owned(),
        profile_id: PROFILE,
        funding,
        issuing_area: "HK".to_owned(),
        remaining_cards,
        created_at: NOW,
    }
}

/// An app with this balance, and two products with ten cards each.
pub async fn prepare(store: &Store, balance_minor: i64) {
    found(store, ENTERPRISE, None).await;
    store.create_profile(profile()).await.unwrap();
    let products =
        vec![product("P", VmFunding::Prepaid, 10), product("C", VmFunding::CreditLine, 10)];
    store.create_vm_app(app(), Vec::new(), products).await.unwrap();
    if balance_minor > 0 {
        let reference = "start".to_owned();
        let app = app();
        let funds = store.fund_vm_app(&app, VmAppAccount::Balance, balance_minor, reference, NOW);
        funds.await.unwrap();
    }
}

/// A card to be opened; its id on the wire is its PAN's fingerprint byte.
pub fn opening(store: &Store, number: u8, funding: VmFunding, load_minor: i64) -> OpenVmCard {
    let customer_id = CustomerId::from_i64(store.ids().next());
    let IssuedCard { pan, mut card } = issued(store, number, customer_id);
    card.account = match funding {
        VmFunding::Prepaid => AccountOwner::Card(card.card_id),
        VmFunding::CreditLine => AccountOwner::VmWallet(APP),
    };
    OpenVmCard {
        customer: Customer {
            enterprise_id: ENTERPRISE,
            customer_id,
            customer_ref: None,
            email: None,
            phone: None,
            phone_country_code: None,
            created_at: NOW,
            modified_at: NOW,
        },
        vm_card: VmCard {
            enterprise_id: ENTERPRISE,
            card_id: card.card_id,
            vm_app_id: APP,
            card_uuid: uuid(number),
            product_code: if funding == VmFunding::Prepaid { "P" } else { "C" }.to_owned(),
            funding,
            label: "label".to_owned(),
            sealed_holder: vec![1, 2],
            limits: VmLimits::default(),
            created_at: NOW,
        },
        issued: IssuedCard { pan, card },
        load: usd(load_minor),
        opening_fee: usd(0),
    }
}

pub fn uuid(number: u8) -> String {
    format!("card-{number}")
}

pub async fn opened(store: &Store, number: u8, load_minor: i64) -> CardId {
    let request = opening(store, number, VmFunding::Prepaid, load_minor);
    let card_id = request.vm_card.card_id;
    store.open_vm_card(request).await.unwrap();
    card_id
}

pub async fn operation(
    store: &Store,
    number: u8,
    operation: VmCardOperation,
) -> Result<CardStatus, VmCardError> {
    operation_of(store, APP, number, operation).await
}

async fn operation_of(
    store: &Store,
    vm_app_id: VmAppId,
    number: u8,
    operation: VmCardOperation,
) -> Result<CardStatus, VmCardError> {
    let request = ChangeVmCard {
        enterprise_id: ENTERPRISE,
        vm_app_id,
        card_uuid: uuid(number),
        operation,
        now: NOW,
    };
    store.change_vm_card(request).await.map(|card| card.status)
}

pub async fn balance_minor(store: &Store) -> i64 {
    store.vm_balances(&app()).await.unwrap().balance_minor
}

pub async fn card_minor(store: &Store, number: u8) -> i64 {
    store.vm_card_view(ENTERPRISE, APP, &uuid(number), 0).await.unwrap().unwrap().available_minor
}

/// The movements of a card, oldest first.
async fn flows(store: &Store, card_id: CardId) -> Vec<(VmFlowKind, i64, i64)> {
    let page = store.vm_flows(ENTERPRISE, APP, Some(card_id), 0, 100).await.unwrap();
    assert_eq!(page.total, page.flows.len() as u64);
    let line = |(_, flow): &(String, VmFlow)| (flow.kind, flow.amount_minor, flow.balance_minor);
    page.flows.iter().rev().map(line).collect()
}

const fn is_short_of_money<T>(result: &Result<T, VmCardError>) -> bool {
    matches!(result, Err(VmCardError::Money(MoneyError::Ledger(LedgerError::InsufficientFunds))))
}

/// An approved purchase of a prepaid card.
pub async fn spent(store: &Store, card_id: CardId, minor: i64) -> AuthId {
    let mut request = purchase(store.ids(), usd(minor), None);
    request.authorisation.card_id = card_id;
    request.authorisation.account = AccountOwner::Card(card_id);
    let begun = store.begin_authorisation(request).await.unwrap();
    let BeginOutcome::Held(held) = begun else { panic!("not held: {begun:?}") };
    let decided = decision(held.auth_id, ResponseCode::Approved);
    let decided = store.decide_authorisation(decided).await.unwrap();
    assert!(matches!(decided, DecideOutcome::Decided(_)), "{decided:?}");
    held.auth_id
}

pub fn cleared(auth_id: AuthId, acquirer_amount_minor: i64) -> ClearAuthorisation {
    let acquirer_amount_minor = Some(acquirer_amount_minor);
    ClearAuthorisation { auth_id, acquirer_amount_minor, is_final: true, webhooks: None }
}

both_engines!(a_prepaid_card_is_opened_with_its_money_in_one_commit, |store| {
    prepare(&store, 10_000).await;
    let mut request = opening(&store, 1, VmFunding::Prepaid, 2_000);
    request.opening_fee = usd(100);
    let (card, vm_card) = (request.issued.card.clone(), request.vm_card.clone());
    store.open_vm_card(request).await.unwrap();
    assert_eq!(balance_minor(&store).await, 7_900);
    let view = store.vm_card_view(ENTERPRISE, APP, "card-1", 0).await.unwrap().unwrap();
    assert!(view.vm_card == vm_card && view.card == card);
    assert_eq!((view.available_minor, view.pan.pan_id), (2_000, card.pan_id));
    let products = store.vm_products(ENTERPRISE, APP).await.unwrap();
    assert_eq!(products.iter().map(|it| it.remaining_cards).collect::<Vec<_>>(), [10, 9]);
    let expected = [(VmFlowKind::Create, 2_000, 2_000), (VmFlowKind::Fee, -100, 2_000)];
    assert_eq!(flows(&store, card.card_id).await, expected);
    assert_ledger(&store).await;
});

both_engines!(a_credit_line_card_reserves_nothing, |store| {
    prepare(&store, 0).await;
    let request = opening(&store, 1, VmFunding::CreditLine, 5_000);
    let card_id = request.vm_card.card_id;
    store.open_vm_card(request).await.unwrap();
    assert_eq!((balance_minor(&store).await, card_minor(&store, 1).await), (0, 0));
    assert_eq!(flows(&store, card_id).await, []);
    for wanted in [VmCardOperation::Recharge(usd(1_000)), VmCardOperation::Refund(usd(1_000))] {
        let refused = operation(&store, 1, wanted).await;
        assert!(matches!(refused, Err(VmCardError::NotPrepaid)), "{refused:?}");
    }
    assert_eq!(operation(&store, 1, VmCardOperation::Delete).await.unwrap(), CardStatus::Invalid);
    assert_ledger(&store).await;
});

both_engines!(a_card_that_is_refused_leaves_nothing_behind, |store| {
    prepare(&store, 5_000).await;
    let mut costly = opening(&store, 1, VmFunding::Prepaid, 5_000);
    costly.opening_fee = usd(1);
    assert!(is_short_of_money(&store.open_vm_card(costly).await));
    opened(&store, 2, 2_000).await;
    let taken = store.open_vm_card(opening(&store, 2, VmFunding::Prepaid, 2_000)).await;
    assert!(matches!(taken, Err(VmCardError::PanTaken)), "{taken:?}");
    assert_eq!(balance_minor(&store).await, 3_000);
    let products = store.vm_products(ENTERPRISE, APP).await.unwrap();
    assert_eq!(products[1].remaining_cards, 9);
    assert!(store.vm_card(ENTERPRISE, APP, "card-1").await.unwrap().is_none());
    assert_ledger(&store).await;
});

both_engines!(of_cards_opened_at_once_with_money_for_one_exactly_one_is, |store| {
    prepare(&store, 2_500).await;
    let tasks: Vec<_> = (1..=8)
        .map(|number| {
            let request = opening(&store, number, VmFunding::Prepaid, 2_000);
            let store = store.clone();
            tokio::spawn(async move { store.open_vm_card(request).await })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        let result = task.await.unwrap();
        won += usize::from(result.is_ok());
        assert!(result.is_ok() || is_short_of_money(&result), "{result:?}");
    }
    assert_eq!((won, balance_minor(&store).await), (1, 500));
    let products = store.vm_products(ENTERPRISE, APP).await.unwrap();
    assert_eq!(products[1].remaining_cards, 9);
    assert_ledger(&store).await;
});

both_engines!(of_cards_opened_at_once_no_more_than_the_product_has_are, |store| {
    prepare(&store, 100_000).await;
    let tasks: Vec<_> = (1..=16)
        .map(|number| {
            let request = opening(&store, number, VmFunding::Prepaid, 2_000);
            let store = store.clone();
            tokio::spawn(async move { store.open_vm_card(request).await })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        let result = task.await.unwrap();
        won += usize::from(result.is_ok());
        assert!(matches!(result, Ok(_) | Err(VmCardError::NoneLeft)), "{result:?}");
    }
    assert_eq!((won, balance_minor(&store).await), (10, 80_000));
    assert_ledger(&store).await;
});

both_engines!(money_goes_to_a_card_and_back_and_the_list_tells_of_it, |store| {
    prepare(&store, 10_000).await;
    let card_id = opened(&store, 1, 2_000).await;
    operation(&store, 1, VmCardOperation::Recharge(usd(1_500))).await.unwrap();
    operation(&store, 1, VmCardOperation::Refund(usd(500))).await.unwrap();
    assert_eq!((balance_minor(&store).await, card_minor(&store, 1).await), (7_000, 3_000));
    assert!(is_short_of_money(&operation(&store, 1, VmCardOperation::Refund(usd(3_001))).await));
    assert!(is_short_of_money(&operation(&store, 1, VmCardOperation::Recharge(usd(7_001))).await));
    assert_eq!(operation(&store, 1, VmCardOperation::Delete).await.unwrap(), CardStatus::Invalid);
    assert_eq!((balance_minor(&store).await, card_minor(&store, 1).await), (10_000, 0));
    let expected = [
        (VmFlowKind::Create, 2_000, 2_000),
        (VmFlowKind::Recharge, 1_500, 3_500),
        (VmFlowKind::Refund, -500, 3_000),
        (VmFlowKind::Delete, -3_000, 0),
    ];
    assert_eq!(flows(&store, card_id).await, expected);
    assert_ledger(&store).await;
});

both_engines!(another_app_s_card_is_none, |store| {
    prepare(&store, 10_000).await;
    opened(&store, 1, 2_000).await;
    assert!(store.vm_card_view(ENTERPRISE, OTHER_APP, "card-1", 0).await.unwrap().is_none());
    let nobody = store.vm_flows(ENTERPRISE, OTHER_APP, None, 0, 10).await.unwrap();
    assert_eq!((nobody.total, nobody.flows.len()), (0, 0));
    for wanted in
        [VmCardOperation::Freeze, VmCardOperation::Delete, VmCardOperation::Refund(usd(1))]
    {
        for (app, number) in [(OTHER_APP, 1), (APP, 9)] {
            let refused = operation_of(&store, app, number, wanted).await;
            assert!(matches!(refused, Err(VmCardError::NotFound)), "{refused:?}");
        }
    }
});

both_engines!(a_frozen_card_moves_no_money_and_is_not_deleted, |store| {
    prepare(&store, 10_000).await;
    opened(&store, 1, 2_000).await;
    assert_eq!(
        operation(&store, 1, VmCardOperation::Unfreeze).await.unwrap(),
        CardStatus::Activated
    );
    assert_eq!(operation(&store, 1, VmCardOperation::Freeze).await.unwrap(), CardStatus::Frozen);
    let operations = [
        VmCardOperation::Freeze,
        VmCardOperation::Recharge(usd(1_000)),
        VmCardOperation::Refund(usd(1_000)),
        VmCardOperation::Delete,
    ];
    for wanted in operations {
        let refused = operation(&store, 1, wanted).await;
        let is_refused = matches!(refused, Err(VmCardError::Status(CardStatus::Frozen)));
        assert!(is_refused, "{wanted:?}: {refused:?}");
    }
    assert_eq!(
        operation(&store, 1, VmCardOperation::Unfreeze).await.unwrap(),
        CardStatus::Activated
    );
    assert_eq!(operation(&store, 1, VmCardOperation::Delete).await.unwrap(), CardStatus::Invalid);
    for wanted in operations {
        let refused = operation(&store, 1, wanted).await;
        let is_refused = matches!(refused, Err(VmCardError::Status(CardStatus::Invalid)));
        assert!(is_refused, "{wanted:?}: {refused:?}");
    }
    assert_eq!(balance_minor(&store).await, 10_000);
});

both_engines!(whatever_happens_at_once_money_is_neither_made_nor_lost, |store| {
    prepare(&store, 20_000).await;
    opened(&store, 1, 5_000).await;
    let operations = [
        VmCardOperation::Recharge(usd(3_000)),
        VmCardOperation::Refund(usd(2_000)),
        VmCardOperation::Delete,
        VmCardOperation::Recharge(usd(9_000)),
        VmCardOperation::Refund(usd(4_000)),
        VmCardOperation::Delete,
    ];
    let tasks: Vec<_> = operations
        .into_iter()
        .chain(operations)
        .map(|wanted| {
            let store = store.clone();
            tokio::spawn(async move { (wanted, operation(&store, 1, wanted).await) })
        })
        .collect();
    let mut deleted = 0;
    for task in tasks {
        let (wanted, result) = task.await.unwrap();
        deleted += usize::from(wanted == VmCardOperation::Delete && result.is_ok());
        let is_fair = matches!(result, Ok(_) | Err(VmCardError::Status(CardStatus::Invalid)))
            || is_short_of_money(&result);
        assert!(is_fair, "{wanted:?}: {result:?}");
    }
    assert_eq!(deleted, 1);
    assert_eq!((balance_minor(&store).await, card_minor(&store, 1).await), (20_000, 0));
    assert_ledger(&store).await;
});

both_engines!(what_a_deleted_card_still_gets_or_lacks_is_the_app_s, |store| {
    prepare(&store, 10_000).await;
    let card_id = opened(&store, 1, 8_000).await;
    let reversed = spent(&store, card_id, 1_000).await;
    let dearer = spent(&store, card_id, 2_000).await;
    let cheaper = spent(&store, card_id, 3_000).await;
    operation(&store, 1, VmCardOperation::Delete).await.unwrap();
    // 2,000 left of the card came back; 6,000 are held.
    assert_eq!(balance_minor(&store).await, 4_000);
    store.clear_authorisation(cleared(dearer, 2_500)).await.unwrap();
    assert_eq!(balance_minor(&store).await, 3_500);
    store.clear_authorisation(cleared(cheaper, 2_900)).await.unwrap();
    assert_eq!(balance_minor(&store).await, 3_600);
    let reversal = ReverseAuthorisation {
        auth_id: reversed,
        remaining_minor: None,
        takes_refunds: false,
        receipt: "{}".to_owned(),
        acquirer_amount_minor: None,
        reversal_id: AuthId::from_i64(store.ids().next()),
        webhooks: None,
        now: NOW,
    };
    store.reverse_authorisation(reversal).await.unwrap();
    assert_eq!((balance_minor(&store).await, card_minor(&store, 1).await), (4_600, 0));
    let deletions = flows(&store, card_id).await;
    let deletions = deletions.into_iter().filter(|(kind, ..)| *kind == VmFlowKind::Delete);
    let expected = [-2_000, 500, -100, -1_000];
    assert_eq!(deletions.map(|(_, amount, _)| amount).collect::<Vec<_>>(), expected);
    assert_ledger(&store).await;
});

both_engines!(a_deleted_card_s_dear_clearing_may_take_the_app_below_zero, |store| {
    prepare(&store, 2_000).await;
    let card_id = opened(&store, 1, 2_000).await;
    let auth_id = spent(&store, card_id, 2_000).await;
    operation(&store, 1, VmCardOperation::Delete).await.unwrap();
    store.clear_authorisation(cleared(auth_id, 2_300)).await.unwrap();
    assert_eq!((balance_minor(&store).await, card_minor(&store, 1).await), (-300, 0));
    assert_ledger(&store).await;
});

both_engines!(the_money_of_apps_stands_in_no_reconciliation_file, |store| {
    prepare(&store, 10_000).await;
    let mut request = opening(&store, 1, VmFunding::Prepaid, 5_000);
    request.opening_fee = usd(100);
    let card_id = request.vm_card.card_id;
    store.open_vm_card(request).await.unwrap();
    let auth_id = spent(&store, card_id, 1_000).await;
    store.clear_authorisation(cleared(auth_id, 1_000)).await.unwrap();
    let now = store.clock().now();
    for moment in [NOW, now] {
        let day = BusinessDay::of(moment);
        let held = store.authorisations_of_day(ENTERPRISE, day, None).await.unwrap();
        assert!(held.is_empty(), "{held:?}");
        assert_eq!(store.postings_of_day(ENTERPRISE, day, None).await.unwrap(), []);
        assert!(store.is_quiet_day(ENTERPRISE, day).await.unwrap());
        for file_type in [SettlementFileType::Authorisation, SettlementFileType::Transaction] {
            assert_eq!(store.ledger_gaps(ENTERPRISE, day, file_type).await.unwrap(), []);
        }
    }
});

both_engines!(money_that_enters_an_account_and_leaves_none_is_found, |store, database| {
    prepare(&store, 10_000).await;
    opened(&store, 1, 5_000).await;
    assert_ledger(&store).await;
    let entered = "account_id IN (SELECT account_id FROM ledger_account WHERE purpose = 'CARD')";
    let make = |kind: &str| format!("UPDATE ledger_transfer SET kind = '{kind}' WHERE {entered}");
    database.tamper(&make("DEPOSIT")).await;
    let violations = store.verify_ledger().await.unwrap().violations;
    let rules: Vec<_> = violations.into_iter().map(|it| it.rule).collect();
    assert_eq!(rules, ["accounts in 840 gave one another 5000 more than they took"]);
    database.tamper(&make("TRANSFER")).await;
    assert_ledger(&store).await;
});

both_engines!(movements_come_in_pages_newest_first, |store| {
    prepare(&store, 100_000).await;
    opened(&store, 1, 2_000).await;
    opened(&store, 2, 2_000).await;
    for minor in 1..=7 {
        operation(&store, 1, VmCardOperation::Recharge(usd(minor))).await.unwrap();
    }
    let mut seen = Vec::new();
    for page in 0..4 {
        let page = store.vm_flows(ENTERPRISE, APP, None, page * 4, 4).await.unwrap();
        assert_eq!(page.total, 9);
        seen.extend(page.flows.into_iter().map(|(uuid, flow)| (uuid, flow.amount_minor)));
    }
    let expected = [7, 6, 5, 4, 3, 2, 1].map(|minor| (uuid(1), minor));
    assert_eq!(seen[..7], expected);
    assert_eq!(seen[7..], [(uuid(2), 2_000), (uuid(1), 2_000)]);
});
