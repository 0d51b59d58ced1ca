"""California housing, row by row through /predict: the scores must be SciPy's."""
import pathlib

import numpy
import pandas
import pytest
import scipy.special
import scipy.stats

import fit_logistic
from conftest import ROOT

DATA = ROOT.parent / "shared" / "data"
FEATURES = ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude",
            "Longitude"]
WINDOW = 1000

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the evaluation data is not here")


def write_config(folder, reference_path, intercept, weights):
    features = "\n".join(f"      - {{name: {name}, type: numeric}}" for name in FEATURES)
    path = pathlib.Path(folder) / "housing.yml"
    path.write_text(
        f"models:\n  - name: housing\n    version: \"1\"\n    reference: {reference_path}\n"
        f"    features:\n{features}\n"
        + fit_logistic.scorer_yaml(intercept, FEATURES, weights, indent="    ")
        + f"\n    window: {{observations: {WINDOW}}}\n    minimum_sample: 50\n")
    return str(path)


def test_scores_equal_scipy_and_the_moved_features_are_reported(tmp_path, start_service):
    reference_path = DATA / "california_housing_reference.csv"
    reference = pandas.read_csv(reference_path)
    analysis = pandas.read_csv(DATA / "california_housing_analysis.csv")
    intercept, weights = fit_logistic.fit(reference, "clf_target", FEATURES)
    service = start_service("--config", write_config(tmp_path, reference_path, intercept, weights))

    expected = scipy.special.expit(analysis[FEATURES].to_numpy() @ weights + intercept)
    answer = None
    for i, row in enumerate(analysis[FEATURES].to_numpy().tolist()):
        answer = service.predict(row)
        assert answer["prediction"] == pytest.approx(expected[i], rel=1e-12)

    window = analysis[FEATURES].tail(WINDOW)
    status = service.get("/drift/status").json()
    assert status["window_observations"] == WINDOW
    for name in FEATURES:
        truth = scipy.stats.ks_2samp(reference[name], window[name], mode="asymp").statistic
        assert answer["drift_scores"][name] == pytest.approx(truth, rel=1e-12), name
        method = status["features"][name]["methods"]["ks_test"]
        assert method["score"] == pytest.approx(truth, rel=1e-12)
        effective = len(reference) * WINDOW / (len(reference) + WINDOW)
        p = scipy.special.kolmogorov(numpy.sqrt(effective) * truth)
        assert method["p_value"] == pytest.approx(p, rel=1e-6, abs=1e-300)
        side = status["features"][name]["window"]
        assert side["mean"] == pytest.approx(window[name].mean(), rel=1e-12)
        assert side["std"] == pytest.approx(window[name].std(), rel=1e-12)

    # The window's rows lie elsewhere: the two coordinates and whatever SciPy puts above 0.3.
    moved = {n for n in FEATURES if status["features"][n]["methods"]["ks_test"]["drifted"]}
    assert moved == {n for n in FEATURES
                     if scipy.stats.ks_2samp(reference[n], window[n], mode="asymp").statistic > 0.3}
    assert {"Latitude", "Longitude"} <= moved
    assert status["drift_detected"] is True
