#!/usr/bin/env python3
"""Writes the two dashboards beside this file; with --check only says whether they are what it would write.

What is shown, and in which order, is in `network` and `node`; how it is written is in parts.py. Only Python's standard
library is needed.
"""

import json
import pathlib
import sys

# No __pycache__ among the dashboards.
sys.dont_write_bytecode = True

from parts import (  # noqa: E402
    DATASOURCE, GREEN, GREY, ORANGE, RED, STATE_TEXTS, UP_TEXTS, behind, heatmap, lines, metric, other, per_minute,
    rate, search_state, stat, steps, table, texts, timeline, total, without_peers,
)

HERE = pathlib.Path(__file__).parent

# The version of the dashboard format that Grafana 13 writes.
SCHEMA_VERSION = 42


def variables():
    def query(name, label, expression, **more):
        return {"type": "query", "name": name, "label": label, "datasource": DATASOURCE,
                "query": {"query": expression, "refId": "StandardVariableQuery"}, "refresh": 2, "sort": 7, **more}

    return [
        {"type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus", "refresh": 1},
        query("job", "Network (job)", "label_values(mersenned_build_info, job)"),
        query("instance", "Node", 'label_values(mersenned_build_info{job="$job"}, instance)', multi=True,
              includeAll=True, allValue=".+", current={"text": ["All"], "value": ["$__all"]}),
    ]


def dashboard(uid, title, description, rows, sibling):
    """Lays out {row title: panels}: from left to right, and on to the next line when one is full."""
    panels, y = [], 0
    for row, members in rows.items():
        panels.append({"type": "row", "title": row, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})
        x, y, line = 0, y + 1, 0
        for member in members:
            place = member["gridPos"]
            if x + place["w"] > 24:
                x, y, line = 0, y + line, 0
            member["gridPos"] = {"x": x, "y": y, "w": place["w"], "h": place["h"]}
            x, line = x + place["w"], max(line, place["h"])
            panels.append(member)
        y += line
    for number, each in enumerate(panels, 1):
        each["id"] = number
    link = {"type": "link", "title": sibling[1], "url": f"/d/{sibling[0]}", "tooltip": sibling[2], "icon": "dashboard",
            "tags": [], "asDropdown": False, "includeVars": True, "keepTime": True, "targetBlank": False}
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["mersenned"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": "now-1h", "to": "now"},
        "timepicker": {},
        "refresh": "30s",
        "links": [link],
        "annotations": {"list": []},
        "templating": {"list": variables()},
        "panels": panels,
    }


