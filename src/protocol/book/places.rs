//! Who stands in the book: what a newcomer needs to get in, and who goes for him.

use std::cmp::Reverse;
use std::net::SocketAddr;

use super::{Book, key_of_candidate, page_of};
use crate::protocol::candidate::{Candidate, Standing};
use crate::protocol::time::Time;

/// By so many entries a page grows.
const PAGE_STEP: usize = 2;

/// What may have to go for a newcomer, the worst last.
pub(super) type Badness = (bool, bool, u16, u16, u64);

/// What keeps its place in a full book: seeds first, then former peers, then those who have answered, then the patient.
pub(super) type Worth = (bool, Option<Time>, bool, Reverse<u8>);

pub(super) fn worth_of(candidate: &Candidate) -> Worth {
    (candidate.is_seed(), candidate.former(), candidate.has_answered(), Reverse(candidate.failures))
}

impl Book {
    /// Puts a candidate in, if need be in the place of one that is worth less.
    pub(super) fn insert(&self, candidate: Candidate, keep: impl Fn(&Candidate) -> bool) -> bool {
        if self.len() >= self.max {
            let is_shut_out = || self.closed.shuts_out(self.lot(&candidate), keep(&candidate));
            let victim = if candidate.standing == Standing::Former || candidate.is_seed() {
                self.least_worth().filter(|&(worth, _)| worth <= worth_of(&candidate)).map(|(_, least)| least)
            } else if is_shut_out() {
                None
            } else {
                self.worst_hearsay(&candidate, keep)
            };
            let Some(victim) = victim else { return false };
            self.remove(victim);
        }
        let key = key_of_candidate(&candidate);
        let mut page = self.pages.entry(page_of(key.0)).or_default();
        let Err(place) = page.binary_search_by_key(&key, key_of_candidate) else { return true };
        if page.len() == page.capacity() {
            page.reserve_exact(PAGE_STEP);
        }
        page.insert(place, candidate);
        self.count(None, Some(&candidate));
        true
    }

    /// Who is worth least in a book where everybody may have to go.
    fn least_worth(&self) -> Option<(Worth, SocketAddr)> {
        let mut least: Option<(Worth, u64, SocketAddr)> = None;
        self.each(|candidate| {
            let entry = (worth_of(candidate), self.lot(candidate), candidate.address());
            if least.is_none_or(|least| entry < least) {
                least = Some(entry);
            }
        });
        least.map(|(worth, _, address)| (worth, address))
    }

    /// Whom a newcomer may replace: hearsay that is no better, or one that has failed; not anybody who has answered and not
    /// failed since.
    fn worst_hearsay(&self, newcomer: &Candidate, keep: impl Fn(&Candidate) -> bool) -> Option<SocketAddr> {
        let (mut groups, mut sources) = ([0u16; 256], [0u16; 256]);
        let is_hearsay = |candidate: &Candidate| !candidate.has_answered() && !candidate.is_seed();
        self.each(|candidate| {
            if is_hearsay(candidate) {
                groups[usize::from(candidate.group())] += 1;
                sources[usize::from(candidate.source.0)] += 1;
            }
        });
        let quota = (self.max / 16) as u16;
        let badness = |candidate: &Candidate, [more_of_group, more_of_source]: [bool; 2]| -> Badness {
            let group = groups[usize::from(candidate.group())] + u16::from(more_of_group);
            let over = group.saturating_sub(quota);
            let source = sources[usize::from(candidate.source.0)] + u16::from(more_of_source);
            (
                candidate.failures > 0,
                over > 0 || !keep(candidate),
                over,
                source.saturating_sub(quota),
                self.lot(candidate),
            )
        };
        let mut worst: Option<(Badness, Candidate)> = None;
        let kept = self.latest_former();
        self.each(|candidate| {
            let is_open = is_hearsay(candidate) || candidate.failures > 0 && !candidate.is_seed();
            if !is_open || candidate.former().is_some() && kept.contains(&candidate.address()) {
                return;
            }
            let badness = badness(candidate, [false; 2]);
            if worst.is_none_or(|(worst, _)| badness > worst) {
                worst = Some((badness, *candidate));
            }
        });
        let (badness_of_worst, worst) = worst?;
        // In its own group's or source's place it adds none.
        let adds = [newcomer.group() != worst.group(), newcomer.source != worst.source];
        let is_better = badness_of_worst > badness(newcomer, adds);
        if !is_better {
            self.closed.behind(badness_of_worst);
        }
        is_better.then(|| worst.address())
    }
}
