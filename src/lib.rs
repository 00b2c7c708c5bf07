#![forbid(unsafe_code)]
pub mod mersenne;
pub mod protocol;
pub mod search;
