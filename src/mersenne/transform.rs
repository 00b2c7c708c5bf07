//! Squaring by a weighted transform of real numbers.

use std::time::Duration;

use super::engine::{EngineError, EngineKind, Squaring};
use super::exponent::Exponent;

pub mod digits;
pub mod length;
mod portable;
mod simd;
pub mod weights;

/// Whether this processor can run the engine.
pub fn is_available(kind: EngineKind) -> bool {
    match kind {
        EngineKind::Exact | EngineKind::Portable => true,
        EngineKind::Avx2 | EngineKind::Avx512 => simd::is_available(kind),
    }
}

/// The engine of this kind and length.
///
/// # Errors
/// [`EngineError::Unavailable`] when this processor cannot run it.
pub fn engine(exponent: Exponent, kind: EngineKind, length: usize) -> Result<Box<dyn Squaring>, EngineError> {
    match kind {
        EngineKind::Exact => Err(EngineError::Unavailable { engine: kind }),
        EngineKind::Portable => Ok(Box::new(portable::PortableEngine::new(exponent, length)?)),
        EngineKind::Avx2 | EngineKind::Avx512 => simd::engine(exponent, kind, length),
    }
}

/// Roughly what a squaring takes.
pub fn typical_step(kind: EngineKind, length: usize) -> Duration {
    let nanoseconds_per_point = match kind {
        EngineKind::Exact | EngineKind::Portable => 4.5,
        EngineKind::Avx2 => 3.0,
        EngineKind::Avx512 => 2.4,
    };
    Duration::from_secs_f64(1e-9 * nanoseconds_per_point * length as f64)
}
