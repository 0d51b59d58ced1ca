"""What separates the fields, decimal commas, codes, large numbers and dates: recognised in one place,
so that check, init and the reference of a service agree. The oracles are pandas and SciPy."""
import gzip
import json
import random
import subprocess

import pytest
import yaml

from conftest import BINARY, by_method

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}


def table(seed, shift=0.0, rows=300):
    source = random.Random(seed)
    return [(source.gauss(40 + shift, 5), source.randint(0, 90), source.choice(["web", "app", "shop"]))
            for _ in range(rows)]


def text_of(rows, separator, decimal=".", header=("age", "visits", "channel")):
    lines = [separator.join(header)]
    lines += [separator.join([f"{age:.2f}".replace(".", decimal), str(visits), channel])
              for age, visits, channel in rows]
    return "\n".join(lines) + "\n"


def command(*arguments, cwd=None):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=120, check=False,
                          cwd=cwd, text=True)
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("name", DELIMITERS)
def test_every_delimiter_gives_the_scores_of_pandas_and_scipy(check, name, decimal):
    stats, pandas = pytest.importorskip("scipy.stats"), pytest.importorskip("pandas")
    separator = DELIMITERS[name]
    if decimal == separator:
        pytest.skip("a decimal comma needs quotes where commas separate the fields")
    paths = (check.write("r.csv", text_of(table(1), separator, decimal)),
             check.write("c.csv", text_of(table(2, 4), separator, decimal)))
    answer = check.json(*paths)
    assert (answer["reference_delimiter"], answer["current_delimiter"]) == (name, name)
    assert {c["feature"] for c in answer["columns"]} == {"age", "visits", "channel"}
    results = by_method(answer)
    frames = [pandas.read_csv(path, sep=separator, decimal=decimal) for path in paths]
    for column in "age", "visits":
        oracle = stats.ks_2samp(frames[0][column], frames[1][column])
        assert results[column, "ks_test"]["score"] == pytest.approx(oracle.statistic, rel=1e-12)
    assert "age" in answer["drifted_features"]
    shown = check.files(*paths).out
    assert (f"separated by {name}s" in shown) == (separator != ",")
    assert ("decimal commas" in shown) == (decimal == ",")


def test_two_files_may_differ_in_their_delimiter(check):
    answer = check.json(check.write("r.csv", text_of(table(1), ",")),
                        check.write("c.csv", text_of(table(1), ";", ",")))
    assert (answer["reference_delimiter"], answer["current_delimiter"]) == ("comma", "semicolon")
    assert all(result["score"] == 0 for result in answer["results"])


@pytest.mark.parametrize("text, words", [
    ("a,b;c,d\n" + "1,2;3,4\n" * 20, ["commas (3 columns)", "semicolons (2 columns)", "--delimiter comma"]),
    ("a;b\n" + "1,234;3\n" * 20, ["semicolons", '"1,234"', "--decimal comma"])])
def test_what_is_ambiguous_is_refused_everywhere(check, text, words):
    path = check.write("r.csv", text)
    config = check.write("drift.yml", "models:\n  - {name: m, reference: r.csv, scorer: {type: none},\n"
                         "     features: [{name: a}]}\n")
    for done in (check.files(path, path), command("init", path), command("validate", config)):
        assert done.returncode == 1, done
        said = done.err if hasattr(done, "err") else done.stderr
        assert path in said and all(word in said for word in words), said


def test_the_delimiter_and_the_decimals_can_be_given(check):
    path = check.write("r.csv", "a,b;c,d\n" + "".join(f"{i},5;{i % 3},25\n" for i in range(60)))
    answer = check.json(path, path, "--delimiter", ";", "--decimal", "comma")
    assert [c["feature"] for c in answer["columns"]] == ["a,b", "c,d"]
    assert answer["columns"][0]["max_reference"] == 59.5
    answer = check.json(path, path, "--delimiter", "comma")
    assert [c["feature"] for c in answer["columns"]] == ["a", "b;c", "d"]
    for option, value in ("--delimiter", "x"), ("--decimal", "dot"):
        done = check.files(path, path, option, value)
        assert done.returncode == 2 and option in done.err
    for value in "comma", "semicolon":
        text = command("init", path, "--delimiter", value).stdout
        model = yaml.load(text, Loader=yaml.BaseLoader)["models"][0]
        assert model["delimiter"] == value
        config = check.write(f"{value}.yml", text)
        assert command("validate", config).returncode == 0
        done = check.run("--config", config, "--current", path, "--delimiter", value)
        assert done.returncode == 0, done.err


