//! One visitor for every value of a message.
//!
//! serde's visitors refuse what they do not want with an error text that they build from the peer's bytes. This one hands
//! each value to a [`Shape`], which says yes or gives a typed reason, and leaves the reason in the [`Context`]: no text is
//! built, parsed or allocated. Depth, duplicate names and the number of unknown names are watched here, once for all.

use std::borrow::Cow;
use std::fmt;

use arrayvec::ArrayVec;
use serde::Deserializer;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::fields::FieldName;
use super::refusal::{Refusal, RefusalReason};

/// The deepest nesting that is read, the message's own map being level 1. An extension counts as a level.
const MAX_DEPTH: u8 = 8;

/// The most names without a meaning in one map; they are kept, to see whether one comes twice.
const MAX_UNKNOWN: usize = 32;

/// How the message is written.
#[derive(Debug, Clone, Copy)]
pub(in crate::protocol) enum Format<'de> {
    /// MessagePack, and the whole of it.
    MessagePack(&'de [u8]),
    /// JSON: bytes are strings of hex digits.
    Json,
}

/// Where reading stands, and why it ended.
#[derive(Debug)]
pub(super) struct Context<'de> {
    /// How the message is written.
    pub(super) format: Format<'de>,
    /// The innermost named field that is being read.
    field: Option<&'static str>,
    /// Arrays, maps and extensions open now.
    depth: u8,
    refusal: Option<Refusal>,
}

impl<'de> Context<'de> {
    /// Nothing read yet.
    pub(super) fn new(format: Format<'de>) -> Context<'de> {
        Context { format, field: None, depth: 0, refusal: None }
    }

    /// Refuses the message because of the field that is being read.
    pub(super) fn refuse<E: de::Error>(&mut self, reason: RefusalReason) -> E {
        self.refuse_with(Refusal { reason, field: self.field })
    }

    /// Refuses the message. The error only ends the reading: that it has no text saves an allocation.
    pub(super) fn refuse_with<E: de::Error>(&mut self, refusal: Refusal) -> E {
        self.refusal = Some(refusal);
        E::custom("")
    }

    /// Why reading ended with an error, if not for a reason of ours then for `otherwise`.
    pub(super) fn refusal(self, otherwise: RefusalReason) -> Refusal {
        self.refusal.unwrap_or(Refusal { reason: otherwise, field: self.field })
    }

    /// Goes one level deeper.
    fn enter<E: de::Error>(&mut self) -> Result<(), E> {
        if self.depth == MAX_DEPTH {
            return Err(self.refuse(RefusalReason::TooDeep));
        }
        self.depth += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }
}

/// A value that has no values in it.
#[derive(Debug)]
pub(super) enum Scalar<'de> {
    Nil,
    Bool(bool),
    /// A whole number, whether it was written as signed or not.
    Uint(u64),
    Negative,
    Float,
    /// Owned only where JSON wrote it with escapes.
    Text(Cow<'de, str>),
    /// A MessagePack string that is not UTF-8.
    BrokenText,
    Bytes(&'de [u8]),
}

impl Scalar<'_> {
    /// Why this is refused where another type is wanted.
    pub(super) fn wrong_type(&self) -> RefusalReason {
        match self {
            Scalar::BrokenText => RefusalReason::Malformed,
            Scalar::Nil
            | Scalar::Bool(_)
            | Scalar::Uint(_)
            | Scalar::Negative
            | Scalar::Float
            | Scalar::Text(_)
            | Scalar::Bytes(_) => RefusalReason::WrongType,
        }
    }
}

/// What a value should be. Whatever a shape does not ask for is refused.
pub(super) trait Shape<'de>: Sized {
    /// What is made of it.
    type Value;

    /// Why everything else is refused.
    const OTHERWISE: RefusalReason = RefusalReason::WrongType;

    /// A number, a string, bytes, a truth value or nil.
    fn scalar(self, _value: Scalar<'de>, _context: &Context<'de>) -> Result<Self::Value, RefusalReason> {
        Err(Self::OTHERWISE)
    }

