//! Datagrams to messages and back: MessagePack maps with named fields, on serde and rmp-serde.
//!
//! Decoding is strict where it protects and lenient where it lets the format grow. rmp-serde by itself accepts arrays for
//! maps, integers for names, trailing bytes and a depth of 1,024; none of that is accepted here. Nothing is allocated for a
//! datagram that decodes, and never more than a few hundred bytes for one that does not.

use super::message::Message;

mod decode;
mod encode;
#[cfg(test)]
mod tests;

pub use decode::{Refusal, RefusalReason, decode};
pub use encode::encode;
