//! Who may ask: not every web page that a browser on this machine happens to show.
//!
//! A page can make its reader's browser send requests to 127.0.0.1, and with a name of its own that resolves there (DNS
//! rebinding) it can read the answers too. Such requests give themselves away: by a `Host` that is a name, by an `Origin`
//! that is not this node's. Whoever uses no browser can send any `Host` he likes, and gains nothing by it.

use std::net::{IpAddr, SocketAddr};

use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Uri, header};

/// The hosts under which this node may be asked.
#[derive(Debug, Clone)]
pub struct AllowedHosts {
    /// Port 80 need not be named.
    port: u16,
    addresses: Addresses,
    /// Lower case.
    names: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Addresses {
    /// Bound to loopback: only its addresses lead here.
    Loopback,
    /// Bound elsewhere: this machine's addresses are not known for sure, and behind a translator are others.
    Any,
}

/// Why a request is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// No `Host`, several, or one under which this node is not to be asked.
    #[error("Host must be an IP address of this node or localhost, with its port")]
    Host,
    /// A web page from elsewhere has sent it.
    #[error("Origin must be this node itself")]
    Origin,
}

impl AllowedHosts {
    /// The hosts of a server bound to this address, `localhost`, and these names.
    pub fn new(bound: SocketAddr, names: impl IntoIterator<Item = String>) -> AllowedHosts {
        let loopback = bound.ip().to_canonical().is_loopback();
        AllowedHosts {
            port: bound.port(),
            addresses: if loopback { Addresses::Loopback } else { Addresses::Any },
            names: names.into_iter().map(|name| name.to_ascii_lowercase()).collect(),
        }
    }

    /// Whether a request with this target and these headers may be served.
    pub fn check(&self, target: &Uri, headers: &HeaderMap) -> Result<(), Objection> {
        let host = only(headers, &header::HOST).ok_or(Objection::Host)?;
        // A target that names a host counts for more than the header (RFC 9112, section 3.2.2), so both have to be right.
        let named = target.authority().map(Authority::as_str).unwrap_or(host);
        if !self.allows(host) || !self.allows(named) {
            return Err(Objection::Host);
        }
        if !headers.contains_key(header::ORIGIN) {
            return Ok(());
        }
        let origin = only(headers, &header::ORIGIN).and_then(|origin| origin.strip_prefix("http://"));
        if origin.is_some_and(|origin| self.allows(origin)) { Ok(()) } else { Err(Objection::Origin) }
    }

    /// Whether `host:port` is one of these.
    fn allows(&self, authority: &str) -> bool {
        // A colon inside brackets belongs to an IPv6 address.
        let host = match authority.rsplit_once(':') {
            // As text: a parser would also take "+5001" and "05001".
            Some((host, port)) if !port.ends_with(']') => {
                if port != self.port.to_string() {
                    return false;
                }
                host
            }
            Some(_) | None if self.port == 80 => authority,
            Some(_) | None => return false,
        };
        let literal = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').and_then(|v6| v6.parse().ok().map(IpAddr::V6)),
            None => host.parse().ok().map(IpAddr::V4),
        };
        match literal {
            Some(ip) => match self.addresses {
                Addresses::Loopback => ip.to_canonical().is_loopback(),
                Addresses::Any => true,
            },
            None => {
                let host = host.to_ascii_lowercase();
                host == "localhost" || self.names.contains(&host)
            }
        }
    }
}

/// A header that must be there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        (Some(_), Some(_)) | (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(bound: &str) -> AllowedHosts {
        AllowedHosts::new(bound.parse().unwrap(), ["Node.example".to_owned()])
    }

    #[test]
    fn a_server_on_loopback_is_asked_by_loopback_addresses_localhost_and_configured_names() {
        let hosts = hosts("127.0.0.1:5001");
        for right in [
            "127.0.0.1:5001",
            "127.9.9.9:5001",
            "[::1]:5001",
            "[::ffff:127.0.0.1]:5001",
            "localhost:5001",
            "LOCALHOST:5001",
            "node.example:5001",
            "NODE.example:5001",
        ] {
            assert!(hosts.allows(right), "{right}");
        }
        for wrong in [
            "",
            ":5001",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:5002",
            "127.0.0.1:05001",
            "127.0.0.1:+5001",
            "127.0.0.1:5001:5001",
            "127.1:5001",
            "2130706433:5001",
            "0x7f000001:5001",
            "::1:5001",
            "[::1]",
            "[::1%lo]:5001",
            "[::1]x:5001",
            "[127.0.0.1]:5001",
            "192.0.2.1:5001",
            "[2001:db8::1]:5001",
            "0.0.0.0:5001",
            "localhost",
            "localhost.:5001",
            "evil.example:5001",
            "127.0.0.1.evil.example:5001",
            "evil@127.0.0.1:5001",
            "node.example.evil.example:5001",
        ] {
            assert!(!hosts.allows(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_server_that_others_can_reach_is_asked_by_any_address_but_by_no_other_name() {
        for bound in ["0.0.0.0:5001", "[::]:5001", "192.0.2.1:5001"] {
            let hosts = hosts(bound);
            assert!(hosts.allows("192.0.2.1:5001") && hosts.allows("[2001:db8::1]:5001"));
            assert!(!hosts.allows("evil.example:5001") && !hosts.allows("192.0.2.1:5002"));
        }
    }

    #[test]
    fn port_80_need_not_be_named() {
        let hosts = hosts("127.0.0.1:80");
        assert!(hosts.allows("127.0.0.1") && hosts.allows("[::1]") && hosts.allows("localhost:80"));
        assert!(!hosts.allows("evil.example") && !hosts.allows("127.0.0.1:5001"));
    }
}
