//! The Grafana dashboards: the rules they keep, and that they are what the script makes and what Grafana's
//! own types ask for.

mod panels;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};

use panels::{NAMES, dashboard, file, list, metrics, text, words};
use serde_json::{Value, json};
use support::skip;

/// What Grafana's own package calls the present version of the format.
const SCHEMA_VERSION: u64 = 42;

/// Everything that is wrong with a dashboard that is meant to have this uid.
fn faults(uid: &str, dashboard: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    faults.extend(head_faults(uid, dashboard));
    faults.extend(variable_faults(&dashboard["templating"]["list"]));
    faults.extend(grid_faults(dashboard));
    for panel in panels::panels(dashboard).into_iter().filter(|panel| panel["type"] != "row") {
        let title = words(&panel["title"]);
        let of_panel = panel_faults(panel).into_iter().chain(unit_faults(panel)).chain(query_faults(panel));
        faults.extend(of_panel.map(|fault| format!("panel {title:?}: {fault}")));
    }
    faults
}

fn head_faults(uid: &str, dashboard: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if dashboard["uid"] != uid {
        faults.push("the uid is not the stable one".to_owned());
    }
    if dashboard["schemaVersion"] != SCHEMA_VERSION {
        faults.push("the schema version is not the present one".to_owned());
    }
    if words(&dashboard["title"]).is_empty() || words(&dashboard["description"]).is_empty() {
        faults.push("the dashboard has no title or description".to_owned());
    }
    for other in NAMES.into_iter().filter(|&other| other != uid) {
        let leads = |link: &Value| {
            link["url"] == format!("/d/{other}") && link["includeVars"] == true && link["keepTime"] == true
        };
        if !list(&dashboard["links"]).iter().any(leads) {
            faults.push(format!("there is no link to {other} with the same variables and time"));
        }
    }
    faults
}

fn variable_faults(variables: &Value) -> Vec<String> {
    let names: Vec<&str> = list(variables).iter().map(|variable| words(&variable["name"])).collect();
    if names != ["datasource", "job", "instance"] {
        return vec![format!("the variables are {names:?}")];
    }
    let mut faults = Vec::new();
    if variables[0]["type"] != "datasource" || variables[0]["query"] != "prometheus" {
        faults.push("the variable datasource does not choose a Prometheus".to_owned());
    }
    if variables[2]["multi"] != true || variables[2]["includeAll"] != true {
        faults.push("the variable instance does not offer several, and all".to_owned());
    }
    if !words(&variables[2]["query"]["query"]).contains("job=\"$job\"") {
        faults.push("the variable instance is not of the chosen job".to_owned());
    }
    for variable in &list(variables)[1..] {
        if variable["datasource"]["uid"] != "${datasource}" {
            faults.push("a variable does not ask the chosen datasource".to_owned());
        }
    }
    faults
}

/// Panels and rows have ids of their own and lie side by side within 24 columns.
fn grid_faults(dashboard: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut cells: BTreeSet<(u64, u64)> = BTreeSet::new();
    let mut ids: BTreeSet<u64> = BTreeSet::new();
    for panel in panels::panels(dashboard) {
        let title = words(&panel["title"]);
        if !panel["id"].as_u64().is_some_and(|id| ids.insert(id)) {
            faults.push(format!("{title:?} has no id of its own"));
        }
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap_or(0));
        if w == 0 || h == 0 || x + w > 24 {
            faults.push(format!("{title:?} is not within the grid"));
        }
        let own = (y..y + h).flat_map(|row| (x..x + w).map(move |column| (row, column)));
        // All cells are taken, whether or not one was taken before.
        if own.map(|cell| cells.insert(cell)).filter(|fresh| !fresh).count() > 0 {
            faults.push(format!("{title:?} overlaps another"));
        }
    }
    if dashboard["panels"][0]["type"] != "row" {
        faults.push("panels stand outside of rows".to_owned());
    }
    faults
}

