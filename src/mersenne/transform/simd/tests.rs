use std::f64::consts::TAU;

use super::avx2::Avx2;
use super::avx512::Avx512;
use super::butterfly::butterfly;
use super::complex::{Direction, Forward, Inverse};
use super::lanes::Lanes;
use super::vector::Kernel;
use super::*;
use crate::mersenne::engine::StepError;
use crate::mersenne::transform::length::lengths;

/// Numbers between -1 and 1, as good as random.
struct Noise(u64);

impl Noise {
    fn number(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 as i64 as f64 / i64::MAX as f64
    }

    fn lanes(&mut self) -> [f64; MOST_LANES] {
        std::array::from_fn(|_| self.number())
    }
}

/// Every operation once; the results, lane by lane.
struct Operations([[f64; MOST_LANES]; MOST_LANES]);

impl<S: Simd> Kernel<S> for Operations {
    type Output = Vec<[f64; MOST_LANES]>;

    #[inline(always)]
    fn run(self, s: S) -> Self::Output {
        let mut v = self.0.map(|lanes| s.load(lanes));
        let [a, b, c, ..] = v;
        let mut results = vec![
            s.splat(0.1),
            s.add(a, b),
            s.sub(a, b),
            s.mul(a, b),
            s.mul_add(a, b, c),
            s.mul_sub(a, b, c),
            s.neg_mul_add(a, b, c),
            s.max_abs(a, b),
            s.max_abs(b, a),
            s.select(s.less(a, b), a, c),
            s.shift_in(a, b),
            s.reverse(a),
            s.negate_index(a),
            s.with_first(a, b),
        ];
        s.transpose(&mut v);
        results.extend(&v[..S::LANES]);
        results.into_iter().map(|result| s.store(result)).collect()
    }
}

fn bits(results: Vec<[f64; MOST_LANES]>) -> Vec<[u64; MOST_LANES]> {
    results.into_iter().map(|lanes| lanes.map(f64::to_bits)).collect()
}

fn operations_are_their_twins<S: Simd, T: Simd>() {
    let (Some(simd), Some(twin)) = (S::detect(), T::detect()) else { return };
    let mut noise = Noise(7);
    let special = [f64::NAN, f64::INFINITY, -0.0, 0.0, f64::MAX, 1e-310, -1.0, 0.5];
    for round in 0..1_000 {
        let mut vectors: [[f64; MOST_LANES]; MOST_LANES] = std::array::from_fn(|_| noise.lanes());
        // Not in the arithmetic, where the sign of NaN is the processor's own affair.
        if round % 2 == 0 {
            vectors[3] = special;
        }
        let (ours, theirs) = (simd.run(Operations(vectors)), twin.run(Operations(vectors)));
        assert_eq!(bits(ours), bits(theirs));
    }
}

#[test]
fn every_operation_is_its_safe_twins_bit_for_bit() {
    operations_are_their_twins::<Avx2, Lanes<4>>();
    operations_are_their_twins::<Avx512, Lanes<8>>();
}

#[test]
fn what_is_not_a_number_survives_as_the_larger() {
    fn check<S: Simd>() {
        let Some(s) = S::detect() else { return };
        let mut vectors = [[0.25; MOST_LANES]; MOST_LANES];
        vectors[1] = [f64::NAN; MOST_LANES];
        let results = s.run(Operations(vectors));
        assert!(results[7][..S::LANES].iter().all(|lane| lane.is_nan()));
    }
    check::<Avx2>();
    check::<Avx512>();
    check::<Lanes<4>>();
    check::<Lanes<8>>();
}

/// A butterfly on numbers that are the same in every lane.
struct Points<D, const R: usize>(D, [(f64, f64); R]);

impl<S: Simd, D: Direction, const R: usize> Kernel<S> for Points<D, R> {
    type Output = Vec<(f64, f64)>;

    #[inline(always)]
    fn run(self, s: S) -> Self::Output {
        let mut x = self.1.map(|point| Complex::splat(s, point));
        butterfly(s, self.0, &mut x);
        x.iter().map(|point| (s.store(point.re)[0], s.store(point.im)[0])).collect()
    }
}

