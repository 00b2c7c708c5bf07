//! `mersenned decode`: a captured datagram as JSON, or why every node would refuse it.
//!
//! What it prints is the datagram's message and nothing else, so it can be handed on, to `jq` or to `POST /gossip/`.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};

use crate::protocol::codec::{self, Refusal, RefusalReason};
use crate::protocol::message::MAX_DATAGRAM;

/// The most that is read from a file, in bytes: any UDP datagram, as widely spaced hex digits too.
const MAX_INPUT: u64 = 1 << 20;

const EXAMPLES: &str = "\
Examples:
  A plain PING, from its hex digits:
    mersenned decode 86a86d73675f74797065a450494e47a66d73675f696400\\
    ad6d73675f666f72776172646572cd1389ae6d73675f6f726967696e61746f72cd1389\\
    a374746c00a464617461c0

  What a Python program is about to send:
    python3 -c 'import msgpack, sys; sys.stdout.buffer.write(msgpack.packb(
      {\"msg_type\": \"PRIME\", \"msg_id\": 1, \"msg_forwarder\": 5001,
       \"msg_originator\": 5001, \"ttl\": 2, \"data\": 31}))' | mersenned decode

  A hex dump from Wireshark (\"Copy as Hex Stream\"), saved in a file:
    mersenned decode --hex --file dump.txt

A datagram that a node would refuse ends with exit status 1, and the reason on standard error.";

/// Show a datagram as JSON, or say why it is refused
///
/// Reads one MessagePack datagram and prints its message as JSON: the fields in the protocol's order, bytes as hex digits.
/// Names that the protocol does not have are skipped, as every node skips them. Without HEX and --file, raw bytes are read
/// from standard input.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DecodeArgs {
    /// The datagram as hex digits; spaces, colons, commas and 0x are ignored, several arguments are one datagram
    #[arg(value_name = "HEX", conflicts_with = "file")]
    digits: Vec<String>,

    /// Read the datagram from this file, as raw bytes; - is standard input
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,

    /// The file or standard input holds hex digits instead, spaced like HEX
    #[arg(long)]
    hex: bool,
}

/// Prints the message on standard output.
///
/// # Errors
/// Input that cannot be read, or is no hex where hex is wanted; a datagram that is refused, with the reason and what to do.
pub fn decode(args: DecodeArgs) -> anyhow::Result<()> {
    let datagram = args.datagram()?;
    match codec::decode(&datagram) {
        Ok(message) => {
            let mut out = io::stdout().lock();
            serde_json::to_writer_pretty(&mut out, &message)?;
            writeln!(out)?;
            Ok(())
        }
        Err(refusal) => {
            let what = refusal.reason.as_str();
            bail!("this datagram is refused ({what}): {refusal}\n{}", advice(refusal, &datagram))
        }
    }
}

impl DecodeArgs {
    /// The bytes of the datagram, from wherever it is.
    fn datagram(&self) -> anyhow::Result<Vec<u8>> {
        if !self.digits.is_empty() {
            return from_hex(&self.digits.join(" "));
        }
        let bytes = match &self.file {
            Some(path) if path != Path::new("-") => {
                let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
                read(file).with_context(|| format!("cannot read {}", path.display()))?
            }
            Some(_) => read(io::stdin())?,
            None if io::stdin().is_terminal() => {
                bail!("no datagram: give it as hex digits, with --file PATH, or through a pipe; see --help")
            }
            None => read(io::stdin())?,
        };
        if self.hex {
            let digits =
                String::from_utf8(bytes).context("this is not text, so it is no hex digits: leave out --hex")?;
            return from_hex(&digits);
        }
        Ok(bytes)
    }
}

/// All of a file.
fn read(file: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(MAX_INPUT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_INPUT {
        bail!("this is more than 1 MiB, so it is no datagram");
    }
    Ok(bytes)
}

/// Bytes from hex digits as people and programs write them.
fn from_hex(text: &str) -> anyhow::Result<Vec<u8>> {
    let groups = text.split(|c: char| c.is_whitespace() || c == ':' || c == ',');
    let digits: String = groups.map(|group| group.trim_start_matches("0x").trim_start_matches("0X")).collect();
    if let Some(c) = digits.chars().find(|c| !c.is_ascii_hexdigit()) {
        bail!("{c:?} is not a hex digit");
    }
    hex::decode(&digits).map_err(|_| anyhow!("one of {} hex digits is missing, or one is too many", digits.len()))
}

/// What to do about a refusal.
fn advice(refusal: Refusal, datagram: &[u8]) -> String {
    let length = datagram.len();
    if length > 0 && datagram.iter().all(|byte| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace()) {
        return "These bytes are all hex digits: add --hex if they are meant so.".to_owned();
    }
    match refusal.reason {
        RefusalReason::TooLong => {
            format!(
                "It has {length} bytes, {} too many: send fewer peers, or less padding.",
                length.saturating_sub(MAX_DATAGRAM)
            )
        }
        RefusalReason::Truncated if length == 0 => "It is empty: check what should have written it.".to_owned(),
        RefusalReason::Truncated => format!("It has {length} bytes: check that all of it was captured and copied."),
        RefusalReason::Malformed => "Write it with a MessagePack library, and text as UTF-8.".to_owned(),
        RefusalReason::Trailing => "Send one message in one datagram, and nothing after it.".to_owned(),
        RefusalReason::TooDeep => "Leave out what is nested so deep: nothing in the protocol needs it.".to_owned(),
        RefusalReason::NotAMap => "Write a map with the fields by name, not an array of their values; \
                                   in Python a dict, in Rust rmp_serde::to_vec_named."
            .to_owned(),
        RefusalReason::KeyNotText => "Write every name in a map as a string.".to_owned(),
        RefusalReason::DuplicateField => "Write every name once in a map.".to_owned(),
        RefusalReason::TooManyFields => "Leave out names that the protocol does not have.".to_owned(),
        RefusalReason::MissingField
        | RefusalReason::UnknownType
        | RefusalReason::WrongType
        | RefusalReason::WrongLength
        | RefusalReason::OutOfRange
        | RefusalReason::Address
        | RefusalReason::Misplaced => match (refusal.field, refusal.expected()) {
            (Some(field), Some(expected)) => format!("`{field}` must be {expected}."),
            (Some(_) | None, Some(_) | None) => "See section 2 of the protocol.".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests;
