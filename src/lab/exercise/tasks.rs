//! The texts of the seven exercises. Whoever keeps to one of them and the page of the protocol fulfils its conditions.
//!
//! Each builds on those before it. `docs/exercises.md` has the same for reading, with hints.

use super::Exercise;

/// What every exercise asks first.
const SPEAKS: &str = "says well-formed messages, from its own address and in its own name";

/// See [`Exercise::ALL`].
pub(super) const ALL: [Exercise; 7] = [
    Exercise {
        number: 1,
        title: "Liveness",
        task: "\
Write a node that remembers when it last heard each of its peers, and PINGs all its peers every 5 seconds.

Bind one UDP socket to your address and use it for sending as well. Begin with the lab's nodes as peers. Whoever sends you a \
datagram, of whatever type and from whatever address, is a peer of yours from then on: note the address that the datagram came \
from and the time. PING every peer every 5 seconds: msg_type PING, a msg_id that you count up, your own port as msg_forwarder \
and msg_originator, ttl 0, data nil. What you receive may carry more than you know; ignore it.

Observed: three examiners send you messages, one only PINGs, one only PONGs, one only PRIMEs. They look how regularly you PING \
them; newcomers look whether you PING them at all. The lab's nodes report whether they hear you.",
        conditions: &[
            SPEAKS,
            "PINGs a node of the lab",
            "makes peers of those who speak to it",
            "PINGs them every 5 s",
            "takes every message for a sign of life, PING, PONG or PRIME",
        ],
    },
    Exercise {
        number: 2,
        title: "Eviction",
        task: "\
Drop a peer that has been silent for 10 seconds: no more PINGs to it. Look every second. When it speaks again, it is a peer \
again.

Every message that you receive renews its sender's time, as in exercise 1. Your own sending does not.

Observed: one examiner speaks all the time and must be PINGed all the time. Two others fall silent again and again; they look \
how long you go on PINGing them, at least 5 and at most 12 seconds or so, and whether you PING them when they are back.",
        conditions: &[
            SPEAKS,
            "PINGs a peer as long as it speaks",
            "sends no more PINGs to a peer that has been silent for 10 s",
            "does not drop it sooner",
            "takes it back when it speaks again",
        ],
    },
    Exercise {
        number: 3,
        title: "PONG",
        task: "\
Answer every PING with a PONG, at once, to the address it came from.

A PONG repeats the msg_id of the PING it answers. It is a message of your own: your port as msg_forwarder and msg_originator, \
ttl 0, data nil. A PONG itself is not answered; it only renews its sender's time.

Observed: an examiner PINGs you and looks at what comes back within a second. Another says PONGs that you did not ask for. The \
lab's nodes take you as a peer as soon as you answer them; one of them must report it.",
        conditions: &[
            SPEAKS,
            "answers each PING with one PONG",
            "repeats the msg_id of the PING",
            "answers in its own name, with TTL 0 and nil data",
            "does not answer a PONG",
            "is a peer of a node of the lab",
        ],
    },
    Exercise {
        number: 4,
        title: "Duplicates",
        task: "\
Send every new PRIME on to your other peers: the same message with your own port as msg_forwarder and a ttl that is one less. \
One that you have seen before is neither processed nor sent on again; it only renews its sender's time.

A message is told by its msg_originator and its msg_id together: two nodes may use the same number, and one node gives each of its \
messages another. PING and PONG are never taken for duplicates: a node that starts anew may count from 0 again.

Observed: an examiner sends you a PRIME twice, and another passes the same PRIME on to you. A third counts what reaches it from \
you. Then come the next number of the same originator and the same number of another originator; both are new. At last one PING \
comes twice and wants two answers.",
        conditions: &[
            SPEAKS,
            "sends a new PRIME on to its other peers",
            "sends it on once, however often it comes",
            "tells PRIMEs apart by originator and number",
            "answers a PING again that it has seen before",
        ],
    },
    Exercise {
        number: 5,
        title: "Forwarding",
        task: "\
Forward exactly. A PRIME with a ttl above 0 goes at once to each of your peers but two: the one it came from and its \
msg_originator. The copy has a ttl that is one less, and your own port as msg_forwarder; msg_originator, msg_id and data stay as \
they are. A PRIME with ttl 0 goes no further.

Observed: an examiner sends you PRIMEs with ttl 2, 1, 0 and 5, its own and one of another examiner. What reaches the others, and \
what comes back, is compared with what you were sent.",
        conditions: &[
            SPEAKS,
            "sends a PRIME on to each of its other peers",
            "takes one from its TTL",
            "does not send on a PRIME with TTL 0",
            "keeps its originator, number and data",
            "names itself as the forwarder",
            "sends it back neither to whom it came from nor to its originator",
        ],
    },
    Exercise {
        number: 6,
        title: "Learning the originator",
        task: "\
Make the msg_originator of every new PRIME your peer, whatever its ttl, as if it had spoken to you at this moment. A number is a \
port on the host that the datagram came from, a text is an address with its port. So you learn of nodes that do not know \
you yet.

Whoever was only named and never answers is dropped after 10 seconds like any silent peer.

Observed: an examiner passes on the PRIMEs of two others that have never spoken to you. Both wait for your PING. One answers it \
and must remain your peer; the other stays silent and must be dropped.",
        conditions: &[
            SPEAKS,
            "PINGs the originator of a PRIME that it has never heard",
            "keeps it as a peer while it answers",
            "drops it if it never answers",
        ],
    },
    Exercise {
        number: 7,
        title: "Credit",
        task: "\
Remember the PRIME with the largest data that you have received, and who is credited with it: its msg_originator, not who passed it \
on to you. Only a larger data takes its place; a second claim to the same prime does not. You need not test whether it is a prime.

Tell it to newcomers: when an address that is not in your list of peers speaks to you, send it this PRIME at once, if you know any: \
msg_type PRIME, with the msg_originator, the msg_id and the data that it came with, your port as msg_forwarder, and ttl 0. The lab's \
own nodes do the same for you.

Observed: this message, and nothing else. An examiner passes on another's PRIME that is larger than all the lab has told you \
of; a newcomer PINGs you and looks whom you name. Then you are sent a smaller PRIME, then a second claim to the large \
one; after each a newcomer looks again. These PRIMEs have ttl 0 and are not to be forwarded.",
        conditions: &[
            SPEAKS,
            "tells a newcomer at once of the largest prime it was told of, with TTL 0",
            "credits the originator, not the forwarder",
            "keeps the number of the announcement",
            "does not let a smaller prime take its place",
            "does not let a second claim to the same prime take the credit",
        ],
    },
];
