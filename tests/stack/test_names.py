"""Names in messages: a feature, a category or a model is written in one way in every message, as code, so that
`_amount_`, `*vip*`, `~x~` or `<b>` never become Slack's markup, and a cut name ends with an ellipsis. The texts are those
that Prometheus and Alertmanager themselves make of the rules and the template; the inbox is the reader."""
import html
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import tempfile

import pytest
import yaml

from test_template import alert, group, render

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = sorted((ROOT / "prometheus/rules").glob("*.yml"))
TESTS = ROOT / "prometheus/tests"
SHOWN = ("summary", "description", "details", "since", "recommended_action")  # the annotations that messages show
NAMES = ["_amount_", "*vip*", "~x~", "<b>", "<!channel>", "a & b", "`q`", "_a b_", "* *", "é_ü_", "<https://x.example|y>"]
ALL = "_amount_ *vip* ~x~ <b> `q` <!here> end"  # all of them in one name
MODEL = "_m_"  # a model's name has letters, digits and . _ -
CODE = re.compile(r"```.*?```|`[^`\n]+`|<https?://[^<>\s]+>|</[^<>\s]+>", re.S)  # and links: no marks are looked for in them

SPEC = importlib.util.spec_from_file_location("http_test_inbox", ROOT / "tests/http/test_inbox.py")
INBOX = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(INBOX)


@pytest.fixture(scope="module")
def inbox():
    running = INBOX.Inbox()
    yield running
    running.stop()


def as_code(name):
    """How messages write it, after Slack's entities are decoded."""
    return "`" + re.sub(r"\s+", " ", name.replace("`", "'")) + "`"


# --- the rules ---

def shown_annotations():
    for path in RULES:
        for rules in yaml.safe_load(path.read_text())["groups"]:
            for rule in rules["rules"]:
                for key in SHOWN:
                    text = rule.get("annotations", {}).get(key)
                    if text:
                        yield rule["alert"], key, text


def test_every_rule_writes_names_as_code():
    """Whatever the templates output of these labels is between backquotes, and has none itself."""
    name = r"(?:\$labels\.(?:feature|model)|\.Labels\.(?:feature|model|category|prediction_class)|\$class|\$top)"
    written = 0
    for rule, key, text in shown_annotations():
        code = re.findall(r"`\{\{ [^{}]*" + name + r"[^{}]* reReplaceAll \"`\" \"'\" \}\}[^`]*`", text)
        written += len(code)
        for part in code:
            text = text.replace(part, "")
        assert not re.search(r"\{\{-? " + name + r"(?: \||[ -]*\}\})", text), (rule, key)
    assert written >= 20


def one_of_each(tests):
    """Of the tests of a file those that are needed to see every alert with every set of labels, each at its first moment."""
    seen, chosen = set(), []
    for test in tests:
        moments = []
        for expected in test.get("alert_rule_test", []):
            kinds = {(expected["alertname"], *sorted(alert["exp_labels"])) for alert in expected.get("exp_alerts") or []}
            if kinds - seen:
                moments.append({"alertname": expected["alertname"], "eval_time": expected["eval_time"]})
                seen |= kinds
        if moments:
            chosen.append({**test, "alert_rule_test": moments, "promql_expr_test": []})
    return chosen


def promtool(tests):
    """The annotations that Prometheus makes of the rules for the series of a test, with other names in them."""
    content = yaml.safe_load((TESTS / tests).read_text())
    content["tests"] = one_of_each(content["tests"])
    content["rule_files"] = [str(path) for path in RULES]
    for test in content["tests"]:
        for series in test["input_series"]:
            text = re.sub(r'\b(feature|prediction_class|category)="(f|both|psi_only|positive|negative)"',
                          lambda found: f"{found[1]}={json.dumps(ALL + (found[2] if found[2] != 'f' else ''))}", series["series"])
            series["series"] = re.sub(r'\bmodel="(m|busy)"', f'model="{MODEL}"', text)
        for expected in test.get("alert_rule_test", []):
            expected["exp_alerts"] = [{"exp_labels": {"never": "there"}}]  # so that it prints what there is
    with tempfile.NamedTemporaryFile("w", suffix=".test.yml", encoding="utf-8") as file:
        yaml.safe_dump(content, file, allow_unicode=True)
        file.flush()
        done = subprocess.run(["promtool", "test", "rules", file.name], capture_output=True, text=True, timeout=240,
                              check=False, env={**os.environ, "GOGC": "800"})
    found = {}
    for block in re.findall(r"Annotations:\{(.*)\}", (done.stdout + done.stderr)):
        pairs = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*")', block)
        annotations = {key: json.loads(text) for key, text in pairs}
        if annotations:
            found[annotations["summary"]] = annotations  # one of each kind
    return list(found.values())


