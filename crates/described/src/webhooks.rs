//! The description of a message that the platform sends, in either dialect.

use serde_json::{Value, json};
use wire::cardbridge::standard_webhooks::{
    ID_HEADER, SEQUENCE_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER,
};

use super::parts::{parameter, request_body};
use super::reference;

/// The tag of all messages.
const TAG: &str = "webhooks";
const TIMESTAMP: &str = "When this try was made: seconds since 1970, real time.";
const SEQUENCE: &str = "The place of this webhook among all that tell of its object, from 1; the \
    same in every try. Where a place before it was never seen, a webhook is missing. No signature \
    covers it.";

/// A message that goes out by POST.
pub struct Message<'a> {
    /// Its `operationId`.
    pub id: &'a str,
    /// Its meaning in a few words.
    pub summary: &'a str,
    /// Its meaning in full.
    pub description: &'a str,
    /// Its headers, made by [`header`].
    pub headers: Vec<Value>,
    /// The schema of its body.
    pub body: &'a str,
    /// The answer to it with HTTP 200.
    pub answer: Value,
}

impl Message<'_> {
    /// The operation of the message, for a document.
    pub fn described(self) -> Value {
        json!({ "post": {
            "operationId": self.id,
            "tags": [TAG],
            "summary": self.summary,
            "description": self.description,
            "security": [],
            "parameters": self.headers,
            "requestBody": request_body(true, reference(self.body)),
            "responses": { "200": self.answer },
        } })
    }
}

/// A header and its meaning.
pub fn header(name: &str, is_required: bool, meaning: &str) -> Value {
    parameter("header", name, is_required, meaning)
}

/// The headers of Standard Webhooks, and our own; `id` says whose id is sent, and `secret` which
/// key, base64-decoded, signs.
pub fn standard_headers(are_required: bool, id: &str, secret: &str) -> [Value; 4] {
    let signature = format!(
        "`v1,` and the base64 of HMAC-SHA256 over `webhook-id.webhook-timestamp.body`, under \
         {secret}, base64-decoded."
    );
    [
        header(ID_HEADER, are_required, id),
        header(TIMESTAMP_HEADER, are_required, TIMESTAMP),
        header(SIGNATURE_HEADER, are_required, &signature),
        // Webhooks from before places were counted have none.
        header(SEQUENCE_HEADER, false, SEQUENCE),
    ]
}
