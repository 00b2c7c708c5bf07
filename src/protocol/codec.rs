//! Datagrams to messages and back: MessagePack maps with named fields, on serde and rmp-serde.
//!
//! Decoding is strict where it protects and lenient where it lets the format grow. rmp-serde by itself accepts arrays for
//! maps, integers for names, strings for bytes, trailing bytes and a depth of 1,024; none of that is accepted here.
//! Nothing at all is allocated for a datagram, whether it decodes or not.
//!
//! [`json`](super::json) reads and writes the same messages as JSON, through the same code.

mod decode;
mod encode;
mod fields;
mod refusal;
#[cfg(test)]
mod tests;
mod value;

pub use decode::decode;
pub(super) use decode::read;
pub use encode::encode;
pub use refusal::{Refusal, RefusalReason};
pub(super) use value::Format;
