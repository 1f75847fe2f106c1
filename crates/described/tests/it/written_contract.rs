//! The pages of `docs` say what the code does.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::field_cipher;
use domain::SettlementFileType;
use serde_json::Value;
use testkit::on_file;
use wire::cardbridge::{settlement, signature, standard_webhooks};
use wire::vm::error_code::ErrorName;

use crate::openapi_rules::documents;

fn page(name: &str) -> String {
    fs::read_to_string(on_file::path(name)).unwrap()
}

/// The page with `text` between the marks of this part.
fn with_part(page: &str, part: &str, text: &str) -> String {
    let mark = format!("<!-- generated: {part} -->\n");
    let (before, rest) = page.split_once(&mark).unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    format!("{before}{mark}{text}<!-- end -->{after}")
}

fn document(name: &str) -> Value {
    documents().into_iter().find(|(it, _)| *it == name).unwrap().1
}

/// The values behind a name at the beginning of a line.
fn told<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let lines = page.lines().filter_map(|line| line.strip_prefix(name));
    lines.filter(|rest| rest.starts_with("  ")).map(str::trim_start).collect()
}

#[test]
fn the_signatures_of_webhooks_are_those_of_the_worked_examples() {
    let page = page("webhooks.md");
    let secret = told(&page, "secretKey")[0];
    let bodies = told(&page, "body");
    let own = signature::webhook_signature(secret, bodies[0].as_bytes());
    assert_eq!(own, told(&page, "X-Signature")[0]);
    assert!(bodies[0].is_ascii() && serde_json::from_str::<Value>(bodies[0]).is_ok());
    for (index, secret) in [secret, told(&page, "webhook secret")[0]].into_iter().enumerate() {
        let id = told(&page, "webhook-id")[index];
        let at: i64 = told(&page, "webhook-timestamp")[index].parse().unwrap();
        let body = bodies[index].as_bytes();
        let standard = standard_webhooks::signature(secret, id, at, body).unwrap();
        assert_eq!(standard, told(&page, "webhook-signature")[index]);
    }
    let retries = webhooks::RETRY_DELAYS_S.map(|it| it.to_string()).join(", ");
    assert_eq!(retries, "10, 60, 300");
    assert!(page.contains("10, 60 and 300 seconds later"));
    assert!(page.contains(&format!("{} seconds from", standard_webhooks::TOLERANCE_SECONDS)));
}

/// The rows of a table whose first cell is code, without the marks of code.
fn rows(page: &str) -> Vec<Vec<String>> {
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let cell = |cell: &str| cell.trim().trim_matches('`').to_owned();
    rows.map(|row| row.trim_matches('|').split('|').map(cell).collect()).collect()
}

#[test]
fn card_data_open_as_the_worked_example_says() {
    let page = page("card-data.md");
    let value = |name: &str| {
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("| {name} | `")));
        line.unwrap().trim_end_matches("` |").to_owned()
    };
    let (secret, iv) = (value("secretKey"), STANDARD.decode(value("iv")).unwrap());
    let rows: Vec<_> = rows(&page).into_iter().filter(|row| row[2].ends_with('=')).collect();
    assert_eq!(rows.len(), 5);
    for row in rows {
        let sealed = field_cipher::encrypt(&secret, &iv, row[0].as_bytes()).unwrap();
        assert_eq!(sealed, row[2]);
        let plain = field_cipher::decrypt(&secret, &iv, &row[2]).unwrap();
        assert_eq!(plain.as_slice(), row[0].as_bytes());
    }
    assert!(page.contains(&format!("{} bytes, base64", field_cipher::IV_BYTES)));
}

#[test]
fn the_columns_of_files_are_those_that_are_written() {
    let page = page("files.md");
    for file_type in SettlementFileType::ALL {
        let (_, part) = page.split_once(&format!("\n## {file_type}\n")).unwrap();
        let part = part.split("\n## ").next().unwrap();
        let columns: Vec<_> = rows(part).into_iter().map(|row| row[0].clone()).collect();
        assert_eq!(columns, settlement::columns(*file_type), "{file_type}");
    }
}

