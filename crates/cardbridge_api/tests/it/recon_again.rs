//! Reconciliation files that cannot be cut at once: they wait alone, and come later.

use domain::BusinessDay;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::database::{number, tamper};
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

use crate::recon::{CLOSE_DAY, close, download, file_of, link, use_card};

const DAY: u32 = 24 * 60 * 60;

/// A caller whose card was used on the current day; the purchase's id.
async fn with_rows(platform: &Platform) -> (Caller, String, String) {
    let caller = Caller::new(platform).await;
    let card_id = text(&caller.new_card(platform, "ord-1").await["cardId"]);
    platform.at_noon().await;
    let (auth_id, _) = use_card(platform, &card_id).await;
    (caller, card_id, auth_id)
}

async fn has_file(platform: &Platform, caller: &Caller, day: BusinessDay) -> bool {
    let answer = link(platform, caller, "authorisation", &day.to_string()).await;
    answer["code"] == "SYS_SUCCESS"
}

async fn verified(platform: &Platform, day: BusinessDay) -> Value {
    platform.admin_get(&format!("/admin/v1/recon/verify?date={day}")).await.json()
}

async fn parked(platform: &Platform) -> Vec<Value> {
    let answer = platform.admin_get("/admin/v1/jobs?parked=true").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["items"].as_array().unwrap().clone()
}

both_engines!(one_bad_row_keeps_no_other_enterprise_and_no_day_waiting, |platform, location| {
    let (bad, _, auth_id) = with_rows(platform).await;
    let good = Caller::new(platform).await;
    let card_id = text(&good.new_card(platform, "ord-1").await["cardId"]);
    use_card(platform, &card_id).await;
    let first = BusinessDay::of(platform.store.clock().now());
    tamper(
        location,
        &format!("UPDATE authorisation SET auth_type = '?' WHERE auth_id = {auth_id}"),
    )
    .await;
    platform.advance(DAY).await;
    use_card(platform, &card_id).await;
    platform.advance(DAY).await;
    for day in [first, first.next()] {
        assert!(!download(platform, &good, "authorisation", day).await.body.is_empty(), "{day}");
    }
    assert!(!has_file(platform, &bad, first).await);
    let transactions = download(platform, &bad, "transaction", first).await;
    assert!(!transactions.body.is_empty(), "its other file is there");
    // An operator who closes the day by hand is told.
    let answer = platform.done(CLOSE_DAY, json!({"date": first.to_string()})).await;
    assert_eq!(answer["files"].as_array().unwrap().len(), 3, "{answer}");
    let failed = json!([{"enterpriseId": bad.enterprise_id, "fileType": "authorisation"}]);
    assert_eq!(answer["failed"], failed);
    let report = verified(platform, first).await;
    let differences = report["files"].as_array().unwrap().iter().map(|it| &it["differenceCount"]);
    assert_eq!(differences.filter(|count| **count != 0).count(), 1, "{report}");
    // Cut again by itself once it can be.
    tamper(location, "UPDATE authorisation SET auth_type = 'NORMAL' WHERE auth_type = '?'").await;
    platform.advance(DAY).await;
    assert!(has_file(platform, &bad, first).await);
    assert_eq!(number(location, "SELECT COUNT(*) FROM job WHERE due_at > 0").await, 1);
    assert_eq!(verified(platform, first).await["ok"], true);
});