@pytest.mark.parametrize("text, delimiter", [
    ("city, state\tname\n" + "Boston, MA\tx\n" * 30 + "Bonn\ty\n", "tab"), ("a;b\n" + "x,y;1\n" * 9 + "x;1\n" * 9, "semicolon"),
    ('"a;b",c\n' + '"x;y",1\n' * 30, "comma"), ("a|b;c|d\n" + "1|2;3|4\n" * 8 + "1|2|4\n" * 30, "pipe")])
def test_what_fits_most_rows_is_the_delimiter(check, text, delimiter):
    path = check.write("r.csv", text)
    assert check.json(path, path)["reference_delimiter"] == delimiter


def test_a_service_reads_a_reference_with_semicolons(check):
    path = check.write("r.csv", text_of(table(1), ";", ","))
    text = command("init", path, "--output", str(check.folder / "drift.yml"))
    assert text.returncode == 0, text.stderr
    written = (check.folder / "drift.yml").read_text()
    model = yaml.load(written, Loader=yaml.BaseLoader)["models"][0]
    assert model["delimiter"] == "semicolon" and model["decimal"] == "comma"
    assert [f["type"] for f in model["features"]] == ["numeric", "numeric", "categorical"]
    valid = command("validate", check.folder / "drift.yml")
    assert valid.returncode == 0 and "300 reference rows" in valid.stdout
    wrong = check.write("wrong.yml", written.replace("semicolon", "dot"))
    done = command("validate", wrong)
    assert done.returncode == 1 and "delimiter" in done.stderr and "comma or semicolon or tab or pipe" in done.stderr


# --- what columns are ---


def columns(check, name, header, values):
    return check.write(name, header + ",x\n" + "".join(f"{v},{i % 7}.5\n" for i, v in enumerate(values)))


def kinds(check, path):
    """What check and what init make of the column k: its type, or the reason it is left out."""
    answer = check.json(path, path)
    found = [r["type"] for r in answer["results"] if r["feature"] == "k"]
    found += [s["reason"] for s in answer["features_skipped"] if s["feature"] == "k"]
    text = command("init", path).stdout
    line = next(line for line in text.splitlines() if "{name: k," in line)
    return found[0], line


@pytest.mark.parametrize("position", [0, 50, 399])
def test_digits_with_leading_zeros_are_categories(check, position):
    codes = ["10001", "94110", "60601", "73301"]
    values = [codes[i % 4] for i in range(400)]
    values[position] = "02134"
    path = columns(check, "r.csv", "k", values)
    kind, line = kinds(check, path)
    assert kind == "categorical" and "type: categorical" in line and "codes" in line
    assert "# - " not in line
    results = by_method(check.json(path, columns(check, "c.csv", "k", ["2134" if v == "02134" else v
                                                                       for v in values])))
    assert results["k", "psi"]["unseen"] == 1


def test_fixed_width_measurements_are_numbers(check):
    path = columns(check, "r.csv", "k", [f"{i % 30 / 4:06.2f}" for i in range(400)])
    kind, line = kinds(check, path)
    assert kind == "numeric" and "type: numeric" in line


@pytest.mark.parametrize("large", [9007199254740993, -2**60, 10**30])
def test_large_integers_are_identifiers_and_said_once(check, large):
    values = [i % 5 for i in range(100)] + [large + i for i in range(100)]
    path = columns(check, "r.csv", "k", values)
    kind, line = kinds(check, path)
    assert "2^53" in kind and str(large)[:-3] in kind and "2^53" in line and "# - " in line
    assert check.files(path, path).out.count("2^53") == 1


def test_a_configured_feature_of_large_integers_is_warned_about_once(check):
    path = columns(check, "r.csv", "k", [2**60 + i for i in range(200)])
    config = check.write("drift.yml", "models:\n  - {name: m, reference: r.csv, scorer: {type: none},\n"
                         "     features: [{name: k}, {name: x}]}\n")
    done = command("validate", config)
    assert done.returncode == 0 and done.stderr.count("2^53") == 1 and '"k"' in done.stderr
    answer = check.run("--config", config, "--current", path).out
    assert answer.count("2^53") == 1 and "k " in answer


@pytest.mark.parametrize("make", [lambda i: f"2026-01-{i % 28 + 1:02}", lambda i: f"{i % 28 + 1:02}.01.2026 10:00",
                                  lambda i: f"2026-01-01T00:{i % 60:02}:00Z"])
def test_dates_are_left_out_by_check_as_by_init(check, make):
    path = columns(check, "r.csv", "k", [make(i) for i in range(300)])
    kind, line = kinds(check, path)
    assert kind == "timestamp: every value is a date or a time"
    assert "left out, timestamp" in line
    later = columns(check, "c.csv", "k", [f"2031-07-{i % 28 + 1:02}" for i in range(300)])
    done = check.files(path, later, "--fail-on", "drift")
    assert done.returncode == 0 and "Skipped (timestamp: every value is a date or a time): k" in done.out


