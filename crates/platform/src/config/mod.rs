//! Configuration: each option as flag, environment variable, key of a TOML file or compiled-in
//! default, in this order of precedence (operator-and-sandbox.md section 1).

mod document;
mod fx;
mod layers;
mod link_keys;
mod link_secrets;
mod link_security;
mod link_tls;
mod links;
mod s3;
mod sections;
mod smtp;
mod values;
mod vm;
mod years;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use cards::IdentityChecks;
use domain::{FxRate, Mode};
use ipnet::IpNet;
use scheme::LinkSettings;
use store::ServerLocation;
use wire::cardbridge::signature::DEFAULT_WINDOW_MS;
use wire::vm::VmSettings;
use zeroize::Zeroizing;

pub use layers::{Flags, Layers, MASTER_KEY_VARIABLE, S3_SECRET_VARIABLE, SMTP_PASSWORD_VARIABLE};
pub use link_secrets::{IssuerSecret, LinkSecrets, ZoneSecrets};
pub use s3::{S3Config, S3Secret};
pub use smtp::{SmtpConfig, read_authority};
pub use values::{Database, DatabaseDurability, NodeNumber};

use crate::failure::Failure;

/// The permitted range: a second is enough for synchronised clocks, and served requests are
/// remembered for twice this long, in bounded memory.
const SIGNATURE_WINDOWS_MS: RangeInclusive<u16> = 1_000..=15_000;

/// The permitted times for a drain, in seconds: the rest of a stop needs the remainder of 25.
const DRAINS_S: RangeInclusive<u16> = 0..=15;
const DEFAULT_DRAIN_S: u64 = 5;

/// The permitted numbers of connections to the server.
const DATABASE_CONNECTIONS: RangeInclusive<u16> = ServerLocation::LEAST_CONNECTIONS..=1_000;

/// The source of the master key.
pub enum MasterKeySource {
    /// A file named by the operator.
    File(PathBuf),
    /// The text itself, from [`MASTER_KEY_VARIABLE`].
    Text(Zeroizing<String>),
    /// The data directory's own file, made at the first start of a sandbox.
    Own,
}

/// All settings of `serve`, checked.
pub struct Config {
    /// Sandbox or production.
    pub mode: Mode,
    /// The party that checks people who apply for cards.
    pub identity_checks: IdentityChecks,
    /// Directory of everything that is kept in files.
    pub data_dir: PathBuf,
    /// The storage engine.
    pub database: Database,
    /// The server for reads that need not follow a write.
    pub read_database: Option<ServerLocation>,
    /// Production's requirement on the server's standbys.
    pub database_durability: DatabaseDurability,
    /// Address of both public dialects.
    pub listen: SocketAddr,
    /// Address of operator API, sandbox API and metrics.
    pub admin_listen: SocketAddr,
    /// Base of every link that goes out, without a trailing slash; `None` = `http://` and the
    /// public listener's address.
    pub public_url: Option<String>,
    /// Networks whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// The largest difference between the timestamp of a signed request of dialect 1 and real time.
    pub signature_window_ms: i64,
    /// The time for which requests are still taken after a stop has begun.
    pub drain: Duration,
    /// How many whole months of authorisations are kept beside the present one; `None` = all.
    pub retention_months: Option<u16>,
    /// Directory for what is no longer kept; `None` = in the data directory.
    pub export_dir: Option<PathBuf>,
    /// What the names of exported objects in the bucket of `s3` begin with; `None` = exports go to
    /// `export_dir`.
    pub export_s3_prefix: Option<String>,
    /// File with the operator's token; `None` = the data directory's own.
    pub admin_token_file: Option<PathBuf>,
    /// The master key's source.
    pub master_key: MasterKeySource,
    /// Networks that webhooks and notices may go to although they are not public.
    pub outbound_allow: Vec<IpNet>,
    /// This process's number among those that share a store.
    pub node: NodeNumber,
    /// True if production starts although the highest id is far ahead of the clock.
    pub accept_clock_ahead: bool,
    /// Filter of the log, in the syntax of `tracing_subscriber::EnvFilter`.
    pub log: String,
    /// Rates that a fresh store begins with.
    pub fx_rates: Vec<FxRate>,
    /// The mail server, if the file names one.
    pub smtp: Option<SmtpConfig>,
    /// Password of the mail account, if the environment holds it.
    pub smtp_password: Option<Zeroizing<String>>,
    /// Bucket of uploaded documents; `None` = the data directory.
    pub s3: Option<S3Config>,
    /// The settings of dialect 2.
    pub vm: VmSettings,
    /// Links to card networks.
    pub links: Vec<LinkSettings>,
    /// The keys of those links that have any.
    pub link_secrets: Vec<LinkSecrets>,
}

