//! KYC tickets of NORMAL mode (cardbridge-open-api.md section 6.8).
//!
//! A ticket with its data is PENDING at once. In the sandbox a timed job plays the reviewer and
//! follows the magic words of the ticket's reference and its customer, unless the reference begins
//! with `wait`. In that case, and outside the sandbox, a reviewer decides by a call.

use domain::{
    Customer, EnterpriseId, ErrorCode, JobId, KycEvent, KycRefusal, KycTicket, KycTicketId,
    KycTicketStatus, KycTicketType, Timestamp,
};
use store::{Job, JobKind, KycChange, PlaceKycTicket};
use wire::cardbridge::kyc::{ApplyKyc, ApplyKycH5, KycBody, KycForm};
use wire::cardbridge::query::IdOrReference;
use zeroize::Zeroizing;

use crate::application::UnreadableError;
use crate::magic::{MagicValues, Scenario, waits_for_reviewer};
use crate::{Cards, CardsError, Verdict};

/// The purpose under which the vault seals forms.
const SEAL_PURPOSE: &str = "kyc-form";
/// The employment that needs an employer's name.
const EMPLOYED: &str = "EMPLOYED";

impl Cards {
    /// Accepts a ticket with its data: it is PENDING.
    ///
    /// # Errors
    /// [`CardsError`]; nothing was written.
    pub async fn apply_kyc(
        &self,
        enterprise_id: EnterpriseId,
        request: &ApplyKyc,
    ) -> Result<KycTicket, CardsError> {
        let reference = &request.kyc_ticket_ref;
        let customer = self.kyc_customer(enterprise_id, reference, &request.customer_id).await?;
        let now = self.store.clock().now();
        let status = KycTicketStatus::Pending;
        let mut ticket = self.new_ticket(&customer, reference.clone(), KycTicketType::Api, now);
        ticket.status = status;
        if let Err(error) = check(&request.form) {
            self.check_no_open_ticket(&customer).await?;
            return Err(error);
        }
        let sealed_form = Some(self.seal_form(&ticket, &request.form));
        let job = self.review_job(&ticket, &customer, now);
        let placed = PlaceKycTicket { ticket: ticket.clone(), sealed_form, job };
        self.store.place_kyc_ticket(placed).await?;
        warn_of_unknown_codes(&ticket, &request.form);
        Ok(ticket)
    }

    /// Accepts a ticket whose data the customer enters on a hosted page: it is INIT.
    ///
    /// # Errors
    /// [`CardsError`]; nothing was written.
    pub async fn apply_kyc_h5(
        &self,
        enterprise_id: EnterpriseId,
        request: &ApplyKycH5,
    ) -> Result<KycTicket, CardsError> {
        let reference = &request.kyc_ticket_ref;
        let customer = self.kyc_customer(enterprise_id, reference, &request.customer_id).await?;
        let now = self.store.clock().now();
        let ticket = self.new_ticket(&customer, reference.clone(), KycTicketType::H5, now);
        let placed = PlaceKycTicket { ticket: ticket.clone(), sealed_form: None, job: None };
        self.store.place_kyc_ticket(placed).await?;
        Ok(ticket)
    }

    /// Accepts the form of a hosted page: an INIT ticket becomes PENDING.
    ///
    /// # Errors
    /// No such ticket, it is not INIT, the form is insufficient, or the store failed.
    pub async fn submit_kyc_form(
        &self,
        enterprise_id: EnterpriseId,
        kyc_ticket_id: KycTicketId,
        form: &KycForm,
    ) -> Result<KycTicket, CardsError> {
        let ticket = self.store.find::<KycTicket>((enterprise_id, kyc_ticket_id)).await?;
        let ticket = ticket.ok_or(CardsError::KycTicketNotFound)?;
        check(form)?;
        let customer = self.store.find::<Customer>((enterprise_id, ticket.customer_id)).await?;
        let customer = customer.ok_or(CardsError::CustomerNotFound)?;
        let now = self.store.clock().now();
        let change = KycChange {
            enterprise_id,
            kyc_ticket_id,
            event: KycEvent::Submit,
            sealed_form: Some(self.seal_form(&ticket, form)),
            job: self.review_job(&ticket, &customer, now),
            now,
        };
        let ticket = self.store.change_kyc_ticket(change).await?;
        warn_of_unknown_codes(&ticket, form);
        Ok(ticket)
    }

