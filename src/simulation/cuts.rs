//! Partitions: which hosts cannot reach which, in one direction or in both, until that is healed.

use super::host::HostId;

/// A set of hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostSet(Vec<u64>);

impl HostSet {
    fn contains(&self, host: HostId) -> bool {
        self.0.get(host.index() / 64).is_some_and(|word| word >> (host.index() % 64) & 1 == 1)
    }
}

impl FromIterator<HostId> for HostSet {
    fn from_iter<I: IntoIterator<Item = HostId>>(hosts: I) -> HostSet {
        let mut set = HostSet::default();
        for host in hosts {
            let word = host.index() / 64;
            if set.0.len() <= word {
                set.0.resize(word + 1, 0);
            }
            set.0[word] |= 1 << (host.index() % 64);
        }
        set
    }
}

/// Which hosts cannot reach which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// These and all others cannot reach each other.
    Off(HostSet),
    /// The first and the second cannot reach each other; everybody else reaches both.
    Between(HostSet, HostSet),
    /// The first cannot reach the second, but hear them.
    OneWay(HostSet, HostSet),
}

impl Cut {
    /// Splits the network: these hosts, and all others.
    pub fn off(hosts: impl IntoIterator<Item = HostId>) -> Cut {
        Cut::Off(hosts.into_iter().collect())
    }

    fn severs(&self, from: HostId, to: HostId) -> bool {
        match self {
            Cut::Off(some) => some.contains(from) != some.contains(to),
            Cut::Between(some, others) => {
                some.contains(from) && others.contains(to) || others.contains(from) && some.contains(to)
            }
            Cut::OneWay(some, others) => some.contains(from) && others.contains(to),
        }
    }
}

/// A cut that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CutId(pub u32);

/// What was cut and not healed yet, and what each cut has dropped.
#[derive(Debug, Default)]
pub(super) struct Cuts {
    open: Vec<(CutId, Cut)>,
    dropped: Vec<u64>,
}

impl Cuts {
    pub(super) fn cut(&mut self, cut: Cut) -> CutId {
        let id = CutId(self.dropped.len() as u32);
        self.open.push((id, cut));
        self.dropped.push(0);
        id
    }

    pub(super) fn heal(&mut self, id: CutId) {
        self.open.retain(|(open, _)| *open != id);
    }

    pub(super) fn heal_all(&mut self) {
        self.open.clear();
    }

    /// The cut that drops a datagram from one host to another, which is counted.
    pub(super) fn drops(&mut self, from: HostId, to: HostId) -> Option<&Cut> {
        let (id, cut) = self.open.iter().find(|(_, cut)| cut.severs(from, to))?;
        self.dropped[id.0 as usize] += 1;
        Some(cut)
    }

    /// How many datagrams a cut has dropped.
    pub(super) fn dropped(&self, id: CutId) -> u64 {
        self.dropped.get(id.0 as usize).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(numbers: &[u32]) -> HostSet {
        numbers.iter().map(|&number| HostId(number)).collect()
    }

    /// Which of the ways between hosts 1, 70 and 200 are cut.
    fn severed(cut: &Cut) -> Vec<(u32, u32)> {
        let hosts = [1, 70, 200];
        let ways = hosts.iter().flat_map(|&from| hosts.iter().map(move |&to| (from, to)));
        ways.filter(|&(from, to)| cut.severs(HostId(from), HostId(to))).collect()
    }

    #[test]
    fn each_kind_of_cut_severs_its_ways_and_no_others() {
        assert_eq!(severed(&Cut::off([HostId(70)])), [(1, 70), (70, 1), (70, 200), (200, 70)]);
        assert_eq!(severed(&Cut::Between(hosts(&[1]), hosts(&[200]))), [(1, 200), (200, 1)]);
        assert_eq!(severed(&Cut::OneWay(hosts(&[1]), hosts(&[200, 70]))), [(1, 70), (1, 200)]);
    }

    #[test]
    fn a_cut_counts_what_it_drops_until_it_is_healed() {
        let mut cuts = Cuts::default();
        let one = cuts.cut(Cut::off([HostId(0)]));
        let other = cuts.cut(Cut::off([HostId(5)]));
        assert!(cuts.drops(HostId(0), HostId(1)).is_some() && cuts.drops(HostId(1), HostId(2)).is_none());
        cuts.heal(one);
        assert!(cuts.drops(HostId(0), HostId(1)).is_none() && cuts.drops(HostId(5), HostId(1)).is_some());
        assert_eq!((cuts.dropped(one), cuts.dropped(other)), (1, 1));
    }
}
