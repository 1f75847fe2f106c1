//! getAccessToken (vm-api.md section 3.1).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::field::{Field, Table};

/// Path of the call.
pub const TOKEN_PATH: &str = "/getAccessToken";
/// Parameter of the query: the app.
pub const APP_ID: &str = "app_id";
/// Parameter of the query: its secret.
pub const APP_SECRET: &str = "app_secret";
/// All parameters of the query.
pub const TOKEN_FIELDS: Table = Table::unnamed(&[
    Field::text(APP_ID, "The app").required(),
    Field::text(APP_SECRET, "The app's secret").required(),
]);
/// Default lifetime of a token, in seconds of real time.
pub const DEFAULT_LIFETIME_S: i64 = 7_200;
/// Shortest life of a token: clients fetch another one 60 s before its end (vm-api.md
/// section 3.1).
pub const MIN_LIFETIME_S: i64 = 61;
/// Longest life of a token: a day.
pub const MAX_LIFETIME_S: i64 = 86_400;

/// A token and its end. No Debug: a token is a secret.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(description = "A token and its end.")]
pub struct AccessToken {
    /// The bare token of the header `Authorization`.
    pub token: String,
    /// When it dies, in seconds since 1970 UTC.
    pub expired_time: i64,
}
