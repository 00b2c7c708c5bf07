//! The names of all fields, and what each must hold, in words for whoever wrote it wrong.

/// A closed set of names that may stand in one map.
pub(super) trait FieldName: Copy + 'static {
    /// All of them, in the order in which they are written.
    const ALL: &'static [Self];

    /// As it is written.
    fn name(self) -> &'static str;

    /// What it must hold.
    fn expects(self) -> &'static str;

    /// The field of this name, and its place in [`ALL`](FieldName::ALL).
    ///
    /// Looks at place `next` first: most writers keep to the order of [`ALL`](FieldName::ALL).
    fn find(name: &str, next: usize) -> Option<(usize, Self)> {
        match Self::ALL.get(next) {
            Some(field) if field.name() == name => Some((next, *field)),
            Some(_) | None => (0..).zip(Self::ALL.iter().copied()).find(|(_, field)| field.name() == name),
        }
    }
}

/// Defines a fieldless enum that is a [`FieldName`].
macro_rules! field_names {
    ($(#[$meta:meta])* $set:ident { $($field:ident = $name:literal, $expects:expr;)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum $set { $($field,)+ }

        impl FieldName for $set {
            const ALL: &'static [$set] = &[$($set::$field,)+];

            fn name(self) -> &'static str {
                match self { $($set::$field => $name,)+ }
            }

            fn expects(self) -> &'static str {
                match self { $($set::$field => $expects,)+ }
            }
        }
    };
}

const NUMBER: &str = "a whole number from 0 to 2^64 - 1";
const NODE: &str = r#"a port from 1 to 65535, or an address like "192.0.2.1:5001" or "[2001:db8::1]:5001""#;
const TRUTH: &str = "true or false";

field_names! {
    /// The fields of a message.
    Field {
        Type = "msg_type", r#"the string "PING", "PONG" or "PRIME""#;
        Id = "msg_id", NUMBER;
        Forwarder = "msg_forwarder", NODE;
        Originator = "msg_originator", NODE;
        Ttl = "ttl", "a whole number from 0 to 255, for PING and PONG 0";
        Data = "data", "for PRIME the exponent, a whole number from 0 to 2^64 - 1; for PING and PONG nil, or a map";
        Key = "key", "32 bytes (bin; in JSON 64 hex digits), in a PRIME only and only together with `sig`";
        Sig = "sig", "64 bytes (bin; in JSON 128 hex digits), in a PRIME only and only together with `key`";
    }
}

field_names! {
    /// The keys of the map that PING and PONG may carry as `data`.
    ExchangeField {
        Nonce = "nonce", NUMBER;
        Echo = "echo", NUMBER;
        Known = "known", "an array of exactly three whole numbers from 0 to 2^64 - 1";
        Peers = "peers", r#"an array of at most 7 nodes, each a port from 1 to 65535 or an address like "192.0.2.1:5001""#;
        Instance = "instance", NUMBER;
        Alone = "alone", TRUTH;
        Leave = "leave", TRUTH;
        Accept = "accept", TRUTH;
        You = "you", r#"an address like "192.0.2.1:5001" or "[2001:db8::1]:5001""#;
        Frontier = "frontier", NUMBER;
        Pad = "pad", "any bytes (bin; in JSON hex digits), at most 1,200";
    }
}

/// What the field of this name must hold, in whichever map it stands.
pub(super) fn expectation(name: &str) -> Option<&'static str> {
    let in_message = Field::find(name, 0).map(|(_, field)| field.expects());
    in_message.or_else(|| ExchangeField::find(name, 0).map(|(_, field)| field.expects()))
}
