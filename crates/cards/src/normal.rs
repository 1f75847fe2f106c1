//! Applications in NORMAL mode: customer and KYC ticket already exist (cardbridge-open-api.md
//! sections 6.1.1 and 14, U24).

use domain::{CardOrder, CardProfile, EnterpriseId, KycTicket};
use store::CustomerDraft;
use wire::cardbridge::applicant::{CustomerInfo, KycInfo};
use wire::cardbridge::order::NormalApplication;

use crate::application::{is_served, scenario};
use crate::apply::parse_profile_id;
use crate::{Cards, CardsError};

/// Also the answer if the ticket belongs to another customer.
const NO_TICKET: CardsError =
    CardsError::IllegalField("kycTicketId names no KYC ticket of this customer");

impl Cards {
    /// The order waits in CUSTOMER_PASS until its ticket is decided.
    pub(crate) async fn apply_normal(
        &self,
        enterprise_id: EnterpriseId,
        application: &NormalApplication,
    ) -> Result<CardOrder, CardsError> {
        self.check_reference(enterprise_id, &application.card_order_ref).await?;
        let profile_id = parse_profile_id(&application.profile_id)?;
        let profile = self.store.find::<CardProfile>((enterprise_id, profile_id)).await?;
        let profile = profile.ok_or(CardsError::ProfileNotFound)?;
        let customer = self.customer(enterprise_id, &application.customer_id).await?;
        let kyc_ticket_id = application.kyc_ticket_id.parse().map_err(|_| NO_TICKET)?;
        let ticket = self.store.find::<KycTicket>((enterprise_id, kyc_ticket_id)).await?;
        let ticket = ticket.filter(|ticket| ticket.customer_id == customer.customer_id);
        let ticket = ticket.ok_or(NO_TICKET)?;
        self.check_country(&ticket, &profile).await?;
        let info = CustomerInfo {
            customer_ref: customer.customer_ref.clone(),
            email: customer.email.clone(),
            ..CustomerInfo::default()
        };
        let kyc = KycInfo::default();
        let reference = application.card_order_ref.clone();
        let order =
            self.new_virtual_order(enterprise_id, reference, profile_id, customer.customer_id);
        let draft = CustomerDraft::Identified { customer_id: customer.customer_id, kyc_ticket_id };
        self.place(order, draft, &info, &kyc, scenario(&info, &kyc)).await
    }

    /// Checks the country of the proof of address, if it is known yet.
    async fn check_country(
        &self,
        ticket: &KycTicket,
        profile: &CardProfile,
    ) -> Result<(), CardsError> {
        if profile.supported_countries.is_empty() {
            return Ok(());
        }
        let form = self.kyc_form(ticket).await?;
        let address = form.as_ref().and_then(|form| form.address_proof_list.first());
        let country = address.and_then(|it| it.address_proof_issued_country.as_deref());
        if country.is_none_or(|country| is_served(profile, country)) {
            Ok(())
        } else {
            Err(CardsError::CountryNotServed)
        }
    }
}
