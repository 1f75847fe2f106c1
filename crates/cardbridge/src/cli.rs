//! The command line.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use platform::Failure;
use platform::config::Flags;

use crate::iso::IsoCommand;
use crate::links::LinkCommand;
use crate::listen::ListenArgs;
use crate::network::NetworkCommand;
use crate::vm_apps::VmAppCommand;

/// A card-issuing platform: sandbox on a laptop, production beside PostgreSQL.
#[derive(Debug, Parser)]
#[command(name = "cardbridge", version)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands of the binary.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the platform until SIGTERM or Ctrl-C
    Serve(Box<ServeArgs>),
    /// Bring the schema of a store up to date without serving, or say what it lacks
    Migrate(MigrateArgs),
    /// Show the platform at work: a card is ordered, used, frozen and terminated, all automatically
    Demo(DemoArgs),
    /// Play the enterprise of a running sandbox: answer its purchases, show what it receives
    Listen(ListenArgs),
    /// Messages of card networks (ISO 8583)
    Iso {
        /// The command.
        #[command(subcommand)]
        command: IsoCommand,
    },
    /// The card network's side of the platform, or of any other host
    Network {
        /// The command.
        #[command(subcommand)]
        command: NetworkCommand,
    },
    /// The operator API's commands.
    #[command(flatten)]
    Operator(OperatorCommand),
}

/// The operator's commands for a running platform.
#[derive(Debug, Subcommand)]
pub enum OperatorCommand {
    /// The ledger of a running platform
    Ledger {
        /// The server.
        #[command(flatten)]
        server: ServerArgs,
        /// The command.
        #[command(subcommand)]
        command: LedgerCommand,
    },
    /// The reconciliation files of a running platform
    Recon {
        /// The server.
        #[command(flatten)]
        server: ServerArgs,
        /// The command.
        #[command(subcommand)]
        command: ReconCommand,
    },
    /// The enterprises of a running platform
    Enterprise {
        /// The server.
        #[command(flatten)]
        server: ServerArgs,
        /// The command.
        #[command(subcommand)]
        command: EnterpriseCommand,
    },
    /// The card profiles of a running platform
    Profile {
        /// The server.
        #[command(flatten)]
        server: ServerArgs,
        /// The command.
        #[command(subcommand)]
        command: ProfileCommand,
    },
    /// The API keys of a running platform
    Key {
        /// The server.
        #[command(flatten)]
        server: ServerArgs,
        /// The command.
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// The links to card networks of a running platform
    Link {
        /// The server.
        #[command(flatten)]
        server: ServerArgs,
        /// The command.
        #[command(subcommand)]
        command: LinkCommand,
    },
    /// The apps of the VM API of a running platform
    VmApp {
        /// The server.
        #[command(flatten)]
        server: ServerArgs,
        /// The command.
        #[command(subcommand)]
        command: VmAppCommand,
    },
}

/// Options of `migrate`.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Change nothing: exit code 1 and the migrations that are pending, if any are
    #[arg(long)]
    pub check: bool,
    /// Those of `serve`, of which the store's count.
    #[command(flatten)]
    pub serve: Box<ServeArgs>,
}

