//! The sandbox's mailbox.

use domain::Mode;
use mail::{Mail, MailChannel, MailKind};
use serde_json::json;
use testkit::both_engines;
use testkit::database::Database;
use testkit::platform::Platform;

fn mail(to: &str) -> Mail {
    Mail {
        channel: MailChannel::Sms,
        kind: MailKind::OneTimePassword,
        to: to.to_owned(),
        subject: "Code".to_owned(),
        text: "135790".to_owned().into(),
    }
}

both_engines!(the_mailbox_shows_what_was_sent_oldest_first, |platform| {
    assert_eq!(
        platform.admin_get("/sandbox/v1/mailbox?order=asc").await.json(),
        json!({"items": []})
    );
    platform.parts.mailer.send(mail("+6581234567")).await.unwrap();
    platform.parts.mailer.send(mail("+6581234568")).await.unwrap();
    let shown = platform.admin_get("/sandbox/v1/mailbox?order=asc").await.json();
    let (first, second) = (&shown["items"][0], &shown["items"][1]);
    assert_eq!(first["to"], "+6581234567");
    assert_eq!((&first["channel"], &first["kind"]), (&json!("SMS"), &json!("ONE_TIME_PASSWORD")));
    assert_eq!((&first["subject"], &first["body"]), (&json!("Code"), &json!("135790")));
    assert_eq!((&second["mailId"], &second["to"]), (&json!("2"), &json!("+6581234568")));
});

#[tokio::test]
async fn production_has_no_mailbox() {
    let database = Database::embedded();
    let platform = Platform::start_in(database.location(), Mode::Production).await;
    assert_eq!(platform.admin_get("/sandbox/v1/mailbox?order=asc").await.status, 404);
    platform.stop().await;
}
