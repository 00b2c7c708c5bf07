//! Messages that are handed in.

use super::*;

const PING: &str = r#"{"msg_id":7,"msg_type":"PING","msg_forwarder":5009,"msg_originator":5009,"ttl":0,"data":null}"#;

fn prime(id: u64, exponent: &str, ttl: u8) -> String {
    format!(
        r#"{{"msg_id":{id},"msg_type":"PRIME","msg_forwarder":5009,"msg_originator":5009,"ttl":{ttl},"data":{exponent}}}"#
    )
}

async fn post(server: &TestServer, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let head = format!("POST /gossip/ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n{headers}");
    server.send(&format!("{head}Content-Length: {length}\r\n\r\n{body}")).await
}

async fn post_json(server: &TestServer, body: &str) -> Answer {
    post(server, "Content-Type: application/json\r\n", body).await
}

#[tokio::test]
async fn only_json_is_taken_and_parameters_do_not_matter() {
    let server = TestServer::start().await;
    let cases = [
        ("Content-Type: application/json\r\n", 202),
        ("content-type: Application/JSON\r\n", 202),
        ("Content-Type: application/json; charset=utf-8\r\n", 202),
        ("Content-Type: application/json ;charset=\"utf-8\"\r\n", 202),
        ("", 415),
        ("Content-Type:\r\n", 415),
        ("Content-Type: text/plain\r\n", 415),
        ("Content-Type: text/plain; application/json\r\n", 415),
        ("Content-Type: application/jsonp\r\n", 415),
        ("Content-Type: application/x-www-form-urlencoded\r\n", 415),
        ("Content-Type: multipart/form-data; boundary=x\r\n", 415),
        ("Content-Type: application/json, text/plain\r\n", 415),
        ("Content-Type: application/json\r\nContent-Type: text/plain\r\n", 415),
        ("Content-Type: application/json\r\nOrigin: http://evil.example\r\n", 403),
        ("Content-Type: application/json\r\nOrigin: null\r\n", 403),
        ("Content-Type: application/json\r\nOrigin: http://127.0.0.1:PORT\r\n", 202),
    ];
    for (headers, status) in cases {
        let answer = post(&server, headers, PING).await;
        assert_eq!(answer.status, status, "{headers}: {answer:?}");
        assert!(status == 202 || !answer.reason().is_empty());
    }
}

#[tokio::test]
async fn a_ping_is_answered_in_the_body_by_a_pong_of_the_six_fields() {
    let server = TestServer::start().await;
    for path in ["/gossip", "/gossip/"] {
        let answer = server
            .send(&format!(
                "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{PING}",
                PING.len()
            ))
            .await;
        assert_eq!(answer.status, 202);
        let answer = answer.json();
        assert_eq!(answer["result"], "answered");
        let pong = answer["pong"].as_object().unwrap();
        let mut names: Vec<&str> = pong.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["data", "msg_forwarder", "msg_id", "msg_originator", "msg_type", "ttl"]);
        assert_eq!((&pong["msg_type"], &pong["msg_id"], &pong["data"]), (&"PONG".into(), &7.into(), &Value::Null));
        assert_eq!(pong["msg_originator"], server.address.port());
    }
    assert_eq!(server.node.state_view().peers, 0, "whoever hands in a message is nobody's peer");
    assert_eq!(server.node.state_view().address_book, 0);
}

#[tokio::test]
async fn what_became_of_a_prime_is_said() {
    let server = TestServer::start().await;
    let queued = post_json(&server, &prime(1, "127", 0)).await;
    assert_eq!((queued.status, &queued.json()["result"]), (202, &"queued".into()));
    let again = post_json(&server, &prime(1, "127", 0)).await;
    assert_eq!((again.status, &again.json()["result"]), (202, &"duplicate".into()));
    let higher = post_json(&server, &prime(1, "127", 2)).await;
    assert_eq!((higher.status, &higher.json()["result"]), (202, &"forwarded_again".into()));
    server.node.found(Time::ZERO, None, Exponent::new(521).unwrap(), &mut Outbox::new());
    let known = post_json(&server, &prime(u64::MAX / 4, "521", 0)).await.json();
    assert!(known["result"] == "no_news" || known["result"] == "credited", "{known}");
    let pong = PING.replace("PING", "PONG");
    assert_eq!(post_json(&server, &pong).await.json()["result"], "ignored");
    assert!(queued.json()["explanation"].is_string());
}

