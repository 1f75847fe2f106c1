//! Jobs that were given up, and the changes that make them due again.

use serde_json::{Value, json};
use testkit::both_engines;
use testkit::database::tamper;
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

/// The state after twenty failures.
pub const PARK: &str =
    "UPDATE job SET due_at = 9223372036854775807, attempts = 20 WHERE kind = 'ORDER_STEP'";
/// A refusal that did not see its order wait yet, so it woke no order.
pub const REFUSE_UNSEEN: &str = "UPDATE kyc_ticket SET status = 'REFUSE'";

async fn parked(platform: &Platform) -> Vec<Value> {
    let answer = platform.admin_get("/admin/v1/jobs?parked=true").await;
    answer.json()["items"].as_array().unwrap().clone()
}

both_engines!(a_parked_job_is_retried_by_hand_once, |platform, location| {
    let caller = Caller::new(platform).await;
    let path = "/open-api/card-order/v1/apply-virtual";
    let placed = caller.post(platform, path, &caller.application("ord-1")).await;
    tamper(location, PARK).await;
    platform.advance(60).await;
    assert_eq!(caller.order(platform, "ord-1").await["status"], "PENDING");
    let jobs = parked(platform).await;
    assert_eq!((jobs.len(), &jobs[0]["attempts"]), (1, &json!(20)));
    assert_eq!(jobs[0]["subjectId"], placed["data"]["cardOrderId"]);
    let retry = format!("/admin/v1/jobs/{}/retry", text(&jobs[0]["jobId"]));
    let body = json!({});
    let ask = || platform.admin_post(&retry, &body);
    let (one, other) = tokio::join!(ask(), ask());
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404], "one of two at once wins");
    let told = if one.status == 200 { one.json() } else { other.json() };
    let mut expected = jobs[0].clone();
    expected["attempts"] = json!(0);
    assert_eq!(told, expected);
    assert_eq!(parked(platform).await, [] as [Value; 0]);
    platform.advance(2).await;
    assert_eq!(caller.order(platform, "ord-1").await["status"], "SUCCEED");
    for id in ["1", "job_1", "99999999999999999999"] {
        let answer = platform.admin_post(&format!("/admin/v1/jobs/{id}/retry"), &body).await;
        assert_eq!((answer.status, &answer.json()["code"]), (404, &json!("not_found")), "{id}");
    }
});
