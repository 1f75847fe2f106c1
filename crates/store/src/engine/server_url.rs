//! The URL of a PostgreSQL server: libpq's words that are understood here, and the names of those
//! that are not. An error shows nothing of a refused URL but its words and the names of its files,
//! because the URL may hold a password.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use openssl::error::ErrorStack;
use openssl::ssl::{SslConnector, SslFiletype, SslMethod};
use postgres_openssl::MakeTlsConnector;
use thiserror::Error;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::postgres_wire::Plans;
use super::servers::Server;
use crate::Pooler;

/// The files in which systems keep their certificate authorities: the OpenSSL that is built in
/// would look in its own directory, which no system fills.
const CA_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];
const DEFAULT_PORT: u16 = 5432;

/// libpq's words that are read as libpq reads them.
const UNDERSTOOD: [&str; 17] = [
    "user",
    "password",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "options",
    "application_name",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "channel_binding",
    "load_balance_hosts",
    "sslnegotiation",
];
/// libpq's words with the values that ask only for what is done anyway.
const IDLE_WORDS: [(&str, &[&str]); 4] = [
    ("client_encoding", &["UTF8", "utf8", "UTF-8", "auto"]),
    ("gssencmode", &["disable", "prefer"]),
    ("replication", &["false", "off", "no", "0"]),
    ("sslcompression", &["0"]),
];
/// libpq's words that are not understood here.
const NOT_UNDERSTOOD: [&str; 18] = [
    "gssdelegation",
    "gsslib",
    "krbsrvname",
    "max_protocol_version",
    "min_protocol_version",
    "oauth_client_id",
    "oauth_issuer",
    "passfile",
    "require_auth",
    "requirepeer",
    "service",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcertmode",
    "sslcrl",
    "sslcrldir",
    "sslpassword",
    "sslsni",
];

/// The reason why a URL is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServerUrlError {
    /// It does not have the form of such a URL.
    #[error("postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    Form,
    /// A word of libpq's that is not understood here.
    #[error("without {0}, which is a libpq parameter that is not supported")]
    NotUnderstood(String),
    /// A word that nobody understands.
    #[error("without {0}, which is not a parameter of such a URL")]
    Unknown(String),
    /// A word has a value that it cannot have.
    #[error("a URL whose {word} is {should_be}")]
    Value {
        /// The word.
        word: String,
        /// The values that it can have.
        should_be: String,
    },
}

/// A URL that was understood.
pub(crate) struct ServerUrl {
    pub(crate) config: Config,
    /// Hosts and ports, without user and password.
    pub(crate) place: String,
    /// The position of the server with which connecting begins, for all pools.
    pub(super) first: Arc<AtomicUsize>,
    /// True if TLS is tried only when the server refuses a connection without it.
    pub(crate) is_plain_first: bool,
    pub(super) plans: Plans,
    tls: Tls,
}

