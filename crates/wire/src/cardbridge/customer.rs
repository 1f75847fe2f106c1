//! Customers (cardbridge-open-api.md section 6.7). Personal data: none of it goes to a log.

use domain::Customer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::problem::{ParseError, Problem};
use super::query::Query;

/// Path of a [`CustomerInfo`](super::applicant::CustomerInfo), as the collection has it.
pub const CREATE_CUSTOMER_PATH: &str = "/open-api/customer/v1/create-customer";
/// The other path of the same (cardbridge-open-api.md section 13, C10).
pub const CREATE_PATH: &str = "/open-api/customer/v1/create";
/// Path of [`CustomerQuery`].
pub const DETAIL_PATH: &str = "/open-api/customer/v1/detail";

/// The one state of a customer.
const ACTIVE: &str = "ACTIVE";

/// Which customer is asked for; at least one of both is there, and if both are they must
/// name the same customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerQuery {
    /// `customerId`.
    pub customer_id: Option<String>,
    /// `customerRef`.
    pub customer_ref: Option<String>,
}

impl CustomerQuery {
    /// Reads the query of `GET customer/v1/detail`.
    ///
    /// # Errors
    /// Ill-formed, or neither parameter is there.
    pub fn parse(raw_query: Option<&str>) -> Result<Self, ParseError> {
        let query = Query::parse(raw_query)?;
        let wanted = Self {
            customer_id: query.text("customerId")?,
            customer_ref: query.reference("customerRef")?,
        };
        if wanted.customer_id.is_none() && wanted.customer_ref.is_none() {
            return Err(ParseError::new("customerId or customerRef", Problem::Missing));
        }
        Ok(wanted)
    }
}

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
        let query = CustomerQuery::parse(Some("customerRef=c-1")).unwrap();
        assert_eq!(query.customer_ref.as_deref(), Some("c-1"));
        for bad in [None, Some(""), Some("customerId="), Some("cardId=1")] {
            let error = CustomerQuery::parse(bad).unwrap_err();
            assert_eq!(error.to_string(), "customerId or customerRef is missing");
        }
    }
}
