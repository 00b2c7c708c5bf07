//! stub
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Exponent(u32);
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExponentError {
    #[error("s")]
    TooSmall,
    #[error("l")]
    TooLarge { limit: u64 },
    #[error("c")]
    Composite { divisor: Option<u64> },
}
impl Exponent {
    pub fn new(n: u64) -> Result<Exponent, ExponentError> {
        if n < 2 {
            return Err(ExponentError::TooSmall);
        }
        if n > u32::MAX as u64 {
            return Err(ExponentError::TooLarge { limit: u32::MAX as u64 });
        }
        let mut d = 2;
        while d * d <= n {
            if n.is_multiple_of(d) {
                return Err(ExponentError::Composite { divisor: Some(d) });
            }
            d += 1;
        }
        Ok(Exponent(n as u32))
    }
    pub fn get(self) -> u64 {
        self.0 as u64
    }
}
impl std::fmt::Display for Exponent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
pub fn looks_like_mersenne_number(n: u64) -> bool {
    n > 2 && n.trailing_ones() + n.leading_zeros() == u64::BITS
}
pub fn quick_factor(_p: Exponent) -> Option<u64> {
    None
}