#[test]
fn every_event_and_error_of_a_hosted_page_is_told() {
    let page = page("hosted-pages.md");
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../cardbridge_api/templates");
    let mut sources = vec![
        include_str!("../../../cardbridge_api/src/pages/page.js").to_owned(),
        include_str!("../../../cardbridge_api/src/pages/failure.rs").to_owned(),
    ];
    sources.extend(
        fs::read_dir(directory).unwrap().map(|it| fs::read_to_string(it.unwrap().path()).unwrap()),
    );
    let mut found = BTreeSet::new();
    for source in &sources {
        let words = source.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let is_number = |it: &str| it.len() == 5 && it.starts_with("1000");
        found.extend(words.filter(|it| it.starts_with("DECARD_OPENAPI_") || is_number(it)));
    }
    assert!(found.len() >= 8, "{found:?}");
    for word in found {
        assert!(page.contains(word), "docs/hosted-pages.md does not tell of {word}");
    }
}

/// Every list of words in the documents, by name.
fn lists() -> Vec<(String, Value)> {
    let mut lists = std::collections::BTreeMap::new();
    for (_, document) in documents() {
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            if schema["enum"].is_array() && schema["properties"].is_null() {
                lists.insert(name.clone(), schema.clone());
            }
        }
    }
    lists.into_iter().collect()
}

#[test]
fn the_page_of_states_and_dictionaries_is_the_one_on_file() {
    let mut states = String::new();
    let mut dictionaries = String::new();
    for (name, schema) in lists().into_iter().filter(|(name, _)| name != "ErrorCode") {
        let description = schema["description"].as_str().unwrap_or_default();
        let (meaning, words) = description.split_once('\n').unwrap_or((description, ""));
        let all = schema["enum"].as_array().unwrap().iter();
        let all: Vec<_> = all.map(|it| format!("`{}`", it.as_str().unwrap())).collect();
        let words = if words.is_empty() { all.join(", ") } else { words.to_owned() };
        let is_open = meaning.ends_with("Another code is taken too.");
        let page = if is_open { &mut dictionaries } else { &mut states };
        write!(page, "\n### {name}\n\n{meaning}\n\n{words}\n").unwrap();
    }
    let vm = vm_words();
    let text = format!(
        "# States and dictionaries\n\nMade from the code; the names are those of the schemas in \
         the OpenAPI documents.\n\n## States\n{states}\n## Dictionaries of dialect 1\n\nA code \
         outside its dictionary is taken too.\n{dictionaries}\n## Dialect 2\n\n{vm}"
    );
    on_file::require("states.md", &text);
}

/// The lists of words of dialect 2, which its fields contain.
fn vm_words() -> String {
    let document = document("vm-api");
    let mut rows = BTreeSet::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (field, told) in schema["properties"].as_object().into_iter().flatten() {
            let Some(words) = told["enum"].as_array().filter(|it| it.len() > 1) else { continue };
            let words: Vec<_> =
                words.iter().map(|it| format!("`{}`", it.as_str().unwrap())).collect();
            let meaning = told["description"].as_str().unwrap_or_default();
            rows.insert(format!("| {name} | `{field}` | {} | {meaning} |", words.join(", ")));
        }
    }
    let rows: Vec<_> = rows.into_iter().collect();
    format!("| schema | field | words | meaning |\n|---|---|---|---|\n{}\n", rows.join("\n"))
}

/// The operations of dialect 1 that have this code among their own refusals.
fn refused_by(document: &Value, code: &str) -> String {
    let mut paths = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let operation = item.as_object().unwrap().values().next().unwrap();
        let own = operation["x-refusals"].as_array().unwrap();
        if own.iter().any(|it| it == code) {
            paths.push(format!("`{}`", path.trim_start_matches("/open-api/")));
        }
    }
    paths.join(", ")
}

/// The words of a list with their meanings, from its schema.
fn meanings(schema: &Value) -> Vec<(String, String)> {
    let description = schema["description"].as_str().unwrap();
    let lines = description.lines().filter_map(|line| line.strip_prefix("- `"));
    lines
        .filter_map(|line| line.split_once("`"))
        .map(|(code, meaning)| (code.to_owned(), meaning.trim_start_matches(':').trim().to_owned()))
        .collect()
}