    /// The outcome of a face verification: a match is recorded with its time, another face refuses
    /// a ticket that is still open.
    ///
    /// # Errors
    /// No such ticket, its state does not allow it, or the store failed.
    pub async fn record_face_check(
        &self,
        enterprise_id: EnterpriseId,
        kyc_ticket_id: KycTicketId,
        is_match: bool,
    ) -> Result<KycTicket, CardsError> {
        let event = if is_match {
            KycEvent::FaceMatched
        } else {
            KycEvent::Refuse(refusal(
                ErrorCode::CardOrderKycVerifyFailed,
                Some("the face is not the document's".to_owned()),
            ))
        };
        let now = self.store.clock().now();
        let change =
            KycChange { enterprise_id, kyc_ticket_id, event, sealed_form: None, job: None, now };
        Ok(self.store.change_kyc_ticket(change).await?)
    }

    /// A reviewer's decision, whoever owns the ticket. Repeating the decision changes nothing.
    ///
    /// # Errors
    /// No such ticket, it was decided differently, or the store failed.
    pub async fn decide_kyc_ticket(
        &self,
        kyc_ticket_id: &str,
        verdict: Verdict,
    ) -> Result<KycTicket, CardsError> {
        let id: KycTicketId = kyc_ticket_id.parse().map_err(|_| CardsError::KycTicketNotFound)?;
        let ticket = self.store.find_of_anyone::<KycTicket>(id).await?;
        let ticket = ticket.ok_or(CardsError::KycTicketNotFound)?;
        let (event, wanted) = match verdict {
            Verdict::Pass => (KycEvent::Pass, KycTicketStatus::Pass),
            Verdict::Fail { reason } => {
                let refusal = refusal(ErrorCode::CardOrderKycVerifyFailed, reason);
                (KycEvent::Refuse(refusal), KycTicketStatus::Refuse)
            }
        };
        let change = KycChange {
            enterprise_id: ticket.enterprise_id,
            kyc_ticket_id: id,
            event,
            sealed_form: None,
            job: None,
            now: self.store.clock().now(),
        };
        match self.store.change_kyc_ticket(change).await.map_err(CardsError::from) {
            Err(CardsError::KycTransition(error)) if error.from == wanted => {
                let ticket = self.store.find::<KycTicket>((ticket.enterprise_id, id)).await?;
                ticket.ok_or(CardsError::KycTicketNotFound)
            }
            settled => settled,
        }
    }

    /// The ticket that a query names. If it gives both an id and a reference, they must name the
    /// same ticket.
    ///
    /// # Errors
    /// `KycTicketNotFound`, or the store failed.
    pub async fn wanted_kyc_ticket(
        &self,
        enterprise_id: EnterpriseId,
        wanted: &IdOrReference,
    ) -> Result<KycTicket, CardsError> {
        let ticket = match (&wanted.id, &wanted.reference) {
            (Some(id), _) => {
                let id = id.parse().map_err(|_| CardsError::KycTicketNotFound)?;
                self.store.find::<KycTicket>((enterprise_id, id)).await?
            }
            (None, Some(text)) => self.store.find_by_ref::<KycTicket>(enterprise_id, text).await?,
            (None, None) => None,
        };
        let same = |ticket: &KycTicket| {
            wanted.reference.as_ref().is_none_or(|text| *text == ticket.kyc_ticket_ref)
        };
        ticket.filter(same).ok_or(CardsError::KycTicketNotFound)
    }

    /// The KYC state of a customer, from the newest ticket.
    ///
    /// # Errors
    /// `CustomerNotFound`, or the store failed.
    pub async fn kyc_of_customer(
        &self,
        enterprise_id: EnterpriseId,
        customer_id: &str,
    ) -> Result<KycBody, CardsError> {
        let customer = self.customer(enterprise_id, customer_id).await?;
        let ticket = self.store.newest_kyc_ticket(enterprise_id, customer.customer_id).await?;
        let form = match &ticket {
            Some(ticket) => self.kyc_form(ticket).await?,
            None => None,
        };
        Ok(KycBody::new(&customer, ticket.as_ref(), form.as_ref()))
    }

    /// The form that the customer of a ticket submitted, if there is one.
    pub(crate) async fn kyc_form(&self, ticket: &KycTicket) -> Result<Option<KycForm>, CardsError> {
        let (enterprise_id, id) = (ticket.enterprise_id, ticket.kyc_ticket_id);
        let Some(sealed) = self.store.kyc_form(enterprise_id, id).await? else { return Ok(None) };
        let open = || -> Result<KycForm, UnreadableError> {
            let record = id.to_string();
            let json = self.vault.open_secret(enterprise_id, SEAL_PURPOSE, &record, &sealed)?;
            serde_json::from_slice(&json).map_err(|_| UnreadableError::Json)
        };
        let form = open().inspect_err(|error| {
            tracing::error!(kyc_ticket_id = %id, %error, "a kept form cannot be read");
        });
        form.map(Some).map_err(|_| CardsError::Unreadable)
    }

