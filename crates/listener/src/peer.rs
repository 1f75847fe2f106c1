//! The caller's address: the peer of the connection, or the address that a trusted proxy gives.

use std::net::{IpAddr, Ipv6Addr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// Number of leading bits that all IPv4 addresses share when written as IPv6.
const MAPPED_PREFIX_BITS: u8 = 96;
/// The part of an IPv6 address that identifies its network: one caller has all the rest.
const IPV6_NETWORK_MASK: u128 = u128::MAX << 64;
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address at the other end of the connection, as a request extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

/// The caller's address: the peer itself, or, if that is a trusted proxy, the right-most entry of
/// `X-Forwarded-For` that is not one (operator-and-sandbox.md section 1). An entry that is not an
/// address ends the search at the last known address.
pub fn source_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| contains(network, address));
    let mut source = peer.to_canonical();
    let lines = headers.get_all(FORWARDED_FOR).iter();
    // Bytes, since what a client wrote in front need not be valid text.
    let hops = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let mut hops = hops.collect::<Vec<_>>();
    while is_trusted(source) {
        let Some(address) = hops.pop().and_then(address) else { break };
        source = address.to_canonical();
    }
    source
}

fn address(hop: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(hop.trim_ascii()).ok()?.parse().ok()
}

/// The part of an address that identifies one caller's network.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & IPV6_NETWORK_MASK)),
    }
}

/// True if a network contains an address, however either is written: `::ffff:192.0.2.0/120` is
/// `192.0.2.0/24`.
pub fn contains(network: &IpNet, address: IpAddr) -> bool {
    let address = address.to_canonical();
    match (network, address) {
        (IpNet::V6(mapped), IpAddr::V4(v4)) => {
            mapped.prefix_len() >= MAPPED_PREFIX_BITS && mapped.contains(&v4.to_ipv6_mapped())
        }
        _ => network.contains(&address),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn source(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        source_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(source("1.2.3.4", &["9.9.9.9"]), "1.2.3.4");
        assert_eq!(source("10.0.0.1", &["9.9.9.9"]), "9.9.9.9");
        assert_eq!(source("::ffff:10.0.0.1", &["9.9.9.9"]), "9.9.9.9");
        assert_eq!(source("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn a_network_contains_an_address_however_either_is_written() {
        let holds = |network: &str, address: &str| {
            contains(&network.parse().unwrap(), address.parse().unwrap())
        };
        assert!(holds("192.0.2.0/24", "192.0.2.7"));
        assert!(holds("192.0.2.0/24", "::ffff:192.0.2.7"));
        assert!(holds("::ffff:192.0.2.0/120", "192.0.2.7"));
        assert!(holds("2001:db8::/32", "2001:db8::7"));
        assert!(!holds("::ffff:192.0.2.0/120", "192.0.3.7"));
        assert!(!holds("2001:db8::/32", "192.0.2.7"));
        // All of IPv6 does not mean all of IPv4.
        assert!(!holds("::/0", "192.0.2.7"));
    }

    #[test]
    fn the_rightmost_untrusted_hop_counts() {
        assert_eq!(source("10.0.0.1", &["6.6.6.6, 9.9.9.9, 10.0.0.2"]), "9.9.9.9");
        assert_eq!(source("10.0.0.1", &["6.6.6.6", "9.9.9.9"]), "9.9.9.9");
        assert_eq!(source("10.0.0.1", &["9.9.9.9, nonsense"]), "10.0.0.1");
        assert_eq!(source("10.0.0.1", &["9.9.9.9, nonsense, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(source("10.0.0.1", &["9.9.9.9,"]), "10.0.0.1");
    }

    #[test]
    fn bytes_that_are_not_text_hide_nothing_to_their_right() {
        assert_eq!(source("10.0.0.1", &["é, 9.9.9.9"]), "9.9.9.9");
        assert_eq!(source("10.0.0.1", &["6.6.6.6", "é, 9.9.9.9"]), "9.9.9.9");
        assert_eq!(source("10.0.0.1", &["6.6.6.6, é", "9.9.9.9, 10.0.0.2"]), "9.9.9.9");
        assert_eq!(source("10.0.0.1", &["6.6.6.6", "é"]), "10.0.0.1");
    }
}
