//! Each kind of adversary really does what it is for: seen in the traffic and in what honest nodes count, next to the same
//! world in which the same hosts are honest in all they do.

use super::*;
use crate::protocol::message::MessageType;
use crate::protocol::{ClaimResult, DropReason, EvictionReason};
use crate::simulation::{Fault, Rarity};

/// Is called an adversary, and does nothing.
#[derive(Debug)]
struct Harmless;

impl Adversary for Harmless {
    fn name(&self) -> &'static str {
        "harmless"
    }
}

/// What came of a world of twelve honest nodes and four others.
struct Seen {
    world: World,
    /// How many honest nodes had one of the others as a peer when it had settled.
    accepted: usize,
}

const HONEST: u32 = 12;

const OTHERS: u32 = 4;

/// Who finds a prime, one after the other.
const FINDERS: [u32; 4] = [3, 7, 0, 5];

/// Settles, and finds primes.
fn see(adversary: impl Fn() -> Box<dyn Adversary>) -> Seen {
    let mut world = World::new(5, Link::default(), Checks::Every);
    let settings = Arc::new(Settings::default());
    for number in 0..HONEST + OTHERS {
        let address = SocketAddr::from(([10, number as u8, 0, 1], 5_001));
        let seed = world.hosts().next().map(|first| world.address(first));
        let plan = Plan::new(address, Arc::clone(&settings)).with_seeds(seed);
        let host = if number < HONEST { world.add_node(plan) } else { world.add_adversary(plan, adversary()) };
        world.start(host);
    }
    run_for(&mut world, Duration::from_secs(15)).unwrap();
    let accepted = (HONEST..HONEST + OTHERS).map(|other| world.popularity(HostId(other))).sum();
    for finder in FINDERS {
        assert!(world.find(HostId(finder)).is_some());
        run_for(&mut world, Duration::from_secs(4)).unwrap();
    }
    Seen { world, accepted }
}

impl Seen {
    fn of(kind: AdversaryKind) -> Seen {
        see(|| kind.make())
    }

    fn of_nobody_hostile() -> Seen {
        see(|| Box::new(Harmless))
    }

    fn sum(&self, count: impl Fn(&crate::protocol::Counters) -> u64) -> u64 {
        self.world.living().map(|(_, node)| count(node.counters())).sum()
    }

    fn claims(&self, result: ClaimResult) -> u64 {
        self.sum(|counters| counters.claims.of(result).get())
    }

    fn dropped(&self, reason: DropReason) -> u64 {
        self.sum(|counters| counters.dropped.of(reason).get())
    }

    fn rare(&self, rarity: Rarity) -> u64 {
        self.world.faults().rare(rarity)
    }

    fn fault(&self, fault: Fault) -> u64 {
        self.world.faults().of(fault)
    }
}

#[test]
fn every_kind_is_accepted_as_a_peer() {
    for kind in AdversaryKind::ALL {
        let seen = Seen::of(kind);
        assert!(seen.accepted >= OTHERS as usize, "{kind}: {}", seen.accepted);
    }
}

#[test]
fn who_squashes_makes_others_hear_of_a_prime_first_with_ttl_0() {
    let (quiet, squashed) = (Seen::of_nobody_hostile(), Seen::of(AdversaryKind::Squash));
    assert!(squashed.rare(Rarity::HigherTtl) >= quiet.rare(Rarity::HigherTtl));
    let primes = |seen: &Seen| seen.world.traffic().sent(MessageType::Prime);
    let copies = u64::from(FINDERS.len() as u32 * OTHERS * (HONEST + OTHERS - 1));
    assert!(primes(&squashed) >= copies, "{} PRIMEs", primes(&squashed));
    let again = |seen: &Seen| seen.sum(|counters| counters.duplicates.get());
    assert!(again(&squashed) > again(&quiet), "{} and {}", again(&squashed), again(&quiet));
}

#[test]
fn who_raises_ttls_makes_others_forward_with_the_highest_there_is() {
    let forwards =
        |seen: &Seen| seen.sum(|counters| counters.forwards[8..].iter().map(crate::protocol::Counter::get).sum());
    assert_eq!(forwards(&Seen::of_nobody_hostile()), 0);
    assert!(forwards(&Seen::of(AdversaryKind::Ttl)) > 0);
}