fn panel_faults(panel: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if words(&panel["title"]).is_empty() {
        faults.push("no title".to_owned());
    }
    if words(&panel["description"]).len() < 10 {
        faults.push("no description".to_owned());
    }
    let kind = words(&panel["type"]);
    let is_graph = matches!(kind, "timeseries" | "state-timeline");
    if is_graph && panel["options"]["legend"]["showLegend"] != true {
        faults.push("no legend".to_owned());
    }
    let defaults = &panel["fieldConfig"]["defaults"];
    if kind != "heatmap" && list(&defaults["thresholds"]["steps"]).is_empty() {
        faults.push("no thresholds".to_owned());
    }
    let targets = list(&panel["targets"]);
    if targets.is_empty() {
        faults.push("no query".to_owned());
    }
    let names: BTreeSet<&str> = targets.iter().map(|target| words(&target["refId"])).collect();
    if names.len() != targets.len() || names.contains("") {
        faults.push("two queries have the same refId".to_owned());
    }
    if is_graph && targets.iter().any(|target| words(&target["legendFormat"]).is_empty()) {
        faults.push("a query without a legend".to_owned());
    }
    faults
}

/// Every panel, and every column of a table, has a unit. An exponent's is `none`: others print 44497 as "44.5 K".
fn unit_faults(panel: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let unit = words(&panel["fieldConfig"]["defaults"]["unit"]);
    if unit.is_empty() || unit == "short" {
        faults.push(format!("{unit:?} is no unit"));
    }
    let overrides = list(&panel["fieldConfig"]["overrides"]);
    let columns: BTreeMap<&str, &str> = overrides
        .iter()
        .filter_map(|each| {
            let unit = list(&each["properties"]).iter().find(|property| property["id"] == "unit")?;
            Some((words(&each["matcher"]["options"]), words(&unit["value"])))
        })
        .collect();
    for target in list(&panel["targets"]) {
        let is_column = panel["type"] == "table";
        let legend = words(&target["legendFormat"]);
        let shown = if is_column { columns.get(legend).copied() } else { Some(unit) };
        let names = metrics(words(&target["expr"]));
        let is_exponent = names.iter().any(|name| name.ends_with("_exponent") || name.ends_with("_prime_height"));
        match shown {
            None => faults.push(format!("column {legend:?} has no unit")),
            Some(unit) if is_exponent && unit != "none" => {
                faults.push(format!("an exponent is shown in the unit {unit:?}"));
            }
            Some(_) => {}
        }
    }
    faults
}

fn query_faults(panel: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for target in list(&panel["targets"]) {
        let expression = words(&target["expr"]);
        if target["datasource"] != json!({ "type": "prometheus", "uid": "${datasource}" }) {
            faults.push("a query does not ask the chosen datasource".to_owned());
        }
        let names = metrics(expression);
        if names.is_empty() {
            faults.push("a query asks for nothing".to_owned());
        }
        for name in names {
            for (at, _) in expression.match_indices(name) {
                let (before, after) = (&expression[..at], &expression[at + name.len()..]);
                if before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') || after.starts_with('_') {
                    // Part of a longer name, which is looked at for itself.
                    continue;
                }
                let selector = after.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(own, _)| own);
                let labels: Vec<&str> = selector.split(',').collect();
                if !labels.contains(&"job=\"$job\"") || !labels.contains(&"instance=~\"$instance\"") {
                    faults.push(format!("{name} is not of the chosen job and instance"));
                }
                let is_counter = ["_total", "_bucket", "_count", "_sum"].iter().any(|end| name.ends_with(end));
                if is_counter && !before.ends_with("rate(") {
                    faults.push(format!("{name} is a counter and not under rate()"));
                }
            }
        }
        for (at, _) in expression.match_indices('[') {
            if !expression[at..].starts_with("[$__rate_interval]") {
                faults.push("a range is not $__rate_interval".to_owned());
            }
        }
    }
    faults
}

#[test]
fn the_dashboards_keep_their_rules() {
    for name in NAMES {
        let faults = faults(name, &dashboard(name));
        assert!(faults.is_empty(), "{name}:\n{}", faults.join("\n"));
    }
}

/// The place of the first panel of a kind.
fn first(dashboard: &Value, kind: &str) -> usize {
    list(&dashboard["panels"]).iter().position(|panel| panel["type"] == kind).expect("there is such a panel")
}

/// Changes the first query that contains `from`.
fn replace(dashboard: &mut Value, from: &str, to: &str) {
    let panels = dashboard["panels"].as_array_mut().unwrap().iter_mut();
    let mut targets = panels.filter_map(|panel| panel["targets"].as_array_mut()).flatten();
    let target = targets.find(|target| words(&target["expr"]).contains(from)).expect("there is such a query");
    target["expr"] = words(&target["expr"]).replacen(from, to, 1).into();
}

