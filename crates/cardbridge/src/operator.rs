//! The operator's commands: each is one call of the operator API of a running platform. The answer
//! goes to stdout as JSON.

use domain::BusinessDay;
use platform::{Failure, sandbox};
use sdk::Operator;
use serde_json::json;
use zeroize::Zeroizing;

use crate::answers::{id, list, refused, show};
use crate::cli::{
    EnterpriseCommand, KeyCommand, LedgerCommand, OperatorCommand, ProfileCommand, ReconCommand,
    ServerArgs,
};
use crate::{links, vm_apps};

/// Runs one command.
///
/// # Errors
/// One line that says what is missing or what the platform refused.
pub async fn run(command: OperatorCommand) -> Result<(), Failure> {
    match command {
        OperatorCommand::Ledger { server, command: LedgerCommand::Verify } => {
            verify(&client(&server)?).await
        }
        OperatorCommand::Enterprise { server, command } => {
            enterprise(&client(&server)?, command).await
        }
        OperatorCommand::Recon { server, command } => recon(&client(&server)?, command).await,
        OperatorCommand::Profile { server, command } => profile(&client(&server)?, command).await,
        OperatorCommand::Key { server, command } => key(&client(&server)?, command).await,
        OperatorCommand::Link { server, command } => links::run(&client(&server)?, command).await,
        OperatorCommand::VmApp { server, command } => {
            vm_apps::run(&client(&server)?, command).await
        }
    }
}

async fn verify(client: &Operator) -> Result<(), Failure> {
    let report = client.get("/admin/v1/ledger/verify").await.map_err(refused)?;
    show(&report)?;
    if report["ok"] == json!(true) {
        return Ok(());
    }
    Err(Failure::run("the ledger does not add up"))
}

async fn recon(client: &Operator, command: ReconCommand) -> Result<(), Failure> {
    match command {
        ReconCommand::CloseDay { day } => {
            let body = json!({ "date": day });
            let closed = client.post("/admin/v1/recon/close-day", &body).await.map_err(refused)?;
            show(&closed)?;
            if closed["failed"] == json!([]) {
                return Ok(());
            }
            Err(Failure::run("files of the day could not be cut"))
        }
        ReconCommand::Verify { day } => {
            let day: BusinessDay =
                day.parse().map_err(|_| Failure::configuration("day: should be yyyyMMdd"))?;
            let path = format!("/admin/v1/recon/verify?date={day}");
            let report = client.get(&path).await.map_err(refused)?;
            show(&report)?;
            if report["ok"] == json!(true) {
                return Ok(());
            }
            Err(Failure::run("the files of the day differ from the ledger"))
        }
    }
}

async fn enterprise(client: &Operator, command: EnterpriseCommand) -> Result<(), Failure> {
    match command {
        EnterpriseCommand::List => list(client, "/admin/v1/enterprises").await,
        EnterpriseCommand::Create { name } => {
            let body = json!({ "name": name });
            show(&client.post("/admin/v1/enterprises", &body).await.map_err(refused)?)
        }
    }
}

async fn key(client: &Operator, command: KeyCommand) -> Result<(), Failure> {
    let KeyCommand::Create { enterprise_id, email, source_ip } = command;
    let path = format!("/admin/v1/enterprises/{}/api-keys", id(&enterprise_id)?);
    let body = json!({ "email": email, "sourceIp": source_ip });
    show(&client.post(&path, &body).await.map_err(refused)?)
}

async fn profile(client: &Operator, command: ProfileCommand) -> Result<(), Failure> {
    match command {
        ProfileCommand::List => list(client, "/admin/v1/card-profiles").await,
        ProfileCommand::Create { enterprise_id, name, bin_range, network, currency } => {
            let body = json!({
                "enterpriseId": enterprise_id,
                "name": name,
                "binRange": bin_range,
                "network": network,
                "currency": currency,
                "cardLayouts": [],
                "supportedCountries": [],
            });
            show(&client.post("/admin/v1/card-profiles", &body).await.map_err(refused)?)
        }
    }
}

/// The client of the server that the options or sandbox.json name.
fn client(server: &ServerArgs) -> Result<Operator, Failure> {
    let known = sandbox::read_file(&server.data_dir)?;
    let admin_url = server
        .admin_url
        .clone()
        .or_else(|| Some(known.as_ref()?.admin_url.clone()))
        .ok_or_else(|| missing("admin-url", "the server's admin address", server))?;
    let token = match (&server.admin_token_file, known) {
        (Some(path), _) => std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
            Failure::configuration(format_args!(
                "admin-token-file: {} should be a readable file: {error}",
                path.display()
            ))
        })?,
        (None, Some(known)) => Zeroizing::new(known.admin_token),
        (None, None) => return Err(missing("admin-token-file", "the token's file", server)),
    };
    Operator::new(&admin_url, token.trim()).map_err(refused)
}

fn missing(option: &str, what: &str, server: &ServerArgs) -> Failure {
    Failure::configuration(format_args!(
        "{option}: should name {what}, since there is no {} in {}",
        sandbox::FILE_NAME,
        server.data_dir.display()
    ))
}
