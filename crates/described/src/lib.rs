//! What the three OpenAPI documents share: where they are served, the lists of words that
//! stand in them once, and the samples that show what each operation takes and gives.

pub mod parts;
pub mod samples;
pub mod vocabulary;
pub mod webhooks;
mod words;
mod words_of_samples;

use serde_json::{Value, json};

/// Media type of requests and answers.
pub const JSON: &str = "application/json";
/// Where schemas stand in a document.
const SCHEMAS: &str = "/components/schemas";

/// A reference to a schema of the document.
pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#{SCHEMAS}/{name}") })
}

/// The schemas of a document.
pub fn schemas(document: &mut Value) -> &mut serde_json::Map<String, Value> {
    let schemas = document.pointer_mut(SCHEMAS).and_then(Value::as_object_mut);
    schemas.expect("every document has schemas")
}

/// Where an API is: beside its document, and on a sandbox started with nothing said.
pub fn servers(local: &str) -> Value {
    json!([
        { "url": "/", "description": "The listener that serves this document." },
        {
            "url": local,
            "description": "A sandbox on this machine, as `cardbridge serve` starts it.",
        },
    ])
}

/// The tags of a document: names, and what belongs to them.
pub fn tags(tags: &[(&str, &str)]) -> Value {
    tags.iter().map(|(name, meaning)| json!({ "name": name, "description": meaning })).collect()
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

/// Makes what stands in the operations and has a name refer to it.
pub fn refer_to_named(document: &mut Value) {
    let named: Vec<_> = schemas(document)
        .iter()
        .filter(|(_, schema)| schema.get("properties").is_some())
        .map(|(name, schema)| (name.clone(), schema.clone()))
        .collect();
    refer(&mut document["paths"], &named);
}

fn refer(value: &mut Value, named: &[(String, Value)]) {
    if let Some((name, _)) = named.iter().find(|(_, schema)| schema == value) {
        *value = reference(name);
        return;
    }
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|it| refer(it, named)),
        Value::Array(items) => items.iter_mut().for_each(|it| refer(it, named)),
        _ => {}
    }
}
