//! Mail by SMTP.

use std::time::Duration;

use lettre::message::Mailbox as Address;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use zeroize::Zeroizing;

use crate::message::{Mail, MailError, SmtpSetupError};

/// Longest wait for one answer of the server.
const COMMAND_DEADLINE: Duration = Duration::from_secs(5);
/// Longest time for handing over one mail.
const SEND_DEADLINE: Duration = Duration::from_secs(15);

/// The beginning of a certificate in PEM.
const PEM_MARK: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// The protection of the connection to the mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// In the clear until STARTTLS, without which nothing is sent.
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// Not at all.
    None,
}

impl SmtpTls {
    /// Its usual port.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Implicit => 465,
            Self::None => 25,
        }
    }
}

/// A mail account's password: no Debug, no Display, wiped.
#[derive(Clone)]
pub struct SmtpPassword(Zeroizing<String>);

impl SmtpPassword {
    /// Takes the text.
    #[must_use]
    pub const fn new(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

/// The `[smtp]` table as read.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Name or address of the server, which its certificate must match.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Sender, `name@host` or `Name <name@host>`.
    pub from: String,
    /// The account, if the server requires one.
    pub credentials: Option<(String, SmtpPassword)>,
    /// The protection of the connection.
    pub tls: SmtpTls,
    /// PEM of a certificate authority that is trusted in addition to the system's.
    pub authority_pem: Option<Vec<u8>>,
}

/// A mail server.
pub(super) struct Smtp {
    from: Address,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Smtp {
    /// Checks the settings; connects to nothing yet.
    pub(super) fn new(settings: SmtpSettings) -> Result<Self, SmtpSetupError> {
        let from: Address = settings.from.parse().map_err(|_| SmtpSetupError {
            key: "from",
            problem: "should be an e-mail address such as keys@example.com",
        })?;
        let tls = tls(&settings)?;
        let hello = ClientId::Domain(from.email.domain().to_owned());
        let mut transport =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(settings.host.as_str())
                .port(settings.port)
                .tls(tls)
                .hello_name(hello)
                .timeout(Some(COMMAND_DEADLINE));
        if let Some((username, password)) = settings.credentials {
            let password = password.0.as_str().to_owned();
            transport = transport.credentials(Credentials::new(username, password));
        }
        Ok(Self { from, transport: transport.build() })
    }

    /// Hands a mail over to the server.
    pub(super) async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let to = mail.to.parse().map_err(|_| MailError::Recipient)?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Address::new(None, to))
            .subject(mail.subject.as_str())
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.as_str().to_owned())
            .map_err(|error| MailError::Undelivered(error.to_string()))?;
        let sent = tokio::time::timeout(SEND_DEADLINE, self.transport.send(message)).await;
        match sent {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(MailError::Undelivered(reason(&error))),
            Err(_) => Err(MailError::Undelivered("no answer before the deadline".to_owned())),
        }
    }
}

fn tls(settings: &SmtpSettings) -> Result<Tls, SmtpSetupError> {
    if settings.tls == SmtpTls::None {
        return Ok(Tls::None);
    }
    crypto::install_tls_provider();
    let mut parameters = TlsParameters::builder(settings.host.clone());
    if let Some(pem) = &settings.authority_pem {
        let unfit = SmtpSetupError { key: "ca-file", problem: "should hold a PEM certificate" };
        // A file without any certificate would be read as an empty list.
        let has_one = pem.windows(PEM_MARK.len()).any(|bytes| bytes == PEM_MARK);
        let authority = Certificate::from_pem(pem).ok().filter(|_| has_one).ok_or(unfit)?;
        parameters = parameters.add_root_certificate(authority);
    }
    let parameters = parameters.build().map_err(|_| SmtpSetupError {
        key: "host",
        problem: "should be a name or address that a certificate can name",
    })?;
    Ok(match settings.tls {
        SmtpTls::Implicit => Tls::Wrapper(parameters),
        SmtpTls::StartTls | SmtpTls::None => Tls::Required(parameters),
    })
}

/// The kind of failure and the server's status: its text might repeat the recipient.
fn reason(error: &lettre::transport::smtp::Error) -> String {
    let kind = if error.is_timeout() {
        "no answer before the deadline"
    } else if error.is_permanent() {
        "refused for good"
    } else if error.is_transient() {
        "refused for now"
    } else if error.is_tls() {
        "TLS failed"
    } else if error.is_client() {
        "the server lacks what the settings ask for"
    } else {
        "the connection failed"
    };
    error.status().map_or_else(|| kind.to_owned(), |status| format!("{kind} ({status})"))
}
