//! A signature covers key, time, nonce and the body or query, but not the path. So that what was
//! signed for one operation does nothing at another, a field that belongs to others alone is
//! refused. Fields that no operation knows are passed over: clients may send their own.

use std::collections::{BTreeSet, HashMap};

use described::parts::Described;
use serde_json::Value;
use serde_json::value::RawValue;
use wire::cardbridge::form;

use super::authenticate::Signed;
use super::operation::{Input, Route};
use super::reply::Failure;

/// What each operation reads, and what all of its kind do.
pub(crate) struct ForeignFields {
    own: HashMap<&'static str, BTreeSet<String>>,
    of_bodies: BTreeSet<String>,
    of_queries: BTreeSet<String>,
}

impl ForeignFields {
    /// Of the operations of this table.
    pub(crate) fn of(table: &[Route]) -> Self {
        let mut fields =
            Self { own: HashMap::new(), of_bodies: BTreeSet::new(), of_queries: BTreeSet::new() };
        for route in table {
            let (own, all) = match &route.input {
                Input::Query(parameters) => {
                    let names = parameters.iter().map(|it| it.name.to_owned());
                    (names.collect::<BTreeSet<_>>(), &mut fields.of_queries)
                }
                Input::Body(described) => {
                    let mut names = BTreeSet::new();
                    gather(described, &described.schema, &mut names);
                    names.extend(route.older_names.iter().map(|name| (*name).to_owned()));
                    (names, &mut fields.of_bodies)
                }
            };
            all.extend(own.iter().cloned());
            fields.own.insert(route.path, own);
        }
        fields
    }

    /// Refuses a request with a field of other operations. What is null or a blank text counts
    /// as absent, as everywhere in this dialect.
    pub(crate) fn check(&self, path: &str, is_get: bool, signed: &Signed) -> Result<(), Failure> {
        let Some(own) = self.own.get(path) else { return Ok(()) };
        let (names, all) = if is_get {
            (query_names(signed.raw_query.as_deref()), &self.of_queries)
        } else {
            (body_names(&signed.body), &self.of_bodies)
        };
        match names.iter().find(|name| !own.contains(*name) && all.contains(*name)) {
            Some(name) => Err(Failure::illegal(format!("{name} belongs to another operation"))),
            None => Ok(()),
        }
    }
}

/// Names at the top of a body; what is no object is refused by its reader.
fn body_names(body: &[u8]) -> Vec<String> {
    let fields: HashMap<String, &RawValue> = serde_json::from_slice(body).unwrap_or_default();
    fields.into_iter().filter(|(_, json)| !is_absent(json)).map(|(name, _)| name).collect()
}

fn is_absent(json: &RawValue) -> bool {
    let text: Option<Option<String>> = serde_json::from_str(json.get()).ok();
    text.is_some_and(|text| text.is_none_or(|text| is_blank(&text)))
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn query_names(raw_query: Option<&str>) -> Vec<String> {
    let pairs = form::decode_pairs(raw_query.unwrap_or_default()).unwrap_or_default();
    pairs.into_iter().filter(|(_, value)| !is_blank(value)).map(|(name, _)| name).collect()
}

/// The names at the top of a shape.
fn gather(described: &Described, shape: &Value, names: &mut BTreeSet<String>) {
    if let Some(pointer) = shape["$ref"].as_str() {
        let wanted = pointer.rsplit('/').next().unwrap_or_default();
        gather(described, described.schemas.get(wanted).unwrap_or(&Value::Null), names);
    }
    let properties = shape["properties"].as_object().into_iter().flatten();
    names.extend(properties.map(|(name, _)| name.clone()));
    for joint in ["allOf", "oneOf"] {
        let parts = shape[joint].as_array().into_iter().flatten();
        parts.for_each(|part| gather(described, part, names));
    }
}