/// Options of `serve`; each is also a variable `CARDBRIDGE_<NAME>` and a key of the TOML file.
#[derive(Debug, Default, Args)]
pub struct ServeArgs {
    /// TOML file with options
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// sandbox or production [default: sandbox]
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// external: somebody else checks who applies for cards
    /// [default: production refuses applications]
    #[arg(long, value_name = "WHO")]
    kyc: Option<String>,
    /// Directory of the embedded store, keys and sandbox.json [default: ./cardbridge-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// postgres://... [default: embedded SQLite inside the data directory]
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// postgres://... of a standby for ledger verify, exports and operators' lists of
    /// authorisations and transactions [default: all is read where it is written]
    #[arg(long, value_name = "URL")]
    read_database_url: Option<String>,
    /// sync, or async-accepted to let production run with asynchronous standbys [default: sync]
    #[arg(long, value_name = "WORD")]
    database_durability: Option<String>,
    /// The most connections of this process to the database, 8 to 1000 [default: 30]
    #[arg(long, value_name = "NUMBER")]
    database_connections: Option<String>,
    /// none, or transaction where a pooler in transaction mode stands before the database
    /// [default: none]
    #[arg(long, value_name = "WORD")]
    database_pooler: Option<String>,
    /// Public listener; port 0 = any free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Listener of operator API, sandbox API and metrics [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDR")]
    admin_listen: Option<String>,
    /// Listener of ISO 8583 messages, a link named default; sandbox only [default: none]
    #[arg(long, value_name = "ADDR")]
    iso_listen: Option<String>,
    /// Base of every link that goes out [default: http:// + the public listener]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Networks whose X-Forwarded-For counts [default: none]
    #[arg(long, value_name = "CIDR,...")]
    trusted_proxies: Option<String>,
    /// How far a signed request's timestamp may lie from this clock, 1000 to 15000 milliseconds
    /// [default: 5000]
    #[arg(long, value_name = "MS")]
    signature_window_ms: Option<String>,
    /// For how long requests are still taken after SIGTERM, 0 to 15 seconds [default: 5 with
    /// --database-url, otherwise 0]
    #[arg(long, value_name = "SECONDS")]
    drain: Option<String>,
    /// Whole months of authorisations that are kept beside the present one, at least 3; older ones
    /// are exported and deleted [default: all are kept]
    #[arg(long, value_name = "MONTHS")]
    retention_months: Option<String>,
    /// Directory for the exports of --retention-months [default: exports in the data directory]
    #[arg(long, value_name = "DIR")]
    export_dir: Option<String>,
    /// Export to the bucket of [s3] instead; the names of all objects begin with this
    #[arg(long, value_name = "PREFIX")]
    export_s3_prefix: Option<String>,
    /// File (0600) with the operator's token [default: made in the sandbox's data directory]
    #[arg(long, value_name = "FILE")]
    admin_token_file: Option<String>,
    /// File (0600) with the master key [default: made in the sandbox's data directory]
    #[arg(long, value_name = "FILE")]
    master_key_file: Option<String>,
    /// Networks that webhooks and notices may go to although they are not public
    #[arg(long, value_name = "CIDR,...")]
    outbound_allow: Option<String>,
    /// Number of this process among those that share a store, 0 to 1023 [default: 0]
    #[arg(long, value_name = "N")]
    node: Option<String>,
    /// Start production although the highest id is over an hour ahead of the machine's clock
    /// [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "true")]
    accept_clock_ahead: Option<String>,
    /// Filter of the log on stderr, such as info or authorise=debug,info [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

impl ServeArgs {
    /// The options that were given, by name.
    pub fn into_flags(self) -> Flags {
        [
            ("config", self.config),
            ("mode", self.mode),
            ("kyc", self.kyc),
            ("data-dir", self.data_dir),
            ("database-url", self.database_url),
            ("read-database-url", self.read_database_url),
            ("database-durability", self.database_durability),
            ("database-connections", self.database_connections),
            ("database-pooler", self.database_pooler),
            ("listen", self.listen),
            ("admin-listen", self.admin_listen),
            ("iso-listen", self.iso_listen),
            ("public-url", self.public_url),
            ("trusted-proxies", self.trusted_proxies),
            ("signature-window-ms", self.signature_window_ms),
            ("drain", self.drain),
            ("retention-months", self.retention_months),
            ("export-dir", self.export_dir),
            ("export-s3-prefix", self.export_s3_prefix),
            ("admin-token-file", self.admin_token_file),
            ("master-key-file", self.master_key_file),
            ("outbound-allow", self.outbound_allow),
            ("node", self.node),
            ("accept-clock-ahead", self.accept_clock_ahead),
            ("log", self.log),
        ]
        .into_iter()
        .filter_map(|(name, text)| Some((name, text?)))
        .collect()
    }
}

/// Options of `demo`.
#[derive(Debug, Clone, Copy, Args)]
pub struct DemoArgs {
    /// Keep the platform running afterwards and print its addresses
    #[arg(long)]
    pub keep: bool,
}

/// The running platform that an operator command talks to.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// The server's admin address [default: admin_url of <data-dir>/sandbox.json]
    #[arg(long, global = true, env = "CARDBRIDGE_ADMIN_URL", value_name = "URL")]
    pub admin_url: Option<String>,
    /// File with the operator's token [default: admin_token of <data-dir>/sandbox.json]
    #[arg(long, global = true, env = "CARDBRIDGE_ADMIN_TOKEN_FILE", value_name = "FILE")]
    pub admin_token_file: Option<PathBuf>,
    /// Directory with sandbox.json
    #[arg(
        long,
        global = true,
        env = "CARDBRIDGE_DATA_DIR",
        value_name = "DIR",
        default_value = "./cardbridge-data"
    )]
    pub data_dir: PathBuf,
}

/// `cardbridge ledger ...`
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Derive every balance again from its entries; exit 1 if anything does not add up
    Verify,
}

/// `cardbridge recon ...`
#[derive(Debug, Subcommand)]
pub enum ReconCommand {
    /// Cut the files of a UTC+8 day
    CloseDay {
        /// yyyyMMdd
        day: String,
    },
    /// Build the files of a UTC+8 day again from the ledger; exit 1 if anything differs
    Verify {
        /// yyyyMMdd
        day: String,
    },
}

/// `cardbridge enterprise ...`
#[derive(Debug, Subcommand)]
pub enum EnterpriseCommand {
    /// List all enterprises
    List,
    /// Create an enterprise
    Create {
        /// Its name
        #[arg(long)]
        name: String,
    },
}

