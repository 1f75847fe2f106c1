//! The form in which replies and webhooks show an object of the domain.

/// Declares the structure that shows an object: each field with its meaning and its value. Clients
/// read the same structure.
///
/// ```text
/// answer! {
///     /// A card as replies show it.
///     #[derive(Debug, Clone)]
///     pub struct CardBody of card: Card {
///         /// Id.
///         pub card_id: String = card.card_id.to_string(),
///     }
/// }
/// ```
macro_rules! answer {
    (
        $(#[$attribute:meta])+
        pub struct $answer:ident of $object:ident: $domain:ty {
            $($(#[$of_field:meta])+ pub $field:ident: $type:ty = $value:expr),+ $(,)?
        }
    ) => {
        $(#[$attribute])+
        #[derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $answer {
            $($(#[$of_field])+ pub $field: $type),+
        }

        impl From<&$domain> for $answer {
            fn from($object: &$domain) -> Self {
                Self { $($field: $value),+ }
            }
        }
    };
}
pub(crate) use answer;
