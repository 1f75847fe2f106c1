//! Every kind of bad answer, over HTTP: each is declined, and receipt and log name the field or the
//! step that was wrong. Every unusual form of a good answer is approved.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{RsaPrivateKey, RsaPublicKey};
use domain::{RsaHash, RsaPadding};
use sdk::notice::{AUTH_SIGNATURE_HEADER, NoticeKeys};
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::world::{World, purchase, text};

/// Tries for a purchase that misses its deadline because the machine is busy.
const TRIES: usize = 20;

/// The keys and data that answers are made with.
struct Forge {
    own: RsaPrivateKey,
    stranger: RsaPrivateKey,
    platform: RsaPublicKey,
}

type Make = fn(&Forge, &str) -> String;

struct Shared {
    forge: Forge,
    keys: NoticeKeys,
    make: Mutex<Make>,
}

impl Forge {
    /// The plaintext of an approval.
    fn approval(auth_id: &str) -> String {
        json!({ "authId": auth_id, "responseCode": "00" }).to_string()
    }

    fn block(&self, plain: &str) -> Vec<u8> {
        self.platform.encrypt(RsaPadding::Pkcs1, plain.as_bytes()).unwrap()
    }

    fn signed(&self, hash: RsaHash, bytes: &[u8]) -> String {
        STANDARD.encode(self.own.sign(hash, bytes).unwrap())
    }

    /// A correctly signed answer with this plaintext.
    fn sealed(&self, plain: &str) -> String {
        self.around(&STANDARD.encode(self.block(plain)))
    }

    /// A correctly signed answer with this text as ciphertext.
    fn around(&self, text: &str) -> String {
        body(&self.signed(RsaHash::Sha256, text.as_bytes()), text)
    }

    /// An approval signed with `hash` over the bytes that `bytes` makes of plaintext, text and
    /// block.
    fn signed_over(
        &self,
        auth_id: &str,
        hash: RsaHash,
        bytes: fn(&str, &str, &[u8]) -> Vec<u8>,
    ) -> String {
        let plain = Self::approval(auth_id);
        let block = self.block(&plain);
        let text = STANDARD.encode(&block);
        body(&self.signed(hash, &bytes(&plain, &text, &block)), &text)
    }
}

