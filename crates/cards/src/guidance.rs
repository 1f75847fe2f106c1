//! Links to hosted pages (cardbridge-open-api.md section 6.3).

use crypto::sha256;
use domain::{
    Card, CardId, CardStatus, CardType, Customer, Enterprise, EnterpriseId, GuidanceLink,
    GuidanceType, KycTicket, KycTicketId, KycTicketStatus, KycTransitionError,
};
use vault::SecretText;
use wire::cardbridge::guidance::{GuidanceRequest, WebUrl};

use crate::{Cards, CardsError};

/// A new link: its record, and the secret that opens it.
pub struct NewGuidanceLink {
    /// The link as it is stored.
    pub link: GuidanceLink,
    /// 43 characters that need no escaping in a URL.
    pub secret: SecretText,
}

/// The hosts to which a hosted page may redirect after success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectRule {
    /// To the hosts that the enterprise registered.
    RegisteredHosts,
    /// To any host, as long as the enterprise has registered none.
    AnyHostUntilOneIsRegistered,
}

/// The subject of a link.
struct Subject {
    card_id: Option<CardId>,
    kyc_ticket_id: Option<KycTicketId>,
}

impl Cards {
    /// Makes a link, in the order of checks of operator-and-sandbox.md section 5.
    /// `can_be_reached`: whether a one-time password can be sent to a customer.
    ///
    /// # Errors
    /// Customer, card or ticket not found, the card's type or state does not allow the page,
    /// a redirect to a host that the enterprise did not register, a one-time password that
    /// cannot be sent, or the store failed.
    pub async fn guidance_link(
        &self,
        enterprise_id: EnterpriseId,
        request: GuidanceRequest,
        redirects: RedirectRule,
        can_be_reached: impl Fn(&Customer) -> bool + Send + Sync,
    ) -> Result<NewGuidanceLink, CardsError> {
        let customer = self.customer(enterprise_id, &request.customer_id).await?;
        let subject = self.guidance_subject(&customer, &request).await?;
        if let Some(url) = &request.redirect_url {
            self.check_redirect_host(enterprise_id, url, redirects).await?;
        }
        if request.is_otp_required && !can_be_reached(&customer) {
            return Err(CardsError::CustomerOutOfReach);
        }
        let secret = self.vault.new_token();
        let now = self.store.clock().now();
        let link = GuidanceLink {
            secret_hash: sha256(secret.expose().as_bytes()),
            enterprise_id,
            guidance_type: request.guidance_type,
            customer_id: customer.customer_id,
            card_id: subject.card_id,
            kyc_ticket_id: subject.kyc_ticket_id,
            is_otp_required: request.is_otp_required,
            language: request.language,
            theme: request.theme,
            mode: request.mode,
            user_agent: request.user_agent,
            redirect_url: request.redirect_url.map(|url| url.as_str().to_owned()),
            created_at: now,
            expires_at: now.plus_seconds(GuidanceLink::LIFETIME_SECONDS),
            opened_at: None,
        };
        self.store.create_guidance_link(link.clone()).await?;
        Ok(NewGuidanceLink { link, secret })
    }

    async fn guidance_subject(
        &self,
        customer: &Customer,
        request: &GuidanceRequest,
    ) -> Result<Subject, CardsError> {
        if let Some(ticket_id) = &request.kyc_ticket_id {
            let ticket = self.guided_ticket(customer, ticket_id, request.guidance_type).await?;
            return Ok(Subject { card_id: None, kyc_ticket_id: Some(ticket.kyc_ticket_id) });
        }
        let card_id = request.card_id.as_ref().ok_or(CardsError::CardNotFound)?;
        let card = self.card(customer.enterprise_id, card_id).await?;
        // Another customer's card does not exist for this customer.
        if card.customer_id != customer.customer_id {
            return Err(CardsError::CardNotFound);
        }
        check_guided_card(request.guidance_type, &card)?;
        Ok(Subject { card_id: Some(card.card_id), kyc_ticket_id: None })
    }

    /// A ticket of the customer that the page can advance: the form completes an INIT one; a face
    /// is compared with existing documents, even for a ticket that has passed.
    async fn guided_ticket(
        &self,
        customer: &Customer,
        ticket_id: &str,
        guidance_type: GuidanceType,
    ) -> Result<KycTicket, CardsError> {
        let id = ticket_id.parse().map_err(|_| CardsError::KycTicketNotFound)?;
        let ticket = self.store.find::<KycTicket>((customer.enterprise_id, id)).await?;
        let ticket = ticket.filter(|it| it.customer_id == customer.customer_id);
        let ticket = ticket.ok_or(CardsError::KycTicketNotFound)?;
        let fits = match guidance_type {
            GuidanceType::KycForm => ticket.status == KycTicketStatus::Init,
            _ => matches!(ticket.status, KycTicketStatus::Pending | KycTicketStatus::Pass),
        };
        if fits { Ok(ticket) } else { Err(KycTransitionError { from: ticket.status }.into()) }
    }

    async fn check_redirect_host(
        &self,
        enterprise_id: EnterpriseId,
        url: &WebUrl,
        rule: RedirectRule,
    ) -> Result<(), CardsError> {
        let enterprise = self.store.find::<Enterprise>(enterprise_id).await?;
        let hosts = enterprise.map(|it| it.redirect_hosts).unwrap_or_default();
        if hosts.is_empty() {
            return match rule {
                RedirectRule::AnyHostUntilOneIsRegistered => Ok(()),
                RedirectRule::RegisteredHosts => Err(CardsError::IllegalField(
                    "successfulRedirectUrl should name a host of the enterprise's redirectHosts, \
                     which is empty: the operator sets it",
                )),
            };
        }
        match hosts.iter().any(|host| host.eq_ignore_ascii_case(url.host())) {
            true => Ok(()),
            false => Err(CardsError::IllegalField(
                "successfulRedirectUrl should name a host of the enterprise's redirectHosts: the \
                 operator adds hosts there",
            )),
        }
    }
}

/// Checks that a page of this type may be made for, and opened on, a card of this type and state. A
/// card's numbers are shown as long as it is not INVALID, as in retrieve-secure-card
/// (cardbridge-open-api.md section 6.2.5); a PIN needs an active physical card.
///
/// # Errors
/// The code that says whether type or state does not fit.
pub fn check_guided_card(guidance_type: GuidanceType, card: &Card) -> Result<(), CardsError> {
    let fits = match guidance_type {
        GuidanceType::SetPin | GuidanceType::ResetPin => {
            if card.card_type != CardType::Physical {
                return Err(CardsError::NotPhysical);
            }
            card.status == CardStatus::Activated
        }
        GuidanceType::ShowCard => card.status != CardStatus::Invalid,
        GuidanceType::FaceCheck | GuidanceType::KycForm => true,
    };
    if fits { Ok(()) } else { Err(CardsError::NotActivated) }
}
