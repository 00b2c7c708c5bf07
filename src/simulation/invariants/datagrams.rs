//! What a node sends: what it may say to whom, and what it passes on.

use std::net::SocketAddr;

use super::claims::{Claims, Key, Origin};
use super::record::Record;
use super::{Call, Called, Invariant, Wrong, is_prime};
use crate::protocol::message::{Body, Exchange, MAX_DATAGRAM, Message, MessageType};
use crate::protocol::{Traffic, codec};
use crate::simulation::faults::{Faults, Rarity};

/// The longest PING to an address that has not proven itself, in bytes.
const PROBE_MAX: usize = 400;

/// How many peers a message goes to each time it is forwarded.
const FAN_OUT: usize = 8;

/// How often a message can be forwarded: with every TTL once, and once as news.
const FORWARDS: usize = 17;

/// Checks everything that a call has sent.
pub(super) fn check(
    called: &Called<'_>,
    heard: Option<&Message>,
    record: &mut Record,
    claims: &Claims,
    faults: &mut Faults,
) -> Result<(), Wrong> {
    for (to, datagram) in called.out.datagrams() {
        let message = read(datagram)?;
        let is_proven = record.proofs.is_proven(called.now, to);
        if !is_proven {
            faults.one_rare(Rarity::ToUnproven);
        }
        let own = claims.origin(resolved(&message, claims.address(called.host))) == Origin::Host(called.host);
        match &message.body {
            Body::Ping(exchange) => {
                check_own(own, MessageType::Ping)?;
                record.gave(message.id)?;
                if !is_proven {
                    check_probe(called, to, datagram, record)?;
                }
                if exchange.as_ref().is_some_and(|exchange| exchange.alone) {
                    faults.one_rare(Rarity::Alone);
                }
            }
            Body::Pong(exchange) => {
                check_own(own, MessageType::Pong)?;
                check_answer(called, heard, to, &message, datagram, is_proven)?;
                if exchange.as_ref().and_then(|exchange: &Exchange| exchange.accept) == Some(false) {
                    faults.one_rare(Rarity::NoPlace);
                }
            }
            Body::Prime(_) => {
                if !is_proven && !record.proofs.is_plain(to) {
                    return Err((Invariant::Unproven, format!("sent a PRIME to {to}, which has proven nothing")));
                }
                if let Some((key, ttl)) = claims.key_of(&message, claims.address(called.host)) {
                    let is_forward = heard.is_some_and(is_prime);
                    check_prime(called, key, ttl, record, claims, faults)?;
                    if ttl == 0 && !is_forward {
                        faults.one_rare(Rarity::CatchUp);
                    }
                }
            }
        }
        record.proofs.sent(called.now, to, &message);
    }
    record.tidy(called.now, called.node.settings());
    Ok(())
}

/// Checks what takes little, by what the node says it sends.
pub(super) fn check_traffic(called: &Called<'_>, traffic: &Traffic) -> Result<(), Wrong> {
    if traffic.bytes > MAX_DATAGRAM {
        return Err((Invariant::Datagram, format!("sent {} bytes", traffic.bytes)));
    }
    if traffic.msg_type == MessageType::Prime {
        return check_ttl_bound(called, traffic.ttl.0);
    }
    Ok(())
}

/// Checks one datagram by itself.
pub(super) fn check_form(called: &Called<'_>, datagram: &[u8], claims: &Claims) -> Result<(), Wrong> {
    let message = read(datagram)?;
    let own = claims.origin(resolved(&message, claims.address(called.host))) == Origin::Host(called.host);
    match &message.body {
        Body::Ping(_) | Body::Pong(_) => check_own(own, message.body.message_type()),
        Body::Prime(prime) => check_ttl_bound(called, prime.ttl.0),
    }
}