both_engines!(
    an_undecided_authorisation_keeps_one_day_open_and_no_advance_waiting,
    |platform, location| {
        let (caller, card_id, auth_id) = with_rows(platform).await;
        let first = BusinessDay::of(platform.store.clock().now());
        let change = |status, by_older| {
            format!(
                "UPDATE authorisation SET status = '{status}', by_older = {by_older} \
                 WHERE auth_id = {auth_id}"
            )
        };
        let (set, unset) = (change("PENDING", "1"), change("DECLINED", "NULL"));
        tamper(location, &set).await;
        platform.advance(DAY).await;
        use_card(platform, &card_id).await;
        let started = std::time::Instant::now();
        platform.advance(4 * DAY).await;
        assert!(has_file(platform, &caller, first.next()).await, "the day after");
        assert_eq!(parked(platform).await, [] as [Value; 0]);
        tamper(location, &unset).await;
        platform.advance(2 * DAY).await;
        assert_eq!(verified(platform, first).await["ok"], true);
        // The job of a purchase that is never decided is given up, and left to the operator.
        let second = first.next();
        tamper(location, "DELETE FROM settlement_file").await;
        tamper(location, &set).await;
        let sql = format!("UPDATE job SET subject_id = {}, due_at = 0", first.as_i64());
        tamper(location, &format!("{sql} WHERE kind = 'SETTLEMENT_FILES'")).await;
        platform.advance(60 * DAY).await;
        // One that waits takes 30 s in each of the 64 days.
        assert!(started.elapsed() < std::time::Duration::from_secs(600), "{:?}", started.elapsed());
        let given_up = parked(platform).await;
        assert_eq!(given_up.len(), 1, "{given_up:?}");
        assert_eq!(
            (&given_up[0]["kind"], &given_up[0]["attempts"]),
            (&json!("SETTLEMENT_RECUT"), &json!(20))
        );
        assert_eq!(given_up[0]["enterpriseId"], *caller.enterprise_id);
        assert!(has_file(platform, &caller, second).await);
        tamper(location, &unset).await;
        let files = close(platform, first).await;
        assert_eq!(file_of(&files, &caller, "authorisation")["final"], true);
        assert_eq!(parked(platform).await, [] as [Value; 0]);
        assert_eq!(platform.admin_get("/admin/v1/jobs?parked=no").await.status, 422);
        assert_eq!(platform.admin_get("/admin/v1/jobs").await.status, 422);
    }
);

both_engines!(the_same_bytes_cut_again_are_kept_once, |platform, location| {
    let (caller, card_id, _) = with_rows(platform).await;
    let day = BusinessDay::of(platform.store.clock().now());
    let count =
        async |table: &str| number(location, &format!("SELECT COUNT(*) FROM {table}")).await;
    close(platform, day).await;
    let pieces = "SELECT COUNT(*) + MIN(file_id) + MAX(file_id) FROM settlement_piece";
    let before = number(location, pieces).await;
    for _ in 0..3 {
        close(platform, day).await;
    }
    assert_eq!(number(location, pieces).await, before);
    assert_eq!(count("settlement_leftover").await, 0);
    use_card(platform, &card_id).await;
    close(platform, day).await;
    assert_eq!((count("settlement_piece").await, count("settlement_leftover").await), (4, 2));
    // The end of the day makes the file final and changes nothing else.
    platform.advance(DAY).await;
    let files = close(platform, day).await;
    assert_eq!(file_of(&files, &caller, "authorisation")["final"], true);
    assert_eq!((count("settlement_piece").await, count("settlement_leftover").await), (4, 2));
    // A cut that breaks off leaves nothing.
    tamper(location, "UPDATE authorisation SET auth_type = '?'").await;
    close(platform, day).await;
    assert_eq!((count("settlement_piece").await, count("settlement_leftover").await), (4, 2));
});

both_engines!(first_requests_at_once_for_a_quiet_day_all_get_its_file, |platform, location| {
    let (caller, ..) = with_rows(platform).await;
    platform.advance(30 * DAY).await;
    let today = BusinessDay::of(platform.store.clock().now());
    for back in 2..12 {
        let day = BusinessDay::from_i64(today.as_i64() - back).to_string();
        let ask = || link(platform, &caller, "transaction", &day);
        let answers = tokio::join!(ask(), ask(), ask(), ask(), ask(), ask());
        let answers = <[Value; 6]>::from(answers);
        assert!(answers.iter().all(|it| it["code"] == "SYS_SUCCESS"), "{answers:?}");
    }
    let sql = "SELECT COUNT(*) FROM settlement_file WHERE row_count = 0";
    assert_eq!(number(location, sql).await, 10);
});
