//! `GET /owner`: an answer for what is an exponent, a reason for what is none.

use super::*;

#[tokio::test]
async fn who_is_alone_owns_every_exponent() {
    let server = TestServer::start().await;
    let answer = server.get("/owner?exponent=44497").await;
    assert_eq!(answer.status, 200);
    let answer = answer.json();
    assert_eq!((&answer["exponent"], &answer["certain"]), (&44_497.into(), &true.into()));
    assert_eq!(answer["owner"], server.address.to_string());
    let key = crate::protocol::RingPosition::of_exponent(Exponent::new(44_497).unwrap());
    assert_eq!(answer["key"], key.to_string());
    assert_eq!(server.metric("mersenned_http_requests_total{route=\"/owner\",code=\"200\"}").await, 1.0);
}

#[tokio::test]
async fn what_is_no_exponent_is_400_with_what_is_wrong() {
    let server = TestServer::start().await;
    for (query, part) in [
        ("", "say which one"),
        ("?", "say which one"),
        ("?p=31", "say which one"),
        ("?exponent=31&exponent=61", "once"),
        ("?exponent=", "whole number"),
        ("?exponent=x", "whole number"),
        ("?exponent=-3", "whole number"),
        ("?exponent=1e3", "whole number"),
        ("?exponent=99999999999999999999", "whole number"),
        ("?exponent=0", "at least 2"),
        ("?exponent=1", "at least 2"),
        ("?exponent=91", "divisible by 7"),
        ("?exponent=1000000007", "up to 1000000000"),
        ("?exponent=18446744073709551615", "up to 1000000000"),
    ] {
        let answer = server.get(&format!("/owner{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.reason().contains(part), "{query}: {}", answer.reason());
    }
    assert_eq!(server.metric("mersenned_http_requests_total{route=\"/owner\",code=\"400\"}").await, 14.0);
}

#[tokio::test]
async fn a_node_without_a_position_says_what_it_waits_for() {
    let server = TestServer::start_bound(Driver::Answers, journal::CAPACITY, None, Ipv4Addr::UNSPECIFIED).await;
    assert_eq!(server.get("/owner?exponent=4").await.status, 400, "what is wrong is wrong at any time");
    let answer = server.get("/owner?exponent=31").await;
    assert_eq!(answer.status, 503);
    assert!(answer.reason().contains("no position") && answer.reason().contains("--advertise"), "{answer:?}");
    assert_eq!(server.metric("mersenned_http_requests_total{route=\"/owner\",code=\"503\"}").await, 1.0);
    let state = server.get("/state").await.json();
    assert_eq!((&state["position"], &state["neighbours"]), (&Value::Null, &Value::Null));
}
