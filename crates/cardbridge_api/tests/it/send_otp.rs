//! One-time passwords of the enterprise's own, delivered.

use domain::Mode;
use mail::{SmtpSettings, SmtpTls};
use serde_json::{Value, json};
use testkit::both_engines;
use testkit::database::{Database, tamper};
use testkit::http::Request;
use testkit::page_visits::{GUIDANCE_LINK, open, page_error};
use testkit::platform::Platform;
use testkit::signing::Caller;

const PATH: &str = "/open-api/customer/v1/send-otp";
/// Sends that the contract grants an enterprise in a minute.
const SENDS_A_MINUTE: usize = 60;

fn by_mail(otp_send_ref: &str) -> Value {
    json!({"otpSendRef": otp_send_ref, "channel": "EMAIL", "email": "Jane@Example.com",
        "otp": "444555", "language": "en"})
}

async fn mails(platform: &Platform) -> Vec<Value> {
    let mailbox = platform.admin_get("/sandbox/v1/mailbox?order=asc").await.json();
    mailbox["items"].as_array().unwrap().clone()
}

both_engines!(a_password_goes_out_once_by_mail_or_sms, |platform| {
    let caller = Caller::new(platform).await;
    let first = caller.post(platform, PATH, &by_mail("sms-test-1")).await;
    let result = json!({"otpSendRef": "sms-test-1", "status": "SUCCEED"});
    assert_eq!(first["data"], result, "{first}");
    // A used reference gets the first result, even with other fields.
    let other = json!({"otpSendRef": "sms-test-1", "channel": "SMS", "otp": "9999"});
    for body in [by_mail("sms-test-1"), other] {
        assert_eq!(caller.post(platform, PATH, &body).await["data"], result);
    }
    let body = json!({"otpSendRef": "sms-test-2", "channel": "SMS", "phoneCountryCode": "MY",
        "phone": 122765673, "otp": "0123", "language": "zh"});
    let second = caller.post(platform, PATH, &body).await;
    assert_eq!(second["data"]["status"], "SUCCEED", "{second}");
    // Each enterprise has its own references.
    let neighbour = Caller::new(platform).await;
    assert_eq!(neighbour.post(platform, PATH, &by_mail("sms-test-1")).await["data"], result);

    let mails = mails(platform).await;
    let shown = |name: &str| mails.iter().map(|mail| mail[name].clone()).collect::<Vec<_>>();
    assert_eq!(shown("to"), ["jane@example.com", "+60122765673", "jane@example.com"]);
    assert_eq!(shown("channel"), ["EMAIL", "SMS", "EMAIL"]);
    assert_eq!(shown("kind"), ["ONE_TIME_PASSWORD"; 3]);
    let text = |index: usize| mails[index]["body"].as_str().unwrap();
    assert!(text(0).starts_with("Your verification code is 444555\n"), "{}", text(0));
    assert!(text(1).starts_with("您的验证码是 0123\n"), "{}", text(1));
});

both_engines!(each_refusal_of_a_password_has_its_code_and_sends_nothing, |platform| {
    let caller = Caller::new(platform).await;
    for (field, value, code) in [
        ("otpSendRef", Value::Null, "DAPI_SYS_ILLEGAL_PARAM"),
        ("otpSendRef", json!("a\u{200b}b"), "DAPI_SYS_ILLEGAL_PARAM"),
        ("channel", Value::Null, "DAPI_OPERATION_NOT_SUPPORT"),
        ("channel", json!("WHATSAPP"), "DAPI_OPERATION_NOT_SUPPORT"),
        ("email", Value::Null, "DAPI_EMAIL_INVALID"),
        ("email", json!("nobody"), "DAPI_EMAIL_INVALID"),
        ("channel", json!("SMS"), "DAPI_PHONE_INVALID"),
        ("otp", Value::Null, "DAPI_SYS_ILLEGAL_PARAM"),
        ("otp", json!("123"), "DAPI_SYS_ILLEGAL_PARAM"),
        ("otp", json!("123456789"), "DAPI_SYS_ILLEGAL_PARAM"),
        ("otp", json!("12a4"), "DAPI_SYS_ILLEGAL_PARAM"),
        ("language", json!("fr"), "DAPI_SYS_ILLEGAL_PARAM"),
    ] {
        let mut body = by_mail("refused");
        body[field] = value;
        assert_eq!(caller.post(platform, PATH, &body).await["code"], code, "{body}");
    }
    for (phone, country) in [
        (json!("81234567"), Value::Null),
        (Value::Null, json!("SG")),
        (json!("12ab"), json!("SG")),
        (json!("81234567"), json!("ZZ")),
    ] {
        let body = json!({"otpSendRef": "refused", "channel": "SMS", "otp": "1234",
            "phone": phone, "phoneCountryCode": country});
        assert_eq!(caller.post(platform, PATH, &body).await["code"], "DAPI_PHONE_INVALID");
    }
    assert!(mails(platform).await.is_empty());
    // A refused request has not used its reference.
    let sent = caller.post(platform, PATH, &by_mail("refused")).await;
    assert_eq!(sent["data"]["status"], "SUCCEED", "{sent}");
});

