//! The URLs and addresses that may be contacted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

use crate::OutboundError;

/// Longest URL accepted.
const MAX_URL_BYTES: usize = 2048;

/// The addresses to which the platform may connect besides the public internet.
#[derive(Debug, Clone, Default)]
pub struct AddressPolicy {
    /// The sandbox: 127.0.0.0/8 and ::1 are permitted.
    pub loopback_allowed: bool,
    /// Production: plain `http` is refused.
    pub https_only: bool,
    /// `outbound.allow`: networks permitted although they are not public.
    pub allow: Vec<IpNet>,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), prefix)
}

/// IPv4 networks that are not the public internet (IANA special-purpose registry).
const REFUSED_V4: [Ipv4Net; 15] = [
    v4(0, 0, 0, 0, 8),       // this network, unspecified
    v4(10, 0, 0, 0, 8),      // private
    v4(100, 64, 0, 0, 10),   // shared by carriers (CGNAT)
    v4(127, 0, 0, 0, 8),     // loopback
    v4(169, 254, 0, 0, 16),  // link-local, cloud metadata
    v4(172, 16, 0, 0, 12),   // private
    v4(192, 0, 0, 0, 24),    // protocol assignments
    v4(192, 0, 2, 0, 24),    // documentation
    v4(192, 88, 99, 0, 24),  // 6to4 relays
    v4(192, 168, 0, 0, 16),  // private
    v4(198, 18, 0, 0, 15),   // benchmarks
    v4(198, 51, 100, 0, 24), // documentation
    v4(203, 0, 113, 0, 24),  // documentation
    v4(224, 0, 0, 0, 4),     // multicast
    v4(240, 0, 0, 0, 4),     // reserved, broadcast
];

/// The only IPv6 network with public hosts. Outside it lie loopback, unspecified,
/// v4-mapped and v4-compatible, NAT64, unique-local, link-local and multicast.
const PUBLIC_V6: Ipv6Net = v6(0x2000, 0, 3);

/// IPv6 networks inside [`PUBLIC_V6`] that are not public or that hide an IPv4 address.
const REFUSED_V6: [Ipv6Net; 4] = [
    v6(0x2001, 0, 23),      // protocol assignments: Teredo, benchmarks, ORCHID
    v6(0x2001, 0x0db8, 32), // documentation
    v6(0x2002, 0, 16),      // 6to4
    v6(0x3fff, 0, 20),      // documentation
];

