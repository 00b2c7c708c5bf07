//! The threads that compute: one or more search, one verifies. They run at the lowest priority and can be interrupted at every
//! step, so a machine stays usable and nothing ever waits for a big number.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::report::Report;
use crate::mersenne::{EngineSet, Exponent, Interrupt, largest_exponent};
use crate::protocol::Verdict;
use crate::search::{self, Conclusion, Scope, SearchBoard, SearchOutcome};

/// The nice level of computing threads: they get what nobody else wants.
const NICE: i32 = 19;

/// What a thread is to do next, and how to stop what it does now.
#[derive(Debug)]
struct Desk<J> {
    job: Option<J>,
    interrupt: Interrupt,
    closed: bool,
}

/// One computing thread, which does the job given last.
#[derive(Debug)]
struct Worker<J> {
    shared: Arc<(Mutex<Desk<J>>, Condvar)>,
    thread: JoinHandle<()>,
}

impl<J: Send + 'static> Worker<J> {
    /// Starts a thread that calls `work` with each job until the worker is closed.
    fn start(name: &str, work: impl Fn(J, &Interrupt) + Send + 'static) -> std::io::Result<Worker<J>> {
        let desk = Desk { job: None, interrupt: Interrupt::new(), closed: false };
        let shared = Arc::new((Mutex::new(desk), Condvar::new()));
        let theirs = Arc::clone(&shared);
        let builder = thread::Builder::new().name(name.to_owned()).stack_size(search::STACK);
        let thread = builder.spawn(move || {
            lower_priority();
            while let Some((job, interrupt)) = next_job(&theirs) {
                work(job, &interrupt);
            }
        })?;
        Ok(Worker { shared, thread })
    }

    /// Gives the thread a job, instead of the one it does now or was given before.
    fn assign(&self, job: J) {
        let mut desk = lock(&self.shared.0);
        desk.interrupt.request();
        desk.job = Some(job);
        self.shared.1.notify_one();
    }

    /// Stops what the thread does, within 50 ms; it then waits for the next job.
    fn rest(&self) {
        let mut desk = lock(&self.shared.0);
        desk.interrupt.request();
        desk.job = None;
    }

    /// Stops the thread; it ends within 50 ms, and the time it takes to write a checkpoint.
    fn close(&self) {
        let mut desk = lock(&self.shared.0);
        desk.interrupt.request();
        desk.job = None;
        desk.closed = true;
        self.shared.1.notify_one();
    }
}

fn next_job<J>((desk, wake): &(Mutex<Desk<J>>, Condvar)) -> Option<(J, Interrupt)> {
    let mut desk = lock(desk);
    loop {
        if desk.closed {
            return None;
        }
        if let Some(job) = desk.job.take() {
            desk.interrupt = Interrupt::new();
            return Some((job, desk.interrupt.clone()));
        }
        desk = wake.wait(desk).unwrap_or_else(PoisonError::into_inner);
    }
}

/// A desk stays usable when a thread has panicked: it holds no half-done change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// On Linux this is a thread's own affair, although POSIX says it is the process's; the threads it starts inherit it.
fn lower_priority() {
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::warn!("computing threads run at normal priority: {error}");
    }
}

/// The computing threads of a node.
#[derive(Debug)]
pub struct Compute {
    searcher: Worker<Option<Exponent>>,
    verifier: Worker<Exponent>,
}

impl Compute {
    /// Starts the threads; what they find out is sent to `reports`. Searches take as many threads as `board` has places,
    /// tell it how they go, and keep checkpoints in this directory.
    pub fn start(
        reports: UnboundedSender<Report>,
        board: Arc<SearchBoard>,
        checkpoints: PathBuf,
    ) -> std::io::Result<Compute> {
        let engines = EngineSet::of_this_machine();
        let scope = Scope { max: largest_exponent(engines), engines, checkpoints: Some(checkpoints) };
        let cores = thread::available_parallelism().map_or(usize::MAX, |cores| cores.get());
        if board.threads() > cores {
            tracing::warn!(
                "{} threads are to search, and this machine has {cores} cores: more are of no use, and end later",
                board.threads()
            );
        }
        let found = reports.clone();
        Ok(Compute {
            searcher: Worker::start("search", move |above, interrupt| {
                search(above, &scope, interrupt, &board, &found);
            })?,
            verifier: Worker::start("verify", move |exponent, interrupt| verify(exponent, interrupt, &reports))?,
        })
    }

    /// Looks for the next Mersenne prime above this exponent, instead of what is being looked for now.
    pub fn search(&self, above: Option<Exponent>) {
        self.searcher.assign(above);
    }

    /// Looks for nothing.
    pub fn stop_search(&self) {
        self.searcher.rest();
    }

    /// Tests this exponent, instead of the one being tested now.
    pub fn verify(&self, exponent: Exponent) {
        self.verifier.assign(exponent);
    }

    /// Tests nothing.
    pub fn stop_verify(&self) {
        self.verifier.rest();
    }

    /// Stops all threads: within 50 ms they compute no more.
    pub fn close(&self) {
        self.searcher.close();
        self.verifier.close();
    }

    /// After [`close`](Compute::close): waits until the search has written its checkpoints. A slow disk makes this slow.
    pub fn join(self) {
        if self.searcher.thread.join().is_err() {
            tracing::error!("the thread that searches has panicked");
        }
    }
}

fn search(
    above: Option<Exponent>,
    scope: &Scope,
    interrupt: &Interrupt,
    board: &SearchBoard,
    reports: &UnboundedSender<Report>,
) {
    match scope.find_above(above, interrupt, board) {
        // If the gossip loop has ended, nobody is left to be told.
        SearchOutcome::Found(exponent) => drop(reports.send(Report::Found { above, exponent })),
        SearchOutcome::Exhausted => {
            tracing::warn!("the search has reached the largest exponent that this machine's engines can test");
        }
        SearchOutcome::EngineFailed { exponent, fault } => {
            tracing::error!("the test of M{exponent} has failed: {fault}; it will be made again");
            drop(reports.send(Report::SearchFailed));
        }
        SearchOutcome::Interrupted => {}
    }
}

fn verify(exponent: Exponent, interrupt: &Interrupt, reports: &UnboundedSender<Report>) {
    let began = Instant::now();
    let verdict = match search::verify(exponent, interrupt) {
        Conclusion::Prime(_) => Verdict::Prime,
        Conclusion::HasFactor(_) | Conclusion::Composite(_) => Verdict::Composite,
        Conclusion::BeyondEngine { .. } => Verdict::Untestable,
        Conclusion::Failed { fault, .. } => {
            tracing::error!("the test of M{exponent} has failed: {fault}");
            Verdict::Untestable
        }
        Conclusion::Interrupted { .. } => return,
    };
    let took: Duration = began.elapsed();
    drop(reports.send(Report::Verdict { exponent, verdict, took }));
}
