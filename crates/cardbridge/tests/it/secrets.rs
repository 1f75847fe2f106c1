//! No secret appears in the clear in the data directory, the log, webhooks or notices, except in
//! sandbox.json, the key file and the token file.
//!
//! A card is issued and makes two purchases, with the log at `trace`; then every file of the data
//! directory, the log and every webhook and notice are searched for each secret: raw, in
//! hexadecimal, and in base64 at each of the three byte alignments.
//!
//! Three digits occur everywhere by chance, so a CVV2 is searched for only in context: with its
//! field name, or adjacent to the PAN or expiry.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::field_cipher;
use domain::{Card, CardId, Clock, EnterpriseId, IdGenerator, SystemRandom};
use serde_json::{Value, json};
use store::{Location, PanRecord, Store};
use vault::{MasterKey, Vault, expiry_yymm};

use crate::engine::Engine;
use crate::world::{World, customer_info, kyc_info, purchase, text};

/// Files that may hold secrets in the clear (operator-and-sandbox.md section 2).
const PRIVATE_FILES: [&str; 3] = ["sandbox.json", "master.key", "admin.token"];

/// Secrets in the query strings of the enterprise's URLs.
const URL_SECRETS: [&str; 2] = ["hook-pw5Yq8Zt2Lm", "auth-Vb3Nc7Xr9Kd"];

/// A secret and the name it has in failure messages.
pub struct Secret {
    name: String,
    bytes: Vec<u8>,
}

impl Secret {
    pub fn new(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), bytes: bytes.into() }
    }

    /// The raw bytes and their hexadecimal and base64 encodings.
    fn forms(&self) -> Vec<Vec<u8>> {
        let mut forms = vec![
            self.bytes.clone(),
            hex::encode(&self.bytes).into_bytes(),
            hex::encode_upper(&self.bytes).into_bytes(),
        ];
        for lead in 0..3 {
            // The characters at both ends depend on their neighbours, so they are left out.
            let mut padded = vec![0; lead];
            padded.extend(&self.bytes);
            let text = STANDARD.encode(&padded);
            let text = text.trim_end_matches('=');
            let (start, end) = ([0, 2, 3][lead], text.len() - 1);
            if start + 6 < end {
                forms.push(text.as_bytes()[start..end].to_vec());
                let url_safe = text[start..end].replace('+', "-").replace('/', "_");
                forms.push(url_safe.into_bytes());
            }
        }
        forms
    }

    fn is_in(&self, haystack: &[u8]) -> bool {
        self.forms().iter().any(|form| contains(haystack, form))
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return false };
    let mut rest = haystack;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = &rest[at..];
        if rest.starts_with(needle) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// A card's secrets, the master key and the platform's private key, as read from the data
/// directory.
struct Opened {
    secrets: Vec<Secret>,
    pan: String,
    cvv2: String,
    expiry: String,
}

async fn open(data_dir: &Path, enterprise_id: &str, card_id: &str) -> Opened {
    let key_text = fs::read_to_string(data_dir.join("master.key")).unwrap();
    let key_text = key_text.trim();
    let vault = Vault::new(MasterKey::from_hex(key_text).unwrap(), Arc::new(SystemRandom));
    let clock = Clock::system();
    let ids = Arc::new(IdGenerator::new(clock.clone(), 1));
    let location = Location::Sqlite(data_dir.join("cardbridge.db"));
    let store = Store::open(location, clock, ids).await.unwrap();
    let enterprise: EnterpriseId = enterprise_id.parse().unwrap();
    let card = store
        .find::<Card>((enterprise, card_id.parse::<CardId>().unwrap()))
        .await
        .unwrap()
        .unwrap();
    let record = store.find::<PanRecord>((enterprise, card.pan_id)).await.unwrap().unwrap();
    let pan = vault.open_pan(enterprise, card.pan_id, &record.sealed_pan).unwrap();
    let expiry = expiry_yymm(card.valid_until);
    let cvv2 = vault.cvv2(enterprise, &pan, &expiry).unwrap();
    let platform = store.platform_key(enterprise).await.unwrap().unwrap();
    let private = vault
        .open_platform_key(enterprise, platform.version, &platform.sealed_private_key)
        .unwrap();
    store.close().await;
    let (pan, cvv2) = (pan.expose().to_owned(), cvv2.expose().to_owned());
    let mut secrets = vec![
        Secret::new("PAN", pan.clone()),
        Secret::new("master key", hex::decode(key_text).unwrap()),
        Secret::new("master key (hex)", key_text),
        Secret::new("platform's private key", private.to_vec()),
        // These bytes lie within the private exponent; the key begins with public values.
        Secret::new("part of the platform's private exponent", private[400..500].to_vec()),
    ];
    for form in [
        format!("\"cvv2\":\"{cvv2}\""),
        format!("\"cvv2\": \"{cvv2}\""),
        format!("\\\"cvv2\\\":\\\"{cvv2}\\\""),
        format!("cvv2={cvv2}"),
        format!("cvv2: {cvv2}"),
        format!("Cvv2(\"{cvv2}\")"),
        format!("{pan}{cvv2}"),
        format!("{expiry}{cvv2}"),
        format!("{cvv2}{expiry}"),
    ] {
        secrets.push(Secret::new("CVV2 in context", form));
    }
    Opened { secrets, pan, cvv2, expiry }
}

