//! getProductCode (vm-api.md section 6.2).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schema;

/// Path of the call.
pub const PRODUCTS_PATH: &str = "/getProductCode";

/// The networks that this dialect knows, in its spelling (vm-api.md section 16, row 11).
const NETWORKS: [&str; 2] = ["Mastercard", "Visa"];

/// All products of an app; always complete, since a client forgets those that are missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Products {
    /// The products.
    pub list: Vec<Product>,
}

/// The products from which cards can be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Product {
    /// What createCard takes.
    pub product_code: String,
    /// First digits of its PANs.
    #[schema(pattern = r"^\d{6,12}$")]
    pub bin: String,
    /// `save` or `share`.
    #[serde(rename = "type")]
    #[schema(schema_with = schema::funding)]
    pub kind: Cow<'static, str>,
    /// Card scheme, `Mastercard` or `Visa` where it is one of them.
    pub network: String,
    /// Always `virtual`.
    pub media: Cow<'static, str>,
    /// Where it is issued.
    pub issuing_area: String,
    /// Number of cards that may still be opened.
    pub remaining_open_card_num: i64,
}

/// The name of a card network as this dialect spells it; an unknown name stays as it is.
#[must_use]
pub fn network_text(name: &str) -> String {
    let known = NETWORKS.into_iter().find(|it| it.eq_ignore_ascii_case(name));
    known.unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_spelt_as_published() {
        for (stored, shown) in [
            ("VISA", "Visa"),
            ("Visa", "Visa"),
            ("MASTERCARD", "Mastercard"),
            ("mastercard", "Mastercard"),
            ("UnionPay", "UnionPay"),
        ] {
            assert_eq!(network_text(stored), shown);
        }
    }
}
