//! The settings of a link, checked (network-iso8583.md section 7.1).

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;
use iso8583::{FieldSet, Framing, FramingSettings, Layout, Packager, SettingsError, default_echo};

use super::security::LinkSecurity;
use crate::translate::{Code, Place};

/// Who signs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignOn {
    /// The peer, by a message.
    Peer,
    /// Nobody: a connection is signed on once it is made.
    Nobody,
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
    /// Most connections.
    pub connections: usize,
    /// Most requests under way.
    pub in_flight: usize,
    /// Most requests in a second.
    pub per_second: u32,
}

impl Default for LinkCaps {
    fn default() -> Self {
        Self { connections: 8, in_flight: 512, per_second: 1_000 }
    }
}

/// The settings of one link.
pub struct LinkSettings {
    /// Its name, in addresses, metrics and logs.
    pub name: String,
    /// The network whose messages it carries.
    pub network: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Networks that peers may come from; empty = any.
    pub allow: Vec<IpNet>,
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
    /// DE41 of what the platform sends first.
    pub terminal: Option<String>,
    /// Fields that an answer repeats.
    pub echo: FieldSet,
    /// The code for a decision to which the enterprise gave no usable answer.
    pub no_answer_code: Code,
    /// Times.
    pub times: LinkTimes,
    /// Caps.
    pub caps: LinkCaps,
    /// What protects its messages.
    pub security: LinkSecurity,
}

impl LinkSettings {
    /// The defaults of a link that listens there.
    ///
    /// # Errors
    /// None in practice: the defaults of a framing are valid.
    pub fn new(name: &str, listen: SocketAddr) -> Result<Self, SettingsError> {
        Ok(Self {
            name: name.to_owned(),
            network: name.to_owned(),
            listen,
            allow: Vec::new(),
            layout: Layout::of(Packager::Iso87Ascii),
            framing: Framing::new(&FramingSettings::default())?,
            echoes_keep_alive: false,
            place: Place::default(),
            sign_on: SignOn::Peer,
            terminal: None,
            echo: default_echo(),
            no_answer_code: Code::DO_NOT_HONOUR,
            times: LinkTimes::default(),
            caps: LinkCaps::default(),
            security: LinkSecurity::default(),
        })
    }
}
