//! `cardbridge listen`: plays the sandbox's enterprise. It sets its own addresses and key in the
//! running sandbox, answers notices, shows everything that arrives, and finally restores the
//! previous settings.

mod decide;
mod line;
mod running;
mod server;
mod settings;

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use crypto::RsaPrivateKey;
use domain::RsaScheme;
use sdk::Operator;
use sdk::notice::NoticeKeys;
use serde_json::Value;
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::serve::Stops;
use decide::Decide;
use line::say;
use platform::Failure;
use platform::sandbox::Known;
use running::{failed, known, require_sandbox};
use server::Enterprise;
use settings::{Held, Settings};

/// Length of the key generated for each run.
const KEY_BITS: u32 = 2048;

/// Options of `listen`.
#[derive(Debug, Args)]
pub struct ListenArgs {
    /// The answer to notices
    #[arg(long, value_enum, default_value_t = Decide::Approve)]
    decide: Decide,
    /// Address to listen on; port 0 = any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    address: SocketAddr,
    /// Directory with sandbox.json
    #[arg(
        long,
        env = "CARDBRIDGE_DATA_DIR",
        value_name = "DIR",
        default_value = "./cardbridge-data"
    )]
    data_dir: std::path::PathBuf,
}

/// Plays the enterprise until SIGTERM or Ctrl-C.
///
/// # Errors
/// One line that says what is missing, or what the sandbox refused.
pub async fn run(args: ListenArgs) -> Result<(), Failure> {
    let mut stops = Stops::new()?;
    let known = known(&args.data_dir)?;
    let operator = Operator::new(&known.admin_url, known.admin_token.trim()).map_err(failed)?;
    require_sandbox(&operator).await?;
    let held = Held::take(&args.data_dir)?;
    held.put_back(&operator).await?;

    let own_key = tokio::task::spawn_blocking(|| RsaPrivateKey::generate(KEY_BITS));
    let own_key = own_key.await.map_err(Failure::run)?.map_err(Failure::run)?;
    let path = settings::path(&known.enterprise.enterprise_id)?;
    let before = operator.get(&path).await.map_err(failed)?;
    let listener = TcpListener::bind(args.address).await.map_err(|error| {
        Failure::configuration(format_args!("address: {} cannot be used: {error}", args.address))
    })?;
    let base_url = format!("http://{}", listener.local_addr().map_err(Failure::run)?);
    let own = Settings::own(&base_url, &own_key);
    let enterprise = Enterprise {
        keys: keys(&known, &before, own_key)?,
        secret_key: Zeroizing::new(known.enterprise.secret_key),
        decide: args.decide,
    };
    let serving = tokio::spawn(server::serve(listener, Arc::new(enterprise)));

    held.set(&operator, &known.enterprise.enterprise_id, &before, own).await?;
    say(&format!(
        "listening at {base_url} for enterprise {}: purchases are {}; Ctrl-C puts back what was \
         set before",
        known.enterprise.enterprise_id,
        match args.decide {
            Decide::Approve => "approved",
            Decide::Decline => "declined",
        }
    ));
    stops.received().await;
    let put_back = held.put_back(&operator).await;
    serving.abort();
    put_back?;
    say("the enterprise's settings are as they were");
    Ok(())
}

/// The keys of both sides, under the scheme that the operator set.
fn keys(known: &Known, enterprise: &Value, own: RsaPrivateKey) -> Result<NoticeKeys, Failure> {
    let bad = |name: &str| Failure::run(format_args!("the sandbox says no {name} that is known"));
    let text = |name: &str| enterprise[name].as_str().unwrap_or_default();
    let scheme = RsaScheme {
        padding: text("rsaPadding").parse().map_err(|_| bad("rsaPadding"))?,
        hash: text("rsaHash").parse().map_err(|_| bad("rsaHash"))?,
        signed_bytes: text("rsaSignedBytes").parse().map_err(|_| bad("rsaSignedBytes"))?,
    };
    let platform_key = crypto::RsaPublicKey::from_text(&known.enterprise.platform_public_key)
        .map_err(|why| Failure::run(format_args!("sandbox.json: platformPublicKey {why}")))?;
    Ok(NoticeKeys::new(platform_key, own, scheme))
}
