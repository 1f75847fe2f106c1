//! Orders in place of a card, and activation and shipping of physical cards (cardbridge-open-api.md
//! sections 6.1.2, 6.1.3, 6.2.6 and 6.2.8).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{FieldType, body};
use super::problem::ParseError;
use super::reading::{Object, TEXT};
use crate::field::{Field, Kind, Table};

/// Path of [`VirtualToPhysical`].
pub const VIRTUAL_TO_PHYSICAL_PATH: &str = "/open-api/card-order/v1/virtual-to-physical";
/// Path of [`Replace`].
pub const REPLACE_PATH: &str = "/open-api/card-order/v1/replace";
/// Path of the activation; the body is a [`CardIdBody`](super::card::CardIdBody).
pub const PHYSICAL_ACTIVE_PATH: &str = "/open-api/card/v1/physical-active";
/// Path of [`ShippingInfoBody`]; query [`CARD_ID`](super::query::CARD_ID).
pub const SHIPPING_INFO_PATH: &str = "/open-api/card/v1/shipping-info";

body! {
    /// `POST card-order/v1/virtual-to-physical`: a physical twin of a virtual card.
    #[derive(Clone, PartialEq, Eq)]
    pub struct VirtualToPhysical {
        /// The caller's own reference.
        pub card_order_ref: String = "cardOrderRef": Kind::Reference,
        /// The virtual card.
        pub replace_card_id: String = "replaceCardId": Kind::Id,
        /// What it looks like and where it goes.
        pub virtual_to_physical_info: PhysicalInfo = "virtualToPhysicalInfo":
            Kind::Object(&PhysicalInfo::TABLE),
    }
}

body! {
    /// What a physical card looks like and where it goes. Personal data: none of it goes to a
    /// log.
    #[derive(Clone, PartialEq, Eq, Default, Deserialize)]
    pub struct PhysicalInfo with nulls {
        /// Country it goes to, alpha-2.
        pub country_code: String = "countryCode": Kind::Country,
        /// State or province; `province` is read too.
        pub state: Option<String> = "state" or "province": TEXT,
        /// The name on the card, 1 to 26 of `A-Z a-z 0-9 space . ' -`.
        pub embossing_name: String = "embossingName": Kind::EmbossingName,
        /// City.
        pub city: Option<String> = "city": TEXT,
        /// Postal code.
        pub postal_code: Option<String> = "postalCode": TEXT,
        /// Address.
        pub address: Option<String> = "address": TEXT,
        /// Address, continued.
        pub address2: Option<String> = "address2": TEXT,
        /// Address, continued.
        pub address3: Option<String> = "address3": TEXT,
        /// Address, continued.
        pub address4: Option<String> = "address4": TEXT,
        /// Address, continued.
        pub address5: Option<String> = "address5": TEXT,
        /// One of the profile's layouts.
        pub card_layout_code: String = "cardLayoutCode": TEXT,
        /// Whether `shipping-info` reports how it travels.
        pub need_shipping_info: bool = "needShippingInfo": Kind::Flag,
        /// Country of the phone number, alpha-2.
        pub mail_mobile_code: Option<String> = "mailMobileCode": Kind::Country,
        /// Phone number for the carrier, as written.
        pub mail_mobile: Option<String> = "mailMobile": TEXT,
    }
}

body! {
    /// `POST card-order/v1/replace`: a new number for a card.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Replace {
        /// The caller's own reference.
        pub card_order_ref: String = "cardOrderRef": Kind::Reference,
        /// The card to replace.
        pub replace_card_id: String = "replaceCardId": Kind::Id,
    }
}

/// How a physical card travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShippingInfoBody {
    /// The card.
    pub card_id: String,
    /// The carrier's number; null until it is shipped, or if it was not asked for.
    pub tracking_number: Option<String>,
    /// The carrier; null likewise.
    pub tracking_company_name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"{"cardOrderRef":"v2p-1","replaceCardId":"4591298458535677185","virtualToPhysicalInfo":{"countryCode":"SG","province":"Singapore","city":"Singapore","postalCode":"000001","address":"1 Test Road","embossingName":"TEST USER","cardLayoutCode":"LAYOUT1","needShippingInfo":true,"mailMobileCode":"SG","mailMobile":"80000000"}}"#;

    fn info(body: &str) -> Result<PhysicalInfo, String> {
        let order = VirtualToPhysical::parse(body.as_bytes());
        order.map(|order| order.virtual_to_physical_info).map_err(|error| error.to_string())
    }

    #[test]
    fn the_published_sample_is_read() {
        let info = info(SAMPLE).ok().unwrap();
        assert_eq!(info.country_code, "SG");
        assert_eq!(info.state.as_deref(), Some("Singapore"));
        assert_eq!(info.embossing_name, "TEST USER");
        assert!(info.need_shipping_info);
        assert_eq!(info.address2, None);
    }

    #[test]
    fn both_spellings_of_the_state_are_read_and_state_wins() {
        let state = SAMPLE.replace("province", "state");
        assert!(info(&state).ok() == info(SAMPLE).ok());
        let both = SAMPLE.replace(r#""province":"#, r#""state":"Central","province":"#);
        assert_eq!(info(&both).ok().unwrap().state.as_deref(), Some("Central"));
    }

    #[test]
    fn what_is_kept_reads_back_the_same() {
        let read = info(SAMPLE).ok().unwrap();
        let kept = serde_json::to_string(&read).unwrap();
        assert!(serde_json::from_str::<PhysicalInfo>(&kept).unwrap() == read);
    }

    #[test]
    fn names_that_cannot_be_embossed_are_refused() {
        let named = |name: &str| info(&SAMPLE.replace("TEST USER", name)).err();
        assert_eq!(named("J. O'Neil-Li 3rd"), None);
        assert_eq!(named(&"X".repeat(26)), None);
        let refusal =
            "virtualToPhysicalInfo.embossingName must be 1 to 26 of A-Z a-z 0-9 space . ' -";
        for bad in ["X".repeat(27).as_str(), "JOSÉ", "A/B", "A\\tB"] {
            assert_eq!(named(bad).as_deref(), Some(refusal), "{bad}");
        }
        assert_eq!(named("  ").as_deref(), Some("virtualToPhysicalInfo.embossingName is missing"));
    }

    #[test]
    fn missing_parts_are_named() {
        for (from, to, text) in [
            ("virtualToPhysicalInfo", "info", "virtualToPhysicalInfo is missing"),
            ("cardOrderRef", "ref", "cardOrderRef is missing"),
            ("replaceCardId", "id", "replaceCardId is missing"),
            ("countryCode", "country", "virtualToPhysicalInfo.countryCode is missing"),
            ("cardLayoutCode", "layout", "virtualToPhysicalInfo.cardLayoutCode is missing"),
            (
                "v2p-1",
                "ref\u{200b}",
                "cardOrderRef must be 1 to 128 visible characters without a blank at either end",
            ),
        ] {
            assert_eq!(info(&SAMPLE.replace(from, to)).err().as_deref(), Some(text));
        }
        let error = Replace::parse(br#"{"cardOrderRef":"r"}"#).unwrap_err();
        assert_eq!(error.to_string(), "replaceCardId is missing");
    }
}
