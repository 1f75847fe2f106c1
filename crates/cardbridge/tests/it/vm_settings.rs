//! The `[vm]` table of the configuration, observed on the wire of the binary that was started with
//! it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crypto::{RsaPrivateKey, RsaPublicKey};
use domain::Timestamp;
use sdk::Operator;
use sdk::vm::{VmClient, VmEnvelope};
use serde_json::{Value, json};

use crate::server::{Server, cardbridge, run, sandbox_json};

const TABLE: &str = "[vm]\nutc-offset = '-03:30'\nfirst-status = 'COMPLETE'\n\
    token-lifetime-s = 600\nextra-fields = true\n[vm.error-codes]\ninvalid-card-id = 700101\n";
const OFFSET_S: i64 = -12_600;
const DAY_S: i64 = 86_400;

/// The sandbox's app, its operator and its product of credit-line cards.
pub struct App {
    client: VmClient,
    operator: Operator,
    pub share: String,
    pub save: String,
}

impl App {
    pub async fn of(data: &Path) -> Self {
        let sandbox = sandbox_json(data);
        let url = |name: &str| sandbox[name].as_str().unwrap().to_owned();
        let text = |name: &str| sandbox["vm_app"][name].as_str().unwrap().to_owned();
        let operator =
            Operator::new(&url("admin_url"), sandbox["admin_token"].as_str().unwrap()).unwrap();
        let key = RsaPrivateKey::generate(2_048).unwrap();
        let change = json!({ "merchantPublicKey": key.public_key().to_pem() });
        let path = format!("/admin/v1/vm-apps/{}", text("app_id"));
        operator.patch(&path, &change).await.unwrap();
        let platform_key = RsaPublicKey::from_text(&text("platform_public_key")).unwrap();
        let envelope = VmEnvelope::new(key, platform_key);
        let client =
            VmClient::new(&url("public_url"), &text("app_id"), &text("app_secret"), envelope);
        let product = |funding: &str| {
            sandbox["vm_app"]["product_codes"][funding].as_str().unwrap().to_owned()
        };
        let (share, save) = (product("share"), product("save"));
        Self { client: client.unwrap(), operator, share, save }
    }

    pub async fn done(&self, path: &str, parameters: Value) -> Value {
        self.client.call(path, &parameters).await.unwrap()
    }

    pub async fn buy(&self, card_id: &str, amount: &str) -> bool {
        let purchase = json!({ "cardId": card_id, "amount": amount, "currency": "840" });
        let made = self.operator.post("/sandbox/v1/authorisations", &purchase).await.unwrap();
        made["approved"] == true
    }

    /// True if a small purchase in this currency is approved.
    async fn buys_in(&self, card_id: &str, currency: &str) -> bool {
        let purchase = json!({ "cardId": card_id, "amount": "900", "currency": currency });
        let made = self.operator.post("/sandbox/v1/authorisations", &purchase).await.unwrap();
        made["approved"] == true
    }

    async fn now_s(&self) -> i64 {
        let clock = self.operator.get("/sandbox/v1/clock").await.unwrap();
        Timestamp::parse_rfc3339(clock["now"].as_str().unwrap()).unwrap().as_millis() / 1_000
    }

    async fn advance(&self, seconds: i64) {
        let body = json!({ "seconds": seconds });
        self.operator.post("/sandbox/v1/clock/advance", &body).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clock_first_status_and_codes_of_the_file_are_used_on_the_wire() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let file = directory.path().join("cardbridge.toml");
    fs::write(&file, TABLE).unwrap();
    let _server = Server::start(&data, &["--config", file.to_str().unwrap()]);
    let app = App::of(&data).await;
    let order = json!({
        "product_code": app.share, "first_name": "Test", "last_name": "User", "amount": 500,
        "day_limit": 20,
    });
    let card = app.done("/createCard", order).await;
    let card_id = card["card_id"].as_str().unwrap();
    let detail = app.done("/cardDetail", card.clone()).await;
    let created = detail["create_time"].as_str().unwrap();
    let as_utc = Timestamp::parse_rfc3339(&format!("{}Z", created.replace(' ', "T"))).unwrap();
    let age_s = app.now_s().await + OFFSET_S - as_utc.as_millis() / 1_000;
    assert!((0..600).contains(&age_s), "{created}: {age_s}");
    let same_second = json!({ "start_time": created, "end_time": created });
    assert_eq!(app.done("/getCardList", same_second).await["total"], 1);
    let in_utc = as_utc.plus_seconds(-OFFSET_S).to_string();
    let in_utc = json!({ "start_time": format!("{} {}", &in_utc[..10], &in_utc[11..19]) });
    assert_eq!(app.done("/getCardList", in_utc).await["total"], 0);
    // The last hour of the day at that offset.
    app.advance((-OFFSET_S - 3_600 - app.now_s().await).rem_euclid(DAY_S)).await;
    assert!(app.buy(card_id, "20").await);
    assert!(!app.buy(card_id, "1").await);
    app.advance(3_601).await;
    assert!(app.buy(card_id, "20").await);
    let open = json!({ "transaction_type": "Authorization", "status": "COMPLETE" });
    assert_eq!(app.done("/cardTransaction", open).await["total"], 2);
    let refused = app.client.call("/cardDetail", &json!({ "card_id": "nobody" })).await;
    let refused = refused.unwrap_err();
    assert_eq!((refused.code(), refused.msg()), (Some(700_101), "Invalid CardId"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sandbox_has_a_rate_for_every_usual_currency_both_ways() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let _server = Server::start(&data, &[]);
    let app = App::of(&data).await;
    let rates = app.operator.get("/admin/v1/fx-rates").await.unwrap();
    let pairs: BTreeSet<_> = rates["rates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["from"].as_str().unwrap(), it["to"].as_str().unwrap()))
        .collect();
    let usual = [
        "344", "458", "156", "392", "410", "901", "764", "704", "608", "360", "356", "036", "554",
        "124", "756", "784", "414", "978", "826", "702", "840",
    ];
    for from in usual {
        let missing: Vec<_> =
            usual.iter().filter(|to| **to != from && !pairs.contains(&(from, **to))).collect();
        assert!(missing.is_empty(), "{from}: {missing:?}");
    }
    let order = json!({
        "product_code": app.share, "first_name": "Test", "last_name": "User", "amount": 5000,
    });
    let card = app.done("/createCard", order).await;
    for currency in ["344", "392", "704", "414"] {
        assert!(app.buys_in(card["card_id"].as_str().unwrap(), currency).await, "{currency}");
    }
}

#[test]
fn a_bad_table_ends_with_code_2_and_one_line_that_names_the_key() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("cardbridge.toml");
    for (text, named) in [
        ("[vm]\nutc-offset = '+15:00'", "vm.utc-offset: should be"),
        ("[vm]\nfirst-status = 'OPEN'", "vm.first-status: should be"),
        ("[vm]\ntoken-lifetime-s = 1", "vm.token-lifetime-s: should be"),
        ("[vm]\nfees = 1", "unknown field `fees`"),
        ("[vm.error-codes]\ninvalid-token = 0", "vm.error-codes.invalid-token: should be"),
    ] {
        fs::write(&file, text).unwrap();
        let mut command = cardbridge();
        command.current_dir(directory.path()).arg("serve").arg("--config").arg(&file);
        let (code, stdout, stderr) = run(&mut command);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains(named) && stderr.lines().count() == 1, "{stderr}");
    }
}
