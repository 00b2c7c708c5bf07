//! PONGs per second of a real node, against a plain blocking UDP echo on the same core.
//!
//!     cargo bench --bench pong_rate
//!
//! Both are processes of their own, pinned to core 0 (if `taskset` is there); the asker is pinned to core 1 and keeps a
//! window of PINGs on their way. They take turns, five times two seconds each; what counts is the median of the ratios of
//! neighbouring runs. Loopback is exempt from the node's receive limits, so what is measured is the loop, not a budget.

use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mersenned::protocol::address::NodeRef;
use mersenned::protocol::codec;
use mersenned::protocol::message::{Body, Exchange, Message, MessageId};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const WINDOW: usize = 64;
const NODE_PORT: u16 = 47_001;
const ECHO_PORT: u16 = 47_002;

fn main() {
    // The reference is this same program, started with this word.
    if std::env::args().any(|argument| argument == "echo") {
        return echo();
    }
    let state = tempfile::tempdir().expect("a state directory");
    let program = env!("CARGO_BIN_EXE_mersenned");
    let state_dir = state.path().to_str().expect("a plain path");
    let flags =
        ["run", "--port", &NODE_PORT.to_string(), "--state-dir", state_dir, "--search", "off", "--log-level", "error"];
    let own = std::env::current_exe().expect("this program's own file");
    let _node = Process(pinned(0, program, &flags));
    let _echo = Process(pinned(0, own.to_str().expect("a plain path"), &["echo"]));
    std::thread::sleep(Duration::from_secs(1));
    pin_self();

    println!(
        "PONGs per second; window {WINDOW}, {ROUNDS} rounds of {} s; receive limits lifted (loopback is exempt)",
        ROUND.as_secs()
    );
    for (name, exchange) in [("nil PING", None), ("map PING", Some(Exchange { nonce: Some(1), ..Exchange::default() }))]
    {
        let mut ratios = Vec::new();
        for round in 1..=ROUNDS {
            let node = rate(NODE_PORT, exchange.as_ref());
            let echo = rate(ECHO_PORT, exchange.as_ref());
            ratios.push(node / echo);
            println!("  {name}, round {round}: node {node:>8.0}/s   echo {echo:>8.0}/s   ratio {:.3}", node / echo);
        }
        ratios.sort_by(f64::total_cmp);
        println!("{name}: median ratio {:.3} (at least 0.80 is wanted, 0.90 is the aim)", ratios[ROUNDS / 2]);
    }
}

/// Killed when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn pinned(core: usize, program: &str, arguments: &[&str]) -> Child {
    let with_taskset = Command::new("taskset").arg("--version").stdout(Stdio::null()).status().is_ok();
    let mut command = if with_taskset {
        let mut command = Command::new("taskset");
        command.args(["-c", &core.to_string(), program]);
        command
    } else {
        Command::new(program)
    };
    command.args(arguments).stdout(Stdio::null()).spawn().expect("the process starts")
}

fn pin_self() {
    let own = std::process::id().to_string();
    drop(Command::new("taskset").args(["-cp", "1", &own]).stdout(Stdio::null()).status());
}

fn echo() {
    let socket = UdpSocket::bind(("127.0.0.1", ECHO_PORT)).expect("the echo's port is free");
    let mut buffer = [0; 1_500];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).expect("the echo receives");
        socket.send_to(&buffer[..length], from).expect("the echo sends");
    }
}

fn ping(own: u16, exchange: Option<&Exchange>) -> Vec<u8> {
    let own = NodeRef::Port(own.try_into().expect("a port"));
    let message = Message { id: MessageId(1), forwarder: own, originator: own, body: Body::Ping(exchange.cloned()) };
    let mut bytes = Vec::new();
    codec::encode(&message, &mut bytes);
    bytes
}

/// Answers per second when `WINDOW` questions are kept on their way.
fn rate(port: u16, exchange: Option<&Exchange>) -> f64 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let to = SocketAddr::from(([127, 0, 0, 1], port));
    socket.connect(to).expect("a connected socket");
    socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
    let datagram = ping(socket.local_addr().expect("an address").port(), exchange);
    let datagram = datagram.as_slice();
    let mut buffer = [0; 1_500];
    for _ in 0..WINDOW {
        socket.send(datagram).expect("a question");
    }
    let began = Instant::now();
    let mut answers = 0u64;
    while began.elapsed() < ROUND {
        match socket.recv(&mut buffer) {
            Ok(_) => {
                answers += 1;
                socket.send(datagram).expect("a question");
            }
            // Some were lost: fill the window again.
            Err(_) => (0..WINDOW).for_each(|_| drop(socket.send(datagram))),
        }
    }
    answers as f64 / began.elapsed().as_secs_f64()
}
