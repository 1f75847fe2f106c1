//! Cards (cardbridge-open-api.md section 6.2).

use domain::Card;

use super::answer::answer;
use super::body::{FieldType, body};
use super::dictionary;
use super::problem::ParseError;
use super::reading::Object;
use crate::field::{Field, Kind, Table};

/// Path of the detail of one card; query [`CARD_ID`](super::query::CARD_ID).
pub const DETAIL_PATH: &str = "/open-api/card/v1/detail";
/// Path of the cards of one customer; query [`CUSTOMER_ID`](super::query::CUSTOMER_ID).
pub const LIST_PATH: &str = "/open-api/card/v1/list";
/// Path of [`Freeze`].
pub const FREEZE_PATH: &str = "/open-api/card/v1/freeze";
/// Path of [`Terminate`].
pub const TERMINATE_PATH: &str = "/open-api/card/v1/terminate";

body! {
    /// A body that names a card and nothing else.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CardIdBody {
        /// The card.
        pub card_id: String = "cardId": Kind::Id,
    }
}

body! {
    /// `POST card/v1/freeze`: freezes a card, or lifts that.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Freeze {
        /// The card.
        pub card_id: String = "cardId": Kind::Id,
        /// True freezes, false unfreezes.
        pub freeze: bool = "freeze": Kind::Boolean,
        /// Free text; unknown reasons count as USER_FREEZE.
        pub freeze_reason: Option<String> = "freezeReason": Kind::Code(&dictionary::FREEZE_REASON),
    }
}

body! {
    /// `POST card/v1/terminate`: ends a card for good.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Terminate {
        /// The card.
        pub card_id: String = "cardId": Kind::Id,
        /// `CARD_LOST`, `CARD_STOLEN` or free text.
        pub invalidate_reason: String = "invalidateReason":
            Kind::Code(&dictionary::INVALIDATE_REASON),
    }
}

answer! {
    /// A card as replies show it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CardBody of card: Card {
        /// Id.
        pub card_id: String = card.card_id.to_string(),
        /// Owner.
        pub enterprise_id: String = card.enterprise_id.to_string(),
        /// Profile issued under.
        pub profile_id: String = card.profile_id.to_string(),
        /// `VIRTUAL` or `PHYSICAL`.
        #[serde(rename = "type")]
        pub card_type: String = card.card_type.to_string(),
        /// Cardholder.
        pub customer_id: String = card.customer_id.to_string(),
        /// State.
        pub status: String = card.status.to_string(),
        /// Why: `NORMAL` or `USER_FREEZE`.
        pub status_reason: String = card.status_reason.to_string(),
        /// First six digits of the PAN.
        pub pan_first6: String = card.pan_first6.clone(),
        /// Last four digits of the PAN.
        pub pan_last4: String = card.pan_last4.clone(),
        /// Created, UTC+8.
        pub create_time: String = card.created_at.to_utc8(),
        /// Last changed, UTC+8.
        pub modify_time: String = card.modified_at.to_utc8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cardbridge::test_objects;

    #[test]
    fn freeze_and_terminate_are_read() {
        let freeze = Freeze::parse(br#"{"cardId":"card_1","freeze":"true","freezeReason":null}"#);
        let expected = Freeze { card_id: "card_1".to_owned(), freeze: true, freeze_reason: None };
        assert_eq!(freeze, Ok(expected));
        let error = Freeze::parse(br#"{"cardId":"1"}"#).unwrap_err();
        assert_eq!(error.to_string(), "freeze is missing");
        let terminate = Terminate::parse(br#"{"cardId":1,"invalidateReason":"lost it"}"#).unwrap();
        assert_eq!((&*terminate.card_id, &*terminate.invalidate_reason), ("1", "lost it"));
        let error = Terminate::parse(br#"{"cardId":"1"}"#).unwrap_err();
        assert_eq!(error.to_string(), "invalidateReason is missing");
    }

    #[test]
    fn a_card_is_shown_as_published() {
        assert_eq!(
            serde_json::to_string(&CardBody::from(&test_objects::card())).unwrap(),
            concat!(
                r#"{"cardId":"4591298458535677185","enterpriseId":"4538700000000000001","#,
                r#""profileId":"4538749501943027969","type":"VIRTUAL","#,
                r#""customerId":"4595849907119562497","status":"ACTIVATED","#,
                r#""statusReason":"NORMAL","panFirst6":"411111","panLast4":"1111","#,
                r#""createTime":"2025-01-15T10:30:00+08:00","#,
                r#""modifyTime":"2025-01-15T10:30:00+08:00"}"#
            )
        );
    }
}
