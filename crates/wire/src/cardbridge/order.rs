//! Card orders (cardbridge-open-api.md section 6.1).

use crypto::{base64_text, field_cipher};
use domain::CardOrder;
use serde::{Serialize, Serializer};
use utoipa::openapi::schema::OneOfBuilder;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::answer::answer;
use super::applicant::{CustomerInfo, KycInfo};
use super::body::{RequestBody, Schemas, describe_all};
use super::problem::{ParseError, Problem};
use super::reading::{CIPHERTEXT, Object};
use crate::field;
use crate::field::{Field, Kind, Table};

/// Path of [`ApplyVirtual`].
pub const APPLY_VIRTUAL_PATH: &str = "/open-api/card-order/v1/apply-virtual";
/// Path of [`WANTED_ORDER`].
pub const DETAIL_PATH: &str = "/open-api/card-order/v1/detail";

const NORMAL_MODE: &str = "NORMAL";
const VIRTUAL_CARD: &str = "VIRTUAL";

const PROFILE_ID: Field = Field::of("profileId", "Profile to issue under", Kind::Id).required();
const CARD_ORDER_REF: Field =
    Field::of("cardOrderRef", "The caller's own reference, used once", Kind::Reference).required();
const TWIN: &str = "Base64 of the AES-256-GCM ciphertext of its plain twin's JSON; wins over it";

/// An application for a virtual card: `POST card-order/v1/apply-virtual`.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ApplyVirtual {
    /// Customer and KYC data come with the request.
    Forwarding(Box<ForwardingApplication>),
    /// Customer and KYC ticket exist already.
    Normal(NormalApplication),
}

/// An application in forwarding mode.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ForwardingApplication {
    /// Profile to issue under.
    pub profile_id: String,
    /// The caller's own reference.
    pub card_order_ref: String,
    /// The customer's contact data.
    pub customer_info: CustomerInfo,
    /// The data for identity checks.
    pub kyc_info: KycInfo,
}

/// An application in NORMAL mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NormalApplication {
    /// Profile to issue under.
    pub profile_id: String,
    /// The caller's own reference.
    pub card_order_ref: String,
    /// Cardholder.
    pub customer_id: String,
    /// Ticket of the cardholder's identity checks.
    pub kyc_ticket_id: String,
}

impl ApplyVirtual {
    /// Reads the body. `secret` is that of the key which signed the request: it opens
    /// the encrypted objects, which win over their plain twins.
    ///
    /// # Errors
    /// A field is missing, ill-formed or cannot be decrypted, or the mode is unknown.
    pub fn parse(body: &[u8], secret: &str) -> Result<Self, ParseError> {
        let object = Object::parse(body)?;
        let profile_id = object.read_required(PROFILE_ID)?;
        let card_order_ref = object.read_required(CARD_ORDER_REF)?;
        let mode = field!(NormalApplication::TABLE, "cardApplyMode");
        match object.text(mode.optional())?.as_deref() {
            None => {
                let (customer_info, kyc_info) = applicant(&object, secret)?;
                let application =
                    ForwardingApplication { profile_id, card_order_ref, customer_info, kyc_info };
                Ok(Self::Forwarding(Box::new(application)))
            }
            Some(NORMAL_MODE) => {
                let card_type = field!(NormalApplication::TABLE, "cardType");
                if object.required_text(card_type)? != VIRTUAL_CARD {
                    return Err(object.wrong(card_type, Problem::UnknownMode));
                }
                let id = |field| object.read_required(field);
                Ok(Self::Normal(NormalApplication {
                    profile_id,
                    card_order_ref,
                    customer_id: id(field!(NormalApplication::TABLE, "customerId"))?,
                    kyc_ticket_id: id(field!(NormalApplication::TABLE, "kycTicketId"))?,
                }))
            }
            Some(_) => Err(object.wrong(mode, Problem::UnknownMode)),
        }
    }
}

impl PartialSchema for ApplyVirtual {
    fn schema() -> RefOr<Schema> {
        let modes = Self::TABLES.iter().map(|table| Ref::from_schema_name(table.name));
        modes.fold(OneOfBuilder::new(), OneOfBuilder::item).into()
    }
}

