//! Checks the tests' requests and answers over dialect 2 against its OpenAPI document.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};
use wire::vm::error_code::ErrorCodes;

const JSON: &str = "application/json";

/// The document's description of one path.
struct Described {
    /// The plain object of a request.
    request: Validator,
    /// The plain object of a success.
    data: Validator,
    /// The body as it goes over the wire.
    outer: Validator,
}

/// The document for a table of refusal codes.
pub struct Document(HashMap<String, Described>);

/// Documents and the codes they are for.
type Compiled = Vec<(ErrorCodes, Arc<Document>)>;

/// Compiled once for each table of codes.
static DOCUMENTS: LazyLock<Mutex<Compiled>> = LazyLock::new(Mutex::default);

/// The document of a platform with these codes.
pub fn document(codes: &ErrorCodes) -> Arc<Document> {
    let mut documents = DOCUMENTS.lock().unwrap();
    if let Some((_, document)) = documents.iter().find(|(it, _)| it == codes) {
        return Arc::clone(document);
    }
    let document = Arc::new(Document(compiled(codes)));
    documents.push((*codes, Arc::clone(&document)));
    document
}

/// In answers, anything that is not described is a fault; requests may contain additional fields.
fn compiled(codes: &ErrorCodes) -> HashMap<String, Described> {
    let mut document = vm_api::vm_api_document(codes);
    for (name, schema) in document["components"]["schemas"].as_object_mut().unwrap() {
        if !name.ends_with("Request") {
            close(schema);
        }
    }
    close(&mut document["paths"]);
    let components = &document["components"];
    // References point into the components, so those are included.
    let compiled = |schema: &Value| {
        let schema = json!({"allOf": [schema], "components": components});
        jsonschema::draft202012::new(&schema).unwrap()
    };
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .map(|(path, item)| {
            let operation = item.as_object().unwrap().values().next().unwrap();
            let body = &operation["requestBody"]["content"][JSON]["schema"];
            let answer = &operation["responses"]["200"]["content"][JSON]["schema"];
            let inside = |outer: &Value, name: &str| {
                let sealed = &outer["allOf"][1]["properties"][name]["contentSchema"];
                if sealed.is_null() { compiled(&json!(true)) } else { compiled(sealed) }
            };
            let described = Described {
                request: inside(body, "content"),
                data: inside(&answer["oneOf"][0], "data"),
                outer: compiled(answer),
            };
            (path.clone(), described)
        })
        .collect()
}

