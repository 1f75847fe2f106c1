//! A server with an enterprise that is registered with it, and a card.

use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::{Currency, Enterprise, RsaPadding};
use sdk::{Client, Operator};
use serde_json::{Value, json};
use sim::Trust;
use tempfile::TempDir;

use crate::engine::Engine;
use crate::server::{Server, sandbox_json};

/// Longest wait for anything that happens by itself, even on the busiest machine.
pub const WAIT: Duration = Duration::from_secs(180);
/// The longest deadline that an enterprise may have, so a slow machine misses none.
pub const LONGEST_DEADLINE_MS: u32 = Enterprise::MAX_AUTH_DEADLINE_MS;
/// The shortest deadline, for tests that must miss it.
pub const SHORTEST_DEADLINE_MS: u32 = Enterprise::MIN_AUTH_DEADLINE_MS;

/// The sandbox's own enterprise, played by this process, and its server.
pub struct World {
    directory: TempDir,
    options: Vec<String>,
    variables: Vec<(String, String)>,
    /// The number of the process's file handles, if limited.
    handles: Option<u32>,
    server: Option<Server>,
    pub enterprise: sim::Enterprise,
    pub operator: Operator,
    pub client: Client,
}

impl World {
    /// A fresh sandbox whose enterprise has its URLs and keys set.
    pub async fn new(engine: &Engine, options: &[&str]) -> Self {
        Self::among(engine, options, Vec::new()).await
    }

    /// As [`World::new`], with this many file handles.
    pub async fn with_handles(engine: &Engine, options: &[&str], handles: u32) -> Self {
        Self::made(engine, options, Vec::new(), Some(handles)).await
    }

    /// As [`World::new`], with environment variables for the server.
    pub async fn among(
        engine: &Engine,
        options: &[&str],
        variables: Vec<(String, String)>,
    ) -> Self {
        Self::made(engine, options, variables, None).await
    }

    async fn made(
        engine: &Engine,
        options: &[&str],
        variables: Vec<(String, String)>,
        handles: Option<u32>,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options: Vec<String> =
            engine.options().iter().chain(options).map(|text| (*text).to_owned()).collect();
        let server = start(directory.path(), &options, &variables, handles);
        let enterprise = sim::Enterprise::start().await.unwrap();
        let (operator, client) = callers(&data_dir(directory.path()));
        let server = Some(server);
        let world =
            Self { directory, options, variables, handles, server, enterprise, operator, client };
        let own = world.sandbox();
        world
            .enterprise
            .trust(Trust {
                platform_public_key: text(&own["enterprise"], "platformPublicKey"),
                secret_key: text(&own["enterprise"], "secretKey"),
                padding: RsaPadding::Pkcs1,
            })
            .unwrap();
        let settings = json!({
            "webhookUrl": world.enterprise.webhook_url(),
            "authUrl": world.enterprise.auth_url(),
            "externalPublicKey": world.enterprise.public_key(),
            "authDeadlineMs": LONGEST_DEADLINE_MS,
        });
        let path = format!("/admin/v1/enterprises/{}", world.enterprise_id());
        world.operator.patch(&path, &settings).await.unwrap();
        world
    }

    /// Gives the enterprise this long to answer.
    pub async fn set_deadline(&self, deadline_ms: u32) {
        let path = format!("/admin/v1/enterprises/{}", self.enterprise_id());
        let change = json!({ "authDeadlineMs": deadline_ms });
        self.operator.patch(&path, &change).await.unwrap();
    }

    pub fn data_dir(&self) -> PathBuf {
        data_dir(self.directory.path())
    }

    pub fn sandbox(&self) -> Value {
        sandbox_json(&self.data_dir())
    }

