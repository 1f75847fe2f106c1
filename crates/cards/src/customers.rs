//! Customers that an enterprise makes before it applies for a card
//! (cardbridge-open-api.md section 6.7).

use domain::{Customer, CustomerId, EnterpriseId};
use wire::cardbridge::applicant::CustomerInfo;
use wire::cardbridge::customer::CustomerQuery;

use crate::application::Contact;
use crate::{Cards, CardsError};

impl Cards {
    /// Makes a customer. Checked in this order: the reference, whether e-mail or phone is
    /// there, phone, e-mail, and whether another customer has them.
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

    /// The customer that a query names. If it names one by id and by reference, both must
    /// be the same customer.
    ///
    /// # Errors
    /// `CustomerNotFound`, or the store failed.
    pub async fn wanted_customer(
        &self,
        enterprise_id: EnterpriseId,
        wanted: &CustomerQuery,
    ) -> Result<Customer, CardsError> {
        let customer = match (&wanted.customer_id, &wanted.customer_ref) {
            (Some(id), _) => Some(self.customer(enterprise_id, id).await?),
            (None, Some(reference)) => {
                self.store.find_by_ref::<Customer>(enterprise_id, reference).await?
            }
            (None, None) => None,
        };
        let same = |customer: &Customer| {
            wanted.customer_ref.is_none() || wanted.customer_ref == customer.customer_ref
        };
        customer.filter(same).ok_or(CardsError::CustomerNotFound)
    }
}
