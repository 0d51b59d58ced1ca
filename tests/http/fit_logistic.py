"""Logistic weights for a CSV by maximum likelihood, in the units of the columns.

usage: fit_logistic.py DATA.csv TARGET FEATURE...     prints YAML for a model's `scorer`
"""
import sys

import numpy
import pandas
import scipy.optimize
import scipy.special


def fit(data, target, features):
    """Intercept and weights; standardised inside, with a small ridge for a unique optimum."""
    x = data[features].to_numpy(float)
    y = data[target].to_numpy(float)
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    z = (x - mean) / deviation

    def loss(beta):
        margin = z @ beta[1:] + beta[0]
        value = numpy.mean(numpy.logaddexp(0, margin) - y * margin) + 1e-6 * beta[1:] @ beta[1:]
        residual = scipy.special.expit(margin) - y
        gradient = numpy.concatenate(([residual.mean()], z.T @ residual / len(y) + 2e-6 * beta[1:]))
        return value, gradient

    best = scipy.optimize.minimize(loss, numpy.zeros(len(features) + 1), jac=True, method="BFGS")
    weights = best.x[1:] / deviation
    return float(best.x[0] - weights @ mean), [float(w) for w in weights]


def scorer_yaml(intercept, features, weights, indent=""):
    lines = ["scorer:", "  type: logistic", f"  intercept: {intercept!r}", "  weights:"]
    lines += [f"    - {{feature: {f}, weight: {w!r}}}" for f, w in zip(features, weights)]
    return "\n".join(indent + line for line in lines)


if __name__ == "__main__":
    path, target, *features = sys.argv[1:]
    intercept, weights = fit(pandas.read_csv(path), target, features)
    print(scorer_yaml(intercept, features, weights))