impl Config {
    /// Reads and checks every option.
    ///
    /// # Errors
    /// A line that names the key and what it should be.
    pub fn load(layers: &Layers) -> Result<Self, Failure> {
        let mode = values::mode(&layers.required("mode")?)?;
        let config = Self {
            mode,
            identity_checks: identity_checks(layers, mode)?,
            data_dir: values::path(&layers.required("data-dir")?)?,
            database: database(layers)?,
            read_database: years::read_database(layers)?,
            database_durability: values::durability(&layers.required("database-durability")?)?,
            listen: values::socket_address(&layers.required("listen")?)?,
            admin_listen: values::socket_address(&layers.required("admin-listen")?)?,
            public_url: layers.optional("public-url").map(|t| values::base_url(&t)).transpose()?,
            trusted_proxies: networks(layers, "trusted-proxies")?,
            signature_window_ms: signature_window_ms(layers)?,
            drain: drain(layers)?,
            retention_months: years::retention_months(layers)?,
            export_dir: optional_path(layers, "export-dir")?,
            export_s3_prefix: years::export_s3_prefix(layers)?,
            admin_token_file: optional_path(layers, "admin-token-file")?,
            master_key: master_key(layers)?,
            outbound_allow: networks(layers, "outbound-allow")?,
            node: values::node(&layers.required("node")?)?,
            accept_clock_ahead: values::flag(&layers.required("accept-clock-ahead")?)?,
            log: layers.required("log")?.text,
            fx_rates: fx::rates(layers, mode)?,
            smtp: smtp::settings(layers, mode)?,
            smtp_password: layers.smtp_password(),
            s3: s3::bucket(layers)?,
            vm: vm::settings(layers)?,
            links: links::links(layers, mode)?,
            link_secrets: link_secrets::link_secrets(layers, mode)?,
        };
        config.check_production()?;
        Ok(config)
    }

    /// Production accepts no key that the platform would have to generate.
    fn check_production(&self) -> Result<(), Failure> {
        if self.mode == Mode::Sandbox {
            return Ok(());
        }
        if matches!(self.master_key, MasterKeySource::Own) {
            return Err(Failure::configuration(format_args!(
                "master-key-file: required in production; it should name a file of mode 0600 \
                 with the key-encryption key (or set {MASTER_KEY_VARIABLE})"
            )));
        }
        if self.admin_token_file.is_none() {
            return Err(Failure::configuration(
                "admin-token-file: required in production; it should name a file of mode 0600 \
                 with the operator's token",
            ));
        }
        Ok(())
    }
}

/// In production nobody checks applicants unless the option says explicitly who does.
fn identity_checks(layers: &Layers, mode: Mode) -> Result<IdentityChecks, Failure> {
    match (layers.optional("kyc"), mode) {
        (Some(given), _) if given.text == "external" => Ok(IdentityChecks::External),
        (Some(given), _) => {
            Err(given
                .refused("external, which says that somebody else checks who applies for cards"))
        }
        (None, Mode::Sandbox) => Ok(IdentityChecks::Played),
        (None, Mode::Production) => Ok(IdentityChecks::Missing),
    }
}

