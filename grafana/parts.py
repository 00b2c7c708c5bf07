"""The parts of a dashboard: how a query, a unit's texts and each kind of panel are written. Used by generate.py."""

SELECTED = 'job="$job",instance=~"$instance"'
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

GREEN, ORANGE, RED, BLUE, GREY = "green", "orange", "red", "blue", "text"

# What `search_state()` makes of the states of a search.
SEARCH_STATES = [
    ("searching", GREEN),
    ("waiting", BLUE),
    ("off", GREY),
    ("asleep", "purple"),
    ("exhausted", ORANGE),
]


# Queries

def metric(name, *labels):
    """One of the nodes' metrics, of the selected nodes."""
    return f"mersenned_{name}{{{','.join((SELECTED, *labels))}}}"


def other(name, *labels):
    """A metric that is not the nodes' own: Prometheus', or a process'."""
    return f"{name}{{{','.join((SELECTED, *labels))}}}"


def rate(name, *labels):
    """How much a counter grows in a second."""
    return f"rate({metric(name, *labels)}[$__rate_interval])"


def per_minute(name, *labels, by=None):
    """The same in a minute, for what is rare; summed over all but the labels `by`, over all if that is empty."""
    summed = rate(name, *labels) if by is None else total(by, rate(name, *labels))
    return f"60 * {summed}"


def total(by, expression):
    """The sum over all labels but these; over all, if none is named."""
    return f"sum by ({by}) ({expression})" if by else f"sum({expression})"


def search_state():
    """What each node's search is doing, as 1 and up in the order of SEARCH_STATES."""
    states = [
        f"{at} * " + metric("search_state", f'state="{name}"') for at, (name, _) in enumerate(SEARCH_STATES, 1)
    ]
    return f"sum by (instance) ({' or '.join(states)})"


def awake(expression):
    """0 for nodes that sleep, whatever the expression says of them: they have no peers and hear nothing on purpose."""
    asleep = metric("search_state", 'state="asleep"')
    return f"({expression}) * on (instance) (1 - max by (instance) ({asleep}))"


def behind():
    """1 for each node whose largest prime is smaller than the largest of all, else 0."""
    height = metric("prime_height")
    return awake(f"max by (instance) ({height}) < bool scalar(max({awake(height)}))")


def without_peers():
    """1 for each node that has no peer, else 0."""
    return awake(total("instance", metric("peers")) + " == bool 0")


# Parts of panels

def steps(*pairs):
    """Thresholds: the colour from below, then (from, colour)."""
    first, *others = pairs
    values = [{"color": first, "value": None}] + [{"color": color, "value": value} for value, color in others]
    return {"mode": "absolute", "steps": values}


def texts(mapping):
    """Shows values as texts in colours: {value: (text, colour)}."""
    options = {
        str(value): {"text": text, "color": color, "index": at}
        for at, (value, (text, color)) in enumerate(mapping.items())
    }
    return [{"type": "value", "options": options}]


STATE_TEXTS = texts({at: state for at, state in enumerate(SEARCH_STATES, 1)})
UP_TEXTS = texts({0: ("down", RED), 1: ("up", GREEN)})


def targets(queries, **more):
    """The queries of a panel: {legend: expression}."""
    return [
        {"refId": chr(ord("A") + at), "datasource": DATASOURCE, "editorMode": "code", "expr": expression,
         "legendFormat": legend, **more}
        for at, (legend, expression) in enumerate(queries.items())
    ]


def panel(kind, title, description, queries, defaults, options, width, height, **more):
    instant = more.pop("instant", False)
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "gridPos": {"w": width, "h": height},
        "targets": targets(queries, instant=instant, range=not instant, **more.pop("target", {})),
        "fieldConfig": {"defaults": defaults, "overrides": more.pop("overrides", [])},
        "options": options,
        **more,
    }