fn is_the_transform_by_definition<const R: usize>() {
    let mut noise = Noise(R as u64);
    let points: [(f64, f64); R] = std::array::from_fn(|_| (noise.number(), noise.number()));
    let both = [(Lanes::<8>.run(Points(Forward, points)), -1.0), (Lanes::<8>.run(Points(Inverse, points)), 1.0)];
    for (spectrum, sign) in both {
        for (k, (re, im)) in spectrum.into_iter().enumerate() {
            let terms = points.iter().enumerate().map(|(j, point)| {
                let angle = sign * TAU * (j * k) as f64 / R as f64;
                product(*point, (angle.cos(), angle.sin()))
            });
            let sum = terms.fold((0.0, 0.0), |sum, term| (sum.0 + term.0, sum.1 + term.1));
            assert!((re - sum.0).abs() < 1e-13 && (im - sum.1).abs() < 1e-13, "{R} points, {k}");
        }
    }
}

#[test]
fn every_butterfly_is_the_transform_by_its_definition() {
    is_the_transform_by_definition::<1>();
    is_the_transform_by_definition::<2>();
    is_the_transform_by_definition::<3>();
    is_the_transform_by_definition::<4>();
    is_the_transform_by_definition::<5>();
    is_the_transform_by_definition::<6>();
    is_the_transform_by_definition::<7>();
    is_the_transform_by_definition::<8>();
    is_the_transform_by_definition::<9>();
    is_the_transform_by_definition::<10>();
    is_the_transform_by_definition::<12>();
    is_the_transform_by_definition::<14>();
}

/// All numbers an engine holds, as bits.
fn held<S: Simd>(engine: &SimdEngine<S>) -> Vec<u64> {
    let lanes =
        engine.data.iter().flat_map(|number| [number.re, number.im]).flat_map(|vector| engine.simd.store(vector));
    lanes.map(f64::to_bits).collect()
}

fn engines_are_their_twins<S: Simd, T: Simd>(lengths: impl Iterator<Item = usize>) {
    for length in lengths {
        let p = (8 * length as u64 + 1_000..).find(|&p| Exponent::new(p).is_ok()).unwrap();
        let layout = DigitLayout::new(Exponent::new(p).unwrap(), length).unwrap();
        let (Some(mut engine), Some(mut twin)) = (SimdEngine::<S>::new(layout), SimdEngine::<T>::new(layout)) else {
            return;
        };
        let start = (BigUint::from(3u32).pow(p as u32)) >> 7;
        engine.start(&start, 77);
        twin.start(&start, 77);
        for recurrence in [Recurrence::SquareMinusTwo, Recurrence::Square, Recurrence::SquareMinusTwo] {
            assert_eq!(engine.step(recurrence), twin.step(recurrence));
            assert!(held(&engine) == held(&twin), "{length} points");
            assert_eq!(engine.roundoff().to_bits(), twin.roundoff().to_bits());
        }
        assert_eq!(engine.residue(), twin.residue());
    }
}

#[test]
fn every_kernel_on_avx512_is_its_safe_twin_bit_for_bit() {
    // All numbers of rows and of levels, and one with its first level in the sweep.
    engines_are_their_twins::<Avx512, Lanes<8>>(lengths(EngineKind::Avx512).filter(|&length| length <= 14_336));
    engines_are_their_twins::<Avx512, Lanes<8>>([589_824].into_iter());
}

#[test]
fn every_kernel_on_avx2_is_its_safe_twin_bit_for_bit() {
    engines_are_their_twins::<Avx2, Lanes<4>>(lengths(EngineKind::Avx2).filter(|&length| length <= 14_336));
    engines_are_their_twins::<Avx2, Lanes<4>>([294_912].into_iter());
}

#[test]
fn an_error_is_noticed_where_not_every_squaring_is_measured() {
    let layout = DigitLayout::new(Exponent::new(9_689).unwrap(), 1_024).unwrap();
    let Some(mut engine) = SimdEngine::<Lanes<8>>::new(layout) else { panic!("it runs anywhere") };
    engine.start(&BigUint::from(4u32), 0);
    for _ in 0..100 {
        engine.step(Recurrence::SquareMinusTwo).unwrap();
    }
    super::super::Corruptible::corrupt(&mut engine, 500, &|_| f64::NAN);
    let noticed = (0..MEASURED_ONE_IN).any(|_| engine.step(Recurrence::SquareMinusTwo).is_err());
    assert!(noticed);
    assert!(matches!(engine.residue(), Err(StepError::RoundOff { .. })));
}
