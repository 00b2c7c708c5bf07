use super::*;
use crate::protocol::message::MessageId;

fn claim(number: u64, finder: u8, id: u64) -> Claim {
    let originator = std::net::SocketAddr::new([10, 0, 0, finder].into(), 5_001);
    Claim { exponent: Exponent::new(number).unwrap(), originator, id: MessageId(id), signature: None }
}

fn primes(claims: &[Claim]) -> Primes {
    let primes = Primes::new(HashKey(1, 2));
    for &claim in claims {
        primes.learn(claim);
    }
    primes
}

#[test]
fn a_first_claim_makes_a_prime_known_and_a_second_is_no_news() {
    let primes = primes(&[]);
    assert_eq!((primes.largest(), primes.digest()), (None, KnownDigest::default()));
    assert_eq!(primes.learn(claim(31, 1, 1)), Learned::Prime);
    assert_eq!(primes.learn(claim(31, 1, 1)), Learned::Nothing);
    assert_eq!(primes.largest(), Some(claim(31, 1, 1)));
}

#[test]
fn a_better_claim_takes_the_credit_and_a_worse_one_changes_nothing() {
    let mut ranked: Vec<Claim> = (1..=9).map(|finder| claim(31, finder, 1)).collect();
    ranked.sort_by_key(Claim::rank);
    let primes = primes(&[ranked[5]]);
    assert_eq!(primes.learn(ranked[8]), Learned::Nothing);
    assert_eq!(primes.learn(ranked[0]), Learned::Credit(ranked[5]));
    assert_eq!(primes.credit(ranked[0].exponent), Some(ranked[0]));
}

#[test]
fn equal_sets_have_equal_digests_whatever_the_order_and_other_sets_have_others() {
    let claims: Vec<Claim> = [(31, 1), (61, 2), (31, 3), (127, 1), (61, 4)].map(|(p, by)| claim(p, by, 7)).to_vec();
    let reversed: Vec<Claim> = claims.iter().rev().copied().collect();
    let digest = primes(&claims).digest();
    assert_eq!(digest, primes(&reversed).digest());
    assert_eq!((digest.count, digest.largest), (3, 127));
    assert_ne!(digest, primes(&claims[..3]).digest());
    assert_ne!(primes(&claims[..1]).digest().xor, primes(&[claim(31, 9, 7)]).digest().xor, "credits count too");
}

#[test]
fn all_are_listed_largest_first_and_a_smaller_one_does_not_become_the_largest() {
    let primes = primes(&[claim(61, 1, 1), claim(127, 1, 2), claim(31, 1, 3)]);
    let all: Vec<u64> = primes.all().iter().map(|claim| claim.exponent.into()).collect();
    assert_eq!(all, [127, 61, 31]);
    assert_eq!(primes.largest(), Some(claim(127, 1, 2)));
}

#[test]
fn of_each_originator_the_highest_id_is_the_latest() {
    let primes = primes(&[claim(61, 1, 5), claim(127, 1, 2), claim(31, 2, 3)]);
    let latest: Vec<(u64, u64)> =
        primes.latest().iter().map(|latest| (latest.exponent.into(), latest.msg_id.0)).collect();
    assert_eq!(latest, [(61, 5), (31, 3)]);
}