#[tokio::test]
async fn what_is_wrong_with_a_message_is_said_with_the_field() {
    let server = TestServer::start().await;
    let with = |from: &str, to: &str| PING.replace(from, to);
    let cases: Vec<(String, &str)> = vec![
        (String::new(), ""),
        ("{".to_owned(), ""),
        ("null".to_owned(), ""),
        ("[7,\"PING\",5009,5009,0,null]".to_owned(), ""),
        ("\u{feff}{}".to_owned(), ""),
        (format!("{PING}x"), ""),
        (format!("{PING}{PING}"), ""),
        (with("\"msg_id\":7,", ""), "msg_id"),
        (with("\"msg_id\":7,", "\"msg_id\":7,\"msg_id\":7,"), "msg_id"),
        (with(":7,", ":-1,"), "msg_id"),
        (with(":7,", ":7.5,"), "msg_id"),
        (with(":7,", ":\"7\","), "msg_id"),
        (with(":7,", ":18446744073709551616,"), "msg_id"),
        (with(",\"msg_type\":\"PING\"", ""), "msg_type"),
        (with("PING", "ping"), "msg_type"),
        (with("PING", "<script>"), "msg_type"),
        (with("\"PING\"", "1"), "msg_type"),
        (with(",\"msg_forwarder\":5009", ""), "msg_forwarder"),
        (with("\"msg_forwarder\":5009", "\"msg_forwarder\":0"), "msg_forwarder"),
        (with("\"msg_forwarder\":5009", "\"msg_forwarder\":65536"), "msg_forwarder"),
        (with(",\"msg_originator\":5009", ""), "msg_originator"),
        (with("\"msg_originator\":5009", "\"msg_originator\":\"nonsense\""), "msg_originator"),
        (with("\"msg_originator\":5009", "\"msg_originator\":\"0.0.0.0:1\""), "msg_originator"),
        (with(",\"ttl\":0", ""), "ttl"),
        (with("\"ttl\":0", "\"ttl\":256"), "ttl"),
        (with("\"ttl\":0", "\"ttl\":-1"), "ttl"),
        (with(",\"data\":null", ""), "data"),
        (with("\"data\":null", "\"data\":31"), "data"),
        (prime(2, "null", 0), "data"),
        (prime(2, "\"31\"", 0), "data"),
        (prime(2, "-31", 0), "data"),
        (prime(2, "0", 0), "data"),
        (prime(2, "1", 0), "data"),
        (prime(2, "11111111111", 0), "data"),
        (prime(2, "1000000007", 0), "data"),
        (prime(2, "15", 0), "data"),
        (prime(2, "2305843009213693951", 0), "2^n - 1"),
        (prime(2, "18446744073709551615", 0), "data"),
    ];
    for (body, expected) in cases {
        let answer = post_json(&server, &body).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        let reason = answer.reason();
        assert!(reason.contains(expected) && !reason.is_empty(), "{body}: {reason}");
        assert!(!reason.contains('<'), "nothing of the message is repeated: {reason}");
    }
    assert_eq!(server.node.state_view().seen, 0, "nothing wrong is remembered");
}

/// A PING of exactly this many bytes: white space means nothing.
fn padded(length: usize) -> String {
    format!("{PING}{}", " ".repeat(length - PING.len()))
}

#[tokio::test]
async fn a_body_of_4096_bytes_is_read_and_one_of_4097_is_not() {
    let server = TestServer::start().await;
    for (length, status) in [(4_096, 202), (4_097, 413), (60_000, 413)] {
        assert_eq!(post_json(&server, &padded(length)).await.status, status, "{length}");
        let head = "POST /gossip/ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n\
                    Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        let body: String = padded(length)
            .as_bytes()
            .chunks(1_000)
            .map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk)))
            .collect();
        assert_eq!(server.send(&format!("{head}{body}0\r\n\r\n")).await.status, status, "{length}, chunked");
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408_and_one_that_never_ends_413_within_seconds() {
    let server = TestServer::start().await;
    let head =
        "POST /gossip/ HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let answer = server.send(&format!("{head}Content-Length: 100\r\n\r\n{{")).await;
    assert_eq!(answer.status, 408);
    let answer = server.send(&format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n")).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_503_within_seconds() {
    let server = TestServer::start_with(Driver::Hangs, 16).await;
    let asked = Instant::now();
    let answer = post_json(&server, PING).await;
    assert_eq!(answer.status, 503);
    assert!(answer.reason().contains("does not answer"));
    assert!(asked.elapsed() < Duration::from_secs(5));
}
