//! Accepts applications for virtual cards (cardbridge-open-api.md section 6.1.1).

use std::sync::Arc;

use domain::{
    CardOrder, CardProfile, CustomerId, EnterpriseId, JobId, OrderId, ProfileId, Timestamp,
    WebhookId, WebhookSubType,
};
use store::{CustomerDraft, Job, JobKind, PlaceOrder, Store};
use vault::Vault;
use wire::cardbridge::applicant::{CustomerInfo, KycInfo};
use wire::cardbridge::order::{ApplyVirtual, ForwardingApplication};
use wire::cardbridge::webhook::card_order_event;

use crate::document_age::document_fault;
use crate::magic::Scenario;
use crate::{CardsError, application};

/// Duration of a step of an order whose application says `slow`.
const SLOW_STEP_MS: i64 = 5_000;

/// The party that checks the identity of people who apply for cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityChecks {
    /// The sandbox plays the checks.
    Played,
    /// Somebody outside the platform; the operator has said so.
    External,
    /// Nobody, so applications are refused. Existing cards go on, with their twins and
    /// replacements, as do orders that were accepted before.
    Missing,
}

/// The settings of orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardsSettings {
    /// The time that a step of an order takes, in milliseconds of business time.
    pub order_step_ms: u32,
    /// True if the sandbox's magic values have an effect.
    pub magic_values: bool,
    /// The party that checks applicants.
    pub identity_checks: IdentityChecks,
}

impl CardsSettings {
    /// Default of `order_step_ms` (operator-and-sandbox.md section 4).
    pub const DEFAULT_ORDER_STEP_MS: u32 = 200;

    /// True if anybody checks applicants.
    pub(crate) fn takes_applications(self) -> bool {
        self.identity_checks != IdentityChecks::Missing
    }

    /// The time at which the next step is due.
    pub(crate) fn next_due(self, now: Timestamp, scenario: Scenario) -> Timestamp {
        now.plus_millis(if scenario.slow { SLOW_STEP_MS } else { i64::from(self.order_step_ms) })
    }
}

/// Requests about orders and cards.
pub struct Cards {
    pub(crate) store: Store,
    pub(crate) vault: Arc<Vault>,
    pub(crate) settings: CardsSettings,
}

impl Cards {
    /// Orders and cards in this store; this vault seals applications.
    #[must_use]
    pub const fn new(store: Store, vault: Arc<Vault>, settings: CardsSettings) -> Self {
        Self { store, vault, settings }
    }

    /// Accepts an application. The order is PENDING and its first webhook is in the outbox when
    /// this returns. Checked in the order of operator-and-sandbox.md section 5: body shape,
    /// reference, the named objects, their states, the rest as published.
    ///
    /// # Errors
    /// [`CardsError`]; nothing was written.
    pub async fn apply_virtual(
        &self,
        enterprise_id: EnterpriseId,
        request: ApplyVirtual,
    ) -> Result<CardOrder, CardsError> {
        if !self.settings.takes_applications() {
            return Err(CardsError::NobodyChecks);
        }
        match request {
            ApplyVirtual::Forwarding(application) => {
                self.apply_forwarding(enterprise_id, &application).await
            }
            ApplyVirtual::Normal(application) => {
                self.apply_normal(enterprise_id, &application).await
            }
        }
    }

    async fn apply_forwarding(
        &self,
        enterprise_id: EnterpriseId,
        application: &ForwardingApplication,
    ) -> Result<CardOrder, CardsError> {
        application::check_shape(&application.kyc_info)?;
        self.check_reference(enterprise_id, &application.card_order_ref).await?;
        let profile_id = parse_profile_id(&application.profile_id)?;
        let profile = self.store.find::<CardProfile>((enterprise_id, profile_id)).await?;
        let profile = profile.ok_or(CardsError::ProfileNotFound)?;
        let contact = application::check(application, &profile)?;
        let now = self.store.clock().now();
        let new_customer = CustomerId::from_i64(self.store.ids().next());
        let info = &application.customer_info;
        let customer = contact.into_customer(enterprise_id, new_customer, info, now);
        let reference = application.card_order_ref.clone();
        let order = self.new_virtual_order(enterprise_id, reference, profile_id, new_customer);
        let (draft, kyc) = (CustomerDraft::Data(customer), &application.kyc_info);
        let scenario = application::scenario(info, kyc);
        let order = self.place(order, draft, info, kyc, scenario).await?;
        warn_of_unknown_codes(&order, application);
        warn_of_document_age(&order, kyc, now);
        Ok(order)
    }

    /// A VIRTUAL order as it is accepted.
    pub(crate) fn new_virtual_order(
        &self,
        enterprise_id: EnterpriseId,
        card_order_ref: String,
        profile_id: ProfileId,
        customer_id: CustomerId,
    ) -> CardOrder {
        let order_id = OrderId::from_i64(self.store.ids().next());
        let now = self.store.clock().now();
        CardOrder::pending(enterprise_id, order_id, card_order_ref, profile_id, customer_id, now)
    }

    /// Accepts an order; the data that its scenario depends on is sealed with it.
    pub(crate) async fn place(
        &self,
        order: CardOrder,
        customer: CustomerDraft,
        info: &CustomerInfo,
        kyc: &KycInfo,
        scenario: Scenario,
    ) -> Result<CardOrder, CardsError> {
        let (enterprise_id, order_id) = (order.enterprise_id, order.order_id);
        let now = order.created_at;
        let scenario = if self.settings.magic_values { scenario } else { Scenario::PLAIN };
        let job = Job::new(
            enterprise_id,
            JobId::from_i64(self.store.ids().next()),
            JobKind::OrderStep,
            order_id.as_i64(),
            self.settings.next_due(now, scenario),
        );
        let webhook_id = WebhookId::from_i64(self.store.ids().next());
        let event = move |stored: &CardOrder| {
            card_order_event(stored, webhook_id, WebhookSubType::Create, now)
        };
        let sealed_application = application::seal(&self.vault, enterprise_id, order_id, info, kyc);
        let request =
            PlaceOrder { order, customer, sealed_application, job, event: Arc::new(event) };
        Ok(self.store.place_order(request).await?)
    }

    pub(crate) async fn check_reference(
        &self,
        enterprise_id: EnterpriseId,
        card_order_ref: &str,
    ) -> Result<(), CardsError> {
        match self.store.find_by_ref::<CardOrder>(enterprise_id, card_order_ref).await? {
            Some(_) => Err(CardsError::OrderRefTaken),
            None => Ok(()),
        }
    }
}

pub(crate) fn parse_profile_id(text: &str) -> Result<ProfileId, CardsError> {
    text.parse().map_err(|_| CardsError::ProfileNotFound)
}

fn warn_of_document_age(order: &CardOrder, kyc: &KycInfo, now: Timestamp) {
    if let Some(fault) = document_fault(kyc, now) {
        tracing::warn!(order_id = %order.order_id, ?fault, "poaDocDate does not fit poaDocType");
    }
}

fn warn_of_unknown_codes(order: &CardOrder, application: &ForwardingApplication) {
    let fields = application.kyc_info.unknown_codes();
    if !fields.is_empty() {
        tracing::warn!(order_id = %order.order_id, ?fields, "codes outside their dictionaries");
    }
}
