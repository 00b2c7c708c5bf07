#![forbid(unsafe_code)]
pub mod mersenne;
