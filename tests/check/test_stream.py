"""check --stream: what would have paged, when and why."""
import datetime
import random
import subprocess

import pytest

from conftest import BINARY

REFERENCE = 5000
START = datetime.datetime(2026, 3, 1)


def rows(seed, count, shift=0.0, missing=0.01, new=0.0):
    """Lines of x (normal), y (exponential, some missing) and c (four categories)."""
    source = random.Random(seed)
    lines = []
    for _ in range(count):
        x = source.gauss(shift, 1)
        y = "" if source.random() < missing else f"{source.expovariate(1):.6f}"
        c = "new" if source.random() < new else source.choices("abcd", [5, 3, 1.5, 0.5])[0]
        lines.append(f"{x:.6f},{y},{c}")
    return lines


def timed(lines, step=1.0):
    times = (START + datetime.timedelta(seconds=i * step) for i in range(len(lines)))
    return [f"{t.isoformat()}Z,{line}" for t, line in zip(times, lines)]


def text(lines, header="x,y,c"):
    return header + "\n" + "\n".join(lines) + "\n"


@pytest.fixture
def reference(check):
    return check.write("reference.csv", text(rows(1, REFERENCE)))


def replay(check, reference, lines, *options, header="x,y,c"):
    current = check.write("current.csv", text(lines, header))
    return check.json(reference, current, "--stream", *options)


def events(answer, rule=0, event="page"):
    return [e for e in answer["events"] if e["rule"] == rule and e["event"] == event]


def test_nothing_pages_where_nothing_changes(check, reference):
    answer = replay(check, reference, rows(2, 10000))
    assert answer["rows"] == 10000 and answer["reference_rows"] == REFERENCE
    assert answer["events"] == []
    assert [r["kind"] for r in answer["rules"]] == ["urn", "window"]
    assert [r["pages"] for r in answer["rules"]] == [0, 0]
    for feature in answer["features"]:
        for part in "values", "missing":
            assert feature[part] == {"watched": True, "discount": 1, "notices_only": False}


def test_a_shift_is_found_with_onset_kind_and_size(check, reference):
    answer = replay(check, reference, rows(2, 3000) + rows(3, 2000, shift=0.5))
    (page,) = events(answer)
    assert page["feature"] == "x" and page["part"] == "values" and page["kind"] == "up"
    assert 3030 < page["row"] < 3350 and page["line"] == page["row"] + 1
    assert abs(page["onset_row"] - 3001) < 60
    assert 0.3 < page["deviations"] < 0.8
    assert page["text"].startswith("PAGE: shifted up by about 0.")
    assert "time" not in page


def test_missing_values_and_a_new_category_are_found(check, reference):
    answer = replay(check, reference, rows(2, 2000) + rows(3, 1000, missing=0.2) + rows(4, 1000, new=0.1))
    first, second = events(answer)
    assert (first["feature"], first["part"]) == ("y", "missing") and 2030 < first["row"] < 2200
    assert first["text"].startswith("PAGE: more missing values since row ")
    assert (second["feature"], second["kind"], second["category"]) == ("c", "share up", "__unseen__")
    assert 3030 < second["row"] < 3300


def test_fewer_missing_values_are_named_so(check):
    reference = check.write("reference.csv", text(rows(1, REFERENCE, missing=0.7)))
    answer = replay(check, reference, rows(2, 3000, missing=0.3))
    (page,) = events(answer)
    assert page["part"] == "missing" and page["text"].startswith("PAGE: fewer missing values")


def test_a_small_change_is_a_notice(check, reference):
    answer = replay(check, reference, rows(3, 2000, shift=0.5), "--materiality", "0.9")
    assert events(answer) == [] and answer["rules"][0]["pages"] == 0
    assert answer["rules"][0]["notices"] == len(events(answer, event="notice")) > 0


def test_the_way_back_ends_a_page(check, reference):
    answer = replay(check, reference, rows(3, 1000, shift=1) + rows(4, 1000))
    assert len(events(answer)) == 1
    (over,) = events(answer, event="resolved")
    assert 1000 < over["row"] < 1400


