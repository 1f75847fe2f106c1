//! Intent tickets: evidence for an enhanced due diligence (cardbridge-open-api.md section
//! 6.5.2). Evidence is personal data: none of it goes to a log.

use domain::{IntentTicket, IntentTicketType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::dictionary::HOLDING_TYPE;
use super::input::{MAX_LONG_TEXT_CHARS, Object, ParseError, Problem};
use super::query::Query;

/// Path of [`CreateIntentTicket`].
pub const CREATE_PATH: &str = "/open-api/intent-ticket/v1/create";
/// Path of [`IntentTicketQuery`].
pub const DETAIL_PATH: &str = "/open-api/intent-ticket/v1/detail";

/// A family of evidence: the name of its object and the texts it may hold.
type Family = (&'static str, &'static [&'static str]);

/// Evidence of the source of wealth, for CREATE_CARD_EDD.
const SOURCE_OF_WEALTH: &[Family] = &[
    ("eddSowSalary", &["employerName", "jobTitle", "annualIncome"]),
    ("eddSowBizRevenue", &["businessName", "natureOfBusiness", "annualRevenue"]),
    (
        "eddSowGift",
        &[
            "contributorName",
            "relationshipToYou",
            "contributorSourceOfWealth",
            "estimatedNetWorth",
            "typeOfAssets",
            "yearAssetsReceived",
        ],
    ),
    (
        "eddSowInheritance",
        &["deceasedName", "relationshipToYou", "yearInherited", "approximateValue", "typeOfAssets"],
    ),
    ("eddSowInvest", &["typeOfInvestment", "approximateValue"]),
    ("eddSowOther", &["description"]),
];

/// Evidence of the source of funds, for INCREASE_LIMIT_EDD.
const SOURCE_OF_FUNDS: &[Family] = &[
    ("eddSofSaving", &["employerName", "jobTitle", "annualIncome"]),
    ("eddSofBizRevenue", &["businessName", "natureOfBusiness", "annualRevenue"]),
    ("eddSofInvest", &["typeOfInvestment", "approximateValue"]),
    ("eddSofOther", &["description"]),
    ("eddSofSale", &[]),
    ("eddSofCrypto", &["platform", "holdingType"]),
];

const DOC_URLS: &str = "docUrls";
const RECURRING_GIFTS: &str = "recurringGifts";
const RECURRING_GIFTS_TEXTS: &[&str] =
    &["numberOfYears", "frequencyPerPayment", "amountPerPayment"];

/// `POST intent-ticket/v1/create`.
#[derive(Clone, PartialEq, Eq)]
pub struct CreateIntentTicket {
    /// What the evidence is for.
    pub ticket_type: IntentTicketType,
    /// The caller's own reference, used once.
    pub ticket_ref: String,
    /// The card order, or the card, as the type has it.
    pub business_id: String,
    /// The evidence of the right family as a JSON object, its texts as they were written.
    pub evidence: Vec<u8>,
    /// Whether its `holdingType` is outside the dictionary, which is worth a warning.
    pub is_holding_unknown: bool,
}

impl CreateIntentTicket {
    /// Reads the body. Evidence of the other family is ignored.
    ///
    /// # Errors
    /// A field is missing or ill-formed, the types do not fit each other, or there is no
    /// evidence of the right family.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let object = Object::parse_body(body)?;
        let ticket_type: IntentTicketType = object
            .required_text("ticketType")?
            .parse()
            .map_err(|_| object.error("ticketType", Problem::NotInDictionary))?;
        let (families, business_type) = match ticket_type {
            IntentTicketType::CreateCardEdd => (SOURCE_OF_WEALTH, "CARD_ORDER_ID"),
            IntentTicketType::IncreaseLimitEdd => (SOURCE_OF_FUNDS, "CARD_ID"),
        };
        let ticket_ref = object.required("ticketRef", object.reference("ticketRef")?)?;
        if object.required_text("businessType")? != business_type {
            return Err(object.error("businessType", Problem::NotInDictionary));
        }
        let business_id = object.required_id("businessId")?;
        let mut evidence = Map::new();
        for (name, texts) in families {
            if let Some(family) = object.object(name)? {
                evidence.insert((*name).to_owned(), Value::Object(read_family(&family, texts)?));
            }
        }
        if evidence.is_empty() {
            let names: Vec<_> = families.iter().map(|(name, _)| *name).collect();
            return Err(ParseError::new(format!("one of {}", names.join(", ")), Problem::Missing));
        }
        let evidence = Value::Object(evidence);
        let holding = evidence.pointer("/eddSofCrypto/holdingType").and_then(Value::as_str);
        let is_holding_unknown = holding.is_some_and(|it| !HOLDING_TYPE.contains(&it));
        let evidence = evidence.to_string().into_bytes();
        Ok(Self { ticket_type, ticket_ref, business_id, evidence, is_holding_unknown })
    }
}

fn read_family(
    family: &Object<'_>,
    texts: &[&'static str],
) -> Result<Map<String, Value>, ParseError> {
    let mut read = read_texts(family, texts)?;
    let documents = family.object_list(DOC_URLS)?;
    let documents = documents.iter().map(document).collect::<Result<Vec<_>, _>>()?;
    if !documents.is_empty() {
        read.insert(DOC_URLS.to_owned(), Value::Array(documents));
    }
    if let Some(gifts) = family.object(RECURRING_GIFTS)? {
        let gifts = read_texts(&gifts, RECURRING_GIFTS_TEXTS)?;
        read.insert(RECURRING_GIFTS.to_owned(), Value::Object(gifts));
    }
    Ok(read)
}

fn read_texts(
    object: &Object<'_>,
    names: &[&'static str],
) -> Result<Map<String, Value>, ParseError> {
    let mut read = Map::new();
    for name in names {
        if let Some(text) = object.text_up_to(name, MAX_LONG_TEXT_CHARS)? {
            read.insert((*name).to_owned(), Value::String(text));
        }
    }
    Ok(read)
}

fn document(object: &Object<'_>) -> Result<Value, ParseError> {
    read_texts(object, &["fileName", "filePath"]).map(Value::Object)
}

/// Which ticket is asked for; at least one of both is there, and if both are they must name
/// the same ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentTicketQuery {
    /// `ticketId`.
    pub ticket_id: Option<String>,
    /// `ticketRef`.
    pub ticket_ref: Option<String>,
}

impl IntentTicketQuery {
    /// Reads the query of `GET intent-ticket/v1/detail`.
    ///
    /// # Errors
    /// Ill-formed, or neither parameter is there.
    pub fn parse(raw_query: Option<&str>) -> Result<Self, ParseError> {
        let query = Query::parse(raw_query)?;
        let wanted =
            Self { ticket_id: query.text("ticketId")?, ticket_ref: query.reference("ticketRef")? };
        if wanted.ticket_id.is_none() && wanted.ticket_ref.is_none() {
            return Err(ParseError::new("ticketId or ticketRef", Problem::Missing));
        }
        Ok(wanted)
    }
}

/// An intent ticket as replies and webhooks show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IntentTicketBody {
    /// Id.
    pub ticket_id: String,
    /// `CREATE_CARD_EDD` or `INCREASE_LIMIT_EDD`.
    pub ticket_type: String,
    /// State.
    pub ticket_status: String,
    /// The caller's own reference.
    pub ticket_ref: String,
    /// Created, UTC+8.
    pub create_time: String,
    /// Last changed, UTC+8.
    pub modify_time: String,
}

impl From<&IntentTicket> for IntentTicketBody {
    fn from(ticket: &IntentTicket) -> Self {
        Self {
            ticket_id: ticket.ticket_id.to_string(),
            ticket_type: ticket.subject.ticket_type().to_string(),
            ticket_status: ticket.status.to_string(),
            ticket_ref: ticket.ticket_ref.clone(),
            create_time: ticket.created_at.to_utc8(),
            modify_time: ticket.modified_at.to_utc8(),
        }
    }
}

mod shape {
    //! The body's shape, for the OpenAPI document.

    use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
    use utoipa::openapi::{RefOr, Schema};
    use utoipa::{PartialSchema, ToSchema};

    use super::{
        CreateIntentTicket, DOC_URLS, Family, RECURRING_GIFTS, RECURRING_GIFTS_TEXTS,
        SOURCE_OF_FUNDS, SOURCE_OF_WEALTH,
    };

    impl PartialSchema for CreateIntentTicket {
        fn schema() -> RefOr<Schema> {
            let body = ObjectBuilder::new()
                .description(Some("At least one object of evidence of the type's own family."))
                .property("ticketType", one_of(&["CREATE_CARD_EDD", "INCREASE_LIMIT_EDD"]))
                .required("ticketType")
                .property("ticketRef", text())
                .required("ticketRef")
                .property("businessType", one_of(&["CARD_ORDER_ID", "CARD_ID"]))
                .required("businessType")
                .property("businessId", text())
                .required("businessId");
            let families = SOURCE_OF_WEALTH.iter().chain(SOURCE_OF_FUNDS);
            families.fold(body, |body, family| body.property(family.0, evidence(family))).into()
        }
    }

    impl ToSchema for CreateIntentTicket {}

    fn evidence((name, texts): &Family) -> ObjectBuilder {
        let document = texts_of(&["fileName", "filePath"]);
        let evidence = texts_of(texts).property(DOC_URLS, ArrayBuilder::new().items(document));
        if *name == "eddSowGift" {
            return evidence.property(RECURRING_GIFTS, texts_of(RECURRING_GIFTS_TEXTS));
        }
        evidence
    }

    fn texts_of(names: &[&str]) -> ObjectBuilder {
        names.iter().fold(ObjectBuilder::new(), |object, name| object.property(*name, text()))
    }

    fn text() -> ObjectBuilder {
        ObjectBuilder::new().schema_type(Type::String)
    }

    fn one_of(values: &[&str]) -> ObjectBuilder {
        text().enum_values(Some(values.iter().copied()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(ticket_type: &str, business_type: &str, evidence: &str) -> String {
        format!(
            r#"{{"ticketType":"{ticket_type}","ticketRef":"t-1","businessType":"{business_type}","businessId":7,{evidence}}}"#
        )
    }

    #[test]
    fn evidence_of_the_right_family_is_kept_and_the_rest_ignored() {
        let evidence = r#""eddSofSale":{"docUrls":"not looked at"},
            "eddSowGift":{"contributorName":"Ann","yearAssetsReceived":2020,"unknown":"x",
                "recurringGifts":{"numberOfYears":"3"},
                "docUrls":[{"fileName":"a.pdf","filePath":"k/a.pdf"}]}"#;
        let text = body("CREATE_CARD_EDD", "CARD_ORDER_ID", evidence);
        let request = CreateIntentTicket::parse(text.as_bytes()).ok().unwrap();
        assert_eq!(request.business_id, "7");
        assert_eq!(
            String::from_utf8(request.evidence).unwrap(),
            concat!(
                r#"{"eddSowGift":{"contributorName":"Ann","#,
                r#""docUrls":[{"fileName":"a.pdf","filePath":"k/a.pdf"}],"#,
                r#""recurringGifts":{"numberOfYears":"3"},"yearAssetsReceived":"2020"}}"#
            )
        );
    }

    #[test]
    fn each_published_family_is_evidence_of_its_type() {
        for (ticket_type, business_type, families) in [
            ("CREATE_CARD_EDD", "CARD_ORDER_ID", SOURCE_OF_WEALTH),
            ("INCREASE_LIMIT_EDD", "CARD_ID", SOURCE_OF_FUNDS),
        ] {
            assert_eq!(families.len(), 6);
            for (name, _) in families {
                let text = body(ticket_type, business_type, &format!(r#""{name}":{{}}"#));
                assert!(CreateIntentTicket::parse(text.as_bytes()).is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn errors_name_the_field() {
        let sow = r#""eddSowOther":{"description":"x"}"#;
        for (text, message) in [
            ("{}".to_owned(), "ticketType is missing"),
            (body("EDD", "CARD_ID", sow), "ticketType is not one of its values"),
            (body("CREATE_CARD_EDD", "CARD_ID", sow), "businessType is not one of its values"),
            (
                body("INCREASE_LIMIT_EDD", "CARD_ID", sow),
                "one of eddSofSaving, eddSofBizRevenue, eddSofInvest, eddSofOther, eddSofSale, \
                 eddSofCrypto is missing",
            ),
            (
                body("CREATE_CARD_EDD", "CARD_ORDER_ID", r#""eddSowOther":[]"#),
                "eddSowOther is not a JSON object",
            ),
        ] {
            let error = CreateIntentTicket::parse(text.as_bytes()).err().unwrap();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn a_detail_query_names_a_ticket() {
        let query = IntentTicketQuery::parse(Some("ticketId=1&ticketRef=a")).unwrap();
        assert_eq!(
            (query.ticket_id.as_deref(), query.ticket_ref.as_deref()),
            (Some("1"), Some("a"))
        );
        let error = IntentTicketQuery::parse(Some("businessId=1")).unwrap_err();
        assert_eq!(error.to_string(), "ticketId or ticketRef is missing");
    }
}
