//! The platform's two listeners, and those of its links.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use scheme::LinkMode;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::failure::Failure;

/// The addresses of the platform.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// Base of the public dialects and of every link that goes out.
    pub public_url: String,
    /// The admin listener.
    pub admin_url: String,
    /// The listeners of links to card networks, by the link's name; a link that connects has none.
    pub links: BTreeMap<String, SocketAddr>,
}

/// All listeners, bound before anything is written, so a taken port has no side effects.
pub(crate) struct Listeners {
    pub(crate) public: TcpListener,
    pub(crate) admin: TcpListener,
    /// Of each link, in the order of the configuration.
    pub(crate) links: Vec<Option<TcpListener>>,
    pub(crate) addresses: Addresses,
}

impl Listeners {
    /// Binds all addresses of the configuration.
    ///
    /// # Errors
    /// One line that names the option whose address is not free.
    pub(crate) async fn bind(config: &Config) -> Result<Self, Failure> {
        let (public, public_address) = bind("listen", config.listen).await?;
        let (admin, admin_address) = bind("admin-listen", config.admin_listen).await?;
        let public_url =
            config.public_url.clone().unwrap_or_else(|| format!("http://{public_address}"));
        let admin_url = format!("http://{admin_address}");
        let mut addresses = Addresses { public_url, admin_url, links: BTreeMap::new() };
        let mut links = Vec::new();
        for link in &config.links {
            let LinkMode::Listen { address, .. } = &link.mode else {
                links.push(None);
                continue;
            };
            let option = format!("iso-listen or links.listen ({})", link.name);
            let (listener, address) = bind(&option, *address).await?;
            addresses.links.insert(link.name.clone(), address);
            links.push(Some(listener));
        }
        Ok(Self { public, admin, links, addresses })
    }
}

async fn bind(option: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let refused = |error: std::io::Error| {
        Failure::run(format_args!("{option}: {address} should be free to listen on: {error}"))
    };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
}
