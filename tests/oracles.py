"""What the project's own rules give, in the words of SciPy and NumPy."""
import math

import numpy
from scipy import stats

SPARSE = 5       # expected rows, as in stats/homogeneity.h
KNOWN_ROWS = 25  # so many rows of the reference know a share
MISSED = 1e-5    # a category is sure to be in the reference


def fisher(a, n, b, m):
    return stats.fisher_exact([[a, n - a], [b, m - b]])[1]


def homogeneity_p(ref, cur):
    """The rule of stats/homogeneity.h for bins in a row: whether two histograms come from one distribution."""
    table = occupied(ref, cur)
    n, m = sides(table)
    if table.shape[1] < 2 or min(n, m) == 0:
        return 1.0
    if table.shape[1] == 2:
        return fisher(table[0, 0], n, table[1, 0], m)

    def is_sparse(rows):
        return rows < KNOWN_ROWS or rows * m / n < SPARSE

    sparse = numpy.array([is_sparse(rows) for rows in table[0]])
    columns, held = [], numpy.zeros(2, dtype=int)
    for column, is_alone in zip(table.T, ~sparse):
        if is_alone:
            columns.append(column)
            continue
        held = held + column
        if not is_sparse(held[0]):
            columns.append(held)
            held = numpy.zeros(2, dtype=int)
    dense = numpy.column_stack(columns) if columns else numpy.zeros((2, 0), dtype=int)
    together = dense_p(dense, held, n, m)
    if not sparse.any():
        return together
    return min(1.0, 2 * min(together, sparse.sum() * strangest_p(table[:, sparse], n, m)))


def categories_p(ref, cur, unseen, once, twice):
    """The same of categories that all have a bin: [categories], of which ref has some, and what it has not."""
    table = numpy.array([[*ref, 0], [*cur, unseen]])
    n, m = sides(table)
    table = occupied(ref, cur)
    if (table.shape[1] + (unseen > 0)) < 2 or min(n, m) == 0:
        return 1.0
    sums = table.sum(axis=0)
    sparse = (sums * min(n, m) / (n + m) < SPARSE) | (sums * math.log(m / (n + m)) > math.log(MISSED))
    rest = table[:, sparse]
    together = dense_p(table[:, ~sparse], rest.sum(axis=1) + [0, unseen], n, m)
    lumped = unseen > 0 or once > 0
    if not sparse.any() and not lumped:
        return together
    tries = sparse.sum() + lumped
    alone = tries * strangest_p(rest, n, m) if sparse.any() else 1.0
    if unseen * n > once * m:
        part = (once + 1) / (once + 1 + 2 * twice)
        rows, hits = math.ceil(part * n), math.ceil(part * once)
        alone = min(alone, tries * fisher(min(hits, rows), rows, unseen, m))
    return min(1.0, 2 * min(together, alone))


def occupied(ref, cur):
    table = numpy.array([ref, cur])
    return table[:, table.sum(axis=0) > 0]


def sides(table):
    return (int(side) for side in table.sum(axis=1))


def strangest_p(rest, n, m):
    """Fisher's test of the bin whose likelihood ratio is the largest."""
    expected = numpy.outer([n, m], rest.sum(axis=0)) / (n + m)
    with numpy.errstate(divide="ignore", invalid="ignore"):
        terms = numpy.where(rest > 0, rest * numpy.log(rest / expected), 0) - rest + expected
    strangest = rest[:, terms.sum(axis=0).argmax()]
    return fisher(strangest[0], n, strangest[1], m)


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