    /// The customer of a new ticket, after checking the ticket's reference.
    async fn kyc_customer(
        &self,
        enterprise_id: EnterpriseId,
        kyc_ticket_ref: &str,
        customer_id: &str,
    ) -> Result<Customer, CardsError> {
        if self.store.find_by_ref::<KycTicket>(enterprise_id, kyc_ticket_ref).await?.is_some() {
            return Err(CardsError::TicketRefTaken);
        }
        self.customer(enterprise_id, customer_id).await
    }

    /// Checks states before the form's content.
    async fn check_no_open_ticket(&self, customer: &Customer) -> Result<(), CardsError> {
        let (enterprise_id, customer_id) = (customer.enterprise_id, customer.customer_id);
        match self.store.newest_kyc_ticket(enterprise_id, customer_id).await? {
            Some(ticket) if !ticket.status.is_final() => Err(CardsError::TicketOngoing),
            _ => Ok(()),
        }
    }

    fn new_ticket(
        &self,
        customer: &Customer,
        kyc_ticket_ref: String,
        ticket_type: KycTicketType,
        now: Timestamp,
    ) -> KycTicket {
        KycTicket {
            enterprise_id: customer.enterprise_id,
            kyc_ticket_id: KycTicketId::from_i64(self.store.ids().next()),
            kyc_ticket_ref,
            customer_id: customer.customer_id,
            ticket_type,
            status: KycTicketStatus::Init,
            refusal: None,
            face_matched_at: None,
            created_at: now,
            modified_at: now,
        }
    }

    fn seal_form(&self, ticket: &KycTicket, form: &KycForm) -> Vec<u8> {
        let json = serde_json::to_vec(form).expect("structs of texts are JSON");
        let json = Zeroizing::new(json);
        let record = ticket.kyc_ticket_id.to_string();
        self.vault.seal_secret(ticket.enterprise_id, SEAL_PURPOSE, &record, &json)
    }

    /// The job that plays the reviewer, in the sandbox.
    fn review_job(&self, ticket: &KycTicket, customer: &Customer, now: Timestamp) -> Option<Job> {
        let is_played = self.settings.magic_values && !waits_for_reviewer(&ticket.kyc_ticket_ref);
        is_played.then(|| {
            Job::new(
                ticket.enterprise_id,
                JobId::from_i64(self.store.ids().next()),
                JobKind::KycDecision,
                ticket.kyc_ticket_id.as_i64(),
                self.settings.next_due(now, scenario_of(ticket, customer)),
            )
        })
    }
}

/// The scenario that a ticket's magic words choose.
pub fn scenario_of(ticket: &KycTicket, customer: &Customer) -> Scenario {
    Scenario::of(&MagicValues {
        share_token: &ticket.kyc_ticket_ref,
        customer_ref: customer.customer_ref.as_deref(),
        email: customer.email.as_deref(),
    })
}

/// A refusal with the reviewer's reason, or a standard one.
pub fn refusal(error_code: ErrorCode, reason: Option<String>) -> KycRefusal {
    let plain = match error_code {
        ErrorCode::CardOrderKycInfoInvalid => "the KYC data did not pass",
        _ => "the identity check did not pass",
    };
    KycRefusal { error_code, error_reason: reason.unwrap_or_else(|| plain.to_owned()) }
}

/// Checks that a form has what it must contain: an identity document, an image of each document
/// and, for an EMPLOYED customer, an employer. Everything else may be missing or unknown
/// (cardbridge-open-api.md section 13, C14).
fn check(form: &KycForm) -> Result<(), CardsError> {
    if form.identify_proof_list.is_empty() {
        return Err(CardsError::KycInfoInvalid("identifyProofList is missing"));
    }
    if form.identify_proof_list.iter().any(|it| it.identity_proof_url.is_none()) {
        return Err(CardsError::KycInfoInvalid("identifyProofList: identityProofUrl is missing"));
    }
    if form.address_proof_list.iter().any(|it| it.address_proof_url.is_none()) {
        return Err(CardsError::KycInfoInvalid("addressProofList: addressProofUrl is missing"));
    }
    let employed_by_nobody = form.kyc_career_info.as_ref().is_some_and(|it| {
        it.employment_status.as_deref() == Some(EMPLOYED) && it.employer_name.is_none()
    });
    if employed_by_nobody {
        return Err(CardsError::KycInfoInvalid("kycCareerInfo.employerName is missing"));
    }
    Ok(())
}

fn warn_of_unknown_codes(ticket: &KycTicket, form: &KycForm) {
    let fields = form.unknown_codes();
    if !fields.is_empty() {
        let kyc_ticket_id = ticket.kyc_ticket_id;
        tracing::warn!(%kyc_ticket_id, ?fields, "codes outside their dictionaries");
    }
}
