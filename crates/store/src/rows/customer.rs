//! The columns of a customer.

use domain::{Customer, CustomerId, EnterpriseId, email_key};

use super::Fields;
use crate::StoreError;
use crate::engine::{Row, Value};

/// The columns of a customer. The last is made of the e-mail, to be compared only.
pub(crate) const CUSTOMER_COLUMNS: &str = "enterprise_id, customer_id, customer_ref, email, \
    phone, phone_country_code, created_at, modified_at, email_key";

/// Reads a customer from [`CUSTOMER_COLUMNS`].
pub(crate) fn customer_from(row: &Row) -> Result<Customer, StoreError> {
    let mut f = Fields::of(row);
    Ok(Customer {
        enterprise_id: f.id(EnterpriseId::from_i64)?,
        customer_id: f.id(CustomerId::from_i64)?,
        customer_ref: f.opt_text()?,
        email: f.opt_text()?,
        phone: f.opt_text()?,
        phone_country_code: f.opt_text()?,
        created_at: f.time()?,
        modified_at: f.time()?,
    })
}

/// The values of a customer for [`CUSTOMER_COLUMNS`].
pub(crate) fn customer_values(customer: &Customer) -> Vec<Value> {
    vec![
        customer.enterprise_id.into(),
        customer.customer_id.into(),
        customer.customer_ref.as_ref().into(),
        customer.email.as_ref().into(),
        customer.phone.as_ref().into(),
        customer.phone_country_code.as_ref().into(),
        customer.created_at.into(),
        customer.modified_at.into(),
        customer.email.as_deref().map(email_key).into(),
    ]
}
