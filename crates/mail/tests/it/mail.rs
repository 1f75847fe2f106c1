//! Mail: the sandbox's mailbox and a real mail server.

use ::mail::{Mail, MailChannel, MailError, MailKind, Mailer, SmtpPassword, SmtpSettings, SmtpTls};
use domain::Clock;
use testkit::mail_server::{ACCOUNT, MailServer, NOBODY};
use zeroize::Zeroizing;

fn mail(channel: MailChannel, to: &str) -> Mail {
    Mail {
        channel,
        kind: MailKind::KeyExtraction,
        to: to.to_owned(),
        subject: "Your keys".to_owned(),
        text: Zeroizing::new("{\n  \"data\": \"naïve\"\n}\n".to_owned()),
    }
}

fn email(to: &str) -> Mail {
    mail(MailChannel::Email, to)
}

fn settings(server: &MailServer) -> SmtpSettings {
    let credentials = server.certificate.as_ref().map(|_| account(ACCOUNT.1));
    SmtpSettings {
        host: "localhost".to_owned(),
        port: server.address.port(),
        from: "CardBridge <keys@example.com>".to_owned(),
        credentials,
        tls: if server.certificate.is_some() { SmtpTls::StartTls } else { SmtpTls::None },
        authority_pem: server.certificate.clone(),
    }
}

fn account(password: &str) -> (String, SmtpPassword) {
    let password = SmtpPassword::new(Zeroizing::new(password.to_owned()));
    (ACCOUNT.0.to_owned(), password)
}

fn production(settings: SmtpSettings) -> Mailer {
    Mailer::production(Clock::system(), Some(settings)).unwrap()
}

#[tokio::test]
async fn a_sandbox_keeps_mails_and_short_messages_and_sends_none() {
    let mailer = Mailer::sandbox(Clock::system(), None).unwrap();
    mailer.send(email("a@example.com")).await.unwrap();
    mailer.send(mail(MailChannel::Sms, "+6581234567")).await.unwrap();
    let kept = mailer.mailbox().unwrap().mails();
    assert_eq!((kept[0].number, kept[0].mail.to.as_str()), (1, "a@example.com"));
    assert_eq!((kept[1].number, kept[1].mail.channel), (2, MailChannel::Sms));
    assert_eq!(kept[0].mail.text.as_str(), "{\n  \"data\": \"naïve\"\n}\n");
}

#[tokio::test]
async fn production_without_a_mail_server_refuses_and_has_no_channel_for_short_messages() {
    let mailer = Mailer::production(Clock::system(), None).unwrap();
    assert!(matches!(mailer.send(email("a@example.com")).await, Err(MailError::NoChannel)));
    let server = MailServer::plain();
    let mailer = production(settings(&server));
    let refused = mailer.send(mail(MailChannel::Sms, "+6581234567")).await;
    assert!(matches!(refused, Err(MailError::NoChannel)));
    assert!(mailer.mailbox().is_none());
}

#[tokio::test]
async fn a_mail_server_accepts_the_mail_and_the_sandbox_keeps_it_as_well() {
    let server = MailServer::plain();
    let mailer = Mailer::sandbox(Clock::system(), Some(settings(&server))).unwrap();
    mailer.send(email("a@example.com")).await.unwrap();
    let taken = server.taken.mails();
    assert_eq!(taken.len(), 1);
    let (to, message) = &taken[0];
    assert_eq!(to, "a@example.com");
    assert!(message.contains("Subject: Your keys\r\n"), "{message}");
    assert!(message.contains("From: CardBridge <keys@example.com>\r\n"), "{message}");
    assert!(message.contains("Content-Type: text/plain; charset=utf-8\r\n"), "{message}");
    assert_eq!(mailer.mailbox().unwrap().mails().len(), 1);
}

#[tokio::test]
async fn starttls_and_an_account_reach_a_server_that_asks_for_both() {
    let server = MailServer::secured();
    production(settings(&server)).send(email("a@example.com")).await.unwrap();
    assert_eq!(server.taken.mails().len(), 1);
}

#[tokio::test]
async fn a_server_without_a_trusted_certificate_gets_nothing() {
    let server = MailServer::secured();
    let unknown = SmtpSettings { authority_pem: None, ..settings(&server) };
    let refused = production(unknown).send(email("a@example.com")).await;
    assert!(matches!(refused, Err(MailError::Undelivered(_))));
    let other_name = SmtpSettings { host: "127.0.0.1".to_owned(), ..settings(&server) };
    let refused = production(other_name).send(email("a@example.com")).await;
    assert!(matches!(refused, Err(MailError::Undelivered(_))));
    assert!(server.taken.mails().is_empty());
}

#[tokio::test]
async fn without_starttls_at_the_server_nothing_is_sent_in_the_clear() {
    let server = MailServer::plain();
    let strict = SmtpSettings { tls: SmtpTls::StartTls, ..settings(&server) };
    let refused = production(strict).send(email("a@example.com")).await;
    assert!(matches!(refused, Err(MailError::Undelivered(_))));
    assert!(server.taken.mails().is_empty());
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_recipient_are_reported_without_details() {
    let server = MailServer::secured();
    let wrong = SmtpSettings { credentials: Some(account("wrong")), ..settings(&server) };
    let Err(MailError::Undelivered(reason)) = production(wrong).send(email("a@b.c")).await else {
        panic!("a wrong password was accepted");
    };
    assert!(reason.contains("535"), "{reason}");
    let nobody = production(settings(&server)).send(email(NOBODY)).await;
    let Err(MailError::Undelivered(reason)) = nobody else { panic!("nobody took the mail") };
    assert!(reason.contains("550") && !reason.contains("nobody"), "{reason}");
    assert!(server.taken.mails().is_empty());
}

#[tokio::test]
async fn an_invalid_address_is_refused_before_any_server_is_asked() {
    let server = MailServer::plain();
    for to in ["", "nobody", "a@example.com\r\nBcc: b@example.com"] {
        let refused = production(settings(&server)).send(email(to)).await;
        assert!(matches!(refused, Err(MailError::Recipient)), "{to:?}");
    }
}

#[test]
fn settings_that_cannot_work_are_named() {
    let server = MailServer::plain();
    let no_sender = SmtpSettings { from: "nobody".to_owned(), ..settings(&server) };
    let refused = Mailer::production(Clock::system(), Some(no_sender)).err().unwrap();
    assert_eq!(refused.key, "from");
    let authority_pem = Some(b"no certificate".to_vec());
    let no_authority = SmtpSettings { authority_pem, tls: SmtpTls::Implicit, ..settings(&server) };
    let refused = Mailer::production(Clock::system(), Some(no_authority)).err().unwrap();
    assert_eq!(refused.key, "ca-file");
}
