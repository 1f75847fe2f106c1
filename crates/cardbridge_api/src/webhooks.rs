//! The messages that dialect 1 sends, for its OpenAPI document: the authorisation notice, which is
//! answered, and the webhooks, which are acknowledged.

use described::parts::Described;
use described::webhooks::{Message, header, standard_headers};
use described::{JSON, reference, schemas};
use domain::{WebhookSubType, WebhookType};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use wire::cardbridge::authorisation_notice::{AUTH_SIGNATURE_HEADER, NoticeData, WEBHOOK_TYPE};
use wire::cardbridge::intent_ticket::IntentTicketBody;
use wire::cardbridge::order::CardOrderBody;
use wire::cardbridge::three_ds::ChallengeBody;
use wire::cardbridge::webhook::{AuthorisationResultData, CardData};
use wire::cardbridge::{amount::AmountText, signature};

const NOTICE: &str = include_str!("notice.md");
const WEBHOOK: &str = include_str!("webhook.md");
const ACKNOWLEDGED: &str = "Acknowledges the webhook; the body is ignored. Any other status, \
    and no answer within five seconds, is a failed try.";

/// The signature of both kinds of message under the enterprise's secret.
const SIGNATURE: &str = "Lower-case hex of HMAC-SHA256 over the body's bytes, under the secret of \
    the enterprise's oldest active API key, or of its `webhookKey`; the secret is used as text.";
const NOTICE_SIGNATURE: &str = "Base64 of the platform's RSASSA-PKCS1-v1_5 signature over \
    `data.encryptedData`, as the text stands there unless `rsaSignedBytes` is RAW.";

/// Puts the messages into the document.
pub(super) fn describe(document: &mut Value) {
    let told = [
        of::<CardOrderBody>(WebhookType::CardOrder, "A card order changed; sent at every state."),
        of::<CardData>(WebhookType::Card, "A card was issued or changed."),
        of::<AuthorisationResultData>(
            WebhookType::AuthorisationResult,
            "An authorisation was decided, whoever decided it: a purchase, an increment, a \
             completion, a refund or a reversal. Clearings are told by the reconciliation files.",
        ),
        of::<ChallengeBody>(
            WebhookType::Authorisation3dsChallenge,
            "A cardholder is challenged: with status INIT it asks the enterprise for a verdict, \
             which goes to `3ds-challenge/v1/authenticate` before `expiryTime`. Later states are \
             told too, except NOTICED, which the acknowledgement of the first webhook leads to.",
        ),
        of::<IntentTicketBody>(WebhookType::IntentTicket, "A ticket of evidence changed."),
    ];
    let mut webhooks = Map::new();
    for (name, summary, shapes) in told {
        schemas(document).extend(shapes);
        let body = body_name(&name);
        let description = format!("{summary}\n\n{WEBHOOK}");
        webhooks.insert(name.clone(), webhook(&name, &summary, &description, &body));
    }
    schemas(document).extend(notice_shapes());
    webhooks.insert(WEBHOOK_TYPE.to_owned(), notice());
    document["webhooks"] = Value::Object(webhooks);
}

type Told = (String, String, Map<String, Value>);

/// A webhook about objects of this shape.
fn of<T: ToSchema>(webhook_type: WebhookType, summary: &str) -> Told {
    let mut shapes = Described::named::<T>().schemas;
    let name = webhook_type.as_str().to_owned();
    let data = T::name().into_owned();
    shapes.insert(body_name(&name), body(&name, WebhookSubType::ALL, &data));
    (name, summary.to_owned(), shapes)
}

/// `CARD_ORDER` is `CardOrderWebhook`.
fn body_name(webhook_type: &str) -> String {
    let words = webhook_type.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        format!("{first}{}", rest.to_ascii_lowercase())
    });
    words.chain(["Webhook".to_owned()]).collect()
}

/// The fields around the object of every webhook.
fn body(webhook_type: &str, sub_types: &[WebhookSubType], data: &str) -> Value {
    let text = |meaning: &str| json!({ "type": "string", "description": meaning });
    let sub_types: Vec<_> = sub_types.iter().map(|it| it.as_str()).collect();
    json!({
        "type": "object",
        "description": format!("The body of {webhook_type}."),
        "required": [
            "webhookId", "webhookType", "webhookSubType", "businessId", "data", "notificationTime",
        ],
        "properties": {
            "webhookId": text("The same in every try: what was handled once need not be again."),
            "webhookType": { "type": "string", "enum": [webhook_type] },
            "webhookSubType": {
                "type": "string", "enum": sub_types,
                "description": "CREATE is the first message about the object.",
            },
            "businessId": text("Id of the object."),
            "data": reference(data),
            "notificationTime": text("When it happened, UTC+8."),
        },
    })
}