/// Says what spoils a dashboard and which fault that has to make.
type Spoiling = (&'static str, fn(&mut Value, usize));

const SPOILINGS: &[Spoiling] = &[
    ("uid", |d, _| d["uid"] = json!("other")),
    ("schema version", |d, _| d["schemaVersion"] = json!(SCHEMA_VERSION - 1)),
    ("title or description", |d, _| d["description"] = json!("")),
    ("no link to", |d, _| d["links"][0]["url"] = json!("/d/elsewhere")),
    ("no link to", |d, _| d["links"][0]["includeVars"] = json!(false)),
    ("the variables are", |d, _| d["templating"]["list"][1]["name"] = json!("cluster")),
    ("choose a Prometheus", |d, _| d["templating"]["list"][0]["query"] = json!("loki")),
    ("several, and all", |d, _| d["templating"]["list"][2]["multi"] = json!(false)),
    ("several, and all", |d, _| d["templating"]["list"][2]["includeAll"] = json!(false)),
    ("of the chosen job", |d, _| d["templating"]["list"][2]["query"]["query"] = json!("label_values(up, instance)")),
    ("variable does not ask", |d, _| d["templating"]["list"][1]["datasource"]["uid"] = json!("fixed")),
    ("no id of its own", |d, at| d["panels"][at]["id"] = json!(1)),
    ("within the grid", |d, at| d["panels"][at]["gridPos"]["x"] = json!(23)),
    ("overlaps", |d, at| d["panels"][at]["gridPos"] = d["panels"][at + 1]["gridPos"].clone()),
    ("outside of rows", |d, _| drop(d["panels"].as_array_mut().unwrap().remove(0))),
    ("no title", |d, at| d["panels"][at]["title"] = json!("")),
    ("no description", |d, at| d["panels"][at]["description"] = json!("x")),
    ("no legend", |d, at| d["panels"][at]["options"]["legend"]["showLegend"] = json!(false)),
    ("no thresholds", |d, at| d["panels"][at]["fieldConfig"]["defaults"]["thresholds"]["steps"] = json!([])),
    ("no query", |d, at| d["panels"][at]["targets"] = json!([])),
    ("same refId", |d, at| {
        let again = d["panels"][at]["targets"][0].clone();
        d["panels"][at]["targets"].as_array_mut().unwrap().push(again);
    }),
    ("without a legend", |d, at| d["panels"][at]["targets"][0]["legendFormat"] = json!("")),
    ("is no unit", |d, at| d["panels"][at]["fieldConfig"]["defaults"]["unit"] = json!("short")),
    ("is no unit", |d, at| drop(d["panels"][at]["fieldConfig"]["defaults"].as_object_mut().unwrap().remove("unit"))),
    ("exponent is shown", |d, _| {
        let panels = d["panels"].as_array_mut().unwrap().iter_mut();
        let mut graphs = panels.filter(|panel| panel["type"] == "timeseries");
        let exponents = graphs.find(|panel| panel["targets"].to_string().contains("search_exponent")).unwrap();
        exponents["fieldConfig"]["defaults"]["unit"] = json!("locale");
    }),
    ("query does not ask the chosen", |d, at| d["panels"][at]["targets"][0]["datasource"]["uid"] = json!("fixed")),
    ("asks for nothing", |d, at| d["panels"][at]["targets"][0]["expr"] = json!("1")),
    ("chosen job and instance", |d, _| replace(d, "job=\"$job\",", "")),
    ("chosen job and instance", |d, _| replace(d, ",instance=~\"$instance\"", "")),
    ("chosen job and instance", |d, at| d["panels"][at]["targets"][0]["expr"] = json!("mersenned_peers")),
    ("not under rate()", |d, _| replace(d, "rate(mersenned_", "abs(mersenned_")),
    ("not $__rate_interval", |d, _| replace(d, "[$__rate_interval]", "[5m]")),
];

#[test]
fn each_rule_of_the_dashboards_can_fail() {
    for name in NAMES {
        for (number, (fault, spoil)) in SPOILINGS.iter().enumerate() {
            let mut spoilt = dashboard(name);
            let graph = first(&spoilt, "timeseries");
            spoil(&mut spoilt, graph);
            let found = faults(name, &spoilt);
            assert!(found.iter().any(|found| found.contains(fault)), "{name}, {number}: no {fault:?} in {found:?}");
        }
    }
    let mut spoilt = dashboard("mersenned-network");
    let table = first(&spoilt, "table");
    spoilt["panels"][table]["fieldConfig"]["overrides"][0]["properties"][0]["id"] = json!("decimals");
    assert!(faults("mersenned-network", &spoilt).iter().any(|fault| fault.contains("has no unit")));
}

#[test]
fn grafana_is_told_how_often_prometheus_asks() {
    let interval = |path: &str, key: &str| {
        let text = text(path);
        let line = text.lines().map(str::trim).find_map(|line| line.strip_prefix(key)).map(str::trim);
        line.unwrap_or_else(|| panic!("{path} has no {key}")).to_owned()
    };
    let asked = interval("config/prometheus.yml", "scrape_interval:");
    assert_eq!(interval("grafana/provisioning/datasources/mersenned.yml", "timeInterval:"), asked);
}

/// Whether a program can be run at all.
fn has(program: &str, argument: &str) -> bool {
    let status = Command::new(program).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn the_dashboards_are_what_the_script_makes() {
    if !has("python3", "--version") {
        return skip("python3 is missing, which writes the dashboards");
    }
    let output = Command::new("python3").arg(file("grafana/generate.py")).arg("--check").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // A changed copy is noticed.
    let copy = tempfile::tempdir().unwrap();
    for part in ["generate.py", "parts.py"] {
        std::fs::copy(file("grafana").join(part), copy.path().join(part)).unwrap();
    }
    for name in NAMES {
        let changed = text(&format!("grafana/{name}.json")).replace("now-1h", "now-2h");
        std::fs::write(copy.path().join(format!("{name}.json")), changed).unwrap();
    }
    let output = Command::new("python3").arg(copy.path().join("generate.py")).arg("--check").output().unwrap();
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("mersenned-node.json"));
}

/// Lets TypeScript compare dashboards with Grafana's types; returns what it has to say.
fn type_errors(dashboards: &[(&str, String)]) -> String {
    let directory = tempfile::tempdir().unwrap();
    for name in ["types.ts", "tsconfig.json"] {
        std::fs::copy(file("tests/grafana").join(name), directory.path().join(name)).unwrap();
    }
    let modules = directory.path().join("node_modules");
    std::os::unix::fs::symlink(file("tests/grafana/node_modules"), &modules).unwrap();
    for (name, json) in dashboards {
        let module =
            format!("import type {{ Checked }} from \"./types\";\nexport const dashboard: Checked = {json};\n");
        std::fs::write(directory.path().join(format!("{name}.ts")), module).unwrap();
    }
    let compiler = modules.join("typescript/bin/tsc");
    let output = Command::new("node").arg(compiler).arg("-p").arg(directory.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.success(), said.is_empty(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn the_dashboards_are_of_grafanas_own_types() {
    if !file("tests/grafana/node_modules").exists() {
        return skip("Grafana's types are missing: npm install --no-package-lock in tests/grafana brings them");
    }
    let shipped = NAMES.map(|name| (name, text(&format!("grafana/{name}.json"))));
    let errors = type_errors(&shipped);
    assert!(errors.is_empty(), "{errors}");

    // A wrong word at each level is noticed.
    let spoilings = [
        ("\"timezone\":", "\"timeZone\":"),
        ("\"schemaVersion\": 42", "\"schemaVersion\": \"42\""),
        ("\"type\": \"stat\"", "\"type\": \"number\""),
        ("\"colorMode\": \"value\"", "\"colorMode\": \"values\""),
        ("\"drawStyle\": \"line\"", "\"drawStyle\": \"curve\""),
        ("\"mode\": \"thresholds\"", "\"mode\": \"threshold\""),
        ("\"legendFormat\":", "\"legend\":"),
        ("\"multi\": true", "\"multi\": \"yes\""),
    ];
    let spoilt: Vec<(String, String)> = spoilings
        .iter()
        .enumerate()
        .map(|(number, (right, wrong))| {
            assert!(shipped[0].1.contains(right), "{right}");
            (format!("spoilt-{number}"), shipped[0].1.replacen(right, wrong, 1))
        })
        .collect();
    let spoilt: Vec<(&str, String)> = spoilt.iter().map(|(name, json)| (name.as_str(), json.clone())).collect();
    let errors = type_errors(&spoilt);
    for ((name, _), (_, wrong)) in spoilt.iter().zip(spoilings) {
        assert!(errors.contains(&format!("{name}.ts(")), "{wrong} is not noticed:\n{errors}");
    }
}