fn signature_window_ms(layers: &Layers) -> Result<i64, Failure> {
    let given = layers.optional("signature-window-ms");
    let given = given.map(|given| values::number(&given, SIGNATURE_WINDOWS_MS)).transpose()?;
    Ok(given.map_or(DEFAULT_WINDOW_MS, i64::from))
}

fn database(layers: &Layers) -> Result<Database, Failure> {
    let pooler = values::pooler(&layers.required("database-pooler")?)?;
    let connections =
        values::number(&layers.required("database-connections")?, DATABASE_CONNECTIONS)?;
    let server = |given| values::server(&given, pooler, connections);
    layers.optional("database-url").map_or(Ok(Database::Embedded), server)
}

/// On PostgreSQL other processes go on, and whatever spreads requests among them needs a moment to
/// notice that this one stops.
fn drain(layers: &Layers) -> Result<Duration, Failure> {
    let given = layers.optional("drain");
    let given_s = given.map(|given| values::number(&given, DRAINS_S)).transpose()?;
    let is_shared = layers.optional("database-url").is_some();
    let default_s = if is_shared { DEFAULT_DRAIN_S } else { 0 };
    Ok(Duration::from_secs(given_s.map_or(default_s, u64::from)))
}

fn networks(layers: &Layers, option: &'static str) -> Result<Vec<IpNet>, Failure> {
    layers.optional(option).map_or(Ok(Vec::new()), |text| values::networks(&text))
}

fn optional_path(layers: &Layers, option: &'static str) -> Result<Option<PathBuf>, Failure> {
    layers.optional(option).map(|text| values::path(&text)).transpose()
}

