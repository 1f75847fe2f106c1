//! Answers given before a request reaches the application, on both listeners.

use testkit::both_engines;
use testkit::database::Database;
use testkit::http::{Answer, Request, send};
use testkit::platform::Platform;
use testkit::signing::{Caller, envelope};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const DETAIL: &str = "/open-api/card/v1/detail";
const FREEZE: &str = "/open-api/card/v1/freeze";
/// One byte more than any API accepts.
const TOO_LARGE: usize = 64 * 1024 + 1;

/// A transport failure still has an envelope.
fn assert_envelope(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let json = answer.json();
    assert_eq!(json["success"], false);
    assert!(json.as_object().unwrap().contains_key("data"));
}

both_engines!(paths_are_tolerated_as_unchanged_clients_send_them, |platform| {
    let caller = Caller::new(platform).await;
    for target in [
        "//open-api/card/v1/detail?cardId=1",
        "/open-api//card///v1/detail?cardId=1",
        "/%7D/open-api/card/v1/detail?cardId=1",
        "/%7d//open-api/card/v1/detail?cardId=1",
        "/}/open-api/card/v1/detail?cardId=1",
    ] {
        let answer = caller.get(platform, target).await;
        assert_eq!(answer["code"], "DAPI_CARD_NOT_FOUND", "{target}");
    }
    for target in [
        "/x/open-api/card/v1/detail",
        "/%7D/%7D/open-api/card/v1/detail",
        "/open-api",
        "/open-api/card/v1/detail/",
        "/open-api/card/v1/%64etail",
        "/admin/v1/enterprises",
        "/",
    ] {
        let answer = caller.send(platform, Request::get(target)).await;
        assert_envelope(&answer, 404);
    }
});

both_engines!(wrong_methods_types_and_sizes_have_envelopes, |platform| {
    let caller = Caller::new(platform).await;
    let send = async |request: Request| send(platform.public, &request).await;
    assert_envelope(&send(Request::get(FREEZE)).await, 405);
    assert_envelope(&send(Request::post(DETAIL, "{}")).await, 405);
    let head = Request { method: "HEAD", ..Request::get(DETAIL) };
    assert_eq!(send(head).await.status, 405);
    let body = r#"{"cardId":"1","freeze":true}"#;
    let typed = |content_type: &str| {
        caller.signing().of(Request::post(FREEZE, body)).header("content-type", content_type)
    };
    assert_envelope(&send(typed("text/plain")).await, 415);
    for good in ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"] {
        assert_eq!(envelope(&send(typed(good)).await)["code"], "DAPI_CARD_NOT_FOUND");
    }
    let get = caller.signing().of(Request::get(format!("{DETAIL}?cardId=1")));
    let get = get.header("content-type", "application/json");
    assert_eq!(envelope(&send(get).await)["code"], "DAPI_CARD_NOT_FOUND");
    assert_envelope(&send(Request::post(FREEZE, vec![b' '; TOO_LARGE])).await, 413);
    let at_limit = caller.signing().of(Request::post(FREEZE, vec![b' '; TOO_LARGE - 1]));
    assert_eq!(envelope(&send(at_limit).await)["code"], "DAPI_SYS_ILLEGAL_PARAM");
});

both_engines!(trace_ids_are_echoed_or_made, |platform| {
    let echoed = async |request: Request| {
        let answer = send(platform.public, &request).await;
        answer.header("x-trace-id").unwrap().to_owned()
    };
    let with = |id: &str| Request::get("/nowhere").header("x-trace-id", id);
    assert_eq!(echoed(with("abc-123")).await, "abc-123");
    assert_eq!(echoed(with("two words")).await.len(), 32);
    assert_eq!(echoed(with(&"x".repeat(65))).await.len(), 32);
    let made = echoed(Request::get("/nowhere")).await;
    assert_ne!(made, echoed(Request::get("/nowhere")).await);
});

both_engines!(the_admin_listener_wants_its_token, |platform| {
    let path = "/admin/v1/enterprises";
    for request in [
        Request::get(path),
        Request::get(path).header("authorization", "Bearer wrong"),
        Request::get(path).header("authorization", "Basic test-token"),
        Request::get(path).header("authorization", "Bearer"),
        Request::get("/admin/v1/nowhere"),
        Request::post("/sandbox/v1/clock/advance", r#"{"seconds":1}"#),
    ] {
        let answer = send(platform.admin, &request).await;
        assert_eq!(answer.status, 401, "{}", request.target);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
    }
    assert_eq!(platform.admin_get(path).await.status, 200);
    for open in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(send(platform.admin, &Request::get(open)).await.status, 200, "{open}");
    }
    let dialect = caller_route_on(platform).await;
    assert_eq!(dialect.status, 404);
});

async fn caller_route_on(platform: &Platform) -> Answer {
    platform.admin_get("/open-api/card/v1/detail").await
}

both_engines!(a_kept_connection_serves_several_requests, |platform| {
    let mut stream = TcpStream::connect(platform.admin).await.unwrap();
    for _ in 0..3 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
        let mut bytes = vec![0; 1024];
        let read = stream.read(&mut bytes).await.unwrap();
        assert!(bytes[..read].starts_with(b"HTTP/1.1 200"));
    }
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_idle_connections_and_refuses_new_ones() {
    let database = Database::embedded();
    let platform = Platform::start(database.location()).await;
    let admin = platform.admin;
    let mut idle = TcpStream::connect(admin).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    let mut bytes = vec![0; 1024];
    assert!(idle.read(&mut bytes).await.unwrap() > 0);
    platform.stop().await;
    assert_eq!(idle.read(&mut bytes).await.unwrap_or(0), 0);
    assert!(TcpStream::connect(admin).await.is_err());
}

/// Waits until `/readyz` answers with a status.
async fn until_ready(platform: &Platform, status: u16) {
    let began = std::time::Instant::now();
    while send(platform.admin, &Request::get("/readyz")).await.status != status {
        assert!(began.elapsed() < std::time::Duration::from_secs(60), "never {status}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_cannot_write_is_not_ready() {
    let database = Database::embedded();
    let platform = Platform::start(database.location()).await;
    until_ready(&platform, 200).await;
    let store::Location::Sqlite(file) = database.location() else { unreachable!() };
    let other = rusqlite::Connection::open(file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    until_ready(&platform, 503).await;
    other.execute_batch("ROLLBACK").unwrap();
    until_ready(&platform, 200).await;
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_production_the_sandbox_does_not_exist() {
    let database = Database::embedded();
    let platform = Platform::start_in(database.location(), domain::Mode::Production).await;
    assert_eq!(platform.admin_get("/sandbox/v1/clock").await.status, 404);
    let advance = Request::post("/sandbox/v1/clock/advance", r#"{"seconds":1}"#);
    assert_eq!(platform.admin(advance).await.status, 404);
    assert_eq!(platform.admin_get("/admin/v1/enterprises").await.status, 200);
    platform.stop().await;
}
