//! What has been found out about one condition.

/// Whether a condition holds, and what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// As in [`Condition`](super::Condition).
    pub(super) holds: Option<bool>,
    /// In words, without times that pass while one reads.
    pub(super) why: String,
}

impl Finding {
    /// Nothing has shown it yet.
    pub(super) fn unseen(why: impl Into<String>) -> Finding {
        Finding { holds: None, why: why.into() }
    }

    /// It was seen to hold.
    pub(super) fn holds(why: impl Into<String>) -> Finding {
        Finding { holds: Some(true), why: why.into() }
    }

    /// It was seen not to.
    pub(super) fn fails(why: impl Into<String>) -> Finding {
        Finding { holds: Some(false), why: why.into() }
    }

    /// Whether it was seen not to hold.
    pub(super) fn has_failed(&self) -> bool {
        self.holds == Some(false)
    }
}

/// The first that failed; else the first that was not seen; else the last. `None` when there are none.
pub(super) fn all(findings: Vec<Finding>) -> Option<Finding> {
    let worst = |holds: Option<bool>| match holds {
        Some(false) => 0,
        None => 1,
        Some(true) => 2,
    };
    // Of equals the first is taken.
    findings.into_iter().min_by_key(|finding| worst(finding.holds))
}

/// Seconds, as people say them.
pub(super) fn seconds(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds.fract() == 0.0 { format!("{seconds} s") } else { format!("{seconds:.1} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_outweighs_what_was_not_seen_and_that_what_holds() {
        let (good, open, bad) = (Finding::holds("good"), Finding::unseen("open"), Finding::fails("bad"));
        assert_eq!(all(vec![good.clone(), open.clone(), bad.clone()]), Some(bad));
        assert_eq!(all(vec![good.clone(), open.clone()]), Some(open));
        assert_eq!(all(vec![good.clone()]), Some(good));
        assert_eq!(all(Vec::new()), None);
    }
}