def test_seconds_since_1970_are_left_out_by_check_as_by_init(check):
    path = check.write("r.csv", "created_at,x\n" + "".join(f"{1750000000 + i * 7919 % 997},{i % 9}\n"
                                                           for i in range(300)))
    answer = check.json(path, path)
    assert [s["reason"] for s in answer["features_skipped"]] == ["timestamp: seconds or milliseconds since 1970"]
    assert "left out, timestamp" in command("init", path).stdout


@pytest.mark.parametrize("start, words", [
    (b"\x1f\x8b\x08\0", ["gzip", "zcat"]), (b"PAR1\x15\4", ["Parquet", "read_parquet", "to_csv"]),
    (b"PK\3\4", ["ZIP"]), (b"\x28\xb5\x2f\xfd", ["zstd"]), (b"ARROW1\0\0", ["read_feather"])])
def test_other_formats_get_a_sentence_that_says_what_to_do(check, start, words):
    path = check.write("data.bin", start + bytes(range(200)) * 9)
    good = check.write("c.csv", text_of(table(1), ","))
    config = check.write("drift.yml", "models:\n  - {name: m, reference: data.bin, scorer: {type: none},\n"
                         "     features: [{name: a}]}\n")
    for done in (check.files(path, good), check.files(good, path), command("init", path), command("validate", config)):
        said = done.err if hasattr(done, "err") else done.stderr
        assert done.returncode == 1 and path in said and all(word in said for word in words), said


def test_a_real_pickle_is_told(check):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": range(50)})
    frame.to_csv(check.folder / "a.csv", index=False)
    frame.to_pickle(check.folder / "a.pkl")
    done = check.files(check.folder / "a.pkl", check.folder / "a.csv")
    assert done.returncode == 1 and "pickle" in done.err


def test_files_compressed_with_gzip_say_the_same(check):
    """By pandas, by gzip, and in several members; as reference, as current file and on standard input; by
    check, init and a configured model."""
    pandas = pytest.importorskip("pandas")
    source = random.Random(5)
    frame = pandas.DataFrame({"x": [source.gauss(0, 1) for _ in range(90_000)],
                              "k": [source.choice("abc") for _ in range(90_000)]})
    folder = check.folder
    frame.to_csv(folder / "r.csv", index=False)
    frame.to_csv(folder / "r.csv.gz", index=False)
    frame[:20_000].to_csv(folder / "c.csv", index=False)
    text = (folder / "c.csv").read_bytes()
    parts = [text[:100_001], text[100_001:100_002], b"", text[100_002:]]
    (folder / "c.csv.gz").write_bytes(b"".join(map(gzip.compress, parts)))

    def answer(reference, current, **options):
        done = check.run("--reference", reference, "--current", current, "--format", "json", **options)
        assert done.returncode == 0, done.err
        return done.out.replace(".csv.gz", ".csv")

    plain = answer(folder / "r.csv", folder / "c.csv")
    assert answer(folder / "r.csv.gz", folder / "c.csv.gz") == plain
    assert answer(folder / "r.csv", folder / "c.csv.gz") == plain
    with open(folder / "c.csv.gz", "rb") as file:
        piped = json.loads(answer(folder / "r.csv.gz", "-", stdin=file))
    assert piped["results"] == json.loads(plain)["results"]
    done = command("init", folder / "r.csv.gz", "--output", folder / "drift.yml")
    assert done.returncode == 0, done.stderr
    assert command("validate", folder / "drift.yml").returncode == 0


@pytest.mark.parametrize("spoil, word", [
    (lambda data: data[:-9], "cut short"), (lambda data: data[:len(data) // 2], "cut short"),
    (lambda data: data[:-6] + bytes([data[-6] ^ 1]) + data[-5:], "damaged"),
    (lambda data: data[:3000] + b"\0\1\2\3" * 9 + data[3036:], "damaged"), (lambda data: data + b"more", "damaged"),
    (lambda data: gzip.compress(data), "gzip")])
def test_damaged_gzip_is_told(check, spoil, word):
    text = text_of(table(1, rows=2000), ",").encode()
    path = check.folder / "r.csv.gz"
    path.write_bytes(spoil(gzip.compress(text)))
    good = check.write("c.csv", text_of(table(1), ","))
    for done in check.files(path, good), check.files(good, path):
        assert done.returncode == 1 and "gzip" in done.err and word in done.err and str(path) in done.err, done.err
