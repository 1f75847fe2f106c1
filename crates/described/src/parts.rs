//! The parts of every document's operations.

use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::{JSON, reference};

/// A type as a document shows it.
pub struct Described {
    /// Its name in the document; empty if it has none.
    pub name: String,
    /// The schema in its place: a reference if it has a name.
    pub schema: Value,
    /// The schemas that have names, its own and those inside it.
    pub schemas: Map<String, Value>,
}

impl Described {
    /// A type that the document names.
    pub fn named<T: ToSchema>() -> Self {
        let mut schemas = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut schemas);
        let json = |schema| serde_json::to_value(schema).expect("a schema is JSON");
        let schemas = schemas.into_iter().map(|(name, schema)| (name, json(schema))).collect();
        Self { name: T::name().into_owned(), schema: reference(&T::name()), schemas }
    }

    /// A text or flag, which has no name.
    pub fn plain<T: PartialSchema>() -> Self {
        let schema = serde_json::to_value(T::schema()).expect("a schema is JSON");
        Self { name: String::new(), schema, schemas: Map::new() }
    }
}

/// A header or a parameter of the query (`place`), and its meaning.
pub fn parameter(place: &str, name: &str, is_required: bool, meaning: &str) -> Value {
    json!({
        "name": name, "in": place, "required": is_required, "description": meaning,
        "schema": { "type": "string" },
    })
}

/// The header with the key of a call that is carried out once.
pub fn key_parameter(name: &str, max_bytes: usize, meaning: &str) -> Value {
    let mut parameter = parameter("header", name, false, meaning);
    parameter["schema"] = json!({ "type": "string", "minLength": 1, "maxLength": max_bytes });
    parameter
}

/// A request's body.
pub fn request_body(is_required: bool, schema: Value) -> Value {
    json!({ "required": is_required, "content": { JSON: { "schema": schema } } })
}

/// The answer with HTTP 200: one of these shapes.
pub fn outcome(shapes: Vec<Value>, description: &str) -> Value {
    let content = json!({ JSON: { "schema": { "oneOf": shapes } } });
    json!({ "description": description, "content": content })
}

/// Shows a success of an operation, and a refusal if there is one.
pub fn show_outcomes(operation: &mut Value, success: Value, refusal: Option<Value>) {
    let mut examples = json!({ "success": { "summary": "A success", "value": success } });
    if let Some(refusal) = refusal {
        examples["refusal"] = json!({ "summary": "A refusal", "value": refusal });
    }
    operation["responses"]["200"]["content"][JSON]["examples"] = examples;
}

/// Answers that many operations give, by status: a document has each once.
pub struct SharedAnswers {
    /// The beginning of their names; the status follows.
    pub prefix: &'static str,
    /// Statuses, each with its meaning.
    pub statuses: &'static [(&'static str, &'static str)],
}

impl SharedAnswers {
    /// Puts them into the document, each with the content that `content` makes for its status.
    pub fn put(&self, document: &mut Value, content: impl Fn(&str) -> Value) {
        let answers = self.statuses.iter().map(|(status, meaning)| {
            let answer = json!({ "description": meaning, "content": content(status) });
            (format!("{}{status}", self.prefix), answer)
        });
        document["components"]["responses"] = Value::Object(answers.collect());
    }

    /// Makes an operation refer to those that it can give and does not describe itself.
    pub fn refer(&self, operation: &mut Value, is_possible: impl Fn(&str) -> bool) {
        for (status, _) in self.statuses.iter().filter(|(status, _)| is_possible(status)) {
            if operation["responses"].get(status).is_none() {
                let pointer = format!("#/components/responses/{}{status}", self.prefix);
                operation["responses"][status] = json!({ "$ref": pointer });
            }
        }
    }
}