#[test]
fn the_page_of_error_codes_is_the_one_on_file() {
    let open_api = document("open-api");
    let mut text = "# Error codes\n\nMade from the code.\n\n## Dialect 1\n\nIn the envelope's \
        `code`; `message` is its published text, `messageDetail` says what exactly is wrong. \
        Codes without an operation can be answered by any, or stand in an order's, ticket's or \
        authorisation's record.\n\n| code | message | when | operations |\n|---|---|---|---|\n"
        .to_owned();
    let codes = meanings(&open_api["components"]["schemas"]["ErrorCode"]);
    assert_eq!(codes.len(), domain::ErrorCode::ALL.len());
    for (code, meaning) in codes {
        let message = code.parse::<domain::ErrorCode>().unwrap().message();
        writeln!(text, "| `{code}` | {message} | {meaning} | {} |", refused_by(&open_api, &code))
            .unwrap();
    }
    text.push_str(
        "\n## Dialect 2\n\nIn `code`, a number, and `msg`. Clients match on the texts; the numbers \
         are the default ones, which `[vm.error-codes]` of the configuration changes by name.\n\n\
         | code | name | when |\n|---|---|---|\n",
    );
    for name in ErrorName::ALL {
        writeln!(text, "| {} | `{}` | {} |", name.default_code(), name.as_str(), name.cause())
            .unwrap();
    }
    text.push_str(
        "\n## Operator and sandbox API\n\nIn `code` of the problem details, beside the HTTP \
         status.\n\n| code | when |\n|---|---|\n",
    );
    let operator = document("operator-api");
    for (code, meaning) in
        meanings(&operator["components"]["schemas"]["Problem"]["properties"]["code"])
    {
        writeln!(text, "| `{code}` | {meaning} |").unwrap();
    }
    on_file::require("error-codes.md", &text);
}

#[test]
fn the_table_of_weights_is_the_one_on_file() {
    let mut text = "| operation | weight |\n|---|---|\n".to_owned();
    for (path, item) in document("open-api")["paths"].as_object().unwrap() {
        let operation = item.as_object().unwrap().values().next().unwrap();
        writeln!(text, "| `{path}` | {} |", operation["x-weight"]).unwrap();
    }
    on_file::require("limits.md", &with_part(&page("limits.md"), "weights", &text));
}

#[test]
fn the_list_of_payloads_is_the_one_on_file() {
    let mut text = String::new();
    for (name, title) in [("open-api", "dialect 1"), ("vm-api", "dialect 2")] {
        let document = document(name);
        for (webhook, item) in document["webhooks"].as_object().unwrap() {
            if webhook == "AUTHORISATION" {
                continue;
            }
            let media = &item["post"]["requestBody"]["content"]["application/json"];
            let description = item["post"]["description"].as_str().unwrap();
            let what = description.split("\n\n").next().unwrap();
            writeln!(text, "\n### {webhook} ({title})\n\n{what}\n").unwrap();
            writeln!(text, "```json\n{:#}\n```\n", media["example"]).unwrap();
            fields(&mut text, &document, &media["schema"]);
        }
    }
    text.push('\n');
    on_file::require("webhooks.md", &with_part(&page("webhooks.md"), "payloads", &text));
}

/// The fields of a webhook's object, with their meanings.
fn fields(text: &mut String, document: &Value, schema: &Value) {
    let shape = |schema: &Value| {
        let pointer = schema["$ref"].as_str().map(|it| it.trim_start_matches('#').to_owned());
        pointer.map_or_else(|| schema.clone(), |it| document.pointer(&it).unwrap().clone())
    };
    let outer = shape(schema);
    let data = &outer["properties"]["data"];
    let inner = if data.is_null() { outer } else { shape(data) };
    text.push_str("| field | what it holds |\n|---|---|\n");
    for (field, told) in inner["properties"].as_object().unwrap() {
        let list = told["oneOf"].as_array().and_then(|it| it.last()).unwrap_or(told);
        let list = list["$ref"].as_str().and_then(|it| it.rsplit('/').next());
        let list = list.filter(|it| {
            shape(&serde_json::json!({"$ref": format!("#/components/schemas/{it}")}))["enum"]
                .is_array()
        });
        let meaning = told["description"].as_str().unwrap_or_default();
        let list = list.map_or_else(String::new, |it| {
            format!(" [{it}](states.md#{})", it.to_ascii_lowercase())
        });
        writeln!(text, "| `{field}` | {}{list} |", meaning.trim_end_matches('.')).unwrap();
    }
}

#[test]
fn every_page_is_in_the_index_and_every_link_leads_somewhere() {
    let index = page("README.md");
    for entry in fs::read_dir(on_file::path("")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name == "README.md" || !name.ends_with(".md") {
            continue;
        }
        assert!(index.contains(&format!("({name})")), "docs/README.md does not lead to {name}");
        let page = page(&name);
        for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap();
            let is_ours = !file.is_empty() && !file.contains("://");
            assert!(!is_ours || on_file::path(file).exists(), "docs/{name} leads to {link}");
        }
    }
}
