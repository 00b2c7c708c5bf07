//! The exercises of the lab, taken by programs in Python: one that keeps the rules passes, one that breaks a rule does not.
//!
//! The programs are in `tests/exercises`. The lab runs four times as fast, and so do they.

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mersenned::lab::exercise::Exercise;
use mersenned::protocol::codec::{decode, encode};
use mersenned::protocol::message::{Body, Message};
use serde_json::Value;
use support::{Killed, free_ports, program, skip, wait_until};

/// How much faster than in class.
const SPEED: u16 = 4;

/// A solution passes in class within 42 s; on a busy machine it takes some rounds more.
const PASSES: Duration = Duration::from_secs(45);

/// For each exercise its solution, and the classes of `broken.py` with the place of the condition that must notice.
const SOLUTIONS: [(&str, &[(&str, usize)]); 7] = [
    ("1_liveness", &[("PingsOnce", 3), ("IgnoresStrangers", 2)]),
    ("2_eviction", &[("NeverDrops", 2), ("DropsTooSoon", 3)]),
    ("3_pong", &[("SaysNothing", 1), ("CountsItsPongs", 2), ("AnswersPongs", 4)]),
    ("4_duplicates", &[("ForgetsWhatItSaw", 2), ("TellsByNumberAlone", 3), ("TakesPingsForDuplicates", 4)]),
    ("5_forwarding", &[("KeepsTheTtl", 2), ("ForwardsAtZero", 3), ("ClaimsWhatItForwards", 4), ("SendsBack", 6)]),
    ("6_introduction", &[("LearnsNobody", 1)]),
    ("7_credit", &[("CreditsTheForwarder", 2), ("CreditsTheLatest", 4), ("TellsNobody", 1)]),
];

/// A lab with an exercise, and what its feed last said of the conditions.
struct Lab {
    exercise: &'static Exercise,
    student: u16,
    nodes: Vec<u16>,
    conditions: Arc<Mutex<Vec<Value>>>,
    _process: Killed,
}

