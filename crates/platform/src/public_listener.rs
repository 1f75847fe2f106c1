//! The public listener: both dialects and the hosted pages, behind the same middleware.

use std::sync::Arc;

use listener::HttpService;
use listener::shell::{self, Shell};

use crate::missing;

/// The public listener's service.
pub fn public_service(
    cardbridge: Arc<cardbridge_api::ApiState>,
    vm: Arc<vm_api::ApiState>,
) -> HttpService {
    let shell = Shell {
        listener: "public",
        rewrite: cardbridge_api::normalise_path,
        internal_error: cardbridge_api::internal_error,
    };
    let (random, codes) = (Arc::clone(&cardbridge.random), vm.settings.vm.codes);
    let router = cardbridge_api::routes(cardbridge)
        .merge(vm_api::routes(vm))
        .method_not_allowed_fallback(move |request| missing::wrong_method(codes, request))
        .fallback(move |request| missing::unknown_path(codes, request));
    shell::wrap(shell, random, router)
}
