//! `ledger verify` finds changes made behind the ledger's back.

use store::{ClearAuthorisation, Store};
use testkit::database::Database;

use crate::both_engines;
use crate::money::{approved, fund, usd};

/// A ledger with one open hold, one cleared in part, and one cleared wholly.
async fn history(store: &Store) {
    fund(store, 100_000).await;
    approved(store, usd(1_000)).await;
    for (amount, cleared) in [(2_000, Some(500)), (3_000, None)] {
        let request = ClearAuthorisation {
            auth_id: approved(store, usd(amount)).await.auth_id,
            acquirer_amount_minor: cleared,
            is_final: cleared.is_none(),
            webhooks: None,
        };
        store.clear_authorisation(request).await.unwrap();
    }
}

async fn rules(store: &Store) -> Vec<String> {
    let report = store.verify_ledger().await.unwrap();
    report.violations.into_iter().map(|violation| violation.rule).collect()
}

/// Changes the ledger with `sql`, expects the rules `expected` to be broken, and undoes it.
async fn plant(store: &Store, database: &Database, sql: &str, undo: &str, expected: &[&str]) {
    database.tamper(sql).await;
    assert_eq!(rules(store).await, expected, "after {sql}");
    database.tamper(undo).await;
    assert_eq!(rules(store).await, [] as [&str; 0], "after {undo}");
}

both_engines!(an_honest_ledger_has_no_violations, |store| {
    history(&store).await;
    let report = store.verify_ledger().await.unwrap();
    // A deposit, three holds, and two clearings.
    assert_eq!((report.accounts, report.transfers, report.violations), (1, 6, Vec::new()));
});

both_engines!(a_changed_balance_is_found, |store, database| {
    history(&store).await;
    plant(
        &store,
        database,
        "UPDATE ledger_account SET available_minor = available_minor + 1",
        "UPDATE ledger_account SET available_minor = available_minor - 1",
        &[
            "AVAILABLE is 94001, its transfers come to 94000",
            "funding differs from available + held + posted",
        ],
    )
    .await;
    plant(
        &store,
        database,
        "UPDATE ledger_account SET funding_minor = funding_minor - 7, held_minor = held_minor - 7",
        "UPDATE ledger_account SET funding_minor = funding_minor + 7, held_minor = held_minor + 7",
        &[
            "FUNDING is 99993, its transfers come to 100000",
            "HELD is 2493, its transfers come to 2500",
            "HELD is 2493, its open holds come to 2500",
        ],
    )
    .await;
});

both_engines!(a_changed_transfer_is_found, |store, database| {
    history(&store).await;
    plant(
        &store,
        database,
        "UPDATE ledger_transfer SET kind = 'REFUND' WHERE kind = 'DEPOSIT'",
        "UPDATE ledger_transfer SET kind = 'DEPOSIT' WHERE kind = 'REFUND'",
        &["its kind does not move money between these buckets"],
    )
    .await;
    plant(
        &store,
        database,
        "UPDATE ledger_transfer SET account_id = 1 WHERE kind = 'DEPOSIT'",
        "UPDATE ledger_transfer SET account_id = (SELECT account_id FROM ledger_account)",
        &[
            "its account does not exist",
            "FUNDING is 100000, its transfers come to 0",
            "AVAILABLE is 94000, its transfers come to -6000",
        ],
    )
    .await;
});

both_engines!(a_changed_hold_is_found, |store, database| {
    history(&store).await;
    plant(
        &store,
        database,
        "UPDATE authorisation SET hold_remaining_minor = 999 WHERE hold_remaining_minor = 1000",
        "UPDATE authorisation SET hold_remaining_minor = 1000 WHERE hold_remaining_minor = 999",
        &[
            "its hold has 999 left, its transfers come to 1000",
            "HELD is 2500, its open holds come to 2499",
        ],
    )
    .await;
    plant(
        &store,
        database,
        "UPDATE authorisation SET hold_state = 'VOIDED' WHERE hold_remaining_minor = 1000",
        "UPDATE authorisation SET hold_state = 'PENDING' WHERE hold_remaining_minor = 1000",
        &["its hold is closed and has something left", "HELD is 2500, its open holds come to 1500"],
    )
    .await;
});

both_engines!(a_changed_posting_is_found, |store, database| {
    history(&store).await;
    plant(
        &store,
        database,
        "UPDATE posting SET amount_minor = 501 WHERE amount_minor = 500",
        "UPDATE posting SET amount_minor = 500 WHERE amount_minor = 501",
        &[
            "its postings come to 501, its transfers to 500",
            "it says 500 is posted, its postings come to 501",
        ],
    )
    .await;
    plant(
        &store,
        database,
        "UPDATE posting SET enterprise_id = 1 WHERE amount_minor = 500",
        "UPDATE posting SET enterprise_id = (SELECT enterprise_id FROM ledger_account)",
        &[
            "its postings come to 0, its transfers to 500",
            "it says 500 is posted, its postings come to 0",
        ],
    )
    .await;
});

both_engines!(entries_of_no_authorisation_are_found, |store, database| {
    history(&store).await;
    plant(
        &store,
        database,
        "UPDATE posting SET auth_id = auth_id + 4000000000000000000 WHERE amount_minor = 500",
        "UPDATE posting SET auth_id = auth_id - 4000000000000000000 WHERE amount_minor = 500",
        &[
            "its postings come to 0, its transfers to 500",
            "it says 500 is posted, its postings come to 0",
            "it has entries but does not exist",
        ],
    )
    .await;
});

both_engines!(a_report_lists_a_hundred_violations_at_most, |store, database| {
    fund(&store, 100_000).await;
    for _ in 0..101 {
        approved(&store, usd(1)).await;
    }
    database.tamper("UPDATE authorisation SET hold_remaining_minor = 2").await;
    assert_eq!(rules(&store).await.len(), 100);
});
