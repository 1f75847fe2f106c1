//! TLS 1.2 and 1.3 between peers that name each other's authority: links to card networks, and the
//! player of scripts. The handshake itself refuses a peer that cannot show what is demanded.

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

use crate::tls::tls_provider;

/// Most certificates in a chain, and most authorities.
const MAX_CERTIFICATES: usize = 64;

/// What cannot be used for TLS.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PeerTlsError {
    /// The certificate, with those that lead to its authority.
    #[error("should hold 1 to 64 certificates in PEM")]
    Certificate,
    /// The private key.
    #[error("should hold a private key in PEM, of the first certificate")]
    Key,
    /// The authorities of the peers.
    #[error("should hold 1 to 64 certificates of authorities in PEM")]
    Authorities,
    /// A name of the peer.
    #[error("should be names of hosts or addresses")]
    Name,
    /// The library refused them.
    #[error("cannot be used for TLS: {0}")]
    Setup(Error),
}

/// A certificate with its private key.
pub struct TlsIdentity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl TlsIdentity {
    /// Reads both from PEM; the certificate stands before those that lead to its authority.
    ///
    /// # Errors
    /// Which of the two cannot be read; a key that is not the certificate's.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, PeerTlsError> {
        let chain = read_certificates(certificates).ok_or(PeerTlsError::Certificate)?;
        let first = chain.first().and_then(|first| X509::from_der(first).ok());
        let own = first.ok_or(PeerTlsError::Certificate)?.public_key();
        let own = own.map_err(|_| PeerTlsError::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| PeerTlsError::Key)?;
        let private = PKey::private_key_from_der(key.secret_der());
        let private = private.map_err(|_| PeerTlsError::Key)?;
        if !private.public_eq(&own) {
            return Err(PeerTlsError::Key);
        }
        Ok(Self { chain, key })
    }
}

/// Which peers are trusted.
pub struct TlsPeers {
    authorities: Arc<RootCertStore>,
    names: Vec<ServerName<'static>>,
}

impl TlsPeers {
    /// Peers with a certificate of these authorities, in PEM, and one of these names; without
    /// names, any of a client, and the name to which a server was connected.
    ///
    /// # Errors
    /// Authorities or names that cannot be read.
    pub fn new(authorities: &[u8], names: &[String]) -> Result<Self, PeerTlsError> {
        let certificates = read_certificates(authorities).ok_or(PeerTlsError::Authorities)?;
        let mut authorities = RootCertStore::empty();
        for certificate in certificates {
            authorities.add(certificate).map_err(|_| PeerTlsError::Authorities)?;
        }
        let name = |text: &String| ServerName::try_from(text.clone());
        let names: Result<_, _> = names.iter().map(name).collect();
        let names = names.map_err(|_| PeerTlsError::Name)?;
        Ok(Self { authorities: Arc::new(authorities), names })
    }
}

fn read_certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    read.ok().filter(|certificates| (1..=MAX_CERTIFICATES).contains(&certificates.len()))
}

/// The server's side. With `peers`, clients must show a certificate. Nothing of a session is kept:
/// connections of links last long.
///
/// # Errors
/// The library refuses the certificates.
pub fn server_tls(
    identity: TlsIdentity,
    peers: Option<TlsPeers>,
) -> Result<Arc<ServerConfig>, PeerTlsError> {
    let provider = tls_provider();
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(PeerTlsError::Setup)?;
    let builder = match peers {
        None => builder.with_no_client_auth(),
        Some(TlsPeers { authorities, names }) => {
            let inner = WebPkiClientVerifier::builder_with_provider(authorities, provider).build();
            let inner = inner.map_err(|_| PeerTlsError::Authorities)?;
            builder.with_client_cert_verifier(Arc::new(NamedClients { inner, names }))
        }
    };
    let TlsIdentity { chain, key } = identity;
    let mut config = builder.with_single_cert(chain, key).map_err(PeerTlsError::Setup)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// The client's side, which shows `identity` if the server asks for it.
///
/// # Errors
/// The library refuses the certificates.
pub fn client_tls(
    identity: Option<TlsIdentity>,
    peers: TlsPeers,
) -> Result<Arc<ClientConfig>, PeerTlsError> {
    let provider = tls_provider();
    let TlsPeers { authorities, names } = peers;
    let inner =
        WebPkiServerVerifier::builder_with_provider(authorities, Arc::clone(&provider)).build();
    let inner = inner.map_err(|_| PeerTlsError::Authorities)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(PeerTlsError::Setup)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(NamedServers { inner, names }));
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(TlsIdentity { chain, key }) => {
            builder.with_client_auth_cert(chain, key).map_err(PeerTlsError::Setup)?
        }
    };
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
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
