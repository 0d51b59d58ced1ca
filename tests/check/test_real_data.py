"""California housing and Titanic: the statistics are SciPy's, and the tables read sensibly."""
import math

import numpy
import pandas
import pytest
from scipy import special, stats

import oracles
from conftest import DATA, by_method

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the evaluation data is not here")

PAIRS = {"california_housing": ["id"], "titanic": ["PassengerId"]}


@pytest.fixture(params=PAIRS)
def case(request, check):
    paths = [str(DATA / f"{request.param}_{part}.csv") for part in ("reference", "analysis")]
    missing = dict(keep_default_na=False, na_values=["", "NA", "NaN", "nan", "null"])
    return (request.param, paths, check.json(*paths),
            [pandas.read_csv(path, **missing) for path in paths])


def test_every_common_column_is_compared_or_skipped_with_a_reason(case):
    _, _, answer, (reference, current) = case
    compared = {r["feature"] for r in answer["results"]}
    skipped = {s["feature"] for s in answer["features_skipped"]}
    assert compared | skipped == set(reference) | set(current)
    assert not compared & skipped
    assert answer["rows"] == len(current) and answer["bad_rows"] == 0


def test_ks_equals_scipy(case):
    _, _, answer, (reference, current) = case
    compared = 0
    for (name, method), result in by_method(answer).items():
        if method != "ks_test":
            continue
        x, y = reference[name].dropna(), current[name].dropna()
        truth = stats.ks_2samp(x, y, mode="asymp").statistic
        assert result["score"] == pytest.approx(truth, rel=1e-12), name
        if len(x) * len(y) > 1_000_000:
            effective = len(x) * len(y) / (len(x) + len(y))
            p = special.kolmogorov(math.sqrt(effective) * truth)
            assert result["p_value"] == pytest.approx(p, rel=1e-6, abs=1e-300), name
        assert result["missing_reference"] == reference[name].isna().sum()
        assert result["missing_current"] == current[name].isna().sum()
        compared += 1
    assert compared >= 7


def contingency(reference, current):
    """Categories of the reference, unseen ones together, and missing values."""
    names = reference.dropna().unique()
    rows = []
    for column in (reference, current):
        counts = column.value_counts().reindex(names, fill_value=0)
        unseen = column.notna() & ~column.isin(names)
        rows.append([*counts, unseen.sum(), column.isna().sum()])
    table = numpy.array(rows)
    return table[:, table.sum(axis=0) > 0]


def categories(reference, current):
    """Both counts by category of the reference (missing is one), unseen rows, and categories of one and two rows."""
    counts = reference.value_counts()
    now = current.value_counts().reindex(counts.index, fill_value=0)
    unseen = int((current.notna() & ~current.isin(counts.index)).sum())
    return ([*counts, reference.isna().sum()], [*now, current.isna().sum()], unseen,
            int((counts == 1).sum()), int((counts == 2).sum()))


def test_chi_square_of_categories_equals_scipy(case):
    name, _, answer, (reference, current) = case
    compared = 0
    for (feature, method), result in by_method(answer).items():
        if method != "chi_square" or result["type"] != "categorical":
            continue
        truth = stats.chi2_contingency(contingency(reference[feature], current[feature]),
                                       correction=False)
        assert result["score"] == pytest.approx(truth[0], rel=1e-12), feature
        p = oracles.categories_p(*categories(reference[feature], current[feature]))
        assert result["p_value"] == pytest.approx(p, rel=1e-6), feature
        compared += 1
    assert compared == (3 if name == "titanic" else 0)


def test_chi_square_of_numbers_equals_scipy_on_the_same_bins(case):
    """Whole numbers with few values: every value is heavy or a bin of its own."""
    name, _, answer, (reference, current) = case
    feature = {"titanic": "Pclass", "california_housing": "y_pred"}[name]
    table = contingency(reference[feature], current[feature])
    truth = stats.chi2_contingency(table, correction=False)
    result = by_method(answer)[feature, "chi_square"]
    assert result["score"] == pytest.approx(truth[0], rel=1e-12)
    assert result["p_value"] == pytest.approx(oracles.homogeneity_p(*table), rel=1e-6)


def test_the_verdicts_are_those_of_an_engineer(case, check):
    name, paths, answer, _ = case
    expected = {"california_housing": {"id", "Latitude", "Longitude", "y_pred_proba"},
                "titanic": {"PassengerId"}}[name]
    assert set(answer["drifted_features"]) == expected
    exclude = ",".join(PAIRS[name])
    # the truth is in the reference only
    done = check.files(*paths, "--exclude", exclude, "--fail-on", "drift", "--allow-missing-columns")
    assert done.returncode == (3 if name == "california_housing" else 0)
    lines = done.out.splitlines()
    assert max(len(line) for line in lines[3:]) <= 100
    skipped = {s["feature"] for s in answer["features_skipped"]}
    assert skipped == {"california_housing": {"timestamp", "clf_target"},
                       "titanic": {"Name", "Ticket", "Cabin", "home.dest", "Survived"}}[name]
