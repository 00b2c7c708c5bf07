//! The portable engine: a weighted transform on the library rustfft, on any processor, in safe code.
//!
//! Uses digits, weights and rustfft, which picks AVX, SSE or NEON when the program runs. The n digits lie in their order as n/2
//! complex numbers. A step is a forward transform, the `pairing` that squares where it lies, the same transform again, which
//! on conjugates is the inverse, and one `carry` sweep over the digits.

use std::sync::Arc;

use num_bigint::BigUint;
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

use super::digits::DigitLayout;
use super::roundoff::RoundOff;
use crate::mersenne::engine::{EngineKind, Recurrence, Squaring, StepError};
use crate::mersenne::exponent::Exponent;

mod carry;
mod pairing;

use carry::CarrySweep;
use pairing::Pairing;

/// A residue modulo 2^p - 1 as weighted digits.
pub struct PortableEngine {
    layout: DigitLayout,
    /// Weighted digits 2k and 2k + 1 are the real and the imaginary part of number k.
    data: Vec<Complex<f64>>,
    transform: Arc<dyn Fft<f64>>,
    scratch: Vec<Complex<f64>>,
    pairing: Pairing,
    carry: CarrySweep,
    shift: u32,
    roundoff: RoundOff,
}

impl PortableEngine {
    /// An engine for residues in this layout, its residue 0.
    pub(super) fn new(layout: DigitLayout) -> Self {
        let length = layout.length();
        let transform = FftPlanner::new().plan_fft_forward(length / 2);
        let zero = Complex::new(0.0, 0.0);
        PortableEngine {
            layout,
            data: vec![zero; length / 2],
            scratch: vec![zero; transform.get_inplace_scratch_len()],
            transform,
            pairing: Pairing::new(length / 2),
            carry: CarrySweep::new(layout),
            shift: 0,
            roundoff: RoundOff::default(),
        }
    }
}

impl Squaring for PortableEngine {
    fn kind(&self) -> EngineKind {
        EngineKind::Portable
    }

    fn exponent(&self) -> Exponent {
        self.layout.exponent()
    }

    fn length(&self) -> Option<usize> {
        Some(self.layout.length())
    }

    fn start(&mut self, value: &BigUint, shift: u32) {
        self.shift = shift % self.exponent().get();
        self.roundoff = RoundOff::default();
        self.layout.split(value, self.shift, |index, digit| {
            let weighted = digit as f64 * self.carry.weight(index);
            let number = &mut self.data[index / 2];
            if index % 2 == 0 {
                number.re = weighted;
            } else {
                number.im = weighted;
            }
        });
    }

    fn step(&mut self, recurrence: Recurrence) -> Result<(), StepError> {
        let p = u64::from(self.exponent());
        self.shift = (u64::from(self.shift) * 2 % p) as u32;
        let less = match recurrence {
            Recurrence::Square => None,
            Recurrence::SquareMinusTwo => {
                let (digit, offset) = self.layout.place(((u64::from(self.shift) + 1) % p) as u32);
                Some((digit, (1u64 << offset) as f64))
            }
        };
        self.transform.process_with_scratch(&mut self.data, &mut self.scratch);
        self.pairing.square(&mut self.data);
        self.transform.process_with_scratch(&mut self.data, &mut self.scratch);
        let measured = self.carry.sweep(&mut self.data, less);
        self.roundoff.note(measured);
        self.roundoff.check()
    }

    fn shift(&self) -> u32 {
        self.shift
    }

    fn roundoff(&self) -> f64 {
        self.roundoff.largest()
    }

    fn residue(&self) -> Result<BigUint, StepError> {
        self.roundoff.check()?;
        let mut all_right = true;
        let digits = self.data.iter().flat_map(|number| [number.re, number.im]).enumerate().map(|(index, weighted)| {
            let digit = self.carry.digit(index, weighted);
            all_right &= digit.is_some();
            digit.unwrap_or(0)
        });
        let residue = self.layout.join(digits, self.shift);
        if all_right {
            Ok(residue)
        } else {
            Err(StepError::SelfCheck { property: "every digit is an integer and in its range" })
        }
    }
}

#[cfg(test)]
impl super::Corruptible for PortableEngine {
    fn corrupt(&mut self, index: usize, change: &dyn Fn(f64) -> f64) {
        let number = &mut self.data[index / 2];
        let part = if index.is_multiple_of(2) { &mut number.re } else { &mut number.im };
        *part = change(*part);
    }
}
