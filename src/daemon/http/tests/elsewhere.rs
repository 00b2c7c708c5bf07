//! What web pages and other users of this machine try, against everything that changes a node: one table, every row on
//! every route.

use super::*;

const ROUTES: [&str; 4] = ["/gossip/", "/sleep", "/wake", "/reset"];

const PING: &str = r#"{"msg_id":7,"msg_type":"PING","msg_forwarder":5009,"msg_originator":5009,"ttl":0,"data":null}"#;

const HOST: &str = "Host: 127.0.0.1:PORT";
const JSON: &str = "Content-Type: application/json";
const TOKEN: &str = "Authorization: Bearer TOKEN";
/// A page that shows a form can send this much without being asked for more.
const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

/// What is to come of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It does what it asks for.
    Passes,
    /// It is refused with this status.
    Refused(u16),
}

use Outcome::{Passes, Refused};

/// What a request carries.
#[derive(Debug, Clone, Copy)]
enum Carries {
    /// What the route wants, padded to so many bytes; 0 for no padding.
    Wanted(usize),
    /// The same in chunks.
    Chunked(usize),
    /// Something else.
    Text(&'static str),
    /// Nothing, not even a length.
    Nothing,
}

use Carries::{Chunked, Nothing, Text, Wanted};

/// Method, header lines, body, and what comes of it.
type Row = (&'static str, &'static [&'static str], Carries, Outcome);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    // As its owner asks.
    ("POST", &[HOST, JSON, TOKEN], Wanted(0), Passes),
    ("POST", &["Host: localhost:PORT", JSON, TOKEN], Wanted(0), Passes),
    ("POST", &["Host: [::1]:PORT", JSON, TOKEN], Wanted(0), Passes),
    ("POST", &["Host: node.example:PORT", JSON, TOKEN], Wanted(0), Passes),
    ("POST", &[HOST, "Origin: http://127.0.0.1:PORT", JSON, TOKEN], Wanted(0), Passes),
    ("POST", &[HOST, "Origin: http://localhost:PORT", JSON, TOKEN], Wanted(0), Passes),
    ("POST", &[HOST, "Content-Type: Application/JSON; charset=utf-8", TOKEN], Wanted(0), Passes),
    ("POST", &[HOST, JSON, "authorization: bearer TOKEN"], Wanted(0), Passes),
    ("POST", &[HOST, JSON, TOKEN], Wanted(4_096), Passes),
    ("POST", &[HOST, JSON, TOKEN], Chunked(4_096), Passes),
    // Not under a name of this node: DNS rebinding.
    ("POST", &[JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &["Host:", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &["Host: evil.example", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &["Host: evil.example:PORT", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &["Host: 127.0.0.1.nip.io:PORT", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &["Host: localhost.evil.example:PORT", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &["Host: evil.example#.localhost:PORT", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &["Host: localhost.:PORT", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &["Host: 2130706433:PORT", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &["Host: 0.0.0.0:PORT", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &["Host: 192.0.2.1:PORT", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &["Host: me@127.0.0.1:PORT", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &["Host: 127.0.0.1", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &["Host: 127.0.0.1:80", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &["Host: 127.0.0.1:1", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &["Host: 127.0.0.1:0PORT", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &[HOST, HOST, JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &[HOST, "Host: evil.example:PORT", JSON, TOKEN], Wanted(0), Refused(403)),
    // From a page of somebody else.
    ("POST", &[HOST, "Origin: null", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &[HOST, "Origin:", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &[HOST, "Origin: http://evil.example", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &[HOST, "Origin: http://evil.example:PORT", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &[HOST, "Origin: http://127.0.0.1.evil.example:PORT", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &[HOST, "Origin: https://127.0.0.1:PORT", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &[HOST, "Origin: http://127.0.0.1", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &[HOST, "Origin: http://127.0.0.1:1", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &[HOST, "Origin: file://", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &[HOST, "Origin: http://127.0.0.1:PORT", "Origin: null", JSON, TOKEN], Wanted(0), Refused(403)),
    ("POST", &["Host: evil.example:PORT", "Origin: http://evil.example:PORT", JSON, TOKEN], Wanted(0), Refused(403)),
    // By links, images, and what a browser asks before it sends JSON.
    ("GET", &[HOST, JSON, TOKEN], Nothing, Refused(405)),
    ("PUT", &[HOST, JSON, TOKEN], Wanted(0), Refused(405)),
    ("PATCH", &[HOST, JSON, TOKEN], Wanted(0), Refused(405)),
    ("DELETE", &[HOST, JSON, TOKEN], Nothing, Refused(405)),
    ("OPTIONS", &[HOST, "Origin: http://127.0.0.1:PORT", "Access-Control-Request-Method: POST"], Nothing, Refused(405)),
    ("OPTIONS", &[HOST, "Origin: http://evil.example", "Access-Control-Request-Method: POST"], Nothing, Refused(403)),
    ("OPTIONS", &[HOST, "Access-Control-Request-Headers: content-type,authorization"], Nothing, Refused(405)),
    ("post", &[HOST, JSON, TOKEN], Wanted(0), Refused(405)),
    // As types that a page can send unasked.
    ("POST", &[HOST, TOKEN], Wanted(0), Refused(415)),
    ("POST", &[HOST, "Content-Type:", TOKEN], Wanted(0), Refused(415)),
    ("POST", &[HOST, "Content-Type: text/plain", TOKEN], Wanted(0), Refused(415)),
    ("POST", &[HOST, "Content-Type: text/plain; application/json", TOKEN], Wanted(0), Refused(415)),
    ("POST", &[HOST, FORM, TOKEN], Wanted(0), Refused(415)),
    ("POST", &[HOST, FORM, TOKEN], Text("a=b"), Refused(415)),
    ("POST", &[HOST, "Content-Type: multipart/form-data; boundary=x", TOKEN], Wanted(0), Refused(415)),
    ("POST", &[HOST, "Content-Type: application/jsonp", TOKEN], Wanted(0), Refused(415)),
    ("POST", &[HOST, "Content-Type: application/json, text/plain", TOKEN], Wanted(0), Refused(415)),
    ("POST", &[HOST, JSON, JSON, TOKEN], Wanted(0), Refused(415)),
    ("POST", &[HOST, JSON, "Content-Type: text/plain", TOKEN], Wanted(0), Refused(415)),
    // Without the token.
    ("POST", &[HOST, JSON], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, "Authorization:"], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, "Authorization: Bearer"], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, "Authorization: TOKEN"], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, "Authorization: Basic TOKEN"], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, "Authorization: Digest TOKEN"], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, "Authorization: BearerTOKEN"], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, "Authorization: Bearer  TOKEN"], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, "Authorization: Bearer TOKEN0"], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, "Authorization: Bearer TOKENTOKEN"], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, "Authorization: Bearer UPPERTOKEN"], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, "Authorization: Bearer OTHERTOKEN"], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, "Authorization: Bearer SHORTTOKEN"], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, "Authorization: Bearer \u{e9}"], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, TOKEN, TOKEN], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, "Authorization: Bearer OTHERTOKEN", TOKEN], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, "Cookie: token=TOKEN"], Wanted(0), Refused(401)),
    ("POST", &[HOST, JSON, "Proxy-Authorization: Bearer TOKEN"], Wanted(0), Refused(401)),
    // Too much, or something else.
    ("POST", &[HOST, JSON, TOKEN], Wanted(4_097), Refused(413)),
    ("POST", &[HOST, JSON, TOKEN], Chunked(4_097), Refused(413)),
    ("POST", &[HOST, JSON, TOKEN], Wanted(60_000), Refused(413)),
    ("POST", &[HOST, JSON, TOKEN], Text("null"), Refused(400)),
    ("POST", &[HOST, JSON, TOKEN], Text("{"), Refused(400)),
    ("POST", &[HOST, JSON, TOKEN], Text("{\"asleep\":true}"), Refused(400)),
    // With several faults, the first in this order is what is told.
    ("GET", &["Host: evil.example:PORT"], Nothing, Refused(403)),
    ("GET", &[HOST, FORM], Nothing, Refused(405)),
    ("POST", &[HOST, "Origin: null", FORM], Wanted(4_097), Refused(403)),
    ("POST", &[HOST, FORM], Wanted(4_097), Refused(415)),
    ("POST", &[HOST, FORM, TOKEN], Wanted(60_000), Refused(415)),
    ("POST", &[HOST, JSON], Wanted(60_000), Refused(401)),
    ("POST", &[HOST, JSON], Wanted(4_097), Refused(401)),
    ("POST", &[HOST, JSON], Text("null"), Refused(401)),
];

/// The request of a row, with everything filled in but the port.
fn request(row: &Row, route: &str, token: &str) -> String {
    let (method, lines, carries, _) = row;
    let mut text = format!("{method} {route} HTTP/1.1\r\nConnection: close\r\n");
    for line in *lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
    let other: String = token.chars().rev().collect();
    let text = text
        .replace("UPPERTOKEN", &token.to_uppercase())
        .replace("OTHERTOKEN", &other)
        .replace("SHORTTOKEN", &token[1..])
        .replace("TOKEN", token);
    let wanted = |length| format!("{:<length$}", if route == "/gossip/" { PING } else { "{}" });
    match *carries {
        Nothing => format!("{text}\r\n"),
        Text(body) => format!("{text}Content-Length: {}\r\n\r\n{body}", body.len()),
        Wanted(length) => {
            let body = wanted(length);
            format!("{text}Content-Length: {}\r\n\r\n{body}", body.len())
        }
        Chunked(length) => {
            let body = wanted(length);
            let chunks = body.as_bytes().chunks(1_000);
            let chunks: String =
                chunks.map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk))).collect();
            format!("{text}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")
        }
    }
}

#[tokio::test]
async fn only_its_owner_changes_a_node_and_who_is_refused_has_changed_nothing() {
    assert!(TABLE.len() >= 60, "{}", TABLE.len());
    let directory = tempfile::tempdir().unwrap();
    let token = Token::open(directory.path()).unwrap();
    let text = std::fs::read_to_string(directory.path().join(crate::daemon::token::FILE)).unwrap();
    let server = TestServer::start_guarded(Driver::Answers, journal::CAPACITY, Some(token)).await;
    server.node.found(Time::ZERO, None, Exponent::new(4_423).unwrap(), &mut Outbox::new());
    let mut asked = 0;
    for row in TABLE {
        for route in ROUTES {
            let before = server.node.state_view();
            let answer = server.send(&request(row, route, text.trim_end())).await;
            assert!(!answer.head.to_lowercase().contains("access-control"), "{route} {row:?}: {answer:?}");
            match row.3 {
                Passes => {
                    asked += 1;
                    assert_eq!(
                        answer.status,
                        if route == "/gossip/" { 202 } else { 200 },
                        "{route} {row:?}: {answer:?}"
                    );
                }
                Refused(status) => {
                    assert_eq!(answer.status, status, "{route} {row:?}: {answer:?}");
                    assert!(!answer.reason().is_empty());
                    assert_eq!(server.node.state_view(), before, "{route} {row:?}");
                    let challenge = answer.header("www-authenticate");
                    assert_eq!(challenge, (status == 401).then_some("Bearer"), "{route} {row:?}");
                    assert_eq!(answer.header("allow"), (status == 405).then_some("POST"), "{route} {row:?}");
                }
            }
            assert_eq!(server.asked.load(Ordering::Relaxed), asked, "nothing of it went further: {route} {row:?}");
        }
    }
    println!("{} rows on {} routes, {asked} requests passed", TABLE.len(), ROUTES.len());
    let series = |route, code| format!("mersenned_http_requests_total{{route=\"{route}\",code=\"{code}\"}}");
    let refused = TABLE.iter().filter(|row| row.3 == Refused(401)).count() as f64;
    assert_eq!(server.metric(&series("/reset", 401)).await, refused);
    assert_eq!(server.metric(&series("other", 500)).await, 0.0, "every code has its series");
}