impl Lab {
    fn start(number: u8) -> Lab {
        // The page's, two nodes', the student's.
        let first = free_ports(4);
        let (page, nodes, student) = (first, vec![first + 1, first + 2], first + 3);
        let mut command = Command::new(program());
        command.args(["lab", "--nodes", "3", "--first-port", &nodes[0].to_string(), "--page-port", &page.to_string()]);
        command.args(["--speed", &SPEED.to_string(), "--exercise", &number.to_string()]);
        // In the others the processor is better used for being in time.
        if number != 7 {
            command.args(["--", "--search", "off"]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let process = Killed(command.spawn().expect("the program starts"));
        let conditions = Arc::new(Mutex::new(Vec::new()));
        follow(page, Arc::clone(&conditions));
        let exercise = Exercise::get(number).expect("there is one");
        Lab { exercise, student, nodes, conditions, _process: process }
    }

    /// Starts a program at the student's place.
    fn student(&self, script: &str, rule: Option<&str>) -> Killed {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/exercises");
        let mut command = Command::new("python3");
        // No compiled files beside the scripts.
        command.args(["-B", script]).args(rule).current_dir(directory).arg(self.student.to_string());
        command.args(self.nodes.iter().map(ToString::to_string));
        let faster = |seconds: f64| (seconds / f64::from(SPEED)).to_string();
        command.args(["--ping", &faster(5.0), "--timeout", &faster(10.0)]);
        Killed(command.spawn().expect("python3 starts"))
    }

    fn conditions(&self) -> Vec<Value> {
        self.conditions.lock().expect("no reader has failed").clone()
    }

    /// Waits until the conditions are so; panics with what they are.
    fn wait(&self, what: &str, are_so: impl Fn(&[Value]) -> bool) {
        let began = Instant::now();
        wait_until(2 * PASSES, what, || {
            let conditions = self.conditions();
            let is_late = began.elapsed() > PASSES;
            let are_so = are_so(&conditions);
            assert!(
                are_so || !is_late,
                "exercise {}, not within {PASSES:?}: {what}: {conditions:#?}",
                self.exercise.number
            );
            are_so
        });
    }
}

/// Reads the lab's feed until it ends.
fn follow(page: u16, conditions: Arc<Mutex<Vec<Value>>>) {
    let connect = || TcpStream::connect(("127.0.0.1", page));
    wait_until(Duration::from_secs(20), "the lab serves its page", || connect().is_ok());
    let mut stream = connect().expect("the lab serves its page");
    let request = format!("GET /feed HTTP/1.0\r\nHost: 127.0.0.1:{page}\r\nAccept: text/event-stream\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("the request is sent");
    std::thread::spawn(move || {
        let mut is_exercise = false;
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if let Some(event) = line.strip_prefix("event:") {
                is_exercise = event.trim() == "exercise";
            } else if let Some(data) = line.strip_prefix("data:").filter(|_| is_exercise) {
                let frame: Value = serde_json::from_str(data).expect("the feed is JSON");
                let told = frame["conditions"].as_array().expect("an array of conditions").clone();
                *conditions.lock().expect("no reader has failed") = told;
            }
        }
    });
}

fn stop(mut program: Killed) {
    let child: &mut Child = &mut program.0;
    child.kill().expect("the program can be killed");
    child.wait().expect("it ends");
}

fn hold(conditions: &[Value]) -> bool {
    !conditions.is_empty() && conditions.iter().all(|condition| condition["holds"] == true)
}

/// Prints a reason to skip, if there is one.
fn lacks_python() -> bool {
    let has_msgpack = Command::new("python3").args(["-c", "import msgpack"]).stderr(Stdio::null()).status();
    let lacks = !has_msgpack.is_ok_and(|status| status.success());
    if lacks {
        skip("python3 with the package msgpack is missing (pip install msgpack)");
    }
    lacks
}

/// The solution passes; each program that breaks a rule fails by the condition that names it; the solution passes again.
fn is_judged_rightly(number: u8) {
    if lacks_python() {
        return;
    }
    let (solution, broken) = SOLUTIONS[usize::from(number) - 1];
    let script = format!("{solution}.py");
    let lab = Lab::start(number);
    lab.wait("nobody has come yet", |conditions| {
        conditions.len() == lab.exercise.conditions.len()
            && conditions.iter().all(|condition| condition["holds"].is_null())
    });
    let program = lab.student(&script, None);
    lab.wait("the solution passes", hold);
    stop(program);
    for (rule, place) in broken {
        let program = lab.student("broken.py", Some(rule));
        let text = lab.exercise.conditions[*place];
        lab.wait(&format!("{rule} breaks \"{text}\""), |conditions| {
            conditions.iter().any(|condition| condition["text"] == text && condition["holds"] == false)
        });
        stop(program);
    }
    let program = lab.student(&script, None);
    lab.wait("the solution passes after all that", hold);
    stop(program);
}

#[test]
fn exercise_1_keeps_who_remembers_and_pings() {
    is_judged_rightly(1);
}

#[test]
fn exercise_2_wants_the_silent_dropped_in_time() {
    is_judged_rightly(2);
}

#[test]
fn exercise_3_wants_every_ping_answered() {
    is_judged_rightly(3);
}

#[test]
fn exercise_4_wants_each_prime_sent_on_once() {
    is_judged_rightly(4);
}

#[test]
fn exercise_5_wants_primes_forwarded_exactly() {
    is_judged_rightly(5);
}

#[test]
fn exercise_6_wants_originators_as_peers() {
    is_judged_rightly(6);
}

#[test]
fn exercise_7_wants_credit_given_where_it_is_due() {
    is_judged_rightly(7);
}

const PAGE: &str = include_str!("../docs/exercises.md");

#[test]
fn the_page_for_students_names_every_exercise_and_condition() {
    for exercise in &Exercise::ALL {
        let heading = format!("\n## {}. {}\n", exercise.number, exercise.title);
        let (_, section) = PAGE.split_once(&heading).unwrap_or_else(|| panic!("no {heading}"));
        let section = section.split("\n## ").next().unwrap_or_default();
        let listed: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("* ")).collect();
        assert_eq!(listed, exercise.conditions[1..], "exercise {}", exercise.number);
    }
}

#[test]
fn the_start_on_the_page_pings_and_shows_the_answer() {
    if lacks_python() {
        return;
    }
    let (_, program) = PAGE.split_once("```python\n").expect("there is a program");
    let (program, _) = program.split_once("```").expect("it ends");
    assert_eq!(program.lines().count(), 8, "as the page says");
    let node = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    node.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let port = node.local_addr().expect("an address").port().to_string();
    let program = program.replace("5004", &free_ports(1).to_string()).replace("5001", &port);
    let mut command = Command::new("python3");
    let mut child = command.args(["-c", &program]).stdout(Stdio::piped()).spawn().expect("python3 starts");
    let output = child.stdout.take().expect("its output");
    let _child = Killed(child);
    let mut buffer = [0; 1_500];
    let (length, from) = node.recv_from(&mut buffer).expect("it PINGs");
    let message = decode(&buffer[..length]).expect("a message");
    assert_eq!(message.body, Body::Ping(None));
    let mut answer = Vec::new();
    encode(&Message { body: Body::Pong(None), ..message }, &mut answer);
    node.send_to(&answer, from).expect("the answer is sent");
    let line = BufReader::new(output).lines().next().expect("it prints").expect("a line");
    assert!(line.starts_with(&port) && line.contains("PONG"), "{line}");
}