def network():
    peers = total("instance", metric("peers"))
    dropped = rate("datagrams_dropped_total", 'reason!="asleep"')
    received = rate("datagrams_total", 'direction="received"')
    rows = {
        "Is all well?": [
            stat("Nodes down", "Nodes that Prometheus cannot reach. They keep their primes; start them again.",
                 f"sum(1 - {other('up')})", thresholds=steps(GREEN, (1, RED))),
            stat("Nodes without peers", "Nodes that run, do not sleep, and have no peer: they search alone.",
                 f"sum({without_peers()})", thresholds=steps(GREEN, (1, RED))),
            stat("Nodes behind", "Nodes that do not know the largest prime of the network. For some seconds, or as "
                 "long as their test of it takes, that is as it should be; see the queue below.",
                 f"sum({behind()})", thresholds=steps(GREEN, (1, ORANGE)), mappings=texts({0: ("all agree", GREEN)})),
            stat("Largest prime: p of 2^p − 1", "The exponent of the largest Mersenne prime that any node has "
                 "verified.",
                 f"max({metric('prime_height')})", mappings=texts({0: ("none yet", GREY)})),
            stat("It became known", "When a node last learned of a larger prime than it knew; not from before its "
                 "start.",
                 f"1000 * max({metric('prime_height_timestamp_seconds')})", unit="dateTimeFromNow",
                 mappings=texts({0: ("before the nodes started", GREY)})),
            stat("Alerts", "Alerts that fire for these nodes, each with how many of them, as far as Prometheus has "
                 "the rules of config/alerts.yml; good news not counted.",
                 "count by (alertname) (" + other("ALERTS", 'alertstate="firing"', 'severity!="info"') + ") "
                 'or on () label_replace(vector(0), "alertname", "none", "", "")',
                 thresholds=steps(GREEN, (1, RED)), legend="{{alertname}}", shown="value_and_name"),
            table("Nodes", "Each node as it is now. A click on its name leads to its own dashboard.", {
                "Up": (f"max by (instance) ({other('up')})", "none", {"mappings": UP_TEXTS,
                       "custom.cellOptions": {"type": "color-text"}}),
                "Peers": (peers, "none", {"thresholds": steps(RED, (1, GREY)),
                          "custom.cellOptions": {"type": "color-text"}}),
                "Largest prime (p)": (f"max by (instance) ({metric('prime_height')})", "none", {}),
                "Behind": (behind(), "none", {
                    "mappings": texts({0: ("no", GREEN), 1: ("yes", ORANGE)}),
                    "custom.cellOptions": {"type": "color-text"}}),
                "Known primes": (f"max by (instance) ({metric('known_primes')})", "none", {}),
                "Being verified": (f"max by (instance) ({metric('verification_queue')})", "none", {}),
                "Search": (search_state(), "none", {"mappings": STATE_TEXTS,
                           "custom.cellOptions": {"type": "color-text"}}),
                "At hand (p)": (f"max by (instance) ({metric('search_exponent')})", "none", {}),
                "Started": (f"1000 * max by (instance) ({other('process_start_time_seconds')})", "dateTimeFromNow", {}),
            }),
        ],
        "Agreement": [
            timeline("Reachable", "Which nodes Prometheus could reach.", {"{{instance}}": other("up")}, UP_TEXTS,
                     width=8),
            lines("Largest prime: p of 2^p − 1", "One line for each node. Where they agree they lie on each other; a "
                  "node apart is behind.", {"{{instance}}": metric("prime_height")}, "none", stepped=True),
            lines("Known primes", "How many Mersenne primes each node knows, all verified by itself. A joiner catches "
                  "up, some at each PING.", {"{{instance}}": metric("known_primes")}, "none", stepped=True, min=0),
        ],
        "Peers": [
            lines("Peers", "Active peers of each node: of up to 13 that all reach each other, all others; in a larger network "
                  "about 12 to 16.",
                  {"{{instance}}": peers}, "none", stepped=True, min=0),
            lines("Peers lost and found", "Peers that became active, and were dropped, by reason. A flap is one that "
                  "was dropped as silent and came back within a minute.",
                  {"up: {{via}}": per_minute("peers_discovered_total", by="via"),
                   "down: {{reason}}": per_minute("peer_evictions_total", by="reason"),
                   "flap": per_minute("peer_flaps_total", by="")}, "cpm", min=0),
            heatmap("Round trips", "From a PING to its PONG, all nodes together.", "peer_rtt_seconds", "s"),
            lines("Network size", "How many nodes each node takes the network to have: up to 13 it knows them, then it "
                  "judges by how near its neighbours on the ring are, which may be wrong by half.",
                  {"{{instance}}": metric("network_size")}, "none", stepped=True, min=0),
            lines("Shares of the ring", "What each node owns. If all nodes of the network are shown and agree on their "
                  "neighbours, this is 100 % together.",
                  {"{{instance}}": metric("ring_owned_ratio")}, "percentunit", stacked=True, min=0),
            lines("Peers by role", "Why peers are peers, all nodes together: leaves are the nearest on the ring, the "
                  "chosen were picked, guests have asked.",
                  {"{{role}}": total("role", metric("peers"))}, "none", stacked=True, stepped=True, min=0),
        ],
        "Datagrams": [
            lines("Received by type", "Datagrams accepted, all nodes together.",
                  {"{{type}}": total("type", received)}, "pps", stacked=True, min=0),
            lines("Sent by type", "Datagrams written, all nodes together.",
                  {"{{type}}": total("type", rate("datagrams_total", 'direction="sent"'))}, "pps", stacked=True, min=0),
            lines("Traffic", "Bytes of these datagrams, without the headers of UDP and IP.",
                  {"{{direction}}": total("direction", rate("datagram_bytes_total"))}, "Bps", min=0),
            lines("Dropped by reason", "Datagrams received and not accepted. Budgets are floods; most others are "
                  "strangers that speak something else.",
                  {"{{reason}}": total("reason", dropped)}, "pps", stacked=True, min=0),
            lines("Share dropped", "Of all that each node received. The line is where the alert DropRateHigh begins.",
                  {"{{instance}}": f"{total('instance', dropped)} / clamp_min({total('instance', dropped)} + "
                                   f"{total('instance', received)}, 1e-9)"},
                  "percentunit", min=0, max=1, thresholds=steps(GREEN, (0.2, RED))),
            lines("Lost on this side", "Datagrams the kernel dropped because the receive buffer was full, and "
                  "datagrams that could not be sent.",
                  {"kernel: {{instance}}": rate("socket_kernel_drops_total"),
                   "send: {{kind}}": total("kind", rate("send_errors_total"))}, "pps", min=0),
        ],
        "Gossip": [
            lines("Forwards by TTL", "PRIMEs forwarded, by the TTL they left with. A message loses one at each node, "
                  "so low TTLs are long ways.",
                  {"{{ttl}}": per_minute("forwards_total", by="ttl")}, "cpm", stacked=True, min=0),
            lines("PRIMEs and their cost", "Created by nodes, forwarded, heard again, and sent to peers that lacked "
                  "them.",
                  {"created": per_minute("messages_originated_total", 'type="prime"', by=""),
                   "forwarded": per_minute("forwards_total", by=""),
                   "heard again": per_minute("duplicates_total", by=""),
                   "caught up": per_minute("catchup_sent_total", by="")}, "cpm", min=0),
            heatmap("Hops", "How many hops PRIMEs had come when a node first heard them.", "prime_hops", "none"),
            lines("Claims by result", "What became of PRIMEs that were new to a node. \"refuted\" and \"factored\" "
                  "are false claims: somebody forges or miscalculates.",
                  {"{{result}}": per_minute("claims_total", by="result")}, "cpm", stacked=True, min=0),
            lines("Being verified", "Exponents that wait for their test at each node, the one being tested included.",
                  {"{{instance}}": metric("verification_queue")}, "none", stepped=True, min=0),
            heatmap("Time to verify", "How long the tests of claimed exponents took.", "verification_seconds", "s"),
        ],
        "Search": [
            timeline("What the searches do", "Waiting is between a prime found and the next interval.",
                     {"{{instance}}": search_state()}, STATE_TEXTS, width=8),
            lines("Exponent at hand", "The smallest exponent each node is busy with; in a race all work on about the "
                  "same.",
                  {"{{instance}}": metric("search_exponent")}, "none", stepped=True),
            lines("Squarings", "Squarings of the search per second and node. One gets slower as exponents grow.",
                  {"{{instance}}": rate("search_iterations_total")}, "ops", min=0),
        ],
    }
    return dashboard(
        "mersenned-network", "Mersenne network",
        "All nodes of one network: do they run, know each other, and agree?", rows,
        ("mersenned-node", "One node", "Peers, gossip, search and process of single nodes"),
    )