#[derive(Default)]
struct Tls {
    is_host_unverified: bool,
    authorities: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

/// Checks the URL of a server, and that the files it names can be read.
pub fn check_server_url(url: &str, pooler: Pooler) -> Result<(), ServerUrlError> {
    ServerUrl::parse(url, pooler)?.connector().map(drop)
}

impl ServerUrl {
    pub(crate) fn parse(url: &str, pooler: Pooler) -> Result<Self, ServerUrlError> {
        if !SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
            return Err(ServerUrlError::Form);
        }
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        // A password with a `?` in it: the rest of the password must not be taken for words.
        if query.contains('@') && !base.contains('@') {
            return Err(ServerUrlError::Form);
        }
        let mut words = Words::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            words.take(pair)?;
        }
        let separator = if words.passed.is_empty() { "" } else { "?" };
        let passed = format!("{base}{separator}{}", words.passed);
        let mut config: Config = passed.parse().map_err(|error| refused(&error))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(ServerUrlError::Form);
        }
        if pooler == Pooler::Transaction && config.get_options().is_some() {
            return Err(value(
                "options",
                "left out, since settings of a session do not pass a pooler",
            ));
        }
        config.ssl_mode(words.mode);
        let place = places(&config).join(", ");
        let first = Arc::default();
        let (is_plain_first, tls) = (words.is_plain_first, words.tls);
        let plans = match pooler {
            Pooler::None => Plans::Kept,
            Pooler::Transaction => Plans::Sent,
        };
        Ok(Self { config, place, first, is_plain_first, plans, tls })
    }

    /// The servers that it names, in its order.
    pub(super) fn servers(&self) -> Vec<Server> {
        let places = places(&self.config).into_iter().enumerate();
        places
            .map(|(position, place)| Server { config: of_host(&self.config, position), place })
            .collect()
    }

    /// The TLS connector. Its authorities are those of `sslrootcert`, otherwise those of the
    /// variable `SSL_CERT_FILE`, which OpenSSL reads by itself, otherwise the system's.
    pub(crate) fn connector(&self) -> Result<MakeTlsConnector, ServerUrlError> {
        let mut connector = MakeTlsConnector::new(self.ssl()?);
        let is_host_verified = !self.tls.is_host_unverified;
        connector.set_callback(move |connection, _| {
            connection.set_verify_hostname(is_host_verified);
            Ok(())
        });
        Ok(connector)
    }

    fn ssl(&self) -> Result<SslConnector, ServerUrlError> {
        let failed =
            |error: ErrorStack| value("sslmode", &format!("one that OpenSSL takes: {error}"));
        let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(failed)?;
        let tls = &self.tls;
        if let Some(file) = &tls.authorities {
            let loaded = builder.set_ca_file(file);
            loaded.map_err(|error| unreadable("sslrootcert", file, &error))?;
        } else if std::env::var_os("SSL_CERT_FILE").is_none()
            && let Some(file) = CA_FILES.into_iter().find(|file| Path::new(file).exists())
        {
            builder.set_ca_file(file).map_err(failed)?;
        }
        if let Some(file) = &tls.certificate {
            let loaded = builder.set_certificate_chain_file(file);
            loaded.map_err(|error| unreadable("sslcert", file, &error))?;
        }
        if let Some(file) = &tls.key {
            let loaded = builder.set_private_key_file(file, SslFiletype::PEM);
            loaded.map_err(|error| unreadable("sslkey", file, &error))?;
        }
        Ok(builder.build())
    }
}

/// The words of a URL, taken one by one.
struct Words {
    /// The words for the driver.
    passed: String,
    mode: SslMode,
    is_plain_first: bool,
    tls: Tls,
}

impl Default for Words {
    fn default() -> Self {
        let (passed, tls) = (String::new(), Tls::default());
        Self { passed, mode: SslMode::Prefer, is_plain_first: false, tls }
    }
}

impl Words {
    fn take(&mut self, pair: &str) -> Result<(), ServerUrlError> {
        let (word, text) = pair.split_once('=').ok_or(ServerUrlError::Form)?;
        let decoded = decoded(text).ok_or_else(|| value(word, "percent-encoded text"))?;
        match word {
            "sslmode" => return self.take_mode(&decoded),
            "sslrootcert" => self.tls.authorities = (decoded != "system").then(|| decoded.into()),
            "sslcert" => self.tls.certificate = Some(decoded.into()),
            "sslkey" => self.tls.key = Some(decoded.into()),
            "target_session_attrs" => match decoded.as_str() {
                "any" | "read-write" | "read-only" => self.pass(word, text),
                "primary" => self.pass(word, "read-write"),
                _ => return Err(value(word, "any, read-write, primary or read-only")),
            },
            // The driver's name for it differs from libpq's.
            "keepalives_count" => self.pass("keepalives_retries", text),
            "fallback_application_name" => {}
            _ if UNDERSTOOD.contains(&word) => self.pass(word, text),
            _ if NOT_UNDERSTOOD.contains(&word) => {
                return Err(ServerUrlError::NotUnderstood(word.to_owned()));
            }
            _ => {
                let idle = IDLE_WORDS.iter().find(|(name, _)| *name == word);
                let (_, values) = idle.ok_or_else(|| unknown(word))?;
                if !values.contains(&decoded.as_str()) {
                    return Err(value(word, &values.join(" or ")));
                }
            }
        }
        Ok(())
    }

