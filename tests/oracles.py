"""What the project's own rules give, in the words of SciPy and NumPy."""
import numpy
from scipy import stats

SPARSE = 5       # expected rows, as in stats/homogeneity.h
KNOWN_ROWS = 25  # so many rows of the reference know a share


def fisher(a, n, b, m):
    return stats.fisher_exact([[a, n - a], [b, m - b]])[1]


def homogeneity_p(ref, cur):
    """The rule of stats/homogeneity.h: whether two histograms come from one distribution."""
    table = numpy.array([ref, cur])
    table = table[:, table.sum(axis=0) > 0]
    n, m = (int(side) for side in table.sum(axis=1))
    if table.shape[1] < 2 or min(n, m) == 0:
        return 1.0
    if table.shape[1] == 2:
        return fisher(table[0, 0], n, table[1, 0], m)
    sums = table.sum(axis=0)
    sparse = numpy.where(table[0] < KNOWN_ROWS, sums * min(n, m) / (n + m) < SPARSE, table[0] * m / n < SPARSE)
    rest, dense = table[:, sparse], table[:, ~sparse]
    together = dense_p(dense, rest.sum(axis=1), n, m)
    if not rest.shape[1]:
        return together
    expected = numpy.outer([n, m], rest.sum(axis=0)) / (n + m)
    with numpy.errstate(divide="ignore", invalid="ignore"):
        terms = numpy.where(rest > 0, rest * numpy.log(rest / expected), 0) - rest + expected
    strangest = rest[:, terms.sum(axis=0).argmax()]
    alone = rest.shape[1] * fisher(strangest[0], n, strangest[1], m)
    return min(1.0, 2 * min(together, alone))


def dense_p(dense, pooled, n, m):
    """Of the bins that are not sparse, and of the sparse ones taken together."""
    if pooled.sum() * min(n, m) / (n + m) >= SPARSE:
        dense = numpy.column_stack([dense, pooled])
    elif dense.shape[1]:
        dense = dense.copy()
        dense[:, dense.sum(axis=0).argmin()] += pooled
    if dense.shape[1] < 2:
        return 1.0
    if dense.shape[1] == 2:
        return fisher(dense[0, 0], n, dense[1, 0], m)
    pearson = stats.chi2_contingency(dense, correction=False)[1]
    ratio, _, dof, _ = stats.chi2_contingency(dense, correction=False, lambda_="log-likelihood")
    rows = n + m
    williams = 1 + (rows * (1 / dense.sum(axis=0)).sum() - 1) * (rows / n + rows / m - 1) / (6 * rows * dof)
    return max(pearson, stats.chi2.sf(ratio / williams, dof))
