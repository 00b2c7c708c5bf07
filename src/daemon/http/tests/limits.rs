//! Too many connections, too slow ones.

use super::*;

/// Set in the process that runs one test alone.
const ALONE: &str = "MERSENNED_TEST_ALONE";

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[tokio::test]
async fn a_thousand_slow_connections_lock_nobody_out() {
    const SLOW: usize = 1_000;
    // Other tests in this process have descriptors too, so this one runs in a process of its own.
    if std::env::var_os(ALONE).is_none() {
        let name = "daemon::http::tests::limits::a_thousand_slow_connections_lock_nobody_out";
        let test = std::env::current_exe().unwrap();
        let status = std::process::Command::new(test).args(["--exact", name, "--nocapture"]).env(ALONE, "1").status();
        assert!(status.unwrap().success());
        return;
    }
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    if limit.is_some_and(|limit| limit < 1_200) {
        eprintln!("SKIPPED: a thousand slow connections need 1,200 descriptors, and `ulimit -n` is {limit:?}");
        return;
    }
    let server = TestServer::start().await;
    let (mut slow, mut delays) = (Vec::new(), Vec::new());
    let mut held = 0;
    for number in 0..SLOW {
        let mut stream = server.connect().await;
        // Half a head, or half a body; what is closed already need not take it.
        let start: &[u8] = match number % 3 {
            0 => b"GET /metrics HTTP/1.1\r\nHost: 127.",
            1 => b"",
            _ => b"POST /gossip/ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Length: 9\r\n\r\n{",
        };
        let start = String::from_utf8_lossy(start).replace("PORT", &server.address.port().to_string());
        let _ = stream.write_all(start.as_bytes()).await;
        slow.push(stream);
        if number % 50 == 49 {
            let asked = Instant::now();
            assert_eq!(server.get("/metrics").await.status, 200);
            delays.push(asked.elapsed());
            held = held.max(descriptors() - slow.len());
        }
    }
    delays.sort_unstable();
    let slowest = delays[delays.len() - 1];
    println!(
        "{SLOW} slow connections: /metrics median {:?}, slowest {slowest:?}; {held} other descriptors",
        delays[10]
    );
    assert!(slowest < Duration::from_millis(250), "{delays:?}");
    assert!((CONNECTIONS_MAX..=128).contains(&held), "{held}");
    // In the end nobody's patience is unlimited.
    for mut stream in slow {
        let mut rest = Vec::new();
        let _ = timeout(DEADLINE, stream.read_to_end(&mut rest)).await.unwrap();
    }
}

#[tokio::test]
async fn the_connection_that_waited_longest_makes_room() {
    let server = TestServer::start().await;
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS_MAX {
        let mut stream = server.connect().await;
        // One answer each, so that it is known to be admitted.
        let request = format!("GET /-/healthy HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.read_u8().await.unwrap();
        idle.push(stream);
    }
    assert_eq!(server.get("/state").await.status, 200);
    let mut closed = Vec::new();
    let first = timeout(DEADLINE, idle[0].read_to_end(&mut closed)).await.unwrap();
    assert!(first.is_ok() || first.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_head_that_does_not_end_ends_in_2_seconds() {
    let server = TestServer::start().await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let opened = Instant::now();
    let mut rest = Vec::new();
    let _ = timeout(DEADLINE, stream.read_to_end(&mut rest)).await.unwrap();
    let lived = opened.elapsed();
    assert!((Duration::from_millis(1_500)..Duration::from_secs(5)).contains(&lived), "{lived:?}");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let server = TestServer::start().await;
    let mut stream = server.connect().await;
    let head = format!("GET / HTTP/1.1\r\nHost: {}\r\nX: {}\r\n\r\n", server.address, "x".repeat(2 * HEAD_MAX));
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap();
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    assert_eq!(server.get("/-/healthy").await.status, 200);
}

#[tokio::test]
async fn clients_that_leave_their_answers_unread_make_room_too() {
    let mut server = TestServer::start().await;
    for _ in 0..journal::CAPACITY {
        server.recorder.record(news());
        if server.recorder.is_full() {
            tokio::task::yield_now().await;
        }
    }
    let request = format!("GET /log HTTP/1.1\r\nHost: {}\r\n\r\n", server.address).repeat(20);
    let mut greedy = Vec::new();
    for _ in 0..2 * CONNECTIONS_MAX {
        let mut stream = server.connect().await;
        let _ = stream.write_all(request.as_bytes()).await;
        greedy.push(stream);
    }
    assert_eq!(server.get("/metrics").await.status, 200);
}