impl ToSchema for ApplyVirtual {
    fn schemas(schemas: &mut Schemas) {
        describe_all(Self::TABLES, schemas);
    }
}

impl RequestBody for ApplyVirtual {
    const TABLES: &'static [&'static Table] =
        &[&ForwardingApplication::TABLE, &NormalApplication::TABLE];

    fn parse_signed(body: &[u8], secret: &str) -> Result<Self, ParseError> {
        Self::parse(body, secret)
    }
}

impl ForwardingApplication {
    const TABLE: Table = Table::named(
        "ForwardingApplication",
        "Forwarding mode: who applies comes with the request, plain or encrypted.",
        &[
            PROFILE_ID,
            CARD_ORDER_REF,
            Field::object("customerInfo", "", &CustomerInfo::TABLE),
            Field::object("kycInfo", "", &KycInfo::TABLE),
            Field::text("encryptionIV", "Base64 of the IV of both encrypted twins"),
            Field::of("customerInfoEncryption", TWIN, CIPHERTEXT),
            Field::of("kycInfoEncryption", TWIN, CIPHERTEXT),
        ],
    );
}

impl NormalApplication {
    const TABLE: Table = Table::named(
        "NormalApplication",
        "NORMAL mode: customer and KYC ticket exist already.",
        &[
            PROFILE_ID,
            Field::of("cardType", "", Kind::Word(&[VIRTUAL_CARD])).required(),
            CARD_ORDER_REF,
            Field::of("cardApplyMode", "", Kind::Word(&[NORMAL_MODE])).required(),
            Field::of("customerId", "Cardholder", Kind::Id).required(),
            Field::of("kycTicketId", "Ticket of the cardholder's identity checks", Kind::Id)
                .required(),
        ],
    );
}

impl Serialize for NormalApplication {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([
            ("profileId", &*self.profile_id),
            ("cardType", VIRTUAL_CARD),
            ("cardOrderRef", &self.card_order_ref),
            ("cardApplyMode", NORMAL_MODE),
            ("customerId", &self.customer_id),
            ("kycTicketId", &self.kyc_ticket_id),
        ])
    }
}

fn applicant(object: &Object<'_>, secret: &str) -> Result<(CustomerInfo, KycInfo), ParseError> {
    let plain = field!(ForwardingApplication::TABLE, "customerInfo");
    let sealed = field!(ForwardingApplication::TABLE, "customerInfoEncryption");
    let customer_info = part(object, plain, sealed, secret, CustomerInfo::read)?;
    let plain = field!(ForwardingApplication::TABLE, "kycInfo");
    let sealed = field!(ForwardingApplication::TABLE, "kycInfoEncryption");
    let kyc_info = part(object, plain, sealed, secret, KycInfo::read)?;
    Ok((customer_info, kyc_info))
}

