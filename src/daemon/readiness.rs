//! Whether the node can do its work, for `/-/ready`.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// What the saved state is good for at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateCondition {
    /// It has not been read yet.
    Loading,
    /// It was read, and what was written last is durable.
    Usable,
    /// The last attempt to write it failed: primes found here are not announced until one succeeds.
    Unwritable,
    /// The last attempt to write it failed because the disk is full.
    NoSpace,
}

impl StateCondition {
    const ALL: [StateCondition; 4] =
        [StateCondition::Loading, StateCondition::Usable, StateCondition::Unwritable, StateCondition::NoSpace];

    /// Why a node in this condition is not ready; `None` if it is.
    pub const fn objection(self) -> Option<&'static str> {
        match self {
            StateCondition::Loading => Some("the saved state has not been read yet"),
            StateCondition::Usable => None,
            StateCondition::Unwritable => Some("the state cannot be written; primes found here are not announced"),
            StateCondition::NoSpace => Some("no space is left to write the state; primes found here are not announced"),
        }
    }
}

/// What has to be so for a node to be ready. Set by those who know, read by `/-/ready`; nobody waits for anybody.
#[derive(Debug)]
pub struct Readiness {
    socket_bound: AtomicBool,
    state: AtomicU8,
    stopping: AtomicBool,
}

impl Default for Readiness {
    fn default() -> Readiness {
        Readiness {
            socket_bound: AtomicBool::new(false),
            state: AtomicU8::new(StateCondition::Loading as u8),
            stopping: AtomicBool::new(false),
        }
    }
}

impl Readiness {
    /// Not ready: nothing is bound, nothing is read.
    pub fn new() -> Readiness {
        Readiness::default()
    }

    /// The UDP socket is bound.
    pub fn socket_is_bound(&self) {
        self.socket_bound.store(true, Ordering::Relaxed);
    }

    /// The saved state is in this condition now.
    pub fn state_is(&self, condition: StateCondition) {
        self.state.store(condition as u8, Ordering::Relaxed);
    }

    /// The node is about to end.
    pub fn is_stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Why the node is not ready; `None` if it is.
    pub fn objection(&self) -> Option<&'static str> {
        if self.stopping.load(Ordering::Relaxed) {
            return Some("the node is stopping");
        }
        if !self.socket_bound.load(Ordering::Relaxed) {
            return Some("the UDP socket is not bound yet");
        }
        let state = self.state.load(Ordering::Relaxed);
        StateCondition::ALL.into_iter().find(|&condition| condition as u8 == state)?.objection()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_ready_once_its_socket_is_bound_and_its_state_usable() {
        let readiness = Readiness::new();
        assert!(readiness.objection().unwrap().contains("not bound"));
        readiness.socket_is_bound();
        assert!(readiness.objection().unwrap().contains("not been read"));
        readiness.state_is(StateCondition::Usable);
        assert_eq!(readiness.objection(), None);
    }

    #[test]
    fn a_node_is_not_ready_while_its_state_cannot_be_written_or_it_stops() {
        let readiness = Readiness::new();
        readiness.socket_is_bound();
        for condition in [StateCondition::Unwritable, StateCondition::NoSpace] {
            readiness.state_is(condition);
            assert_eq!(readiness.objection(), condition.objection());
            assert!(readiness.objection().is_some());
            readiness.state_is(StateCondition::Usable);
            assert_eq!(readiness.objection(), None);
        }
        readiness.is_stopping();
        assert!(readiness.objection().unwrap().contains("stopping"));
    }
}