/// Applies for a virtual card with `customerInfo` and `kycInfo` encrypted
/// (cardbridge-open-api.md section 5).
async fn apply_encrypted(world: &World, reference: &str) -> String {
    let own = world.sandbox();
    let secret = text(&own["enterprise"], "secretKey");
    let iv = [7_u8; 12];
    let encrypted = |plain: &Value| {
        let plain = serde_json::to_vec(plain).unwrap();
        field_cipher::encrypt(&secret, &iv, &plain).unwrap()
    };
    let body = json!({
        "profileId": own["enterprise"]["profileId"],
        "cardOrderRef": reference,
        "encryptionIV": STANDARD.encode(iv),
        "customerInfoEncryption": encrypted(&customer_info(reference)),
        "kycInfoEncryption": encrypted(&kyc_info()),
    });
    let path = "/open-api/card-order/v1/apply-virtual";
    let body = Some(serde_json::to_vec(&body).unwrap());
    let reply = world.client.call(sdk::Method::POST, path, &[], body).await.unwrap();
    let data: Value = serde_json::from_str(reply.data.as_ref().unwrap().get()).unwrap();
    text(&data, "cardOrderId")
}

#[tokio::test]
async fn no_secret_is_stored_in_the_clear() {
    let mut world = World::new(&Engine::embedded(), &["--log", "trace"]).await;
    let urls = json!({
        "webhookUrl": format!("{}?key={}", world.enterprise.webhook_url(), URL_SECRETS[0]),
        "authUrl": format!("{}?key={}", world.enterprise.auth_url(), URL_SECRETS[1]),
    });
    let path = format!("/admin/v1/enterprises/{}", world.enterprise_id());
    let shown = world.operator.patch(&path, &urls).await.unwrap();
    assert_eq!((&shown["webhookUrl"], &shown["authUrl"]), (&urls["webhookUrl"], &urls["authUrl"]));
    let order_id = apply_encrypted(&world, "order-1").await;
    let card_id = world.card_of(&order_id).await;
    world.operator.post("/sandbox/v1/authorisations", &purchase(&card_id, "10.00")).await.unwrap();
    stop(&mut world).await;
    let opened = open(&world.data_dir(), &world.enterprise_id(), &card_id).await;
    world.start_again();
    buy_by_number(&world, &opened).await;
    stop(&mut world).await;

    let own = world.sandbox();
    let mut secrets = opened.secrets;
    let secret_key = text(&own["enterprise"], "secretKey");
    secrets.push(Secret::new("secretKey's bytes", STANDARD.decode(&secret_key).unwrap()));
    secrets.push(Secret::new("secretKey", secret_key));
    secrets.push(Secret::new("app_secret", text(&own["vm_app"], "app_secret")));
    secrets.push(Secret::new("admin token", text(&own, "admin_token")));
    secrets.extend(URL_SECRETS.map(|secret| Secret::new("secret of a URL", secret)));
    the_search_finds_what_is_there(&world, &secrets);
    search(&world, &secrets, Vec::new());
}

