//! What the lab itself publishes for its page: how its nodes are, what is in force, what somebody has done.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::hub::Subject;
use super::settings::address;
use super::{Lab, NODES_MAX, names};
use crate::daemon::snapshot::millis;

impl Lab {
    /// Adds an entry of the lab's own.
    pub(super) fn note(&self, event: &str, port: Option<u16>, text: &str) {
        let entry = json!({
            "node": port.map(address),
            "time": millis(Timestamp::now()),
            "event": event,
            "text": text,
        });
        self.hub.add([entry.to_string().as_str()]);
    }

    pub(super) fn publish_faults(&self) {
        self.hub.set(Subject::Faults, &self.faults.frame(NODES_MAX.into()).to_string());
    }

    /// Publishes what a node last said of itself, with what the lab knows better.
    pub(super) fn publish_status(&self, port: u16, status: &str, detail: Option<&str>) {
        let last = self.nodes.get(&port).and_then(|node| node.last.as_deref());
        let mut frame: Value = last.and_then(|last| serde_json::from_str(last).ok()).unwrap_or_else(|| {
            json!({
                "name": names::name(usize::from(port - self.settings.ports.start())),
                "speed": self.faults.speed,
                "state": null,
                "primes": [],
            })
        });
        frame["node"] = address(port).to_string().into();
        frame["time"] = millis(Timestamp::now()).into();
        frame["status"] = status.into();
        frame["detail"] = detail.into();
        // A node that has just started, or has ended, has none.
        frame["peers"] = json!([]);
        frame["search"] = json!({ "exponent": null, "progress": null });
        self.hub.set(Subject::Node(address(port)), &frame.to_string());
    }
}
