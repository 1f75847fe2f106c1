//! Customers (cardbridge-open-api.md section 6.7). Their data is personal and is never logged.

use domain::Customer;

use super::answer::answer;
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

answer! {
    /// A customer as replies show it.
    #[derive(Clone, PartialEq, Eq)]
    pub struct CustomerBody of customer: Customer {
        /// Id.
        pub customer_id: String = customer.customer_id.to_string(),
        /// The enterprise's own reference.
        pub customer_ref: Option<String> = customer.customer_ref.clone(),
        /// The country as the caller wrote it.
        pub phone_country_code: Option<String> = customer.phone_country_code.clone(),
        /// E.164.
        pub phone: Option<String> = customer.phone.clone(),
        /// Lower case.
        pub email: Option<String> = customer.email.clone(),
        /// `ACTIVE`.
        pub status: String = ACTIVE.to_owned(),
        /// Created, UTC+8.
        pub create_time: String = customer.created_at.to_utc8(),
        /// Last changed, UTC+8.
        pub modify_time: String = customer.modified_at.to_utc8(),
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
