//! Engines as people choose and read them: names, lengths, and the exponents that each length is measured with.
//!
//! Uses plans.

use anyhow::{Result, bail};

use crate::mersenne::transform::length;
use crate::mersenne::{EngineError, EngineKind, EngineSet, Exponent, Plan};

/// Reads the name of an engine on a command line.
pub(super) fn parse_engine(name: &str) -> Result<EngineKind, String> {
    EngineKind::named(name).ok_or_else(|| {
        let names: Vec<&str> = EngineKind::ALL.into_iter().map(EngineKind::name).collect();
        format!("the engines are {}", names.join(", "))
    })
}

/// This engine, or all that there are.
///
/// # Errors
/// When this machine cannot run the one that is wanted.
pub(super) fn engines(wanted: Option<EngineKind>) -> Result<EngineSet> {
    let here = EngineSet::of_this_machine();
    match wanted {
        None => Ok(here),
        Some(kind) if here.contains(kind) => Ok([kind].into_iter().collect()),
        Some(engine) => {
            let names: Vec<&str> = here.iter().map(EngineKind::name).collect();
            bail!("{}; there are: {}", EngineError::Unavailable { engine }, names.join(", "))
        }
    }
}

/// The plan that the flags ask for; `None` leaves the choice to the exponent.
///
/// # Errors
/// When no engine here is as wanted.
pub(super) fn plan(exponent: Exponent, wanted: Option<EngineKind>, length: Option<usize>) -> Result<Option<Plan>> {
    let engines = engines(wanted)?;
    match length {
        None if wanted.is_none() => Ok(None),
        None => Ok(Some(Plan::fastest(exponent, engines)?)),
        Some(length) => {
            let mut refused = EngineError::NoSuchLength { exponent, engine: EngineKind::Exact, length };
            for kind in engines.iter().rev() {
                match Plan::with_length(exponent, kind, length) {
                    Ok(plan) => return Ok(Some(plan)),
                    Err(error) => refused = error,
                }
            }
            Err(refused.into())
        }
    }
}

/// A length as people who know transforms write it: in units of 1,024 where it is a multiple.
pub(super) fn points(length: usize) -> String {
    if length >= 1_024 && length.is_multiple_of(1_024) { format!("{}K", length / 1_024) } else { length.to_string() }
}

/// Reads a length on a command line: a number of points, in units of 1,024 with a K, of 1,048,576 with an M.
pub(super) fn parse_points(text: &str) -> Result<usize, String> {
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 1 << 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 1 << 20),
        _ => (text, 1),
    };
    let number: Option<usize> = digits.parse().ok();
    let points = number
        .and_then(|number| number.checked_mul(unit))
        .filter(|points| (length::SHORTEST..=length::LONGEST).contains(points));
    points.ok_or_else(|| {
        format!(
            "a length is a number of points from {} to {}, such as 3072K",
            length::SHORTEST,
            self::points(length::LONGEST)
        )
    })
}

/// This kind of engine at this length, with the largest prime exponent that the length is for; `None` when there is none.
pub(super) fn at_its_limit(kind: EngineKind, length: usize) -> Option<Plan> {
    let largest = length::largest_exponent(kind, length);
    let exponent = (2..=largest).rev().find_map(|number| Exponent::new(number.into()).ok())?;
    Plan::with_length(exponent, kind, length).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_in_k_where_they_are_multiples() {
        assert_eq!(points(128), "128");
        assert_eq!(points(1_152), "1152");
        assert_eq!(points(3 << 20), "3072K");
    }

    #[test]
    fn lengths_are_read_with_their_units() {
        assert_eq!(parse_points("384"), Ok(384));
        assert_eq!(parse_points("3072K"), Ok(3 << 20));
        assert_eq!(parse_points("8M"), Ok(8 << 20));
        for wrong in ["", "K", "0", "64", "9M", "x", "12KK", "99999999999999999999"] {
            assert!(parse_points(wrong).unwrap_err().contains("from 128 to 8192K"), "{wrong}");
        }
    }

    #[test]
    fn every_length_has_a_prime_exponent_near_its_limit() {
        for kind in [EngineKind::Portable, EngineKind::Avx2, EngineKind::Avx512] {
            for length in length::lengths(kind) {
                let plan = at_its_limit(kind, length).unwrap();
                let largest = length::largest_exponent(kind, length);
                let exponent = plan.exponent().get();
                assert!(exponent <= largest && exponent > largest - largest.min(600), "{kind} {length}: {exponent}");
                assert_eq!(Plan::of(plan.exponent(), kind).unwrap().length(), Some(length), "no shorter one will do");
            }
        }
    }
}
