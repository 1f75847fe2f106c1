//! The description of a table of fields in a document.

use serde_json::{Map, Value, json};

use super::{Field, Kind, Policy, Table};

const MINOR_PER_MAJOR: i64 = 100;
/// Texts with control characters are refused.
const TEXT_PATTERN: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";
/// The same, and not blank: a blank text counts as missing.
const SET_TEXT_PATTERN: &str = r"^(?=.*\S)[^\u0000-\u001f\u007f-\u009f]*$";
/// A cardholder's name, as far as a pattern that every language reads can describe it: of ASCII the
/// letters, the blank and `'`, `-` and `.`; beyond ASCII the pattern allows more than letters.
const NAME_PATTERN: &str = r"^(?=.*\S)[^\u0000-\u001f\u0021-\u0026\u0028-\u002c\u002f-\u0040\u005b-\u0060\u007b-\u009f]{1,50}$";
const MOMENT_PATTERN: &str = r"^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$";

impl Table {
    /// The JSON Schema of an object of these fields.
    #[must_use]
    pub fn schema<P: Policy>(&self) -> Value {
        let property = |field: &Field| (field.name.to_owned(), field.schema::<P>());
        let mut schema = json!({ "type": "object" });
        // A named object without fields has no `properties`.
        if self.name.is_empty() || !self.fields.is_empty() {
            schema["properties"] = self.fields.iter().map(property).collect::<Map<_, _>>().into();
        }
        let required: Vec<_> =
            self.fields.iter().filter(|it| it.is_required).map(|it| it.name).collect();
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        described(schema, self.meaning)
    }

    /// Puts the schemas of the table and of those inside it among those of a document, under
    /// their names.
    pub fn describe<P: Policy>(&self, schemas: &mut Map<String, Value>) {
        if !self.name.is_empty() {
            schemas.insert(self.name.to_owned(), self.schema::<P>());
        }
        self.nested().for_each(|table| table.describe::<P>(schemas));
    }

    /// The schema in the object's place: a reference if it has a name.
    fn placed<P: Policy>(&self) -> Value {
        match self.name {
            "" => self.schema::<P>(),
            name => json!({ "$ref": format!("#/components/schemas/{name}") }),
        }
    }
}

impl Field {
    /// Its JSON Schema. It shows the forms that clients should send, not everything that is read
    /// (`1E+1` for ten, blanks around a number).
    fn schema<P: Policy>(&self) -> Value {
        let mut schema = self.schema_of_kind::<P>();
        if matches!(self.kind, Kind::Word(_) | Kind::Links) || self.is_required {
            return described(schema, self.meaning);
        }
        if schema.get("$ref").is_some() {
            return json!({ "oneOf": [described(schema, self.meaning), { "type": "null" }] });
        }
        let pattern = schema["pattern"].as_str().filter(|it| *it != TEXT_PATTERN);
        if let Some(pattern) = pattern {
            // A blank text counts as missing here too.
            schema["pattern"] = json!(format!("^ *$|{pattern}"));
        }
        push_type(&mut schema, "null");
        described(schema, self.meaning)
    }

    fn schema_of_kind<P: Policy>(&self) -> Value {
        match self.kind {
            Kind::Text { max_chars } if P::IS_TEXT_TOLD => {
                let pattern = if self.is_required { SET_TEXT_PATTERN } else { TEXT_PATTERN };
                let types = ["string", "number"];
                json!({ "type": types, "maxLength": max_chars, "pattern": pattern })
            }
            Kind::Text { .. }
            | Kind::Id
            | Kind::Reference
            | Kind::Country
            | Kind::EmbossingName
            | Kind::Code(_) => json!({ "type": "string" }),
            Kind::Name => json!({ "type": ["string"], "pattern": NAME_PATTERN }),
            Kind::Word(words) => json!({ "type": "string", "enum": words }),
            Kind::Boolean | Kind::Flag => json!({ "type": "boolean" }),
            Kind::Whole { least, most, example } => {
                let mut schema = json!({ "type": "integer", "format": "int32", "minimum": 0 });
                if let Some(example) = example {
                    schema["minimum"] = json!(least);
                    schema["maximum"] = json!(most);
                    schema["example"] = json!(example);
                }
                schema
            }
            Kind::Amount => json!({ "type": ["number", "string"] }),
            Kind::Load { least_minor, most_minor } => {
                let (least, most) = (least_minor / MINOR_PER_MAJOR, most_minor / MINOR_PER_MAJOR);
                amount(json!({ "minimum": least, "maximum": most }))
            }
            Kind::Payment => amount(json!({ "exclusiveMinimum": 0 })),
            Kind::Limit => amount(json!({ "minimum": 0 })),
            Kind::Page { default } => count(json!({ "minimum": 1, "default": default })),
            Kind::PageSize { default, most } => {
                count(json!({ "minimum": 1, "maximum": most, "default": default }))
            }
            Kind::Moment => json!({ "type": ["string"], "pattern": MOMENT_PATTERN }),
            Kind::Texts { .. } | Kind::Links => {
                json!({ "type": "array", "items": { "type": "string" } })
            }
            Kind::FileNames { most } => json!({
                "type": "array", "minItems": 1, "maxItems": most,
                "items": {
                    "type": "string",
                    "description": "A name that ends in .pdf, .jpg, .jpeg or .png",
                },
            }),
            Kind::Object(table) => table.placed::<P>(),
            Kind::Objects(table) => json!({ "type": "array", "items": table.placed::<P>() }),
        }
    }
}

/// A number or its text.
fn amount(mut schema: Value) -> Value {
    schema["type"] = json!(["number", "string"]);
    schema["pattern"] = json!(r"^\d+(\.\d{1,2})?$");
    schema
}

/// A whole number or its text.
fn count(mut schema: Value) -> Value {
    schema["type"] = json!(["integer", "string"]);
    schema["pattern"] = json!(r"^[1-9]\d*$");
    schema
}

fn described(mut schema: Value, meaning: &str) -> Value {
    if !meaning.is_empty() {
        let lines: Vec<_> = meaning.lines().map(str::trim).collect();
        schema["description"] = json!(lines.join("\n"));
    }
    schema
}

fn push_type(schema: &mut Value, name: &str) {
    match &mut schema["type"] {
        Value::Array(types) => types.push(json!(name)),
        one => *one = json!([one.take(), name]),
    }
}
