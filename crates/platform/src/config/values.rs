//! Converts an option's text to its value.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use domain::{IdGenerator, Mode};
use ipnet::IpNet;
use store::{Pooler, ServerLocation, check_server_url};
use url::Url;

use super::layers::Given;
use crate::failure::Failure;

/// Most networks in one list.
const MAX_NETWORKS: usize = 256;

/// The engine that stores the data.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// A file inside the data directory.
    Embedded,
    /// A PostgreSQL server. The URL may hold a password, so it is never shown.
    Postgres(ServerLocation),
}

/// Production's requirement on the standbys of a PostgreSQL server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseDurability {
    /// A commit must wait for the standbys, if there are any.
    Sync,
    /// Nothing: the operator accepts that the latest purchases are lost with the server.
    AsyncAccepted,
}

pub fn mode(given: &Given) -> Result<Mode, Failure> {
    match given.text.as_str() {
        "sandbox" => Ok(Mode::Sandbox),
        "production" => Ok(Mode::Production),
        other => Err(given.refused(format_args!("sandbox or production, not {other:?}"))),
    }
}

pub fn path(given: &Given) -> Result<PathBuf, Failure> {
    if given.text.is_empty() {
        return Err(given.refused("a path"));
    }
    Ok(PathBuf::from(&given.text))
}

pub fn socket_address(given: &Given) -> Result<SocketAddr, Failure> {
    given.text.parse().map_err(|_| {
        given.refused(format_args!(
            "an address and port such as 127.0.0.1:8080, not {:?}",
            given.text
        ))
    })
}

/// The failure omits the URL: it may contain a password.
pub fn server(given: &Given, pooler: Pooler, connections: u16) -> Result<Database, Failure> {
    let unusable = |error| given.refused(format_args!("{error} (unset for the embedded store)"));
    check_server_url(&given.text, pooler).map_err(unusable)?;
    let connections = connections.into();
    Ok(Database::Postgres(ServerLocation { url: given.text.clone(), connections, pooler }))
}

/// What stands between the platform and its server.
pub fn pooler(given: &Given) -> Result<Pooler, Failure> {
    match given.text.as_str() {
        "none" => Ok(Pooler::None),
        "transaction" => Ok(Pooler::Transaction),
        other => Err(given.refused(format_args!("none or transaction, not {other:?}"))),
    }
}

/// Production's requirement on the server's standbys.
pub fn durability(given: &Given) -> Result<DatabaseDurability, Failure> {
    match given.text.as_str() {
        "sync" => Ok(DatabaseDurability::Sync),
        "async-accepted" => Ok(DatabaseDurability::AsyncAccepted),
        other => Err(given.refused(format_args!("sync or async-accepted, not {other:?}"))),
    }
}

pub fn base_url(given: &Given) -> Result<String, Failure> {
    let wanted = || {
        given.refused("http://HOST[:PORT][/PATH] or https://..., without user, query and fragment")
    };
    let url = Url::parse(&given.text).map_err(|_| wanted())?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !is_plain {
        return Err(wanted());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

pub fn networks(given: &Given) -> Result<Vec<IpNet>, Failure> {
    let wanted = || given.refused("networks such as 10.0.0.0/8,192.0.2.7/32");
    let parts: Vec<_> = given.text.split(',').map(str::trim).filter(|p| !p.is_empty()).collect();
    if parts.len() > MAX_NETWORKS {
        return Err(wanted());
    }
    parts
        .iter()
        .map(|part| {
            let single = || part.parse::<std::net::IpAddr>().map(IpNet::from);
            part.parse::<IpNet>().or_else(|_| single()).map_err(|_| wanted())
        })
        .collect()
}

pub fn number(given: &Given, range: RangeInclusive<u16>) -> Result<u16, Failure> {
    let (least, most) = (range.start(), range.end());
    let wanted = format_args!("a number, {least} to {most}");
    let number = given.text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| given.refused(wanted))
}

/// The node number of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeNumber {
    /// Any that is free; 0 on the embedded store.
    Auto,
    /// This one.
    Fixed(u16),
}

impl NodeNumber {
    /// The number before another one is taken.
    #[must_use]
    pub const fn first(self) -> u16 {
        match self {
            Self::Auto => 0,
            Self::Fixed(number) => number,
        }
    }
}

pub fn node(given: &Given) -> Result<NodeNumber, Failure> {
    if given.text == "auto" {
        return Ok(NodeNumber::Auto);
    }
    let number = given.text.parse().ok().filter(|number| *number <= IdGenerator::MAX_NODE);
    let wanted = format_args!("auto or a number, 0 to {}", IdGenerator::MAX_NODE);
    number.map(NodeNumber::Fixed).ok_or_else(|| given.refused(wanted))
}

pub fn flag(given: &Given) -> Result<bool, Failure> {
    given.text.parse().map_err(|_| given.refused("true or false"))
}
