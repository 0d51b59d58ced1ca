"""model-service check as a user sees it: files in, table or JSON and an exit status out."""
import csv
import json
import math
import os
import pty
import random
import re
import subprocess
import threading
import time

import pytest

from conftest import BINARY, by_method

NUMERIC = {"ks_test", "psi", "chi_square", "jensen_shannon", "hellinger", "wasserstein",
           "cramer_von_mises"}
CATEGORICAL = {"psi", "chi_square", "jensen_shannon", "hellinger", "l_infinity"}
MEMBERS = ["feature", "type", "method", "score", "threshold", "p_value", "significant", "drifted",
           "n_reference", "n_current", "missing_reference", "missing_current", "unseen"]


def normal(seed, count, mean=0.0):
    source = random.Random(seed)
    return [repr(source.gauss(mean, 1)) for _ in range(count)]


@pytest.fixture
def pair(check):
    """x moves by two deviations, kind does not change."""
    kinds = ["web", "app", "web", "branch"]

    def rows(values):
        return "x,kind\n" + "".join(f"{v},{kinds[i % 4]}\n" for i, v in enumerate(values))

    return check.write("ref.csv", rows(normal(1, 800))), check.write("cur.csv",
                                                                    rows(normal(2, 400, 2.0)))


# --- answers ---


def test_json_has_a_result_per_feature_and_method(check, pair):
    answer = check.json(*pair)
    results = by_method(answer)
    assert {m for f, m in results if f == "x"} == NUMERIC
    assert {m for f, m in results if f == "kind"} == CATEGORICAL
    for result in answer["results"]:
        assert list(result) == MEMBERS
        assert result["type"] == {"x": "numeric", "kind": "categorical"}[result["feature"]]
        assert (result["n_reference"], result["n_current"]) == (800, 400)
        assert result["missing_reference"] == result["missing_current"] == result["unseen"] == 0
        unscaled = result["method"] in ("chi_square", "cramer_von_mises")
        assert result["threshold"] == (None if unscaled else 0.3)
        untested = result["method"] in ("wasserstein", "l_infinity")
        assert (result["p_value"] is None) == untested
        assert result["drifted"] <= result["significant"]
    assert answer["reference"] == pair[0] and answer["current"] == pair[1]
    assert (answer["rows"], answer["bad_rows"]) == (400, 0)
    assert answer["drift_detected"] is True and answer["drifted_features"] == ["x"]
    assert results["x", "ks_test"]["drifted"] and not results["kind", "psi"]["drifted"]
    assert [m["feature"] for m in answer["missing"]] == ["x", "kind"]
    assert answer["features_skipped"] == []


def test_results_come_strongest_first(check, pair):
    results = check.json(*pair)["results"]

    def strength(result):
        return result["score"] / result["threshold"] if result["threshold"] else -1

    order = [(not r["drifted"], not r["significant"], -strength(r)) for r in results]
    assert order == sorted(order)
    assert results[0]["drifted"] and not results[-1]["drifted"]


def test_numbers_read_back_and_equal_scipy(check):
    stats = pytest.importorskip("scipy.stats")
    reference = [float(v) for v in normal(3, 500)] + [1.0] * 20
    current = [float(v) for v in normal(4, 300, 0.2)] + [1.0] * 30
    answer = check.files(check.column("r.csv", "x", map(repr, reference)),
                         check.column("c.csv", "x", map(repr, current)), "--format", "json")
    texts = re.findall(r'"(?:score|p_value)":\s*([-+0-9.e]+)', answer.out)
    assert len(texts) >= 10
    for text in texts:
        assert len(text) <= len(repr(float(text)))
    result = by_method(json.loads(answer.out))["x", "ks_test"]
    assert result["score"] == pytest.approx(stats.ks_2samp(reference, current).statistic,
                                            rel=1e-12)


