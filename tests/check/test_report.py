"""check --format html and markdown: the numbers are those of --format json, no name can add markup, and a browser opens the page
without a request or an error."""
import html.parser
import random
import re
import shutil
import subprocess

import pytest

from browser import Browser

HOSTILE = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)", "</title></style><script>1</script>",
    "</svg><script>alert(1)</script>", "<!--", "-->", "]]>", "&lt;b&gt;", "&#60;script&#62;", "javascript:alert(1)",
    "<iframe srcdoc='<script>1</script>'>", "<base href=//evil.example/>", "<meta http-equiv=refresh content=0>", "</bdi></h2><form>",
    "`code`", "``", "`` ` ``", "*bold* _it_", "[link](http://evil.example)", "![i](http://evil.example/x.png)", "@everyone", "#1",
    "http://evil.example/", "a|b", "|", "\\|", "~~s~~", "<http://evil.example>", "a\u202eb\u2066c", "\u0000".replace("\0", "\x01"), "\x7f\x1b[31m",
    "{{7*7}}", "${x}", "%s%n", "name with  two spaces", " ", "__missing__", "__proto__", "constructor", "日本語", "😀" * 3,
]
PLAIN_TAGS = {"html", "head", "meta", "link", "title", "style", "body", "header", "h1", "h2", "p", "dl", "dt", "dd", "ul", "li", "nav",
              "table", "caption", "tr", "th", "td", "a", "bdi", "main", "article", "span", "div", "figure", "figcaption", "svg", "path",
              "text", "em"}


def csv_field(text):
    return '"' + text.replace('"', '""') + '"'


def numbers(seed, count, mean=0.0):
    source = random.Random(seed)
    return [source.gauss(mean, 1) for _ in range(count)]


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture
def pair(check):
    """amount moves up, channel changes its mix and has unseen and missing values, calm stays."""
    def rows(seed, count, mean, channels):
        amounts, calm = numbers(seed, count, mean), numbers(seed + 10, count)
        return "amount,channel,calm\n" + "".join(f"{a!r},{channels[i % len(channels)]},{c!r}\n"
                                                 for i, (a, c) in enumerate(zip(amounts, calm)))

    return (check.write("ref.csv", rows(1, 1000, 0, ["web", "web", "app", "shop"])),
            check.write("cur.csv", rows(2, 500, 1.2, ["web", "app", "app", "new", ""])))


def page_of(check, pair, *arguments):
    done = check.files(*pair, "--format", "html", *arguments)
    assert done.returncode == 0 and done.err == ""
    return done.out


