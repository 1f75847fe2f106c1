//! Checks every answer that the tests get from the operator and sandbox APIs against their OpenAPI
//! document.

use std::collections::HashMap;
use std::sync::LazyLock;

use domain::Mode;
use jsonschema::Validator;
use serde_json::{Value, json};

use crate::http::Answer;

/// Refusals of requests that match no operation of the document: another path or method.
const ELSEWHERE: [u16; 2] = [404, 405];

/// The answers of an operation, by status; without a schema if the body is not JSON.
struct Described {
    method: String,
    path: Vec<String>,
    answers: HashMap<u16, Option<Validator>>,
}

/// Compiled once.
static OPERATIONS: LazyLock<Vec<Described>> = LazyLock::new(|| {
    let document = admin_api::openapi_document(Mode::Sandbox);
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap().iter();
            operations.push(Described {
                method: method.to_ascii_uppercase(),
                path: parts(path),
                answers: responses
                    .map(|(status, response)| {
                        (status.parse().unwrap(), schema(&document, response))
                    })
                    .collect(),
            });
        }
    }
    operations
});

fn schema(document: &Value, response: &Value) -> Option<Validator> {
    let pointer = response["$ref"].as_str().map(|it| it.trim_start_matches('#'));
    let response = pointer.map_or(response, |it| document.pointer(it).unwrap());
    let (media_type, media) = response["content"].as_object()?.iter().next()?;
    let schema = json!({"allOf": [media["schema"]], "components": document["components"]});
    media_type.ends_with("json").then(|| jsonschema::draft202012::new(&schema).unwrap())
}

fn parts(path: &str) -> Vec<String> {
    path.split('?').next().unwrap_or_default().split('/').map(str::to_owned).collect()
}

fn is_of(template: &[String], path: &[String]) -> bool {
    let is_rest = template.iter().any(|part| part == "{objectKey}");
    (template.len() == path.len() || (is_rest && path.len() > template.len()))
        && template.iter().zip(path).all(|(part, own)| part.starts_with('{') || part == own)
}

/// Fails if the document does not describe this answer.
pub fn require_described(method: &str, target: &str, answer: &Answer) {
    let path = parts(target);
    // An exact path comes before a template that merely matches.
    let of_path = OPERATIONS.iter().filter(|it| it.method == method && is_of(&it.path, &path));
    let operation =
        of_path.max_by_key(|it| it.path.iter().zip(&path).filter(|(a, b)| a == b).count());
    let Some(operation) = operation else { return };
    let status = answer.status;
    let Some(validator) = operation.answers.get(&status) else {
        assert!(ELSEWHERE.contains(&status), "{method} {target}: status {status} is not described");
        return;
    };
    let Some(validator) = validator else { return };
    let body = answer.json();
    let faults: Vec<String> = validator
        .iter_errors(&body)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{method} {target}: {status} {body} is not described: {faults:#?}");
}

#[test]
fn an_answer_of_another_shape_or_status_is_found() {
    let answer = |status: u16, body: &Value| Answer {
        status,
        head: String::new(),
        body: body.to_string().into_bytes(),
    };
    let require = |status, body: Value| {
        require_described("GET", "/sandbox/v1/clock?x=1", &answer(status, &body));
    };
    require(200, json!({"now": "2030-01-02T03:04:05.000Z", "offsetSeconds": 0}));
    let refusal = json!({"type": "urn:cardbridge:problem:internal", "title": "x", "status": 500,
        "code": "internal", "detail": "x"});
    require(500, refusal.clone());
    for (status, body) in [
        (200, json!({"now": 1, "offsetSeconds": 0})),
        (200, json!({"now": "2030-01-02T03:04:05.000Z"})),
        (500, json!({"code": "other"})),
        (418, refusal),
    ] {
        let found = std::panic::catch_unwind(|| require(status, body.clone()));
        assert!(found.is_err(), "{status} {body}");
    }
}
