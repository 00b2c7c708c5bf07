//! The live page, and what it follows.

use super::streams::{Events, journal_has};
use super::*;
use crate::dashboard;

#[tokio::test]
async fn the_page_and_what_it_loads_may_talk_to_this_server_only() {
    let server = TestServer::start().await;
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/page/main.js", "text/javascript; charset=utf-8"),
        ("/page/style.css", "text/css; charset=utf-8"),
        ("/page/vendor/uPlot.esm.js", "text/javascript; charset=utf-8"),
    ] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(content_type)), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert_eq!(policy, dashboard::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none';"));
        assert!(["inline", "eval", "*"].iter().all(|loose| !policy.contains(loose)), "{policy}");
    }
    for path in
        ["/page/", "/page/nothing.js", "/page/../Cargo.toml", "/page/vendor", "/page/%2e%2e/Cargo.toml", "/page/%ff"]
    {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    assert_eq!(server.metric("mersenned_http_requests_total{route=\"/page\",code=\"200\"}").await, 3.0);
}

#[tokio::test]
async fn the_feed_begins_with_who_serves_and_how_the_node_is_and_goes_on_with_what_happens() {
    let mut server = TestServer::start().await;
    server.recorder.record(news());
    let mut feed = Events::open(&server, "/feed", "").await;
    feed.until("event: entries").await;
    feed.until("event: state").await;
    feed.until("id: 1\n").await;
    assert!(feed.read.find("event: hello") < feed.read.find("event: state"), "{}", feed.read);
    assert!(feed.read.contains("\"controls\":\"open\"") && feed.read.contains("\"kind\":\"node\""), "{}", feed.read);
    assert!(feed.read.contains(&format!("\"node\":\"{}\"", server.address)), "{}", feed.read);
    server.recorder.record(news());
    feed.until("id: 2\n").await;
}

#[tokio::test]
async fn a_feed_goes_on_behind_the_last_entry_its_reader_had() {
    let mut server = TestServer::start().await;
    for _ in 0..3 {
        server.recorder.record(news());
    }
    journal_has(&server, 3).await;
    let mut feed = Events::open(&server, "/feed", "Last-Event-ID: 2\r\n").await;
    feed.until("id: 3\n").await;
    assert_eq!(feed.read.matches("\"event\":\"peer_down\"").count(), 1, "{}", feed.read);
    let mut feed = Events::open(&server, "/feed?since=1", "").await;
    feed.until("id: 3\n").await;
    assert_eq!(feed.read.matches("\"event\":\"peer_down\"").count(), 2, "{}", feed.read);
    let wrong =
        server.send("GET /feed HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\nLast-Event-ID: x\r\n\r\n");
    assert_eq!(wrong.await.status, 400);
}

#[tokio::test]
async fn a_page_of_a_node_with_a_token_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let token = Token::open(directory.path()).unwrap();
    let server = TestServer::start_guarded(Driver::Answers, 64, Some(token)).await;
    let mut feed = Events::open(&server, "/feed", "").await;
    feed.until("event: hello").await;
    feed.until("\n\n").await;
    feed.until("\"controls\":\"token\"").await;
}
