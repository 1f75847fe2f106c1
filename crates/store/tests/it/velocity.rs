//! Velocity limits: never exceeded, given back by reversals, declines and expiries.

use domain::{
    AuthId, AuthType, Authorisation, AuthorisationStatus, EnterpriseId, HoldState, PanId,
    ResponseCode, Timestamp, TransactionType, VelocityLimit, VelocityLimits, VelocityUse,
};
use store::{
    BeginAuthorisation, BeginOutcome, ClearAuthorisation, DecideOutcome, OwnLimits,
    ReverseAuthorisation, Store, VelocityTerms,
};

use crate::money::{decision, fund, purchase, usd};
use crate::samples::{ENTERPRISE, NOW};
use crate::{both_engines, cards};

const PAN: PanId = PanId::from_i64(70);
const DAY_SECONDS: i64 = 86_400;

const fn limit(amount_minor: Option<i64>, count: Option<i64>) -> VelocityLimit {
    VelocityLimit { amount_minor, count }
}

fn limits(daily: VelocityLimit, monthly: VelocityLimit) -> VelocityLimits {
    VelocityLimits { daily, monthly, ..VelocityLimits::default() }
}

/// A purchase that counts towards the limits of [`PAN`].
fn counted(
    store: &Store,
    minor: i64,
    limits: VelocityLimits,
    now: Timestamp,
) -> BeginAuthorisation {
    let mut request = purchase(store.ids(), usd(minor), None);
    request.authorisation.created_at = now;
    request.authorisation.hold_expires_at = Some(now.plus_seconds(7 * DAY_SECONDS));
    request.velocity = Some(VelocityTerms { pan_id: PAN, limits, own: None });
    request
}

async fn held(store: &Store, minor: i64, limits: VelocityLimits) -> Authorisation {
    let request = counted(store, minor, limits, store.clock().now());
    match store.begin_authorisation(request).await.unwrap() {
        BeginOutcome::Held(it) => it,
        other => panic!("not held: {other:?}"),
    }
}

async fn approved(store: &Store, minor: i64, limits: VelocityLimits) -> Authorisation {
    let it = held(store, minor, limits).await;
    decided(store, it.auth_id, ResponseCode::Approved).await
}

async fn decided(store: &Store, auth_id: AuthId, code: ResponseCode) -> Authorisation {
    match store.decide_authorisation(decision(auth_id, code)).await.unwrap() {
        DecideOutcome::Decided(it) => it,
        other => panic!("not decided: {other:?}"),
    }
}

/// The detail and receipt of a refusal.
async fn refused(store: &Store, request: BeginAuthorisation) -> (String, String) {
    let BeginOutcome::Refused(it) = store.begin_authorisation(request).await.unwrap() else {
        panic!("not refused")
    };
    assert_eq!(it.status, AuthorisationStatus::Declined);
    assert_eq!(it.response_code, Some(ResponseCode::InsufficientFunds));
    assert_eq!((it.hold_state, it.hold_remaining_minor), (HoldState::None, 0));
    let view = store.authorisation_view(it.auth_id).await.unwrap().unwrap();
    assert_eq!(view.authorisation, it);
    (it.detail().unwrap(), view.receipt)
}

async fn used(store: &Store) -> [i64; 4] {
    let VelocityUse { day, month, .. } = store.velocity_use(ENTERPRISE, PAN).await.unwrap();
    [day.amount_minor, day.count, month.amount_minor, month.count]
}

both_engines!(concurrent_purchases_never_exceed_a_limit, |store| {
    fund(&store, 1_000_000).await;
    let amount = limits(limit(Some(1_000), None), limit(None, None));
    let count = limits(limit(None, None), limit(None, Some(40)));
    for (limits, minor, expected) in [(amount, 30, 33), (count, 1, 40 - 33)] {
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let store = store.clone();
            let request = counted(&store, minor, limits, NOW);
            callers.spawn(async move { store.begin_authorisation(request).await.unwrap() });
        }
        let outcomes = callers.join_all().await;
        let held = outcomes.iter().filter(|o| matches!(o, BeginOutcome::Held(_))).count();
        assert_eq!(held, expected);
    }
});

