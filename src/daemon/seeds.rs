//! Ways into the network: peers by name, resolved at the start and again and again, because names move.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::time::timeout;

use super::peer_name::{PeerName, PeerNameError};
use super::report::Report;

/// How often names are resolved again.
const INTERVAL: Duration = Duration::from_secs(15);

/// How long an address stays a way into the network after its name was last seen to lead to it.
const STALE_AFTER: Duration = Duration::from_secs(600);

/// The addresses of one name that are seeds at the same time: seeds push other candidates out of a full address book.
const ADDRESSES_MAX: usize = 16;

/// A name and the addresses it has.
pub(super) type Resolved = (PeerName, Vec<SocketAddr>);

/// The addresses of all names. One that does not resolve is tried again later, as long as there is another.
///
/// # Errors
/// No name resolves: why the first does not.
pub(super) async fn resolve_all(names: &[PeerName], bind: IpAddr) -> Result<Vec<Resolved>, PeerNameError> {
    let mut resolved = Vec::new();
    let mut failed = Vec::new();
    for name in names {
        match name.resolve(bind).await {
            Ok(addresses) => resolved.push((name.clone(), addresses)),
            Err(error) => {
                resolved.push((name.clone(), Vec::new()));
                failed.push(error);
            }
        }
    }
    if !failed.is_empty() && failed.len() == names.len() {
        return Err(failed.swap_remove(0));
    }
    failed.iter().for_each(|error| tracing::warn!("{error}; it is tried again later"));
    Ok(resolved)
}

/// Resolves names again and again, and others when it is told so; reports what changes.
#[derive(Debug)]
pub(super) struct Seeds {
    names: watch::Sender<Vec<PeerName>>,
}

impl Seeds {
    /// Starts with names that have been resolved. It ends when it is dropped, or nobody is left to be told.
    pub(super) fn start(resolved: Vec<Resolved>, bind: IpAddr, reports: UnboundedSender<Report>) -> Seeds {
        let (names, told) = watch::channel(resolved.iter().map(|(name, _)| name.clone()).collect());
        let mut ways = Ways::default();
        for (name, addresses) in resolved {
            ways.resolved(&name, &addresses, Instant::now());
        }
        tokio::spawn(keep_resolving(told, ways, bind, reports));
        Seeds { names }
    }

    /// These names and no others from now on. One that does not resolve is tried again and again.
    pub(super) fn replace(&self, names: Vec<PeerName>) {
        self.names.send_replace(names);
    }
}

async fn keep_resolving(
    mut names: watch::Receiver<Vec<PeerName>>,
    mut ways: Ways,
    bind: IpAddr,
    reports: UnboundedSender<Report>,
) {
    loop {
        let replaced = timeout(INTERVAL, names.changed()).await;
        if let Ok(Err(_nobody_tells)) = replaced {
            return;
        }
        let wanted = names.borrow_and_update().clone();
        let report = |changes: Vec<Report>| changes.into_iter().try_for_each(|change| reports.send(change));
        if report(ways.keep_only(&wanted)).is_err() {
            return;
        }
        for name in &wanted {
            if ways.is_settled(name) {
                continue;
            }
            let addresses = name.resolve(bind).await.unwrap_or_else(|error| {
                tracing::warn!("{error}");
                Vec::new()
            });
            if report(ways.resolved(name, &addresses, Instant::now())).is_err() {
                return;
            }
        }
    }
}

/// Where the names lead.
#[derive(Debug, Default)]
struct Ways(BTreeMap<PeerName, BTreeMap<SocketAddr, Instant>>);

impl Ways {
    /// Notes what a name resolves to now. What it has not resolved to for long is no way into the network any more: names
    /// that rotate would otherwise collect addresses for ever.
    fn resolved(&mut self, name: &PeerName, addresses: &[SocketAddr], now: Instant) -> Vec<Report> {
        let known = self.0.entry(name.clone()).or_default();
        known.extend(addresses.iter().take(ADDRESSES_MAX).map(|&address| (address, now)));
        let mut stale = Vec::new();
        known.retain(|&address, seen| {
            let is_fresh = now.duration_since(*seen) < STALE_AFTER;
            if !is_fresh {
                stale.push(address);
            }
            is_fresh
        });
        while known.len() > ADDRESSES_MAX
            && let Some(oldest) = known.iter().min_by_key(|(_, seen)| **seen).map(|(&address, _)| address)
        {
            known.remove(&oldest);
            stale.push(oldest);
        }
        let mut changes: Vec<Report> =
            addresses.iter().take(ADDRESSES_MAX).map(|&address| Report::Seed(address)).collect();
        changes.extend(self.gone(stale));
        changes
    }

    /// Forgets all other names.
    fn keep_only(&mut self, names: &[PeerName]) -> Vec<Report> {
        let mut gone = Vec::new();
        self.0.retain(|name, addresses| {
            let is_wanted = names.contains(name);
            if !is_wanted {
                gone.extend(addresses.keys());
            }
            is_wanted
        });
        self.gone(gone)
    }