/// An object that comes in one of two fields, plain or encrypted.
fn part<T>(
    object: &Object<'_>,
    plain: Field,
    sealed: Field,
    secret: &str,
    read: fn(&Object<'_>) -> Result<T, ParseError>,
) -> Result<T, ParseError> {
    let Some(ciphertext) = object.text(sealed)? else {
        return read(&object.required(plain, object.object(plain)?)?);
    };
    let iv_field = field!(ForwardingApplication::TABLE, "encryptionIV");
    let iv = base64_text::decode(&object.read_required(iv_field)?)
        .ok_or_else(|| object.wrong(iv_field, Problem::Undecipherable))?;
    let json = field_cipher::decrypt(secret, &iv, &ciphertext)
        .map_err(|_| object.wrong(sealed, Problem::Undecipherable))?;
    read(&Object::parse_nested(plain.name, &json)?)
}

/// The query of `GET card-order/v1/detail`.
pub const WANTED_ORDER: [Field; 2] = [
    Field::of("cardOrderId", "The order", Kind::Id),
    Field::of("cardOrderRef", "The caller's own reference", Kind::Reference),
];

answer! {
    /// A card order as replies and webhooks show it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CardOrderBody of order: CardOrder {
        /// Id.
        pub card_order_id: String = order.order_id.to_string(),
        /// Profile issued under.
        pub profile_id: String = order.profile_id.to_string(),
        /// `VIRTUAL`, `VIRTUAL_TO_PHYSICAL` or `REPLACEMENT`.
        #[serde(rename = "type")]
        pub order_type: String = order.order_type.to_string(),
        /// Cardholder.
        pub customer_id: String = order.customer_id.to_string(),
        /// The new card, once the order is SUCCEED.
        pub card_id: Option<String> = order.card_id.map(|id| id.to_string()),
        /// State.
        pub status: String = order.status.to_string(),
        /// What the order failed of; null while it did not.
        pub error_code: Option<String> = order.failure.as_ref().map(|f| f.error_code.to_string()),
        /// The same in words.
        pub error_reason: Option<String> = order.failure.as_ref().map(|f| f.error_reason.clone()),
        /// The caller's own reference.
        pub card_order_ref: String = order.card_order_ref.clone(),
        /// Whether EDD evidence must be supplied.
        pub need_edd_file: bool = order.need_edd_file,
        /// Source card of a twin or replacement.
        pub replace_card_id: Option<String> = order.replace_card_id.map(|id| id.to_string()),
        /// Created, UTC+8.
        pub create_time: String = order.created_at.to_utc8(),
        /// Last changed, UTC+8.
        pub modify_time: String = order.modified_at.to_utc8(),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use domain::ErrorCode;

    use super::*;
    use crate::cardbridge::query::Query;
    use crate::cardbridge::test_objects;

    const SECRET: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    const KYC: &str = r#"{"sumsubShareToken":"pass-1","employmentStatus":"EMPLOYED","sourceOfFunds":"OTHERS","sourceOfWealth":"OTHERS","country":"SGP"}"#;

    fn forwarding(body: &str) -> Result<ForwardingApplication, ParseError> {
        match ApplyVirtual::parse(body.as_bytes(), SECRET)? {
            ApplyVirtual::Forwarding(application) => Ok(*application),
            ApplyVirtual::Normal(_) => panic!("read as NORMAL"),
        }
    }

    fn failure(body: &str) -> (ErrorCode, String) {
        let error = ApplyVirtual::parse(body.as_bytes(), SECRET).err().unwrap();
        (error.code(), error.to_string())
    }

    #[test]
    fn a_forwarding_application_is_read() {
        let body = format!(
            r#"{{"profileId":4874478085033224960,"cardOrderRef":"ord-1","kycInfo":{KYC},
                "customerInfo":{{"phoneCountryCode":"86","phone":"+8613800138000","email":"a@b.test"}}}}"#
        );
        let application = forwarding(&body).ok().unwrap();
        assert_eq!(application.profile_id, "4874478085033224960");
        assert_eq!(application.customer_info.phone_country_code.as_deref(), Some("86"));
        assert_eq!(application.customer_info.customer_ref, None);
        assert_eq!(application.kyc_info.country.as_deref(), Some("SG"));
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let body = format!(
            r#"{{"profileId":"1","cardOrderRef":"ord-1","kycInfo":{KYC},"customerInfo":{{"email":"a@b.test"}}}}"#
        );
        let application = forwarding(&body).ok().unwrap();
        let written = serde_json::to_string(&application).unwrap();
        assert!(forwarding(&written).ok() == Some(application));
    }

    #[test]
    fn encrypted_objects_win_over_plain_ones() {
        for iv in [&[7_u8; 12][..], &[7; 16][..]] {
            let customer = br#"{"email":"sealed@b.test"}"#;
            let sealed_customer = field_cipher::encrypt(SECRET, iv, customer).unwrap();
            let sealed_kyc = field_cipher::encrypt(SECRET, iv, KYC.as_bytes()).unwrap();
            let body = format!(
                r#"{{"profileId":"1","cardOrderRef":"ord-1","encryptionIV":"{}","customerInfo":{{"email":"plain@b.test"}},
                    "customerInfoEncryption":"{sealed_customer}","kycInfoEncryption":"{sealed_kyc}"}}"#,
                STANDARD.encode(iv)
            );
            let application = forwarding(&body).ok().unwrap();
            assert_eq!(application.customer_info.email.as_deref(), Some("sealed@b.test"));
            assert_eq!(application.kyc_info.sumsub_share_token, "pass-1");
        }
    }

    #[test]
    fn what_does_not_decrypt_is_named() {
        let body = |iv: &str| {
            format!(
                r#"{{"profileId":"1","cardOrderRef":"o","encryptionIV":{iv},"customerInfoEncryption":"AAAA","kycInfo":{KYC}}}"#
            )
        };
        let illegal = |text: &str| (ErrorCode::SysIllegalParam, text.to_owned());
        assert_eq!(failure(&body("null")), illegal("encryptionIV is missing"));
        assert_eq!(failure(&body("\"*\"")), illegal("encryptionIV cannot be decrypted"));
        assert_eq!(
            failure(&body("\"AAECAwQFBgcICQoL\"")),
            illegal("customerInfoEncryption cannot be decrypted")
        );
    }

    #[test]
    fn a_normal_application_is_read_and_written() {
        let body = r#"{"profileId":"4874478085033224960","cardType":"VIRTUAL","cardOrderRef":"ord-1001","cardApplyMode":"NORMAL","customerId":"4879846599637290752","kycTicketId":"4879840591766572801"}"#;
        let application = ApplyVirtual::parse(body.as_bytes(), SECRET).ok().unwrap();
        assert_eq!(serde_json::to_string(&application).unwrap(), body);
    }

    #[test]
    fn unknown_modes_and_missing_fields_have_their_codes() {
        let mode = r#"{"profileId":"1","cardOrderRef":"o","cardApplyMode":"FAST"}"#;
        let unknown = "cardApplyMode names no supported mode".to_owned();
        assert_eq!(failure(mode), (ErrorCode::OperationNotSupport, unknown));
        for (body, text) in [
            ("{}", "profileId is missing"),
            (r#"{"profileId":"1"}"#, "cardOrderRef is missing"),
            (r#"{"profileId":"1","cardOrderRef":"o"}"#, "customerInfo is missing"),
            (r#"{"profileId":"1","cardOrderRef":"o","customerInfo":{}}"#, "kycInfo is missing"),
            (
                r#"{"profileId":"1","cardOrderRef":"o","cardApplyMode":"NORMAL"}"#,
                "cardType is missing",
            ),
        ] {
            assert_eq!(failure(body), (ErrorCode::SysIllegalParam, text.to_owned()), "{body}");
        }
    }

    #[test]
    fn a_detail_query_names_an_order() {
        let parse = |raw_query| Query::parse(raw_query)?.id_or_reference(&WANTED_ORDER);
        let query = parse(Some("cardOrderRef=ord-1")).unwrap();
        assert_eq!(query.reference.as_deref(), Some("ord-1"));
        for bad in [None, Some(""), Some("cardOrderId="), Some("cardId=1")] {
            let error = parse(bad).unwrap_err();
            assert_eq!(error.to_string(), "cardOrderId or cardOrderRef is missing");
        }
    }

    #[test]
    fn an_order_is_shown_as_published() {
        let body = CardOrderBody::from(&test_objects::order());
        assert_eq!(
            serde_json::to_string(&body).unwrap(),
            concat!(
                r#"{"cardOrderId":"4648341259241665024","profileId":"4874478085033224960","#,
                r#""type":"VIRTUAL","customerId":"4879846599637290752","cardId":null,"#,
                r#""status":"PENDING","errorCode":null,"errorReason":null,"#,
                r#""cardOrderRef":"ord-1001","needEddFile":false,"replaceCardId":null,"#,
                r#""createTime":"2025-01-15T10:30:00+08:00","#,
                r#""modifyTime":"2025-01-15T10:30:00+08:00"}"#
            )
        );
    }
}
