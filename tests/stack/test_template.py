"""The Slack message: each part rendered by amtool from webhook data, for the alerts that exist and
for what a template must survive."""

import json
import pathlib
import re
import shlex
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "alertmanager/templates/*.tmpl"
ALERTMANAGER = ROOT / "alertmanager/alertmanager.yml"
HOSTILE = "<!channel> & `*_x_*` |\n\"q\" \\ +1 é"
DETAILS = ("threshold 0.5 (ks_test, p 1.2e-40, 200 observations against 1000 of the reference); "
           "mean 0.42, reference -0.25; deviation 1.5, reference 1.12; since 2026-11-24 02:05:11 UTC")
LINK = re.compile(r"<(https?://[^<>|\s]+)\|([^<>|]*)>")


def render(part, data, tmp_path):
    path = tmp_path / "data.json"
    path.write_text(json.dumps(data))
    rendered = subprocess.run(
        ["amtool", "template", "render", f"--template.glob={TEMPLATES}", f"--template.data={path}",
         "--template.text={{ template \"slack.drift." + part + "\" . }}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
    assert rendered.returncode == 0, rendered.stdout
    return rendered.stdout.removesuffix("\n")


def alert(name="CriticalDataDrift", status="firing", annotations=None, **labels):
    severity = "critical" if name in ("CriticalDataDrift", "ModelServiceDown") else "warning"
    return {
        "status": status,
        "labels": {"alertname": name, "job": "model-service", "instance": "127.0.0.1:8000", "model": "m",
                   "severity": severity, **labels},
        "annotations": {
            "summary": "Live data differs.", "description": "Feature f has a drift score of 0.623.", "drift_score": "0.623",
            "details": DETAILS, "graph": 'model_drift_score{feature="f"}', "kind": "Data drift", "recommended_action": "Hold decisions.",
            "runbook_url": "http://localhost:9090/user/runbook.html#" + name.lower(),
            "dashboard_url": "http://localhost:3000/d/model-drift?var-model=m&var-feature=f"}
        if annotations is None else annotations,
        "startsAt": "2026-11-24T02:06:21.5Z",
        "endsAt": "2026-11-24T02:16:41Z" if status == "resolved" else "0001-01-01T00:00:00Z",
        "generatorURL": "http://localhost:9090/graph?g0.expr=a+%7C+b&g0.tab=1",
    }


def group(*alerts):
    def common(key):
        first = alerts[0][key]
        return {name: value for name, value in first.items() if all(a[key].get(name) == value for a in alerts)}

    return {"receiver": "slack", "status": "firing" if any(a["status"] == "firing" for a in alerts) else "resolved",
            "alerts": list(alerts), "groupLabels": {}, "commonLabels": common("labels"),
            "commonAnnotations": common("annotations"), "externalURL": "http://localhost:9093"}


def links(text):
    return {label: url.replace("&amp;", "&") for url, label in LINK.findall(text)}


def assert_slack_reads_it_as_text(text):
    """Slack's control sequences are <...>; only our own links may be."""
    rest = LINK.sub("", text)
    assert "<" not in rest and ">" not in rest
    assert not re.search(r"&(?!amp;|lt;|gt;)", text), "a bare & is for Slack to read as an entity"


def test_one_firing_alert_says_everything(tmp_path):
    data = group(alert(feature="feature_0"))
    assert render("title", data, tmp_path) == "FIRING 1 | critical | CriticalDataDrift | model m"
    assert render("color", data, tmp_path) == "danger"
    assert render("title_link", data, tmp_path) == links(render("links", data, tmp_path))["Graph"]
    assert render("fallback", data, tmp_path) == (
        "FIRING 1 | critical | CriticalDataDrift | model m: `feature_0` 0.623")
    text = render("text", data, tmp_path)
    assert text.splitlines() == [
        "Live data differs.",
        "• feature `feature_0` on `127.0.0.1:8000`: drift score *0.623*, " + DETAILS]
    assert_slack_reads_it_as_text(text)
    assert render("action", data, tmp_path) == "Data drift: Hold decisions."
    below = links(render("links", data, tmp_path))
    assert list(below) == ["Runbook", "Graph", "Dashboard"]
    assert below["Graph"] == ("http://localhost:9090/graph?g0.expr=model_drift_score%7Bfeature%3D%22f%22%7D&g0.tab=0"
                              "&g0.range_input=1h&g0.end_input=2026-11-24%2002:21:21"), "a quarter of an hour after it fired"
    assert below["Dashboard"] == ("http://localhost:3000/d/model-drift?var-model=m&var-feature=f"
                                  "&time=1795485981500&time.window=7200000")


def test_without_its_own_beginning_a_drift_is_as_old_as_its_alert(tmp_path):
    young = alert(feature="f")
    young["annotations"]["details"] = "threshold 0.5 (psi)"
    assert render("text", group(young), tmp_path).endswith("threshold 0.5 (psi); since 2026-11-24 02:06:21 UTC")


def test_the_strongest_come_first(tmp_path):
    """By score, equal ones in Alertmanager's order; what is about the whole model before single features."""
    scores = [0.61, 12.5, 0.9, 0.61, 3, 0.55, 0.52, 0.53, 0.7, 0.8, 0.51, 0.62]
    alerts = [alert(feature=f"f{i:02}") for i in range(len(scores))]
    for a, score in zip(alerts, scores):
        a["annotations"].update(drift_score=f"{score:.3f}")
    text = render("text", group(*alerts), tmp_path)
    assert re.findall(r"feature `(f\d+)`", text) == ["f01", "f04", "f02", "f09", "f08", "f11", "f00", "f03", "f05", "f07"]
    assert "and 2 more firing" in text
    brief = "`f01` 12.500, `f04` 3.000, `f02` 0.900, `f09` 0.800, `f08` 0.700, `f11` 0.620, `f00` 0.610, `f03` 0.610, `f05` 0.550, `f07` 0.530 and 2 more"
    assert render("fallback", group(*alerts), tmp_path).endswith(" | model m: " + brief)
    assert text.splitlines()[1] == brief, "before what Slack folds away"
    whole = alert("ConceptDriftDetected", annotations={"description": "Model m: accuracy from 0.9 to 0.7.", "since": "noon"})
    text = render("text", group(*alerts, whole), tmp_path)
    assert text.index("*ConceptDriftDetected*, since noon\nModel m: accuracy from 0.9 to 0.7.") < text.index("feature `f01`")
    assert "and 3 more firing" in text


def test_what_all_have_in_common_is_said_once(tmp_path):
    same = render("text", group(alert(feature="a"), alert(feature="b")), tmp_path)
    assert same.count("127.0.0.1:8000") == 1 and "All on `127.0.0.1:8000`:" in same and "CriticalDataDrift" not in same
    replicas = render("text", group(alert(feature="a"), alert(feature="a", instance="b:8000")), tmp_path)
    assert "All on" not in replicas and "on `b:8000`: drift score" in replicas
    names = render("text", group(alert("ModelFeatureUnseen", feature="a"), alert("DataDriftDetected", feature="b")), tmp_path)
    assert "|DataDriftDetected>* feature `b`: " in names and "|ModelFeatureUnseen>* feature `a`: " in names


def test_what_to_do_stands_where_slack_does_not_fold_it():
    """Slack folds a text after five lines, never a field."""
    [slack] = [c for receiver in yaml.safe_load(ALERTMANAGER.read_text())["receivers"]
               for c in receiver.get("slack_configs", [])]
    assert [(f["title"], f["value"]) for f in slack["fields"]] == [
        ("Recommended action", '{{ template "slack.drift.action" . }}'),
        ("Links", '{{ template "slack.drift.links" . }}')]
    assert "fields" in slack["mrkdwn_in"]


def test_resolved_is_green_and_asks_for_nothing(tmp_path):
    data = group(alert(status="resolved", feature="feature_0"))
    assert render("title", data, tmp_path) == "RESOLVED 1 | critical | CriticalDataDrift | model m"
    assert render("color", data, tmp_path) == "good"
    text = render("text", data, tmp_path)
    assert "began 2026-11-24 02:05:11 UTC, ended 2026-11-24 02:16:41 UTC" in text, "the drift's time, as when it fired"
    assert text.startswith("• feature `feature_0` on"), "what no longer holds is not said in the present tense"
    assert "since" not in text and "Live data differs." not in text
    assert render("action", data, tmp_path).startswith("It is over. Review what was decided on the model's predictions")
    down = alert("ModelServiceDown", "resolved")
    down["annotations"]["kind"] = "Service"
    assert render("action", group(down), tmp_path) == "Nothing: it is over."
    assert "02:31:41" in links(render("links", data, tmp_path))["Graph"] and "amtool" not in render("links", data, tmp_path)


@pytest.mark.parametrize("name,color", [("CriticalDataDrift", "danger"), ("DataDriftDetected", "warning")])
def test_color_follows_severity_while_anything_fires(name, color, tmp_path):
    assert render("color", group(alert(name, "resolved", feature="a"), alert(name, feature="b")), tmp_path) == color


def test_what_ended_is_a_line_below_what_fires(tmp_path):
    """In Alertmanager's order the ended one is first; title, links and silence are still about what fires."""
    gone = alert("DataDriftDetected", "resolved", feature="gone")
    gone["annotations"]["runbook_url"] = "http://other.example/"
    data = group(gone, alert(feature="there"), alert("ModelServiceDown", annotations={"summary": "Down.", "recommended_action": "Start it."}))
    assert render("title", data, tmp_path) == "FIRING 2 | critical | CriticalDataDrift, ModelServiceDown | model m"
    text = render("text", data, tmp_path)
    assert text.index("*ModelServiceDown*") < text.index("feature `there`") < text.index("Ended: `gone` 0.623")
    assert text.splitlines()[-1] == "Ended: `gone` 0.623"
    assert render("action", data, tmp_path).splitlines() == ["Data drift: Hold decisions.", "Start it."]
    below = render("links", data, tmp_path)
    assert "other.example" not in below and "gone" not in below
    assert """'alertname="CriticalDataDrift"' 'model="m"' 'feature=~"there"'""" in below


def test_same_action_is_said_once(tmp_path):
    data = group(*[alert(feature=f"f{i}") for i in range(5)])
    assert render("action", data, tmp_path) == "Data drift: Hold decisions."
    assert render("text", data, tmp_path).count("drift score *0.623*") == 5


def test_actions_are_few_and_each_is_said_once(tmp_path):
    many = [alert(feature=f"f{i}", annotations={"recommended_action": f"Do {i % 9}.", "kind": "K"}) for i in range(40)]
    assert render("action", group(*many), tmp_path).splitlines() == [f"K: Do {i}." for i in range(6)]


@pytest.mark.parametrize("count,more", [(10, None), (11, "and 1 more"), (1000, "and 990 more")])
@pytest.mark.parametrize("status", ["firing", "resolved"])
def test_long_lists_end_at_ten(count, more, status, tmp_path):
    data = group(*[alert(status=status, feature=f"f{i:04}") for i in range(count)])
    text = render("text", data, tmp_path)
    assert text.count("feature `f") == 10
    assert (f"{more} {status}" in text) if more else (" more " not in text)
    assert len(text) < 4000
    assert len(render("fallback", data, tmp_path)) < 1000


def test_hostile_names_stay_names(tmp_path):
    hostile = {key: HOSTILE for key in ("summary", "description", "drift_score", "details", "kind", "since",
                                        "recommended_action")}
    data = group(alert(feature=HOSTILE, model=HOSTILE, instance=HOSTILE, job=HOSTILE, severity=HOSTILE,
                       alertname=HOSTILE, annotations=hostile))
    for part in ("title", "text", "action", "links", "fallback"):
        rendered = render(part, data, tmp_path)
        assert_slack_reads_it_as_text(rendered)
        assert "&lt;!channel&gt; &amp; " in rendered
    [feature] = re.findall(r"feature `([^`\n]*)`", render("text", data, tmp_path))
    assert feature == "&lt;!channel&gt; &amp; '*_x_*' | \"q\" \\ +1 é"
    assert len(render("title", data, tmp_path).splitlines()) == 1


def test_within_slacks_limits_for_a_thousand_features(tmp_path):
    """40000 characters for a message; a title of 256 and fields of 2000 are shown whole. The longest names that the
    service takes, every character escaped, and a thousand of them."""
    long = "<" * 128
    alerts = [alert(feature=f"{i:04}" + long, model="m" * 64) for i in range(1000)]
    for i, a in enumerate(alerts):
        a["annotations"].update(drift_score=f"{i:.3f}", details=DETAILS + "; category `" + "&" * 40 + "` 0% to 100%",
                                dashboard_url="http://dash.example/d?var-model=" + "m" * 64 + "&var-feature=" + "%3C" * 128)
    data = group(*alerts)
    sizes = {part: len(render(part, data, tmp_path)) for part in ("title", "text", "fallback", "action", "links")}
    assert sizes["title"] <= 256 and sizes["fallback"] <= 4000 and sizes["action"] <= 2000 and sizes["links"] <= 2000, sizes
    assert sizes["text"] <= 12000, sizes
    assert "and 990 more firing" in render("text", data, tmp_path)


def test_links_cannot_be_broken_out_of(tmp_path):
    data = group(alert(feature="f", annotations={"runbook_url": "http://r.example/a b|c>d<e&f",
                                                 "dashboard_url": "http://d.example/?x=<!here>|y&z=1"}))
    text = render("links", data, tmp_path)
    assert_slack_reads_it_as_text(text)
    assert links(text)["Runbook"] == "http://r.example/a%20b%7Cc%3Ed%3Ce&f"
    assert links(text)["Dashboard (now)"] == "http://d.example/?x=%3C!here%3E%7Cy&z=1"


def test_the_services_own_dashboard_is_told_the_moment(tmp_path):
    data = group(alert(feature="f", annotations={"dashboard_url": "http://127.0.0.1:8000/dashboard?var-model=m&var-feature=f"}))
    assert links(render("links", data, tmp_path))["Dashboard"] == (
        "http://127.0.0.1:8000/dashboard?var-model=m&var-feature=f&time=1795485981500")


def silence(data, tmp_path):
    """The arguments of the command, as a shell reads it after Slack has undone its escapes."""
    command = re.search(r"```(.*)```", render("links", data, tmp_path), re.S)[1]
    return shlex.split(command.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


@pytest.mark.parametrize("features", [["f"], ["a", "b", "c"], ["a.b", "x|y", "it's", "<1>", 'q"q', "\\", "$1", "[z]^"]])
def test_the_command_silences_just_what_fires(features, tmp_path):
    data = group(*[alert(feature=feature, instance=f"{i}:8000") for i, feature in enumerate(features)],
                 alert(status="resolved", feature="gone"))
    words = silence(data, tmp_path)
    assert words[:4] == ["amtool", "--alertmanager.url=http://localhost:9093", "silence", "add"]
    assert words[4:6] == ['alertname="CriticalDataDrift"', 'model="m"'] and words[7:] == ["--duration=2h", "--comment=why, and who"]
    pattern = re.sub(r"\\(.)", r"\1", re.fullmatch(r'feature=~"(.*)"', words[6])[1])
    for feature in features:
        assert re.fullmatch(pattern, feature), (pattern, feature)
    assert not re.fullmatch(pattern, "gone") and not re.fullmatch(pattern, "axb")


def test_a_silence_of_many_features_is_of_the_model(tmp_path):
    words = silence(group(*[alert(feature=f"f{i}") for i in range(11)]), tmp_path)
    assert words[4:] == ['alertname="CriticalDataDrift"', 'model="m"', "--duration=2h", "--comment=why, and who"]
    assert "for all features of the model" in render("links", group(*[alert(feature=f"f{i}") for i in range(11)]), tmp_path)


@pytest.mark.parametrize("annotations", [{}, {"summary": "s"}])
def test_alerts_of_others_render_too(annotations, tmp_path):
    bare = alert(annotations=annotations)
    bare["labels"], bare["generatorURL"] = {"alertname": "Foreign"}, ""
    data = group(bare)
    assert render("title", data, tmp_path) == "FIRING 1 | no severity | Foreign"
    assert render("color", data, tmp_path) == "warning"
    assert render("title_link", data, tmp_path) == "http://localhost:9093"
    text = render("text", data, tmp_path)
    assert "*Foreign*, since" in text and "<no value>" not in text
    assert render("links", data, tmp_path).startswith("Silence it for two hours:\n```amtool ")
    assert render("action", data, tmp_path) == "See the runbook."


def test_service_down_names_the_instance(tmp_path):
    down = alert("ModelServiceDown", annotations={"summary": "Cannot be scraped.", "description": "a:8000 is silent."})
    del down["labels"]["model"]
    data = group(down)
    assert render("title", data, tmp_path) == "FIRING 1 | critical | ModelServiceDown | model-service"
    assert "*ModelServiceDown* on `127.0.0.1:8000`, since" in render("text", data, tmp_path)
    assert "drift score" not in render("text", data, tmp_path)
    assert "| model-service: `127.0.0.1:8000`" in render("fallback", data, tmp_path)


def test_no_function_that_is_newer_than_the_oldest_alertmanager():
    text = "".join(path.read_text() for path in TEMPLATES.parent.glob(TEMPLATES.name))
    for function in ("trimSpace", "since", "humanizeDuration", "date", "tz", "toJson", "urlUnescape", "list", "append"):
        assert not re.search(r"[({|]\s*" + function + r"\b", text), function