both_engines!(of_equal_requests_at_once_exactly_one_sends, |platform| {
    let caller = Caller::new(platform).await;
    for round in 1..=5 {
        let body = by_mail(&format!("twin-{round}"));
        let attempt = || async { caller.post(platform, PATH, &body).await["data"].clone() };
        let (first, second, third, fourth) =
            tokio::join!(attempt(), attempt(), attempt(), attempt());
        for result in [first, second, third, fourth] {
            assert_eq!(result["status"], "SUCCEED", "round {round}");
        }
        assert_eq!(mails(platform).await.len(), round);
    }
});

both_engines!(one_send_too_many_waits_for_the_next_minute, |platform, location| {
    let caller = Caller::new(platform).await;
    let answer = async |otp_send_ref: String| {
        let request = Request::post(PATH, by_mail(&otp_send_ref).to_string());
        caller.send(platform, request).await
    };
    // More at once than are granted: the count cannot be raced.
    let tries = SENDS_A_MINUTE + 4;
    let sent = statuses_of(tries, &answer).await;
    let granted = sent.iter().filter(|status| **status == 200).count();
    assert_eq!(granted, SENDS_A_MINUTE, "{sent:?}");
    assert_eq!(sent.iter().filter(|status| **status == 429).count(), 4, "{sent:?}");
    assert_eq!(mails(platform).await.len(), SENDS_A_MINUTE);

    let refused = answer("late".to_owned()).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.json()["success"], false);
    assert_eq!(refused.json()["data"], Value::Null);
    // A used reference sends nothing, and other enterprises have their own minutes.
    let known = sent.iter().position(|status| *status == 200).unwrap();
    assert_eq!(answer(format!("burst-{known}")).await.status, 200);
    let neighbour = Caller::new(platform).await;
    assert_eq!(neighbour.post(platform, PATH, &by_mail("late")).await["code"], "SYS_SUCCESS");
    // The next minute comes with real time, not with business time.
    platform.advance(120).await;
    assert_eq!(answer("late".to_owned()).await.status, 429);
    tamper(location, "UPDATE otp_delivery SET sent_at = sent_at - 60000000").await;
    assert_eq!(answer("late".to_owned()).await.status, 200);
});

both_engines!(passwords_of_pages_count_with_those_that_are_sent, |platform, location| {
    let caller = Caller::new(platform).await;
    let card = caller.new_card(platform, "ord-1").await;
    let mut request = caller.link_request(&card, "1");
    request["otpStatus"] = json!("1");
    let answer = async |otp_send_ref: String| {
        let request = Request::post(PATH, by_mail(&otp_send_ref).to_string());
        caller.send(platform, request).await
    };
    statuses_of(SENDS_A_MINUTE - 1, &answer).await;
    let (first, second) =
        (caller.link(platform, &request).await, caller.link(platform, &request).await);
    assert_eq!(open(platform, &first).await.status, 200);
    let refused = open(platform, &second).await;
    assert_eq!((refused.status, &*page_error(&refused)), (429, "10000"));
    assert_eq!(answer("late".to_owned()).await.status, 429);
    assert_eq!(mails(platform).await.len(), SENDS_A_MINUTE);
    // The refusal has not used up the link.
    tamper(location, "UPDATE otp_delivery SET sent_at = sent_at - 60000000").await;
    assert_eq!(open(platform, &second).await.status, 200);
});