    fn take_mode(&mut self, mode: &str) -> Result<(), ServerUrlError> {
        self.is_plain_first = mode == "allow";
        self.tls.is_host_unverified = mode == "verify-ca";
        self.mode = match mode {
            "disable" => SslMode::Disable,
            "allow" | "prefer" => SslMode::Prefer,
            "require" | "verify-ca" | "verify-full" => SslMode::Require,
            _ => {
                let modes = "disable, allow, prefer, require, verify-ca or verify-full";
                return Err(value("sslmode", modes));
            }
        };
        Ok(())
    }

    fn pass(&mut self, word: &str, text: &str) {
        let separator = if self.passed.is_empty() { "" } else { "&" };
        // Writing to a String cannot fail.
        let _ = write!(self.passed, "{separator}{word}={text}");
    }
}

fn value(word: &str, should_be: &str) -> ServerUrlError {
    ServerUrlError::Value { word: word.to_owned(), should_be: should_be.to_owned() }
}

fn unknown(word: &str) -> ServerUrlError {
    ServerUrlError::Unknown(word.to_owned())
}

fn unreadable(word: &str, file: &Path, error: &ErrorStack) -> ServerUrlError {
    let reasons: Vec<_> = error.errors().iter().filter_map(|it| it.reason()).collect();
    let reasons = reasons.join(", ");
    value(word, &format!("a readable PEM file, unlike {} ({reasons})", file.display()))
}

