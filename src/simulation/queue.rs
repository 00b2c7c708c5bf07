//! What will happen, ordered by time, and the datagrams that are on their way.
//!
//! Of two events at the same time the one that was scheduled first comes first, so a run repeats. Buffers of datagrams are
//! used again and again: in the long run nothing is allocated.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::net::SocketAddr;

use super::host::HostId;
use crate::protocol::Time;

/// Events in the order in which they happen.
#[derive(Debug)]
pub(super) struct EventQueue<E> {
    heap: BinaryHeap<Entry<E>>,
    scheduled: u64,
}

#[derive(Debug)]
struct Entry<E> {
    at: Time,
    /// How many were scheduled before it.
    turn: u64,
    event: E,
}

impl<E> EventQueue<E> {
    pub(super) const fn new() -> EventQueue<E> {
        EventQueue { heap: BinaryHeap::new(), scheduled: 0 }
    }

    pub(super) fn schedule(&mut self, at: Time, event: E) {
        self.heap.push(Entry { at, turn: self.scheduled, event });
        self.scheduled += 1;
    }

    /// The next event, if it happens no later than `end`.
    pub(super) fn next_until(&mut self, end: Time) -> Option<(Time, E)> {
        if self.heap.peek()?.at > end {
            return None;
        }
        self.heap.pop().map(|entry| (entry.at, entry.event))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Entry<E>) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Entry<E>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    /// The earliest is the greatest: the heap's top.
    fn cmp(&self, other: &Entry<E>) -> Ordering {
        (other.at, other.turn).cmp(&(self.at, self.turn))
    }
}

/// The place of a datagram in the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DatagramId(u32);

/// A datagram on its way, or waiting in its recipient's socket.
#[derive(Debug, Default)]
pub(super) struct Datagram {
    /// What its recipient sees as the sender.
    pub(super) from: Option<SocketAddr>,
    pub(super) to: HostId,
    /// How many hops the PRIME in it has come, when it is one that is watched.
    pub(super) hops: u32,
    pub(super) bytes: Vec<u8>,
}

/// Datagrams, in buffers that are used again.
#[derive(Debug, Default)]
pub(super) struct Datagrams {
    slots: Vec<Datagram>,
    free: Vec<u32>,
}

impl Datagrams {
    /// Keeps a copy of a datagram.
    pub(super) fn put(&mut self, from: SocketAddr, to: HostId, hops: u32, bytes: &[u8]) -> DatagramId {
        let place = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Datagram::default());
            self.slots.len() as u32 - 1
        });
        let slot = &mut self.slots[place as usize];
        (slot.from, slot.to, slot.hops) = (Some(from), to, hops);
        slot.bytes.clear();
        slot.bytes.extend_from_slice(bytes);
        DatagramId(place)
    }

    pub(super) fn recipient(&self, id: DatagramId) -> HostId {
        self.slots[id.0 as usize].to
    }

    /// Takes a datagram out, with its buffer. Give that back with [`recycle`](Datagrams::recycle).
    pub(super) fn take(&mut self, id: DatagramId) -> Datagram {
        std::mem::take(&mut self.slots[id.0 as usize])
    }

    /// Frees the place of a datagram, and keeps its buffer for another.
    pub(super) fn recycle(&mut self, id: DatagramId, datagram: Datagram) {
        self.slots[id.0 as usize] = datagram;
        self.free.push(id.0);
    }

    /// Forgets a datagram.
    pub(super) fn drop(&mut self, id: DatagramId) {
        self.free.push(id.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_and_those_of_one_time_as_they_were_scheduled() {
        let mut queue = EventQueue::new();
        let at = Time::from_micros;
        for (time, event) in [(5, 'd'), (1, 'a'), (3, 'b'), (3, 'c'), (9, 'e')] {
            queue.schedule(at(time), event);
        }
        let order: String = std::iter::from_fn(|| queue.next_until(at(8))).map(|(_, event)| event).collect();
        assert_eq!(order, "abcd");
        assert_eq!(queue.next_until(at(9)), Some((at(9), 'e')));
        assert_eq!(queue.next_until(Time::NEVER), None);
    }

    #[test]
    fn a_buffer_is_used_again() {
        let mut datagrams = Datagrams::default();
        let from = SocketAddr::from(([10, 0, 0, 1], 5_001));
        for round in 0..100u8 {
            let id = datagrams.put(from, HostId(7), 0, &[round; 300]);
            assert_eq!(datagrams.recipient(id), HostId(7));
            let datagram = datagrams.take(id);
            assert_eq!((datagram.from, &datagram.bytes[..]), (Some(from), &[round; 300][..]));
            datagrams.recycle(id, datagram);
        }
        assert_eq!(datagrams.slots.len(), 1);
        assert!(datagrams.slots[0].bytes.capacity() >= 300);
    }
}
