//! Squaring by a weighted transform of real numbers.

use std::time::Duration;

use super::engine::{EngineError, EngineKind, Squaring};
use super::exponent::Exponent;

pub mod digits;
pub mod length;
mod portable;
pub mod weights;

use portable::PortableEngine;

/// Whether this processor can run the engine.
pub fn is_available(kind: EngineKind) -> bool {
    match kind {
        EngineKind::Exact | EngineKind::Portable => true,
        EngineKind::Avx2 | EngineKind::Avx512 => false,
    }
}

/// The engine of this kind and length.
///
/// # Errors
/// [`EngineError::Unavailable`] when this processor cannot run it, and what the engine says of the exponent and the length.
pub fn engine(exponent: Exponent, kind: EngineKind, length: usize) -> Result<Box<dyn Squaring>, EngineError> {
    match kind {
        EngineKind::Portable => Ok(Box::new(PortableEngine::new(exponent, length)?)),
        EngineKind::Exact | EngineKind::Avx2 | EngineKind::Avx512 => Err(EngineError::Unavailable { engine: kind }),
    }
}

/// Roughly what a squaring takes.
pub fn typical_step(kind: EngineKind, length: usize) -> Duration {
    let nanoseconds_per_point = match kind {
        // Measured from 480 to 40,960 points; more beyond the caches.
        EngineKind::Exact | EngineKind::Portable => 4.5,
        EngineKind::Avx2 => 3.0,
        EngineKind::Avx512 => 2.4,
    };
    Duration::from_secs_f64(1e-9 * nanoseconds_per_point * length as f64)
}