fn master_key(layers: &Layers) -> Result<MasterKeySource, Failure> {
    let file = optional_path(layers, "master-key-file")?;
    match (file, layers.master_key_text()) {
        (Some(_), Some(_)) => Err(Failure::configuration(format_args!(
            "master-key-file: should not be set together with {MASTER_KEY_VARIABLE}"
        ))),
        (Some(path), None) => Ok(MasterKeySource::File(path)),
        (None, Some(text)) => Ok(MasterKeySource::Text(text)),
        (None, None) => Ok(MasterKeySource::Own),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::{Currency, FxTable};
    use wire::vm::VmError;
    use wire::vm::transaction::State;

    use super::*;

    /// The configuration of these flags, variables and file.
    fn load(
        flags: &[(&'static str, &str)],
        variables: &[(&str, &str)],
        file: Option<&str>,
    ) -> Result<Config, String> {
        let flags: Flags = flags.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
        let variables: BTreeMap<String, String> =
            variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Layers::with_document(flags, variables, file.map(|text| ("x.toml", text)))
            .and_then(|layers| Config::load(&layers))
            .map_err(|failure| failure.to_string())
    }

    fn refusal(
        flags: &[(&'static str, &str)],
        variables: &[(&str, &str)],
        file: Option<&str>,
    ) -> String {
        load(flags, variables, file).err().expect("a configuration that is refused")
    }

    #[test]
    fn defaults_are_those_of_the_contract() {
        let config = load(&[], &[], None).unwrap();
        assert_eq!(config.mode, Mode::Sandbox);
        assert_eq!(config.data_dir, PathBuf::from("./cardbridge-data"));
        assert!(config.database == Database::Embedded);
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.admin_listen.to_string(), "127.0.0.1:8081");
        assert_eq!(config.public_url, None);
        assert!(config.trusted_proxies.is_empty() && config.outbound_allow.is_empty());
        assert_eq!(config.signature_window_ms, 5_000);
        assert_eq!(config.fx_rates.len(), 21 * 20, "21 currencies, every pair both ways");
        let table = FxTable::new(config.fx_rates);
        let rate = |from: &str, to: &str| {
            let currency = |text| Currency::parse(text).unwrap();
            table.rate(currency(from), currency(to)).unwrap().to_string()
        };
        for (from, to, wanted) in [
            ("USD", "SGD", "1.35"),
            ("SGD", "EUR", "0.681481"),
            ("JPY", "USD", "0.00666667"),
            ("HKD", "USD", "0.128205"),
            ("KWD", "VND", "82410.4"),
            ("VND", "KWD", "0.0000121344"),
        ] {
            assert_eq!(rate(from, to), wanted, "{from} {to}");
        }
    }

    #[test]
    fn flag_beats_variable_beats_file_beats_default() {
        let file = Some("listen = '127.0.0.1:3'\nadmin_listen = '127.0.0.1:3'\nnode = 3");
        let variables = [("CARDBRIDGE_LISTEN", "127.0.0.1:2"), ("CARDBRIDGE_NODE", "2")];
        let config = load(&[("listen", "127.0.0.1:1")], &variables, file).unwrap();
        assert_eq!(config.listen.port(), 1);
        assert_eq!(config.node, NodeNumber::Fixed(2));
        assert_eq!(config.admin_listen.port(), 3);
        assert_eq!(config.data_dir, PathBuf::from("./cardbridge-data"));
    }

    #[test]
    fn a_bad_value_is_answered_with_the_key_and_what_it_should_be() {
        for (key, value, wanted) in [
            ("mode", "live", "sandbox or production"),
            ("kyc", "none", "external"),
            ("listen", "8080", "an address and port"),
            ("admin-listen", "localhost", "an address and port"),
            ("database-url", "mysql://h/d", "postgres://"),
            ("database-url", "postgres://h/d?sslcrl=c", "sslcrl"),
            ("database-durability", "async", "sync or async-accepted"),
            ("database-connections", "7", "a number, 8 to 1000"),
            ("database-pooler", "session", "none or transaction"),
            ("public-url", "ftp://h", "http://"),
            ("public-url", "http://h/?a=b", "http://"),
            ("trusted-proxies", "10.0.0.0/8,x", "networks"),
            ("node", "1024", "auto or a number, 0 to 1023"),
            ("signature-window-ms", "999", "1000 to 15000"),
            ("drain", "16", "0 to 15"),
            ("retention-months", "2", "3 to 600"),
            ("read-database-url", "postgres://h/d", "database-url"),
        ] {
            let line = refusal(&[(key, value)], &[], None);
            assert!(line.starts_with(&format!("--{key}: ")) && line.contains(wanted), "{line}");
            let variable = format!("CARDBRIDGE_{}", key.to_uppercase().replace('-', "_"));
            let line = refusal(&[], &[(&variable, value)], None);
            assert!(line.starts_with(&variable) && line.contains(wanted), "{line}");
            let file = format!("{key} = '{value}'");
            let line = refusal(&[], &[], Some(&file));
            assert!(line.starts_with(&format!("x.toml: {key}: ")), "{line}");
        }
    }

    #[test]
    fn a_bad_file_is_answered_with_the_key() {
        for (file, wanted) in [
            ("listn = '127.0.0.1:1'", "listn"),
            ("listen = 5", "listen"),
            ("listen = [", "line 1"),
            ("data-dir = 'a'\ndata_dir = 'b'", "data-dir"),
            ("[fx]\nrate = 1", "fx"),
            ("[fx.per-usd]\nXQX = '1'", "ISO 4217"),
            ("[fx.per-usd]\nSGD = '0'", "above zero"),
            ("[fx.per-usd]\nUSD = '1'", "\"USD\" is it"),
            ("[fx.per-usd]\n840 = '1'", "\"840\" is it"),
            ("[fx.per-usd]\nSGD = '1.35'\n702 = '1.35'", "SGD is there twice"),
            ("[[fx.rates]]\nfrom = 'USD'\nto = 'SGD'\nrate = '0'", "above zero"),
            ("[[fx.rates]]\nfrom = 'USD'\nto = 'XQX'\nrate = '1'", "ISO 4217"),
            ("smtp = 1", "smtp"),
            ("[smtp]\nhost = 'm'", "from"),
            ("[smtp]\nhost = 'm'\nfrom = 'a@b.c'\nport = 70000", "smtp"),
            ("[smtp]\nhost = 'm'\nfrom = 'a@b.c'\ntls = 'ssl'", "smtp.tls"),
            ("[smtp]\nhost = ''\nfrom = 'a@b.c'", "smtp.host"),
            ("[smtp]\nhost = 'm'\nfrom = 'a@b.c'\nusername = 'u'", "smtp.password-file"),
            ("[smtp]\nhost = 'm'\nfrom = 'a@b.c'\npassword-file = 'p'", "smtp.username"),
            ("[smtp]\nhost = 'm'\nfrom = 'a@b.c'\npassword = 'p'", "password"),
            ("vm = 1", "vm: should be a table"),
            ("[vm]\noffset = '+08:00'", "utc-offset"),
            ("[vm]\nutc-offset = '8'", "vm.utc-offset: should be"),
            ("[vm]\nutc-offset = 8", "vm.utc-offset: should be"),
            ("[vm]\nfirst-status = 'DECLINED'", "vm.first-status: should be"),
            ("[vm]\ntoken-lifetime-s = 60", "vm.token-lifetime-s: should be"),
            ("[vm]\ntoken-lifetime-s = 86401", "61 to 86400"),
            ("[vm]\nextra-fields = 'yes'", "vm.extra-fields: should be true or false"),
            ("[vm]\nerror-codes = 1", "vm.error-codes: should be"),
            ("[vm.error-codes]\nbad-token = 1", "vm.error-codes.bad-token: should be one of"),
            ("[vm.error-codes]\ninvalid-token = 0", "vm.error-codes.invalid-token: should be"),
            ("[vm.error-codes]\ninvalid-token = 200", "200"),
            ("[vm.error-codes]\ninvalid-token = '1'", "vm.error-codes.invalid-token"),
            ("[vm.error-codes]\ninvalid-token = 2147483648", "2147483647"),
            ("[vm.error-codes]\ninvalid-token = 1\ninvalid_token = 1", "set once"),
            ("s3 = 1", "s3"),
            ("[s3]\nendpoint = 'https://s3.test'", "region"),
            ("[s3]\nsecret-access-key = 'x'", "s3"),
        ] {
            let line = refusal(&[], &[], Some(file));
            assert!(line.starts_with("x.toml: ") && line.contains(wanted), "{line}");
        }
    }

    #[test]
    fn a_database_password_is_never_shown() {
        let line = refusal(&[("database-url", "mysql://me:hunter2@h/d")], &[], None);
        assert!(!line.contains("hunter2"), "{line}");
    }

    #[test]
    fn rates_of_the_file_replace_the_sandbox_table() {
        let file = "[[fx.rates]]\nfrom = 'USD'\nto = '702'\nrate = 1.35";
        let config = load(&[], &[], Some(file)).unwrap();
        assert_eq!(config.fx_rates.len(), 1);
        assert_eq!(config.fx_rates[0].rate.to_string(), "1.35");
    }

    #[test]
    fn the_mail_server_is_in_the_file_and_its_password_is_not() {
        let file =
            Some("[smtp]\nhost = 'mail.example'\nfrom = 'keys@mail.example'\nusername = 'u'");
        let variables = [(SMTP_PASSWORD_VARIABLE, "secret")];
        let config = load(&[], &variables, file).unwrap();
        let smtp = config.smtp.unwrap();
        assert_eq!((smtp.port, smtp.tls), (587, mail::SmtpTls::StartTls));
        assert_eq!(config.smtp_password.unwrap().as_str(), "secret");
        let file = "[smtp]\nhost = 'm'\nfrom = 'a@b.c'\ntls = 'tls'\nport = 2465";
        let smtp = load(&[], &[], Some(file)).unwrap().smtp.unwrap();
        assert_eq!((smtp.port, smtp.tls), (2465, mail::SmtpTls::Implicit));
        assert!(load(&[], &[], None).unwrap().smtp.is_none());
    }

    #[test]
    fn dialect_2_gets_its_clock_first_status_token_and_codes() {
        assert_eq!(load(&[], &[], None).unwrap().vm, VmSettings::default());
        let file = "[vm]\nutc_offset = '-03:30'\nfirst-status = 'COMPLETE'\n\
            token-lifetime-s = 61\nextra_fields = true\n[vm.error_codes]\n\
            invalid-token = 401\ncard_canceled = 700014";
        let vm = load(&[], &[], Some(file)).unwrap().vm;
        assert_eq!((vm.offset.seconds(), vm.token_lifetime_s), (-12_600, 61));
        assert_eq!((vm.open_state, vm.extra_fields), (State::Complete, true));
        let changed = [VmError::InvalidToken, VmError::CardCanceled, VmError::Balance];
        assert_eq!(changed.map(|error| vm.codes.of(&error)), [401, 700_014, 700_004]);
        let partly = load(&[], &[], Some("[vm]\ntoken-lifetime-s = 86400")).unwrap().vm;
        assert_eq!(partly, VmSettings { token_lifetime_s: 86_400, ..VmSettings::default() });
    }

    #[test]
    fn production_sends_no_mail_in_the_clear_to_another_machine() {
        let flags = [("mode", "production"), ("master-key-file", "k"), ("admin-token-file", "t")];
        let file = |host: &str| format!("[smtp]\nhost = '{host}'\nfrom = 'a@b.c'\ntls = 'none'");
        let line = refusal(&flags, &[], Some(&file("mail.example")));
        assert!(line.starts_with("x.toml: smtp.tls: "), "{line}");
        assert!(load(&flags, &[], Some(&file("127.0.0.1"))).is_ok());
        assert!(load(&[], &[], Some(&file("mail.example"))).is_ok());
    }

    #[test]
    fn the_bucket_takes_its_secret_from_a_file_or_a_variable_and_never_from_the_table() {
        let file = |more: &str| {
            format!(
                "[s3]\nendpoint = 'https://s3.test'\nregion = 'r'\nbucket = 'b'\n\
                 access-key-id = 'k'\n{more}"
            )
        };
        let variable = [(S3_SECRET_VARIABLE, "secret")];
        let s3 = load(&[], &variable, Some(&file("path_style = true"))).unwrap().s3.unwrap();
        assert!(s3.path_style && matches!(s3.secret, S3Secret::Text(_)));
        let with_file = file("secret-access-key-file = 'f'");
        let s3 = load(&[], &[], Some(&with_file)).unwrap().s3.unwrap();
        assert!(!s3.path_style && matches!(s3.secret, S3Secret::File(_)));
        for (variables, text) in [
            (&[][..], file("")),
            (&variable[..], with_file),
            (&variable[..], file("").replace("'k'", "''")),
            (&[][..], file("secret-access-key = 'secret'")),
        ] {
            let line = refusal(&[], variables, Some(&text));
            assert!(line.starts_with("x.toml: s3: "), "{line}");
            assert!(!line.contains("'secret'"), "{line}");
        }
        assert!(load(&[], &variable, None).unwrap().s3.is_none());
    }

    #[test]
    fn production_needs_its_own_keys_and_has_no_rates_of_the_sandbox() {
        let line = refusal(&[("mode", "production"), ("admin-token-file", "t")], &[], None);
        assert!(line.starts_with("master-key-file: "), "{line}");
        let line = refusal(&[("mode", "production"), ("master-key-file", "k")], &[], None);
        assert!(line.starts_with("admin-token-file: "), "{line}");
        let flags = [("mode", "production"), ("master-key-file", "k"), ("admin-token-file", "t")];
        let config = load(&flags, &[], None).unwrap();
        assert!(config.fx_rates.is_empty());
        assert_eq!(config.identity_checks, IdentityChecks::Missing);
        for (variables, file) in
            [(&[("CARDBRIDGE_KYC", "external")][..], None), (&[], Some("kyc = 'external'"))]
        {
            let config = load(&flags, variables, file).unwrap();
            assert_eq!(config.identity_checks, IdentityChecks::External);
        }
        let line = refusal(&flags, &[(MASTER_KEY_VARIABLE, "00")], None);
        assert!(line.contains(MASTER_KEY_VARIABLE), "{line}");
    }
}
