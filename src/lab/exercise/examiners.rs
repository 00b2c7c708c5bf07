//! The examiners' sockets: UDP on the student's host, at ports that the system chooses.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::num::NonZeroU16;

use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::stage::{Ear, Outside};
use crate::protocol::message::MAX_DATAGRAM;

/// What comes from outside.
#[derive(Debug)]
pub(super) enum Came {
    /// A datagram, to the examiner of this port.
    Datagram { to: NonZeroU16, from: SocketAddr, bytes: Vec<u8> },
    /// Nobody listens at the student's address.
    Refused,
}

/// Sockets, each with a task that reads from it until it is closed.
pub(super) struct Examiners {
    student: SocketAddr,
    came: mpsc::Sender<Came>,
    open: HashMap<NonZeroU16, Examiner>,
}

struct Examiner {
    /// For sending, which never has to wait here. A socket of the runtime may claim that it would, as long as it is new.
    socket: UdpSocket,
    reader: AbortHandle,
}

impl Drop for Examiner {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Examiners {
    /// No examiners yet. What comes to those that will be is left in the channel; when it is full, datagrams wait in the
    /// sockets.
    pub(super) fn new(student: SocketAddr, came: mpsc::Sender<Came>) -> Examiners {
        Examiners { student, came, open: HashMap::new() }
    }
}

impl Outside for Examiners {
    fn open(&mut self, ear: Ear) -> io::Result<NonZeroU16> {
        let socket = UdpSocket::bind((self.student.ip(), 0))?;
        if ear == Ear::Student {
            socket.connect(self.student)?;
        }
        socket.set_nonblocking(true)?;
        let port = NonZeroU16::new(socket.local_addr()?.port()).ok_or(io::ErrorKind::AddrNotAvailable)?;
        let ear = tokio::net::UdpSocket::from_std(socket.try_clone()?)?;
        let reader = tokio::spawn(read(port, ear, self.came.clone())).abort_handle();
        self.open.insert(port, Examiner { socket, reader });
        Ok(port)
    }

    fn close(&mut self, port: NonZeroU16) {
        self.open.remove(&port);
    }

    fn send(&mut self, from: NonZeroU16, datagram: &[u8]) {
        let Some(Examiner { socket, .. }) = self.open.get(&from) else { return };
        let sent = match socket.peer_addr() {
            Ok(_) => socket.send(datagram),
            Err(_) => socket.send_to(datagram, self.student),
        };
        // A socket that has learned of a refusal says so to whoever uses it next.
        if sent.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused) {
            drop(self.came.try_send(Came::Refused));
        }
    }
}

async fn read(port: NonZeroU16, socket: tokio::net::UdpSocket, came: mpsc::Sender<Came>) {
    // One byte more than a message may have, so that too long a datagram is not cut to a good one.
    let mut buffer = [0; MAX_DATAGRAM + 1];
    loop {
        let news = match socket.recv_from(&mut buffer).await {
            Ok((length, from)) => {
                let bytes = buffer.get(..length).unwrap_or_default().to_vec();
                Came::Datagram { to: port, from, bytes }
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Came::Refused,
            Err(_) => continue,
        };
        if came.send(news).await.is_err() {
            return;
        }
    }
}
