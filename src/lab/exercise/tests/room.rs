//! A room for examinations: sockets, a lab of one node, and the clock are make-believe.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::super::examination::Examination;
use super::super::exponents::MERSENNE;
use super::super::stage::{Ear, Outside};
use super::super::{Condition, Exercise, Pace, Seen};
use super::pupil::{Fault, Pupil};
use crate::protocol::address::NodeRef;
use crate::protocol::codec::{decode, encode};
use crate::protocol::message::{Body, Message, MessageId};

/// How far the clock goes at a time.
const STEP: Duration = Duration::from_millis(20);

const STUDENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5_004);
const LAB: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5_001);

/// What examiners have said and nobody has heard yet.
#[derive(Default)]
struct Air {
    ports: u16,
    said: Vec<(NonZeroU16, Vec<u8>)>,
}

struct Sockets(Arc<Mutex<Air>>);

impl Outside for Sockets {
    fn open(&mut self, _ear: Ear) -> io::Result<NonZeroU16> {
        let mut air = self.0.lock().unwrap();
        air.ports += 1;
        Ok(NonZeroU16::new(30_000 + air.ports).unwrap())
    }

    fn close(&mut self, _port: NonZeroU16) {}

    fn send(&mut self, from: NonZeroU16, datagram: &[u8]) {
        self.0.lock().unwrap().said.push((from, datagram.to_vec()));
    }
}

/// See the [module](self).
pub(super) struct Room {
    exercise: &'static Exercise,
    fault: Option<Fault>,
    now: Duration,
    pace: Pace,
    air: Arc<Mutex<Air>>,
    examination: Examination,
    pupil: Option<Pupil>,
    next_lab_ping: Duration,
    finds: Option<Duration>,
    found: usize,
    next_find: Duration,
    claimed: Vec<u64>,
}

impl Room {
    /// The student's place is empty.
    pub(super) fn new(exercise: &'static Exercise, pace: Pace) -> Room {
        let air = Arc::new(Mutex::new(Air::default()));
        let sockets = Box::new(Sockets(Arc::clone(&air)));
        let examination = Examination::new(exercise, STUDENT, pace, sockets, [7; 16]).unwrap();
        let (now, claimed) = (Duration::ZERO, Vec::new());
        let (next_lab_ping, next_find) = (now, now);
        Room {
            exercise,
            fault: None,
            now,
            pace,
            air,
            examination,
            pupil: None,
            next_lab_ping,
            finds: None,
            found: 0,
            next_find,
            claimed,
        }
    }

    /// Begins, or replaces, the student's program.
    pub(super) fn start(&mut self, fault: Option<Fault>) {
        self.fault = fault;
        self.pupil = Some(Pupil::new(STUDENT, &[LAB], self.pace, self.now, fault));
    }

    pub(super) fn stop(&mut self) {
        self.pupil = None;
    }

    /// The lab's node finds one prime after another and tells of it.
    pub(super) fn finds_primes_every(&mut self, interval: Duration) {
        self.finds = Some(interval);
    }

    pub(super) fn conditions(&self) -> Vec<Condition> {
        self.examination.conditions()
    }

    /// The exponents that examiners have claimed.
    pub(super) fn claimed(&self) -> &[u64] {
        &self.claimed
    }

    /// The largest exponent that the lab's node has found.
    pub(super) fn largest(&self) -> u64 {
        MERSENNE[self.found - 1]
    }

    /// Goes on until the conditions are as wanted; they must be within `limit`.
    pub(super) fn run_until(&mut self, limit: Duration, are_right: impl Fn(&[Condition]) -> bool) {
        let deadline = self.now + limit;
        while !are_right(&self.conditions()) {
            let (exercise, fault) = (self.exercise, self.fault);
            let told = || format!("exercise {}, {fault:?}: {:#?}", exercise.number, self.conditions());
            assert!(self.now < deadline, "not within {limit:?}: {}", told());
            self.step();
        }
    }

    /// Goes on for so long, and looks all the time.
    pub(super) fn run_for(&mut self, duration: Duration, look: impl Fn(&[Condition])) {
        let deadline = self.now + duration;
        while self.now < deadline {
            self.step();
            look(&self.conditions());
        }
    }

    fn step(&mut self) {
        self.now += STEP;
        let now = self.now;
        self.examination.tick(now).unwrap();
        self.lab();
        let said = std::mem::take(&mut self.air.lock().unwrap().said);
        for (from, datagram) in said {
            if let Body::Prime(announcement) = decode(&datagram).unwrap().body {
                self.claimed.push(announcement.exponent);
            }
            match &mut self.pupil {
                Some(pupil) => pupil.hear(now, from.get(), &datagram),
                None => self.examination.refused(now),
            }
        }
        let Some(pupil) = &mut self.pupil else { return };
        pupil.tick(now);
        for (to, from, datagram) in pupil.take_sent() {
            if to == LAB.port() {
                self.lab_hears(&datagram);
            } else if to != STUDENT.port() {
                let from = SocketAddr::new(LAB.ip(), from);
                self.examination.heard(now, NonZeroU16::new(to).unwrap(), from, &datagram);
            }
        }
    }

    fn report(&mut self, event: serde_json::Value) {
        self.examination.seen(self.now, &Seen { node: LAB, event });
    }

    fn lab_hears(&mut self, datagram: &[u8]) {
        let Ok(message) = decode(datagram) else { return };
        let name = message.body.message_type().as_str();
        self.report(json!({"event": "received", "msg_type": name, "peer": STUDENT.to_string(), "ttl": 0}));
        if matches!(message.body, Body::Pong(_)) {
            self.report(json!({"event": "peer_up", "peer": STUDENT.to_string(), "via": "ping", "kind": "plain"}));
        }
    }

    /// The lab's node PINGs the student's, and finds a prime now and then.
    fn lab(&mut self) {
        let own = NodeRef::Port(NonZeroU16::new(LAB.port()).unwrap());
        let say = |body: Body, id: u64, to: &mut Option<Pupil>| {
            let mut datagram = Vec::new();
            encode(&Message { id: MessageId(id), forwarder: own, originator: own, body }, &mut datagram);
            if let Some(pupil) = to {
                pupil.hear(self.now, LAB.port(), &datagram);
            }
        };
        if self.now >= self.next_lab_ping {
            self.next_lab_ping = self.now + self.pace.ping;
            say(Body::Ping(None), 1, &mut self.pupil);
        }
        let Some(interval) = self.finds.filter(|_| self.now >= self.next_find) else { return };
        self.next_find = self.now + interval;
        let Some(&exponent) = MERSENNE.get(self.found) else { return };
        self.found += 1;
        let announcement =
            crate::protocol::message::Announcement { ttl: crate::protocol::message::Ttl(2), exponent, signature: None };
        say(Body::Prime(announcement), exponent, &mut self.pupil);
        self.report(json!({"event": "prime_found", "exponent": exponent, "id": exponent}));
        let (peer, originator) = (STUDENT.to_string(), LAB.to_string());
        self.report(json!({"event": "sent", "msg_type": "PRIME", "peer": peer, "originator": originator, "ttl": 2,
                           "data": exponent, "msg_id": exponent.to_string()}));
    }
}