    pub fn enterprise_id(&self) -> String {
        text(&self.sandbox()["enterprise"], "enterpriseId")
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// `kill -9` without waiting for the end: what talks to the server sees it.
    pub fn strike(&self) {
        self.server.as_ref().expect("a running server").signal("KILL");
    }

    /// `kill -9`, then a restart over the same data.
    pub fn crash(&mut self) {
        self.kill();
        self.start_again();
    }

    /// Waits for an exit that nobody requested; returns whether a signal caused it.
    pub async fn broke_off(&mut self) -> bool {
        use std::os::unix::process::ExitStatusExt as _;
        let server = self.server.take().expect("a running server");
        let (status, _) = tokio::task::spawn_blocking(|| server.ended()).await.unwrap();
        status.signal().is_some()
    }

    /// Waits for an exit that nobody requested; returns its exit code.
    pub async fn exit_code(&mut self) -> Option<i32> {
        let server = self.server.take().expect("a running server");
        tokio::task::spawn_blocking(|| server.ended()).await.unwrap().0.code()
    }

    /// SIGTERM, without waiting.
    pub fn terminate(&self) {
        self.server.as_ref().expect("a running server").terminate();
    }

    /// Waits for the exit after SIGTERM: exit code 0, nothing more on stdout.
    pub async fn ended(&mut self) {
        let server = self.server.take().expect("a running server");
        let (status, rest) = tokio::task::spawn_blocking(|| server.ended()).await.unwrap();
        assert_eq!(status.code(), Some(0));
        assert_eq!(rest, "");
    }

    /// Restarts over the same data.
    pub fn start_again(&mut self) {
        self.server =
            Some(start(self.directory.path(), &self.options, &self.variables, self.handles));
        (self.operator, self.client) = callers(&self.data_dir());
    }

    /// Applies for a virtual card; returns the order's id.
    pub async fn apply(&self, reference: &str) -> String {
        let profile_id = text(&self.sandbox()["enterprise"], "profileId");
        let body = application(&profile_id, reference);
        let reply = self
            .client
            .call(
                sdk::Method::POST,
                "/open-api/card-order/v1/apply-virtual",
                &[],
                Some(serde_json::to_vec(&body).unwrap()),
            )
            .await
            .unwrap();
        let data: Value = serde_json::from_str(reply.data.as_ref().unwrap().get()).unwrap();
        text(&data, "cardOrderId")
    }

    /// Waits until an order has succeeded; returns its card's id.
    pub async fn card_of(&self, order_id: &str) -> String {
        let succeeded = self.enterprise.wait_for_webhook(WAIT, |webhook| {
            webhook.business_id() == order_id && webhook.text("/data/status") == "SUCCEED"
        });
        succeeded.await.expect("the order succeeds").text("/data/cardId").to_owned()
    }

    /// A new card.
    pub async fn card(&self, reference: &str) -> String {
        let order_id = self.apply(reference).await;
        self.card_of(&order_id).await
    }

    /// The available amount of the USD deposit.
    pub async fn available(&self) -> String {
        self.client.balance(Currency::USD).await.unwrap().available_amount.as_str().to_owned()
    }

    /// Verifies that the ledger adds up.
    pub async fn verify_ledger(&self) {
        let report = self.operator.get("/admin/v1/ledger/verify").await.unwrap();
        assert_eq!(report["ok"], true, "{report}");
        assert_eq!(report["violations"], json!([]));
    }
}

fn data_dir(directory: &Path) -> PathBuf {
    directory.join("data")
}

fn start(
    directory: &Path,
    options: &[String],
    variables: &[(String, String)],
    handles: Option<u32>,
) -> Server {
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    match handles {
        Some(handles) => Server::start_with_handles(&data_dir(directory), &options, handles),
        None => Server::start_among(&data_dir(directory), &options, variables),
    }
}

fn callers(data_dir: &Path) -> (Operator, Client) {
    let own = sandbox_json(data_dir);
    let operator = Operator::new(&text(&own, "admin_url"), &text(&own, "admin_token")).unwrap();
    let enterprise = &own["enterprise"];
    let (api_key, secret_key) = (text(enterprise, "apiKey"), text(enterprise, "secretKey"));
    let client = Client::new(&text(&own, "public_url"), &api_key, &secret_key).unwrap();
    (operator, client)
}

/// A text field of a JSON object.
pub fn text(json: &Value, key: &str) -> String {
    json[key].as_str().unwrap_or_else(|| panic!("no {key} in {json}")).to_owned()
}

/// A purchase by card id.
pub fn purchase(card_id: &str, amount: &str) -> Value {
    json!({ "cardId": card_id, "amount": amount, "currency": "840", "mcc": "5999" })
}

/// A plain application in forwarding mode.
pub fn application(profile_id: &str, reference: &str) -> Value {
    json!({
        "profileId": profile_id,
        "cardOrderRef": reference,
        "customerInfo": customer_info(reference),
        "kycInfo": kyc_info(),
    })
}

/// A different customer for each reference.
pub fn customer_info(reference: &str) -> Value {
    json!({
        "phoneCountryCode": "SG",
        "email": format!("{reference}@example.com"),
        "customerRef": reference,
    })
}

pub fn kyc_info() -> Value {
    json!({
        "sumsubShareToken": "pass-1",
        "employmentStatus": "EMPLOYED",
        "employerName": "Test Employer",
        "sourceOfFunds": "OWN_BANK_ACCOUNT",
        "sourceOfWealth": "EMPLOYMENT",
    })
}
