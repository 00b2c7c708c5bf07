//! The kinds of adversaries there are, by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Adversary, Fake, FalseAccept, Flood, Forge, LyingKnown, Poison, Replay, Silent, Squash, TtlRaiser};

/// What a hostile host does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdversaryKind {
    /// Sends copies of every PRIME that go no further ahead to everybody.
    Squash,
    /// Lets everything it forwards go as far as can be asked for.
    Ttl,
    /// Sends what others have sent again and again.
    Replay,
    /// Sends in the name of others.
    Forge,
    /// Claims numbers that are not prime.
    Fake,
    /// Recommends addresses of one group at which nobody lives.
    Poison,
    /// Recommends addresses of many groups at which nobody lives.
    PoisonMany,
    /// Sends hundreds of datagrams a second to everybody.
    Flood,
    /// Forwards nothing.
    Silent,
    /// Lies about what it knows.
    LyingKnown,
    /// Lies about the places it has.
    FalseAccept,
}

impl AdversaryKind {
    /// All kinds.
    pub const ALL: [AdversaryKind; 11] = [
        AdversaryKind::Squash,
        AdversaryKind::Ttl,
        AdversaryKind::Replay,
        AdversaryKind::Forge,
        AdversaryKind::Fake,
        AdversaryKind::Poison,
        AdversaryKind::PoisonMany,
        AdversaryKind::Flood,
        AdversaryKind::Silent,
        AdversaryKind::LyingKnown,
        AdversaryKind::FalseAccept,
    ];

    /// Its name in options and files.
    pub const fn as_str(self) -> &'static str {
        match self {
            AdversaryKind::Squash => "squash",
            AdversaryKind::Ttl => "ttl",
            AdversaryKind::Replay => "replay",
            AdversaryKind::Forge => "forge",
            AdversaryKind::Fake => "fake",
            AdversaryKind::Poison => "poison",
            AdversaryKind::PoisonMany => "poison-many",
            AdversaryKind::Flood => "flood",
            AdversaryKind::Silent => "silent",
            AdversaryKind::LyingKnown => "lying-known",
            AdversaryKind::FalseAccept => "false-accept",
        }
    }

    /// What such hosts do, as the end of "a fifth of all hosts …".
    pub const fn explanation(self) -> &'static str {
        match self {
            AdversaryKind::Squash => "send copies of every PRIME with TTL 0 ahead to everybody they know",
            AdversaryKind::Ttl => "put TTL 255 on everything they forward",
            AdversaryKind::Replay => "send old datagrams of others again and again, also in their names",
            AdversaryKind::Forge => "forge forwarders, originators and envelope addresses",
            AdversaryKind::Fake => "claim numbers that are not prime and have no small factor",
            AdversaryKind::Poison => "recommend addresses of one group at which nobody lives, and themselves",
            AdversaryKind::PoisonMany => {
                "recommend addresses of many groups at which nobody lives, near to whom they tell"
            }
            AdversaryKind::Flood => "send hundreds of PINGs and PRIMEs a second to everybody",
            AdversaryKind::Silent => "answer every PING and forward no PRIME",
            AdversaryKind::LyingKnown => "always say they know other primes, and absurdly many",
            AdversaryKind::FalseAccept => "accept everybody and are nobody's peer, or refuse who was accepted",
        }
    }

    /// One more of them.
    pub fn make(self) -> Box<dyn Adversary> {
        match self {
            AdversaryKind::Squash => Box::new(Squash::default()),
            AdversaryKind::Ttl => Box::new(TtlRaiser::default()),
            AdversaryKind::Replay => Box::new(Replay::default()),
            AdversaryKind::Forge => Box::new(Forge::default()),
            AdversaryKind::Fake => Box::new(Fake),
            AdversaryKind::Poison => Box::new(Poison::of_one_group()),
            AdversaryKind::PoisonMany => Box::new(Poison::of_many_groups()),
            AdversaryKind::Flood => Box::new(Flood::default()),
            AdversaryKind::Silent => Box::new(Silent),
            AdversaryKind::LyingKnown => Box::new(LyingKnown),
            AdversaryKind::FalseAccept => Box::new(FalseAccept::default()),
        }
    }
}

impl fmt::Display for AdversaryKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no adversary's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no adversary \"{0}\"; there are {known}", known = AdversaryKind::ALL.map(AdversaryKind::as_str).join(", "))]
pub struct UnknownAdversary(pub String);

impl FromStr for AdversaryKind {
    type Err = UnknownAdversary;

    fn from_str(text: &str) -> Result<AdversaryKind, UnknownAdversary> {
        let kind = AdversaryKind::ALL.into_iter().find(|kind| kind.as_str() == text);
        kind.ok_or_else(|| UnknownAdversary(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_by_its_name_and_makes_an_adversary_of_that_name() {
        for kind in AdversaryKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(kind.make().name(), kind.as_str());
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
            assert!(!kind.explanation().is_empty());
        }
    }

    #[test]
    fn who_gives_another_name_is_told_which_there_are() {
        let error = "squish".parse::<AdversaryKind>().unwrap_err().to_string();
        assert!(
            error.contains("\"squish\"") && error.contains("squash, ttl") && error.contains("false-accept"),
            "{error}"
        );
    }
}
