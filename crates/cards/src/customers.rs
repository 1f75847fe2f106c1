//! Customers that an enterprise creates before it applies for a card (cardbridge-open-api.md
//! section 6.7).

use domain::{Customer, CustomerId, EnterpriseId};
use wire::cardbridge::applicant::CustomerInfo;
use wire::cardbridge::query::IdOrReference;

use crate::application::Contact;
use crate::{Cards, CardsError};

impl Cards {
    /// Creates a customer. Checked in this order: the reference, whether e-mail or phone is given,
    /// phone, e-mail, and whether another customer has them.
    ///
    /// # Errors
    /// [`CardsError`]; nothing was written.
    pub async fn create_customer(
        &self,
        enterprise_id: EnterpriseId,
        info: &CustomerInfo,
    ) -> Result<Customer, CardsError> {
        if let Some(reference) = &info.customer_ref
            && self.store.find_by_ref::<Customer>(enterprise_id, reference).await?.is_some()
        {
            return Err(CardsError::CustomerRefTaken);
        }
        let contact = Contact::of(info)?;
        let customer_id = CustomerId::from_i64(self.store.ids().next());
        let now = self.store.clock().now();
        let customer = contact.into_customer(enterprise_id, customer_id, info, now);
        self.store.create_customer(customer.clone()).await?;
        Ok(customer)
    }

    /// The customer that a query names. If it gives both an id and a reference, they must name the
    /// same customer.
    ///
    /// # Errors
    /// `CustomerNotFound`, or the store failed.
    pub async fn wanted_customer(
        &self,
        enterprise_id: EnterpriseId,
        wanted: &IdOrReference,
    ) -> Result<Customer, CardsError> {
        let customer = match (&wanted.id, &wanted.reference) {
            (Some(id), _) => Some(self.customer(enterprise_id, id).await?),
            (None, Some(reference)) => {
                self.store.find_by_ref::<Customer>(enterprise_id, reference).await?
            }
            (None, None) => None,
        };
        let same = |customer: &Customer| {
            wanted.reference.is_none() || wanted.reference == customer.customer_ref
        };
        customer.filter(same).ok_or(CardsError::CustomerNotFound)
    }
}
