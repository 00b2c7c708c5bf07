//! The same messages as JSON, for `POST /gossip/` and for people.
//!
//! The fields are those of the datagram, with the names and types of protocol.md, section 2; what is bin there is a string
//! of lower-case hex digits here. Read by the datagram's own reader: what is refused there is refused here.

use super::codec::{Format, Refusal, RefusalReason, read};
use super::message::Message;

/// The longest JSON that is read, in bytes. Any message that fits a datagram fits this, written without needless space.
pub const MAX_JSON: usize = 4_096;

/// A message as a JSON object. `None` and `false` are left out of the exchange, as in a datagram.
pub fn to_json(message: &Message) -> serde_json::Value {
    // Only a map with keys that are no strings, or an error of our own, could make this fail; there is neither.
    serde_json::to_value(message).unwrap_or_default()
}

/// Reads a message from JSON.
///
/// # Errors
/// As [`decode`](super::codec::decode); [`RefusalReason::TooLong`] means more than [`MAX_JSON`] bytes.
pub fn from_json(text: &[u8]) -> Result<Message, Refusal> {
    if text.len() > MAX_JSON {
        return Err(Refusal::whole(RefusalReason::TooLong));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let message = read(&mut deserializer, Format::Json, |error| {
        if error.is_eof() { RefusalReason::Truncated } else { RefusalReason::Malformed }
    })?;
    match deserializer.end() {
        Ok(()) => Ok(message),
        Err(_) => Err(Refusal::whole(RefusalReason::Trailing)),
    }
}

#[cfg(test)]
mod tests;