def stat(title, description, query, unit="none", thresholds=None, mappings=None, width=4, legend="", shown="auto",
         **defaults):
    """A number of now."""
    color = {"mode": "thresholds"} if thresholds or mappings else {"mode": "fixed", "fixedColor": BLUE}
    field = {"unit": unit, "color": color, "thresholds": thresholds or steps(GREY), "mappings": mappings or [],
             **defaults}
    options = {
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showPercentChange": False,
        "textMode": shown,
        "wideLayout": True,
    }
    return panel("stat", title, description, {legend: query}, field, options, width, 4, instant=True)


def lines(title, description, queries, unit, width=8, stacked=False, stepped=False, thresholds=None, **defaults):
    """Lines over time: {legend: expression}."""
    custom = {
        "drawStyle": "line",
        "lineInterpolation": "stepAfter" if stepped else "linear",
        "lineWidth": 1,
        "fillOpacity": 20 if stacked else 5,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "line" if thresholds else "off"},
    }
    field = {"unit": unit, "color": {"mode": "palette-classic"}, "custom": custom,
             "thresholds": thresholds or steps(GREY), **defaults}
    options = {
        "legend": {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom", "showLegend": True,
                   "sortBy": "Max", "sortDesc": True},
        "tooltip": {"mode": "multi", "sort": "desc", "hideZeros": True},
    }
    return panel("timeseries", title, description, queries, field, options, width, 8)


def timeline(title, description, queries, mappings, width=12):
    """What each node was doing, as coloured bars over time."""
    field = {"unit": "none", "color": {"mode": "thresholds"}, "thresholds": steps(GREY), "mappings": mappings,
             "custom": {"fillOpacity": 70, "lineWidth": 0}}
    options = {
        "alignValue": "left",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "mergeValues": True,
        "rowHeight": 0.8,
        "showValue": "auto",
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return panel("state-timeline", title, description, queries, field, options, width, 8)


def heatmap(title, description, name, unit, width=8):
    """How a histogram's values were distributed: how many a second fell into each bucket."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"unit": "ops"},
        "color": {"mode": "scheme", "scheme": "Blues", "steps": 32, "exponent": 0.5, "fill": "dark-blue",
                  "reverse": False},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "showValue": "never",
        "tooltip": {"mode": "single", "yHistogram": True},
        "yAxis": {"axisPlacement": "left", "unit": unit},
    }
    query = {"{{le}}": total("le", rate(f"{name}_bucket"))}
    defaults = {"unit": unit, "custom": {"scaleDistribution": {"type": "linear"}}}
    return panel("heatmap", title, description, query, defaults, options, width, 8, target={"format": "heatmap"})


def table(title, description, columns, height=8):
    """A line for each node: {column: (expression, unit, field settings)}."""
    queries = {name: expression for name, (expression, _, _) in columns.items()}
    overrides = [
        {"matcher": {"id": "byName", "options": name},
         "properties": [{"id": "unit", "value": unit}] + [{"id": id, "value": value} for id, value in settings.items()]}
        for name, (_, unit, settings) in columns.items()
    ]
    variables = "var-datasource=${datasource}&var-job=${job}&var-instance=${__value.text}"
    url = f"/d/mersenned-node?{variables}&${{__url_time_range}}"
    link = {"title": "This node's dashboard", "url": url}
    overrides.append({"matcher": {"id": "byName", "options": "Node"}, "properties": [{"id": "links", "value": [link]}]})
    renamed = {f"Value #{chr(ord('A') + at)}": name for at, name in enumerate(columns)} | {"instance": "Node"}
    order = {name: at for at, name in enumerate(["instance", *list(renamed)[:-1]])}
    transformations = [
        {"id": "merge", "options": {}},
        {"id": "organize", "options": {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": renamed}},
    ]
    defaults = {"unit": "none", "color": {"mode": "thresholds"}, "thresholds": steps(GREY),
                "custom": {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}}
    options = {"cellHeight": "sm", "frameIndex": 0, "showHeader": True, "sortBy": [{"displayName": "Node",
               "desc": False}]}
    return panel("table", title, description, queries, defaults, options, 24, height, instant=True, overrides=overrides,
                 transformations=transformations, target={"format": "table"})