/// `cardbridge profile ...`
#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// List all card profiles
    List,
    /// Create a card profile without limits, for every country
    Create {
        /// The enterprise that issues under it
        #[arg(long, value_name = "ID")]
        enterprise_id: String,
        /// Its name
        #[arg(long)]
        name: String,
        /// Leading digits of its PANs, such as 41234500 or 41234500-41234599
        #[arg(long, value_name = "DIGITS")]
        bin_range: String,
        /// Card network
        #[arg(long, default_value = "VISA")]
        network: String,
        /// Billing currency, ISO 4217 numeric
        #[arg(long)]
        currency: String,
    },
}

/// `cardbridge key ...`
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Create an API key: mailed as a one-time code, or, in the sandbox only, shown this once
    Create {
        /// Its owner
        #[arg(long, value_name = "ID")]
        enterprise_id: String,
        /// The mailbox that gets the code; required in production
        #[arg(long, value_name = "ADDRESS", requires = "source_ip")]
        email: Option<String>,
        /// The only address from which the code may be used; required in production
        #[arg(long, value_name = "IP", requires = "email")]
        source_ip: Option<String>,
    },
}

/// The result of reading the command line.
pub enum Parsed {
    /// A command.
    Command(Box<Command>),
    /// Text to print, for `--help` and `--version`.
    Text(String),
}

/// Reads the command line.
///
/// # Errors
/// One line that names the bad argument.
pub fn parse(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Parsed, Failure> {
    match Cli::try_parse_from(without_help_of_help(arguments)) {
        Ok(cli) => Ok(Parsed::Command(Box::new(cli.command))),
        Err(error)
            if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) =>
        {
            Ok(Parsed::Text(error.render().to_string()))
        }
        Err(error) => Err(Failure::configuration(summary(&error))),
    }
}

/// The arguments without `--help` after the command `help`, which already means help; clap would
/// take it for the name of a command.
fn without_help_of_help(
    arguments: impl IntoIterator<Item = std::ffi::OsString>,
) -> Vec<std::ffi::OsString> {
    let mut arguments: Vec<_> = arguments.into_iter().collect();
    let is_option = |it: &std::ffi::OsString| it.to_string_lossy().starts_with('-');
    let commands = arguments.iter().skip(1).take_while(|it| !is_option(it));
    if commands.into_iter().any(|it| it == "help") {
        arguments.retain(|it| it != "--help" && it != "-h");
    }
    arguments
}

/// Clap's message before its usage text, without its prefix.
fn summary(error: &clap::Error) -> String {
    let text = error.render().to_string();
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a command is missing; it should be one of those that --help lists".to_owned();
    }
    let end = text.find("\n\nUsage:").or_else(|| text.find("\n\nFor more information"));
    let paragraph = &text[..end.unwrap_or(text.len())];
    let words = paragraph.strip_prefix("error: ").unwrap_or(paragraph).trim_end();
    format!("{words}; see --help")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(arguments: &[&str]) -> String {
        let arguments = ["cardbridge"].iter().chain(arguments).map(Into::into);
        match parse(arguments) {
            Err(failure) => failure.to_string(),
            Ok(_) => panic!("the arguments were accepted"),
        }
    }

    #[test]
    fn a_bad_argument_is_named_in_one_line() {
        for (arguments, named) in [
            (&["serve", "--bogus", "1"][..], "--bogus"),
            (&["serve", "--listen"], "--listen"),
            (&["serve", "--mode", "sandbox", "--mode", "sandbox"], "--mode"),
            (&["sevre"], "sevre"),
            (&["enterprise", "create"], "--name"),
            (&["vm-app", "show"], "--app-id"),
            (&["key", "create", "--enterprise-id", "1", "--email", "a@b.test"], "--source-ip"),
            (&["help", "sevre"], "sevre"),
            (&["vm-app", "set", "--app-id", "a", "--sign-webhooks", "maybe"], "--sign-webhooks"),
            (&[], "command"),
        ] {
            let line = refusal(arguments);
            assert!(line.contains(named) && !line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn every_option_of_serve_reaches_the_configuration() {
        use clap::CommandFactory as _;
        let command = Cli::command();
        let serve = command.find_subcommand("serve").unwrap();
        let names: Vec<_> = serve.get_arguments().filter_map(clap::Arg::get_long).collect();
        let mut line = vec!["cardbridge".into(), "serve".into()];
        for name in names.iter().filter(|name| **name != "help") {
            line.push(format!("--{name}=x").into());
        }
        let Ok(Parsed::Command(command)) = parse(line) else { panic!("no command") };
        let Command::Serve(args) = *command else { panic!("no serve") };
        let flags = args.into_flags();
        assert!(names.iter().all(|name| *name == "help" || flags.contains_key(name)));
    }
}