def test_table_is_aligned_narrow_and_ends_with_the_summary(check, pair):
    done = check.files(*pair, "--verbose")
    assert done.returncode == 0 and done.err == ""
    assert "\x1b" not in done.out
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 100 + len(str(check.folder))  # the paths stand in two of them
    header = next(line for line in lines if line.startswith("feature"))
    first = lines.index(header) + 1
    rows = lines[first:lines.index("", first)]
    assert len(rows) == len(NUMERIC) + len(CATEGORICAL)
    column = header.index("verdict")
    for row in rows:
        assert len(row) <= 100
        assert row[column - 1] == " " and row[column] != " ", row
    assert rows[0].startswith("x ") and "drift" in rows[0]
    assert lines[-1] == "Drift in 1 of 2 features: x"
    same = check.files(pair[0], pair[0])
    assert same.out.splitlines()[-1] == "No drift in 2 features"


# --- exit status ---


def test_exit_status_says_drift_only_when_asked(check, pair):
    assert check.files(*pair).returncode == 0
    assert check.files(*pair, "--fail-on", "drift").returncode == 3
    assert check.files(*pair, "--fail-on", "drift", "--format", "json").returncode == 3
    assert check.files(pair[0], pair[0], "--fail-on", "drift").returncode == 0


@pytest.mark.parametrize("arguments, words", [
    (["--reference", "r.csv"], "--current"),
    (["--current", "c.csv"], "--reference"),
    (["--reference", "-", "--current", "c.csv"], "standard input"),
    (["--reference", "r.csv", "--current", "c.csv", "--format", "xml"], "--format"),
    (["--reference", "r.csv", "--current", "c.csv", "--fail-on", "rain"], "--fail-on"),
    (["--reference", "r.csv", "--current", "c.csv", "--bins", "1"], "--bins"),
    (["--reference", "r.csv", "--current", "c.csv", "--threshold", "0"], "--threshold"),
    (["--reference", "r.csv", "--current", "c.csv", "--significance", "2"], "--significance"),
    (["--reference", "r.csv", "--current", "c.csv", "--threshold", "0.4", "--critical", "0.2"],
     "--critical"),
    (["--reference", "r.csv", "--current", "c.csv", "--model", "m"], "--config"),
    (["--what"], "--what"),
    (["r.csv", "c.csv"], "'r.csv': name files by --reference FILE --current FILE"),
])
def test_wrong_use_is_2(check, arguments, words):
    done = check.run(*arguments)
    assert done.returncode == 2 and words in done.err and done.out == ""


@pytest.mark.parametrize("reference, current, words", [
    (None, "x\n1\n", "ref.csv: No such file"),
    ("x\n1\n", None, "cur.csv: No such file"),
    ("", "x\n1\n", "ref.csv: the file is empty"),
    ("x\n1\n", "", "cur.csv: the file is empty"),
    ("x\n", "x\n1\n", "ref.csv has a header but no rows"),
    ("x\n1\n", "x\n", "cur.csv has a header but no rows"),
    ("x,y\r1,2\r3,4\r", "x,y\n1,2\n", "ref.csv: the lines end with carriage returns, not with line feeds"),
    ("x\n1\n", '"x"\r"1"\r', "cur.csv: the lines end with carriage returns"),
    ("x\n1\n", "y\n1\n", "no column in common"),
    ("x,x\n1,1\n", "x,x\n1,1\n", 'that can be compared; the first, "x": the name appears more than once in the reference'),
    ("x\n1\n", "x,x\n1,1\n", 'that can be compared; the first, "x": the name appears more than once in the current'),
    (",".join(f"reference_{i:02}" for i in range(20)) + "\n", "y\n1\n", ", ...; the current file has y"),
    ("x\n1\n", "x\noops\n", "cur.csv: its only row is invalid"),
    ("x\n1\n", 'x\n1\n"2\n', "cur.csv:3: a quote is opened"),
    ("x\n1\n", 'x\n"a"b\n', "cur.csv:2: column 1: a quoted field goes on"),
])
def test_failure_is_1_with_one_sentence(check, reference, current, words):
    paths = [str(check.folder / "ref.csv"), str(check.folder / "cur.csv")]
    for name, text in ("ref.csv", reference), ("cur.csv", current):
        if text is not None:
            check.write(name, text)
    done = check.files(*paths)
    assert done.returncode == 1 and done.out == ""
    assert words in done.err
    assert done.err.count("model-service check:") == 1


