//! The operator's commands for links to card networks.

use clap::{Args, Subcommand};
use platform::Failure;
use sdk::Operator;
use serde_json::json;

use crate::answers::{list, refused, show};

/// `cardbridge link ...`
#[derive(Debug, Subcommand)]
pub enum LinkCommand {
    /// List the links with their connections
    List,
    /// Show a link with its connections
    Show(LinkName),
    /// Sign on: send 0800/001 on every connection and show what each peer answers
    SignOn(LinkName),
    /// Sign off: send 0800/002 on every connection; requests then get 91
    SignOff(LinkName),
    /// Test every connection: send 0800/301 and show how long each peer takes
    Echo(LinkName),
    /// Close the reconciliation window: send 0800/201 on every connection and show the answers
    CutOver(LinkName),
    /// Ask for a new key: send 0800/161 on every connection and show what each peer answers
    KeyRequest(LinkName),
    /// Refuse requests (91) until resume; what is under way is answered
    Drain(LinkName),
    /// Take requests again after drain
    Resume(LinkName),
}

/// The link that a command is about.
#[derive(Debug, Args)]
pub struct LinkName {
    /// The link, by its name in the configuration
    #[arg(value_name = "NAME")]
    name: String,
}

/// Runs one command.
///
/// # Errors
/// One line that says what is wrong, or what the platform refused.
pub async fn run(client: &Operator, command: LinkCommand) -> Result<(), Failure> {
    let (name, action) = match command {
        LinkCommand::List => return list(client, "/admin/v1/links").await,
        LinkCommand::Show(LinkName { name }) => {
            return show(&client.get(&path(&name)?).await.map_err(refused)?);
        }
        LinkCommand::SignOn(LinkName { name }) => (name, "sign-on"),
        LinkCommand::SignOff(LinkName { name }) => (name, "sign-off"),
        LinkCommand::Echo(LinkName { name }) => (name, "echo"),
        LinkCommand::CutOver(LinkName { name }) => (name, "cut-over"),
        LinkCommand::KeyRequest(LinkName { name }) => (name, "key-request"),
        LinkCommand::Drain(LinkName { name }) => (name, "drain"),
        LinkCommand::Resume(LinkName { name }) => (name, "resume"),
    };
    let path = format!("{}/{action}", path(&name)?);
    show(&client.post(&path, &json!({})).await.map_err(refused)?)
}

/// The path of a link, if its name is safe in one.
fn path(name: &str) -> Result<String, Failure> {
    let is_in = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(is_in) {
        return Err(Failure::configuration("name: should be the name of a link"));
    }
    Ok(format!("/admin/v1/links/{name}"))
}
