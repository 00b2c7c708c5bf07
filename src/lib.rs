#![forbid(unsafe_code)]
pub mod daemon;
pub mod mersenne;
pub mod protocol;
