//! The judge: an examination on real sockets, with the real time.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};

use super::examination::Examination;
use super::examiners::{Came, Examiners};
use super::{Condition, Exercise, Pace, Seen};

/// How often the examiners look what is due.
const TICK: Duration = Duration::from_millis(20);

/// How late it may be looked at.
const OVERDUE: Duration = Duration::from_millis(100);

/// How often the conditions are told, if they have changed.
const TELL: Duration = Duration::from_millis(200);

/// Longer than this nobody is kept waiting but by a machine that is too busy.
const STALL: Duration = Duration::from_millis(200);

/// Datagrams that may wait to be heard.
const DATAGRAMS: usize = 1_024;

/// Says which conditions of an exercise hold for the node at one address. It talks to that node only.
#[derive(Debug, Clone, Copy)]
pub struct Judge {
    exercise: &'static Exercise,
    student: SocketAddr,
    pace: Pace,
}

impl Judge {
    /// A judge for the node that listens, or will listen, at `student`, a loopback address. `pace` is what that node's own
    /// timers are.
    pub fn new(exercise: &'static Exercise, student: SocketAddr, pace: Pace) -> Judge {
        Judge { exercise, student, pace }
    }

    /// Examines round after round, and tells all conditions in the order of [`Exercise::conditions`] whenever one has
    /// changed. Ends when nobody listens to it any more, or when `entries` has ended.
    ///
    /// `entries` is what the lab's nodes report; it must be emptied, so it is safe to drop some when it is full.
    ///
    /// # Errors
    /// No socket can be opened at the student's host.
    pub async fn run(self, mut entries: mpsc::Receiver<Seen>, tell: watch::Sender<Vec<Condition>>) -> io::Result<()> {
        let mut clock = Clock::new();
        let (came, mut comes) = mpsc::channel(DATAGRAMS);
        let examiners = Box::new(Examiners::new(self.student, came));
        let mut seed = [0; 16];
        getrandom::fill(&mut seed).map_err(|error| io::Error::other(error.to_string()))?;
        let mut examination = Examination::new(self.exercise, self.student, self.pace, examiners, seed)?;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut told, mut ticked) = (Instant::now(), Instant::now());
        publish(&tell, examination.conditions());
        loop {
            // A node that sends without a pause does not keep the clock from being looked at.
            let in_time = ticked.elapsed() < OVERDUE;
            tokio::select! {
                // First what has come, then what is due: an answer that waits here is not late.
                biased;
                () = tell.closed() => return Ok(()),
                Some(news) = comes.recv(), if in_time => take(&mut examination, clock.now(), news),
                entry = entries.recv(), if in_time => match entry {
                    Some(seen) => examination.seen(clock.now(), &seen),
                    None => return Ok(()),
                },
                _ = tick.tick() => {
                    ticked = Instant::now();
                    examination.tick(clock.now())?;
                    if told.elapsed() >= TELL {
                        told = Instant::now();
                        publish(&tell, examination.conditions());
                    }
                }
            }
        }
    }
}

/// Time since the beginning, without the time in which this process stood still: nobody else's answer is late for that.
struct Clock {
    looked: Instant,
    passed: Duration,
}

impl Clock {
    fn new() -> Clock {
        Clock { looked: Instant::now(), passed: Duration::ZERO }
    }

    fn now(&mut self) -> Duration {
        let since = self.looked.elapsed();
        self.looked += since;
        self.passed += since.min(STALL);
        self.passed
    }
}

fn take(examination: &mut Examination, now: Duration, news: Came) {
    match news {
        Came::Datagram { to, from, bytes } => examination.heard(now, to, from, &bytes),
        Came::Refused => examination.refused(now),
    }
}

fn publish(tell: &watch::Sender<Vec<Condition>>, conditions: Vec<Condition>) {
    tell.send_if_modified(|told| {
        let has_changed = *told != conditions;
        *told = conditions;
        has_changed
    });
}
