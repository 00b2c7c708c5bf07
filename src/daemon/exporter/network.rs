//! Who a node's peers are and where it stands in the network, in metrics: copied at each scrape.

use metrics::Gauge;

use crate::protocol::{Label, PeerKind, PeerRole, RingPosition, StateView};

/// The series of peers and ring.
pub(super) struct Network {
    /// One for each way to talk and reason to be a peer; their sum is the number of peers.
    peers: Vec<((PeerKind, PeerRole), Gauge)>,
    size: Gauge,
    position: Gauge,
    owned: Gauge,
}

impl Network {
    /// Makes the series, all at 0.
    pub(super) fn new() -> Network {
        use metrics::{describe_gauge, gauge};
        const PEERS: &str = "mersenned_peers";
        describe_gauge!(PEERS, "Active peers, by whether they have proven their address, and why they are peers.");
        const SIZE: &str = "mersenned_network_size";
        describe_gauge!(SIZE, "How many nodes the network seems to have, this one included.");
        const POSITION: &str = "mersenned_ring_position_ratio";
        describe_gauge!(POSITION, "How far around the ring this node is, 0 to 1; 0 while it has no position.");
        const OWNED: &str = "mersenned_ring_owned_ratio";
        describe_gauge!(OWNED, "The share of the ring that this node owns, 0 to 1; 0 while it has no position.");
        let of = |kind: PeerKind| {
            let gauge = move |role: PeerRole| gauge!(PEERS, "state" => kind.as_str(), "role" => role.as_str());
            PeerRole::ALL.iter().map(move |&role| ((kind, role), gauge(role)))
        };
        Network {
            peers: PeerKind::ALL.iter().copied().flat_map(of).collect(),
            size: gauge!(SIZE),
            position: gauge!(POSITION),
            owned: gauge!(OWNED),
        }
    }

    /// Shows this state, and who of its peers is what.
    pub(super) fn refresh(&self, state: &StateView, roles: &[(PeerKind, PeerRole)]) {
        for (which, gauge) in &self.peers {
            gauge.set(roles.iter().filter(|peer| *peer == which).count() as f64);
        }
        self.size.set(state.network_size as f64);
        self.position.set(state.position.map_or(0.0, RingPosition::ratio));
        self.owned.set(state.owned_ratio);
    }
}
