"""Adds up the reports of a test run, lists its slowest tests, and prints
`N passed, N failed[, N skipped]` last.

usage: count_results.py DIRECTORY

Reads *.xml (JUnit, from pytest), *.json (Meson's log; where a test's output has TAP lines or
pytest's closing line, its cases count one by one) and checks.tsv (`passed` or `failed`, a tab, a
name). Exit status 1 when something failed or nothing ran.
"""

import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

TAP_PLAN = re.compile(r"^1\.\.(\d+)\s*(#.*)?$", re.M)
TAP_LINE = re.compile(r"^(ok|not ok)\b([^\n]*)$", re.M)
PYTEST_LINE = re.compile(r"^=* ?((?:\d+ \w+(?:, )?)+) in [\d.]+s", re.M)
PYTEST_WORDS = {"passed": "passed", "failed": "failed", "error": "failed", "errors": "failed",
                "skipped": "skipped"}
TAP_SKIP = re.compile(r"#\s*skip", re.I)


def count_tap(name, output, failed_run):
    """Outcomes of one program's TAP output; tests planned but never reported have failed."""
    outcomes = []
    for verdict, rest in TAP_LINE.findall(output):
        test = f"{name}:{rest.strip(' -')}"
        if TAP_SKIP.search(rest):
            outcomes.append(("skipped", test))
        else:
            outcomes.append(("passed" if verdict == "ok" else "failed", test))
    planned = sum(int(plan) for plan, _ in TAP_PLAN.findall(output))
    outcomes += [("failed", f"{name}: planned, not run")] * max(0, planned - len(outcomes))
    return with_failed_run(name, outcomes, failed_run)


def count_pytest(name, counts, failed_run):
    """Outcomes from pytest's closing line, such as `3 passed, 1 skipped`."""
    outcomes = []
    for count, word in re.findall(r"(\d+) (\w+)", counts):
        outcomes += [(PYTEST_WORDS[word], name)] * int(count) if word in PYTEST_WORDS else []
    return with_failed_run(name, outcomes, failed_run)


def with_failed_run(name, outcomes, failed_run):
    """A program that failed without saying which case did counts as one failure more."""
    if failed_run and not any(outcome == "failed" for outcome, _ in outcomes):
        outcomes.append(("failed", f"{name}: the program failed"))
    return outcomes


def count_meson(path):
    outcomes = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        test = json.loads(line)
        result = test["result"]
        output = test.get("stdout", "")
        failed = result not in ("OK", "EXPECTEDFAIL", "SKIP")
        if TAP_LINE.search(output) or TAP_PLAN.search(output):
            outcomes += count_tap(test["name"], output, failed)
        elif PYTEST_LINE.search(output):
            counts = PYTEST_LINE.findall(output)[-1]
            outcomes += count_pytest(test["name"], counts, failed)
        else:
            word = "failed" if failed else "skipped" if result == "SKIP" else "passed"
            outcomes.append((word, test["name"]))
    return outcomes


def count_junit(path):
    outcomes = []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        if case.find("failure") is not None or case.find("error") is not None:
            outcomes.append(("failed", name))
        elif case.find("skipped") is not None:
            reason = case.find("skipped").get("message", "")
            outcomes.append(("skipped", f"{name} ({reason})"))
        else:
            outcomes.append(("passed", name))
    return outcomes


def count_checks(path):
    return [tuple(line.split("\t", 1)) for line in path.read_text().splitlines() if line]


def junit_seconds(path):
    """(seconds, name) of each test, its fixtures included."""
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        yield float(case.get("time", 0)), f"{case.get('classname', '')}::{case.get('name', '')}"


def meson_seconds(path):
    """(seconds, name) of each program: Meson does not time the cases in it."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        test = json.loads(line)
        yield test.get("duration", 0.0), test["name"]


TIMERS = {".xml": junit_seconds, ".json": meson_seconds}
SLOWEST = 20


def print_slowest(paths):
    times = [time for path in paths if path.suffix in TIMERS for time in TIMERS[path.suffix](path)]
    if not times:
        return
    print(f"  the slowest tests, of {sum(seconds for seconds, _ in times):.0f} s in all:")
    for seconds, name in sorted(times, reverse=True)[:SLOWEST]:
        print(f"    {seconds:6.1f} s  {name}")


READERS = {".xml": count_junit, ".json": count_meson, ".tsv": count_checks}


def main(directory):
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    paths = sorted(pathlib.Path(directory).iterdir())
    for path in paths:
        reader = READERS.get(path.suffix)
        if reader is None:
            continue
        outcomes = reader(path)
        counts = {word: sum(outcome == word for outcome, _ in outcomes) for word in totals}
        print(f"  {path.stem:<12}" + ", ".join(f"{n} {word}" for word, n in counts.items() if n))
        for word, name in outcomes:
            if word != "passed":
                print(f"    {word}: {name}")
        for word in totals:
            totals[word] += counts[word]
    print_slowest(paths)
    line = f"{totals['passed']} passed, {totals['failed']} failed"
    if totals["skipped"]:
        line += f", {totals['skipped']} skipped"
    print(line)
    return 1 if totals["failed"] or not totals["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
