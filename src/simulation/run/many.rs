//! Several seeds on all cores: each run is on one thread, and no two know of each other.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

/// How many runs go on at the same time.
pub fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// What comes from a thread.
enum Said<P, R> {
    Progress(P),
    Done(R),
}

/// Runs `one` with each of `count` seeds from `first` on, on so many threads, and tells on this thread how far they are.
/// The results come in the order of the seeds.
pub fn each<P: Send, R: Send>(
    first: u64,
    count: u64,
    threads: usize,
    one: impl Fn(u64, &mut dyn FnMut(P)) -> R + Sync,
    mut progress: impl FnMut(usize, P),
    mut done: impl FnMut(&R),
) -> Vec<R> {
    let next = AtomicU64::new(0);
    let (sender, receiver) = mpsc::channel();
    let mut results: Vec<(u64, R)> = Vec::new();
    thread::scope(|scope| {
        for _ in 0..(threads as u64).clamp(1, count.max(1)) {
            let (sender, next, one) = (sender.clone(), &next, &one);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    // Whoever listened may be gone when a thread has panicked: the scope says so.
                    let mut tell = |progress| drop(sender.send((number, Said::Progress(progress))));
                    let result = one(first.wrapping_add(number), &mut tell);
                    drop(sender.send((number, Said::Done(result))));
                }
            });
        }
        drop(sender);
        for (number, said) in receiver {
            match said {
                Said::Progress(far) => progress(results.len(), far),
                Said::Done(result) => {
                    done(&result);
                    results.push((number, result));
                }
            }
        }
    });
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_run_once_and_results_are_in_order() {
        for threads in [1, 3, 50] {
            let (mut told, mut done) = (0, 0);
            let one = |seed: u64, tell: &mut dyn FnMut(u64)| {
                tell(seed);
                seed * seed
            };
            let results = each(5, 20, threads, one, |_, _| told += 1, |_| done += 1);
            assert_eq!(results, (5..25).map(|seed| seed * seed).collect::<Vec<u64>>());
            assert_eq!((told, done), (20, 20));
        }
        let none = each(1, 0, 2, |seed, _: &mut dyn FnMut(())| seed, |_, ()| {}, |_| {});
        assert_eq!(none, [0; 0]);
    }
}
