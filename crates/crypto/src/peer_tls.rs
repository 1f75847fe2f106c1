//! TLS 1.2 and 1.3 between peers that name each other's authority: links to card networks, and the
//! player of scripts (network-iso8583.md section 7.1). The handshake itself refuses a peer that
//! cannot show what is demanded.

use std::fmt;
use std::sync::Arc;

use openssl::pkey::PKey;
use openssl::x509::X509;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    ServerConfig, SignatureScheme,
};
use zeroize::Zeroizing;

use crate::tls::tls_provider;

/// Most certificates in a chain, most authorities, and most names of a peer.
const MAX_ENTRIES: usize = 64;

/// A part of TLS, by the key with which configurations name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsPart {
    /// The certificate, with those that lead to its authority.
    Certificate,
    /// The private key of the certificate.
    Key,
    /// The authorities of the peers.
    Authorities,
    /// The names of the peers.
    Names,
}

impl TlsPart {
    /// The key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Certificate => "cert-file",
            Self::Key => "key-file",
            Self::Authorities => "client-ca-file",
            Self::Names => "peer-names",
        }
    }
}

/// What a part should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: should be {should_be}", part.key())]
pub struct PeerTlsError {
    /// The part.
    pub part: TlsPart,
    /// A text such as `set where key-file is`.
    pub should_be: String,
}

impl PeerTlsError {
    fn new(part: TlsPart, should_be: impl fmt::Display) -> Self {
        Self { part, should_be: should_be.to_string() }
    }
}

/// The parts of TLS, in PEM.
pub struct TlsParts {
    /// The certificate, before those that lead to its authority.
    pub certificate: Option<Vec<u8>>,
    /// Its private key.
    pub key: Option<Zeroizing<Vec<u8>>>,
    /// The authorities of the peers.
    pub authorities: Option<Vec<u8>>,
    /// The names of the peers, one of which a peer's certificate has; without them, a client may
    /// have any, and a server that to which it was connected.
    pub names: Vec<String>,
}

/// A certificate with its private key.
type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);
/// The peers that are trusted.
type Peers = (Arc<RootCertStore>, Vec<ServerName<'static>>);

impl TlsParts {
    /// The server's side, which needs a certificate. With authorities, clients must show one too.
    /// Nothing of a session is kept: connections of links last long.
    ///
    /// # Errors
    /// What a part should be.
    pub fn server(&self) -> Result<Arc<ServerConfig>, PeerTlsError> {
        let missing = || PeerTlsError::new(TlsPart::Certificate, "set where one listens");
        let (chain, key) = self.identity()?.ok_or_else(missing)?;
        let provider = tls_provider();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let builder = match self.peers()? {
            None => builder.with_no_client_auth(),
            Some((authorities, names)) => {
                let inner = WebPkiClientVerifier::builder_with_provider(authorities, provider);
                let inner = inner.build().map_err(|_| no_authorities())?;
                builder.with_client_cert_verifier(Arc::new(NamedClients { inner, names }))
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }

    /// The client's side, which needs the authority of the server, and shows its certificate, if
    /// it has one, to a server that asks for it.
    ///
    /// # Errors
    /// What a part should be.
    pub fn client(&self) -> Result<Arc<ClientConfig>, PeerTlsError> {
        let should_be = "set where one connects: the server's authority";
        let missing = || PeerTlsError::new(TlsPart::Authorities, should_be);
        let (authorities, names) = self.peers()?.ok_or_else(missing)?;
        let provider = tls_provider();
        let inner = WebPkiServerVerifier::builder_with_provider(authorities, Arc::clone(&provider));
        let inner = inner.build().map_err(|_| no_authorities())?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(NamedServers { inner, names }));
        let mut config = match self.identity()? {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(unusable)?,
        };
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }

    fn identity(&self) -> Result<Option<Identity>, PeerTlsError> {
        let (certificate, key) = match (&self.certificate, &self.key) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => (certificate, key),
            (None, Some(_)) => {
                return Err(PeerTlsError::new(TlsPart::Certificate, "set where key-file is"));
            }
            (Some(_), None) => {
                return Err(PeerTlsError::new(TlsPart::Key, "set where cert-file is"));
            }
        };
        let should_be = format!("a file with 1 to {MAX_ENTRIES} certificates in PEM");
        let no_certificate = || PeerTlsError::new(TlsPart::Certificate, &should_be);
        let chain = read_certificates(certificate).ok_or_else(no_certificate)?;
        let first = chain.first().and_then(|first| X509::from_der(first).ok());
        let own = first.and_then(|first| first.public_key().ok()).ok_or_else(no_certificate)?;
        let should_be = "a file with a private key in PEM, that of the certificate";
        let no_key = || PeerTlsError::new(TlsPart::Key, should_be);
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| no_key())?;
        let private = PKey::private_key_from_der(key.secret_der()).map_err(|_| no_key())?;
        if private.public_eq(&own) { Ok(Some((chain, key))) } else { Err(no_key()) }
    }

    fn peers(&self) -> Result<Option<Peers>, PeerTlsError> {
        let Some(pem) = &self.authorities else {
            return match self.names.is_empty() {
                true => Ok(None),
                false => Err(PeerTlsError::new(TlsPart::Authorities, "set where peer-names is")),
            };
        };
        let mut authorities = RootCertStore::empty();
        for certificate in read_certificates(pem).ok_or_else(no_authorities)? {
            authorities.add(certificate).map_err(|_| no_authorities())?;
        }
        let name = |text: &String| ServerName::try_from(text.clone()).ok();
        let names: Option<Vec<_>> = self.names.iter().map(name).collect();
        let names = names.filter(|names| names.len() <= MAX_ENTRIES).ok_or_else(|| {
            let should_be = format!("names of hosts or addresses, at most {MAX_ENTRIES}");
            PeerTlsError::new(TlsPart::Names, should_be)
        })?;
        Ok(Some((Arc::new(authorities), names)))
    }
}

