//! Business time far ahead.

use serde_json::json;
use testkit::both_engines;

/// The longest advance: ten years.
const TEN_YEARS_SECONDS: u32 = 315_576_000;
/// More advances than the clock needs to pass the year 9999.
const ADVANCES: usize = 810;

both_engines!(business_time_ends_rather_than_going_back, |platform| {
    let mut latest = String::new();
    for _ in 0..ADVANCES {
        let body = json!({ "seconds": TEN_YEARS_SECONDS });
        let answer = platform.admin_post("/sandbox/v1/clock/advance", &body).await;
        if answer.status != 200 {
            assert_eq!((answer.status, &answer.json()["code"]), (409, &json!("end_of_time")));
            break;
        }
        let now = answer.json()["now"].as_str().unwrap().to_owned();
        assert!(now > latest, "{now} comes after {latest}");
        latest = now;
    }
    assert!(latest.starts_with("89"), "{latest}");
    let clock = platform.admin_get("/sandbox/v1/clock").await.json();
    assert!(clock["now"].as_str().unwrap() >= &*latest, "{clock}");
});
