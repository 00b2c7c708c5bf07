//! What a lab and a node it has started say to each other, in JSON lines: [`Told`] on the node's standard output, [`Order`] on
//! its standard input.
//!
//! The pipes are inherited by the node and by nobody else, so what comes by them needs no token; and a node that no lab has
//! started reads no orders. When its standard input ends, however the lab ended, the node leaves.

use std::io::{self, BufRead as _, Read as _, Write as _};
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use super::conditions::Conditions;
use super::feed::Frame;
use super::http::{Command, Control, Request};
use super::snapshot::Snapshot;

/// The longest order, in bytes: every node of a lab cut off costs about 2 KiB.
const ORDER_MAX: u64 = 64 * 1_024;

/// How slow and how fast the clocks of a lab can go.
pub const SPEEDS: std::ops::RangeInclusive<f64> = 0.1..=20.0;

/// Lines that may wait for the lab to read them; the journal keeps the rest.
const LINES: usize = 64;

/// What a lab tells a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Sleep, as by `POST /sleep`.
    Sleep,
    /// Wake up.
    Wake,
    /// Forget primes and peers.
    Reset,
    /// What happens to its datagrams from now on.
    Conditions(Conditions),
    /// How many seconds of its clock go by in a real one: of [`SPEEDS`].
    Speed(f64),
}

/// What a node tells a lab, as it writes it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Tell {
    Ready { address: SocketAddr },
    Snapshot(Box<Snapshot>),
    Entries(Vec<Value>),
    Missed(u64),
}

/// What a node tells a lab, as the lab reads it: it passes on most of it as it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// It can be reached.
    Ready {
        /// Its address.
        address: SocketAddr,
    },
    /// How it is, as the page reads it.
    Snapshot(Box<RawValue>),
    /// What happened at it.
    Entries(Vec<Box<RawValue>>),
    /// So many entries are gone, because the lab did not read in time.
    Missed(u64),
}

/// The node's end of its standard output.
#[derive(Debug)]
pub(super) struct Lines {
    sender: mpsc::Sender<Tell>,
    /// Resolves when the last line is written.
    written: oneshot::Receiver<()>,
}

impl Lines {
    /// Starts the thread that writes: a lab that does not read stops it and nothing else.
    pub(super) fn open() -> io::Result<Lines> {
        let (sender, mut lines) = mpsc::channel::<Tell>(LINES);
        let (done, written) = oneshot::channel();
        std::thread::Builder::new().name("lab-out".to_owned()).spawn(move || {
            while let Some(line) = lines.blocking_recv() {
                // When the lab does not read any more, the end of our input will tell.
                drop(write_line(&line));
            }
            _ = done.send(());
        })?;
        Ok(Lines { sender, written })
    }

    /// Says that the node can be reached.
    pub(super) async fn ready(&self, address: SocketAddr) {
        drop(self.sender.send(Tell::Ready { address }).await);
    }

    /// Passes on a frame, as soon as there is room for it.
    pub(super) async fn frame(&self, frame: Frame) {
        let line = match frame {
            Frame::Snapshot(snapshot) => Tell::Snapshot(snapshot),
            Frame::Entries { last: _, entries } => Tell::Entries(entries),
            Frame::Missed(missed) => Tell::Missed(missed),
        };
        drop(self.sender.send(line).await);
    }

    /// Waits until all is written, or the writing thread is gone.
    pub(super) async fn finish(self) {
        drop(self.sender);
        _ = self.written.await;
    }
}

fn write_line(line: &Tell) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    let mut output = io::stdout().lock();
    output.write_all(&bytes)?;
    output.flush()
}

/// Carries out orders on a thread of its own, because reading standard input cannot be cancelled. Resolves when the lab
/// is gone.
pub(super) fn obey(requests: mpsc::Sender<Request>) -> io::Result<oneshot::Receiver<()>> {
    let (gone, ended) = oneshot::channel();
    std::thread::Builder::new().name("lab-in".to_owned()).spawn(move || {
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        loop {
            line.clear();
            match input.by_ref().take(ORDER_MAX).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => break,
                Ok(_) => match serde_json::from_slice(&line) {
                    Ok(order) => carry_out(order, &requests),
                    Err(error) => tracing::warn!("the lab's order is not understood: {error}"),
                },
            }
        }
        _ = gone.send(());
    })?;
    Ok(ended)
}

/// Hands an order to the gossip loop and waits until it is carried out, so that orders take effect as they came.
fn carry_out(order: Order, requests: &mpsc::Sender<Request>) {
    let control = |command| {
        let (reply, answer) = oneshot::channel();
        (Request::Control(Control { command, reply }), Some(answer))
    };
    let (request, answer) = match order {
        Order::Sleep => control(Command::Sleep),
        Order::Wake => control(Command::Wake),
        Order::Reset => control(Command::Reset),
        Order::Conditions(conditions) => (Request::Conditions(conditions), None),
        Order::Speed(speed) if SPEEDS.contains(&speed) => (Request::Speed(speed), None),
        Order::Speed(speed) => return tracing::warn!("the lab orders a speed of {speed}, which no clock goes at"),
    };
    // A loop that has ended takes the process with it.
    if requests.blocking_send(request).is_ok() {
        _ = answer.map(oneshot::Receiver::blocking_recv);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_short_lines() {
        let cut = "127.0.0.1:5002".parse().unwrap();
        let conditions = Conditions { loss: 0.2, delay_ms: 100, cut: [cut].into(), seed: 7 };
        for (order, line) in [
            (Order::Sleep, r#""sleep""#),
            (Order::Speed(10.0), r#"{"speed":10.0}"#),
            (
                Order::Conditions(conditions),
                r#"{"conditions":{"loss":0.2,"delay_ms":100,"cut":["127.0.0.1:5002"],"seed":7}}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&order).unwrap(), line);
            assert_eq!(serde_json::from_str::<Order>(line).unwrap(), order);
        }
        assert!(serde_json::from_str::<Order>(r#"{"conditions":{"loss":0.2}}"#).is_err());
    }

    #[test]
    fn what_a_node_tells_is_what_the_lab_reads() {
        let line = serde_json::to_string(&Tell::Entries(vec![serde_json::json!({"event": "asleep"})])).unwrap();
        let Told::Entries(entries) = serde_json::from_str(&line).unwrap() else { panic!("{line}") };
        assert_eq!(entries[0].get(), r#"{"event":"asleep"}"#);
        let line = serde_json::to_string(&Tell::Ready { address: "127.0.0.1:5001".parse().unwrap() }).unwrap();
        assert!(matches!(serde_json::from_str(&line).unwrap(), Told::Ready { .. }), "{line}");
    }
}
