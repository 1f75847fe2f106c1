//! The platform as a user runs it: the shipped binary, on its own store.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::json;

use crate::connection::Connection;
use crate::enterprise::EnterpriseProcess;
use crate::process::{Process, first_line};

/// The part of sandbox.json that is needed here.
#[derive(Deserialize)]
pub struct Sandbox {
    pub admin_token: String,
    /// Where links to card networks listen.
    #[serde(default)]
    pub links: BTreeMap<String, SocketAddr>,
    pub enterprise: SandboxEnterprise,
}

/// The enterprise that the sandbox provisions.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SandboxEnterprise {
    pub enterprise_id: String,
    pub api_key: String,
    pub secret_key: String,
    pub profile_id: String,
    pub platform_public_key: String,
}

#[derive(Deserialize)]
struct Ready {
    public_url: String,
    admin_url: String,
}

/// A running platform. It is killed when this is dropped.
pub struct Platform {
    pub process: Process,
    pub sandbox: Sandbox,
    /// The public listener.
    pub public: SocketAddr,
    /// The operator's listener.
    pub admin: SocketAddr,
    /// From the start of the process to its ready line.
    pub ready_in: Duration,
}

impl Platform {
    /// Starts the server on the store in `data_dir` and waits until it is ready.
    pub fn start(server: &Path, data_dir: &Path) -> Result<Self> {
        Self::start_with(server, data_dir, &[])
    }

    /// As [`Platform::start`], with additional options of `serve`.
    pub fn start_with(server: &Path, data_dir: &Path, options: &[&str]) -> Result<Self> {
        Self::start_by(Command::new(server), data_dir, options)
    }

    /// As [`Platform::start_with`], by a command that runs the server.
    pub fn start_by(mut command: Command, data_dir: &Path, options: &[&str]) -> Result<Self> {
        let log = File::options().create(true).append(true).open(data_dir.join("server.log"))?;
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(data_dir)
            .args(options)
            .stderr(log);
        // The environment of whoever runs this must not affect the measurement.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CARDBRIDGE_") {
                command.env_remove(name);
            }
        }
        let started = Instant::now();
        let (process, mut stdout) = Process::start(&mut command)?;
        let line = first_line(&mut stdout)
            .with_context(|| format!("see {}", data_dir.join("server.log").display()))?;
        let ready_in = started.elapsed();
        let ready: Ready = serde_json::from_str(&line).context("the ready line")?;
        let sandbox = std::fs::read(data_dir.join("sandbox.json")).context("sandbox.json")?;
        Ok(Self {
            process,
            sandbox: serde_json::from_slice(&sandbox).context("sandbox.json")?,
            public: address(&ready.public_url)?,
            admin: address(&ready.admin_url)?,
            ready_in,
        })
    }

    /// A call of the operator or sandbox API, with a JSON body.
    pub fn admin_request(
        &self,
        method: Method,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<Request<Full<Bytes>>> {
        Ok(Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.sandbox.admin_token))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(body.to_string()))?)
    }

    /// Registers the enterprise's URLs and key with the platform.
    pub async fn register(&self, enterprise: &EnterpriseProcess) -> Result<()> {
        let path = format!("/admin/v1/enterprises/{}", self.sandbox.enterprise.enterprise_id);
        let body = json!({
            "webhookUrl": enterprise.url("/webhook"),
            "authUrl": enterprise.url("/notice"),
            "externalPublicKey": enterprise.public_key,
        });
        let request = self.admin_request(Method::PATCH, &path, &body)?;
        Connection::open(self.admin).await?.expect_ok(request).await.map(|_| ())
    }
}

fn address(url: &str) -> Result<SocketAddr> {
    let Some(address) = url.strip_prefix("http://") else { bail!("an address: {url}") };
    address.trim_end_matches('/').parse().with_context(|| format!("an address: {url}"))
}
