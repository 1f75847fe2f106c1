//! Customers created by their own call (cardbridge-open-api.md section 6.7), and the choice of the
//! customer of an order (cardbridge-open-api.md section 14, U22).

use domain::{Customer, CustomerId, EnterpriseId, email_key};
use thiserror::Error;

use crate::engine::{Tx, Value, with};
use crate::{CustomerDraft, PlaceOrderError, Store, StoreError};

/// An error of [`Store::create_customer`].
#[derive(Debug, Clone, Error)]
pub enum CreateCustomerError {
    /// Another customer has this reference.
    #[error("customer reference already used")]
    RefTaken,
    /// Another customer has this e-mail.
    #[error("e-mail already used")]
    EmailTaken,
    /// Another customer has this phone.
    #[error("phone already used")]
    PhoneTaken,
    /// Below the domain.
    #[error(transparent)]
    Store(#[from] StoreError),
}

crate::error::over_store!(CreateCustomerError);

impl Store {
    /// Creates a customer; its reference, e-mail and phone must not be another one's.
    ///
    /// # Errors
    /// [`CreateCustomerError`]; the reference is checked first, then the e-mail.
    pub async fn create_customer(&self, customer: Customer) -> Result<(), CreateCustomerError> {
        self.write_past_races(with(customer, create)).await
    }
}

async fn create(tx: &Tx, customer: &Customer) -> Result<(), CreateCustomerError> {
    let mut known = known(tx, customer).await?;
    if known.by_ref.is_none() {
        // An equal customer may have been added between the queries: its reference counts first.
        let by_ref = customer.customer_ref.as_ref().map(Value::from);
        known.by_ref = find(tx, customer.enterprise_id, "customer_ref", by_ref).await?;
    }
    match (known.by_ref, known.by_email, known.by_phone) {
        (Some(_), _, _) => Err(CreateCustomerError::RefTaken),
        (_, Some(_), _) => Err(CreateCustomerError::EmailTaken),
        (_, _, Some(_)) => Err(CreateCustomerError::PhoneTaken),
        (None, None, None) => Ok(insert_customer(tx, customer).await?),
    }
}

/// The customers that share something with the data of an order.
struct Known {
    by_ref: Option<Customer>,
    by_email: Option<Customer>,
    by_phone: Option<Customer>,
}

/// The decision from the data of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Reuse(CustomerId),
    Create,
}

/// Finds or creates the customer of an order.
pub(crate) async fn settle_customer(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    draft: &CustomerDraft,
) -> Result<CustomerId, PlaceOrderError> {
    let data = match draft {
        CustomerDraft::Existing(customer_id) | CustomerDraft::Identified { customer_id, .. } => {
            let found = tx.by_key::<Customer>((enterprise_id, *customer_id)).await?;
            return found.map(|it| it.customer_id).ok_or(PlaceOrderError::CustomerNotFound);
        }
        CustomerDraft::Data(customer) => customer,
    };
    let data = &Customer { enterprise_id, ..data.clone() };
    match choose(data, &known(tx, data).await?)? {
        Choice::Reuse(customer_id) => Ok(customer_id),
        Choice::Create => {
            insert_customer(tx, data).await?;
            Ok(data.customer_id)
        }
    }
}

/// The customers that share something with a customer's data.
async fn known(tx: &Tx, data: &Customer) -> Result<Known, StoreError> {
    let enterprise_id = data.enterprise_id;
    let text = |value: &Option<String>| value.as_ref().map(Value::from);
    Ok(Known {
        by_ref: find(tx, enterprise_id, "customer_ref", text(&data.customer_ref)).await?,
        by_email: find(tx, enterprise_id, "email_key", key_of(data).map(Value::from)).await?,
        by_phone: find(tx, enterprise_id, "phone", text(&data.phone)).await?,
    })
}

/// The key by which a customer's e-mail is compared.
fn key_of(customer: &Customer) -> Option<String> {
    customer.email.as_deref().map(email_key)
}

