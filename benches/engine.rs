//! What a Lucas–Lehmer iteration takes, by exponent and engine, against GMP and against another program's loop.
//!
//!     taskset -c 1 cargo bench --bench engine [-- [--quick] [EXPONENT …]]
//!
//! Rounds are interleaved: each measures everything once, and the medians of five are shown, so that a machine that is
//! slower for a while is slower for all. GMP is there if `cc` and libgmp are: `gmp.c` is compiled for it. `LL_YARDSTICK` may
//! name a program that is called as `PROGRAM EXPONENT ITERATIONS REPEATS` and prints lines with `us/iter=…`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use mersenned::mersenne::{EngineKind, EngineSet, Exponent, Plan, Recurrence, Squaring};
use num_bigint::BigUint;

const EXPONENTS: [u64; 11] =
    [4_423, 9_689, 19_937, 44_497, 86_243, 110_503, 216_091, 756_839, 3_021_377, 20_996_011, 82_589_933];
const QUICK: [u64; 4] = [9_689, 44_497, 216_091, 3_021_377];
const ROUNDS: usize = 5;
const ROUND_SECONDS: f64 = 0.3;
/// Larger exponents would take the slow ones minutes.
const EXACT_BELOW: u32 = 50_000;
const GMP_UP_TO: u32 = 216_091;
/// From here on a few iterations have to do.
const LARGE: u32 = 1_000_000;
const YARDSTICK_FROM: u32 = 9_600;

/// Something that iterates.
enum Contestant {
    Engine(Box<dyn Squaring>),
    Program { path: PathBuf, exponent: Exponent },
}

impl Contestant {
    /// Microseconds of one of so many iterations, or why there is no such figure.
    fn measure(&mut self, iterations: u64) -> Result<f64, String> {
        match self {
            Contestant::Engine(engine) => {
                let begin = Instant::now();
                for _ in 0..iterations {
                    engine.step(Recurrence::SquareMinusTwo).map_err(|error| error.to_string())?;
                }
                Ok(1e6 * begin.elapsed().as_secs_f64() / iterations as f64)
            }
            Contestant::Program { path, exponent } => {
                let arguments = [exponent.to_string(), iterations.to_string(), "1".to_owned()];
                let output = Command::new(&*path).args(arguments).output().map_err(|error| error.to_string())?;
                let text = String::from_utf8_lossy(&output.stdout);
                let figure =
                    text.split("us/iter=").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse().ok());
                figure.ok_or_else(|| format!("{} said: {}", path.display(), text.trim()))
            }
        }
    }
}

/// A column of the table, for one exponent.
struct Entry {
    name: String,
    contestant: Contestant,
    iterations: u64,
    measured: Vec<f64>,
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let chosen: Vec<u64> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    let exponents = match (chosen.is_empty(), is_quick) {
        (false, _) => chosen,
        (true, true) => QUICK.to_vec(),
        (true, false) => EXPONENTS.to_vec(),
    };
    let gmp = compile_gmp().inspect_err(|reason| println!("without GMP: {reason}")).ok();
    let yardstick = env::var_os("LL_YARDSTICK").map(PathBuf::from);
    if yardstick.is_none() {
        println!("without a loop from outside: LL_YARDSTICK is not set");
    }
    println!(
        "microseconds of an iteration, medians of {ROUNDS} interleaved rounds; ratios above 1: the first is faster"
    );
    for candidate in exponents {
        match Exponent::new(candidate) {
            Ok(exponent) => row(exponent, gmp.as_deref(), yardstick.as_deref()),
            Err(error) => println!("{candidate}: {error}"),
        }
    }
}

/// Measures everything at one exponent, and prints it.
fn row(exponent: Exponent, gmp: Option<&Path>, yardstick: Option<&Path>) {
    let mut entries: Vec<Entry> =
        EngineSet::of_this_machine().iter().filter_map(|kind| engine(exponent, kind)).collect();
    let program =
        |name: &str, path: &Path| entry(name.to_owned(), Contestant::Program { path: path.to_owned(), exponent });
    entries.extend(gmp.filter(|_| exponent.get() <= GMP_UP_TO).and_then(|path| program("gmp", path)));
    entries.extend(yardstick.filter(|_| exponent.get() >= YARDSTICK_FROM).and_then(|path| program("yardstick", path)));
    for _ in 0..ROUNDS {
        for entry in &mut entries {
            match entry.contestant.measure(entry.iterations) {
                Ok(microseconds) => entry.measured.push(microseconds),
                Err(reason) => println!("{exponent}, {}: {reason}", entry.name),
            }
        }
    }
    let medians: Vec<(&str, f64)> =
        entries.iter().filter_map(|entry| Some((entry.name.as_str(), median(&entry.measured)?))).collect();
    let of =
        |wanted: &str| medians.iter().find(|(name, _)| name.split(' ').next() == Some(wanted)).map(|(_, time)| *time);
    println!("p = {exponent}");
    for &(name, time) in &medians {
        let mut line = format!("  {name:<18} {time:>12.2} µs");
        for reference in ["gmp", "yardstick"] {
            if let Some(theirs) = of(reference).filter(|_| !name.starts_with(reference)) {
                line += &format!("   {reference}/{} {:.2}", name.split(' ').next().unwrap_or(name), theirs / time);
            }
        }
        println!("{line}");
    }
    if let (Some(avx2), Some(avx512)) = (of("avx2"), of("avx512")) {
        println!("  avx2/avx512 {:.2}", avx2 / avx512);
    }
}

/// An engine with its shortest transform, warm: after 64 iterations the residue has its full size.
fn engine(exponent: Exponent, kind: EngineKind) -> Option<Entry> {
    if kind == EngineKind::Exact && exponent.get() >= EXACT_BELOW {
        return None;
    }
    let plan = Plan::of(exponent, kind).inspect_err(|reason| println!("{exponent}: {reason}")).ok()?;
    let mut engine = plan.build().inspect_err(|reason| println!("{exponent}: {reason}")).ok()?;
    // 6² - 4 is a square modulo every M, since 2 is: from 6 the sequence never ends in 0, -2, 2, 2 …, on which big integers
    // would have an easy time. Large ones start with all their bits: a few iterations do not get there.
    let value = if exponent.get() > LARGE { (BigUint::ONE << exponent.get()) / 3u32 } else { BigUint::from(6u32) };
    engine.start(&value, 1);
    let name = plan.length().map_or_else(|| kind.to_string(), |length| format!("{kind} {length}"));
    let mut contestant = Contestant::Engine(engine);
    let warm = if exponent.get() > LARGE { 3 } else { 64 };
    contestant.measure(warm).inspect_err(|reason| println!("{exponent}, {name}: {reason}")).ok()?;
    entry(name, contestant)
}

/// Finds out how many iterations a round has.
fn entry(name: String, mut contestant: Contestant) -> Option<Entry> {
    let trial = contestant.measure(3).inspect_err(|reason| println!("{name}: {reason}")).ok()?;
    let iterations = ((ROUND_SECONDS * 1e6 / trial) as u64).max(3);
    Some(Entry { name, contestant, iterations, measured: Vec::new() })
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// The program of `gmp.c`, compiled beside the benchmark.
fn compile_gmp() -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/gmp.c");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("gmp");
    let mut compiler = Command::new("cc");
    compiler.arg("-O2").arg("-o").arg(&program).arg(source).arg("-lgmp");
    let output = compiler.output().map_err(|error| format!("cc does not start: {error}"))?;
    if output.status.success() {
        Ok(program)
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("cc fails: {}", said.lines().next().unwrap_or("silently")))
    }
}
