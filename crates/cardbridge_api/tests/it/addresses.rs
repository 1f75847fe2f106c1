//! The allow-list of addresses, behind proxies and not.

use serde_json::json;
use testkit::both_engines;
use testkit::http::{Request, send_from};
use testkit::platform::Platform;
use testkit::signing::Caller;

const BALANCE: &str = "/open-api/enterprise/v1/enterprise-balance?currency=840";
/// An address of this machine that the platform takes for a proxy.
const PROXY: &str = "127.0.0.2";

async fn allow(platform: &Platform, caller: &Caller, networks: &[&str]) {
    let path = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
    let answer = platform.admin_patch(&path, &json!({ "ipAllowlist": networks })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// The code that a signed request gets from this address.
async fn code(platform: &Platform, caller: &Caller, from: &str, forwarded: Option<&str>) -> String {
    let mut request = caller.signing().of(Request::get(BALANCE));
    if let Some(forwarded) = forwarded {
        request = request.header("X-Forwarded-For", forwarded);
    }
    let answer = send_from(from, platform.public, &request).await;
    answer.json()["code"].as_str().unwrap().to_owned()
}

both_engines!(only_listed_networks_may_call, |platform| {
    let caller = Caller::new(platform).await;
    for network in ["127.0.0.1", "127.0.0.0/31", "::ffff:127.0.0.1/128"] {
        allow(platform, &caller, &["192.0.2.0/24", network]).await;
        assert_eq!(code(platform, &caller, "127.0.0.1", None).await, "SYS_SUCCESS", "{network}");
        let refused = code(platform, &caller, "127.0.0.3", None).await;
        assert_eq!(refused, "DAPI_PERMISSION_DENIED", "{network}");
    }
    allow(platform, &caller, &[]).await;
    assert_eq!(code(platform, &caller, "127.0.0.3", None).await, "SYS_SUCCESS");
});

both_engines!(a_forwarded_address_counts_from_a_trusted_proxy_only, |platform| {
    let caller = Caller::new(platform).await;
    allow(platform, &caller, &["203.0.113.0/24", "2001:db8::/32"]).await;
    let from = async |address: &str, forwarded: &str| {
        code(platform, &caller, address, Some(forwarded)).await
    };
    for allowed in ["203.0.113.9", "6.6.6.6, ::ffff:203.0.113.9", "2001:db8::9"] {
        assert_eq!(from(PROXY, allowed).await, "SYS_SUCCESS", "{allowed}");
        assert_eq!(from("127.0.0.3", allowed).await, "DAPI_PERMISSION_DENIED", "{allowed}");
    }
    for refused in ["203.0.113.9, 6.6.6.6", "2001:db9::9", "nonsense", "203.0.113.9, x"] {
        assert_eq!(from(PROXY, refused).await, "DAPI_PERMISSION_DENIED", "{refused}");
    }
});
