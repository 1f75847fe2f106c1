//! The operator's commands for the apps of dialect 2.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use platform::Failure;
use sdk::Operator;
use serde_json::{Map, Value, json};

use crate::answers::{id, list, refused, show};

/// Largest file with a public key.
const MAX_KEY_FILE_BYTES: u64 = 64 * 1024;

/// `cardbridge vm-app ...`
#[derive(Debug, Subcommand)]
pub enum VmAppCommand {
    /// List the apps of an enterprise
    List {
        /// The enterprise
        #[arg(long, value_name = "ID")]
        enterprise_id: String,
    },
    /// Create an app; its secret is shown only this once
    Create {
        /// Its owner
        #[arg(long, value_name = "ID")]
        enterprise_id: String,
    },
    /// Show an app with its balances
    Show {
        /// The app
        #[arg(long, value_name = "ID")]
        app_id: String,
    },
    /// Change the settings of an app
    Set(SetArgs),
    /// Pay money into an app, US dollars; repeating the same reference moves nothing
    Fund {
        /// The app
        #[arg(long, value_name = "ID")]
        app_id: String,
        /// balance, which prepaid cards are loaded from, or wallet, which credit-line cards
        /// draw on
        #[arg(long)]
        account: String,
        /// Such as 15.50
        #[arg(long)]
        amount: String,
        /// The operator's own reference
        #[arg(long)]
        reference: String,
    },
    /// Show the secret that signs an app's webhooks while --sign-webhooks is true
    WebhookSecret {
        /// The app
        #[arg(long, value_name = "ID")]
        app_id: String,
    },
    /// List the products that an app can open cards of
    Products {
        /// The app
        #[arg(long, value_name = "ID")]
        app_id: String,
    },
    /// Give an app a product, or change area and number of cards of one that it has
    Product(ProductArgs),
}

/// Options of `vm-app set`.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// The app
    #[arg(long, value_name = "ID")]
    app_id: String,
    /// PEM or DER file of the merchant's RSA public key, which answers are encrypted with
    #[arg(long, value_name = "FILE")]
    merchant_public_key_file: Option<PathBuf>,
    /// URL for webhooks; empty = none
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,
    /// Networks that may call; empty = any in the sandbox, none in production
    #[arg(long, value_name = "CIDR,...")]
    ip_whitelist: Option<String>,
    /// Whether webhooks carry our own signature header
    #[arg(long, value_name = "BOOL")]
    sign_webhooks: Option<bool>,
}

/// Options of `vm-app product`.
#[derive(Debug, Args)]
pub struct ProductArgs {
    /// The app
    #[arg(long, value_name = "ID")]
    app_id: String,
    /// The code that createCard takes
    #[arg(long, value_name = "CODE")]
    product_code: String,
    /// A card profile of the app's enterprise in currency 840
    #[arg(long, value_name = "ID")]
    profile_id: String,
    /// save (prepaid) or share (credit line)
    #[arg(long)]
    funding: String,
    /// Where its cards are issued, as displayed [default: US]
    #[arg(long, value_name = "TEXT")]
    issuing_area: Option<String>,
    /// How many more cards may be opened [default: 1000000]
    #[arg(long, value_name = "N")]
    remaining_cards: Option<u32>,
}

/// Runs one command.
///
/// # Errors
/// One line that says what is wrong, or what the platform refused.
pub async fn run(client: &Operator, command: VmAppCommand) -> Result<(), Failure> {
    match command {
        VmAppCommand::List { enterprise_id } => list(client, &of_enterprise(&enterprise_id)?).await,
        VmAppCommand::Create { enterprise_id } => {
            post(client, &of_enterprise(&enterprise_id)?, &json!({})).await
        }
        VmAppCommand::Show { app_id } => get(client, &of_app(&app_id)?).await,
        VmAppCommand::Set(args) => set(client, args).await,
        VmAppCommand::Fund { app_id, account, amount, reference } => {
            let funds = json!({ "account": account, "amount": amount, "reference": reference });
            post(client, &format!("{}/funds", of_app(&app_id)?), &funds).await
        }
        VmAppCommand::WebhookSecret { app_id } => {
            get(client, &format!("{}/webhook-secret", of_app(&app_id)?)).await
        }
        VmAppCommand::Products { app_id } => {
            get(client, &format!("{}/products", of_app(&app_id)?)).await
        }
        VmAppCommand::Product(args) => product(client, args).await,
    }
}

async fn get(client: &Operator, path: &str) -> Result<(), Failure> {
    show(&client.get(path).await.map_err(refused)?)
}

async fn post(client: &Operator, path: &str, body: &Value) -> Result<(), Failure> {
    show(&client.post(path, body).await.map_err(refused)?)
}

async fn set(client: &Operator, args: SetArgs) -> Result<(), Failure> {
    let path = of_app(&args.app_id)?;
    let mut change = Map::new();
    if let Some(file) = &args.merchant_public_key_file {
        change.insert("merchantPublicKey".to_owned(), json!(public_key(file)?));
    }
    if let Some(url) = args.webhook_url {
        change.insert("webhookUrl".to_owned(), json!(Some(url).filter(|url| !url.is_empty())));
    }
    if let Some(text) = args.ip_whitelist {
        let networks: Vec<_> = text.split(',').map(str::trim).filter(|it| !it.is_empty()).collect();
        change.insert("ipWhitelist".to_owned(), json!(networks));
    }
    if let Some(signs) = args.sign_webhooks {
        change.insert("signWebhooks".to_owned(), json!(signs));
    }
    if change.is_empty() {
        return Err(Failure::configuration(
            "vm-app set: should be given what to change, such as --webhook-url URL",
        ));
    }
    show(&client.patch(&path, &Value::Object(change)).await.map_err(refused)?)
}

async fn product(client: &Operator, args: ProductArgs) -> Result<(), Failure> {
    let path = format!("{}/products", of_app(&args.app_id)?);
    let mut product = json!({
        "productCode": args.product_code,
        "profileId": args.profile_id,
        "funding": args.funding,
    });
    if let Some(area) = args.issuing_area {
        product["issuingArea"] = json!(area);
    }
    if let Some(cards) = args.remaining_cards {
        product["remainingCards"] = json!(cards);
    }
    post(client, &path, &product).await
}

fn public_key(file: &Path) -> Result<String, Failure> {
    let read = || {
        if std::fs::metadata(file)?.len() > MAX_KEY_FILE_BYTES {
            return Err(std::io::Error::other("larger than 64 KiB"));
        }
        std::fs::read(file)
    };
    let bytes = read().map_err(|error| {
        Failure::configuration(format_args!(
            "merchant-public-key-file: {} should be a readable file: {error}",
            file.display()
        ))
    })?;
    // A file that is not text may be DER, which the platform accepts as base64.
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| STANDARD.encode(error.into_bytes())))
}

fn of_enterprise(enterprise_id: &str) -> Result<String, Failure> {
    Ok(format!("/admin/v1/enterprises/{}/vm-apps", id(enterprise_id)?))
}

/// The path of an app, if its id is safe in one.
fn of_app(app_id: &str) -> Result<String, Failure> {
    let is_id = !app_id.is_empty() && app_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_id {
        return Err(Failure::configuration("app-id: should be the id of an app"));
    }
    Ok(format!("/admin/v1/vm-apps/{app_id}"))
}