    /// An array.
    fn sequence<A: SeqAccess<'de>>(self, _items: A, context: &mut Context<'de>) -> Result<Self::Value, A::Error> {
        Err(context.refuse(Self::OTHERWISE))
    }

    /// A map.
    fn map<A: MapAccess<'de>>(self, _entries: A, context: &mut Context<'de>) -> Result<Self::Value, A::Error> {
        Err(context.refuse(Self::OTHERWISE))
    }

    /// A MessagePack extension.
    fn extension<D: Deserializer<'de>>(self, _content: D, context: &mut Context<'de>) -> Result<Self::Value, D::Error> {
        Err(context.refuse(Self::OTHERWISE))
    }
}

/// Reads one value of a shape.
pub(super) struct Reader<'c, 'de, S> {
    context: &'c mut Context<'de>,
    shape: S,
}

impl<'c, 'de, S: Shape<'de>> Reader<'c, 'de, S> {
    pub(super) fn new(context: &'c mut Context<'de>, shape: S) -> Reader<'c, 'de, S> {
        Reader { context, shape }
    }

    fn scalar<E: de::Error>(self, value: Scalar<'de>) -> Result<S::Value, E> {
        self.shape.scalar(value, self.context).map_err(|reason| self.context.refuse(reason))
    }
}

impl<'de, S: Shape<'de>> DeserializeSeed<'de> for Reader<'_, 'de, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, S: Shape<'de>> Visitor<'de> for Reader<'_, 'de, S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of a message")
    }

    fn visit_unit<E: de::Error>(self) -> Result<S::Value, E> {
        self.scalar(Scalar::Nil)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<S::Value, E> {
        self.scalar(Scalar::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<S::Value, E> {
        self.scalar(Scalar::Uint(value))
    }

    /// Some writers have only signed integers: the value decides, not how it is written.
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<S::Value, E> {
        self.scalar(u64::try_from(value).map_or(Scalar::Negative, Scalar::Uint))
    }

    fn visit_f64<E: de::Error>(self, _value: f64) -> Result<S::Value, E> {
        self.scalar(Scalar::Float)
    }

    fn visit_borrowed_str<E: de::Error>(self, value: &'de str) -> Result<S::Value, E> {
        self.scalar(Scalar::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<S::Value, E> {
        self.scalar(Scalar::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_borrowed_bytes<E: de::Error>(self, value: &'de [u8]) -> Result<S::Value, E> {
        let scalar = match self.context.format {
            Format::MessagePack(datagram) if !is_bin(datagram, value) => Scalar::BrokenText,
            Format::MessagePack(_) | Format::Json => Scalar::Bytes(value),
        };
        self.scalar(scalar)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<S::Value, A::Error> {
        self.context.enter()?;
        let value = self.shape.sequence(items, self.context)?;
        self.context.leave();
        Ok(value)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<S::Value, A::Error> {
        self.context.enter()?;
        let value = self.shape.map(entries, self.context)?;
        self.context.leave();
        Ok(value)
    }

    /// rmp-serde shows an extension as a newtype of (type, bytes).
    fn visit_newtype_struct<D: Deserializer<'de>>(self, content: D) -> Result<S::Value, D::Error> {
        self.context.enter()?;
        let value = self.shape.extension(content, self.context)?;
        self.context.leave();
        Ok(value)
    }
}

/// Whether `value`, which is a part of `datagram`, is written there as bin.
///
/// rmp-serde hands over a string that is not UTF-8 as if it were bin; only the bytes before it tell. A string's header
/// cannot be mistaken for one of these, because the length that it would give is another one.
fn is_bin(datagram: &[u8], value: &[u8]) -> bool {
    let start = value.as_ptr().addr().wrapping_sub(datagram.as_ptr().addr());
    let length = value.len();
    match datagram.get(..start) {
        Some([.., 0xc4, n]) if usize::from(*n) == length => true,
        Some([.., 0xc5, m, n]) if usize::from(u16::from_be_bytes([*m, *n])) == length => true,
        Some([.., 0xc6, k, l, m, n]) if u32::from_be_bytes([*k, *l, *m, *n]) as usize == length => true,
        Some(_) | None => false,
    }
}

/// A scalar, made into something by a function.
pub(super) struct Plain<F>(pub(super) F);

impl<'de, T, F: FnOnce(Scalar<'de>) -> Result<T, RefusalReason>> Shape<'de> for Plain<F> {
    type Value = T;

    fn scalar(self, value: Scalar<'de>, _context: &Context<'de>) -> Result<T, RefusalReason> {
        (self.0)(value)
    }
}

/// Any value at all, read over.
struct Skip;

impl<'de> Shape<'de> for Skip {
    type Value = ();

    fn scalar(self, _value: Scalar<'de>, _context: &Context<'de>) -> Result<(), RefusalReason> {
        Ok(())
    }

    fn sequence<A: SeqAccess<'de>>(self, mut items: A, context: &mut Context<'de>) -> Result<(), A::Error> {
        while items.next_element_seed(Reader::new(context, Skip))?.is_some() {}
        Ok(())
    }

    fn map<A: MapAccess<'de>>(self, mut entries: A, context: &mut Context<'de>) -> Result<(), A::Error> {
        while entries.next_key_seed(Reader::new(context, Skip))?.is_some() {
            entries.next_value_seed(Reader::new(context, Skip))?;
        }
        Ok(())
    }

    fn extension<D: Deserializer<'de>>(self, content: D, _context: &mut Context<'de>) -> Result<(), D::Error> {
        content.deserialize_ignored_any(IgnoredAny).map(drop)
    }
}

/// A name in a map.
struct Name;

impl<'de> Shape<'de> for Name {
    type Value = Cow<'de, str>;

    const OTHERWISE: RefusalReason = RefusalReason::KeyNotText;

    fn scalar(self, value: Scalar<'de>, _context: &Context<'de>) -> Result<Cow<'de, str>, RefusalReason> {
        match value {
            Scalar::Text(name) => Ok(name),
            Scalar::BrokenText => Err(RefusalReason::Malformed),
            Scalar::Nil | Scalar::Bool(_) | Scalar::Uint(_) | Scalar::Negative | Scalar::Float | Scalar::Bytes(_) => {
                Err(Self::OTHERWISE)
            }
        }
    }
}

/// The entries of a map whose fields are known; those of other names are skipped.
pub(super) struct Entries<'de, A> {
    map: A,
    /// One bit for each known field that has come.
    seen: u32,
    /// The place of the field that would be next in order.
    next: usize,
    unknown: ArrayVec<Cow<'de, str>, MAX_UNKNOWN>,
}