both_engines!(two_processes_never_exceed_a_limit_together, |store, database| {
    fund(&store, 1_000_000).await;
    let limits = limits(limit(Some(1_000), None), limit(None, None));
    // A second opening of an embedded file is also a second writer on it.
    let other = database.open_as(2).await;
    let mut callers = tokio::task::JoinSet::new();
    for turn in 0..64 {
        let store = if turn % 2 == 0 { store.clone() } else { other.clone() };
        let request = counted(&store, 30, limits, NOW);
        callers.spawn(async move { store.begin_authorisation(request).await.unwrap() });
    }
    let outcomes = callers.join_all().await;
    let held = outcomes.iter().filter(|o| matches!(o, BeginOutcome::Held(_))).count();
    assert_eq!(held, 33);
    other.close().await;
});

both_engines!(a_refusal_names_the_limit_and_keeps_its_receipt, |store| {
    fund(&store, 1_000_000).await;
    let open = limit(None, None);
    held(&store, 60, limits(limit(Some(100), None), open)).await;
    for (limits, detail) in [
        (limits(limit(Some(100), None), open), "daily_amount_exceeded"),
        (limits(limit(None, Some(1)), open), "daily_count_exceeded"),
        (limits(open, limit(Some(100), None)), "monthly_amount_exceeded"),
        (limits(open, limit(None, Some(1))), "monthly_count_exceeded"),
    ] {
        let request = counted(&store, 41, limits, store.clock().now());
        let receipt = format!("{{\"refused\":\"{detail}\"}}");
        assert_eq!(refused(&store, request).await, (detail.to_owned(), receipt));
    }
    // Up to the limit, not over it; and a purchase that the deposit does not cover uses nothing.
    held(&store, 40, limits(limit(Some(100), None), open)).await;
    let beyond_deposit = counted(&store, 2_000_000, limits(open, limit(None, Some(9))), NOW);
    assert_eq!(refused(&store, beyond_deposit).await.0, "deposit_exhausted");
    assert_eq!(used(&store).await, [100, 2, 100, 2]);
});

both_engines!(declines_reversals_and_expiries_give_back_and_clearings_do_not_count, |store| {
    fund(&store, 1_000_000).await;
    let limits = limits(limit(Some(100_000), None), limit(None, None));
    let (first, second) = (held(&store, 100, limits).await, held(&store, 200, limits).await);
    decided(&store, first.auth_id, ResponseCode::NotAllowed).await;
    decided(&store, second.auth_id, ResponseCode::Approved).await;
    assert_eq!(used(&store).await, [200, 1, 200, 1]);
    let reverse = async |acquirer_amount_minor| {
        let reversal_id = AuthId::from_i64(store.ids().next());
        let auth_id = second.auth_id;
        let request = ReverseAuthorisation {
            auth_id,
            remaining_minor: None,
            takes_refunds: false,
            receipt: "{}".to_owned(),
            acquirer_amount_minor,
            reversal_id,
            now: NOW,
            webhooks: None,
        };
        store.reverse_authorisation(request).await
    };
    reverse(Some(50)).await.unwrap();
    assert_eq!(used(&store).await, [150, 1, 150, 1]);
    let clear = ClearAuthorisation {
        auth_id: second.auth_id,
        acquirer_amount_minor: Some(90),
        is_final: false,
        webhooks: None,
    };
    store.clear_authorisation(clear).await.unwrap();
    assert_eq!(used(&store).await, [150, 1, 150, 1]);
    // A cleared amount stays used, and so does its authorisation.
    reverse(None).await.unwrap();
    assert_eq!(used(&store).await, [90, 1, 90, 1]);
    assert!(reverse(None).await.is_err());
    let third = approved(&store, 7, limits).await;
    assert_eq!(used(&store).await, [97, 2, 97, 2]);
    let late = third.created_at.plus_seconds(8 * DAY_SECONDS);
    assert!(store.expire_hold(ENTERPRISE, third.auth_id, late, None).await.unwrap());
    assert!(!store.expire_hold(ENTERPRISE, third.auth_id, late, None).await.unwrap());
    assert_eq!(used(&store).await, [90, 1, 90, 1]);
});

