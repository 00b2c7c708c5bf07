//! The search in metrics: copied at each scrape from the board that searching threads write to.

use std::sync::Arc;

use metrics::{Counter, Gauge};

use crate::protocol::{Label, SearchMode, StateView, labels};
use crate::search::{CandidateResult, SearchBoard, SearchErrorKind};

labels! {
    /// What the search is doing. One at a time is 1, the others are 0.
    SearchState {
        /// It is on its way.
        Searching = "searching",
        /// It begins at the next interval: at the start, after a prime, after a pause.
        Waiting = "waiting",
        /// This node does not search.
        Off = "off",
        /// The node sleeps.
        Asleep = "asleep",
        /// Every exponent that can be tested has been.
        Exhausted = "exhausted",
    }
}

impl SearchState {
    /// The state of a node that looks like this and writes to this board.
    fn of(node: &StateView, board: &SearchBoard) -> SearchState {
        if node.asleep {
            return SearchState::Asleep;
        }
        match (node.search_mode, node.searching) {
            (SearchMode::Off, _) => SearchState::Off,
            (SearchMode::Race, true) if board.is_exhausted() => SearchState::Exhausted,
            (SearchMode::Race, true) => SearchState::Searching,
            (SearchMode::Race, false) => SearchState::Waiting,
        }
    }
}

/// The series of the search.
pub(super) struct Search {
    board: Arc<SearchBoard>,
    states: Vec<(SearchState, Gauge)>,
    exponent: Gauge,
    progress: Gauge,
    fft_length: Gauge,
    roundoff: Gauge,
    checkpointed: Gauge,
    frontier: Gauge,
    iterations: Counter,
    candidates: Vec<(CandidateResult, Counter)>,
    errors: Vec<(SearchErrorKind, Counter)>,
}

/// A metric for each label.
fn each<L: Label, M>(make: impl Fn(&'static str) -> M) -> Vec<(L, M)> {
    L::ALL.iter().map(|&label| (label, make(label.as_str()))).collect()
}

impl Search {
    /// Makes the series, all at 0.
    pub(super) fn new(board: Arc<SearchBoard>) -> Search {
        use metrics::{counter, describe_counter, describe_gauge, gauge};
        const STATE: &str = "mersenned_search_state";
        describe_gauge!(STATE, "What the search is doing: 1 for that, 0 for all else.");
        const EXPONENT: &str = "mersenned_search_exponent";
        describe_gauge!(EXPONENT, "The smallest exponent at hand; 0 while nothing is searched.");
        const PROGRESS: &str = "mersenned_search_progress_ratio";
        describe_gauge!(
            PROGRESS,
            "How much of the test of that exponent is done, 0 to 1; 0 while factors are looked for."
        );
        const FFT_LENGTH: &str = "mersenned_search_fft_length";
        describe_gauge!(
            FFT_LENGTH,
            "Points of the transform by which that exponent is tested; 0 for big integers, and while nothing is tested."
        );
        const ROUNDOFF: &str = "mersenned_roundoff_error_max";
        describe_gauge!(
            ROUNDOFF,
            "The largest round-off error of the tests at hand, 0 to 0.5; above 0.4 a result may be wrong."
        );
        const CHECKPOINTED: &str = "mersenned_checkpoint_timestamp_seconds";
        describe_gauge!(
            CHECKPOINTED,
            "When the tests at hand were last made durable, since 1970; 0 while none has been."
        );
        const FRONTIER: &str = "mersenned_frontier_exponent";
        describe_gauge!(
            FRONTIER,
            "Every prime exponent above the largest known Mersenne prime and below this one has been settled by this node; \
            0 before its first search."
        );
        const ITERATIONS: &str = "mersenned_search_iterations_total";
        describe_counter!(ITERATIONS, "Squarings done by the search, on all of its threads.");
        const CANDIDATES: &str = "mersenned_candidates_total";
        describe_counter!(
            CANDIDATES,
            "Exponents settled by the search, by result: composite by a trial factor, composite by a full test, prime. One \
            that is settled again counts again."
        );
        const ERRORS: &str = "mersenned_search_errors_total";
        describe_counter!(
            ERRORS,
            "Computations that went wrong, were noticed and done again from before, by what showed it."
        );
        Search {
            board,
            states: each(|state| gauge!(STATE, "state" => state)),
            exponent: gauge!(EXPONENT),
            progress: gauge!(PROGRESS),
            fft_length: gauge!(FFT_LENGTH),
            roundoff: gauge!(ROUNDOFF),
            checkpointed: gauge!(CHECKPOINTED),
            frontier: gauge!(FRONTIER),
            iterations: counter!(ITERATIONS),
            candidates: each(|result| counter!(CANDIDATES, "result" => result)),
            errors: each(|kind| counter!(ERRORS, "kind" => kind)),
        }
    }

    /// The node has forgotten what it knew, so that nothing above it is settled.
    pub(super) fn forget(&self) {
        self.board.forget();
    }

    /// Copies what is true now.
    pub(super) fn refresh(&self, node: &StateView) {
        let Search {
            board,
            states,
            exponent,
            progress,
            fft_length,
            roundoff,
            checkpointed,
            frontier,
            iterations,
            candidates,
            errors,
        } = self;
        let now = SearchState::of(node, board);
        states.iter().for_each(|(state, gauge)| gauge.set(if *state == now { 1.0 } else { 0.0 }));
        let at_hand = board.at_hand();
        exponent.set(at_hand.map_or(0.0, |at_hand| at_hand.exponent.into()));
        progress.set(at_hand.map_or(0.0, |at_hand| at_hand.progress()));
        fft_length.set(board.fft_length() as f64);
        roundoff.set(board.roundoff());
        checkpointed.set(board.checkpointed() as f64);
        frontier.set(board.frontier() as f64);
        iterations.absolute(board.squarings());
        candidates.iter().for_each(|(result, counter)| counter.absolute(board.candidates(*result)));
        errors.iter().for_each(|(kind, counter)| counter.absolute(board.errors(*kind)));
    }
}
