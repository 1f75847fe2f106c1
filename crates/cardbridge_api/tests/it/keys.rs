//! Several API keys of an enterprise: rotation and revocation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::database::Database;
use testkit::http::{Request, send};
use testkit::platform::Platform;
use testkit::signing::{Caller, text};

const BALANCE: &str = "/open-api/enterprise/v1/enterprise-balance?currency=840";

async fn second_key(platform: &Platform, first: &Caller) -> Caller {
    let path = format!("/admin/v1/enterprises/{}/api-keys", first.enterprise_id);
    let key = platform.done(&path, json!({})).await;
    Caller {
        enterprise_id: first.enterprise_id.clone(),
        api_key: text(&key["apiKey"]),
        secret: text(&key["secretKey"]),
        profile_id: first.profile_id.clone(),
    }
}

async fn revoke(platform: &Platform, enterprise_id: &str, api_key: &str) -> u16 {
    let path = format!("/admin/v1/enterprises/{enterprise_id}/api-keys/{api_key}");
    platform.admin(Request { method: "DELETE", ..Request::get(path) }).await.status
}

async fn code(platform: &Platform, caller: &Caller) -> Value {
    caller.get(platform, BALANCE).await["code"].clone()
}

both_engines!(both_keys_work_until_the_old_one_is_revoked_at_once, |platform| {
    let old = Caller::new(platform).await;
    let new = second_key(platform, &old).await;
    assert_eq!(code(platform, &old).await, "SYS_SUCCESS");
    assert_eq!(code(platform, &new).await, "SYS_SUCCESS");
    assert_eq!(revoke(platform, &old.enterprise_id, &old.api_key).await, 204);
    assert_eq!(code(platform, &old).await, "DAPI_INVALID_API_KEY");
    assert_eq!(code(platform, &new).await, "SYS_SUCCESS");
    assert_eq!(revoke(platform, &old.enterprise_id, &old.api_key).await, 404);
});

both_engines!(keys_have_the_published_shapes, |platform| {
    let first = Caller::new(platform).await;
    for key in [&first, &second_key(platform, &first).await] {
        let is_upper_hex = |b: u8| b.is_ascii_digit() || (b'A'..=b'F').contains(&b);
        assert!(key.api_key.len() == 32 && key.api_key.bytes().all(is_upper_hex));
        assert_eq!(STANDARD.decode(&key.secret).unwrap().len(), 32);
        assert_eq!(key.secret.len(), 44);
    }
});

both_engines!(a_key_is_signed_with_its_own_secret_only, |platform| {
    let first = Caller::new(platform).await;
    let second = second_key(platform, &first).await;
    let crossed = Caller { secret: second.secret.clone(), ..first };
    assert_eq!(code(platform, &crossed).await, "DAPI_SIGNATURE_ERROR");
});

both_engines!(keys_are_listed_without_secrets_and_revoked_by_their_owner_only, |platform| {
    let first = Caller::new(platform).await;
    let second = second_key(platform, &first).await;
    let stranger = Caller::new(platform).await;
    assert_eq!(revoke(platform, &stranger.enterprise_id, &first.api_key).await, 404);
    revoke(platform, &first.enterprise_id, &second.api_key).await;
    let path = format!("/admin/v1/enterprises/{}/api-keys?order=asc", first.enterprise_id);
    let answer = platform.admin_get(&path).await;
    let shown = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(!shown.contains(&first.secret) && !shown.contains(&second.secret));
    let items = answer.json()["items"].clone();
    let named: Vec<_> = items.as_array().unwrap().iter().map(|key| text(&key["apiKey"])).collect();
    assert_eq!(named, [first.api_key.clone(), second.api_key]);
    assert_eq!(items[0]["revokedAt"], Value::Null);
    assert!(items[1]["revokedAt"].is_string());
    let newest_first = platform.admin_get(path.trim_end_matches("?order=asc")).await.json();
    assert_eq!(newest_first["items"], json!([items[1], items[0]]));
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_revoked_in_one_process_is_refused_at_once_in_the_other() {
    let database = Database::on_server().await;
    let platform = Platform::start(database.location()).await;
    let other = Platform::start(database.location()).await;
    let caller = Caller::new(&platform).await;
    // Both have opened the secret before it is revoked.
    for it in [&platform, &other] {
        assert_eq!(code(it, &caller).await, "SYS_SUCCESS");
    }
    assert_eq!(revoke(&platform, &caller.enterprise_id, &caller.api_key).await, 204);
    assert_eq!(code(&other, &caller).await, "DAPI_INVALID_API_KEY");
    other.stop().await;
    platform.stop().await;
    database.drop().await;
}

both_engines!(an_unsigned_request_stays_unsigned_beside_the_extraction, |platform| {
    let answer = send(platform.public, &Request::get(BALANCE)).await;
    assert_eq!(answer.json()["code"], "DAPI_API_KEY_EMPTY");
});