fn body(signature: &str, text: &str) -> String {
    json!({ "signature": signature, "encryptData": text }).to_string()
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> String {
    let signature = headers[AUTH_SIGNATURE_HEADER].to_str().unwrap();
    let notice = shared.keys.open(&body, signature).unwrap();
    let make = *shared.make.lock().unwrap();
    make(&shared.forge, &notice.data.auth_id)
}

/// The platform with an enterprise that answers as configured.
struct Bed {
    world: World,
    shared: Arc<Shared>,
    card_id: String,
}

impl Bed {
    async fn new() -> Self {
        let world = World::new(&Engine::embedded(), &[]).await;
        let card_id = world.card("order-1").await;
        let platform = text(&world.sandbox()["enterprise"], "platformPublicKey");
        let platform = RsaPublicKey::from_text(&platform).unwrap();
        let [own, stranger] = [(); 2].map(|()| RsaPrivateKey::generate(2048).unwrap());
        let keys = NoticeKeys::new(platform.clone(), own.clone(), RsaPadding::Pkcs1);
        let forge = Forge { own, stranger, platform };
        let make: Make = |forge, auth_id| forge.sealed(&Forge::approval(auth_id));
        let shared = Arc::new(Shared { forge, keys, make: Mutex::new(make) });
        let router = axum::Router::new().route("/", post(answer)).with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let bed = Self { world, shared, card_id };
        bed.patch(json!({
            "authUrl": url,
            "externalPublicKey": bed.shared.forge.own.public_key().to_pem(),
            "authDeadlineMs": 3000,
        }))
        .await;
        bed
    }

    async fn patch(&self, change: Value) {
        let path = format!("/admin/v1/enterprises/{}", self.world.enterprise_id());
        self.world.operator.patch(&path, &change).await.unwrap();
    }

    /// The receipt of a purchase with this answer.
    async fn receipt(&self, make: Make) -> Value {
        *self.shared.make.lock().unwrap() = make;
        for _ in 0..TRIES {
            let body = purchase(&self.card_id, "1.00");
            let answer =
                self.world.operator.post("/sandbox/v1/authorisations", &body).await.unwrap();
            let path = format!("/admin/v1/authorisations/{}", text(&answer, "authId"));
            let receipt = self.world.operator.get(&path).await.unwrap();
            if !matches!(receipt["detail"].as_str(), Some("no_answer" | "deadline_before_notice")) {
                return receipt;
            }
        }
        panic!("no answer comes in time")
    }

    /// The log so far.
    fn log(&self) -> String {
        std::fs::read_to_string(self.world.data_dir().with_extension("log")).unwrap()
    }
}

/// A bad answer, the name of its fault, part of the explanation, and the hint.
type Row = (Make, &'static str, &'static str, &'static str);

/// Faults of the body and the signature.
const OUTSIDE: &[Row] = &[
    (|_, _| "<html>".to_owned(), "malformed_answer", "not a JSON object", ""),
    (|_, _| "{}".to_owned(), "missing_signature", "signature is missing", ""),
    (
        |_, _| r#"{"encryptData":"AA=="}"#.to_owned(),
        "missing_signature",
        "signature is missing",
        "",
    ),
    (
        |_, _| r#"{"signature":"AA=="}"#.to_owned(),
        "missing_encryptData",
        "encryptData is missing",
        "",
    ),
    (
        |_, _| r#"{"signature":"AA==","encryptedData":"AA=="}"#.to_owned(),
        "missing_encryptData",
        "encryptedData is the notice's",
        "",
    ),
    (
        |_, _| r#"{"signature":{},"encryptData":"AA=="}"#.to_owned(),
        "ill_formed_signature",
        "signature has the wrong type",
        "",
    ),
    (
        |forge, id| {
            let text = STANDARD.encode(forge.block(&Forge::approval(id)));
            let signature = forge.stranger.sign_sha256(text.as_bytes()).unwrap();
            body(&STANDARD.encode(signature), &text)
        },
        "bad_signature",
        "does not verify",
        "over nothing that is known",
    ),
    (
        |forge, id| forge.signed_over(id, RsaHash::Sha256, |plain, _, _| plain.as_bytes().to_vec()),
        "bad_signature",
        "does not verify",
        "over the plaintext with SHA256",
    ),
    (
        |forge, id| forge.signed_over(id, RsaHash::Sha1, |_, text, _| text.as_bytes().to_vec()),
        "bad_signature",
        "does not verify",
        "over the base64 text of encryptData with SHA1",
    ),
    (
        |forge, id| forge.signed_over(id, RsaHash::Sha512, |_, _, block| block.to_vec()),
        "bad_signature",
        "does not verify",
        "over the ciphertext's bytes with SHA512",
    ),
    (
        |forge, id| {
            let text = STANDARD.encode(forge.block(&Forge::approval(id)));
            body(&hex::encode(forge.own.sign_sha256(text.as_bytes()).unwrap()), &text)
        },
        "bad_signature",
        "does not verify",
        "sent as hexadecimal digits",
    ),
];

/// Faults of the ciphertext and its content.
const INSIDE: &[Row] = &[
    (
        |forge, id| {
            let plain = Forge::approval(id);
            let stranger = forge.stranger.public_key();
            let block = stranger.encrypt(RsaPadding::Pkcs1, plain.as_bytes()).unwrap();
            forge.around(&STANDARD.encode(block))
        },
        "bad_ciphertext",
        "does not open",
        "platformPublicKey",
    ),
    (
        |forge, id| {
            let plain = Forge::approval(id);
            let block = forge.platform.encrypt(RsaPadding::OaepSha256, plain.as_bytes()).unwrap();
            forge.around(&STANDARD.encode(block))
        },
        "bad_ciphertext",
        "does not open",
        "opens with OAEP_SHA256",
    ),
    (
        |forge, id| forge.around(&STANDARD.encode(&forge.block(&Forge::approval(id))[1..])),
        "bad_ciphertext",
        "does not open",
        "255 bytes",
    ),
    (|forge, _| forge.sealed("approved"), "answer_not_json", "not a JSON object", ""),
    (
        |forge, id| forge.sealed(&json!({ "authId": id }).to_string()),
        "missing_responseCode",
        "encryptData.responseCode is missing",
        "",
    ),
    (
        |forge, _| forge.sealed(r#"{"responseCode":"00"}"#),
        "missing_authId",
        "encryptData.authId is missing",
        "",
    ),
    (
        |forge, id| {
            let plain = format!(r#"{{"authId":"{id}","responseCode":"01","responseCode":"00"}}"#);
            forge.sealed(&plain)
        },
        "ill_formed_responseCode",
        "more than once",
        "",
    ),
    (|forge, _| forge.sealed(&Forge::approval("7")), "wrong_auth_id", "authId", ""),
    (
        |forge, id| forge.sealed(&json!({ "authId": id, "responseCode": "99" }).to_string()),
        "unknown_response_code",
        "99 is none of",
        "",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_answer_is_named_by_the_field_or_the_step() {
    let bed = Bed::new().await;
    for (make, fault, explanation, hint) in OUTSIDE.iter().chain(INSIDE) {
        let receipt = bed.receipt(*make).await;
        assert_eq!(receipt["detail"], *fault, "{receipt}");
        assert_eq!(receipt["status"], "DECLINED", "{fault}");
        assert_eq!(receipt["heldAmount"], "0.00", "{fault}");
        let answer = &receipt["answer"];
        assert_eq!(answer["fault"], *fault);
        assert!(text(answer, "explanation").contains(explanation), "{answer}");
        let shown = answer["hint"].as_str().unwrap_or_default();
        assert_eq!(shown.is_empty(), hint.is_empty(), "{fault}: {shown}");
        assert!(shown.contains(hint), "{fault}: {shown}");
        let (auth_id, log) = (text(&receipt, "authId"), bed.log());
        let line = log.lines().find(|line| line.contains(&auth_id)).unwrap_or_default();
        assert!(line.contains(fault) && line.contains(explanation), "{line}");
    }
    assert_eq!(bed.world.available().await, "100000.00");
    bed.world.verify_ledger().await;
}

const GOOD: &[Make] = &[
    |forge, id| forge.sealed(&Forge::approval(id)),
    |forge, id| forge.signed_over(id, RsaHash::Sha256, |_, _, block| block.to_vec()),
    |forge, id| {
        let text = STANDARD.encode(forge.block(&Forge::approval(id)));
        forge.around(&format!("{}\r\n{}\r\n", &text[..76], &text[76..]))
    },
    |forge, id| {
        let text = STANDARD.encode(forge.block(&Forge::approval(id)));
        forge.around(&text.replace('+', "-").replace('/', "_").replace('=', ""))
    },
    |forge, id| format!("\u{feff}{}", forge.sealed(&format!("\u{feff}{}", Forge::approval(id)))),
    |forge, id| forge.sealed(&format!(r#"{{ "responseCode": "00", "authId": {id}, "more": 1 }}"#)),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_form_of_a_good_answer_is_approved() {
    let bed = Bed::new().await;
    for (index, make) in GOOD.iter().enumerate() {
        let receipt = bed.receipt(*make).await;
        assert_eq!(receipt["detail"], "approved", "{index}: {receipt}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_verified_under_the_digest_that_the_operator_set() {
    let bed = Bed::new().await;
    // Only answers are checked: the notice itself is signed with SHA-256 at first.
    bed.patch(json!({"rsaSignedBytes": "RAW"})).await;
    let sha512: Make =
        |forge, id| forge.signed_over(id, RsaHash::Sha512, |_, text, _| text.as_bytes().to_vec());
    assert_eq!(bed.receipt(sha512).await["detail"], "bad_signature");
    let receipt = bed.receipt(GOOD[0]).await;
    assert_eq!(receipt["detail"], "approved", "{receipt}");
    assert_eq!(receipt["notice"]["rsaSignedBytes"], "RAW");
}
