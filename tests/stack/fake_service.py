"""A model service that a test plays: it serves the metrics that the rules read, for as many models as wanted, and a
test switches drift, concept drift, missing values and shifted predictions of each on and off."""

import http.server
import threading
import time

REFERENCE = "5f3c9a1e"
OUTPUTS = ("prediction", "prediction_score")  # of the model, watched like features


class FakeModel:
    """What is wrong with one model now; every attribute may be changed at any time."""

    def __init__(self, name, features=("a", "b", "c"), version="3"):
        self.name, self.features, self.version = name, tuple(features), version
        self.scores = {}  # feature: Kolmogorov-Smirnov score; `prediction` is the model's own output
        self.since = {}
        self.missing = set()
        self.degraded = False
        self.onsets = 0

    def drift(self, *features, score):
        for feature in features:
            self.scores[feature] = score
            self.since[feature] = time.time()

    def end_drift(self, *features):
        for feature in features:
            self.scores.pop(feature, None)
            self.since.pop(feature, None)

    def concept(self, there):
        self.degraded = there
        self.onsets += there

    def families(self):
        """(family, labels, value) of everything that the rules look at."""
        yield "model_info", {"version": self.version, "reference": REFERENCE}, 1
        yield "model_window_observations", {}, 200
        yield "model_minimum_sample_observations", {}, 50
        yield "model_reference_samples", {}, 1000
        yield "model_last_observation_timestamp_seconds", {}, time.time()
        for feature in (*self.features, *OUTPUTS):
            yield from self.feature_families(feature)
        yield "model_performance_labels", {}, 120
        yield "model_performance", {"metric": "accuracy"}, 0.55 if self.degraded else 0.92
        yield "model_performance_reference", {"metric": "accuracy"}, 0.91
        yield "model_performance_degraded", {"metric": "accuracy"}, int(self.degraded)
        for bound, value in (("lower", 0.46), ("upper", 0.64)) if self.degraded else (("lower", 0.86), ("upper", 0.96)):
            yield "model_performance_interval", {"metric": "accuracy", "bound": bound}, value
        yield "model_concept_drift", {"detector": "adwin"}, 2 * self.degraded
        yield "model_concept_drift_onsets_total", {"detector": "adwin"}, self.onsets

    def feature_families(self, feature):
        of = {"feature": feature}
        score = self.scores.get(feature, 0.05)
        method = "psi" if feature in OUTPUTS else "ks_test"
        for name, value in ((method, score), *([] if method == "psi" else [("psi", score / 2)])):
            yield "model_drift_score", {**of, "method": name}, value
            yield "model_drift_significant", {**of, "method": name}, int(value > 0.1)
            yield "model_drift_p_value", {**of, "method": name}, 1e-20 if value > 0.1 else 0.4
        for severity, threshold in (("warning", 0.3), ("critical", 0.5)):
            yield "model_feature_drift_threshold", {**of, "severity": severity}, threshold
        if feature in self.since:
            yield "model_drift_since_timestamp_seconds", of, self.since[feature]
        if feature in OUTPUTS:
            return
        missing = feature in self.missing
        yield "model_feature_mean", of, 1.5 if score > 0.1 else 0.5
        yield "model_feature_std", of, 0.3
        yield "model_feature_reference_mean", of, 0.5
        yield "model_feature_reference_std", of, 0.3
        yield "model_feature_missing_ratio", of, 0.4 if missing else 0
        yield "model_feature_reference_missing_ratio", of, 0
        yield "model_feature_missing_significant", of, int(missing)


class FakeService(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, models):
        self.models = models
        super().__init__(("127.0.0.1", 0), Scrape)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server_port}"

    def exposition(self):
        families = {}
        for model in self.models:
            for family, labels, value in model.families():
                pairs = ",".join(f'{name}="{text}"' for name, text in {"model": model.name, **labels}.items())
                families.setdefault(family, []).append(f"{family}{{{pairs}}} {value}")
        return "".join(f"# TYPE {family} {'counter' if family.endswith('_total') else 'gauge'}\n" + "\n".join(lines) + "\n"
                       for family, lines in families.items())

    def close(self):
        self.shutdown()
        self.server_close()


class Scrape(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.server.exposition().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
