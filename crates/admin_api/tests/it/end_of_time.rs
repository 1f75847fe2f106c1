//! Business time far ahead.

use domain::Timestamp;
use serde_json::json;
use testkit::both_engines;

use crate::keyed_calls::{keyed, refuse};

/// The end of business time: 9000-01-01T00:00:00Z.
const END_OF_TIME: Timestamp = Timestamp::from_micros(221_845_392_000_000_000);
const DAY_SECONDS: u32 = 86_400;

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

both_engines!(a_repeat_continues_to_its_target_where_time_nearly_ends, |platform, location| {
    let path = "/sandbox/v1/clock/advance";
    let late = END_OF_TIME.plus_seconds(-i64::from(TEN_YEARS_SECONDS));
    platform.store.move_clock(late).await.unwrap();
    // A key cannot change once it is there, as if the process died before it kept the answer.
    refuse(location, "UPDATE").await;
    let body = json!({ "seconds": TEN_YEARS_SECONDS - DAY_SECONDS });
    let first = keyed(platform, path, "late", &body).await;
    assert_eq!(first.status, 200, "{}", String::from_utf8_lossy(&first.body));
    let again = keyed(platform, path, "late", &body).await;
    assert_eq!(again.status, 200, "{}", String::from_utf8_lossy(&again.body));
    assert!(platform.store.clock().now() < END_OF_TIME, "it advanced twice");
    let other = keyed(platform, path, "later", &body).await;
    assert_eq!((other.status, &other.json()["code"]), (409, &json!("end_of_time")));
});
