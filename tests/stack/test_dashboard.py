"""The Grafana dashboard and provisioning without Grafana: the rules of the dashboard linter, every
expression parsed by promtool, and every metric that rules, dashboard and documents name."""

import json
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
GRAFANA = ROOT / "grafana"
DASHBOARD = json.loads((GRAFANA / "provisioning/dashboards/drift.json").read_text())
ROWS = [p["title"] for p in DASHBOARD["panels"] if p["type"] == "row"]
PANELS = [p for p in DASHBOARD["panels"] if p["type"] != "row"]
TARGETS = [(panel, target) for panel in PANELS for target in panel["targets"]]
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
TITLES = ["Drift Scores by Features", "Drift Score Over Time", "Prediction Rate", "Drift Alerts (last hour)",
          "Total Predictions", "Prediction Latency", "Feature Means", "Feature Std Deviations", "PSI Scores"]
# Units of Grafana that this dashboard may use.
UNITS = {"none", "short", "reqps", "s", "percentunit", "bytes"}
TYPES = {"timeseries", "stat", "bargauge", "state-timeline", "heatmap"}
CHECK_PANELS = ROOT / "tests/stack/check_panels.js"
SUFFIXES = ("_bucket", "_count", "_sum")


def load(path):
    return yaml.safe_load(pathlib.Path(path).read_text())


def panel(title):
    [found] = [p for p in PANELS if p["title"] == title]
    return found


def substituted(expression, job="value", model="value", rate="1m"):
    """As Grafana sends it, with some value for every variable."""
    for variable, value in (("$__rate_interval", rate), ("$__range", "30m"), ("${datasource}", "d"), ("$job", job),
                            ("$model", model)):
        expression = expression.replace(variable, value)
    return re.sub(r"\$(instance|feature)\b", "value" if job == "value" else ".+", expression)


def promtool_parses(expressions, tmp_path):
    rules = [{"record": f"e{number}", "expr": expression} for number, expression in enumerate(expressions)]
    path = tmp_path / "expressions.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}, width=10000))
    checked = subprocess.run(["promtool", "check", "rules", "--lint=none", path], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
    assert checked.returncode == 0 and f"{len(rules)} rules found" in checked.stdout, checked.stdout


def selectors(expression):
    """(metric, matchers) of every selector of a metric of ours."""
    return re.findall(r"\b((?:model|drift|process|http|ALERTS|up|alertmanager|prometheus)[\w:]*)\{([^}]*)\}", expression)


def metrics_in(expression):
    """Names of metrics in an expression: what is left without strings, labels, functions and durations."""
    text = re.sub(r"\"(\\.|[^\"\\])*\"|'(\\.|[^'\\])*'", "", expression)
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", "", text)
    text = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", text)
    names = re.findall(r"[A-Za-z_:][\w:]*(?![\w:]*\s*\()", text)
    words = {"and", "or", "unless", "offset", "bool", "by", "without", "s", "m", "h", "d", "e", "x"}
    return {name for name in names if name not in words}


# ---- the dashboard linter's rules ----

def test_the_nine_panels():
    inorder = sorted(DASHBOARD["panels"], key=lambda p: (p["gridPos"]["y"], p["gridPos"]["x"]))
    assert inorder == DASHBOARD["panels"]
    assert [p["title"] for p in inorder[:9]] == TITLES and inorder[9]["type"] == "row"
    assert len({p["id"] for p in inorder}) == len(inorder) == len({p["title"] for p in inorder})
    assert panel("Drift Scores by Features")["type"] == "bargauge"


def test_rows_to_drill_down():
    assert ROWS == ["Which feature moved first", "Feature by feature", "Predictions", "Concept drift and performance", "Health of the service",
                    "Health of the monitoring"]
    for row in (p for p in DASHBOARD["panels"] if p["type"] == "row"):
        assert row["collapsed"] is False and row["panels"] == [] and row["gridPos"]["w"] == 24


def test_dashboard_is_portable_and_fixed():
    assert DASHBOARD["id"] is None and DASHBOARD["uid"] == "model-drift" and DASHBOARD["schemaVersion"] == 42
    assert DASHBOARD["editable"] is False and DASHBOARD["graphTooltip"] == 1
    assert DASHBOARD["title"] and DASHBOARD["description"] and DASHBOARD["tags"] and DASHBOARD["links"]
    text = json.dumps(DASHBOARD)
    assert "__inputs" not in DASHBOARD and "DS_PROMETHEUS" not in text and "http://" not in text


@pytest.mark.parametrize("title", [p["title"] for p in PANELS])
def test_panel(title):
    p = panel(title)
    assert p["targets"] and p["description"].endswith(".") and len(p["description"]) > 30
    assert p["datasource"] == DATASOURCE
    defaults = p["fieldConfig"]["defaults"]
    assert defaults["unit"] in UNITS
    assert defaults["thresholds"]["steps"][0]["value"] is None
    assert p["type"] in TYPES
    if p["type"] in ("timeseries", "state-timeline"):
        assert {"legend", "tooltip"} <= set(p["options"]) and "custom" in defaults
    elif p["type"] == "heatmap":
        assert p["options"]["calculate"] is False and p["targets"][0]["format"] == "heatmap"
    else:
        assert "reduceOptions" in p["options"]


def test_panels_do_not_overlap_and_fit_the_grid():
    taken = set()
    for p in DASHBOARD["panels"]:
        grid = p["gridPos"]
        cells = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])}
        assert not cells & taken and grid["x"] + grid["w"] <= 24, p["title"]
        taken |= cells
    assert len(taken) == 24 * (1 + max(y for _, y in taken)), "no hole"


