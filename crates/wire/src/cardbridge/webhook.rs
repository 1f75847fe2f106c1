//! Webhooks: the exact bytes that tell an enterprise about an event (cardbridge-open-api.md section
//! 9). Keys are sorted at every level, and fields without a value are sent as null.

use domain::{
    Authorisation, AuthorisationStatus, Card, CardOrder, EnterpriseId, IntentTicket,
    ThreeDsChallenge, Timestamp, WebhookEvent, WebhookId, WebhookSubType, WebhookType,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;
use utoipa::ToSchema;

use super::answer::answer;
use super::intent_ticket::IntentTicketBody;
use super::order::CardOrderBody;
use super::sorted_json;
use super::three_ds::ChallengeBody;

/// Fields of every webhook.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookBody<T> {
    /// Deduplication key.
    pub webhook_id: String,
    /// What it is about.
    pub webhook_type: String,
    /// `CREATE` or `UPDATE`.
    pub webhook_sub_type: String,
    /// Id of the object.
    pub business_id: String,
    /// The object.
    pub data: T,
    /// When the event happened, UTC+8.
    pub notification_time: String,
}

/// A webhook whose data is still unread, as a receiver gets it.
pub type ReceivedWebhook = WebhookBody<Box<RawValue>>;

answer! {
    /// Data of a CARD webhook. It differs from the card of replies: errorCode and
    /// errorReason in place of statusReason.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CardData of card: Card {
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
        /// Always null: a card record exists only once issuing succeeded.
        pub error_code: Option<String> = None,
        /// Always null, as `errorCode`.
        pub error_reason: Option<String> = None,
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

/// Data of an AUTHORISATION_RESULT webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthorisationResultData {
    /// The authorisation.
    pub auth_id: String,
    /// `A` approved, `D` declined.
    pub approve_flag: String,
    /// `DAPI_AUTH_*` if declined.
    pub reject_reason: Option<String>,
    /// When it was decided, UTC+8.
    pub approve_date: String,
}

/// An authorisation that has no decision yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the authorisation is not decided")]
pub struct UndecidedError;

/// The webhook of a card order as it stands.
#[must_use]
pub fn card_order_event(
    order: &CardOrder,
    webhook_id: WebhookId,
    sub_type: WebhookSubType,
    now: Timestamp,
) -> WebhookEvent {
    let about = (order.enterprise_id, WebhookType::CardOrder, order.order_id.as_i64());
    event(about, CardOrderBody::from(order), webhook_id, sub_type, now)
}

/// The webhook of a card as it stands.
#[must_use]
pub fn card_event(
    card: &Card,
    webhook_id: WebhookId,
    sub_type: WebhookSubType,
    now: Timestamp,
) -> WebhookEvent {
    let about = (card.enterprise_id, WebhookType::Card, card.card_id.as_i64());
    event(about, CardData::from(card), webhook_id, sub_type, now)
}

/// The webhook of an intent ticket as it stands.
#[must_use]
pub fn intent_ticket_event(
    ticket: &IntentTicket,
    webhook_id: WebhookId,
    sub_type: WebhookSubType,
    now: Timestamp,
) -> WebhookEvent {
    let about = (ticket.enterprise_id, WebhookType::IntentTicket, ticket.ticket_id.as_i64());
    event(about, IntentTicketBody::from(ticket), webhook_id, sub_type, now)
}

/// The webhook of an authorisation's decision.
///
/// # Errors
/// There is no decision yet.
pub fn authorisation_result_event(
    authorisation: &Authorisation,
    webhook_id: WebhookId,
    sub_type: WebhookSubType,
    now: Timestamp,
) -> Result<WebhookEvent, UndecidedError> {
    let approve_flag = match authorisation.status {
        AuthorisationStatus::Pending => return Err(UndecidedError),
        AuthorisationStatus::Approved => "A",
        AuthorisationStatus::Declined => "D",
    };
    let decided_at = authorisation.decided_at.ok_or(UndecidedError)?;
    let data = AuthorisationResultData {
        auth_id: authorisation.auth_id.to_string(),
        approve_flag: approve_flag.to_owned(),
        reject_reason: authorisation.reject_reason.map(|code| code.to_string()),
        approve_date: decided_at.to_utc8(),
    };
    let about = (
        authorisation.enterprise_id,
        WebhookType::AuthorisationResult,
        authorisation.auth_id.as_i64(),
    );
    Ok(event(about, data, webhook_id, sub_type, now))
}

/// The webhook of a 3DS challenge as it stands; the first one is the request for a verdict
/// (cardbridge-open-api.md section 13, C23).
#[must_use]
pub fn challenge_event(
    challenge: &ThreeDsChallenge,
    webhook_id: WebhookId,
    sub_type: WebhookSubType,
    now: Timestamp,
) -> WebhookEvent {
    let about = (
        challenge.enterprise_id,
        WebhookType::Authorisation3dsChallenge,
        challenge.challenge_id.as_i64(),
    );
    event(about, ChallengeBody::from(challenge), webhook_id, sub_type, now)
}