def test_a_lasting_change_becomes_the_new_normal(check, reference):
    answer = replay(check, reference, rows(3, 8000, shift=1) + rows(4, 2000, shift=-1))
    (new,) = events(answer, event="new_normal")
    first, second = events(answer)
    assert new["row"] == first["row"] + 5000
    assert first["kind"] == "up" and second["kind"] == "down" and second["row"] > 8000


def test_times_are_shown_and_can_be_the_budget(check, reference):
    lines = timed(rows(2, 1000) + rows(3, 1000, shift=0.5), step=10)
    answer = replay(check, reference, lines, "--timestamp", "at", "--budget", "90d,10000d", header="at,x,y,c")
    assert [r.get("budget_seconds") for r in answer["rules"]] == [90 * 86400, 10000 * 86400, None]
    quick, careful = (events(answer, rule)[0] for rule in (0, 1))
    assert 1030 < quick["row"] < careful["row"] < 1500
    shown = datetime.datetime.fromisoformat(quick["time"].rstrip("Z"))
    assert shown == START + datetime.timedelta(seconds=10 * (quick["row"] - 1))
    onset = datetime.datetime.fromisoformat(quick["onset_time"].rstrip("Z"))
    assert onset == START + datetime.timedelta(seconds=10 * (quick["onset_row"] - 1))
    assert {e["feature"] for e in answer["events"]} == {"x"}  # the times are not compared


def test_rows_that_go_back_in_time_are_bad(check, reference):
    lines = timed(rows(2, 100))
    lines[50] = "2026-02-01T00:00:00Z" + lines[50][lines[50].index(","):]
    lines[60] = "yesterday" + lines[60][lines[60].index(","):]
    current = check.write("current.csv", text(lines, "at,x,y,c"))
    done = check.files(reference, current, "--stream", "--timestamp", "at")
    assert done.returncode == 0
    assert 'current.csv:52: column "at": "2026-02-01T00:00:00Z" is earlier than the row before' in done.err
    assert 'current.csv:62: column "at": "yesterday" is not a time such as' in done.err
    assert "98 rows" in done.out


def test_dates_and_times_without_a_zone_are_read(check, reference):
    lines = ["2026-03-01," + r for r in rows(2, 10)] + ["2026-03-01 12:00:00," + r for r in rows(3, 10)]
    current = check.write("current.csv", text(lines, "at,x,y,c"))
    done = check.files(reference, current, "--stream", "--timestamp", "at")
    assert "20 rows, 2026-03-01T00:00:00.000Z to 2026-03-01T12:00:00.000Z" in done.out


def test_rows_of_a_block_have_no_order(check, reference):
    sorted_blocks = []
    for seed in range(20):
        sorted_blocks += sorted(rows(100 + seed, 500), key=lambda line: float(line.split(",")[0]))
    assert events(replay(check, reference, sorted_blocks))
    assert not events(replay(check, reference, sorted_blocks, "--block", 500))


def test_a_reference_that_changes_within_itself_gives_notices(check):
    reference = check.write("reference.csv", text(rows(1, 3000) + rows(2, 2000, shift=2)))
    answer = replay(check, reference, rows(3, 3000, shift=6))
    assert events(answer) == []
    x = answer["features"][0]
    assert x["feature"] == "x" and x["values"]["notices_only"] and not x["missing"]["notices_only"]
    done = check.files(reference, str(check.folder / "current.csv"), "--stream")
    assert "x: only notices, because the first half of the reference pages on the second\n" in done.out


def test_resembling_neighbours_are_discounted(check):
    def walk(seed):
        source, x, lines = random.Random(seed), 0.0, []
        for _ in range(REFERENCE):
            x = 0.9 * x + source.gauss(0, 0.19 ** 0.5)
            lines.append(f"{x:.6f},1,a")
        return lines
    reference = check.write("reference.csv", text(walk(1)))
    answer = replay(check, reference, walk(2))
    assert 12 <= answer["features"][0]["values"]["discount"] <= 40
    assert events(answer) == []


