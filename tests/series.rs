//! What panels and alerts ask for exists: every metric and every value of a label, in a scrape of a real node.

mod panels;
mod support;

use std::collections::BTreeSet;

use panels::{NAMES, dashboard, list, metrics, text, words};
use support::{Node, free_ports};

/// Every metric that is promised to users, without its prefix.
const PROMISED: &str = "\
peers peers_discovered_total peer_evictions_total peer_flaps_total peer_rtt_seconds address_book_entries \
network_size ring_position_ratio ring_owned_ratio \
datagrams_total datagram_bytes_total datagrams_dropped_total send_errors_total socket_kernel_drops_total \
receive_buffer_bytes messages_originated_total duplicates_total forwards_total prime_hops catchup_sent_total seen_entries \
known_primes prime_height prime_height_timestamp_seconds claims_total verification_seconds verification_queue \
search_state search_exponent search_progress_ratio search_iterations_total search_fft_length roundoff_error_max \
candidates_total checkpoint_timestamp_seconds search_errors_total frontier_exponent build_info http_requests_total \
event_subscribers events_lagged_total";

/// The metrics of a scrape, histograms by their own names.
fn families(scrape: &str) -> BTreeSet<&str> {
    scrape.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

/// The name under which a scrape has what a query asks for.
fn family<'a>(name: &'a str, families: &BTreeSet<&str>) -> &'a str {
    let part = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
    part.filter(|whole| families.contains(whole)).unwrap_or(name)
}

#[test]
fn every_metric_that_is_promised_or_named_in_a_panel_or_an_alert_exists() {
    let state = tempfile::tempdir().unwrap();
    let node = Node::start(free_ports(1), state.path(), &[]);
    let scrape = node.get("/metrics").expect("the node answers");
    let families = families(&scrape);
    for name in PROMISED.split(' ').map(|name| format!("mersenned_{name}")) {
        assert!(families.contains(name.as_str()), "{name} is promised");
    }
    let exists = |name: &str| families.contains(family(name, &families));
    for name in NAMES {
        let dashboard = dashboard(name);
        let variables = list(&dashboard["templating"]["list"]).iter().map(|variable| &variable["query"]["query"]);
        let targets = panels::panels(&dashboard).into_iter().flat_map(|panel| list(&panel["targets"]));
        for expression in targets.map(|target| &target["expr"]).chain(variables) {
            for metric in metrics(words(expression)) {
                // These two are Prometheus' own.
                assert!(exists(metric) || ["up", "ALERTS"].contains(&metric), "{name} shows {metric}");
            }
        }
    }
    let alerts = text("config/alerts.yml");
    let named: Vec<&str> = metrics(&alerts).into_iter().filter(|name| name.starts_with("mersenned_")).collect();
    assert!(named.len() > 10, "{named:?}");
    for metric in named {
        assert!(exists(metric), "config/alerts.yml names {metric}");
    }
}

/// The literal values of labels in an expression, each with its metric and label, that a scrape does not have. The labels
/// that Prometheus itself adds are not in a scrape.
fn missing_values(expression: &str, scrape: &str) -> Vec<String> {
    let mut missing = Vec::new();
    for name in metrics(expression).into_iter().filter(|name| name.starts_with("mersenned_")) {
        for (_, after) in expression.match_indices(name).map(|(at, _)| expression.split_at(at + name.len())) {
            let Some((selector, _)) = after.strip_prefix('{').and_then(|rest| rest.split_once('}')) else { continue };
            for matcher in selector.split(',') {
                let (label, values) = matcher.split_once(['=', '!']).expect("a matcher has an operator");
                let value = values.trim_start_matches(['=', '~']).trim_matches('"');
                let is_own = !["job", "instance"].contains(&label);
                // Alternatives are values too; any other regular expression is not.
                for value in value.split('|').filter(|value| is_own && !value.contains(['.', '*', '+', '$', '('])) {
                    let pair = format!("{label}=\"{value}\"");
                    let has = |line: &str| {
                        line.strip_prefix(name).and_then(|rest| rest.strip_prefix('{')).is_some_and(|labels| {
                            labels.split_once('}').is_some_and(|(labels, _)| labels.split(',').any(|own| own == pair))
                        })
                    };
                    if !scrape.lines().any(has) {
                        missing.push(format!("{name} has no {pair}"));
                    }
                }
            }
        }
    }
    missing
}

#[test]
fn every_value_of_a_label_that_a_panel_or_an_alert_asks_for_exists() {
    let state = tempfile::tempdir().unwrap();
    let node = Node::start(free_ports(1), state.path(), &[]);
    let scrape = node.get("/metrics").expect("the node answers");
    let mut expressions = vec![text("config/alerts.yml")];
    for name in NAMES {
        let dashboard = dashboard(name);
        let targets = panels::panels(&dashboard).into_iter().flat_map(|panel| list(&panel["targets"]));
        expressions.extend(targets.map(|target| words(&target["expr"]).to_owned()));
    }
    for expression in &expressions {
        assert_eq!(missing_values(expression, &scrape), Vec::<String>::new());
    }
    // Each kind of matcher that occurs is looked at: a spoilt copy is noticed.
    let spoilings = [
        ("state=\"asleep\"", "state=\"sleeping\""),
        ("direction=\"sent\"", "direction=\"out\""),
        ("reason!=\"asleep\"", "reason!=\"sleep\""),
        ("|factored|", "|factorised|"),
    ];
    for (right, wrong) in spoilings {
        let expression = expressions.iter().find(|expression| expression.contains(right));
        let expression = expression.unwrap_or_else(|| panic!("nobody asks for {right}"));
        assert!(!missing_values(&expression.replace(right, wrong), &scrape).is_empty(), "{wrong} is not noticed");
    }
}