/// Makes every object accept only its described fields.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("type") == Some(&json!("object")) && object.contains_key("properties") {
                object.insert("additionalProperties".to_owned(), json!(false));
            }
            object.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn require(validator: &Validator, path: &str, what: &str, value: &Value) {
    let faults: Vec<String> = validator
        .iter_errors(value)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{path}: the {what} {value} is not described: {faults:#?}");
}

impl Document {
    /// Fails if the document does not describe a call that succeeded.
    pub fn require_success(&self, path: &str, request: &Value, data: &Value) {
        require(&self.0[path].request, path, "request", request);
        require(&self.0[path].data, path, "answer", data);
    }

    /// Fails if the document does not list a refusal for the path that gave it.
    pub fn require_refusal(&self, path: &str, code: i64, msg: &str) {
        self.require_outer(path, &json!({"code": code, "msg": msg}));
    }

    /// Fails if the document does not describe a body that a path answered with HTTP 200.
    pub fn require_outer(&self, path: &str, body: &Value) {
        let path = path.split('?').next().unwrap_or_default();
        require(&self.0[path].outer, path, "body", body);
    }
}

/// The bodies of both webhooks, closed.
static WEBHOOKS: LazyLock<HashMap<String, Validator>> = LazyLock::new(|| {
    let mut document = vm_api::vm_api_document(&ErrorCodes::default());
    for schema in document["components"]["schemas"].as_object_mut().unwrap().values_mut() {
        close(schema);
    }
    let webhooks = document["webhooks"].as_object().unwrap().iter();
    webhooks
        .map(|(name, item)| {
            let body = &item["post"]["requestBody"]["content"][JSON]["schema"];
            let schema = json!({"allOf": [body], "components": document["components"]});
            (name.clone(), jsonschema::draft202012::new(&schema).unwrap())
        })
        .collect()
});

/// Fails if the document does not describe a webhook that arrived.
pub fn require_described_webhook(body: &Value) {
    let name = body["business_type"].as_str().unwrap_or("transaction");
    require(&WEBHOOKS[name], name, "webhook", body);
}

#[cfg(test)]
mod tests {
    use wire::vm::parameters;
    use wire::vm::{VmError, card, flow, time::Offset, transaction};

    use super::*;

    fn usual() -> Arc<Document> {
        document(&ErrorCodes::default())
    }

    #[test]
    fn the_document_rejects_answers_and_refusals_that_it_does_not_describe() {
        let path = "/getAccountBalance";
        let document = usual();
        let described = &document.0[path];
        for odd in [
            json!({}),
            json!({"balance": "1", "wallet_balance": 0}),
            json!({"balance": 1, "wallet_balance": 0, "more": 1}),
        ] {
            assert!(!described.data.is_valid(&odd), "{odd}");
        }
        document.require_success(
            path,
            &json!({"anything": 1}),
            &json!({"balance": 1, "wallet_balance": 0.5}),
        );
        for odd in [
            json!({"code": 700_001, "msg": "Invalid CardId"}),
            json!({"code": 400_002, "msg": "Invalid"}),
            json!({"code": 400_002, "msg": "Invalid Token", "data": null}),
            json!({"code": "400002", "msg": "Invalid Token"}),
            json!({"code": 0, "msg": "ok", "data": "not hex"}),
            json!({"code": 0, "msg": "ok"}),
        ] {
            assert!(!described.outer.is_valid(&odd), "{odd}");
        }
        document.require_refusal(path, 400_005, "Ip Invalid203.0.113.7");
        document.require_refusal("/cardDetail", 700_001, "Invalid CardId");
        document.require_outer(path, &json!({"code": 0, "msg": "ok", "data": "4150383d"}));
    }

    /// A complete, valid request for each path that reads parameters.
    fn whole_requests() -> Vec<(&'static str, Value)> {
        let list = json!({
            "card_id": "c", "product_code": "P", "card_type": "save", "page": 1, "page_size": 10,
            "start_time": "2030-01-01 00:00:00", "end_time": "2030-01-02 00:00:00",
        });
        vec![
            (
                card::CREATE_PATH,
                json!({
                    "product_code": "P", "first_name": "Test", "last_name": "User", "amount": 20,
                    "single_limit": 1, "day_limit": 2, "month_limit": 3, "label": "a label",
                    "card_address": {
                        "address_line_one": "1", "address_line_two": "2", "city": "C",
                        "state": "S", "country": "US", "post_code": "1",
                    },
                    "area_code": "+1", "mobile": "2025550100", "email": "t@example.com",
                }),
            ),
            (card::DETAIL_PATH, json!({"card_id": "c"})),
            (card::DELETE_PATH, json!({"card_id": "c"})),
            (card::FREEZE_PATH, json!({"card_id": "c", "status": "ACTIVE"})),
            (card::RECHARGE_PATH, json!({"card_id": "c", "amount": 10})),
            (card::REFUND_PATH, json!({"card_id": "c", "amount": 10})),
            (
                card::LIMIT_PATH,
                json!({
                    "card_id": "c", "single_limit": 1, "day_limit": 2, "month_limit": 3,
                    "amount": 4,
                }),
            ),
            (card::LIST_PATH, list),
            (
                transaction::TRANSACTIONS_PATH,
                json!({
                    "card_id": "c", "auth_id": "1", "transaction_type": "Refund",
                    "status": "COMPLETE", "page": 1, "page_size": 10,
                    "start_time": "2030-01-01 00:00:00", "end_time": "2030-01-02 00:00:00",
                }),
            ),
            (flow::FLOW_PATH, json!({"card_id": "c", "page": 1, "page_size": 10})),
        ]
    }

    fn read(path: &str, request: &Value) -> Result<(), VmError> {
        let it = &parameters::parse(request.to_string().as_bytes())?;
        match path {
            card::CREATE_PATH => card::parse_create(it).map(drop),
            card::DETAIL_PATH | card::DELETE_PATH => card::parse_card_id(it).map(drop),
            card::FREEZE_PATH => card::parse_freeze(it).map(drop),
            card::RECHARGE_PATH => card::parse_recharge(it).map(drop),
            card::REFUND_PATH => card::parse_refund(it).map(drop),
            card::LIMIT_PATH => card::parse_limits(it).map(drop),
            card::LIST_PATH => card::parse_list(it, Offset::default()).map(drop),
            flow::FLOW_PATH => flow::parse_flows(it).map(drop),
            _ => transaction::parse_query(it, Offset::default()).map(drop),
        }
    }

    /// Values that may be in a field, valid or not.
    fn values() -> Vec<Value> {
        let texts = [
            "",
            " ",
            "x",
            "1",
            "10",
            "20",
            "10.50",
            "-1",
            "2030-01-02 03:04:05",
            "2030-01-02",
            "ACTIVE",
            "CANCELLED",
            "active",
            "O’Neill-Ångström Jr.",
            "演示",
            "a\u{1}",
            "a\u{85}",
            "A1",
        ];
        let long = [50, 51, 160, 161, 256, 257].map(|length| json!("a".repeat(length)));
        let numbers = [
            "0",
            "1",
            "0.01",
            "9.99",
            "10",
            "19.99",
            "20",
            "1000",
            "1001",
            "100000",
            "100000.01",
            "-1",
        ];
        let others = [json!(null), json!(true), json!([]), json!({})];
        let numbers = numbers.map(|digits| serde_json::from_str(digits).unwrap());
        texts.into_iter().map(|it| json!(it)).chain(long).chain(numbers).chain(others).collect()
    }

    /// Refusals that no schema can express: the value of a number given as text, and that an
    /// address has a first line if it has any other.
    fn is_beyond_schemas(error: &VmError, value: Option<&Value>) -> bool {
        let is_text = value.is_some_and(Value::is_string);
        match error {
            VmError::NotSet("address_line_one") => true,
            VmError::Amount | VmError::AmountTooSmall { .. } => is_text,
            _ => false,
        }
    }

    #[test]
    fn what_is_read_and_what_is_described_are_the_same() {
        let document = usual();
        let mut tried = 0;
        for (path, whole) in whole_requests() {
            let nested = whole["card_address"].as_object().into_iter().flatten();
            let nested = nested.map(|(name, _)| format!("/card_address/{name}"));
            let own = whole.as_object().unwrap().keys().map(|name| format!("/{name}"));
            for pointer in own.chain(nested) {
                for value in values().into_iter().map(Some).chain([None]) {
                    let mut request = whole.clone();
                    match &value {
                        Some(value) => *request.pointer_mut(&pointer).unwrap() = value.clone(),
                        None => remove(&mut request, &pointer),
                    }
                    let (is_described, outcome) =
                        (document.0[path].request.is_valid(&request), read(path, &request));
                    if let Err(error) = &outcome {
                        let code = ErrorCodes::default().of(error);
                        document.require_refusal(path, code.into(), &error.to_string());
                        if is_beyond_schemas(error, value.as_ref()) {
                            continue;
                        }
                    }
                    tried += 1;
                    assert_eq!(outcome.is_ok(), is_described, "{path} {request}: {outcome:?}");
                }
            }
        }
        assert!(tried > 1_000, "{tried}");
    }

    fn remove(request: &mut Value, pointer: &str) {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        request.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
    }

    #[test]
    fn every_field_that_is_described_is_one_that_the_whole_requests_have() {
        let document = vm_api::vm_api_document(&ErrorCodes::default());
        for (path, whole) in whole_requests() {
            let body = &document["paths"][path]["post"]["requestBody"]["content"][JSON]["schema"];
            let reference = &body["allOf"][1]["properties"]["content"]["contentSchema"]["$ref"];
            let schema =
                document.pointer(reference.as_str().unwrap().trim_start_matches('#')).unwrap();
            let described = |schema: &Value| {
                schema["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
            };
            let sent: Vec<_> = whole.as_object().unwrap().keys().cloned().collect();
            assert_eq!(described(schema), sent, "{path}");
            if let Some(address) = whole["card_address"].as_object() {
                let sent: Vec<_> = address.keys().cloned().collect();
                assert_eq!(described(&schema["properties"]["card_address"]), sent);
            }
        }
    }
}