def test_several_rules_see_the_rows_in_one_pass(check, reference):
    current = text(rows(2, 1000) + rows(3, 2000, shift=1))
    options = ["--stream", "--budget", "100000,7776000", "--materiality", "0,0.15", "--window", "200,500",
               "--threshold", "0.3,0.1", "--format", "json"]
    piped = subprocess.run([BINARY, "check", "--reference", reference, "--current", "-", *options],
                           input=current.encode(), capture_output=True, check=True)
    check.write("current.csv", current)
    read = check.files(reference, str(check.folder / "current.csv"), *options)
    assert piped.stdout.decode().replace('"-"', '""') == read.out.replace(f'"{check.folder}/current.csv"', '""')
    answer = check.json(reference, str(check.folder / "current.csv"), *options)
    assert [r["kind"] for r in answer["rules"]] == ["urn"] * 4 + ["window"] * 4
    assert all(r["pages"] > 0 for r in answer["rules"])
    first = {rule: events(answer, rule)[0] for rule in range(8)}
    assert first[0]["row"] < first[2]["row"]  # the smaller budget first
    assert first[5]["row"] < first[4]["row"]  # the lower threshold first
    assert first[4]["method"] in ("ks_test", "psi") and first[4]["score"] > 0.3


def test_a_windows_alert_waits_a_minute_of_rows(check, reference):
    """60 s without times are 60 rows; a score above the critical threshold waits for 30."""
    lines = rows(2, 1000) + rows(3, 3000, shift=0.6)
    page = events(replay(check, reference, lines, "--threshold", "0.1", "--critical", "90"), 1)[0]
    critical = events(replay(check, reference, lines, "--threshold", "0.1", "--critical", "0.101"), 1)[0]
    assert page["severity"] == "warning" and critical["severity"] == "critical"
    assert 1060 < page["row"] < 1400
    assert 20 <= page["row"] - critical["row"] <= 30


def test_a_page_fails_the_gate(check, reference):
    quiet = check.write("quiet.csv", text(rows(2, 500)))
    loud = check.write("loud.csv", text(rows(2, 500, shift=2)))
    assert check.files(reference, quiet, "--stream", "--fail-on", "drift").returncode == 0
    assert check.files(reference, loud, "--stream", "--fail-on", "drift").returncode == 3


@pytest.mark.parametrize("options, sentence", [
    (["--budget", "90d"], "a --budget in time needs --timestamp COLUMN"),
    (["--budget", "soon", "--timestamp", "x"], "--budget must be one to eight durations"),
    (["--budget", "10"], "--budget must be"),
    (["--materiality", "-1"], "--materiality must be"),
    (["--window", "200,"], "--window must be"),
    (["--window", "1"], "--window must be"),
    (["--threshold", "0.3,x"], "--threshold must be"),
    (["--threshold", "0.3,0.6", "--critical", "0.5"], "--critical must be above --threshold"),
    (["--block", "0"], "--block must be"),
    (["--timestamp", "nowhere"], 'has no column "nowhere" for --timestamp'),
    (["--budget", "1000,2000,3000,4000,5000", "--materiality", "0,1,2,3"], "these lists make 21 rules"),
])
def test_wrong_options_are_refused(check, reference, options, sentence):
    current = check.write("current.csv", text(rows(2, 10)))
    done = check.files(reference, current, "--stream", *options)
    assert done.returncode == 2 and sentence in done.err and done.out == ""


@pytest.mark.parametrize("option", ["--budget", "--materiality", "--timestamp", "--window", "--block"])
def test_options_of_a_stream_need_it(check, reference, option):
    done = check.files(reference, reference, option, "1000")
    assert done.returncode == 2 and f"{option} needs --stream" in done.err


def test_the_model_gives_window_and_threshold(check, reference):
    config = check.write("drift.yml", f"""models:
  - name: m
    reference: {reference}
    features: [{{name: x, type: numeric}}, {{name: c, type: categorical}}]
    scorer: {{type: none}}
    window: {{observations: 300}}
    thresholds: {{warning: 0.2, critical: 0.4}}
""")
    current = check.write("current.csv", text(rows(2, 500)))
    done = check.run("--config", config, "--current", current, "--stream")
    assert done.returncode == 0, done.err
    assert "window of 300 rows, score above 0.2: 0 pages" in done.out