def test_excluding_an_unknown_column_is_wrong_use(check):
    names = [f"c{i}" for i in range(12)]
    rows = "".join(",".join(str(r * c % 7) for c in range(12)) + "\n" for r in range(30))
    reference = check.write("r.csv", ",".join(names) + "\n" + rows)
    current = check.write("c.csv", ",".join([*names[:11], "only_c"]) + "\n" + rows)
    done = check.files(reference, current, "--exclude", "c1,agee")
    assert done.returncode == 2 and done.out == ""
    assert done.err == (f'model-service check: --exclude: no column "agee" in {reference} or '
                        f'{current}: {", ".join(names[:10])}, ...\n')
    answer = check.json(reference, current, "--exclude", "c11,only_c,c0")
    assert {r["feature"] for r in answer["results"]} == set(names[1:11])


@pytest.mark.parametrize("separator, said", [(";", '";"'), ("\t", "a tab")])
@pytest.mark.parametrize("other", ["r.csv", "c.csv"])
def test_another_separator_is_guessed(check, separator, said, other):
    paths = {name: check.write(name, (separator if name == other else ",").join(["age", "income"])
                               + "\n" + "1,2\n" * 3) for name in ("r.csv", "c.csv")}
    done = check.files(*paths.values())
    shown = "age" + (";" if separator == ";" else "?") + "income"
    assert done.returncode == 1
    assert f'{paths[other]} has one column named "{shown}": is the separator {said}?' in done.err


def test_a_tall_table_has_the_verdict_above_it_too(check, pair):
    names = [f"c{i}" for i in range(4)]
    moved, same = ("".join(",".join([str(r % 9 + shift)] * 4) + "\n" for r in range(300))
                   for shift in (5, 0))
    reference = check.write("tall.csv", ",".join(names) + "\n" + same)
    lines = check.files(reference, check.write("moved.csv", ",".join(names) + "\n" + moved),
                        "--verbose").out.splitlines()
    assert lines[2] == lines[-1] == "Drift in 4 of 4 features: c0, c1, c2, c3"
    assert check.files(*pair).out.splitlines()[2] == ""


