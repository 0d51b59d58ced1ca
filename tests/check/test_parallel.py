"""A reference of several blocks is read by several threads, a pipe by one: both must say the same, also
where rows are bad, blank or of several lines, and where a column shows late what it is."""
import json
import os
import random
import subprocess
import threading

import pytest

from conftest import BINARY, SECONDS

ROWS = 60_000  # some megabytes: many blocks, and more than are read before all types are decided


def through_pipe(check, reference, current):
    """What is written to standard output and error when the reference comes from a FIFO."""
    path = check.folder / "pipe"
    os.mkfifo(path)

    def feed():
        try:
            with open(path, "wb") as pipe:
                pipe.write(open(reference, "rb").read())
        except BrokenPipeError:
            pass

    writer = threading.Thread(target=feed)
    writer.start()
    done = subprocess.run([BINARY, "check", "--reference", path, "--current", current, "--format", "json"],
                          capture_output=True, timeout=SECONDS, check=False)
    writer.join()
    os.unlink(path)
    assert done.returncode == 0, done.stderr.decode()
    return [text.decode().replace(str(path), "REFERENCE") for text in (done.stdout, done.stderr)]


def both(check, text, current):
    reference = check.write("reference.csv", text)
    file = check.files(reference, current, "--format", "json")
    assert file.returncode == 0, file.err
    answer, said = (text.replace(reference, "REFERENCE") for text in (file.out, file.err))
    assert [answer, said] == through_pipe(check, reference, current)
    return json.loads(answer), said


def lines(seed, spoil=None):
    source = random.Random(seed)
    rows = ["number,count,kind,note"]
    for i in range(ROWS):
        row = [repr(source.gauss(0, 1)), str(source.randrange(9)), source.choice("abcde"),
               source.choice(["plain", '"two\nlines"', '"a, ""b"""'])]
        rows.append(spoil(i, row) if spoil else ",".join(row))
    return "\n".join(rows) + "\n"


@pytest.fixture
def current(check):
    return check.write("current.csv", "\n".join(lines(2).split("\n")[:5000]) + "\n")


def test_same_as_one_thread(check, current):
    answer, said = both(check, lines(1), current)
    assert {r["feature"] for r in answer["results"]} == {"number", "count", "kind", "note"}
    assert all(r["n_reference"] == ROWS for r in answer["results"])
    assert answer["bad_row_messages"] == [] and said == ""


def test_bad_and_blank_rows(check, current):
    def spoil(i, row):
        if i % 1009 == 5:
            return ",".join(row[:-1])  # too short
        if i % 1013 == 7:
            row[0] = "1e999"  # beyond any double
        if i % 997 == 3:
            return "\n\n" + ",".join(row)
        return ",".join(row)

    answer, said = both(check, lines(3, spoil), current)
    bad = len([i for i in range(ROWS) if i % 1009 == 5 or i % 1013 == 7])
    assert all(r["n_reference"] == ROWS - bad for r in answer["results"])
    shown = [int(message.split(":")[1]) for message in answer["bad_row_messages"]]
    assert len(shown) == 5 and shown == sorted(shown)  # the first ones, in the order of the file


def test_rows_keep_their_order(check):
    """A number that rises from row to row is noticed, whichever thread has read which rows."""
    def text(begin, swap):
        numbers = [str(begin + i) for i in range(ROWS * 4)]
        if swap:
            numbers[ROWS], numbers[ROWS + 1] = numbers[ROWS + 1], numbers[ROWS]
        return "step,x\n" + "".join(f"{n},{int(n) % 7}\n" for n in numbers)

    current = check.write("current.csv", text(0, False))
    for swap in False, True:
        done = check.files(check.write("reference.csv", text(0, swap)), current)
        assert ("row number" in done.out + done.err) == (not swap), done.out + done.err


def test_late_text_is_read_again(check, current):
    """The first text of a column of numbers comes after many blocks: from a file all rows count as text."""
    def spoil(i, row):
        row[1] = "many" if i > ROWS - 20_000 and i % 2 else row[1]
        return ",".join(row)

    reference = check.write("reference.csv", lines(4, spoil))
    answer = check.json(reference, current)
    assert {r["type"] for r in answer["results"] if r["feature"] == "count"} == {"categorical"}
    assert all(r["n_reference"] == ROWS for r in answer["results"])


@pytest.mark.parametrize("value, kind", [("3.5", "numeric"), ("x", "categorical"), ("007", "categorical")])
def test_column_that_is_long_missing(check, value, kind):
    """Its first value comes after more bytes than are read by one thread to decide the types."""
    rows = 400_000
    text = "late,x\n" + "".join(f"{value if i > rows - 9000 else ''},{i % 1009 * 1001.5}\n"
                                for i in range(rows))
    answer, _ = both(check, text, check.write("current.csv", text[:200] + "\n" + text[-9000:].split("\n", 1)[1]))
    results = [r for r in answer["results"] if r["feature"] == "late"]
    assert {r["type"] for r in results} == {kind}
    assert {r["missing_reference"] for r in results} == {rows - 8999}
