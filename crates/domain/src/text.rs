//! Enumerations that are sent and stored as fixed texts.

use thiserror::Error;

/// A text that matches no value of the enumeration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not a {kind}")]
pub struct EnumTextError {
    /// Name of the enumeration.
    pub kind: &'static str,
    /// The text that did not match.
    pub text: String,
}

/// Declares an enumeration whose values have one fixed text each, the same on the wire and in the
/// store. The comment on a value also becomes its description in our API documents. The crate that
/// declares one depends on `serde`.
///
/// ```
/// domain::text_enum! {
///     /// How a card is made.
///     Form {
///         /// Plastic.
///         Physical = "PHYSICAL",
///         /// Numbers alone.
///         Virtual = "VIRTUAL",
///     }
/// }
/// assert_eq!(Form::Virtual.as_str(), "VIRTUAL");
/// assert_eq!("PHYSICAL".parse(), Ok(Form::Physical));
/// assert_eq!(Form::Virtual.meaning(), "Numbers alone.");
/// ```
#[macro_export]
macro_rules! text_enum {
    ($(#[$meta:meta])* $name:ident {
        $($(#[doc = $meaning:literal])+ $variant:ident = $text:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[doc = $meaning])+ $variant),+ }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The fixed texts of all values, in declaration order.
            pub const TEXTS: &'static [&'static str] = &[$($text),+];

            /// The fixed text of this value.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The meaning of this value, for readers of the API documents.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($meaning),+).trim_ascii()),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::EnumTextError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    other => Err($crate::EnumTextError {
                        kind: stringify!($name),
                        text: other.to_owned(),
                    }),
                }
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(
                &self,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}
pub(crate) use text_enum;
