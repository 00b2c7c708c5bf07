//! `GET /owner?exponent=P`: who owns an exponent on the ring, as far as this node knows.

use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::answer::{Shared, error, json};
use crate::mersenne::Exponent;
use crate::protocol::RingPosition;

/// What is said while the node does not know where it is.
const NO_POSITION: &str = "this node has no position on the ring yet: three peers of its own choosing have to tell it the \
     address at which they see it; --advertise names that address at once";

pub(super) async fn owner(State(shared): State<Shared>, uri: Uri) -> Response {
    #[derive(Serialize)]
    struct Shown {
        exponent: Exponent,
        key: RingPosition,
        owner: std::net::SocketAddr,
        certain: bool,
    }
    let node = &shared.app.subject.node;
    let exponent = match asked(&uri, node.settings().exponent_max) {
        Ok(exponent) => exponent,
        Err(reason) => return error(StatusCode::BAD_REQUEST, &reason),
    };
    match node.owner(exponent) {
        // A node knows its own arc by its predecessor; whose the others are it can only tell from whom it knows of.
        Some(owner) => {
            let certain = owner == node.state_view().address;
            json(StatusCode::OK, &Shown { exponent, key: RingPosition::of_exponent(exponent), owner, certain })
        }
        None => error(StatusCode::SERVICE_UNAVAILABLE, NO_POSITION),
    }
}

/// The exponent that is asked for, or what is wrong with it.
fn asked(uri: &Uri, max: u64) -> Result<Exponent, String> {
    #[derive(Deserialize)]
    struct Asked {
        exponent: String,
    }
    let Ok(Query(Asked { exponent })) = Query::try_from_uri(uri) else {
        return Err("say which one: /owner?exponent=P, once".to_owned());
    };
    let Ok(number) = exponent.parse::<u64>() else {
        return Err("`exponent` must be a whole number".to_owned());
    };
    if number > max {
        return Err(format!("`exponent` is {number}; this node accepts exponents up to {max}"));
    }
    Exponent::new(number).map_err(|error| format!("`exponent` is {number}: {error}"))
}
