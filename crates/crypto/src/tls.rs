//! TLS out, over the same library as all other cryptography.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// What TLS clients compute with: OpenSSL.
#[must_use]
pub fn tls_provider() -> Arc<CryptoProvider> {
    Arc::new(rustls_openssl::default_provider())
}

/// Makes [`tls_provider`] the process's default, for clients that cannot be handed one. A
/// default that the program has set already stays.
pub fn install_tls_provider() {
    if CryptoProvider::get_default().is_none() {
        // Another thread may install one at the same moment: it serves as well.
        let _ = rustls_openssl::default_provider().install_default();
    }
}