fn webhook(name: &str, summary: &str, description: &str, body: &str) -> Value {
    let first = summary.split([':', ';', ',']).next().unwrap_or_default().trim_end_matches('.');
    let own = header(signature::WEBHOOK_SIGNATURE_HEADER, true, SIGNATURE);
    let standard = standard_headers(true, "The `webhookId`.", "the same secret");
    let id = format!("webhook_{}", name.to_ascii_lowercase());
    let answer = json!({ "description": ACKNOWLEDGED });
    let headers = [own].into_iter().chain(standard).collect();
    Message { id: &id, summary: first, description, headers, body, answer }.described()
}

fn notice() -> Value {
    let headers = vec![
        header(AUTH_SIGNATURE_HEADER, true, NOTICE_SIGNATURE),
        // An enterprise without an active API key has no secret to make it with.
        header(signature::WEBHOOK_SIGNATURE_HEADER, false, SIGNATURE),
    ];
    let answer = json!({
        "description": "The enterprise's answer, signed and encrypted. Another status, or a \
            body that does not verify, does not open or names another `authId`, is no answer.",
        "content": { JSON: { "schema": reference("NoticeReply") } },
    });
    Message {
        id: "authorisation_notice",
        summary: "Asks the enterprise about an authorisation, at its authUrl",
        description: NOTICE,
        headers,
        body: "AuthorisationNotice",
        answer,
    }
    .described()
}

/// The notice, its encrypted content, its reply, and the reply's encrypted content.
fn notice_shapes() -> Map<String, Value> {
    let mut shapes = Described::named::<NoticeData>().schemas;
    // The schema of the ciphertext shows the content.
    let sealed = &mut shapes["NoticeData"]["properties"]["encryptedData"];
    *sealed = sealed_text(
        "NoticeEssentials",
        "The same four fields again, encrypted for the enterprise.",
    );
    shapes.insert(
        "AuthorisationNotice".to_owned(),
        body(WEBHOOK_TYPE, &[WebhookSubType::Create], "NoticeData"),
    );
    shapes.insert("NoticeEssentials".to_owned(), essentials());
    shapes.insert("NoticeReply".to_owned(), reply());
    shapes.insert("NoticeAnswer".to_owned(), answer());
    shapes.extend(Described::named::<AmountText>().schemas);
    shapes
}

fn sealed_text(plain: &str, meaning: &str) -> Value {
    json!({
        "type": "string", "contentEncoding": "base64", "contentMediaType": JSON,
        "contentSchema": reference(plain), "description": meaning,
        "example": "bm90IGEgY2lwaGVydGV4dA==",
    })
}

fn essentials() -> Value {
    json!({
        "type": "object",
        "description": "The plaintext of `encryptedData`: compact JSON, in this order. Compare it \
            with the clear fields, which the RSA signature does not cover.",
        "required": ["authId", "direction", "currency", "amount"],
        "properties": {
            "authId": { "type": "string", "description": "The authorisation." },
            "direction": { "type": "string", "description": "The direction of the money." },
            "currency": { "type": "string", "description": "Numeric ISO 4217 code." },
            "amount": reference(&AmountText::name()),
        },
    })
}

fn reply() -> Value {
    json!({
        "type": "object",
        "description": "The body of the enterprise's answer. `encryptData` is spelt without `ed`.",
        "required": ["signature", "encryptData"],
        "properties": {
            "signature": {
                "type": "string",
                "description": "Base64 of the enterprise's RSASSA-PKCS1-v1_5 signature over the \
                    text of `encryptData`, or over the ciphertext's bytes.",
                "example": "bm90IGEgc2lnbmF0dXJl",
            },
            "encryptData": sealed_text("NoticeAnswer", "The answer, encrypted for the platform."),
        },
    })
}

fn answer() -> Value {
    json!({
        "type": "object",
        "description": "The plaintext of `encryptData`. Each field stands there once.",
        "required": ["authId", "responseCode"],
        "properties": {
            "authId": { "type": "string", "description": "That of the notice." },
            "responseCode": { "type": "string", "description": "The decision." },
        },
    })
}
