//! What a node leaves to its next life: ids it must not use again, addresses that answered, primes with their credits.

use std::net::SocketAddr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::address;
use super::claims::Claim;
use super::message::{MessageId, Signature};
use crate::mersenne::Exponent;

/// A node's memory between two lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// Ids below this may have been used.
    pub id_floor: MessageId,
    /// Addresses that have answered this node.
    pub addresses: Vec<SocketAddr>,
    /// The primes this node has verified, with the claims that are credited.
    pub primes: Vec<SavedClaim>,
    /// Whether the node sleeps. Files from before nodes could sleep do not say so: theirs are awake.
    #[serde(default)]
    pub asleep: bool,
}

impl Default for Saved {
    fn default() -> Saved {
        Saved { id_floor: MessageId(0), addresses: Vec::new(), primes: Vec::new(), asleep: false }
    }
}

/// A [`Claim`] as it is written down.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedClaim(pub Claim);

/// The written form: numbers and strings, the signature in hex.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    exponent: u64,
    originator: SocketAddr,
    msg_id: MessageId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sig: Option<String>,
}

impl Serialize for SavedClaim {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Claim { exponent, originator, id, signature } = self.0;
        let written = Written {
            exponent: exponent.into(),
            originator,
            msg_id: id,
            key: signature.map(|signature| hex::encode(signature.key)),
            sig: signature.map(|signature| hex::encode(signature.sig)),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SavedClaim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SavedClaim, D::Error> {
        let Written { exponent, originator, msg_id, key, sig } = Written::deserialize(deserializer)?;
        let exponent = Exponent::new(exponent).map_err(D::Error::custom)?;
        let originator = address::reachable(originator).map_err(D::Error::custom)?;
        let signature = match (key, sig) {
            (None, None) => None,
            (Some(key), Some(sig)) => {
                let mut signature = Signature { key: [0; 32], sig: [0; 64] };
                hex::decode_to_slice(key, &mut signature.key).map_err(D::Error::custom)?;
                hex::decode_to_slice(sig, &mut signature.sig).map_err(D::Error::custom)?;
                Some(signature)
            }
            (Some(_), None) | (None, Some(_)) => return Err(D::Error::custom("key and sig belong together")),
        };
        Ok(SavedClaim(Claim { exponent, originator, id: msg_id, signature }))
    }
}
