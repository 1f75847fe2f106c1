//! A real SMTP server in the test's process.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use mailin_embedded::response::{AUTH_OK, INVALID_CREDENTIALS, NO_MAILBOX, OK};
use mailin_embedded::{AuthMechanism, Handler, Response, Server, SslConfig};
use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509NameBuilder};

pub const ACCOUNT: (&str, &str) = ("mailer", "a password of this test");
/// A recipient that does not exist on the server.
pub const NOBODY: &str = "nobody@example.com";

/// The mails that the server accepted: recipients and the raw message.
#[derive(Clone, Default)]
pub struct Taken(Arc<Mutex<Vec<(String, String)>>>);

impl Taken {
    pub fn mails(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap().clone()
    }
}

#[derive(Clone)]
struct Session {
    asks_for_account: bool,
    is_known: bool,
    to: Vec<String>,
    data: Vec<u8>,
    taken: Taken,
}

impl Handler for Session {
    fn rcpt(&mut self, to: &str) -> Response {
        if to == NOBODY || (self.asks_for_account && !self.is_known) {
            return NO_MAILBOX;
        }
        self.to.push(to.to_owned());
        OK
    }

    fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.data.extend_from_slice(bytes);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        let text = String::from_utf8(self.data.clone()).unwrap();
        self.taken.0.lock().unwrap().push((self.to.join(","), text));
        OK
    }

    fn auth_plain(&mut self, _: &str, username: &str, password: &str) -> Response {
        self.is_known = (username, password) == ACCOUNT;
        if self.is_known { AUTH_OK } else { INVALID_CREDENTIALS }
    }
}

/// A running server; its thread ends with the test's process.
pub struct MailServer {
    pub address: SocketAddr,
    pub taken: Taken,
    /// PEM of its certificate, if it speaks TLS.
    pub certificate: Option<Vec<u8>>,
    _directory: tempfile::TempDir,
}

impl MailServer {
    /// The raw messages that it accepted.
    pub fn messages(&self) -> Vec<String> {
        self.taken.mails().into_iter().map(|(_, message)| message).collect()
    }

    /// A server without TLS and accounts.
    pub fn plain() -> Self {
        Self::start(false)
    }

    /// A server that accepts mail only after STARTTLS and AUTH.
    pub fn secured() -> Self {
        Self::start(true)
    }

    fn start(secured: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Taken::default();
        let session = Session {
            asks_for_account: secured,
            is_known: false,
            to: Vec::new(),
            data: Vec::new(),
            taken: taken.clone(),
        };
        let mut server = Server::new(session);
        server.with_name("mail.test").with_tcp_listener(listener);
        let mut certificate = None;
        if secured {
            let (cert, key) = own_certificate();
            let path = |name: &str, bytes: &[u8]| {
                let path: PathBuf = directory.path().join(name);
                std::fs::write(&path, bytes).unwrap();
                path.to_str().unwrap().to_owned()
            };
            let (cert_path, key_path) = (path("cert.pem", &cert), path("key.pem", &key));
            server.with_ssl(SslConfig::SelfSigned { cert_path, key_path }).unwrap();
            server.with_auth(AuthMechanism::Plain);
            certificate = Some(cert);
        }
        std::thread::spawn(move || server.serve().unwrap());
        Self { address, taken, certificate, _directory: directory }
    }
}

/// PEM of a certificate for localhost and of its key.
fn own_certificate() -> (Vec<u8>, Vec<u8>) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(30).unwrap()).unwrap();
    let context = builder.x509v3_context(None, None);
    let names = SubjectAlternativeName::new().dns("localhost").build(&context).unwrap();
    builder.append_extension(names).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (builder.build().to_pem().unwrap(), key.private_key_to_pem_pkcs8().unwrap())
}