both_engines!(a_delivery_that_died_with_its_process_shows_as_failed, |platform, location| {
    let caller = Caller::new(platform).await;
    caller.post(platform, PATH, &by_mail("lost")).await;
    let sql = "UPDATE otp_delivery SET status = 'PENDING', sent_at = sent_at - 20000000";
    tamper(location, sql).await;
    let again = caller.post(platform, PATH, &by_mail("lost")).await;
    assert_eq!(again["data"], json!({"otpSendRef": "lost", "status": "FAILED"}), "{again}");
    assert_eq!(mails(platform).await.len(), 1);
});

/// The statuses of this many requests, sent at once.
async fn statuses_of(
    tries: usize,
    answer: &impl AsyncFn(String) -> testkit::http::Answer,
) -> Vec<u16> {
    futures_util::future::join_all(
        (0..tries).map(|n| async move { answer(format!("burst-{n}")).await.status }),
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_mail_server_does_not_take_has_failed() {
    // Bound and not listening: the port refuses, and nobody else can take it.
    let refusing = tokio::net::TcpSocket::new_v4().unwrap();
    refusing.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = refusing.local_addr().unwrap().port();
    let smtp = SmtpSettings {
        host: "127.0.0.1".to_owned(),
        port,
        from: "cards@example.com".to_owned(),
        credentials: None,
        tls: SmtpTls::None,
        authority_pem: None,
    };
    let database = Database::embedded();
    let platform = Platform::start_with(database.location(), Mode::Sandbox, Some(smtp)).await;
    let caller = Caller::new(&platform).await;
    for _ in 0..2 {
        let sent = caller.post(&platform, PATH, &by_mail("unsent")).await;
        assert_eq!(sent["data"], json!({"otpSendRef": "unsent", "status": "FAILED"}), "{sent}");
    }
    assert_eq!(mails(&platform).await.len(), 1);
    platform.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_whose_password_cannot_be_sent_is_neither_linked_nor_opened() {
    let database = Database::embedded();
    let sandbox = Platform::start(database.location()).await;
    let caller = Caller::new(&sandbox).await;
    let card = caller.new_card(&sandbox, "ord-1").await;
    let mut request = caller.link_request(&card, "1");
    request["otpStatus"] = json!("1");
    let link = caller.link(&sandbox, &request).await;
    sandbox.stop().await;
    let platform = Platform::start_in(database.location(), Mode::Production).await;
    let path = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
    platform.admin_patch(&path, &json!({"ipAllowlist": ["127.0.0.0/8"]})).await;
    let refused = caller.post(&platform, GUIDANCE_LINK, &request).await;
    assert_eq!(refused["code"], "DAPI_OPERATION_NOT_SUPPORT", "{refused}");
    let unopened = open(&platform, &link).await;
    assert_eq!((unopened.status, &*page_error(&unopened)), (500, "10000"));
    request["otpStatus"] = json!("0");
    assert_eq!(caller.post(&platform, GUIDANCE_LINK, &request).await["code"], "SYS_SUCCESS");
    platform.stop().await;
    // The link is good once the password can be sent.
    let sandbox = Platform::start(database.location()).await;
    assert_eq!(open(&sandbox, &link).await.status, 200);
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_has_no_short_messages() {
    let database = Database::embedded();
    let sandbox = Platform::start(database.location()).await;
    let caller = Caller::new(&sandbox).await;
    sandbox.stop().await;
    let platform = Platform::start_in(database.location(), Mode::Production).await;
    let path = format!("/admin/v1/enterprises/{}", caller.enterprise_id);
    platform.admin_patch(&path, &json!({"ipAllowlist": ["127.0.0.0/8"]})).await;
    let sms = json!({"otpSendRef": "r-1", "channel": "SMS", "phoneCountryCode": "SG",
        "phone": "81234567", "otp": "1234"});
    for body in [sms, by_mail("r-2")] {
        let refused = caller.post(&platform, PATH, &body).await;
        assert_eq!(refused["code"], "DAPI_OPERATION_NOT_SUPPORT", "{body}");
    }
    platform.stop().await;
}
