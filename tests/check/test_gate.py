"""check as a gate before a deployment: what it lets pass, and how much it says."""
import subprocess

import pytest

from conftest import BINARY, by_method

WIDE = [f"feature_{i}" for i in range(17)]


def wide(names, shift=0):
    return ",".join(names) + "\n" + "".join(
        ",".join(str((i * (7 + c)) % 23 + (shift if c == 0 else 0)) for c in range(len(names))) + "\n"
        for i in range(300))


@pytest.fixture
def renamed(check):
    return (check.write("r.csv", wide(WIDE)), check.write("c.csv", wide(WIDE[:-1] + ["Feature_16"])))


def test_a_renamed_column_is_a_finding(check, renamed):
    done = check.files(*renamed)
    assert done.returncode == 0
    assert "Missing from the current file: feature_16\nNew in the current file: Feature_16\n" in done.out
    assert done.out.splitlines()[-1] == "No drift in 16 features; 1 column missing, 1 new"
    answer = check.json(*renamed)
    assert answer["columns_missing"] == ["feature_16"] and answer["columns_new"] == ["Feature_16"]
    assert answer["drift_detected"] is False


def test_a_gate_refuses_other_columns_unless_allowed(check, renamed):
    done = check.files(*renamed, "--fail-on", "drift")
    assert done.returncode == 3 and "--allow-missing-columns" in done.err
    assert check.files(*renamed, "--fail-on", "drift", "--format", "json").returncode == 3
    assert check.files(*renamed, "--fail-on", "drift", "--allow-missing-columns").returncode == 0
    assert check.files(*renamed, "--fail-on", "drift", "--exclude", "feature_16,Feature_16").returncode == 0
    same = check.files(renamed[0], renamed[0], "--fail-on", "drift")
    assert same.returncode == 0 and same.err == ""


@pytest.mark.parametrize("one, status", [("missing", 3), ("new", 3)])
def test_one_side_is_enough(check, one, status):
    fewer, more = check.write("f.csv", wide(WIDE[:3])), check.write("m.csv", wide(WIDE[:4]))
    reference, current = (more, fewer) if one == "missing" else (fewer, more)
    done = check.files(reference, current, "--fail-on", "drift")
    assert done.returncode == status
    assert done.out.splitlines()[-1] == ("No drift in 3 features; 1 column missing" if one == "missing"
                                         else "No drift in 3 features; 1 column new")


def test_a_configured_model_ignores_further_columns_but_needs_its_own(check, renamed):
    config = check.write("m.yml", "models:\n  - name: m\n    reference: r.csv\n    scorer: {type: none}\n"
                         "    features: [{name: feature_0}, {name: feature_1}]\n")
    gate = ["--config", config, "--fail-on", "drift", "--current"]
    assert check.run(*gate, renamed[1]).returncode == 0
    done = check.run(*gate, check.write("few.csv", wide(WIDE[1:4])))
    assert done.returncode == 1 and '"feature_0" of model "m" is missing' in done.err


def test_a_line_per_feature(check):
    reference = check.write("r.csv", wide(WIDE))
    current = check.write("c.csv", wide(WIDE, shift=40))
    short = check.files(reference, current).out
    assert len(short.splitlines()) <= 17 + 10
    for name in WIDE:
        assert sum(line.startswith(name + " ") for line in short.splitlines()) == 1
    first = next(line for line in short.splitlines() if line.startswith("feature_"))
    assert first.startswith("feature_0 ") and "critical drift" in first
    assert short.splitlines()[-1] == "Drift in 1 of 17 features: feature_0"
    whole = check.files(reference, current, "--verbose").out
    results = check.json(reference, current)["results"]
    assert sum(line.startswith("feature_") and ":" not in line for line in whole.splitlines()) == len(results) == 17 * 7
    assert "feature_0: 5 % " in whole and "feature_0: 5 % " not in short


def test_the_line_of_a_feature_says_its_verdict(check):
    """A feature that only a method of its own finds drifted is shown with that method."""
    reference = check.write("r.csv", wide(WIDE[:2]))
    current = check.write("c.csv", wide(WIDE[:2], shift=40))
    for method in "hellinger", "jensen_shannon", "psi", "ks_test":
        done = check.files(reference, current, "--methods", method)
        line = next(line for line in done.out.splitlines() if line.startswith("feature_0 "))
        assert method in line and "drift" in line.split(method)[1]


def test_methods_are_those_asked_for(check):
    path = check.write("r.csv", "x,k\n" + "".join(f"{i % 9},{'ab'[i % 2]}\n" for i in range(200)))
    answer = check.json(path, path, "--methods", "psi,wasserstein")
    assert set(by_method(answer)) == {("x", "psi"), ("x", "wasserstein"), ("k", "psi")}
    answer = check.json(path, path, "--methods", "ks_test")
    assert set(by_method(answer)) == {("x", "ks_test")}
    assert {"feature": "k", "reason": "none of the --methods is for categories"} in answer["features_skipped"]
    whole = by_method(check.json(path, path))
    for key, result in by_method(answer).items():
        assert result["score"] == whole[key]["score"] and result["p_value"] == whole[key]["p_value"]
    for wrong in "ks", "", "psi,,ks_test", "psi;ks_test":
        done = check.files(path, path, "--methods", wrong)
        assert done.returncode == 2 and "--methods" in done.err and "wasserstein" in done.err
    done = check.files(check.column("k.csv", "k", "ab" * 90), check.column("l.csv", "k", "ab" * 90), "--methods", "ks_test")
    assert done.returncode == 1 and 'the first, "k": none of the --methods is for categories' in done.err


def test_the_help_names_every_option_of_a_gate():
    text = subprocess.run([BINARY, "check", "--help"], capture_output=True, text=True, check=True).stdout
    for option in "--allow-missing-columns", "--methods", "--delimiter", "--decimal", "--verbose":
        assert option in text


@pytest.mark.parametrize("side", ["reference", "current"])
def test_a_gate_refuses_a_doubled_name(check, side):
    """Which of the columns is meant cannot be known, so nothing about the name was compared."""
    once, twice = check.write("o.csv", wide(WIDE[:3])), check.write("t.csv", wide(WIDE[:3] + WIDE[2:3]))
    files = (twice, once) if side == "reference" else (once, twice)
    done = check.files(*files)
    assert done.returncode == 0
    assert done.out.splitlines()[-1] == "No drift in 2 features; 1 column more than once"
    for options in [], ["--allow-missing-columns"]:
        gate = check.files(*files, "--fail-on", "drift", *options)
        assert gate.returncode == 3 and "--exclude" in gate.err
    assert check.files(*files, "--fail-on", "drift", "--exclude", WIDE[2]).returncode == 0
