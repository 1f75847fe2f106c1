//! Example values for the OpenAPI documents, generated from their schemas and the tables in
//! `words_of_samples`, so an example always has exactly the fields of its schema.

use serde_json::{Map, Value, json};

use super::words_of_samples::{BY_ENDING, BY_FIELD, BY_NAME};
use super::{JSON, operations_of};

/// Placeholder where no value can be produced. A test fails if a document contains it.
pub const UNKNOWN: &str = "(no sample)";
/// Depth at which sampling gives up and yields [`UNKNOWN`], so recursive schemas terminate.
const MAX_DEPTH: usize = 16;

/// Adds an example to each JSON request body and 2xx response body that has none.
pub fn fill(document: &mut Value) {
    let components = document["components"].clone();
    for part in ["paths", "webhooks"] {
        for (_, _, operation) in operations_of(document, part) {
            fill_operation(operation, &components);
        }
    }
}

fn fill_operation(operation: &mut Value, components: &Value) {
    for (status, body) in operation["responses"].as_object_mut().into_iter().flatten() {
        if status.starts_with('2') {
            show(body, components);
        }
    }
    if let Some(body) = operation.get_mut("requestBody") {
        show(body, components);
    }
}

fn show(body: &mut Value, components: &Value) {
    let Some(media) = body.pointer_mut("/content").and_then(|it| it.get_mut(JSON)) else { return };
    if media.get("example").is_none() && media.get("examples").is_none() {
        media["example"] = sample(&media["schema"], components);
    }
}

/// An example value that conforms to `schema`; `$ref`s are resolved in `components`.
pub fn sample(schema: &Value, components: &Value) -> Value {
    value(schema, components, Place::default())
}

/// Position of a value: the named schema that contains it, its field name and its nesting depth.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    owner: &'a str,
    name: &'a str,
    depth: usize,
}

impl<'a> Place<'a> {
    const fn inside(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }

    const fn field(self, name: &'a str) -> Self {
        Self { name, ..self.inside() }
    }
}

fn value(schema: &Value, components: &Value, place: Place<'_>) -> Value {
    if place.depth > MAX_DEPTH {
        return json!(UNKNOWN);
    }
    let name = place.name;
    let inner = |schema: &Value| value(schema, components, place.inside());
    if let Some(told) = schema.get("example").or_else(|| schema.get("const")) {
        return told.clone();
    }
    let own = BY_FIELD.iter().find(|(owner, field, _)| *owner == place.owner && *field == name);
    if let Some((_, _, text)) = own {
        return read(text);
    }
    if let Some(pointer) = schema["$ref"].as_str() {
        let owner = pointer.rsplit('/').next().unwrap_or_default();
        let pointer = pointer.trim_start_matches("#/components");
        let known = components.pointer(pointer);
        let place = Place { owner, ..place.inside() };
        return known.map_or_else(|| json!(UNKNOWN), |schema| value(schema, components, place));
    }
    let known = by_name(name).map(|known| in_form_of(known, schema));
    if let Some(known) = known.filter(|known| is_of(known, schema)) {
        return known;
    }
    if let Some(words) = schema["enum"].as_array() {
        return words[0].clone();
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let parts = parts.iter().map(inner);
        return Value::Object(
            parts.filter_map(|part| part.as_object().cloned()).flatten().collect(),
        );
    }
    for joint in ["oneOf", "anyOf"] {
        if let Some(shapes) = schema[joint].as_array() {
            let shape = shapes.iter().find(|shape| shape["type"] != "null");
            return shape.map_or(Value::Null, inner);
        }
    }
    plain(schema, components, place)
}

fn plain(schema: &Value, components: &Value, place: Place<'_>) -> Value {
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect::<Vec<_>>(),
    };
    let least = || schema.get("minimum").cloned().unwrap_or_else(|| json!(1));
    match types.first().copied() {
        Some("object") => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            let fields = fields
                .map(|(name, field)| (name.clone(), value(field, components, place.field(name))));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Some("array") => json!([value(&schema["items"], components, place.inside())]),
        Some("boolean") => json!(true),
        Some("integer" | "number") => schema.get("default").cloned().unwrap_or_else(least),
        Some("null") | None => Value::Null,
        Some(_) => json!(UNKNOWN),
    }
}

/// The default value for fields of this name: from `BY_NAME`, otherwise from `BY_ENDING`.
fn by_name(name: &str) -> Option<Value> {
    let own = BY_NAME.iter().find(|(known, _)| *known == name);
    let own = own.or_else(|| BY_ENDING.iter().find(|(ending, _)| name.ends_with(ending)));
    own.map(|(_, text)| read(text))
}

/// Parses a table entry: as JSON if it is valid JSON, otherwise as a plain string.
fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}

/// Converts a numeric string to a number, raised to the schema's minimum, if `number` is the
/// schema's first type.
fn in_form_of(known: Value, schema: &Value) -> Value {
    let first = schema["type"].as_array().map_or(&schema["type"], |types| &types[0]);
    let Some(text) = known.as_str().filter(|_| first == "number") else { return known };
    let Ok(number) = text.parse::<f64>() else { return known };
    let least = schema["minimum"].as_f64().unwrap_or(number);
    if least > number { schema["minimum"].clone() } else { json!(number) }
}

/// True if the value's type, and for strings the enum, fits the schema. The tests validate samples
/// in full.
fn is_of(value: &Value, schema: &Value) -> bool {
    let kind = match value {
        Value::String(text) => {
            let words = schema["enum"].as_array();
            if words.is_some_and(|words| !words.contains(&json!(text))) {
                return false;
            }
            "string"
        }
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
    };
    let fits = |name: &Value| name == kind || (kind == "integer" && name == "number");
    match &schema["type"] {
        Value::Array(types) => types.iter().any(fits),
        Value::Null => {
            let shapes = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
            kind == "null"
                && shapes.is_some_and(|shapes| shapes.iter().any(|it| it["type"] == "null"))
        }
        one => fits(one),
    }
}
