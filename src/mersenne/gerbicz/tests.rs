use super::*;
use crate::mersenne::exact::ExactEngine;

fn exponent(p: u64) -> Exponent {
    Exponent::new(p).unwrap()
}

#[test]
fn products_by_squares_are_products() {
    let mut state = 1u64;
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as u32
    };
    for p in [3, 5, 7, 61, 127, 1_279, 4_999] {
        let modulus = (BigUint::ONE << p) - 1u32;
        let mut engine = ExactEngine::new(exponent(p)).unwrap();
        for round in 0..20 {
            let mut random = || BigUint::new((0..p.div_ceil(32)).map(|_| word()).collect()) % &modulus;
            let (a, b) = if round == 0 { (&modulus - 1u32, BigUint::ZERO) } else { (random(), random()) };
            let product = product(&mut engine, &a, &b, word() % p as u32, &Interrupt::new()).unwrap();
            assert_eq!(product, &a * &b % &modulus, "{a} · {b} modulo 2^{p} - 1");
        }
    }
}

#[test]
fn an_interrupt_ends_a_product() {
    let interrupt = Interrupt::new();
    interrupt.request();
    let mut engine = ExactEngine::new(exponent(127)).unwrap();
    let result = product(&mut engine, &BigUint::ONE, &BigUint::ONE, 0, &interrupt);
    assert_eq!(result, Err(NoProduct::Interrupted));
}

#[test]
fn blocks_end_at_the_last_squaring_and_begin_after_a_few() {
    let primes = (3..3_000).chain(100_000..100_500).chain([999_983, 10_000_019, 136_279_841]);
    for p in primes.filter_map(|p| Exponent::new(p).ok()) {
        let blocks = Blocks::of(p);
        assert_eq!((p.get() - blocks.head) % blocks.length, 0, "{p}");
        assert!(blocks.head <= 20, "{p}");
        assert!(blocks.is_end(p.get()) && blocks.is_check(p.get(), p));
        assert_eq!(blocks.end_after(blocks.head), blocks.head + blocks.length);
        assert_eq!(blocks.end_after(blocks.head + blocks.length - 1), blocks.head + blocks.length);
    }
}

#[test]
fn blocks_begin_at_a_power_of_three_below_the_modulus() {
    let mut longer = 0;
    for p in (3..3_000).filter_map(|p| Exponent::new(p).ok()) {
        let modulus = (BigUint::ONE << p.get()) - 1u32;
        let blocks = Blocks::of(p);
        let power = BigUint::ONE << blocks.head;
        assert_eq!(blocks.base(p), BigUint::from(3u32).modpow(&power, &modulus), "{p}");
        longer += u32::from(3f64.log2() * f64::from(1u32 << blocks.head) > f64::from(p.get()));
    }
    assert!(longer > 0, "some powers had to be reduced");
}

#[test]
fn the_length_of_blocks_is_about_the_cheapest() {
    for p in [10_007, 500_009, 10_000_019, 136_279_841].map(exponent) {
        let chosen = Blocks::of(p);
        for other in [chosen.length / 3, chosen.length * 3] {
            assert!(chosen.relative_cost(p) < Blocks::with_length(p, other).relative_cost(p), "{p}, {other}");
        }
    }
}
