//! Rules that let people, and generators of clients, read the OpenAPI documents.

use std::collections::BTreeSet;

use domain::Mode;
use serde_json::{Value, json};
use wire::vm::error_code::ErrorCodes;

/// Every document, by the name of its file.
pub fn documents() -> [(&'static str, Value); 3] {
    [
        ("open-api", cardbridge_api::open_api_document()),
        ("vm-api", vm_api::vm_api_document(&ErrorCodes::default())),
        ("operator-api", document()),
    ]
}

fn document() -> Value {
    admin_api::openapi_document(Mode::Sandbox)
}

fn operations() -> Vec<Value> {
    of(&document(), "paths").into_iter().map(|(_, operation)| operation).collect()
}

/// The operations below `paths` or `webhooks`, each with its method and path.
fn of(document: &Value, part: &str) -> Vec<(String, Value)> {
    let items = document[part].as_object().into_iter().flatten();
    let operations = items.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, it)| (format!("{method} {path}"), it.clone()))
    });
    operations.collect()
}

/// All operations of a document, its webhooks too.
fn all(document: &Value) -> Vec<(String, Value)> {
    [of(document, "paths"), of(document, "webhooks")].concat()
}

/// A response, with its reference resolved.
fn resolved<'a>(document: &'a Value, response: &'a Value) -> &'a Value {
    match response["$ref"].as_str() {
        Some(pointer) => document.pointer(pointer.trim_start_matches('#')).unwrap(),
        None => response,
    }
}

/// The texts around citations, which send a reader to pages that the reader does not have.
fn citations(text: &str) -> Vec<String> {
    let before = |at: usize| text[..at].chars().next_back().unwrap_or(' ');
    let after = |at: usize| text[at..].chars().next().unwrap_or(' ');
    let mut found = Vec::new();
    let mut told = |at: usize| {
        let start = text[..at].char_indices().rev().nth(30).map_or(0, |(start, _)| start);
        found.push(text[start..].chars().take(80).collect());
    };
    for word in ["section ", "sections ", "Section "] {
        for (at, _) in text.match_indices(word) {
            if after(at + word.len()).is_ascii_digit() {
                told(at);
            }
        }
    }
    for mark in ["(C", "(U", "(F"] {
        for (at, _) in text.match_indices(mark) {
            if after(at + mark.len()).is_ascii_digit() {
                told(at);
            }
        }
    }
    for mark in ["[INF]", "[`", "[G]", "[RUN]", "open-api.md", "vm-api.md", "and-sandbox.md"] {
        text.match_indices(mark).filter(|(at, _)| before(*at) != '\\').for_each(|(at, _)| told(at));
    }
    found
}

#[test]
fn citations_are_found() {
    for bad in [
        "State (section 7.2).",
        "see sections 3 and 4",
        "nothing else (C16)",
        "ours [INF]",
        "see [`unknown_codes`]",
        "(cardbridge-open-api.md)",
        "as decided (U7)",
    ] {
        assert_eq!(citations(bad).len(), 1, "{bad}");
    }
    assert_eq!(citations("The section of a road, (Cash) and A2.md"), Vec::<String>::new());
}

#[test]
fn no_document_sends_its_readers_to_pages_that_they_do_not_have() {
    for (name, document) in documents() {
        let text = serde_json::to_string_pretty(&document).unwrap();
        assert_eq!(citations(&text), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn every_operation_and_every_part_of_it_is_told() {
    for (name, document) in documents() {
        assert!(document["servers"].as_array().is_some_and(|it| it.len() == 2), "{name}");
        let tags = document["tags"].as_array().unwrap().iter();
        let tags: BTreeSet<_> = tags.map(|it| it["name"].clone().to_string()).collect();
        let mut used = BTreeSet::new();
        for (place, operation) in all(&document) {
            let place = format!("{name}: {place}");
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{place}");
            used.insert(operation["tags"][0].to_string());
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let told = parameter["description"].as_str().unwrap_or_default();
                assert!(told.len() > 3, "{place}: {parameter}");
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                let told = resolved(&document, response)["description"].as_str();
                assert!(told.is_some_and(|told| told.len() > 3), "{place} {status}");
            }
        }
        assert_eq!(used, tags, "{name}");
    }
}

#[test]
fn every_status_that_is_no_answer_is_told() {
    for (name, expected) in [
        ("open-api", &["400", "408", "413", "429", "500", "503"][..]),
        ("operator-api", &["401", "500", "503"]),
    ] {
        let (_, document) = documents().into_iter().find(|(it, _)| *it == name).unwrap();
        for (place, operation) in of(&document, "paths") {
            for status in expected {
                assert!(operation["responses"].get(status).is_some(), "{name}: {place} {status}");
            }
        }
    }
}

/// Every sample of a body, with the schema that it shows.
fn samples(document: &Value) -> Vec<(String, Value, Value)> {
    let mut samples = Vec::new();
    let mut push = |place: &str, media: &Value| {
        let examples = media["examples"].as_object().into_iter().flatten();
        let many = examples.map(|(_, it)| it["value"].clone());
        let one = media.get("example").cloned();
        for sample in many.chain(one) {
            samples.push((place.to_owned(), media["schema"].clone(), sample));
        }
    };
    for (place, operation) in all(document) {
        push(&place, &operation["requestBody"]["content"]["application/json"]);
        for (status, response) in operation["responses"].as_object().unwrap() {
            let contents =
                resolved(document, response)["content"].as_object().into_iter().flatten();
            contents.for_each(|(_, media)| push(&format!("{place} {status}"), media));
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for sample in schema["examples"].as_array().into_iter().flatten() {
            samples.push((name.clone(), schema.clone(), sample.clone()));
        }
    }
    samples
}

#[test]
fn every_sample_is_what_its_schema_says() {
    for (name, document) in documents() {
        let samples = samples(&document);
        assert!(samples.len() >= 2 * of(&document, "paths").len(), "{name}: {}", samples.len());
        let mut faults = Vec::new();
        for (place, schema, sample) in samples {
            let schema = json!({"allOf": [schema], "components": document["components"]});
            let validator = jsonschema::draft202012::new(&schema).unwrap();
            let found = validator.iter_errors(&sample);
            faults.extend(found.map(|it| format!("{name} {place}{}: {it}", it.instance_path())));
            if sample.to_string().contains("(no sample)") {
                faults.push(format!("{name} {place}: a field has no sample: {sample}"));
            }
        }
        assert!(faults.is_empty(), "{faults:#?}");
    }
}

#[test]
fn no_two_operations_share_an_id() {
    let operations = operations();
    let ids: BTreeSet<_> =
        operations.iter().map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), operations.len(), "{ids:?}");
}

#[test]
fn a_body_without_a_required_field_may_be_left_out() {
    let operations = operations();
    for id in ["reverse", "clear", "create_api_key"] {
        let operation = operations.iter().find(|operation| operation["operationId"] == id);
        let body = &operation.unwrap()["requestBody"];
        assert!(body["content"].is_object(), "{id}");
        assert_ne!(body["required"], true, "{id}");
    }
}

#[test]
fn every_operation_asks_for_the_bearer_token() {
    let document = document();
    let scheme = &document["components"]["securitySchemes"]["operator_token"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&json!("http"), &json!("bearer")));
    assert_eq!(document["security"], json!([{"operator_token": []}]));
}
