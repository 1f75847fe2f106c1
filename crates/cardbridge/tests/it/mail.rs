//! Mail through the binary: keys are sent only by a real mail server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use sdk::Operator;
use serde_json::{Value, json};
use testkit::mail_server::MailServer;

use crate::server::{Server, http};

const KEY: &str = "7be4a1c25eed5eed5eed5eed5eed5eed7be4a1c25eed5eed5eed5eed5eed5eed";
const TOKEN: &str = "a-token-of-this-operator";

fn private(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Production with a TOML file that names the mail server.
fn production(directory: &Path, mail_server: &MailServer) -> Server {
    let key = private(directory, "key", KEY);
    let token = private(directory, "token", TOKEN);
    let config = directory.join("cardbridge.toml");
    let text = format!(
        "mode = 'production'\nmaster-key-file = '{}'\nadmin-token-file = '{}'\n\n\
         [smtp]\nhost = '127.0.0.1'\nport = {}\nfrom = 'CardBridge <keys@example.com>'\n\
         tls = 'none'\n",
        key.display(),
        token.display(),
        mail_server.address.port()
    );
    fs::write(&config, text).unwrap();
    Server::start(&directory.join("data"), &["--config", config.to_str().unwrap()])
}

/// The envelope in the body of a message.
fn envelope(message: &str) -> Value {
    let (head, body) = message.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("From: CardBridge <keys@example.com>"), "{head}");
    assert!(head.contains("To: secure@example.com"), "{head}");
    assert!(head.contains("Content-Transfer-Encoding: quoted-printable"), "{head}");
    serde_json::from_str(&decoded(body)).unwrap()
}

/// The text decoded from quoted-printable ASCII (RFC 2045 section 6.7).
fn decoded(body: &str) -> String {
    let joined = body.replace("=\r\n", "");
    let mut parts = joined.split('=');
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let (code, rest) = part.split_at(2);
        text.push(char::from(u8::from_str_radix(code, 16).unwrap()));
        text.push_str(rest);
    }
    text
}

#[tokio::test]
async fn a_key_goes_out_by_the_mail_server_and_is_fetched_once() {
    let directory = tempfile::tempdir().unwrap();
    let mail_server = MailServer::plain();
    let server = production(directory.path(), &mail_server);
    let operator = Operator::new(&server.admin_url, TOKEN).unwrap();
    let made = operator.post("/admin/v1/enterprises", &json!({"name": "Acme"})).await.unwrap();
    let path = format!("/admin/v1/enterprises/{}/api-keys", made["enterpriseId"].as_str().unwrap());
    let wanted = json!({"email": "secure@example.com", "sourceIp": "127.0.0.1"});
    let answer = operator.post(&path, &wanted).await.unwrap();
    assert!(answer.get("secretKey").is_none(), "{answer}");
    let messages = mail_server.messages();
    assert_eq!(messages.len(), 1, "the mail is out before the call answers");
    let data = envelope(&messages[0])["data"].clone();
    let text = |key: &str| data[key].as_str().unwrap().to_owned();
    assert!(text("extractUrl").starts_with(&server.public_url), "{data}");
    let url = text("extractUrl") + &text("extractSecretKey");
    let http = http();
    let fetch = async || {
        let answer = http.get(&url).send().await.unwrap();
        serde_json::from_slice::<Value>(&answer.bytes().await.unwrap()).unwrap()
    };
    let first = fetch().await;
    assert_eq!(first["code"], "SYS_SUCCESS");
    for key in ["apiKey", "secretKey"] {
        assert!(first["data"][key].is_string());
    }
    let second = fetch().await;
    assert_eq!(
        (&second["code"], &second["data"]),
        (&json!("DAPI_PERMISSION_DENIED"), &json!(null))
    );
    let log = fs::read_to_string(directory.path().join("data.log")).unwrap();
    assert!(!log.contains(&text("extractSecretKey")), "the code is not in the log");
}
