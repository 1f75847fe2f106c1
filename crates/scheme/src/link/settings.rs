//! The settings of a link, checked (network-iso8583.md section 7.1).

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use domain::Money;
use ipnet::IpNet;
use iso8583::{FieldSet, Framing, FramingSettings, Layout, Packager, SettingsError, default_echo};
use rustls::{ClientConfig, ServerConfig};

use super::own::OwnSender;
use super::security::LinkSecurity;
use crate::translate::{Codes, Place, RequestRules};

/// Who signs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignOn {
    /// The peer, by a message.
    Peer,
    /// The platform, by a message.
    Us,
    /// Nobody: a connection is signed on once it is made.
    Nobody,
}

/// An address to connect to; its name is resolved at each try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Target {
    /// Reads a text such as `switch.example:9001` or `[2001:db8::1]:9001`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let is_right = match bare {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.bytes().all(is_of_a_name),
        };
        let port = port.parse().ok().filter(|port| *port > 0)?;
        is_right.then(|| Self { host: bare.unwrap_or(host).to_owned(), port })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

const fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

/// Who makes the connections.
#[derive(Debug, Clone)]
pub enum LinkMode {
    /// Peers do.
    Listen {
        /// Where.
        address: SocketAddr,
        /// Networks that they may come from; empty = any.
        allow: Vec<IpNet>,
        /// Most connections.
        max_connections: usize,
    },
    /// The platform does.
    Connect {
        /// Where to.
        targets: Vec<Target>,
        /// Connections to each.
        connections: usize,
    },
}

impl LinkMode {
    /// Most connections of a link that listens, unless it says otherwise.
    pub const MAX_CONNECTIONS: usize = 8;
    /// Connections to each target, unless the link says otherwise.
    pub const CONNECTIONS: usize = 2;

    /// A listener with the defaults.
    #[must_use]
    pub const fn listen(address: SocketAddr) -> Self {
        Self::Listen { address, allow: Vec::new(), max_connections: Self::MAX_CONNECTIONS }
    }

    /// Its word in the configuration.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Listen { .. } => "listen",
            Self::Connect { .. } => "connect",
        }
    }

    /// Where it connects to.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        match self {
            Self::Listen { .. } => &[],
            Self::Connect { targets, .. } => targets,
        }
    }

    /// Most connections that it has at a time.
    #[must_use]
    pub const fn max_connections(&self) -> usize {
        match self {
            Self::Listen { max_connections, .. } => *max_connections,
            Self::Connect { targets, connections } => targets.len() * *connections,
        }
    }
}

/// TLS of a link, for its side of the connections.
pub enum LinkTls {
    /// Of a link that listens.
    Server {
        /// The certificate and what clients must show.
        config: Arc<ServerConfig>,
        /// Whether clients must show a certificate.
        verifies_clients: bool,
    },
    /// Of a link that connects; the server's certificate is always verified.
    Client(Arc<ClientConfig>),
}

impl LinkTls {
    /// Whether a peer without a certificate that the link trusts is refused.
    #[must_use]
    pub const fn verifies_peers(&self) -> bool {
        match self {
            Self::Server { verifies_clients, .. } => *verifies_clients,
            Self::Client(_) => true,
        }
    }
}

/// The times of a link.
#[derive(Debug, Clone)]
pub struct LinkTimes {
    /// A frame is complete this long after its first byte.
    pub frame: Duration,
    /// A write is taken within this time.
    pub write: Duration,
    /// A connection that receives nothing for so long is closed; `None` = never.
    pub idle: Option<Duration>,
    /// After this long without a message an echo test is sent; `None` = never.
    pub echo_interval: Option<Duration>,
    /// An echo test is answered within this time.
    pub echo_timeout: Duration,
    /// The network's limit, from a request's last byte to its answer.
    pub response: Duration,
    /// The decision is to be ready this much before that limit.
    pub answer_margin: Duration,
}

impl Default for LinkTimes {
    fn default() -> Self {
        Self {
            frame: Duration::from_secs(5),
            write: Duration::from_secs(5),
            idle: None,
            echo_interval: Some(Duration::from_secs(60)),
            echo_timeout: Duration::from_secs(10),
            response: Duration::from_secs(5),
            answer_margin: Duration::from_millis(300),
        }
    }
}

/// The caps of a link, over all its connections.
#[derive(Debug, Clone)]
pub struct LinkCaps {
    /// Most requests under way.
    pub in_flight: usize,
    /// Most requests in a second.
    pub per_second: u32,
    /// Most advices and reversals under way.
    pub advices_in_flight: u32,
    /// Most advices and reversals that wait; more are dropped, and the peer repeats them.
    pub advices_waiting: u32,
}

impl Default for LinkCaps {
    fn default() -> Self {
        Self { in_flight: 512, per_second: 1_000, advices_in_flight: 64, advices_waiting: 1_024 }
    }
}

/// The settings of one link.
pub struct LinkSettings {
    /// Its name, in addresses, metrics and logs.
    pub name: String,
    /// The network whose messages it carries.
    pub network: String,
    /// Who makes the connections.
    pub mode: LinkMode,
    /// TLS of its connections; `None` = they are in the clear.
    pub tls: Option<LinkTls>,
    /// How messages are laid out.
    pub layout: Layout,
    /// How messages are framed.
    pub framing: Framing,
    /// Whether a keep-alive is sent back.
    pub echoes_keep_alive: bool,
    /// How DE43 is divided.
    pub place: Place,
    /// Who signs on.
    pub sign_on: SignOn,
    /// Who sends what the platform sends first.
    pub sender: OwnSender,
    /// Whether more clearings may follow one that leaves something.
    pub multi_clearing: bool,
    /// How much its advices may state in a day before it takes no requests; `None` = no limit.
    pub max_forced_per_day: Option<Money>,
    /// Fields that an answer repeats.
    pub echo: FieldSet,
    /// Whether a balance inquiry is refused where the balances are not known here.
    pub requires_balances: bool,
    /// The codes for decisions.
    pub codes: Codes,
    /// What it changes in how requests are read.
    pub rules: RequestRules,
    /// Whether another signed-on connection may carry the answer of one that is gone.
    pub answers_anywhere: bool,
    /// Times.
    pub times: LinkTimes,
    /// Caps.
    pub caps: LinkCaps,
    /// What protects its messages.
    pub security: LinkSecurity,
}

impl LinkSettings {
    /// The defaults of a link.
    ///
    /// # Errors
    /// None in practice: the defaults of a framing are valid.
    pub fn new(name: &str, mode: LinkMode) -> Result<Self, SettingsError> {
        Ok(Self {
            name: name.to_owned(),
            network: name.to_owned(),
            mode,
            tls: None,
            layout: Layout::of(Packager::Iso87Ascii),
            framing: Framing::new(&FramingSettings::default())?,
            echoes_keep_alive: false,
            place: Place::default(),
            sign_on: SignOn::Peer,
            sender: OwnSender::default(),
            multi_clearing: false,
            max_forced_per_day: None,
            echo: default_echo(),
            requires_balances: false,
            codes: Codes::new(Packager::Iso87Ascii),
            rules: RequestRules::default(),
            answers_anywhere: false,
            times: LinkTimes::default(),
            caps: LinkCaps::default(),
            security: LinkSecurity::default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_host_and_a_port() {
        for text in ["10.0.0.5:9001", "switch-a.example:1", "[2001:db8::1]:65535"] {
            assert_eq!(Target::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "9001", ":9001", "a:", "a:0", "a:65536", "a b:1", "::1:1", "[a]:1"] {
            assert_eq!(Target::parse(text), None, "{text}");
        }
    }
}
