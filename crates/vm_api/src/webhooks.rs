//! The messages that dialect 2 sends to an app, for its OpenAPI document.

use described::webhooks::{Message, standard_headers};
use described::{JSON, reference, samples, schemas};
use serde_json::{Value, json};

const DELIVERY: &str = include_str!("webhook.md");

/// Puts the messages into the document.
pub(super) fn describe(document: &mut Value) {
    let named = schemas(document);
    named.insert("Card3dsNotice".to_owned(), challenge());
    named.insert("Acknowledgement".to_owned(), acknowledgement());
    document["webhooks"] = json!({
        "transaction": webhook(
            "transaction",
            "A transaction changed",
            "Sent when the row that `cardTransaction` lists reads otherwise: authorised or \
             declined, settled, cancelled, refunded. The body is that row; `auth_id` stays \
             the same, `type`, `status` and amounts change.",
            "Transaction",
        ),
        "Card3ds": webhook(
            "card_3ds",
            "The code of a 3DS challenge, to be shown to the cardholder",
            "The cardholder types the code within five minutes; the fifth wrong one rejects the \
             purchase. Keep the code nowhere.",
            "Card3dsNotice",
        ),
    });
    let components = document["components"].clone();
    for (_, item) in document["webhooks"].as_object_mut().into_iter().flatten() {
        let media = &mut item["post"]["requestBody"]["content"][JSON];
        media["example"] = samples::sample(&media["schema"], &components);
    }
}

fn webhook(id: &str, summary: &str, what: &str, body: &str) -> Value {
    let headers = standard_headers(
        false,
        "Id of the webhook, the same in every try.",
        "the app's webhook secret",
    );
    let answer = json!({
        "description": "Any 2xx with the number 0 as `code` acknowledges. Without that a 2xx \
            is a failed try like any other answer.",
        "content": { JSON: {
            "schema": reference("Acknowledgement"),
            "example": { "code": 0, "msg": "ok" },
        } },
    });
    let (id, description) = (format!("webhook_{id}"), format!("{what}\n\n{DELIVERY}"));
    let headers = headers.into();
    Message { id: &id, summary, description: &description, headers, body, answer }.described()
}

fn acknowledgement() -> Value {
    json!({
        "type": "object",
        "description": "What acknowledges a webhook.",
        "required": ["code"],
        "properties": {
            "code": { "type": "integer", "enum": [0], "description": "The number 0." },
            "msg": { "type": "string", "description": "Not looked at.", "example": "ok" },
        },
    })
}

fn challenge() -> Value {
    let text = |meaning: &str| json!({ "type": "string", "description": meaning });
    json!({
        "type": "object",
        "description": "The body of a 3DS notice.",
        "required": ["business_type", "data"],
        "properties": {
            "business_type": { "type": "string", "enum": ["Card3ds"] },
            "data": {
                "type": "object",
                "description": "The purchase that is to be confirmed.",
                "required": ["card_id", "currency", "amount", "otp", "detail"],
                "properties": {
                    "card_id": text("The card."),
                    "currency": text("The shop's currency, three letters."),
                    "amount": {
                        "type": "number", "description": "In the shop's currency.", "example": 50,
                    },
                    "otp": text("Six digits."),
                    "detail": text("Name of the shop."),
                },
            },
        },
    })
}
