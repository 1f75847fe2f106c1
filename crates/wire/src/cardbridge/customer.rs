//! Customers (cardbridge-open-api.md section 6.7). Personal data: none of it goes to a log.

use domain::Customer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::field::{Field, Kind};

/// Path of a [`CustomerInfo`](super::applicant::CustomerInfo), as the collection has it.
pub const CREATE_CUSTOMER_PATH: &str = "/open-api/customer/v1/create-customer";
/// The other path of the same (cardbridge-open-api.md section 13, C10).
pub const CREATE_PATH: &str = "/open-api/customer/v1/create";
/// Path of [`WANTED_CUSTOMER`].
pub const DETAIL_PATH: &str = "/open-api/customer/v1/detail";

/// The one state of a customer.
const ACTIVE: &str = "ACTIVE";

/// The query of `GET customer/v1/detail`.
pub const WANTED_CUSTOMER: [Field; 2] = [
    Field::of("customerId", "The customer", Kind::Id),
    Field::of("customerRef", "The enterprise's own reference", Kind::Reference),
];

/// A customer as replies show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomerBody {
    /// Id.
    pub customer_id: String,
    /// The enterprise's own reference.
    pub customer_ref: Option<String>,
    /// The country as the caller wrote it.
    pub phone_country_code: Option<String>,
    /// E.164.
    pub phone: Option<String>,
    /// Lower case.
    pub email: Option<String>,
    /// `ACTIVE`.
    pub status: String,
    /// Created, UTC+8.
    pub create_time: String,
    /// Last changed, UTC+8.
    pub modify_time: String,
}

impl From<&Customer> for CustomerBody {
    fn from(customer: &Customer) -> Self {
        Self {
            customer_id: customer.customer_id.to_string(),
            customer_ref: customer.customer_ref.clone(),
            phone_country_code: customer.phone_country_code.clone(),
            phone: customer.phone.clone(),
            email: customer.email.clone(),
            status: ACTIVE.to_owned(),
            create_time: customer.created_at.to_utc8(),
            modify_time: customer.modified_at.to_utc8(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cardbridge::applicant::CustomerInfo;
    use crate::cardbridge::problem::Problem;
    use crate::cardbridge::query::Query;

    #[test]
    fn the_sample_of_the_collection_is_read() {
        let body = br#"{"phoneCountryCode":"MY","phone":122765673,"email":"a@b.test","customerRef":"c-1"}"#;
        let info = CustomerInfo::parse(body).ok().unwrap();
        assert_eq!(info.phone.as_deref(), Some("122765673"));
        assert_eq!(info.phone_country_code.as_deref(), Some("MY"));
        assert_eq!(info.customer_ref.as_deref(), Some("c-1"));
        let error = CustomerInfo::parse(br#"{"customerRef":"a b "}"#).err().unwrap();
        assert_eq!(error.problem, Problem::NotAReference);
    }

    #[test]
    fn a_detail_query_names_a_customer() {
        let parse = |raw_query| Query::parse(raw_query)?.id_or_reference(&WANTED_CUSTOMER);
        let query = parse(Some("customerRef=c-1")).unwrap();
        assert_eq!(query.reference.as_deref(), Some("c-1"));
        for bad in [None, Some(""), Some("customerId="), Some("cardId=1")] {
            let error = parse(bad).unwrap_err();
            assert_eq!(error.to_string(), "customerId or customerRef is missing");
        }
    }
}
