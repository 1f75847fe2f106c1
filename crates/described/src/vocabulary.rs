//! Lists of words as schemas with names: a document has each once, with the meaning of every word,
//! and the fields that hold one refer to it.

use serde_json::{Value, json};

use super::words::{LISTS, List};
use super::{reference, schemas};

/// A list, and the field that holds one of its words in the schemas of these names.
pub type Use = (&'static str, &'static str, &'static [&'static str]);

/// Makes these fields refer to their lists, and puts those into the document.
///
/// # Panics
/// A schema, a field or a list is missing. Documents are the same in every process, so tests find
/// this.
pub fn apply(document: &mut Value, uses: &[Use]) {
    for (list_name, field, names) in uses {
        for name in *names {
            refer(document, list_name, field, name);
        }
    }
}

/// Makes one field of the schema `name` refer to its list, and puts that into the document.
///
/// # Panics
/// As [`apply`].
pub fn refer(document: &mut Value, list_name: &str, field: &str, name: &str) {
    let (list, schemas) = (list(list_name), schemas(document));
    let schema = schemas.get_mut(name).unwrap_or_else(|| panic!("no schema {name}"));
    let place = property(schema, field);
    let place = place.unwrap_or_else(|| panic!("{name} has no field {field}"));
    *place = referring(place, list);
    schemas.insert(list_name.to_owned(), list.schema());
}

/// The list of this name.
pub fn list(name: &str) -> &'static List {
    let list = LISTS.iter().find(|list| list.name == name);
    list.unwrap_or_else(|| panic!("no list {name}"))
}

/// Finds a field of a schema, or of the parts that it joins.
fn property<'a>(schema: &'a mut Value, field: &str) -> Option<&'a mut Value> {
    if schema.pointer(&format!("/properties/{field}")).is_some() {
        return schema["properties"].get_mut(field);
    }
    ["allOf", "oneOf"].into_iter().find_map(|joint| schema.get(joint).map(|_| joint)).and_then(
        |joint| {
            let parts = schema[joint].as_array_mut()?;
            parts.iter_mut().find_map(|part| property(part, field))
        },
    )
}

/// The field with the list in place of a text. Its description stays, unless it only listed the
/// words.
fn referring(field: &Value, list: &List) -> Value {
    let mut shapes = Vec::new();
    let is_nullable = field["type"].as_array().is_some_and(|types| types.contains(&json!("null")));
    if is_nullable {
        shapes.push(json!({ "type": "null" }));
    }
    shapes.push(reference(list.name));
    if list.is_open {
        shapes.push(json!({ "type": "string" }));
    }
    let mut schema = match (shapes.len(), list.is_open) {
        (1, _) => shapes.remove(0),
        (_, true) => json!({ "anyOf": shapes }),
        (_, false) => json!({ "oneOf": shapes }),
    };
    if let Some(told) = field["description"].as_str().filter(|told| !told.starts_with('`')) {
        schema["description"] = json!(told);
    }
    schema
}

impl List {
    /// The list as a schema.
    fn schema(&self) -> Value {
        let words = (self.words)();
        let texts: Vec<_> = words.iter().map(|(text, _)| *text).collect();
        let mut description = self.meaning.to_owned();
        for (text, meaning) in words.iter().filter(|(_, meaning)| !meaning.is_empty()) {
            description.push_str(&format!("\n- `{text}`: {meaning}"));
        }
        json!({ "type": "string", "description": description, "enum": texts })
    }
}