/// The error for a URL that the driver refuses: the driver's text names the word.
fn refused(error: &tokio_postgres::Error) -> ServerUrlError {
    let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    let word = UNDERSTOOD.into_iter().find(|word| cause.contains(&format!("`{word}`")));
    word.map_or(ServerUrlError::Form, |word| value(word, "one that it takes"))
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || (rest.next()? as char).to_digit(16);
        bytes.push(match byte {
            b'%' => u8::try_from(digit()? * 16 + digit()?).ok()?,
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// The port of the host at a position.
fn port(config: &Config, position: usize) -> u16 {
    let ports = config.get_ports();
    ports.get(position).or(ports.first()).copied().unwrap_or(DEFAULT_PORT)
}

/// Each host with its port.
fn places(config: &Config) -> Vec<String> {
    let names = config.get_hosts().iter().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(directory) => directory.display().to_string(),
    });
    let addresses = config.get_hostaddrs().iter().map(ToString::to_string);
    let hosts: Vec<_> =
        if config.get_hosts().is_empty() { addresses.collect() } else { names.collect() };
    let places = hosts.iter().enumerate();
    places.map(|(position, host)| format!("{host}:{}", port(config, position))).collect()
}

/// The configuration of the host at a position alone.
fn of_host(all: &Config, position: usize) -> Config {
    let mut one = Config::new();
    match all.get_hosts().get(position) {
        Some(Host::Tcp(name)) => drop(one.host(name)),
        #[cfg(unix)]
        Some(Host::Unix(directory)) => drop(one.host_path(directory)),
        None => {}
    }
    if let Some(address) = all.get_hostaddrs().get(position) {
        one.hostaddr(*address);
    }
    one.port(port(all, position));
    if let Some(user) = all.get_user() {
        one.user(user);
    }
    if let Some(password) = all.get_password() {
        one.password(password);
    }
    if let Some(name) = all.get_dbname() {
        one.dbname(name);
    }
    if let Some(options) = all.get_options() {
        one.options(options);
    }
    if let Some(name) = all.get_application_name() {
        one.application_name(name);
    }
    if let Some(timeout) = all.get_connect_timeout() {
        one.connect_timeout(*timeout);
    }
    if let Some(timeout) = all.get_tcp_user_timeout() {
        one.tcp_user_timeout(*timeout);
    }
    if let Some(interval) = all.get_keepalives_interval() {
        one.keepalives_interval(interval);
    }
    if let Some(retries) = all.get_keepalives_retries() {
        one.keepalives_retries(retries);
    }
    one.keepalives(all.get_keepalives())
        .keepalives_idle(all.get_keepalives_idle())
        .ssl_mode(all.get_ssl_mode())
        .ssl_negotiation(all.get_ssl_negotiation())
        .channel_binding(all.get_channel_binding())
        .target_session_attrs(all.get_target_session_attrs())
        .load_balance_hosts(all.get_load_balance_hosts());
    one
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(query: &str) -> ServerUrl {
        let url = format!("postgres://me:secret@db.test:6432/cards{query}");
        ServerUrl::parse(&url, Pooler::None).map_err(|error| format!("{query}: {error}")).unwrap()
    }

    fn refusal(url: &str) -> String {
        let text = check_server_url(url, Pooler::None).expect_err(url).to_string();
        assert!(!text.contains("secret"), "{text}");
        text
    }

    #[test]
    fn libpqs_words_are_understood() {
        for (mode, driver) in [
            ("disable", SslMode::Disable),
            ("allow", SslMode::Prefer),
            ("prefer", SslMode::Prefer),
            ("require", SslMode::Require),
            ("verify-ca", SslMode::Require),
            ("verify-full", SslMode::Require),
        ] {
            let url = parsed(&format!("?sslmode={mode}"));
            assert_eq!(url.config.get_ssl_mode(), driver, "{mode}");
            assert_eq!(url.is_plain_first, mode == "allow");
            assert_eq!(url.tls.is_host_unverified, mode == "verify-ca");
            assert_eq!(url.place, "db.test:6432");
        }
        let url = parsed("?sslrootcert=%2Fetc%2Fca.pem&application_name=a&connect_timeout=3");
        assert_eq!(url.tls.authorities.as_deref(), Some(Path::new("/etc/ca.pem")));
        assert_eq!(url.config.get_application_name(), Some("a"));
        assert!(parsed("?sslrootcert=system").tls.authorities.is_none());
        parsed("?gssencmode=disable&client_encoding=UTF8&fallback_application_name=x");
        parsed("?keepalives_count=3&target_session_attrs=primary&channel_binding=prefer");
        let two = ServerUrl::parse("postgresql://me@a:1,b:2/cards", Pooler::None).ok().unwrap();
        assert_eq!(two.place, "a:1, b:2");
        let in_query =
            ServerUrl::parse("postgres:///cards?host=/run/postgresql", Pooler::None).ok().unwrap();
        assert_eq!(in_query.place, "/run/postgresql:5432");
    }

    #[test]
    fn what_is_not_understood_is_named_and_no_password_shown() {
        let with = |query: &str| refusal(&format!("postgres://me:secret@db.test/cards?{query}"));
        assert!(with("sslcrl=x").contains("sslcrl"));
        assert!(with("service=x").contains("service"));
        assert!(with("sslmod=require").contains("sslmod,"));
        assert!(with("sslmode=verify").contains("verify-full"));
        assert!(with("target_session_attrs=standby").contains("primary"));
        assert!(with("gssencmode=require").contains("gssencmode"));
        assert!(with("connect_timeout=soon").contains("connect_timeout"));
        assert!(with("sslrootcert=/nowhere/ca.pem").contains("/nowhere/ca.pem"));
        assert!(with("sslcert=/nowhere/me.pem").contains("sslcert"));
        for url in
            ["mysql://me:secret@h/d", "postgres://", "secret", "postgres://me:secret?Xx=1@h/d"]
        {
            assert!(refusal(url).contains("postgres://USER"), "{url}");
        }
    }

    #[test]
    fn the_systems_certificate_authorities_are_trusted() {
        let has_some = CA_FILES.into_iter().any(|file| Path::new(file).exists());
        let trusted = parsed("").ssl().unwrap().context().cert_store().all_certificates().len();
        assert_eq!(trusted > 0, has_some);
    }

    #[test]
    fn no_settings_of_a_session_are_sent_through_a_pooler() {
        let url = "postgres://me@host/cards?options=-c%20lock_timeout%3D7s";
        assert!(check_server_url(url, Pooler::None).is_ok());
        let text = check_server_url(url, Pooler::Transaction).expect_err(url).to_string();
        assert!(text.contains("options"), "{text}");
    }
}