/// The same reference, or the same e-mail and phone, is the same customer. A reference with other
/// data is refused, and so is data of which any part belongs to another customer.
fn choose(data: &Customer, known: &Known) -> Result<Choice, PlaceOrderError> {
    if let Some(named) = &known.by_ref {
        let email_agrees = data.email.is_none() || key_of(data) == key_of(named);
        if email_agrees && (data.phone.is_none() || data.phone == named.phone) {
            return Ok(Choice::Reuse(named.customer_id));
        }
        return Err(PlaceOrderError::CustomerRefTaken);
    }
    let found = known.by_email.as_ref().or(known.by_phone.as_ref());
    let Some(found) = found else { return Ok(Choice::Create) };
    // An order that names only one of the two means a customer who has only that one.
    if key_of(found) == key_of(data) && found.phone == data.phone {
        return Ok(Choice::Reuse(found.customer_id));
    }
    let email_taken = known.by_email.is_some();
    Err(if email_taken { PlaceOrderError::EmailTaken } else { PlaceOrderError::PhoneTaken })
}

async fn find(
    tx: &Tx,
    enterprise_id: EnterpriseId,
    column: &str,
    value: Option<Value>,
) -> Result<Option<Customer>, StoreError> {
    let Some(value) = value else { return Ok(None) };
    tx.by_column(enterprise_id, column, value).await
}

/// Writes a new customer with the key by which its e-mail is compared.
pub(crate) async fn insert_customer(tx: &Tx, customer: &Customer) -> Result<(), StoreError> {
    tx.insert_with(customer, &[("email_key", key_of(customer).into())]).await
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    fn customer(id: i64, customer_ref: &str, email: &str, phone: &str) -> Customer {
        let text = |value: &str| (!value.is_empty()).then(|| value.to_owned());
        Customer {
            enterprise_id: EnterpriseId::from_i64(1),
            customer_id: CustomerId::from_i64(id),
            customer_ref: text(customer_ref),
            email: text(email),
            phone: text(phone),
            phone_country_code: None,
            created_at: Timestamp::default(),
            modified_at: Timestamp::default(),
        }
    }

    /// The outcome for an order's data when ann (ref, e-mail and phone), bob (e-mail and phone) and
    /// cat (e-mail) are known.
    fn outcome(customer_ref: &str, email: &str, phone: &str) -> String {
        let all = [
            customer(1, "ann", "ann@x", "+1"),
            customer(2, "", "bob@x", "+2"),
            customer(3, "", "cat@x", ""),
        ];
        let data = customer(9, customer_ref, email, phone);
        let by = |key: fn(&Customer) -> &Option<String>| {
            let same = |it: &&Customer| key(it).is_some() && key(it) == key(&data);
            all.iter().find(same).cloned()
        };
        let same_email = |it: &&Customer| key_of(it).is_some() && key_of(it) == key_of(&data);
        let known = Known {
            by_ref: by(|it| &it.customer_ref),
            by_email: all.iter().find(same_email).cloned(),
            by_phone: by(|it| &it.phone),
        };
        match choose(&data, &known) {
            Ok(Choice::Reuse(id)) => format!("reuse {id}"),
            Ok(Choice::Create) => "create".to_owned(),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn same_reference_or_same_email_and_phone_is_the_same_customer() {
        assert_eq!(outcome("ann", "ann@x", "+1"), "reuse 1");
        assert_eq!(outcome("ann", "ann@x", ""), "reuse 1");
        assert_eq!(outcome("", "ann@x", "+1"), "reuse 1");
        assert_eq!(outcome("other", "bob@x", "+2"), "reuse 2");
        assert_eq!(outcome("", "cat@x", ""), "reuse 3");
        assert_eq!(outcome("", "CAT@x", ""), "reuse 3");
        assert_eq!(outcome("ann", "ann@\u{ff58}", ""), "reuse 1");
    }

    #[test]
    fn a_part_that_belongs_to_someone_else_is_refused() {
        assert_eq!(outcome("", "ann@x", "+9"), "EmailTaken");
        assert_eq!(outcome("", "ann@x", ""), "EmailTaken");
        assert_eq!(outcome("", "new@x", "+1"), "PhoneTaken");
        assert_eq!(outcome("", "ann@x", "+2"), "EmailTaken");
        assert_eq!(outcome("", "", "+1"), "PhoneTaken");
    }

    #[test]
    fn a_reference_with_other_data_is_refused() {
        assert_eq!(outcome("ann", "bob@x", "+2"), "CustomerRefTaken");
        assert_eq!(outcome("ann", "ann@x", "+9"), "CustomerRefTaken");
    }

    #[test]
    fn new_data_makes_a_new_customer() {
        assert_eq!(outcome("dan", "dan@x", "+4"), "create");
        assert_eq!(outcome("", "dan@x", ""), "create");
    }
}
