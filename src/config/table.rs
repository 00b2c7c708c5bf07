//! The table of settings.
//!
//! A name is the flag without its dashes, the key in the file, and, in capitals with underscores behind `MERSENNED_`, the
//! variable. Everything else about settings follows from this table: the flags, the file's example, `config show`, the
//! checks. Defaults are written as a person would write them and go the same way as any other value.

use std::num::NonZeroU16;

use super::key::Group::{Bounds, Log, Network, Place, Search, Timers};
use super::key::Key;
use super::key::Shape::{List, Number};
use super::value;
use crate::daemon::PeerNameError;
use crate::protocol::message::Ttl;
use crate::protocol::{LoopbackLimits, PlainPeers, Rate, ScanError, SearchMode};

/// Every setting, in the order of the file.
pub static KEYS: &[Key] = &[
    Key::new(Place, "port", "PORT", |draft, text| {
        draft.daemon.port = value::port(text)?;
        Ok(())
    })
    .shape(Number)
    .default("5001")
    .help("UDP port for gossip and TCP port for HTTP")
    .notes(
        "One number, one node: give each node of a machine its own. With systemd the instance of \
        mersenned@PORT.service is the port, and this key is not needed.",
    ),
    Key::new(Place, "name", "NAME", |draft, text| {
        draft.daemon.name = Some(value::node_name(text)?);
        Ok(())
    })
    .example("Marin")
    .help("What people call this node")
    .notes("Shown by its page, /state and `mersenned status`. It is never sent to other nodes."),
    Key::new(Place, "bind", "IP", |draft, text| {
        draft.daemon.bind = value::ip(text)?;
        Ok(())
    })
    .default("127.0.0.1")
    .help("Address for gossip; 0.0.0.0 means all")
    .notes(
        "On 127.0.0.1 a node meets only nodes of its own machine. 0.0.0.0 (or :: for IPv6 too) lets others in: \
        gossip is not encrypted, and everybody who can reach the port can take part.",
    ),
    Key::new(Place, "http-bind", "IP", |draft, text| {
        draft.daemon.http_bind = value::ip(text)?;
        Ok(())
    })
    .default("127.0.0.1")
    .help("Address for HTTP")
    .notes(
        "Whoever reaches it can read everything the node knows, and change something only with the token in the state \
        directory. Bind it to another address for a Prometheus on another machine, behind a firewall.",
    ),
    Key::new(Place, "http-host", "NAME", |draft, text| {
        draft.daemon.http_hosts.push(value::host_name(text)?);
        Ok(())
    })
    .shape(List)
    .example("node.example.org")
    .help("A name HTTP may be asked by, beside addresses and localhost")
    .notes("Requests under other names are refused, because web pages could make them (DNS rebinding)."),
    Key::new(Place, "advertise", "IP:PORT", |draft, text| {
        draft.daemon.advertise = Some(value::advertised(text)?);
        Ok(())
    })
    .example("192.0.2.1:5001")
    .help("The address others reach this node at, if not the bound one")
    .notes("For a node behind a port forwarding, or one bound to 0.0.0.0 on a machine with several addresses."),
    Key::new(Place, "state-dir", "DIR", |draft, text| {
        draft.state_dir = Some(value::directory(text)?);
        Ok(())
    })
    .example("/var/lib/mersenned/5001")
    .help("Where the node keeps its memory")
    .notes(
        "One directory for each node; it holds primes, known addresses, the ids used, and the token. Without this it is \
        $STATE_DIRECTORY (systemd sets it), else mersenned/PORT in $XDG_STATE_HOME or ~/.local/state.",
    ),
    Key::new(Network, "peer", "HOST:PORT", |draft, text| {
        draft.daemon.peers.push(text.parse().map_err(|error: PeerNameError| error.to_string())?);
        Ok(())
    })
    .shape(List)
    .example("node.example.org:5001")
    .live()
    .help("A way into the network")
    .notes(
        "One that answers is enough, two or three survive one that is gone. Names are resolved again and again, so an \
        address may change.",
    ),
    Key::new(Network, "scan", "RANGE", |draft, text| {
        draft.daemon.scan.push(text.parse().map_err(|error: ScanError| error.to_string())?);
        Ok(())
    })
    .shape(List)
    .example("127.0.0.1:5001-5010")
    .help("PING every address of a range, as 127.0.0.1:5001-5010")
    .notes(
        "For a class (127.0.0.1:5001-5010) or a home network (10.0.0.0/24:5001) without a known node; at most 65536 \
        addresses, at the probe rate, and again each minute while nobody answers. Scan only \
        networks that are yours: elsewhere it looks like an attack.",
    ),
    Key::new(Search, "search", "on|off", |draft, text| {
        draft.daemon.node.search = if value::switch(text)? { SearchMode::Race } else { SearchMode::Off };
        Ok(())
    })
    .switch()
    .default("on")
    .live()
    .help("Whether this node looks for primes itself")
    .notes("Off, it gossips and verifies only: a meeting point that costs no processor time to speak of."),
    Key::new(Search, "interval", "TIME", |draft, text| {
        draft.daemon.node.generate_interval = value::interval(text)?;
        Ok(())
    })
    .time()
    .default("10s")
    .help("How often it starts looking for a larger prime")
    .notes(
        "Shorter finds small primes sooner, and makes nodes claim the same one twice more often. Start with 10s; a \
        class with 1s.",
    ),
    Key::new(Search, "threads", "N", |draft, text| {
        let threads: u16 = value::number(text, 1..=1_024)?;
        draft.daemon.threads = NonZeroU16::new(threads).unwrap_or(NonZeroU16::MIN);
        Ok(())
    })
    .shape(Number)
    .default("1")
    .help("How many threads search")
    .notes(
        "They run at nice 19, so whatever else the machine does goes first. Start with half of its cores; more threads than \
        cores are of no use. Claims of others are tested by one more.",
    ),
    Key::new(Log, "log-level", "LEVEL", |draft, text| {
        draft.log_level = value::choice(text)?;
        Ok(())
    })
    .choices(&["error", "warn", "info", "debug"])
    .default("info")
    .live()
    .help("error, warn, info, or debug for every message")
    .notes("info is a few lines for each peer and each prime; debug is hundreds of lines a minute (journal-rate bounds it)."),
    Key::new(Log, "log-format", "FORMAT", |draft, text| {
        draft.log_format = value::choice(text)?;
        Ok(())
    })
    .choices(&["auto", "text", "journal", "json"])
    .default("auto")
    .help("text, journal or json; auto suits the reader")
    .notes("text is for people; journal puts a priority in front, which auto does when journald reads; json is an object a line."),
    Key::new(Timers, "ping-interval", "TIME", |draft, text| {
        draft.daemon.node.ping_interval = value::interval(text)?;
        Ok(())
    })
    .time()
    .default("5s")
    .help("How often each peer is PINGed")
    .notes("Shorter notices death sooner and costs more datagrams. Start with 5s; a class with 500ms."),
    Key::new(Timers, "peer-timeout", "TIME", |draft, text| {
        draft.daemon.node.peer_timeout = value::interval(text)?;
        Ok(())
    })
    .time()
    .default("10s")
    .help("Silence after which a peer is dropped")
    .notes(
        "From 60 % of it on a silent peer is PINGed more often. Longer rides out more loss and believes the dead longer. \
        Twice the ping interval is usual; it has to be longer than that.",
    ),
    Key::new(Timers, "evict-interval", "TIME", |draft, text| {
        draft.daemon.node.evict_interval = value::interval(text)?;
        Ok(())
    })
    .time()
    .default("1s")
    .help("How often silent peers are looked for")
    .notes("A peer is dropped up to this much later than it should be. A tenth of the timeout is plenty."),
    Key::new(Bounds, "max-peers", "N", |draft, text| {
        draft.daemon.node.active_max = value::number(text, 1..=1_024)?;
        Ok(())
    })
    .shape(Number)
    .default("12")
    .help("Active peers, beside the nearest on the ring")
    .notes(
        "Each is PINGed and forwarded to: traffic grows with it, not with the network. In networks of up to one node more \
        everybody knows everybody.",
    ),
    Key::new(Bounds, "chosen-peers", "N", |draft, text| {
        draft.daemon.node.chosen_min = value::number(text, 0..=1_024)?;
        Ok(())
    })
    .shape(Number)
    .default("4")
    .help("Of these, how many nobody gets by asking")
    .notes("The node chooses them itself, so that no crowd of strangers can surround it. A third is plenty."),
    Key::new(Bounds, "leaves", "N", |draft, text| {
        draft.daemon.node.leaves_per_side = value::number(text, 0..=8)?;
        Ok(())
    })
    .shape(Number)
    .default("2")
    .help("Peers kept on each side of the ring, the nearest")
    .notes("If all of one side die within seconds, the ring takes longer to close. 0 makes a node that is on no ring."),
    Key::new(Bounds, "max-plain-peers", "N", |draft, text| {
        draft.daemon.node.plain_max = value::number(text, 0..=1_024)?;
        Ok(())
    })
    .shape(Number)
    .default("4")
    .help("Active peers that cannot prove their address")
    .notes("The exercise's own nodes are such. More lets more students in, and more forgers; 0 takes none."),
    Key::new(Bounds, "allow-plain", "on|off", |draft, text| {
        let everywhere = value::switch(text)?;
        draft.daemon.node.plain_from = if everywhere { PlainPeers::Anywhere } else { PlainPeers::Local };
        Ok(())
    })
    .switch()
    .default("off")
    .help("Accept peers that cannot prove their address from anywhere, not only from private networks")
    .notes("On, a forger on the internet can make this node PING others, at the probe rate."),
    Key::new(Bounds, "max-book", "N", |draft, text| {
        draft.daemon.node.book_max = value::number(text, 1..=65_536)?;
        Ok(())
    })
    .shape(Number)
    .default("256")
    .help("Candidates in the address book")
    .notes("More are more ways back after a long partition, at about 150 bytes each."),
    Key::new(Bounds, "max-seen", "N", |draft, text| {
        draft.daemon.node.seen_max = value::number(text, 64..=16_777_216)?;
        Ok(())
    })
    .shape(Number)
    .default("65536")
    .help("PRIMEs remembered as heard, in each of two generations of 60 s")
    .notes("Fewer forget under a flood and forward again what they had; 65536 take 4 to 5 MB when full."),
    Key::new(Bounds, "max-ttl", "N", |draft, text| {
        draft.daemon.node.ttl_max = Ttl(value::number(text, 0..=16)?);
        Ok(())
    })
    .shape(Number)
    .default("16")
    .help("The highest TTL believed and sent")
    .notes("16 hops reach any network; fewer bound what one datagram can cause, and may not reach everybody."),
    Key::new(Bounds, "max-exponent", "P", |draft, text| {
        draft.daemon.node.exponent_max = value::number(text, 2..=4_294_967_295)?;
        Ok(())
    })
    .shape(Number)
    .default("1000000000")
    .help("The largest exponent a claim may have")
    .notes("Claims above are refused outright. The largest known prime's exponent is 136279841."),
    Key::new(Bounds, "max-verify-exponent", "P", |draft, text| {
        draft.daemon.node.verify_exponent_max = value::number(text, 2..=1_000_000)?;
        Ok(())
    })
    .shape(Number)
    .default("1000000")
    .help("The largest exponent that is tested for others")
    .notes(
        "Claims above are passed on and not tested, so they never become knowledge here. A test takes 8 s at 44497 and \
        hours at the end of the range.",
    ),
    Key::new(Bounds, "verify-queue", "N", |draft, text| {
        draft.daemon.node.verify_max = value::number(text, 1..=4_096)?;
        Ok(())
    })
    .shape(Number)
    .default("64")
    .help("Claims that wait for verification")
    .notes("When it is full the largest exponents make room; they may come again. Fewer make catching up slower."),
    Key::new(Bounds, "address-rate", "N", |draft, text| {
        draft.daemon.node.address_rate = doubled(value::number(text, 1..=1_000_000)?);
        Ok(())
    })
    .shape(Number)
    .default("20")
    .help("Datagrams a second taken from one address; twice as many at once")
    .notes("A node needs one or two; a stranger's first catch-up a few more."),
    Key::new(Bounds, "group-rate", "N", |draft, text| {
        draft.daemon.node.group_rate = doubled(value::number(text, 1..=1_000_000)?);
        Ok(())
    })
    .shape(Number)
    .default("200")
    .help("Datagrams a second taken from one address group (/16, /32); twice as many at once")
    .notes("Raise it where hundreds of your nodes share a network."),
    Key::new(Bounds, "peer-rate", "N", |draft, text| {
        let rate = value::number(text, 1..=1_000_000)?;
        draft.daemon.node.proven_rate = Rate::new(rate, rate);
        Ok(())
    })
    .shape(Number)
    .default("100")
    .help("Datagrams a second taken from one peer that has proven its address")
    .notes("What comes beyond is dropped and counted. 100 is fifty times what a peer needs."),
    Key::new(Bounds, "probe-rate", "N", |draft, text| {
        let rate = value::number(text, 11..=1_000)?;
        draft.daemon.node.probe_rate = Rate::new(rate, rate);
        Ok(())
    })
    .shape(Number)
    .default("30")
    .help("PINGs a second sent to addresses that are no peers")
    .notes("The most a forger can make this node send to a victim. Higher finds a large network sooner."),
    Key::new(Bounds, "limit-loopback", "on|off", |draft, text| {
        let limited = value::switch(text)?;
        draft.daemon.node.loopback = if limited { LoopbackLimits::Limited } else { LoopbackLimits::Exempt };
        Ok(())
    })
    .switch()
    .default("off")
    .help("Let the rates above hold for this machine's own datagrams too")
    .notes("On for a machine with users who do not trust each other."),
    Key::new(Bounds, "receive-buffer", "BYTES", |draft, text| {
        draft.daemon.receive_buffer = value::number(text, 4_096..=268_435_456)?;
        Ok(())
    })
    .shape(Number)
    .default("4194304")
    .help("Bytes asked for as receive buffer; what came of it is exported")
    .notes(
        "The kernel gives at most net.core.rmem_max. Its usual 212992 hold 256 datagrams and then drop silently \
        (mersenned_socket_kernel_drops_total counts them).",
    ),
    Key::new(Bounds, "journal-entries", "N", |draft, text| {
        draft.daemon.journal_entries = value::number(text, 64..=1_048_576)?;
        Ok(())
    })
    .shape(Number)
    .default("4096")
    .help("Events kept for /log and /events")
    .notes("An hour of a quiet node, at about 200 bytes each. A reader who was away longer is told what it has missed."),
    Key::new(Bounds, "journal-rate", "N", |draft, text| {
        draft.daemon.journal_rate = value::number(text, 1..=1_000_000)?;
        Ok(())
    })
    .shape(Number)
    .default("200")
    .help("Messages a second among these events, twice as many at once; the rest is counted")
    .notes("More shows every message of a busy node, and leaves less room for news. It bounds log-level debug too."),
];

/// So many a second, twice as many at once.
fn doubled(rate: u32) -> Rate {
    Rate::new(rate, rate.saturating_mul(2))
}

/// The setting of this name.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The setting whose name is most like this one, if any is.
pub(super) fn similar(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let likeness = |key: &&Key| strsim::jaro_winkler(key.name, &name);
    let best = KEYS.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) > 0.8).then_some(best.name)
}
