//! KYC tickets (cardbridge-open-api.md section 6.8).

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use wire::cardbridge::kyc::{
    ApplyKyc, ApplyKycH5, KycBody, KycTicketBody, KycTicketQuery, parse_kyc_query,
};

use super::authenticate::Signed;
use super::reply::{Reply, Success};
use crate::state::ApiState;

/// `POST kyc-ticket/v1/apply-kyc` and `/apply`.
pub(crate) async fn apply(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<KycTicketBody> {
    let request = ApplyKyc::parse(&signed.body)?;
    let ticket = state.cards.apply_kyc(signed.enterprise_id, &request).await?;
    Ok(Success(KycTicketBody::from(&ticket)))
}

/// `POST kyc-ticket/v1/apply-kyc-h5`.
pub(crate) async fn apply_h5(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<KycTicketBody> {
    let request = ApplyKycH5::parse(&signed.body)?;
    let ticket = state.cards.apply_kyc_h5(signed.enterprise_id, &request).await?;
    Ok(Success(KycTicketBody::from(&ticket)))
}

/// `GET kyc-ticket/v1/detail`.
pub(crate) async fn ticket_detail(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<KycTicketBody> {
    let wanted = KycTicketQuery::parse(signed.raw_query.as_deref())?;
    let ticket = state.cards.wanted_kyc_ticket(signed.enterprise_id, &wanted).await?;
    Ok(Success(KycTicketBody::from(&ticket)))
}

/// `GET kyc/v1/detail`.
pub(crate) async fn detail(
    State(state): State<Arc<ApiState>>,
    Extension(signed): Extension<Signed>,
) -> Reply<KycBody> {
    let customer_id = parse_kyc_query(signed.raw_query.as_deref())?;
    Ok(Success(state.cards.kyc_of_customer(signed.enterprise_id, &customer_id).await?))
}