/// URLs that an earlier version stored in the clear are sealed at the next start; the enterprise's
/// still work and the app's is still shown.
#[tokio::test]
async fn urls_stored_in_clear_are_sealed_at_the_start() {
    let mut world = World::new(&Engine::embedded(), &[]).await;
    let path = format!("/admin/v1/enterprises/{}", world.enterprise_id());
    let webhook_url = format!("{}?key=1", world.enterprise.webhook_url());
    let auth_url = format!("{}?key=2", world.enterprise.auth_url());
    let app_url = format!("{webhook_url}&app=1");
    stop(&mut world).await;
    let file = rusqlite::Connection::open(world.data_dir().join("cardbridge.db")).unwrap();
    for (table, column, url) in [
        ("enterprise", "webhook_url", &webhook_url),
        ("enterprise", "auth_url", &auth_url),
        ("vm_app", "webhook_url", &app_url),
    ] {
        let lies_in_clear = format!(
            "ALTER TABLE {table} DROP COLUMN {column}; \
             ALTER TABLE {table} ADD COLUMN {column} TEXT DEFAULT '{url}';"
        );
        file.execute_batch(&lies_in_clear).unwrap();
    }
    file.close().unwrap();
    world.start_again();
    let enterprise = world.operator.get(&path).await.unwrap();
    let shown = [&enterprise["webhookUrl"], &enterprise["authUrl"]];
    assert_eq!(shown, [&json!(webhook_url), &json!(auth_url)]);
    let app_id = text(&world.sandbox()["vm_app"], "app_id");
    let app = world.operator.get(&format!("/admin/v1/vm-apps/{app_id}")).await.unwrap();
    assert_eq!(app["webhookUrl"], json!(app_url));
    let order_id = apply_encrypted(&world, "order-1").await;
    let card_id = world.card_of(&order_id).await;
    let bought = purchase(&card_id, "10.00");
    let answer = world.operator.post("/sandbox/v1/authorisations", &bought).await.unwrap();
    assert_eq!(answer["approved"], true, "{answer}");
    let delivered =
        world.enterprise.wait_for_webhook(crate::world::WAIT, |it| it.business_id() == order_id);
    assert!(delivered.await.is_some());
}

async fn buy_by_number(world: &World, opened: &Opened) {
    let mut by_number = json!({
        "pan": opened.pan, "expiry": opened.expiry, "cvv2": opened.cvv2,
        "amount": "20.00", "currency": "840",
    });
    let path = "/sandbox/v1/authorisations";
    let answer = world.operator.post(path, &by_number).await.unwrap();
    assert_eq!(answer["approved"], true, "{answer}");
    let auth_id = text(&answer, "authId");
    let delivered =
        world.enterprise.wait_for_webhook(crate::world::WAIT, |w| w.business_id() == auth_id);
    assert!(delivered.await.is_some());
    // A refused request is the one most likely to be echoed in a log or an answer.
    by_number["cvv2"] = json!("000000");
    by_number["amount"] = json!("not an amount");
    let refused = world.operator.post(path, &by_number).await.unwrap_err().to_string();
    assert!(!refused.contains(&opened.pan), "{refused}");
}

/// Sends SIGTERM and waits for a clean exit.
pub async fn stop(world: &mut World) {
    world.terminate();
    world.ended().await;
}

fn the_search_finds_what_is_there(world: &World, secrets: &[Secret]) {
    let file = fs::read(world.data_dir().join("sandbox.json")).unwrap();
    let found: Vec<_> =
        secrets.iter().filter(|secret| secret.is_in(&file)).map(|s| s.name.as_str()).collect();
    assert_eq!(found, ["secretKey's bytes", "secretKey", "app_secret", "admin token"]);
}

/// Searches all that a sandbox leaves behind, and `haystacks`, each with its place.
pub fn search(world: &World, secrets: &[Secret], mut haystacks: Vec<(String, Vec<u8>)>) {
    let mut directories = vec![world.data_dir().to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                directories.push(path);
            } else if !PRIVATE_FILES.contains(&&*name) {
                haystacks.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    let log = fs::read(world.data_dir().with_extension("log")).unwrap();
    let is_loud = log.windows(7).any(|window| window == b" TRACE ");
    assert!(is_loud, "the log has no TRACE line, so the search proves little");
    haystacks.push(("the log".to_owned(), log));
    for webhook in world.enterprise.webhooks() {
        let headers = format!("{:?}", webhook.headers).into_bytes();
        haystacks.push(("a webhook's headers".to_owned(), headers));
        haystacks.push(("a webhook".to_owned(), webhook.body.to_vec()));
    }
    for notice in world.enterprise.notices() {
        haystacks.push(("a notice".to_owned(), notice.body.to_vec()));
    }
    for (place, haystack) in &haystacks {
        for secret in secrets {
            assert!(!secret.is_in(haystack), "{} in {place}", secret.name);
        }
    }
}