fn read(datagram: &[u8]) -> Result<Message, Wrong> {
    if datagram.len() > MAX_DATAGRAM {
        return Err((Invariant::Datagram, format!("sent {} bytes", datagram.len())));
    }
    codec::decode(datagram).map_err(|refusal| (Invariant::Datagram, format!("sent what cannot be read: {refusal}")))
}

/// The originator's address; the sender's own when it cannot be read.
fn resolved(message: &Message, envelope: SocketAddr) -> SocketAddr {
    message.originator.resolve(envelope).unwrap_or(envelope)
}

fn check_own(own: bool, message_type: MessageType) -> Result<(), Wrong> {
    if own {
        return Ok(());
    }
    Err((Invariant::Forwarding, format!("forwarded a {}", message_type.as_str())))
}

/// A PING to an address that has not proven itself is short and rare.
fn check_probe(called: &Called<'_>, to: SocketAddr, datagram: &[u8], record: &mut Record) -> Result<(), Wrong> {
    if datagram.len() > PROBE_MAX {
        return Err((Invariant::Unproven, format!("sent {to} a probe of {} bytes", datagram.len())));
    }
    // Plain peers never prove themselves, and are PINGed like others.
    let is_within = record.proofs.is_plain(to) || {
        let rate = called.node.settings().probe_rate;
        record.proofs.take_probe(called.now, rate)
    };
    if is_within { Ok(()) } else { Err((Invariant::Unproven, format!("sends more probes than it may, now to {to}"))) }
}

/// A PONG answers the PING that just came, and is no longer than that, unless its sender is known to receive it.
fn check_answer(
    called: &Called<'_>,
    heard: Option<&Message>,
    to: SocketAddr,
    answer: &Message,
    datagram: &[u8],
    is_proven: bool,
) -> Result<(), Wrong> {
    let question = heard.filter(|heard| matches!(heard.body, Body::Ping(_)) && heard.id == answer.id);
    let asked = match called.call {
        Call::Heard { from, datagram } if from == to && question.is_some() => datagram.len(),
        Call::Heard { .. } | Call::Ticked | Call::Reported | Call::Told => {
            return Err((Invariant::Unproven, format!("sent {to} a PONG nobody asked for")));
        }
    };
    if is_proven || datagram.len() <= asked {
        return Ok(());
    }
    Err((Invariant::Unproven, format!("answered {asked} bytes with {} to {to}", datagram.len())))
}

fn check_ttl_bound(called: &Called<'_>, ttl: u8) -> Result<(), Wrong> {
    let max = called.node.settings().ttl_max.0.min(16);
    if ttl <= max { Ok(()) } else { Err((Invariant::Ttl, format!("sent TTL {ttl}"))) }
}

/// What is sent on is what somebody claimed, unchanged; its TTL only falls, and it is not sent for ever.
fn check_prime(
    called: &Called<'_>,
    key: Key,
    ttl: u8,
    record: &mut Record,
    claims: &Claims,
    faults: &mut Faults,
) -> Result<(), Wrong> {
    if !claims.contains(&key) {
        return Err((Invariant::Forwarding, format!("sent {key:?}, which nobody claimed")));
    }
    check_ttl_bound(called, ttl)?;
    if ttl == 0 {
        return Ok(());
    }
    let passing = record.passing.entry(key).or_default();
    let Some(heard) = passing.heard else {
        if key.origin == Origin::Host(called.host) {
            return Ok(());
        }
        return Err((Invariant::Ttl, format!("sent {key:?} with TTL {ttl} and has not heard it")));
    };
    if ttl >= heard.min(16) {
        return Err((Invariant::Ttl, format!("sent TTL {ttl} of {key:?}, and heard {heard}")));
    }
    passing.forwards += 1;
    if passing.forwards > FORWARDS * FAN_OUT {
        return Err((Invariant::Ttl, format!("forwarded {key:?} for the {}th time", passing.forwards)));
    }
    if passing.sent.is_some_and(|before| ttl > before) {
        faults.one_rare(Rarity::HigherTtl);
    }
    passing.sent = Some(ttl);
    Ok(())
}
