//! Bodies that are read field by field as they stand.

use utoipa::openapi::{RefOr, Schema};

use super::input::{Forgiving, Object, ParseError};
use crate::field::{Field, Table};

/// Declares a body: the structure that the SDK sends and the reader gives, and its table of
/// fields, by which it is read, in the order of the fields, and described. What stands above the
/// body and its fields is their meaning in the document. Behind each field are its name and the
/// [`crate::field::Kind`] that it is read as; what is no `Option` and no list must be there.
///
/// ```text
/// body! {
///     /// `POST card/v1/terminate`: ends a card for good.
///     #[derive(Debug, Clone)]
///     pub struct Terminate {
///         /// The card.
///         pub card_id: String = "cardId": Kind::Id,
///     }
/// }
/// ```
macro_rules! body {
    (
        $(#[doc = $meaning:literal])+
        #[derive($($derived:ident),+)]
        pub struct $body:ident {
            $($(#[doc = $told:literal])+ pub $field:ident: $type:ty = $name:literal: $kind:expr),+
            $(,)?
        }
    ) => {
        $(#[doc = $meaning])+
        #[derive($($derived),+, serde::Serialize)]
        pub struct $body {
            $(
                $(#[doc = $told])+
                #[serde(rename = $name, skip_serializing_if = "FieldType::is_none")]
                pub $field: $type,
            )+
        }

        impl $body {
            /// What it is read and described by.
            pub const TABLE: Table = Table::named(
                stringify!($body),
                concat!($($meaning, "\n"),+),
                &[$(Field {
                    name: $name,
                    meaning: concat!($($told, "\n"),+),
                    kind: $kind,
                    is_required: <$type as FieldType>::IS_REQUIRED,
                }),+],
            );

            /// Reads the body.
            ///
            /// # Errors
            /// A field is missing or ill-formed.
            pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
                Self::read(&Object::parse_body(body)?)
            }

            pub(crate) fn read(object: &Object<'_>) -> Result<Self, ParseError> {
                Ok(Self {
                    $($field: FieldType::read(object, const { Self::TABLE.field($name) })?),+
                })
            }
        }

        impl utoipa::PartialSchema for $body {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::cardbridge::body::described(&Self::TABLE)
            }
        }

        impl utoipa::ToSchema for $body {}
    };
}
pub(crate) use body;

/// A type that fields of bodies have.
pub(crate) trait FieldType: Sized {
    /// Whether the field must be there.
    const IS_REQUIRED: bool;

    /// Reads the field.
    fn read(object: &Object<'_>, field: Field) -> Result<Self, ParseError>;

    /// Whether the field is left out when the body is sent.
    fn is_none(&self) -> bool {
        false
    }
}

impl FieldType for String {
    const IS_REQUIRED: bool = true;

    fn read(object: &Object<'_>, field: Field) -> Result<Self, ParseError> {
        object.required(field.name, object.read(field)?)
    }
}

impl FieldType for Option<String> {
    const IS_REQUIRED: bool = false;

    fn read(object: &Object<'_>, field: Field) -> Result<Self, ParseError> {
        object.read(field)
    }

    fn is_none(&self) -> bool {
        self.is_none()
    }
}

impl FieldType for Vec<String> {
    const IS_REQUIRED: bool = false;

    fn read(object: &Object<'_>, field: Field) -> Result<Self, ParseError> {
        object.text_list(field.name)
    }

    fn is_none(&self) -> bool {
        self.is_empty()
    }
}

impl FieldType for bool {
    const IS_REQUIRED: bool = true;

    fn read(object: &Object<'_>, field: Field) -> Result<Self, ParseError> {
        object.required(field.name, object.boolean(field.name)?)
    }
}

/// The schema of a table as one of utoipa's.
pub(crate) fn described(table: &Table) -> RefOr<Schema> {
    serde_json::from_value(table.schema::<Forgiving>()).expect("a table's schema is a schema")
}
