//! The residues stored in the program: for the largest exponent of each length, what 1,000 squarings from 4 end with.
//!
//! Uses exponents. The file beside this one is written by `mersenned selftest --generate`: each residue was computed by two
//! different engines that agreed.

use std::collections::BTreeMap;

use crate::mersenne::{Exponent, Res64};

/// Columns: exponent, iterations, Res64, the engines that agreed.
const FILE: &str = include_str!("residues.csv");

/// The stored residues by exponent and iterations.
#[derive(Debug)]
pub(super) struct Stored(BTreeMap<(Exponent, u32), Res64>);

impl Stored {
    /// The program's own.
    pub(super) fn load() -> Stored {
        Stored(FILE.lines().filter_map(parse).collect())
    }

    /// The residue after so many squarings.
    pub(super) fn find(&self, exponent: Exponent, iterations: u32) -> Option<Res64> {
        self.0.get(&(exponent, iterations)).copied()
    }

    /// The line of a residue as it is stored.
    pub(super) fn line(exponent: Exponent, iterations: u32) -> Option<&'static str> {
        FILE.lines().find(|line| parse(line).is_some_and(|(key, _)| key == (exponent, iterations)))
    }

    /// Every exponent of which there is a residue, ascending.
    pub(super) fn exponents(&self) -> impl Iterator<Item = Exponent> {
        self.0.keys().map(|(exponent, _)| *exponent)
    }
}

/// `None` for a line that holds no residue: the heading.
fn parse(line: &str) -> Option<((Exponent, u32), Res64)> {
    let mut columns = line.split(',');
    let exponent = Exponent::new(columns.next()?.parse().ok()?).ok()?;
    let iterations = columns.next()?.parse().ok()?;
    Some(((exponent, iterations), Res64::new(u64::from_str_radix(columns.next()?, 16).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_but_the_heading_holds_a_residue_by_two_engines() {
        assert_eq!(FILE.lines().next(), Some("exponent,iterations,res64,engines"));
        for line in FILE.lines().skip(1) {
            let ((exponent, iterations), res64) = parse(line).unwrap_or_else(|| panic!("{line}"));
            let engines: Vec<&str> = line.split(',').nth(3).unwrap_or_default().split(" + ").collect();
            assert!(engines.len() == 2 && engines[0] != engines[1], "{line}");
            assert_eq!(Stored::load().find(exponent, iterations), Some(res64), "{line}");
            assert_eq!(Stored::line(exponent, iterations), Some(line));
        }
    }
}
