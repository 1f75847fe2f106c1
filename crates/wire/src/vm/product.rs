//! getProductCode (vm-api.md section 6.2).

use serde::Serialize;

/// Path of the call.
pub const PRODUCTS_PATH: &str = "/getProductCode";

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
    /// Card scheme, `Mastercard` or `Visa`.
    pub network: String,
    /// Always `virtual`.
    pub media: &'static str,
    /// Where it is issued.
    pub issuing_area: String,
    /// How many more cards may be opened.
    pub remaining_open_card_num: i64,
}
