use super::*;

fn address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 5004))
}

fn framed(state: Value, peers: Value) -> Value {
    let Value::Object(state) = state else { panic!("a state is an object") };
    frame(address(), Pace::default(), state, list("peers", peers))
}

#[test]
fn a_state_of_any_shape_becomes_a_frame() {
    let state = json!({ "name": "<b>mine</b>", "peers": [5001, "127.0.0.1:5002", null, "nonsense", 99_999], "mood": { "good": true } });
    let frame = framed(state, Value::Null);
    assert_eq!((&frame["status"], &frame["name"]), (&json!("ready"), &json!("<b>mine</b>")));
    assert_eq!(frame["peers"], json!([{ "address": "127.0.0.1:5001" }, { "address": "127.0.0.1:5002" }]));
    assert_eq!((&frame["state"]["mood"]["good"], &frame["state"]["peers"]), (&json!(true), &json!(5)));
    assert_eq!(frame["timers"]["peer_timeout"], 10.0);
}

#[test]
fn peers_may_be_a_list_or_an_object_with_one_or_anything_else() {
    let shown = json!([{ "address": "127.0.0.1:5001", "last_heard_seconds": 2 }]);
    let peer = json!({ "address": 5001, "last_heard_seconds": 2, "known": { "count": 1 } });
    assert_eq!(framed(json!({}), json!([peer]))["peers"], shown);
    assert_eq!(framed(json!({}), json!({ "peers": [peer] }))["peers"], shown);
    for peers in [json!(7), json!("x"), json!(null), json!({}), json!(true), json!([[]]), json!({ "peers": {} })] {
        assert_eq!(framed(json!({}), peers.clone())["peers"], json!([]), "{peers}");
    }
}

#[test]
fn what_is_too_much_is_not_shown() {
    let frame = framed(
        json!({ "long": "x".repeat(STATE_MAX), "name": "n".repeat(100) }),
        json!((1..1_000).collect::<Vec<_>>()),
    );
    assert!(frame["state"]["too_long"].is_string() && frame["state"]["long"].is_null());
    assert_eq!(frame["name"].as_str().unwrap().len(), NAME_MAX);
    assert_eq!(frame["peers"].as_array().unwrap().len(), PEERS_MAX);
    let log = json!([{ "text": "x".repeat(ENTRY_MAX) }, { "text": "short" }]);
    let entries = Taken::default().new_ones(address(), log);
    assert_eq!((entries.len(), &entries[0]["text"]), (1, &json!("short")));
    let many: Vec<Value> = (1..=2_000).map(|seq| json!({ "seq": seq })).collect();
    assert_eq!(Taken::default().new_ones(address(), many.into()).len(), ENTRIES_MAX);
}

#[test]
fn each_entry_of_a_log_is_taken_once() {
    let log = json!({ "entries": [
        { "seq": 1, "time": "2026-11-22T01:00:00Z", "event": "sent", "msg_id": 18_446_744_073_709_551_615u64 },
        "nonsense",
        { "seq": 2, "text": "hello", "peer": { "toString": 1 } },
    ] });
    let mut taken = Taken::default();
    let entries = taken.new_ones(address(), log.clone());
    assert_eq!((entries.len(), taken.since), (2, 2));
    assert_eq!(entries[0]["msg_id"], json!("18446744073709551615"));
    assert_eq!((&entries[0]["node"], &entries[1]["peer"]), (&json!("127.0.0.1:5004"), &json!("{\"toString\":1}")));
    assert!(taken.new_ones(address(), log).is_empty());
}

#[test]
fn entries_without_numbers_are_taken_once_too() {
    let mut taken = Taken::default();
    let texts = |entries: Vec<Value>| entries.iter().map(|entry| entry["text"].to_string()).collect::<String>();
    assert_eq!(texts(taken.new_ones(address(), json!([{ "text": 1 }, { "text": 2 }]))), "12");
    assert_eq!(texts(taken.new_ones(address(), json!([{ "text": 1 }, { "text": 2 }, { "text": 3 }]))), "3");
    assert_eq!(texts(taken.new_ones(address(), json!([{ "text": 4 }]))), "4", "it has started anew");
}

#[test]
fn a_program_that_was_started_anew_counts_from_the_beginning() {
    let mut taken = Taken { since: 100, unnumbered: 0 };
    assert!(taken.new_ones(address(), json!({ "entries": [], "latest": 3 })).is_empty());
    assert_eq!(taken.new_ones(address(), json!({ "entries": [{ "seq": 3 }], "latest": 3 })).len(), 1);
}

#[test]
fn a_log_of_any_other_shape_has_no_entries() {
    for log in [json!(7), json!("x"), json!(null), json!({}), json!({ "entries": 3 }), json!([1, null, []])] {
        assert!(Taken::default().new_ones(address(), log.clone()).is_empty(), "{log}");
    }
}
