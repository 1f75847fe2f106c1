//! Every route of the sandbox API.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{authorisations, clock, later, mailbox, refunds, three_ds, tickets};
use crate::state::ApiState;

/// The routes; they exist in sandbox mode only.
pub(crate) fn routes() -> OpenApiRouter<Arc<ApiState>> {
    OpenApiRouter::new()
        .routes(routes!(clock::read))
        .routes(routes!(clock::advance))
        .routes(routes!(authorisations::create))
        .routes(routes!(later::increment))
        .routes(routes!(later::reverse))
        .routes(routes!(later::clear))
        .routes(routes!(later::force))
        .routes(routes!(refunds::create))
        .routes(routes!(mailbox::read))
        .routes(routes!(three_ds::create))
        .routes(routes!(three_ds::read))
        .routes(routes!(three_ds::verify))
        .routes(routes!(tickets::decide_kyc))
        .routes(routes!(tickets::decide_intent))
}
