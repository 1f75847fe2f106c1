//! Intent tickets: evidence for an enhanced due diligence (cardbridge-open-api.md section 6.5.2).
//! Evidence is personal data and is never logged.

use domain::{IntentTicket, IntentTicketType};
use serde_json::{Map, Value};

use super::answer::answer;
use super::body::shown_by_table;
use super::dictionary::HOLDING_TYPE;
use super::problem::{ParseError, Problem};
use super::reading::Object;
use crate::field;
use crate::field::{Field, Kind, Table};

/// Path of [`CreateIntentTicket`].
pub const CREATE_PATH: &str = "/open-api/intent-ticket/v1/create";
/// Path of [`WANTED_TICKET`].
pub const DETAIL_PATH: &str = "/open-api/intent-ticket/v1/detail";

const fn text(name: &'static str) -> Field {
    Field::long_text(name, "")
}

const DOCUMENT: Table = Table::unnamed(&[text("fileName"), text("filePath")]);
const DOC_URLS: Field = Field::objects("docUrls", "", &DOCUMENT);

const SALARY: Table =
    Table::unnamed(&[text("employerName"), text("jobTitle"), text("annualIncome"), DOC_URLS]);
const BUSINESS: Table = Table::unnamed(&[
    text("businessName"),
    text("natureOfBusiness"),
    text("annualRevenue"),
    DOC_URLS,
]);
const GIFT: Table = Table::unnamed(&[
    text("contributorName"),
    text("relationshipToYou"),
    text("contributorSourceOfWealth"),
    text("estimatedNetWorth"),
    text("typeOfAssets"),
    text("yearAssetsReceived"),
    DOC_URLS,
    RECURRING_GIFTS,
]);
const RECURRING_GIFTS: Field = Field::object(
    "recurringGifts",
    "",
    &Table::unnamed(&[
        text("numberOfYears"),
        text("frequencyPerPayment"),
        text("amountPerPayment"),
    ]),
);
const INHERITANCE: Table = Table::unnamed(&[
    text("deceasedName"),
    text("relationshipToYou"),
    text("yearInherited"),
    text("approximateValue"),
    text("typeOfAssets"),
    DOC_URLS,
]);
const INVESTMENT: Table =
    Table::unnamed(&[text("typeOfInvestment"), text("approximateValue"), DOC_URLS]);
const CRYPTO: Table = Table::unnamed(&[text("platform"), text("holdingType"), DOC_URLS]);
const SALE: Table = Table::unnamed(&[DOC_URLS]);
const OTHER: Table = Table::unnamed(&[text("description"), DOC_URLS]);

/// `POST intent-ticket/v1/create`.
#[derive(Clone, PartialEq, Eq)]
pub struct CreateIntentTicket {
    /// The purpose of the evidence.
    pub ticket_type: IntentTicketType,
    /// The caller's own reference, used once.
    pub ticket_ref: String,
    /// The card order, or the card, as the type has it.
    pub business_id: String,
    /// The evidence of the right family as a JSON object, its texts as they were written.
    pub evidence: Vec<u8>,
    /// True if its `holdingType` is outside the dictionary, which is worth a warning.
    pub is_holding_unknown: bool,
}

shown_by_table!(CreateIntentTicket);

impl CreateIntentTicket {
    const TABLE: Table = Table::named(
        "CreateIntentTicket",
        "At least one object of evidence of the type's own family.",
        &[
            Field::of("ticketType", "", Kind::Word(IntentTicketType::TEXTS)).required(),
            Field::of("ticketRef", "", Kind::Reference).required(),
            Field::of("businessType", "", Kind::Word(&["CARD_ORDER_ID", "CARD_ID"])).required(),
            Field::of("businessId", "", Kind::Id).required(),
            Field::object("eddSowSalary", "", &SALARY),
            Field::object("eddSowBizRevenue", "", &BUSINESS),
            Field::object("eddSowGift", "", &GIFT),
            Field::object("eddSowInheritance", "", &INHERITANCE),
            Field::object("eddSowInvest", "", &INVESTMENT),
            Field::object("eddSowOther", "", &OTHER),
            Field::object("eddSofSaving", "", &SALARY),
            Field::object("eddSofBizRevenue", "", &BUSINESS),
            Field::object("eddSofInvest", "", &INVESTMENT),
            Field::object("eddSofOther", "", &OTHER),
            Field::object("eddSofSale", "", &SALE),
            Field::object("eddSofCrypto", "", &CRYPTO),
        ],
    );

