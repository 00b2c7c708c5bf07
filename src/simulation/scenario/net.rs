//! What a scenario says about the network: links, address translation, the protocol's timers.

use std::fmt;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::span::{Share, Span};
use crate::protocol::Settings;
use crate::simulation::link::{Latency, Link};

/// What happens to datagrams between any two hosts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LinkPlan {
    /// How long a datagram travels. `"50ms"`; by chance between two, `"10ms-100ms"` or `{ from, to }`; or by where its ends
    /// are, `{ regions = [["5ms", "80ms"], ["80ms", "5ms"]] }`: from a row to a column, hosts in turn.
    pub latency: Travel,
    /// Up to so much longer, by chance.
    pub jitter: Span,
    /// The chance that a datagram is lost.
    pub loss: Share,
    /// The chance that it comes twice.
    pub duplication: Share,
    /// The chance that it is held back until others have overtaken it.
    pub reordering: Share,
}

impl Default for LinkPlan {
    /// 10 to 100 ms, and no faults.
    fn default() -> LinkPlan {
        LinkPlan {
            latency: Travel::Between { from: Span::ms(10), to: Span::ms(100) },
            jitter: Span::ZERO,
            loss: Share::NONE,
            duplication: Share::NONE,
            reordering: Share::NONE,
        }
    }
}

impl LinkPlan {
    /// The link of a world with so many hosts.
    pub fn link(&self) -> Link {
        let latency = match &self.latency {
            Travel::Always(span) => Latency::Fixed(span.0),
            Travel::Between { from, to } => Latency::Uniform { from: from.0, to: to.0 },
            Travel::Regions(matrix) => Latency::Regions {
                of: (0..matrix.len()).collect(),
                matrix: matrix.iter().map(|row| row.iter().map(|span| span.0).collect()).collect(),
            },
        };
        Link {
            latency,
            jitter: self.jitter.0,
            loss: self.loss.get(),
            duplication: self.duplication.get(),
            reordering: self.reordering.get(),
        }
    }
}

/// How long a datagram travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Travel {
    /// Always as long.
    Always(Span),
    /// By chance, anew for each datagram.
    Between {
        /// The shortest.
        from: Span,
        /// The longest.
        to: Span,
    },
    /// From a region (row) to a region (column). Host 0 is in the first region, host 1 in the second, and so on in turn.
    Regions(Vec<Vec<Span>>),
}

/// Why a text is no latency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("give a duration such as 50ms, or the shortest and the longest such as 10ms-100ms")]
pub struct TravelError;

impl FromStr for Travel {
    type Err = TravelError;

    fn from_str(text: &str) -> Result<Travel, TravelError> {
        let span = |text: &str| text.trim().parse::<Span>().map_err(|_| TravelError);
        match text.split_once('-') {
            None => Ok(Travel::Always(span(text)?)),
            Some((from, to)) => {
                let (from, to) = (span(from)?, span(to)?);
                if from <= to { Ok(Travel::Between { from, to }) } else { Err(TravelError) }
            }
        }
    }
}

impl fmt::Display for Travel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Travel::Always(span) => write!(f, "{span}"),
            Travel::Between { from, to } => write!(f, "{from}-{to}"),
            Travel::Regions(matrix) => write!(f, "by {} regions", matrix.len()),
        }
    }
}

impl Serialize for Travel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Travel::Always(_) | Travel::Between { .. } => serializer.collect_str(self),
            Travel::Regions(matrix) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("regions", matrix)?;
                map.end()
            }
        }
    }
}

/// A latency that is written as a table.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Table {
    from: Option<Span>,
    to: Option<Span>,
    regions: Option<Vec<Vec<Span>>>,
}

impl<'de> Deserialize<'de> for Travel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Travel, D::Error> {
        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = Travel;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration, two of them such as \"10ms-100ms\", or a table with regions")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Travel, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Travel, A::Error> {
                use serde::de::Error as _;
                match Table::deserialize(MapAccessDeserializer::new(map))? {
                    Table { from: Some(from), to: Some(to), regions: None } if from <= to => {
                        Ok(Travel::Between { from, to })
                    }
                    Table { from: None, to: None, regions: Some(matrix) } => {
                        let is_square = !matrix.is_empty() && matrix.iter().all(|row| row.len() == matrix.len());
                        let wrong = || A::Error::custom("regions: give as many rows as columns, at least one");
                        if is_square { Ok(Travel::Regions(matrix)) } else { Err(wrong()) }
                    }
                    Table { .. } => Err(A::Error::custom("give from and to, from not above to; or regions alone")),
                }
            }
        }

        deserializer.deserialize_any(Written)
    }
}

/// Hosts behind boxes that translate addresses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NatPlan {
    /// The share of nodes that are behind one. The first node never is: others start from it.
    pub share: Share,
    /// How many hosts one box has. 4.
    #[serde(default = "four")]
    pub hosts: usize,
    /// How long a mapping lasts after something was sent through it. 45 s.
    #[serde(default = "nat_lifetime")]
    pub lifetime: Span,
}

fn four() -> usize {
    4
}

fn nat_lifetime() -> Span {
    Span::s(45)
}

/// The protocol's timers, where they are not the usual ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Timers {
    /// How often each peer is PINGed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping_interval: Option<Span>,
    /// How often silent peers are dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evict_interval: Option<Span>,
    /// Silence after which a peer is dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_timeout: Option<Span>,
    /// How often a node looks for a larger prime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate_interval: Option<Span>,
}

impl Timers {
    /// Whether all are the usual ones.
    pub fn is_default(&self) -> bool {
        *self == Timers::default()
    }

    /// The settings of every node. A timeout that is changed takes with it when a silent peer is asked again.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        for (timer, given) in [
            (&mut settings.ping_interval, self.ping_interval),
            (&mut settings.evict_interval, self.evict_interval),
            (&mut settings.generate_interval, self.generate_interval),
        ] {
            if let Some(span) = given {
                *timer = span.0;
            }
        }
        if let Some(span) = self.peer_timeout {
            settings.silent_after = settings.silent_after.mul_f64(span.seconds() / settings.peer_timeout.as_secs_f64());
            settings.peer_timeout = span.0;
        }
        settings
    }

    /// # Errors
    /// What cannot be.
    pub(super) fn check(&self) -> Result<(), String> {
        let settings = self.settings();
        for (name, span) in [
            ("ping-interval", self.ping_interval),
            ("evict-interval", self.evict_interval),
            ("peer-timeout", self.peer_timeout),
            ("generate-interval", self.generate_interval),
        ] {
            if span.is_some_and(|span| span < Span::ms(1)) {
                return Err(format!("{name} is at least 1ms"));
            }
        }
        if settings.peer_timeout <= settings.ping_interval {
            return Err("peer-timeout has to be longer than ping-interval".to_owned());
        }
        Ok(())
    }
}
