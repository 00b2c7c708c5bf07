//! The rules of the protocol, one test each, on the state machine alone: no socket, no clock, no thread.
//!
//! `desk` holds one node and peers made by hand. The other files are about one section of the protocol each. What is promised
//! of several nodes at once is tested in `simulation`.

mod catchup;
mod credit;
mod desk;
mod exchange;
mod gossip;
mod ids;
mod liveness;
mod membership;
mod reset;
mod scan;
mod sleep;
mod stalls;
mod steering;
mod threats;
mod verification;

use std::net::SocketAddr;
use std::time::Duration;

use num_bigint::BigUint;

use super::*;
use crate::mersenne::Exponent;

/// Exponents of Mersenne primes (OEIS A000043).
const PRIMES: [u64; 20] = [2, 3, 5, 7, 13, 17, 19, 31, 61, 89, 107, 127, 521, 607, 1279, 2203, 2281, 3217, 4253, 4423];

/// Prime exponents of composite numbers that have no factor below 2^22: only a test can tell.
const COMPOSITES: [u64; 10] = [67, 101, 103, 109, 137, 139, 149, 157, 199, 227];

/// Mersenne primes too large to be tested by a node with the usual settings.
const HUGE: u64 = 1_257_787;

fn exponent(number: u64) -> Exponent {
    Exponent::new(number).expect("an exponent in a test is prime")
}

/// What a test of 2^p − 1 says.
fn truth(of: Exponent) -> Verdict {
    if PRIMES.iter().any(|&prime| exponent(prime) == of) { Verdict::Prime } else { Verdict::Composite }
}

fn at(text: &str) -> SocketAddr {
    text.parse().expect("an address in a test is well-formed")
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// The Lucas–Lehmer test as it stands in any textbook.
fn lucas_lehmer(p: u64) -> bool {
    let mersenne = (BigUint::from(1u32) << p) - 1u32;
    let mut s = BigUint::from(4u32);
    for _ in 2..p {
        s = (&s * &s + &mersenne - 2u32) % &mersenne;
    }
    p == 2 || s == BigUint::from(0u32)
}

#[test]
fn what_these_tests_take_for_true_is_true() {
    for prime in PRIMES.into_iter().take_while(|&prime| prime < 1_000) {
        assert!(lucas_lehmer(prime), "M{prime}");
    }
    for composite in COMPOSITES {
        assert!(!lucas_lehmer(composite), "M{composite}");
        assert_eq!(truth(exponent(composite)), Verdict::Composite);
    }
}