@pytest.mark.parametrize("title", ["Drift Score Over Time", "PSI Scores"])
def test_drift_turns_orange_at_the_warning_and_red_at_the_critical_threshold(title):
    steps = panel(title)["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["color"], step["value"]) for step in steps] == [("green", None), ("orange", 0.3), ("red", 0.5)]


FIRST_PANEL = """
rule_files: []
evaluation_interval: 5s
tests:
  - interval: 5s
    input_series:
%s
    promql_expr_test:
      - {expr: %s, eval_time: 5s, exp_samples: %s}
"""


def test_the_first_panel_shows_what_the_alerts_compare(tmp_path):
    """KS 0.287 is below its threshold, PSI 0.6 of the same feature is critical, and so is the panel."""
    scores = {  # feature, method: score, evidence, position on the panel
        ("f", "ks_test"): (0.287, 1, 0.287 / 0.3), ("f", "psi"): (0.6, 1, 1 + 0.6 / 0.5),
        ("warned", "ks_test"): (0.36, 1, 0.36 / 0.3), ("chance", "ks_test"): (0.9, 0, 0.99),
        ("tolerant", "psi"): (0.6, 1, 0.6 / 0.8)}
    series = []
    for (feature, method), (score, evidence, _) in scores.items():
        of = f'job="j",instance="i",model="m",feature="{feature}"'
        series += [(f'model_drift_score{{{of},method="{method}"}}', score), (f'model_drift_significant{{{of},method="{method}"}}', evidence)]
        for severity, threshold in (("warning", 0.3), ("critical", 0.5)):
            own = threshold + 0.5 if feature == "tolerant" else threshold
            series.append((f'model_feature_drift_threshold{{{of},severity="{severity}"}}', own))
    lines = "\n".join(f"      - {{series: {json.dumps(name)}, values: '{value}x3'}}" for name, value in dict(series).items())
    [target] = panel("Drift Scores by Features")["targets"]
    expression = "round(" + substituted(target["expr"], job="j", model="m") + ", 0.001)"
    expected = [{"labels": f'{{feature="{feature}",method="{method}"}}', "value": round(position, 3)}
                for (feature, method), (_, _, position) in scores.items()]
    (tmp_path / "panel.yml").write_text(FIRST_PANEL % (lines, json.dumps(expression.replace('"value"', '".+"')), json.dumps(expected)))
    done = subprocess.run(["promtool", "test", "rules", tmp_path / "panel.yml"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
    assert done.returncode == 0, done.stdout
    steps = panel("Drift Scores by Features")["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["color"], step["value"]) for step in steps] == [("green", None), ("orange", 1), ("red", 2)]
    assert "{{method}}" in target["legendFormat"]


def test_an_incident_counts_once():
    [target] = panel("Drift Alerts (last hour)")["targets"]
    assert "model_drift_incidents_total" in target["expr"]


def test_variables():
    assert list(VARIABLES) == ["datasource", "job", "instance", "model", "feature"]
    datasource = VARIABLES["datasource"]
    assert datasource["type"] == "datasource" and datasource["query"] == "prometheus"
    for name in ("job", "instance", "model", "feature"):
        variable = VARIABLES[name]
        assert variable["type"] == "query" and variable["datasource"] == DATASOURCE and variable["label"]
        assert variable["refresh"] == 2, "read again when the time range changes"
        assert variable["query"]["query"] == variable["definition"]
        if name != "model":
            assert variable["multi"] and variable["includeAll"] and variable["allValue"] == ".+"


def wanted_matchers(name):
    """Which variables the selector of a metric follows, by what the metric has."""
    if name == "up" or re.match(r"(alertmanager|prometheus)_", name):
        return ["job"]
    if name in recorded():
        return ["job", "model"]  # over all replicas
    return ["job", "instance"] + (["model"] if name not in SERVICE_METRICS else [])


SERVICE_METRICS = {"model_service_build_info", "http_requests_total", "process_resident_memory_bytes", "process_cpu_seconds_total"}
# What has a feature follows the variable, but for the model's own output.
OUTPUT = 'feature=~"prediction|prediction_score"'


@pytest.mark.parametrize("p,target", TARGETS, ids=lambda value: value.get("title", value.get("refId")))
def test_target(p, target):
    expression = target["expr"]
    assert target["datasource"] == DATASOURCE and target["legendFormat"]
    found = selectors(expression)
    assert found and {name for name, _ in found} == metrics_in(expression), "every metric has a selector"
    for name, matchers in found:
        for variable in wanted_matchers(name):
            if re.match(r"(alertmanager|prometheus)_", name):
                assert f'job=~"{name.split("_")[0]}"' in matchers
            else:
                assert re.search(rf'{variable}=~"\${variable}\b', matchers), f"{name} without {variable}"
        if re.match(r"model_(feature|category|drift_score|drift_p)", name) and OUTPUT not in matchers:
            assert 'feature=~"$feature"' in matchers
    for name, _ in found:
        if name.endswith(("_total", "_bucket", "_count", "_sum")):
            assert re.search(r"(rate|increase)\(\s*" + name, expression), "a counter is shown by its rate"
    for window in re.findall(r"\brate\([^[]*\[([^\]]*)\]", expression):
        assert window == "$__rate_interval"
    assert len({t["refId"] for t in p["targets"]}) == len(p["targets"])


def test_every_expression_parses(tmp_path):
    expressions = [target["expr"] for _, target in TARGETS]
    expressions += [a["expr"] for a in DASHBOARD["annotations"]["list"] if not a.get("builtIn")]
    for variable in VARIABLES.values():
        values = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]) if variable["name"] != "datasource" else None
        if values:
            expressions.append(values.group(1))
            assert values.group(2) == variable["name"]
    assert len(expressions) == len(TARGETS) + 2 + 4
    promtool_parses([substituted(expression) for expression in expressions], tmp_path)


def test_alert_annotations_follow_the_model():
    shown = [a for a in DASHBOARD["annotations"]["list"] if not a.get("builtIn")]
    assert {re.search(r'severity="(\w+)"', a["expr"]).group(1) for a in shown} == {"critical", "warning"}
    for annotation in shown:
        assert annotation["datasource"] == DATASOURCE and annotation["enable"] is True
        assert 'alertstate="firing"' in annotation["expr"]
        assert 'model=~"$model|"' in annotation["expr"], "alerts of the service have no model"


# ---- Grafana's own types ----

@pytest.fixture(scope="module")
def grafana_types(tmp_path_factory):
    """A folder with @grafana/schema and a compiler, fetched by npm for this test only."""
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("no npm: Grafana's types cannot be fetched")
    folder = tmp_path_factory.mktemp("grafana-types")
    (folder / "package.json").write_text("{}")
    fetched = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1",
                              "--fetch-timeout=20000", "@grafana/schema@13", "typescript@5"], cwd=folder,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=150)
    if fetched.returncode != 0:
        pytest.skip(f"npm did not fetch Grafana's types: {fetched.stdout[-300:]}")
    return folder