both_engines!(what_a_final_clearing_leaves_of_a_hold_is_given_back, |store| {
    fund(&store, 1_000_000).await;
    let limits = limits(limit(Some(100_000), None), limit(None, None));
    let clear = async |auth_id, minor, is_final| {
        let acquirer_amount_minor = Some(minor);
        let request =
            ClearAuthorisation { auth_id, acquirer_amount_minor, is_final, webhooks: None };
        store.clear_authorisation(request).await.unwrap();
    };
    let cheaper = approved(&store, 200, limits).await;
    clear(cheaper.auth_id, 50, false).await;
    assert_eq!(used(&store).await, [200, 1, 200, 1]);
    clear(cheaper.auth_id, 40, true).await;
    assert_eq!(used(&store).await, [90, 1, 90, 1]);
    let dearer = approved(&store, 10, limits).await;
    clear(dearer.auth_id, 30, true).await;
    assert_eq!(used(&store).await, [100, 2, 100, 2]);
});

both_engines!(a_new_day_and_a_new_month_begin_at_nothing, |store| {
    fund(&store, 1_000_000).await;
    let at = |text| Timestamp::parse_rfc3339(text).unwrap();
    let limits = limits(limit(Some(100), None), limit(Some(150), None));
    let begin = async |text, minor| {
        store.begin_authorisation(counted(&store, minor, limits, at(text))).await.unwrap()
    };
    let is_held = |outcome: &BeginOutcome| matches!(outcome, BeginOutcome::Held(_));
    let first = begin("2026-11-29T15:59:59Z", 100).await;
    assert!(is_held(&first));
    assert!(!is_held(&begin("2026-11-29T15:59:59.9Z", 1).await));
    assert!(is_held(&begin("2026-11-29T16:00:00Z", 50).await));
    assert!(!is_held(&begin("2026-11-30T15:59:59.999999Z", 1).await));
    // Giving back yesterday's amount changes the month, not the day.
    let BeginOutcome::Held(first) = first else { unreachable!("it was held") };
    decided(&store, first.auth_id, ResponseCode::NotAllowed).await;
    assert!(!is_held(&begin("2026-11-30T10:00:00Z", 51).await));
    assert!(is_held(&begin("2026-11-30T10:00:00Z", 50).await));
    assert!(is_held(&begin("2026-11-30T16:00:00Z", 100).await));
    // An authorisation that is written late counts towards the newest day.
    assert!(!is_held(&begin("2026-11-30T15:59:59Z", 1).await));
});

both_engines!(only_what_holds_money_is_counted, |store| {
    fund(&store, 1_000_000).await;
    let limits = limits(limit(Some(10), Some(1)), limit(None, None));
    let mut inquiry = counted(&store, 5, limits, store.clock().now());
    inquiry.authorisation.transaction_type = TransactionType::Inquiry;
    inquiry.authorisation.hold_expires_at = None;
    store.begin_authorisation(inquiry).await.unwrap();
    assert_eq!(used(&store).await, [0; 4]);
    let original = approved(&store, 5, limits).await;
    let mut increment = counted(&store, 5, limits, store.clock().now());
    increment.authorisation.original_auth_id = Some(original.auth_id);
    increment.authorisation.outs_id = original.outs_id;
    let outcome = store.begin_authorisation(increment).await.unwrap();
    let BeginOutcome::Held(increment) = outcome else { panic!("not held: {outcome:?}") };
    assert_eq!(used(&store).await, [10, 1, 10, 1]);
    decided(&store, increment.auth_id, ResponseCode::NotAllowed).await;
    assert_eq!(used(&store).await, [5, 1, 5, 1]);
    let foreign = EnterpriseId::from_i64(1);
    assert_eq!(store.velocity_use(foreign, PAN).await.unwrap().day.amount_minor, 0);
});

