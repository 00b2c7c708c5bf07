//! Event streams.

use super::*;

/// An open event stream.
pub(super) struct Events {
    stream: TcpStream,
    pub(super) read: String,
}

impl Events {
    pub(super) async fn open(server: &TestServer, path: &str, headers: &str) -> Events {
        let mut stream = server.connect().await;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", server.address);
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut events = Events { stream, read: String::new() };
        events.until("events follow").await;
        assert!(events.read.contains("content-type: text/event-stream"), "{}", events.read);
        events
    }

    /// Reads until this text has come.
    pub(super) async fn until(&mut self, text: &str) {
        let mut buffer = [0; 16_384];
        while !self.read.contains(text) {
            let read = timeout(DEADLINE, self.stream.read(&mut buffer)).await.unwrap().unwrap();
            assert!(read > 0, "the stream ended without {text:?}: {}", self.read);
            self.read.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        }
    }

    /// The ids that have come so far.
    fn ids(&self) -> Vec<u64> {
        self.read.lines().filter_map(|line| line.strip_prefix("id: ")).map(|id| id.parse().unwrap()).collect()
    }
}

/// Waits until that many entries are in the journal.
pub(super) async fn journal_has(server: &TestServer, latest: u64) {
    let waiting = async {
        while server.get(&format!("/log?since={latest}")).await.json()["latest"] != latest {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, waiting).await.unwrap();
}

#[tokio::test]
async fn a_stream_tells_what_happens_from_now_on() {
    let mut server = TestServer::start().await;
    server.recorder.record(news());
    journal_has(&server, 1).await;
    let mut events = Events::open(&server, "/events", "").await;
    assert_eq!(server.metric("mersenned_event_subscribers").await, 1.0);
    server.recorder.record(news());
    events.until("id: 2").await;
    events.until("\n\n").await;
    assert_eq!(events.ids(), [2]);
    let data = events.read.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!((&data["seq"], &data["event"]), (&2.into(), &"peer_down".into()));
}

#[tokio::test]
async fn a_stream_resumes_after_the_entry_it_names_and_the_header_counts_more_than_the_query() {
    let mut server = TestServer::start().await;
    for _ in 0..9 {
        server.recorder.record(news());
    }
    journal_has(&server, 9).await;
    for (path, headers, first) in [
        ("/events?since=0", "", 1),
        ("/events?since=6", "", 7),
        ("/events", "Last-Event-ID: 7\r\n", 8),
        ("/events?since=2", "Last-Event-ID: 8\r\n", 9),
    ] {
        let mut events = Events::open(&server, path, headers).await;
        events.until("id: 9").await;
        assert_eq!(events.ids(), (first..=9).collect::<Vec<u64>>(), "{path} {headers}");
        assert!(!events.read.contains("event: gap"));
    }
    let answer = server
        .send("GET /events HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nLast-Event-ID: x\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_gap_is_told() {
    let mut server = TestServer::start_with(Driver::Answers, 4).await;
    for _ in 0..10 {
        server.recorder.record(news());
    }
    journal_has(&server, 10).await;
    let mut events = Events::open(&server, "/events?since=2", "").await;
    events.until("id: 10").await;
    assert!(events.read.contains("event: gap\ndata: {\"since\":2,\"oldest\":7,\"latest\":10}"), "{}", events.read);
    assert_eq!(events.ids(), [7, 8, 9, 10]);
    assert_eq!(server.metric("mersenned_events_lagged_total").await, 0.0);
}

#[tokio::test]
async fn streams_end_and_the_server_is_gone_half_a_second_after_it_was_told() {
    let server = TestServer::start().await;
    let mut streams = Vec::new();
    for _ in 0..3 {
        streams.push(Events::open(&server, "/events", "").await);
    }
    let mut idle = server.connect().await;
    let mut half = server.connect().await;
    half.write_all(b"GET /state HT").await.unwrap();
    let address = server.address;
    let took = server.stop().await;
    println!("the server with three streams stopped in {took:?}");
    assert!(took < Duration::from_millis(500), "{took:?}");
    for events in &mut streams {
        let mut rest = Vec::new();
        timeout(DEADLINE, events.stream.read_to_end(&mut rest)).await.unwrap().unwrap();
        assert!(rest.ends_with(b"0\r\n\r\n"), "each stream ends as it should");
    }
    let _ = timeout(DEADLINE, idle.read_u8()).await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn streams_end_in_milliseconds_when_nothing_else_is_open() {
    let server = TestServer::start().await;
    let _streams = [Events::open(&server, "/events", "").await, Events::open(&server, "/events", "").await];
    let took = server.stop().await;
    assert!(took < Duration::from_millis(200), "{took:?}");
}

#[tokio::test]
async fn a_server_whose_owner_is_gone_stops() {
    let server = TestServer::start().await;
    drop(server.shutdown);
    timeout(DEADLINE, server.serving).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn the_33rd_stream_is_refused_until_another_ends() {
    let server = TestServer::start().await;
    let mut streams = Vec::new();
    for _ in 0..journal::SUBSCRIBERS_MAX {
        streams.push(Events::open(&server, "/events", "").await);
    }
    let answer = server.get("/events").await;
    assert_eq!(answer.status, 503);
    assert!(answer.reason().contains("too many"));
    streams.pop();
    let freed = async { while server.metric("mersenned_event_subscribers").await > 31.0 {} };
    timeout(DEADLINE, freed).await.unwrap();
    Events::open(&server, "/events", "").await;
}

#[tokio::test]
async fn a_reader_that_never_reads_delays_nobody_and_misses_entries() {
    let mut server = TestServer::start_with(Driver::Answers, 64).await;
    let mut slow = server.connect().await;
    let request = format!("GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    slow.write_all(request.as_bytes()).await.unwrap();
    let started = async { while server.metric("mersenned_event_subscribers").await < 1.0 {} };
    timeout(DEADLINE, started).await.unwrap();
    // Until all buffers between here and there are full.
    let full = async {
        loop {
            for _ in 0..1_000 {
                server.recorder.record(news());
                if server.recorder.is_full() {
                    tokio::task::yield_now().await;
                }
            }
            if server.metric("mersenned_events_lagged_total").await > 100.0 {
                break;
            }
        }
    };
    timeout(DEADLINE, full).await.unwrap();
    let log = server.get("/log").await.json();
    assert_eq!(log["entries"].as_array().unwrap().len(), 64);
    let mut quick = Events::open(&server, "/events", "").await;
    server.recorder.record(news());
    quick.until("id: ").await;
    assert!(server.stop().await < Duration::from_millis(500));
}
