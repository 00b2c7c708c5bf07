//! Four nodes and a real Prometheus: its tools accept the configuration and the alerts, and every query of every panel of
//! the dashboards returns numbers.

mod panels;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use panels::{NAMES, dashboard, file, list, text, words};
use serde_json::Value;
use support::{Node, chain, free_ports, skip, wait_for_mesh, wait_until};

const SECOND: Duration = Duration::from_secs(1);

/// How long Prometheus watches before it is asked.
const WATCHED: Duration = Duration::from_secs(20);

/// What stands for `$__rate_interval` at one scrape a second.
const RATE_INTERVAL: &str = "10s";

/// Runs promtool in the repository; returns whether it is content, and all it says. `None` where it is not installed.
fn promtool(arguments: &[&str]) -> Option<(bool, String)> {
    let output = Command::new("promtool").args(arguments).current_dir(file("")).output().ok()?;
    Some((output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()))
}

#[test]
fn promtool_accepts_the_configuration_and_each_alert_fires_and_stays_quiet_as_it_should() {
    let runs: [&[&str]; 3] = [
        &["check", "config", "config/prometheus.yml"],
        &["check", "rules", "config/alerts.yml"],
        &["test", "rules", "tests/prometheus/alerts_test.yml"],
    ];
    for arguments in runs {
        let Some((content, said)) = promtool(arguments) else {
            return skip("promtool is missing (Debian's package prometheus)");
        };
        assert!(content, "promtool {}: {said}", arguments.join(" "));
    }
}

/// The names of the alerts in `config/alerts.yml`.
fn alerts() -> Vec<String> {
    let rules = text("config/alerts.yml");
    rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).map(str::to_owned).collect()
}

#[test]
fn every_alert_has_a_severity_a_summary_a_description_and_a_test_of_both_kinds() {
    let rules = text("config/alerts.yml");
    let tests = text("tests/prometheus/alerts_test.yml");
    let alerts = alerts();
    assert_eq!(
        alerts.join(" "),
        "NodeDown NodeIsolated PrimeHeightDisagreement SearchStalled RoundoffHigh FalseClaims DropRateHigh KernelDrops \
        CheckpointStale PeerFlapping NewMersennePrime"
    );
    for (alert, rule) in alerts.iter().zip(rules.split("- alert: ").skip(1)) {
        for part in ["severity: ", "summary: ", "description: ", "# "] {
            assert!(rule.contains(part), "{alert} has no {part:?}");
        }
        assert!(tests.contains(&format!("- name: {alert} fires ")), "{alert} is never seen firing");
        assert!(tests.contains(&format!("- name: {alert} is quiet ")), "{alert} is never seen quiet");
    }
}

/// A Prometheus of the test's own; killed when dropped.
struct Prometheus {
    port: u16,
    child: Child,
}