def node():
    per = "{{instance}}"
    rows = {
        "Now": [
            stat("Node", "Whether Prometheus can reach the node.", f"max by (instance) ({other('up')})",
                 mappings=UP_TEXTS, width=3, legend=per),
            stat("Search", "What its search is doing. Waiting is between a prime found and the next interval.",
                 search_state(), mappings=STATE_TEXTS, width=3, legend=per),
            stat("Peers", "Active peers.", total("instance", metric("peers")), width=3, legend=per,
                 thresholds=steps(RED, (1, GREEN))),
            stat("Largest prime: p of 2^p − 1", "The exponent of the largest Mersenne prime that it has verified.",
                 metric("prime_height"), width=3, legend=per, mappings=texts({0: ("none yet", GREY)})),
            stat("At hand: p of 2^p − 1", "The smallest exponent it is busy with; 0 while it does not search.",
                 metric("search_exponent"), width=3, legend=per),
            stat("Of its test done", "How far the test of that exponent is; 0 while factors are looked for.",
                 metric("search_progress_ratio"), unit="percentunit", width=3, legend=per, min=0, max=1),
            stat("Started", "When the process was started.", f"1000 * {other('process_start_time_seconds')}",
                 unit="dateTimeFromNow", width=3, legend=per),
            stat("Version", "The version that runs; more than one if the selected nodes differ.",
                 total("version", metric("build_info")), width=3, legend="{{version}}", shown="name"),
        ],
        "Peers": [
            lines("Peers", "Active peers: proven ones have shown that they receive at their address, plain ones speak "
                  "the exercise's messages only.",
                  {per + " {{state}}": total("instance, state", metric("peers"))}, "none", stepped=True, min=0),
            lines("Peers found", "Peers that became active, by how they were heard of.",
                  {per + " {{via}}": per_minute("peers_discovered_total")}, "cpm", min=0),
            lines("Peers lost", "Peers dropped, by reason; a flap is one that was silent and back within a minute.",
                  {per + " {{reason}}": per_minute("peer_evictions_total"),
                  per + " flap": per_minute("peer_flaps_total")},
                  "cpm", min=0),
            lines("Peers by role", "Why they are peers: leaves are the nearest on the ring, the chosen were picked by "
                  "this node, guests have asked.",
                  {per + " {{role}}": total("instance, role", metric("peers"))}, "none", stacked=True, stepped=True,
                  min=0),
            lines("Place on the ring", "How far around the ring it is, and the share that it owns.",
                  {per + " position": metric("ring_position_ratio"), per + " owns": metric("ring_owned_ratio")},
                  "percentunit", stepped=True, min=0, max=1),
            lines("Network size", "How many nodes it takes the network to have.", {per: metric("network_size")},
                  "none", stepped=True, min=0),
            heatmap("Round trips", "From a PING to its PONG.", "peer_rtt_seconds", "s", width=12),
            lines("Address book", "Addresses that may become peers.", {per: metric("address_book_entries")},
                  "none", width=12, stepped=True, min=0),
        ],
        "Gossip": [
            lines("Received by type", "Datagrams accepted.",
                  {per + " {{type}}": rate("datagrams_total", 'direction="received"')}, "pps", stacked=True, min=0),
            lines("Sent by type", "Datagrams written.",
                  {per + " {{type}}": rate("datagrams_total", 'direction="sent"')}, "pps", stacked=True, min=0),
            lines("Traffic", "Bytes of these datagrams, without the headers of UDP and IP.",
                  {per + " {{direction}}": total("instance, direction", rate("datagram_bytes_total"))}, "Bps", min=0),
            lines("Dropped by reason", "Datagrams received and not accepted.",
                  {per + " {{reason}}": rate("datagrams_dropped_total")}, "pps", stacked=True, min=0),
            lines("Lost on this side", "Dropped by the kernel because the receive buffer was full, or not sent.",
                  {per + " kernel": rate("socket_kernel_drops_total"),
                   per + " send: {{kind}}": rate("send_errors_total")}, "pps", min=0),
            lines("Receive buffer", "What the kernel gave for the datagrams that wait to be read.",
                  {per: metric("receive_buffer_bytes")}, "bytes", min=0),
            lines("Forwards by TTL", "PRIMEs forwarded, by the TTL they left with.",
                  {per + " {{ttl}}": per_minute("forwards_total")}, "cpm", stacked=True, min=0),
            lines("Messages created", "PINGs, PONGs and PRIMEs that begin here.",
                  {per + " {{type}}": rate("messages_originated_total")}, "ops", min=0),
            lines("Repeats", "PRIMEs heard again, and PRIMEs sent to peers that lacked them.",
                  {per + " heard again": per_minute("duplicates_total"),
                   per + " caught up": per_minute("catchup_sent_total")}, "cpm", min=0),
            lines("Remembered PRIMEs", "Messages it will know again, so that none goes round twice.",
                  {per: metric("seen_entries")}, "none", min=0),
            heatmap("Hops", "How many hops PRIMEs had come when first heard.", "prime_hops", "none"),
            lines("Claims by result", "What became of PRIMEs that were new here.",
                  {per + " {{result}}": per_minute("claims_total")}, "cpm", stacked=True, min=0),
        ],
        "Search": [
            timeline("What the search does", "Waiting is between a prime found and the next interval.",
                     {per: search_state()}, STATE_TEXTS, width=8),
            lines("Exponents", "The smallest exponent at hand, the frontier below which all is settled, and the "
                  "largest known prime.", {per + " at hand": metric("search_exponent"),
                                   per + " frontier": metric("frontier_exponent"),
                                   per + " largest prime": metric("prime_height")}, "none", stepped=True),
            lines("Progress of the test", "Of the smallest exponent at hand; a saw, one tooth for each test.",
                  {per: metric("search_progress_ratio")}, "percentunit", min=0, max=1),
            lines("Squarings", "Squarings of the search per second, on all its threads.",
                  {per: rate("search_iterations_total")}, "ops", min=0),
            lines("Candidates settled", "By a trial factor, by a full test, or prime.",
                  {per + " {{result}}": per_minute("candidates_total")}, "cpm", stacked=True, min=0),
            lines("Transform", "Points of the transform by which that exponent is tested; 0 is big integers.",
                  {per: metric("search_fft_length")}, "none", stepped=True, min=0),
            lines("Round-off", "The largest round-off error of the tests at hand. Above 0.4 a test goes back to a longer "
                  "transform.", {per: metric("roundoff_error_max")}, "none", min=0, max=0.5),
            lines("Age of the checkpoint", "What a crash would lose of the test at hand; 0 before its first "
                  "checkpoint.", {per: f"(time() - {metric('checkpoint_timestamp_seconds')}) * "
                                       f"({metric('checkpoint_timestamp_seconds')} > bool 0)"}, "s", min=0),
            lines("Search errors", "Computations that went wrong, were noticed and repeated. Often is a reason to test "
                  "the machine.", {per + " {{kind}}": per_minute("search_errors_total")}, "cpm", min=0),
            lines("Known primes", "Mersenne primes it knows, all verified by itself.", {per: metric("known_primes")},
                  "none", stepped=True, min=0),
            lines("Being verified", "Exponents that wait for their test, the one being tested included.",
                  {per: metric("verification_queue")}, "none", stepped=True, min=0),
            heatmap("Time to verify", "How long the tests of claimed exponents took.", "verification_seconds", "s"),
        ],
        "Process": [
            lines("Processor time", "Seconds of processor time per second: 1 is one core, busy. The search takes one "
                  "for each of its threads, at the lowest priority.",
                  {per: f"rate({other('process_cpu_seconds_total')}[$__rate_interval])"}, "none", min=0),
            lines("Memory", "Resident memory.", {per: other("process_resident_memory_bytes")}, "bytes", min=0),
            lines("Open files", "File descriptors in use, sockets included.", {per: other("process_open_fds")},
                  "none", min=0),
            lines("HTTP requests", "Answers by status code.",
                  {per + " {{code}}": total("instance, code", rate("http_requests_total"))}, "reqps", min=0),
            lines("Event streams", "Open event streams.", {per: metric("event_subscribers")}, "none", stepped=True,
                  min=0),
            lines("Events missed", "Events that streams missed because their readers were too slow.",
                  {per: per_minute("events_lagged_total")}, "cpm", min=0),
        ],
    }
    return dashboard(
        "mersenned-node", "Mersenne node",
        "One node, or several side by side: its peers, gossip, search and process.", rows,
        ("mersenned-network", "The network", "All nodes: do they run, know each other, and agree?"),
    )


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(f"usage: {sys.argv[0]} [--check]")
    different = []
    for content in (network(), node()):
        path = HERE / f"{content['uid']}.json"
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            different.append(path.name)
    if different:
        sys.exit(f"not what generate.py makes: {', '.join(different)}; change generate.py and run it")


main()
