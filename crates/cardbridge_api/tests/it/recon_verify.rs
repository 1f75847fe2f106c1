//! `recon verify` finds changes made behind the platform's back.

use domain::BusinessDay;
use serde_json::{Value, json};
use store::Location;
use testkit::both_engines;
use testkit::database::tamper;
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

use crate::recon::{close, use_card};

async fn verify(platform: &Platform, day: BusinessDay) -> Value {
    let answer = platform.admin_get(&format!("/admin/v1/recon/verify?date={day}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// The kinds of the differences of all files, without their values.
async fn kinds(platform: &Platform, day: BusinessDay) -> Vec<String> {
    let report = verify(platform, day).await;
    let mut kinds = Vec::new();
    for file in report["files"].as_array().unwrap() {
        for difference in file["differences"].as_array().unwrap() {
            let of = [&difference["kind"], &difference["column"], &difference["what"]];
            let words: Vec<_> = of.into_iter().filter_map(Value::as_str).collect();
            kinds.push(format!("{} {}", text(&file["fileType"]), words.join(" ")));
        }
    }
    assert_eq!(report["ok"], json!(kinds.is_empty()), "{report}");
    kinds
}

/// Changes the store with `sql`, expects these differences, and undoes it.
async fn plant(
    (platform, location, day): (&Platform, &Location, BusinessDay),
    sql: &str,
    undo: &str,
    expected: &[&str],
) {
    tamper(location, sql).await;
    assert_eq!(kinds(platform, day).await, expected, "after {sql}");
    tamper(location, undo).await;
    assert_eq!(kinds(platform, day).await, [] as [&str; 0], "after {undo}");
}

/// A closed day with two authorisations and a transaction; the ids of the declined purchase
/// and of the transaction.
async fn closed_day(platform: &Platform) -> (BusinessDay, String, String) {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    let day = platform.at_noon().await;
    let (auth_id, transaction_id) = use_card(platform, &card_id).await;
    platform.advance(24 * 60 * 60).await;
    (day, auth_id, transaction_id)
}

both_engines!(honest_files_do_not_differ, |platform| {
    let (day, ..) = closed_day(platform).await;
    let report = verify(platform, day).await;
    assert_eq!(report["ok"], true, "{report}");
    assert_eq!(report["date"], day.to_string());
    assert_eq!(report["files"][0]["rows"], 2);
    assert_eq!(report["files"][1]["rows"], 1);
    assert_eq!(report["files"][1]["totals"][0]["amount"], "1.25");
    let quiet = BusinessDay::from_i64(day.as_i64() - 1);
    assert_eq!(kinds(platform, quiet).await, [] as [&str; 0]);
    let today = day.next();
    assert_eq!(kinds(platform, today).await, ["authorisation noFile", "transaction noFile"]);
    close(platform, today).await;
    assert_eq!(kinds(platform, today).await, [] as [&str; 0]);
    // An enterprise that came after the day has no files of it and lacks none.
    Caller::new(platform).await;
    assert_eq!(kinds(platform, day).await, [] as [&str; 0]);
    for bad in ["", "?date=", "?date=1", "?date=99991231"] {
        let answer = platform.admin_get(&format!("/admin/v1/recon/verify{bad}")).await;
        assert_eq!(answer.status, 422, "{bad}");
    }
});

both_engines!(a_changed_ledger_is_explained_row_by_row, |platform, location| {
    let (day, auth_id, transaction_id) = closed_day(platform).await;
    let at = (platform, location, day);
    plant(
        at,
        &format!("UPDATE posting SET amount_minor = 126 WHERE transaction_id = {transaction_id}"),
        &format!("UPDATE posting SET amount_minor = 125 WHERE transaction_id = {transaction_id}"),
        &["transaction ledger", "transaction field amount", "transaction total 840 OUTGOING"],
    )
    .await;
    let far = 4_000_000_000_000_000_i64;
    plant(
        at,
        &format!(
            "UPDATE authorisation SET created_at = created_at - {far} WHERE auth_id = {auth_id}"
        ),
        &format!(
            "UPDATE authorisation SET created_at = created_at + {far} WHERE auth_id = {auth_id}"
        ),
        &[
            "authorisation extraRow",
            "authorisation total sizeBytes",
            "authorisation total rows",
            "authorisation total 840 OUTGOING",
        ],
    )
    .await;
    plant(
        at,
        "UPDATE ledger_transfer SET amount_minor = 999 WHERE kind = 'CLEARING'",
        "UPDATE ledger_transfer SET amount_minor = 125 WHERE kind = 'CLEARING'",
        &["transaction ledger"],
    )
    .await;
    tamper(location, "UPDATE authorisation SET mcc = '5999' WHERE mcc = '5411'").await;
    let report = verify(platform, day).await;
    let expected = json!([{"kind": "field", "rowId": auth_id, "column": "mcc",
        "inFile": "5411", "inLedger": "5999"}]);
    assert_eq!(report["files"][0]["differences"], expected);
});

both_engines!(a_row_that_the_file_lacks_is_named, |platform, location| {
    let (day, _, transaction_id) = closed_day(platform).await;
    let copy = "INSERT INTO posting SELECT enterprise_id, 77, auth_id, outs_id, card_id, \
        customer_id, direction, amount_minor, currency, acquirer_amount_minor, \
        acquirer_currency, merchant_id, merchant_name, merchant_country, mcc, authorised_at, \
        posted_at, merchant_city FROM posting";
    tamper(location, &format!("{copy} WHERE transaction_id = {transaction_id}")).await;
    let report = verify(platform, day).await;
    let differences = &report["files"][1]["differences"];
    assert_eq!(differences[1], json!({"kind": "missingRow", "rowId": "77"}), "{differences}");
    assert_eq!(differences[0]["kind"], "ledger");
});

both_engines!(changed_bytes_and_totals_of_a_file_are_found, |platform, location| {
    let (day, ..) = closed_day(platform).await;
    let at = (platform, location, day);
    let transaction = "file_type = 'transaction'";
    plant(
        at,
        &format!("UPDATE settlement_file SET totals = '840 OUTGOING 1 999' WHERE {transaction}"),
        &format!("UPDATE settlement_file SET totals = '840 OUTGOING 1 125' WHERE {transaction}"),
        &["transaction total 840 OUTGOING"],
    )
    .await;
    plant(
        at,
        &format!("UPDATE settlement_file SET row_count = 2 WHERE {transaction}"),
        &format!("UPDATE settlement_file SET row_count = 1 WHERE {transaction}"),
        &["transaction total rows"],
    )
    .await;
    let bytes = match location {
        Location::Sqlite(_) => "CAST('no row' AS BLOB)",
        Location::Postgres(_) => "convert_to('no row', 'UTF8')",
    };
    let change = format!(
        "UPDATE settlement_piece SET bytes = {bytes} WHERE file_id = \
         (SELECT file_id FROM settlement_file WHERE {transaction} AND row_count > 0)"
    );
    tamper(location, &change).await;
    assert_eq!(
        kinds(platform, day).await,
        ["transaction unreadable", "transaction missingRow", "transaction bytes"]
    );
});
