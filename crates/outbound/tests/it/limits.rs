//! Deadlines, sizes and the reuse of connections.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use outbound::{OutboundError, Post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};

use crate::server::{
    Behaviour, PATIENT_MS, Server, answer, ends_kept, failure, post_until, post_within, sandbox,
};

#[tokio::test]
async fn an_answer_is_read_whole_and_the_connection_is_used_again() {
    let server = Server::start(answer("200 OK", "{\"code\":\"ok\"}")).await;
    let outbound = sandbox();
    for _ in 0..5 {
        let answer = post_within(&outbound, &server.url(), PATIENT_MS)
            .await
            .unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((answer.status, answer.body.as_ref()), (200, b"{\"code\":\"ok\"}".as_ref()));
    }
    assert_eq!((server.requests(), server.connections()), (5, 1));
}

#[tokio::test]
async fn headers_and_body_travel_unchanged() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a//b?q=1%202", listener.local_addr().unwrap());
    let seen = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = vec![0; 4096];
        let count = stream.read(&mut buffer).await.unwrap();
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        String::from_utf8(buffer[..count].to_vec()).unwrap()
    });
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("x-auth-signature", HeaderValue::from_static("abc=="));
    let post = Post {
        url: &url,
        headers,
        body: Bytes::from_static(b"{\"amount\": \"1.00\"}"),
        deadline: tokio::time::Instant::now() + Duration::from_millis(PATIENT_MS),
        resend_until: tokio::time::Instant::now(),
        max_response_bytes: 0,
    };
    let answer = sandbox().post(post).await.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let seen = seen.await.unwrap();
    assert!(seen.starts_with("POST /a//b?q=1%202 HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("\r\ncontent-type: application/json\r\n"), "{seen}");
    assert!(seen.contains("\r\nx-auth-signature: abc==\r\n"), "{seen}");
    assert!(seen.ends_with("\r\n\r\n{\"amount\": \"1.00\"}"), "{seen}");
}

#[tokio::test]
async fn the_deadline_holds_whatever_the_server_does() {
    let outbound = sandbox();
    let misbehaviours = [
        Behaviour::Silent,
        Behaviour::Dribble("HTTP/1.1 200 OK\r\n"),
        Behaviour::Dribble("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"),
    ];
    for behaviour in misbehaviours {
        let server = Server::start(behaviour).await;
        let started = Instant::now();
        let error = failure(post_within(&outbound, &server.url(), 600).await);
        assert_eq!(error, OutboundError::Timeout);
        let elapsed = started.elapsed();
        assert!(elapsed >= Duration::from_millis(600), "{elapsed:?}");
        assert!(elapsed < Duration::from_millis(PATIENT_MS), "{elapsed:?}");
        assert_eq!(server.requests(), 1);
    }
}

#[tokio::test]
async fn a_deadline_already_past_sends_nothing() {
    let server = Server::start(answer("200 OK", "")).await;
    let outbound = sandbox();
    assert!(post_within(&outbound, &server.url(), PATIENT_MS).await.is_ok());
    assert_eq!(failure(post_within(&outbound, &server.url(), 0).await), OutboundError::Timeout);
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn an_oversized_answer_is_cut_off() {
    let outbound = sandbox();
    let too_large = OutboundError::TooLarge { status: 200 };
    let declared = Server::start(answer("200 OK", &"x".repeat(1025))).await;
    assert_eq!(failure(post_within(&outbound, &declared.url(), PATIENT_MS).await), too_large);
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    // The body never ends: only the cap can stop the reading this early.
    let undeclared = Server::start(Behaviour::Answer(format!("{head}{chunk}{chunk}"))).await;
    assert_eq!(failure(post_within(&outbound, &undeclared.url(), PATIENT_MS).await), too_large);
    let exact = Server::start(answer("200 OK", &"x".repeat(1024))).await;
    assert!(post_within(&outbound, &exact.url(), PATIENT_MS).await.is_ok());
}

#[tokio::test]
async fn a_broken_exchange_differs_from_a_missing_server() {
    let outbound = sandbox();
    let server = Server::start(Behaviour::HangUp).await;
    assert_eq!(
        failure(post_within(&outbound, &server.url(), PATIENT_MS).await),
        OutboundError::Broken
    );
    let server = Server::start(Behaviour::Answer("SSH-2.0-x\r\n\r\n".to_owned())).await;
    assert_eq!(
        failure(post_within(&outbound, &server.url(), PATIENT_MS).await),
        OutboundError::Broken
    );

    // Bound but not listening: the port refuses, and nobody else can take it.
    let refusing = TcpSocket::new_v4().unwrap();
    refusing.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/?token=very-secret", refusing.local_addr().unwrap());
    let error = failure(post_within(&outbound, &url, PATIENT_MS).await);
    assert_eq!(error, OutboundError::Connect);
    assert!(!format!("{error} {error:?}").contains("very-secret"));
}

#[tokio::test]
async fn a_server_without_tls_gets_no_plain_text() {
    let server = Server::start(answer("200 OK", "")).await;
    let url = format!("https://{}/", server.address);
    assert_eq!(failure(post_within(&sandbox(), &url, PATIENT_MS).await), OutboundError::Connect);
}

#[tokio::test]
async fn a_kept_connection_that_ends_as_the_request_arrives_costs_one_fresh_try() {
    let server = Server::start(ends_kept("")).await;
    let outbound = sandbox();
    for _ in 0..4 {
        let answer = post_within(&outbound, &server.url(), PATIENT_MS)
            .await
            .unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(answer.status, 200);
    }
    // Some request met a kept connection and was sent again.
    assert!(server.requests() > 4, "{} requests", server.requests());
}

#[tokio::test]
async fn nothing_is_resent_after_a_byte_of_the_answer_or_on_a_first_connection() {
    for last_words in ["H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"]
    {
        let server = Server::start(ends_kept(last_words)).await;
        let outbound = sandbox();
        assert!(post_within(&outbound, &server.url(), PATIENT_MS).await.is_ok());
        let error = failure(post_within(&outbound, &server.url(), PATIENT_MS).await);
        assert_eq!(error, OutboundError::Broken, "{last_words:?}");
        assert_eq!(server.requests(), 2, "{last_words:?}");
    }
    let server = Server::start(Behaviour::HangUp).await;
    let error = failure(post_within(&sandbox(), &server.url(), PATIENT_MS).await);
    assert_eq!((error, server.requests()), (OutboundError::Broken, 1));
}

#[tokio::test]
async fn nothing_is_sent_again_once_it_is_too_late_for_that() {
    let server = Server::start(ends_kept("")).await;
    let outbound = sandbox();
    let deadline = tokio::time::Instant::now() + Duration::from_millis(PATIENT_MS);
    let past = tokio::time::Instant::now();
    let (mut answered, mut broken) = (0, 0);
    for _ in 0..4 {
        match post_until(&outbound, &server.url(), deadline, past).await {
            Ok(_) => answered += 1,
            Err(error) => {
                assert_eq!(error, OutboundError::Broken);
                broken += 1;
            }
        }
    }
    assert!(broken > 0, "some request met a connection that was kept");
    assert_eq!(server.requests(), answered + broken);
}

#[tokio::test]
async fn an_endless_answer_is_given_up_whatever_it_consists_of() {
    /// Far more than the system buffers for a reader that has gone.
    const MOST_BYTES: usize = 64 * 1024 * 1024;
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for (first, again) in [
        ("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
        (chunked, "0"),
        (chunked, "1;x=y\r\nz\r\n"),
        ("HTTP/1.1 200 OK\r\n", "x: y\r\n"),
        ("HTTP/1.1 200 OK\r\nx: ", "y"),
    ] {
        let server = Server::start(Behaviour::Floods(first, again)).await;
        let error = failure(post_within(&sandbox(), &server.url(), PATIENT_MS).await);
        let is_given_up =
            matches!(error, OutboundError::Broken | OutboundError::TooLarge { status: 200 });
        assert!(is_given_up, "{first:?} {again:?}: {error:?}");
        assert!(server.flood_bytes() < MOST_BYTES, "{first:?} {again:?}");
    }
}

#[tokio::test]
async fn a_kept_connection_that_times_out_as_the_request_arrives_costs_one_fresh_try() {
    let timed_out =
        "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let server = Server::start(ends_kept(timed_out)).await;
    let outbound = sandbox();
    for _ in 0..2 {
        let answer = post_within(&outbound, &server.url(), PATIENT_MS).await;
        assert_eq!(answer.map(|it| it.status), Ok(200));
    }
    assert_eq!((server.requests(), server.connections()), (3, 2));
    // On a connection made for the request it is an answer like any other.
    let server = Server::start(Behaviour::Answer(timed_out.to_owned())).await;
    let answer = post_within(&sandbox(), &server.url(), PATIENT_MS).await;
    assert_eq!((answer.map(|it| it.status), server.requests()), (Ok(408), 1));
}
