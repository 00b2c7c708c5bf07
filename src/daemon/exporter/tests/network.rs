//! Peers and ring in metrics: nodes that exchange datagrams in memory, each with its exporter.

use std::collections::VecDeque;

use super::*;
use crate::protocol::RingPosition;
use crate::protocol::codec::decode;

/// Whoever speaks plain messages only.
const PLAIN: &str = "127.0.0.1:9";

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// The PONG of somebody plain to whatever is a PING; nothing to all else.
fn plain_answer(datagram: &[u8]) -> Option<Vec<u8>> {
    let message = decode(datagram).unwrap();
    let own = NodeRef::Port(NonZeroU16::new(9).unwrap());
    let answer = Message { id: message.id, forwarder: own, originator: own, body: Body::Pong(None) };
    let mut bytes = Vec::new();
    encode(&answer, &mut bytes);
    matches!(message.body, Body::Ping(_)).then_some(bytes)
}

/// Lets nodes on the ports from 5001 up talk for some seconds, with each other and with somebody plain.
fn talk(nodes: &[Arc<Node>], seconds: u64) {
    let plain: SocketAddr = PLAIN.parse().unwrap();
    for tenth in 0..10 * seconds {
        let now = Time::ZERO + Duration::from_millis(100 * tenth);
        let mut on_its_way: VecDeque<(SocketAddr, SocketAddr, Vec<u8>)> = VecDeque::new();
        let mut out = Outbox::new();
        for (node, port) in nodes.iter().zip(5001..) {
            if let Some(below) = node.wanted_ids() {
                node.ids_reserved(below);
            }
            node.tick(now, &mut out);
            on_its_way.extend(out.datagrams().map(|(to, bytes)| (at(port), to, bytes.to_vec())));
            out.clear();
        }
        while let Some((from, to, bytes)) = on_its_way.pop_front() {
            if to == plain {
                on_its_way.extend(plain_answer(&bytes).map(|answer| (plain, from, answer)));
                continue;
            }
            nodes[usize::from(to.port() - 5001)].receive(now, from, &bytes, &mut out);
            on_its_way.extend(out.datagrams().map(|(then, bytes)| (to, then, bytes.to_vec())));
            out.clear();
        }
    }
}

fn ring_of(ports: std::ops::RangeInclusive<u16>) -> Vec<Arc<Node>> {
    let off = || Settings { search: SearchMode::Off, ..Settings::default() };
    let nodes: Vec<Arc<Node>> = ports.map(|port| node(off(), at(port))).collect();
    nodes.iter().skip(1).for_each(|node| node.add_seed(Time::ZERO, at(5001)));
    nodes
}

fn scrape(node: &Arc<Node>) -> String {
    exporter_for(Arc::clone(node), Arc::new(SearchBoard::new(NonZeroU16::MIN))).1.render()
}

fn peers(text: &str, state: &str, role: &str) -> f64 {
    value(text, &format!("mersenned_peers{{state=\"{state}\",role=\"{role}\"}}"))
}

#[test]
fn peers_are_shown_by_how_they_talk_and_why_they_are_peers() {
    let nodes = ring_of(5001..=5008);
    nodes[0].add_seed(Time::ZERO, PLAIN.parse().unwrap());
    talk(&nodes, 20);
    let text = scrape(&nodes[0]);
    assert_eq!(peers(&text, "proven", "leaf"), 4.0, "two on each side");
    let others = peers(&text, "proven", "chosen") + peers(&text, "proven", "guest");
    assert_eq!(others, 3.0);
    let plain = ["leaf", "chosen", "guest"].map(|role| peers(&text, "plain", role));
    assert_eq!(plain, [0.0, 1.0, 0.0], "a seed is of one's own choosing, and who is plain is no leaf");
    assert_eq!(value(&text, "mersenned_network_size"), 9.0);
}

#[test]
fn the_shares_of_all_nodes_are_the_whole_ring_and_each_stands_where_its_address_says() {
    let nodes = ring_of(5001..=5006);
    assert_eq!(value(&scrape(&nodes[0]), "mersenned_ring_owned_ratio"), 1.0, "alone");
    talk(&nodes, 20);
    let scrapes: Vec<String> = nodes.iter().map(scrape).collect();
    let owned: Vec<f64> = scrapes.iter().map(|text| value(text, "mersenned_ring_owned_ratio")).collect();
    assert!((owned.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{owned:?}");
    for (text, port) in scrapes.iter().zip(5001..) {
        let expected = RingPosition::of(at(port)).ratio();
        assert!((value(text, "mersenned_ring_position_ratio") - expected).abs() < 1e-9, "{port}");
    }
}

#[test]
fn who_does_not_know_where_it_is_owns_nothing() {
    let text = scrape(&node(Settings::default(), "0.0.0.0:5001".parse().unwrap()));
    assert_eq!(value(&text, "mersenned_ring_position_ratio"), 0.0);
    assert_eq!(value(&text, "mersenned_ring_owned_ratio"), 0.0);
    assert_eq!(value(&text, "mersenned_network_size"), 1.0);
}