/// The webhook of this type that tells an enterprise about the object with this id.
fn event<T: Serialize>(
    (enterprise_id, webhook_type, business_id): (EnterpriseId, WebhookType, i64),
    data: T,
    webhook_id: WebhookId,
    sub_type: WebhookSubType,
    now: Timestamp,
) -> WebhookEvent {
    let body = WebhookBody {
        webhook_id: webhook_id.to_string(),
        webhook_type: webhook_type.to_string(),
        webhook_sub_type: sub_type.to_string(),
        business_id: business_id.to_string(),
        data,
        notification_time: now.to_utc8(),
    };
    WebhookEvent {
        enterprise_id,
        vm_app_id: None,
        webhook_id,
        webhook_type,
        sub_type,
        business_id,
        body: sorted_json::to_vec(&body).expect("structs of texts and flags are JSON"),
        created_at: now,
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        CardId, ChallengeId, ChallengeStatus, Currency, ErrorCode, Merchant, Money, OrderFailure,
        OrderStatus,
    };

    use super::*;
    use crate::cardbridge::test_objects::{authorisation, card, moment, order};

    fn id() -> WebhookId {
        WebhookId::from_i64(4_934_950_835_815_649_999)
    }

    fn text(event: &WebhookEvent) -> &str {
        std::str::from_utf8(&event.body).unwrap()
    }

    #[test]
    fn a_card_order_body_is_these_bytes() {
        let mut order = order();
        order.status = OrderStatus::Failed;
        order.card_id = Some(CardId::from_i64(7));
        order.failure = Some(OrderFailure {
            error_code: ErrorCode::CardOrderKycVerifyFailed,
            error_reason: "kyc verify failed".to_owned(),
        });
        let event = card_order_event(&order, id(), WebhookSubType::Update, moment());
        assert_eq!(
            text(&event),
            concat!(
                r#"{"businessId":"4648341259241665024","data":{"cardId":"7","#,
                r#""cardOrderId":"4648341259241665024","cardOrderRef":"ord-1001","#,
                r#""createTime":"2025-01-15T10:30:00+08:00","customerId":"4879846599637290752","#,
                r#""errorCode":"DAPI_CARD_ORDER_KYC_VERIFY_FAILED","#,
                r#""errorReason":"kyc verify failed","modifyTime":"2025-01-15T10:30:00+08:00","#,
                r#""needEddFile":false,"profileId":"4874478085033224960","#,
                r#""replaceCardId":null,"status":"FAILED","type":"VIRTUAL"},"#,
                r#""notificationTime":"2025-01-15T10:30:00+08:00","#,
                r#""webhookId":"4934950835815649999","webhookSubType":"UPDATE","#,
                r#""webhookType":"CARD_ORDER"}"#
            )
        );
        assert_eq!(event.business_id, order.order_id.as_i64());
    }

    #[test]
    fn a_card_body_is_these_bytes() {
        let event = card_event(&card(), id(), WebhookSubType::Create, moment());
        assert_eq!(
            text(&event),
            concat!(
                r#"{"businessId":"4591298458535677185","data":{"cardId":"4591298458535677185","#,
                r#""createTime":"2025-01-15T10:30:00+08:00","customerId":"4595849907119562497","#,
                r#""enterpriseId":"4538700000000000001","errorCode":null,"errorReason":null,"#,
                r#""modifyTime":"2025-01-15T10:30:00+08:00","panFirst6":"411111","#,
                r#""panLast4":"1111","profileId":"4538749501943027969","status":"ACTIVATED","#,
                r#""type":"VIRTUAL"},"notificationTime":"2025-01-15T10:30:00+08:00","#,
                r#""webhookId":"4934950835815649999","webhookSubType":"CREATE","#,
                r#""webhookType":"CARD"}"#
            )
        );
    }

    #[test]
    fn an_authorisation_result_body_is_these_bytes() {
        let mut authorisation = authorisation();
        authorisation.status = AuthorisationStatus::Declined;
        authorisation.reject_reason = Some(ErrorCode::AuthEnterpriseReject);
        authorisation.decided_at = Some(moment());
        let event =
            authorisation_result_event(&authorisation, id(), WebhookSubType::Create, moment())
                .unwrap();
        assert_eq!(
            text(&event),
            concat!(
                r#"{"businessId":"4934950835815641999","data":{"#,
                r#""approveDate":"2025-01-15T10:30:00+08:00","approveFlag":"D","#,
                r#""authId":"4934950835815641999","rejectReason":"DAPI_AUTH_ENTERPRISE_REJECT"},"#,
                r#""notificationTime":"2025-01-15T10:30:00+08:00","#,
                r#""webhookId":"4934950835815649999","webhookSubType":"CREATE","#,
                r#""webhookType":"AUTHORISATION_RESULT"}"#
            )
        );
    }

    #[test]
    fn a_challenge_body_is_these_bytes() {
        let challenge = ThreeDsChallenge {
            enterprise_id: EnterpriseId::from_i64(1),
            challenge_id: ChallengeId::from_i64(4_527_539_408_912_732_928),
            card_id: CardId::from_i64(4_591_298_458_535_677_185),
            status: ChallengeStatus::Init,
            amount: Money::new(2550, Currency::SGD),
            merchant: Merchant { merchant_id: Some("M1".to_owned()), ..Merchant::default() },
            expires_at: moment().plus_seconds(300),
            created_at: moment(),
            modified_at: moment(),
        };
        let event = challenge_event(&challenge, id(), WebhookSubType::Create, moment());
        assert_eq!(
            text(&event),
            concat!(
                r#"{"businessId":"4527539408912732928","data":{"amount":25.50,"#,
                r#""cardId":"4591298458535677185","challengeId":"4527539408912732928","#,
                r#""currency":"702","expiryTime":"2025-01-15T10:35:00+08:00","mcc":null,"#,
                r#""merchantCountry":null,"merchantId":"M1","merchantName":null,"status":"INIT"},"#,
                r#""notificationTime":"2025-01-15T10:30:00+08:00","#,
                r#""webhookId":"4934950835815649999","webhookSubType":"CREATE","#,
                r#""webhookType":"AUTHORISATION_3DS_CHALLENGE"}"#
            )
        );
    }

    #[test]
    fn an_open_authorisation_has_no_result() {
        let event =
            authorisation_result_event(&authorisation(), id(), WebhookSubType::Create, moment());
        assert_eq!(event, Err(UndecidedError));
    }
}
