//! Bodies as structures with tables of fields.

use utoipa::openapi::{RefOr, Schema};

use super::problem::ParseError;
use super::reading::{Forgiving, Object};
use crate::field::{Field, Kind, Table};

/// The body of a request.
pub trait RequestBody: utoipa::ToSchema + Sized {
    /// The tables of its fields.
    const TABLES: &'static [&'static Table];

    /// Reads the body. `secret` is that of the key which signed the request: it opens the encrypted
    /// parts of some bodies.
    ///
    /// # Errors
    /// A field is missing, ill-formed or cannot be decrypted.
    fn parse_signed(body: &[u8], secret: &str) -> Result<Self, ParseError>;
}

/// Declares a body: the structure that the SDK sends and the reader gives, and its table of fields,
/// by which it is described and read. The doc comments of the body and of its fields are their
/// descriptions in the document. After each field come its name, the older name that is also read,
/// and the [`Kind`] that it is read as. A field is required unless its type is `Option` or
/// `Vec<String>`. The reader first checks that the fields for objects and lists of objects hold
/// such values, then judges all fields in their order. A field without a value is left out when the
/// body is sent; a body `with nulls` sends null.
///
/// ```text
/// body! {
///     /// `POST card/v1/terminate`: ends a card for good.
///     #[derive(Debug, Clone)]
///     pub struct Terminate {
///         /// The card.
///         pub card_id: String = "cardId": Kind::Id,
///         /// Why; `reason` is read too.
///         pub invalidate_reason: Option<String> = "invalidateReason" or "reason": TEXT,
///     }
/// }
/// ```
macro_rules! body {
    (
        $(#[$($attribute:tt)+])+
        pub struct $body:ident { $($fields:tt)+ }
    ) => {
        body! {
            unless "FieldType::is_none"
            $(#[$($attribute)+])+
            pub struct $body { $($fields)+ }
        }
    };
    (
        $(#[$($attribute:tt)+])+
        pub struct $body:ident with nulls { $($fields:tt)+ }
    ) => {
        body! {
            unless "FieldType::is_never"
            $(#[$($attribute)+])+
            pub struct $body { $($fields)+ }
        }
    };
    (
        unless $is_left_out:literal
        $(#[doc = $meaning:literal])+
        #[derive($($derived:ident),+)]
        pub struct $body:ident {
            $(
                $(#[doc = $told:literal])+
                pub $field:ident: $type:ty = $name:literal $(or $older_name:literal)?: $kind:expr
            ),+
            $(,)?
        }
    ) => {
        $(#[doc = $meaning])+
        #[derive($($derived),+, serde::Serialize)]
        pub struct $body {
            $(
                $(#[doc = $told])+
                #[serde(rename = $name, skip_serializing_if = $is_left_out)]
                pub $field: $type,
            )+
        }

        impl $body {
            /// The table by which it is read and described.
            pub const TABLE: Table = Table::named(
                stringify!($body),
                concat!($($meaning, "\n"),+),
                &[$(Field {
                    is_required: <$type as FieldType>::IS_REQUIRED,
                    ..Field::of($name, concat!($($told, "\n"),+), $kind)$(.formerly($older_name))?
                }),+],
            );

            /// Reads the body.
            ///
            /// # Errors
            /// A field is missing or ill-formed.
            pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
                Self::read(&Object::parse(body)?)
            }

            /// Names of the fields whose code is not in its dictionary, for a warning in the log.
            /// Such codes are not refused, because official samples hold some
            /// (cardbridge-open-api.md section 13, C14).
            #[must_use]
            pub fn unknown_codes(&self) -> Vec<&'static str> {
                let mut unknown = Vec::new();
                $crate::cardbridge::body::Nested::gather_unknown(self, &mut unknown);
                unknown
            }

            pub(crate) fn read(object: &Object<'_>) -> Result<Self, ParseError> {
                object.check_nested(&Self::TABLE)?;
                Ok(Self {
                    $($field: FieldType::read_field(object, const { Self::TABLE.field($name) })?),+
                })
            }
        }

        impl $crate::cardbridge::body::Nested for $body {
            fn read_object(object: &Object<'_>) -> Result<Self, ParseError> {
                Self::read(object)
            }

            fn gather_unknown(&self, unknown: &mut Vec<&'static str>) {
                $(FieldType::gather_unknown(
                    &self.$field, const { Self::TABLE.field($name) }, unknown,
                );)+
            }
        }

        $crate::cardbridge::body::shown_by_table!($body);
    };
}
pub(crate) use body;

/// Describes a type by its table of fields.
macro_rules! shown_by_table {
    ($body:ty) => {
        impl utoipa::PartialSchema for $body {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::cardbridge::body::described(&Self::TABLE)
            }
        }

        impl utoipa::ToSchema for $body {
            fn schemas(schemas: &mut $crate::cardbridge::body::Schemas) {
                $crate::cardbridge::body::describe_all(&[&Self::TABLE], schemas);
            }
        }

        impl $crate::cardbridge::body::RequestBody for $body {
            const TABLES: &'static [&'static crate::field::Table] = &[&Self::TABLE];

            fn parse_signed(body: &[u8], _: &str) -> Result<Self, ParseError> {
                Self::parse(body)
            }
        }
    };
}
pub(crate) use shown_by_table;

/// A type that fields of bodies have.
pub(crate) trait FieldType: Sized {
    /// True if the field must be there.
    const IS_REQUIRED: bool;

    /// Reads the field.
    fn read_field(object: &Object<'_>, field: Field) -> Result<Self, ParseError>;

    /// Adds the name of the field, or of a field in it, whose code is not in its dictionary.
    fn gather_unknown(&self, field: Field, unknown: &mut Vec<&'static str>);

    /// True if the field has no value to send.
    fn is_none(&self) -> bool {
        false
    }

    /// Never true: for bodies that send every field.
    fn is_never(&self) -> bool {
        false
    }
}

/// A value of a field.
pub(crate) trait Value: Sized {
    /// Reads the value; `None` if there is no value.
    fn read_value(object: &Object<'_>, field: Field) -> Result<Option<Self>, ParseError>;

    /// As [`FieldType::gather_unknown`].
    fn gather_unknown(&self, _field: Field, _unknown: &mut Vec<&'static str>) {}
}

impl<T: Value> FieldType for T {
    const IS_REQUIRED: bool = true;

    fn read_field(object: &Object<'_>, field: Field) -> Result<Self, ParseError> {
        object.required(field, T::read_value(object, field)?)
    }

    fn gather_unknown(&self, field: Field, unknown: &mut Vec<&'static str>) {
        Value::gather_unknown(self, field, unknown);
    }
}

impl<T: Value> FieldType for Option<T> {
    const IS_REQUIRED: bool = false;

    fn read_field(object: &Object<'_>, field: Field) -> Result<Self, ParseError> {
        T::read_value(object, field)
    }

    fn gather_unknown(&self, field: Field, unknown: &mut Vec<&'static str>) {
        self.iter().for_each(|value| value.gather_unknown(field, unknown));
    }

    fn is_none(&self) -> bool {
        self.is_none()
    }
}

impl Value for String {
    fn read_value(object: &Object<'_>, field: Field) -> Result<Option<Self>, ParseError> {
        object.read(field)
    }

    fn gather_unknown(&self, field: Field, unknown: &mut Vec<&'static str>) {
        if let Kind::Code(dictionary) = field.kind
            && !dictionary.codes().contains(&self.as_str())
        {
            unknown.push(field.name);
        }
    }
}

impl Value for bool {
    fn read_value(object: &Object<'_>, field: Field) -> Result<Option<Self>, ParseError> {
        match field.kind {
            Kind::Flag => object.boolean(field.optional()).map(|flag| flag.or(Some(false))),
            _ => object.boolean(field),
        }
    }
}

/// A body inside a field of another.
pub(crate) trait Nested: Sized {
    /// Reads the object.
    fn read_object(object: &Object<'_>) -> Result<Self, ParseError>;

    /// Adds the names of the fields whose code is not in its dictionary.
    fn gather_unknown(&self, unknown: &mut Vec<&'static str>);
}

impl<T: Nested> Value for T {
    fn read_value(object: &Object<'_>, field: Field) -> Result<Option<Self>, ParseError> {
        object.object(field)?.as_ref().map(T::read_object).transpose()
    }

    fn gather_unknown(&self, _field: Field, unknown: &mut Vec<&'static str>) {
        Nested::gather_unknown(self, unknown);
    }
}

/// Links and object keys; absent and empty are the same.
impl FieldType for Vec<String> {
    const IS_REQUIRED: bool = false;

    fn read_field(object: &Object<'_>, field: Field) -> Result<Self, ParseError> {
        Ok(object.text_list(field)?.unwrap_or_default())
    }

    /// Links are not codes.
    fn gather_unknown(&self, _field: Field, _unknown: &mut Vec<&'static str>) {}

    fn is_none(&self) -> bool {
        self.is_empty()
    }
}

/// Always sent, and required in the document; if left out, it is read as empty.
impl<T: Nested> FieldType for Vec<T> {
    const IS_REQUIRED: bool = true;

    fn read_field(object: &Object<'_>, field: Field) -> Result<Self, ParseError> {
        let entries = object.object_list(field.optional())?.unwrap_or_default();
        entries.iter().map(T::read_object).collect()
    }

    fn gather_unknown(&self, _field: Field, unknown: &mut Vec<&'static str>) {
        self.iter().for_each(|entry| entry.gather_unknown(unknown));
    }
}

/// Schemas with their names, as utoipa gathers them.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// The schema of a table as one of utoipa's.
pub(crate) fn described(table: &Table) -> RefOr<Schema> {
    serde_json::from_value(table.schema::<Forgiving>()).expect("a table's schema is a schema")
}

/// Adds the schemas of the tables and of those inside them that have names.
pub(crate) fn describe_all(tables: &[&'static Table], schemas: &mut Schemas) {
    for table in tables {
        if !table.name.is_empty() {
            schemas.push((table.name.to_owned(), described(table)));
        }
        describe_all(&table.nested().collect::<Vec<_>>(), schemas);
    }
}