impl Prometheus {
    /// Starts it with `config/prometheus.yml`, adapted to these nodes and to a scrape a second. `None` where it is not
    /// installed.
    fn start(directory: &Path, nodes: &[Node]) -> Option<Prometheus> {
        let mut config = text("config/prometheus.yml");
        let changes = [
            ("scrape_interval: 10s", "scrape_interval: 1s".to_owned()),
            ("scrape_timeout: 5s", "scrape_timeout: 1s".to_owned()),
            ("evaluation_interval: 10s", "evaluation_interval: 1s".to_owned()),
        ];
        let targets = nodes.iter().enumerate().map(|(at, node)| (5001 + at, format!("- 127.0.0.1:{}", node.port)));
        for (from, to) in changes
            .map(|(from, to)| (from.to_owned(), to))
            .into_iter()
            .chain(targets.map(|(usual, own)| (format!("- 127.0.0.1:{usual}"), own)))
        {
            assert!(config.contains(&from), "config/prometheus.yml has no {from:?}");
            config = config.replacen(&from, &to, 1);
        }
        std::fs::write(directory.join("prometheus.yml"), config).unwrap();
        std::fs::copy(file("config/alerts.yml"), directory.join("alerts.yml")).unwrap();
        let port = free_ports(1);
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", directory.join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", directory.join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}")).arg("--log.level=error");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().ok()?;
        Some(Prometheus { port, child })
    }

    /// The `data` of an answer of its API, once it gives one.
    fn get(&self, path: &str) -> Option<Value> {
        // By HTTP/1.0 the answer comes in one piece.
        let request = format!("GET /api/v1/{path} HTTP/1.0\r\nHost: 127.0.0.1:{}\r\n\r\n", self.port);
        let (_, body) = support::http(self.port, &request)?;
        let answer: Value = serde_json::from_str(&body).ok()?;
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        Some(answer["data"].clone())
    }

    /// The series an expression has: labels, and the values of the last five seconds, or of now.
    fn query(&self, expression: &str, when: When) -> Vec<(BTreeMap<String, String>, Vec<f64>)> {
        let encoded: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = match when {
            When::Now => format!("query?query={encoded}"),
            When::LastSeconds => {
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
                format!("query_range?query={encoded}&start={}&end={now}&step=1", now - 5.0)
            }
        };
        let data = self.get(&path).unwrap_or_else(|| panic!("no answer to {expression}"));
        let number = |point: &Value| words(&point[1]).parse::<f64>().expect("a number");
        let series = |series: &Value| {
            let labels = series["metric"].as_object().expect("labels").iter();
            let labels = labels.map(|(name, value)| (name.clone(), words(value).to_owned())).collect();
            let values = match when {
                When::Now => vec![number(&series["value"])],
                When::LastSeconds => list(&series["values"]).iter().map(number).collect(),
            };
            (labels, values)
        };
        list(&data["result"]).iter().map(series).collect()
    }

    /// The sum of an expression now; 0 without any series.
    fn sum(&self, expression: &str) -> f64 {
        self.query(expression, When::Now).iter().flat_map(|(_, values)| values).sum()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[derive(Clone, Copy)]
enum When {
    Now,
    LastSeconds,
}

/// A legend as Grafana writes it; `None` if it names a label that the series has not.
fn legend(pattern: &str, labels: &BTreeMap<String, String>) -> Option<String> {
    let mut legend = pattern.to_owned();
    while let Some((before, rest)) = legend.split_once("{{") {
        let (label, after) = rest.split_once("}}")?;
        legend = format!("{before}{}{after}", labels.get(label)?);
    }
    Some(legend)
}

/// Asks every query of a dashboard, for the nodes that `instance` matches; returns what is wrong with the answers.
fn faults(prometheus: &Prometheus, name: &str, instance: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let dashboard = dashboard(name);
    for panel in panels::panels(&dashboard).into_iter().filter(|panel| panel["type"] != "row") {
        let mut legends = BTreeSet::new();
        for target in list(&panel["targets"]) {
            let expression = words(&target["expr"])
                .replace("$__rate_interval", RATE_INTERVAL)
                .replace("$job", "mersenned")
                .replace("$instance", instance);
            let mut fault = |what: &str| faults.push(format!("{name}, {}: {what}: {expression}", panel["title"]));
            if expression.contains('$') {
                fault("a variable is left");
            }
            let when = if target["instant"] == true { When::Now } else { When::LastSeconds };
            let series = prometheus.query(&expression, when);
            if series.is_empty() || series.iter().any(|(_, values)| values.is_empty()) {
                fault("no data");
            }
            if series.iter().flat_map(|(_, values)| values).any(|value| !value.is_finite()) {
                fault("not a number, or an infinite one");
            }
            // A table's columns are joined by the node's name.
            let pattern = if panel["type"] == "table" { "{{instance}}" } else { words(&target["legendFormat"]) };
            for (labels, _) in &series {
                match legend(pattern, labels) {
                    None => fault(&format!("{pattern} names a label that {labels:?} lacks")),
                    Some(legend) if panel["type"] != "table" && !legends.insert(legend.clone()) => {
                        fault(&format!("two series are called {legend:?}"));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    faults
}

/// Counters that grow as long as nodes live and search.
const GROWING: [&str; 9] = [
    "mersenned_datagrams_total{direction=\"received\",type=\"ping\"}",
    "mersenned_datagrams_total{direction=\"received\",type=\"pong\"}",
    "mersenned_datagrams_total{direction=\"sent\",type=\"pong\"}",
    "mersenned_datagram_bytes_total",
    "mersenned_messages_originated_total{type=\"ping\"}",
    "mersenned_peer_rtt_seconds_count",
    "mersenned_search_iterations_total",
    "mersenned_http_requests_total{route=\"/metrics\",code=\"200\"}",
    "process_cpu_seconds_total",
];

/// Counters that have left 0 once a network has found and spread some primes.
const GROWN: [&str; 10] = [
    "mersenned_peers_discovered_total",
    "mersenned_datagrams_total{type=\"prime\"}",
    "mersenned_messages_originated_total{type=\"prime\"}",
    "mersenned_duplicates_total",
    "mersenned_forwards_total",
    "mersenned_claims_total{result=\"verified\"}",
    "mersenned_prime_hops_count",
    "mersenned_verification_seconds_count",
    "mersenned_candidates_total{result=\"factored\"}",
    "mersenned_candidates_total{result=\"composite\"}",
];

#[test]
fn every_query_of_every_panel_returns_numbers_from_four_nodes_and_what_must_move_moves() {
    let state = tempfile::tempdir().unwrap();
    let nodes = chain(4, state.path(), &["--interval", "200ms", "--ping-interval", "1s", "--peer-timeout", "5s"]);
    wait_for_mesh(&nodes, 15 * SECOND);
    let Some(prometheus) = Prometheus::start(state.path(), &nodes) else {
        return skip("prometheus is missing (Debian's package prometheus)");
    };
    wait_until(20 * SECOND, "Prometheus answers", || prometheus.get("query?query=1").is_some());
    let watched = format!("sum(count_over_time(up{{job=\"mersenned\"}}[1m]) >= bool {})", WATCHED.as_secs());
    wait_until(3 * WATCHED, "Prometheus has seen all nodes for long enough", || prometheus.sum(&watched) == 4.0);
    assert_eq!(prometheus.sum("sum(up)"), 4.0);

    let one = format!("127\\\\.0\\\\.0\\\\.1:{}", nodes[2].port);
    let mut faults_found = Vec::new();
    for name in NAMES {
        for instance in [".+", one.as_str()] {
            faults_found.extend(faults(&prometheus, name, instance));
        }
    }
    assert!(faults_found.is_empty(), "{}", faults_found.join("\n"));

    for counter in GROWING {
        assert!(prometheus.sum(&format!("sum(increase({counter}[15s]))")) > 0.0, "{counter} does not move");
    }
    for counter in GROWN {
        assert!(prometheus.sum(&format!("sum({counter})")) > 0.0, "{counter} has not moved");
    }

    let groups = prometheus.get("rules?type=alert").expect("Prometheus tells its rules");
    let rules: Vec<&Value> = list(&groups["groups"]).iter().flat_map(|group| list(&group["rules"])).collect();
    assert_eq!(rules.len(), alerts().len());
    for rule in rules {
        assert_eq!(rule["health"], "ok", "{rule}");
        // One may be pending for the moment in which a prime spreads.
        assert_ne!(rule["state"], "firing", "in a healthy network: {rule}");
    }
}
