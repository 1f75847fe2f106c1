//! What the messages of a network come to, and the cut-overs of its links.

use domain::{Currency, CutOver, LinkTotals, ReconciliationWindow, Timestamp, TotalKind};
use futures_util::future::join_all;
use store::{Store, TotalsRequest};

use crate::advices::advice;
use crate::both_engines;
use crate::money::{assert_ledger, fund, usd};

/// More than one statement reads.
const MESSAGES: u32 = 2_050;

fn request(currency: Currency, window: ReconciliationWindow) -> TotalsRequest {
    TotalsRequest {
        network: "switch".to_owned(),
        acquirer: "412345".to_owned(),
        settlement_date: None,
        window,
        currency,
    }
}

async fn totals(store: &Store, request: &TotalsRequest) -> LinkTotals {
    let computed = store.link_totals(request).await.unwrap();
    assert!(!computed.is_under_way);
    computed.totals.unwrap()
}

both_engines!(totals_count_every_message_once, |store| {
    fund(&store, 100).await;
    let advices = (1..=MESSAGES).map(|stan| store.advise(advice(&store, stan, "0120", usd(100))));
    let taken = join_all(advices).await;
    assert!(taken.iter().all(Result::is_ok));
    let between = store.clock().real_now();
    store.advise(advice(&store, MESSAGES + 1, "0120", usd(7))).await.unwrap();

    let all = ReconciliationWindow::default();
    let counted = totals(&store, &request(Currency::USD, all)).await.of(TotalKind::Authorisation);
    assert_eq!((counted.count, counted.amount_minor), (2_051, 205_007));
    let euro = Currency::parse("EUR").unwrap();
    assert_eq!(totals(&store, &request(euro, all)).await, LinkTotals::default());
    let later = ReconciliationWindow { from: Some(between), to: None };
    let counted = totals(&store, &request(Currency::USD, later)).await.of(TotalKind::Authorisation);
    assert_eq!((counted.count, counted.amount_minor), (1, 7));
    let earlier = ReconciliationWindow { from: None, to: Some(between) };
    let counted =
        totals(&store, &request(Currency::USD, earlier)).await.of(TotalKind::Authorisation);
    assert_eq!(counted.count, 2_050);
    let dated =
        TotalsRequest { settlement_date: Some("1129".to_owned()), ..request(Currency::USD, later) };
    assert_eq!(totals(&store, &dated).await.of(TotalKind::Authorisation).count, 1);
    let elsewhere = TotalsRequest { network: "other".to_owned(), ..request(Currency::USD, all) };
    assert_eq!(totals(&store, &elsewhere).await, LinkTotals::default());
    assert_ledger(&store).await;
});

both_engines!(one_cut_over_is_noted_once, |store| {
    let at = |seconds: i64, origin| CutOver {
        link: "switch-a".to_owned(),
        at: Timestamp::from_micros(0).plus_seconds(seconds),
        stan: format!("{origin:06}"),
        transmitted_at: format!("112923{seconds:04}"),
        origin,
    };
    let noted = join_all((1..=4).map(|origin| store.note_cut_over(at(10, origin), false))).await;
    let is_new: Vec<_> = noted.into_iter().map(Result::unwrap).collect();
    assert_eq!(is_new.iter().filter(|it| **it).count(), 1, "{is_new:?}");
    let window = |from: Option<i64>, to: i64| ReconciliationWindow {
        from: from.map(|it| at(it, 0).at),
        to: Some(at(to, 0).at),
    };
    assert_eq!(store.reconciliation_window("switch-a").await.unwrap(), window(None, 10));
    assert!(store.note_cut_over(at(100, 9), false).await.unwrap());
    assert!(!store.note_cut_over(at(100, 9), true).await.unwrap());
    assert_eq!(store.reconciliation_window("switch-a").await.unwrap(), window(Some(10), 100));
    let other = store.reconciliation_window("switch-b").await.unwrap();
    assert_eq!(other, ReconciliationWindow::default());
});