def test_a_closed_pipe_is_a_failure(check, pair):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([BINARY, "check", "--reference", pair[0], "--current", pair[1]],
                              stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 1 and b"cannot write" in done.stderr


# --- formats of files ---


def test_quotes_line_ends_and_byte_order_mark(check):
    plain = check.write("plain.csv", "n,city\n" + '1,"Paris, Texas"\n2,"say ""hi"""\n' * 40)
    windows = check.write(
        "windows.csv",
        b"\xef\xbb\xbf" + ('"n",city\r\n' + '1,"Paris, Texas"\r\n"2","say ""hi"""\r\n' * 40).encode())
    results = by_method(check.json(plain, windows))
    assert all(r["score"] == 0 and r["unseen"] == 0 for r in results.values())
    assert results["city", "psi"]["n_current"] == 80


def test_types_are_inferred_from_the_reference(check):
    reference = check.write("r.csv", "a,b,c,d,e\n" + "1,x,inf,007,NA\n,2,1e3,A1,\n" * 30)
    results = by_method(check.json(reference, reference))
    types = {f: r["type"] for (f, _), r in results.items()}
    assert types == {"a": "numeric", "b": "categorical", "c": "numeric", "d": "categorical",
                     "e": "categorical"}
    # 007 came before text was seen: it must be the category 007, not 7
    changed = check.write("c.csv", "a,b,c,d,e\n" + "1,x,inf,7,NA\n,2,1e3,A1,\n" * 30)
    answer = check.json(reference, changed)
    assert by_method(answer)["d", "psi"]["unseen"] == 30
    assert answer["notes"] == [
        f'{name} is read as text: 30 of 60 values of the reference are numbers, line {line} has '
        f'"{text}"' for name, line, text in [("b", 2, "x"), ("d", 3, "A1")]]


def ages(count, low, replaced=None):
    """One column; replaced: {position: text}."""
    values = [str(low + i * 7 % 40) for i in range(count)]
    for position, text in (replaced or {}).items():
        values[position] = text
    return values


@pytest.mark.parametrize("position", [0, 1, 250, 499])
def test_a_bad_cell_of_the_reference_does_not_hide_a_column(check, position):
    """Unique values, so that as text the column would be skipped as identifiers."""
    values = [f"{v}.{i:03}" for i, v in enumerate(ages(500, 20))]
    reference = check.column("r.csv", "age,x", (
        f"{v},{i % 9}" for i, v in enumerate([*values[:position], "forty", *values[position + 1:]])))
    without = check.column("w.csv", "age,x", (
        f"{v},{i % 9}" for i, v in enumerate(values) if i != position))
    current = check.column("c.csv", "age,x", (f"{v},{i % 9}" for i, v in enumerate(ages(500, 60))))
    done = check.files(reference, current, "--format", "json", "--fail-on", "drift")
    assert done.returncode == 3
    answer = json.loads(done.out)
    assert answer["drifted_features"] == ["age"] and answer["features_skipped"] == []
    assert (answer["reference_rows"], answer["reference_bad_rows"]) == (499, 1)
    message = f'{reference}:{position + 2}: column "age": "forty" is not a number'
    assert answer["bad_row_messages"] == [message] and done.err == message + "\n"
    assert answer["notes"] == [
        f'age is read as numbers: 499 of 500 values of the reference are numbers, line '
        f'{position + 2} has "forty"']
    assert answer["results"] == check.json(without, current)["results"]


@pytest.mark.parametrize("texts, numeric", [(5, True), (6, False)])
def test_numeric_is_what_has_19_numbers_in_20_values(check, texts, numeric):
    """Of 100 present values; missing ones count neither way."""
    for positions in range(texts), range(100 - texts, 100), range(0, texts * 3, 3):
        values = ages(100, 20, {p: "?" for p in positions}) + ["", "NA"] * 50
        path = check.column("r.csv", "age,x", (f"{v},1" for v in values))
        answer = check.json(path, path)
        kind = {r["type"] for r in answer["results"] if r["feature"] == "age"}
        assert kind == {"numeric" if numeric else "categorical"}
        assert answer["reference_bad_rows"] == answer["bad_rows"] == (texts if numeric else 0)
        assert f"{100 - texts} of 100 values of the reference are numbers" in answer["notes"][0]


def test_a_skipped_column_with_many_numbers_says_so(check):
    rows = [f"T{i},{i % 9}" if i % 4 == 1 else f"{i},{i % 9}" for i in range(200)]
    path = check.column("r.csv", "ticket,x", rows)
    answer = check.json(path, path)
    assert answer["features_skipped"] == [{
        "feature": "ticket",
        "reason": 'identifiers or free text, though 75 % are numbers: line 3 has "T1"'}]


def test_a_piped_reference_with_a_bad_cell_is_refused(check):
    reference = check.column("r.csv", "age", ages(100, 20, {0: "forty"}))
    current = check.column("c.csv", "age", ages(100, 20))
    script = 'exec "$0" check --reference <(cat "$1") --current "$2"'
    done = subprocess.run(["bash", "-c", script, BINARY, reference, current],
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 1 and done.stdout == b""
    assert b':2: column "age" has both numbers and text' in done.stderr


def test_missing_values_are_counted_and_tested(check):
    words = ["", "NA", "NaN", "nan", "null"]
    reference = check.write("r.csv", "x,k\n" + "".join(
        f"{i % 17},{'ab'[i % 2]}\n" for i in range(500)))
    current = check.write("c.csv", "x,k\n" + "".join(
        f"{words[i % 5] if i % 4 == 0 else i % 17},{'ab'[i % 2] if i % 3 else ''}\n"
        for i in range(500)))
    answer = check.json(reference, current)
    results = by_method(answer)
    assert results["x", "ks_test"]["missing_current"] == 125
    assert results["k", "psi"]["missing_current"] == 167
    assert results["x", "psi"]["missing_reference"] == 0
    missing = {m["feature"]: m for m in answer["missing"]}
    assert missing["x"]["significant"] and missing["x"]["p_value"] < 1e-20
    assert "Share of missing values changed: x 0.0 % -> 25.0 %" in check.files(reference, current).out


def test_unseen_categories_and_the_cap(check):
    reference = check.write("r.csv", "k\n" + "".join(f"c{i}\nc{i}\n" for i in range(1200)))
    current = check.write("c.csv", "k\n" + "c0\n" * 10 + "new\n" * 7)
    result = by_method(check.json(reference, current))["k", "psi"]
    assert result["unseen"] == 7 and result["n_reference"] == 2400
    # beyond the 1000 most frequent (ties by name) the rest of the reference is one category, and known
    beyond = sorted((f"c{i}" for i in range(1200)), key=str.encode)[1000:]
    other = check.write("o.csv", "k\n" + "".join(f"{k}\n" for k in beyond))
    assert by_method(check.json(reference, other))["k", "psi"]["unseen"] == 0


def test_columns_that_cannot_be_compared_are_named(check):
    header = "name,x,twice,twice,only_r,,gone\n"
    reference = check.write("r.csv", header + "".join(
        f"person {i},{i % 9},1,2,3,4,5\n" for i in range(120)))
    current = check.write("c.csv", "only_c,gone,x,name,twice\n" + "".join(
        f"0,5,{i % 9},somebody {i},1\n" for i in range(120)))
    answer = check.json(reference, current, "--exclude", "gone,")
    assert {f for f, _ in by_method(answer)} == {"x"}
    reasons = {s["feature"]: s["reason"] for s in answer["features_skipped"]}
    assert reasons == {
        "name": "identifiers or free text: fewer than two rows per value",
        "twice": "the name appears more than once in the reference",
        "only_r": "only in the reference", "only_c": "only in the current file",
        "gone": "excluded", "": "it has no name (column 6 of the reference)"}
    assert "Skipped (excluded): gone" in check.files(reference, current, "--exclude", "gone").out


def test_row_numbers_get_a_note(check):
    reference = check.column("r.csv", "id", range(200))
    answer = check.json(reference, check.column("c.csv", "id", range(200, 400)))
    assert by_method(answer)["id", "ks_test"]["score"] == 1
    assert any("id rises from row to row" in note for note in answer["notes"])


def test_bad_rows_are_shown_counted_and_left_out(check):
    good = [f"{i % 11},k{i % 3}" for i in range(60)]
    bad = ["1,a,2", "1", "oops,k1", "1e999,k1", "12x,k2", "0x10,k0", "nope,k0"]
    reference = check.write("r.csv", "x,k\n" + "".join(f"{r}\n" for r in good + ["7", "1,k0,z"]))
    mixed = check.write("c.csv", "x,k\n" + "".join(f"{r}\n" for r in bad + good))
    clean = check.write("clean.csv", "x,k\n" + "".join(f"{r}\n" for r in good))
    done = check.files(reference, mixed, "--format", "json")
    answer = json.loads(done.out)
    assert done.returncode == 0
    assert (answer["rows"], answer["bad_rows"]) == (60, 7)
    assert (answer["reference_rows"], answer["reference_bad_rows"]) == (60, 2)
    assert answer["results"] == check.json(clean, clean)["results"]
    assert f"{mixed}:2: the row has 3 fields, the header has 2" in done.err
    assert f'{mixed}:4: column "x": "oops" is not a number' in done.err
    assert f'{mixed}:5: column "x": "1e999" is outside the range' in done.err
    assert f"{reference}:62: the row has 1 field, the header has 2" in done.err
    assert f"{mixed}:8" not in done.err and f"{mixed}: 7 bad rows in all" in done.err
    assert "60 rows and 7 bad ones left out" in check.files(reference, mixed).out


# --- degenerate data ---


@pytest.mark.parametrize("reference, current", [
    (["5"], ["5"]),
    (["5"], ["6"]),
    (["5"] * 300, ["5"] * 200),
    (["5"] * 300, ["6"] * 200),
    (["NA"] * 300, ["NA"] * 200),
    (["NA"] * 300, ["6"] * 200),
    (["1", "2"] * 200, ["NA"] * 200),
    (["inf", "-inf", "1"] * 100, ["-inf", "inf", "2"] * 100),
    (["a"] * 300, ["b"] * 300),
    (["1e308", "-1e308", "1e-320"] * 90, ["0", "-0.0", "1e308"] * 90),
])
def test_degenerate_columns_behave(check, reference, current):
    answer = check.json(check.column("r.csv", "x,y", (f"{v},1" for v in reference)),
                        check.column("c.csv", "x,y", (f"{v},1" for v in current)))
    for result in answer["results"]:
        assert (result["n_reference"], result["n_current"]) == (len(reference), len(current))
        for member in ("score", "p_value"):
            assert result[member] is None or math.isfinite(result[member])
    same = [r == c for r, c in zip(reference, current)]
    if all(same):
        assert answer["drift_detected"] is False
    if set(reference).isdisjoint(current) and min(len(reference), len(current)) >= 200:
        assert answer["drifted_features"] == ["x"]


def test_no_drift_is_reported_on_a_handful_of_rows(check):
    reference = check.column("r.csv", "x", normal(5, 1000))
    for count in (1, 2, 5, 10):
        answer = check.json(reference, check.column("c.csv", "x", normal(count, count)))
        assert answer["drift_detected"] is False and answer["sufficient"] is True
    few = check.files(reference, check.column("c.csv", "x", normal(1, 5)), "--minimum-sample", 50)
    assert few.out.splitlines()[-1] == "Insufficient data: 5 rows, at least 50 are needed"


# --- settings ---


def test_thresholds_decide(check, pair):
    assert check.files(*pair, "--threshold", "50", "--fail-on", "drift").returncode == 0
    answer = check.json(*pair, "--threshold", "0.05", "--critical", "0.1", "--bins", "4")
    assert by_method(answer)["x", "psi"]["threshold"] == 0.05
    assert answer["critical_threshold"] == 0.1
    for threshold, critical in ("0.4", 0.5), ("0.5", 1.0), ("0.8", 1.6):
        assert check.json(*pair, "--threshold", threshold)["critical_threshold"] == critical
    strict = check.json(*pair, "--significance", "1e-299")
    assert strict["drift_detected"] is False


CONFIG = """models:
  - name: other
    reference: ref.csv
    features: [{{name: x}}]
    scorer: {{type: logistic, weights: [{{feature: x, weight: 1}}]}}
  - name: sales
    reference: ref.csv
    features: [{{name: x, type: numeric}}, {{name: kind, type: categorical}}]
    scorer: {{type: logistic, weights: [{{feature: x, weight: 1}}]}}
    thresholds: {{warning: 0.2, critical: 0.9}}
{more}
"""


def test_a_configuration_gives_features_reference_and_settings(check, pair):
    config = check.write("models.yml", CONFIG.format(more="    minimum_sample: 30"))
    done = check.run("--config", config, "--model", "sales", "--current", pair[1], "--format",
                     "json")
    answer = json.loads(done.out)
    assert answer["threshold"] == 0.2 and answer["critical_threshold"] == 0.9
    assert answer["minimum_sample"] == 30 and answer["window_rows"] == 400
    assert {f for f, _ in by_method(answer)} == {"x", "kind"}
    first = check.run("--config", config, "--current", pair[1], "--format", "json")
    assert {f for f, _ in by_method(json.loads(first.out))} == {"x"}
    none = check.run("--config", config, "--model", "none", "--current", pair[1])
    assert none.returncode == 2 and none.err.endswith("has no model 'none'; available: other, sales\n")
    lacking = check.column("x.csv", "kind", ["web"])
    done = check.run("--config", config, "--model", "sales", "--current", lacking)
    assert done.returncode == 1 and 'column "x" of model "sales" is missing' in done.err


def test_a_configured_window_holds_the_last_rows(check, pair):
    config = check.write("models.yml", CONFIG.format(more="    window: {observations: 150}"))
    answer = json.loads(check.run("--config", config, "--model", "sales", "--current", pair[1],
                                  "--format", "json").out)
    lines = open(pair[1], encoding="utf-8").read().splitlines(keepends=True)
    last = check.write("last.csv", lines[0] + "".join(lines[-150:]))
    expected = check.json(pair[0], last, "--threshold", "0.2", "--critical", "0.9",
                          "--minimum-sample", 50)
    assert answer["results"] == expected["results"]
    assert (answer["rows"], answer["window_rows"]) == (400, 150)


# --- streams ---


def test_pipes_are_read_once(check, pair):
    with open(pair[1], "rb") as current:
        piped = check.json(pair[0], "-", input=current.read())
    assert piped["results"] == check.json(*pair)["results"]
    script = 'exec "$0" check --reference <(cat "$1") --current <(cat "$2") --format json'
    done = subprocess.run(["bash", "-c", script, BINARY, *pair], capture_output=True, timeout=60,
                          check=False)
    assert json.loads(done.stdout)["results"] == piped["results"]


def test_more_rows_than_a_block(check):
    """Blocks go to several threads: rows and counts must survive."""
    rows = [f"{i % 97},{'abc'[i % 3]},{i * 0.5 if i % 7 else ''}" for i in range(120_000)]
    reference = check.write("r.csv", "x,k,y\n" + "\n".join(rows[:5000]))
    current = check.write("c.csv", "x,k,y\n" + "\n".join(rows))
    answer = check.json(reference, current)
    assert answer["rows"] == 120_000
    results = by_method(answer)
    assert results["y", "psi"]["missing_current"] == sum(row.endswith(",") for row in rows)
    shuffled = rows[:]
    random.Random(1).shuffle(shuffled)
    again = check.json(reference, check.write("s.csv", "x,k,y\n" + "\n".join(shuffled)))
    assert again["results"] == answer["results"]


def many_rows(count, bad):
    """Some blocks of rows; `bad` are the numbers of the rows that are none."""
    source = random.Random(5)
    return "x,k\n" + "".join(
        f"bad{i},a\n" if i in bad else
        f"{source.gauss(0.3, 1)!r},{source.choice('abc') if i % 11 else ''}\n"
        for i in range(count))


def one_processor():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def test_the_number_of_processors_makes_no_difference(check, pair):
    bad = {7, 30_000, 30_001, 59_999, 60_001, 99_998, 99_999}
    reference = check.write("r.csv", many_rows(3000, ()))
    current = check.write("c.csv", many_rows(100_000, bad))
    alone = check.files(reference, current, "--format", "json", preexec_fn=one_processor)
    for _ in range(3):
        done = check.files(reference, current, "--format", "json")
        assert done.out == alone.out and done.err == alone.err
    answer = json.loads(alone.out)
    assert (answer["rows"], answer["bad_rows"]) == (100_000 - len(bad), len(bad))
    assert [int(line.split(":")[1]) for line in alone.err.splitlines()[:5]] == [
        i + 2 for i in sorted(bad)[:5]]
    assert f"{current}: 7 bad rows in all" in alone.err


@pytest.mark.parametrize("broken,words", [('"', "a quote is opened in this line and never closed"),
                                          ('"x"y,a', "goes on after its closing quote"),
                                          ("1\0,a", "NUL byte")])
def test_what_comes_after_a_broken_row_is_not_judged(check, broken, words):
    rows = many_rows(100_000, {50, 70_000}).splitlines()
    rows[60_001] = broken  # line 60 002
    reference = check.write("r.csv", many_rows(3000, ()))
    current = check.write("c.csv", "\n".join(rows) + "\n")
    for _ in range(5):
        done = check.files(reference, current)
        lines = done.err.splitlines()
        assert done.returncode == 1 and done.out == "" and len(lines) == 2, done.err
        assert lines[0].startswith(f"{current}:52: ")
        assert f"{current}:60002: " in lines[1] and words in lines[1]


def test_a_configured_window_over_several_blocks(check):
    check.write("ref.csv", many_rows(3000, ()).replace("x,k", "x,kind"))
    config = check.write("models.yml", CONFIG.format(more="    window: {observations: 5000}"))
    rows = many_rows(60_000, {59_000}).replace("x,k", "x,kind").splitlines(keepends=True)
    current = check.write("c.csv", "".join(rows))
    last = check.write("last.csv", rows[0] + "".join(rows[-5001:]))
    for _ in range(3):
        answer, expected = (json.loads(check.run("--config", config, "--model", "sales",
                                                 "--current", path, "--format", "json").out)
                            for path in (current, last))
        assert answer["results"] == expected["results"] and answer["window_rows"] == 5000


# --- what the columns are ---


def inverse(values, p):
    return sorted(values)[max(math.ceil(p * len(values)) - 1, 0)]


def test_quantiles_and_moved_categories(check):
    before, now = normal(1, 800), normal(2, 400, 2.0)
    kinds, later = ["web", "app", "web", "branch"], ["web", "fax", "", "branch"]
    reference = check.write("r.csv", "x,k\n" + "".join(
        f"{v},{kinds[i % 4]}\n" for i, v in enumerate(before)))
    current = check.write("c.csv", "x,k\n" + "".join(
        f"{v},{later[i % 4]}\n" for i, v in enumerate(now)))
    x, k = check.json(reference, current)["columns"]
    before, now = [*map(float, before)], [*map(float, now)]
    assert (x["feature"], k["feature"]) == ("x", "k")
    assert [q["probability"] for q in x["quantiles"]] == [0.05, 0.25, 0.5, 0.75, 0.95]
    for quantile in x["quantiles"][:-1]:
        p = quantile["probability"]
        assert quantile["reference"] == inverse(before, p)
        assert abs(quantile["current"] - inverse(now, p)) < 0.2
    assert x["min_current"] == min(now) and x["max_reference"] == max(before)
    assert 0 < x["wasserstein_bound"] < 0.05
    # each moved by a quarter: in the order of their frequency, the unseen and the missing last
    assert k["moved"] == [{"category": "web", "reference": 0.5, "current": 0.25},
                          {"category": "app", "reference": 0.25, "current": 0},
                          {"category": "__unseen__", "reference": 0, "current": 0.25},
                          {"category": "__missing__", "reference": 0, "current": 0.25}]
    table = check.files(reference, current, "--verbose").out
    assert re.search(r"^x: 5 % -\S+ -> \S+, 50 % .*, 95 % \S+ -> \S+$", table, re.M)
    assert re.search(r"^k: .*(web 50.0 % -> 25.0 %|app 25.0 % -> 0.0 %)", table, re.M)


def test_the_cap_on_categories_is_said(check):
    reference = check.write("r.csv", "k\n" + "".join(f"c{i}\nc{i}\n" for i in range(1200)))
    answer = check.json(reference, reference)
    assert answer["columns"][0]["other_categories"] == 200
    assert answer["columns"][0]["moved"] == []
    note = "k has more than 1000 categories in the reference: the 200 least frequent count as one"
    assert answer["notes"] == [note] and f"Note: {note}" in check.files(reference, reference).out


# --- a terminal ---


def test_progress_and_colour_only_on_a_terminal(check, pair):
    parent, child = pty.openpty()
    process = subprocess.Popen([BINARY, "check", "--reference", pair[0], "--current", "-"],
                               stdin=subprocess.PIPE, stdout=child, stderr=child,
                               env={**os.environ, "TERM": "xterm", "NO_COLOR": ""})
    os.close(child)
    seen = bytearray()

    def collect():
        while True:
            try:
                part = os.read(parent, 65536)
            except OSError:
                return
            if not part:
                return
            seen.extend(part)

    reader = threading.Thread(target=collect)
    reader.start()
    rows = b"0.5,web\n" * 50_000  # more than is read at once
    process.stdin.write(b"x,kind\n" + rows)
    process.stdin.flush()
    time.sleep(0.8)
    process.stdin.write(rows * 2)
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    reader.join(timeout=10)
    os.close(parent)
    text = seen.decode()
    assert re.search(r"\r\x1b\[K-: 0\.\d million rows", text), text[:500]
    assert "\x1b[1mfeature" in text and "critical drift\x1b[0m" in text


def test_csv_output_of_generate_can_be_checked(check):
    files = []
    for seed, severity in (1, 0), (2, 0), (3, 1):
        done = subprocess.run([BINARY, "generate", "--rows", "2000", "--seed", str(seed),
                               "--severity", str(severity)], capture_output=True, check=True,
                              timeout=60)
        files.append(check.write(f"{seed}.csv", done.stdout))
    assert check.files(files[0], files[1], "--fail-on", "drift").returncode == 0
    answer = check.json(files[0], files[2])
    assert set(answer["drifted_features"]) == {"feature_0", "feature_1", "feature_2"}
    with open(files[2], encoding="utf-8") as file:
        assert answer["rows"] == sum(1 for _ in csv.reader(file)) - 1
