//! Schemas of fields that are texts in the code, but only certain texts in the OpenAPI document.

use domain::{VmFlowKind, VmFunding};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::amount::CURRENCY;
use super::standing::{Kind, State};

fn one_of<const N: usize>(meaning: &str, words: [&'static str; N]) -> Object {
    words_of(meaning, words.into_iter())
}

fn words_of(meaning: &str, words: impl Iterator<Item = &'static str>) -> Object {
    text(meaning).enum_values(Some(words)).build()
}

fn text(meaning: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(meaning))
}

pub(super) fn card_status() -> Object {
    let meaning = "CANCELLED is frozen, which can be lifted; DELETED is for good";
    one_of(meaning, ["ACTIVE", "CANCELLED", "DELETED"])
}

pub(super) fn funding() -> Object {
    let meaning = "save: prepaid; share: credit line";
    words_of(meaning, VmFunding::ALL.iter().map(|it| it.as_str()))
}

pub(super) fn flow_kind() -> Object {
    words_of("What moved it", VmFlowKind::ALL.iter().map(|it| it.as_str()))
}

pub(super) fn transaction_kind() -> Object {
    words_of("What kind of row; it changes in place", Kind::ALL.iter().map(|it| it.as_str()))
}

pub(super) fn transaction_state() -> Object {
    words_of("How it stands", State::ALL.iter().map(|it| it.as_str()))
}

pub(super) fn account_currency() -> Object {
    one_of("Always US dollars", [CURRENCY.alpha()])
}

pub(super) fn done() -> Object {
    one_of("A text", ["true"])
}

pub(super) fn moment() -> Object {
    text("YYYY-MM-DD HH:MM:SS, UTC unless the operator set another offset")
        .pattern(Some(r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$"))
        .build()
}

pub(super) fn expiry() -> Object {
    text("MM/YY").pattern(Some(r"^\d{2}/\d{2}$")).build()
}
