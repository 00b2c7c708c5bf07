//! How often each fault really happened, and each rare branch was really taken: a check that never fired proves nothing.

use std::fmt;

use crate::protocol::Label;
use crate::protocol::labels;

labels! {
    /// Something that goes wrong, or is done to a host.
    Fault {
        /// A datagram was lost.
        Lost = "datagrams lost",
        /// A datagram came twice.
        Duplicated = "datagrams duplicated",
        /// A datagram was held back until later ones had overtaken it.
        Reordered = "datagrams reordered",
        /// A datagram was dropped by a cut in both directions.
        Cut = "datagrams into a partition",
        /// A datagram was dropped by a cut in one direction.
        CutOneWay = "datagrams into a one-way partition",
        /// A datagram was dropped by a cut between some hosts and some others.
        CutBetween = "datagrams into a partial partition",
        /// A datagram left a NAT under another address.
        Translated = "datagrams translated",
        /// A datagram was not let in by a NAT.
        FilteredByNat = "datagrams filtered by a NAT",
        /// A NAT's mapping had expired and came back with another port.
        Remapped = "mappings renewed",
        /// A datagram waited while its host was busy.
        Delayed = "datagrams that waited for a slow host",
        /// A datagram found its host's socket full.
        Overflowed = "datagrams a full socket dropped",
        /// A host was killed, and kept its disk.
        CrashedWithDisk = "crashes",
        /// A host was killed, and lost its disk.
        CrashedWithoutDisk = "crashes with loss of the disk",
        /// A host left.
        Left = "departures",
        /// A host was started again.
        Restarted = "restarts",
        /// A host was started again with its clock set back.
        ClockSetBack = "clocks set back",
        /// A host stood still.
        Stalled = "stalls",
        /// A disk refused to write.
        FailedSave = "saves that failed",
        /// A datagram was sent again that was sent before.
        Replayed = "replays",
        /// A datagram was sent that no node has made.
        Forged = "forged datagrams",
        /// A node was put to sleep.
        Slept = "sleeps",
        /// A node was woken.
        Woken = "wakes",
        /// A node was reset.
        Reset = "resets",
        /// A node was reset while it slept.
        ResetAsleep = "resets of a node that sleeps",
        /// Work that was stopped was reported all the same.
        ReportedLate = "reports of work that was stopped",
        /// A node's search found a prime.
        Found = "primes found",
    }
}

labels! {
    /// Something rare that the rules are about.
    Rarity {
        /// A message was forwarded again, with a higher TTL.
        HigherTtl = "forwards with a higher TTL",
        /// A stored claim was sent to a peer that lacked it.
        CatchUp = "catch-ups",
        /// A better claim took the credit.
        CreditMoved = "moves of credit",
        /// A claim was tested and is false.
        Refuted = "false claims",
        /// A claim failed a cheap check.
        Refused = "claims refused",
        /// The verifier's queue had no place for a claim.
        QueueDrop = "claims the queue had no place for",
        /// A claim was tested and is true.
        Verified = "primes verified",
        /// A silent peer was dropped.
        TimedOut = "time-outs",
        /// A node noticed that it had stood still.
        StallNoticed = "stalls noticed",
        /// A datagram went to an address that had not proven itself.
        ToUnproven = "datagrams to strangers",
        /// A node that slept was called.
        CalledAsleep = "calls of a node that sleeps",
        /// A node said that it had no peer.
        Alone = "PINGs of a node without peers",
        /// A peer was refused a place.
        NoPlace = "places refused",
        /// A peer's place went to somebody else.
        Displaced = "peers displaced",
        /// A peer started anew and was noticed.
        PeerRestarted = "restarts noticed",
        /// A node met itself.
        OwnAddress = "nodes that met themselves",
        /// A neighbour on the ring changed.
        NeighbourChanged = "changes of a neighbour",
    }
}

/// Counts of faults and rarities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    faults: Vec<u64>,
    rarities: Vec<u64>,
}

impl Default for Faults {
    fn default() -> Faults {
        Faults { faults: vec![0; Fault::ALL.len()], rarities: vec![0; Rarity::ALL.len()] }
    }
}

impl Faults {
    /// How often a fault happened.
    pub fn of(&self, fault: Fault) -> u64 {
        self.faults[fault.index()]
    }

    /// How often a rare branch was taken.
    pub fn rare(&self, rarity: Rarity) -> u64 {
        self.rarities[rarity.index()]
    }

    /// Every fault with its count.
    pub fn faults(&self) -> impl Iterator<Item = (Fault, u64)> {
        Fault::ALL.iter().map(|&fault| (fault, self.of(fault)))
    }

    /// Every rarity with its count.
    pub fn rarities(&self) -> impl Iterator<Item = (Rarity, u64)> {
        Rarity::ALL.iter().map(|&rarity| (rarity, self.rare(rarity)))
    }

    /// Adds what another run counted.
    pub fn add(&mut self, other: &Faults) {
        self.faults.iter_mut().zip(&other.faults).for_each(|(sum, count)| *sum += count);
        self.rarities.iter_mut().zip(&other.rarities).for_each(|(sum, count)| *sum += count);
    }

    /// What never happened.
    pub fn missing(&self) -> Vec<&'static str> {
        let faults = self.faults().filter(|(_, count)| *count == 0).map(|(fault, _)| fault.as_str());
        let rarities = self.rarities().filter(|(_, count)| *count == 0).map(|(rarity, _)| rarity.as_str());
        faults.chain(rarities).collect()
    }

    pub(super) fn one(&mut self, fault: Fault) {
        self.faults[fault.index()] += 1;
    }

    pub(super) fn one_rare(&mut self, rarity: Rarity) {
        self.rarities[rarity.index()] += 1;
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (fault, count) in self.faults() {
            writeln!(f, "{count:>12} {}", fault.as_str())?;
        }
        for (rarity, count) in self.rarities() {
            writeln!(f, "{count:>12} {}", rarity.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_happened_is_named() {
        let mut faults = Faults::default();
        Fault::ALL.iter().filter(|&&fault| fault != Fault::Lost).for_each(|&fault| faults.one(fault));
        Rarity::ALL.iter().filter(|&&rarity| rarity != Rarity::Alone).for_each(|&rarity| faults.one_rare(rarity));
        assert_eq!(faults.missing(), [Fault::Lost.as_str(), Rarity::Alone.as_str()]);
        let mut sum = Faults::default();
        sum.one(Fault::Lost);
        sum.one_rare(Rarity::Alone);
        sum.add(&faults);
        assert_eq!(sum.missing(), [""; 0]);
        assert_eq!(sum.of(Fault::Lost), 1);
    }
}