#[test]
fn who_replays_sends_what_others_have_sent_also_as_they() {
    let seen = Seen::of(AdversaryKind::Replay);
    assert!(seen.fault(Fault::Replayed) > 1_000, "{}", seen.fault(Fault::Replayed));
    let unasked = |seen: &Seen| seen.dropped(DropReason::Unasked);
    assert!(unasked(&seen) > unasked(&Seen::of_nobody_hostile()) + 100, "{}", unasked(&seen));
}

#[test]
fn who_forges_moves_credits_to_those_who_never_asked_for_it() {
    let seen = Seen::of(AdversaryKind::Forge);
    assert!(seen.fault(Fault::Forged) > 500, "{}", seen.fault(Fault::Forged));
    assert!(seen.rare(Rarity::CreditMoved) > 10, "{}", seen.rare(Rarity::CreditMoved));
}

#[test]
fn who_claims_falsely_makes_others_test_in_vain_and_pass_on_what_nobody_can_test() {
    let (quiet, seen) = (Seen::of_nobody_hostile(), Seen::of(AdversaryKind::Fake));
    assert_eq!(quiet.claims(ClaimResult::Refuted) + quiet.claims(ClaimResult::Untestable), 0);
    assert!(seen.claims(ClaimResult::Refuted) > 100, "{}", seen.claims(ClaimResult::Refuted));
    assert!(seen.claims(ClaimResult::Untestable) > 100, "{}", seen.claims(ClaimResult::Untestable));
    assert_eq!(seen.claims(ClaimResult::Factored), 0, "plausible claims pass the cheap checks");
}

#[test]
fn who_poisons_makes_others_look_for_nobody() {
    let quiet = Seen::of_nobody_hostile().rare(Rarity::ToUnproven);
    for kind in [AdversaryKind::Poison, AdversaryKind::PoisonMany] {
        let seen = Seen::of(kind).rare(Rarity::ToUnproven);
        assert!(seen > quiet + 500, "{kind}: {seen} datagrams to strangers, {quiet} without");
    }
}

#[test]
fn who_floods_uses_up_all_budgets() {
    let seen = Seen::of(AdversaryKind::Flood);
    let (quiet, flooded) = (Seen::of_nobody_hostile().world.traffic().datagrams(), seen.world.traffic().datagrams());
    assert!(flooded > 10 * quiet, "{flooded} and {quiet} datagrams");
    let received = flooded / 31 / u64::from(HONEST + OTHERS);
    assert!(received > 200, "each host gets {received} datagrams a second");
    assert!(seen.dropped(DropReason::AddressBudget) > 1_000, "{}", seen.dropped(DropReason::AddressBudget));
}

#[test]
fn who_is_silent_forwards_nothing() {
    let (quiet, seen) = (Seen::of_nobody_hostile(), Seen::of(AdversaryKind::Silent));
    let primes = |seen: &Seen| seen.world.traffic().sent(MessageType::Prime);
    assert!(primes(&seen) < primes(&quiet), "{} and {}", primes(&seen), primes(&quiet));
}

#[test]
fn who_lies_about_what_it_knows_is_sent_all_there_is_again_and_again() {
    let sent = |seen: &Seen| seen.sum(|counters| counters.catchup_sent.get());
    let (quiet, seen) = (sent(&Seen::of_nobody_hostile()), sent(&Seen::of(AdversaryKind::LyingKnown)));
    assert!(seen > quiet + 50, "{seen} and {quiet}");
}

#[test]
fn who_accepts_falsely_drops_whom_it_has_accepted() {
    let refused = |seen: &Seen| seen.sum(|counters| counters.evictions.of(EvictionReason::Refused).get());
    let (quiet, seen) = (refused(&Seen::of_nobody_hostile()), refused(&Seen::of(AdversaryKind::FalseAccept)));
    assert!(seen > quiet + 10, "{seen} and {quiet}");
}
