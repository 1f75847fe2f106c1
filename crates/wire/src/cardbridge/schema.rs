//! Shapes for the OpenAPI document where a type writes itself in its own way.

use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::amount::AmountText;
use super::applicant::{CustomerInfo, KycInfo};
use super::order::{ApplyVirtual, ForwardingApplication, NormalApplication};
use super::simulation::FundAuth;
use super::upload::{GeneratePreUploadUrl, MAX_FILES};

fn text(meaning: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(meaning))
}

fn one_value(value: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some([value]))
}

impl PartialSchema for AmountText {
    fn schema() -> RefOr<Schema> {
        let types = SchemaType::from_iter([Type::Number, Type::String]);
        ObjectBuilder::new()
            .schema_type(types)
            .description(Some(
                "Major units. Sent as a JSON number with exact digits; read as a number or its \
                 text.",
            ))
            .into()
    }
}

impl ToSchema for AmountText {}

impl PartialSchema for ApplyVirtual {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(Ref::from_schema_name(ForwardingApplication::name()))
            .item(Ref::from_schema_name(NormalApplication::name()))
            .into()
    }
}

impl ToSchema for ApplyVirtual {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((ForwardingApplication::name().into(), ForwardingApplication::schema()));
        ForwardingApplication::schemas(schemas);
        schemas.push((NormalApplication::name().into(), NormalApplication::schema()));
    }
}

impl PartialSchema for ForwardingApplication {
    fn schema() -> RefOr<Schema> {
        let twin = "Base64 of the AES-256-GCM ciphertext of its plain twin's JSON; wins over it";
        ObjectBuilder::new()
            .property("profileId", text("Profile to issue under"))
            .required("profileId")
            .property("cardOrderRef", text("The caller's own reference, used once"))
            .required("cardOrderRef")
            .property("customerInfo", Ref::from_schema_name(CustomerInfo::name()))
            .property("kycInfo", Ref::from_schema_name(KycInfo::name()))
            .property("encryptionIV", text("Base64 of the IV of both encrypted twins"))
            .property("customerInfoEncryption", text(twin))
            .property("kycInfoEncryption", text(twin))
            .description(Some(
                "Forwarding mode: who applies comes with the request, plain or encrypted.",
            ))
            .into()
    }
}

impl ToSchema for ForwardingApplication {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((CustomerInfo::name().into(), CustomerInfo::schema()));
        schemas.push((KycInfo::name().into(), KycInfo::schema()));
    }
}

impl PartialSchema for NormalApplication {
    fn schema() -> RefOr<Schema> {
        let fields = [
            ("profileId", text("Profile to issue under")),
            ("cardType", one_value("VIRTUAL")),
            ("cardOrderRef", text("The caller's own reference, used once")),
            ("cardApplyMode", one_value("NORMAL")),
            ("customerId", text("Cardholder")),
            ("kycTicketId", text("Ticket of the cardholder's identity checks")),
        ];
        let object = ObjectBuilder::new()
            .description(Some("NORMAL mode: customer and KYC ticket exist already."));
        fields
            .into_iter()
            .fold(object, |object, (name, field)| object.property(name, field).required(name))
            .into()
    }
}

impl ToSchema for NormalApplication {}

impl PartialSchema for FundAuth {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .property("cardId", text("The card"))
            .required("cardId")
            .property("authType", one_value("EXPEND"))
            .required("authType")
            .property("amount", AmountText::schema())
            .required("amount")
            .property("currency", text("ISO 4217, three digits or three letters"))
            .required("currency")
            .into()
    }
}

impl ToSchema for FundAuth {}

impl PartialSchema for GeneratePreUploadUrl {
    fn schema() -> RefOr<Schema> {
        let names = ArrayBuilder::new()
            .items(text("A name that ends in .pdf, .jpg, .jpeg or .png"))
            .min_items(Some(1))
            .max_items(Some(MAX_FILES));
        let purposes = ["CREATE_CARD_EDD", "INCREASE_LIMIT_EDD", "CREATE_CARD_KYC"];
        ObjectBuilder::new()
            .property("fileNames", names)
            .required("fileNames")
            .property("businessType", text("What they are for").enum_values(Some(purposes)))
            .required("businessType")
            .into()
    }
}

impl ToSchema for GeneratePreUploadUrl {}
