//! Addresses to which the client does not connect.

use std::process::Command;

use outbound::{AddressPolicy, Outbound, OutboundError};

use crate::server::{Behaviour, PATIENT_MS, Server, answer, failure, post_within, sandbox};

/// Set for the child process of a test that needs another environment: the URL to post to.
const CHILD_URL: &str = "OUTBOUND_TEST_URL";

/// This test program again, running a single test. Changing the environment of a running process is
/// unsafe, so a child process gets it.
fn child(test: &str, url: &str) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test]).env(CHILD_URL, url);
    child
}

async fn succeeds(mut child: Command) -> bool {
    tokio::task::spawn_blocking(move || child.status()).await.unwrap().unwrap().success()
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = Server::start(answer("200 OK", "")).await;
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        elsewhere.url()
    );
    let server = Server::start(Behaviour::Answer(redirect)).await;
    let answer =
        post_within(&sandbox(), &server.url(), PATIENT_MS).await.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(answer.status, 307);
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_name_that_resolves_to_loopback_is_refused_unless_loopback_is_allowed() {
    let server = Server::start(answer("200 OK", "")).await;
    let url = format!("http://localhost:{}/", server.address.port());
    let guarded = Outbound::new(AddressPolicy::default()).unwrap();
    assert!(guarded.vet_url(&url).is_ok(), "a name is checked when it is resolved");
    let error = failure(post_within(&guarded, &url, PATIENT_MS).await);
    assert_eq!(error, OutboundError::AddressRefused);
    assert_eq!(server.connections(), 0);
    assert!(post_within(&sandbox(), &url, PATIENT_MS).await.is_ok());
}

#[tokio::test]
async fn a_literal_address_is_refused_before_anything_is_sent() {
    let server = Server::start(answer("200 OK", "")).await;
    let guarded = Outbound::new(AddressPolicy::default()).unwrap();
    let error = failure(post_within(&guarded, &server.url(), PATIENT_MS).await);
    assert_eq!(error, OutboundError::AddressRefused);
    assert_eq!(guarded.vet_url(&server.url()), Err(OutboundError::AddressRefused));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_unknown_name_is_no_connection() {
    let error = failure(post_within(&sandbox(), "http://nowhere.invalid/", PATIENT_MS).await);
    assert_eq!(error, OutboundError::Connect);
}

#[tokio::test(flavor = "multi_thread")]
async fn proxies_from_the_environment_are_ignored() {
    if let Ok(url) = std::env::var(CHILD_URL) {
        let answer =
            post_within(&sandbox(), &url, PATIENT_MS).await.unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(answer.status, 200);
        return;
    }
    let server = Server::start(answer("200 OK", "")).await;
    let proxy = Server::start(answer("502 Bad Gateway", "")).await;
    let proxy_url = format!("http://{}", proxy.address);
    let mut child = child("guard::proxies_from_the_environment_are_ignored", &server.url());
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"] {
        child.env(name, &proxy_url);
    }
    assert!(succeeds(child).await);
    assert_eq!((server.requests(), proxy.connections()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_certificate_authorities_only_production_refuses_to_start() {
    if let Ok(url) = std::env::var(CHILD_URL) {
        let production = AddressPolicy { https_only: true, ..AddressPolicy::default() };
        assert!(Outbound::new(production).is_err());
        assert!(post_within(&sandbox(), &url, PATIENT_MS).await.is_ok());
        return;
    }
    let server = Server::start(answer("200 OK", "")).await;
    let test = "guard::without_certificate_authorities_only_production_refuses_to_start";
    let mut child = child(test, &server.url());
    child.env("SSL_CERT_FILE", "/dev/null").env_remove("SSL_CERT_DIR");
    assert!(succeeds(child).await);
    assert_eq!(server.requests(), 1);
}
