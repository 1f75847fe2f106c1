//! TLS over the same library as all other cryptography.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The cryptography provider of TLS: OpenSSL.
#[must_use]
pub fn tls_provider() -> Arc<CryptoProvider> {
    Arc::new(rustls_openssl::default_provider())
}

/// Makes [`tls_provider`] the process's default, for clients that cannot be given one. A default
/// that the program has already set stays.
pub fn install_tls_provider() {
    if CryptoProvider::get_default().is_none() {
        // Another thread may install one at the same moment, which serves as well.
        let _ = rustls_openssl::default_provider().install_default();
    }
}