@pytest.mark.parametrize("tests,kinds", [
    ("quality.test.yml", {"Data quality"}), ("drift.test.yml", {"Data drift"}),
    ("distribution.test.yml", {"Prediction drift"}), ("classes.test.yml", {"Prediction drift"}),
    ("rate.test.yml", {"Prediction rate"}), ("performance.test.yml", {"Concept drift", "Model performance"}),
    ("stale.test.yml", {"Data", "Labels"})])
def test_names_are_no_markup_in_any_message(tests, kinds, tmp_path, inbox):
    messages = promtool(tests)
    assert messages and (tests == "stale.test.yml" or kinds <= {one.get("kind") for one in messages})
    feature = 0
    for annotations in messages:
        data = group(alert(feature=ALL, model=MODEL, annotations=annotations))
        shown = [annotations[key] for key in SHOWN if key in annotations]
        shown += [render(part, data, tmp_path) for part in ("links", "text")]  # titles and fallbacks are plain text
        for text in shown:
            bare = CODE.sub("", text)
            assert not re.search(r"_amount_|\*vip\*|~x~|<b>|<!here>|_m_", bare), text
        feature += as_code(ALL)[:-1] in annotations.get("description", "")
        inbox.accept({"attachments": [{"text": shown[-1], "mrkdwn_in": ["text"]}]})
    assert feature > 0 or tests in ("rate.test.yml", "performance.test.yml", "stale.test.yml", "distribution.test.yml",
                                    "classes.test.yml")
    page = inbox.get("/").text
    assert f"<code>{html.escape(as_code(ALL)[1:-1])}</code>" in page.replace("&#39;", "&#x27;")
    assert not re.search(r"<(b|strong|i|em|s|del)>(amount|vip|x|m)</", page)


# --- the template ---

@pytest.mark.parametrize("name", NAMES)
def test_a_name_stays_itself(name, tmp_path, inbox):
    description = f"Feature {as_code(name)} of model `m` has a drift score of 0.623."
    unseen = alert("ModelFeatureUnseen", feature=name, annotations={"description": description})
    for data in group(alert(feature=name)), group(unseen, alert(feature=name)), group(alert(feature=name, status="resolved")):
        text = render("text", data, tmp_path)
        code = [html.unescape(part) for part in CODE.findall(text)]
        assert as_code(name) in code
        assert name not in html.unescape(CODE.sub("", text)).replace("&amp;", "&")
    inbox.accept({"attachments": [{"text": text, "mrkdwn_in": ["text"]}]})
    page = inbox.get("/").text.replace("&#39;", "&#x27;")
    assert f"<code>{html.escape(as_code(name)[1:-1])}</code>" in page


@pytest.mark.parametrize("length,cut", [(80, False), (81, True), (128, True)])
def test_a_cut_is_marked(length, cut, tmp_path):
    name = "ü" * length
    text = render("text", group(alert(feature=name)), tmp_path)
    assert f"`{'ü' * min(length, 80)}{'…' if cut else ''}`" in text


def test_a_cut_list_of_alerts_is_marked(tmp_path):
    alerts = [alert(f"Foreign{i:02}" + "x" * 30, feature="f") for i in range(9)]
    title = render("title", group(*alerts), tmp_path)
    assert "Foreign00" in title and "…" in title and "Foreign08" not in title
    assert "…" not in render("title", group(*alerts[:2]), tmp_path)
