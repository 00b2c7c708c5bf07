//! What a node is told over HTTP, and what it answers.

use super::*;

async fn tell(server: &TestServer, path: &str, body: &str) -> Answer {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nConnection: close\r\n");
    server.send(&format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")).await
}

#[tokio::test]
async fn each_command_is_carried_out_and_answered_with_what_is_so_then_however_often_it_comes() {
    let server = TestServer::start().await;
    server.node.found(Time::ZERO, None, Exponent::new(4_423).unwrap(), &mut Outbox::new());
    for (path, asleep) in [("/sleep", true), ("/sleep", true), ("/wake", false), ("/wake", false), ("/sleep", true)] {
        let answer = tell(&server, path, "").await;
        assert_eq!(
            (answer.status, answer.json()),
            (200, serde_json::json!({"asleep": asleep, "saved": true})),
            "{path}"
        );
        assert_eq!(server.get("/state").await.json()["asleep"], asleep);
    }
    let instance = server.node.state_view().instance;
    let answer = tell(&server, "/reset", "{}").await;
    assert_eq!((answer.status, answer.json()), (200, serde_json::json!({"asleep": true, "saved": true})));
    let view = server.node.state_view();
    assert!(view.asleep && view.largest_prime.is_none() && view.instance != instance);
}

#[tokio::test]
async fn a_body_that_says_something_is_400_and_nothing_is_done() {
    let server = TestServer::start().await;
    for path in ["/sleep", "/wake", "/reset"] {
        for body in ["null", "[]", "{\"force\":true}", "{}{}", "sleep"] {
            let answer = tell(&server, path, body).await;
            assert_eq!(answer.status, 400, "{path} {body}");
            assert!(answer.reason().contains("empty"));
        }
    }
    assert_eq!(server.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_is_in_force_and_not_durable_within_seconds_is_202_with_the_reason() {
    let server = TestServer::start_with(Driver::SavesNothing, 16).await;
    server.readiness.socket_is_bound();
    server.readiness.state_is(StateCondition::NoSpace);
    let asked = Instant::now();
    let answer = tell(&server, "/sleep", "").await;
    assert!(asked.elapsed() < Duration::from_secs(5));
    let told = answer.json();
    assert_eq!((answer.status, &told["asleep"], &told["saved"]), (202, &true.into(), &false.into()));
    assert!(told["reason"].as_str().unwrap().contains("no space"), "{told}");
    assert!(server.node.is_asleep());
    server.readiness.state_is(StateCondition::Usable);
    let told = tell(&server, "/wake", "").await.json();
    assert!(told["reason"].as_str().unwrap().contains("tried again"), "{told}");
}

#[tokio::test]
async fn a_node_that_does_not_answer_a_command_is_503_within_seconds() {
    let server = TestServer::start_with(Driver::Hangs, 16).await;
    let asked = Instant::now();
    let answer = tell(&server, "/sleep", "").await;
    assert_eq!(answer.status, 503);
    assert!(answer.reason().contains("does not answer") && asked.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_node_that_sleeps_says_so_on_its_page_and_to_who_hands_it_a_message() {
    let server = TestServer::start().await;
    assert!(!server.get("/plain").await.body.contains("asleep"));
    tell(&server, "/sleep", "").await;
    assert!(server.get("/plain").await.body.contains("asleep"));
    let ping = r#"{"msg_id":7,"msg_type":"PING","msg_forwarder":5009,"msg_originator":5009,"ttl":0,"data":null}"#;
    let answer = tell(&server, "/gossip/", ping).await;
    assert_eq!(answer.status, 503);
    assert!(answer.reason().contains("sleeps"));
}

#[tokio::test]
async fn commands_are_counted_by_route_and_code() {
    let server = TestServer::start().await;
    tell(&server, "/sleep", "").await;
    tell(&server, "/reset", "1").await;
    assert_eq!(server.metric("mersenned_http_requests_total{route=\"/sleep\",code=\"200\"}").await, 1.0);
    assert_eq!(server.metric("mersenned_http_requests_total{route=\"/reset\",code=\"400\"}").await, 1.0);
    assert_eq!(server.metric("mersenned_http_requests_total{route=\"other\",code=\"500\"}").await, 0.0);
}