impl<'de, A: MapAccess<'de>> Entries<'de, A> {
    pub(super) fn new(map: A) -> Entries<'de, A> {
        Entries { map, seen: 0, next: 0, unknown: ArrayVec::new() }
    }

    /// The next known field, whose value must then be read with [`value`](Entries::value).
    pub(super) fn next<F: FieldName>(&mut self, context: &mut Context<'de>) -> Result<Option<F>, A::Error> {
        while let Some(name) = self.map.next_key_seed(Reader::new(context, Name))? {
            if let Some((place, field)) = F::find(&name, self.next) {
                self.next = place + 1;
                if self.seen & 1 << place != 0 {
                    return Err(context.refuse_with(Refusal::of(RefusalReason::DuplicateField, field.name())));
                }
                self.seen |= 1 << place;
                return Ok(Some(field));
            }
            if self.unknown.contains(&name) {
                return Err(context.refuse_with(Refusal::whole(RefusalReason::DuplicateField)));
            }
            if self.unknown.try_push(name).is_err() {
                return Err(context.refuse(RefusalReason::TooManyFields));
            }
            self.map.next_value_seed(Reader::new(context, Skip))?;
        }
        Ok(None)
    }

    /// The value of the field that came last.
    pub(super) fn value<F, S>(&mut self, context: &mut Context<'de>, field: F, shape: S) -> Result<S::Value, A::Error>
    where
        F: FieldName,
        S: Shape<'de>,
    {
        let outer = context.field.replace(field.name());
        let value = self.map.next_value_seed(Reader::new(context, shape))?;
        context.field = outer;
        Ok(value)
    }
}

/// Refuses whatever comes: there should be nothing.
pub(super) struct Nothing;

impl<'de> Shape<'de> for Nothing {
    type Value = ();

    const OTHERWISE: RefusalReason = RefusalReason::Trailing;
}