    /// Those of these addresses that no other name leads to.
    fn gone(&self, addresses: Vec<SocketAddr>) -> Vec<Report> {
        let leads = |address: &SocketAddr| self.0.values().any(|known| known.contains_key(address));
        addresses.into_iter().filter(|address| !leads(address)).map(Report::NoSeed).collect()
    }

    /// Whether asking again would tell nothing new: the name is an address, and known.
    fn is_settled(&self, name: &PeerName) -> bool {
        name.address().is_some() && self.0.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_nobody_knows_is_an_error_that_names_it() {
        let name: PeerName = "no-such-host.invalid:5001".parse().unwrap();
        let error = resolve_all(&[name], IpAddr::from([127, 0, 0, 1])).await.unwrap_err();
        assert!(error.to_string().contains("no-such-host.invalid:5001"), "{error}");
    }

    #[tokio::test]
    async fn one_name_that_nobody_knows_does_not_keep_a_node_from_starting_if_there_is_another() {
        let names = [name("no-such-host.invalid:5001"), name("127.0.0.1:5001")];
        let resolved = resolve_all(&names, IpAddr::from([127, 0, 0, 1])).await.unwrap();
        let [unknown, known] = names;
        assert_eq!(resolved, [(unknown, vec![]), (known, vec![address("127.0.0.1:5001")])]);
    }

    #[tokio::test]
    async fn a_peer_elsewhere_cannot_be_reached_from_loopback_and_the_error_says_what_to_do() {
        let name: PeerName = "192.0.2.1:5001".parse().unwrap();
        let error = resolve_all(std::slice::from_ref(&name), IpAddr::from([127, 0, 0, 1])).await.unwrap_err();
        assert!(error.to_string().contains("--bind 0.0.0.0"), "{error}");
        assert_eq!(resolve_all(&[name], IpAddr::from([0, 0, 0, 0])).await.unwrap()[0].1.len(), 1);
    }

    fn name(text: &str) -> PeerName {
        text.parse().unwrap()
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// What changed, in short: `+` for a seed, `-` for one that is none any more.
    fn told(changes: Vec<Report>) -> Vec<String> {
        let told = |change| match change {
            Report::Seed(address) => format!("+{address}"),
            Report::NoSeed(address) => format!("-{address}"),
            other => panic!("{other:?}"),
        };
        changes.into_iter().map(told).collect()
    }

    #[test]
    fn an_address_that_its_name_has_left_is_no_seed_after_ten_minutes() {
        let (mut ways, start) = (Ways::default(), Instant::now());
        let (rotating, first, second) = (name("a.example:1"), address("192.0.2.1:1"), address("192.0.2.2:1"));
        assert_eq!(told(ways.resolved(&rotating, &[first], start)), ["+192.0.2.1:1"]);
        let soon = start + STALE_AFTER / 2;
        assert_eq!(told(ways.resolved(&rotating, &[second], soon)), ["+192.0.2.2:1"]);
        let later = start + STALE_AFTER;
        assert_eq!(told(ways.resolved(&rotating, &[second], later)), ["+192.0.2.2:1", "-192.0.2.1:1"]);
    }

    #[test]
    fn a_name_with_many_addresses_has_no_more_than_sixteen_of_them_as_seeds() {
        let (mut ways, start) = (Ways::default(), Instant::now());
        let rotating = name("a.example:1");
        let seeds = |ways: &Ways| ways.0[&rotating].len();
        for n in 0..40_u8 {
            let now = start + Duration::from_secs(n.into());
            let changes = told(ways.resolved(&rotating, &[SocketAddr::from(([192, 0, 2, n], 1))], now));
            let gone = n.checked_sub(16).map(|oldest| format!("-192.0.2.{oldest}:1"));
            assert_eq!(changes.get(1), gone.as_ref());
            assert!(seeds(&ways) <= 16);
        }
    }

    #[test]
    fn a_name_that_is_removed_takes_its_addresses_along_unless_another_leads_there() {
        let (mut ways, now) = (Ways::default(), Instant::now());
        let (one, two) = (name("a.example:1"), name("b.example:1"));
        ways.resolved(&one, &[address("192.0.2.1:1"), address("192.0.2.2:1")], now);
        ways.resolved(&two, &[address("192.0.2.2:1")], now);
        assert_eq!(told(ways.keep_only(std::slice::from_ref(&two))), ["-192.0.2.1:1"]);
        assert_eq!(told(ways.keep_only(&[])), ["-192.0.2.2:1"]);
    }

    #[tokio::test]
    async fn names_can_be_replaced_and_one_that_does_not_resolve_does_not_hold_up_the_others() {
        let (reports, mut told_reports) = tokio::sync::mpsc::unbounded_channel();
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let before = vec![(name("127.0.0.1:1"), vec![address("127.0.0.1:1")])];
        let seeds = Seeds::start(before, loopback, reports);
        seeds.replace(vec![name("no-such-host.invalid:1"), name("127.0.0.1:2")]);
        let changes = vec![told_reports.recv().await.unwrap(), told_reports.recv().await.unwrap()];
        assert_eq!(told(changes), ["-127.0.0.1:1", "+127.0.0.1:2"]);
    }
}
