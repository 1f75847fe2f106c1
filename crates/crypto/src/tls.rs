//! TLS out, over the same library as all other cryptography.

use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    // Clients that take no provider of ours look for the process's own. Where the program
    // that we are part of has set one, they use that.
    let _ = rustls_openssl::default_provider().install_default();
    Arc::new(rustls_openssl::default_provider())
});

/// What TLS clients compute with: OpenSSL. From the first call on it is also the process's
/// default, which clients without a setting for it use; call this before one is built.
#[must_use]
pub fn tls_provider() -> Arc<CryptoProvider> {
    Arc::clone(&PROVIDER)
}
