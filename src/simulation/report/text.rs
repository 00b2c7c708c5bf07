//! A report as people read it.

use std::fmt;

use super::{Report, Spread, Times, Upkeep};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hostile = match self.adversaries {
            0 => String::new(),
            some => format!(", {} of them hostile", count(some as u64)),
        };
        writeln!(
            f,
            "seed {}: {} hosts{hostile}, {} virtual seconds",
            self.seed,
            count(self.hosts as u64),
            self.seconds
        )?;
        for prime in &self.primes {
            write!(f, "\n{prime}")?;
        }
        let Upkeep { from, pings, pongs, primes, bytes } = self.upkeep;
        writeln!(f)?;
        line(
            f,
            "upkeep",
            format_args!(
                "{:.2} datagrams per node and second from {from:.0} s on: {pings:.2} PING, {pongs:.2} PONG (and {primes:.2} \
                 PRIME); {bytes:.0} bytes",
                self.upkeep.pings_and_pongs()
            ),
        )?;
        let degrees = &self.degrees;
        line(f, "active peers", format_args!("{} to {}, on average {:.2}", degrees.min, degrees.max, degrees.mean))?;
        let ring = self.ring;
        let share = 100.0 * ring.right as f64 / ring.nodes.max(1) as f64;
        let (right, nodes) = (count(ring.right as u64), count(ring.nodes as u64));
        line(f, "ring", format_args!("{right} of {nodes} nodes know their true neighbours: {share:.3} %"))?;
        line(f, "components", format_args!("{}", self.components))?;
        match self.converged_after {
            Some(seconds) => line(f, "at rest", format_args!("{seconds:.1} s after the last start, fault or repair"))?,
            None => line(f, "at rest", format_args!("never: ring or connection were not right at the end"))?,
        }
        let happened: Vec<String> =
            self.faults.iter().chain(&self.rarities).map(|(what, times)| format!("{} {what}", count(*times))).collect();
        if !happened.is_empty() {
            line(f, "happened", format_args!("{}", happened.join(", ")))?;
        }
        line(f, "trace", format_args!("{} of {} datagrams", self.trace_hash, count(self.datagrams)))?;
        let real = self.real;
        let memory = real.peak_memory.map(|bytes| format!("; {} MiB at the peak", bytes >> 20)).unwrap_or_default();
        let speed = if real.speed >= 10.0 { format!("{:.0}", real.speed) } else { format!("{:.2}", real.speed) };
        let (seconds, core) = (real.seconds, real.core_seconds);
        line(
            f,
            "took",
            format_args!("{seconds:.2} s, {core:.2} s of one core: {speed} × real time on one core{memory}"),
        )
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.msg_id.map(|id| format!(" (msg_id {id})")).unwrap_or_default();
        let (finder, at, seconds) = (self.finder, self.found_at, self.watched_for);
        writeln!(f, "M{} found by host {finder} at {at:.3} s{id}, watched for {seconds:.1} s", self.exponent)?;
        writeln!(f, "{:<16}{:>10}{:>10}{:>10}{:>10}", "  seconds to", "50 %", "90 %", "99 %", "100 %")?;
        times(f, "heard", &self.heard)?;
        times(f, "verified", &self.verified)?;
        line(f, "hops", format_args!("{:.2} on average, at most {}", self.hops_mean, self.hops_max))?;
        line(f, "datagrams", format_args!("{:.2} PRIMEs per node", self.datagrams_per_node))
    }
}

fn times(f: &mut fmt::Formatter<'_>, name: &str, times: &Times) -> fmt::Result {
    write!(f, "  {name:<14}")?;
    for percent in [50.0, 90.0, 99.0, 100.0] {
        match times.percent(percent) {
            Some(seconds) => write!(f, "{seconds:>10.3}")?,
            None => write!(f, "{:>10}", "-")?,
        }
    }
    writeln!(f, "  of {} nodes", count(times.nodes() as u64))
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, value: fmt::Arguments<'_>) -> fmt::Result {
    writeln!(f, "  {name:<14}{value}")
}

/// A number with its thousands apart.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Degrees, Real, Ring};
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_report_says_what_was_measured() {
        let prime = Spread {
            exponent: 61,
            msg_id: Some(77),
            finder: 3,
            found_at: 40.25,
            watched_for: 19.75,
            heard: Times::new(4, vec![0.0, 0.1, 0.2, 0.3]),
            verified: Times::new(4, vec![0.0, 0.5]),
            hops_mean: 1.5,
            hops_max: 2,
            datagrams_per_node: 5.75,
        };
        let report = Report {
            seed: 9,
            seconds: 60.0,
            hosts: 10_000,
            adversaries: 1_234,
            nodes: 4,
            primes: vec![prime],
            upkeep: Upkeep { from: 30.0, pings: 2.5, pongs: 2.75, primes: 0.1, bytes: 812.3 },
            degrees: Degrees::new(vec![0, 1, 3]),
            ring: Ring { nodes: 4, right: 3 },
            components: 2,
            converged_after: None,
            faults: BTreeMap::from([("datagrams lost", 17_000)]),
            trace_hash: "00ff".to_owned(),
            datagrams: 123_456,
            real: Real { seconds: 3.0, core_seconds: 2.0, speed: 30.0, peak_memory: Some(300 << 20) },
            ..Report::default()
        };
        let expected = "\
seed 9: 10,000 hosts, 1,234 of them hostile, 60 virtual seconds

M61 found by host 3 at 40.250 s (msg_id 77), watched for 19.8 s
  seconds to          50 %      90 %      99 %     100 %
  heard              0.100     0.300     0.300     0.300  of 4 nodes
  verified           0.500         -         -         -  of 4 nodes
  hops          1.50 on average, at most 2
  datagrams     5.75 PRIMEs per node

  upkeep        5.25 datagrams per node and second from 30 s on: 2.50 PING, 2.75 PONG (and 0.10 PRIME); 812 bytes
  active peers  1 to 2, on average 1.75
  ring          3 of 4 nodes know their true neighbours: 75.000 %
  components    2
  at rest       never: ring or connection were not right at the end
  happened      17,000 datagrams lost
  trace         00ff of 123,456 datagrams
  took          3.00 s, 2.00 s of one core: 30 × real time on one core; 300 MiB at the peak
";
        assert_eq!(report.to_string(), expected);
        let rested = Report { converged_after: Some(2.0), ..report };
        assert!(rested.to_string().contains("at rest       2.0 s after"), "{rested}");
    }
}
