//! What the socket's owner counts, for the exporter.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::protocol::Label;

/// Why a datagram could not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendErrorKind {
    /// A firewall rule forbids it (`EPERM`, `EACCES`).
    Permission,
    /// There is no way to that address (`ENETUNREACH`, `EHOSTUNREACH`, `ENETDOWN`, `ECONNREFUSED`, `EADDRNOTAVAIL`).
    Unreachable,
    /// The kernel has no room for it at the moment (`ENOBUFS`, `ENOMEM`, `EAGAIN`).
    NoBuffers,
    /// Anything else.
    Other,
}

impl Label for SendErrorKind {
    const ALL: &'static [SendErrorKind] =
        &[SendErrorKind::Permission, SendErrorKind::Unreachable, SendErrorKind::NoBuffers, SendErrorKind::Other];

    fn as_str(self) -> &'static str {
        match self {
            SendErrorKind::Permission => "permission",
            SendErrorKind::Unreachable => "unreachable",
            SendErrorKind::NoBuffers => "no_buffers",
            SendErrorKind::Other => "other",
        }
    }

    fn index(self) -> usize {
        self as usize
    }
}

impl SendErrorKind {
    /// The kind of an error that sending returned.
    pub fn of(error: &io::Error) -> SendErrorKind {
        use rustix::io::Errno;
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::PERM | Errno::ACCESS) => SendErrorKind::Permission,
            Some(
                Errno::NETUNREACH
                | Errno::HOSTUNREACH
                | Errno::NETDOWN
                | Errno::HOSTDOWN
                | Errno::CONNREFUSED
                | Errno::ADDRNOTAVAIL,
            ) => SendErrorKind::Unreachable,
            Some(Errno::NOBUFS | Errno::NOMEM | Errno::AGAIN) => SendErrorKind::NoBuffers,
            Some(_) | None => SendErrorKind::Other,
        }
    }
}

/// Counted by the thread that owns the socket, read by the exporter; each costs one relaxed operation.
#[derive(Debug, Default)]
pub struct SocketCounters {
    send_errors: [AtomicU64; SendErrorKind::ALL.len()],
    oversize: AtomicU64,
    kernel_drops: AtomicU64,
    receive_buffer: AtomicU64,
}

impl SocketCounters {
    /// A datagram could not be sent.
    pub fn send_failed(&self, kind: SendErrorKind) {
        self.send_errors[kind.index()].fetch_add(1, Ordering::Relaxed);
    }

    /// A datagram longer than any message was dropped unread.
    pub fn oversize(&self) {
        self.oversize.fetch_add(1, Ordering::Relaxed);
    }

    /// The kernel says that it has dropped so many datagrams in all, because nobody took them in time.
    pub fn set_kernel_drops(&self, total: u64) {
        self.kernel_drops.fetch_max(total, Ordering::Relaxed);
    }

    /// The socket's receive buffer is this large, in bytes.
    pub fn set_receive_buffer(&self, bytes: u64) {
        self.receive_buffer.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn send_errors(&self, kind: SendErrorKind) -> u64 {
        self.send_errors[kind.index()].load(Ordering::Relaxed)
    }

    pub(super) fn oversized(&self) -> u64 {
        self.oversize.load(Ordering::Relaxed)
    }

    pub(super) fn kernel_drops(&self) -> u64 {
        self.kernel_drops.load(Ordering::Relaxed)
    }

    pub(super) fn receive_buffer(&self) -> u64 {
        self.receive_buffer.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_sending_are_told_apart() {
        use rustix::io::Errno;
        let kind = |errno: Errno| SendErrorKind::of(&io::Error::from_raw_os_error(errno.raw_os_error()));
        assert_eq!(kind(Errno::PERM), SendErrorKind::Permission);
        assert_eq!(kind(Errno::NETUNREACH), SendErrorKind::Unreachable);
        assert_eq!(kind(Errno::NOBUFS), SendErrorKind::NoBuffers);
        assert_eq!(kind(Errno::MSGSIZE), SendErrorKind::Other);
        assert_eq!(SendErrorKind::of(&io::Error::other("made up")), SendErrorKind::Other);
    }

    #[test]
    fn each_kind_is_counted_in_its_own_place() {
        let counters = SocketCounters::default();
        counters.send_failed(SendErrorKind::NoBuffers);
        let counts: Vec<u64> = SendErrorKind::ALL.iter().map(|&kind| counters.send_errors(kind)).collect();
        assert_eq!(counts, [0, 0, 1, 0]);
    }

    #[test]
    fn the_kernels_drops_never_go_back() {
        let counters = SocketCounters::default();
        counters.set_kernel_drops(7);
        counters.set_kernel_drops(3);
        assert_eq!(counters.kernel_drops(), 7);
    }
}