class Reader(html.parser.HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def shown(number):
    """As the page writes it: three significant digits."""
    if number is None:
        return "-"
    size = abs(number)
    return f"{number:.0f}" if 1000 <= size < 1e6 else re.sub(r"(\.\d*?)0+(?=$|e)", r"\1", f"{number:.3g}").rstrip(".")


def scores(browser):
    return browser.run("""Object.fromEntries([...document.querySelectorAll('article')].map(article => [
        article.querySelector('h2 bdi').textContent,
        Object.fromEntries([...article.querySelectorAll('.scores tr')].slice(1).map(row =>
            [row.cells[0].textContent, [...row.cells].slice(1, 4).map(cell => cell.textContent)]))]))""")


def test_scores_and_quantiles_are_those_of_json(check, pair, browser, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page_of(check, pair))
    browser.open(path.as_uri())
    found, answer = scores(browser), check.json(*pair)
    expected = {}
    for result in answer["results"]:
        expected.setdefault(result["feature"], {})[result["method"]] = [
            shown(result[key]) if not (key == "p_value" and result[key] is not None and result[key] < 1e-300) else "< 1e-300"
            for key in ("score", "threshold", "p_value")]
    assert found == expected
    assert list(found) == list(dict.fromkeys(result["feature"] for result in answer["results"])), "the strongest first"
    quantiles = browser.run("""Object.fromEntries([...document.querySelectorAll('article')].map(article => [
        article.querySelector('h2 bdi').textContent, [...article.querySelectorAll('figure')]
            .filter(figure => figure.textContent.startsWith('Quantiles'))
            .flatMap(figure => [...figure.querySelectorAll('tr')].slice(1).map(row => [...row.cells].slice(1).map(c => c.textContent)))]))""")
    for column in answer["columns"]:
        if "quantiles" in column:
            assert quantiles[column["feature"]] == [[shown(q[side]) for q in column["quantiles"]] for side in ("reference", "current")]


def test_terms_add_up_to_the_psi(check, pair, browser, tmp_path):
    path = tmp_path / "page.html"
    path.write_text(page_of(check, pair))
    browser.open(path.as_uri())
    sums = browser.run("""[...document.querySelectorAll('article')].map(article => [article.querySelector('h2 bdi').textContent,
        [...article.querySelectorAll('.shares tr')].slice(1).reduce((sum, row) => sum + Number(row.cells[4].textContent), 0)])""")
    psi = {r["feature"]: r["score"] for r in check.json(*pair)["results"] if r["method"] == "psi"}
    assert dict(sums) == pytest.approx(psi, rel=0.01, abs=1e-4)


def test_sentences_say_what_happened(check, pair):
    text = Reader(page_of(check, pair)).text
    answer = check.json(*pair)
    amount = next(c for c in answer["columns"] if c["feature"] == "amount")
    assert f"The mean rose from {shown(amount['mean_reference'])} to {shown(amount['mean_current'])}; the share above" in text
    assert "app grew from 25 % to 40 %" in text and "not in the reference grew from 0 % to 20 %" in text
    assert "missing values grew from 0 % to 20 % of the rows" in text
    assert "2 of 3 features drifted, the strongest is " + answer["results"][0]["feature"] + "." in text
    markdown = check.files(*pair, "--format", "markdown").out
    assert markdown.startswith("**2 of 3 features drifted") and "` calm `" not in markdown and markdown.count("\n") < 14


def test_the_distance_is_drawn_where_it_is_reached(check, pair):
    """Between the two curves, at the place that SciPy finds."""
    stats = pytest.importorskip("scipy.stats")
    reference = [float(line.split(",")[0]) for line in open(pair[0]).read().splitlines()[1:]]
    current = [float(line.split(",")[0]) for line in open(pair[1]).read().splitlines()[1:]]
    found = stats.ks_2samp(reference, current)
    article = next(part for part in page_of(check, pair).split("<article")[1:] if "<bdi>amount</bdi>" in part.split("</h2>")[0])
    note = re.search(r'<text class="note[^>]*>([-\d.e+]+) at ([-\d.e+]+)</text>', article)
    assert (note[1], note[2]) == (shown(found.statistic), shown(found.statistic_location))
    x, top, bottom = map(float, re.search(r'class=distance d="M([\d.]+) ([\d.]+)V([\d.]+)"', article).groups())
    assert abs(top - bottom) / (196 - 14) == pytest.approx(found.statistic, abs=0.002)
    low, high = 44, 460 - 12
    assert low < x < high


def hostile_pair(check):
    names = [name for name in HOSTILE if name.strip()]
    header = ",".join(map(csv_field, names)) + "\n"
    def rows(shift, count):
        return "".join(",".join(csv_field(HOSTILE[(i + shift * j) % len(HOSTILE)]) if j % 2 else str((i * 7 + shift * 5) % 40)
                                for j in range(len(names))) + "\n" for i in range(count))
    return names, (check.write("<b>ref.csv", header + rows(0, 400)), check.write("@cur`.csv", header + rows(1, 300)))


def test_hostile_names_are_text(check, browser, tmp_path):
    names, files = hostile_pair(check)
    page = page_of(check, files)
    tags = Reader(page).tags
    assert {tag for tag, _ in tags} <= PLAIN_TAGS
    for tag, attributes in tags:
        assert not any(name.startswith("on") or name in ("src", "srcdoc", "style", "action") for name in attributes), (tag, attributes)
        assert tag != "a" or re.fullmatch(r"#f\d+", attributes["href"])
        assert tag != "link" or attributes == {"rel": "icon", "href": "data:,"}
    path = tmp_path / "page.html"
    path.write_text(page)
    browser.open(path.as_uri())
    assert browser.console == [] and browser.requests == [path.as_uri()] and browser.run("document.scripts.length") == 0
    headings = set(browser.run("[...document.querySelectorAll('h2 bdi')].map(name => name.textContent)"))
    clean = {re.sub("[\x00-\x08\x0b-\x1f\x7f]", "\ufffd", name) for name in names}
    skipped = {item["feature"] for item in check.json(*files)["features_skipped"]}
    assert len(headings) > 20 and headings == clean - {re.sub("[\x00-\x08\x0b-\x1f\x7f]", "\ufffd", name) for name in skipped}
    categories = set(browser.run("[...document.querySelectorAll('.shares bdi')].map(name => name.textContent)"))
    assert categories and categories <= {re.sub("[\x00-\x08\x0b-\x1f\x7f]", "\ufffd", name) for name in HOSTILE}


def test_hostile_names_are_code_in_markdown(check):
    """By GitHub's own converter: nothing but a paragraph, a table, a list and code comes of it."""
    converter = shutil.which("cmark-gfm")
    if not converter:
        pytest.skip("no cmark-gfm here: scripts/setup.sh build installs it")
    _, files = hostile_pair(check)
    done = check.files(*files, "--format", "markdown")
    assert done.returncode == 0
    made = subprocess.run([converter, "--unsafe", "-e", "table", "-e", "autolink", "-e", "strikethrough"], input=done.out, text=True,
                          capture_output=True, check=True, timeout=60).stdout
    assert {tag for tag, _ in Reader(made).tags} <= {"p", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
    outside = re.sub(r"<code>.*?</code>", "", made, flags=re.S)
    assert "@" not in outside and "evil.example" not in outside and "[" not in outside
    for row in re.findall(r"<tr>(.*?)</tr>", made, re.S):
        assert len(re.findall(r"<t[dh]", row)) == 4


def test_fifty_features_are_less_than_a_megabyte(check, browser, tmp_path):
    source = random.Random(3)
    def rows(count, shift):
        return ",".join(f"f{i}" for i in range(50)) + "\n" + "".join(
            ",".join(repr(source.gauss(shift * (i % 5) / 4, 1)) for i in range(50)) + "\n" for _ in range(count))
    page = page_of(check, (check.write("r.csv", rows(2000, 0)), check.write("c.csv", rows(1000, 1))))
    assert len(page.encode()) < 1_000_000
    path = tmp_path / "page.html"
    path.write_text(page)
    for width, dark in (1200, False), (390, True):
        browser.size(width, 900, dark)
        browser.open(path.as_uri())
        assert browser.console == [] and browser.requests == [path.as_uri()]
        assert browser.run("document.querySelectorAll('article').length") == 50
        assert browser.run("document.documentElement.scrollWidth <= innerWidth"), "no sideways scrolling"
        assert browser.run("[...document.querySelectorAll('svg[role=img]')].every(svg => svg.getAttribute('aria-label').length > 20)")


def test_the_same_files_give_the_same_page(check, pair):
    assert page_of(check, pair) == page_of(check, pair)


@pytest.mark.parametrize("reference, current", [
    ("x\n1\n", "x\n2\n"), ("x\n\n", "x\n1\n"), ("x,y\n1,\n2,\n", "x,y\n,\n3,\n"), ("x\n5\n5\n5\n", "x\n5\n"),
    ("x\n-1.7e308\n1.7e308\n", "x\n0\n"), ("x\n1\ninf\n", "x\ninf\n-inf\n"), ("k\na\nb\n", "k\nc\n"),
])
def test_odd_columns_still_make_a_page(check, reference, current):
    files = check.write("r.csv", reference), check.write("c.csv", current)
    for form in "html", "markdown":
        done = check.files(*files, "--format", form)
        assert done.returncode == 0 or "no column" in done.err or "no rows" in done.err, done.err
        assert not re.search(r"[^a-z]nan|[^a-z]inf[^io]", done.out.replace("infinite", "")), "no bare NaN in a drawing"


def test_stream_has_no_page(check, pair):
    done = check.files(*pair, "--stream", "--format", "html")
    assert done.returncode == 2 and "table or json with --stream" in done.err


def test_a_bar_per_feature(check, pair):
    lines = check.files(*pair).out.splitlines()
    bars = {line.split()[0]: re.search(r"[#.]{4}\|[#.]{4}", line) for line in lines if line}
    results = check.json(*pair)["results"]
    for feature in "amount", "channel", "calm":
        strength = max(r["score"] / r["threshold"] for r in results
                       if r["feature"] == feature and r["method"] in ("psi", "ks_test"))
        filled = min(8, int(strength * 4 + 0.5))
        assert bars[feature][0] == ("#" * filled + "." * (8 - filled))[:4] + "|" + ("#" * filled + "." * (8 - filled))[4:], feature
    assert max(map(len, lines[2:])) <= 100
    assert not re.search(r"[#.]{4}\|[#.]{4}", check.files(*pair, "--verbose").out)
