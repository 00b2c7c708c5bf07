//! What is done beside the test: trial factors by every kernel of this processor, against the scalar one in the same run;
//! the look for factors of all exponents up to 44,497, against the time of the tests it is balanced with; Jacobi symbols.
//!
//! `cargo bench --bench factors -- P …` calculates symbols for other exponents than 100,003 and 1,000,003.

use std::env;
use std::hint::black_box;
use std::time::{Duration, Instant};

use mersenned::mersenne::factor::{FactorLimit, Kernel, quick_factor, smallest_factor_by};
use mersenned::mersenne::jacobi::{jacobi, typical_time};
use mersenned::mersenne::{Exponent, Interrupt};
use num_bigint::BigUint;

/// Exponents whose numbers have no factor below 2^bits.
const LOOKS: [(u64, u32); 6] =
    [(3_217, 27), (9_689, 31), (44_497, 37), (216_091, 42), (1_257_787, 44), (136_279_841, 48)];

fn exponent(p: u64) -> Exponent {
    Exponent::new(p).expect("a prime")
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn look(kernel: Kernel, p: Exponent, limit: FactorLimit, tried: &mut u64) -> Option<u64> {
    let nothing = FactorLimit::bits(0);
    smallest_factor_by(kernel, p, nothing, limit, &Interrupt::new(), &mut |progress| *tried = progress.tried)
        .expect("no interrupt")
}

fn kernels() {
    for (p, bits) in LOOKS {
        let mut reference = None;
        for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()) {
            let mut tried = 0;
            let times = (0..21).map(|_| {
                let began = Instant::now();
                black_box(look(kernel, exponent(p), FactorLimit::bits(bits), &mut tried));
                began.elapsed().as_secs_f64()
            });
            let time = median(times.collect());
            let ratio = *reference.get_or_insert(time) / time;
            let rate = tried as f64 / time / 1e6;
            println!(
                "M{p} to {bits} bits, {kernel:?}: {:.1} µs, {rate:.0} M candidates/s, {ratio:.1} × scalar",
                1e6 * time
            );
        }
    }
}

/// With the squarings of a transform of 19.3 bits a digit and 2.4 ns a point.
fn all_exponents() {
    let primes: Vec<Exponent> = (2..=44_497).filter_map(|p| Exponent::new(p).ok()).collect();
    for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()) {
        let (mut looking, mut testing, mut factors) = (0.0, 0.0, 0);
        for &p in &primes {
            let squaring = Duration::from_secs_f64(2.4e-9 * f64::from(p.get()) / 19.3);
            let began = Instant::now();
            let limit = FactorLimit::balanced_by(kernel, p, squaring);
            let factor = look(kernel, p, limit, &mut 0);
            looking += began.elapsed().as_secs_f64();
            match factor {
                Some(_) => factors += 1,
                None => testing += f64::from(p.get()) * squaring.as_secs_f64(),
            }
        }
        println!(
            "{} exponents to 44,497, {kernel:?}: {looking:.2} s of {:.1} s, {:.1} %; {factors} factors",
            primes.len(),
            looking + testing,
            100.0 * looking / (looking + testing)
        );
    }
}

fn quick() {
    let times = (0..101).map(|_| {
        let began = Instant::now();
        black_box(quick_factor(exponent(44_497)));
        began.elapsed().as_secs_f64()
    });
    println!("quick factor of M44497, {:?}: {:.1} µs", Kernel::of_this_machine(), 1e6 * median(times.collect()));
}

fn symbols(exponents: &[u64]) {
    for &p in exponents {
        let (mut words, mut state) = (Vec::new(), 88_172_645_463_325_252u64);
        for _ in 0..p / 32 {
            // Marsaglia's xorshift.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            words.push((state >> 16) as u32);
        }
        let value = BigUint::new(words);
        let began = Instant::now();
        black_box(jacobi(&value, exponent(p), &Interrupt::new()).expect("no interrupt"));
        println!("Jacobi symbol at p = {p}: {:.1?}, expected {:.1?}", began.elapsed(), typical_time(exponent(p)));
    }
}

fn main() {
    let exponents: Vec<u64> = env::args().filter_map(|argument| argument.parse().ok()).collect();
    symbols(if exponents.is_empty() { &[100_003, 1_000_003] } else { &exponents });
    quick();
    kernels();
    all_exponents();
}