both_engines!(a_completion_counts_with_what_its_reservation_lacks, |store| {
    fund(&store, 1_000_000).await;
    let limits = limits(limit(Some(150), Some(9)), limit(None, None));
    for (completed, uses) in [(130, [130, 1, 130, 1]), (80, [80, 1, 80, 1])] {
        let mut request = counted(&store, 100, limits, store.clock().now());
        request.authorisation.auth_type = AuthType::PreAuth;
        let reservation = request.authorisation.clone();
        store.begin_authorisation(request).await.unwrap();
        decided(&store, reservation.auth_id, ResponseCode::Approved).await;
        let complete = async |minor| {
            let mut request = counted(&store, minor, limits, store.clock().now());
            let it = &mut request.authorisation;
            it.auth_type = AuthType::PreAuthCompletion;
            (it.original_auth_id, it.outs_id) = (Some(reservation.auth_id), reservation.outs_id);
            let auth_id = it.auth_id;
            (auth_id, store.begin_authorisation(request).await.unwrap())
        };
        let (_, too_much) = complete(151).await;
        assert!(matches!(too_much, BeginOutcome::Refused(_)), "{too_much:?}");
        let (completion_id, _) = complete(completed).await;
        decided(&store, completion_id, ResponseCode::Approved).await;
        assert_eq!(used(&store).await, uses);
        let reversal = ReverseAuthorisation {
            auth_id: completion_id,
            remaining_minor: None,
            takes_refunds: false,
            receipt: "{}".to_owned(),
            acquirer_amount_minor: None,
            reversal_id: AuthId::from_i64(store.ids().next()),
            now: NOW,
            webhooks: None,
        };
        store.reverse_authorisation(reversal).await.unwrap();
        assert_eq!(used(&store).await, [0; 4]);
    }
});

both_engines!(a_completion_whose_reservation_expired_meanwhile_counts_wholly, |store| {
    fund(&store, 1_000_000).await;
    let card = cards::card(&store).await;
    let limits = limits(limit(Some(150), None), limit(None, None));
    for (reserved_minor, completed_minor, uses) in
        [(90, 90, [90, 0, 90, 0]), (40, 60, [150, 0, 150, 0])]
    {
        let on_card = |minor| {
            let mut request = counted(&store, minor, limits, store.clock().now());
            request.authorisation.card_id = card.card_id;
            request.velocity.as_mut().unwrap().pan_id = card.pan_id;
            request
        };
        let mut reservation = on_card(reserved_minor);
        reservation.authorisation.auth_type = AuthType::PreAuth;
        let reserved = reservation.authorisation.clone();
        store.begin_authorisation(reservation).await.unwrap();
        decided(&store, reserved.auth_id, ResponseCode::Approved).await;
        let mut completion = on_card(completed_minor);
        let it = &mut completion.authorisation;
        it.auth_type = AuthType::PreAuthCompletion;
        (it.original_auth_id, it.outs_id) = (Some(reserved.auth_id), reserved.outs_id);
        let auth_id = it.auth_id;
        store.begin_authorisation(completion).await.unwrap();
        let later = store.clock().now().plus_seconds(8 * DAY_SECONDS);
        assert!(store.expire_hold(ENTERPRISE, reserved.auth_id, later, None).await.unwrap());
        decided(&store, auth_id, ResponseCode::Approved).await;
        let VelocityUse { day, month, .. } =
            store.velocity_use(ENTERPRISE, card.pan_id).await.unwrap();
        assert_eq!([day.amount_minor, day.count, month.amount_minor, month.count], uses);
        let report = store.verify_ledger().await.unwrap();
        assert!(report.violations.is_empty(), "{:?}", report.violations);
    }
});

both_engines!(a_changed_use_is_found, |store, database| {
    fund(&store, 1_000_000).await;
    let card = cards::card(&store).await;
    let limits = limits(limit(Some(100_000), None), limit(None, None));
    let on_card = async |minor| {
        let mut request = counted(&store, minor, limits, store.clock().now());
        request.authorisation.card_id = card.card_id;
        request.velocity.as_mut().unwrap().pan_id = card.pan_id;
        match store.begin_authorisation(request).await.unwrap() {
            BeginOutcome::Held(it) => it.auth_id,
            other => panic!("not held: {other:?}"),
        }
    };
    decided(&store, on_card(100).await, ResponseCode::Approved).await;
    decided(&store, on_card(30).await, ResponseCode::NotAllowed).await;
    on_card(7).await;
    let rules = async || {
        let report = store.verify_ledger().await.unwrap();
        report.violations.into_iter().map(|violation| violation.rule).collect::<Vec<_>>()
    };
    assert_eq!(rules().await, [] as [&str; 0]);
    database
        .tamper("UPDATE velocity_use SET day_amount_minor = 106, month_count = 3, total_minor = 0")
        .await;
    let found = [
        "its day's amount is 106, its authorisations come to 107",
        "its month's count is 3, its authorisations come to 2",
        "its total is 0, its authorisations come to 107",
    ];
    assert_eq!(rules().await, found);
});

