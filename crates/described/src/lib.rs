//! The common parts of the three OpenAPI documents: their head, the lists of words that each has
//! once, and the samples that show what each operation takes and gives.

pub mod parts;
pub mod samples;
pub mod vocabulary;
pub mod webhooks;
mod words;
mod words_of_samples;

use serde_json::{Map, Value, json};

/// Media type of requests and answers.
pub const JSON: &str = "application/json";
/// The pointer to the schemas of a document.
const SCHEMAS: &str = "/components/schemas";

/// A reference to a schema of the document.
pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#{SCHEMAS}/{name}") })
}

/// The schemas of a document.
pub fn schemas(document: &mut Value) -> &mut Map<String, Value> {
    let schemas = document.pointer_mut(SCHEMAS).and_then(Value::as_object_mut);
    schemas.expect("every document has schemas")
}

/// A document's description of its API as a whole.
pub struct Head<'a> {
    /// Its name.
    pub title: &'a str,
    /// The facts that every caller has to know, in Markdown.
    pub description: &'a str,
    /// The schemes that authenticate a call, by name.
    pub security: Value,
    /// The schemes.
    pub security_schemes: Value,
    /// The address at which a sandbox started without options serves it.
    pub local_url: &'a str,
    /// Names of tags, and the meaning of each.
    pub tags: &'a [(&'a str, &'a str)],
}

impl Head<'_> {
    /// The document of these paths and schemas.
    pub fn document(self, paths: Map<String, Value>, schemas: Map<String, Value>) -> Value {
        let tag = |(name, meaning): &(&str, &str)| json!({ "name": name, "description": meaning });
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": self.title,
                "version": env!("CARGO_PKG_VERSION"),
                "description": self.description,
            },
            "security": [self.security],
            "paths": paths,
            "components": { "schemas": schemas, "securitySchemes": self.security_schemes },
            "servers": [
                { "url": "/", "description": "The listener that serves this document." },
                {
                    "url": self.local_url,
                    "description": "A sandbox on this machine, as `cardbridge serve` starts it.",
                },
            ],
            "tags": self.tags.iter().map(tag).collect::<Value>(),
        })
    }
}

/// Every operation of a document, with its path and method.
pub fn operations(document: &mut Value) -> Vec<(String, String, &mut Value)> {
    operations_of(document, "paths")
}

/// Every operation of `paths` or `webhooks`.
fn operations_of<'a>(document: &'a mut Value, part: &str) -> Vec<(String, String, &'a mut Value)> {
    let items = document.get_mut(part).and_then(Value::as_object_mut).into_iter().flatten();
    let mut operations = Vec::new();
    for (path, item) in items {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            operations.push((path.clone(), method.clone(), operation));
        }
    }
    operations
}
