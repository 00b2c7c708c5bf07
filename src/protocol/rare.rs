//! A concurrent map that most nodes never need: it takes no memory before something is put in.

use std::hash::Hash;
use std::sync::OnceLock;

use dashmap::DashMap;

use super::hash::{HashKey, TableHasher};

/// A map that is made when the first entry comes.
#[derive(Debug)]
pub(crate) struct Rare<K: Eq + Hash, V> {
    map: OnceLock<Box<DashMap<K, V, TableHasher>>>,
    table: HashKey,
}

impl<K: Eq + Hash + Copy + Ord, V: Copy> Rare<K, V> {
    pub(crate) const fn new(table: HashKey) -> Rare<K, V> {
        Rare { map: OnceLock::new(), table }
    }

    pub(crate) fn len(&self) -> usize {
        self.map.get().map_or(0, |map| map.len())
    }

    pub(crate) fn contains(&self, key: K) -> bool {
        self.map.get().is_some_and(|map| map.contains_key(&key))
    }

    /// Puts an entry in; returns what it replaces.
    pub(crate) fn insert(&self, key: K, value: V) -> Option<V> {
        let table = TableHasher(self.table);
        self.map.get_or_init(|| Box::new(DashMap::with_hasher_and_shard_amount(table, 2))).insert(key, value)
    }

    pub(crate) fn remove(&self, key: K) -> Option<V> {
        self.map.get()?.remove(&key).map(|(_, value)| value)
    }

    pub(crate) fn clear(&self) {
        if let Some(map) = self.map.get() {
            map.clear();
        }
    }

    /// All entries, ordered by key.
    pub(crate) fn entries(&self) -> Vec<(K, V)> {
        let map = self.map.get().into_iter().flat_map(|map| map.iter());
        let mut entries: Vec<(K, V)> = map.map(|entry| (*entry.key(), *entry.value())).collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_map_answers_and_a_filled_one_keeps_what_it_was_given() {
        let rare = Rare::new(HashKey(1, 2));
        rare.clear();
        assert_eq!((rare.len(), rare.contains(1), rare.remove(1), rare.entries()), (0, false, None, vec![]));
        assert_eq!((rare.insert(2, 20), rare.insert(1, 10), rare.insert(2, 21)), (None, None, Some(20)));
        assert_eq!((rare.len(), rare.entries()), (2, vec![(1, 10), (2, 21)]));
        assert_eq!((rare.remove(1), rare.contains(1), rare.contains(2)), (Some(10), false, true));
    }
}