impl AddressPolicy {
    /// True if a connection to `address` is permitted. An IPv6 address that embeds an IPv4 address
    /// is refused, whichever it embeds, unless `allow` lists it as IPv6.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        if self.allow.iter().any(|net| net.contains(&address)) {
            return true;
        }
        if address.is_loopback() {
            return self.loopback_allowed;
        }
        match address {
            IpAddr::V4(v4) => !REFUSED_V4.iter().any(|net| net.contains(&v4)),
            IpAddr::V6(v6) => {
                PUBLIC_V6.contains(&v6) && !REFUSED_V6.iter().any(|net| net.contains(&v6))
            }
        }
    }

    /// Parses `text` and checks what can be known without resolving a name: syntax, scheme, the
    /// absence of user information, and the address if the host is one.
    ///
    /// # Errors
    /// `BadUrl` or `AddressRefused`.
    pub(crate) fn parse(&self, text: &str) -> Result<Url, OutboundError> {
        if text.len() > MAX_URL_BYTES {
            return Err(OutboundError::BadUrl("longer than 2048 bytes"));
        }
        let url = Url::parse(text).map_err(|_| OutboundError::BadUrl("not an absolute URL"))?;
        match url.scheme() {
            "https" => {}
            "http" if !self.https_only => {}
            "http" => return Err(OutboundError::BadUrl("https is required")),
            _ => return Err(OutboundError::BadUrl("the scheme is not http or https")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::BadUrl("it carries user information"));
        }
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(OutboundError::BadUrl("it names no host")),
        };
        if literal.is_some_and(|address| !self.permits(address)) {
            return Err(OutboundError::AddressRefused);
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::{AddressPolicy, OutboundError};

    fn permits(policy: &AddressPolicy, address: &str) -> bool {
        policy.permits(address.parse().unwrap())
    }

    #[test]
    fn only_public_addresses_are_let_through() {
        let policy = AddressPolicy::default();
        let table = [
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("1.1.1.1", true),
            ("9.255.255.255", true),
            ("10.0.0.1", false),
            ("10.255.255.255", false),
            ("11.0.0.0", true),
            ("100.63.255.255", true),
            ("100.64.0.1", false),
            ("100.127.255.255", false),
            ("100.128.0.0", true),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("169.253.255.255", true),
            ("169.254.169.254", false),
            ("172.15.255.255", true),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("172.32.0.0", true),
            ("192.0.0.8", false),
            ("192.0.2.1", false),
            ("192.88.99.1", false),
            ("192.167.255.255", true),
            ("192.168.1.1", false),
            ("198.17.255.255", true),
            ("198.18.0.1", false),
            ("198.19.255.255", false),
            ("198.51.100.7", false),
            ("203.0.113.7", false),
            ("223.255.255.255", true),
            ("224.0.0.1", false),
            ("239.255.255.255", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::127.0.0.1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:1.1.1.1", false),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b::a00:1", false),
            ("64:ff9b:1::a00:1", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:0:a00:1::1", false),
            ("2001:2::1", false),
            ("2001:200::1", true),
            ("2001:db8::1", false),
            ("2002:7f00:1::1", false),
            ("2002:a00:1::1", false),
            ("2003::1", true),
            ("2606:4700:4700::1111", true),
            ("3fff:fff::1", false),
            ("5f00::1", false),
            ("fc00::1", false),
            ("fd12:3456::1", false),
            ("fe80::1", false),
            ("febf::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ];
        for (address, expected) in table {
            assert_eq!(permits(&policy, address), expected, "{address}");
        }
    }

    #[test]
    fn the_sandbox_adds_loopback_and_nothing_more() {
        let policy = AddressPolicy { loopback_allowed: true, ..AddressPolicy::default() };
        for open in ["127.0.0.1", "127.9.9.9", "::1", "1.1.1.1"] {
            assert!(permits(&policy, open), "{open}");
        }
        for shut in ["::ffff:127.0.0.1", "64:ff9b::7f00:1", "10.0.0.1", "169.254.169.254", "::"] {
            assert!(!permits(&policy, shut), "{shut}");
        }
    }

    #[test]
    fn a_listed_network_is_let_through_and_its_neighbour_is_not() {
        let policy = AddressPolicy {
            allow: vec!["10.1.0.0/16".parse().unwrap(), "fd00:1::/32".parse().unwrap()],
            ..AddressPolicy::default()
        };
        for open in ["10.1.2.3", "fd00:1::5"] {
            assert!(permits(&policy, open), "{open}");
        }
        for shut in ["10.2.0.1", "::ffff:10.1.2.3", "fd00:2::5", "127.0.0.1"] {
            assert!(!permits(&policy, shut), "{shut}");
        }
    }

    #[test]
    fn every_spelling_of_a_refused_address_is_refused() {
        let policy = AddressPolicy::default();
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f.0.0.1/",
            "http://0177.0.0.1/",
            "http://127.0.0.1./",
            "http://%31%32%37.0.0.1/",
            "http://127。0。0。1/",
            "http://[::1]:8080/",
            "http://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest/meta-data/",
        ] {
            assert_eq!(policy.parse(url).unwrap_err(), OutboundError::AddressRefused, "{url}");
        }
    }

    #[test]
    fn only_plain_http_and_https_urls_are_usable() {
        let policy = AddressPolicy::default();
        let long = format!("https://enterprise.example/{}", "a".repeat(2048));
        for url in [
            "",
            "/relative",
            "enterprise.example/path",
            "ftp://enterprise.example/",
            "file:///etc/passwd",
            "unix:/run/socket",
            "http://",
            "https://user@enterprise.example/",
            "https://user:word@enterprise.example/",
            "https://:word@enterprise.example/",
            "https://enterprise.example:99999/",
            long.as_str(),
        ] {
            let error = policy.parse(url).unwrap_err();
            assert!(matches!(error, OutboundError::BadUrl(_)), "{url}: {error}");
        }
        assert!(policy.parse("http://enterprise.example/v1/notify?a=b").is_ok());
        assert!(policy.parse("https://enterprise.example:8443/").is_ok());
    }

    #[test]
    fn production_requires_https() {
        let policy = AddressPolicy { https_only: true, ..AddressPolicy::default() };
        assert!(policy.parse("http://enterprise.example/").is_err());
        assert!(policy.parse("https://enterprise.example/").is_ok());
    }
}
