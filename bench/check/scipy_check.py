"""What check is measured against: KS and chi-square of two CSV files with pandas and SciPy."""
import json
import sys

import numpy
import pandas
from scipy import stats

reference, current = pandas.read_csv(sys.argv[1]), pandas.read_csv(sys.argv[2])
answer = {}
for name in reference.columns:
    if pandas.api.types.is_numeric_dtype(reference[name]):
        result = stats.ks_2samp(reference[name], current[name], mode="asymp")
        answer[name] = {"ks": result.statistic, "p_value": result.pvalue}
    else:
        counts = pandas.concat([reference[name].value_counts(), current[name].value_counts()], axis=1)
        result = stats.chi2_contingency(counts.fillna(0).to_numpy(numpy.int64), correction=False)
        answer[name] = {"chi_square": result[0], "p_value": result[1]}
json.dump(answer, sys.stdout)