def mistakes(folder, dashboard, tmp_path):
    path = tmp_path / "dashboard.json"
    path.write_text(json.dumps(dashboard))
    checked = subprocess.run(["node", CHECK_PANELS, folder, path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout
    *found, last = checked.stdout.splitlines()
    assert int(re.fullmatch(r"looked at (\d+) values", last).group(1)) > 1000
    return found


def test_panels_have_the_options_that_grafana_publishes(grafana_types, tmp_path):
    assert mistakes(grafana_types, DASHBOARD, tmp_path) == []
    broken = json.loads(json.dumps(DASHBOARD))
    broken["panels"][0]["options"]["displayMode"] = "lcdx"
    broken["panels"][1]["options"]["bogus"] = 1
    broken["panels"][2]["fieldConfig"]["defaults"]["custom"]["drawStyle"] = "lines"
    broken["panels"][3]["fieldConfig"]["defaults"]["unitt"] = "s"
    assert [line.split(":")[0] for line in mistakes(grafana_types, broken, tmp_path)] == TITLES[:4], "it notices mistakes"


# ---- provisioning ----

def test_datasources():
    provisioned = load(GRAFANA / "provisioning/datasources/datasources.yml")
    by_type = {source["type"]: source for source in provisioned["datasources"]}
    services = load(ROOT / "docker-compose.yml")["services"]
    assert provisioned["apiVersion"] == 1
    assert by_type["prometheus"]["uid"] == VARIABLES["datasource"]["current"]["value"]
    assert by_type["prometheus"]["isDefault"] is True
    assert by_type["prometheus"]["jsonData"]["alertmanagerUid"] == by_type["alertmanager"]["uid"]
    assert by_type["alertmanager"]["jsonData"]["handleGrafanaManagedAlerts"] is False
    for source in by_type.values():
        host = re.fullmatch(r"http://([\w-]+):(\d+)", source["url"])
        assert host.group(1) in services
    interval = load(ROOT / "prometheus/prometheus.yml")["global"]["scrape_interval"]
    assert by_type["prometheus"]["jsonData"]["timeInterval"] == interval
    assert {s["name"] for s in provisioned["deleteDatasources"]} == {s["name"] for s in by_type.values()}


def test_dashboards_are_found_where_compose_mounts_them():
    [provider] = load(GRAFANA / "provisioning/dashboards/dashboards.yml")["providers"]
    assert provider["allowUiUpdates"] is False and provider["type"] == "file"
    services = load(ROOT / "docker-compose.yml")["services"]
    assert "./grafana/provisioning:/source/grafana:ro" in services["configuration"]["volumes"]
    assert "configuration:/configuration:ro" in services["grafana"]["volumes"]
    assert services["grafana"]["environment"]["GF_PATHS_PROVISIONING"] == "/configuration/grafana"
    inside = pathlib.PurePosixPath(provider["options"]["path"]).relative_to("/configuration/grafana")
    assert (GRAFANA / "provisioning" / inside / "drift.json").is_file()


def test_grafana_sends_nothing_unless_asked():
    assert [p.name for p in (GRAFANA / "provisioning/alerting").iterdir()] == [".gitkeep"]
    optional = load(GRAFANA / "provisioning-optional/alerting/slack.yml")
    assert set(optional) == {"apiVersion", "contactPoints"}, "no policy tree is replaced"
    [receiver] = optional["contactPoints"][0]["receivers"]
    assert receiver["type"] == "slack" and receiver["settings"] == {"url": "$SLACK_WEBHOOK_URL"}


# ---- names ----

def documented():
    """metric -> (type, labels) of the table in docs/metrics.md."""
    table = re.search(r"^## What the service exports$(.*?)^## ", (ROOT / "docs/metrics.md").read_text(), re.M | re.S)
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|([^|]*)\|([^|]+)\|$", table.group(1), re.M)
    return {name: (kind, {label.strip() for label in labels.split(",")} - {""}) for name, kind, labels, _, _ in rows}


def recorded():
    return {rule["record"] for path in (ROOT / "prometheus/rules").glob("*.yml")
            for group in load(path)["groups"] for rule in group["rules"] if "record" in rule}


def known():
    names = set(documented()) | recorded()
    names |= {name + suffix for name, (kind, _) in documented().items() if kind == "histogram" for suffix in SUFFIXES}
    # of Prometheus and Alertmanager themselves
    return names | {"up", "ALERTS", "prometheus_notifications_alertmanagers_discovered",
                    "prometheus_notifications_errors_total", "prometheus_rule_evaluation_failures_total",
                    "alertmanager_notifications_failed_total", "alertmanager_notifications_total",
                    "prometheus_config_last_reload_successful", "alertmanager_config_last_reload_successful",
                    "prometheus_rule_group_last_duration_seconds"}


def rule_expressions():
    rules = [rule for path in (ROOT / "prometheus/rules").glob("*.yml")
             for group in load(path)["groups"] for rule in group["rules"]]
    for rule in rules:
        yield rule.get("alert") or rule.get("record"), rule["expr"]
        for annotation in rule.get("annotations", {}).values():
            for query in re.findall(r'printf "((?:[^"\\]|\\.)*)"[^|}]*\| query', annotation):
                if "model" in query:
                    yield rule["alert"], query.replace('\\"', '"').replace("%s", 'a="b"').replace("%q", '"b"').replace("%g", "1")


def test_rules_name_known_metrics_only():
    expressions = list(rule_expressions())
    assert len(expressions) > 40
    unknown = {(name, metric) for name, expression in expressions for metric in metrics_in(expression) - known()}
    assert unknown == set()


def test_queries_in_annotations_parse(tmp_path):
    promtool_parses([expression for _, expression in rule_expressions()], tmp_path)


def test_dashboard_names_known_metrics_only():
    expressions = [target["expr"] for _, target in TARGETS] + [v["query"]["query"] for n, v in VARIABLES.items()
                                                               if n != "datasource"]
    named = {name for expression in expressions for name, _ in selectors(expression)}
    assert named and named - known() == set()


@pytest.mark.parametrize("document", ["docs/metrics.md", "docs/runbook.md"])
def test_documents_name_known_metrics_only(document, tmp_path):
    text = (ROOT / document).read_text()
    blocks = [part for block in re.findall(r"(?:^    \S.*\n(?:^ {4,}.*\n)*)+", text, re.M)
              for part in [re.sub(r"^    ", "", block, flags=re.M)]]
    queries = [b for b in blocks if re.search(r"\b(model|drift|http|process)_", b)
               and not b.lstrip().startswith(("amtool", "curl"))]
    if document.endswith("runbook.md"):  # one query a line there
        queries = [line for block in queries for line in block.splitlines() if line.strip()]
    assert len(queries) >= 5
    promtool_parses(queries, tmp_path)
    named = set().union(*map(metrics_in, queries))
    named |= set(re.findall(r"`((?:model|drift|http|process|alertmanager|prometheus)_\w+)`", text))
    named |= {name for code in re.findall(r"`([^`\n]*[({][^`\n]*)`", text) for name in metrics_in(code)
              if re.match(r"(model|drift|http|process|alertmanager|prometheus)_", name)}
    assert {name for name in named - known() if name not in ("model_", "drift_", "model_service_", "model_config_")} == set()


def test_documented_recording_rules_are_those_that_exist():
    text = (ROOT / "docs/metrics.md").read_text()
    assert set(re.findall(r"^\| `([\w]+:[\w:]+)` \|", text, re.M)) == recorded()


def test_documented_metrics_are_those_of_the_service():
    """Against the table that /metrics is written from; the tests over HTTP see the exposition itself."""
    source = (ROOT / "model-service/service/metrics/families.c").read_text()
    written = {name: "gauge" if kind == "INFO" else kind.lower()
               for name, kind in re.findall(r'\{\{"(\w+)", METRIC_(\w+),', source)}
    assert len(written) > 25
    assert {name: kind for name, (kind, _) in documented().items()} == written
