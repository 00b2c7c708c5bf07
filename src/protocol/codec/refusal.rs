//! Why a datagram was refused: a closed set of reasons, fit for a counter's label, and the field it was about.

use std::fmt;

use super::fields::expectation;

/// Why a datagram was not decoded. Nothing in it comes from the datagram itself, so it can be logged as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// What rule it breaks.
    pub reason: RefusalReason,
    /// The field that breaks it; `None` when it is about the whole, or about a name that means nothing here.
    pub field: Option<&'static str>,
}

/// The rules a datagram can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalReason {
    /// More than 1,200 bytes; as JSON, more than 4,096.
    TooLong,
    /// It ends in the middle of a value.
    Truncated,
    /// Not MessagePack, or not JSON: a byte that means nothing, a string that is not UTF-8.
    Malformed,
    /// Something follows after the end of the message.
    Trailing,
    /// Arrays, maps and extensions more than 8 deep.
    TooDeep,
    /// Not a map: an array with the fields in order, a number, a string.
    NotAMap,
    /// A name in a map that is not a string.
    KeyNotText,
    /// The same name twice in one map.
    DuplicateField,
    /// More than 32 names in one map that mean nothing here.
    TooManyFields,
    /// One of the six fields is not there, or only one of `key` and `sig`.
    MissingField,
    /// A `msg_type` that is none of the three.
    UnknownType,
    /// A value of another type than the field's.
    WrongType,
    /// Too many or too few bytes or elements.
    WrongLength,
    /// A number that the field cannot have.
    OutOfRange,
    /// Not an address, or one that no node can have.
    Address,
    /// A field that this message type does not have.
    Misplaced,
}

impl RefusalReason {
    /// All of them, in the order of their discriminants.
    pub const ALL: [RefusalReason; 16] = [
        RefusalReason::TooLong,
        RefusalReason::Truncated,
        RefusalReason::Malformed,
        RefusalReason::Trailing,
        RefusalReason::TooDeep,
        RefusalReason::NotAMap,
        RefusalReason::KeyNotText,
        RefusalReason::DuplicateField,
        RefusalReason::TooManyFields,
        RefusalReason::MissingField,
        RefusalReason::UnknownType,
        RefusalReason::WrongType,
        RefusalReason::WrongLength,
        RefusalReason::OutOfRange,
        RefusalReason::Address,
        RefusalReason::Misplaced,
    ];

    /// As it is written in metrics and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            RefusalReason::TooLong => "too_long",
            RefusalReason::Truncated => "truncated",
            RefusalReason::Malformed => "malformed",
            RefusalReason::Trailing => "trailing",
            RefusalReason::TooDeep => "too_deep",
            RefusalReason::NotAMap => "not_a_map",
            RefusalReason::KeyNotText => "key_not_text",
            RefusalReason::DuplicateField => "duplicate_field",
            RefusalReason::TooManyFields => "too_many_fields",
            RefusalReason::MissingField => "missing_field",
            RefusalReason::UnknownType => "unknown_type",
            RefusalReason::WrongType => "wrong_type",
            RefusalReason::WrongLength => "wrong_length",
            RefusalReason::OutOfRange => "out_of_range",
            RefusalReason::Address => "address",
            RefusalReason::Misplaced => "misplaced",
        }
    }
}

impl Refusal {
    /// A refusal of the whole.
    pub const fn whole(reason: RefusalReason) -> Refusal {
        Refusal { reason, field: None }
    }

    /// A refusal because of one field.
    pub const fn of(reason: RefusalReason, field: &'static str) -> Refusal {
        Refusal { reason, field: Some(field) }
    }

    /// A field that names an address nobody can have, seen from where the datagram came from.
    pub const fn address(field: &'static str) -> Refusal {
        Refusal::of(RefusalReason::Address, field)
    }

    /// What the field, if there is one to name, should have held.
    pub fn expected(self) -> Option<&'static str> {
        self.field.and_then(expectation)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What the rule is said of.
        match self.field {
            Some(field) => write!(f, "`{field}` ")?,
            None => f.write_str("it ")?,
        }
        let fault = match self.reason {
            RefusalReason::TooLong => "is longer than accepted: 1,200 bytes for a datagram, 4,096 for JSON",
            RefusalReason::Truncated => "ends in the middle of a value",
            RefusalReason::Malformed => "is not well-formed: a byte that means nothing, or a string that is not UTF-8",
            RefusalReason::Trailing => "goes on after the end of the message",
            RefusalReason::TooDeep => "is nested more than 8 deep, counted from the outermost map",
            RefusalReason::NotAMap => "is not a map with named fields",
            RefusalReason::KeyNotText => "has a name that is not a string",
            RefusalReason::DuplicateField if self.field.is_some() => "is there twice",
            RefusalReason::DuplicateField => "has the same name twice",
            RefusalReason::TooManyFields => "has more than 32 names that mean nothing here",
            RefusalReason::MissingField => "is missing",
            RefusalReason::UnknownType => "is not a message type",
            RefusalReason::WrongType => "has the wrong type",
            RefusalReason::WrongLength => "has the wrong length",
            RefusalReason::OutOfRange => "is out of range",
            RefusalReason::Address => "is not an address that a node can have",
            RefusalReason::Misplaced => "does not belong in this message",
        };
        f.write_str(fault)
    }
}

impl std::error::Error for Refusal {}
