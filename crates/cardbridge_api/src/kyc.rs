//! KYC tickets (cardbridge-open-api.md section 6.8).

use wire::cardbridge::kyc::{ApplyKyc, ApplyKycH5, KycBody, KycTicketBody, WANTED_TICKET};
use wire::cardbridge::query::{CUSTOMER_ID, Query};

use super::call::Call;
use super::reply::{Reply, Success};

/// `POST kyc-ticket/v1/apply-kyc` and `/apply`.
pub(crate) async fn apply(call: Call<ApplyKyc>) -> Reply<KycTicketBody> {
    let request = call.body()?;
    let ticket = call.state.cards.apply_kyc(call.enterprise_id, &request).await?;
    Ok(Success(KycTicketBody::from(&ticket)))
}

/// `POST kyc-ticket/v1/apply-kyc-h5`.
pub(crate) async fn apply_h5(call: Call<ApplyKycH5>) -> Reply<KycTicketBody> {
    let request = call.body()?;
    let ticket = call.state.cards.apply_kyc_h5(call.enterprise_id, &request).await?;
    Ok(Success(KycTicketBody::from(&ticket)))
}

/// `GET kyc-ticket/v1/detail`.
pub(crate) async fn ticket_detail(call: Call<Query>) -> Reply<KycTicketBody> {
    let wanted = call.query()?.id_or_reference(&WANTED_TICKET)?;
    let ticket = call.state.cards.wanted_kyc_ticket(call.enterprise_id, &wanted).await?;
    Ok(Success(KycTicketBody::from(&ticket)))
}

/// `GET kyc/v1/detail`.
pub(crate) async fn detail(call: Call<Query>) -> Reply<KycBody> {
    let customer_id = call.query()?.required(CUSTOMER_ID)?;
    Ok(Success(call.state.cards.kyc_of_customer(call.enterprise_id, &customer_id).await?))
}
