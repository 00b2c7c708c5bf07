//! What a node holds: primes that are true and stay, tables within bounds, peers that answer.

use std::time::Duration;

use super::claims::Claims;
use super::record::Record;
use super::{Call, Called, Invariant, Wrong};
use crate::protocol::message::Message;
use crate::protocol::{ClaimResult, Event, Node, Order, PeerKind, PeerView, Settings, Sizes, Time};
use crate::simulation::faults::{Faults, Rarity};
use crate::simulation::truth::Truth;

/// How often the peers of a node are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A new life begins with what is durable.
pub(super) fn check_birth(record: &mut Record, claims: &Claims, truth: &Truth, node: &Node) -> Result<(), Wrong> {
    check_largest(record, node.sizes())?;
    for prime in node.prime_views() {
        record.knows(prime.exponent.into());
    }
    check_primes(node, claims, truth)
}

/// What has not passed its checks changes nothing; what has not been verified changes no knowledge and no search.
pub(super) fn check_unverified(
    called: &Called<'_>,
    heard: Option<&Message>,
    before: Sizes,
    after: Sizes,
) -> Result<(), Wrong> {
    let wrong = |what: &str| Err((Invariant::Unverified, what.to_owned()));
    match called.call {
        Call::Heard { .. } => {
            if (before.known.count, before.known.largest) != (after.known.count, after.known.largest) {
                return wrong("believes what it was told");
            }
            if called.out.orders.iter().any(|order| matches!(order, Order::Search { .. } | Order::StopSearch)) {
                return wrong("was led astray in its search");
            }
            if heard.is_none() && (!called.out.is_empty() || before != after) {
                return wrong("did something because of what cannot be read");
            }
            if called.out.events.iter().any(is_refusal) {
                let said = called.out.datagrams().len();
                if before != after || said > 0 || !called.out.orders.is_empty() {
                    return wrong("did something because of a claim that it refused");
                }
            }
        }
        Call::Ticked if before.known != after.known => return wrong("learned something from the clock"),
        Call::Ticked | Call::Reported | Call::Told => {}
    }
    Ok(())
}

/// Whether a claim has failed a cheap check.
fn is_refusal(event: &Event) -> bool {
    let Event::ClaimEnded { result, .. } = event else { return false };
    match result {
        ClaimResult::OutOfRange
        | ClaimResult::CompositeExponent
        | ClaimResult::Budget
        | ClaimResult::Factored
        | ClaimResult::KnownComposite => true,
        ClaimResult::Queue
        | ClaimResult::Untestable
        | ClaimResult::Verified
        | ClaimResult::Refuted
        | ClaimResult::Credited
        | ClaimResult::NoNews => false,
    }
}

/// Checks what a node holds after a call.
pub(super) fn check(
    called: &Called<'_>,
    before: Sizes,
    after: Sizes,
    record: &mut Record,
    claims: &Claims,
    faults: &mut Faults,
) -> Result<(), Wrong> {
    check_sleep(called, before, after, faults)?;
    check_bounds(called.node, after)?;
    check_largest(record, after)?;
    if before.known != after.known {
        check_primes(called.node, claims, called.truth)?;
    }
    if called.node.is_all_durable() {
        record.promised = after.known.largest;
    }
    if called.out.events.iter().any(|event| matches!(event, Event::PeerUp { .. } | Event::PeerDown { .. })) {
        let neighbours = called.node.neighbours();
        if record.neighbours.is_some() && neighbours.is_some() && record.neighbours != neighbours {
            faults.one_rare(Rarity::NeighbourChanged);
        }
        record.neighbours = neighbours;
    }
    match called.call {
        Call::Ticked if record.next_look <= called.now => {
            record.next_look = called.now + LOOK;
            if called.node.is_stalled(called.now) {
                return Ok(());
            }
            check_peers(&called.node.peer_views(called.now), called.node.settings(), called.now, record)
        }
        Call::Heard { .. } | Call::Ticked | Call::Reported | Call::Told => Ok(()),
    }
}

/// A node that sleeps says nothing, looks for nothing, has no peers and learns nothing.
fn check_sleep(called: &Called<'_>, before: Sizes, after: Sizes, faults: &mut Faults) -> Result<(), Wrong> {
    if !called.node.is_asleep() {
        return Ok(());
    }
    faults.one_rare(Rarity::CalledAsleep);
    let works = |order: &Order| matches!(order, Order::Search { .. } | Order::Verify(_));
    let what = if called.out.datagrams().len() > 0 {
        "talks in its sleep"
    } else if called.out.orders.iter().any(works) {
        "works in its sleep"
    } else if after.peers > 0 || after.waiting > 0 {
        "has peers or claims in its sleep"
    } else if after.known.count > before.known.count {
        "learns in its sleep"
    } else {
        return Ok(());
    };
    Err((Invariant::Sleep, what.to_owned()))
}

/// Every table is within its bound.
pub(super) fn check_bounds(node: &Node, sizes: Sizes) -> Result<(), Wrong> {
    let settings = node.settings();
    let bounds = [
        ("peers", sizes.peers, settings.active_max + 2 * settings.leaves_per_side),
        ("candidates", sizes.book, settings.book_max),
        ("remembered messages", sizes.seen, 2 * settings.seen_max),
        ("waiting exponents", sizes.waiting, settings.verify_max),
    ];
    match bounds.into_iter().find(|(_, size, max)| size > max) {
        Some((what, size, max)) => Err((Invariant::Bounds, format!("has {size} {what}, more than {max}"))),
        None => Ok(()),
    }
}

/// The largest prime never decreases.
fn check_largest(record: &mut Record, after: Sizes) -> Result<(), Wrong> {
    let least = record.largest.max(record.promised);
    if after.known.largest < least {
        return Err((Invariant::LargestPrime, format!("knew M{least} and knows M{}", after.known.largest)));
    }
    record.largest = after.known.largest;
    Ok(())
}

/// Every known prime is one, and is credited to somebody who has claimed it.
fn check_primes(node: &Node, claims: &Claims, truth: &Truth) -> Result<(), Wrong> {
    for prime in node.prime_views() {
        if !truth.is_prime(prime.exponent) {
            return Err((Invariant::LargestPrime, format!("believes M{}", prime.exponent)));
        }
        if !claims.is_claimed(prime.finder, prime.msg_id, prime.exponent.into()) {
            return Err((Invariant::Credit, format!("credits {prime:?}, which nobody claimed")));
        }
    }
    Ok(())
}

/// Nobody silent for longer than the limit and one look is a peer; who is to be proven has proven himself in that time.
pub(super) fn check_peers(peers: &[PeerView], settings: &Settings, now: Time, record: &Record) -> Result<(), Wrong> {
    let limit = settings.peer_timeout + settings.evict_interval + settings.stall_after + Duration::from_millis(10);
    let mut plain = 0;
    for peer in peers {
        let silent = match peer.kind {
            PeerKind::Proven => record.proofs.proven_for(now, peer.address).unwrap_or(Duration::MAX).max(peer.silent),
            PeerKind::Plain => peer.silent,
        };
        plain += usize::from(peer.kind == PeerKind::Plain);
        if silent > limit {
            return Err((Invariant::Liveness, format!("has {}, silent for {silent:?}, as a peer", peer.address)));
        }
    }
    if plain > settings.plain_max {
        return Err((Invariant::Bounds, format!("has {plain} plain peers")));
    }
    Ok(())
}