    /// Reads the body. Evidence of the other family is ignored.
    ///
    /// # Errors
    /// A field is missing or ill-formed, the types do not fit each other, or there is no
    /// evidence of the right family.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let object = Object::parse(body)?;
        let (type_field, business_type) =
            (field!(Self::TABLE, "ticketType"), field!(Self::TABLE, "businessType"));
        let ticket_type = object.value(type_field, Problem::NotInDictionary)?;
        let ticket_type = object.required(type_field, ticket_type)?;
        let ticket_ref = object.read_required(field!(Self::TABLE, "ticketRef"))?;
        let subject = match ticket_type {
            IntentTicketType::CreateCardEdd => "CARD_ORDER_ID",
            IntentTicketType::IncreaseLimitEdd => "CARD_ID",
        };
        if object.required_text(business_type)? != subject {
            return Err(object.wrong(business_type, Problem::NotInDictionary));
        }
        let business_id = object.read_required(field!(Self::TABLE, "businessId"))?;
        let evidence = evidence(&object, ticket_type)?;
        let holding = evidence.pointer("/eddSofCrypto/holdingType").and_then(Value::as_str);
        let is_holding_unknown = holding.is_some_and(|it| !HOLDING_TYPE.codes().contains(&it));
        let evidence = evidence.to_string().into_bytes();
        Ok(Self { ticket_type, ticket_ref, business_id, evidence, is_holding_unknown })
    }

    /// The objects of evidence that a ticket of this type may have: of the source of wealth, or
    /// of the source of funds.
    fn families(ticket_type: IntentTicketType) -> impl Iterator<Item = &'static Field> {
        let prefix = match ticket_type {
            IntentTicketType::CreateCardEdd => "eddSow",
            IntentTicketType::IncreaseLimitEdd => "eddSof",
        };
        Self::TABLE.fields.iter().filter(move |field| field.name.starts_with(prefix))
    }
}

fn evidence(object: &Object<'_>, ticket_type: IntentTicketType) -> Result<Value, ParseError> {
    let mut evidence = Map::new();
    for field in CreateIntentTicket::families(ticket_type) {
        if let Some(family) = object.object(*field)? {
            evidence.insert(field.name.to_owned(), read_family(&family, field)?);
        }
    }
    if evidence.is_empty() {
        let names: Vec<_> =
            CreateIntentTicket::families(ticket_type).map(|field| field.name).collect();
        return Err(ParseError::new(format!("one of {}", names.join(", ")), Problem::Missing));
    }
    Ok(Value::Object(evidence))
}

/// Every kind of evidence keeps documents and recurring gifts.
fn read_family(family: &Object<'_>, field: &Field) -> Result<Value, ParseError> {
    let mut read = read_texts(family, field)?;
    let documents = family.object_list(DOC_URLS)?.unwrap_or_default();
    let documents: Vec<Value> = documents
        .iter()
        .map(|document| read_texts(document, &DOC_URLS).map(Value::Object))
        .collect::<Result<_, _>>()?;
    if !documents.is_empty() {
        read.insert(DOC_URLS.name.to_owned(), documents.into());
    }
    if let Some(gifts) = family.object(RECURRING_GIFTS)? {
        let gifts = read_texts(&gifts, &RECURRING_GIFTS)?;
        read.insert(RECURRING_GIFTS.name.to_owned(), gifts.into());
    }
    Ok(read.into())
}

/// The texts of the object in this field, as they were written.
fn read_texts(object: &Object<'_>, field: &Field) -> Result<Map<String, Value>, ParseError> {
    let mut read = Map::new();
    let (Kind::Object(table) | Kind::Objects(table)) = field.kind else { return Ok(read) };
    for field in table.fields.iter().filter(|it| matches!(it.kind, Kind::Text { .. })) {
        if let Some(text) = object.text(*field)? {
            read.insert(field.name.to_owned(), text.into());
        }
    }
    Ok(read)
}

/// The query of `GET intent-ticket/v1/detail`.
pub const WANTED_TICKET: [Field; 2] = [
    Field::of("ticketId", "The ticket", Kind::Id),
    Field::of("ticketRef", "The caller's own reference", Kind::Reference),
];

answer! {
    /// An intent ticket as replies and webhooks show it.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct IntentTicketBody of ticket: IntentTicket {
        /// Id.
        pub ticket_id: String = ticket.ticket_id.to_string(),
        /// `CREATE_CARD_EDD` or `INCREASE_LIMIT_EDD`.
        pub ticket_type: String = ticket.subject.ticket_type().to_string(),
        /// State.
        pub ticket_status: String = ticket.status.to_string(),
        /// The caller's own reference.
        pub ticket_ref: String = ticket.ticket_ref.clone(),
        /// Created, UTC+8.
        pub create_time: String = ticket.created_at.to_utc8(),
        /// Last changed, UTC+8.
        pub modify_time: String = ticket.modified_at.to_utc8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cardbridge::query::Query;

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
            ("CREATE_CARD_EDD", "CARD_ORDER_ID", IntentTicketType::CreateCardEdd),
            ("INCREASE_LIMIT_EDD", "CARD_ID", IntentTicketType::IncreaseLimitEdd),
        ] {
            let families: Vec<_> = CreateIntentTicket::families(families).collect();
            assert_eq!(families.len(), 6);
            for Field { name, .. } in families {
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
        let parse = |raw_query| Query::parse(raw_query)?.id_or_reference(&WANTED_TICKET);
        let query = parse(Some("ticketId=1&ticketRef=a")).unwrap();
        assert_eq!((query.id.as_deref(), query.reference.as_deref()), (Some("1"), Some("a")));
        let error = parse(Some("businessId=1")).unwrap_err();
        assert_eq!(error.to_string(), "ticketId or ticketRef is missing");
    }
}