both_engines!(a_completion_reversed_in_parts_gives_back_its_count, |store| {
    fund(&store, 1_000_000).await;
    let card = cards::card(&store).await;
    let limits = limits(limit(Some(500), Some(1)), limit(None, None));
    let request = |minor, original: Option<&Authorisation>| {
        let mut request = counted(&store, minor, limits, store.clock().now());
        request.authorisation.card_id = card.card_id;
        request.authorisation.auth_type = AuthType::PreAuth;
        request.velocity.as_mut().unwrap().pan_id = card.pan_id;
        if let Some(original) = original {
            let it = &mut request.authorisation;
            it.auth_type = AuthType::PreAuthCompletion;
            (it.original_auth_id, it.outs_id) = (Some(original.auth_id), original.outs_id);
        }
        request
    };
    for round in 0..2 {
        let reservation = request(100, None);
        let reserved = reservation.authorisation.clone();
        let outcome = store.begin_authorisation(reservation).await.unwrap();
        assert!(matches!(outcome, BeginOutcome::Held(_)), "round {round}: {outcome:?}");
        decided(&store, reserved.auth_id, ResponseCode::Approved).await;
        let completion = request(120, Some(&reserved));
        let auth_id = completion.authorisation.auth_id;
        store.begin_authorisation(completion).await.unwrap();
        decided(&store, auth_id, ResponseCode::Approved).await;
        for part in [Some(20), None] {
            let reversal = ReverseAuthorisation {
                auth_id,
                remaining_minor: None,
                takes_refunds: false,
                receipt: "{}".to_owned(),
                acquirer_amount_minor: part,
                reversal_id: AuthId::from_i64(store.ids().next()),
                now: NOW,
                webhooks: None,
            };
            store.reverse_authorisation(reversal).await.unwrap();
            let report = store.verify_ledger().await.unwrap();
            assert!(report.violations.is_empty(), "{:?}", report.violations);
        }
    }
});

both_engines!(a_total_never_ends_and_is_given_back_where_its_offset_puts_the_day, |store| {
    fund(&store, 1_000_000).await;
    let own = OwnLimits { total_minor: Some(100), offset_seconds: 0 };
    let of = |minor, now| {
        let open = limit(None, None);
        let mut request = counted(&store, minor, limits(limit(Some(80), None), open), now);
        request.velocity.as_mut().unwrap().own = Some(own);
        request
    };
    let total = async || store.velocity_use(ENTERPRISE, PAN).await.unwrap().total_minor;
    // An hour before midnight UTC, when it is already the next day in UTC+8.
    let day_end = NOW.day_number_at(0) * DAY_SECONDS + DAY_SECONDS;
    let late = Timestamp::from_micros((day_end - 3_600) * 1_000_000);
    let BeginOutcome::Held(first) = store.begin_authorisation(of(60, NOW)).await.unwrap() else {
        panic!("not held")
    };
    assert_eq!(refused(&store, of(21, late)).await.0, "daily_amount_exceeded");
    let next_day = late.plus_seconds(3_600);
    assert_eq!(refused(&store, of(41, next_day)).await.0, "total_limit_exceeded");
    let held = store.begin_authorisation(of(40, next_day)).await.unwrap();
    assert!(matches!(held, BeginOutcome::Held(_)));
    assert_eq!(total().await, 100);
    decided(&store, first.auth_id, ResponseCode::NotAllowed).await;
    assert_eq!(total().await, 40);
});