fn read_certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    read.ok().filter(|certificates| (1..=MAX_ENTRIES).contains(&certificates.len()))
}

fn no_authorities() -> PeerTlsError {
    let should_be = format!("a file with 1 to {MAX_ENTRIES} certificates of authorities in PEM");
    PeerTlsError::new(TlsPart::Authorities, should_be)
}

/// The library refuses a certificate that could be read.
fn unusable(error: Error) -> PeerTlsError {
    PeerTlsError::new(TlsPart::Certificate, format_args!("usable for TLS: {error}"))
}

/// The name of a certificate, for people: its first DNS name, otherwise its common name.
#[must_use]
pub fn certificate_name(der: &[u8]) -> Option<String> {
    let certificate = X509::from_der(der).ok()?;
    let names = certificate.subject_alt_names();
    let dns = names.iter().flatten().find_map(|name| name.dnsname().map(str::to_owned));
    let common = || {
        let entry = certificate.subject_name().entries_by_nid(openssl::nid::Nid::COMMONNAME).next();
        entry?.data().to_string().ok()
    };
    dns.or_else(common)
}

/// Clients whose certificate has one of these names; any, if there are none.
#[derive(Debug)]
struct NamedClients {
    inner: Arc<dyn ClientCertVerifier>,
    names: Vec<ServerName<'static>>,
}

impl ClientCertVerifier for NamedClients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.inner.verify_client_cert(end_entity, intermediates, now)?;
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let has = |name| verify_server_name(&certificate, name).is_ok();
        if self.names.is_empty() || self.names.iter().any(has) {
            return Ok(verified);
        }
        Err(Error::InvalidCertificate(CertificateError::NotValidForName))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Servers whose certificate has one of these names; the one connected to, if there are none.
#[derive(Debug)]
struct NamedServers {
    inner: Arc<WebPkiServerVerifier>,
    names: Vec<ServerName<'static>>,
}

impl ServerCertVerifier for NamedServers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |name: &ServerName<'_>| {
            self.inner.verify_server_cert(end_entity, intermediates, name, ocsp_response, now)
        };
        let named = self.names.iter().map(verify).find(Result::is_ok);
        match self.names.last() {
            None => verify(server_name),
            Some(last) => named.unwrap_or_else(|| verify(last)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
