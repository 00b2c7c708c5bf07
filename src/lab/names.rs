//! What a lab calls its nodes: first names of people who looked for primes, or for what primes are.

/// Mersenne, Lucas and Lehmer first; the tests are theirs.
const NAMES: [&str; 40] = [
    "Marin",
    "Édouard",
    "Derrick",
    "Sophie",
    "Pierre",
    "Leonhard",
    "Emmy",
    "Srinivasa",
    "Ada",
    "Euclid",
    "Hypatia",
    "Carl",
    "Adrien",
    "Pafnuty",
    "Bernhard",
    "Emma",
    "Landon",
    "Raphael",
    "Hans",
    "Landry",
    "Laura",
    "Roland",
    "Nayan",
    "Curtis",
    "Julia",
    "Raymond",
    "Maryam",
    "Yitang",
    "Terence",
    "Paul",
    "Atle",
    "Jacques",
    "Olga",
    "Ivan",
    "Viggo",
    "Alan",
    "Ron",
    "Carlos",
    "Jürgen",
    "Luke",
];

/// The name of the n-th node of a lab, from 0; after the last name they have none.
pub(super) fn name(n: usize) -> Option<&'static str> {
    NAMES.get(n).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_nodes_have_the_same_name() {
        let names: std::collections::BTreeSet<_> = NAMES.into_iter().collect();
        assert_eq!(names.len(), NAMES.len());
    }
}
