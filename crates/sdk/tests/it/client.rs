//! Calls as they arrive at a server.

use domain::{Currency, ErrorCode, Money};
use sdk::{Client, ClientError, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use wire::cardbridge::envelope;
use wire::cardbridge::signature::{DEFAULT_WINDOW_MS, SignatureHeaders, SignedContent};
use wire::cardbridge::simulation::{FundAuth, FundAuthBody};

const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// One HTTP request as text.
struct Received {
    head: String,
    body: Vec<u8>,
}

impl Received {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    fn is_signed(&self) -> bool {
        let headers = SignatureHeaders {
            api_key: self.header("X-DAPI-API-KEY"),
            timestamp: self.header("X-DAPI-TIMESTAMP"),
            nonce: self.header("X-DAPI-NONCE"),
            sign: self.header("X-DAPI-SIGN"),
        };
        let now_ms = domain::Clock::system().real_now().as_millis();
        let claim = headers.check(now_ms, DEFAULT_WINDOW_MS).ok().unwrap();
        let content = SignedContent {
            is_get: self.head.starts_with("GET "),
            raw_query: self.target().split_once('?').map(|(_, query)| query),
            raw_body: &self.body,
        };
        content.is_signed_by(SECRET, &claim)
    }
}

/// A server that answers its first request with `answer` and returns the request.
async fn server(status: &str, answer: Vec<u8>) -> (Client, JoinHandle<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/", listener.local_addr().unwrap());
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", answer.len());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        let received = loop {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
            if let Some(received) = whole_request(&bytes) {
                break received;
            }
        };
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&answer).await.unwrap();
        received
    });
    (Client::new(&base_url, "AK1", SECRET).unwrap(), served)
}

fn whole_request(bytes: &[u8]) -> Option<Received> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let received = Received { head, body: bytes[end..].to_vec() };
    let length = received.header("content-length").map_or(0, |text| text.parse().unwrap());
    (received.body.len() >= length).then_some(received)
}

#[tokio::test]
async fn a_query_arrives_signed_whatever_it_contains() {
    let (client, served) =
        server("200 OK", envelope::failure(ErrorCode::CardOrderNotFound, None)).await;
    let error = client.order_by_ref("a b+c&d=é").await.unwrap_err();
    assert_eq!(error.refusal(), Some(ErrorCode::CardOrderNotFound));
    let received = served.await.unwrap();
    assert_eq!(
        received.target(),
        "/open-api/card-order/v1/detail?cardOrderRef=a+b%2Bc%26d%3D%C3%A9"
    );
    assert!(received.is_signed());
}

#[tokio::test]
async fn a_body_arrives_signed_and_its_result_is_typed() {
    let result = FundAuthBody { approved: true, error_code: None, auth_id: "7".to_owned() };
    let (client, served) = server("200 OK", envelope::success(&result)).await;
    let amount = Money::new(1550, Currency::USD);
    let request = FundAuth { card_id: "7".to_owned(), amount };
    assert_eq!(client.fund_auth(&request).await.unwrap(), result);
    let received = served.await.unwrap();
    assert!(received.is_signed());
    assert_eq!(FundAuth::parse(&received.body), Ok(request));
}

#[tokio::test]
async fn a_raw_call_gives_the_envelope_as_it_came() {
    let answer = envelope::failure(ErrorCode::SysIllegalParam, Some("x is missing"));
    let (client, served) = server("200 OK", answer).await;
    let body = Some(br#"{"y":1}"#.to_vec());
    let reply = client.call(Method::POST, "/open-api/new/v1/op", &[], body).await.unwrap();
    assert_eq!(reply.code, "DAPI_SYS_ILLEGAL_PARAM");
    assert_eq!(reply.message_detail.as_deref(), Some("x is missing"));
    assert!(served.await.unwrap().is_signed());
}

#[tokio::test]
async fn refusals_and_foreign_answers_are_errors() {
    let answer = envelope::failure(ErrorCode::SignatureError, None);
    let (client, _served) = server("401 Unauthorized", answer).await;
    let error = client.balance(Currency::SGD).await.unwrap_err();
    assert_eq!(error.to_string(), "DAPI_SIGNATURE_ERROR: signature error");

    let (client, _served) = server("502 Bad Gateway", b"<html>".to_vec()).await;
    let error = client.balance(Currency::SGD).await.unwrap_err();
    assert!(matches!(error, ClientError::NotAnEnvelope { http_status: 502 }));

    let (client, _served) = server("200 OK", envelope::success(())).await;
    let error = client.cards("7").await.unwrap_err();
    assert!(matches!(error, ClientError::Data(_)));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (client, _served) = server("302 Found\r\nlocation: /elsewhere", Vec::new()).await;
    let error = client.card("7").await.unwrap_err();
    assert!(matches!(error, ClientError::NotAnEnvelope { http_status: 302 }));
}

#[test]
fn only_http_urls_are_base_urls() {
    for bad in ["", "127.0.0.1:8080", "ftp://x.test", "http://x.test/?a=1"] {
        assert!(matches!(Client::new(bad, "k", "s"), Err(ClientError::BaseUrl)), "{bad}");
    }
}
