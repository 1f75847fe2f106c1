//! getProductCode (vm-api.md section 6.2).

use serde::Serialize;

/// Path of the call.
pub const PRODUCTS_PATH: &str = "/getProductCode";

/// How this dialect spells the networks that it knows (vm-api.md section 16, 11).
const NETWORKS: [&str; 2] = ["Mastercard", "Visa"];

/// All products of an app; always complete, since a client forgets those that are missing.
#[derive(Debug, Serialize)]
pub struct Products {
    /// The products.
    pub list: Vec<Product>,
}

/// What a card can be opened of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Product {
    /// What createCard takes.
    pub product_code: String,
    /// First digits of its PANs.
    pub bin: String,
    /// `save` or `share`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Card scheme, see [`network_text`].
    pub network: String,
    /// Always `virtual`.
    pub media: &'static str,
    /// Where it is issued.
    pub issuing_area: String,
    /// How many more cards may be opened.
    pub remaining_open_card_num: i64,
}

/// The name of a card network as this dialect spells it; one that it does not know as it is.
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
