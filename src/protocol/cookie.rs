//! Cookies: proof that somebody receives at the address he sends from, with no state kept for strangers.
//!
//! A cookie is SipHash of the address under a secret key that changes each minute; the last two keys are valid. Whoever
//! returns it has read what was sent to that address (RFC 4987 describes the idea for TCP; agave's gossip does the same).

use std::net::SocketAddr;
use std::time::Duration;

use super::hash::{self, HashKey};
use super::time::Time;

/// How long one key makes cookies; it then is valid for as long again.
const KEY_LIFETIME: Duration = Duration::from_secs(60);

/// Makes and recognises this node's cookies.
#[derive(Debug)]
pub(crate) struct Cookies {
    secret: HashKey,
}

impl Cookies {
    pub(crate) const fn new(secret: HashKey) -> Cookies {
        Cookies { secret }
    }

    /// The cookie for an address, now.
    pub(crate) fn make(&self, now: Time, address: SocketAddr) -> u64 {
        self.of_period(period(now), address)
    }

    /// Whether `echo` is a cookie this node made for that address within the last one to two minutes.
    pub(crate) fn is_valid(&self, now: Time, address: SocketAddr, echo: u64) -> bool {
        let period = period(now);
        echo == self.of_period(period, address) || period > 0 && echo == self.of_period(period - 1, address)
    }

    fn of_period(&self, period: u64, address: SocketAddr) -> u64 {
        // The keys follow from the secret and the period, so nothing has to be rotated.
        let key = HashKey(
            hash::bytes(self.secret, &[&period.to_be_bytes()[..], b"0"].concat()),
            hash::bytes(self.secret, &[&period.to_be_bytes()[..], b"1"].concat()),
        );
        hash::address(key, address)
    }
}

fn period(now: Time) -> u64 {
    now.as_micros() / KEY_LIFETIME.as_micros() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    fn cookies() -> Cookies {
        Cookies::new(HashKey(1, 2))
    }

    fn at(seconds: u64) -> Time {
        Time::from_micros(seconds * SECOND)
    }

    #[test]
    fn a_cookie_is_valid_for_one_to_two_minutes() {
        let address = "192.0.2.1:5001".parse().unwrap();
        let cookie = cookies().make(at(0), address);
        assert!(cookies().is_valid(at(0), address, cookie));
        assert!(cookies().is_valid(at(119), address, cookie));
        assert!(!cookies().is_valid(at(120), address, cookie));
    }

    #[test]
    fn a_cookie_is_valid_for_its_own_address_only() {
        let cookie = cookies().make(at(5), "192.0.2.1:5001".parse().unwrap());
        for other in ["192.0.2.1:5002", "192.0.2.2:5001", "[::1]:5001"] {
            assert!(!cookies().is_valid(at(5), other.parse().unwrap(), cookie));
        }
    }

    #[test]
    fn another_node_makes_other_cookies() {
        let address = "192.0.2.1:5001".parse().unwrap();
        let cookie = Cookies::new(HashKey(3, 4)).make(at(0), address);
        assert!(!cookies().is_valid(at(0), address, cookie));
    }
}
