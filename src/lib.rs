#![forbid(unsafe_code)]
pub mod mersenne;
pub mod search;
